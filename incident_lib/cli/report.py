"""`incident report`: the report of one incident from what a person says, flag for flag as the old script."""

import argparse
import json
import sys
from datetime import datetime
from pathlib import Path

from incident_lib import clock, config
from incident_lib.errors import UsageError
from incident_lib.incident.files import slug, write_atomic
from incident_lib.investigation.setup import redactor_for
from incident_lib.model import IncidentSeverity
from incident_lib.reports.generated import merge
from incident_lib.reports.incident_report import Report, as_json, check_order, place_events, render


def report(arguments: argparse.Namespace) -> int:
    """Return 0 once both files are there. A second report keeps what people wrote into the first."""
    settings, now = config.load(arguments.config), clock.now()
    redactor = redactor_for(settings)
    told = _report(arguments, now).redacted(redactor)
    directory = Path(arguments.output_dir)
    stem = f"incident-{told.start:%Y%m%d}-{slug(told.title)}"
    markdown, data = directory / f"{stem}.md", directory / f"{stem}.json"
    content = as_json(told, generated_at=now, files={"markdown": str(markdown), "json": str(data)})
    text = json.dumps(content, indent=2) + "\n"
    write_atomic(markdown, merge(read_text(markdown), render(told, generated_at=now)).encode())
    write_atomic(data, text.encode())
    if arguments.json:
        sys.stdout.write(text)
    else:
        print(f"Incident report generated:\n  Markdown: {markdown}\n  JSON:     {data}")
        print(f"  Severity: {told.severity.value}\n  Duration: {told.duration}")
        print(f"  Status:   {told.status.capitalize()}")
    return 0


def read_text(path: Path) -> str:
    """Return what stands in a file that people may have edited, "" without it. Errors: UsageError."""
    try:
        return path.read_bytes().decode() if path.exists() else ""
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8; save it as UTF-8, then try again") from error
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from error


def _report(arguments: argparse.Namespace, now: datetime) -> Report:
    if not arguments.title.strip():
        raise UsageError("--title is empty; say in a few words what happened")
    severity = IncidentSeverity.parse(arguments.severity)
    start = _time("--start-time", arguments.start_time, now)
    end = _time("--end-time", arguments.end_time, now) if arguments.end_time else None
    check_order(start, end)
    moments = place_events(tuple(arguments.timeline_events), start, end)
    for moment in moments:
        if moment.at is None:
            sys.stderr.write(f"--timeline-events {moment.given!r} has no time; it stands at the end\n")
    if any(moment.at and not clock.has_zone(moment.given.split(maxsplit=1)[0]) for moment in moments):
        sys.stderr.write("--timeline-events: times are taken as UTC\n")
    return Report(
        title=" ".join(arguments.title.split()),
        severity=severity,
        start=start,
        end=end,
        impact=arguments.impact.strip(),
        root_cause=arguments.root_cause.strip(),
        commander=arguments.commander.strip(),
        services=tuple(arguments.services_affected),
        moments=moments,
    )


def _time(flag: str, text: str, now: datetime) -> datetime:
    try:
        moment = clock.parse_time(text, at=now)
    except UsageError as error:
        raise UsageError(f"{flag}: {error}") from error
    if not clock.has_zone(text):
        sys.stderr.write(f"{flag} {text} has no zone: taken as UTC\n")
    return moment

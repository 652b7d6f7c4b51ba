"""`incident report`: the report of an incident from what a person writes, flag for flag as the old script."""

import argparse
import sys
from datetime import datetime
from pathlib import Path

from incident_lib import clock, config
from incident_lib.cli.stream import write_json
from incident_lib.errors import UsageError
from incident_lib.model import IncidentSeverity
from incident_lib.reports.incident_report import Report, check_order, place_events
from incident_lib.response.report import write_report


def report(arguments: argparse.Namespace) -> int:
    """Return 0 once both files are there. A second report keeps what people wrote into the first."""
    settings, now = config.load(arguments.config), clock.now()
    written = write_report(settings, _report(arguments, now), Path(arguments.output_dir), at=now)
    if arguments.json:
        write_json(written.data.read_bytes().rstrip())
    else:
        print(f"Incident report generated:\n  Markdown: {written.markdown}\n  JSON:     {written.data}")
        print(f"  Severity: {written.report.severity.value}\n  Duration: {written.report.duration}")
        print(f"  Status:   {written.report.status.capitalize()}")
    return 0


def _report(arguments: argparse.Namespace, now: datetime) -> Report:
    if not arguments.title.strip():
        raise UsageError("--title is empty; describe what happened in a few words")
    severity = IncidentSeverity.parse(arguments.severity)
    start = _time("--start-time", arguments.start_time, now)
    end = _time("--end-time", arguments.end_time, now) if arguments.end_time else None
    check_order(start, end)
    moments = place_events(tuple(arguments.timeline_events), start, end)
    for moment in moments:
        if moment.at is None:
            sys.stderr.write(f"--timeline-events {moment.given!r} has no time; it is listed at the end\n")
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

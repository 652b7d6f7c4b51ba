"""`incident logs`: one service's log as files, flag for flag like the script it replaces."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from incident_lib import clock, config
from incident_lib.cli.arguments import moment
from incident_lib.errors import UsageError
from incident_lib.investigation.setup import redactor_for
from incident_lib.technologies.logs.export import Job, export, reader_of


def logs(arguments: argparse.Namespace) -> int:
    """Fetch the log. Exit code 1 when there is no such container, no engine, or no log that can be read."""
    if not arguments.service.strip():
        raise UsageError("--service: write the name of a service")
    since = moment("--since", arguments.since)
    if (clock.now() - since).total_seconds() < 1:
        raise UsageError(f"--since {arguments.since}: that is now or later, so there is nothing to fetch")
    settings = config.load(getattr(arguments, "config", None))
    job = Job(
        service=arguments.service,
        reader=reader_of(settings, arguments.service, arguments.container_prefix),
        since_text=arguments.since,
        since=since,
        at=clock.now(),
        tail=_tail(arguments.tail),
        pattern=arguments.filter,
        folder=Path(arguments.output_dir),
        summary_only=arguments.summary_only,
        redactor=redactor_for(settings),
    )
    summary = export(job)
    is_collected = summary["status"] == "collected"
    if not is_collected:
        print("\n".join(_failure(summary)), file=sys.stderr)
    if getattr(arguments, "json", False):
        print(json.dumps(summary, indent=2, ensure_ascii=False))
    elif is_collected:
        print("\n".join(_report(summary)))
    return 0 if is_collected else 1


def _tail(text: str) -> int | None:
    if text.strip().lower() == "all":
        return None
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number <= 0:
        raise UsageError(f"--tail {text}: write a number of lines, or all")
    return number


def _failure(summary: dict[str, Any]) -> list[str]:
    lines = [f"no log of {summary['service']}: {summary['error']}"]
    if summary["advice"]:
        lines.append(summary["advice"])
    if summary["available_containers"]:
        lines.append(f"containers there are: {', '.join(summary['available_containers'])}")
    return [*lines, f"summary: {summary['files']['summary']}"]


def _report(summary: dict[str, Any]) -> list[str]:
    """Return what the terminal shows."""
    place = summary["container"] or summary["log_file"] or f"unit {summary.get('journal')}"
    where = f"{summary['service']} ({place}), since {summary['since']}"
    count = f"{summary['total_log_lines']:,} lines, {summary['error_lines']:,} with errors"
    lines = [f"{where}: {count}"]
    if summary["cut"]:
        lines.append(f"cut: {summary['cut']}")
    if summary["filter_pattern"]:
        lines.append(f"{summary['filter_matches']:,} lines match {summary['filter_pattern']!r}")
    lines += [f"{entry['count']:>7,}  {entry['pattern'][:100]}" for entry in summary["top_error_patterns"]]
    lines += [f"{name}: {path}" for name, path in summary["files"].items() if path]
    return lines

"""`incident logs --service`: one service's log as files, flag for flag like the script it replaces."""

import argparse
import json
import sys
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import Any

from incident_lib import clock, config
from incident_lib.cli.arguments import moment
from incident_lib.cli.stream import write_json
from incident_lib.errors import UsageError
from incident_lib.investigation.setup import redactor_for
from incident_lib.redact.marks import Marks
from incident_lib.technologies.logs.export import Job, export, reader_of


def logs(arguments: argparse.Namespace) -> int:
    """Fetch the log, or summarize the files that are named.

    Exit code 1 when there is no such container, no engine, or no log that can be read.
    """
    if arguments.paths:
        return _of_files(arguments)
    if not arguments.service.strip():
        raise UsageError("give a PATH, or the name of a service with --service")
    if arguments.no_rotated or arguments.jobs or arguments.cluster:
        raise UsageError("--no-rotated, --jobs and --cluster need a PATH, not --service")
    since_text = "15m" if arguments.since is None else arguments.since
    since = past(since_text)
    settings = config.load(getattr(arguments, "config", None))
    job = Job(
        service=arguments.service,
        reader=reader_of(settings, arguments.service, arguments.container_prefix),
        since_text=since_text,
        since=since,
        at=clock.now(),
        tail=_tail("1000" if arguments.tail is None else arguments.tail),
        pattern=arguments.filter or "",
        folder=Path("./incident-logs" if arguments.output_dir is None else arguments.output_dir),
        summary_only=arguments.summary_only,
        redactor=redactor_for(settings, Marks()),
    )
    summary = export(job)
    is_collected = summary["status"] == "collected"
    if not is_collected:
        print("\n".join(_failure(summary)), file=sys.stderr)
    if getattr(arguments, "json", False):
        write_json(json.dumps(summary, indent=2).encode())
    elif is_collected:
        print("\n".join(_report(summary)))
    return 0 if is_collected else 1


def past(text: str) -> datetime:
    """Return the moment that --since names. Errors: UsageError where nothing can have been written since."""
    since = moment("--since", text)
    if (clock.now() - since).total_seconds() < 1:
        raise UsageError(f"--since {text}: that is now or in the future, so there is nothing to fetch")
    return since


def _of_files(arguments: argparse.Namespace) -> int:
    given = (
        ("--service", arguments.service),
        ("--output-dir", arguments.output_dir),
        ("--filter", arguments.filter),
        ("--container-prefix", arguments.container_prefix),
        ("--tail", arguments.tail),
        ("--summary-only", arguments.summary_only),
    )
    wrong = [flag for flag, value in given if value]
    if wrong:
        raise UsageError(f"{', '.join(wrong)}: cannot be combined with a PATH ({arguments.paths[0]})")
    text = arguments.since
    since = None if text is None or text.strip().lower() == "all" else past(text)
    return int(import_module("incident_lib.cli.log_files").summarize_files(arguments, since))


def _tail(text: str) -> int | None:
    if text.strip().lower() == "all":
        return None
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number <= 0:
        raise UsageError(f"--tail {text}: give a number of lines, or all")
    return number


def _failure(summary: dict[str, Any]) -> list[str]:
    lines = [f"no log for {summary['service']}: {summary['error']}"]
    if summary["advice"]:
        lines.append(summary["advice"])
    if summary["available_containers"]:
        lines.append(f"available containers: {', '.join(summary['available_containers'])}")
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

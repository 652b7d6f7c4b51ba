"""`incident logs`: one service's log as files, flag for flag like the script it replaces."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from incident_lib import clock, config
from incident_lib.cli import log_files
from incident_lib.cli.arguments import moment
from incident_lib.cli.log_files import Job
from incident_lib.cli.parser import CONTAINER_PREFIX
from incident_lib.connections.docker import open_engine, translated
from incident_lib.errors import ProblemKind, TargetError, UsageError
from incident_lib.redact import Redactor


def logs(arguments: argparse.Namespace) -> int:
    """Fetch the log. Exit code 1 when there is no such container, no engine, or no log that can be read."""
    job = _job(arguments)
    try:
        summary = log_files.collect(job)
    except TargetError as error:
        there = _containers(error)
        summary = log_files.failed(job, error, there)
        _say_failure(error, there, summary)
    if getattr(arguments, "json", False):
        print(json.dumps(summary, indent=2, ensure_ascii=False))
    elif summary["status"] == "collected":
        print("\n".join(_report(summary)))
    return 0 if summary["status"] == "collected" else 1


def _job(arguments: argparse.Namespace) -> Job:
    """Return what to fetch: the container, or the file of a configured service that has no container."""
    if not arguments.service.strip():
        raise UsageError("--service: write the name of a service")
    since = moment("--since", arguments.since)
    if (clock.now() - since).total_seconds() < 1:
        raise UsageError(f"--since {arguments.since}: that is now or later, so there is nothing to fetch")
    settings = config.load(getattr(arguments, "config", None))
    own = settings.services if settings.path else ()
    service = next((entry for entry in own if entry.name == arguments.service), None)
    prefix = arguments.container_prefix
    container = service.container if service and service.container and prefix is None else ""
    path = settings.file(service.log) if service and service.log and not service.container else None
    if path is None or prefix is not None:
        path, container = (
            None,
            container or f"{CONTAINER_PREFIX if prefix is None else prefix}-{arguments.service}",
        )
    redaction = settings.document.redact
    return Job(
        service=arguments.service,
        container=container,
        path=path,
        since_text=arguments.since,
        since=since,
        at=clock.now(),
        tail=_tail(arguments.tail),
        pattern=arguments.filter,
        folder=Path(arguments.output_dir),
        summary_only=arguments.summary_only,
        redactor=Redactor(settings.secrets(), redaction.patterns, redaction.keys),
    )


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


def _containers(error: TargetError) -> list[str]:
    """Return the names of the containers there are, none where there is no engine to ask."""
    if error.kind is ProblemKind.NO_ENGINE:
        return []
    try:
        engine = open_engine()
        try:
            with translated("the list of containers"):
                found = engine.client.api.containers(all=True)
        finally:
            engine.close()
    except TargetError:
        return []
    return sorted(name.lstrip("/") for entry in found for name in (entry.get("Names") or [])[:1])


def _say_failure(error: TargetError, there: list[str], summary: dict[str, Any]) -> None:
    print(f"no log of {summary['service']}: {error.message}", file=sys.stderr)
    if error.advice:
        print(error.advice, file=sys.stderr)
    if there:
        print(f"containers there are: {', '.join(there)}", file=sys.stderr)
    print(f"summary: {summary['files']['summary']}", file=sys.stderr)


def _report(summary: dict[str, Any]) -> list[str]:
    """Return what the terminal shows."""
    where = f"{summary['service']} ({summary['container'] or summary['log_file']}), since {summary['since']}"
    count = f"{summary['total_log_lines']:,} lines, {summary['error_lines']:,} with errors"
    lines = [f"{where}: {count}"]
    if summary["cut"]:
        lines.append(f"cut: {summary['cut']}")
    if summary["filter_pattern"]:
        lines.append(f"{summary['filter_matches']:,} lines match {summary['filter_pattern']!r}")
    lines += [f"{entry['count']:>7,}  {entry['pattern'][:100]}" for entry in summary["top_error_patterns"]]
    lines += [f"{name}: {path}" for name, path in summary["files"].items() if path]
    return lines

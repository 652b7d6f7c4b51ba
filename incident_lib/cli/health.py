"""`incident health`: every service checked at once, a report that always parses, exit 1 when any is down."""

import argparse
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from incident_lib import clock
from incident_lib.characters import visible
from incident_lib.cli.parser import HEALTH_OUTPUT, PLACES
from incident_lib.cli.stream import beneath, is_plain, write_json
from incident_lib.config import Settings
from incident_lib.errors import UsageError
from incident_lib.incident.files import make_folder, open_file, sync_file
from incident_lib.investigation.health import (
    Report,
    begin,
    configured_checks,
    document,
    lines,
    places,
    redactor_of,
    run_checks,
    script_checks,
)
from incident_lib.investigation.setup import load_settings, with_kinds
from incident_lib.probes.health import HealthCheck
from incident_lib.technologies.docker.health import list_containers

_TIMEOUT_SECONDS = 10.0
_GREEN, _RED, _PLAIN = "\x1b[32m", "\x1b[31m", "\x1b[0m"


def health(arguments: argparse.Namespace) -> int:
    """Return 0 when everything is healthy, else 1. Writes the report and the log.

    What was found is printed although it cannot be written: a full disk is when people need it.
    Errors: UsageError then, after everything was printed.
    """
    settings = load_settings(arguments.config or "", check=False)
    if settings.path:  # without a configuration there are the script's six checks, which need no technology
        settings = with_kinds(settings)
    checks, services = _plan(arguments, settings)
    at = clock.now()
    seconds = arguments.timeout or _TIMEOUT_SECONDS
    listing = begin(list_containers, seconds)
    results = run_checks(checks, seconds)
    report = Report(at=at, services=services, results=results, containers=listing())
    content = document(report, redactor_of(settings))
    if arguments.json:
        write_json(_json(content).rstrip().encode())
    else:
        _show(content, beneath(sys.stdout), color=_wants_color(sys.stdout, arguments))
    sys.stdout.flush()
    written = _write(_folder(arguments.output_dir or HEALTH_OUTPUT), clock.format_stamp(at), content)
    if not arguments.json:
        print(_encodable(f"report: {written}", sys.stdout))
    return 1 if report.unhealthy else 0


def _plan(
    arguments: argparse.Namespace, settings: Settings
) -> tuple[tuple[HealthCheck, ...], dict[str, str]]:
    if settings.path and not _wants_script(arguments):
        checks = configured_checks(settings)
        if not checks:
            raise UsageError(f"{settings.path} configures no service to check")
        return checks, places(settings)
    given = {
        name: getattr(arguments, name) or os.environ.get(variable) or default
        for name, variable, default in PLACES
    }
    backend, frontend, db, redis = given.values()
    return script_checks(backend, frontend, db, redis), given


def _wants_script(arguments: argparse.Namespace) -> bool:
    """Return whether a flag of the script was given; a named configuration yields only to an address."""
    addressed = any(getattr(arguments, name) is not None for name, _, _ in PLACES)
    bounded = arguments.output_dir is not None or arguments.timeout is not None
    return addressed or (bounded and not arguments.config)


def _folder(name: str) -> Path:
    folder = Path(name)
    try:
        make_folder(folder)
    except OSError as error:
        raise UsageError(f"--output-dir {name}: {error.strerror}") from error
    return folder


def _write(folder: Path, stamp: str, content: dict[str, Any]) -> Path:
    """Return the path of the report; report and log appear complete or not at all."""
    path = folder / f"health-all-services-{stamp}.json"
    log = "\n".join([f"{content['timestamp']} incident health", *_text(content), ""])
    try:
        for target, text in ((path, _json(content)), (path.with_suffix(".log"), log)):
            partial = target.with_name(f".{target.name}.{os.getpid()}")
            with open_file(partial, "w", errors="backslashreplace") as file:
                file.write(text)
                sync_file(file)
            partial.replace(target)
    except OSError as error:
        raise UsageError(f"{folder}: {error.strerror}") from error
    return path


def _json(content: dict[str, Any]) -> str:
    return json.dumps(content, indent=2) + "\n"


def _text(content: dict[str, Any]) -> Iterator[str]:
    yield from (f"{_mark(status)} {status:9}  {text}" for status, text in lines(content))
    for container in content["containers"] or ():
        yield f"  container  {container['name']}  {container['state']}  {container['image']}"
    yield _overall(content)


def _overall(content: dict[str, Any]) -> str:
    well, total = content["healthy"], content["total_checks"]
    return f"overall: {content['overall_status']}, {well} of {total} healthy"


def _mark(status: str) -> str:
    return "✓" if status == "healthy" else "✗"


def _wants_color(stream: TextIO, arguments: argparse.Namespace) -> bool:
    return stream.isatty() and not is_plain(no_color=arguments.no_color)


def _show(content: dict[str, Any], stream: TextIO, *, color: bool) -> None:
    for line in _text(content):
        tint = _GREEN if line.startswith("✓") else _RED if line.startswith("✗") else ""
        text = f"{tint}{line[0]}{_PLAIN}{visible(line[1:])}" if color and tint else visible(line)
        stream.write(_encodable(text, stream) + "\n")


def _encodable(text: str, stream: TextIO) -> str:
    """Return `text` as the terminal can show it."""
    encoding = stream.encoding or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        text = text.replace("✓", "+").replace("✗", "-")
        return text.encode(encoding, "replace").decode(encoding)
    return text

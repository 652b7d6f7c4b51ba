"""What the commands read from their arguments in the same way."""

import argparse
import sys
from contextlib import suppress
from datetime import datetime

import msgspec

from incident_lib import clock
from incident_lib.cli.stream import write_json
from incident_lib.config import Settings
from incident_lib.errors import WorkbenchError
from incident_lib.incident import folder as folders
from incident_lib.incident.folder import IncidentFolder
from incident_lib.investigation.setup import load_settings, redactor_for


def open_folder(arguments: argparse.Namespace) -> tuple[Settings, IncidentFolder]:
    """Return the settings and the incident that the arguments name, or the newest. Errors: UsageError."""
    settings = load_settings(arguments.config or "", arguments.incident, check=False)
    return settings, folders.find(settings.incidents, arguments.incident, redactor_for(settings))


def next_command(arguments: argparse.Namespace, error: WorkbenchError) -> str:
    """Return the line with the command that an error proposes, "" where nothing can be read."""
    incident = error.incident or getattr(arguments, "incident", "")
    try:
        settings = load_settings(arguments.config or "", incident)
        commands = settings.commands()
        with suppress(WorkbenchError):  # there is no incident yet
            commands = settings.commands(
                folders.find(settings.incidents, incident, redactor_for(settings)).path
            )
    except WorkbenchError:
        return ""
    return f"Next: {commands.line(*error.command)}\n"


def moment(flag: str, text: str) -> datetime:
    """Return the past moment that a flag names; says so where a missing zone was taken as UTC."""
    at = clock.parse_past(text, what=flag)
    if not clock.has_zone(text):
        sys.stderr.write(f"{flag} {text} has no zone: taken as UTC\n")
    return at


def print_json(document: object) -> int:
    """Print one JSON document on standard output and return 0."""
    write_json(msgspec.json.format(msgspec.json.encode(document), indent=2))
    return 0

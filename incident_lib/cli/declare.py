"""`incident declare`: makes the incident's folder and the first message."""

import argparse
import sys

import msgspec

from incident_lib import config, response
from incident_lib.cli.arguments import moment, print_json
from incident_lib.incident.folder import Declaration
from incident_lib.model import IncidentSeverity
from incident_lib.model.commands import Commands


def declare(arguments: argparse.Namespace) -> int:
    """Return 0 once the folder is there. Prints the id and the declaration."""
    declaration = Declaration(
        title=arguments.title,
        severity=IncidentSeverity.parse(arguments.severity),
        started_at=moment("--start", arguments.start),
        commander=arguments.commander,
        impact=arguments.impact,
        services=tuple(arguments.service),
    )
    settings = config.load(arguments.config)
    declared = response.declare(settings, declaration)
    folder, commands = declared.folder, settings.commands(declared.folder.path)
    if arguments.json:
        return print_json({**msgspec.to_builtins(folder.incident), "path": str(folder.path)})
    sys.stderr.write(_note(declared, commands))
    print(f"{folder.id}\n\n{declared.text}\nIn {folder.path}. Next:\n  {commands.line('run')}")
    return 0


def _note(declared: response.Declared, commands: Commands) -> str:
    """Return a line where the measurements speak for another severity, else ""."""
    severity, measured = declared.folder.incident.severity, declared.measured
    if measured is None:
        return ""
    text = f"Declared {severity.value}; the measurements suggest {measured.value}: {declared.reason}."
    if measured > severity:
        return f"{text} If in doubt, keep the worse.\n"
    line = commands.line("classify", measured.value, "--reason", declared.reason)
    return f"{text} To change it:\n  {line}\n"

"""`incident declare`: makes the incident's folder and the first message."""

import argparse
import sys

import msgspec

from incident_lib import config, response
from incident_lib.cli.arguments import moment, print_json
from incident_lib.incident.folder import Declaration
from incident_lib.model import IncidentSeverity


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
    declared = response.declare(config.load(arguments.config), declaration)
    folder = declared.folder
    if arguments.json:
        return print_json({**msgspec.to_builtins(folder.incident), "path": str(folder.path)})
    sys.stderr.write(_note(declared))
    print(f"{folder.id}\n\n{declared.text}\nIn {folder.path}. Next: incident run")
    return 0


def _note(declared: response.Declared) -> str:
    """Return a line where the measurements speak for another severity, else ""."""
    severity, measured = declared.folder.incident.severity, declared.measured
    if measured is None:
        return ""
    change = f' To change it: incident classify {measured.value} --reason "..."'
    return (
        f"Declared {severity.value}; what was measured speaks for {measured.value}: {declared.reason}."
        f"{change if measured < severity else ' In doubt the worse one stays.'}\n"
    )

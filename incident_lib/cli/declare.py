"""`incident declare`: makes the incident's folder and the first message."""

import argparse
import sys
from datetime import timedelta

import msgspec

from incident_lib import clock, config
from incident_lib.cli.arguments import moment, print_json
from incident_lib.config import Settings
from incident_lib.errors import FolderError, UsageError
from incident_lib.incident import folder as folders
from incident_lib.incident.events import Draft
from incident_lib.incident.folder import Declaration, IncidentFolder, all_folders
from incident_lib.incident.manifest import sha256
from incident_lib.investigation.case import open_case
from incident_lib.investigation.setup import redactor_for
from incident_lib.investigation.severity import severity_note
from incident_lib.model import EventKind, IncidentSeverity
from incident_lib.reports.communication import render_declaration


def declare(arguments: argparse.Namespace) -> int:
    """Return 0 once the folder is there. Prints the id and the declaration."""
    settings = config.load(arguments.config)
    for name in arguments.service:
        settings.service(name)
    folder = folders.declare(settings.incidents, _declaration(arguments), redactor_for(settings))
    path = folder.write_text("communication/declaration.md", render_declaration(folder.incident))
    written = path.read_bytes()
    folder.record(
        Draft(
            kind=EventKind.NOTE,
            text="The declaration was drafted",
            source="declare",
            data={"file": "communication/declaration.md", "sha256": sha256(written)},
        )
    )
    if arguments.json:
        return print_json({**msgspec.to_builtins(folder.incident), "path": str(folder.path)})
    sys.stderr.write(_note(settings, folder))
    print(f"{folder.id}\n\n{written.decode()}\nIn {folder.path}. Next: incident run")
    return 0


def _note(settings: Settings, folder: IncidentFolder) -> str:
    """Return a line where the newest measurement of the last hour speaks for another severity, else ""."""
    for other in reversed(all_folders(settings.incidents, folder.redactor)):
        try:
            if not other.snapshots:
                continue
            case = open_case(settings, other)
        except FolderError:
            continue
        if clock.now() - case.collected_at > timedelta(hours=1):
            return ""
        note = severity_note(folder.incident.severity, case.analysis, case.topology)
        return f"{note}\n" if note else ""
    return ""


def _declaration(arguments: argparse.Namespace) -> Declaration:

    if not arguments.title.strip():
        raise UsageError("--title is empty; say in a few words what users see")
    return folders.Declaration(
        title=arguments.title,
        severity=IncidentSeverity.parse(arguments.severity),
        started_at=moment("--start", arguments.start),
        commander=arguments.commander,
        impact=arguments.impact,
        services=tuple(arguments.service),
    )

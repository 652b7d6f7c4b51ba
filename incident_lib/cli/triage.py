"""`incident triage`: the first thing to type when paged. Collect, judge, print; no notebooks."""

import argparse

from incident_lib import clock
from incident_lib.cli import terminal
from incident_lib.cli.arguments import print_json
from incident_lib.cli.looking import look, tell_unkept
from incident_lib.config import Settings
from incident_lib.errors import FolderError
from incident_lib.incident import folder as folders
from incident_lib.incident.folder import IncidentFolder
from incident_lib.investigation.setup import load_settings, redactor_for
from incident_lib.investigation.take import window_since
from incident_lib.model import IncidentSeverity


def triage(arguments: argparse.Namespace) -> int:
    """Return 0, whatever is found."""
    settings = load_settings(arguments.config or "")
    window = window_since(arguments.since)  # a wrong time is told before anything is asked
    folder, why = _kept_in(settings, arguments)
    console = terminal.console_for(no_color=arguments.no_color, to_stderr=arguments.json)
    where = settings.path or "the common stack (no workbench.toml here; incident init writes one)"
    console.print(f"Looking at {where}, since {clock.format_time(window.start)}", style="dim")
    case, unkept = look(settings, arguments.since, folder, console)
    why = why or unkept
    if arguments.json:
        return print_json(case.analysis)
    terminal.print_analysis(console, case, verbose=arguments.verbose)
    if why:
        tell_unkept(console, why)
    elif folder:
        console.print(
            f"\nSnapshot {case.snapshot} is kept in {folder.path}; pages: incident run", style="dim"
        )
    else:
        console.print(
            '\nNot kept. For the record: incident declare --title "..." --severity SEV2, then incident run',
            style="dim",
        )
    return 0


def _kept_in(settings: Settings, arguments: argparse.Namespace) -> tuple[IncidentFolder | None, str]:
    """Return the incident that keeps the snapshot, and why there is none although there should be."""
    try:
        return _folder(settings, arguments), ""
    except FolderError as error:
        return None, str(error)
    except OSError as error:  # the folder belongs to somebody else, or its disk is gone
        return None, f"{error.filename}: {error.strerror}"


def _folder(settings: Settings, arguments: argparse.Namespace) -> IncidentFolder | None:
    """Return the named or the open incident, a new one for --save, else None."""
    redactor = redactor_for(settings)
    if arguments.incident:
        return folders.find(settings.incidents, arguments.incident, redactor)
    if found := folders.newest_open(settings.incidents, redactor):
        return found
    if not arguments.save:
        return None
    now = clock.now()
    declaration = folders.Declaration(
        title=f"Triage at {now:%H:%M} UTC", severity=IncidentSeverity.SEV4, started_at=now
    )
    return folders.declare(settings.incidents, declaration, redactor)

"""`incident triage`: the first thing to type when paged. Collect, judge, print; no notebooks."""

import argparse

from incident_lib import clock
from incident_lib.cli import terminal
from incident_lib.cli.arguments import print_json
from incident_lib.cli.looking import look, tell_unkept
from incident_lib.cli.terminal import plain
from incident_lib.config import Settings
from incident_lib.errors import FolderError
from incident_lib.incident import folder as folders
from incident_lib.incident.folder import IncidentFolder
from incident_lib.investigation.setup import load_settings, redactor_for
from incident_lib.investigation.severity import propose_severity
from incident_lib.investigation.take import window_since
from incident_lib.model import IncidentSeverity


def triage(arguments: argparse.Namespace) -> int:
    """Return 0, whatever is found."""
    settings = load_settings(arguments.config or "")
    window = window_since(arguments.since)  # a wrong time is told before anything is asked
    folder, why = _kept_in(settings, arguments)
    console = terminal.console_for(no_color=arguments.no_color, to_stderr=arguments.json)
    where = settings.path or "the common stack, as there is no workbench.toml here"
    console.print(f"Checking {where}, since {clock.format_time(window.start)}", style="dim")
    if not settings.path:
        console.print("To write it:", style="dim")
        terminal.print_command(console, settings.commands().line("init"))
    case, unkept = look(settings, arguments.since, folder, console)
    why = why or unkept
    if arguments.json:
        return print_json(case.analysis)
    terminal.print_analysis(console, case, verbose=arguments.verbose)
    if why:
        tell_unkept(console, why)
    elif folder:
        kept = f"\nSnapshot {case.snapshot} is kept in {folder.path}. For its pages:"
        console.print(kept, style="dim", markup=False, soft_wrap=True)
        terminal.print_command(console, case.commands.line("run", "--snapshot", case.snapshot))
    else:
        console.print("\nNot kept. For the record (correct the title):", style="dim")
        likely = case.analysis.hypotheses[:1]
        title = plain(likely[0].title) if likely else f"Triage at {case.collected_at:%H:%M} UTC"
        severity, _ = propose_severity(case.analysis, case.topology)
        words = ("declare", "--title", title, "--severity", severity.value)
        terminal.print_command(console, case.commands.line(*words))
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

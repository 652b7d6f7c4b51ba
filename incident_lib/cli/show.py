"""`incident show`: what the folder says of an incident, without probing any target."""

import argparse

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from incident_lib import clock
from incident_lib.cli import terminal
from incident_lib.cli.arguments import open_folder, print_json
from incident_lib.cli.console import Row, console_for, plain, print_command, print_notice, print_rows
from incident_lib.cli.story import print_story
from incident_lib.incident.folder import IncidentFolder
from incident_lib.investigation.case import open_case
from incident_lib.remediation.journal import UNKNOWN, title_of, unfinished
from incident_lib.response import home
from incident_lib.response.story import story_of
from incident_lib.units import format_duration


def show(arguments: argparse.Namespace) -> int:
    """Return 0. Prints the state, and what the newest snapshot says."""
    settings, folder = open_folder(arguments)
    story = story_of(folder)
    case = open_case(settings, folder) if folder.current_snapshots else None
    if arguments.json:
        return print_json(
            {
                "incident": folder.incident,
                "next_update_at": folder.incident.next_update_at,
                "analysis": case.analysis if case else None,
                "causes": story.causes,
                "mitigations": story.mitigations,
                "runs": story.runs,
                "events": folder.events,
            }
        )
    console = console_for(no_color=arguments.no_color)
    _print_state(console, folder)
    if not arguments.timeline:
        print_story(console, story, folder.incident, folder.events)
        console.print()
    for begun in unfinished(folder):
        print_notice(console, f"{title_of(begun)}: {UNKNOWN}")
    if unsealed := len(folder.snapshots) - len(folder.sealed_snapshots):
        console.print(f"Interrupted or unfinished snapshots, not shown: {unsealed}", style="dim")
    if arguments.timeline:
        _print_timeline(console, folder)
    elif case is None:
        console.print("\nNo snapshot yet. Next:", style="dim")
        print_command(console, settings.commands(folder.path).line("run"))
    else:
        terminal.print_findings(console, case.analysis)
        terminal.print_analysis(console, case, verbose=arguments.verbose)
        terminal.print_short(console, case)
    if (page := folder.path / home.NAME).is_file():
        console.print(f"\nThe page of this incident: {page.resolve().as_uri()}", soft_wrap=True)
    return 0


def _print_state(console: Console, folder: IncidentFolder) -> None:
    state, now = folder.incident, clock.now()
    console.print(Text(f"{state.severity.value} {plain(state.title)}", style="bold"))
    lasted = ((state.resolved_at or now) - state.started_at).total_seconds()
    parts = [state.status.value, f"started {clock.format_time(state.started_at)}"]
    parts += [f"{'lasted' if state.resolved_at else 'for'} {format_duration(max(0.0, lasted))}"]
    parts += [f"commander {plain(state.commander)}" if state.commander else "no commander yet"]
    console.print(Text(" · ".join(parts)))
    heard_at = state.updated_at or state.declared_at
    if state.next_update_at and clock.is_ahead(heard_at):
        dated = f"the last event is dated {clock.format_time(heard_at)}"
        text = f"next update due: unknown, since {dated}, which is ahead of this machine's clock"
        console.print(Text(text, style="bold red"))
    elif state.next_update_at:
        late = (now - state.next_update_at).total_seconds()
        due = f"next update due {clock.format_time(state.next_update_at)}"
        console.print(
            Text(f"{due}: {format_duration(late)} late", style="bold red") if late > 0 else Text(due)
        )


def _print_timeline(console: Console, folder: IncidentFolder) -> None:
    rows: list[Row] = [
        [
            (f"{event.occurred_at:%Y-%m-%d %H:%M:%S}", ""),
            (event.kind.value, ""),
            (plain(event.text), ""),
            (plain(event.source), "dim"),
        ]
        for event in sorted(folder.events, key=lambda event: event.occurred_at)
    ]
    kind, source = (max(cell_len(row[column][0]) for row in rows) for column in (1, 3))
    widths = [19, kind, 0, min(source, 24)]
    widths[2] = max(20, console.width - sum(widths) - len(widths))
    console.print()
    print_rows(console, rows, widths)

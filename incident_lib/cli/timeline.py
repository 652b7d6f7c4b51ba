"""`incident timeline`: everything that happened, with when it was written down, by whom, and the evidence."""

import argparse
import sys
from pathlib import Path

from rich.table import Table
from rich.text import Text

from incident_lib import clock
from incident_lib.cli.arguments import open_folder, print_json
from incident_lib.cli.terminal import console_for, plain
from incident_lib.incident.files import write_atomic
from incident_lib.investigation.observed import not_recorded
from incident_lib.reports.timeline_page import Entry, entries, render_timeline, to_csv


def timeline(arguments: argparse.Namespace) -> int:
    """Return 0. Prints the timeline, and writes it to files where asked."""
    _, folder = open_folder(arguments)
    observed, left_out = not_recorded(folder)
    for text in left_out:
        sys.stderr.write(f"left out: {text}\n")
    lines = entries(folder.events, observed)
    if arguments.csv:
        write_atomic(Path(arguments.csv), to_csv(lines).encode())
    if arguments.html:
        page = render_timeline(folder.incident, lines, made_at=clock.now())
        write_atomic(Path(arguments.html), page.encode())
    if arguments.json:
        return print_json({"incident": folder.id, "timeline": lines})
    _print(lines, no_color=arguments.no_color)
    for name in filter(None, (arguments.csv, arguments.html)):
        print(Path(name).resolve().as_uri())
    return 0


<<<<<<< HEAD
def _not_recorded(folder: IncidentFolder) -> tuple[Draft, ...]:
    """Return what snapshots tell and the timeline does not know, as in folders of an older version."""
    found: list[Draft] = []
    for path in folder.snapshots:
        try:
            analysis, evidence = load_analysis(path), load_evidence(path)
        except FolderError as error:
            sys.stderr.write(f"left out: {error}\n")
            continue
        if analysis:
            found += observations(analysis, evidence, (*folder.events, *found))
    return tuple(found)


def _print(lines: tuple[Entry, ...], *, no_color: bool) -> None:
=======
def _print(lines: "tuple[Entry, ...]", *, no_color: bool) -> None:
    from rich.table import Table
    from rich.text import Text

    from incident_lib.cli.terminal import console_for, plain
>>>>>>> 46262bb (Read conclusions for the timeline, judge none anew)

    console = console_for(no_color=no_color)
    table = Table(box=None, padding=(0, 1, 0, 0), header_style="dim")
    for name in ("occurred", "recorded", "kind"):
        table.add_column(name, no_wrap=True)
    table.add_column("what (times are UTC)", overflow="fold", ratio=1)
    table.add_column("evidence, source", overflow="fold", max_width=24, style="dim")
    day = None
    for one in lines:
        if one.occurred_at.date() != day:
            day = one.occurred_at.date()
            table.add_row("", "", "", Text(f"{day:%Y-%m-%d}", style="bold"))
        table.add_row(
            f"{one.occurred_at:%H:%M:%S}",
            _recorded(one),
            one.kind,
            Text(plain(one.text), style="bold red" if one.is_bad else ""),
            Text(plain(", ".join(one.evidence) or one.source)),
        )
    console.print(table)


def _recorded(one: Entry) -> str:
    """Return when it was written down, with the day where that is another one."""
    if one.recorded_at is None:
        return "-"
    same = one.recorded_at.date() == one.occurred_at.date()
    return f"{one.recorded_at:%H:%M:%S}" if same else f"{one.recorded_at:%m-%d %H:%M}"

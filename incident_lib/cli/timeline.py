"""`incident timeline`: everything that happened, with when it was written down, by whom, and the evidence."""

import argparse
import sys
from pathlib import Path

from rich.cells import cell_len

from incident_lib import clock
from incident_lib.cli.arguments import open_folder, print_json
from incident_lib.cli.console import Row, console_for, plain, print_rows
from incident_lib.incident.files import write_atomic
from incident_lib.investigation.observed import not_recorded
from incident_lib.reports.timeline_page import Entry, entries, render_timeline, to_csv

_SOURCE_WIDTH = 24


def timeline(arguments: argparse.Namespace) -> int:
    """Return 0. Prints the timeline, and writes it to files with --csv and --html."""
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


def _print(lines: tuple[Entry, ...], *, no_color: bool) -> None:
    console = console_for(no_color=no_color)
    sources = [plain(", ".join(entry.evidence) or entry.source) for entry in lines]
    names = ("occurred", "recorded", "kind", "what (times are UTC)", "evidence, source")
    recorded, kind, source = (
        max(map(cell_len, column))
        for column in (
            (names[1], *map(_recorded, lines)),
            (names[2], *(entry.kind for entry in lines)),
            (names[4], *sources),
        )
    )
    widths = [len(names[0]), recorded, kind, 0, min(source, _SOURCE_WIDTH)]
    widths[3] = max(20, console.width - sum(widths) - len(widths))
    rows: list[Row] = [[(name, "dim") for name in names]]
    day = None
    for entry, source_text in zip(lines, sources, strict=True):
        if entry.occurred_at.date() != day:
            day = entry.occurred_at.date()
            rows.append([("", ""), ("", ""), ("", ""), (f"{day:%Y-%m-%d}", "bold"), ("", "")])
        rows.append(
            [
                (f"{entry.occurred_at:%H:%M:%S}", ""),
                (_recorded(entry), ""),
                (entry.kind, ""),
                (plain(entry.text), "bold red" if entry.is_bad else ""),
                (source_text, "dim"),
            ]
        )
    print_rows(console, rows, widths)


def _recorded(entry: Entry) -> str:
    """Return when it was written down, with the day where that is another."""
    if entry.recorded_at is None:
        return "-"
    same = entry.recorded_at.date() == entry.occurred_at.date()
    return f"{entry.recorded_at:%H:%M:%S}" if same else f"{entry.recorded_at:%m-%d %H:%M}"

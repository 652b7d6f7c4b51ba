"""`incident baseline` and `diff`: keep what is normal, and tell what is not as it was."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from incident_lib.cli.arguments import print_json
from incident_lib.units import format_count

if TYPE_CHECKING:
    from rich.console import Console

    from incident_lib.config import Settings
    from incident_lib.investigation.baseline import Baseline
    from incident_lib.investigation.take_baseline import Taken

_NAMES = "an incident, INCIDENT/SNAPSHOT, the id or path of a snapshot, latest, baseline, or baseline:NAME"


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the commands."""
    parser = subparsers.add_parser("baseline", help="keep a snapshot of a healthy day, to compare with")
    parser.add_argument("--since", default="15m", help="how far to look back (default 15m)")
    parser.add_argument("--name", default="normal", help="such as weekday or night (default normal)")
    parser.add_argument("--force", action="store_true", help="keep it although something is wrong")
    parser.add_argument("--list", action="store_true", help="only list the baselines there are")
    parser.set_defaults(call=baseline)
    parser = subparsers.add_parser("diff", help="what differs between two snapshots, the worst first")
    parser.add_argument("before", nargs="?", default="baseline", metavar="A", help=f"{_NAMES} (the default)")
    parser.add_argument("now", nargs="?", default="", metavar="B", help="the same; the newest incident")
    parser.add_argument("--html", metavar="FILE", help="write it as one page too")
    parser.set_defaults(call=diff)


def baseline(arguments: argparse.Namespace) -> int:
    """Return 0 once the baseline is kept, 1 when something is wrong and it was not."""
    from incident_lib import clock, config
    from incident_lib.cli import terminal
    from incident_lib.investigation.take_baseline import take_baseline

    settings = config.load(arguments.config)
    if arguments.list:
        return _list(settings, as_json=arguments.json)
    clock.parse_time(arguments.since)
    console = terminal.console_for(no_color=arguments.no_color, to_stderr=arguments.json)
    console.print(
        f"Looking at {settings.path or 'the common stack'}, the last {arguments.since}", style="dim"
    )
    with terminal.watching(console) as watch:
        taken = take_baseline(
            settings, watch, since=arguments.since, name=arguments.name, force=arguments.force
        )
    if arguments.json:
        kept = _plain(taken.kept) if taken.kept else None
        print_json({"baseline": kept, "against": taken.against, "not_assessed": _unseen(taken)})
    _tell(console, taken)
    return 0 if taken.kept else 1


def _plain(one: "Baseline") -> dict[str, object]:
    """Return a baseline as JSON takes it."""
    return {
        "name": one.name,
        "id": one.id,
        "collected_at": one.collected_at,
        "path": str(one.path),
        "intact": one.intact,
    }


def _unseen(taken: "Taken") -> list[str]:
    return [f"{one.target}/{one.probe}" for one in taken.case.analysis.not_assessed]


def _tell(console: "Console", taken: "Taken") -> None:

    if unseen := _unseen(taken):
        rest = " ..." if len(unseen) > 5 else ""
        text = (
            f"Not part of it, as {format_count(len(unseen), 'probe')} saw nothing: "
            f"{', '.join(unseen[:5])}{rest}"
        )
        console.print(text, style="magenta", markup=False)
    if taken.kept:
        wrong = f", in spite of {format_count(len(taken.against), 'finding')} above" if taken.against else ""
        console.print(f"Kept as {taken.kept.label}{wrong}: {taken.kept.path}", markup=False, soft_wrap=True)
        console.print("From now on it is compared with: incident diff baseline", style="dim")
        return
    if taken.against:
        why = f"this is no healthy day, see the {format_count(len(taken.against), 'finding')} above"
    else:
        why = "nothing could be judged"
    console.print(f"Not kept: {why}. To keep it all the same: incident baseline --force", style="yellow")


def _list(settings: "Settings", *, as_json: bool) -> int:
    from incident_lib import clock
    from incident_lib.investigation.baseline import all_baselines, baselines_folder

    known = all_baselines(settings)
    if as_json:
        return print_json({"baselines": [_plain(one) for one in known]})
    for one in reversed(known):
        note = "" if one.intact else "  not as it was sealed, so it is not used"
        print(f"{clock.format_time(one.collected_at)}  {one.name:12} {one.path}{note}")
    if not known:
        print(f"No baseline in {baselines_folder(settings)} yet. On a healthy day: incident baseline")
    return 0


def diff(arguments: argparse.Namespace) -> int:
    """Return 0, whatever differs. Reads the two snapshots alone."""
    from incident_lib.cli import terminal
    from incident_lib.cli.differences import print_comparison
    from incident_lib.incident.files import write_atomic
    from incident_lib.investigation.compare import compare
    from incident_lib.investigation.setup import load_settings, thresholds_for
    from incident_lib.investigation.snapshots import find_snapshot

    settings = load_settings(arguments.config or "", arguments.now or arguments.before)
    (before, before_label), (now, now_label) = (
        find_snapshot(settings, name) for name in (arguments.before, arguments.now)
    )
    labels = (before_label, now_label)
    comparison = compare(before, now, labels=labels, thresholds=thresholds_for(settings))
    if arguments.html:
        from incident_lib.reports.differences import render_page

        write_atomic(Path(arguments.html), render_page(comparison).encode())
    if arguments.json:
        return print_json(comparison)
    console = terminal.console_for(no_color=arguments.no_color)
    print_comparison(console, comparison, verbose=arguments.verbose)
    if arguments.html:
        console.print(f"\nThe page: {arguments.html}", markup=False, soft_wrap=True)
    return 0

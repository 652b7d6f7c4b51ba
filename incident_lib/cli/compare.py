"""`incident baseline` and `diff`: keep what is normal, and list what is not as it was."""

import argparse
from pathlib import Path

from rich.console import Console

from incident_lib import clock, config
from incident_lib.cli import terminal
from incident_lib.cli.arguments import print_json
from incident_lib.cli.console import console_for, print_command
from incident_lib.cli.differences import print_comparison
from incident_lib.config import Settings
from incident_lib.incident.files import write_atomic
from incident_lib.investigation.baseline import Baseline, all_baselines, baselines_folder
from incident_lib.investigation.compare import compare
from incident_lib.investigation.new_baseline import Taken, take_baseline
from incident_lib.investigation.setup import load_settings, thresholds_for
from incident_lib.investigation.snapshots import find_snapshot
from incident_lib.model.commands import Commands
from incident_lib.reports.differences import render_page
from incident_lib.units import format_count


def baseline(arguments: argparse.Namespace) -> int:
    """Return 0 once the baseline is kept, 1 when something is wrong and it was not."""
    settings = config.load(arguments.config)
    if arguments.list:
        return _list(settings, as_json=arguments.json)
    clock.parse_time(arguments.since)
    console = console_for(no_color=arguments.no_color, to_stderr=arguments.json)
    console.print(f"Checking {settings.path or 'the default stack'}, the last {arguments.since}", style="dim")
    with terminal.watching(console) as watch:
        taken = take_baseline(
            settings, watch, since=arguments.since, name=arguments.name, force=arguments.force
        )
    if arguments.json:
        kept = _plain(taken.kept) if taken.kept else None
        print_json({"baseline": kept, "against": taken.against, "not_assessed": _unseen(taken)})
    _print(console, arguments, settings.commands(), taken)
    return 0 if taken.kept else 1


def _plain(kept: Baseline) -> dict[str, object]:
    """Return a baseline as JSON takes it."""
    return {
        "name": kept.name,
        "id": kept.id,
        "collected_at": kept.collected_at,
        "path": str(kept.path),
        "intact": kept.intact,
    }


def _unseen(taken: Taken) -> list[str]:
    return [f"{gap.target}/{gap.probe}" for gap in taken.case.analysis.not_assessed]


def _print(console: Console, arguments: argparse.Namespace, commands: Commands, taken: Taken) -> None:
    if unseen := _unseen(taken):
        rest = " ..." if len(unseen) > 5 else ""
        text = (
            f"Not included, because {format_count(len(unseen), 'probe')} could not be judged: "
            f"{', '.join(unseen[:5])}{rest}"
        )
        console.print(text, style="magenta", markup=False)
    if taken.kept:
        wrong = f", despite the {format_count(len(taken.against), 'finding')} above" if taken.against else ""
        console.print(f"Kept as {taken.kept.label}{wrong}: {taken.kept.path}", markup=False, soft_wrap=True)
        console.print("From now on, everything is compared with it. To see what differs:", style="dim")
        print_command(console, commands.line("diff", "baseline"))
        return
    if taken.against:
        why = f"the system is not healthy: see the {format_count(len(taken.against), 'finding')} above"
    else:
        why = "nothing could be judged"
    console.print(f"The baseline is not kept: {why}. To keep it anyway:", style="yellow")
    words = ("--since", arguments.since, "--name", arguments.name, "--force")
    print_command(console, commands.line("baseline", *words))


def _list(settings: Settings, *, as_json: bool) -> int:
    known = all_baselines(settings)
    if as_json:
        return print_json({"baselines": [_plain(kept) for kept in known]})
    for kept in reversed(known):
        note = "" if kept.intact else "  changed since it was sealed, so it is not used"
        print(f"{clock.format_time(kept.collected_at)}  {kept.name:12} {kept.path}{note}")
    if not known:
        print(f"No baseline in {baselines_folder(settings)} yet. On a healthy day:")
        print(f"  {settings.commands().line('baseline')}")
    return 0


def diff(arguments: argparse.Namespace) -> int:
    """Return 0, whatever differs. Reads only the two snapshots."""
    settings = load_settings(arguments.config or "", arguments.now or arguments.before)
    (before, before_label), (now, now_label) = (
        find_snapshot(settings, name) for name in (arguments.before, arguments.now)
    )
    labels = (before_label, now_label)
    comparison = compare(before, now, labels=labels, thresholds=thresholds_for(settings))
    if arguments.html:
        write_atomic(Path(arguments.html), render_page(comparison).encode())
    if arguments.json:
        return print_json(comparison)
    console = console_for(no_color=arguments.no_color)
    print_comparison(console, comparison, verbose=arguments.verbose)
    if arguments.html:
        console.print(f"\nThe page: {arguments.html}", markup=False, soft_wrap=True)
    return 0

"""What differs between two snapshots, in the terminal: numbers first, then what was concluded from them."""

from collections import Counter
from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from incident_lib import clock
from incident_lib.cli.console import STYLES, plain
from incident_lib.model import FindingSeverity
from incident_lib.model.difference import Comparison, Difference
from incident_lib.reports.differences import (
    CONCLUDED,
    change,
    concluded,
    hint,
    measured,
    name,
    summary,
)
from incident_lib.units import format_value

# Of each target, as many as a person reads: of what is measured, and of what is concluded.
_MEASURED = {FindingSeverity.CRITICAL: 8, FindingSeverity.WARNING: 8, FindingSeverity.INFO: 4}
_CONCLUDED = {FindingSeverity.CRITICAL: 5, FindingSeverity.WARNING: 5}


def print_comparison(console: Console, comparison: Comparison, *, verbose: bool) -> None:
    """Print the worst of what differs; -v prints all, with what is better and what could not be compared."""
    for word, side in (("before", comparison.before), ("now", comparison.now)):
        console.print(Text(f"{word:7} {plain(side.label)} · {clock.format_time(side.collected_at)}"))
    found = comparison.differences
    console.print(Text(f"\n{summary(found)}", style="bold"))
    hidden = 0
    for title, group, most in (
        ("Measured", measured(found), _MEASURED),
        ("Concluded", concluded(found), _CONCLUDED),
    ):
        shown = group if verbose else _worst(group, most)
        hidden += len(group) - len(shown)
        if shown:
            console.print(_table(title, shown))
    if hidden:
        console.print(f"\n-v shows {hidden} more", style="dim")


def _worst(group: Sequence[Difference], most: Mapping[FindingSeverity, int]) -> tuple[Difference, ...]:
    """Return of each target and severity as many as a person reads, in their order."""
    taken: Counter[tuple[str, FindingSeverity]] = Counter()
    kept = []
    for difference in group:
        taken[difference.target, difference.severity] += 1
        if taken[difference.target, difference.severity] <= most.get(difference.severity, 0):
            kept.append(difference)
    return tuple(kept)


def _table(title: str, shown: Sequence[Difference]) -> Table:
    table = Table(
        title=Text(f"\n{title}", style="bold"),
        title_justify="left",
        box=None,
        show_header=False,
        padding=(0, 1, 0, 0),
    )
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold", ratio=1)
    table.add_column(overflow="fold", max_width=30)
    for difference in shown:
        texts = (difference.target, *_texts(difference))
        table.add_row(
            Text(hint(difference), style=STYLES[difference.severity]), *(Text(plain(text)) for text in texts)
        )
    return table


def _texts(difference: Difference) -> tuple[str, str]:
    """Return what differs and how: two columns for numbers, a single text for conclusions."""
    if difference.id.startswith(CONCLUDED):
        return f"{change(difference)}: {name(difference)}", ""
    return name(
        difference
    ), f"{format_value(difference.before, difference.unit)} → {format_value(difference.now, difference.unit)}"

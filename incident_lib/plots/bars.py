"""Bars, a line each, with its name, its parts, its number and, where there is one, its limit."""

from collections.abc import Sequence
from typing import Any

import msgspec

from incident_lib.plots.svg import shorten
from incident_lib.plots.text_width import text_width
from incident_lib.plots.values import show

_STEP, _THICK = 36.0, 11.0
_MOST = 25
_NOTE = 30  # letters
_GAP = 20.0


class Bar(msgspec.Struct, frozen=True, kw_only=True):
    """One bar: parts as (colour, value, name), and what is written at its end."""

    label: str
    parts: tuple[tuple[str, float, str], ...]
    note: str = ""
    limit: float | None = None

    @property
    def length(self) -> float:
        """All parts together."""
        return sum(value for _, value, _ in self.parts)


def plot_bars(
    title: str,
    bars: Sequence[Bar],
    *,
    unit: str = "",
    keys: Sequence[tuple[str, str]] = (),
    conclusion: str = "",
    ax: Any = None,
) -> Any:
    """Return the axes in which bars are drawn in the order given, 25 at most, which is said.

    `unit` is a suffix such as `_bytes`; `keys` names the colours. A sentence where there is no bar.
    """
    shown = bars[:_MOST]
    if not shown:
        return f"{title}: nothing to draw."
    from incident_lib.plots import chart
    from incident_lib.plots.palette import BAD, INK, LINE, colour

    longest = max((max(each.length, each.limit or 0.0) for each in shown), default=0.0) or 1.0
    axes = ax if ax is not None else chart.new_axes(
        _STEP * len(shown), left=0.0, right=2.0, below=2.0
    )  # fmt: skip
    with chart.drawing():
        for row, each in enumerate(shown):
            start = 0.0
            axes.barh(row, longest, _THICK / _STEP, color=LINE, alpha=0.5, linewidth=0)
            for name, value, _ in each.parts:
                if value:
                    axes.barh(row, value, _THICK / _STEP, left=start, color=colour(name), linewidth=0)
                start += value
            if each.limit is not None:
                axes.plot([each.limit] * 2, [row - 0.24, row + 0.24], color=BAD, linewidth=2, clip_on=False)
            height = row - 0.5 * _THICK / _STEP - 5 / _STEP
            note = shorten(each.note or show(unit, start), _NOTE)
            room = chart.WIDTH - chart.SMALL_SCREEN * text_width(note) - _GAP
            axes.text(0, height, chart.fitting(each.label, room), color=INK)
            axes.text(longest, height, note, ha="right")
        axes.set_axis_off()
        axes.set_xlim(0, longest)
        axes.set_ylim(len(shown) - 0.7, -0.7)
        if keys:
            chart.keys(axes, tuple((colour(name), words) for name, words in keys), on_left=True)
        cut = f" (the first {_MOST} of {len(bars)})" if len(bars) > _MOST else ""
        chart.headline(axes, title + cut, conclusion or _conclude(shown, unit), rows=1)
    return axes


def _conclude(bars: Sequence[Bar], unit: str) -> str:
    """Return which bar is the longest, and every bar that is at its limit."""
    longest = max(bars, key=lambda each: each.length)
    full = [each.label for each in bars if each.limit and each.length >= each.limit]
    note = longest.note or show(unit, longest.length)
    most = f"{longest.label} has the most: {note}." if len(bars) > 1 else f"{longest.label}: {note}."
    return most + (f" At the limit: {', '.join(full)}." if full else "")

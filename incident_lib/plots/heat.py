"""Many services over time, a row each: where and when more of all failed."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from incident_lib.model import Window
from incident_lib.model.series import Series
from incident_lib.plots.rates import Change, add_up, none_counted, slot_seconds, zoom
from incident_lib.units import format_count, format_share

_ROW, _LEFT = 24.0, 150.0
_SLOTS = 48  # at most
_MOST = 15  # rows
_SHADES = ((0.0, 0.25), (0.1, 0.45), (0.3, 0.7), (0.6, 1.0))  # from which share on, how dark

Cells = list[tuple[int, int, float]]  # row, slot, share that failed


def plot_heat(
    several: Sequence[Series],
    *,
    window: Window | None = None,
    onset: datetime | None = None,
    changes: Sequence[Change] = (),
    ax: Any = None,
) -> Any:
    """Return the axes in which series that count some of all are rows, darker where more failed.

    What was seen without a failure is pale, what was not seen is blank. The worst 15 are drawn, which is
    said. A sentence where nothing was counted.
    """
    counted = [series for series in several if not none_counted(series)]
    if not counted:
        return "Nothing was counted in the window."
    from incident_lib.plots import chart
    from incident_lib.plots.palette import BAD, INK, LINE

    shown = sorted(counted, key=lambda series: -_share(series))[:_MOST]
    moments = [point.at for series in shown for point in series.points]
    start, end = zoom(window or Window(min(moments), max(moments)), moments)
    seconds = max(slot_seconds(series, start, end, most=_SLOTS) for series in shown)
    slots = [add_up(series, start, end, seconds) for series in shown]
    cells = [
        (row, at, failed / total)
        for row, of in enumerate(slots)
        for at, (total, failed) in enumerate(of)
        if total
    ]
    marks = chart.marks_of(start, end, onset, changes)
    axes = ax if ax is not None else chart.new_axes(_ROW * len(shown), rows=len(marks), left=_LEFT)
    with chart.drawing():
        axes.grid(visible=False)
        chart.time_axis(axes, start, end)
        axes.set_ylim(len(shown), 0)
        chart.runs(axes, _runs([cell for cell in cells if cell[2] <= 0]), start, seconds, (LINE, 1.0))
        for (above, dark), (until, _) in zip(_SHADES, (*_SHADES[1:], (2.0, 0.0)), strict=True):
            shade = [cell for cell in cells if cell[2] > 0 and above <= cell[2] < until]
            chart.runs(axes, _runs(shade), start, seconds, (BAD, dark))
        names = [series.labels.get("target", series.name) for series in shown]
        axes.set_yticks(
            [row + 0.5 for row in range(len(shown))], [chart.fitting(name, _LEFT) for name in names]
        )
        axes.tick_params(axis="y", labelcolor=INK)
        axes.spines["bottom"].set_visible(False)
        what = f"share that failed in {chart.short_duration(seconds)}; darker is more, blank is no data"
        chart.heading(axes, what, left=_LEFT, row=len(marks))
        chart.mark(axes, marks)
        cut = f" (the worst {_MOST} of {len(counted)})" if len(counted) > _MOST else ""
        chart.headline(axes, f"Failures by service{cut}", conclude(counted), rows=len(marks) + 1)
    return axes


def conclude(several: Sequence[Series]) -> str:
    """Return which of them failed, and which most.

    >>> from datetime import UTC
    >>> from incident_lib.model.series import Point
    >>> at = datetime(2026, 1, 15, tzinfo=UTC)
    >>> conclude([Series(name="requests", labels={"target": n}, points=(Point(at, v, 10),)) for n, v in
    ...     (("web", 0), ("api", 4))])
    '1 of 2 services failed, most api: 40 % of all.'
    """
    failing = [series for series in several if _share(series) > 0]
    if not failing:
        return f"None of {format_count(len(several), 'service')} failed."
    worst = max(failing, key=_share)
    return (
        f"{len(failing)} of {format_count(len(several), 'service')} failed, most "
        f"{worst.labels.get('target', worst.name)}: {format_share(_share(worst))} of all."
    )


def _share(series: Series) -> float:
    total = sum(point.total or 0.0 for point in series.points)
    return sum(point.value for point in series.points) / total if total else 0.0


def _runs(cells: Cells) -> list[tuple[int, int, int]]:
    """Return row, first slot and slot after the last of cells side by side.

    >>> _runs([(0, 1, 0.0), (0, 2, 0.0), (0, 5, 0.0), (1, 6, 0.0)])
    [(0, 1, 3), (0, 5, 6), (1, 6, 7)]
    """
    runs: list[tuple[int, int, int]] = []
    for row, at, _ in sorted(cells):
        if runs and runs[-1][0] == row and runs[-1][2] == at:
            runs[-1] = (row, runs[-1][1], at + 1)
        else:
            runs.append((row, at, at + 1))
    return runs

"""Some of all over time (failed requests of requests), with the onset and the changes marked."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from incident_lib.model import Window
from incident_lib.model.series import Series
from incident_lib.units import format_number

_HEIGHT = 110.0
_SLOTS = 100  # at most; more are added up

Change = tuple[datetime, str, str]


def plot_rates(
    series: Series,
    *,
    window: Window | None = None,
    onset: datetime | None = None,
    changes: Sequence[Change] = (),
    ax: Any = None,
) -> Any:
    """Return the axes in which a series that counts some of all is drawn over time, those in red.

    A sentence instead where nothing was counted.
    """
    if nothing := none_counted(series):
        return nothing
    from incident_lib.plots import chart
    from incident_lib.plots.palette import BAD, SERIES

    moments = [point.at for point in series.points]
    start, end = zoom(window or Window(moments[0], last_of(series)), moments)
    seconds = slot_seconds(series, start, end)
    slots = add_up(series, start, end, seconds)
    first, day = chart.number(start), 86_400
    edges = [first + seconds * place / day for place in range(len(slots) + 1)]
    totals, failures = [total for total, _ in slots], [bad for _, bad in slots]
    all_of, some = words_of(series)
    heading = f"{all_of} in {chart.short_duration(seconds)}"
    marks = chart.marks_of(start, end, onset, changes)
    axes = ax if ax is not None else chart.new_axes(_HEIGHT, rows=len(marks))
    with chart.drawing():
        axes.stairs(totals, edges, fill=True, color=SERIES[0], alpha=0.45, linewidth=0)
        axes.stairs(failures, edges, fill=True, color=BAD, linewidth=0)
        chart.time_axis(axes, start, end)
        chart.value_axis(axes, "count", max(totals) * 1.05, heading, row=len(marks))
        chart.keys(axes, ((SERIES[0], "all"), (BAD, some)), row=len(marks))
        chart.mark(axes, marks)
        chart.headline(axes, title_of(series), conclude(series, onset), rows=len(marks) + 1)
    return axes


def title_of(series: Series) -> str:
    """Return which number it is, and of which target.

    >>> title_of(Series(name="log lines, errors", labels={"target": "backend"}))
    'backend: log lines, errors'
    >>> title_of(Series(name="memory", labels={"target": "backend", "what": "heap"}))
    'backend: heap'
    """
    return ": ".join(filter(None, (series.labels.get("target", ""), series.labels.get("what", series.name))))


def none_counted(series: Series) -> str:
    """Return a sentence that says that a series counted nothing, "" where it did."""
    if any(point.total for point in series.points):
        return ""
    return f"{series.labels.get('target', 'This series')}: no {words_of(series)[0]} in the window."


def failed(series: Series) -> float:
    """Return how many failed in all."""
    return sum(point.value for point in series.points)


def words_of(series: Series) -> tuple[str, str]:
    """Return what all of them are and what some of them are, by the name of the series.

    >>> words_of(Series(name="requests, those answered with 5xx")), words_of(Series(name="log lines, errors"))
    (('requests', 'answered with 5xx'), ('log lines', 'errors'))
    """
    all_of, _, some = series.name.partition(", ")
    return all_of, some.removeprefix("those ") or "of these"


def conclude(series: Series, onset: datetime | None = None) -> str:
    """Return what can be seen: how many of how many, the worst stretch, since when.

    >>> from datetime import UTC
    >>> from incident_lib.model.series import Point
    >>> points = (Point(datetime(2026, 1, 15, 14, 30, tzinfo=UTC), 3, 12),)
    >>> conclude(Series(name="requests, those answered with 5xx", points=points))
    '3 of 12 requests shown answered with 5xx, the worst at 14:30:00 with 3 of 12.'
    >>> conclude(Series(name="log lines, errors", points=(Point(points[0].at, 0, 12),)))
    'None of 12 log lines: errors.'
    """
    total, bad = sum(point.total or 0 for point in series.points), failed(series)
    all_of, some = words_of(series)
    if not bad:
        return f"None of {format_number(total)} {all_of}: {some}."
    worst = max(series.points, key=lambda point: point.value)
    joined = f"{all_of} shown {some}" if some != "errors" else f"{all_of} shown are errors"
    at_worst = f"{format_number(worst.value)} of {format_number(worst.total or 0)}"
    return (
        f"{format_number(bad)} of {format_number(total)} {joined}{_since(series, onset, bad)}, "
        f"the worst at {worst.at:%H:%M:%S} with {at_worst}."
    )


def _since(series: Series, onset: datetime | None, bad: float) -> str:
    """Return how many of the failed came since the onset: the share since then is said where it is judged."""
    if onset is None:
        return ""
    step = timedelta(seconds=series.step_seconds or 0.0)
    after = sum(point.value for point in series.points if point.at + step >= onset)
    if not after:
        return ""
    many = "all" if after == bad else format_number(after)
    return f", {many} since the onset {onset:%H:%M:%S}"


def last_of(series: Series) -> datetime:
    """Return when the last point of a series ends."""
    return series.points[-1].at + timedelta(seconds=series.step_seconds or 0.0)


def zoom(window: Window, seen: Sequence[datetime]) -> tuple[datetime, datetime]:
    """Return what to draw of the window: from a little before the first thing seen, where much is empty."""
    end = max(window.end, max(seen, default=window.end))
    first = min(seen, default=window.start)
    if (first - window.start) < (end - window.start) / 3:
        return min(window.start, first), end
    return first - (end - first) / 20, end


def slot_seconds(series: Series, start: datetime, end: datetime, *, most: int = _SLOTS) -> float:
    """Return how long one slot lasts: a whole number of points, few enough to be seen apart.

    Where the series does not say how long its points are, it is the shortest time between two of them.
    """
    seconds = series.step_seconds
    if seconds is None:
        moments = sorted({point.at for point in series.points})
        seconds = min(((b - a).total_seconds() for a, b in pairwise(moments)), default=0.0)
    seconds = max(seconds, 1.0)
    return seconds * max(1, -(-(end - start).total_seconds() // (seconds * most)))


def add_up(series: Series, start: datetime, end: datetime, seconds: float) -> list[tuple[float, float]]:
    """Return what there was in each slot of time, and what failed of it; 0 where nothing was seen."""
    count = max(1, -int(-(end - start).total_seconds() // seconds))
    slots = [(0.0, 0.0)] * count
    for point in series.points:
        index = min(max(int((point.at - start).total_seconds() / seconds), 0), count - 1)
        total, bad = slots[index]
        slots[index] = (total + (point.total or 0.0), bad + point.value)
    return slots

"""Numbers over time, with the line they rise along and the limit they rise to."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median
from typing import Any

from incident_lib.model import Window
from incident_lib.model.series import Point, Series
from incident_lib.plots.rates import title_of
from incident_lib.units import format_value

_HEIGHT = 110.0
_LEAST = 2  # points that are a line
_DOTS = 80  # with more points only the line is drawn
_GAP = 3.0  # so many usual steps without a point are a gap in the line

Change = tuple[datetime, str, str]


def plot_trend(
    series: Series,
    *,
    rise: tuple[float, float] | None = None,
    window: Window | None = None,
    onset: datetime | None = None,
    changes: Sequence[Change] = (),
    ax: Any = None,
) -> Any:
    """Return the axes in which a series is drawn over time; a sentence where it has less than two points.

    `rise` is where the line of its rise begins and ends. The limit is drawn where it is near: within three
    times the highest point. Where points are missing, the line is interrupted.
    """
    points, limit = series.points, series.limit
    title = title_of(series)
    if len(points) < _LEAST:
        return f"{title}: {conclude(series)}"
    from incident_lib.plots import chart
    from incident_lib.plots.palette import SERIES

    values = [point.value for point in points]
    drawn = [*values, *(rise or ())]
    near = limit is not None and max(drawn) <= limit <= 3 * max(drawn)
    low, high = min(0.0, *drawn), max([*drawn, limit or 0.0] if near else drawn)
    start, end = (window.start, window.end) if window else (points[0].at, points[-1].at)
    marks = chart.marks_of(start, end, onset, changes)
    axes = ax if ax is not None else chart.new_axes(_HEIGHT, rows=len(marks), right=chart.END_ROOM)
    is_dense = len(points) > _DOTS
    with chart.drawing():
        times, heights = with_gaps(points)
        axes.plot(chart.numbers(times), heights, color=SERIES[0], linewidth=1.1 if is_dense else 1.6)
        if not is_dense:
            places = chart.numbers([point.at for point in points])
            axes.plot(places, values, "o", color=SERIES[0], markersize=4.5, markeredgewidth=0, clip_on=False)
        if rise:
            axes.plot(
                chart.numbers([points[0].at, points[-1].at]), rise, color=SERIES[1], linestyle=(0, (5, 3))
            )
        chart.time_axis(axes, start, end)
        top = high + (0.18 if near else 0.08) * (high - low)
        chart.value_axis(axes, series.unit, top, _what(series), low=low, row=len(marks))
        if near and limit is not None:
            chart.limit_line(axes, limit, f"limit {format_value(limit, series.unit)}")
        chart.end_label(axes, values[-1], series.unit, SERIES[0])
        chart.mark(axes, marks)
        chart.headline(axes, title, conclude(series, rises=rise is not None), rows=len(marks) + 1)
    return axes


def conclude(series: Series, *, rises: bool = False) -> str:
    """Return what can be seen: from what to what, the highest, and the limit.

    >>> from datetime import UTC
    >>> at = datetime(2026, 1, 15, 14, 30, tzinfo=UTC)
    >>> points = tuple(Point(at + timedelta(minutes=n), value) for n, value in enumerate((10.0, 40.0, 30.0)))
    >>> conclude(Series(name="keys", points=points, limit=100.0))
    'From 10 to 30 in 2m, the highest 40 at 14:31:00; the limit is 100.'
    >>> conclude(Series(name="keys", points=points[:1])), conclude(Series(name="keys", points=points[:0]))
    ('One value: 10 at 14:30:00.', 'No value.')
    """
    points, unit = series.points, series.unit
    if not points:
        return "No value."
    first, last, top = points[0], points[-1], max(points, key=lambda point: point.value)
    limit = f"; the limit is {format_value(series.limit, unit)}" if series.limit is not None else ""
    if len(points) == 1:
        return f"One value: {format_value(first.value, unit)} at {first.at:%H:%M:%S}{limit}."
    over = format_value(series.seconds, "seconds").removesuffix(" 0s")
    if all(point.value == first.value for point in points):
        return f"Stays at {format_value(first.value, unit)} for {over}{limit}."
    verb = "Rises steadily from" if rises else "From"
    highest = (
        f", the highest {format_value(top.value, unit)} at {top.at:%H:%M:%S}"
        if top.value > last.value
        else ""
    )
    ends = f"{format_value(first.value, unit)} to {format_value(last.value, unit)}"
    return f"{verb} {ends} in {over}{highest}{limit}."


def with_gaps(points: Sequence[Point]) -> tuple[list[datetime], list[float]]:
    """Return times and values, with "not a number" where points are missing, so that no line is drawn there.

    >>> from datetime import UTC
    >>> at = datetime(2026, 1, 15, tzinfo=UTC)
    >>> with_gaps([Point(at + timedelta(seconds=n), n) for n in (0, 1, 2, 3, 9)])[1]
    [0, 1, 2, 3, nan, 9]
    """
    steps = [(after.at - before.at).total_seconds() for before, after in pairwise(points)]
    usual = median(steps) if len(steps) > 2 else None
    times: list[datetime] = []
    values: list[float] = []
    for number, point in enumerate(points):
        if number and usual and steps[number - 1] > _GAP * usual:
            times.append(points[number - 1].at + timedelta(seconds=usual))
            values.append(float("nan"))
        times.append(point.at)
        values.append(point.value)
    return times, values


def _what(series: Series) -> str:
    of = series.labels.get("what", series.name)
    units = {"seconds": "time", "bytes": "size", "ratio": "share"}
    return of if series.unit == "count" else f"{of}, {units.get(series.unit, series.unit)}"

"""Requests and errors over time, with the onset and the changes marked."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import pairwise

from incident_lib.model import Window
from incident_lib.model.series import Series
from incident_lib.plots.svg import WIDTH, Axis, bar, figure, label, line, shorten, text, time_axis
from incident_lib.units import format_number

_LEFT, _HEIGHT = 48.0, 120.0
_TOP, _BARE_TOP = 32.0, 18.0  # with and without labels of changes
_BARS = 120  # at most; more are added up
_APART = 210.0  # changes closer than this share a label
_LETTER = 5.8  # how wide a letter of a label is
_FEWEST = 36  # letters that a label always has: its number of changes, and when

Change = tuple[datetime, str, str]


def plot_rates(
    series: Series, window: Window, *, onset: datetime | None = None, changes: Sequence[Change] = ()
) -> str:
    """Return a series that counts some of all (failed requests of requests) over time, those in red."""
    start, end = zoom(window, [point.at for point in series.points])
    x = Axis(start.timestamp(), end.timestamp(), _LEFT, WIDTH - 8)
    wide = slot_seconds(series, start, end)
    slots = add_up(series, start, wide)
    most = max((total for _, total, _ in slots), default=0)
    y = Axis(0, max(most, 1), 0, _HEIGHT)
    top = _TOP if any(start <= moment <= end for moment, _, _ in changes) else _BARE_TOP
    bottom = top + _HEIGHT
    parts = [
        text(_LEFT - 6, top + 8, format_number(most), anchor="end"),
        text(_LEFT - 6, bottom, "0", anchor="end"),
        line(_LEFT, top, WIDTH - 8, top),
        *(_slot(slot, x, y, bottom, wide) for slot in slots),
        time_axis(start, end, x, bottom),
        *marks(x, top, bottom, onset, changes),
    ]
    return figure(f"{series.labels['target']}: {series.name} in red", bottom + 20, parts)


def marks(x: Axis, top: float, bottom: float, onset: datetime | None, changes: Sequence[Change]) -> list[str]:
    """Return a line for the onset and each change inside the axis; changes that lie close share a label."""
    inside = sorted(change for change in changes if x.low <= change[0].timestamp() <= x.high)
    drawn: list[str] = []
    labels: list[tuple[float, list[Change]]] = []
    for change in inside:
        place = x.at(change[0].timestamp())
        drawn.append(line(place, top - 16, place, bottom, "mark warning"))
        if labels and place - labels[-1][0] < _APART:
            labels[-1][1].append(change)
        else:
            labels.append((place, [change]))
    drawn += _labels(labels, top - 18)
    if onset and x.low <= onset.timestamp() <= x.high:
        place = x.at(onset.timestamp())
        drawn += [line(place, top, place, bottom, "mark critical")]
        drawn += [label(place, top - 4, f"onset {onset:%H:%M:%S}", "critical")]
    return drawn


def _labels(groups: Sequence[tuple[float, list[Change]]], y: float) -> Iterator[str]:
    """Yield the labels of changes, each cut to the room that it has before its neighbours."""
    places = [_LEFT, *(place for place, _ in groups), WIDTH]
    for before, (place, group), after in zip(places, groups, places[2:], strict=False):
        room = min(place - before, after - place) if len(groups) > 1 else WIDTH / 2
        yield label(place, y, shorten(_words(group), max(int(room / _LETTER), _FEWEST)), "warning")


def zoom(window: Window, seen: Sequence[datetime]) -> tuple[datetime, datetime]:
    """Return what to draw of the window: from a little before the first thing seen, where much is empty."""
    end = max(window.end, max(seen, default=window.end))
    first = min(seen, default=window.start)
    if (first - window.start) < (end - window.start) / 3:
        return window.start, end
    return first - (end - first) / 20, end


def _words(group: Sequence[Change]) -> str:
    moment, target, what = group[0]
    if len(group) == 1:
        return f"{target}: {what}"
    return f"{len(group)} changes {moment:%H:%M:%S} to {group[-1][0]:%H:%M:%S}"


def slot_seconds(series: Series, start: datetime, end: datetime) -> float:
    """Return how long one bar lasts: as long as the points, or as it takes for 120 bars.

    Where the series does not say how long its points are, it is the shortest time between two of them.
    """
    seconds = series.step_seconds
    if seconds is None:
        moments = sorted({point.at for point in series.points})
        seconds = min(((b - a).total_seconds() for a, b in pairwise(moments)), default=0.0)
    return max(seconds, (end - start).total_seconds() / _BARS, 1.0)


def add_up(series: Series, start: datetime, seconds: float) -> list[tuple[float, float, float]]:
    """Return slots of time: its beginning, everything in it, what failed of it."""
    slots: dict[int, tuple[float, float]] = {}
    for point in series.points:
        index = max(int((point.at - start).total_seconds() / seconds), 0)
        total, failed = slots.get(index, (0.0, 0.0))
        slots[index] = (total + (point.total or 0.0), failed + point.value)
    return [(start.timestamp() + index * seconds, *slots[index]) for index in sorted(slots)]


def _slot(slot: tuple[float, float, float], x: Axis, y: Axis, bottom: float, seconds: float) -> str:
    at, total, failed = slot
    left, wide = x.at(at), max(x.at(at + seconds) - x.at(at) - 0.6, 0.8)
    title = f"{failed:,.0f} of {total:,.0f} failed"
    high = y.at(failed)
    rest = y.at(total) - high
    return bar(left, bottom - high - rest, wide, rest, css="s1", title=title) + bar(
        left, bottom - high, wide, high, css="bad", title=title
    )

"""What happened in a stretch of time, on one line."""

from collections.abc import Sequence
from datetime import datetime

from incident_lib.model import Window
from incident_lib.plots.rates import Change, zoom
from incident_lib.plots.svg import WIDTH, Axis, figure, line, shorten, text, time_axis

_ROW = 18.0


def plot_moments(window: Window, onset: datetime | None, changes: Sequence[Change]) -> str:
    """Return a line of time with each change and the onset on a row of its own."""
    events = [(moment, f"{target}: {what}", "warning") for moment, target, what in changes]
    events += [(onset, "onset: trouble begins", "critical")] if onset else []
    events = sorted(event for event in events if window.holds(event[0]))
    start, end = zoom(window, [moment for moment, _, _ in events])
    x = Axis(start.timestamp(), end.timestamp(), 8, WIDTH - 8)
    bottom = 6 + _ROW * max(len(events), 1)
    parts = [time_axis(start, end, x, bottom)]
    for index, (moment, words, css) in enumerate(events):
        parts.append(_moment(x.at(moment.timestamp()), index, bottom, f"{moment:%H:%M:%S} {words}", css))
    return figure("What happened in the window", bottom + 20, parts)


def _moment(x: float, index: int, bottom: float, words: str, css: str) -> str:
    y = 4 + _ROW * index
    right = x > WIDTH / 2
    label = text(
        x - 6 if right else x + 6, y + 11, shorten(words, 90), anchor="end" if right else "start", css=css
    )
    return line(x, y, x, bottom, f"mark {css}") + label

"""Moments on lanes above one axis of time, with the stretches of the incident's status on top."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from html import escape

import msgspec

from incident_lib.plots.svg import WIDTH, Axis, bar, figure, line, shorten, text, time_axis

_LEFT, _TOP, _LANE = 110.0, 34.0, 26.0
_LEAST = timedelta(minutes=1)


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened: on which lane, when, what, and whether it is bad."""

    lane: str
    at: datetime
    text: str
    is_bad: bool = False


class Stretch(msgspec.Struct, frozen=True, kw_only=True):
    """How long something held."""

    name: str
    start: datetime
    end: datetime


def plot_lanes(
    caption: str, lanes: Sequence[str], moments: Sequence[Moment], stretches: Sequence[Stretch] = ()
) -> str:
    """Return the moments as dots, each with its words when pointed at; "" where there are none.

    What lies long before the rest (a certificate that expired last week) is drawn at the left end, and said.
    """
    if not moments:
        return ""
    start, end = span([moment.at for moment in moments], [stretch.start for stretch in stretches])
    end = max([end, *(stretch.end for stretch in stretches)])
    x = Axis(start.timestamp(), end.timestamp(), _LEFT, WIDTH - 10)
    bottom = _TOP + _LANE * len(lanes)
    parts = [part for index, each in enumerate(stretches) for part in _stretch(each, x, index)]
    for index, lane in enumerate(lanes):
        y = _TOP + _LANE * (index + 0.5)
        parts += [text(_LEFT - 10, y + 4, lane, anchor="end", css="strong"), line(_LEFT, y, WIDTH - 10, y)]
        parts += [_dot(moment, x, y, start) for moment in moments if moment.lane == lane]
    parts.append(time_axis(start, end, x, bottom))
    parts.append(text(_LEFT - 10, bottom + 14, f"{start:%Y-%m-%d}", anchor="end"))
    early = sum(moment.at < start for moment in moments)
    note = f" ({early} long before, at the left end)" if early else ""
    return figure(caption + note, bottom + 20, parts)


def span(moments: Sequence[datetime], starts: Sequence[datetime]) -> tuple[datetime, datetime]:
    """Return the time to draw: all of it, but nothing older than as long before the incident as it lasts.

    >>> from datetime import UTC
    >>> at = datetime(2026, 1, 15, 14, tzinfo=UTC)
    >>> [f"{end:%d %H:%M}" for end in span([at - timedelta(days=9), at, at + timedelta(hours=1)], [at])]
    ['15 13:00', '15 15:03']
    """
    last = max(moments)
    begun = min(starts, default=min(moments))
    lasted = max(last - begun, _LEAST)
    earliest = max(min(moments), begun - max(lasted, timedelta(minutes=30)))
    return earliest, last + lasted / 20


def _stretch(stretch: Stretch, x: Axis, index: int) -> list[str]:
    left, right = x.at(stretch.start.timestamp()), x.at(stretch.end.timestamp())
    room = int((right - left) / 6.5)
    label = [text(left + 3, 21, shorten(stretch.name, room), css="strong")] if room > 3 else []
    css = "rest" if index % 2 else "s6"
    return [
        bar(left, 25, right - left - 1, 5, css=css, title=f"{stretch.name} from {stretch.start:%H:%M:%S}"),
        *label,
    ]


def _dot(moment: Moment, x: Axis, y: float, start: datetime) -> str:
    place = x.at(max(moment.at, start).timestamp())
    title = escape(f"{moment.at:%Y-%m-%d %H:%M:%S} {shorten(moment.text, 200)}")
    css = "bad" if moment.is_bad else "s1"
    return f'<circle cx="{place:.1f}" cy="{y:.1f}" r="5" class="{css}"><title>{title}</title></circle>'

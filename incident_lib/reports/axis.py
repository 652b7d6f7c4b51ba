"""One axis of time as HTML: lanes of moments and of stretches, which a mouse and keys reach.

The page's script zooms it and hides lanes; without it everything is there.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from html import escape

import msgspec

_TICKS = 6
_LEAST = timedelta(minutes=1)
_FORMS = ((timedelta(minutes=5), "%H:%M:%S"), (timedelta(hours=36), "%H:%M"))  # shorter than that
_LONGEST = 160  # characters of a label


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """A moment, or with `until` a stretch; `anchor` is the id of what says more of it."""

    at: datetime
    text: str
    until: datetime | None = None
    tone: str = "info"
    anchor: str = ""


class Lane(msgspec.Struct, frozen=True, kw_only=True):
    """The marks of one kind."""

    name: str
    marks: tuple[Mark, ...]


def render_axis(caption: str, lanes: Iterable[Lane], around: Sequence[datetime] = ()) -> str:
    """Return the figure, "" where there is nothing to draw. `around`: moments that are drawn in any case.

    What lies long before the rest (a certificate that expired last year) stands at the left end.
    """
    filled = [lane for lane in lanes if lane.marks]
    moments = [mark.at for lane in filled for mark in lane.marks]
    if not moments:
        return ""
    ends = [mark.until for lane in filled for mark in lane.marks if mark.until]
    low, high = _span([*moments, *around], [*ends, *around])
    rows = "".join(_lane(lane, low, high) for lane in filled)
    step = (high - low) / (_TICKS - 1)
    form = next((form for longest, form in _FORMS if high - low < longest), "%m-%d %H:%M")
    ticks = "".join(f'<span class="iw-tick">{low + step * index:{form}}</span>' for index in range(_TICKS))
    day = f"{low:%Y-%m-%d}" if low.date() == high.date() else f"{low:%m-%d} to {high:%m-%d}"
    return (
        f'<figure class="iw-axis" data-start="{low.isoformat()}" data-end="{high.isoformat()}">'
        f"<figcaption>{escape(caption)} <span>{day}, UTC</span></figcaption>{rows}"
        f'<div class="iw-ticks" aria-hidden="true">{ticks}</div></figure>'
    )


def _span(starts: Sequence[datetime], ends: Sequence[datetime]) -> tuple[datetime, datetime]:
    """Return the time to draw: half of what happened decides how far back it reaches."""
    last = max([*starts, *ends])
    middle = sorted(starts)[len(starts) // 2]
    lasted = max(last - middle, _LEAST)
    low = max(min(starts), middle - max(lasted * 3, timedelta(minutes=30)))
    return low, last + max((last - low) / 50, timedelta(seconds=1))


def _lane(lane: Lane, low: datetime, high: datetime) -> str:
    marks = "".join(_mark(mark, low, high) for mark in sorted(lane.marks, key=lambda mark: mark.at))
    return (
        f'<div class="iw-lane" data-lane="{escape(lane.name)}"><span class="iw-lane-name">{escape(lane.name)}'
        f'</span><div class="iw-lane-line">{marks}</div></div>'
    )


def _mark(mark: Mark, low: datetime, high: datetime) -> str:
    wide = (high - low).total_seconds()
    left = max(0.0, (max(mark.at, low) - low).total_seconds() / wide * 100)
    until = f" until {mark.until:%H:%M:%S}" if mark.until else ""
    text = mark.text if len(mark.text) <= _LONGEST else mark.text[: _LONGEST - 1] + "…"
    label = escape(f"{mark.at:%H:%M:%S}{until} {text}")
    place, data = f"left:{left:.2f}%", f'data-at="{mark.at.isoformat()}"'
    kind = "iw-dot"
    if mark.until:
        share = max(0.4, (min(mark.until, high) - max(mark.at, low)).total_seconds() / wide * 100)
        place, kind = f"{place};width:{share:.2f}%", "iw-stretch"
        data += f' data-until="{mark.until.isoformat()}"'
    side = " iw-right" if left > 55 else ""
    words = f"<span>{escape(text)}</span>" if mark.until else ""
    common = f'class="{kind} iw-{mark.tone}{side}" style="{place}" {data} data-label="{label}"'
    if mark.anchor:
        return f'<a href="#{escape(mark.anchor)}" {common} aria-label="{label}">{words}</a>'
    return f'<span {common} tabindex="0" role="img" aria-label="{label}">{words}</span>'

"""Bars, a line each, with its parts, its number and, where there is one, its limit."""

from collections.abc import Sequence

import msgspec

from incident_lib.plots.svg import WIDTH, Axis, bar, figure, line, shorten, text
from incident_lib.plots.values import show

_LABEL, _RIGHT, _STEP, _THICK = 260.0, 130.0, 22.0, 13.0
_MOST = 25


class Bar(msgspec.Struct, frozen=True, kw_only=True):
    """One bar: parts as (CSS class, value, name), and what is written behind it."""

    label: str
    parts: tuple[tuple[str, float, str], ...]
    note: str = ""
    limit: float | None = None

    @property
    def length(self) -> float:
        """All parts together."""
        return sum(value for _, value, _ in self.parts)


def plot_bars(
    caption: str, bars: Sequence[Bar], *, unit: str = "", keys: Sequence[tuple[str, str]] = ()
) -> str:
    """Return the bars in the order given, 25 at most, which is said; `unit` is a suffix such as `_bytes`."""
    shown = bars[:_MOST]
    top = 20.0 if keys else 4.0
    longest = max((max(each.length, each.limit or 0.0) for each in shown), default=0.0)
    x = Axis(0, longest or 1, _LABEL, WIDTH - _RIGHT)
    parts = [_keys(keys)]
    parts += [_bar(each, x, top + index * _STEP, unit) for index, each in enumerate(shown)]
    height = top + len(shown) * _STEP + 4
    cut = f" (the first {_MOST} of {len(bars)})" if len(bars) > _MOST else ""
    return figure(caption + cut, height, parts)


def _bar(each: Bar, x: Axis, y: float, unit: str) -> str:
    parts = [text(_LABEL - 8, y + 11, shorten(each.label, 42), anchor="end", css="strong")]
    start = 0.0
    for css, value, name in each.parts:
        title = f"{each.label}: {name} {show(unit, value)}".replace("  ", " ")
        parts.append(bar(x.at(start), y, x.at(start + value) - x.at(start), _THICK, css=css, title=title))
        start += value
    if each.limit is not None:
        place = x.at(each.limit)
        parts.append(line(place, y - 3, place, y + _THICK + 3, "mark critical"))
    parts.append(text(x.at(max(start, each.limit or 0.0)) + 6, y + 11, each.note or show(unit, start)))
    return "".join(parts)


def _keys(keys: Sequence[tuple[str, str]]) -> str:
    parts, place = [], _LABEL
    for css, name in keys:
        parts.append(bar(place, 2, 10, 10, css=css) + text(place + 14, 11, name))
        place += 26 + 6.4 * len(name)
    return "".join(parts)

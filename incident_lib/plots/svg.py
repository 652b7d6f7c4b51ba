"""The few shapes that plots are made of. Colours are classes, so that a page can be light or dark."""

from collections.abc import Iterable
from datetime import datetime
from html import escape

import msgspec

WIDTH = 900.0


class Axis(msgspec.Struct, frozen=True):
    """A straight map from values to places."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        """Return the place of `value`, kept inside.

        >>> Axis(0, 10, 100, 200).at(5), Axis(3, 3, 0, 100).at(3)
        (150.0, 0)
        """
        if self.high <= self.low:
            return self.start
        share = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return round(self.start + share * (self.end - self.start), 1)


def figure(caption: str, height: float, parts: Iterable[str], *, width: float = WIDTH) -> str:
    """Return a plot with its caption, which a screen reader reads, too."""
    return (
        f'<figure class="iw-plot" tabindex="0"><figcaption>{escape(caption)}</figcaption>'
        f'<svg viewBox="0 0 {width:.0f} {height:.0f}" role="img" aria-label="{escape(caption)}">'
        f"{''.join(parts)}</svg></figure>"
    )


def text(x: float, y: float, words: str, *, anchor: str = "start", css: str = "") -> str:
    """Return a label; `words` may come from anywhere and is escaped."""
    kind = f' class="{css}"' if css else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{kind}>{escape(words)}</text>'


def bar(x: float, y: float, width: float, height: float, *, css: str, title: str = "") -> str:
    """Return a filled box; what cannot be seen is not drawn."""
    if width <= 0 or height <= 0:
        return ""
    heading = f"<title>{escape(title)}</title>" if title else ""
    place = f'x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"'
    return f'<rect {place} class="{css}">{heading}</rect>'


def line(x1: float, y1: float, x2: float, y2: float, css: str = "axis") -> str:
    """Return a straight line."""
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{css}"/>'


def time_axis(start: datetime, end: datetime, axis: Axis, y: float, *, marks: int = 6) -> str:
    """Return the labels of an axis of time."""
    span = (end - start).total_seconds()
    parts = [line(axis.start, y, axis.end, y)]
    form = "%H:%M:%S" if span < 300 else "%H:%M"
    for index in range(marks):
        moment = start + (end - start) * index / (marks - 1)
        anchor = "start" if index == 0 else "end" if index == marks - 1 else "middle"
        parts.append(text(axis.at(moment.timestamp()), y + 14, f"{moment:{form}}", anchor=anchor))
    return "".join(parts)


def shorten(words: str, longest: int) -> str:
    """Return `words` cut to fit, the cut shown.

    >>> shorten("abcdef", 4), shorten("abc", 4)
    ('abc…', 'abc')
    """
    return words if len(words) <= longest else words[: longest - 1] + "…"

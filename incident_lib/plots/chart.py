"""The axes that charts are drawn in: one style, UTC times, units on the ticks, onset and changes marked.

Imports matplotlib: only what draws may import this.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from math import ceil, floor, log2, log10
from typing import Any

import matplotlib as mpl
import matplotlib.dates as mdates
import msgspec
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import Formatter, Locator
from msgspec.structs import replace

from incident_lib.plots.page_html import figure_html, styled
from incident_lib.plots.palette import BAD, INK, LIMIT, LINE, MARK, SERIES, SOFT
from incident_lib.plots.svg import shorten
from incident_lib.plots.svg_renderer import render_svg
from incident_lib.plots.text_width import FONT_SIZE, text_width
from incident_lib.units import UNITS, format_duration, format_value

WIDTH = 640.0  # points, which are units of the SVG
LEFT, RIGHT, ROW = 74.0, 34.0, 18.0
HEAD = 9.0  # from the axes, or the marks above them, to what is counted
SMALL_SCREEN = 1.5  # how much larger letters are there, against the drawing (blocks.css)
END_ROOM = 84.0  # right of the last point, for its value
_BOTTOM = 48.0  # ticks and the day
_LONGEST_END = 9  # letters right of the axes
_BOLD = 1.12
_FEWEST = 14  # letters that a label always has
_THOUSANDS = ((1e9, 1e9, "G"), (1e6, 1e6, "M"), (1e4, 1e3, "k"))  # from which value on, of what size
_DAY = 86_400.0
_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, _DAY)
_CHANGES_APART = 0.33  # of the width; nearer changes share a label

STYLE: Mapping[str, Any] = {
    "font.family": "sans-serif",
    "font.size": FONT_SIZE,
    "text.color": SOFT,
    "text.parse_math": False,  # names of strangers are no formulas
    "text.usetex": False,
    "axes.prop_cycle": cycler(color=SERIES),
    "axes.edgecolor": LINE,
    "axes.labelcolor": SOFT,
    "axes.facecolor": "#ffffff",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "axes.titlelocation": "left",
    "axes.titlesize": FONT_SIZE + 1,
    "axes.titleweight": "semibold",
    "axes.titlecolor": INK,
    "axes.xmargin": 0.0,
    "figure.facecolor": "#ffffff",
    "figure.dpi": 120,
    "grid.color": LINE,
    "grid.linewidth": 1.0,
    "grid.linestyle": "-",
    "lines.linewidth": 1.6,
    "xtick.major.size": 0.0,
    "ytick.major.size": 0.0,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "xtick.major.pad": 8.0,
    "legend.frameon": False,
}

Change = tuple[datetime, str, str]
Run = tuple[int, int, int]  # a row, its first slot, and the slot after its last


class Chart(Axes):  # type: ignore[misc]  # matplotlib has no types
    """Axes that show themselves as the pages do: light and dark, with the conclusion in words."""

    conclusion = ""

    def _repr_html_(self) -> str:
        """Return the whole figure."""
        return styled(to_html(self))


def to_html(axes: Axes) -> str:
    """Return the figure of `axes` for a page: title and conclusion as text, the drawing as SVG."""
    figure = axes.get_figure()
    title = axes.get_title(loc="left") or axes.get_title()
    conclusion = getattr(axes, "conclusion", "")
    hidden = [each for each in (figure.patch, *(ax.patch for ax in figure.axes)) if each.get_visible()]
    hidden += [part for part in (axes.title, axes._left_title) if part.get_visible()]  # noqa: SLF001 - it is not public
    for each in hidden:
        each.set_visible(False)  # the page has its own ground, and the title is its text
    try:
        with drawing():
            svg = render_svg(figure, ". ".join(filter(None, (title, conclusion))))
    finally:
        for each in hidden:
            each.set_visible(True)
    return figure_html(title, conclusion, svg)


@contextmanager
def drawing() -> Iterator[None]:
    """Let everything in it be drawn in the style."""
    with mpl.rc_context(STYLE):
        yield


def new_axes(
    height: float, *, rows: int = 0, left: float = LEFT, right: float = RIGHT, below: float = _BOTTOM
) -> Chart:
    """Return axes of that height in a figure of their own, with room for so many rows of marks above."""
    top = rows * ROW + HEAD + 11
    whole = height + top + below
    with drawing():
        figure = Figure(figsize=(WIDTH / 72, whole / 72))
        place = (left / WIDTH, below / whole, (WIDTH - left - right) / WIDTH, height / whole)
        axes: Chart = figure.add_axes(place, axes_class=Chart)
        return axes


def number(at: datetime) -> float:
    """Return where a moment stands on an axis of time."""
    return float(mdates.date2num(at))


def short_duration(seconds: float) -> str:
    """Return a length of time without parts that are zero.

    >>> short_duration(60), short_duration(90), short_duration(7200)
    ('1m', '1m 30s', '2h')
    """
    return format_duration(seconds).removesuffix(" 0s").removesuffix(" 0m").removesuffix(" 0h")


def numbers(moments: Sequence[datetime]) -> Any:
    """Return where moments stand on an axis of time."""
    return mdates.date2num(moments)


def headline(axes: Axes, title: str, conclusion: str, *, rows: int) -> None:
    """Say above the axes what they show, and what can be seen in them; both are the text of a page."""
    if isinstance(axes, Chart):
        axes.conclusion = conclusion
    axes.set_title(title, loc="left", pad=rows * ROW + HEAD)


def time_axis(axes: Axes, start: datetime, end: datetime) -> None:
    """Let x be UTC from `start` to `end`, with the day written once."""
    low, high = number(start), number(end)
    if high - low < 1 / _DAY:
        low, high = low - 30 / _DAY, high + 30 / _DAY
    axes.set_xlim(low, high)
    axes.xaxis.set_major_locator(UtcLocator())
    axes.xaxis.set_major_formatter(UtcFormatter())
    days = f"{start:%Y-%m-%d}" if start.date() == end.date() else f"{start:%Y-%m-%d} to {end:%Y-%m-%d}"
    axes.set_xlabel(f"{days}, UTC", loc="right", labelpad=6)


def value_axis(axes: Axes, unit: str, high: float, what: str, *, low: float = 0.0, row: int = 0) -> None:
    """Let y go from `low` to `high` in `unit`; `what` it counts stands above."""
    axes.set_ylim(low, high if high > low else low + 1)
    axes.yaxis.set_major_locator(ValueLocator(unit))
    axes.yaxis.set_major_formatter(lambda value, _: tick_text(value, unit))
    heading(axes, what, row=row)


def heading(axes: Axes, what: str, *, left: float = LEFT, row: int = 0) -> None:
    """Write what is counted above the axes, from the left edge of the figure on."""
    offset = -left if isinstance(axes, Chart) else 0
    axes.annotate(
        what, (0, 1), xycoords="axes fraction", xytext=(offset, row * ROW + HEAD),
        textcoords="offset points", annotation_clip=False,
    )  # fmt: skip


def tick_text(value: float, unit: str) -> str:
    """Return the text of a tick, short: large counts in thousands (k), millions (M) and so on.

    >>> [tick_text(0, "seconds"), tick_text(240, "seconds"), tick_text(512 << 20, "bytes")]
    ['0', '4m', '512 MiB']
    >>> [tick_text(value, "count") for value in (5_000, 20_000, 1.5e6, 1e12)]
    ['5,000', '20k', '1.5M', '1,000G']
    """
    if not value:
        return "0"
    if unit in UNITS and unit not in {"count", "days"}:
        return short_duration(value) if unit == "seconds" else format_value(value, unit)
    size, letter = next(((size, sign) for low, size, sign in _THOUSANDS if abs(value) >= low), (1.0, ""))
    return f"{value / size:,.4g}{letter}"


def runs(
    axes: Axes,
    found: Sequence[Run],
    start: datetime,
    seconds: float,
    paint: tuple[str, float],
) -> None:
    """Draw runs of slots as thick lines, in axes that have a row for each whole number."""
    first, step = number(start), seconds / _DAY
    low, high = axes.get_ylim()
    wide = axes.get_window_extent().height / axes.get_figure().dpi * 72 / abs(high - low) * 0.8
    gap = float("nan")
    places = [place for _, begin, end in found for place in (first + begin * step, first + end * step, gap)]
    rows = [place for row, _, _ in found for place in (row + 0.5, row + 0.5, gap)]
    colour, dark = paint
    axes.plot(places, rows, color=colour, alpha=dark, linewidth=wide, solid_capstyle="butt")


def keys(axes: Axes, named: Sequence[tuple[str, str]], *, row: int = 0, on_left: bool = False) -> None:
    """Name colours in a row above the axes, far enough apart for a small screen."""
    wide = [text_width(words) * SMALL_SCREEN * _BOLD + 16 for _, words in named]
    for number, (colour, words) in enumerate(named):
        offset = sum(wide[:number]) if on_left else -sum(wide[number + 1 :])
        axes.annotate(
            words, (0 if on_left else 1, 1), xycoords="axes fraction", xytext=(offset, row * ROW + HEAD),
            textcoords="offset points", ha="left" if on_left else "right", color=colour, weight="semibold",
            annotation_clip=False,
        )  # fmt: skip


def end_label(axes: Axes, value: float, unit: str, colour: str) -> None:
    """Write a value right of the axes, at its height; its unit where that is short."""
    words = format_value(value, unit) if unit in UNITS and unit != "days" else tick_text(value, unit)
    words = words if len(words) <= _LONGEST_END else tick_text(value, unit)
    axes.annotate(
        words, (1, value), xycoords=axes.get_yaxis_transform(), xytext=(6, -4), textcoords="offset points",
        color=colour, annotation_clip=False,
    )  # fmt: skip


def limit_line(axes: Axes, limit: float, words: str) -> None:
    """Draw a limit, with its label above it on the left."""
    axes.axhline(limit, color=LIMIT, linestyle=(0, (3, 3)), linewidth=1.2)
    axes.annotate(
        words, (0, limit), xycoords=axes.get_yaxis_transform(), xytext=(4, 3), textcoords="offset points",
        color=LIMIT, annotation_clip=False,
    )  # fmt: skip


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """An upright line with a label in a row of its own, and lines next to it that share the label."""

    at: datetime
    others: tuple[datetime, ...] = ()
    words: str
    colour: str
    row: int = 0  # above the axes
    room: float = 1.0  # for the label, as a share of the width
    on_right: bool = True


def marks_of(
    start: datetime, end: datetime, onset: datetime | None, changes: Sequence[Change]
) -> tuple[Mark, ...]:
    """Return the marks between two moments, in rows such that no line crosses the label of another.

    Labels of the left half reach to the right and stand above those of the right half, which reach to the
    left; in each half the outer stand above the inner. Changes that lie close share a label.
    """
    groups: list[list[Change]] = []
    for change in sorted(change for change in changes if start <= change[0] <= end):
        if groups and change[0] - groups[-1][0][0] < _CHANGES_APART * (end - start):
            groups[-1].append(change)
        else:
            groups.append([change])
    found = [
        Mark(at=group[0][0], others=tuple(at for at, _, _ in group[1:]), words=_words(group), colour=MARK)
        for group in groups
    ]
    if onset is not None and start <= onset <= end:
        found.append(Mark(at=onset, words=f"onset {onset:%H:%M:%S}", colour=BAD))
    found.sort(key=lambda each: each.at)
    middle = start + (end - start) / 2
    left = [each for each in found if each.at < middle]
    right = [each for each in found if each.at >= middle]
    inner = left[-1].at if left else start
    whole = (end - start) or timedelta(seconds=1)
    placed = [
        replace(each, row=row, room=(each.at - inner) / whole, on_right=False)
        for row, each in enumerate(right)
    ]
    placed += [
        replace(each, row=row, room=(end - each.at) / whole)
        for row, each in enumerate(reversed(left), len(right))
    ]
    return tuple(placed)


def mark(axes: Axes, marks: Sequence[Mark]) -> None:
    """Draw marks."""
    dots = axes.get_figure().dpi / 72
    size = axes.get_window_extent()
    wide, tall = size.width / dots, size.height / dots
    for each in marks:
        place = number(each.at)
        for at, top in ((place, (each.row + 1) * ROW), *((number(at), 0.0) for at in each.others)):
            axes.plot(
                [at, at], [0, 1 + top / tall], transform=axes.get_xaxis_transform(), color=each.colour,
                linewidth=1.2, linestyle=(0, (3, 3)), clip_on=False, scalex=False, scaley=False,
            )  # fmt: skip
        axes.annotate(
            fitting(each.words, each.room * wide), (place, 1), xycoords=axes.get_xaxis_transform(),
            xytext=(4 if each.on_right else -4, each.row * ROW + 4), textcoords="offset points",
            ha="left" if each.on_right else "right", color=each.colour, annotation_clip=False,
        )  # fmt: skip


def fitting(words: str, room: float) -> str:
    """Return as much of `words` as has room on a small screen, too."""
    longest = len(words)
    while longest > _FEWEST and text_width(shorten(words, longest)) * SMALL_SCREEN > room:
        longest -= 1
    return shorten(words, longest)


def _words(group: Sequence[Change]) -> str:
    moment, target, what = group[0]
    return f"{target}: {what}" if len(group) == 1 else f"{len(group)} changes from {moment:%H:%M:%S}"


class UtcLocator(Locator):  # type: ignore[misc]  # matplotlib has no types
    """Ticks at whole seconds, minutes, hours or days, five or so."""

    def __call__(self) -> list[float]:
        """Return the places of the ticks."""
        return self.tick_values(*self.axis.get_view_interval())

    def tick_values(self, vmin: float, vmax: float) -> list[float]:
        """Return the places between two, in days."""
        return _ticks(vmin, vmax, time_step(abs(vmax - vmin) * _DAY) / _DAY)


class UtcFormatter(Formatter):  # type: ignore[misc]  # matplotlib has no types
    """As much of the time as the ticks differ in."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        """Return the text of a tick."""
        del pos
        ticks = self.axis.get_majorticklocs()
        step = min((b - a for a, b in pairwise(ticks)), default=1 / _DAY) * _DAY
        at = datetime.fromtimestamp(round(mdates.num2date(x).timestamp()), UTC)
        return f"{at:%d %b}" if step >= _DAY - 1 else f"{at:%H:%M}" if step >= 59 else f"{at:%H:%M:%S}"


def _ticks(vmin: float, vmax: float, step: float) -> list[float]:
    """Return the whole steps between two places; none is outside, since matplotlib would leave it out."""
    low, high = sorted((vmin, vmax))
    counts = range(ceil(low / step - 1e-6), floor(high / step + 1e-6) + 1)
    return [min(max(count * step, low), high) for count in counts]


def time_step(seconds: float) -> float:
    """Return how far ticks are apart on an axis of that many seconds.

    >>> time_step(60), time_step(900), time_step(86_400), time_step(30 * 86_400)
    (15, 300, 21600, 604800.0)
    """
    wanted = max(seconds, 1.0) / 4.6
    return next((step for step in _STEPS if step >= wanted), _DAY * max(2, ceil(wanted / _DAY)))


class ValueLocator(Locator):  # type: ignore[misc]  # matplotlib has no types
    """Ticks at round numbers of a unit, three or so."""

    def __init__(self, unit: str) -> None:
        self.unit = unit

    def __call__(self) -> list[float]:
        """Return the places of the ticks."""
        return self.tick_values(*self.axis.get_view_interval())

    def tick_values(self, vmin: float, vmax: float) -> list[float]:
        """Return the places between two."""
        return _ticks(vmin, vmax, value_step(abs(vmax - vmin), self.unit))


def value_step(span: float, unit: str) -> float:
    """Return how far ticks are apart, so that their texts are short.

    >>> [value_step(span, "count") for span in (1, 10, 1000)], value_step(700, "seconds")
    ([1.0, 5.0, 500.0], 300)
    >>> value_step(3 << 20, "bytes") / 2**20, round(value_step(0.4, "ratio"), 2)
    (1.0, 0.2)
    """
    wanted = (span or 1.0) / 3
    if unit == "bytes":
        return float(2 ** ceil(log2(max(wanted, 1.0))))
    if unit == "seconds" and wanted > 10:
        return next((step for step in _STEPS if step >= wanted), _DAY * ceil(wanted / _DAY))
    size = 10 ** floor(log10(wanted))
    step = next(size * factor for factor in (1, 2, 5, 10) if size * factor >= wanted * (1 - 1e-9))
    return float(max(step, 1) if unit == "count" else step)

"""The console that commands print on: texts that are clean, and tables of thousands of rows."""

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, pairwise, zip_longest

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment, Segments
from rich.style import Style
from rich.table import Table
from rich.text import Text

from incident_lib.characters import is_plain, visible, visible_line
from incident_lib.cli.stream import is_plain as is_uncolored
from incident_lib.model import FindingSeverity

STYLES = {
    FindingSeverity.CRITICAL: "bold red",
    FindingSeverity.WARNING: "yellow",
    FindingSeverity.UNKNOWN: "magenta",
    FindingSeverity.INFO: "cyan",
    FindingSeverity.OK: "green",
}


class _Terminal(Console):
    """A console whose texts are clean, its colours being ours alone.

    It falls silent when its reader goes, as `head` does; the work goes on and is sealed.
    """

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Yield the segments of what is printed, their texts without what could drive a terminal."""
        return map(_clean, super().render(renderable, options))

    def on_broken_pipe(self) -> None:
        """Print nothing from here on."""
        self.quiet = True
        os.dup2(os.open(os.devnull, os.O_WRONLY), self.file.fileno())


def console_for(*, no_color: bool, to_stderr: bool = False) -> Console:
    """Return the console to print on; plain when asked for, NO_COLOR is set or it is no terminal.

    Plain is without bold and dim too, which `no_color` of rich keeps.
    """
    return _Terminal(
        color_system=None if is_uncolored(no_color=no_color) else "auto",
        stderr=to_stderr,
        highlight=False,
        emoji=False,
        markup=False,
        soft_wrap=False,
    )


def _clean(segment: Segment) -> Segment:
    text, style, control = segment
    if control:
        return segment
    if style and style.link:
        style = style.update_link(None)
    return Segment(visible(text), style)


def plain(text: str) -> str:
    r"""Return `text` on one line, without what could drive a terminal.

    >>> plain("a\x1b[2Jb\nc")
    'a[2Jb c'
    """
    return visible_line(text)


_WORD = re.compile(r"\s*\S+\s*")
_LONG = 20_000  # characters of one cell
Row = list[tuple[str, str]]  # a text on one line for each column, with its style


def print_rows(console: Console, rows: Iterable[Row], widths: Sequence[int]) -> None:
    """Print a table whose widths are known; text that is too long goes on in the next line of its column.

    Cost: thousands of rows in a fraction of the time of a rich table, which measures every cell.
    """
    styles: dict[str, Style] = {}
    segments: list[Segment] = []
    is_styled = console.color_system is not None
    for row in rows:
        if all(len(text) <= width and is_plain(text) for (text, _), width in zip(row, widths, strict=True)):
            lines: Iterable[tuple[str, ...]] = (tuple(text for text, _ in row),)
        else:
            columns = [_fold(console, text, width) for (text, _), width in zip(row, widths, strict=True)]
            lines = zip_longest(*columns, fillvalue="")
        for line in lines:
            padded = [_padded(text, width) for text, width in zip(line, widths, strict=True)]
            if not is_styled:
                segments.append(Segment("".join(padded)))
            else:
                cells = zip(padded, row, strict=True)
                for name, same in groupby(cells, key=_style):
                    style = styles.setdefault(name, Style.parse(name))
                    segments.append(Segment("".join(text for text, _ in same), style))
            segments.append(Segment.line())
    fits = sum(widths) + len(widths) <= console.width
    console.print(Segments(segments), end="", crop=not fits)


def _padded(text: str, width: int) -> str:
    return f"{text:{width + 1}}" if is_plain(text) else text + " " * (width - _cells(text) + 1)


def _fold(console: Console, text: str, width: int) -> list[str]:
    if _cells(text) <= width:
        return [text]
    if len(text) > _LONG:  # no words of a person: cut anywhere, at a hundredth of the cost
        step = width if text.isascii() else max(1, width // 2)
        return [text[start : start + step] for start in range(0, len(text), step)]
    if not is_plain(text):
        return [line.plain.rstrip() for line in Text(text).wrap(console, width, overflow="fold")]
    cuts = [0, *_cuts(text, width), len(text)]
    return [text[start:end].rstrip() for start, end in pairwise(cuts)]


def _cuts(text: str, width: int) -> Iterator[int]:
    """Yield where a text goes on in the next line, as rich does it: each of its characters takes one cell."""
    taken = 0
    for word in _WORD.finditer(text):
        start, length = word.start(), len(word[0].rstrip())
        if length <= width - taken:
            taken += len(word[0])
        elif length <= width:
            if taken and start:
                yield start
                taken = len(word[0])
        else:
            places = range(start, word.end(), width)
            yield from (place for place in places if place)
            taken = word.end() - places[-1]


def _cells(text: str) -> int:
    return len(text) if is_plain(text) else cell_len(text)


def _style(cell: tuple[str, tuple[str, str]]) -> str:
    return cell[1][1]


def print_command(console: Console, line: str) -> None:
    """Print a proposed command on a line that is never wrapped, whatever the terminal's width."""
    console.print(Text(f"  {line}"), soft_wrap=True)


def labelled(word: str, text: str) -> Table:
    """Return a line with a word in front, whose text is folded below itself."""
    grid = Table.grid(padding=(0, 1))
    grid.add_column(width=13, style="bold")
    grid.add_column(ratio=1, overflow="fold")
    grid.add_row(word, Text(plain(text)))
    return grid


def print_notice(console: Console, words: str) -> None:
    """Print what people must know first; nothing for no words."""
    if words:
        console.print(plain(words), style="yellow", markup=False, soft_wrap=True)

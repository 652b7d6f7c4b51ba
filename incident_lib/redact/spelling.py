"""Text without its escapes (percent, JSON, Python, HTML), and where each letter of it stood."""

import html
import re
from bisect import bisect_right
from collections.abc import Iterator
from functools import cached_property
from urllib.parse import unquote_to_bytes

from incident_lib.expressions import expression

_DEEPEST = 4  # JSON in a string in a URL in a page
_MOST_MEANINGS = 10_000
_ESCAPE = expression(
    r"%(?:[0-7][0-9A-Fa-f]|[89A-Fa-f][0-9A-Fa-f](?:%[89AaBb][0-9A-Fa-f]){0,3})"
    r"|\\(?:u[dD][89abAB][0-9A-Fa-f]{2}\\u[dD][c-fC-F][0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|x[0-9A-Fa-f]{2}|[\"'\\/bfnrt])"
    r"|&(?:#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});"
)
_LETTERS = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


_CELLS = ",;\t|"
_QUOTES = {'""': '"', '"': "\n"} | {
    f'{sign}""': f"{sign}\n" for sign in _CELLS
}  # in CSV; a cell ends as a line


class _Meanings(dict[str, str]):
    """What escapes stand for; the few that a text has come again and again."""

    def __missing__(self, escape: str) -> str:
        """Return the letters of an escape, itself where it is none."""
        if len(self) > _MOST_MEANINGS:
            self.clear()
        meaning = self[escape] = _QUOTES.get(escape) or _meaning(escape)
        return meaning


_MEANINGS = _Meanings()


class View:
    """A text as it reads without escapes, one layer or several deep.

    >>> view = next(views("p%40ss"))
    >>> view.text, view.source(1, 2)
    ('p@ss', (1, 4))
    """

    def __init__(
        self, text: str, escaped: str, below: "View | None", escape: re.Pattern[str] = _ESCAPE
    ) -> None:
        self.text = text
        self._escape = escape
        self._escaped = escaped
        self._below = below

    def source(self, start: int, end: int) -> tuple[int, int]:
        """Return the span of the original text that reads as `start` to `end` here."""
        there = self._there(start)[0], self._there(end - 1)[1]
        return self._below.source(*there) if self._below else there

    def _there(self, at: int) -> tuple[int, int]:
        starts, escapes = self._map
        index = bisect_right(starts, at) - 1
        if index < 0:
            return at, at + 1
        end, source_start, source_end = escapes[index]
        if at < end:
            return source_start, source_end
        moved = source_end + at - end
        return moved, moved + 1

    @cached_property
    def _map(self) -> tuple[list[int], list[tuple[int, int, int]]]:
        """Where each escape's letters begin here; and where they end, with the span of the escape there."""
        starts, escapes = [], []
        moved = 0  # how much further on an escape stands there
        for found in self._escape.finditer(self._escaped):
            start, end = found.span()
            begin = start - moved
            starts.append(begin)
            escapes.append((begin + len(_MEANINGS[found[0]]), start, end))
            moved = end - escapes[-1][0]
        return starts, escapes


_LETTER = expression(r"\\u00(?:3[0-9]|[46][1-9A-Fa-f]|[57][0-9Aa])")


def without_escaped_letters(text: str) -> View | None:
    """Return `text` with the letters and digits read that JSON had no need to escape, None without any."""
    if not _LETTER.search(text):
        return None
    return View(_LETTER.sub(lambda found: _MEANINGS[found[0]], text), text, None, _LETTER)


_JSON_ESCAPE = expression(
    r"\\(?:u[dD][89abAB][0-9A-Fa-f]{2}\\u[dD][c-fC-F][0-9A-Fa-f]{2}|u(?![dD][89a-fA-F])[0-9A-Fa-f]{4}|[\"\\/bfnrt])"
)


def without_json_escapes(text: str) -> View:
    """Return `text`, of strings of JSON, without one layer of their escapes."""
    undone = _JSON_ESCAPE.sub(lambda found: _MEANINGS[found[0]], text)
    return View(undone, text, None, _JSON_ESCAPE)


_DOUBLED = expression(rf'(?m)[{_CELLS}]""(?=[{_CELLS}\r]|$)|(?:(?<=[{_CELLS}])|^)"(?="")|""|"')
_DOUBLED_NAME = expression(r'""\s{0,5}(?::|=>)|[=:>]\s{0,5}""[^"\s,;)\]}]')  # joined to a value


def lines_without_doubled_quotes(text: str) -> Iterator[tuple[int, View]]:
    r"""Yield the lines with cells whose quotes are doubled, read without that and with a line a cell.

    Lines that follow each other are one view. Before it stands where the first begins.

    >>> [(at, view.text) for at, view in lines_without_doubled_quotes('a = ""\n1,"{""b"": ""c""}",""')]
    [(7, '1,\n{"b": "c"}\n,\n')]
    """
    for begin, end in _lines_with(_DOUBLED_NAME, text):
        lines = text[begin:end]
        yield begin, View(_DOUBLED.sub(lambda found: _MEANINGS[found[0]], lines), lines, None, _DOUBLED)


def _lines_with(pattern: re.Pattern[str], text: str) -> Iterator[tuple[int, int]]:
    """Yield where lines with a match begin and end; those that follow each other are together."""
    begin, end = 0, -1
    for found in pattern.finditer(text):
        if found.start() < end:
            continue
        first = text.rfind("\n", 0, found.start()) + 1
        if end >= 0 and first != end + 1:
            yield begin, end
        begin = begin if first == end + 1 else first
        end = text.find("\n", found.end())
        end = len(text) if end < 0 else end
    if end >= 0:
        yield begin, end


def views(text: str) -> Iterator[View]:
    """Yield `text` with one layer of escapes undone after the other, none where it has none.

    Cost: in proportion to the text, however deep its escapes are nested.
    """
    below: View | None = None
    for _ in range(_DEEPEST):
        if "%" not in text and "\\" not in text and "&" not in text:
            return
        undone = _ESCAPE.sub(lambda found: _MEANINGS[found[0]], text)
        if undone == text:
            return
        below = View(undone, text, below)
        yield below
        text = undone


def _meaning(escape: str) -> str:
    """Return the letters that an escape stands for, itself where it is none."""
    if escape[0] == "%":
        data = unquote_to_bytes(escape)
        try:
            return data.decode()
        except UnicodeDecodeError:
            return data.decode("latin-1")
    if escape[0] == "&":
        return html.unescape(escape) or escape
    if escape[1] not in "ux":
        return _LETTERS.get(escape[1], escape[1])
    if len(escape) > 6:
        high, low = int(escape[2:6], 16), int(escape[8:], 16)
        return chr(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))
    return chr(int(escape[2:], 16))

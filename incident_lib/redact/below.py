"""Secrets on lines below what names them -> their spans: below a sentence, or pointed at in a traceback."""

import re
from collections.abc import Iterator

from incident_lib.expressions import expression
from incident_lib.redact.names import Strength, is_plural, strength
from incident_lib.redact.place import has_both
from incident_lib.redact.quotes import OPEN, inside
from incident_lib.redact.spans import Span
from incident_lib.redact.values import is_ordinary, is_secret, looks_random

_PREFIX = (  # a stamp, a container's name, a frame
    r"(?:\d{4}-\d\d-\d\d[T ]\d\d:\S{1,40}[ \t]|[\w.-]{1,40}[ \t]{0,20}\|[ \t]|[#*>|│║][ \t]{0,20}){0,3}"
    r"[ \t]{0,80}"
)
_ASKED = expression(r":[ \t]{0,20}[#*|│║]?[ \t]{0,20}\r?\n")
_BELOW = expression(
    rf"(?:{_PREFIX}[#*|│║]?[ \t]{{0,80}}\r?\n){{0,2}}{_PREFIX}"
    r"(?P<value>\S{6,200})[ \t]{0,80}[#*|│║]?[ \t]{0,20}(?=\r?\n|\Z)"
)
_WORD = expression(r"[^\W\d][\w-]{1,60}")
_KEY = expression(
    r"\b(?:api|access|secret|licen[cs]e|recovery|encryption|private|unseal|master|admin)[ _-]key\b",
    re.IGNORECASE,
)
_NAME_OF_OBJECT = expression(r"[a-z]+(?:[-_.][a-z\d]+)+|[a-z]+\d{1,3}|v?\d[\d.]*[a-z]{0,3}")
_LONGEST_LINE = 200
_TURN, _BARS = "└", frozenset("│└|")
_POINTED = expression(r"└ ?(?P<value>[^\n]{1,4000})")
_MOST_LINES, _LONGEST_NAME = 20, 60
_IDENTIFIER, _REST = expression(r"\w+\Z"), expression(r"\w*")


def secrets_below(text: str) -> Iterator[Span]:
    """Yield the spans of values on lines of their own."""
    if ":" in text and "\n" in text:
        for match in _ASKED.finditer(text):
            begin = max(text.rfind("\n", 0, match.start()) + 1, match.start() - _LONGEST_LINE)
            if (below := _BELOW.match(text, match.end())) and _is_asking(text[begin : match.start()]):
                value = below["value"]
                if _is_alone(value):
                    yield Span(*below.span("value"), "secret")
    if _TURN in text:
        yield from _pointed_at(text)


def _is_asking(line: str) -> bool:
    """Return whether a line names one secret."""
    words = _WORD.findall(line)
    return bool(_KEY.search(line)) or any(
        strength(word) >= Strength.WEAK and not is_plural(word) for word in words
    )


def _is_alone(value: str) -> bool:
    """Return whether what stands alone on its line looks drawn or chosen, and is nothing else."""
    if "://" in value or value.endswith((":", "{", "[", "(")) or is_ordinary(value):
        return False
    return looks_random(value) or (has_both(value) and not _NAME_OF_OBJECT.fullmatch(value))


def _pointed_at(text: str) -> Iterator[Span]:
    """Yield the values that lines of a traceback point up from, to a secret's name in the code above."""
    below, code = -1, ""  # where a line begins that follows such a line; the code above them
    for match in _POINTED.finditer(text):
        begin = text.rfind("\n", 0, match.start()) + 1
        column = match.start() - begin
        if column > _LONGEST_LINE:
            continue
        if begin != below:
            code = _code_above(text, begin, column)
        start, end = match.span("value")
        below = end + 1
        word = _REST.match(code, column)
        left = _IDENTIFIER.search(code[max(0, column - _LONGEST_NAME) : column])
        sure = strength((left[0] if left else "") + (word[0] if word else ""))
        if not sure:
            continue
        if opened := OPEN.match(text, start):
            start, end = inside(text, opened)
        if is_secret(text[start:end], Strength(min(sure, Strength.STRONG))):
            yield Span(start, end, "secret")


def _code_above(text: str, begin: int, column: int) -> str:
    """Return the first line above that has more than a bar in the column."""
    for _ in range(_MOST_LINES):
        end = begin - 1
        if end < 0:
            break
        begin = text.rfind("\n", max(0, end - 4 * _LONGEST_LINE), end) + 1
        if (text[begin + column : begin + column + 1] if begin + column < end else "") not in _BARS:
            return text[begin:end]
    return ""

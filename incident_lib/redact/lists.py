"""Codes and passwords that stand one below the other, under a line that announces them -> their spans."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from incident_lib.expressions import expression
from incident_lib.redact.place import has_both
from incident_lib.redact.sieve import Sieve
from incident_lib.redact.spans import Span
from incident_lib.redact.values import MARK, is_ordinary, looks_random

_ANNOUNCED = Sieve(
    expression(
        r"\b(?:(?:recovery|backup|scratch|rescue|emergency|one-time|single-use)[ _-]?codes|passwords"
        r"|passphrases)\b[^\n:]{0,100}:[ \t]{0,20}\r?\n",
        re.IGNORECASE,
    )
)
_HINTS = ("codes", "passwords", "passphrases")
_FRONT = r"(?:\d{4}-\d\d-\d\d[T ]\d\d:\S{1,40}[ \t])?[ \t|│]{0,40}(?:\d{1,2}[.):]|[-*•·])?[ \t]{0,20}"
_SIGNS = r"[\w!#$%&+/=?@^~-]{6,64}"
_ITEM = expression(
    rf"{_FRONT}(?P<tokens>{_SIGNS}(?:[ \t]{{1,20}}{_SIGNS}){{0,4}})[ \t|│]{{0,40}}\r?(?:\n|\Z)"
)
_BLANK = expression(r"[ \t|│]{0,40}\r?\n")
_EACH = expression(_SIGNS)
_NAME = expression(r"[a-z]+(?:[-_.][a-z\d]+)*|[a-z]+\d{1,3}|v?\d[\d.]*[a-z]{0,3}", re.IGNORECASE)
_DIGITS = expression(r"\d{6,10}|\d{3,5}(?:-\d{3,5}){1,3}")
_MOST_ITEMS = 60


class Announced(NamedTuple):
    """A line that announces a list, where the list ends, and what it holds."""

    begin: int
    first: int
    end: int
    spans: tuple[Span, ...]


def announced(text: str, folded: str) -> Iterator[Announced]:
    """Yield the lists of codes and passwords. `folded`: the text in small letters."""
    if "\n" not in text or not any(hint in folded for hint in _HINTS):
        return
    for match in _ANNOUNCED.finditer(text, text.encode("utf-8", "surrogatepass")):
        spans: list[Span] = []
        place = match.end()
        are_codes = "codes" in match[0].lower()
        for _ in range(_MOST_ITEMS):
            if blank := _BLANK.match(text, place):
                place = blank.end()
            item = _ITEM.match(text, place)
            found = list(_of_item(text, item, are_codes=are_codes)) if item else []
            if not item or not (found or MARK.search(item[0])):
                break
            spans += found
            place = item.end()
            if place >= len(text):
                break
        yield Announced(text.rfind("\n", 0, match.start()) + 1, match.end(), place, tuple(spans))


def _of_item(text: str, item: re.Match[str], *, are_codes: bool) -> Iterator[Span]:
    """Yield the secrets on a line of a list; none where one of its words is another."""
    words = list(_EACH.finditer(text, *item.span("tokens")))
    if all(_is_code(word[0], are_codes=are_codes) for word in words):
        for word in words:
            yield Span(*word.span(), "secret")


def _is_code(value: str, *, are_codes: bool) -> bool:
    if _DIGITS.fullmatch(value):
        return are_codes
    is_drawn = looks_random(value) or (has_both(value) and not _NAME.fullmatch(value))
    return is_drawn and not is_ordinary(value)


def secrets_of_lists(text: str, folded: str) -> Iterator[Span]:
    """Yield the spans of what stands in such lists."""
    for each in announced(text, folded):
        yield from each.spans

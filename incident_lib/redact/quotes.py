"""Quotes and brackets in a text -> where what they hold begins and ends."""

import re

from incident_lib.expressions import expression
from incident_lib.redact.words import words

LONGEST_VALUE = 16 * 1024
QUOTE = r"\\{0,7}[\"'`]|&quot;|&apos;|&\#0?39;|&\#34;|&\#x27;|&\#x22;|%22|%27|\\u0022|\\u0027"
OPEN = expression(QUOTE)
BRACKETS = {"[": "]", "{": "}", "(": ")"}
_PAIRS = words("quotes")
TYPOGRAPHIC = expression(rf"[{''.join(pair[0] for pair in _PAIRS)}]\s?")
_TYPOGRAPHIC_END = {pair[0]: expression(rf"\s?[{pair[1:]}]|\s?\n") for pair in _PAIRS}
_LONGEST_SAID = 400
_BRACKET_SIGNS = expression(r"[\"'\\\[\]{}()]")


def inside(text: str, opened: re.Match[str]) -> tuple[int, int]:
    """Return where the text in quotes begins and ends; without an end, at the end of the line."""
    quote, start = opened[0], opened.end()
    limit = min(len(text), start + LONGEST_VALUE)
    if quote[-1] in "\"'`" and quote[:1] not in "&%" and not quote.startswith("\\u"):
        end = closing(text, start, limit, quote[-1], len(quote) - 1)
    else:
        end = text.find(quote, start, limit)
    if end < 0:
        end = text.find("\n", start, limit)
        end = limit if end < 0 else end
        if text[end - 1 : end] == "\r":
            end -= 1
    return start, end


def in_typographic(text: str, opened: re.Match[str]) -> tuple[int, int] | None:
    """Return where the text in typographic quotes begins and ends, None without an end on its line."""
    end = _TYPOGRAPHIC_END[opened[0][0]].search(text, opened.end(), opened.end() + _LONGEST_SAID)
    return (opened.end(), end.start()) if end else None


def closing(text: str, start: int, limit: int, mark: str, depth: int) -> int:
    """Return where a string ends whose quotes have so many backslashes before them, -1 without an end."""
    place = start
    while (place := text.find(mark, place, limit)) >= 0:
        if text.find("\n", start, place) >= 0 and mark != "`":
            return -1
        slashes = 0
        while place - slashes - 1 >= start and text[place - slashes - 1] == "\\":
            slashes += 1
        if depth == 0:
            if slashes % 2 == 0:
                if mark == "'" and text[place + 1 : place + 2] == "'" and place + 2 < limit and place > start:
                    place += 2
                    continue
                return place
        elif slashes <= depth:
            return place - slashes
        place += 1
    return -1


def bracket_end(text: str, place: int, limit: int | None = None) -> tuple[int, bool]:
    r"""Return where a list, object or tuple ends, and whether it does within the bound.

    Inside an escaped string its quotes have backslashes before them; it ends no later than that string.

    >>> bracket_end('["a]", "b"], c', 0), bracket_end(r'[\"a]\", \"b\"]}", "c": 1', 0)
    ((11, True), (15, True))
    >>> bracket_end(r'[\"a", 1]', 0)
    (4, False)
    """
    waiting: list[str] = []
    limit = min(len(text) if limit is None else limit, place + LONGEST_VALUE)
    quote, escaped, depth = "", -1, -1
    for match in _BRACKET_SIGNS.finditer(text, place, limit):
        at, letter = match.start(), match[0]
        if at == escaped or (quote and letter not in {quote, "\\"}):
            continue
        if quote and letter == "\\":
            escaped = at + 1 if depth < 1 else -1
        elif letter in "\"'" and (quote or letter == '"' or text[at - 1] in "[{(,: =\\"):
            slashes = _slashes(text, at)
            if 0 <= slashes < depth:
                return at - slashes, False  # of the string around it
            depth = slashes if depth < 0 else depth
            if quote and slashes > depth > 0:
                continue  # a quote in the string
            quote = "" if quote else letter
        elif letter in BRACKETS:
            waiting.append(BRACKETS[letter])
        elif waiting and letter == waiting[-1]:
            waiting.pop()
            if not waiting:
                return at + 1, True
    end = text.find("\n", place, limit)
    return (limit if end < 0 else end), False


def _slashes(text: str, at: int) -> int:
    """Return how many backslashes stand before a place, at most eight."""
    if at and text[at - 1] != "\\":
        return 0
    before = text[max(0, at - 8) : at]
    return len(before) - len(before.rstrip("\\"))

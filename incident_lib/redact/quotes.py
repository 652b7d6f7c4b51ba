"""Quotes and brackets in a text -> where what they hold begins and ends."""

import re

LONGEST_VALUE = 16 * 1024
QUOTE = r"\\{0,7}[\"'`]|&quot;|&apos;|&\#0?39;|&\#34;|&\#x27;|&\#x22;|%22|%27|\\u0022|\\u0027"
OPEN = re.compile(QUOTE)
BRACKETS = {"[": "]", "{": "}", "(": ")"}
_BRACKET_SIGNS = re.compile(r"[\"'\\\[\]{}()]")


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
    """Return where a list, object or tuple ends, and whether it does within the bound."""
    waiting: list[str] = []
    limit = min(len(text) if limit is None else limit, place + LONGEST_VALUE)
    quote, escaped = "", -1
    for match in _BRACKET_SIGNS.finditer(text, place, limit):
        at, letter = match.start(), match[0]
        if at == escaped:
            continue
        if quote:
            if letter == "\\":
                escaped = at + 1
            elif letter == quote:
                quote = ""
        elif letter in "\"'" and (letter == '"' or text[at - 1] in "[{(,: ="):
            quote = letter
        elif letter in BRACKETS:
            waiting.append(BRACKETS[letter])
        elif waiting and letter == waiting[-1]:
            waiting.pop()
            if not waiting:
                return at + 1, True
    end = text.find("\n", place, limit)
    return (limit if end < 0 else end), False

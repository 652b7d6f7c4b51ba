"""Manifests of Kubernetes' secrets -> the spans of their values, whatever their keys are called."""

import re
from collections.abc import Iterator
from itertools import chain, islice

from incident_lib.redact.quotes import OPEN, bracket_end, inside
from incident_lib.redact.spans import Span
from incident_lib.redact.values import is_ordinary

_KIND = re.compile(r"(?m)^[ ]{0,40}(?:- )?kind:[ ]{1,4}[\"']?Secret[\"']?[ ]{0,4}\r?$")
_KIND_IN_JSON = re.compile(r"\\{0,7}\"kind\\{0,7}\"\s{0,4}:\s{0,4}\\{0,7}\"Secret\\{0,7}\"")
_PATCHED = re.compile(r"\bpatch\s{1,4}secrets?\b[^\n{]{0,200}(?=\{)")
_STRING_DATA = re.compile(r"\\{0,7}\"stringData\\{0,7}\"\s{0,20}:\s{0,20}(?=\{)")  # of no other kind
_DATA = re.compile(r"(?m)^[ ]{0,40}(?:- )?(?:data|stringData):[ ]{0,4}\r?\n")
_DATA_IN_JSON = re.compile(r"\\{0,7}\"(?:data|stringData)\\{0,7}\"\s{0,20}:\s{0,20}(?=\{)")
_ENTRY = re.compile(r"[ ]{1,80}[\"']?[\w.-]{1,253}[\"']?:(?:[ ]{1,8}(?P<value>[^\s#][^\n]*?))?[ \t\r]*$")
_IN_OBJECT = re.compile(
    r"\\{0,7}\"[\w.-]{1,253}\\{0,7}\"\s{0,20}:\s{0,20}(?P<quote>\\{0,7}\")(?P<value>(?:(?!(?P=quote))[\s\S]){1,16384})(?P=quote)"
)
_LINE = re.compile(r"[ ]|[\w./-]{1,253}:(?:\s|$)|- |#|\r?$", re.MULTILINE)
_BLOCK = re.compile(r"[|>][+-]?\d?")
_FAR, _MOST_LINES = 64 * 1024, 500  # a manifest is no longer
_NEAR = 4096  # before the kind, in JSON
_FREE, _FOR_EACH, _MOST_MEMBERS = 16 * 1024, 2, 2


def secrets_of_manifests(text: str) -> Iterator[Span]:
    """Yield the spans of the values under `data` and `stringData` of a secret."""
    yield from _without_kind(text)
    if "Secret" not in text or "kind" not in text:
        return
    left = _FREE + _FOR_EACH * len(text)  # characters that may be looked at: documents may be nested
    for kind in chain(_KIND.finditer(text), _KIND_IN_JSON.finditer(text)):
        is_json = kind.re is _KIND_IN_JSON
        begin, end = _object(text, kind.start()) if is_json else _document(text, kind.start())
        left -= end - begin
        if left < 0:
            return
        yield from _of_json(text, begin, end) if is_json else _of_yaml(text, begin, end, kind)


def _without_kind(text: str) -> Iterator[Span]:
    """Yield what a patch of a secret sets, whose kind the command or the member's name says."""
    for hint, pattern, read in (("stringData", _STRING_DATA, _members), ("patch secret", _PATCHED, _of_json)):
        if hint not in text:
            continue
        done = 0
        for found in pattern.finditer(text):
            if found.start() >= done:
                done = bracket_end(text, found.end())[0]
                yield from read(text, found.end(), done)


def _of_yaml(text: str, begin: int, end: int, kind: re.Match[str]) -> Iterator[Span]:
    for data in _DATA.finditer(text, begin, end):
        if (column := _column(data[0])) == _column(kind[0]):
            yield from _entries(text, data.end(), end, column)


def _of_json(text: str, begin: int, end: int) -> Iterator[Span]:
    for data in islice(_DATA_IN_JSON.finditer(text, begin, end), _MOST_MEMBERS):
        yield from _members(text, data.end(), bracket_end(text, data.end(), end)[0])


def _members(text: str, begin: int, end: int) -> Iterator[Span]:
    """Yield the values of an object of JSON that are no placeholders."""
    for entry in _IN_OBJECT.finditer(text, begin, end):
        if not is_ordinary(entry["value"]):
            yield Span(*entry.span("value"), "secret")


def _column(line: str) -> int:
    """Return how far right a line's member stands, also behind the sign of a list's item."""
    return len(line) - len(line.lstrip(" ")) + 2 * line.lstrip(" ").startswith("- ")


def open_manifests(text: str) -> Iterator[tuple[int, str]]:
    """Yield where the line stands that makes a manifest of a secret, and it, where more may follow."""
    if "Secret" in text:
        for kind in _KIND.finditer(text, max(0, len(text) - _FAR)):
            if _document(text, kind.start())[1] >= len(text):
                yield kind.start(), f"{kind[0]}\n"


def _document(text: str, place: int) -> tuple[int, int]:
    """Return where the YAML document, or the item of a list, begins and ends in which a place is."""
    begin = end = text.rfind("\n", 0, place) + 1
    column = _column(text[begin : text.find("\n", place) + 1 or len(text)])
    for _ in range(_MOST_LINES):
        line = text.rfind("\n", 0, max(begin - 1, 0)) + 1
        if not begin or not _is_of(text, begin, column) or not _LINE.match(text, line):
            break
        begin = line
    for _ in range(_MOST_LINES):
        if end >= len(text) or not _LINE.match(text, end):
            break
        end = text.find("\n", end) + 1 or len(text)
        if not _is_of(text, end, column):
            break
    return begin, end


def _is_of(text: str, line: int, column: int) -> bool:
    """Return whether a line stands no further left than a column, so that what stands before it goes on."""
    return text[line : line + column].isspace() or not column or text[line : line + 1] in {"\n", ""}


def _object(text: str, place: int) -> tuple[int, int]:
    """Return the bounds within which the object of JSON stands that has a member at a place."""
    depth, begin = 0, place
    while begin > max(0, place - _NEAR):
        begin -= 1
        depth += (text[begin] == "{") - (text[begin] == "}")
        if depth > 0:
            break
    return begin, min(len(text), bracket_end(text, begin)[0]) if depth > 0 else (begin, place + _FAR)[1]


def _entries(text: str, place: int, end: int, indent: int) -> Iterator[Span]:
    """Yield the values of the lines that stand deeper than `indent`."""
    block = -1  # how deep the name stands whose value the lines are
    for _ in range(_MOST_LINES):
        if place >= end:
            return
        line_end = text.find("\n", place, end)
        line_end = end if line_end < 0 else line_end
        line = text[place:line_end].rstrip("\r")
        deep = len(line) - len(line.lstrip(" "))
        if line.strip() and deep <= indent:
            return
        if 0 <= block < deep:
            yield Span(place + deep, place + len(line), "secret")
        elif entry := _ENTRY.match(line):
            value = entry["value"] or "|"
            block = deep if _BLOCK.fullmatch(value) else -1
            if block < 0 and not is_ordinary(value):
                yield _value(text, place + entry.start("value"), place + entry.end("value"))
        place = line_end + 1


def _value(text: str, start: int, end: int) -> Span:
    if (opened := OPEN.match(text, start)) and opened.end() < end:
        start, end = inside(text, opened)
    return Span(start, end, "secret")

"""Secrets in statements and in lines of known files: rows, parameters, .pgpass, keys in JSON."""

import re
from collections.abc import Iterator

from incident_lib.redact.allowance import Allowance
from incident_lib.redact.names import Strength, strength
from incident_lib.redact.sieve import Sieve
from incident_lib.redact.spans import Span
from incident_lib.redact.values import is_ordinary, is_secret, looks_random, looks_secret

_PGPASS = re.compile(
    r"(?m)^[^\s:#]{1,200}:(?:\d{1,5}|\*):[^\s:]{1,100}:[^\s:]{1,100}:(?P<value>[^\s]{1,400})$"
)
_PGPASS_LINES = Sieve(_PGPASS)
_USER_LIST = re.compile(r"(?m)^\"[\w.-]{1,64}\"\s+\"(?P<value>[^\"]{8,400})\"")
_INSERT = re.compile(
    r"\b(?:insert\s{1,20}(?:ignore\s{1,20})?into|replace\s{1,20}into|merge\s{1,20}into)\s{1,20}[\w.\"`\[\]]{1,128}\s{0,20}\((?P<columns>[^()]{1,4000})\)",
    re.IGNORECASE,
)
_VALUES = re.compile(r"\s{0,20}(?:overriding\s+\w+\s+value\s+)?values\s{0,20}", re.IGNORECASE)
_LITERAL = re.compile(r"(?:[eE]|[uU]&|[nN]|b)?'(?P<value>(?:[^'\\]|''|\\.)*)'")
_BOUND = re.compile(
    r"(?<![\w\"`.])([\w\"`.]{1,128})\s{0,8}(?:=|<>|!=|like|ilike)\s{0,8}(?:\w+\(\s{0,4})?\$(\d{1,3})",
    re.IGNORECASE,
)
_PARAMETERS = re.compile(r"\$(?P<number>\d{1,3}) = '(?P<value>(?:[^']|'')*)'")
_COMPARED = re.compile(
    r"(?P<quote>[\"'])(?P<value>[^\"'\s]{6,200})(?P=quote)\s{0,4}(?:===?|!==?|<>)\s{0,4}(?P<name>[\w.]{2,60})"
)
_PRIVATE_JWK = re.compile(
    r"\\*\"(?:d|p|q|dp|dq|qi|k)\\*\"\s{0,4}:\s{0,4}\\*\"(?P<value>[\w+/=-]{20,4000})\\*\""
)


_CLOCK = re.compile(r"\d\d:\d\d:\d\d")
_LONGEST_ROWS = 64 * 1024
_FREE_STATEMENTS, _CHARACTERS_EACH, _FAR = 300, 128, 4096  # INSERTs whose columns are read


def secrets_of_statements(text: str, folded: str) -> Iterator[Span]:
    """Yield the spans of secrets that the columns, parameters or the form of their line give away."""
    if " into" in folded and any(word in folded for word in ("insert", "replace", "merge")):
        yield from _inserted(text)
    if "parameters: $" in folded:
        yield from _bound(text)
    if ":" in text and _PGPASS_LINES.may_match(text):
        yield from _of_lines(text)
    if text.startswith('"') or '\n"' in text:
        yield from _of(_USER_LIST, text)
    if "==" in text or "!=" in text:
        yield from _compared(text)
    if '"kty' in text:
        yield from _of(_PRIVATE_JWK, text)


def _of_lines(text: str) -> Iterator[Span]:
    for match in _PGPASS.finditer(text):
        if not _CLOCK.search(match[0]) and not is_ordinary(match["value"]):
            yield Span(*match.span("value"), "secret")


def _compared(text: str) -> Iterator[Span]:
    for match in _COMPARED.finditer(text):
        if strength(match["name"]) and looks_secret(match["value"]):
            yield Span(*match.span("value"), "secret")


def _of(pattern: re.Pattern[str], text: str) -> Iterator[Span]:
    for match in pattern.finditer(text):
        if looks_random(match["value"]):
            yield Span(*match.span("value"), "secret")


def _inserted(text: str) -> Iterator[Span]:
    inserts = list(_INSERT.finditer(text))
    allowance = Allowance(free=_FREE_STATEMENTS, characters_each=_CHARACTERS_EACH)
    for place, match in enumerate(inserts):
        if not allowance.take(match.start()):  # too many to read the columns of each: all that they insert
            end = (
                inserts[place + 1].start() if place + 1 < len(inserts) else min(len(text), match.end() + _FAR)
            )
            for literal in _LITERAL.finditer(text, match.end(), end):
                yield Span(*literal.span("value"), "secret")
            continue
        columns = [column.strip(' \t\r\n"`[]') for column in match["columns"].split(",")]
        secret = {number for number, column in enumerate(columns) if strength(column)}
        if not secret or not (values := _VALUES.match(text, match.end())):
            continue
        limit = inserts[place + 1].start() if place + 1 < len(inserts) else len(text)
        yield from _rows(text, values.end(), limit, secret, [strength(column) for column in columns])


def _rows(text: str, place: int, limit: int, secret: set[int], sure: list[Strength]) -> Iterator[Span]:
    """Yield the literals of these columns in all rows of VALUES."""
    limit = min(limit, place + _LONGEST_ROWS)
    number, depth = 0, 0
    while place < limit:
        letter = text[place]
        if literal := _LITERAL.match(text, place):
            if (
                depth
                and number in secret
                and is_secret(literal["value"], Strength(min(sure[number], Strength.STRONG)))
            ):
                yield Span(*literal.span("value"), "secret")
            place = max(literal.end(), place + 1)
            continue
        if letter == "(":
            depth += 1
            number = 0 if depth == 1 else number
        elif letter == ")":
            depth -= 1
        elif letter == "," and depth == 1:
            number += 1
        elif not depth and not letter.isspace() and letter != ",":
            return
        place += 1


def _bound(text: str) -> Iterator[Span]:
    named = {number for name, number in _BOUND.findall(text) if strength(name.rpartition(".")[2].strip('"`'))}
    for insert in _INSERT.finditer(text):
        columns = [column.strip(' \t\r\n"`[]') for column in insert["columns"].split(",")]
        for index, column in enumerate(columns, 1):
            if strength(column):
                named.add(str(index))
    for match in _PARAMETERS.finditer(text):
        value = match["value"]
        if value and (match["number"] in named or looks_random(value)) and not is_ordinary(value):
            yield Span(*match.span("value"), "secret")

"""Values that a log shows apart from their statement -> the spans of those of secret columns.

The columns stand in the statement, next to marks (?, %s, $2, :name, @p1); the values in a list behind it,
or on lines of their own, by number.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from incident_lib.expressions import expression
from incident_lib.redact.allowance import Allowance
from incident_lib.redact.names import Strength, strength
from incident_lib.redact.quotes import bracket_end
from incident_lib.redact.sieve import Sieve
from incident_lib.redact.spans import Span
from incident_lib.redact.values import is_secret

_HINTS = (
    "param",
    "bind",
    "args",
    "values: [",
    " in ",
    "since ",
    "no key",
    ") [",
    ");",
    '; "',
    "(string)",
    "[sql",
    "raw sql",
    "execute ",
)
_STATEMENT = expression(
    r"\b(?:(?:insert|replace|merge)\s{1,20}(?:ignore\s{1,20})?into|update|delete\s{1,20}from|select|call)\b",
    re.IGNORECASE,
)
_INSERT = expression(
    r"into\s{1,20}[\w.\"`\[\]]{1,128}\s{0,20}\((?P<columns>[^()]{1,4000})\)\s{0,20}"
    r"(?:(?:output|overriding)\b[^()]{0,200}?)?values\s{0,20}(?=\()",
    re.IGNORECASE,
)
_MARK = (
    r"(?P<mark>\?(?P<number>\d{1,3})?|%s|%\((?P<named>\w{1,60})\)s|\$(?P<dollar>\d{1,3})|(?<![@\w])@(?P<at>\w{1,60})"
    r"|(?<![:\w]):(?P<colon>[A-Za-z_]\w{0,60}|\d{1,3}))"
)
_TOKEN = expression(rf"'(?:[^']|''){{0,1000}}'|{_MARK}|[(),]")
_COMPARED = expression(
    rf"(?<![\w\"`.\[\]])(?P<column>[\w\"`.\[\]]{{1,128}})\s{{0,8}}(?:=|<>|!=|like|ilike)\s{{0,8}}(?:\w+\(\s{{0,4}})?{_MARK}",
    re.IGNORECASE,
)
_STATEMENTS, _COMPARISONS = Sieve(_STATEMENT), Sieve(_COMPARED)
_LIST = expression(
    r"(?<!binding )(?:param(?:eter)?s?|args|arguments|bind(?:ings?)?|values|data)[\"']?\s{0,4}"
    r"(?:=>|[:=]|is)?\s{0,4}(?P<open>[\[({])"
    r"|(?:generated in|cached since|no key|raw sql|caching disabled)[^\]\n]{0,60}\]\s{0,4}(?P<behind>[\[({])"
    r"|(?:\)|;)\s{0,4}(?P<next>\[)",
    re.IGNORECASE,
)
_ROW = expression(
    r"(?:param(?:eter)?s|bind(?:ings?)?)\s{0,4}[:=]\s{0,4}(?=[^\[({\s])|returning\s[^;\n]{1,200};\s(?=[\"'])|(?:\)|(?<=[\d?]));\s(?=[\"'])",
    re.IGNORECASE,
)
_TYPED = expression(r"\((?:String|Integer|Long|Timestamp|Boolean|[A-Z][A-Za-z]{2,30})\)\Z")
_BY_NUMBER = expression(
    r"binding parameter [\[(](?P<first>\d{1,3})[^\n\[<-]{0,60}[\])] ?(?:as \[\w{1,40}\] )?(?:-|<-) "
    r"\[(?P<value>[^\n]{0,4000}?)\](?=\r?$)"
    r"|column index (?P<second>\d{1,3}), parameter value \[(?P<text>[^\]\n]{0,4000})\]"
    r"|binding '(?P<old>[^'\n]{0,4000})' to parameter: (?P<third>\d{1,3})",
    re.MULTILINE,
)
_BY_NAME = expression(
    r"[@:$]?\b(?P<name>\w{1,60})\s{0,3}(?:=|:|=>)\s{0,3}(?:'(?P<single>(?:[^'\\\n]|''|\\.){0,4000})'|\"(?P<double>(?:[^\"\\\n]|\\.){0,4000})\")"
)
_PREPARED = expression(
    r"\bprepare\s{1,8}(?P<name>[\w\"]{1,64})(?:\s{0,4}\([^()\n]{0,200}\))?\s{1,8}as\s{1,20}\Z", re.IGNORECASE
)
_FREE_EXECUTED, _CHARACTERS_EACH_EXECUTED, _LONGEST_EXECUTED = 50, 4000, 1000
_FREE_STATEMENTS, _CHARACTERS_EACH = 200, 400  # whose marks are looked for
_LONGEST, _MOST_LINES, _BEFORE = 8000, 60, 400


class Statement(NamedTuple):
    """A statement with marks, and which of them stand for secrets, by number or name."""

    begin: int
    end: int  # of its last mark
    secret: dict[str, Strength]


def statements(text: str, folded: str) -> Iterator[Statement]:
    """Yield the statements that have marks for secret columns."""
    if not _has_verb(folded):
        return
    if " into" not in folded and not _COMPARISONS.may_match(text):
        return
    found = list(_STATEMENTS.finditer(text, text.encode("utf-8", "surrogatepass")))
    allowance = Allowance(free=_FREE_STATEMENTS, characters_each=_CHARACTERS_EACH)
    for number, match in enumerate(found):
        limit = found[number + 1].start() if number + 1 < len(found) else len(text)
        limit = min(limit, match.start() + _LONGEST)
        if not allowance.take(match.start()):
            continue
        columns = _columns(text, folded, match.start(), limit)
        if any(map(strength, columns.values())):
            secret, end = _secret_marks(text, match.start(), columns)
            yield Statement(match.start(), end, secret)


def _has_verb(folded: str) -> bool:
    return "select" in folded or " into" in folded or "update" in folded or "delete" in folded


def secrets_of_bound(text: str, folded: str) -> Iterator[Span]:
    """Yield the spans of values that belong to marks for secrets. `folded`: the text in small letters."""
    if not _has_verb(folded) or not any(hint in folded for hint in _HINTS):
        return
    found = list(statements(text, folded))
    executed = Allowance(free=_FREE_EXECUTED, characters_each=_CHARACTERS_EACH_EXECUTED)
    may_execute = "execute " in folded and "prepare " in folded
    for number, statement in enumerate(found):
        limit = found[number + 1].begin if number + 1 < len(found) else len(text)
        limit = _after_lines(text, statement.end, min(limit, statement.end + _LONGEST))
        yield from _listed(text, statement, limit)
        yield from _numbered(text, statement, limit)
        if may_execute:
            yield from _executed(text, folded, statement, executed)
        before = max(found[number - 1].end if number else 0, statement.begin - _BEFORE)
        if "param" in folded[before : statement.begin]:
            yield from _named(text, before, statement.begin, statement)


def is_open(text: str, statement: Statement) -> bool:
    """Return whether values may still follow behind the end of the text."""
    return _after_lines(text, statement.end, statement.end + _LONGEST) >= len(text)


def _after_lines(text: str, place: int, limit: int) -> int:
    for _ in range(_MOST_LINES):
        place = text.find("\n", place, limit) + 1
        if not place:
            return limit
    return place


def _columns(text: str, folded: str, begin: int, limit: int) -> dict[int, str]:
    """Return the columns of the marks in a statement, by where the marks stand."""
    columns: dict[int, str] = {}
    if folded.find("into", begin, limit) >= 0 and (insert := _INSERT.search(text, begin, limit)):
        columns = _in_rows(text, insert, limit)
    if not columns:
        part = text[begin:limit]
        for compared in _COMPARISONS.finditer(part, part.encode("utf-8", "surrogatepass")):
            columns[begin + compared.start("mark")] = compared["column"].rpartition(".")[2]
    return {place: column.strip('" `[]\t\r\n') for place, column in columns.items()}


def _secret_marks(text: str, begin: int, columns: dict[int, str]) -> tuple[dict[str, Strength], int]:
    """Return how sure the marks' columns make, by number and name, and where the last mark ends."""
    secret: dict[str, Strength] = {}
    count, end = 0, begin
    for token in _TOKEN.finditer(text, begin, max(columns, default=begin) + 64):
        if token["mark"] is None:
            continue
        named = next((name for name in token.group("number", "named", "dollar", "at", "colon") if name), "")
        count += 1
        column = columns.get(token.start("mark"))
        sure = strength(column) if column else Strength.NONE
        if sure:
            for key in {named or str(count), str(count)} if not named or not named.isdigit() else {named}:
                secret[key] = Strength(min(sure, Strength.STRONG))
        if column:
            end = token.end()
    return secret, end


def _in_rows(text: str, insert: re.Match[str], limit: int) -> dict[int, str]:
    """Return the columns of the marks in the rows of VALUES."""
    names = [column.strip(' \t\r\n"`[]') for column in insert["columns"].split(",")]
    found: dict[int, str] = {}
    depth = number = 0
    before = insert.end()
    for token in _TOKEN.finditer(text, insert.end(), limit):
        if not depth and text[before : token.start()].strip():
            break
        before = token.end()
        if token[0] == "(":
            depth += 1
            number = 0 if depth == 1 else number
        elif token[0] == ")":
            depth -= 1
            if depth < 0:
                break
        elif token[0] == ",":
            number += depth == 1
        elif token["mark"] is not None and number < len(names):
            found[token.start("mark")] = names[number]
    return found


def _listed(text: str, statement: Statement, limit: int) -> Iterator[Span]:
    """Yield the values of a list behind the statement: in brackets, or to the end of the line."""
    if match := _LIST.search(text, statement.end, limit):
        place = match.start(match.lastgroup or 0)
        end, complete = bracket_end(text, place, limit)
        inside = min(end - 1 if complete else end, limit)
        if text[place] == "{" or re.match(r"[\[(]?[\[(]?\s*[@:$]\w", text[place + 1 : place + 8]):
            yield from _named(text, place, inside, statement)
            return
        yield from _items(text, place + 1, inside, statement, 0)
    elif row := _ROW.search(text, statement.end, limit):
        line_end = text.find("\n", row.end(), limit)
        yield from _items(text, row.end(), limit if line_end < 0 else line_end, statement, 0)


def _items(text: str, start: int, end: int, statement: Statement, depth: int) -> Iterator[Span]:
    """Yield those of the values in a list that belong to secret marks; lists in it are rows."""
    for number, (first, last) in enumerate(_split(text, start, end), 1):
        if text[first : first + 1] in {"(", "["} and depth < 2:
            if _is_pair(text, first + 1, last - 1, statement):
                continue
            yield from _items(text, first + 1, last - 1, statement, depth + 1)
        elif sure := statement.secret.get(str(number)):
            span = _unquoted(text, first, last)
            if is_secret(text[span.start : span.end], sure):
                yield span


def _is_pair(text: str, start: int, end: int, statement: Statement) -> bool:
    """Return whether a list in the list is a name of the statement's and its value."""
    items = _split(text, start, end)
    name = text[items[0][0] : items[0][1]].strip("\"'")
    return len(items) == 2 and name.isidentifier() and name in text[statement.begin : statement.end]


def _split(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """Return where the items stand that commas part, but for those in quotes and brackets."""
    items, depth, quote, first = [], 0, "", start
    place = start
    while place < end:
        letter = text[place]
        if quote:
            if letter == "\\":
                place += 1
            elif letter == quote:
                quote = ""
        elif letter in "\"'" and not text[first:place].strip(" bBuUrRNeE([{"):
            quote = letter
        elif letter in "[({":
            depth += 1
        elif letter in "])}":
            depth -= 1
        elif letter == "," and depth <= 0:
            items.append((first, place))
            first = place + 1
        place += 1
    items.append((first, end))
    return [_trimmed(text, *item) for item in items]


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end


def _unquoted(text: str, start: int, end: int) -> Span:
    """Return the span of a value without its quotes, its letter before them, or its type behind it."""
    if typed := _TYPED.search(text[start:end]):
        end = start + typed.start()
    if text[start : start + 1] in set("bBuUrRNeE") and text[start + 1 : start + 2] in {'"', "'"}:
        start += 1
    if end - start >= 2 and text[start] == text[end - 1] and text[start] in "\"'`":
        start, end = start + 1, end - 1
    return Span(start, end, "secret")


def _executed(text: str, folded: str, statement: Statement, executed: Allowance) -> Iterator[Span]:
    """Yield the values with which the statement is executed, where it is a prepared one."""
    prepared = _PREPARED.search(text, max(0, statement.begin - _BEFORE), statement.begin)
    place = -1
    if prepared is None:
        return
    while executed.take(statement.begin):
        if (place := folded.find(f"execute {prepared['name'].lower()}", place + 1)) < 0:
            break
        begin = place + len(f"execute {prepared['name']}")
        if text[begin : begin + 2].lstrip()[:1] == "(":
            begin = text.index("(", begin)
            end, complete = bracket_end(text, begin, min(len(text), begin + _LONGEST_EXECUTED))
            yield from _items(text, begin + 1, end - 1 if complete else end, statement, 0)


def _numbered(text: str, statement: Statement, limit: int) -> Iterator[Span]:
    """Yield the values of lines that name the number of their mark."""
    for match in _BY_NUMBER.finditer(text, statement.end, limit):
        number = match["first"] or match["second"] or match["third"]
        group = "value" if match["first"] else "text" if match["second"] else "old"
        sure = statement.secret.get(number)
        if sure and is_secret(match[group], sure):
            yield Span(*match.span(group), "secret")


def _named(text: str, start: int, end: int, statement: Statement) -> Iterator[Span]:
    """Yield the values behind the names or numbers of marks."""
    for match in _BY_NAME.finditer(text, start, end):
        group = "single" if match["single"] is not None else "double"
        sure = statement.secret.get(match["name"])
        if sure and is_secret(match[group], sure):
            yield Span(*match.span(group), "secret")

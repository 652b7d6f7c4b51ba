"""Tables whose header names a secret's column -> the spans of what stands in it.

Comma, semicolon, tab or bar between the cells: CSV, COPY, and what clients of databases print.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from incident_lib.expressions import expression
from incident_lib.redact.names import STEMS, Strength, is_plural, strength
from incident_lib.redact.spans import Span
from incident_lib.redact.values import MARK, is_secret, looks_random

_STAMP = expression(r"\d{4}-\d\d-\d\d[T ]\d\d:\S{1,40}[ \t]")  # that an engine puts before each line
_RULE = expression(r"[\s|+:=─┼│-]*\Z")  # between a header and its rows
_COLUMN = expression(r"[\"`\[]?[^\W\d][\w.\ufffd-]{0,60}[\"`\]]?\Z")
_IN_NO_HEADER = expression(r"[^\w.\-\"`\[\] ,;\t|│\r\ufffd]")
_COPY = expression(
    r"\bcopy\s{1,8}[\w.\"]{1,128}\s{0,8}\((?P<columns>[^()\n]{1,4000})\)\s{1,8}from\s{1,8}stdin\b(?P<how>[^\n]{0,200})",
    re.IGNORECASE,
)
_STEM = expression("|".join(map(re.escape, STEMS)))
_DELIMITERS = (",", ";", "\t", "|", "│")
_NEEDED = frozenset(",;\t|")  # one of them, in ASCII, but for a COPY of one column
_LONGEST_HEADER, _MOST_COLUMNS = 2000, 200
_LONGEST_ROW = 64 * 1024
_SKIPPED = 3  # lines without a cell in a row: rules, and what is between two result sets


class Table(NamedTuple):
    """A header and where its rows are."""

    begin: int  # of the header
    first: int  # of the rows
    end: int
    delimiter: str
    width: int
    secret: dict[int, Strength]


@lru_cache(maxsize=1)
def _begun() -> Any:
    """Return what finds whether a cell may hold a secret's name and nothing else; RE2 has no types."""
    import re2

    options = re2.Options()
    options.never_capture = True
    options.case_sensitive = False
    options.log_errors = False
    stems = "|".join(re2.escape(stem) for stem in STEMS)
    cell = rf"[\"'`]?[\w.-]{{0,40}}(?:{stems})[\w.-]{{0,40}}[\"'`]?[ ]*"
    return re2.compile(
        rf"[,;\t|│][ ]*{cell}(?:[,;\t|│\r\n]|$)|{cell}[,;\t|│]|(?:^|\W)copy\s.*from\s+stdin", options
    )


def tables(text: str, folded: str) -> Iterator[Table]:
    """Yield the tables that have a secret's column. `folded`: the text in small letters."""
    if text.isascii() and _NEEDED.isdisjoint(text) and "stdin" not in folded:
        return  # as nearly all short texts
    if _begun().search(text) is None:
        return
    done = 0
    for match in _STEM.finditer(folded):
        if match.start() < done:
            continue
        place = text.rfind("\n", 0, match.start()) + 1
        end = text.find("\n", match.end())
        done = end = len(text) if end < 0 else end
        if end - place > _LONGEST_HEADER:
            continue
        has_columns = folded.find("stdin", place, end) >= 0 or _may_be_header(text, place, end)
        if has_columns and (table := _table(text, place, end)):
            yield table
            done = table.end


def secrets_of_tables(text: str, folded: str) -> Iterator[Span]:
    """Yield the spans of the secret cells."""
    if "\n" not in text:
        return  # a header has no rows
    for table in tables(text, folded):
        place = table.first
        while place < table.end:
            end = text.find("\n", place, table.end)
            end = table.end if end < 0 else end
            start = _after_stamp(text, place)
            if _width(text, start, end, table.delimiter) == table.width:
                cells = _cells(text, start, end, table.delimiter)
                for number, sure in table.secret.items():
                    first, last = cells[number]
                    if is_secret(text[first:last], sure, plural=sure is Strength.WEAK):
                        yield Span(first, last, "secret")
            place = end + 1


def _table(text: str, place: int, end: int) -> Table | None:
    """Return the table whose header this line is."""
    line = text[place:end]
    if copy := _COPY.search(line):
        delimiter = "," if "csv" in copy["how"].lower() else "\t"
        columns = [column.strip() for column in copy["columns"].split(",")]
    else:
        start = _after_stamp(text, place)
        if "'" in line:
            return None  # a tuple
        found = max(_DELIMITERS, key=lambda sign: text.count(sign, start, end))
        cells = _cells(text, start, end, found)
        columns, delimiter = [text[first:last] for first, last in cells], found
        if not 2 <= len(columns) <= _MOST_COLUMNS or not all(map(_is_name, columns)):
            return None
    names = [column.strip("\"'`[]") for column in columns]
    secret = {
        number: Strength.WEAK if is_plural(name) else Strength(min(sure, Strength.STRONG))
        for number, name in enumerate(names)
        if (sure := strength(name)) > Strength.FAINT
    }
    if not secret:
        return None
    table = Table(place, end + 1, end + 1, delimiter, len(names), secret)
    return table._replace(end=_end_of_rows(text, table))


def _may_be_header(text: str, place: int, end: int) -> bool:
    """Return whether a line has nothing but names and what stands between them."""
    return _IN_NO_HEADER.search(text, _after_stamp(text, place), end) is None


def _is_name(cell: str) -> bool:
    """Return whether a cell may be the name of a column."""
    return _COLUMN.match(cell) is not None and not looks_random(cell) and not MARK.match(cell)


def _end_of_rows(text: str, table: Table) -> int:
    """Return where the last line ends that has as many cells as the header."""
    place, last, skipped = table.first, table.first, 0
    while place < len(text):
        end = text.find("\n", place)
        end = len(text) if end < 0 else end
        start = _after_stamp(text, place)
        if end - place > _LONGEST_ROW or text.startswith("\\.", start):
            break
        if _width(text, start, end, table.delimiter) == table.width:
            skipped = 0
        else:
            skipped += 1
            if skipped > _SKIPPED or not _RULE.match(text[start:end]):
                break
        last = place = end + 1
    return min(last, len(text))


def _after_stamp(text: str, place: int) -> int:
    stamp = _STAMP.match(text, place)
    return stamp.end() if stamp else place


def _width(text: str, start: int, end: int, delimiter: str) -> int:
    """Return how many cells a line has."""
    line = text[start:end]
    if '"' in line or "'" in line:
        return len(_cells(text, start, end, delimiter))
    line = line.rstrip("\r ")
    bars = (line.startswith(delimiter) + line.endswith(delimiter)) if delimiter in "|│" else 0
    count = line.count(delimiter)
    return count + 1 - bars if count else 0


def _cells(text: str, start: int, end: int, delimiter: str) -> list[tuple[int, int]]:
    """Return where the cells of a line stand, without their blanks and quotes."""
    if delimiter not in text[start:end]:
        return []
    while end > start and text[end - 1] in "\r ":
        end -= 1
    if delimiter in "|│":
        start += text.startswith(delimiter, start)
        end -= text.endswith(delimiter, start, end)
    found: list[tuple[int, int]] = []
    line = text[start:end]
    if '"' not in line and "'" not in line:
        for cell in line.split(delimiter, _MOST_COLUMNS):
            bare = cell.strip(" ")
            first = start + (len(cell) - len(cell.lstrip(" ")) if bare else len(cell))
            found.append((first, first + len(bare)))
            start += len(cell) + 1
        return found
    while start <= end and len(found) <= _MOST_COLUMNS:
        first = start
        while first < end and text[first] == " ":
            first += 1
        quote = text[first] if first < end and text[first] in "\"'" else ""
        close = text.find(quote, first + 1, end) if quote else -1
        while close >= 0 and text.startswith(quote, close + 1, end):  # a doubled quote is one inside
            close = text.find(quote, close + 2, end)
        stop = text.find(delimiter, close + 1 if close >= 0 else start, end)
        stop = end if stop < 0 else stop
        last = stop
        while last > first and text[last - 1] == " ":
            last -= 1
        found.append((first + 1, close) if close >= 0 and close == last - 1 else (first, last))
        start = stop + 1
    return found

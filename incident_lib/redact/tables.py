"""Tables whose header names a secret's column -> the spans of what stands in it.

Comma, semicolon, tab or bar between the cells: CSV, COPY, and what clients of databases print. Or two blanks
and more, as tools of clouds and containers print, with a capital at the beginning of each column's name.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from incident_lib.expressions import expression
from incident_lib.redact.names import STEMS, Strength, is_plural, strength
from incident_lib.redact.place import has_both
from incident_lib.redact.sieve import Sieve
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
_BLANKS = "  "  # or more of them
_BETWEEN = expression(r"[ ]{2,}")
_STEMS = ("pass", "pw", "secret", "token", "key", "credential")
_SPELT = "|".join(word for stem in _STEMS for word in (stem.title(), stem.upper()))
_ALIGNED = Sieve(
    expression(
        rf"(?:\n|[ ]{{2}})(?:[A-Z][A-Za-z_-]{{0,40}}[ ]?)?(?:{_SPELT})[A-Za-z_-]{{0,20}}"
        r"(?:[ ][A-Z][A-Za-z]{0,20})?(?=[ ]{2}|[ ]{0,40}\r?\n)"
    )
)
_TITLE = expression(r"[A-Z][\w.()/-]{0,40}(?:[ ][\w.()/-]{1,40}){0,3}")
_NAME_OF_OBJECT = expression(r"[a-z]+(?:[-_.][a-z\d]+)*|[a-z]+\d{1,3}")
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
    may_be_delimited = not text.isascii() or not _NEEDED.isdisjoint(text) or "stdin" in folded
    if may_be_delimited and _begun().search(text) is not None:
        yield from _delimited(text, folded)
    yield from _aligned(text)


def _aligned(text: str) -> Iterator[Table]:
    """Yield the tables whose columns are parted by blanks."""
    if "\n" not in text or _BLANKS not in text:
        return
    done = 0
    for match in _ALIGNED.finditer(text, text.encode("utf-8", "surrogatepass")):
        place = text.rfind("\n", 0, match.start() + 1) + 1
        end = text.find("\n", match.end())
        if place < done or end < 0 or end - place > _LONGEST_HEADER:
            continue
        done = end
        start = _after_stamp(text, place)
        names = [text[first:last] for first, last in _cells(text, start, end, _BLANKS)]
        if 2 <= len(names) <= _MOST_COLUMNS and all(map(_TITLE.fullmatch, names)):
            table = _of_columns(text, place, end, names, _BLANKS)
            if table:
                yield table
                done = table.end


def _delimited(text: str, folded: str) -> Iterator[Table]:
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
                    if table.delimiter == _BLANKS and not _is_drawn(text[first:last]):
                        continue
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
    return _of_columns(text, place, end, [column.strip("\"'`[]") for column in columns], delimiter)


def _of_columns(text: str, place: int, end: int, names: list[str], delimiter: str) -> Table | None:
    """Return the table with columns of these names, None without one of a secret."""
    secret = {
        number: Strength.WEAK if is_plural(name) else Strength(min(sure, Strength.STRONG))
        for number, name in enumerate(names)
        if (sure := strength(name)) > Strength.FAINT
    }
    if not secret:
        return None
    table = Table(place, end + 1, end + 1, delimiter, len(names), secret)
    return table._replace(end=_end_of_rows(text, table))


def _is_drawn(cell: str) -> bool:
    """Return whether a cell is no name of an object, which a column of secrets may hold as well."""
    return looks_random(cell) or (has_both(cell) and not _NAME_OF_OBJECT.fullmatch(cell))


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
    if delimiter == _BLANKS or '"' in line or "'" in line:
        return len(_cells(text, start, end, delimiter))
    line = line.rstrip("\r ")
    bars = (line.startswith(delimiter) + line.endswith(delimiter)) if delimiter in "|│" else 0
    count = line.count(delimiter)
    return count + 1 - bars if count else 0


def _cells(text: str, start: int, end: int, delimiter: str) -> list[tuple[int, int]]:
    """Return where the cells of a line stand, without their blanks and quotes."""
    if delimiter not in text[start:end]:
        return []
    end = start + len(text[start:end].rstrip("\r "))
    if delimiter in "|│":
        start += text.startswith(delimiter, start)
        end -= text.endswith(delimiter, start, end)
    if delimiter == _BLANKS:
        return list(_parted_by_blanks(text, start, end))
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


def _parted_by_blanks(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    for gap in _BETWEEN.finditer(text, start, end):
        if gap.start() > start:
            yield start, gap.start()
        start = gap.end()
    yield start, end

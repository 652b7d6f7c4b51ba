"""Words and patterns that lines of logs are recognized by, from files of rows; found in one pass."""

import re
import tomllib
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from typing import Any, TypeVar

import msgspec

from incident_lib.errors import ConfigError

T = TypeVar("T")
_LACKS = "no look-around, no back-references"
_AUTOMATON_BYTES = 64 << 20  # at most; a thousand words take a few MB


class Words(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Words that stand in a line as they are; a pattern fits the text too, another must not fit the line."""

    words: str
    pattern: str = ""
    but: str = ""


Entry = str | Words


class WrongRowError(Exception):
    """A row that is no valid one, by its number and the key that is wrong."""

    def __init__(self, number: int, key: str, message: str) -> None:
        super().__init__(message)
        self.number, self.key = number, key


def compiled(pattern: str) -> Any:
    """Return a pattern for RE2, which takes time in proportion to the text whatever the pattern is.

    Errors: ValueError for what is no regular expression there.

    >>> compiled("(a*)*b").search("a" * 50) is None
    True
    """
    import re2

    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        why = error.args[0]
        why = why.decode("utf-8", "replace") if isinstance(why, bytes) else why
        raise ValueError(f"{pattern!r} is not a valid regular expression of RE2 ({_LACKS}): {why}") from error


def rows_of(text: str, name: str, table: str, row_type: type[T]) -> tuple[T, ...]:
    """Return the rows of the tables `[[table]]` of a TOML text. Errors: ConfigError naming line and key."""
    rows_type: Any = tuple[row_type, ...]  # type: ignore[valid-type]  # a type that is made here
    file_type = msgspec.defstruct(
        "_File", [("rows", rows_type, msgspec.field(name=table))], forbid_unknown_fields=True
    )
    try:
        rows: tuple[T, ...] = msgspec.convert(tomllib.loads(text), file_type).rows  # type: ignore[attr-defined]  # as above
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{name}: no valid TOML: {error}") from error
    except msgspec.ValidationError as error:
        message, _, path = str(error).partition(" - at ")
        number = re.search(r"\[(\d+)\]", path)
        key = re.search(r"field `(\w+)`", message) or re.search(r"\]\.(\w+)", path)
        line = line_of(text, table, int(number[1]) if number else 0, key[1] if key else "")
        problem = f"{message[:1].lower()}{message[1:]}"
        raise ConfigError(f"{name}: line {line}: key `{key[1] if key else table}`: {problem}") from error
    return rows


def checked_rows(
    text: str, name: str, table: str, row_type: type[T], check: Callable[[tuple[T, ...]], None]
) -> tuple[T, ...]:
    """Return the rows as `rows_of`, after `check`. Errors: ConfigError naming file, line and key."""
    rows = rows_of(text, name, table, row_type)
    try:
        check(rows)
    except WrongRowError as error:
        line = line_of(text, table, error.number, error.key)
        row_id = getattr(rows[error.number], "id", "")
        raise ConfigError(f"{name}: line {line}: key `{error.key}` of {row_id!r}: {error}") from error
    return rows


def check_match(number: int, entries: tuple[Entry, ...]) -> None:
    """Check what a row matches. Errors: WrongRowError."""
    if not entries:
        raise WrongRowError(number, "match", "expected an entry or more")
    for entry in entries:
        words = entry if isinstance(entry, str) else entry.words
        if not words:
            raise WrongRowError(number, "match", "expected words that stand in the line")
        if not isinstance(entry, str):
            check_patterns(number, "match", (entry.pattern, entry.but))


def check_patterns(number: int, key: str, patterns: Iterable[str]) -> None:
    """Check regular expressions of a row. Errors: WrongRowError."""
    for pattern in patterns:
        try:
            compiled(pattern)
        except ValueError as error:
            raise WrongRowError(number, key, str(error)) from error


def line_of(text: str, table: str, number: int, key: str) -> int:
    r"""Return the line of a key of a row, that of the row where it does not have the key.

    >>> line_of('[[class]]\nid = "a"', "class", 0, "id"), line_of('[[class]]\nid = "a"', "class", 0, "title")
    (2, 1)
    """
    lines = text.splitlines()
    starts = [at for at, line in enumerate(lines) if line.startswith(f"[[{table}]]")][number : number + 2]
    if not starts:
        return 1
    row = range(starts[0], starts[1] if len(starts) > 1 else len(lines))
    return 1 + next((at for at in row if key and re.match(rf"{key}\s*=", lines[at])), starts[0])


class _Rule:
    """An entry of a row. Its patterns are made ready when its words are first seen: few of them are."""

    def __init__(self, entry: Entry, name: str) -> None:
        self._entry = Words(words=entry) if isinstance(entry, str) else entry
        self.words, self.name = self._entry.words.encode(), name

    @cached_property
    def _pattern(self) -> Any:
        return compiled(self._entry.pattern) if self._entry.pattern else None

    @cached_property
    def _but(self) -> Any:
        return compiled(self._entry.but) if self._entry.but else None

    def line_in(self, text: bytes) -> bytes | None:
        """Return the line of `text` that shows it, None where the text does not."""
        start = 0
        if self._pattern is not None:
            found = self._pattern.search(text)
            if found is None:
                return None
            start = found.start()
        at = text.find(self.words, start)
        at = text.find(self.words) if at < 0 else at
        while at >= 0:
            end = text.find(b"\n", at)
            line = text[text.rfind(b"\n", 0, at) + 1 : end if end >= 0 else None]
            if self._but is None or not self._but.search(line):
                return line
            at = text.find(self.words, end) if end >= 0 else -1
        return None


class Matcher:
    """Finds the entries of rows in texts: a text costs one pass, however many entries there are.

    >>> rows = Matcher([("is full", "full"), (Words(words="disk", pattern=r"sd[a-z]"), "disk")])
    >>> list(rows.find("the disk sda is full")), list(rows.find("the disk"))
    ([('full', 'the disk sda is full'), ('disk', 'the disk sda is full')], [])
    """

    def __init__(self, entries: Iterable[tuple[Entry, str]]) -> None:
        self._entries = tuple(entries)

    @cached_property
    def _rules(self) -> tuple[_Rule, ...]:
        return tuple(_Rule(entry, name) for entry, name in self._entries)

    @cached_property
    def _index(self) -> tuple[Any, tuple[tuple[int, ...], ...]]:
        """All words in one automaton, and the rules that each of them belongs to."""
        import re2

        options = re2.Options()
        options.max_mem = _AUTOMATON_BYTES
        words, rules = re2.Set.SearchSet(options), dict[bytes, list[int]]()
        for number, rule in enumerate(self._rules):
            rules.setdefault(rule.words, []).append(number)
        for each in rules:
            words.Add(re2.escape(each))
        words.Compile()
        return words, tuple(map(tuple, rules.values()))

    def find(self, text: str) -> Iterator[tuple[str, str]]:
        """Yield each name with an entry that fits and the line that shows it, in the order of the entries."""
        words, rules = self._index
        data, found = _encoded(text), set[str]()
        for number in sorted(rule for each in words.Match(data) or () for rule in rules[each]):
            rule = self._rules[number]
            if rule.name not in found and (line := rule.line_in(data)) is not None:
                found.add(rule.name)
                yield rule.name, line.decode("utf-8", "replace")

    def has_words(self, text: str) -> bool:
        """Return whether words of any entry stand in the text, whatever their patterns find."""
        return bool(self._index[0].Match(_encoded(text)))


def _encoded(text: str) -> bytes:
    """Return what RE2 reads: an escape of half a character in a JSON line is no character at all."""
    return text.encode("utf-8", "replace")

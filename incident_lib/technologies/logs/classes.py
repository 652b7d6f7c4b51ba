"""Errors in the words of libraries and servers -> classes, as `templates/log_classes.toml` describes them."""

import re
import tomllib
from collections import Counter
from functools import cache

import msgspec

from incident_lib.errors import ConfigError
from incident_lib.findings.catalogue import Flag
from incident_lib.resources import resource

_PART = 5  # characters
_LONGEST = 16_384  # characters of a text that are compared: half from its beginning, half from its end


class Words(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Words that stand in a line as they are, and a regular expression that finds something in it too."""

    words: str
    pattern: str


class Reason(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What exactly is wrong where a line of the class holds any of the words."""

    reason: str
    words: tuple[str, ...]


class LogClass(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A class of errors: a row of the file, whose beginning explains the keys."""

    id: str
    title: str
    advice: str
    example: str
    match: tuple[str | Words, ...]
    unless: tuple[str, ...] = ()
    about: str = ""
    flags: tuple[Flag, ...] = ()
    is_passing: bool = False
    is_everyday: bool = False
    is_momentary: bool = False
    reason: str | None = None
    reasons: tuple[Reason, ...] = ()

    def reason_in(self, line: str) -> str | None:
        """Return in one word what is wrong, None where the line shows no more than its class."""
        return next(
            (why.reason for why in self.reasons if any(map(line.__contains__, why.words))), self.reason
        )


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    classes: tuple[LogClass, ...] = msgspec.field(name="class")


class _WrongRowError(Exception):
    def __init__(self, number: int, key: str, message: str) -> None:
        super().__init__(message)
        self.number, self.key = number, key


@cache
def log_classes() -> dict[str, LogClass]:
    """Return the classes that the workbench knows, by id. The file is read once."""
    path = resource("templates", "log_classes.toml")
    return {row.id: row for row in parse_classes(path.read_text(encoding="utf-8"), path.name)}


def parse_classes(text: str, name: str) -> tuple[LogClass, ...]:
    r"""Return the rows of a TOML text. Errors: ConfigError naming the file, the line and the key.

    >>> row = '[[class]]\nid = "oom"\ntitle = "full"\nadvice = "free some"\nexample = "OOM"\nmatch = ["OOM"]'
    >>> [row.id for row in parse_classes(row, "my.toml")]
    ['oom']
    """
    try:
        rows = msgspec.convert(tomllib.loads(text), _File).classes
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{name}: no valid TOML: {error}") from error
    except msgspec.ValidationError as error:
        message, _, path = str(error).partition(" - at ")
        number = re.search(r"\[(\d+)\]", path)
        key = re.search(r"field `(\w+)`", message) or re.search(r"\]\.(\w+)", path)
        line = _line_of(text, int(number[1]) if number else 0, key[1] if key else "")
        problem = f"{message[:1].lower()}{message[1:]}"
        raise ConfigError(f"{name}: line {line}: key `{key[1] if key else 'class'}`: {problem}") from error
    try:
        _check(rows)
    except _WrongRowError as error:
        line = _line_of(text, error.number, error.key)
        raise ConfigError(
            f"{name}: line {line}: key `{error.key}` of {rows[error.number].id!r}: {error}"
        ) from error
    return rows


def _check(rows: tuple[LogClass, ...]) -> None:
    ids = [row.id for row in rows]
    for number, row in enumerate(rows):
        if row.id in ids[:number]:
            raise _WrongRowError(number, "id", "a row before has this id")
        for other in row.unless:
            if other not in ids:
                raise _WrongRowError(number, "unless", f"there is no class {other!r}")
        if not row.match:
            raise _WrongRowError(number, "match", "expected an entry or more")
        for entry in row.match:
            words, pattern = (entry, "") if isinstance(entry, str) else (entry.words, entry.pattern)
            if not words:
                raise _WrongRowError(number, "match", "expected words that stand in the line")
            try:
                re.compile(pattern)
            except re.error as error:
                problem = f"{pattern!r} is no regular expression: {error}"
                raise _WrongRowError(number, "match", problem) from error


def _line_of(text: str, number: int, key: str) -> int:
    """Return the line of a key of a row, that of the row where it does not have the key."""
    lines = text.splitlines()
    starts = [at for at, line in enumerate(lines) if line.startswith("[[class]]")][number : number + 2]
    if not starts:
        return 1
    row = range(starts[0], starts[1] if len(starts) > 1 else len(lines))
    return 1 + next((at for at in row if key and re.match(rf"{key}\s*=", lines[at])), starts[0])


_Entry = tuple[str, "re.Pattern[str] | None", str]  # words, what must be found too, class


@cache
def _entries_by_part() -> tuple[tuple[str, tuple[_Entry, ...]], ...]:
    """Return the entries by a few characters that several share: most lines hold next to none of those."""
    entries: list[_Entry] = [
        (entry, None, row.id) if isinstance(entry, str) else (entry.words, re.compile(entry.pattern), row.id)
        for row in log_classes().values()
        for entry in row.match
    ]
    parts_of = {
        words: {words[at : at + _PART] for at in range(max(len(words) - _PART, 0) + 1)}
        for words, _, _ in entries
    }
    often = Counter(part for parts in parts_of.values() for part in parts)
    table: dict[str, list[_Entry]] = {}
    for entry in entries:
        part = max(parts_of[entry[0]], key=lambda part: (often[part], part))
        table.setdefault(part, []).append(entry)
    return tuple((part, tuple(entries)) for part, entries in table.items())


def classes_of(text: str) -> dict[str, str]:
    """Return the classes that an error line or traceback belongs to, each with the line that shows it.

    >>> classes_of("TimeoutError: QueuePool limit of size 5 overflow 10 reached")
    {'pool_timeout': 'TimeoutError: QueuePool limit of size 5 overflow 10 reached'}
    >>> classes_of("checkout ran into a timeout")
    {}
    """
    if len(text) > _LONGEST:
        text = f"{text[: _LONGEST // 2]}\n{text[-_LONGEST // 2 :]}"
    found: dict[str, str] = {}
    for part, entries in _entries_by_part():
        if part not in text:
            continue
        for words, pattern, name in entries:
            if words in text and name not in found and (pattern is None or pattern.search(text)):
                found[name] = _line_with(text, words)
    if len(found) > 1:
        known = log_classes()
        return {name: line for name, line in found.items() if not found.keys() & set(known[name].unless)}
    return found


def _line_with(text: str, words: str) -> str:
    at = text.find(words)
    end = text.find("\n", at)
    return text[text.rfind("\n", 0, at) + 1 : end if end >= 0 else None].strip()[:500]

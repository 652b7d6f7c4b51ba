"""Errors in the words of libraries and servers -> classes, as `templates/log_classes.toml` describes them."""

import re
from collections.abc import Collection, Iterable
from functools import cache, lru_cache, partial
from pathlib import Path
from typing import Any

import msgspec

from incident_lib.findings.catalogue import Flag
from incident_lib.resources import resource, text_of
from incident_lib.technologies import log_class_files
from incident_lib.technologies.logs.addresses import peer_of
from incident_lib.technologies.logs.words import (
    Entry,
    Matcher,
    Words,
    WrongRowError,
    check_match,
    check_patterns,
    checked_rows,
    compiled,
    rows_of,
)

_LONGEST = 16_384  # characters of a text that are compared: half from its beginning, half from its end
_UNITS = {"seconds": 1.0, "milliseconds": 1e-3}  # of what `lasted` finds
_REMEMBERED = 1_000  # characters: most errors are written many times, word by word


class Reason(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What exactly is wrong where a line of the class holds any of the words, and what then helps."""

    reason: str
    words: tuple[str, ...]
    title: str = ""  # instead of that of the class
    advice: str = ""


class LogClass(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A class of errors: a row of the file, whose beginning explains the keys."""

    id: str
    title: str
    advice: str
    example: str
    match: tuple[Entry, ...]
    unless: tuple[str, ...] = ()
    about: str = ""
    flags: tuple[Flag, ...] = ()
    is_passing: bool = False
    is_everyday: bool = False
    is_momentary: bool = False
    is_of_client: bool = False
    is_lasting: bool = False
    ended_by: tuple[str, ...] = ()  # events
    at_any_level: bool = False
    reason: str | None = None
    reasons: tuple[Reason, ...] = ()
    sqlstate: tuple[str, ...] = ()
    explained_by: tuple[str, ...] = ()
    blames: tuple[str, ...] = ()
    is_local: bool = False
    no_start: bool = False  # a server that writes it does not start, and another start fails the same way
    lasted: tuple[str, ...] = ()

    def reason_in(self, line: str) -> str | None:
        """Return in one word what is wrong, None where the line shows no more than its class."""
        why = self.why_in(line)
        return why.reason if why else self.reason

    def why_in(self, line: str) -> Reason | None:
        """Return what exactly is wrong, None where the line shows no more than its class."""
        return next((why for why in self.reasons if any(map(line.__contains__, why.words))), None)

    def narrowed(self, line: str) -> "LogClass":
        """Return the class with the title and the advice of what exactly is wrong in a line."""
        why = self.why_in(line)
        if why is None:
            return self
        return msgspec.structs.replace(self, title=why.title or self.title, advice=why.advice or self.advice)


@cache
def log_classes() -> dict[str, LogClass]:
    """Return the classes that the workbench knows, by id: those that ship, then those of packages."""
    return shipped_classes() | classes_of_files(log_class_files())


@cache
def shipped_classes() -> dict[str, LogClass]:
    """Return the classes that ship, by id. The file is read once; tests check its rows."""
    path = resource("templates", "log_classes.toml")
    return {row.id: row for row in rows_of(path.read_text(encoding="utf-8"), path.name, "class", LogClass)}


def classes_of_files(paths: Iterable[Path]) -> dict[str, LogClass]:
    """Return the classes of packages, by id. Errors: ConfigError, also for an id that is there already."""
    found: dict[str, LogClass] = {}
    for path in paths:
        rows = parse_classes(text_of(path), str(path), known=[*shipped_classes(), *found])
        found |= {row.id: row for row in rows}
    return found


def parse_classes(text: str, name: str, known: Collection[str] = ()) -> tuple[LogClass, ...]:
    r"""Return the rows of a TOML text. Errors: ConfigError naming the file, the line and the key.

    `known` are ids of other files, which its rows may name and may not take.

    >>> row = '[[class]]\nid = "oom"\ntitle = "full"\nadvice = "free some"\nexample = "OOM"\nmatch = ["OOM"]'
    >>> [row.id for row in parse_classes(row, "my.toml")]
    ['oom']
    """
    return checked_rows(text, name, "class", LogClass, partial(_check, known=known))


def _check(rows: tuple[LogClass, ...], known: Collection[str]) -> None:
    ids = [*known, *(row.id for row in rows)]
    for number, row in enumerate(rows):
        if row.id in known:
            raise WrongRowError(number, "id", "this class already exists; use a prefix of your own")
        if row.id in ids[len(known) : len(known) + number]:
            raise WrongRowError(number, "id", "an earlier row has this id")
        for key, others in (("unless", row.unless), ("explained_by", row.explained_by)):
            if unknown := next((other for other in others if other not in ids), None):
                raise WrongRowError(number, key, f"class {unknown!r} does not exist")
        check_match(number, row.match)
        check_patterns(number, "blames", row.blames)
        check_patterns(number, "lasted", row.lasted)
        if wrong := next((each for each in row.lasted if not _UNITS.keys() & _ready(each).groupindex), None):
            raise WrongRowError(number, "lasted", f"{wrong!r} has no group `seconds` or `milliseconds`")
        if wrong := next((code for code in row.sqlstate if not re.fullmatch("[0-9A-Z]{5}", code)), None):
            raise WrongRowError(
                number, "sqlstate", f"{wrong!r} is not a code of five digits and capital letters"
            )


@cache
def _calm_words() -> tuple[str, ...]:
    rows = (row for row in log_classes().values() if row.at_any_level)
    return tuple(entry if isinstance(entry, str) else entry.words for row in rows for entry in row.match)


def may_be_calm(message: str) -> bool:
    """Return whether a line may be of a class that its program reports at a level that means no harm.

    >>> may_be_calm("cid:7 - Slow Consumer Detected: WriteDeadline of 10s exceeded"), may_be_calm("ready")
    (True, False)
    """
    return any(map(message.__contains__, _calm_words()))


@cache
def _matcher() -> Matcher:
    rows = log_classes().values()
    return Matcher((entry, row.id) for row in rows for entry in (*row.match, *map(_sqlstate, row.sqlstate)))


def _sqlstate(code: str) -> Words:
    """Return how clients and servers write a code, so that a number of five digits is none."""
    named = rf"(?i:sql ?_?state|state_code|pgcode|err_?code|\bcode)[^\w\n]{{1,8}}{code}\b"
    after = rf"(?:ERROR|FATAL|PANIC|PostgresException[^:\n]{{0,20}})\"?[:,] *\"?{code}\b"
    before = rf"\b{code}\W{{1,3}}(?:ERROR|FATAL|PANIC)\b"
    return Words(words=code, pattern=f"{named}|{after}|{before}")


def classes_of(text: str) -> dict[str, str]:
    """Return the classes that an error line or traceback belongs to, each with the line that shows it.

    >>> classes_of("TimeoutError: QueuePool limit of size 5 overflow 10 reached")
    {'pool_timeout': 'TimeoutError: QueuePool limit of size 5 overflow 10 reached'}
    >>> classes_of("checkout ran into a timeout")
    {}
    """
    if len(text) <= _REMEMBERED:
        return dict(_remembered(text))
    if len(text) > _LONGEST:
        text = f"{text[: _LONGEST // 2]}\n{text[-_LONGEST // 2 :]}"
    return dict(_found(text))


@lru_cache(maxsize=4_096)
def _remembered(text: str) -> tuple[tuple[str, str], ...]:
    return _found(text)


def _found(text: str) -> tuple[tuple[str, str], ...]:
    found = {name: line.strip()[:4_000] for name, line in _matcher().find(text)}
    known = log_classes()
    return tuple((name, line) for name, line in found.items() if found.keys().isdisjoint(known[name].unless))


def peer_in(error_class: str, *texts: str) -> str:
    """Return the host or socket that an error of a class is about, "" where none is to blame or named.

    >>> peer_in("connect_refused", "dial tcp 10.0.0.9:8443: connect: connection refused")
    '10.0.0.9:8443'
    >>> peer_in("open_files", "accept tcp [::]:8443: too many open files")
    ''
    """
    row = log_classes().get(error_class)
    if row is not None and row.is_local:
        return ""
    for pattern in row.blames if row is not None else ():
        for text in texts:
            if found := _ready(pattern).search(text[:_LONGEST]):
                host, port = found.group("host"), found.groupdict().get("port")
                return f"{host}:{port}" if port else str(host)
    return peer_of(*texts)


def seconds_in(error_class: str, text: str) -> float | None:
    """Return how long an error of a class lasted, None where its text does not say.

    >>> seconds_in("slow_steps", "Executing <Task pending name='Task-7'> took 0.512 seconds")
    0.512
    """
    row = log_classes().get(error_class)
    for pattern in row.lasted if row is not None else ():
        if found := _ready(pattern).search(text[:_LONGEST]):
            units = found.groupdict()
            return sum(float(units[unit]) * scale for unit, scale in _UNITS.items() if units.get(unit))
    return None


@cache
def _ready(pattern: str) -> Any:
    return compiled(pattern)

"""Errors in the words of libraries and servers -> classes, as `templates/log_classes.toml` describes them."""

from functools import cache

import msgspec

from incident_lib.errors import ConfigError
from incident_lib.findings.catalogue import Flag
from incident_lib.resources import resource
from incident_lib.technologies.logs.words import (
    Entry,
    Matcher,
    WrongRowError,
    check_match,
    line_of,
    rows_of,
)

_LONGEST = 16_384  # characters of a text that are compared: half from its beginning, half from its end


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
    match: tuple[Entry, ...]
    unless: tuple[str, ...] = ()
    about: str = ""
    flags: tuple[Flag, ...] = ()
    is_passing: bool = False
    is_everyday: bool = False
    is_momentary: bool = False
    reason: str | None = None
    reasons: tuple[Reason, ...] = ()
    sqlstate: tuple[str, ...] = ()
    explained_by: tuple[str, ...] = ()

    def reason_in(self, line: str) -> str | None:
        """Return in one word what is wrong, None where the line shows no more than its class."""
        return next(
            (why.reason for why in self.reasons if any(map(line.__contains__, why.words))), self.reason
        )


@cache
def log_classes() -> dict[str, LogClass]:
    """Return the classes that the workbench knows, by id. The file is read once; tests check its rows."""
    path = resource("templates", "log_classes.toml")
    return {row.id: row for row in rows_of(path.read_text(encoding="utf-8"), path.name, "class", LogClass)}


def parse_classes(text: str, name: str) -> tuple[LogClass, ...]:
    r"""Return the rows of a TOML text. Errors: ConfigError naming the file, the line and the key.

    >>> row = '[[class]]\nid = "oom"\ntitle = "full"\nadvice = "free some"\nexample = "OOM"\nmatch = ["OOM"]'
    >>> [row.id for row in parse_classes(row, "my.toml")]
    ['oom']
    """
    rows = rows_of(text, name, "class", LogClass)
    try:
        _check(rows)
    except WrongRowError as error:
        line = line_of(text, "class", error.number, error.key)
        raise ConfigError(
            f"{name}: line {line}: key `{error.key}` of {rows[error.number].id!r}: {error}"
        ) from error
    return rows


def _check(rows: tuple[LogClass, ...]) -> None:
    ids = [row.id for row in rows]
    for number, row in enumerate(rows):
        if row.id in ids[:number]:
            raise WrongRowError(number, "id", "a row before has this id")
        for key, others in (("unless", row.unless), ("explained_by", row.explained_by)):
            if unknown := next((other for other in others if other not in ids), None):
                raise WrongRowError(number, key, f"there is no class {unknown!r}")
        check_match(number, row.match)


@cache
def _matcher() -> Matcher:
    return Matcher((entry, row.id) for row in log_classes().values() for entry in row.match)


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
    for name, line in _matcher().find(text):
        found.setdefault(name, line.strip()[:500])
    if len(found) > 1:
        known = log_classes()
        return {name: line for name, line in found.items() if not found.keys() & set(known[name].unless)}
    return found

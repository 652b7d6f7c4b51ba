"""Lines in which a server reports its life -> events, as `templates/log_events.toml` describes them."""

from functools import cache

import msgspec

from incident_lib.model import FindingSeverity
from incident_lib.resources import resource
from incident_lib.technologies.logs.words import (
    Entry,
    Matcher,
    WrongRowError,
    check_match,
    checked_rows,
    rows_of,
)

_LONGEST = 4_000  # characters of a line that are compared


class ServerEvent(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An event in the life of a server: a row of the file, whose beginning explains the keys."""

    id: str
    title: str
    example: str
    match: tuple[Entry, ...]
    severity: FindingSeverity = FindingSeverity.INFO
    by_supervisor: bool = False
    explained_by: tuple[str, ...] = ()
    is_boot: bool = False
    is_change: bool = False
    timeline: str = ""
    precedence: int = 0


@cache
def server_events() -> dict[str, ServerEvent]:
    """Return the events that the workbench knows, by id. The file is read once; tests check its rows."""
    path = resource("templates", "log_events.toml")
    return {row.id: row for row in rows_of(path.read_text(encoding="utf-8"), path.name, "event", ServerEvent)}


def parse_events(text: str, name: str) -> tuple[ServerEvent, ...]:
    r"""Return the rows of a TOML text. Errors: ConfigError naming the file, the line and the key.

    >>> row = '[[event]]\nid = "boot"\ntitle = "it started"\nexample = "up"\nmatch = ["up"]'
    >>> [row.id for row in parse_events(row, "my.toml")]
    ['boot']
    """
    return checked_rows(text, name, "event", ServerEvent, _check)


def _check(rows: tuple[ServerEvent, ...]) -> None:
    ids = [row.id for row in rows]
    for number, row in enumerate(rows):
        if row.id in ids[:number]:
            raise WrongRowError(number, "id", "an earlier row has this id")
        for other in row.explained_by:
            if other not in ids:
                raise WrongRowError(number, "explained_by", f"there is no event {other!r}")
        check_match(number, row.match)


def is_start(event: str) -> bool:
    """Return whether a process came up.

    >>> is_start("worker_start"), is_start("start"), is_start("stop")
    (True, True, False)
    """
    known = server_events().get(event)
    return event == "start" or (known is not None and known.is_boot)


@cache
def _matcher() -> Matcher:
    return Matcher((entry, row.id) for row in server_events().values() for entry in row.match)


def event_of(message: str) -> str:
    """Return the event that `message` reports, "" if none.

    >>> event_of("Booting worker with pid: 12"), event_of("order 12 paid")
    ('worker_start', '')
    """
    return next((name for name, _ in _matcher().find(message[:_LONGEST])), "")


def may_report(message: str) -> bool:
    """Return whether words of any event stand in a line; where not, no line of its shape reports one.

    >>> may_report("web-1 exited with code 0"), may_report("order 12 paid")
    (True, False)
    """
    return _matcher().has_words(message[:_LONGEST])

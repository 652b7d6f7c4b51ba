"""The names that rotated logs get, and in which order they were written."""

import re
from collections.abc import Iterable
from pathlib import Path

import msgspec

_COMPRESSED = r"(?:\.(?:gz|bz2|xz|zst|zstd))?"
_DATE = r"\d{4}-?\d\d-?\d\d(?:[T_.-]?\d{2,6}(?:[-:.]?\d{2,9}){0,3})?"
_BEHIND = re.compile(rf"(?P<base>.+?)(?:\.(?P<number>\d{{1,4}})|[.-](?P<date>{_DATE}|1\d{{9}})){_COMPRESSED}")
_INSIDE = re.compile(
    rf"(?P<stem>.+?)(?:[._-](?P<date>{_DATE})|\.(?P<number>\d{{1,4}}))(?P<ending>\.[A-Za-z]{{2,5}}){_COMPRESSED}"
)


class Rotated(msgspec.Struct, frozen=True):
    """What the name of a log says: of which log it is, and how old. Sorts the oldest first."""

    base: str
    age: tuple[int, str, int]

    @property
    def is_live(self) -> bool:
        """Whether the log is still written under this name."""
        return self.age[0] == 2


def rotated(name: str) -> Rotated:
    """Return what the name of a log file says.

    >>> rotated("app.log").base, rotated("app.log.2.gz").base, rotated("app.log-20260115.gz").base
    ('app.log', 'app.log', 'app.log')
    >>> rotated("app.2026-01-15.log").base, rotated("app-2.log").base
    ('app.log', 'app-2.log')
    >>> names = ["app.log", "app.log.1", "app.log.10.gz", "app.log.2.gz"]
    >>> sorted(names, key=lambda name: rotated(name).age)
    ['app.log.10.gz', 'app.log.2.gz', 'app.log.1', 'app.log']
    """
    match = _INSIDE.fullmatch(name)
    if match and match["ending"].lstrip(".") not in {"gz", "bz2", "xz", "zst", "zstd"}:
        return Rotated(match["stem"] + match["ending"], _age(match))
    match = _BEHIND.fullmatch(name)
    if match:
        return Rotated(match["base"], _age(match))
    return Rotated(name, (2, "", 0))


def predecessors(path: Path) -> list[Path]:
    """Return the rotated files of a log, the oldest first. Cost: one listing of its folder."""
    try:
        names = [entry.name for entry in path.parent.iterdir()]
    except OSError:
        return []
    found = [name for name in names if name != path.name and rotated(name).base == path.name]
    return [path.with_name(name) for name in in_order(found)]


def in_order(names: Iterable[str]) -> list[str]:
    """Return the names, the oldest of each log first.

    >>> in_order(["b.log", "a.log", "a.log.1"])
    ['a.log.1', 'a.log', 'b.log']
    """
    return sorted(names, key=lambda name: (rotated(name).base, rotated(name).age, name))


def _age(match: re.Match[str]) -> tuple[int, str, int]:
    if match["date"]:
        return 0, re.sub(r"\D", "", match["date"]).ljust(24, "0"), 0
    return 1, "", -int(match["number"])

"""Numbers and names as people read them: the unit stands in the field's name."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from incident_lib import clock
from incident_lib.units import UNITS, format_value

UNKNOWN = "unknown"
_KINDS = {"_bytes": "size", "_ratio": "share", "_seconds": "time", "_at": "since", "_ms": "time"}
_NO_NOUN = ("ing", "ed", "en", "limit", "usable", "ok")
_NO_NOUNS = frozenset({"total", "new", "fatal", "max", "min", "temporary", "big", "free", "kept"})
_SUFFIXES = ("_per_second", "_seconds", "_bytes", "_ratio", "_percent", "_count", "_at", "_ms")


def heading(name: str) -> str:
    """Return a field's name as a column heading; the unit moves into the value.

    >>> heading("query_seconds"), heading("dead_row_count"), heading("blocking_count"), heading("pid")
    ('query', 'dead rows', 'blocking', 'pid')
    """
    if name == "seconds":
        return "took"
    if name.endswith("_count"):
        return _plural(name.removesuffix("_count").replace("_", " "))
    for suffix in _SUFFIXES:
        if name.endswith(suffix) and suffix != "_per_second":
            name = name.removesuffix(suffix)
            break
    return name.replace("_", " ")


def headings(names: Sequence[str]) -> dict[str, str]:
    """Return the headings of several fields, with the kind of the value where two would be the same.

    >>> list(headings(["used_bytes", "used_ratio", "limit_bytes"]).values())
    ['used size', 'used share', 'limit']
    """
    plain = {name: heading(name) for name in names}
    twice = {head for head, number in Counter(plain.values()).items() if number > 1}
    return {name: f"{head}{_kind(name)}" if head in twice else head for name, head in plain.items()}


def _kind(name: str) -> str:
    found = [word for suffix, word in _KINDS.items() if name.endswith(suffix)]
    return f" {found[0]}" if found else ""


def _plural(words: str) -> str:
    """Return a counted thing in the plural; what is said of things, and not their name, as it is.

    >>> [_plural(word) for word in ("entry", "dead row", "rejected", "miss", "total")]
    ['entries', 'dead rows', 'rejected', 'misses', 'total']
    """
    is_plural = words.endswith("s") and not words.endswith("ss")
    if is_plural or words.endswith(_NO_NOUN) or words in _NO_NOUNS:
        return words
    if words.endswith("y") and not words.endswith(("ay", "ey", "oy")):
        return f"{words[:-1]}ies"
    return f"{words}es" if words.endswith(("ss", "sh", "ch", "x")) else f"{words}s"


def show(name: str, value: Any) -> str:
    """Return `value` in the unit that `name` ends in; None is said, never drawn as 0.

    >>> [show(*x) for x in (("a_bytes", 1536), ("a_ratio", 0.83), ("a_seconds", 90), ("a", None))]
    ['1.5 KiB', '83 %', '1m 30s', 'unknown']
    >>> show("fragmentation_ratio", 10.33), show("key_count", 12_000), show("pid", 12_000)
    ('10.3 times', '12,000', '12000')
    """
    if is_number(value):
        return _number(name, value)
    if isinstance(value, dict):
        return ", ".join(f"{key} {show(str(key), item)}" for key, item in value.items())
    if isinstance(value, list | tuple | set | frozenset):
        return ", ".join(show("", item) for item in value)
    if isinstance(value, datetime):
        return clock.format_time(value)
    return _WORDS[value] if value is None or isinstance(value, bool) else str(value)


def is_number(value: Any) -> bool:
    """Return whether a value is set flush right.

    >>> is_number(3), is_number(True), is_number("3")
    (True, False, False)
    """
    return isinstance(value, int | float) and not isinstance(value, bool)


def _number(name: str, value: float) -> str:
    unit = next((unit for unit in UNITS if f"_{name}".endswith(f"_{unit}")), None)
    if unit is None and isinstance(value, int):
        return str(value)  # a port, a process id: nothing that is counted
    return format_value(value, unit or "count")


_WORDS = {None: UNKNOWN, True: "yes", False: "no"}

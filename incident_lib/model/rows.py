"""The records that probes return: their base, what several technologies share, and the registry of all.

Each technology registers its types, so that stored evidence can be decoded. Stored records keep tag, fields
and units for ever; one whose type is not registered is kept as it was stored.
"""

from collections.abc import Iterable
from datetime import datetime
from functools import cache, reduce
from operator import or_
from types import ModuleType
from typing import Any, cast

import msgspec


class Row(msgspec.Struct, frozen=True, kw_only=True, tag_field="row", tag=True):
    """One record of evidence: units in the names (_seconds, _bytes, _ratio, _count, _at); None is unknown.

    The class name is stored with each record, so that a snapshot can be read without knowing the probe.
    """


class Measurement(Row, frozen=True, kw_only=True):
    """One named number, for what needs no record type of its own (a team's own probe)."""

    name: str
    value: float | None
    unit: str = ""
    labels: dict[str, str] = {}


class MemorySample(Row, frozen=True, kw_only=True):
    """Memory in use at one moment."""

    at: datetime
    memory_bytes: int
    command_count: int | None = None  # of `docker exec` and health checks around it, whose memory counts, too


class UnknownRow(Row, frozen=True, kw_only=True):
    """A stored record of a type that is not registered: a newer version or another package wrote it.

    Instances are of subclasses that are made when such a record is decoded, with its own tag and fields, so
    that encoding gives back what was stored.
    """


_MOST_UNKNOWN = 1000  # kinds that this version does not know
_types: dict[str, type[Row]] = {"Measurement": Measurement, "MemorySample": MemorySample}


def register(row_types: Iterable[type[Row]]) -> None:
    """Register record types with the decoder. Errors: ValueError where another type has that tag."""
    for row_type in row_types:
        if _types.setdefault(tag_of(row_type), row_type) is not row_type:
            raise ValueError(f"a record type with the tag {tag_of(row_type)!r} is registered already")


def rows_of(module: ModuleType) -> tuple[type[Row], ...]:
    """Return the record types that a module defines, in order."""
    defined = (each for each in vars(module).values() if isinstance(each, type) and issubclass(each, Row))
    return tuple(each for each in defined if each.__module__ == module.__name__)


def tag_of(row_type: type[Row]) -> str:
    """Return the tag that is stored with each record of a type.

    >>> tag_of(Measurement)
    'Measurement'
    """
    return str(row_type.__struct_config__.tag)


def is_registered(row: object) -> bool:
    """Return whether a record can be stored and decoded again."""
    return isinstance(row, Row) and _types.get(tag_of(type(row))) is type(row)


def decode_rows(stored: msgspec.Raw) -> tuple[Row, ...]:
    """Return the records of a JSON array. Errors: msgspec.MsgspecError."""
    try:
        return _decoder(len(_types)).decode(stored)
    except msgspec.ValidationError:  # a type that is not registered, or a field that is wrong
        return tuple(decode_row(row) for row in msgspec.json.decode(stored, type=list[dict[str, Any]]))


@cache
def _decoder(_known_count: int) -> msgspec.json.Decoder[tuple[Row, ...]]:
    """Return the decoder of all types that are registered by now."""
    union: Any = reduce(or_, _types.values())
    array: Any = tuple[union, ...]
    return msgspec.json.Decoder(array)


def decode_row(stored: dict[str, Any]) -> Row:
    """Return the record that `stored` holds, an UnknownRow where its type is not registered.

    Errors: msgspec.ValidationError where the fields are not those of its type.

    >>> decode_row({"row": "Measurement", "name": "queue", "value": 7})
    Measurement(name='queue', value=7.0, unit='', labels={})
    >>> row = decode_row({"row": "Gauge", "celsius": 21})
    >>> isinstance(row, UnknownRow), msgspec.to_builtins(row)
    (True, {'row': 'Gauge', 'celsius': 21})
    """
    tag = stored.get("row")
    row_type = _types.get(tag) if isinstance(tag, str) else None
    if row_type is not None:
        return msgspec.convert(stored, row_type, str_keys=True)  # those of JSON are strings
    names = tuple(name for name in stored if name != "row" and name.isidentifier())
    return cast(Row, _unknown(str(tag), names)(**{name: stored[name] for name in names}))


_unknown_types: dict[tuple[str, tuple[str, ...]], type[msgspec.Struct]] = {}


def _unknown(tag: str, names: tuple[str, ...]) -> type[msgspec.Struct]:
    found = _unknown_types.get((tag, names))
    if found is None:
        if len(_unknown_types) >= _MOST_UNKNOWN:
            raise msgspec.ValidationError("more kinds of records than any version has")
        fields = [(name, Any) for name in names]
        found = _unknown_types[tag, names] = msgspec.defstruct(
            "UnknownRow", fields, bases=(UnknownRow,), frozen=True, kw_only=True, tag_field="row", tag=tag
        )
    return found

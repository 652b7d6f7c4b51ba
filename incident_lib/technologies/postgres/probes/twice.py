"""Statements whose totals are read twice: what happened in between."""

from collections.abc import Mapping
from typing import Any

import msgspec

from incident_lib.technologies.postgres.connect import PostgresSession
from incident_lib.technologies.postgres.probes.reading import statement
from incident_lib.technologies.postgres.probes.watching import seconds_between
from incident_lib.technologies.postgres.rows import PostgresIo, PostgresRow, PostgresSlru

Reading = Mapping[str, Any]
Key = tuple[Any, ...]
_IO_VIEW = 160000  # pg_stat_io came with 16


class Total(msgspec.Struct, frozen=True, kw_only=True):
    """A statement with totals: what tells its rows apart, what never falls, what becomes of them."""

    name: str
    row_type: type[PostgresIo | PostgresSlru]
    key: tuple[str, ...]
    since_version: int = 0

    def read(self, session: PostgresSession) -> dict[Key, Reading]:
        """Return its rows by their key; none where the version has no such view."""
        if session.facts is None or session.facts["version_number"] < self.since_version:
            return {}
        return {tuple(row[name] for name in self.key): row for row in session.rows(statement(self.name))}

    def between(self, first: Mapping[Key, Reading], second: Mapping[Key, Reading]) -> tuple[PostgresRow, ...]:
        """Return what changed, a record each; what did not change, or was reset, is left out."""
        pairs = ((first[key], row) for key, row in second.items() if key in first)
        found = (difference(before, after) for before, after in pairs)
        return tuple(msgspec.convert(row, self.row_type) for row in found if row)


def difference(first: Reading, second: Reading) -> dict[str, Any] | None:
    """Return the second reading with its totals less the first; None where none rose or one fell.

    Totals are the columns whose names end in _count, _bytes or _seconds.
    """
    row = {**second, "interval_seconds": seconds_between(first["at"], second["at"])}
    rose = False
    for name, total in second.items():
        if not name.endswith(("_count", "_bytes", "_seconds")):
            continue
        if total is None or first[name] is None:
            row[name] = None
            continue
        if total < first[name]:
            return None
        row[name] = total - first[name]
        rose = rose or row[name] > 0
    return row if rose else None


IO = Total(name="io", row_type=PostgresIo, key=("backend_type", "object", "context"), since_version=_IO_VIEW)
SLRU = Total(name="slru", row_type=PostgresSlru, key=("name",))
TOTALS = (IO, SLRU)

"""Replication slots, read twice where one keeps much: what moves is late, what does not is stuck."""

import time
from typing import Any

from incident_lib.technologies.postgres.connect import PostgresSession
from incident_lib.technologies.postgres.probes.reading import records, statement
from incident_lib.technologies.postgres.rows import PostgresSlot

_APART_SECONDS = 1.0
_MUCH_BYTES = 64 << 20  # four files of the log: a consumer that is in step keeps one or two
Row = dict[str, Any]


def read_slots(session: PostgresSession) -> tuple[PostgresSlot, ...]:
    """Return the slots, with how far each came in a second where a slot that is in use keeps much.

    Source: sql/slots.sql, up to twice. Errors: TargetError.
    """
    rows = session.rows(statement("slots"))
    if not any(row["active"] and (row["retained_bytes"] or 0) > _MUCH_BYTES for row in rows):
        return records(rows, PostgresSlot)
    before = {row["name"]: row for row in rows}
    time.sleep(_APART_SECONDS)
    again = session.rows(statement("slots"))
    return records([_compared(row, before.get(row["name"])) for row in again], PostgresSlot)


def _compared(row: Row, before: Row | None) -> Row:
    if before is None:
        return row
    return {
        **row,
        "interval_seconds": _APART_SECONDS,
        "moved_bytes": _difference(row, before, "restart_position"),
        "confirmed_moved_bytes": _difference(row, before, "confirmed_position"),
        "grown_bytes": _difference(row, before, "retained_bytes"),
    }


def _difference(row: Row, before: Row, name: str) -> int | None:
    later, earlier = row[name], before[name]
    return None if later is None or earlier is None else int(later) - int(earlier)

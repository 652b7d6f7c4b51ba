"""What goes on between the two readings of the counters: what sessions run and wait for, checkpoints, WAL."""

import re
import time
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from incident_lib import clock
from incident_lib.technologies.postgres.connect import PostgresSession
from incident_lib.technologies.postgres.probes.reading import statement
from incident_lib.technologies.postgres.rows import (
    PostgresCheckpoints,
    PostgresRunningStatement,
    PostgresWait,
)

WATCH_SECONDS = 2.0
_LOOKS = 20
_CHECKPOINTER = 170000  # from this version on checkpoints have a view of their own
_LEAST_SHARE = 0.1  # of what runs; a statement with less is nobody's load
_WAITS_FOR_OTHERS = frozenset({"Lock", "Client", "Timeout"})
_VALUE = re.compile(r"'(?:[^']|'')*'|\$?\b\d+(?:\.\d+)?\b")
_LIST = re.compile(r"\((?:\s*\?\s*,)+\s*\?\s*\)")
Reading = Mapping[str, Any]


def watch_waits(session: PostgresSession) -> tuple[PostgresWait | PostgresRunningStatement, ...]:
    """Return what active sessions waited for and what they ran, the most frequent first.

    Source: sql/waits.sql, up to 20 times. Cost: takes two seconds, with no transaction open in between.
    """
    text = statement("waits")
    begun = clock.monotonic()
    seen: Counter[tuple[str, str]] = Counter()
    ran: Counter[str] = Counter()
    longest: dict[str, float] = {}
    looks = 0
    while looks < _LOOKS and clock.monotonic() - begun < WATCH_SECONDS:
        for row in session.rows(text):
            seen[row["wait_type"], row["wait_event"]] += row["session_count"]
            if row["wait_type"] not in _WAITS_FOR_OTHERS:
                query = shape(row["query"] or "")
                ran[query] += row["session_count"]
                longest[query] = max(longest.get(query, 0.0), row["longest_seconds"] or 0.0)
        looks += 1
        time.sleep(max(0.0, begun + looks * WATCH_SECONDS / _LOOKS - clock.monotonic()))
    return (*wait_rows(seen, looks), *statement_rows(ran, looks, longest))


def shape(query: str) -> str:
    """Return a statement without its values, so that two calls of one are the same.

    >>> shape("SELECT 1 FROM t WHERE a = 'x''y' AND b IN ($1, 2,  3)")
    'SELECT ? FROM t WHERE a = ? AND b IN (?)'
    """
    return _LIST.sub("(?)", _VALUE.sub("?", " ".join(query.split())))


def statement_rows(
    ran: Counter[str], looks: int, longest: Mapping[str, float]
) -> tuple[PostgresRunningStatement, ...]:
    """Return the statements that made a tenth or more of what ran in `looks`.

    >>> [row.share_ratio for row in statement_rows(Counter({"SELECT ?": 19, "COMMIT": 1}), 10, {})]
    [0.95]
    """
    whole = ran.total()
    return tuple(
        PostgresRunningStatement(
            query=query,
            session_count=number,
            sample_count=looks,
            mean_session_count=number / looks,
            share_ratio=number / whole,
            longest_seconds=longest.get(query),
        )
        for query, number in ran.most_common()
        if query and number >= _LEAST_SHARE * whole
    )


def wait_rows(seen: Counter[tuple[str, str]], looks: int) -> tuple[PostgresWait, ...]:
    """Return the rows of what was seen in `looks`.

    >>> [row.share_ratio for row in wait_rows(Counter({("IO", "DataFileRead"): 3, ("CPU", "running"): 1}), 2)]
    [0.75, 0.25]
    """
    whole = seen.total()
    return tuple(
        PostgresWait(
            wait_type=wait_type,
            wait_event=wait_event,
            session_count=number,
            sample_count=looks,
            mean_session_count=number / looks,
            share_ratio=number / whole,
        )
        for (wait_type, wait_event), number in seen.most_common()
    )


def read_checkpoints(session: PostgresSession) -> Reading | None:
    """Return the totals of checkpoints, None where the server's version is not known.

    Source: sql/checkpoints.sql, from version 17 sql/checkpoints_17.sql.
    """
    if session.facts is None:
        return None
    recent = session.facts["version_number"] >= _CHECKPOINTER
    return next(iter(session.rows(statement("checkpoints_17" if recent else "checkpoints"))), None)


def checkpoint_rows(first: Reading | None, second: Reading | None) -> tuple[PostgresCheckpoints, ...]:
    """Return the second reading less the first. A total that fell was reset, and counts as nothing."""
    if first is None or second is None:
        return ()
    wal = second["wal_bytes"]
    row = {
        **second,
        "interval_seconds": seconds_between(first["at"], second["at"]),
        "timed_count": max(0, second["timed_count"] - first["timed_count"]),
        "requested_count": max(0, second["requested_count"] - first["requested_count"]),
        "wal_bytes": None if wal is None or first["wal_bytes"] is None else wal - first["wal_bytes"],
        "total_timed_count": second["timed_count"],
        "total_requested_count": second["requested_count"],
        "wal_position_bytes": wal,
    }
    return (msgspec.convert(row, PostgresCheckpoints),)


def seconds_between(first: datetime | str, second: datetime | str) -> float:
    """Return the seconds between two times of the server, which come as text through a container."""
    moments = [at if isinstance(at, datetime) else datetime.fromisoformat(at) for at in (first, second)]
    return (moments[1] - moments[0]).total_seconds()

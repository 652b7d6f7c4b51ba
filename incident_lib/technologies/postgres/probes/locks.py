"""Who blocks whom?"""

import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from incident_lib import clock
from incident_lib.errors import ProblemKind, TargetError
from incident_lib.model import Problem, Window
from incident_lib.probes.base import Fetched, Probe
from incident_lib.technologies.postgres.connect import PostgresSession
from incident_lib.technologies.postgres.probes.counters import Sampling, begin_sampling
from incident_lib.technologies.postgres.probes.reading import privilege_problem, read, statement
from incident_lib.technologies.postgres.rows import PostgresLockSession

HEADS = "heads of queues"  # what this probe leaves for that of transactions
Rows = tuple[PostgresLockSession, ...]
Reading = Mapping[str, Any]
# A queue that moves shows it soon; one whose head is old and keeps still is not looked at for long.
_PAUSES_SECONDS = (0.5, 1.0)
_SURE_SECONDS = 10.0
# Which held modes a wanted mode waits for (the table of the manual's chapter on explicit locking).
_MODES = (
    "AccessShareLock",
    "RowShareLock",
    "RowExclusiveLock",
    "ShareUpdateExclusiveLock",
    "ShareLock",
    "ShareRowExclusiveLock",
    "ExclusiveLock",
    "AccessExclusiveLock",
)
_FIRST_CONFLICT = {0: 7, 1: 6, 2: 4, 3: 3}  # wanted mode -> the weakest held mode that it waits for


def fetch_locks(session: PostgresSession, _window: Window) -> Fetched:
    """Return everybody who waits for a lock or is waited for: a PostgresLockSession each.

    Source: sql/locks.sql; where a session waits also sql/locks_again.sql, up to twice within two seconds, and
    sql/lock_relations.sql; where it waits for a prepared transaction sql/locks_prepared.sql.
    Needs: pg_monitor.
    """
    rows, truncated = read(session, "locks", PostgresLockSession)
    used = ["locks"]
    problem = privilege_problem(session)
    if any(0 in row.blocked_by for row in rows):
        rows = with_prepared(rows, session.rows(statement("locks_prepared")))
        used.append("locks_prepared")
    session.kept[HEADS] = frozenset(
        (row.pid, row.transaction_started_at) for row in rows if not row.blocked_by
    )
    if any(row.lock_relation for row in rows):
        rows, trouble = _named(session, rows)
        problem = trouble or problem
        used.append("lock_relations")
    if any(row.blocked_by for row in rows):
        rows = _watched(session, rows)
        used.append("locks_again")
    source = "\n\n".join(map(statement, used))
    return Fetched(rows=rows, source=source, truncated=truncated, problem=problem)


def _named(session: PostgresSession, rows: Rows) -> tuple[Rows, Problem | None]:
    """Return the rows with the names of what they wait for, as far as it is in our database."""
    try:
        names = {row["relation"]: row["name"] for row in session.rows(statement("lock_relations"))}
    except TargetError as error:
        if error.kind is not ProblemKind.BUSY:
            raise
        message = "the catalog of tables is itself locked, so locked tables are shown by number"
        return rows, Problem(kind=error.kind, message=message, advice=error.advice)
    return tuple(
        replace(row, relation=names.get(row.lock_relation)) if row.lock_relation else row for row in rows
    ), None


def with_prepared(rows: Rows, holders: Iterable[Reading]) -> Rows:
    """Return the rows with a row for each prepared transaction that a session waits for, instead of pid 0."""
    names: dict[str, PostgresLockSession] = {}
    blockers: dict[int, list[int]] = {}
    for holder in holders:
        if not _conflict(holder["wanted_mode"], holder["held_mode"]):
            continue
        row = names.setdefault(holder["gid"], _prepared_row(-len(names) - 1, holder))
        blockers.setdefault(holder["waiter"], []).append(row.pid)
    known = [
        replace(row, blocked_by=_with(row.blocked_by, blockers[row.pid])) if row.pid in blockers else row
        for row in rows
    ]
    left = any(0 in row.blocked_by for row in known)
    return (*names.values(), *(row for row in known if row.pid != 0 or left))


def _with(blocked_by: tuple[int, ...], prepared: list[int]) -> tuple[int, ...]:
    return tuple(sorted({*prepared, *(pid for pid in blocked_by if pid != 0)}))


def _conflict(wanted: str, held: str) -> bool:
    """Return whether one waits for a holder of the other.

    >>> _conflict("AccessShareLock", "RowExclusiveLock"), _conflict("ShareLock", "RowExclusiveLock")
    (False, True)
    """
    if wanted not in _MODES or held not in _MODES:
        return True
    first, second = sorted((_MODES.index(wanted), _MODES.index(held)))
    if (first, second) == (4, 4):
        return False
    return first not in _FIRST_CONFLICT or second >= _FIRST_CONFLICT[first]


def _prepared_row(pid: int, holder: Reading) -> PostgresLockSession:
    return PostgresLockSession(
        pid=pid,
        application=None,
        role=holder["role"],
        database=holder["database"],
        client_address=None,
        state=None,
        kind="prepared transaction",
        transaction_started_at=_time(holder["prepared_at"]),
        query_started_at=None,
        state_changed_at=None,
        transaction_seconds=holder["prepared_seconds"],
        query_seconds=None,
        state_seconds=None,
        query=None,
        lock_type=None,
        lock_mode=None,
        lock_database=None,
        lock_relation=None,
        lock_object=None,
        wait_started_at=None,
        wait_seconds=None,
        prepared_name=holder["gid"],
    )


def _time(at: datetime | str) -> datetime:
    return at if isinstance(at, datetime) else datetime.fromisoformat(at)


def _watched(session: PostgresSession, rows: Rows) -> Rows:
    """Return the rows with what became of each a moment later, in which the counters are sampled already."""
    sampling: Sampling | None = None
    with suppress(TargetError):  # the locks are to be seen all the same; what goes on is met again below
        sampling = begin_sampling(session)
    for pause in _PAUSES_SECONDS:
        until = clock.monotonic() + pause
        with suppress(TargetError):
            if sampling:
                sampling.go_on(pause)
        time.sleep(max(0.0, until - clock.monotonic()))
        rows = compared(rows, {row["pid"]: row for row in session.rows(statement("locks_again"))})
        if any(row.lasts is False for row in rows) or _is_settled(rows):
            break
    return rows


def _is_settled(rows: Rows) -> bool:
    """Return whether every head is older than all waits, and old enough to be no head of a moving queue."""
    longest = max((row.wait_seconds or 0.0 for row in rows if row.blocked_by), default=0.0)
    least = max(longest, _SURE_SECONDS)
    return all((row.transaction_seconds or 0.0) >= least for row in rows if not row.blocked_by)


def compared(rows: Rows, later: Mapping[int, Reading]) -> Rows:
    """Return the rows with `lasts`: whether a head is in the same transaction, whether a waiter still waits.

    None where it cannot be known: of a process without transactions, or one that our role does not see.
    """
    advisory = {waiter.lock_object for waiter in rows if waiter.blocked_by and waiter.lock_type == "advisory"}
    return tuple(replace(row, lasts=_lasts(row, later.get(row.pid), advisory)) for row in rows)


def _lasts(row: PostgresLockSession, later: Reading | None, advisory: set[str | None]) -> bool | None:
    if row.blocked_by:
        return bool(later and later["is_waiting"])
    if row.kind != "client backend" or row.pid <= 0:
        return None
    if row.transaction_started_at is None:
        return bool(later and advisory.intersection(later["advisory"]))
    at = later and later["transaction_started_at"]
    return bool(at and _time(at) == row.transaction_started_at)


LOCKS = Probe(
    name="postgres.locks",
    fetch=fetch_locks,
    question="Who blocks whom, and does it last?",
    source=statement("locks"),
    needs="pg_monitor",
    cost="pg_blocking_pids once for each session that waits; if any session waits, up to two seconds, in"
    " which what `postgres.counters` samples is sampled already",
)

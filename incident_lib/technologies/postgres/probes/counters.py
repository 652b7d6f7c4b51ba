"""What happens between two readings of the counters, and what sessions run and wait for meanwhile."""

import re
import time
from collections import Counter
from collections.abc import Mapping
from typing import Any

import msgspec

from incident_lib import clock
from incident_lib.errors import ProblemKind, TargetError
from incident_lib.model import Row, Window
from incident_lib.probes.base import Fetched, Probe
from incident_lib.redact.excerpt import excerpt
from incident_lib.technologies.postgres.connect import PostgresSession
from incident_lib.technologies.postgres.probes.reading import (
    QUERY_CHARACTERS,
    privilege_problem,
    records,
    seconds_between,
    statement,
)
from incident_lib.technologies.postgres.probes.statements import leave_first_reading
from incident_lib.technologies.postgres.rows import (
    PostgresCheckpoints,
    PostgresCounters,
    PostgresIo,
    PostgresRunningStatement,
    PostgresSlru,
    PostgresTableScan,
    PostgresWait,
)

CALM_SECONDS, WATCH_SECONDS = 1.2, 2.0  # sessions report what they did once a second
PAUSE_SECONDS = 0.1
_CHECKPOINTER = 170000  # from this version on checkpoints have a view of their own
_COUNTED_WAL = 140000  # pg_stat_wal
_LEAST_SHARE = 0.1  # of what runs; a statement with less is no load
_WAITS_FOR_OTHERS = frozenset({"Lock", "Client", "Timeout"})
_VALUE = re.compile(r"'(?:[^']|'')*'|\$?\b\d+(?:\.\d+)?\b")
_LIST = re.compile(r"\((?:\s*\?\s*,)+\s*\?\s*\)")
Reading = Mapping[str, Any]
Key = tuple[Any, ...]
_IO_VIEW = 160000  # pg_stat_io came with 16
_COUNTED = ("sequential_scan_count", "sequential_row_count", "indexed_row_count")
_BLIND_SECONDS = 1.0
_TROUBLE = (
    *("rollback_count", "deadlock_count", "conflict_count", "temporary_file_count"),
    *("fatal_count", "killed_count", "checksum_failure_count"),
)
_NOT_COUNTED = {"database", "at", "checksum_failure_count", "checksum_failed_at"}
SAMPLING = "sampling"  # what may have begun before the probe of the counters


class Sampling:
    """The first reading of the counters, and what active sessions wait for and run from there on.

    Source: sql/scans.sql, sql/counters.sql, sql/checkpoints.sql, sql/io.sql from 16 on and sql/slru.sql at
    once; sql/waits.sql ten times a second, with no transaction open in between.
    """

    def __init__(self, session: PostgresSession) -> None:
        self._session = session
        # Without the privilege only our own sessions would be seen, as on an idle server.
        self.problem = privilege_problem(session)
        self.scans = read_scans(session)
        self.before: dict[str, Reading] = {
            row["database"]: row for row in session.rows(statement("counters"))
        }
        self.checkpoints = read_checkpoints(session)
        self.totals = {total.name: total.read(session) for total in _TOTALS}
        leave_first_reading(session)
        self._begun = clock.monotonic()
        self._seen: Counter[tuple[str, str]] = Counter()
        self._ran: Counter[str] = Counter()
        self._longest: dict[str, float] = {}
        self._samples = 0
        self._next = 0.0  # when the next sample is due, in seconds since the first

    def go_on(self, seconds: float) -> None:
        """Take samples for so long."""
        self._until(clock.monotonic() - self._begun + seconds)

    def finish(self) -> tuple[PostgresWait | PostgresRunningStatement, ...]:
        """Return what sessions waited for and what they ran in two seconds, the most frequent first.

        In 1.2 seconds where no session waited for a lock and nothing went wrong since the first reading.
        """
        if self.problem:
            time.sleep(max(0.0, self._begun + _BLIND_SECONDS - clock.monotonic()))
            return ()
        for seconds in (CALM_SECONDS, WATCH_SECONDS):
            self._until(seconds)
            if self._is_calm():
                break
        return (
            *wait_rows(self._seen, self._samples),
            *statement_rows(self._ran, self._samples, self._longest),
        )

    def _until(self, seconds: float) -> None:
        """Take samples until so many seconds are over since the first reading."""
        while (passed := clock.monotonic() - self._begun) < seconds:
            if self.problem is None and passed >= self._next:
                self._sample()
                self._next += PAUSE_SECONDS
                if self._next < passed:  # another probe was at work; what it took is not made up for
                    self._next = passed + PAUSE_SECONDS
            next_at = seconds if self.problem else min(self._next, seconds)
            time.sleep(max(0.0, self._begun + next_at - clock.monotonic()))

    def _sample(self) -> None:
        for row in self._session.rows(statement("waits")):
            self._seen[row["wait_type"], row["wait_event"]] += row["session_count"]
            if row["wait_type"] not in _WAITS_FOR_OTHERS:
                query = shape(row["query"] or "")
                self._ran[query] += row["session_count"]
                self._longest[query] = max(self._longest.get(query, 0.0), row["longest_seconds"] or 0.0)
        self._samples += 1

    def _is_calm(self) -> bool:
        """Return whether no session waited for a lock, and nothing went wrong since the first reading."""
        if any(wait_type == "Lock" for wait_type, _ in self._seen):
            return False
        now = {row["database"]: row for row in self._session.rows(statement("counters"))}
        return all(
            row[name] == self.before[database][name]
            for database, row in now.items()
            if database in self.before
            for name in _TROUBLE
        )


def begin_sampling(session: PostgresSession) -> Sampling:
    """Return what samples while another probe watches the same sessions, left to `fetch_counters`.

    Errors: TargetError, and then that one begins anew.
    """
    sampling = Sampling(session)
    session.kept[SAMPLING] = sampling
    return sampling


def shape(query: str) -> str:
    """Return a statement without its values, so that two calls of one are the same.

    >>> shape("SELECT 1 FROM t WHERE a = 'x''y' AND b IN ($1, 2,  3)")
    'SELECT ? FROM t WHERE a = ? AND b IN (?)'
    """
    return _LIST.sub("(?)", _VALUE.sub("?", " ".join(query.split())))


def statement_rows(
    ran: Counter[str], samples: int, longest: Mapping[str, float]
) -> tuple[PostgresRunningStatement, ...]:
    """Return the statements that made a tenth or more of what ran in `samples`.

    >>> [row.share_ratio for row in statement_rows(Counter({"SELECT ?": 19, "COMMIT": 1}), 10, {})]
    [0.95]
    """
    whole = ran.total()
    return tuple(
        PostgresRunningStatement(
            query=excerpt(query, QUERY_CHARACTERS),
            session_count=number,
            sample_count=samples,
            mean_session_count=number / samples,
            share_ratio=number / whole,
            longest_seconds=longest.get(query),
        )
        for query, number in ran.most_common()
        if query and number >= _LEAST_SHARE * whole
    )


def wait_rows(seen: Counter[tuple[str, str]], samples: int) -> tuple[PostgresWait, ...]:
    """Return the rows of what was seen in `samples`.

    >>> [row.share_ratio for row in wait_rows(Counter({("IO", "DataFileRead"): 3, ("CPU", "running"): 1}), 2)]
    [0.75, 0.25]
    """
    whole = seen.total()
    return tuple(
        PostgresWait(
            wait_type=wait_type,
            wait_event=wait_event,
            session_count=number,
            sample_count=samples,
            mean_session_count=number / samples,
            share_ratio=number / whole,
        )
        for (wait_type, wait_event), number in seen.most_common()
    )


def read_checkpoints(session: PostgresSession) -> Reading | None:
    """Return the totals of checkpoints, None where the server's version is not known.

    Source: sql/checkpoints.sql, from version 14 sql/checkpoints_14.sql, from 17 sql/checkpoints_17.sql.
    """
    if session.facts is None:
        return None
    version = session.facts["version_number"]
    name = "checkpoints_17" if version >= _CHECKPOINTER else "checkpoints_14"
    if version < _COUNTED_WAL:
        name = "checkpoints"
    return next(iter(session.rows(statement(name))), None)


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


class Total(msgspec.Struct, frozen=True, kw_only=True):
    """A statement with totals: what distinguishes its rows, what never falls, what becomes of them."""

    name: str
    row_type: type[PostgresIo | PostgresSlru]
    key: tuple[str, ...]
    since_version: int = 0

    def read(self, session: PostgresSession) -> dict[Key, Reading]:
        """Return its rows by their key; none where the version has no such view."""
        if session.facts is None or session.facts["version_number"] < self.since_version:
            return {}
        return {tuple(row[name] for name in self.key): row for row in session.rows(statement(self.name))}

    def between(self, first: Mapping[Key, Reading], second: Mapping[Key, Reading]) -> tuple[Row, ...]:
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


def read_scans(session: PostgresSession) -> dict[tuple[str, str], Reading]:
    """Return the totals of large tables by schema and name. Source: sql/scans.sql.

    None where the catalog of tables is locked: the other counters can be read all the same.
    """
    try:
        answer = session.rows(statement("scans"))
    except TargetError as error:
        if error.kind is not ProblemKind.BUSY:
            raise
        return {}
    return {(row["schema"], row["table"]): row for row in answer}


def scan_rows(
    before: Mapping[tuple[str, str], Reading], after: Mapping[tuple[str, str], Reading]
) -> tuple[PostgresTableScan, ...]:
    """Return what was read in between, most rows first; tables without a scan are left out.

    A total that fell was reset, and counts as nothing.
    """
    rows = [_scan_row(before[key], second) for key, second in after.items() if key in before]
    scanned = [row for row in rows if row.sequential_scan_count or row.sequential_row_count]
    return tuple(sorted(scanned, key=lambda row: -row.sequential_row_count))


def _scan_row(first: Reading, second: Reading) -> PostgresTableScan:
    grown = {name: max(0, second[name] - first[name]) for name in _COUNTED}
    row = {**second, **grown, "interval_seconds": seconds_between(first["at"], second["at"])}
    return msgspec.convert(row, PostgresTableScan)


def fetch_counters(session: PostgresSession, _window: Window) -> Fetched:
    """Return what happened in each database for a second or two, and what sessions waited for meanwhile.

    The first reading is that of `fetch_locks` where it watched sessions that wait.
    Source: sql/counters.sql and sql/checkpoints.sql, twice, sql/waits.sql in between. Shape: a
    PostgresCounters each, a PostgresWait each, one PostgresCheckpoints, a PostgresTableScan for each large
    table that is scanned sequentially (sql/scans.sql, twice), a PostgresIo and a PostgresSlru each for what
    was read and written (sql/io.sql from 16 on, sql/slru.sql, twice). Needs: pg_monitor, for the waits.
    """
    text = statement("counters")
    sampling = session.kept.pop(SAMPLING, None)
    if not isinstance(sampling, Sampling):
        sampling = Sampling(session)
    waits, before, totals = sampling.finish(), sampling.before, sampling.totals
    written = checkpoint_rows(sampling.checkpoints, read_checkpoints(session))
    scanned = scan_rows(sampling.scans, read_scans(session))
    done = tuple(row for total in _TOTALS for row in total.between(totals[total.name], total.read(session)))
    pairs = [(before[row["database"]], row) for row in session.rows(text) if row["database"] in before]
    rows = records([_difference(first, second) for first, second in pairs], PostgresCounters)
    twice = ("counters", "scans", *(total.name for total in _TOTALS if totals[total.name]))
    source = "\n\n".join((*(f"{statement(name)}\n-- twice" for name in twice), statement("waits")))
    found = (*rows, *waits, *written, *scanned, *done)
    return Fetched(rows=found, source=source, problem=sampling.problem)


def _difference(first: Reading, second: Reading) -> dict[str, Any]:
    """Return the second reading less the first. A total that fell was reset, and counts as nothing."""
    row: dict[str, Any] = {name: second[name] for name in second if name in _NOT_COUNTED}
    for name in second.keys() - _NOT_COUNTED:
        unknown = second[name] is None or first[name] is None
        row[name] = None if unknown else max(0, second[name] - first[name])
    return {**row, "interval_seconds": seconds_between(first["at"], second["at"])}


COUNTERS = Probe(
    name="postgres.counters",
    fetch=fetch_counters,
    question="What happens right now: deadlocks, rollbacks, waits, checkpoints, temporary files?",
    source=statement("counters"),
    needs="pg_monitor",
    cost="two readings, each with a scan of pg_class, 1.2 seconds apart, 2 where something goes wrong; up to"
    " 20 samples of sessions in between; they begin while sessions that wait are watched",
    tier=1,
)
_TOTALS = (
    Total(name="io", row_type=PostgresIo, key=("backend_type", "object", "context"), since_version=_IO_VIEW),
    Total(name="slru", row_type=PostgresSlru, key=("name",)),
)

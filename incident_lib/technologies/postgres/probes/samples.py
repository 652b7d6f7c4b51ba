"""What happens now: differences of two readings. A total since the last reset says nothing about now."""

import time
from collections.abc import Mapping
from typing import Any

from incident_lib.model import Window
from incident_lib.probes.base import Fetched, Probe
from incident_lib.technologies.postgres.connect import PostgresSession
from incident_lib.technologies.postgres.probes.reading import privilege_problem, records, statement
from incident_lib.technologies.postgres.probes.scanning import read_scans, scan_rows
from incident_lib.technologies.postgres.probes.statements import leave_first_reading
from incident_lib.technologies.postgres.probes.twice import TOTALS
from incident_lib.technologies.postgres.probes.watching import (
    checkpoint_rows,
    read_checkpoints,
    seconds_between,
    watch_waits,
)
from incident_lib.technologies.postgres.rows import PostgresCounters

_BLIND_SECONDS = 1.0
_NOT_COUNTED = {"database", "at", "checksum_failure_count", "checksum_failed_at"}
Reading = Mapping[str, Any]


def fetch_counters(session: PostgresSession, _window: Window) -> Fetched:
    """Return what happened in each database within two seconds, and what sessions waited for meanwhile.

    Source: sql/counters.sql and sql/checkpoints.sql, twice, sql/waits.sql in between. Shape: a
    PostgresCounters each, a PostgresWait each, one PostgresCheckpoints, a PostgresTableScan for each large
    table that is read from end to end (sql/scans.sql, twice), a PostgresIo and a PostgresSlru each for what
    was read and written (sql/io.sql from 16 on, sql/slru.sql, twice). Needs: pg_monitor, for the waits.
    """
    text = statement("counters")
    scans = read_scans(session)
    before = {row["database"]: row for row in session.rows(text)}
    checkpoints = read_checkpoints(session)
    totals = {total.name: total.read(session) for total in TOTALS}
    leave_first_reading(session)
    problem = privilege_problem(session)
    # Without the privilege only our own sessions would be seen, which looks like an idle server.
    waits = () if problem else watch_waits(session)
    if problem:
        time.sleep(_BLIND_SECONDS)
    written = checkpoint_rows(checkpoints, read_checkpoints(session))
    scanned = scan_rows(scans, read_scans(session))
    done = tuple(row for total in TOTALS for row in total.between(totals[total.name], total.read(session)))
    pairs = [(before[row["database"]], row) for row in session.rows(text) if row["database"] in before]
    rows = records([_difference(first, second) for first, second in pairs], PostgresCounters)
    twice = ("counters", "scans", *(total.name for total in TOTALS if totals[total.name]))
    source = "\n\n".join((*(f"{statement(name)}\n-- twice" for name in twice), statement("waits")))
    return Fetched(rows=(*rows, *waits, *written, *scanned, *done), source=source, problem=problem)


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
    cost="two readings, two seconds apart, each with a scan of pg_class; 20 looks at the sessions in between",
    tier=1,
)

"""Records and evidence for the tests of the postgres analyzers."""

from datetime import UTC, datetime, timedelta
from typing import Any

from incident_lib.errors import ProblemKind
from incident_lib.findings.base import Context
from incident_lib.findings.thresholds import Thresholds
from incident_lib.investigation.analyze import analyze_one
from incident_lib.model import Evidence, EvidenceStatus, Finding, Problem, Row, Window
from incident_lib.technologies.postgres.rows import PostgresActiveSession, PostgresLockSession

NOW = datetime(2026, 1, 15, 14, 30, tzinfo=UTC)
WINDOW = Window(NOW - timedelta(minutes=15), NOW)
_SESSION = {
    "application": "web",
    "role": "app",
    "database": "shop",
    "client_address": "10.0.0.7",
    "state": "active",
    "transaction_started_at": NOW,
    "query_started_at": NOW,
    "state_changed_at": NOW,
    "transaction_seconds": 1.0,
    "query_seconds": 1.0,
    "state_seconds": 1.0,
    "query": "SELECT 1",
}


def evidence(probe: str, *rows: Row, problem: Problem | None = None) -> Evidence:
    """Return what the probe `postgres.PROBE` of `db` saw."""
    return Evidence(
        probe=f"postgres.{probe}",
        target="db",
        status=EvidenceStatus.PARTIAL if problem else EvidenceStatus.COLLECTED,
        collected_at=NOW,
        duration_seconds=0.01,
        source="SELECT",
        rows=rows,
        problem=problem,
    )


def failed(kind: ProblemKind, message: str = "it says so", advice: str = "") -> Evidence:
    """Return the evidence of a connection that failed."""
    return Evidence(
        probe="postgres.connection",
        target="db",
        status=EvidenceStatus.FAILED,
        collected_at=NOW,
        duration_seconds=0.01,
        source="SELECT",
        problem=Problem(kind=kind, message=message, advice=advice),
    )


def judge(seen: Evidence, **limits: float) -> dict[str, Finding]:
    """Return the findings by their id without the probe; `limits` override thresholds of `postgres.`."""
    overrides = {f"postgres.{name.replace('__', '.')}": value for name, value in limits.items()}
    context = Context(window=WINDOW, thresholds=Thresholds(overrides))
    found = list(analyze_one(seen, context))
    assert len({one.id for one in found if one.id.endswith(".unknown")}) == sum(
        one.id.endswith(".unknown") for one in found
    ), "what is not known is told once"
    return {one.id.removeprefix(f"{seen.probe}."): one for one in found}


def active(pid: int, **values: Any) -> PostgresActiveSession:
    """Return a session that runs a query for a second, but for `values`."""
    defaults = {"backend_started_at": NOW, "wait_type": None, "wait_event": None, "blocking_count": 0}
    return PostgresActiveSession(
        **{**_SESSION, **defaults, "snapshot_age_transactions": None, "pid": pid, **values}
    )


def waiter(pid: int, *blocked_by: int, **values: Any) -> PostgresLockSession:
    """Return a session that waits for `blocked_by` for two seconds; without any, one that blocks."""
    lock = dict.fromkeys(("lock_type", "lock_mode", "lock_database", "lock_relation", "lock_object"))
    wait: dict[str, Any] = {"wait_started_at": None, "wait_seconds": None}
    if not blocked_by:
        wait["transaction_started_at"] = NOW - timedelta(minutes=5)
    else:
        lock = {**lock, "lock_type": "transactionid", "lock_mode": "ShareLock"}
        wait |= {"wait_started_at": NOW - timedelta(seconds=2), "wait_seconds": 2.0}
    return PostgresLockSession(
        **{
            **_SESSION,
            **lock,
            **wait,
            "kind": "client backend",
            "pid": pid,
            "blocked_by": blocked_by,
            **values,
        }
    )

"""Many rollbacks: a habit of pools, or transactions that fail. A silent Redis: blocked, or loading."""

import pytest

from incident_lib.correlation.logins import judge_rollbacks, judge_starts
from incident_lib.model import Finding, FindingSeverity
from incident_lib.model.topology import Topology

GRAPH = Topology(kinds={"api": "http", "store": "postgres"}, depends_on={"api": ("store",)})


def found(identity: str, target: str, severity: FindingSeverity = FindingSeverity.WARNING) -> Finding:
    return Finding(id=identity, target=target, severity=severity, title="t", detail="d")


ROLLBACKS = found("postgres.counters.rollbacks", "store")


def test_rollbacks_alone_are_no_alarm() -> None:
    seen = (ROLLBACKS, found("logs.lines.ok", "api", FindingSeverity.OK), found("http.health.slow", "other"))
    first, *_ = judge_rollbacks(seen, GRAPH)
    assert first.severity is FindingSeverity.INFO
    assert "Nothing else fails" in first.detail


@pytest.mark.parametrize(
    ("identity", "target"),
    [
        ("logs.lines.errors", "api"),
        ("logs.lines.class.db_deadlock", "api"),
        ("http.health.status", "api"),
        ("logs.lines.class.db_deadlock", "store"),
        ("postgres.counters.deadlocks", "store"),
    ],
)
def test_rollbacks_stay_where_something_fails(identity: str, target: str) -> None:
    first, *_ = judge_rollbacks((ROLLBACKS, found(identity, target)), GRAPH)
    assert first.severity is FindingSeverity.WARNING


def test_a_redis_that_is_silent_since_its_start_loads_its_data() -> None:
    silent = found("redis.connection.timed_out", "cache", FindingSeverity.CRITICAL)
    start = found("logs.lines.server.not_ready", "cache", FindingSeverity.INFO)
    elsewhere = found("logs.lines.server.not_ready", "other", FindingSeverity.INFO)
    first, *_ = judge_starts((silent, start))
    assert (first.id, first.severity) == ("redis.connection.starting", FindingSeverity.CRITICAL)
    assert judge_starts((silent, elsewhere)) == [silent, elsewhere]

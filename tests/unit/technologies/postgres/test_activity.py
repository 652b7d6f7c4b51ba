"""Connections, sessions and transactions."""

import pytest

from incident_lib.errors import ProblemKind
from incident_lib.model import FindingSeverity, Problem
from incident_lib.technologies.postgres.rows import PostgresCapacity, PostgresSessionGroup
from tests.unit.technologies.postgres.records import NOW, active, evidence, failed, judge

CRITICAL, WARNING, INFO, OK = (FindingSeverity[name] for name in ("CRITICAL", "WARNING", "INFO", "OK"))
BLIND = Problem(kind=ProblemKind.PRIVILEGE, message="no pg_monitor", advice="GRANT pg_monitor")


@pytest.mark.parametrize("kind", list(ProblemKind))
def test_a_failed_connection_is_never_ok(kind: ProblemKind) -> None:
    found = judge(failed(kind))
    assert list(found) == [str(kind)]
    assert found[str(kind)].severity is (FindingSeverity.UNKNOWN if kind.is_ours else CRITICAL)


def _capacity(connections: int, locks: int = 0) -> PostgresCapacity:
    return PostgresCapacity(
        connection_count=connections,
        max_connections=103,
        reserved_count=3,
        usable_count=100,
        lock_count=locks,
        lock_slot_count=1000,
    )


@pytest.mark.parametrize(
    ("connections", "severity"), [(79, None), (80, INFO), (90, WARNING), (95, CRITICAL), (104, CRITICAL)]
)
def test_saturation(connections: int, severity: FindingSeverity | None) -> None:
    found = judge(evidence("saturation", _capacity(connections)))
    assert (found["high"].severity if severity else None) is severity
    assert ("ok" in found) is (severity in {None, INFO})


def test_a_team_sets_its_own_limit_and_the_lock_table_counts() -> None:
    assert (
        judge(evidence("saturation", _capacity(50)), saturation__warning_ratio=0.5)["high"].severity
        is WARNING
    )
    assert judge(evidence("saturation", _capacity(1, locks=250)))["lock_table"].severity is WARNING


def _group(count: int, **values: str | None) -> PostgresSessionGroup:
    named = {"application": "web", "role": "app", "database": "shop", "client_address": "10.0.0.7"}
    return PostgresSessionGroup(
        **{**named, "state": "idle", **values},
        session_count=count,
        oldest_state_change_at=NOW,
        newest_start_at=NOW,
        limit_count=100,
    )


def test_the_group_that_holds_half_is_named_over_all_its_clients() -> None:
    rows = (
        _group(30),
        _group(15, state="active"),
        _group(10, client_address="10.0.0.8"),
        _group(5, application="x"),
    )
    found = judge(evidence("activity", *rows))["group"]
    assert found.title == "web holds 55 of 100 usable connections"
    assert (found.data["client"], found.data["client_count"], found.data["idle"]) == ("10.0.0.7", 2, 40)
    assert found.severity is INFO


def test_without_privilege_activity_is_unknown_and_not_ok() -> None:
    for probe in ("activity", "transactions"):
        found = judge(evidence(probe, problem=BLIND))
        assert [one.severity for one in found.values()] == [FindingSeverity.UNKNOWN]
        assert found["unknown"].detail == "GRANT pg_monitor"


@pytest.mark.parametrize(
    ("seconds", "severity"), [(29.0, None), (31.0, INFO), (61.0, WARNING), (121.0, CRITICAL)]
)
def test_long_queries(seconds: float, severity: FindingSeverity | None) -> None:
    found = judge(evidence("transactions", active(5, query_seconds=seconds, query="SELECT\n 1")))
    assert (found["long_query"].severity if severity else None) is severity
    if severity:
        assert found["long_query"].title.startswith("pid 5 (web, running a query for ")
        assert "SELECT 1" in found["long_query"].detail
        assert [action.action for action in found["long_query"].actions] == [
            "postgres.cancel",
            "postgres.terminate",
        ]


def test_a_victim_of_a_lock_is_no_long_query() -> None:
    found = judge(evidence("transactions", active(5, query_seconds=300.0, wait_type="Lock")))
    assert "long_query" not in found


IDLE = {"state": "idle in transaction", "query_seconds": None}


def test_idle_in_transaction() -> None:
    quiet = judge(evidence("transactions", active(5, **IDLE, state_seconds=59.0)))
    assert list(quiet) == ["ok"]
    idle = judge(evidence("transactions", active(5, **IDLE, state_seconds=61.0)))
    assert idle["idle"].severity is WARNING
    assert idle["idle"].title == "pid 5 (web, idle in transaction for 1m 1s)"
    blocking = judge(evidence("transactions", active(5, **IDLE, state_seconds=2.0, blocking_count=3)))
    assert blocking["idle_blocking"].severity is CRITICAL
    assert blocking["idle_blocking"].title == (
        "pid 5 (web, idle in transaction for 2 s) does nothing and makes 3 sessions wait"
    )
    pause = judge(evidence("transactions", active(5, **IDLE, state_seconds=0.01, blocking_count=1)))
    assert list(pause) == ["ok"]


def test_a_long_transaction_of_short_queries() -> None:
    found = judge(evidence("transactions", active(5, transaction_seconds=90.0)))
    assert found["long_transaction"].severity is WARNING
    assert found["long_transaction"].title.startswith("A transaction is open for 1m 30s: pid 5")

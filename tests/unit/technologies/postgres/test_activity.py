"""Connections, sessions and transactions."""

from datetime import timedelta
from typing import Any

import pytest

from incident_lib.errors import ProblemKind
from incident_lib.model import FindingSeverity, Problem
from incident_lib.technologies.postgres.rows import (
    PostgresCapacity,
    PostgresRoleLimit,
    PostgresSessionGroup,
)
from tests.unit.technologies.postgres.records import NOW, active, evidence, failed, judge

CRITICAL, WARNING, INFO, OK = (FindingSeverity[name] for name in ("CRITICAL", "WARNING", "INFO", "OK"))
BLIND = Problem(kind=ProblemKind.PRIVILEGE, message="no pg_monitor", advice="GRANT pg_monitor")


@pytest.mark.parametrize("kind", list(ProblemKind))
def test_a_failed_connection_is_never_ok(kind: ProblemKind) -> None:
    found = judge(failed(kind))
    assert list(found) == [str(kind)]
    assert found[str(kind)].severity is (FindingSeverity.UNKNOWN if kind.is_ours else CRITICAL)


@pytest.mark.parametrize(
    ("what", "name", "severity"), [("role", "app", WARNING), ("database", "shop", CRITICAL)]
)
def test_a_refusal_names_who_has_all_of_its_own_connections(
    what: str, name: str, severity: FindingSeverity
) -> None:
    refusal = f'FATAL: too many connections for {what} "{name}"'
    found = judge(failed(ProblemKind.FULL, refusal, "close some"))
    assert {each: finding.severity for each, finding in found.items()} == {f"{what}_limit": severity}
    limit = found[f"{what}_limit"]
    assert limit.title == f"The {what} {name} has used all of its own connections; the server may have room"
    assert limit.data == {"kind": "full", "layer": f"the {what} {name}", "fill": "has all"}
    assert f"{refusal}. close some. Its CONNECTION LIMIT is reached" in limit.detail
    # The server's own limit is another one, and the words alone are no refusal of that kind.
    server = judge(failed(ProblemKind.FULL, "FATAL: sorry, too many clients already"))
    assert {each: finding.severity for each, finding in server.items()} == {"full": CRITICAL}
    assert list(judge(failed(ProblemKind.DENIED, refusal))) == ["denied"]


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


def _role(name: str, connections: int, limit: int) -> PostgresRoleLimit:
    return PostgresRoleLimit(role=name, connection_count=connections, limit_count=limit)


@pytest.mark.parametrize(
    ("connections", "severity", "fill"),
    [
        (15, None, None),
        (16, INFO, "has nearly all"),
        (19, INFO, "has nearly all"),
        (20, WARNING, "has all"),
        (21, WARNING, "has all"),  # the limit was lowered meanwhile
    ],
)
def test_a_role_near_its_own_limit(
    connections: int, severity: FindingSeverity | None, fill: str | None
) -> None:
    found = judge(evidence("saturation", _capacity(50), _role("app", connections, 20)))
    assert found.pop("ok").title == "50 of 100 usable connections are in use"
    assert {name: finding.severity for name, finding in found.items()} == (
        {"role_limit": severity} if severity else {}
    )
    if severity:
        assert found["role_limit"].title == (
            f"The role app {fill} of its own connections: {connections} of 20"
        )
        assert found["role_limit"].data == {
            "role": "app",
            "connections": connections,
            "limit": 20,
            "ratio": connections / 20,
            "layer": "the role app",
            "fill": fill,
        }


def test_the_role_with_the_least_room_is_named_and_one_that_may_not_connect_is_none() -> None:
    closed = _role("report", 0, 0)
    assert list(judge(evidence("saturation", _capacity(50), closed))) == ["ok"]
    found = judge(evidence("saturation", _capacity(95), _role("batch", 85, 100), _role("app", 9, 10), closed))
    assert {name: finding.severity for name, finding in found.items()} == {
        "high": CRITICAL,
        "role_limit": INFO,
    }
    assert found["role_limit"].data["role"] == "app"


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
        "pid 5 (web, idle in transaction for 2 s) is idle and makes 3 sessions wait"
    )
    pause = judge(evidence("transactions", active(5, **IDLE, state_seconds=0.01, blocking_count=1)))
    assert list(pause) == ["ok"]


def test_a_long_transaction_of_short_queries() -> None:
    found = judge(evidence("transactions", active(5, transaction_seconds=90.0)))
    assert found["long_transaction"].severity is WARNING
    assert found["long_transaction"].title.startswith("A transaction has been open for 1m 30s: pid 5")


VACUUM: dict[str, Any] = {"query": "VACUUM (VERBOSE) orders", "application": "cron"}
DUMP: dict[str, Any] = {"query": "COPY public.orders (id) TO stdout;", "application": "pg_dump"}


def _lasts(seconds: float) -> dict[str, Any]:
    return {"query_seconds": seconds, "transaction_seconds": seconds}


@pytest.mark.parametrize(("seconds", "is_long"), [(29.9, False), (30.0, True), (3600.0, True)])
def test_upkeep_that_takes_long_and_keeps_no_session_waiting(seconds: float, *, is_long: bool) -> None:
    started = NOW - timedelta(seconds=seconds)
    upkeep = active(5, **VACUUM, **_lasts(seconds), transaction_started_at=started)
    found = judge(evidence("transactions", upkeep))
    ok = found.pop("ok")
    assert ("of an application" in ok.title) is is_long
    assert {name: finding.severity for name, finding in found.items()} == (
        {"upkeep": INFO} if is_long else {}
    )
    if is_long:
        assert found["upkeep"].title.startswith("pid 5 (cron, running a query for ")
        assert "does what takes long by nature, and no session waits" in found["upkeep"].title
        assert found["upkeep"].since == started
        assert found["upkeep"].actions == ()
        data = found["upkeep"].data
        assert (data["pid"], data["count"], data["query"]) == (5, 1, "VACUUM (VERBOSE) orders")
        assert (data["query_seconds"], data["transaction_seconds"]) == (seconds, seconds)


@pytest.mark.parametrize(
    ("values", "names"),
    [
        ({**VACUUM, **_lasts(300.0), "blocking_count": 1}, ["long_query"]),  # others wait for it
        ({**VACUUM, "query_seconds": 300.0, "wait_type": "Lock"}, ["ok"]),  # a victim, which locks name
        ({**VACUUM, **_lasts(300.0), "query": "SELECT vacuum FROM cleaners"}, ["long_query"]),
        ({"query": "ANALYZE orders", **IDLE, "state_seconds": 300.0, "transaction_seconds": 400.0}, ["idle"]),
        ({**DUMP, **_lasts(300.0)}, ["upkeep", "ok"]),
        # Between two tables a backup is idle in its transaction, and it goes on.
        ({**DUMP, **IDLE, "state_seconds": 61.0, "transaction_seconds": 300.0}, ["upkeep", "ok"]),
        ({**DUMP, **IDLE, "state_seconds": 1.0, "transaction_seconds": 29.0}, ["ok"]),
        ({**DUMP, **_lasts(300.0), "application": "web"}, ["upkeep", "ok"]),  # an export
        ({**DUMP, **_lasts(300.0), "application": "web", "query": "COPY orders FROM STDIN"}, ["long_query"]),
    ],
)
def test_what_is_upkeep_and_what_an_application_does(values: dict[str, Any], names: list[str]) -> None:
    assert list(judge(evidence("transactions", active(5, **values)))) == names


def test_of_several_that_do_upkeep_the_longest_is_named() -> None:
    both = (active(5, **DUMP, **_lasts(90.0)), active(6, **VACUUM, **_lasts(300.0)))
    upkeep = judge(evidence("transactions", *both))["upkeep"]
    assert upkeep.title == ("2 sessions do work that takes long by nature, and no session waits for it")
    assert (upkeep.data["count"], upkeep.data["pid"]) == (2, 6)
    # A long query of an application is reported next to it.
    found = judge(evidence("transactions", *both, active(7, **_lasts(90.0))))
    assert {name: finding.severity for name, finding in found.items()} == {
        "long_query": WARNING,
        "upkeep": INFO,
    }
    assert found["long_query"].data["pid"] == 7


ABORTED: dict[str, Any] = {"state": "idle in transaction (aborted)", "query_seconds": None}


def test_a_failed_transaction_that_is_not_rolled_back() -> None:
    fresh = active(5, **ABORTED, state_seconds=59.9, transaction_seconds=300.0)
    assert list(judge(evidence("transactions", fresh))) == ["ok"]
    old = active(6, **ABORTED, state_seconds=60.0, transaction_seconds=300.0, state_changed_at=NOW)
    older = active(7, **ABORTED, state_seconds=90.0, state_changed_at=NOW - timedelta(seconds=90))
    found = judge(evidence("transactions", fresh, old, older))
    assert {name: finding.severity for name, finding in found.items()} == {"aborted": INFO, "ok": OK}
    aborted = found["aborted"]
    assert aborted.title.startswith("2 failed transactions not rolled back by the client: pid 7 (web, ")
    assert aborted.since == older.state_changed_at
    assert aborted.actions == ()
    assert (aborted.data["count"], aborted.data["pid"], aborted.data["state_seconds"]) == (2, 7, 90.0)
    assert "pid 6" in aborted.detail
    assert "pid 5" not in aborted.detail


def test_a_failed_transaction_that_others_wait_for_is_what_blocks() -> None:
    """It keeps the locks from before a savepoint."""
    blocking = active(5, **ABORTED, state_seconds=61.0, transaction_seconds=300.0, blocking_count=2)
    found = judge(evidence("transactions", blocking))
    assert {name: finding.severity for name, finding in found.items()} == {"idle_blocking": CRITICAL}
    assert found["idle_blocking"].data["blocking"] == 2

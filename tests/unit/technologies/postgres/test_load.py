"""What active sessions wait for, checkpoints, the horizon of cleanup, sequences."""

from datetime import timedelta
from typing import Any

import pytest

from incident_lib.errors import ProblemKind
from incident_lib.model import FindingSeverity, Problem
from incident_lib.technologies.postgres.rows import (
    PostgresCheckpoints,
    PostgresCounters,
    PostgresHorizonHolder,
    PostgresNarrowColumn,
    PostgresSequence,
    PostgresWait,
)
from tests.unit.technologies.postgres.records import NOW, evidence, judge

CRITICAL, WARNING, INFO, OK, UNKNOWN = (
    FindingSeverity[name] for name in ("CRITICAL", "WARNING", "INFO", "OK", "UNKNOWN")
)
BLIND = Problem(kind=ProblemKind.PRIVILEGE, message="no pg_monitor", advice="GRANT pg_monitor")


def _counters(**values: Any) -> PostgresCounters:
    fields = [name for name in PostgresCounters.__struct_fields__ if name.endswith(("_count", "_bytes"))]
    zero = {**dict.fromkeys(fields, 0), "commit_count": 100, "checksum_failed_at": None}
    return PostgresCounters(database="shop", interval_seconds=2.0, **{**zero, **values})


def _wait(kind: str, event: str, sessions: int, share: float) -> PostgresWait:
    return PostgresWait(
        wait_type=kind,
        wait_event=event,
        session_count=sessions,
        sample_count=20,
        mean_session_count=sessions / 20,
        share_ratio=share,
    )


def _severities(*rows: Any, problem: Problem | None = None) -> dict[str, FindingSeverity]:
    found = judge(evidence("counters", _counters(), *rows, problem=problem))
    return {name: one.severity for name, one in found.items()}


def test_a_few_working_sessions_are_ok_whatever_they_wait_for() -> None:
    assert _severities() == {"ok": OK}
    assert _severities(_wait("CPU", "running", 60, 1.0)) == {"ok": OK}
    assert _severities(_wait("IO", "DataFileRead", 10, 0.9)) == {"ok": OK}
    assert _severities(_wait("IO", "DataFileRead", 60, 0.9)) == {"waits": INFO, "ok": OK}


def test_many_sessions_that_wait_for_the_server() -> None:
    assert _severities(_wait("LWLock", "WALWrite", 200, 0.9)) == {"load": INFO, "waits": WARNING}
    assert _severities(_wait("CPU", "running", 800, 1.0)) == {"load": WARNING}
    # Locks have an analyzer of their own, and a slow client is no fault of the server.
    for kind in ("Lock", "Client"):
        assert _severities(_wait(kind, "x", 200, 0.9)) == {"load": INFO, "waits": INFO, "ok": OK}


def test_without_the_privilege_an_unseen_load_is_never_ok() -> None:
    assert _severities(problem=BLIND) == {"unknown": UNKNOWN}


def test_blocks_that_were_not_in_the_cache() -> None:
    cold = judge(evidence("counters", _counters(block_hit_count=600, block_read_count=900)))
    assert {name: one.severity for name, one in cold.items()} == {"cache": INFO, "ok": OK}
    few = judge(evidence("counters", _counters(block_hit_count=6, block_read_count=9)))
    assert list(few) == ["ok"]


def _checkpoints(**values: Any) -> PostgresCheckpoints:
    calm = {
        "interval_seconds": 2.0,
        "timed_count": 0,
        "requested_count": 0,
        "wal_bytes": 1_000_000,
        "total_timed_count": 10,
        "total_requested_count": 900,
        "counted_since_at": NOW - timedelta(days=9),
        "max_wal_bytes": 1 << 30,
        "checkpoint_timeout_seconds": 300.0,
        "completion_target_ratio": 0.9,
    }
    return PostgresCheckpoints(**{**calm, **values})


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ({}, {"ok": OK}),  # a total of long ago says nothing
        ({"wal_bytes": None}, {"ok": OK}),
        ({"counted_since_at": None}, {"ok": OK}),
        ({"counted_since_at": NOW - timedelta(minutes=9)}, {"checkpoints": WARNING}),
        ({"counted_since_at": NOW - timedelta(minutes=9), "total_requested_count": 2}, {"ok": OK}),
        ({"requested_count": 3}, {"checkpoints": WARNING}),
        ({"requested_count": 3, "timed_count": 3}, {"ok": OK}),
        ({"wal_bytes": 60 << 20}, {"wal": WARNING}),
    ],
)
def test_checkpoints(values: dict[str, Any], found: dict[str, FindingSeverity]) -> None:
    assert _severities(_checkpoints(**values)) == found


def _holder(**values: Any) -> PostgresHorizonHolder:
    calm = {"kind": "session", "name": "pid 5, web", "pid": 5, "database": "shop", "age_transactions": 3}
    seen = {"backend_type": "client backend", "state": "idle in transaction"} if "kind" not in values else {}
    return PostgresHorizonHolder(**{**calm, **seen, "since_at": NOW, "held_seconds": 1.0, **values})


@pytest.mark.parametrize(
    ("values", "is_held"),
    [
        ({}, False),
        ({"age_transactions": 1_000_000}, True),
        ({"held_seconds": 3601.0}, True),
        ({"held_seconds": 3601.0, "age_transactions": 0}, False),
        (
            {"kind": "replication slot", "pid": None, "held_seconds": None, "age_transactions": 2_000_000},
            True,
        ),
    ],
)
def test_who_holds_cleanup_back(values: dict[str, Any], *, is_held: bool) -> None:
    found = judge(evidence("horizon", _holder(**values)))
    assert {name: one.severity for name, one in found.items()} == (
        {"held": WARNING} if is_held else {"ok": OK}
    )
    for one in found.values():
        assert bool(one.actions) == (is_held and "kind" not in values)


def test_the_holder_is_named_and_an_unseen_one_is_never_ok() -> None:
    held = judge(evidence("horizon", _holder(kind="prepared transaction", name="t1", held_seconds=7200.0)))
    assert held["held"].title == (
        "The prepared transaction t1 holds back dead rows of 3 transactions for 2h 0m"
    )
    assert list(judge(evidence("horizon"))) == ["ok"]
    blind = judge(evidence("horizon", _holder(), problem=BLIND))
    assert {one.severity for one in blind.values()} == {UNKNOWN}


def _sequence(**values: Any) -> PostgresSequence:
    calm = {
        "schema": "public",
        "name": "orders_id_seq",
        "table": "orders",
        "column": "id",
        "column_type": "integer",
        "start_value": 1,
        "increment": 1,
        "is_cycling": False,
        "limit_value": 2_147_483_647,
        "may_read": True,
        "last_value": 1000,
    }
    return PostgresSequence(**{**calm, **values})


@pytest.mark.parametrize(
    ("values", "severity"),
    [
        ({}, None),
        ({"last_value": None}, None),  # never used
        ({"last_value": 1_825_361_200}, WARNING),
        ({"last_value": 2_147_483_647}, CRITICAL),
        ({"last_value": 2_147_483_647, "limit_value": 9_223_372_036_854_775_807}, None),
        ({"last_value": 2_147_483_647, "is_cycling": True}, None),
        (
            {"start_value": -1, "increment": -1, "last_value": -2_100_000_000, "limit_value": -(2**31)},
            CRITICAL,
        ),
    ],
)
def test_sequences(values: dict[str, Any], severity: FindingSeverity | None) -> None:
    found = judge(evidence("sequences", _sequence(**values)))
    assert {name: one.severity for name, one in found.items()} == (
        {"high": severity} if severity else {"ok": OK}
    )


def test_a_sequence_that_may_not_be_read_is_unknown_and_hides_no_other() -> None:
    hidden = _sequence(may_read=False, last_value=None)
    assert judge(evidence("sequences", hidden, problem=BLIND))["unknown"].severity is UNKNOWN
    full = _sequence(name="carts_id_seq", last_value=2_147_483_000)
    both = judge(evidence("sequences", hidden, full, problem=BLIND))
    assert {name: one.severity for name, one in both.items()} == {"high": CRITICAL, "unknown": UNKNOWN}
    assert both["high"].title == "The sequence public.carts_id_seq is over 99.9 % used, 647 numbers left"


def _narrow(last_value: int, **values: Any) -> PostgresNarrowColumn:
    calm = {
        "schema": "public",
        "table": "items",
        "column": "order_id",
        "column_type": "integer",
        "limit_value": 2_147_483_647,
        "key_table": "orders",
        "key_column": "id",
        "is_declared": True,
    }
    return PostgresNarrowColumn(**{**calm, "last_value": last_value, **values})


@pytest.mark.parametrize(
    ("last_value", "severity", "over"),
    [
        (1_825_361_099, None, ""),
        (1_825_361_100, WARNING, "near"),
        (2_040_109_464, WARNING, "near"),
        (2_040_109_465, CRITICAL, "near"),
        (2_147_483_646, CRITICAL, "near"),
        (2_147_483_647, CRITICAL, "past"),
        (3_000_000_000, CRITICAL, "past"),
        (-3_000_000_000, CRITICAL, "past"),  # a key that counts down
    ],
)
def test_a_column_with_less_room_than_the_key_that_it_refers_to(
    last_value: int, severity: FindingSeverity | None, over: str
) -> None:
    """A foreign key says that it does; where only a name says so it may be another number."""
    calm = _sequence(last_value=last_value, limit_value=9_223_372_036_854_775_807, column_type="bigint")
    for is_declared, name, refers in (
        (True, "reference", "refers to"),
        (False, "maybe_reference", "may hold numbers of"),
    ):
        row = _narrow(last_value, is_declared=is_declared)
        found = judge(evidence("sequences", calm, row))
        if severity is None:
            assert list(found) == ["ok"]
            continue
        expected = {name: severity} if is_declared else {name: INFO, "ok": OK}
        assert {each: finding.severity for each, finding in found.items()} == expected
        assert found[name].title == (
            f"items.order_id (integer) {refers} orders.id, which is at {last_value:,}: "
            f"{over} the end of integer"
        )
        assert found[name].data == {
            "table": "items",
            "column": "items.order_id",
            "key": "orders.id",
            "used_ratio": abs(last_value) / 2_147_483_647,
        }


def test_of_several_narrow_columns_the_one_with_the_least_room_is_named() -> None:
    rows = (
        _narrow(2_000_000_000),
        _narrow(32_700, column="shop_id", column_type="smallint", limit_value=32_767, key_table="shops"),
        _narrow(100, column="region_id", key_table="regions"),
        _narrow(2_147_483_647, column="parent_id", is_declared=False),
    )
    found = judge(evidence("sequences", *rows))
    assert {name: finding.severity for name, finding in found.items()} == {
        "reference": CRITICAL,
        "maybe_reference": INFO,
    }
    assert found["reference"].data["column"] == "items.shop_id"
    assert found["reference"].title.endswith("which is at 32,700: near the end of smallint")
    assert "public.items.order_id" in found["reference"].detail
    assert "region_id" not in found["reference"].detail
    assert found["maybe_reference"].data["column"] == "items.parent_id"
    assert "shop_id" not in found["maybe_reference"].detail

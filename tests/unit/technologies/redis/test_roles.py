"""Failovers and Sentinels, judged on literal evidence."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from incident_lib.correlation.changes import changes_since
from incident_lib.findings.base import Context
from incident_lib.model import Evidence, EvidenceStatus, Finding, Row, Window
from incident_lib.technologies import comparers
from incident_lib.technologies.redis.findings import ANALYZERS
from incident_lib.technologies.redis.rows import RedisReplication, RedisWatched

NOW = datetime(2026, 1, 15, 14, 30, tzinfo=UTC)
CONTEXT = Context(window=Window(NOW - timedelta(minutes=15), NOW))
OLD, NEW = "a" * 40, "b" * 40


def seen(*rows: Row, at: datetime = NOW) -> Evidence:
    return Evidence(
        probe="redis.replication",
        target="cache",
        status=EvidenceStatus.COLLECTED,
        collected_at=at,
        duration_seconds=0.1,
        source="INFO all",
        rows=rows,
    )


def judge(row: Row) -> dict[str, Finding]:
    found = ANALYZERS["redis.replication"](seen(row), CONTEXT)
    return {one.id.removeprefix("redis.replication."): one for one in found}


def replication(**changes: Any) -> RedisReplication:
    fields: dict[str, Any] = {
        "role": "master",
        "primary": None,
        "link_up": None,
        "link_down_seconds": None,
        "last_io_seconds": None,
        "syncing": None,
        "offset_bytes": 5_000_000,
        "replica_count": 1,
        "backlog_bytes": 1 << 20,
        "full_sync_count": 0,
        "role_before": "master",
        "replication_id": OLD,
        "failover_state": "no-failover",
        "uptime_seconds": 86_400,
    }
    return RedisReplication(**(fields | changes))


@pytest.mark.parametrize(
    ("changes", "happened"),
    [
        ({}, False),
        ({"role_before": "slave"}, True),
        ({"failover_state": "failover-in-progress"}, True),
        ({"previous_replication_id": NEW, "previous_offset_bytes": 4_999_000}, True),
        # So much may have come at any time.
        ({"previous_replication_id": NEW, "previous_offset_bytes": 4_000_000}, False),
        # Without replicas nothing is written that would tell the time.
        ({"previous_replication_id": NEW, "previous_offset_bytes": 4_999_999, "replica_count": 0}, False),
        # It may have read the other history from its file.
        ({"previous_replication_id": NEW, "previous_offset_bytes": 4_999_999, "uptime_seconds": 60}, False),
        ({"role_before": None, "failover_state": None, "replication_id": None}, False),
    ],
)
def test_a_failover_inside_the_window(changes: dict[str, Any], *, happened: bool) -> None:
    found = judge(replication(**changes))
    assert ("failover" in found) is happened
    assert "ok" in found
    assert not happened or found["failover"].severity.value == "INFO"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, ""),
        ({"role": "slave", "primary": "10.0.0.2:6379", "link_up": True}, "became a replica"),
        ({"replication_id": NEW, "previous_replication_id": OLD}, "took over"),
        # Started anew without its data: a restart, not a failover.
        ({"replication_id": NEW}, ""),
        ({"replication_id": None}, ""),
    ],
)
def test_a_failover_since_another_snapshot(changes: dict[str, Any], words: str) -> None:
    before = seen(replication(), at=NOW - timedelta(minutes=10))
    now = seen(replication(**changes))
    found = since([before], now)
    assert [words in one.title and "14:20" in one.title for one in found] == ([True] if words else [])
    assert since([], now) == []
    assert since([before], now, same_incident=False) == []


def since(before: list[Evidence], now: Evidence, *, same_incident: bool = True) -> list[Finding]:
    return list(changes_since(before, [now], CONTEXT, comparers(), same_incident=same_incident))


def test_a_replica_that_follows_another_primary() -> None:
    links = {"role": "slave", "link_up": True}
    before = seen(replication(primary="10.0.0.1:6379", **links), at=NOW - timedelta(minutes=10))
    now = seen(replication(primary="10.0.0.2:6379", replication_id=NEW, **links))
    (found,) = since([before], now)
    assert "it follows 10.0.0.2:6379, and followed 10.0.0.1:6379" in found.title


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("ok", {"ok": "OK"}),
        ("sdown", {"primary_down": "WARNING"}),
        ("odown", {"primary_down": "CRITICAL"}),
    ],
)
def test_a_sentinel(status: str, expected: dict[str, str]) -> None:
    watched = RedisWatched(
        name="orders", address="10.0.0.1:6379", status=status, replica_count=2, sentinel_count=3
    )
    assert {name: one.severity.value for name, one in judge(watched).items()} == expected


@pytest.mark.parametrize(
    ("used", "name"),
    [(1 << 20, "resync_backlog"), (4_000, "resync"), (None, "resync_backlog")],
)
def test_a_backlog_that_holds_all_is_not_too_small(used: int | None, name: str) -> None:
    totals = {"full_sync_total_count": 9, "partial_refused_total_count": 8, "uptime_seconds": 300}
    assert name in judge(replication(backlog_used_bytes=used, replica_count=0, **totals))

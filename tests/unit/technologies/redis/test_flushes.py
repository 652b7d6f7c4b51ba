"""Whether a cache was emptied, from literals: counters alone tell nothing of when."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from incident_lib.correlation.changes import changes_since
from incident_lib.findings.base import Context
from incident_lib.model import Evidence, EvidenceStatus, FindingSeverity, Window
from incident_lib.technologies import comparers
from incident_lib.technologies.redis.findings import ANALYZERS
from incident_lib.technologies.redis.rows import RedisClientGroup, RedisMemory, RedisSlowCommand

NOW = datetime(2026, 1, 15, 14, 30, tzinfo=UTC)
BEFORE = NOW - timedelta(minutes=5)
CONTEXT = Context(window=Window(NOW - timedelta(minutes=15), NOW))
MEMORY = RedisMemory(
    seconds=1.0,
    used_bytes=1000,
    counted_bytes=1000,
    resident_bytes=2000,
    peak_bytes=1000,
    maxmemory_bytes=None,
    policy="noeviction",
    limit_bytes=None,
    limit_source=None,
    used_ratio=None,
    fragmentation_ratio=None,
    fragmentation_bytes=None,
    client_count=3,
    client_buffer_bytes=0,
    key_count=5000,
    expiring_key_count=0,
    evicted_count=0,
    expired_count=0,
    hit_count=0,
    miss_count=0,
    eviction_behind_seconds=None,
    run_id="a",
    flushed_count=0,
    flush_total_count=2,
    expired_total_count=100,
    evicted_total_count=0,
)


def evidence(probe, *rows, at=NOW):
    return Evidence(
        probe=probe,
        target="keys",
        status=EvidenceStatus.COLLECTED,
        collected_at=at,
        duration_seconds=1.0,
        source="",
        rows=rows,
    )


def since(*, same_incident=True, before=MEMORY, **now):
    later = evidence("redis.memory", msgspec.structs.replace(MEMORY, **now))
    earlier = evidence("redis.memory", before, at=BEFORE)
    found = changes_since([earlier], [later], CONTEXT, comparers(), same_incident=same_incident)
    return {one.id.removeprefix("redis.memory."): one for one in found}


def test_a_flush_since_an_earlier_look():
    found = since(key_count=40, flush_total_count=3)
    assert set(found) == {"flushed", "keys_lost"}
    assert {one.severity for one in found.values()} == {FindingSeverity.INFO}
    assert {one.since for one in found.values()} == {BEFORE}
    assert "5,000 keys then, 40 now" in found["keys_lost"].detail
    assert "99.2 % of its keys" in found["keys_lost"].title


def test_a_baseline_knows_no_moment():
    found = since(key_count=40, flush_total_count=3, same_incident=False)
    assert {one.since for one in found.values()} == {None}


@pytest.mark.parametrize(
    ("now", "reason"),
    [
        ({"expired_total_count": 5000}, "4,900 expired"),
        ({"evicted_total_count": 4800}, "4,800 were evicted"),
        ({}, "a client deleted them"),
    ],
)
def test_keys_that_went_without_a_flush(now, reason):
    found = since(key_count=40, **now)
    assert set(found) == {"keys_lost"}
    assert reason in found["keys_lost"].detail


@pytest.mark.parametrize(
    "now",
    [
        {},  # flushed before the earlier look, whenever that was
        {"key_count": 3000},
        {"key_count": 40, "flush_total_count": 5, "run_id": "b"},  # another process: it was started
        {"key_count": 40, "run_id": None},
        {"flush_total_count": 0},  # CONFIG RESETSTAT
        {"flush_total_count": None},
    ],
)
def test_what_is_no_loss(now):
    assert since(**now) == {}


def test_few_keys_come_and_go():
    assert since(before=msgspec.structs.replace(MEMORY, key_count=30), key_count=0) == {}


def test_evidence_of_an_earlier_version_tells_nothing():
    old = msgspec.structs.replace(MEMORY, run_id=None, flush_total_count=None)
    assert since(before=old, key_count=0, flush_total_count=3) == {}


def judge(probe, *rows):
    found = ANALYZERS[probe](evidence(probe, *rows), CONTEXT)
    return {one.id.removeprefix(f"{probe}."): one for one in found}


def test_a_flush_while_we_look():
    assert "flushed" not in judge("redis.memory", MEMORY)
    one = judge("redis.memory", msgspec.structs.replace(MEMORY, flushed_count=1, key_count=0))["flushed"]
    assert (one.severity, one.since) == (FindingSeverity.INFO, NOW)


def test_a_flush_in_the_slow_log():
    row = RedisSlowCommand(
        entry_id=1,
        started_at=BEFORE,
        duration_seconds=0.02,
        command="FLUSHALL",
        argument_count=0,
        key_pattern="",
        address="192.0.2.7",
        client="deploy",
    )
    one = judge("redis.slowlog", row)["flushed"]
    assert (one.severity, one.since, one.data["client"]) == (FindingSeverity.INFO, BEFORE, "deploy")
    assert "flushed" not in judge("redis.slowlog", msgspec.structs.replace(row, command="KEYS"))


@pytest.mark.parametrize(("idle", "told"), [(60, True), (3600, False)])
def test_a_client_that_flushed_and_stayed(idle, told):
    group = RedisClientGroup(
        address="192.0.2.7",
        name="deploy",
        user="default",
        library="",
        command="flushall",
        client_count=1,
        idle_min_seconds=idle,
        idle_max_seconds=idle,
        output_buffer_bytes=0,
        memory_bytes=None,
    )
    found = judge("redis.clients", group)
    assert ("flushed" in found) is told
    if told:
        assert found["flushed"].since == NOW - timedelta(seconds=60)

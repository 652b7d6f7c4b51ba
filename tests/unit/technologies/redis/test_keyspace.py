"""What the sampled keys show: big ones, queues that fill the server, caches that may go; from literals."""

from typing import Any

import pytest

from incident_lib.model import ProposedAction
from incident_lib.technologies.redis.rows import (
    RedisDatabase,
    RedisKey,
    RedisKeyGroup,
    RedisKeySample,
    RedisStreamGroup,
)
from tests.unit.technologies.redis.judging import MIB, judge, severities

DATABASE = RedisDatabase(database=0, key_count=1000, expiring_count=250, average_ttl_seconds=60.0)


def sample(**changes: Any) -> RedisKeySample:
    fields: dict[str, Any] = {
        "database": 0,
        "sampled_count": 1000,
        "key_count": 1000,
        "seconds": 0.5,
        "memory_bytes": 100 * MIB,
        "big_count": 0,
        "used_ratio": 0.96,
        "maxmemory_bytes": 400 * MIB,
        "buffer_ratio": 0.0,
        "policy": "noeviction",
        "put_count": 40,
        "taken_count": 0,
        "blocked_count": 0,
        "flow_seconds": 1.0,
    }
    return RedisKeySample(**(fields | changes))


def key(size: int, kind: str = "list", pattern: str = "mail:out", **changes: Any) -> RedisKey:
    return RedisKey(pattern=pattern, kind=kind, memory_bytes=size, **changes)


def group(size: int, pattern: str = "cache:page:*", **changes: Any) -> RedisKeyGroup:
    fields: dict[str, Any] = {
        "sampled_count": 500,
        "kind": "string",
        "checked_count": 20,
        "expiring_count": 20,
    }
    return RedisKeyGroup(pattern=pattern, memory_bytes=size, **(fields | changes))


@pytest.mark.parametrize(
    ("size", "kind", "pattern", "expected"),
    [
        (999_999, "hash", "user:*", None),
        (1_000_000, "hash", "user:*", "WARNING"),
        # A list or a stream is as quick at its ends as a short one, and so is what a library works off.
        (999_999, "list", "mail:out", None),
        (1_000_000, "list", "mail:out", "INFO"),
        (100 * MIB - 1, "stream", "mail:out", "INFO"),
        (100 * MIB, "stream", "mail:out", "WARNING"),
        (100 * MIB - 1, "zset", "bull:mail:delayed", "INFO"),
        (100 * MIB - 1, "zset", "scores", "WARNING"),
    ],
)
def test_a_big_key(size: int, kind: str, pattern: str, expected: str | None) -> None:
    rows = sample(used_ratio=0.5), key(size, kind, pattern), key(1_000_000 if expected else 9, kind, pattern)
    found = judge("keyspace", DATABASE, *rows)
    assert severities(found).get("big_key") == expected
    assert ("ok" in found) is (expected != "WARNING")
    if expected:
        assert found["big_key"].data == {
            "pattern": pattern,
            "kind": kind,
            "memory_bytes": size,
            "big_count": 2,
        }


def test_a_long_queue_hides_no_big_hash() -> None:
    rows = key(50 * MIB), key(40 * MIB, "hash", "user:*"), key(2_000_000, "hash", "cart:*")
    found = judge("keyspace", DATABASE, sample(used_ratio=0.5), *rows)
    assert severities(found) == {"big_key": "WARNING"}
    assert found["big_key"].data["pattern"] == "user:*"
    assert found["big_key"].data["big_count"] == 3


def test_keys_of_which_none_is_big() -> None:
    found = judge("keyspace", DATABASE, sample(), key(2000))
    assert severities(found) == {"ok": "OK"}
    assert found["ok"].data == {"key_count": 1000, "without_expiry_ratio": 0.75}
    assert judge("keyspace")["ok"].data == {"key_count": 0, "without_expiry_ratio": None}


@pytest.mark.parametrize(
    ("changes", "size", "severity"),
    [
        ({}, 200 * MIB, "CRITICAL"),
        ({}, 200 * MIB - 1, None),
        ({"used_ratio": 0.949}, 200 * MIB, "WARNING"),
        ({"used_ratio": 0.9}, 200 * MIB, "WARNING"),
        ({"used_ratio": 0.899}, 400 * MIB, None),
        ({"used_ratio": None}, 400 * MIB, None),
        ({"maxmemory_bytes": None}, 400 * MIB, None),
        # It throws the work out, and goes on.
        ({"policy": "allkeys-lru"}, 200 * MIB, "WARNING"),
        ({"policy": "volatile-lru"}, 200 * MIB, "CRITICAL"),
        ({"policy": None}, 200 * MIB, "CRITICAL"),
    ],
)
def test_a_queue_that_fills_the_server(changes: dict[str, Any], size: int, severity: str | None) -> None:
    found = judge("keyspace", DATABASE, sample(**changes), key(size))
    assert severities(found).get("queue") == severity
    if severity:
        assert "ok" not in found
        assert found["queue"].data == {
            "pattern": "mail:out",
            "kind": "list",
            "memory_bytes": size,
            "share_ratio": 0.5,
            "put_count": 40,
            "taken_count": 0,
        }
        assert found["queue"].actions == ()  # deleting it loses the work
        assert ("may evict it" in found["queue"].detail) is (changes.get("policy") == "allkeys-lru")


@pytest.mark.parametrize(
    ("row", "is_queue"),
    [
        (key(300 * MIB, "stream", "events"), True),
        (key(300 * MIB, "zset", "bull:mail:wait"), True),
        (key(300 * MIB, "zset", "scores"), False),
        (key(300 * MIB, "string", "queue:settings"), False),
        (key(300 * MIB, "set", "queue:seen"), False),
        # What expires goes by itself.
        (key(300 * MIB, "list", "mail:out", has_expiry=True), False),
        (key(300 * MIB, "list", "mail:out", has_expiry=False), True),
        # Libraries that keep each job in a key.
        (group(300 * MIB, "rq:job:*", kind="hash"), True),
        (group(300 * MIB, "rq:job:*", kind="string"), False),
        (group(300 * MIB, "user:*", kind="hash"), False),
        (group(300 * MIB, "rq:job:*", kind=None), False),
    ],
)
def test_what_is_a_queue(row: RedisKey | RedisKeyGroup, *, is_queue: bool) -> None:
    assert ("queue" in judge("keyspace", DATABASE, sample(), row)) is is_queue


def test_jobs_of_a_sample_stand_for_all_of_them() -> None:
    jobs = group(20 * MIB, "rq:job:*", kind="hash")
    for count, severity in ((9_999, None), (10_000, "CRITICAL")):
        found = judge("keyspace", DATABASE, sample(key_count=count), jobs)
        assert severities(found).get("queue") == severity
    assert found["queue"].data["memory_bytes"] == 20 * MIB
    assert found["queue"].data["share_ratio"] == 0.5
    # A key that was seen is one, whatever its name is like.
    for pattern in ("mail:out", "mail:*"):
        found = judge("keyspace", DATABASE, sample(key_count=10_000), key(20 * MIB, pattern=pattern))
        assert "queue" not in found


@pytest.mark.parametrize(
    ("put", "taken", "waiting", "title", "detail"),
    [
        (40, 0, 0, "not consumed", "in 1 s 40 calls added to queues, 0 removed from them."),
        (40, 9, 3, "not consumed fast enough", "9 removed from them, 3 clients wait for something."),
        (None, None, None, "not consumed", "whether anything is consumed is unknown."),
    ],
)
def test_what_moves_in_a_queue(
    put: int | None, taken: int | None, waiting: int | None, title: str, detail: str
) -> None:
    row = sample(put_count=put, taken_count=taken, blocked_count=waiting)
    found = judge("keyspace", DATABASE, row, key(200 * MIB))["queue"]
    assert found.title.endswith(title)
    assert detail in found.detail


@pytest.mark.parametrize(
    ("changes", "size", "is_offered"),
    [
        ({}, 10 * MIB, True),
        ({}, 10 * MIB - 1, False),
        ({"used_ratio": 0.9}, 10 * MIB, True),
        ({"used_ratio": 0.899}, 90 * MIB, False),  # there is room
        ({"used_ratio": None}, 90 * MIB, False),
        ({"buffer_ratio": 0.249}, 10 * MIB, True),
        ({"buffer_ratio": 0.25}, 90 * MIB, False),  # clients take it, and would take what is freed
        ({"buffer_ratio": None}, 10 * MIB, True),
        ({"policy": "volatile-lru"}, 10 * MIB, True),
        ({"policy": "allkeys-lfu"}, 90 * MIB, False),  # makes room by itself
    ],
)
def test_caches_may_go_where_room_is_needed(changes: dict[str, Any], size: int, *, is_offered: bool) -> None:
    found = judge("keyspace", DATABASE, sample(**changes), group(size))
    assert severities(found) == ({"caches": "INFO"} if is_offered else {}) | {"ok": "OK"}
    if is_offered:
        assert found["caches"].data == {"pattern": "cache:page:*", "share_ratio": 0.1}
        assert found["caches"].actions == (
            ProposedAction(
                action="redis.delete_keys",
                target="cache",
                text="delete this cache by its pattern, in batches",
                arguments={"pattern": "cache:page:*"},
            ),
        )


@pytest.mark.parametrize(
    "row",
    [
        group(90 * MIB, "session:*"),
        group(90 * MIB, "user:cache:*"),  # of a family that is never deleted
        group(90 * MIB, "orders:*"),
        group(90 * MIB, expiring_count=19),  # one of them was to stay
        group(90 * MIB, checked_count=0, expiring_count=0),
        group(90 * MIB, checked_count=None, expiring_count=None),
    ],
)
def test_what_is_not_certainly_a_cache_is_never_offered(row: RedisKeyGroup) -> None:
    assert severities(judge("keyspace", DATABASE, sample(), row)) == {"ok": "OK"}
    smaller = group(20 * MIB, "cache:thumb:*")
    found = judge("keyspace", DATABASE, sample(), row, group(15 * MIB), smaller)
    assert found["caches"].data == {"pattern": "cache:thumb:*", "share_ratio": 0.2}


@pytest.mark.parametrize(
    ("policy", "used_ratio", "pattern", "found"),
    [
        ("allkeys-lru", 0.99, "celery", True),
        ("allkeys-lru", 0.5, "celery", False),
        ("noeviction", 0.99, "celery", False),
        ("allkeys-lru", 0.99, "page:*", False),
    ],
)
def test_a_queue_that_may_be_evicted(policy: str, used_ratio: float, pattern: str, *, found: bool) -> None:
    sample = RedisKeySample(
        database=0, sampled_count=10, key_count=10, seconds=0.1, memory_bytes=9_000, big_count=0,
        used_ratio=used_ratio, maxmemory_bytes=1 << 24, policy=policy,
    )  # fmt: skip
    group = RedisKeyGroup(pattern=pattern, sampled_count=10, memory_bytes=9_000, kind="list")
    assert ("queue_evictable" in judge("keyspace", sample, group)) is found


@pytest.mark.parametrize(
    ("policy", "used_ratio", "pattern", "found"),
    [
        ("volatile-lru", 0.99, "sess:*", True),
        ("allkeys-lru", 0.99, "session:*", True),
        ("volatile-lru", 0.5, "sess:*", False),
        ("noeviction", 0.99, "sess:*", False),
        ("volatile-lru", 0.99, "cache:session:*", False),
    ],
)
def test_sessions_that_may_be_evicted(policy: str, used_ratio: float, pattern: str, *, found: bool) -> None:
    sample = RedisKeySample(
        database=0, sampled_count=10, key_count=10, seconds=0.1, memory_bytes=9_000, big_count=0,
        used_ratio=used_ratio, maxmemory_bytes=1 << 24, policy=policy,
    )  # fmt: skip
    group = RedisKeyGroup(pattern=pattern, sampled_count=10, memory_bytes=9_000, kind="string")
    judged = judge("keyspace", sample, group).get("session_evictable")
    assert (judged is not None) is found
    if judged:
        assert judged.data == {"pattern": pattern, "policy": policy}


def stream(**changes: Any) -> RedisStreamGroup:
    fields: dict[str, Any] = {
        "pattern": "events:orders",
        "group": "billing",
        "entry_count": 10_000,
        "consumer_count": 3,
        "pending_count": 0,
        "lag_count": 0,
    }
    return RedisStreamGroup(**(fields | changes))


@pytest.mark.parametrize(
    ("groups", "is_kept"),
    [
        ((stream(),), True),
        ((stream(pending_count=400, lag_count=600),), True),
        ((stream(pending_count=400, lag_count=601),), False),
        ((stream(), stream(group="audit", lag_count=9_000)), False),
        ((stream(lag_count=None),), False),
        ((stream(pattern="events:carts"),), False),
        ((), False),
    ],
)
def test_a_stream_that_keeps_what_was_done(groups: tuple[RedisStreamGroup, ...], *, is_kept: bool) -> None:
    found = judge("keyspace", DATABASE, sample(), key(300 * MIB, "stream", "events:orders"), *groups)
    assert ("stream_kept" in found, "queue" in found) == (is_kept, not is_kept)
    if is_kept:
        assert severities(found)["stream_kept"] == "CRITICAL"
        assert found["stream_kept"].data["pattern"] == "events:orders"
        assert found["stream_kept"].data["left_count"] == sum(
            row.pending_count + (row.lag_count or 0) for row in groups
        )
        assert found["stream_kept"].actions == ()


@pytest.mark.parametrize(
    ("count", "seconds", "is_stuck"),
    [(10, 900.0, True), (9, 9000.0, False), (4000, 899.0, False), (4000, None, False)],
)
def test_entries_that_were_handed_out_and_never_acknowledged(
    count: int, seconds: float | None, *, is_stuck: bool
) -> None:
    row = stream(
        pending_count=count, oldest_seconds=seconds, oldest_consumer="mailer-1", oldest_deliveries_count=2
    )
    found = judge("keyspace", DATABASE, sample(used_ratio=0.1), row, stream(group="other", pending_count=5))
    assert ("pending" in found, "ok" in found) == (is_stuck, not is_stuck)
    if is_stuck:
        assert severities(found)["pending"] == "WARNING"
        assert found["pending"].data["consumer"] == "mailer-1"
        assert "the oldest 15m 0s ago" in found["pending"].title
        assert "delivered 2 times" in found["pending"].detail

"""Clients that hold much: of which kind they are, and how much is out of proportion, from literals."""

from typing import Any

import pytest

from incident_lib.technologies.redis.rows import RedisClient, RedisClients
from tests.unit.technologies.redis.judging import MIB, judge, severities

LARGE = 20 * MIB


def clients(**changes: Any) -> RedisClients:
    fields: dict[str, Any] = {
        "seconds": 1.0,
        "connected_count": 8,
        "limit_count": 10_000,
        "blocked_count": 0,
        "rejected_count": 0,
        "new_count": 0,
        "listed_count": 8,
    }
    return RedisClients(**(fields | changes))


def client(**changes: Any) -> RedisClient:
    fields: dict[str, Any] = {
        "client_id": 71,
        "address": "10.0.0.7:51234",
        "name": "feed",
        "user": "default",
        "library": "redis-py",
        "command": "get",
        "flags": "N",
        "age_seconds": 90,
        "idle_seconds": 90,
        "subscription_count": 0,
        "queued_count": None,
        "output_bytes": 0,
        "query_bytes": 0,
        "queued_bytes": 0,
        "memory_bytes": None,
    }
    return RedisClient(**(fields | changes))


def unread(held: int, **changes: Any) -> RedisClient:
    """Return a client that has not read anything a moment later."""
    return client(output_bytes=held, later_output_bytes=held, **changes)


KINDS: list[tuple[dict[str, Any], str, str]] = [
    ({"output_bytes": LARGE}, "output_buffer", "does not read its replies"),
    ({"output_bytes": LARGE, "flags": "P"}, "subscriber_buffer", "a subscriber that does not read"),
    ({"output_bytes": LARGE, "subscription_count": 1}, "subscriber_buffer", "a subscriber"),
    ({"output_bytes": LARGE, "flags": "O"}, "monitor_buffer", "a MONITOR that is not read"),
    ({"output_bytes": 300 * MIB, "flags": "S"}, "replica_buffer", "a replica that reads too slowly"),
    ({"query_bytes": LARGE}, "query_buffer", "sends very large commands"),
    # Of a subscriber, too, what it sends is what it sends.
    ({"query_bytes": LARGE, "output_bytes": LARGE - 1, "flags": "P"}, "query_buffer", "large commands"),
    (
        {"queued_bytes": LARGE, "query_bytes": LARGE - 1},
        "transaction_buffer",
        "an unfinished transaction",
    ),
]


@pytest.mark.parametrize(("fields", "kind", "words"), KINDS)
def test_a_client_is_called_what_its_largest_buffer_makes_it(
    fields: dict[str, Any], kind: str, words: str
) -> None:
    still = {"later_output_bytes": fields.get("output_bytes"), "later_query_bytes": fields.get("query_bytes")}
    found = judge("clients", clients(), client(**(fields | still)))
    assert severities(found) == {kind: "WARNING"}
    held = max(fields[name] for name in fields if name.endswith("_bytes"))
    assert found[kind].data == {
        "client": "feed",
        "client_id": 71,
        "address": "10.0.0.7:51234",
        "library": "redis-py",
        "held": f"{held // MIB} MiB",
        "held_bytes": held,
        "share_ratio": None,
        "client_count": 1,
    }
    assert words in found[kind].title
    # Ending the link of a replica would only begin another full copy.
    assert ("CLIENT KILL ID 71" in found[kind].detail) is (kind != "replica_buffer")


def test_what_a_primary_sends_to_its_replica_is_no_client_that_holds_much() -> None:
    assert severities(judge("clients", clients(), unread(LARGE, flags="M"))) == {"ok": "OK"}


@pytest.mark.parametrize(
    ("fields", "name", "severity"),
    [
        ({"output_bytes": LARGE, "later_output_bytes": LARGE + 1}, "output_buffer", "WARNING"),
        ({"output_bytes": LARGE, "later_output_bytes": LARGE - 1}, "output_buffer", "INFO"),
        ({"output_bytes": LARGE, "later_output_bytes": None}, "output_buffer", "INFO"),  # gone by then
        ({"query_bytes": LARGE, "later_query_bytes": LARGE}, "query_buffer", "WARNING"),
        ({"query_bytes": LARGE, "later_query_bytes": 0, "later_output_bytes": LARGE}, "query_buffer", "INFO"),
        # What waits behind MULTI stays until EXEC; a later look says nothing of it.
        ({"queued_bytes": LARGE, "later_output_bytes": 0}, "transaction_buffer", "WARNING"),
    ],
)
def test_a_buffer_that_moves_is_no_trouble(fields: dict[str, Any], name: str, severity: str) -> None:
    found = judge("clients", clients(), client(**fields))
    assert severities(found) == {name: severity} | ({"ok": "OK"} if severity == "INFO" else {})
    assert ("its buffer changes" in found[name].title) is (severity == "INFO")
    assert ("CLIENT KILL" in found[name].detail) is (severity == "WARNING")


@pytest.mark.parametrize(
    ("held", "limit", "expected"),
    [
        (10 * MIB - 1, None, {"ok": "OK"}),
        (10 * MIB, None, {"output_buffer": "WARNING"}),
        # Of a small server a tenth is much, and half of it is an outage.
        (5 * MIB - 1, 50 * MIB, {"ok": "OK"}),
        (5 * MIB, 50 * MIB, {"output_buffer": "WARNING"}),
        (25 * MIB - 1, 50 * MIB, {"output_buffer": "WARNING"}),
        (25 * MIB, 50 * MIB, {"output_buffer": "CRITICAL"}),
        # Of a large one less than a tenth is much, too.
        (10 * MIB - 1, 4096 * MIB, {"ok": "OK"}),
        (10 * MIB, 4096 * MIB, {"output_buffer": "WARNING"}),
    ],
)
def test_how_much_one_client_may_hold(held: int, limit: int | None, expected: dict[str, str]) -> None:
    found = judge("clients", clients(maxmemory_bytes=limit), unread(held))
    assert severities(found) == expected
    if "output_buffer" in expected:
        assert found["output_buffer"].data["share_ratio"] == (held / limit if limit else None)
        assert ("of maxmemory" in found["output_buffer"].title) is (limit is not None)


@pytest.mark.parametrize(
    ("limits", "least"),
    [
        ("normal 0 0 0 slave 104857600 0 0 pubsub 33554432 8388608 60", 50 * MIB),
        ("normal 0 0 0 replica 1073741824 0 0 pubsub 33554432 8388608 60", 512 * MIB),
        ("normal 1048576 0 0 slave 0 0 0 pubsub 33554432 8388608 60", 256 * MIB),
        (None, 256 * MIB),
    ],
)
def test_a_replica_is_judged_by_the_limit_at_which_it_is_ended(limits: str | None, least: int) -> None:
    # Its buffer does not count against maxmemory.
    counts = clients(output_limits=limits, maxmemory_bytes=60 * MIB)
    assert severities(judge("clients", counts, unread(least - 1, flags="S"))) == {"ok": "OK"}
    found = judge("clients", counts, unread(least, flags="S"))
    assert severities(found) == {"replica_buffer": "WARNING"}
    assert found["replica_buffer"].data["held_bytes"] == least
    assert "of maxmemory" not in found["replica_buffer"].title


def test_the_largest_client_of_each_kind_stands_for_all_of_it() -> None:
    found = judge(
        "clients",
        clients(),
        unread(12 * MIB, client_id=1, name="small"),
        unread(30 * MIB, client_id=2, name="", library="lettuce"),
        unread(11 * MIB, client_id=3, flags="P", name="", library=""),
    )
    assert severities(found) == {"output_buffer": "WARNING", "subscriber_buffer": "WARNING"}
    assert found["output_buffer"].data["client_id"] == 2
    assert found["output_buffer"].data["client"] == "lettuce"
    assert found["output_buffer"].data["client_count"] == 2
    assert "2 such clients: 42 MiB" in found["output_buffer"].detail
    assert found["subscriber_buffer"].data["client"] == "10.0.0.7:51234"  # without a name and a library
    assert found["subscriber_buffer"].data["library"] is None


@pytest.mark.parametrize(("age", "severity"), [(599, "INFO"), (600, "WARNING"), (None, "INFO")])
def test_a_monitor_that_was_left_running(age: int | None, severity: str) -> None:
    watching = client(flags="O", age_seconds=age)
    found = judge("clients", clients(), client(age_seconds=90_000), watching)
    assert severities(found) == {"monitor": severity} | ({"ok": "OK"} if severity == "INFO" else {})
    assert found["monitor"].data == {
        "client": "feed",
        "client_id": 71,
        "address": "10.0.0.7:51234",
        "client_count": 1,
        "age_seconds": age,
    }


def test_of_several_monitors_the_oldest_is_named() -> None:
    monitors = [client(flags="O", age_seconds=age, client_id=age) for age in (700, 800, 650)]
    found = judge("clients", clients(), *monitors)["monitor"]
    assert (found.data["client_id"], found.data["age_seconds"], found.data["client_count"]) == (800, 800, 3)
    assert "CLIENT KILL ID 800" in found.detail


def test_a_monitor_is_reported_once() -> None:
    unread_monitor = unread(LARGE, flags="O", age_seconds=900)
    assert severities(judge("clients", clients(), unread_monitor)) == {"monitor_buffer": "WARNING"}
    # What another client holds does not hide it.
    other = unread(LARGE), client(flags="O", age_seconds=900)
    assert severities(judge("clients", clients(), *other)) == {
        "output_buffer": "WARNING",
        "monitor": "WARNING",
    }


@pytest.mark.parametrize(
    ("changes", "is_large"),
    [
        ({}, True),
        ({"recent_output_bytes": 0, "recent_input_bytes": 10 * MIB}, True),
        ({"recent_output_bytes": 10 * MIB - 1}, False),
        ({"recent_output_bytes": None, "recent_input_bytes": None}, False),
        ({"maxmemory_bytes": 100 * MIB, "recent_output_bytes": 10 * MIB - 1}, False),
        ({"maxmemory_bytes": 50 * MIB, "recent_output_bytes": 5 * MIB}, True),
        # Those of whom most were listed were judged by themselves; an older snapshot does not know.
        ({"listed_count": 10_000}, False),
        ({"listed_count": 9_999}, True),
        ({"listed_count": None}, False),
        ({"connected_count": None}, False),
    ],
)
def test_a_large_buffer_among_more_clients_than_are_listed(
    changes: dict[str, Any], *, is_large: bool
) -> None:
    many = {"connected_count": 20_000, "limit_count": 50_000, "listed_count": 500}
    counts = clients(**(many | {"recent_output_bytes": 10 * MIB, "recent_input_bytes": 900} | changes))
    found = judge("clients", counts)
    assert ("large_buffer" in found) is is_large
    if is_large:
        assert severities(found) == {"large_buffer": "WARNING"}
        held = max(counts.recent_output_bytes or 0, counts.recent_input_bytes or 0)
        assert found["large_buffer"].data == {"held": f"{held // MIB} MiB", "held_bytes": held}
        assert "one of 20,000 clients" in found["large_buffer"].title


def test_clients_that_the_server_ends_at_its_limit() -> None:
    limits = "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60"
    found = judge("clients", clients(limit_closed_count=3, limit_closed_total_count=9, output_limits=limits))
    assert severities(found) == {"limit_closed": "WARNING"}
    assert found["limit_closed"].data == {"closed_count": 3}
    assert limits in found["limit_closed"].detail
    # Of those that were ended at some time, none need be ended now.
    earlier = judge("clients", clients(limit_closed_count=0, limit_closed_total_count=9))
    assert severities(earlier) == {"ok": "OK"}
    assert "9 disconnected at their limit at some time" in earlier["ok"].detail

"""Whether there is room for more clients, and who has taken it; from literals."""

from typing import Any

import pytest

from incident_lib.technologies.redis.rows import RedisClientGroup, RedisClients
from tests.unit.technologies.redis.judging import judge, severities


def clients(**changes: Any) -> RedisClients:
    fields: dict[str, Any] = {
        "seconds": 1.0,
        "connected_count": 50,
        "limit_count": 100,
        "blocked_count": 0,
        "rejected_count": 0,
        "new_count": 0,
    }
    return RedisClients(**(fields | changes))


def group(count: int, address: str = "10.0.0.7", name: str = "", library: str = "") -> RedisClientGroup:
    return RedisClientGroup(
        address=address,
        name=name,
        user="default",
        library=library,
        command="get",
        client_count=count,
        idle_min_seconds=None,
        idle_max_seconds=None,
        output_buffer_bytes=0,
        memory_bytes=None,
    )


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, {"ok": "OK"}),
        ({"connected_count": 89}, {"ok": "OK"}),
        ({"connected_count": 90}, {"high": "WARNING"}),
        ({"connected_count": 90, "limit_count": None}, {"ok": "OK"}),
        ({"rejected_count": 1}, {"rejected": "WARNING"}),
        ({"idle_limit_seconds": 300.0}, {"ok": "OK", "idle_limit": "INFO"}),
        ({"rejected_count": None}, {"ok": "OK"}),
        ({"blocked_count": 24}, {"ok": "OK"}),
        ({"blocked_count": 25}, {"blocked": "INFO", "ok": "OK"}),
        # Shares of a few clients mean nothing.
        ({"connected_count": 9, "blocked_count": 9}, {"ok": "OK"}),
        ({"connected_count": 10, "blocked_count": 9}, {"blocked": "INFO", "ok": "OK"}),
        (
            {"connected_count": 95, "blocked_count": 60, "rejected_count": 3},
            {"rejected": "WARNING", "high": "WARNING", "blocked": "INFO"},
        ),
        (
            {"connected_count": None, "blocked_count": None, "rejected_count": None},
            {"unknown": "UNKNOWN"},
        ),
    ],
)
def test_room_for_clients(changes: dict[str, Any], expected: dict[str, str]) -> None:
    assert severities(judge("clients", clients(**changes))) == expected


def test_the_numbers_of_clients_are_data() -> None:
    found = judge("clients", clients(connected_count=95, blocked_count=60, rejected_count=3))
    assert found["rejected"].data == {"rejected_count": 3}
    assert found["high"].data == {"used_ratio": 0.95, "connected_count": 95, "limit_count": 100}
    assert found["blocked"].data == {"blocked_count": 60}
    assert judge("clients", clients())["ok"].data == {"connected_count": 50, "limit_count": 100}


@pytest.mark.parametrize(
    ("connected", "counts", "is_named"),
    [(50, (15, 10), True), (50, (15, 9), False), (10, (5,), True), (9, (9,), False), (50, (), False)],
)
def test_one_address_that_holds_most_connections(
    connected: int, counts: tuple[int, ...], *, is_named: bool
) -> None:
    groups = [group(count, library="jedis") for count in counts]
    others = [group(4, address=f"10.0.1.{number}", name="web") for number in range(3)]
    found = judge("clients", clients(connected_count=connected), *others, *groups)
    # To hold many is no trouble by itself.
    assert severities(found) == ({"one_address": "INFO"} if is_named else {}) | {"ok": "OK"}
    if is_named:
        assert found["one_address"].data == {
            "address": "10.0.0.7",
            "client_count": sum(counts),
            "share_ratio": 0.5,
        }
        assert found["one_address"].detail == "mostly jedis"


@pytest.mark.parametrize(
    ("name", "library", "words"),
    [("feed", "jedis", "mostly feed"), ("", "", "its clients have no name")],
)
def test_whose_connections_they_are(name: str, library: str, words: str) -> None:
    found = judge("clients", clients(), group(40, name=name, library=library))
    assert found["one_address"].detail == words


def test_clients_that_are_held_in_a_command_that_never_waits() -> None:
    found = judge("clients", clients(paused_count=3, paused_command="set"))
    assert severities(found) == {"paused": "CRITICAL"}
    assert found["paused"].data["command"] == "SET"


def test_clients_that_send_what_is_no_command() -> None:
    found = judge("clients", clients(unread_count=2, unread_address="10.0.0.7"))
    assert severities(found) == {"unread": "WARNING"}
    assert found["unread"].data == {"client_count": 2, "address": "10.0.0.7"}
    assert "TLS" in found["unread"].detail
    assert severities(judge("clients", clients(unread_count=0))) == {"ok": "OK"}

"""What is left of names of keys and commands."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incident_lib.technologies.redis.probes.clients import group_clients, parse_client
from incident_lib.technologies.redis.probes.connection import percentile
from incident_lib.technologies.redis.probes.patterns import (
    argument_count,
    command_name,
    first_key,
    key_pattern,
)


@pytest.mark.parametrize(
    ("key", "pattern"),
    [
        (b"cache:product:42", "cache:product:*"),
        (b"user_1234", "user_*"),
        (b"{tenant-7}:cartItem:v2", "{tenant-*}:cartItem:v2"),
        (b"sess:550e8400-e29b-41d4-a716-446655440000", "sess:*"),
        (b"session:eyJhbGciOiJIUzI1NiJ9", "session:*"),
        (b"password=hunter2", "*"),
        (b"mail:jo.doe@example.org:unread", "mail:*:unread"),
        (b"", ""),
        (b"\xff\xfe", "*"),
    ],
)
def test_key_pattern(key: bytes, pattern: str) -> None:
    assert key_pattern(key) == pattern


@given(st.binary(max_size=2000))
def test_key_pattern_is_short_printable_text(key: bytes) -> None:
    pattern = key_pattern(key)
    assert pattern.isascii()
    assert pattern.isprintable()
    assert len(pattern) <= 300


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([b"get", b"user:1"], ("GET", 1, "user:*")),
        ([b"EVAL", b"return 1", b"2", b"a:1", b"b"], ("EVAL", 4, "a:*")),
        ([b"EVALSHA", b"ab12", b"0"], ("EVALSHA", 2, "")),
        ([b"BITOP", b"AND", b"dest:1", b"x"], ("BITOP", 3, "dest:*")),
        ([b"XREAD", b"COUNT", b"2", b"streams", b"log:1", b"0"], ("XREAD", 5, "log:*")),
        ([b"memory", b"usage", b"big:1"], ("MEMORY USAGE", 2, "big:*")),
        ([b"KEYS", b"secret*"], ("KEYS", 1, "")),
        ([b"PUBLISH", b"channel", b"x"], ("PUBLISH", 2, "")),
        ([b"\x00\xff", b"x"], ("?", 1, "")),
        ([], ("?", 0, "")),
    ],
)
def test_commands(arguments: list[bytes], expected: tuple[str, int, str]) -> None:
    assert (command_name(arguments), argument_count(arguments), first_key(arguments)) == expected


def test_clients_that_are_alike_are_one_row() -> None:
    lines = [f"id={n} addr=[::1]:{n} name=web idle={n} cmd=get user=app tot-mem=10 omem=2" for n in range(3)]
    one = group_clients([parse_client(line) for line in [*lines, "id=9 addr=10.0.0.7:4 name= cmd=ping"]])
    assert [(row.address, row.name, row.client_count) for row in one] == [
        ("[::1]", "web", 3),
        ("10.0.0.7", "", 1),
    ]
    assert (one[0].idle_min_seconds, one[0].idle_max_seconds, one[0].memory_bytes) == (0, 2, 30)
    assert one[1].memory_bytes is None


def test_percentile() -> None:
    assert percentile([float(n) for n in range(1, 21)], 0.95) == 19.0
    assert percentile([3.0], 0.95) == 3.0

"""redis-cli's output, as both servers' programs print it, becomes what comes over the wire."""

import pytest

from incident_lib.technologies.redis.connect.container import parse_output
from incident_lib.technologies.redis.connect.problems import ReplyError

SLOWLOG = """\
 1) 1) (integer) 10
    2) (integer) 1795444302
    3) (integer) 26
    4) 1) "set"
       2) "a\\"b\\nc"
       3) "\\xff\\x00 1) (integer) 5"
    5) "127.0.0.1:40352"
    6) ""
 2) 1) (integer) 9
    2) (integer) 1795444301
    3) (integer) 20
    4) 1) "ping"
    5) "127.0.0.1:40352"
    6) "importer"
"""


def test_nested_lists() -> None:
    first, second = parse_output(["SLOWLOG", "GET", 128], SLOWLOG)
    assert first == [
        10,
        1795444302,
        26,
        [b"set", b'a"b\nc', b"\xff\x00 1) (integer) 5"],
        b"127.0.0.1:40352",
        b"",
    ]
    assert second[3:] == [[b"ping"], b"127.0.0.1:40352", b"importer"]


def test_lists_of_different_lengths() -> None:
    text = (
        "1)  1) (integer) 1\n"
        + "".join(f"   {n:>2}) (integer) {n}\n" for n in range(2, 11))
        + "2) 1) (nil)\n"
    )
    assert parse_output(["LATENCY", "LATEST"], text) == [list(range(1, 11)), [None]]


@pytest.mark.parametrize(
    ("command", "text", "expected"),
    [
        (["SLOWLOG", "GET", 5], "(empty array)\n", []),
        (["SLOWLOG", "GET", 5], "(empty list or set)\n", []),
        (["CONFIG", "GET", "save"], '1) "save"\n2) ""\n', [b"save", b""]),
        (["TYPE", "x"], "none\n", b"none"),
        (["MEMORY", "USAGE", "x"], "(integer) 72\n", 72),
        (["INFO", "all"], "# Server\nredis_version:7.0.15\n", b"# Server\nredis_version:7.0.15\n"),
    ],
)
def test_replies(command: list[str | int], text: str, expected: object) -> None:
    assert parse_output(command, text) == expected


@pytest.mark.parametrize(
    ("command", "text", "code"),
    [
        (["INFO", "all"], "NOAUTH Authentication required.\n", "NOAUTH"),
        (["INFO", "all"], "LOADING Redis is loading the dataset in memory\n\n", "LOADING"),
        (["PING"], "(error) BUSY Redis is busy running a script.\n", "BUSY"),
    ],
)
def test_errors(command: list[str], text: str, code: str) -> None:
    reply = parse_output(command, text)
    assert isinstance(reply, ReplyError)
    assert reply.code == code

"""One client among many: who does not read, who sends too much, who watches, and who only waits."""

import contextlib
import string
import time
from collections.abc import Callable
from functools import partial

import pytest
import redis

from incident_lib.model import Finding, FindingSeverity
from incident_lib.technologies.redis.connect.client_flags import CLIENT_FLAGS
from incident_lib.technologies.redis.probes.clients import LIST_LIMIT
from tests.integration.background import again_and_again
from tests.integration.redis_service import Server, collect, deaf, judge, kind, running, settings_for

pytestmark = pytest.mark.redis
__all__ = ["kind"]
_PROBE = "redis.clients"
_CHUNK = b"x" * 100_000


def clients(server: Server) -> dict[str, Finding]:
    return {
        name.removeprefix(f"{_PROBE}."): finding
        for name, finding in judge(collect(settings_for(server.url), only=_PROBE)).items()
        if name.startswith(_PROBE)
    }


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_subscriber_that_does_not_read_is_named(kind: str) -> None:
    options = ("--maxmemory", "60mb", "--client-output-buffer-limit", "pubsub 0 0 0")
    said = (b"CLIENT SETNAME dashboard", b"SUBSCRIBE states")
    with running(kind, *options) as server, server.client() as client, deaf(server, *said):
        until(lambda: client.publish("states", b"x"))
        for _ in range(35):
            with client.pipeline(transaction=False) as pipe:
                for _ in range(100):  # Valkey 9 counts nothing for larger values, which it does not copy
                    pipe.publish("states", _CHUNK[:10_000])
                pipe.execute()
        found = clients(server)
    held = found["subscriber_buffer"]
    assert held.severity is FindingSeverity.CRITICAL  # over half of maxmemory
    assert held.data["client"] == "dashboard"
    assert f"CLIENT KILL ID {held.data['client_id']}" in held.detail
    assert "ok" not in found


def test_a_monitor_is_named_also_where_it_reads(kind: str) -> None:
    with running(kind) as server, server.client() as client, server.connection() as watcher:
        watcher.sendall(b"MONITOR\r\n")
        until(lambda: b"OK" in watcher.recv(64))
        quiet = clients(server)
        with deaf(server, b"MONITOR"):
            until(lambda: len([one for one in client.client_list() if "O" in one["flags"]]) == 2)
            for _ in range(1_400):
                client.set("key", _CHUNK[:10_000])
            with again_and_again(partial(watcher.recv, 1_000_000), pause=0.0, expected=(OSError,)):
                stuck = clients(server)
    assert quiet["monitor"].severity is FindingSeverity.INFO
    assert "ok" in quiet
    assert stuck["monitor_buffer"].severity is FindingSeverity.WARNING


def test_a_huge_command_and_an_open_transaction_are_held_for_one_client(kind: str) -> None:
    with running(kind) as server, server.client() as client:
        with deaf(server, b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$60000000", *(_CHUNK for _ in range(150))):
            until(lambda: any(int(one["qbuf"]) > 14_000_000 for one in client.client_list()))
            sent = clients(server)
        with server.connection() as other:
            command = b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$100000\r\n" + _CHUNK + b"\r\n"
            other.sendall(b"MULTI\r\n" + command * 150)
            until(lambda: any(int(one["multi"]) == 150 for one in client.client_list()))
            queued = clients(server)
    assert sent["query_buffer"].severity is FindingSeverity.WARNING
    assert queued["transaction_buffer"].severity is FindingSeverity.WARNING


def test_who_reads_and_who_waits_is_well(kind: str) -> None:
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(running(kind, "--maxmemory", "60mb"))
        client = stack.enter_context(server.client())
        for _ in range(12):
            stack.enter_context(server.connection()).sendall(b"BRPOP queue:mail 0\r\n")
        subscriber = stack.enter_context(server.connection())
        subscriber.sendall(b"PSUBSCRIBE *\r\n")
        until(lambda: client.info("clients")["blocked_clients"] == 12)
        stack.enter_context(
            again_and_again(partial(subscriber.recv, 10_000_000), pause=0.0, expected=(OSError,))
        )
        stack.enter_context(
            again_and_again(partial(client.publish, "states", _CHUNK), pause=0.005, expected=(OSError,))
        )
        found = clients(server)
    assert not [finding for finding in found.values() if finding.severity.is_bad]
    assert found["blocked"].severity is FindingSeverity.INFO
    assert "buffers of" in found["ok"].detail


def test_of_very_many_clients_it_is_said_that_none_was_read(kind: str) -> None:
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(running(kind))
        for _ in range(LIST_LIMIT + 1):
            stack.enter_context(server.connection())
        stack.enter_context(deaf(server, b"SET k " + _CHUNK[:10_000], *([b"GET k"] * 2_500)))
        client = stack.enter_context(server.client())
        until(lambda: client.info("clients")["client_recent_max_output_buffer"] > 20_000_000)
        found = clients(server)
    assert found["large_buffer"].severity is FindingSeverity.WARNING
    assert "ok" not in found


def test_every_flag_that_a_server_knows_has_an_entry(kind: str) -> None:
    with running(kind) as server, server.client() as client:
        known = set()
        for letter in string.ascii_letters:
            with contextlib.suppress(redis.ResponseError):
                client.execute_command("CLIENT", "LIST", "FLAGS", letter)
                known.add(letter)
    if kind == "valkey":  # the only one that lists them; Redis has none that Valkey has not
        assert {"N", "O", "S", "P", "b", "x"} <= known
    assert known <= CLIENT_FLAGS.keys()
    assert all(bool(flag.judged) != bool(flag.why) for flag in CLIENT_FLAGS.values())

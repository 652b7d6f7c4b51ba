"""Who may write and read: a replica, one that lost its primary, too few replicas, and copies that repeat."""

import contextlib
import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
import redis

from incident_lib.model import Finding, FindingSeverity
from incident_lib.technologies.redis.error_classes import ERROR_CLASSES
from tests.integration.background import again_and_again
from tests.integration.redis_service import (
    Server,
    binary,
    collect,
    judge,
    kind,
    ranked,
    running,
    settings_for,
)
from tests.integration.test_redis_starts import of_log

pytestmark = pytest.mark.redis
__all__ = ["kind"]
_ENDED = b"for overcoming of output buffer limits"
_SOON = ("--repl-diskless-sync-delay", "0")


def seen(server: Server) -> dict[str, Finding]:
    return judge(collect(settings_for(server.url)))


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@contextlib.contextmanager
def busy(server: Server, *command: str) -> Iterator[None]:
    expected = (redis.RedisError,)
    with server.client() as client:
        run = partial(client.execute_command, *command)
        with again_and_again(run, pause=0.01, expected=expected):
            yield


def server_log(server: Server) -> bytes:
    return (server.directory / "log").read_bytes()


def follow(replica: Server, primary: Server) -> None:
    with replica.client() as client:
        client.replicaof("127.0.0.1", primary.port)
        until(lambda: client.info("replication")["master_link_status"] == "up")


def test_writes_to_a_replica_have_the_advice_of_its_link(kind: str) -> None:
    with running(kind, *_SOON) as primary, running(kind, *_SOON) as replica:
        follow(replica, primary)
        with busy(replica, "SET", "a", "b"):
            linked = seen(replica)
            primary.process.kill()
            primary.process.wait(10)
            with replica.client() as client:
                until(lambda: client.info("replication")["master_link_status"] == "down")
            alone = seen(replica)
    address = f"127.0.0.1:{primary.port}"
    (first,) = ranked(linked)
    assert f"which is a replica of {address}" in first.title
    assert first.first_action.startswith(f"Point the clients at the primary {address}")
    assert "redis.replication.link_down" not in linked
    assert alone["redis.errors.readonly_alone"].severity is FindingSeverity.WARNING
    (first,) = ranked(alone)
    assert f"cannot reach its primary {address}" in first.title
    assert first.first_action.startswith(f"Bring the primary {address}")


def test_too_few_replicas_are_counted(kind: str) -> None:
    with (
        running(kind, "--min-replicas-to-write", "1") as server,
        busy(server, "SET", "a", "b"),
    ):
        found = seen(server)
    refused = found["redis.errors.noreplicas"]
    assert (refused.data["good_count"], refused.data["least_count"]) == (0, 1)
    assert ranked(found)[0].first_action.startswith("Bring the missing replicas back")


def test_a_first_copy_and_a_dump_under_way_are_no_fault(kind: str) -> None:
    slow = ("--rdb-key-save-delay", "20000", "--repl-diskless-sync", "no")
    with contextlib.ExitStack() as stack:
        primary = stack.enter_context(running(kind, *slow, "--save", "3600 1000000"))
        replica = stack.enter_context(running(kind))
        client, other = stack.enter_context(primary.client()), stack.enter_context(replica.client())
        client.mset({f"key:{number}": "x" for number in range(1_000)})
        other.replicaof("127.0.0.1", primary.port)
        until(lambda: client.info("persistence")["rdb_bgsave_in_progress"])
        until(lambda: other.info("replication")["master_sync_in_progress"])
        copied, copying = seen(primary), seen(replica)
        client.config_set("rdb-key-save-delay", 0)
    assert "redis.replication.first_copy" in copying
    assert not [finding for finding in (copied | copying).values() if finding.severity.is_bad]
    assert ranked(copied) == ranked(copying) == ()


def test_copies_that_repeat_are_told_apart_by_their_cause(kind: str) -> None:
    with contextlib.ExitStack() as stack:
        primary = stack.enter_context(running(kind, *_SOON, "--repl-backlog-size", "16kb"))
        replica = stack.enter_context(running(kind))
        client = stack.enter_context(primary.client())
        follow(replica, primary)
        once = seen(primary)
        for _ in range(3):
            fulls = client.info("stats")["sync_full"]
            os.kill(replica.process.pid, signal.SIGSTOP)
            client.execute_command("CLIENT", "KILL", "TYPE", "replica")
            client.set("big", b"x" * 500_000)
            os.kill(replica.process.pid, signal.SIGCONT)
            until(lambda fulls=fulls: client.info("stats")["sync_full"] > fulls)
        again = seen(primary)
    assert not [finding for finding in once.values() if finding.severity.is_bad]
    assert again["redis.replication.resync_backlog"].severity is FindingSeverity.WARNING
    first = ranked(again)[0]
    assert (first.id, "repl-backlog-size" in first.first_action) == ("redis-resync", True)


def test_a_replica_that_is_ended_at_its_limit_is_told_so(kind: str) -> None:
    limit = ("--client-output-buffer-limit", "replica 200kb 0 0", "--repl-backlog-size", "16kb")
    with contextlib.ExitStack() as stack:
        primary = stack.enter_context(running(kind, *_SOON, *limit))
        replica = stack.enter_context(running(kind))
        client = stack.enter_context(primary.client())
        follow(replica, primary)
        for _ in range(3):
            fulls, closed = client.info("stats")["sync_full"], server_log(primary).count(_ENDED)
            os.kill(replica.process.pid, signal.SIGSTOP)
            until(
                lambda closed=closed: (
                    client.set("big", b"x" * 1_000_000) and server_log(primary).count(_ENDED) > closed
                )
            )
            os.kill(replica.process.pid, signal.SIGCONT)
            until(lambda fulls=fulls: client.info("stats")["sync_full"] > fulls)
        found = seen(primary) | of_log(primary.directory / "log")
    first = ranked(found)[0]
    assert first.id == "redis-resync"
    assert "client-output-buffer-limit" in first.first_action


def test_every_error_prefix_in_a_server_has_an_entry(kind: str) -> None:
    program = Path(binary(kind)).resolve().read_bytes()
    known = {word.decode() for word in re.findall(rb"\x00-([A-Z]{2,}) [^\x00]", program)}
    assert {"OOM", "READONLY", "MISCONF", "NOREPLICAS", "MASTERDOWN", "LOADING", "NOPERM"} <= known
    assert known <= ERROR_CLASSES.keys()
    assert all(bool(row.meaning) != bool(row.why) for row in ERROR_CLASSES.values())

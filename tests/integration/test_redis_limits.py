"""Limits that are passed for real: those that no other test of a server comes to.

Where a limit would take gigabytes, or long, to pass, the test lowers it: the rows are a server's own.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from incident_lib.findings.base import Context
from incident_lib.findings.thresholds import Thresholds
from incident_lib.model import Finding, FindingSeverity
from incident_lib.technologies.redis import findings
from incident_lib.technologies.redis.rows import RedisPersistence
from tests import services
from tests.integration.background import again_and_again
from tests.integration.redis_service import Server, collect, context, running, settings_for

pytestmark = pytest.mark.redis
CRITICAL, WARNING, INFO = FindingSeverity.CRITICAL, FindingSeverity.WARNING, FindingSeverity.INFO
REDIS, VALKEY = "redis", "valkey"  # each case on one of them: what differs is tried elsewhere
_SOON = ("--repl-diskless-sync-delay", "0")


def judged(server: Server, probe: str, limits: dict[str, float] | None = None) -> dict[str, Finding]:
    """Return the findings of one probe by the last part of their id, with some limits changed."""
    evidence = collect(settings_for(server.url), only=f"redis.{probe}")[f"redis.{probe}"]
    changed = Context(window=context().window, thresholds=Thresholds(limits or {}))
    found = findings.ANALYZERS[evidence.probe](evidence, changed)
    return {one.id.removeprefix(f"redis.{probe}."): one for one in found}


def failing(work: Callable[[], object]) -> contextlib.AbstractContextManager[None]:
    """Return a block beside which `work` is done, its errors being what is looked for."""
    return again_and_again(work, pause=0.01, expected=(redis.RedisError, OSError))


def until(true: Callable[[], bool], seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "the case that the test makes did not come about"
        time.sleep(0.02)


def test_memory_that_is_held_and_not_used() -> None:
    with running(REDIS, "--activedefrag", "no") as server, server.client() as client:
        with client.pipeline(transaction=False) as pipe:
            for number in range(15_000):
                pipe.set(f"item:{number}", "x" * 1000)
            pipe.execute()
        with client.pipeline(transaction=False) as pipe:
            for number in range(15_000):
                if number % 20:
                    pipe.delete(f"item:{number}")
            pipe.execute()
        found = judged(server, "memory", {"redis.small.least_bytes": 1e5})
        small = judged(server, "memory")
    assert found["fragmentation"].severity is WARNING
    assert found["peak"].severity is INFO
    assert not {"fragmentation", "peak"} & set(small)


@contextlib.contextmanager
def not_reading(server: Server) -> Iterator[redis.Redis]:
    """Yield a client beside one that asks for much and does not read."""
    with server.client() as client, server.connection() as slow:
        client.set("report", "x" * 200_000)
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.sendall(b"GET report\r\n" * 60)
        until(lambda: int(client.info("memory")["mem_clients_normal"]) > 4_000_000)
        yield client


def test_a_client_that_asks_and_does_not_read() -> None:
    with running(REDIS) as server, not_reading(server):
        found = judged(server, "memory", {"redis.small.least_bytes": 0})["client_buffers"]
    assert found.severity is WARNING


def test_a_cache_over_its_limit_without_a_key_to_evict() -> None:
    with running(REDIS, "--maxmemory-policy", "allkeys-lru") as server, not_reading(server) as client:
        client.config_set("maxmemory", "2mb")
        until(lambda: client.dbsize() == 0)
        with failing(lambda: client.set("more", "x")):
            found = judged(server, "memory")["eviction_behind"]
    assert found.severity is WARNING
    assert "no keys are left to evict" in found.detail


def test_keys_of_which_none_may_be_evicted() -> None:
    with running(REDIS, "--maxmemory-policy", "volatile-lru") as server, server.client() as client:
        client.set("item", "x" * 3_000_000)
        client.config_set("maxmemory", "2mb")
        with pytest.raises(redis.exceptions.OutOfMemoryError):
            client.set("more", "x")
        found = judged(server, "memory")
    assert found["full_no_expiry"].severity is CRITICAL
    assert "eviction_behind" not in found  # nothing is slow: nothing may go


def test_an_append_only_file_that_cannot_be_rewritten() -> None:
    with running(VALKEY, "--appendonly", "yes", unprivileged=True) as server, server.client() as client:
        client.set("a", "b")
        folders = [path for path in server.directory.iterdir() if path.is_dir()]
        for folder in (server.directory, *folders):
            folder.chmod(0o555)
        with contextlib.suppress(redis.RedisError):
            client.bgrewriteaof()
        until(lambda: client.info("persistence")["aof_last_bgrewrite_status"] == "err")
        client.set("a", "c")  # which goes on
        found = judged(server, "persistence")["rewrite_failing"]
        for folder in (server.directory, *folders):
            folder.chmod(0o755)
    assert found.severity is WARNING


def test_an_append_only_file_on_a_disk_that_is_full(tmp_path: Path) -> None:
    if os.geteuid() or not shutil.which("mount"):
        services.missing("root, for a small file system of our own")
    small = ["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(tmp_path)]
    if subprocess.run(small, capture_output=True, check=False).returncode:
        services.missing("the right to mount")
    try:
        with (
            running(REDIS, "--appendonly", "yes", "--dir", str(tmp_path)) as server,
            server.client() as client,
        ):
            with contextlib.suppress(redis.RedisError):
                for number in range(40):
                    client.set(f"item:{number}", "x" * 50_000)
            until(lambda: client.info("persistence")["aof_last_write_status"] == "err")
            found = judged(server, "persistence")["failing"]
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)
    assert (found.severity, found.data["what"]) == (CRITICAL, "append-only file")


def test_how_long_the_last_fork_took_is_known() -> None:
    with running(REDIS) as server, server.client() as client:
        client.bgsave()
        until(lambda: not client.info("persistence")["rdb_bgsave_in_progress"])
        evidence = collect(settings_for(server.url), only="redis.persistence")["redis.persistence"]
    (row,) = evidence.of(RedisPersistence)
    assert row.fork_seconds is not None
    assert row.fork_seconds > 0


def test_every_refusal_that_rises_is_told() -> None:
    with running(REDIS, "--min-replicas-to-write", "1", password="sesame") as server:
        with server.client() as admin:
            admin.execute_command("ACL", "SETUSER", "app", "on", ">sesame", "~cache:*", "+get")

        def wrong() -> None:
            with server.connection() as client:
                client.sendall(
                    b"GET a\r\nAUTH wrong\r\nAUTH sesame\r\nSET a b\r\nAUTH app sesame\r\nGET a\r\n"
                )
                client.recv(1000)

        with failing(wrong):
            found = judged(server, "errors")
    assert {found[name].severity for name in ("noreplicas", "noauth", "wrongpass", "noperm")} == {WARNING}


@pytest.mark.parametrize(
    ("options", "command", "told"),
    [
        (("--replicaof", "127.0.0.1", "1"), b"SET a b\r\n", "readonly_alone"),
        (("--cluster-enabled", "yes"), b"GET a\r\n", "clusterdown"),
    ],
)
def test_refusals_by_its_part(options: tuple[str, ...], command: bytes, told: str) -> None:
    with (
        running(VALKEY, *options) as server,
        server.connection() as client,
        failing(lambda: client.sendall(command)),
    ):
        found = judged(server, "errors")
    assert found[told].severity is WARNING


@pytest.fixture
def pair() -> Iterator[tuple[Server, Server]]:
    """Yield a primary and a replica that follows it."""
    with (
        running(VALKEY, *_SOON) as primary,
        running(VALKEY, "--replicaof", "127.0.0.1", str(primary.port)) as replica,
    ):
        until(lambda: follower(primary).get("state") == "online")
        yield primary, replica


def follower(primary: Server) -> dict[str, Any]:
    """Return what a primary says of its replica."""
    with primary.client() as client:
        return dict(client.info("replication").get("slave0", {}))


def test_a_replica_that_is_copied_to_again_and_again(pair: tuple[Server, Server]) -> None:
    primary, replica = pair
    with replica.client() as client:

        def begin_anew() -> None:
            client.replicaof("NO", "ONE")
            client.set("own", "1")
            client.replicaof("127.0.0.1", str(primary.port))
            time.sleep(0.3)

        with failing(begin_anew):
            found = judged(primary, "replication")
    assert found["full_sync"].severity is INFO


def test_a_replica_that_does_not_keep_up(pair: tuple[Server, Server]) -> None:
    primary, replica = pair
    replica.process.send_signal(signal.SIGSTOP)
    try:
        until(lambda: int(follower(primary)["lag"]) >= 2)
        found = judged(primary, "replication", {"redis.replica_lag.warning_seconds": 2})
    finally:
        replica.process.send_signal(signal.SIGCONT)
    assert found["replica_lag"].severity is WARNING


def test_clients_that_wait_for_work() -> None:
    with running(REDIS) as server, contextlib.ExitStack() as workers:
        for _ in range(12):
            worker = workers.enter_context(server.connection())
            worker.sendall(b"BLPOP queue 0\r\n")
        with server.client() as client:
            until(lambda: int(client.info("clients")["blocked_clients"]) == 12)
        found = judged(server, "clients")
    assert (found["blocked"].severity, found["blocked"].data["blocked_count"]) == (INFO, 12)
    assert "ok" in found

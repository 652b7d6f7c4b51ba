"""Replicas that take over, Sentinels and clusters: what one server can tell of them, and no more."""

import contextlib
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import redis

from incident_lib import clock
from incident_lib.correlation.changes import changes_since
from incident_lib.findings.base import Context
from incident_lib.model import Evidence, EvidenceStatus, Finding, FindingSeverity, Window
from incident_lib.technologies import comparers
from incident_lib.technologies.redis.findings import ANALYZERS
from incident_lib.technologies.redis.rows import RedisWatched
from tests.integration.redis_service import (
    Server,
    binary,
    collect,
    free_port,
    judge,
    kind,
    running,
    settings_for,
)

pytestmark = pytest.mark.redis
__all__ = ["kind"]
_PROBE = "redis.replication"
Snapshots = dict[int, dict[str, Evidence]]  # by the server's port


def until(condition: Callable[[], bool]) -> None:
    """Wait until `condition` holds, ten seconds at most."""
    deadline = clock.monotonic() + 10
    while not condition():
        assert clock.monotonic() < deadline
        time.sleep(0.02)


def follow(replica: Server, primary: Server) -> None:
    """Make `replica` one of `primary`, and wait for the link."""
    with replica.client() as client:
        client.replicaof("127.0.0.1", primary.port)
        until(lambda: client.info("replication")["master_link_status"] == "up")


@contextlib.contextmanager
def pair(kind: str) -> Iterator[tuple[Server, Server]]:
    """Yield a primary and its replica."""
    soon = ("--repl-diskless-sync-delay", "0")
    with running(kind, *soon) as primary, running(kind, *soon) as replica:
        follow(replica, primary)
        yield primary, replica


def test_a_failover_between_two_snapshots_is_an_event(kind: str) -> None:
    with pair(kind) as (one, other):
        before = {server.port: collect(settings_for(server.url), only=_PROBE) for server in (one, other)}
        assert not _failovers(before, one, before)
        with other.client() as client:
            client.replicaof("no", "one")
        follow(one, other)
        after = {server.port: collect(settings_for(server.url), only=_PROBE) for server in (one, other)}
    (lost,), (won,) = (_failovers(before, server, after) for server in (one, other))
    assert (lost.id, lost.severity) == ("redis.replication.failover", FindingSeverity.INFO)
    assert "it became a replica" in lost.title
    assert "it became a primary" in won.title
    assert won.data["replication_id"] == lost.data["replication_id"]


def _failovers(before: Snapshots, server: Server, after: Snapshots) -> list[Finding]:
    now = tuple(after[server.port].values())
    context = Context(window=Window(now[0].collected_at - timedelta(minutes=15), now[0].collected_at))
    earlier = before[server.port].values()
    return list(changes_since(earlier, now, context, comparers(), same_incident=True))


def test_a_failover_inside_the_window_is_an_event(kind: str) -> None:
    with pair(kind) as (_, other), running(kind, "--repl-diskless-sync-delay", "0") as third:
        follow(third, other)
        healthy = judge(collect(settings_for(other.url), only=_PROBE))
        with other.client() as client:
            client.replicaof("no", "one")
            until(lambda: client.info("replication")["connected_slaves"] == 1)
        short = judge_in(collect(settings_for(other.url), only=_PROBE), seconds=1.5)
    assert "redis.replication.failover" not in healthy
    assert "took over" in short["redis.replication.failover"].title


def judge_in(evidence: dict[str, Evidence], *, seconds: float) -> dict[str, Finding]:
    """Return the findings where only the last `seconds` are looked at."""
    context = Context(window=Window(clock.now() - timedelta(seconds=seconds), clock.now()))
    one = evidence[_PROBE]
    return {found.id: found for found in ANALYZERS[_PROBE](one, context)}


@contextlib.contextmanager
def sentinel(kind: str, primary: int, folder: Path) -> Iterator[str]:
    """Yield the address of a Sentinel that watches the server on port `primary`."""
    port = free_port()
    settings = folder / "sentinel.conf"
    settings.write_text(
        f"port {port}\nbind 127.0.0.1\ndir {folder}\nsentinel monitor orders 127.0.0.1 {primary} 1\n"
        "sentinel down-after-milliseconds orders 300\n"
    )
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([binary(kind), str(settings), "--sentinel"], stdout=log, stderr=log)
    try:
        with redis.Redis(port=port) as client:
            until(lambda: _answers(client))
            yield f"redis://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait(10)


def _answers(client: redis.Redis) -> bool:
    with contextlib.suppress(redis.RedisError):
        return bool(client.ping())
    return False


def test_a_sentinel_holds_nothing_and_tells_of_its_primary(kind: str, tmp_path: Path) -> None:
    with running(kind) as primary, sentinel(kind, primary.port, tmp_path) as url:
        evidence = collect(settings_for(url))
        found = judge(evidence)
        primary.process.kill()
        primary.process.wait(10)
        with redis.Redis.from_url(url) as client:
            until(lambda: client.info("sentinel")["master0"]["status"] == "odown")
        sick = judge(collect(settings_for(url), only=_PROBE))
    assert not [one for one in found.values() if one.severity.is_bad]
    assert evidence[_PROBE].of(RedisWatched)[0].status == "ok"
    assert "a Sentinel" in found["redis.replication.ok"].title
    for name in ("slowlog", "settings", "memory", "persistence", "keyspace"):
        assert evidence[f"redis.{name}"].status is EvidenceStatus.FAILED
        assert "holds no data" in found[f"redis.{name}.unknown"].title
    assert sick["redis.replication.primary_down"].severity is FindingSeverity.CRITICAL
    assert "redis.replication.ok" not in sick


def test_one_node_of_a_cluster_does_not_speak_for_the_others(kind: str) -> None:
    with running(kind, "--cluster-enabled", "yes") as server:
        with server.client() as client:
            client.execute_command("CLUSTER", "ADDSLOTS", *range(16384))
            until(lambda: client.execute_command("CLUSTER INFO")["cluster_state"] == "ok")
        evidence = collect(settings_for(server.url))
    found = judge(evidence)
    assert {one.status for one in evidence.values()} == {EvidenceStatus.COLLECTED}
    assert not [one for one in found.values() if one.severity.is_bad]
    assert "in a cluster that serves" in found["redis.replication.ok"].title
    assert "were not checked" in found["redis.replication.ok"].detail

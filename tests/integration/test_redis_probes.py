"""Sick servers, made so for real, and the findings about them."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial

import msgspec
import pytest
import redis

from incident_lib import clock
from incident_lib.errors import ProblemKind
from incident_lib.model import Evidence, EvidenceStatus, FindingSeverity
from incident_lib.technologies.redis.connect import open_session
from incident_lib.technologies.redis.connect.session import parse
from incident_lib.technologies.redis.probes import clients, keyspace
from incident_lib.technologies.redis.rows import (
    RedisClientGroup,
    RedisDenial,
    RedisErrorClass,
    RedisKeySample,
    RedisMemory,
    RedisSlowCommand,
)
from tests.integration.background import again_and_again
from tests.integration.redis_service import Server, collect, judge, kind, running, settings_for

pytestmark = pytest.mark.redis
__all__ = ["kind"]


@contextlib.contextmanager
def busy(server: Server, work: Callable[[redis.Redis], object]) -> Iterator[None]:
    """Do `work` again and again in the background, its errors being what is looked for."""
    expected = (redis.RedisError,)
    with server.client() as client, again_and_again(partial(work, client), pause=0.002, expected=expected):
        yield


def fill(client: redis.Redis, count: int, *, prefix: str = "item", size: int = 10) -> None:
    """Write `count` keys, in one go."""
    for start in range(0, count, 10_000):
        with client.pipeline(transaction=False) as pipe:
            for number in range(start, min(start + 10_000, count)):
                pipe.set(f"{prefix}:{number}", "x" * size)
            pipe.execute(raise_on_error=False)


def test_full_and_nothing_may_be_evicted(kind: str) -> None:
    with running(kind, "--maxmemory", "6mb", "--maxmemory-policy", "noeviction") as server:
        with server.client() as client:
            fill(client, 8_000, size=1000)
        with busy(server, lambda client: client.set("one:more", "x" * 5000)):
            found = judge(collect(settings_for(server.url)))
    full = found["redis.memory.full"]
    assert full.severity is FindingSeverity.CRITICAL
    assert float(full.data["used_ratio"] or 0) > 0.95
    assert found["redis.errors.oom"].severity is FindingSeverity.WARNING


def test_a_full_cache_is_no_fault_and_heavy_eviction_is(kind: str) -> None:
    with running(kind, "--maxmemory", "20mb", "--maxmemory-policy", "allkeys-lru") as server:
        with server.client() as client:
            fill(client, 25_000, size=1000)
        calm = judge(collect(settings_for(server.url), only="redis.memory"))

        def churn(client: redis.Redis) -> None:
            fill(client, 400, prefix=f"new:{clock.monotonic()}", size=1000)
            client.mget([f"absent:{number}" for number in range(50)])

        with busy(server, churn):
            found = judge(collect(settings_for(server.url), only="redis.memory"))
    assert "redis.memory.ok" in calm
    assert found["redis.memory.evictions"].severity is FindingSeverity.WARNING
    assert found["redis.memory.hit_ratio"].severity is FindingSeverity.WARNING


def test_without_maxmemory_the_limit_is_that_of_process_or_machine(kind: str) -> None:
    with running(kind) as server:
        own = collect(settings_for(server.url, memory_limit_bytes=4 * 1024 * 1024), only="redis.memory")
        machine = collect(settings_for(server.url), only="redis.memory")
    assert judge(own)["redis.memory.full_outside"].severity is FindingSeverity.CRITICAL
    assert machine["redis.memory"].of(RedisMemory)[0].limit_source == "machine"


def test_an_old_error_is_not_judged(kind: str) -> None:
    with running(kind, "--maxmemory", "1", "--maxmemory-policy", "noeviction") as server:
        with server.client() as client, contextlib.suppress(redis.RedisError):
            client.set("a", "b")
        evidence = collect(settings_for(server.url), only="redis.errors")
    row = next(row for row in evidence["redis.errors"].of(RedisErrorClass) if row.name == "OOM")
    assert (row.total_count, row.risen_count) == (1, 0)
    assert judge(evidence)["redis.errors.past"].severity is FindingSeverity.INFO


def test_dumps_fail_and_writes_are_refused(kind: str) -> None:
    with running(kind, "--save", "3600", "1000000", unprivileged=True) as server:
        with server.client() as client:
            client.set("a", "b")
            server.directory.chmod(0o555)
            client.bgsave()
            _until(lambda: client.info("persistence")["rdb_last_bgsave_status"] == "err")
        with busy(server, lambda client: client.set("a", "c")):
            found = judge(collect(settings_for(server.url)))
        server.directory.chmod(0o755)
    assert found["redis.persistence.failing"].severity is FindingSeverity.CRITICAL
    assert found["redis.errors.misconf"].severity is FindingSeverity.WARNING


def _until(condition: Callable[[], bool]) -> None:
    deadline = clock.monotonic() + 10
    while not condition():
        assert clock.monotonic() < deadline
        time.sleep(0.02)


def test_slow_log_keeps_no_data(kind: str) -> None:
    hostile = [
        (b"SET", b"user:4711:password=hunter2", b"hunter2"),
        (b"SET", b"\x00\xff\n\r\nbin", b"\xde\xad"),
        (b"HSET", b"session:eyJhbGciOi", b"token", b"hunter2"),
        (b"DEL", *(b"k:%d" % number for number in range(100))),
        (b"EVAL", b"return redis.call('GET', KEYS[1]) -- hunter2", b"1", b"order:99"),
        (b"CONFIG", b"SET", b"maxmemory-samples", b"5"),
    ]
    with running(kind, "--slowlog-log-slower-than", "0") as server:
        with server.client(client_name="importer") as client:
            for command in hostile:
                client.execute_command(*command)
        evidence = collect(settings_for(server.url), only="redis.slowlog")["redis.slowlog"]
    rows = {row.command: row for row in evidence.of(RedisSlowCommand)}
    shown = msgspec.json.encode(evidence).decode()
    assert "hunter2" not in shown
    assert "eyJ" not in shown
    assert {row.key_pattern for row in rows.values()} >= {"session:*", "k:*", "order:*", ""}
    assert rows["DEL"].argument_count == 100
    assert rows["CONFIG SET"].client == "importer"
    assert not [row for row in rows if row in {"INFO", "PING", "SLOWLOG LEN"}]  # ours


def test_one_command_holds_everybody_up(kind: str) -> None:
    with running(kind, "--slowlog-log-slower-than", "1000", "--latency-monitor-threshold", "1") as server:
        with server.client() as client:
            fill(client, 100_000)
        with busy(server, lambda client: client.eval("return #redis.call('KEYS', '*')", 0)):
            time.sleep(1.0)
            found = judge(collect(settings_for(server.url)))
    slow = found["redis.slowlog.slow"]
    assert slow.severity is FindingSeverity.WARNING
    assert slow.data["command"] == "EVAL"
    assert found["redis.commands.dominant"].data["command"] == "eval"
    assert "redis.commands.event.command" in found
    # However busy this machine is: the server's own count says that it ran commands all the time.
    assert found["redis.connection.latency"].severity is FindingSeverity.WARNING
    assert found["redis.connection.latency"].data["longest_command"] in {"eval", "keys"}


def test_slow_log_that_is_off_is_not_a_fast_server(kind: str) -> None:
    with running(kind, "--slowlog-log-slower-than", "-1") as server:
        evidence = collect(settings_for(server.url), only="redis.slowlog")
    assert evidence["redis.slowlog"].status is EvidenceStatus.PARTIAL
    assert "redis.slowlog.ok" not in judge(evidence)


def test_clients_near_the_limit_and_turned_away(kind: str) -> None:
    with running(kind, "--maxclients", "16") as server, contextlib.ExitStack() as stack:
        for _ in range(15):
            client = server.client(single_connection_client=True, client_name="leaky")
            stack.enter_context(client).ping()

        def knock(_client: redis.Redis) -> None:
            with server.client() as another:
                another.ping()

        settings = settings_for(server.url)
        evidence = collect_while(lambda: collect(settings, only="redis.clients"), lambda: knock(client))
    found = judge(evidence)
    assert found["redis.clients.high"].severity is FindingSeverity.WARNING
    assert found["redis.clients.rejected"].severity is FindingSeverity.WARNING
    assert found["redis.clients.one_address"].data["address"] == "127.0.0.1"
    groups = evidence["redis.clients"].of(RedisClientGroup)
    assert [(row.name, row.client_count) for row in groups] == [("leaky", 15)]


def test_a_long_list_of_clients_is_not_asked_for(kind: str) -> None:
    with running(kind) as server:
        settings = settings_for(server.url)
        session = open_session(settings, settings.services[0])
        listed, problem = clients._list(session, parse(f"connected_clients:{clients.LIST_LIMIT + 1}"))
        session.close()
        with server.client() as client:
            assert "cmdstat_client|list" not in client.info("commandstats")
    assert listed == []
    assert problem is not None
    assert problem.kind is ProblemKind.SKIPPED
    assert "there are 1,501, over 1,500" in problem.message


def collect_while(
    collecting: Callable[[], dict[str, Evidence]], work: Callable[[], object]
) -> dict[str, Evidence]:
    """Return what `collecting` returns, while `work` is done again and again once it has connected."""
    stop = threading.Event()

    def run() -> None:
        time.sleep(0.3)
        while not stop.is_set():
            with contextlib.suppress(redis.RedisError):
                work()
            time.sleep(0.02)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        return collecting()
    finally:
        stop.set()
        thread.join(10)


def test_replica_without_its_primary(kind: str) -> None:
    soon = ("--repl-diskless-sync-delay", "0")
    with running(kind, *soon) as primary, running(kind, "--replicaof", *_place(primary)) as replica:
        with replica.client() as client:
            _until(lambda: client.info("replication")["master_link_status"] == "up")
        both = [judge(collect(settings_for(one.url), only="redis.replication")) for one in (primary, replica)]
        assert all("redis.replication.ok" in found for found in both)
        primary.process.kill()
        primary.process.wait(10)
        with replica.client() as client:
            _until(lambda: client.info("replication")["master_link_status"] == "down")
            client.config_set("replica-serve-stale-data", "no")
        found = judge(collect(settings_for(replica.url)))
    assert found["redis.replication.link_down"].severity is FindingSeverity.CRITICAL
    assert "refuses reads" in found["redis.replication.link_down"].detail
    if not kind.startswith("redis-6"):  # which answers PING all the same
        assert found["redis.connection.master_down"].severity is FindingSeverity.CRITICAL


def _place(server: Server) -> tuple[str, str]:
    return "127.0.0.1", str(server.port)


def test_cluster_without_its_slots(kind: str) -> None:
    with running(kind, "--cluster-enabled", "yes") as server:
        found = judge(collect(settings_for(server.url), only="redis.replication"))
    assert found["redis.replication.cluster_down"].severity is FindingSeverity.CRITICAL


def test_refusals_by_the_access_rules(kind: str) -> None:
    with running(kind) as server:
        with server.client() as client:
            client.execute_command("ACL", "SETUSER", "app", "on", ">sesame", "~cache:*", "+get")
        with server.client(username="app", password="sesame") as client:
            for command in (["FLUSHALL"], ["GET", "secret:hunter2"]):
                with pytest.raises(redis.exceptions.NoPermissionError):
                    client.execute_command(*command)
        evidence = collect(settings_for(server.url), only="redis.acl")
    refused = {row.what for row in evidence["redis.acl"].of(RedisDenial)}
    assert {"FLUSHALL", "secret:*"} <= refused
    assert judge(evidence)["redis.acl.denied"].severity is FindingSeverity.WARNING
    assert "hunter2" not in repr(evidence)


def test_big_key(kind: str) -> None:
    with running(kind) as server, server.client() as client:
        fill(client, 100)
        client.rpush("queue:7", *["x" * 1000] * 3000)
        queue = judge(collect(settings_for(server.url), only="redis.keyspace"))["redis.keyspace.big_key"]
        client.hset("item:all", mapping={str(number): "x" * 1000 for number in range(4000)})
        big = judge(collect(settings_for(server.url), only="redis.keyspace"))["redis.keyspace.big_key"]
    assert (queue.severity, big.severity) == (FindingSeverity.INFO, FindingSeverity.WARNING)
    assert (queue.data["kind"], queue.data["pattern"]) == ("list", "queue:*")
    assert (big.data["kind"], big.data["pattern"]) == ("hash", "item:all")


def test_many_keys_are_sampled_without_being_felt(kind: str) -> None:
    with running(kind, "--slowlog-log-slower-than", "5000") as server:
        with server.client() as client:
            fill(client, 100_000)
            client.slowlog_reset()
            before = client.object("idletime", "item:5")
        for _ in range(5):  # a busy machine keeps the server from running in the middle of a quick command
            evidence = collect(settings_for(server.url))
            with server.client() as client:
                ours = [entry for entry in client.slowlog_get(128) if entry["duration"] > 10_000]
                client.slowlog_reset()
            if not ours:
                break
        with server.client() as client:
            assert client.object("idletime", "item:5") >= before
    assert ours == []
    sample = evidence["redis.keyspace"].of(RedisKeySample)[0]
    cut = evidence["redis.keyspace"].truncated
    assert 200 <= sample.sampled_count <= 10_200
    assert sample.seconds < keyspace.SAMPLE_SECONDS + 3  # it looks at the time after each step
    assert cut is not None
    assert (cut.kept, cut.total) == (sample.sampled_count, 100_000)

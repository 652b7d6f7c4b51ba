"""Looking adds no load to a server, and a healthy one under load raises no alarm."""

import contextlib
import random
import resource
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator

import pytest
import redis

from incident_lib import clock
from incident_lib.model import EvidenceStatus, Finding, ProblemKind
from incident_lib.technologies.redis.connect.commands import ALLOWED
from incident_lib.technologies.redis.connect.session import own_count
from incident_lib.technologies.redis.probes.clients import LIST_LIMIT
from tests import services
from tests.integration.redis_service import Server, collect, judge, kind, running, settings_for

pytestmark = pytest.mark.redis
__all__ = ["kind"]
_OWN = Counter({"|".join(words).lower(): 1 for words in ALLOWED})
_THE_TEST = {"config|resetstat", "slowlog|reset", "config", "slowlog"}
MANY_CLIENTS = 5_100


def test_nothing_but_the_documented_commands_in_one_connection(kind: str) -> None:
    with running(kind, "--slowlog-log-slower-than", "0") as server, server.client() as client:
        fill(client, 2_000)
        client.slowlog_reset()
        client.config_resetstat()
        before = client.info("stats")["total_connections_received"]
        seen = Counter[int]()
        with again_and_again(lambda: seen.update([client.info("clients")["connected_clients"]])):
            collect(settings_for(server.url))
        logged = {b" ".join(entry["command"].split()[:1]).decode() for entry in client.slowlog_get(128)}
        stats, after = client.info("commandstats"), client.info("stats")["total_connections_received"]
        changed = client.info("persistence")["rdb_changes_since_last_save"]
    counted = {name.removeprefix("cmdstat_") for name in stats} - _THE_TEST
    assert {name for name in counted if not own_count(_OWN, name)} == set()
    assert {name for name in logged if not own_count(_OWN, name.lower())} == set()
    assert after - before == 1
    assert max(seen) == 2  # ours and the test's
    assert changed == 2_000  # what the test wrote itself
    assert sum(one["calls"] for one in stats.values() if one) - sum(seen.values()) < 2_200  # a key is one


def fill(client: redis.Redis, count: int) -> None:
    """Write `count` keys of a kilobyte."""
    with client.pipeline(transaction=False) as pipe:
        for number in range(count):
            pipe.set(f"item:{number}", "x" * 1000)
        pipe.execute()


@contextlib.contextmanager
def again_and_again(*works: Callable[[], object]) -> Iterator[None]:
    """Do each of `works` in a thread of its own until the block ends."""
    stop = threading.Event()

    def run(work: Callable[[], object]) -> None:
        while not stop.is_set():
            with contextlib.suppress(redis.RedisError):
                work()
            time.sleep(0.03)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join(10)


def test_a_healthy_cache_and_its_replica_under_load_raise_no_alarm(kind: str) -> None:
    cache = ("--maxmemory", "20mb", "--maxmemory-policy", "allkeys-lru", "--latency-monitor-threshold", "100")
    with running(kind, *cache) as primary, running(kind) as replica, contextlib.ExitStack() as clients:
        with replica.client() as client:
            client.replicaof("127.0.0.1", primary.port)
        client, listener, *workers = (clients.enter_context(primary.client()) for _ in range(8))
        fill(client, 15_000)
        listener.pubsub().subscribe("news")
        consumers = [lambda worker=one: worker.blpop("jobs", timeout=1) for one in workers]
        with again_and_again(lambda: work(client), *consumers):
            until_online(client)
            found = [one for _ in range(2) for server in (primary, replica) for one in look(server)]
    assert [one.title for one in found if one.severity.is_bad] == []


def work(client: redis.Redis) -> None:
    """Do what an application does in a moment: mostly reads of what is there, a few writes that evict."""
    with client.pipeline(transaction=False) as pipe:
        for _ in range(3):
            pipe.set(f"item:{random.randrange(20_000)}", "x" * 1000)
        for _ in range(40):
            pipe.get(f"item:{random.randrange(11_000, 15_000)}")  # the newest, which nothing has evicted
        pipe.publish("news", "hello")
        pipe.rpush("jobs", "one")
        pipe.execute()


def until_online(client: redis.Redis) -> None:
    """Wait for the replica."""
    deadline = clock.monotonic() + 20
    while client.info("replication").get("slave0", {}).get("state") != "online":
        assert clock.monotonic() < deadline
        time.sleep(0.05)


def look(server: Server) -> list[Finding]:
    """Return the findings of one look."""
    return list(judge(collect(settings_for(server.url))).values())


def test_a_list_of_five_thousand_clients_is_not_asked_for() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = MANY_CLIENTS + 500
    if hard != resource.RLIM_INFINITY and hard < needed:
        services.missing(f"this process may open only {hard} files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, needed), hard))
    with running("redis", "--maxclients", str(2 * MANY_CLIENTS)) as server, contextlib.ExitStack() as many:
        for _ in range(MANY_CLIENTS):
            many.enter_context(server.connection())
        evidence = collect(settings_for(server.url), only="redis.clients")["redis.clients"]
        with server.client() as client:
            assert not [name for name in client.info("commandstats") if "client|list" in name]
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert evidence.status is EvidenceStatus.PARTIAL
    assert evidence.problem is not None
    assert evidence.problem.kind is ProblemKind.SKIPPED
    assert f"there are {MANY_CLIENTS + 1:,}, over {LIST_LIMIT:,}" in evidence.problem.message

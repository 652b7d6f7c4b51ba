"""Caches that are emptied while they run, and one that never finds much: real servers on both sides."""

import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from incident_lib.correlation.cache_stampede import judge_stampedes
from incident_lib.correlation.changes import changes_since
from incident_lib.findings.base import Context
from incident_lib.hypotheses import rank
from incident_lib.model import Evidence, Finding, Window
from incident_lib.technologies import catalogue, comparers
from tests.integration import postgres_triage, redis_service
from tests.integration.redis_service import kind, running
from tests.integration.test_redis_stampede import GRAPH, PATTERNS, Shop, database, fill, open_shop
from tests.unit.correlation.situations import judge_with

pytestmark = [pytest.mark.redis, pytest.mark.postgres]
__all__ = ["database", "kind"]
# Where other tests take the processors, a ping waits, and quick commands take long enough for the slow log.
OF_THE_MACHINE = frozenset({"redis.connection.latency", "redis.slowlog.slow"})
_STARTED = "redis.connection.restarted"  # all servers here are new, which is not what is told apart


def redis_look(shop: Shop) -> dict[str, Evidence]:
    return redis_service.collect(redis_service.settings_for(shop.cache.url))


def judged(shop: Shop, earlier: dict[str, Evidence]) -> list[Finding]:
    """Return what both servers tell at the same time, beside an earlier look at the cache."""
    with ThreadPoolExecutor(2) as pool:
        asked = pool.submit(postgres_triage.collect, shop.database.settings(), "saturation", "counters")
        cache = redis_look(shop)
        found = list(redis_service.judge(cache).values())
        found += [one for each in asked.result().values() for one in postgres_triage.judge(each)]
    now = tuple(cache.values())
    context = Context(window=Window(now[0].collected_at - timedelta(minutes=15), now[0].collected_at))
    told = changes_since(earlier.values(), now, context, comparers(), same_incident=True)
    found = [one for one in (*found, *told) if one.id != _STARTED]
    return judge_with(judge_stampedes, found, topology=GRAPH)


def named(found: list[Finding]) -> dict[str, Finding]:
    return {one.id: one for one in found}


@contextlib.contextmanager
def full_cache(kind: str) -> Iterator[redis_service.Server]:
    with running(kind, "--slowlog-log-slower-than", "1000000") as server:  # where no slow log helps
        fill(server)
        yield server


def test_a_flush_is_told_from_calm_and_loads_the_database(kind, database):
    with full_cache(kind) as cache, open_shop(database, cache) as shop:
        earlier = redis_look(shop)
        calm = named(judged(shop, earlier))
        with cache.client() as client:
            client.flushall(asynchronous=True)
        for _ in range(4):
            if "redis.memory.stampede" in (lost := named(judged(shop, earlier))):
                break
    assert not {"redis.memory.flushed", "redis.memory.keys_lost", "redis.memory.stampede"} & set(calm)
    assert {"redis.memory.flushed", "redis.memory.keys_lost"} <= set(lost)
    assert lost["redis.memory.stampede"].title.startswith("it was emptied, and the database db")
    first = rank(tuple(lost.values()), GRAPH, PATTERNS, catalogue())[0]
    assert (first.id, first.target) == ("cache-stampede", "cache")


def test_one_look_is_enough_for_a_flush_that_took_long(kind, database):
    with running(kind, "--slowlog-log-slower-than", "1000") as cache:
        fill(cache)
        with open_shop(database, cache) as shop:
            with cache.client() as client:
                client.execute_command("FLUSHALL", "SYNC")  # Valkey's plain one only unlinks
            for _ in range(4):
                if "redis.memory.stampede" in (lost := named(judged(shop, {}))):
                    break
    assert "FLUSHALL deleted its keys" in lost["redis.slowlog.flushed"].title
    assert lost["redis.memory.stampede"].data["began"] == "was emptied"


def test_a_cache_that_never_finds_much_is_no_stampede(kind, database):
    """Lookups miss and the database works hard, as on every other day; it was flushed once, before that."""
    with running(kind) as cache:
        with cache.client() as client:
            client.flushall()
        with open_shop(database, cache) as shop:
            for _ in range(4):
                found = named(judged(shop, redis_look(shop)))
                if {"redis.memory.hit_ratio", "postgres.counters.load"} <= set(found):
                    break
    assert {"redis.memory.hit_ratio", "postgres.counters.load"} <= set(found)
    assert {"redis.memory.flushed", "redis.memory.keys_lost", "redis.memory.stampede"}.isdisjoint(found)


def test_one_look_sees_a_slow_flush_a_quick_one_and_who_stayed(kind):
    with running(kind, "--slowlog-log-slower-than", "0") as cache:
        fill(cache)
        with cache.client(client_name="deploy") as client:
            client.flushall()
            found = redis_service.judge(redis_service.collect(redis_service.settings_for(cache.url)))
    assert "FLUSHALL deleted its keys" in found["redis.slowlog.flushed"].title
    assert found["redis.clients.flushed"].data["client"] == "deploy"
    assert not [name for name, one in found.items() if one.severity.is_bad and name not in OF_THE_MACHINE]
    assert "redis.memory.flushed" not in found

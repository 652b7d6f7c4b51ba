"""An application, its cache and its database, all real: a lost cache is told from a deploy that went well."""

import contextlib
import random
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import psycopg
import pytest
import redis

from incident_lib.correlation.cache_stampede import judge_stampedes
from incident_lib.hypotheses import parse_patterns, rank
from incident_lib.model import Finding
from incident_lib.model.topology import Topology
from incident_lib.resources import resource
from incident_lib.technologies import catalogue
from tests import services
from tests.integration import postgres_service, postgres_triage, redis_service
from tests.integration.postgres_service import Server
from tests.integration.redis_service import kind, running
from tests.unit.correlation.situations import judge_with

pytestmark = [pytest.mark.redis, pytest.mark.postgres]
__all__ = ["kind"]
GRAPH = Topology(
    kinds={"shop": "http", "db": "postgres", "cache": "redis"}, depends_on={"shop": ("db", "cache")}
)
PATTERNS = parse_patterns(resource("templates", "patterns.toml").read_text(encoding="utf-8"), "patterns.toml")
WORKERS = 60  # on a busy machine many of them are late
KEYS = 100_000  # more than they fill while the test runs
_QUERY = b"SELECT pg_sleep(0.25)"  # what the cache saves


@dataclass
class Shop:
    """Workers who look into the cache first, ask the database for what is not there, and keep the answer."""

    database: Server
    cache: redis_service.Server
    stop: threading.Event = field(default_factory=threading.Event)

    def work(self) -> None:
        with self.database.connect(application_name="shop") as connection:
            while not self.stop.is_set():
                with contextlib.suppress(redis.RedisError, OSError), self.cache.client() as client:
                    self._answer(client, connection)

    def _answer(self, client: redis.Redis, connection: psycopg.Connection) -> None:
        port = self.cache.port
        while self.cache.port == port and not self.stop.is_set():
            key = f"page:{random.randrange(KEYS)}"
            if client.get(key) is None:
                connection.execute(_QUERY)
                client.set(key, "x" * 100)
            else:
                time.sleep(0.05)

    def look(self) -> list[Finding]:
        """Return what both servers tell, at the same time, and what that means together."""
        with ThreadPoolExecutor(2) as pool:
            database = pool.submit(
                postgres_triage.collect, self.database.settings(), "saturation", "counters"
            )
            settings = redis_service.settings_for(self.cache.url)
            found = list(redis_service.judge(redis_service.collect(settings)).values())
            found += [one for each in database.result().values() for one in postgres_triage.judge(each)]
        return judge_with(judge_stampedes, found, topology=GRAPH)


def fill(server: redis_service.Server) -> None:
    """Put every answer into the cache."""
    with server.client() as client:
        for start in range(0, KEYS, 500):
            client.mset({f"page:{number}": "x" * 100 for number in range(start, start + 500)})


@pytest.fixture(scope="module")
def database() -> Iterator[Server]:
    """Yield a database with room for all workers."""
    if not postgres_service.INSTALLATIONS:
        services.missing("no PostgreSQL is installed here")
    with postgres_service.running(postgres_service.INSTALLATIONS[-1], max_connections=150) as server:
        yield server


@contextlib.contextmanager
def open_shop(database: Server, cache: redis_service.Server) -> Iterator[Shop]:
    """Yield a shop whose workers are at work."""
    shop = Shop(database, cache)
    threads = [threading.Thread(target=shop.work) for _ in range(WORKERS)]
    for thread in threads:
        thread.start()
    try:
        yield shop
    finally:
        shop.stop.set()
        for thread in threads:
            thread.join(20)


def ids(findings: list[Finding]) -> set[str]:
    """Return the ids of what is bad, and of the restart."""
    return {one.id for one in findings if one.severity.is_bad or one.id == "redis.connection.restarted"}


def test_a_lost_cache_is_told_from_a_deploy_that_went_well(kind: str, database: Server) -> None:
    with running(kind) as first:
        fill(first)
        with open_shop(database, first) as shop, running(kind) as second, running(kind) as empty:
            calm = ids(shop.look())
            fill(second)  # a deploy that takes its data along
            shop.cache = second
            deployed = ids(shop.look())
            shop.cache = empty
            for _ in range(4):
                if "redis.memory.stampede" in ids(lost := shop.look()):
                    break
    assert calm == {"redis.connection.restarted"}
    assert deployed == {"redis.connection.restarted"}
    assert "redis.memory.stampede" in ids(lost), ids(lost)
    ranked = rank(tuple(lost), GRAPH, PATTERNS, catalogue())
    assert (ranked[0].id, ranked[0].target) == ("cache-stampede", "cache")

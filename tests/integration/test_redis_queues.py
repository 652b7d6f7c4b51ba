"""What fills a server: work that nobody takes out, a cache, keys that never end; and queues that are well."""

import contextlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import redis

from incident_lib.config import Document, Service, Settings
from incident_lib.model import Finding, FindingSeverity
from incident_lib.model.remediation import Outcome, OutcomeStatus
from incident_lib.remediation import RefusedError, execute_plan, plan_change
from incident_lib.technologies.redis.rows import RedisStreamGroup
from tests.integration.background import again_and_again
from tests.integration.redis_service import Server, collect, deaf, judge, kind, ranked, running, settings_for
from tests.integration.remediation_case import declared

pytestmark = pytest.mark.redis
__all__ = ["kind"]
_FULL = ("--maxmemory", "12mb", "--maxmemory-policy")
_ACTION = "redis.delete_keys"


def configured(server: Server, root: Path) -> Settings:
    service = Service(name="cache", kind="redis", url=server.url)
    return Settings(document=Document(service=(service,)), root=root)


def plan(server: Server, root: Path, pattern: str, **arguments: str) -> Callable[[], Outcome]:
    """Return what executes the plan to delete keys of `pattern`."""
    settings = configured(server, root)
    folder = declared(settings)
    made = plan_change(settings, folder, _ACTION, "cache", {"pattern": pattern, **arguments})
    return lambda: execute_plan(settings, folder, made.id)


def seen(server: Server) -> dict[str, Finding]:
    return judge(collect(settings_for(server.url)))


def pushed(client: redis.Redis, name: str, size: int = 900) -> None:
    """Put work in until the server refuses it."""
    with contextlib.suppress(redis.RedisError):
        while True:
            client.rpush(name, *(b"%0*d" % (size, number) for number in range(200)))


def many(client: redis.Redis, pattern: str, count: int, **options: Any) -> None:
    with client.pipeline(transaction=False) as pipe:
        for number in range(count):
            pipe.set(pattern.format(number), b"x" * 900, **options)
        pipe.execute(raise_on_error=False)


def test_a_queue_that_fills_the_server_is_no_cache(kind: str, tmp_path: Path) -> None:
    with running(kind, *_FULL, "noeviction") as server, server.client() as client:
        many(client, "lock:{}", 100, ex=600)
        pushed(client, "queue:mailers")
        with again_and_again(
            partial(client.rpush, "queue:mailers", b"x"), pause=0.01, expected=(redis.RedisError,)
        ):
            found = seen(server)
        with pytest.raises(RefusedError, match="are of type list"):
            plan(server, tmp_path, "queue:*", allow="queue")
        kept = client.llen("queue:mailers")
    assert found["redis.keyspace.queue"].severity is FindingSeverity.CRITICAL
    assert found["redis.keyspace.queue"].data["pattern"] == "queue:mailers"
    first = ranked(found)[0]
    assert (first.id, "workers of queue:mailers" in first.first_action) == ("redis-queue-grows", True)
    assert not any(finding.actions for finding in found.values())
    assert kept


def test_a_cache_that_was_seen_is_proposed_and_helps(kind: str, tmp_path: Path) -> None:
    with running(kind, *_FULL, "noeviction") as server, server.client() as client:
        many(client, "page:{}", 15_000, ex=3600)
        found = seen(server)
        (action,) = found["redis.keyspace.caches"].actions
        done = plan(server, tmp_path, action.arguments["pattern"])()
        left = seen(server)
    assert action.arguments == {"pattern": "page:*"}
    assert done.status is OutcomeStatus.VERIFIED
    assert "redis.memory.full" not in left


def test_keys_that_may_exist_nowhere_else_are_not_proposed_and_not_deleted(kind: str, tmp_path: Path) -> None:
    with running(kind, *_FULL, "volatile-ttl") as server, server.client() as client:
        many(client, "report:{}", 15_000)
        found = seen(server)
        with pytest.raises(RefusedError, match="not a cache by its name"):
            plan(server, tmp_path, "report:*")
        plan(server, tmp_path, "report:*", allow="report")
    assert "volatile-ttl" in found["redis.memory.full_no_expiry"].title
    assert not any(finding.actions for finding in found.values())
    assert "expiry" in ranked(found)[0].first_action


def test_deleting_keys_is_refused_where_buffers_of_clients_take_the_memory(kind: str, tmp_path: Path) -> None:
    options = (*_FULL, "noeviction", "--client-output-buffer-limit", "pubsub 0 0 0")
    with running(kind, *options) as server, server.client() as client:
        many(client, "cache:{}", 1_000, ex=3600)
        execute = plan(server, tmp_path, "cache:*")
        with deaf(server, b"SUBSCRIBE states"):
            for _ in range(8):
                with client.pipeline(transaction=False) as pipe:
                    for _ in range(100):
                        pipe.publish("states", b"x" * 10_000)
                    pipe.execute(raise_on_error=False)
            found = seen(server)
            with pytest.raises(RefusedError, match="client buffers"):  # read again as it is executed
                execute()
        kept = client.exists("cache:1")
    assert ranked(found)[0].id == "redis-client-buffer"
    assert not any(finding.actions for finding in found.values())
    assert kept


def test_queues_of_ordinary_length_are_well(kind: str) -> None:
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(running(kind, "--maxmemory", "64mb", "--maxmemory-policy", "noeviction"))
        client, worker = stack.enter_context(server.client()), stack.enter_context(server.connection())
        worker.sendall(b"BRPOP celery other 0\r\n")
        many(client, "celery-task-meta-{}", 500, ex=86_400)
        client.lpush("queue:default", *(b"x" * 1_500 for _ in range(2_000)))  # Sidekiq
        client.zadd("schedule", {f"{number}" * 300: number for number in range(3_000)})
        for number in range(500):  # BullMQ
            client.hset(f"bull:mail:{number}", mapping={"data": b"x" * 900, "opts": b"{}"})
        client.rpush("bull:mail:wait", *range(500))
        for number in range(300):
            client.xadd("events", {"n": number, "body": b"x" * 4_000})
        found = seen(server)
    assert not [finding for finding in found.values() if finding.severity.is_bad]
    assert ranked(found) == ()


def read_by(client: redis.Redis, consumer: str, *, acknowledged: bool) -> None:
    while entries := client.xreadgroup("billing", consumer, {"events:orders": ">"}, count=1000):
        if acknowledged:
            client.xack("events:orders", "billing", *(name for name, _ in entries[0][1]))


def test_a_stream_that_was_worked_off_is_trimmed_and_needs_no_workers(kind: str) -> None:
    with running(kind, *_FULL, "noeviction") as server, server.client() as client:
        client.xgroup_create("events:orders", "billing", id="0", mkstream=True)
        with contextlib.suppress(redis.RedisError):
            while True:
                client.xadd("events:orders", {"text": "x" * 400})
        unread = seen(server)
        read_by(client, "worker-1", acknowledged=True)
        found = seen(server)
    assert unread["redis.keyspace.queue"].severity is FindingSeverity.CRITICAL
    assert "redis.keyspace.queue" not in found
    assert found["redis.keyspace.stream_kept"].severity is FindingSeverity.CRITICAL
    first = ranked(found)[0]
    assert (first.id, "XTRIM" in first.first_action) == ("redis-queue-grows", True)


def test_entries_that_a_consumer_took_and_left(kind: str) -> None:
    with running(kind) as server, server.client() as client:
        client.xgroup_create("events:orders", "billing", id="0", mkstream=True)
        for number in range(40):
            client.xadd("events:orders", {"order": number})
        read_by(client, "worker-1", acknowledged=False)
        assert "redis.keyspace.pending" not in seen(server)  # it may be at work
        taken = [
            entry["message_id"] for entry in client.xpending_range("events:orders", "billing", "-", "+", 40)
        ]
        client.xclaim("events:orders", "billing", "worker-1", 0, taken, idle=1_000_000)
        found = seen(server)
    pending = found["redis.keyspace.pending"]
    assert pending.severity is FindingSeverity.WARNING
    assert (pending.data["pending_count"], pending.data["consumer"]) == (40, "worker-1")
    first = ranked(found)[0]
    assert (first.id, "XAUTOCLAIM" in first.first_action) == ("redis-pending", True)


def test_a_stream_that_may_be_evicted_is_not_touched(kind: str) -> None:
    with (
        running(kind, "--maxmemory", "50mb", "--maxmemory-policy", "allkeys-lru") as server,
        server.client() as client,
    ):
        client.xgroup_create("events:orders", "billing", id="0", mkstream=True)
        evidence = collect(settings_for(server.url))["redis.keyspace"]
        called = client.info("commandstats")
    assert not evidence.of(RedisStreamGroup)
    assert not {"cmdstat_xlen", "cmdstat_xpending", "cmdstat_xinfo|groups"} & called.keys()

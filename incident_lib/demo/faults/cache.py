"""Faults of the cache: full, gone, blocked, without its disk, cold, alone."""

import json
import shutil
import signal
import time
from contextlib import suppress
from functools import partial

import redis

from incident_lib.demo.application.orders import RECOMMENDED, recommendation_key
from incident_lib.demo.faults.base import Fault
from incident_lib.demo.redis import HEALTHY_POLICY
from incident_lib.demo.stack import DemoStack

_FEW_CLIENTS = 40
_USUAL_CLIENTS = 10_000
_LOADED_KEYS = 20_000
_LOAD_DELAY_MICROSECONDS = 2000
_WARM_SECONDS = 3.0
_RESTART_SECONDS = 2.0
_PRODUCTS = 200
# Enough of them that what the cache answered takes the database a second each.
_IMPORT = """
    INSERT INTO orders (customer, status, total_cents, created_at)
    SELECT 'customer-' || number || ' of the old shop', 'paid', 100 + number % 9000,
           now() - interval '9 days' - number * interval '1 second'
    FROM generate_series(1, 60000) AS number
"""
_TAKE_BACK = (
    "SET session_replication_role = replica",  # nothing refers to the old orders
    "DELETE FROM orders WHERE customer LIKE '% of the old shop'",
    "VACUUM (ANALYZE) orders",
)


def _fill(stack: DemoStack) -> None:
    with stack.running.redis.client() as client:
        client.config_set("maxmemory-policy", "noeviction")
    stack.start_client("import", stack.redis_url, until="refused")


def _empty(stack: DemoStack) -> None:
    stack.end_client("import")
    with stack.running.redis.client() as client:
        client.config_set("maxmemory-policy", HEALTHY_POLICY)
        keys = list(client.scan_iter("session:*", count=1000))
        if keys:
            client.unlink(*keys)


def _rotate(stack: DemoStack) -> None:
    with stack.running.redis.client() as client:
        client.config_set("requirepass", stack.running.redis.password[::-1])
        client.client_kill_filter(_type="normal", skipme=True)


def _rotate_back(stack: DemoStack) -> None:
    server = stack.running.redis
    with redis.Redis(port=server.port, password=server.password[::-1], socket_timeout=2) as client:
        client.config_set("requirepass", server.password)


def _end_the_script(stack: DemoStack) -> None:
    stack.end_client("score")
    _start_again(stack)


def _take_clients(stack: DemoStack) -> None:
    with stack.running.redis.client() as client:
        client.config_set("maxclients", _FEW_CLIENTS)
    stack.start_client("subscribe", stack.redis_url, until="refused")


def _give_clients_back(stack: DemoStack) -> None:
    stack.end_client("subscribe")
    with stack.running.redis.client() as client:
        client.config_set("maxclients", _USUAL_CLIENTS)


def _lose_the_disk(stack: DemoStack) -> None:
    """Remove the folder that the cache saves to, as when a disk is unmounted under it."""
    with stack.running.redis.client() as client:
        client.config_set("save", "5 1")
        shutil.rmtree(stack.running.redis.folder)
        with suppress(redis.ResponseError):  # it has begun to save by itself: that fails as well
            client.bgsave()


def _start_again(stack: DemoStack) -> None:
    stack.running.processes.end("cache")
    shutil.rmtree(stack.running.redis.folder, ignore_errors=True)
    stack.running.redis.start()


def _stop_crawling(stack: DemoStack) -> None:
    stack.end_client("crawl")
    with stack.running.redis.client() as client:
        client.flushall()


def _load_slowly(stack: DemoStack) -> None:
    server = stack.running.redis
    with server.client() as client, client.pipeline(transaction=False) as batch:
        for number in range(_LOADED_KEYS):
            batch.set(f"session:{number}", "x" * 100)
        batch.execute()
        client.save()
    stack.running.processes.end("cache")
    server.spawn(
        "--key-load-delay", str(_LOAD_DELAY_MICROSECONDS), "--loading-process-events-interval-bytes", "1024"
    )


def _follow_a_dead_server(stack: DemoStack) -> None:
    with stack.running.redis.client() as client:
        client.replicaof("127.0.0.1", "1")


def _lead_again(stack: DemoStack) -> None:
    with stack.running.redis.client() as client:
        client.replicaof("NO", "ONE")


def _recommend(stack: DemoStack) -> None:
    """Switch recommendations on, which are dear to compute and were all computed in the night."""
    stack.running.postgres.administer(_IMPORT, "ANALYZE orders")
    (found,) = stack.running.postgres.first_row(RECOMMENDED.replace("%s", "1"))
    with stack.running.redis.client() as client:
        client.mset({recommendation_key(product): json.dumps([found]) for product in range(1, _PRODUCTS + 1)})
    stack.switch_on("recommendations")
    time.sleep(_WARM_SECONDS)


def _restart_the_cache(stack: DemoStack) -> None:
    _recommend(stack)
    stack.running.processes.end("cache", first=signal.SIGKILL)
    time.sleep(_RESTART_SECONDS)  # as long as it takes to start a container again
    stack.running.redis.start()


def _switch_off(stack: DemoStack) -> None:
    stack.switch_off()
    stack.running.postgres.administer(*_TAKE_BACK)


_fault = partial(Fault, target="cache")
FAULTS = (
    _fault(
        name="redis-full",
        title="The cache is full and refuses writes, as its policy was changed to evict nothing",
        hypothesis="redis-out-of-memory",
        settle_seconds=4.0,
        break_stack=_fill,
        mend_stack=_empty,
        in_suite=True,
    ),
    _fault(
        name="redis-down",
        title="The cache's process is killed",
        settle_seconds=3.0,
        break_stack=lambda stack: stack.running.processes.end("cache", first=signal.SIGKILL),
        mend_stack=lambda stack: stack.running.redis.start(),
        in_suite=True,
    ),
    _fault(
        name="redis-credentials",
        title="The cache's password was changed, and not in the application",
        settle_seconds=5.0,
        break_stack=_rotate,
        mend_stack=_rotate_back,
    ),
    _fault(
        name="redis-blocked",
        title="A scoring script keeps the cache's only thread for minutes",
        settle_seconds=8.0,
        break_stack=lambda stack: stack.start_client("score", stack.redis_url, until="begun"),
        mend_stack=_end_the_script,
    ),
    _fault(
        name="redis-clients",
        title="A notifier takes every connection that the cache accepts",
        settle_seconds=5.0,
        break_stack=_take_clients,
        mend_stack=_give_clients_back,
    ),
    _fault(
        name="redis-persistence",
        title="The folder that the cache saves to is gone, and it refuses writes",
        settle_seconds=5.0,
        break_stack=_lose_the_disk,
        mend_stack=_start_again,
        in_suite=True,
    ),
    _fault(
        name="redis-evictions",
        title="A page for each visit of a crawler is cached, and other keys are thrown out for it",
        settle_seconds=6.0,
        break_stack=lambda stack: stack.start_client("crawl", stack.redis_url, until="cached"),
        mend_stack=_stop_crawling,
    ),
    _fault(
        name="redis-loading",
        title="The cache was restarted and loads a large file before it answers",
        settle_seconds=4.0,
        break_stack=_load_slowly,
        mend_stack=_start_again,
    ),
    _fault(
        name="redis-replication",
        title="A failover made the cache a replica of a server that does not exist",
        settle_seconds=5.0,
        break_stack=_follow_a_dead_server,
        mend_stack=_lead_again,
    ),
    Fault(
        name="cache-stampede",
        title="The cache was restarted empty, and all users compute at once what it used to answer",
        target="cache",
        settle_seconds=6.0,
        break_stack=_restart_the_cache,
        mend_stack=_switch_off,
    ),
)

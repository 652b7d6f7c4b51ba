"""Faults of the cache's server: logins, scripts, clients, saving, evictions, loading, replication."""

import shutil
from functools import partial

import redis

from incident_lib.demo.faults.base import Fault
from incident_lib.demo.stack import DemoStack

_FEW_CLIENTS = 40
_USUAL_CLIENTS = 10_000
_LOADED_KEYS = 20_000
_LOAD_DELAY_MICROSECONDS = 2000


def _rotate(stack: DemoStack) -> None:
    with stack.running.redis.client() as client:
        client.config_set("requirepass", stack.running.redis.password[::-1])
        client.client_kill_filter(_type="normal", skipme=True)


def _rotate_back(stack: DemoStack) -> None:
    server = stack.running.redis
    with redis.Redis(port=server.port, password=server.password[::-1], socket_timeout=2) as client:
        client.config_set("requirepass", server.password)


def _run_a_script(stack: DemoStack) -> None:
    stack.start_client("score", stack.redis_url, until="begun")


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
        client.bgsave()


def _start_again(stack: DemoStack) -> None:
    stack.running.processes.end("cache")
    shutil.rmtree(stack.running.redis.folder, ignore_errors=True)
    stack.running.redis.start()


def _crawl(stack: DemoStack) -> None:
    stack.start_client("crawl", stack.redis_url, until="cached")


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


_fault = partial(Fault, target="cache")

FAULTS = (
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
        break_stack=_run_a_script,
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
        break_stack=_crawl,
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
)

"""Faults of the cache: full, and gone."""

import signal
from functools import partial

from incident_lib.demo.faults.base import Fault
from incident_lib.demo.redis import HEALTHY_POLICY
from incident_lib.demo.stack import DemoStack


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


def _kill(stack: DemoStack) -> None:
    stack.running.processes.end("cache", first=signal.SIGKILL)


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
        break_stack=_kill,
        mend_stack=lambda stack: stack.running.redis.start(),
        in_suite=True,
    ),
)

"""A fault of a cache that lost what it kept: all users ask the database for it at once."""

import json
import signal
import time

from incident_lib.demo.application.orders import RECOMMENDED, recommendation_key
from incident_lib.demo.faults.base import Fault
from incident_lib.demo.stack import DemoStack

_WARM_SECONDS = 3.0
_RESTART_SECONDS = 2.0
_PRODUCTS = 200


def _recommend(stack: DemoStack) -> None:
    """Switch recommendations on, which are dear to compute and were all computed in the night."""
    (found,) = stack.running.postgres.ask(RECOMMENDED.replace("%s", "1"))
    with stack.running.redis.client() as client:
        client.mset({recommendation_key(product): json.dumps([found]) for product in range(1, _PRODUCTS + 1)})
    stack.running.layout.write_features(recommendations=True)
    time.sleep(_WARM_SECONDS)


def _restart_the_cache(stack: DemoStack) -> None:
    _recommend(stack)
    stack.running.processes.end("cache", first=signal.SIGKILL)
    time.sleep(_RESTART_SECONDS)  # as long as it takes to start a container again
    stack.running.redis.start()


FAULTS = (
    Fault(
        name="cache-stampede",
        title="The cache was restarted empty, and all users compute at once what it used to answer",
        hypothesis="cache-stampede",
        target="cache",
        settle_seconds=6.0,
        break_stack=_restart_the_cache,
        mend_stack=lambda stack: stack.running.layout.write_features(),
    ),
)

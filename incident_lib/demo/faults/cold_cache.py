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


def _recommend(stack: DemoStack) -> None:
    """Switch recommendations on, which are dear to compute and were all computed in the night."""
    stack.running.postgres.administer(_IMPORT, "ANALYZE orders")
    (found,) = stack.running.postgres.ask(RECOMMENDED.replace("%s", "1"))
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


FAULTS = (
    Fault(
        name="cache-stampede",
        title="The cache was restarted empty, and all users compute at once what it used to answer",
        target="cache",
        settle_seconds=6.0,
        break_stack=_restart_the_cache,
        mend_stack=_switch_off,
    ),
)

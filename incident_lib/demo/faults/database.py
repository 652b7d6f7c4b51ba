"""Faults of the database: locks, connections, the server itself."""

from functools import partial

from incident_lib.demo.faults.base import Fault
from incident_lib.demo.stack import DemoStack


def _hold_locks(stack: DemoStack) -> None:
    stack.start_client("reprice", stack.app_dsn, until="prices changed")


def _take_connections(stack: DemoStack) -> None:
    dsn = stack.running.postgres.dsn("reporting")
    stack.start_client("export", dsn, until="refused")


_fault = partial(Fault, target="db")

FAULTS = (
    _fault(
        name="lock-contention",
        title="A job changes all prices in one long transaction, and buyers wait for its row locks",
        settle_seconds=6.0,
        break_stack=_hold_locks,
        mend_stack=lambda stack: stack.end_client("reprice"),
        in_suite=True,
    ),
    _fault(
        name="db-connections-exhausted",
        title="A nightly export opens connections until the database has none left",
        settle_seconds=4.0,
        break_stack=_take_connections,
        mend_stack=lambda stack: stack.end_client("export"),
        in_suite=True,
    ),
    _fault(
        name="db-down",
        title="The database server is shut down",
        settle_seconds=5.0,
        break_stack=lambda stack: stack.running.postgres.stop(),
        mend_stack=lambda stack: stack.running.postgres.start(),
        in_suite=True,
    ),
)

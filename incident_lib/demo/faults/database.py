"""Faults of the database: locks, connections, the server itself."""

from incident_lib.demo.faults.base import Fault
from incident_lib.demo.services import start_client
from incident_lib.demo.stack import DemoStack


def _hold_locks(stack: DemoStack) -> None:
    start_client(stack.running.processes, "reprice", stack.app_dsn, until="prices changed")


def _take_connections(stack: DemoStack) -> None:
    dsn = stack.running.postgres.dsn("reporting")
    start_client(stack.running.processes, "export", dsn, until="refused")


FAULTS = (
    Fault(
        name="lock-contention",
        title="A job changes all prices in one long transaction, and buyers wait for its row locks",
        hypothesis="lock-contention",
        target="db",
        settle_seconds=6.0,
        break_stack=_hold_locks,
        mend_stack=lambda stack: stack.running.processes.end("reprice"),
        in_suite=True,
    ),
    Fault(
        name="db-connections-exhausted",
        title="A nightly export opens connections until the database has none left",
        hypothesis="db-connections-exhausted",
        target="db",
        settle_seconds=4.0,
        break_stack=_take_connections,
        mend_stack=lambda stack: stack.running.processes.end("export"),
        in_suite=True,
    ),
    Fault(
        name="db-down",
        title="The database server is shut down",
        hypothesis="db-down",
        target="db",
        settle_seconds=5.0,
        break_stack=lambda stack: stack.running.postgres.stop(),
        mend_stack=lambda stack: stack.running.postgres.start(),
        in_suite=True,
    ),
)

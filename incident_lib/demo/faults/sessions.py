"""Faults of the database that sessions cause: migrations, audits, reports, deadlocks, logins."""

import os
import signal
from functools import partial

from incident_lib.demo.faults.base import Fault
from incident_lib.demo.stack import DemoStack

_END_SESSIONS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'app'"
_END_REPORT = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'yearly-report'"
)
_A_BACKEND = "SELECT pid FROM pg_stat_activity WHERE application_name = 'shop-backend' LIMIT 1"


def _migrate(stack: DemoStack) -> None:
    stack.start_client("migrate", stack.postgres_dsn, until="migration waits")


def _audit(stack: DemoStack) -> None:
    stack.start_client("audit", stack.running.postgres.dsn("reporting"), until="read")


def _report(stack: DemoStack) -> None:
    dsn = stack.running.postgres.dsn("reporting")
    stack.start_client("yearly-report", dsn, until="begun")


def _end_report(stack: DemoStack) -> None:
    stack.end_client("yearly-report")
    stack.running.postgres.administer(_END_REPORT)


def _take_stock(stack: DemoStack) -> None:
    stack.start_client("stocktake", stack.app_dsn, until="failed")


def _kill_a_backend(stack: DemoStack) -> None:
    """Kill one server process, as the kernel does when memory is short: PostgreSQL restarts all of them."""
    (pid,) = stack.running.postgres.ask(_A_BACKEND)
    os.kill(int(pid), signal.SIGKILL)


def _rotate(stack: DemoStack) -> None:
    fresh = stack.running.postgres.passwords["app"][::-1]
    stack.running.postgres.administer(f"ALTER ROLE app PASSWORD '{fresh}'", _END_SESSIONS)


def _rotate_back(stack: DemoStack) -> None:
    password = stack.running.postgres.passwords["app"]
    stack.running.postgres.administer(f"ALTER ROLE app PASSWORD '{password}'")


def _forbid_writes(stack: DemoStack) -> None:
    stack.running.postgres.administer("ALTER ROLE app SET default_transaction_read_only = on", _END_SESSIONS)


def _allow_writes(stack: DemoStack) -> None:
    stack.running.postgres.administer("ALTER ROLE app RESET default_transaction_read_only", _END_SESSIONS)


_fault = partial(Fault, target="db")

FAULTS = (
    _fault(
        name="ddl-queue",
        title="A migration waits for an audit's open transaction, and buyers wait behind the migration",
        settle_seconds=6.0,
        break_stack=_migrate,
        mend_stack=lambda stack: stack.end_client("migrate"),
        in_suite=True,
    ),
    _fault(
        name="idle-in-transaction",
        title="An audit has read and left its transaction open for over a minute",
        settle_seconds=64.0,
        break_stack=_audit,
        mend_stack=lambda stack: stack.end_client("audit"),
    ),
    _fault(
        name="long-query",
        title="A report compares every sale with every other one, for over a minute",
        settle_seconds=64.0,
        break_stack=_report,
        mend_stack=_end_report,
    ),
    _fault(
        name="deadlocks",
        title="Two workers of a stocktake take the same products in opposite orders",
        settle_seconds=6.0,
        break_stack=_take_stock,
        mend_stack=lambda stack: stack.end_client("stocktake"),
    ),
    _fault(
        name="db-restarted",
        title="One of the database's processes is killed, so that the server recovers and all sessions end",
        settle_seconds=4.0,
        break_stack=_kill_a_backend,
        mend_stack=lambda _: None,
    ),
    _fault(
        name="db-credentials",
        title="The application's password was changed in the database, and not in the application",
        settle_seconds=6.0,
        break_stack=_rotate,
        mend_stack=_rotate_back,
        in_suite=True,
    ),
    _fault(
        name="db-read-only",
        title="The application's role was made read-only for a copy, and stayed so",
        settle_seconds=6.0,
        break_stack=_forbid_writes,
        mend_stack=_allow_writes,
    ),
)

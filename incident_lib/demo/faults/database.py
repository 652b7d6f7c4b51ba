"""Faults of the database: its server, sessions, indexes, upkeep, and what stands next to it."""

import os
import signal
from functools import partial

from incident_lib.demo import tablespace
from incident_lib.demo.faults.base import Fault
from incident_lib.demo.stack import DemoStack
from incident_lib.demo.standby import Standby, why_no_standby

_END_SESSIONS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'app'"
_END_REPORT = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'yearly-report'"
)
_A_BACKEND = "SELECT pid FROM pg_stat_activity WHERE application_name = 'shop-backend' LIMIT 1"
_IMPORT = """
    INSERT INTO orders (customer, status, total_cents, created_at)
    SELECT 'customer-' || number || ' of 12 Station Road, 12345 Springfield, second floor, third door',
           'paid', 1000, now() - interval '9 days' - number * interval '1 second'
    FROM generate_series(1, 400000) AS number
"""
_TAKE_BACK = "DELETE FROM orders WHERE customer LIKE '% of 12 Station Road,%'"
_RELOAD = "SELECT pg_reload_conf()"
_SWITCH = "SELECT pg_switch_wal()"
_WRITE = "SELECT pg_logical_emit_message(false, 'filler', repeat('x', 1000000)) FROM generate_series(1, 20)"


def _end_report(stack: DemoStack) -> None:
    stack.end_client("yearly-report")
    stack.running.postgres.administer(_END_REPORT)


def _kill_a_backend(stack: DemoStack) -> None:
    """Kill one server process, as the kernel does when memory is short: PostgreSQL restarts all of them."""
    (pid,) = stack.running.postgres.first_row(_A_BACKEND)
    os.kill(int(pid), signal.SIGKILL)


def _rotate(stack: DemoStack) -> None:
    fresh = stack.running.postgres.passwords["app"][::-1]
    stack.running.postgres.administer(f"ALTER ROLE app PASSWORD '{fresh}'", _END_SESSIONS)


def _rotate_back(stack: DemoStack) -> None:
    password = stack.running.postgres.passwords["app"]
    stack.running.postgres.administer(f"ALTER ROLE app PASSWORD '{password}'")


def _import_old_orders(stack: DemoStack) -> None:
    """Import old orders without the index that slows an import down, and forget to make it again."""
    stack.running.postgres.administer(
        "DROP INDEX orders_search",
        _IMPORT,
        "ANALYZE orders",
    )


def _lose_the_archive(stack: DemoStack) -> None:
    command = f"cp %p {stack.running.postgres.data}/archive/%f"
    stack.running.postgres.administer(
        f"ALTER SYSTEM SET archive_command = '{command}'", _RELOAD, "SELECT pg_sleep(0.5)", _WRITE, _SWITCH
    )


def _abandon_a_slot(stack: DemoStack) -> None:
    fill = (_WRITE, _SWITCH) * 4
    stack.running.postgres.administer(
        "SELECT pg_create_physical_replication_slot('standby_2', true)",
        "ALTER SYSTEM SET max_slot_wal_keep_size = '32MB'",
        _RELOAD,
        *fill,
        "CHECKPOINT",
    )


def _end_the_sequence(stack: DemoStack) -> None:
    (last,) = stack.running.postgres.first_row("SELECT last_value FROM orders_id_seq")
    stack.running.postgres.administer(f"ALTER SEQUENCE orders_id_seq MAXVALUE {int(last) + 10}")


def _backfill(stack: DemoStack) -> None:
    stack.running.postgres.administer(
        "CREATE TABLE price_history (id bigint, product_id bigint, note text)",
        "ALTER SYSTEM SET max_wal_size = '32MB'",
        _RELOAD,
    )
    stack.start_client("backfill", stack.postgres_dsn, until="written")


def _stop_backfill(stack: DemoStack) -> None:
    stack.end_client("backfill")
    stack.running.postgres.administer(
        "ALTER SYSTEM RESET max_wal_size", _RELOAD, "DROP TABLE IF EXISTS price_history"
    )


def _pause_the_standby(stack: DemoStack) -> None:
    standby = Standby(stack.running.postgres)
    standby.start()
    standby.pause()


_fault = partial(Fault, target="db")
FAULTS = (
    _fault(
        name="lock-contention",
        title="A job changes all prices in one long transaction, and buyers wait for its row locks",
        settle_seconds=6.0,
        break_stack=lambda stack: stack.start_client("reprice", stack.app_dsn, until="prices changed"),
        mend_stack=lambda stack: stack.end_client("reprice"),
        in_suite=True,
    ),
    _fault(
        name="db-connections-exhausted",
        title="A nightly export opens connections until the database has none left",
        settle_seconds=4.0,
        break_stack=lambda stack: stack.start_client(
            "export", stack.running.postgres.dsn("reporting"), until="refused"
        ),
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
    _fault(
        name="ddl-queue",
        title="A migration waits for an audit's open transaction, and buyers wait behind the migration",
        settle_seconds=6.0,
        break_stack=lambda stack: stack.start_client("migrate", stack.postgres_dsn, until="migration waits"),
        mend_stack=lambda stack: stack.end_client("migrate"),
        in_suite=True,
    ),
    _fault(
        name="idle-in-transaction",
        title="An audit has read and left its transaction open for over a minute",
        settle_seconds=64.0,
        break_stack=lambda stack: stack.start_client(
            "audit", stack.running.postgres.dsn("reporting"), until="read"
        ),
        mend_stack=lambda stack: stack.end_client("audit"),
    ),
    _fault(
        name="long-query",
        title="A report compares every sale with every other one, for over a minute",
        settle_seconds=64.0,
        break_stack=lambda stack: stack.start_client(
            "yearly-report", stack.running.postgres.dsn("reporting"), until="begun"
        ),
        mend_stack=_end_report,
    ),
    _fault(
        name="deadlocks",
        title="Two workers of a stocktake take the same products in opposite orders",
        settle_seconds=6.0,
        break_stack=lambda stack: stack.start_client("stocktake", stack.app_dsn, until="failed"),
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
        break_stack=lambda stack: stack.running.postgres.administer(
            "ALTER ROLE app SET default_transaction_read_only = on", _END_SESSIONS
        ),
        mend_stack=lambda stack: stack.running.postgres.administer(
            "ALTER ROLE app RESET default_transaction_read_only", _END_SESSIONS
        ),
    ),
    Fault(
        name="slow-statement",
        title="The index behind the search was dropped for an import of old orders, and not made again",
        target="db",
        settle_seconds=10.0,
        break_stack=_import_old_orders,
        mend_stack=lambda stack: stack.running.postgres.administer(
            "SET session_replication_role = replica",  # nothing refers to the old orders
            _TAKE_BACK,
            "VACUUM (ANALYZE) orders",
            "CREATE INDEX orders_search ON orders USING gin (to_tsvector('simple', customer))",
        ),
    ),
    _fault(
        name="wal-archiving",
        title="The folder that the write-ahead log is archived in is gone",
        settle_seconds=8.0,
        break_stack=_lose_the_archive,
        mend_stack=lambda stack: stack.running.postgres.administer(
            "ALTER SYSTEM RESET archive_command", _RELOAD, _WRITE, _SWITCH
        ),
    ),
    _fault(
        name="replication-slot",
        title="The slot of a standby that never came back has lost the write-ahead log it needs",
        settle_seconds=3.0,
        break_stack=_abandon_a_slot,
        mend_stack=lambda stack: stack.running.postgres.administer(
            "SELECT pg_drop_replication_slot('standby_2')",
            "ALTER SYSTEM RESET max_slot_wal_keep_size",
            _RELOAD,
        ),
    ),
    _fault(
        name="sequence-exhausted",
        title="The sequence that numbers orders has reached its limit",
        settle_seconds=8.0,
        break_stack=_end_the_sequence,
        mend_stack=lambda stack: stack.running.postgres.administer(
            "ALTER SEQUENCE orders_id_seq NO MAXVALUE"
        ),
    ),
    _fault(
        name="autovacuum-behind",
        title="Autovacuum was switched off for the orders before a bulk change, and not on again",
        settle_seconds=4.0,
        break_stack=lambda stack: stack.running.postgres.administer(
            "ALTER TABLE orders SET (autovacuum_enabled = off)", "UPDATE orders SET customer = customer"
        ),
        mend_stack=lambda stack: stack.running.postgres.administer(
            "ALTER TABLE orders RESET (autovacuum_enabled)", "VACUUM (ANALYZE) orders"
        ),
    ),
    _fault(
        name="checkpoint-pressure",
        title="A bulk load writes far more than the small write-ahead log was made for",
        settle_seconds=10.0,
        break_stack=_backfill,
        mend_stack=_stop_backfill,
    ),
    _fault(
        name="replication-lag",
        title="A standby receives what the database writes, and its replay was paused for a report",
        settle_seconds=10.0,
        break_stack=_pause_the_standby,
        mend_stack=lambda stack: Standby(stack.running.postgres).stop(),
        why_not=why_no_standby,
    ),
    _fault(
        name="db-disk-full",
        title="The small disk that the orders were moved to is full of an audit log",
        settle_seconds=12.0,
        break_stack=lambda stack: tablespace.fill(stack.running.postgres),
        mend_stack=lambda stack: tablespace.empty(stack.running.postgres),
        why_not=tablespace.why_no_disk,
    ),
)

"""Faults of the database's upkeep: archiving, slots, sequences, cleanup, checkpoints."""

from functools import partial

from incident_lib.demo.faults.base import Fault
from incident_lib.demo.stack import DemoStack

_RELOAD = "SELECT pg_reload_conf()"
_SWITCH = "SELECT pg_switch_wal()"
_WRITE = "SELECT pg_logical_emit_message(false, 'filler', repeat('x', 1000000)) FROM generate_series(1, 20)"


def _lose_the_archive(stack: DemoStack) -> None:
    command = f"cp %p {stack.running.postgres.data}/archive/%f"
    stack.running.postgres.administer(
        f"ALTER SYSTEM SET archive_command = '{command}'", _RELOAD, "SELECT pg_sleep(0.5)", _WRITE, _SWITCH
    )


def _archive_again(stack: DemoStack) -> None:
    stack.running.postgres.administer("ALTER SYSTEM RESET archive_command", _RELOAD, _WRITE, _SWITCH)


def _abandon_a_slot(stack: DemoStack) -> None:
    fill = (_WRITE, _SWITCH) * 4
    stack.running.postgres.administer(
        "SELECT pg_create_physical_replication_slot('standby_2', true)",
        "ALTER SYSTEM SET max_slot_wal_keep_size = '32MB'",
        _RELOAD,
        *fill,
        "CHECKPOINT",
    )


def _drop_the_slot(stack: DemoStack) -> None:
    stack.running.postgres.administer(
        "SELECT pg_drop_replication_slot('standby_2')",
        "ALTER SYSTEM RESET max_slot_wal_keep_size",
        _RELOAD,
    )


def _end_the_sequence(stack: DemoStack) -> None:
    (last,) = stack.running.postgres.ask("SELECT last_value FROM orders_id_seq")
    stack.running.postgres.administer(f"ALTER SEQUENCE orders_id_seq MAXVALUE {int(last) + 10}")


def _leave_dead_rows(stack: DemoStack) -> None:
    stack.running.postgres.administer(
        "ALTER TABLE orders SET (autovacuum_enabled = off)",
        "UPDATE orders SET customer = customer",
    )


def _clean_up(stack: DemoStack) -> None:
    stack.running.postgres.administer(
        "ALTER TABLE orders RESET (autovacuum_enabled)", "VACUUM (ANALYZE) orders"
    )


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


_fault = partial(Fault, target="db")

FAULTS = (
    _fault(
        name="wal-archiving",
        title="The folder that the write-ahead log is archived in is gone",
        settle_seconds=8.0,
        break_stack=_lose_the_archive,
        mend_stack=_archive_again,
    ),
    _fault(
        name="replication-slot",
        title="The slot of a standby that never came back has lost the write-ahead log it needs",
        settle_seconds=3.0,
        break_stack=_abandon_a_slot,
        mend_stack=_drop_the_slot,
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
        break_stack=_leave_dead_rows,
        mend_stack=_clean_up,
    ),
    _fault(
        name="checkpoint-pressure",
        title="A bulk load writes far more than the small write-ahead log was made for",
        settle_seconds=10.0,
        break_stack=_backfill,
        mend_stack=_stop_backfill,
    ),
)

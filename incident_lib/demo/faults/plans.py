"""Faults of how the database finds things: an index that is gone."""

from incident_lib.demo.faults.base import Fault
from incident_lib.demo.stack import DemoStack

_IMPORT = """
    INSERT INTO orders (customer, status, total_cents, created_at)
    SELECT 'customer-' || number || ' of 12 Station Road, 12345 Springfield, second floor, third door',
           'paid', 1000, now() - interval '9 days' - number * interval '1 second'
    FROM generate_series(1, 400000) AS number
"""
_TAKE_BACK = "DELETE FROM orders WHERE customer LIKE '% of 12 Station Road,%'"


def _import_old_orders(stack: DemoStack) -> None:
    """Import old orders without the index that slows an import down, and forget to make it again."""
    stack.running.postgres.administer(
        "DROP INDEX orders_search",
        _IMPORT,
        "ANALYZE orders",
    )


def _index_again(stack: DemoStack) -> None:
    stack.running.postgres.administer(
        "SET session_replication_role = replica",  # nothing refers to the old orders
        _TAKE_BACK,
        "VACUUM (ANALYZE) orders",
        "CREATE INDEX orders_search ON orders USING gin (to_tsvector('simple', customer))",
    )


FAULTS = (
    Fault(
        name="slow-statement",
        title="The index behind the search was dropped for an import of old orders, and not made again",
        target="db",
        settle_seconds=10.0,
        break_stack=_import_old_orders,
        mend_stack=_index_again,
    ),
)

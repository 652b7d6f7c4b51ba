"""Events of servers, and lines that only seem to report any."""

import pytest

from incident_lib.technologies.logs.probes.events import ServerEvent, event_of, server_events


@pytest.mark.parametrize(
    "message",
    [
        "statement: ALTER TABLE orders ADD COLUMN note text",
        "statement: create index concurrently orders_by_day on orders (day)",
        "statement: /* 0007 */ CREATE UNIQUE INDEX a ON b (c)",
        "statement: -- step 2\n  DROP TABLE old_orders",
        "duration: 12.345 ms  statement: CREATE OR REPLACE VIEW v AS SELECT 1",
        "execute <unnamed>: ALTER TABLE orders DROP COLUMN note",
        "execute asyncpg_1: CREATE MATERIALIZED VIEW v AS SELECT 1",
        "Running upgrade 1975ea83b712 -> ae1027a6acf, Add a column",
        "Running upgrade  -> 1975ea83b712, first",
        "  Applying shop.0002_order_note... OK",
        'Migrating schema "public" to version "2 - orders"',
        "ChangeSet db/changelog.xml::1::ann ran successfully in 12ms",
        "== 20260115143000 AddNoteToOrders: migrating ====",
        "Applying migration `20260115143000_orders`",
    ],
)
def test_changes(message: str) -> None:
    assert event_of(message) == "schema_change"


@pytest.mark.parametrize(
    "message",
    [
        "statement: SELECT 'ALTER TABLE orders'",
        "statement: UPDATE orders SET note = 'drop table x'",
        "statement: CREATE TEMP TABLE t (id int)",
        "statement: ALTER ROLE app PASSWORD 'x'",
        "statement: TRUNCATE orders",
        "STATEMENT:  ALTER TABLE orders ADD COLUMN note text",  # of an error: it did not happen
        "Applying discount to order 1234_5",
        "Running upgrade of the house",
        "we will ALTER TABLE orders tomorrow",
        "",
    ],
)
def test_no_changes(message: str) -> None:
    assert event_of(message) != "schema_change"


@pytest.mark.parametrize("row", server_events().values(), ids=lambda row: row.id)
def test_each_event_has_a_line_that_reports_it(row: ServerEvent) -> None:
    assert event_of(row.example) == row.id
    assert row.title

"""What other clients do to the shop's database: migrations, audits, reports, imports. For `clients`."""

import itertools
import sys
import threading
import time

import psycopg

BOUND_SECONDS = 900.0
_PRODUCTS = 200
_POPULAR = 20


def reprice(dsn: str) -> None:
    """Change prices, those of the popular products first, in one transaction, so that buyers wait."""
    begun = time.monotonic()
    with psycopg.connect(dsn, application_name="reprice-products") as connection:
        for count, product in enumerate(itertools.cycle(range(1, _PRODUCTS + 1)), 1):
            connection.execute(
                "UPDATE products SET price_cents = price_cents + 1 WHERE id = %s RETURNING pg_sleep(%s)",
                (product, 0.0 if count <= _POPULAR else 0.5),
            )
            if count == _POPULAR:
                say(f"{count} prices changed, going on")
            if time.monotonic() - begun > BOUND_SECONDS:
                break
        connection.rollback()


def export(dsn: str) -> None:
    """Open connections until the server refuses, keep them, and try again for more."""
    begun = time.monotonic()
    connections: list[psycopg.Connection] = []
    while time.monotonic() - begun < BOUND_SECONDS:
        try:
            connections.append(psycopg.connect(dsn, application_name="nightly-export", autocommit=True))
            connections[-1].execute("SELECT count(*) FROM orders")
        except psycopg.OperationalError as error:
            say(f"{len(connections)} connections, refused: {error}")
            time.sleep(0.2)
    for connection in connections:
        connection.close()


def migrate(dsn: str) -> None:
    """Add a column while an audit keeps its transaction open: the change waits, and all others behind it."""
    with (
        psycopg.connect(dsn, application_name="stock-audit") as audit,
        psycopg.connect(dsn, application_name="migrations") as migration,
    ):
        audit.execute("SELECT sum(stock) FROM products")
        change = "ALTER TABLE products ADD COLUMN weight_grams integer"
        threading.Thread(target=migration.execute, args=(change,), daemon=True).start()
        time.sleep(0.5)
        say("migration waits")
        time.sleep(BOUND_SECONDS)
        audit.rollback()


def audit(dsn: str) -> None:
    """Read in a transaction and forget to end it. No session waits for its locks."""
    with psycopg.connect(dsn, application_name="stock-audit") as connection:
        connection.execute("SELECT sum(stock) FROM products")
        say("stock read")
        time.sleep(BOUND_SECONDS)


def yearly_report(dsn: str) -> None:
    """Compare every sale with every other one, which takes longer than anybody waits."""
    statement = """
        SELECT count(*) FROM order_items a, order_items b, order_items c
        WHERE (a.quantity * b.quantity + c.quantity) % 7 = 1
    """
    with psycopg.connect(dsn, application_name="yearly-report") as connection:
        connection.execute("SET max_parallel_workers_per_gather = 0")
        say("report begun")
        connection.execute(statement.encode())


def stocktake(dsn: str) -> None:
    """Correct the stock of two products in two workers that take them in opposite orders."""
    worker = threading.Thread(target=_take_stock, args=(dsn, (1, 2)), daemon=True)
    worker.start()
    _take_stock(dsn, (2, 1))


def _take_stock(dsn: str, products: tuple[int, int]) -> None:
    begun = time.monotonic()
    with psycopg.connect(dsn, application_name="stocktake") as connection:
        while time.monotonic() - begun < BOUND_SECONDS:
            try:
                for product in products:
                    connection.execute("UPDATE products SET stock = stock + 1 WHERE id = %s", (product,))
                    time.sleep(0.05)
                connection.commit()
            except psycopg.errors.DeadlockDetected as error:
                connection.rollback()
                say(f"failed: {error}")
            time.sleep(0.3)


def backfill(dsn: str) -> None:
    """Write a history of prices in large steps, far more than the write-ahead log was made for."""
    begun = time.monotonic()
    with psycopg.connect(dsn, application_name="price-history", autocommit=True) as connection:
        while time.monotonic() - begun < BOUND_SECONDS:
            connection.execute(
                "INSERT INTO price_history SELECT n, n % 200, md5(n::text) FROM generate_series(1, 60000) n"
            )
            connection.execute("TRUNCATE price_history")
            say("60000 rows written")
            time.sleep(0.1)


def hoard(dsn: str) -> None:
    """Keep a history of clicks that is never cleaned up, until the disk has no room, and go on trying."""
    begun = time.monotonic()
    rows = 20_000
    while time.monotonic() - begun < BOUND_SECONDS:
        try:
            with psycopg.connect(dsn, application_name="click-history", autocommit=True) as connection:
                connection.execute("CREATE TABLE IF NOT EXISTS click_history (click text)")
                while time.monotonic() - begun < BOUND_SECONDS:
                    statement = (
                        "INSERT INTO click_history SELECT repeat('x', 400) FROM generate_series(1, %s)"
                    )
                    connection.execute(statement, (rows,))
        except psycopg.Error as error:
            say(f"no more clicks: {error}")
            rows = 100
            time.sleep(0.5)


def say(text: str) -> None:
    """Write one line of the client's log."""
    sys.stdout.write(text.strip() + "\n")


JOBS = {
    "reprice": reprice,
    "export": export,
    "migrate": migrate,
    "audit": audit,
    "yearly-report": yearly_report,
    "stocktake": stocktake,
    "backfill": backfill,
    "hoard": hoard,
}

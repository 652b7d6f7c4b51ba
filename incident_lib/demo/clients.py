"""Other clients of the shop's servers and machine, which cause trouble as such clients do. One a process.

Each job takes its address from ADDRESS and stops by itself after a bounded time.
"""

import argparse
import itertools
import os
import socket
import sys
import threading
import time
import zlib
from contextlib import suppress
from pathlib import Path

import psycopg
import redis

BOUND_SECONDS = 900.0
_PRODUCTS = 200
_POPULAR = 20
_SMALL_SESSION = 100
_STEPS = 6_000_000_000  # minutes of one processor
_SCRIPT = """
local sum = 0
for step = 1, tonumber(ARGV[1]) do sum = (sum * 31 + step) % 1000003 end
return sum
"""
_FOR_EACH_PROCESSOR = 16
_COPIES = 200


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
            time.sleep(0.2 + 0.07 * products[0])  # with one pause, two workers may miss each other for ever


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


def import_sessions(url: str) -> None:
    """Write sessions without an expiry until the cache refuses even small ones, and go on trying."""
    begun = time.monotonic()
    client = redis.Redis.from_url(url, socket_timeout=2, client_name="session-import")
    size = 8000
    for number in itertools.count():
        try:
            client.set(f"session:{number}", "x" * size)
        except redis.RedisError as error:
            if size == _SMALL_SESSION:
                say(f"session {number} refused: {error}")
                time.sleep(0.02)
            size = _SMALL_SESSION
        if time.monotonic() - begun > BOUND_SECONDS:
            break


def crawl(url: str) -> None:
    """Cache a page for each visit of a crawler, so that what people need is thrown out."""
    begun = time.monotonic()
    client = redis.Redis.from_url(url, socket_timeout=2, client_name="page-cache")
    for number in itertools.count():
        client.set(f"page:{number}", "x" * 20_000)
        if number == 5000:
            say(f"{number} pages cached")
        if number > 5000:
            time.sleep(0.002)
        if time.monotonic() - begun > BOUND_SECONDS:
            break


def score(url: str) -> None:
    """Run a script that computes for minutes, while no other client is served."""
    say("script begun")
    redis.Redis.from_url(url, client_name="scoring", socket_timeout=BOUND_SECONDS).eval(
        _SCRIPT, 0, str(_STEPS)
    )


def subscribe(url: str) -> None:
    """Open connections until the cache refuses, keep them, and try again for more."""
    begun = time.monotonic()
    connections: list[redis.Connection] = []
    pool = redis.ConnectionPool.from_url(url, socket_timeout=2, client_name="notifier")
    while time.monotonic() - begun < BOUND_SECONDS:
        try:
            connections.append(pool.get_connection())
        except redis.RedisError as error:
            say(f"{len(connections)} connections, refused: {error}")
            time.sleep(0.1)


def swallow(port: str) -> None:
    """Listen, never accept, and keep the queue full, so that the kernel drops every new connection."""
    address = ("127.0.0.1", int(port))
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(0)
        waiting = []
        with suppress(TimeoutError):
            while True:
                waiting.append(socket.create_connection(address, timeout=0.5))
        say(f"queue is full with {len(waiting)}")
        time.sleep(BOUND_SECONDS)


def back_up(path: str) -> None:
    """Compress as many files at once as were requested without a thought for the machine."""
    begun, first = time.monotonic(), os.getpid()
    data = Path(path).read_bytes() * _COPIES
    count = _FOR_EACH_PROCESSOR * (os.cpu_count() or 1)
    for _ in range(count - 1):
        if os.fork() == 0:
            os.setsid()  # as jobs of a scheduler: some systems share the processors out among sessions
            break
    if os.getpid() == first:
        say(f"{count} files at once")
    while time.monotonic() - begun < BOUND_SECONDS and first in {os.getpid(), os.getppid()}:
        zlib.compress(data, 9)


_JOBS = {
    "reprice": reprice,
    "export": export,
    "migrate": migrate,
    "audit": audit,
    "yearly-report": yearly_report,
    "stocktake": stocktake,
    "backfill": backfill,
    "hoard": hoard,
    "import": import_sessions,
    "crawl": crawl,
    "score": score,
    "subscribe": subscribe,
    "swallow": swallow,
    "back-up": back_up,
}


def main() -> None:
    """Run one of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("job", choices=sorted(_JOBS))
    _JOBS[parser.parse_args().job](os.environ["ADDRESS"])


if __name__ == "__main__":
    main()

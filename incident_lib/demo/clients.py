"""Other clients of the shop's servers, which cause trouble the way such clients do. One a process.

`reprice` changes every price in one long transaction; `export` opens connections until it gets no more;
`import` fills the cache. Each takes its address from ADDRESS and stops by itself after a bounded time.
"""

import argparse
import itertools
import os
import sys
import time

import psycopg
import redis

_BOUND_SECONDS = 900.0
_PRODUCTS = 200
_POPULAR = 20
_SMALL_SESSION = 100


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
                _say(f"{count} prices changed, going on")
            if time.monotonic() - begun > _BOUND_SECONDS:
                break
        connection.rollback()


def export(dsn: str) -> None:
    """Open connections until the server refuses, keep them, and try again for more."""
    begun = time.monotonic()
    connections: list[psycopg.Connection] = []
    while time.monotonic() - begun < _BOUND_SECONDS:
        try:
            connections.append(psycopg.connect(dsn, application_name="nightly-export", autocommit=True))
            connections[-1].execute("SELECT count(*) FROM orders")
        except psycopg.OperationalError as error:
            _say(f"{len(connections)} connections, refused: {error}")
            time.sleep(0.2)
    for connection in connections:
        connection.close()


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
                _say(f"session {number} refused: {error}")
                time.sleep(0.02)
            size = _SMALL_SESSION
        if time.monotonic() - begun > _BOUND_SECONDS:
            break


def _say(text: str) -> None:
    sys.stdout.write(text.strip() + "\n")


_JOBS = {"reprice": reprice, "export": export, "import": import_sessions}


def main() -> None:
    """Run one of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("job", choices=sorted(_JOBS))
    _JOBS[parser.parse_args().job](os.environ["ADDRESS"])


if __name__ == "__main__":
    main()

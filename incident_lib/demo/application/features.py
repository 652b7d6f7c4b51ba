"""Feature flags that operators switch while the application runs, and unfinished features."""

import json
from collections import deque
from pathlib import Path
from typing import IO, Any

import psycopg
from psycopg_pool import ConnectionPool

_ARCHIVED_RECEIPTS = 800
_RECEIPT_PAGES = 125
_PRICES = 78_000_000


class Features:
    """The flags in a JSON file, read again when it changes. No file: every feature is off."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read_at = 0
        self._flags: dict[str, bool] = {}

    def is_on(self, name: str) -> bool:
        """Return whether a feature is on at this moment."""
        try:
            changed_at = self._path.stat().st_mtime_ns
            if changed_at != self._read_at:
                self._flags = json.loads(self._path.read_text(encoding="utf-8"))
                self._read_at = changed_at
        except FileNotFoundError:
            return False
        return self._flags.get(name, False)


class LoyaltyPoints:
    """Points of a customer.

    The bug: each customer's connection is kept for the next time, and never given back.
    """

    def __init__(self, pool: ConnectionPool[psycopg.Connection]) -> None:
        self._pool = pool
        self._connections: dict[str, psycopg.Connection] = {}

    def points(self, customer: str) -> int:
        """Return one point for each paid order."""
        if customer not in self._connections:
            self._connections[customer] = self._pool.getconn()
        row = self._connections[customer].execute(
            "SELECT count(*) FROM orders WHERE customer = %s AND status = 'paid'", (customer,)
        )
        return int((row.fetchone() or (0,))[0])


class ReceiptArchive:
    """Printed receipts.

    The bug: far more of them are kept than are ever requested, about 400 MB in the end.
    """

    def __init__(self) -> None:
        self._receipts: deque[bytes] = deque(maxlen=_ARCHIVED_RECEIPTS)

    def add(self, order: dict[str, object]) -> None:
        """Print an order's receipt and keep it."""
        page = json.dumps(order, default=str).ljust(4096).encode()
        self._receipts.append(page * _RECEIPT_PAGES)


class PrintQueue:
    """Receipts on their way to the printer.

    The bug: each is read from a template that is opened and never closed.
    """

    def __init__(self) -> None:
        self._templates: list[IO[str]] = []

    def print(self) -> None:
        """Print a receipt."""
        self._templates.append(Path(__file__).open(encoding="utf-8"))  # noqa: SIM115 - the bug


class PriceHistory:
    """All prices that ever were, for a chart.

    The bug: all are read at once, and far more memory is kept than the chart needs.
    """

    def __init__(self) -> None:
        self._prices: list[bytes] = []

    def load(self) -> None:
        """Read it, if that was not done yet."""
        if not self._prices:
            self._prices.append(b"0.99 " * _PRICES)


def by_region(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows ordered by their region. The bug: the report has no such column."""
    return sorted(rows, key=lambda row: str(row["region"]))

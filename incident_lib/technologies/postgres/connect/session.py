"""What probes see of a server, whichever way leads to it, and the limits that every session carries."""

from collections.abc import Mapping
from typing import Any, Protocol

import msgspec

from incident_lib.errors import TargetError

CONNECT_SECONDS = 3
APPLICATION = "incident-workbench"
PORT = 5432
FALLBACK_DATABASE = "postgres"
CONSOLE = "pgbouncer"  # the database that is the console of PgBouncer
SHOWS = ("SHOW POOLS", "SHOW DATABASES", "SHOW LISTS", "SHOW CONFIG", "SHOW VERSION")

# Sent in the start-up packet, so that no statement ever runs without them.
SETTINGS = {
    "statement_timeout": "2000",
    "lock_timeout": "300",
    "idle_in_transaction_session_timeout": "5000",
    "default_transaction_read_only": "on",
    "search_path": "pg_catalog",
    "TimeZone": "UTC",
    "jit": "off",
    # A worker takes a place and shared memory that the application may lack.
    "max_parallel_workers_per_gather": "0",
}

# A pooler hands the same server session to the application next, so there the limits must end with our
# transaction: a plain SET would make the application's next transaction read-only.
LOCAL_SETTINGS = """\
SELECT set_config('statement_timeout', '2000', true), set_config('lock_timeout', '300', true),
       set_config('idle_in_transaction_session_timeout', '5000', true),
       set_config('transaction_read_only', 'on', true), set_config('search_path', 'pg_catalog', true),
       set_config('TimeZone', 'UTC', true), set_config('jit', 'off', true),
       set_config('max_parallel_workers_per_gather', '0', true)"""


def startup_options() -> str:
    """Return the limits as the `options` of a start-up packet, which is also the form of PGOPTIONS.

    >>> startup_options()[:26]
    '-c statement_timeout=2000 '
    """
    return " ".join(f"-c {name}={value}" for name, value in SETTINGS.items())


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One way that was tried before another one led to the server."""

    way: str  # "the configured address 127.0.0.1:5432/shop"
    error: TargetError

    def __str__(self) -> str:
        """Return it as one line for people."""
        return f"{self.way}: {self.error.message}"


class Transport(Protocol):
    """How statements travel: over the wire, or through psql in the container."""

    def rows(self, statement: str) -> list[dict[str, Any]]:
        """Return what `statement` answers. Errors: TargetError."""

    def bound_each_statement(self) -> None:
        """Set the limits in each transaction, because the start-up packet did not."""

    def abort(self) -> None:
        """Break off, from another thread."""

    def close(self) -> None:
        """Give everything back."""


class PostgresSession:
    """One read-only session with one server. Only statements that ship with the workbench go through it."""

    def __init__(
        self,
        transport: Transport,
        vantage: str,
        *,
        way: str,
        attempts: tuple[Attempt, ...] = (),
        refused_database: Attempt | None = None,
    ) -> None:
        self._transport = transport
        self._facts: Mapping[str, Any] | None = None
        self.vantage = vantage
        self.way = way  # "configured", "discovered" or "exec"
        self.attempts = attempts
        self.refused_database = refused_database  # the configured database, when another one let us in
        self.container = ""  # where the server runs, as far as it is configured
        self.kept: dict[str, object] = {}  # what one probe leaves for a later one
        self.notes = tuple(str(attempt) for attempt in attempts)

    @property
    def facts(self) -> Mapping[str, Any] | None:
        """What the server reported of itself and of our role; None until it was read."""
        return self._facts

    def remember(self, facts: Mapping[str, Any]) -> None:
        """Keep what the server reported of itself, so that it is read once."""
        self._facts = facts

    def rows(self, statement: str) -> list[dict[str, Any]]:
        """Return the rows of `statement`, one dictionary each. Errors: TargetError."""
        return self._transport.rows(statement)

    def bound_each_statement(self) -> None:
        """Set the limits in each transaction, because a pooler kept them from the server."""
        self._transport.bound_each_statement()
        self.notes = (*self.notes, "through a pooler: limits are set in each transaction")

    def abort(self) -> None:
        """Break off what is going on, from another thread."""
        self._transport.abort()

    def close(self) -> None:
        """Give everything back."""
        self._transport.close()

"""What probes see of a server, whichever way leads to it."""

from collections.abc import Mapping
from typing import Any, Protocol

import msgspec

from incident_lib.errors import TargetError


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
        """What the server said of itself and of our role; None until somebody has asked."""
        return self._facts

    def remember(self, facts: Mapping[str, Any]) -> None:
        """Keep what the server said of itself, so that it is asked once."""
        self._facts = facts

    def rows(self, statement: str) -> list[dict[str, Any]]:
        """Return the rows of `statement`, one dictionary each. Errors: TargetError."""
        return self._transport.rows(statement)

    def bound_each_statement(self) -> None:
        """Set the limits in each transaction, because a pooler kept them from the server."""
        self._transport.bound_each_statement()
        self.notes = (*self.notes, "through a pooler: the limits are set in each transaction")

    def abort(self) -> None:
        """Break off what is going on, from another thread."""
        self._transport.abort()

    def close(self) -> None:
        """Give everything back."""
        self._transport.close()

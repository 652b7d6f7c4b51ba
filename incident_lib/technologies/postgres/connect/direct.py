"""Over the wire, with psycopg: a server, or the console of PgBouncer in front of it."""

import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import dict_row

from incident_lib.connections.names import resolve
from incident_lib.errors import ProblemKind, TargetError
from incident_lib.technologies.postgres.connect.problems import connection_error, statement_error
from incident_lib.technologies.postgres.connect.session import (
    APPLICATION,
    CONNECT_SECONDS,
    CONSOLE,
    LOCAL_SETTINGS,
    PORT,
    SHOWS,
    startup_options,
)

_RESOLVE_SECONDS = 2.0
Parameters = Mapping[str, Any]


class Direct:
    """A psycopg connection: autocommit, extended protocol, nothing prepared on the server."""

    def __init__(self, connection: psycopg.Connection[dict[str, Any]], *, each_statement: bool) -> None:
        self._connection = connection
        self._each_statement = each_statement

    def rows(self, statement: str) -> list[dict[str, Any]]:
        """Return what `statement` answers. Two statements in one string are refused by the protocol."""
        with _translated():
            if not self._each_statement:
                return self._execute(statement)
            with self._connection.transaction():
                self._execute(LOCAL_SETTINGS)
                return self._execute(statement)

    def _execute(self, statement: str) -> list[dict[str, Any]]:
        # Binary results are what makes psycopg use the extended protocol for a statement without parameters.
        return self._connection.execute(statement.encode(), binary=True).fetchall()

    def bound_each_statement(self) -> None:
        """Set the limits in each transaction from now on."""
        self._each_statement = True

    def abort(self) -> None:
        """Shut the socket down: a silent peer is ended by no time-out and no cancel request."""
        try:
            with socket.socket(fileno=socket.dup(self._connection.pgconn.socket)) as wire:
                wire.shutdown(socket.SHUT_RDWR)
        except (OSError, psycopg.Error):
            return  # it is gone already

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except psycopg.Error as error:
        raise statement_error(str(error), error.sqlstate) from error


def parse_dsn(dsn: str) -> dict[str, Any]:
    """Return the parameters that a DSN names; `postgresql+asyncpg://`, as SQLAlchemy writes it, is read too.

    Errors: TargetError NOT_CONFIGURED. Its text holds nothing of the DSN, which may be a password.

    >>> parse_dsn("postgresql+asyncpg://app:x@db/shop")["host"]
    'db'
    """
    scheme, separator, rest = dsn.partition("://")
    if separator:
        dsn = f"{scheme.partition('+')[0]}://{rest}"
    try:
        return dict(conninfo_to_dict(dsn))
    except psycopg.Error:
        raise TargetError(
            ProblemKind.NOT_CONFIGURED,
            "the dsn cannot be read",
            "write postgresql://USER:PASSWORD@HOST:PORT/DATABASE",
        ) from None


def place(parameters: Parameters) -> str:
    """Return where the parameters lead, without the credentials.

    >>> place({"host": "db", "user": "app", "password": "x", "dbname": "shop"})
    'db:5432/shop'
    """
    host = parameters.get("host") or parameters.get("hostaddr") or "the local socket"
    port = parameters.get("port") or PORT
    return f"{host}:{port}/{parameters.get('dbname') or parameters.get('user') or ''}"


def open_direct(parameters: Parameters, *, seconds: int = CONNECT_SECONDS) -> Direct:
    """Return a connection within the limits. Needs: a login. Cost: one connection. Errors: TargetError."""
    check_name(parameters)
    options = " ".join(filter(None, (parameters.get("options"), startup_options())))
    try:
        return Direct(_connect({**parameters, "options": options}, seconds), each_statement=False)
    except psycopg.Error as error:
        if "startup parameter" not in str(error):
            raise connection_error(str(error), error.sqlstate) from error
    try:
        return Direct(_connect({**parameters, "options": ""}, seconds), each_statement=True)
    except psycopg.Error as error:
        raise connection_error(str(error), error.sqlstate) from error


def _connect(parameters: Parameters, seconds: int) -> psycopg.Connection[dict[str, Any]]:
    bounds = {"connect_timeout": seconds, "application_name": APPLICATION}
    return psycopg.connect(
        **{**parameters, **bounds},
        autocommit=True,
        prepare_threshold=None,
        row_factory=dict_row,
    )


def check_name(parameters: Parameters) -> None:
    """Raise TargetError when a host's name is not resolved in time, or leads where nothing of ours may go.

    The resolver of the library knows no deadline.
    """
    hosts = str(parameters.get("host") or "")
    if parameters.get("hostaddr"):
        return
    for host in hosts.split(","):
        if not host or host.startswith(("/", "@")):
            continue
        try:
            resolve(host, PORT, _RESOLVE_SECONDS)
        except TargetError as error:
            if error.kind is ProblemKind.NOT_CALLED:
                raise
            if "," in hosts:
                continue  # the library tries the others
            raise TargetError(
                ProblemKind.NAME_NOT_RESOLVED,
                f"the name {host} does not resolve here",
                f"{error.message}; check DNS, or give an address that this machine knows",
            ) from error


class PoolerSession(Direct):
    """One connection with the console of PgBouncer. Nothing but the commands in SHOWS is ever sent."""

    def __init__(self, connection: psycopg.Connection[dict[str, Any]], vantage: str) -> None:
        super().__init__(connection, each_statement=False)
        self.vantage = vantage
        self.notes: tuple[str, ...] = ()

    def show(self, command: str) -> list[dict[str, Any]]:
        """Return what one of SHOWS answers. Errors: TargetError."""
        if command not in SHOWS:
            raise TargetError(ProblemKind.UNSUPPORTED, f"{command!r} is not on the list")
        with _translated():
            return self._connection.execute(command.encode()).fetchall()


def open_console(dsn: str) -> PoolerSession:
    """Return a session with the console at `dsn`. Cost: one connection. Errors: TargetError."""
    parameters = {"dbname": CONSOLE, **parse_dsn(dsn)}
    check_name(parameters)
    try:
        connection = _connect(parameters, CONNECT_SECONDS)
    except psycopg.Error as error:
        failure = connection_error(str(error), error.sqlstate)
        message = f"{place(parameters)}: {failure.message}"
        raise TargetError(failure.kind, message, failure.advice) from error
    return PoolerSession(connection, f"{place(parameters)} from this machine")

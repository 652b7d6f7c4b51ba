"""Over the wire, with psycopg: a server, or the console of PgBouncer in front of it."""

import socket
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import dict_row

from incident_lib.connections.names import resolve
from incident_lib.connections.received import Received, limited
from incident_lib.errors import ProblemKind, TargetError
from incident_lib.redact.found import remember
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
# Of what one statement answers, and of a login. The library keeps a whole row, and all rows, in memory.
LIMIT_BYTES = 16 * 1024 * 1024
Parameters = Mapping[str, Any]
T = TypeVar("T")


class _Connection(psycopg.Connection[dict[str, Any]]):
    """The library's connection, which breaks off an answer past our limit while it comes in.

    The library asks before each read from the socket, so what is counted there was not kept yet.
    """

    def __init__(self, pgconn: psycopg.pq.abc.PGconn, *rest: Any, **more: Any) -> None:
        super().__init__(pgconn, *rest, **more)
        self.received = Received(LIMIT_BYTES, "the answer")

    @classmethod
    def _connect_gen(cls, conninfo: str = "", **more: Any) -> Generator[Any, Any, Any]:
        """Yield where the library waits while it logs in. Errors: TargetError TOO_LARGE."""
        received = Received(LIMIT_BYTES, "what it says before a login")
        steps = super()._connect_gen(conninfo, **more)
        try:
            waits = next(steps)
            while True:
                ready = yield waits
                received.check(waits[0])
                waits = steps.send(ready)
        except StopIteration as ended:
            return ended.value

    def wait(self, gen: Generator[Any, Any, T], *rest: Any, **more: Any) -> T:
        """Return what the steps of a statement return. Errors: TargetError TOO_LARGE, and it is closed."""
        try:
            waited: T = super().wait(limited(gen, self.pgconn.socket, self.received), *rest, **more)
        except TargetError:
            self.pgconn.finish()
            raise
        return waited


class Direct:
    """A psycopg connection: autocommit, extended protocol, nothing prepared on the server."""

    def __init__(self, connection: _Connection, *, each_statement: bool) -> None:
        self._connection = connection
        # Of our own, as the number of the library's may belong to another socket by the time we break it off.
        self._wire = socket.socket(fileno=socket.dup(connection.pgconn.socket))
        self._each_statement = each_statement
        self._broken: TargetError | None = None  # an answer past the limit, after which there is no other

    def rows(self, statement: str) -> list[dict[str, Any]]:
        """Return what `statement` answers. Two statements in one string are refused by the protocol."""
        with self._reading():
            if not self._each_statement:
                return self._execute(statement)
            with self._connection.transaction():
                self._execute(LOCAL_SETTINGS)
                return self._execute(statement)

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """Read one answer within the limit. Errors: TargetError."""
        if self._broken:
            raise self._broken
        self._connection.received.begin()
        try:
            with _translated():
                yield
        except TargetError as error:
            if error.kind is ProblemKind.TOO_LARGE:
                self._broken = error
                self.abort()
            raise

    def _execute(self, statement: str) -> list[dict[str, Any]]:
        # Binary results are what makes psycopg use the extended protocol for a statement without parameters.
        return self._connection.execute(statement.encode(), binary=True).fetchall()

    def bound_each_statement(self) -> None:
        """Set the limits in each transaction from now on."""
        self._each_statement = True

    def abort(self) -> None:
        """Shut the socket down: a silent peer is ended by no timeout and no cancel request."""
        with suppress(OSError):  # it is gone already
            self._wire.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()
        self._wire.close()


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


def _connect(parameters: Parameters, seconds: int) -> _Connection:
    bounds = {"connect_timeout": seconds, "application_name": APPLICATION}
    connection = _Connection.connect(
        **{**parameters, **bounds},
        autocommit=True,
        prepare_threshold=None,
        row_factory=dict_row,
    )
    remember([connection.info.password or ""])  # also what a .pgpass gave
    return connection


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

    def __init__(self, connection: _Connection, vantage: str) -> None:
        super().__init__(connection, each_statement=False)
        self.vantage = vantage
        self.notes: tuple[str, ...] = ()

    def show(self, command: str) -> list[dict[str, Any]]:
        """Return what one of SHOWS answers. Errors: TargetError."""
        if command not in SHOWS:
            raise TargetError(ProblemKind.UNSUPPORTED, f"{command!r} is not on the list")
        with self._reading():
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

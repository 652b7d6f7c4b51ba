"""PgBouncer's admin console: a connection that only ever shows."""

import socket
from contextlib import suppress
from typing import Any

import psycopg
from psycopg.rows import dict_row

from incident_lib.config import Service, Settings
from incident_lib.errors import ProblemKind, TargetError
from incident_lib.technologies.postgres.connect import limits
from incident_lib.technologies.postgres.connect.direct import check_name, parse_dsn, place
from incident_lib.technologies.postgres.connect.translate import connection_error, statement_error

CONSOLE = "pgbouncer"  # the database that is the console
SHOWS = ("SHOW POOLS", "SHOW DATABASES", "SHOW LISTS", "SHOW CONFIG", "SHOW VERSION")


class PoolerSession:
    """One connection with the console. Nothing but the commands in SHOWS is ever sent."""

    def __init__(self, connection: psycopg.Connection[dict[str, Any]], vantage: str) -> None:
        self._connection = connection
        self.vantage = vantage
        self.notes: tuple[str, ...] = ()

    def show(self, command: str) -> list[dict[str, Any]]:
        """Return what one of SHOWS answers. Errors: TargetError."""
        if command not in SHOWS:
            raise TargetError(ProblemKind.UNSUPPORTED, f"{command!r} is not on the list")
        try:
            return self._connection.execute(command.encode()).fetchall()
        except psycopg.Error as error:
            raise statement_error(str(error), error.sqlstate) from error

    def abort(self) -> None:
        """Shut the socket down, from any thread."""
        with (
            suppress(OSError, psycopg.Error),
            socket.socket(fileno=socket.dup(self._connection.pgconn.socket)) as wire,
        ):
            wire.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def open_pooler(settings: Settings, service: Service) -> PoolerSession:
    """Return a session with the console at the service's `pooler_dsn`.

    Needs: a name in admin_users or stats_users. Cost: one connection. Errors: TargetError.
    """
    parameters = {"dbname": CONSOLE, **parse_dsn(settings.resolve(service.pooler_dsn))}
    check_name(parameters)
    bounds = {"connect_timeout": limits.CONNECT_SECONDS, "application_name": limits.APPLICATION}
    try:
        connection = psycopg.connect(
            **{**parameters, **bounds}, autocommit=True, prepare_threshold=None, row_factory=dict_row
        )
    except psycopg.Error as error:
        told = connection_error(str(error), error.sqlstate)
        raise TargetError(told.kind, f"{place(parameters)}: {told.message}", told.advice) from error
    return PoolerSession(connection, f"{place(parameters)} from this machine")

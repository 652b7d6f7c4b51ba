"""By way of the container: its own address and credentials, and psql inside it."""

import json
import re
from typing import Any

import msgspec

from incident_lib.connections.docker import Engine
from incident_lib.connections.postgres import limits
from incident_lib.connections.postgres.translate import connection_error, statement_error
from incident_lib.errors import ProblemKind, TargetError

_SQLSTATE = re.compile(r"^(?:\S+:\s+)?(?:ERROR|FATAL|PANIC):\s+([0-9A-Z]{5}):", re.MULTILINE)
_SECONDS = 4.0
_FENCE = "SELECT row_to_json(answer) FROM (\nSTATEMENT\n) AS answer"
_CONNECTION_LOST = 2  # psql's exit code when there is no connection, or no longer one


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What inspecting a container gave. It holds a password, so it stays in memory."""

    user: str
    database: str
    password: str | None
    addresses: tuple[tuple[str, int], ...]

    def parameters(self, host: str, port: int) -> dict[str, Any]:
        """Return what a connection to one of the addresses needs."""
        login = {"user": self.user, "dbname": self.database, "host": host, "port": port}
        return {**login, "password": self.password} if self.password else login


class Exec:
    """psql inside the container, over its local socket: one short process for each statement."""

    def __init__(self, engine: Engine, container: str, environment: dict[str, str]) -> None:
        self._engine = engine
        self._container = container
        self._environment = environment

    def rows(self, statement: str) -> list[dict[str, Any]]:
        """Return what `statement` answers. psql sends one string, so it is fenced in as a subquery."""
        fenced = _FENCE.replace("STATEMENT", statement)
        options = ("-XAtqw", "-v", "VERBOSITY=verbose", "-v", "ON_ERROR_STOP=1")
        result = self._engine.exec_read(
            self._container,
            ("psql", *options, "-c", fenced),
            environment=self._environment,
            seconds=_SECONDS,
        )
        if result.truncated:  # first, as output that was cut tells no exit code
            raise TargetError(ProblemKind.UNSUPPORTED, "the answer is too long to be read through psql")
        if result.exit_code:
            raise _psql_error(result.stderr.decode("utf-8", "replace"), result.exit_code)
        return [json.loads(line) for line in result.stdout.splitlines() if line.strip()]

    def bound_each_statement(self) -> None:
        """Do nothing: a local socket leads to the server itself, and PGOPTIONS carries the limits."""

    def abort(self) -> None:
        """Break the engine's answer off; the statement ends by its own time-out."""
        self._engine.abort()

    def close(self) -> None:
        """Close the engine's connections."""
        self._engine.close()


def _psql_error(text: str, exit_code: int) -> TargetError:
    state = _SQLSTATE.search(text)
    sqlstate = state[1] if state else None
    if exit_code == _CONNECTION_LOST:
        return connection_error(text, sqlstate)
    return statement_error(text, sqlstate)


def open_exec(engine: Engine, container: str, login: dict[str, Any]) -> Exec:
    """Return psql in `container` as the user and in the database of `login`, tried once.

    Source: `docker exec CONTAINER psql`. Cost: one process in the container a statement. Errors: TargetError.
    """
    environment = {
        "PGOPTIONS": limits.startup_options(),
        "PGCONNECT_TIMEOUT": str(limits.CONNECT_SECONDS),
        "PGAPPNAME": limits.APPLICATION,
        "PGUSER": str(login.get("user") or "postgres"),
        "PGDATABASE": str(login.get("dbname") or limits.FALLBACK_DATABASE),
        "PGCLIENTENCODING": "UTF8",
    }
    if password := login.get("password"):
        environment["PGPASSWORD"] = str(password)
    through = Exec(engine, container, environment)
    through.rows("SELECT 1 AS alive")
    return through


def inspect(engine: Engine, container: str, *, credentials: bool) -> Found:
    """Return address and login of the server in `container`. Errors: TargetError, also when it does not run.

    Without `credentials` its environment is not looked at, and the user is `postgres`.
    """
    about = engine.inspect(container)
    state = about.get("State") or {}
    if not state.get("Running"):
        status = f"{state.get('Status', 'not running')} (exit code {state.get('ExitCode')})"
        raise TargetError(
            ProblemKind.REFUSED,
            f"the container {container} is {status}",
            f"docker logs {container}; then start it",
        )
    environment = _environment(about) if credentials else {}
    user = environment.get("POSTGRES_USER") or "postgres"
    return Found(
        user=user,
        database=environment.get("POSTGRES_DB") or user,
        password=environment.get("POSTGRES_PASSWORD") or environment.get("PGPASSWORD"),
        addresses=addresses(about.get("NetworkSettings") or {}),
    )


def _environment(about: dict[str, Any]) -> dict[str, str]:
    pairs = (entry.partition("=") for entry in (about.get("Config") or {}).get("Env") or ())
    return {name: value for name, _, value in pairs}


def addresses(network: dict[str, Any]) -> tuple[tuple[str, int], ...]:
    """Return where the server's port may be reached: published ports first, then the container's own address.

    >>> addresses({"Ports": {"5432/tcp": [{"HostIp": "0.0.0.0", "HostPort": "15432"}]},
    ...            "Networks": {"app": {"IPAddress": "172.18.0.3"}}})
    (('127.0.0.1', 15432), ('172.18.0.3', 5432))
    """
    everywhere = {"", "0.0.0.0", "::"}  # noqa: S104 - read, not bound
    found: list[tuple[str, int]] = []
    for published in (network.get("Ports") or {}).get(f"{limits.PORT}/tcp") or ():
        host = published.get("HostIp", "")
        found.append(("127.0.0.1" if host in everywhere else host, int(published["HostPort"])))
    own = (attached.get("IPAddress") for attached in (network.get("Networks") or {}).values())
    found.extend((address, limits.PORT) for address in own if address)
    return tuple(dict.fromkeys(found))

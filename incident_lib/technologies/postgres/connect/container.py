"""By way of the container: its own address and credentials, and psql inside it."""

import json
import re
import secrets
from typing import Any

import msgspec

from incident_lib.connections.docker import NO_COMMAND
from incident_lib.connections.places.container import Container, OpenContainer
from incident_lib.errors import ProblemKind, TargetError
from incident_lib.redact.found import remember
from incident_lib.technologies.postgres.connect.problems import connection_error, statement_error
from incident_lib.technologies.postgres.connect.session import (
    APPLICATION,
    CONNECT_SECONDS,
    FALLBACK_DATABASE,
    PORT,
    startup_options,
)

_SQLSTATE = re.compile(r"^(?:\S+:\s+)?(?:ERROR|FATAL|PANIC):\s+([0-9A-Z]{5}):", re.MULTILINE)
_SECONDS = 4.0
_FIRST_SECONDS = 8.0  # the process begins, and logs in
_MOST_BYTES = 4 * 1024 * 1024
_PSQL = ("psql", "-XAtqw", "-v", "VERBOSITY=verbose")
_FENCE = "SELECT row_to_json(answer) FROM (\nSTATEMENT\n) AS answer"
# The statement travels as data, \\gexec sends it, and the last line reports how it went.
_SEND = """\
\\set LAST_ERROR_SQLSTATE 00000
SELECT pg_catalog.convert_from(pg_catalog.decode('{hex}', 'hex'), 'UTF8') \\gexec
\\echo {mark}:LAST_ERROR_SQLSTATE :LAST_ERROR_MESSAGE
"""
_WELL = "00000"
_QUOTED = re.compile(r"--[^\n]*|/\*.*?\*/|'[^']*'|\"[^\"]*\"", re.DOTALL)
_HIDES = re.compile(r"\\'|\$\w*\$")


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
    """One psql inside the container, over its local socket: statements go in one after the other."""

    def __init__(self, place: OpenContainer, environment: dict[str, str]) -> None:
        self._place = place
        self._mark = f"iw-{secrets.token_hex(8)}"
        self._sent_count = 0
        self._stream = place.stream(_PSQL, environment)

    def rows(self, statement: str) -> list[dict[str, Any]]:
        """Return what `statement` answers; two statements in one string are refused.

        It goes to psql as a number in hexadecimal and to the server as one string, fenced in as a
        subquery: nothing of it is ever a command of psql's own.
        """
        _check_single(statement)
        self._sent_count += 1
        mark = f"{self._mark}-{self._sent_count} "
        fenced = _FENCE.replace("STATEMENT", statement).encode().hex()
        self._stream.send(_SEND.format(hex=fenced, mark=mark))
        try:
            output, last, cut = self._stream.read_until(
                mark.encode(),
                seconds=_SECONDS if self._sent_count > 1 else _FIRST_SECONDS,
                most_bytes=_MOST_BYTES,
            )
        except TargetError as error:
            raise self._lost(error) from error
        if cut:
            raise TargetError(ProblemKind.UNSUPPORTED, "the answer is too long to be read through psql")
        state, _, message = last.decode("utf-8", "replace").removeprefix(mark).partition(" ")
        if state != _WELL:
            raise statement_error(message, state)
        return [json.loads(line) for line in output.splitlines() if line.strip()]

    def _lost(self, error: TargetError) -> TargetError:
        """Return why psql ended: it says so, where it could not connect or lost its connection."""
        if error.kind is not ProblemKind.RESET or self._stream.was_cut_off:
            return error
        text = self._stream.stderr.decode("utf-8", "replace").strip()
        if not text:
            code = self._stream.exit_code()
            if code in NO_COMMAND:
                return TargetError(ProblemKind.UNSUPPORTED, "there is no psql in the container")
            return error
        if "executable file not found" in text or "OCI runtime exec failed" in text:
            return TargetError(ProblemKind.UNSUPPORTED, "there is no psql in the container")
        state = _SQLSTATE.search(text)
        return connection_error(text, state[1] if state else None)

    def bound_each_statement(self) -> None:
        """Do nothing: a local socket leads to the server itself, and PGOPTIONS carries the limits."""

    def abort(self) -> None:
        """Cut psql off; a statement that still runs ends by its own timeout."""
        self._stream.abort()
        self._place.abort()

    def close_psql(self) -> None:
        """End psql; the engine stays open for another try."""
        self._stream.close()

    def close(self) -> None:
        """End psql and close the engine's connections."""
        self.close_psql()
        self._place.close()


def _check_single(statement: str) -> None:
    """Refuse what may be two statements. psql would send both, so this is no matter of the protocol.

    Strings that could hide a semicolon from this check (with a backslash, between dollars) are refused too.
    """
    bare = _QUOTED.sub(" ", statement)
    if ";" in bare or _HIDES.search(statement):
        raise TargetError(ProblemKind.UNSUPPORTED, "multiple commands, or strings that could hide one")


def open_exec(place: OpenContainer, login: dict[str, Any]) -> Exec:
    """Return psql in a container as the user and in the database of `login`, tried once.

    Source: `docker exec -i CONTAINER psql`. Cost: one process in the container, until the session is closed.
    Errors: TargetError.
    """
    environment = {
        "PGOPTIONS": startup_options(),
        "PGCONNECT_TIMEOUT": str(CONNECT_SECONDS),
        "PGAPPNAME": APPLICATION,
        "PGUSER": str(login.get("user") or "postgres"),
        "PGDATABASE": str(login.get("dbname") or FALLBACK_DATABASE),
        "PGCLIENTENCODING": "UTF8",
    }
    if password := login.get("password"):
        environment["PGPASSWORD"] = str(password)
    through = Exec(place, environment)
    try:
        through.rows("SELECT 1 AS alive")
    except TargetError:
        through.close_psql()
        raise
    return through


def inspect(place: Container, *, credentials: bool) -> Found:
    """Return address and login of the server in a container. Errors: TargetError, also when it does not run.

    Without `credentials` its environment is not read, and the user is `postgres`.
    """
    about = place.inspect()
    state = about.get("State") or {}
    if not state.get("Running"):
        status = f"{state.get('Status', 'not running')} (exit code {state.get('ExitCode')})"
        raise TargetError(
            ProblemKind.REFUSED,
            f"the container {place.name} is {status}",
            f"docker logs {place.name}; then start it",
        )
    variables = (about.get("Config") or {}).get("Env") or () if credentials else ()
    environment = dict(variable.split("=", 1) for variable in variables if "=" in variable)
    user = environment.get("POSTGRES_USER") or "postgres"
    password = environment.get("POSTGRES_PASSWORD") or environment.get("PGPASSWORD")
    remember([password or ""])
    return Found(
        user=user,
        database=environment.get("POSTGRES_DB") or user,
        password=password,
        addresses=addresses(about.get("NetworkSettings") or {}),
    )


def addresses(network: dict[str, Any]) -> tuple[tuple[str, int], ...]:
    """Return where the server's port may be reached: published ports first, then the container's own address.

    >>> addresses({"Ports": {"5432/tcp": [{"HostIp": "0.0.0.0", "HostPort": "15432"}]},
    ...            "Networks": {"app": {"IPAddress": "172.18.0.3"}}})
    (('127.0.0.1', 15432), ('172.18.0.3', 5432))
    """
    everywhere = {"", "0.0.0.0", "::"}  # noqa: S104 - read, not bound
    found: list[tuple[str, int]] = []
    for published in (network.get("Ports") or {}).get(f"{PORT}/tcp") or ():
        host = published.get("HostIp", "")
        found.append(("127.0.0.1" if host in everywhere else host, int(published["HostPort"])))
    own = (attached.get("IPAddress") for attached in (network.get("Networks") or {}).values())
    found.extend((address, PORT) for address in own if address)
    return tuple(dict.fromkeys(found))

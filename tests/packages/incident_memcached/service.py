"""What a service of kind memcached is: its keys, its session, its health check, its commands by hand."""

import socket
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from shlex import quote
from typing import Annotated
from urllib.parse import urlsplit

import msgspec

from incident_lib.config import Dependency, Service, Settings
from incident_lib.connections.names import resolve
from incident_lib.connections.sockets import connect_any
from incident_lib.errors import ProblemKind, TargetError
from incident_lib.model.runbook import Command
from incident_lib.probes.health import HealthAnswer, HealthCheck

_PORT = 11211
_SECONDS = 2.0
_REPLY_BYTES = 64 * 1024
_FULL = b"ERROR Too many open connections"


class Keys(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Keys that only a service of kind memcached has."""

    evicts_on_purpose: Annotated[
        bool, msgspec.Meta(description="whether it is meant to be full, so that evictions are ordinary")
    ] = False


class Session:
    """One connection with a server. Nothing but `version` and `stats` is ever sent."""

    def __init__(self, wire: socket.socket, vantage: str) -> None:
        self._wire = wire
        self.vantage = vantage
        self.notes: tuple[str, ...] = ()

    def send(self, command: str, ending: bytes) -> list[str]:
        """Return the lines of the reply, which ends in `ending`. Errors: TargetError."""
        reply = b""
        try:
            self._wire.sendall(f"{command}\r\n".encode())
            while not reply.endswith(ending) and len(reply) < _REPLY_BYTES:
                chunk = self._wire.recv(4096)
                if not chunk:
                    raise TargetError(ProblemKind.RESET, "it closed the connection")
                reply += chunk
                if reply.startswith(_FULL):
                    raise TargetError(ProblemKind.FULL, "it has too many open connections")
        except TimeoutError as error:
            raise TargetError(ProblemKind.TIMED_OUT, "it accepts and does not answer") from error
        except OSError as error:
            raise TargetError(ProblemKind.RESET, f"the connection broke: {error.strerror}") from error
        return reply.decode("utf-8", "replace").split("\r\n")[:-1]

    def abort(self) -> None:
        """Shut the socket down, from any thread."""
        with suppress(OSError):
            self._wire.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the connection."""
        self._wire.close()


def open_session(settings: Settings, service: Service) -> Session:
    """Return a session with the server at the service's `url`. Errors: TargetError."""
    if not service.url:
        raise TargetError(
            ProblemKind.NOT_CONFIGURED, f"{service.name} has no url", f'set url = "memcached://HOST:{_PORT}"'
        )
    host, port = _address(settings.resolve(service.url))
    wire, vantage = _connect(host, port)
    session = Session(wire, vantage)
    try:
        session.send("version", b"\r\n")
    except TargetError as error:
        session.close()
        if error.kind is ProblemKind.RESET and _is_full(host, port):
            raise TargetError(ProblemKind.FULL, "it has too many open connections") from error
        raise
    return session


def _connect(host: str, port: int) -> tuple[socket.socket, str]:
    attempt = connect_any(resolve(host, port, _SECONDS), _SECONDS)
    if attempt.sock is None:
        raise TargetError(attempt.kind or ProblemKind.UNREACHABLE, attempt.message)
    attempt.sock.settimeout(_SECONDS)
    return attempt.sock, f"{attempt.address.text} from this machine"


def _is_full(host: str, port: int) -> bool:
    """Return whether a full server says so to a client that sends nothing: a reset loses what it wrote."""
    wire, _ = _connect(host, port)
    try:
        return wire.recv(len(_FULL)) == _FULL
    except OSError:
        return False
    finally:
        wire.close()


def checks(settings: Settings, target: Service | Dependency) -> Iterator[HealthCheck]:
    """Yield the check of a memcached service."""
    if isinstance(target, Service) and target.kind == "memcached":
        ask = partial(_check, settings, target)
        yield HealthCheck(name=target.name, container=target.container, ask=ask)


def _check(settings: Settings, service: Service, _seconds: float) -> HealthAnswer:
    session = open_session(settings, service)
    session.close()
    return HealthAnswer(healthy=True, detail=f"answers: {session.vantage}")


def by_hand(probe: str, target: Service | Dependency) -> tuple[Command, ...]:
    """Return the command that shows by hand what a probe sees."""
    if not isinstance(target, Service) or target.kind != "memcached" or not target.url:
        return ()
    if target.url.startswith(("env:", "file:")):
        return ()
    host, port = _address(target.url)
    words = "version" if probe == "memcached.connection" else "stats"
    text = rf"printf '{words}\r\nquit\r\n' | nc -w 2 {quote(host)} {port}"
    return (Command(text=text, shows=probe.partition(".")[2]),)


def _address(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or _PORT

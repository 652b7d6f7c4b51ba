"""One connection that speaks RESP2: no retry, no command that was not asked for, every wait bounded.

Written here because a client library greets the server in ways of its own (HELLO, CLIENT SETINFO), which a
narrow ACL refuses and a sick server answers late, and repeats what failed.
"""

import contextlib
import queue
import socket
import threading
from collections.abc import Sequence
from typing import Any

from incident_lib import clock
from incident_lib.connections.redis.address import Address
from incident_lib.connections.redis.commands import check
from incident_lib.connections.redis.problems import ReplyError, from_os, protocol
from incident_lib.errors import TargetError

CONNECT_SECONDS = 2.0
READ_SECONDS = 2.0
_LINE_LIMIT = 64 * 1024
_BULK_LIMIT = 64 * 1024 * 1024
_DEPTH_LIMIT = 8

Command = Sequence[str | bytes | int]


class Wire:
    """A connected socket. `exchange` sends commands at once and returns their replies in order."""

    def __init__(self, stream: socket.socket, where: str, connect_seconds: float) -> None:
        self.where = where
        self.connect_seconds: float | None = connect_seconds
        self.local = _local(stream)
        self._socket = stream
        self._buffer = bytearray()
        self._at = 0
        self._deadline = 0.0
        self._broken: TargetError | None = None

    def exchange(self, commands: Sequence[Command]) -> list[Any]:
        """Return a reply for each command: bytes, int, None, list, or ReplyError as a value.

        Errors: TargetError. After one nothing more is sent, as replies could no longer be told apart.
        """
        for command in commands:
            check(command)
        if self._broken:
            raise self._broken
        self._deadline = clock.monotonic() + READ_SECONDS
        try:
            self._socket.settimeout(READ_SECONDS)
            self._socket.sendall(b"".join(pack(command) for command in commands))
            return [self._reply() for _ in commands]
        except OSError as error:
            self._broken = from_os(error, self.where)
            raise self._broken from error
        except TargetError as error:
            self._broken = error
            raise

    def abort(self) -> None:
        """Break off: a waiting read ends at once."""
        with contextlib.suppress(OSError):
            # The plain method: the one of TLS sockets takes the object away that the other thread reads from.
            socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the socket."""
        with contextlib.suppress(OSError):
            self._socket.close()

    def _reply(self, depth: int = 0) -> Any:
        line = self._line()
        mark, rest = line[:1], line[1:]
        if mark == b"+":
            return rest
        if mark == b"-":
            return ReplyError(rest.decode("utf-8", "replace"))
        if mark == b":":
            return self._number(rest)
        if mark == b"$":
            return self._bulk(self._number(rest))
        if mark == b"*" and depth < _DEPTH_LIMIT:
            count = self._number(rest)
            return None if count < 0 else [self._reply(depth + 1) for _ in range(count)]
        raise protocol(self.where, f"{line[:40].decode('ascii', 'replace')!r}")

    def _number(self, text: bytes) -> int:
        try:
            return int(text)
        except ValueError as error:
            raise protocol(self.where, "a number is missing") from error

    def _bulk(self, size: int) -> bytes | None:
        if size < 0:
            return None
        if size > _BULK_LIMIT:
            raise protocol(self.where, f"a reply of {size} bytes")
        while len(self._buffer) - self._at < size + 2:
            self._fill()
        start, self._at = self._at, self._at + size + 2
        return bytes(self._buffer[start : start + size])

    def _line(self) -> bytes:
        while (end := self._buffer.find(b"\r\n", self._at)) < 0:
            if len(self._buffer) - self._at > _LINE_LIMIT:
                raise protocol(self.where, "a line without an end")
            self._fill()
        start, self._at = self._at, end + 2
        return bytes(self._buffer[start:end])

    def _fill(self) -> None:
        remaining = self._deadline - clock.monotonic()
        if remaining <= 0:
            raise TimeoutError
        if self._at:
            del self._buffer[: self._at]
            self._at = 0
        self._socket.settimeout(remaining)
        data = self._socket.recv(1 << 16)
        if not data:
            raise ConnectionResetError
        self._buffer += data


def _local(stream: socket.socket) -> str:
    name = stream.getsockname()
    if not isinstance(name, tuple):
        return ""
    return f"[{name[0]}]:{name[1]}" if ":" in name[0] else f"{name[0]}:{name[1]}"


def pack(command: Command) -> bytes:
    r"""Return `command` as it goes over the wire.

    >>> pack(["INFO", "all"])
    b'*2\r\n$4\r\nINFO\r\n$3\r\nall\r\n'
    """
    parts = [part if isinstance(part, bytes) else str(part).encode() for part in command]
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%b\r\n" % (len(part), part) for part in parts)


def connect(address: Address) -> Wire:
    """Return a connection to `address`, within two seconds for all of name, connect and TLS.

    Errors: TargetError REFUSED, TIMED_OUT, UNREACHABLE, RESET, NAME_NOT_RESOLVED, TLS.
    """
    deadline = clock.monotonic() + CONNECT_SECONDS
    try:
        stream, seconds = _open_unix(address) if address.path else _open_tcp(address, deadline)
        if address.tls:
            stream.settimeout(max(deadline - clock.monotonic(), 0.1))
            stream = address.tls_context().wrap_socket(stream, server_hostname=address.host)
    except OSError as error:
        raise from_os(error, str(address)) from error
    return Wire(stream, str(address), seconds)


def _open_unix(address: Address) -> tuple[socket.socket, float]:
    stream = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    stream.settimeout(CONNECT_SECONDS)
    started = clock.monotonic()
    stream.connect(address.path)
    return stream, clock.monotonic() - started


def _open_tcp(address: Address, deadline: float) -> tuple[socket.socket, float]:
    """Return a socket and the seconds of the handshake, which the system answers even for a busy server."""
    failure: OSError = TimeoutError()
    for family, _, _, _, endpoint in _resolve(address, deadline):
        stream = socket.socket(family, socket.SOCK_STREAM)
        stream.settimeout(max(deadline - clock.monotonic(), 0.1))
        started = clock.monotonic()
        try:
            stream.connect(endpoint)
        except OSError as error:
            stream.close()
            failure = error
            continue
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return stream, clock.monotonic() - started
    raise failure


def _resolve(address: Address, deadline: float) -> list[Any]:
    """Return the addresses behind the name. A resolver that hangs is left behind in a thread of its own."""
    answers: queue.SimpleQueue[list[Any] | OSError] = queue.SimpleQueue()

    def ask() -> None:
        try:
            answers.put(list(socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)))
        except (OSError, UnicodeError) as error:
            answers.put(error if isinstance(error, OSError) else socket.gaierror(str(error)))

    threading.Thread(target=ask, name="resolve", daemon=True).start()
    try:
        answer = answers.get(timeout=max(deadline - clock.monotonic(), 0.1))
    except queue.Empty as error:
        raise socket.gaierror("the resolver did not answer in time") from error
    if isinstance(answer, OSError):
        raise answer
    return answer

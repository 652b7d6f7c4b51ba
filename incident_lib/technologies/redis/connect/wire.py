"""One connection over redis-py: no retry, no command of the library's own, every wait bounded.

The library packs commands and reads replies. The socket is opened here, so that one deadline holds for name,
connect and TLS, and so that the handshake is timed by itself.
"""

import contextlib
import socket
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from incident_lib import clock
from incident_lib.connections.names import resolve
from incident_lib.connections.peer import Peer, detect_peer
from incident_lib.connections.sockets import Address as NetworkAddress
from incident_lib.connections.sockets import connect_any
from incident_lib.connections.tls import wrap
from incident_lib.errors import ProblemKind, TargetError
from incident_lib.technologies.redis.connect.address import Address
from incident_lib.technologies.redis.connect.commands import check
from incident_lib.technologies.redis.connect.problems import from_connect, from_os
from incident_lib.technologies.redis.connect.stream import Command, Stream, wrong_server

if TYPE_CHECKING:
    from incident_lib.technologies.redis.connect.resp import Resp

CONNECT_SECONDS = 2.0


class Wire:
    """A connected server. `exchange` sends commands at once and returns their replies in order."""

    def __init__(self, resp: "Resp", stream: Stream, connect_seconds: float) -> None:
        self.where = stream.where
        self.connect_seconds: float | None = connect_seconds
        self.local = stream.local()
        self.ends = stream.ends()
        self._resp = resp
        self._stream = stream
        self._broken: TargetError | None = None
        self._answered = False

    def exchange(self, commands: Sequence[Command]) -> list[Any]:
        """Return a reply for each command: bytes, int, None, list, or ReplyError as a value.

        Errors: TargetError. After one nothing more is sent, as replies could no longer be matched.
        """
        for command in commands:
            check(command)
        if self._broken:
            raise self._broken
        self._stream.begin()
        try:
            return self._resp.exchange(commands)
        except TargetError as error:
            self._broken = error if self._answered else self._stream.explain(error)
            if self._broken is error:
                raise
            raise self._broken from error
        finally:
            self._answered = True

    def abort(self) -> None:
        """Break off: a waiting read ends at once."""
        with contextlib.suppress(OSError):
            self._stream.shutdown()

    def close(self) -> None:
        """Close the socket."""
        self._resp.close()


def connect(address: Address) -> Wire:
    """Return a connection to `address`, within two seconds for all of name, connect and TLS.

    Cost: a TCP connection; nothing is sent. Errors: TargetError REFUSED, TIMED_OUT, UNREACHABLE, RESET,
    NAME_NOT_RESOLVED, TLS, and NOT_CONFIGURED where the authority cannot be read.
    """
    from incident_lib.technologies.redis.connect.resp import Resp

    sock, seconds, reached = _open_unix(address) if address.path else _open_tcp(address)
    stream = Stream(sock, str(address), reached)
    return Wire(Resp(stream), stream, seconds)


def _open_unix(address: Address) -> tuple[socket.socket, float, None]:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    sock.settimeout(CONNECT_SECONDS)
    started = clock.monotonic()
    try:
        sock.connect(address.path)
    except OSError as error:
        sock.close()
        raise from_os(error, str(address)) from error
    return sock, clock.monotonic() - started, None


def _open_tcp(address: Address) -> tuple[socket.socket, float, NetworkAddress]:
    """Return a socket and the seconds of the handshake, which the system answers even for a busy server."""
    deadline = clock.monotonic() + CONNECT_SECONDS
    context = address.tls_context() if address.tls else None
    addresses = resolve(address.host, address.port, deadline - clock.monotonic())
    try:
        attempt = connect_any(addresses, deadline - clock.monotonic())
    except TargetError as error:
        raise from_connect(error, str(address)) from error
    if (sock := attempt.sock) is None:  # never: it raises where none connects
        raise from_os(TimeoutError(), str(address))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if context:
        try:
            sock = wrap(sock, address.host, context, deadline - clock.monotonic())
        except TargetError as error:
            found = detect_peer((attempt.address,), waits=error.kind is ProblemKind.TIMED_OUT)
            if found in {None, Peer.TLS}:
                raise
            raise wrong_server(str(address), found, tls=True) from error
    return sock, attempt.seconds, attempt.address

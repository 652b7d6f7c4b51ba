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
from incident_lib.connections.peer import STRANGE, Peer, look, recognise, wrong_peer
from incident_lib.connections.sockets import Address as NetworkAddress
from incident_lib.connections.sockets import connect_any
from incident_lib.connections.tls import wrap
from incident_lib.errors import ProblemKind, TargetError
from incident_lib.technologies.redis.connect.address import Address
from incident_lib.technologies.redis.connect.commands import check
from incident_lib.technologies.redis.connect.problems import from_connect, from_os, protocol
from incident_lib.units import format_bytes

if TYPE_CHECKING:
    from incident_lib.technologies.redis.connect.resp import Resp

CONNECT_SECONDS = 2.0
READ_SECONDS = 2.0
_NUDGE_SECONDS = 0.3
_FIRST_BYTES = 256
_REPLIES = frozenset({b"+", b"-", b":", b"$", b"*"})  # what replies of Redis begin with
LIMIT_BYTES = 64 * 1024 * 1024  # of the replies to one exchange

Command = Sequence[str | bytes | int]


class Stream:
    """A connected socket as redis-py uses it, whose reads share one deadline and one limit of bytes.

    The library bounds each read by itself: a server that sends a byte a second would hold it for ever.
    """

    def __init__(self, sock: socket.socket, where: str, reached: NetworkAddress | None = None) -> None:
        self.where = where
        self.reached = reached  # its address, None for a Unix socket
        self._socket = sock
        self._deadline = 0.0
        self._left_bytes = 0
        self._first = b""  # what it sent first, to recognise what it is

    def begin(self) -> None:
        """Start the time and the count of an exchange."""
        self._deadline = clock.monotonic() + READ_SECONDS
        self._left_bytes = LIMIT_BYTES

    def sendall(self, data: bytes) -> None:
        """Send `data`. Errors: OSError, TimeoutError at the deadline."""
        self._wait()
        self._socket.sendall(data)

    def recv(self, size: int) -> bytes:
        """Return what came. Errors: OSError, TargetError PROTOCOL beyond the limit."""
        self._wait()
        data = self._socket.recv(size)
        self._count(len(data))
        self._first = self._first or data[:_FIRST_BYTES]
        return data

    def recv_into(self, buffer: bytearray) -> int:
        """Write what came into `buffer`, as `recv`; the library reads this way where hiredis is installed."""
        self._wait()
        size = self._socket.recv_into(buffer)
        self._count(size)
        self._first = self._first or bytes(buffer[: min(size, _FIRST_BYTES)])
        return size

    def explain(self, error: TargetError) -> TargetError:
        """Return what answers in place of Redis, where a first exchange failed; else the error as it is.

        Cost: a line's end where it waits for one; up to three connections where it hung up on us.
        """
        where = self.reached
        if error.kind not in STRANGE or where is None or self._first[:1] in _REPLIES:
            return error
        found = recognise(self._first) or (self._nudged() if error.kind is ProblemKind.TIMED_OUT else None)
        if found is None and error.kind is not ProblemKind.TIMED_OUT:
            found = look((where,))
        return error if found in {None, Peer.REDIS} else wrong_server(self.where, found, tls=False)

    def _nudged(self) -> Peer | None:
        """Return who answers to the end of a line, which Redis passes over and HTTP servers wait for."""
        try:
            self._socket.settimeout(_NUDGE_SECONDS)
            self._socket.sendall(b"\r\n\r\n")
            return recognise(self._socket.recv(_FIRST_BYTES))
        except OSError:
            return None

    def local(self) -> str:
        """Return our end, as the server may show it, "" on a Unix socket."""
        name = self._socket.getsockname()
        if not isinstance(name, tuple):
            return ""
        return f"[{name[0]}]:{name[1]}" if ":" in name[0] else f"{name[0]}:{name[1]}"

    def ends(self) -> tuple[str, str]:
        """Return our address and the server's, both "" on a Unix socket."""
        own, peer = self._socket.getsockname(), self._socket.getpeername()
        return (own[0], peer[0]) if isinstance(own, tuple) and isinstance(peer, tuple) else ("", "")

    def shutdown(self, how: int = socket.SHUT_RDWR) -> None:
        """End both directions: a read that waits in another thread ends at once."""
        # The plain method: the one of TLS sockets takes the object away that the other thread reads from.
        socket.socket.shutdown(self._socket, how)

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def _wait(self) -> None:
        remaining = self._deadline - clock.monotonic()
        if remaining <= 0:
            raise TimeoutError
        self._socket.settimeout(remaining)

    def _count(self, size: int) -> None:
        self._left_bytes -= size
        if self._left_bytes < 0:
            raise protocol(self.where, f"a reply of over {format_bytes(LIMIT_BYTES)}")


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
            found = look((attempt.address,), waits=error.kind is ProblemKind.TIMED_OUT)
            if found in {None, Peer.TLS}:
                raise
            raise wrong_server(str(address), found, tls=True) from error
    return sock, attempt.seconds, attempt.address


def wrong_server(where: str, found: Peer, *, tls: bool) -> TargetError:
    """Return the problem of an address at which something else answers, or the right one without TLS."""
    if found is Peer.REDIS:
        return wrong_peer(
            where, "Redis with TLS", found, "write redis:// for rediss://, or switch TLS on there"
        )
    advice = (
        "write rediss:// if it is Redis with TLS; else correct host and port" if found is Peer.TLS else ""
    )
    return wrong_peer(where, "Redis with TLS" if tls else "Redis", found, advice)

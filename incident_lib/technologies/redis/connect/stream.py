"""The socket under a connection with Redis: every exchange within one deadline and one limit of bytes."""

import socket
from collections.abc import Sequence

from incident_lib import clock
from incident_lib.connections.listener import listener_on
from incident_lib.connections.peer import NOT_UNDERSTOOD, Peer, detect_peer, recognize, wrong_peer
from incident_lib.connections.received import too_large
from incident_lib.connections.sockets import Address as NetworkAddress
from incident_lib.errors import ProblemKind, TargetError

READ_SECONDS = 2.0
PROGRAMS = ("redis-server", "valkey-server")
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
        self._first = b""  # what it sent first, to recognize what it is

    def begin(self) -> None:
        """Start the time and the count of an exchange."""
        self._deadline = clock.monotonic() + READ_SECONDS
        self._left_bytes = LIMIT_BYTES

    def sendall(self, data: bytes) -> None:
        """Send `data`. Errors: OSError, TimeoutError at the deadline."""
        self._wait()
        self._socket.sendall(data)

    def recv(self, size: int) -> bytes:
        """Return what came. Errors: OSError, TargetError TOO_LARGE beyond the limit."""
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
        if error.kind not in NOT_UNDERSTOOD or where is None or self._first[:1] in _REPLIES:
            return error
        found = recognize(self._first) or (self._nudged() if error.kind is ProblemKind.TIMED_OUT else None)
        if found is None and error.kind is not ProblemKind.TIMED_OUT:
            found = detect_peer((where,))
        if found is None and error.kind is ProblemKind.TIMED_OUT:
            return self._silent(error, where)
        return error if found in {None, Peer.REDIS} else wrong_server(self.where, found, tls=False)

    def _silent(self, error: TargetError, where: NetworkAddress) -> TargetError:
        """Return an error that says what its process does, where that can be seen."""
        listener = listener_on(*self.ends(), where.port, PROGRAMS)
        if listener is None:
            return error
        numbers = {
            "server_pid": float(listener.pid),
            "busy_ratio": listener.busy_ratio,
            f"is_{listener.doing}": 1.0,
        }
        return TargetError(error.kind, error.message, error.advice, numbers=numbers)

    def _nudged(self) -> Peer | None:
        """Return who answers to the end of a line, which Redis passes over and HTTP servers wait for.

        A Redis that was only late answers what it was asked before.
        """
        try:
            self._socket.settimeout(_NUDGE_SECONDS)
            self._socket.sendall(b"\r\n\r\n")
            first = self._socket.recv(_FIRST_BYTES)
        except OSError:
            return None
        return Peer.REDIS if first[:1] in _REPLIES else recognize(first)

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
            raise too_large(f"a reply of {self.where}", LIMIT_BYTES)


def wrong_server(where: str, found: Peer, *, tls: bool) -> TargetError:
    """Return the problem of an address at which something else answers, or the right one without TLS."""
    if found is Peer.REDIS:
        return wrong_peer(
            where, "Redis with TLS", found, "use redis:// instead of rediss://, or enable TLS there"
        )
    advice = (
        "use rediss:// if it is Redis with TLS; otherwise correct host and port" if found is Peer.TLS else ""
    )
    return wrong_peer(where, "Redis with TLS" if tls else "Redis", found, advice)

r"""What answers on a port where something else was expected, by the first bytes that it sends.

A client of one protocol at a port of another one waits until its time is up, or is hung up on, and reports
just that. The first bytes say more. Where the other side waits for a line, it is given one that servers of
every kind understand well enough to answer in their own words; nothing that could be a command of theirs.
"""

import contextlib
import re
import socket
import ssl
from collections.abc import Iterator, Sequence
from enum import StrEnum

from incident_lib import clock
from incident_lib.connections.sockets import Address, connect_any
from incident_lib.errors import ProblemKind, TargetError

DETECT_SECONDS = 1.0
_EACH_SECONDS = 0.4
_FIRST_BYTES = 512
_SSL_REQUEST = bytes.fromhex(
    "0000000804d2162f"
)  # what PostgreSQL clients ask first; its answer is one letter
_LINE = b"HEAD / HTTP/1.0\r\n\r\n"


# How clients fail that are not understood; a connection that was never made is something else.
NOT_UNDERSTOOD = frozenset({ProblemKind.TIMED_OUT, ProblemKind.RESET, ProblemKind.PROTOCOL, ProblemKind.TLS})


class Peer(StrEnum):
    """What was recognized."""

    HTTP = "http"
    TLS = "tls"
    POSTGRES = "postgres"
    REDIS = "redis"
    MYSQL = "mysql"
    SSH = "ssh"
    MAIL = "mail"
    OTHER = "other"

    @property
    def words(self) -> str:
        """What it is called."""
        return _WORDS[self]


_WORDS = {
    Peer.HTTP: "an HTTP server",
    Peer.TLS: "a server that speaks TLS",
    Peer.POSTGRES: "a PostgreSQL server",
    Peer.REDIS: "a Redis server",
    Peer.MYSQL: "a MySQL server",
    Peer.SSH: "an SSH server",
    Peer.MAIL: "a mail or FTP server",
    Peer.OTHER: "something that speaks another protocol",
}
_HTTPS_HINTS = (b"plain http request was sent to https port", b"http request to an https server")
_SIGNS: tuple[tuple[Peer, "re.Pattern[bytes]"], ...] = (
    (Peer.HTTP, re.compile(rb"HTTP/\d|<(?:!DOCTYPE|html|head)", re.IGNORECASE)),
    (Peer.TLS, re.compile(rb"[\x15\x16]\x03[\x00-\x04]")),
    (Peer.SSH, re.compile(rb"SSH-\d")),
    (Peer.MYSQL, re.compile(rb"...\x00\x0a[\d.]+|...\x00\xff.{2}Host ", re.DOTALL)),
    (Peer.POSTGRES, re.compile(rb"E\x00\x00.{2}S|E(?:FATAL|ERROR):? |R\x00\x00\x00.\x00\x00", re.DOTALL)),
    (
        Peer.REDIS,
        re.compile(rb"-(?:ERR|NOAUTH|DENIED|LOADING|BUSY|NOPERM|MISCONF|MASTERDOWN) |\+PONG|\+OK\r"),
    ),
    (Peer.MAIL, re.compile(rb"[245]\d\d[ -].*\r?\n")),
)


def recognize(data: bytes) -> Peer | None:
    r"""Return what sends such first bytes, None where there are none.

    >>> recognize(b"HTTP/1.1 400 Bad Request\r\n"), recognize(b"-ERR unknown command"), recognize(b"")
    (<Peer.HTTP: 'http'>, <Peer.REDIS: 'redis'>, None)
    >>> recognize(b"HTTP/1.1 400 Bad Request\r\n\r\nThe plain HTTP request was sent to HTTPS port")
    <Peer.TLS: 'tls'>
    """
    if not data:
        return None
    if any(hint in data.lower() for hint in _HTTPS_HINTS):
        return Peer.TLS
    return next((peer for peer, sign in _SIGNS if sign.match(data)), Peer.OTHER)


def detect_peer(
    addresses: Sequence[Address], *, waits: bool = False, seconds: float = DETECT_SECONDS
) -> Peer | None:
    """Return what answers at an address where a client of ours was not understood; None for nothing known.

    `waits` for a server that is silent rather than one that hangs up: it is given a line, and left alone.
    Cost: up to three connections, one after the other, and a line of text over one of them.
    """
    deadline = clock.monotonic() + seconds
    with contextlib.suppress(OSError, TargetError):
        if waits:
            return recognize(_first_bytes(addresses, _LINE, deadline))
        first = _first_bytes(addresses, _SSL_REQUEST, deadline)
        if first in {b"S", b"N"}:
            return Peer.POSTGRES
        if first and (peer := recognize(first)) is not Peer.OTHER:
            return peer
        if first := _first_bytes(addresses, _LINE, deadline):
            return recognize(first)
        return Peer.TLS if _shakes_hands(addresses, deadline) else None
    return None


def _first_bytes(addresses: Sequence[Address], words: bytes, deadline: float) -> bytes:
    """Return the first bytes that come back, none where it stays silent or hangs up."""
    with _connected(addresses, deadline) as sock:
        try:
            sock.sendall(words)
            return sock.recv(_FIRST_BYTES)
        except OSError:
            return b""


def _shakes_hands(addresses: Sequence[Address], deadline: float) -> bool:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # for looking only: nothing is sent over it
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with _connected(addresses, deadline) as sock, context.wrap_socket(sock) as secured:
        return secured.version() is not None


@contextlib.contextmanager
def _connected(addresses: Sequence[Address], deadline: float) -> Iterator[socket.socket]:
    left = min(_EACH_SECONDS, deadline - clock.monotonic())
    if left <= 0:
        raise TimeoutError
    attempt = connect_any(addresses, left)
    if attempt.sock is None:
        raise TimeoutError
    with attempt.sock as sock:
        sock.settimeout(left)
        yield sock


def wrong_peer(where: str, expected: str, peer: Peer, advice: str = "") -> TargetError:
    """Return the problem of a port on which something else answers than its address says.

    >>> wrong_peer("cache:8000", "Redis", Peer.HTTP).message
    'an HTTP server answers at cache:8000, where Redis is expected'
    """
    message = f"{peer.words} answers{f' at {where}' if where else ''}, where {expected} is expected"
    return TargetError(ProblemKind.WRONG_PEER, message, advice or "correct the host and port in its address")

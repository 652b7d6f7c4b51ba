"""One GET with the time of each phase, under one deadline that holds against servers that drip bytes too."""

import base64
import contextlib
import io
import socket
import ssl
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import IO, Any, cast
from urllib.parse import SplitResult, quote, unquote

import msgspec

from incident_lib import clock
from incident_lib.connections.names import resolve, to_ascii
from incident_lib.connections.peer import (
    DETECT_SECONDS,
    NOT_UNDERSTOOD,
    Peer,
    detect_peer,
    recognize,
    wrong_peer,
)
from incident_lib.connections.sockets import Address, connect_any, kind_of
from incident_lib.connections.tls import asks_certificate, context_for, wrap
from incident_lib.connections.urls import following, host_header, port_of, safe_url, split
from incident_lib.errors import ProblemKind, TargetError
from incident_lib.units import format_duration

_RESOLUTION_SECONDS = 1.0  # of the header, which holds whole seconds that have begun
_STALE_SECONDS = 1.0  # servers make the text once a second and use it again
BODY_LIMIT_BYTES = 64 * 1024
REDIRECTS = 5
_FIRST_BYTES = 512
_BAD_REQUEST = 400
_REDIRECT_CODES = frozenset({301, 302, 303, 307, 308})
_SAFE = "%/:=&?~#+!$,;'@()*[]"
_SILENT_ADVICE = "it accepts connections but does not answer: check its workers, its threads and its log"
_PROTOCOL_ADVICE = {
    Peer.TLS: "use https:// instead of http:// in its url",
    Peer.HTTP: "use http:// instead of https:// in its url, or enable TLS there",
}


class ClockDifference(msgspec.Struct, frozen=True, kw_only=True):
    """A clock less ours, and how far that may be off either way."""

    seconds: float
    error_seconds: float


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one GET: an answer, or `error`. Phases that were not reached are missing."""

    url: str
    status: int | None = None
    version: str | None = None
    phases: dict[str, float] = {}  # name, connect, tls, first_byte, body; sums over redirects
    total_seconds: float = 0.0
    headers: dict[str, str] = {}  # names in small letters
    body: bytes = b""
    truncated: bool = False
    redirects: tuple[str, ...] = ()
    error: TargetError | None = None
    silent: bool = False  # connected, and not one byte came back
    clock: ClockDifference | None = None  # the other clock less ours, by the Date header

    @property
    def connected(self) -> bool:
        """Whether there was a connection, whatever came of it."""
        return "connect" in self.phases


def get(
    url: str,
    *,
    seconds: float,
    ca: Path | None = None,
    redirects: int = REDIRECTS,
    body_limit_bytes: int = BODY_LIMIT_BYTES,
) -> Answer:
    """Return what a GET of `url` brings within `seconds`; a sick target raises nothing.

    Follows `redirects` redirects, on the same host only. Reads 64 KiB of the body by default.
    Verifies TLS against `ca`.
    Cost: one request, one connection, and one more for each redirect.
    """
    trace = _Trace(seconds, body_limit_bytes)
    hops: list[str] = []
    here = url
    try:
        while True:
            answer = _exchange(here, trace, ca)
            location = answer.headers.get("location") if answer.status in _REDIRECT_CODES else None
            target = following(here, location) if location else None
            if target is None or redirects == 0:
                break
            if len(hops) >= redirects:
                message = f"{safe_url(url)} redirects more than {redirects} times"
                raise TargetError(ProblemKind.PROTOCOL, message, "look for a redirect loop")
            hops.append(safe_url(target))
            here = target
    except TargetError as error:
        answer = Answer(url=url, error=error, silent=trace.is_silent(error))
    return msgspec.structs.replace(
        answer, url=url, phases=dict(trace.phases), total_seconds=trace.elapsed(), redirects=tuple(hops)
    )


class _Trace:
    """The deadline, and what each finished phase took."""

    def __init__(self, seconds: float, body_limit_bytes: int) -> None:
        self.seconds = seconds
        self.body_limit_bytes = body_limit_bytes
        self.started = clock.monotonic()
        self.phases: dict[str, float] = {}
        self.stage = ""
        self.reached: Address | None = None  # where it connected last
        self.first = b""  # what came back first over that connection

    def elapsed(self) -> float:
        """Return the seconds since the beginning."""
        return clock.monotonic() - self.started

    def left(self) -> float:
        """Return the seconds that are left. Errors: TimeoutError when there are none."""
        if (left := self.seconds - self.elapsed()) <= 0:
            raise TimeoutError
        return left

    def left_for_tls(self) -> float:
        """Return the seconds for a handshake: enough stays to see what answers instead."""
        left = self.left()
        return max(left * 0.8, left - DETECT_SECONDS / 2)

    @contextlib.contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Count the time of what happens inside, if it ends well."""
        self.stage = name
        started = clock.monotonic()
        yield
        self.phases[name] = self.phases.get(name, 0.0) + clock.monotonic() - started

    def is_silent(self, error: TargetError) -> bool:
        """Return whether the other side connected and then said nothing at all until the deadline."""
        return error.kind is ProblemKind.TIMED_OUT and self.stage in {"tls", "first_byte"}


class _Bounded(io.RawIOBase):
    """The bytes of a socket, each read bounded by what is left of the whole request's time."""

    def __init__(self, sock: socket.socket, trace: _Trace) -> None:
        super().__init__()
        self._sock = sock
        self._trace = trace

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read what there is. Errors: TimeoutError at the deadline."""
        self._sock.settimeout(self._trace.left())
        return self._sock.recv_into(buffer)


class _Stream:
    """What HTTPResponse takes for a socket."""

    def __init__(self, reader: IO[bytes]) -> None:
        self.reader = reader

    def makefile(self, *_: Any) -> IO[bytes]:
        """Return the reader, whatever mode is asked for."""
        return self.reader


def _exchange(url: str, trace: _Trace, ca: Path | None) -> Answer:
    parts = split(url)
    host = parts.hostname or ""
    try:
        sock = _connect(parts, trace, ca)
    except TimeoutError as error:
        raise TargetError(ProblemKind.TIMED_OUT, f"{host} took longer than {_words(trace)}") from error
    with sock:
        try:
            return _converse(url, parts, sock, trace)
        except TimeoutError as error:
            raise _late(trace) from error
        except (ssl.SSLError, ConnectionError) as error:
            raise _explained(_broken_off(error, trace), parts, trace) from error
        except OSError as error:
            raise TargetError(kind_of(error), f"{host}: {error.strerror or error}") from error
        except (HTTPException, ValueError) as error:
            message = f"{host}:{port_of(parts)} answers, but not in HTTP: {type(error).__name__}"
            strange = TargetError(ProblemKind.PROTOCOL, message, "does the port belong to this service?")
            raise _explained(strange, parts, trace) from error


def _connect(parts: SplitResult, trace: _Trace, ca: Path | None) -> socket.socket:
    host = parts.hostname or ""
    with trace.phase("name"):
        addresses = resolve(host, port_of(parts), trace.left())
    context = context_for(ca) if parts.scheme == "https" else None
    with trace.phase("connect"):
        attempt = connect_any(addresses, trace.left())
    if attempt.sock is None:
        raise TargetError(ProblemKind.UNREACHABLE, f"{host} has no address")
    trace.reached, trace.first = attempt.address, b""
    if context is None:
        return attempt.sock
    try:
        with trace.phase("tls"):
            return wrap(attempt.sock, host, context, trace.left_for_tls())
    except TargetError as error:
        raise _explained(error, parts, trace) from error


def _explained(error: TargetError, parts: SplitResult, trace: "_Trace") -> TargetError:
    """Return that something else than the address says answers, or the error as it is.

    Cost: one connection where the other side is silent to a TLS greeting, up to four where it hung up.
    """
    seconds = trace.seconds - trace.elapsed()
    if error.kind not in NOT_UNDERSTOOD or trace.reached is None:
        return error
    found = recognize(trace.first)
    if found is None and seconds > 0:
        waits = error.kind is ProblemKind.TIMED_OUT
        found = detect_peer((trace.reached,), waits=waits, seconds=min(DETECT_SECONDS, seconds))
    expected = Peer.TLS if parts.scheme == "https" else Peer.HTTP
    if found is Peer.TLS is expected and error.kind is ProblemKind.RESET and seconds > 0:
        asks = asks_certificate(parts.hostname or "", trace.reached, seconds)
        return _no_certificate() if asks else error
    return error if found in {None, Peer.OTHER, expected} else _wrong_protocol(parts, found)


def _no_certificate() -> TargetError:
    """Return the problem of a server that asks clients for a certificate: ours, as we have none."""
    message = "it requires a client certificate, and the workbench has none"
    return TargetError(ProblemKind.PRIVILEGE, message, "check it from a client that has one")


def _wrong_protocol(parts: SplitResult, found: Peer) -> TargetError:
    """Return the problem of an address at which `found` answers."""
    where = f"{parts.hostname}:{port_of(parts)}"
    advice = _PROTOCOL_ADVICE.get(found, "correct the host and port in its url")
    return wrong_peer(where, parts.scheme.upper(), found, advice)


def _converse(url: str, parts: SplitResult, sock: socket.socket, trace: _Trace) -> Answer:
    with io.BufferedReader(_Bounded(sock, trace)) as reader:
        with trace.phase("first_byte"):
            sock.settimeout(trace.left())
            span = clock.Span()
            sock.sendall(_request(parts))
            trace.first = bytes(reader.peek(1)[:_FIRST_BYTES])
            if not trace.first:
                raise ConnectionResetError
            answered_at = span.end()
        with trace.phase("body"):
            answer = _receive(url, reader, trace.body_limit_bytes)
    if answer.status == _BAD_REQUEST and parts.scheme == "http" and recognize(answer.body) is Peer.TLS:
        raise _wrong_protocol(parts, Peer.TLS)
    difference = clock_difference(answer.headers, span.began_at, answered_at)
    return msgspec.structs.replace(answer, clock=difference)


def clock_difference(
    headers: Mapping[str, str], sent_at: datetime, answered_at: datetime
) -> ClockDifference | None:
    """Return the server's clock less ours; None where the answer does not show it.

    An answer that a cache kept has the date of its making: one with an age, or a hit, shows nothing. The
    server wrote its date between our two moments, and the truth lies within a second after it.

    >>> sent = datetime(2026, 1, 15, 14, 31, 0, tzinfo=UTC)
    >>> clock_difference({"date": "Thu, 15 Jan 2026 14:30:00 GMT"}, sent, sent).seconds
    -59.5
    """
    if "age" in headers or "hit" in headers.get("x-cache", "").lower() or answered_at < sent_at:
        return None
    try:
        date = parsedate_to_datetime(headers.get("date", ""))
    except (ValueError, TypeError, IndexError):
        return None
    if date.tzinfo is None:
        date = date.replace(tzinfo=UTC)
    way = (answered_at - sent_at).total_seconds() / 2
    ours = sent_at.timestamp() + way
    seconds = date.timestamp() + _RESOLUTION_SECONDS / 2 - ours
    return ClockDifference(seconds=seconds, error_seconds=way + _RESOLUTION_SECONDS / 2 + _STALE_SECONDS)


def _receive(url: str, reader: IO[bytes], limit: int) -> Answer:
    response = HTTPResponse(cast("socket.socket", _Stream(reader)), method="GET")
    response.begin()
    body = response.read(limit)
    if len(body) < limit and response.length:
        raise ConnectionResetError  # fewer bytes than it said
    truncated = len(body) == limit and bool(response.read(1))
    return Answer(
        url=url,
        status=response.status,
        version="1.0" if response.version == 10 else "1.1",
        headers={name.lower(): value for name, value in response.getheaders()},
        body=body,
        truncated=truncated,
    )


def _request(parts: SplitResult) -> bytes:
    host = to_ascii(parts.hostname or "")
    target = quote(parts.path or "/", safe=_SAFE) + (
        f"?{quote(parts.query, safe=_SAFE)}" if parts.query else ""
    )
    lines = [
        f"GET {target} HTTP/1.1",
        f"Host: {host_header(parts, host)}",
        "User-Agent: incident-workbench",
        "Accept: application/json, */*;q=0.5",
        "Accept-Encoding: identity",
        "Connection: close",
    ]
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        lines.append(f"Authorization: Basic {base64.b64encode(pair.encode()).decode('ascii')}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def _words(trace: _Trace) -> str:
    return format_duration(trace.seconds)


def _late(trace: _Trace) -> TargetError:
    if trace.stage == "body":
        message = f"the answer started but did not finish within {_words(trace)}"
    else:
        message = f"connected, but no answer within {_words(trace)}"
    return TargetError(ProblemKind.TIMED_OUT, message, _SILENT_ADVICE)


def _broken_off(error: OSError, trace: _Trace) -> TargetError:
    if isinstance(error, ssl.SSLError) and (error.reason or "").endswith("CERTIFICATE_REQUIRED"):
        return _no_certificate()
    when = "in the middle of the answer" if trace.stage == "body" else "without an answer"
    kind = ProblemKind.RESET if isinstance(error, ConnectionError | ssl.SSLEOFError) else ProblemKind.TLS
    return TargetError(kind, f"it closed the connection {when}", "check its log for a crash or a limit")

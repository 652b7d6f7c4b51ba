"""TCP connections to several addresses at once, each attempt with its outcome, all within a deadline."""

import errno
import selectors
import socket
from collections.abc import Generator, Iterator, Sequence
from typing import Any

import msgspec

from incident_lib import clock
from incident_lib.errors import ProblemKind, TargetError

STAGGER_SECONDS = 0.25  # the head start of each address over the next (RFC 8305)
SETTLE_SECONDS = 0.1  # what accepts only to hang up does so at once

_KINDS = {
    errno.ECONNREFUSED: ProblemKind.REFUSED,
    errno.ETIMEDOUT: ProblemKind.TIMED_OUT,
    errno.ECONNRESET: ProblemKind.RESET,
    errno.ECONNABORTED: ProblemKind.RESET,
    errno.EPIPE: ProblemKind.RESET,
}
_WORDS = {
    ProblemKind.REFUSED: "refuses connections",
    ProblemKind.TIMED_OUT: "does not answer",
    ProblemKind.RESET: "resets connections",
    ProblemKind.UNREACHABLE: "cannot be reached",
}
ADVICE = {
    ProblemKind.REFUSED: "nothing listens there: is the process running, and is this the right port?",
    ProblemKind.TIMED_OUT: "packets are dropped: check for a firewall, or a machine that is down",
    ProblemKind.UNREACHABLE: "there is no route to that network: check routes, VPN and firewall",
    ProblemKind.RESET: "it accepts and closes at once: check for a proxy, a connection limit or a crash in "
    "its log",
}


class Address(msgspec.Struct, frozen=True):
    """Where to connect to, as the resolver gave it."""

    family: int
    sockaddr: tuple[Any, ...]

    @property
    def host(self) -> str:
        """The bare IP address."""
        return str(self.sockaddr[0])

    @property
    def port(self) -> int:
        """The port."""
        return int(self.sockaddr[1])

    @property
    def text(self) -> str:
        """Address and port as people write them.

        >>> Address(socket.AF_INET6, ("::1", 443, 0, 0)).text
        '[::1]:443'
        """
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One connection that was tried. `sock` is open, and the caller's to close, where `kind` is None."""

    address: Address
    seconds: float
    sock: socket.socket | None = None
    kind: ProblemKind | None = None
    unsent: bool = False  # this machine itself refused to send

    @property
    def message(self) -> str:
        """What is wrong, in a few words; empty where it connected."""
        return f"{self.address.text} {describe(self.kind)}" if self.kind else ""


def describe(kind: ProblemKind) -> str:
    """Return what a kind of failure says about an address.

    >>> describe(ProblemKind.REFUSED)
    'refuses connections'
    """
    return _WORDS.get(kind, "cannot be connected to")


def kind_of(error: OSError) -> ProblemKind:
    """Return the kind of problem that an error of a socket shows.

    >>> kind_of(ConnectionRefusedError(errno.ECONNREFUSED, "refused")).value
    'refused'
    """
    if isinstance(error, TimeoutError):
        return ProblemKind.TIMED_OUT
    return _KINDS.get(error.errno or 0, ProblemKind.UNREACHABLE)


def try_all(addresses: Sequence[Address], seconds: float) -> tuple[Attempt, ...]:
    """Return one attempt for each address, all at once and closed again; what hangs up at once is RESET."""
    attempts = settled(connect_all(addresses, seconds), SETTLE_SECONDS)
    for attempt in attempts:
        if attempt.sock:
            attempt.sock.close()
    return tuple(msgspec.structs.replace(attempt, sock=None) for attempt in attempts)


def connect_all(addresses: Sequence[Address], seconds: float) -> tuple[Attempt, ...]:
    """Return one attempt for each address, all made at once, in the order of `addresses`."""
    done = {attempt.address: attempt for attempt in _race(addresses, seconds, stagger=0.0)}
    return tuple(done[address] for address in addresses)


def settled(attempts: Sequence[Attempt], seconds: float) -> tuple[Attempt, ...]:
    """Return the attempts, those that were accepted and hung up on within `seconds` as RESET, and closed.

    A proxy with nothing behind it, and a server past a limit of its own, accept only to do that.
    """
    with selectors.DefaultSelector() as selector:
        for attempt in attempts:
            if attempt.sock:
                selector.register(attempt.sock, selectors.EVENT_READ, attempt)
        ready = selector.select(seconds) if selector.get_map() else []
    gone = [key.data for key, _ in ready if _has_hung_up(key.data.sock)]
    for attempt in gone:
        attempt.sock.close()
    return tuple(
        msgspec.structs.replace(attempt, sock=None, kind=ProblemKind.RESET) if attempt in gone else attempt
        for attempt in attempts
    )


def _has_hung_up(sock: socket.socket) -> bool:
    """Return whether the other side ended the connection; what it said first stays to be read."""
    try:
        return not sock.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return False
    except OSError:
        return True


def connect_any(addresses: Sequence[Address], seconds: float) -> Attempt:
    """Return the first attempt that connects; a dead address delays the next by a quarter of a second.

    Errors: TargetError with the kind of the address that came nearest to an answer.
    """
    failures = []
    race = _race(addresses, seconds, stagger=STAGGER_SECONDS)
    try:
        for attempt in race:
            if attempt.sock:
                return attempt
            failures.append(attempt)
    finally:
        race.close()
    raise error_of(failures)


def error_of(failures: Sequence[Attempt]) -> TargetError:
    """Return the error of a target none of whose addresses connected."""
    order = (ProblemKind.REFUSED, ProblemKind.RESET, ProblemKind.TIMED_OUT)
    rank = {kind: position for position, kind in enumerate(order)}
    worst = min(failures, key=lambda failure: rank.get(failure.kind or ProblemKind.UNREACHABLE, len(order)))
    kind = worst.kind or ProblemKind.UNREACHABLE
    message = "; ".join(failure.message for failure in failures)
    return TargetError(kind, message, ADVICE.get(kind, ""))


def _race(addresses: Sequence[Address], seconds: float, *, stagger: float) -> Generator[Attempt]:
    started = clock.monotonic()
    waiting = list(addresses)
    next_at = started
    with selectors.DefaultSelector() as selector:
        try:
            while waiting or selector.get_map():
                now = clock.monotonic()
                if waiting and (now >= next_at or not selector.get_map()):
                    if failed := _begin(waiting.pop(0), selector):
                        yield failed
                    next_at = now + stagger
                    continue
                until = min(started + seconds, next_at) if waiting else started + seconds
                for key, _ in selector.select(max(0.0, until - now)):
                    selector.unregister(key.fileobj)
                    yield _outcome(*key.data)
                if clock.monotonic() >= started + seconds:
                    break
            yield from _left_over(selector, waiting, seconds)
        finally:
            for key in list(selector.get_map().values()):
                key.data[0].close()


def _begin(address: Address, selector: selectors.BaseSelector) -> Attempt | None:
    """Start to connect; return the attempt only where it failed on the spot."""
    try:
        sock = socket.socket(address.family, socket.SOCK_STREAM)
    except OSError as error:
        return Attempt(address=address, seconds=0.0, kind=kind_of(error))
    sock.settimeout(0)
    code = sock.connect_ex(address.sockaddr)
    if code in {0, errno.EINPROGRESS}:
        selector.register(sock, selectors.EVENT_WRITE, (sock, address, clock.monotonic()))
        return None
    sock.close()
    kind = _KINDS.get(code, ProblemKind.UNREACHABLE)
    return Attempt(address=address, seconds=0.0, kind=kind, unsent=kind is ProblemKind.UNREACHABLE)


def _outcome(sock: socket.socket, address: Address, began: float) -> Attempt:
    seconds = clock.monotonic() - began
    code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if code == 0 and sock.getsockname() == address.sockaddr:
        code = errno.ECONNREFUSED  # a closed port of our own range, connected to itself
    if code:
        sock.close()
        return Attempt(address=address, seconds=seconds, kind=_KINDS.get(code, ProblemKind.UNREACHABLE))
    return Attempt(address=address, seconds=seconds, sock=sock)


def _left_over(selector: selectors.BaseSelector, waiting: list[Address], seconds: float) -> Iterator[Attempt]:
    for key in list(selector.get_map().values()):
        sock, address, _ = key.data
        selector.unregister(sock)
        sock.close()
        yield Attempt(address=address, seconds=seconds, kind=ProblemKind.TIMED_OUT)
    for address in waiting:
        yield Attempt(address=address, seconds=seconds, kind=ProblemKind.TIMED_OUT)

"""How many bytes came over a socket that a library reads from, so that one server cannot fill our memory."""

import array
import fcntl
import socket
import struct
import sys
import termios
from collections.abc import Generator
from typing import Any, TypeVar

from incident_lib.errors import ProblemKind, TargetError
from incident_lib.units import format_bytes

T = TypeVar("T")

_BYTES_RECEIVED_AT = 128  # in the kernel's struct tcp_info: tcpi_bytes_received, from Linux 4.1 on
_ADVICE = "the answer was not read to its end, so its content is unknown; check what sends so much"


def too_large(what: str, limit_bytes: int) -> TargetError:
    """Return the problem of an answer that is longer than we read.

    >>> too_large("the answer", 1024).message
    'the answer is longer than the read limit of 1 KiB'
    """
    message = f"{what} is longer than the read limit of {format_bytes(limit_bytes)}"
    return TargetError(ProblemKind.TOO_LARGE, message, _ADVICE)


class Received:
    """The bytes that came over one socket since `begin`.

    The kernel counts them for TCP, also those that are not read yet. Elsewhere what waits before each read is
    summed up, which is a little less than what came.
    """

    def __init__(self, limit_bytes: int, what: str) -> None:
        self.limit_bytes = limit_bytes
        self.what = what
        self._descriptor = -1
        self._before: int | None = None
        self._waiting = 0

    def begin(self) -> None:
        """Count from now on."""
        self._descriptor, self._before, self._waiting = -1, None, 0

    def check(self, descriptor: int) -> None:
        """Count what came over a socket, before it is read. Errors: TargetError TOO_LARGE."""
        total = _counted_by_kernel(descriptor)
        if descriptor != self._descriptor:  # a library may try one address after the other
            self._descriptor, self._before = descriptor, None
        if total is None:
            self._waiting += _waiting(descriptor)
            came = self._waiting
        else:
            self._before = max(0, total - _waiting(descriptor)) if self._before is None else self._before
            came = total - self._before
        if came > self.limit_bytes:
            raise too_large(self.what, self.limit_bytes)


def _counted_by_kernel(descriptor: int) -> int | None:
    if not sys.platform.startswith("linux"):
        return None
    try:
        with socket.socket(fileno=socket.dup(descriptor)) as sock:
            if sock.family not in {socket.AF_INET, socket.AF_INET6}:
                return None
            info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _BYTES_RECEIVED_AT + 8)
    except OSError:
        return None
    if len(info) < _BYTES_RECEIVED_AT + 8:
        return None
    return int(struct.unpack_from("=Q", info, _BYTES_RECEIVED_AT)[0])


def _waiting(descriptor: int) -> int:
    """Return how many bytes wait to be read."""
    held = array.array("i", [0])
    try:
        fcntl.ioctl(descriptor, termios.FIONREAD, held)
    except OSError:
        return 0
    return held[0]


def limited(steps: Generator[T, Any, Any], descriptor: int, received: Received) -> Generator[T, Any, Any]:
    """Yield what `steps` yields, where a library waits for a socket, and return what it returns.

    Errors: TargetError TOO_LARGE before a read that would pass the limit.
    """
    try:
        waits = next(steps)
        while True:
            ready = yield waits
            received.check(descriptor)
            waits = steps.send(ready)
    except StopIteration as ended:
        return ended.value

"""How far the reading of a log is, on standard error, where it takes longer than two seconds."""

import sys
from types import TracebackType
from typing import Self

from incident_lib import clock
from incident_lib.cli.stream import beneath, is_plain
from incident_lib.units import format_bytes, format_duration

_QUIET_SECONDS = 2.0
_TERMINAL_SECONDS, _LINE_SECONDS = 0.5, 10.0


class ReadingProgress:
    """Prints bytes, rate and time left: over itself in a terminal, else a line every ten seconds."""

    def __init__(self, total: int | None, *, no_color: bool = False) -> None:
        self._total = total
        self._read = 0
        self._started = clock.monotonic()
        self._out = beneath(sys.stderr)
        self._is_terminal = self._out.isatty() and not is_plain(no_color=no_color)
        self._next = self._started + _QUIET_SECONDS
        self._is_open = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._is_open:
            self._out.write("\r\x1b[K")
            self._out.flush()

    def advance(self, count: int) -> None:
        """Count bytes that were read, and print where it is time to."""
        self._read += count
        now = clock.monotonic()
        if now < self._next:
            return
        self._next = now + (_TERMINAL_SECONDS if self._is_terminal else _LINE_SECONDS)
        text = reading_line(self._read, self._total, now - self._started)
        if self._is_terminal:
            self._is_open = True
            self._out.write(f"\r\x1b[K{text}")
        else:
            self._out.write(f"{text}\n")
        self._out.flush()


def reading_line(read: int, total: int | None, seconds: float) -> str:
    """Return how far it is, in words.

    >>> reading_line(50 << 20, 200 << 20, 5.0)
    '50 MiB of 200 MiB, 10 MiB/s, 15 s left'
    >>> reading_line(50 << 20, None, 5.0)
    '50 MiB, 10 MiB/s'
    """
    rate = read / max(seconds, 0.001)
    if total is None or total <= 0:
        return f"{format_bytes(read)}, {format_bytes(rate)}/s"
    left = max(total - read, 0) / max(rate, 1.0)
    return (
        f"{format_bytes(read)} of {format_bytes(total)}, {format_bytes(rate)}/s, {format_duration(left)} left"
    )

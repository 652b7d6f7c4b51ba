"""What every log can do, wherever it is kept: in a file or at a container engine."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Protocol

import msgspec

from incident_lib.connections.session import Session
from incident_lib.model import Attachment, Problem, Truncation, Window
from incident_lib.technologies.logs.probes.digest import OTHER, Digest

EXCERPT_BYTES = 16 * 1024 * 1024
ALL = 2**62  # as a cap: none
FINE_WINDOW_SECONDS = 1_800  # up to this length a window is counted by the second, a longer one by the minute


class LogReader(Protocol):
    """A log by name, with a deadline and a cap. Picklable: it opens what it needs when it is opened."""

    @property
    def names(self) -> dict[str, str | None]:
        """What the log is called, as `container` or `log_file`."""

    def open(self) -> "OpenLog":
        """Return a session. Errors: TargetError, where there is no such file or no engine."""


class OpenLog(Session, Protocol):
    """A session with a log."""

    def read(self, window: Window) -> "Reading":
        """Return the lines of the window, counted, with the newest of them. Errors: TargetError."""

    def lines(self, window: Window, newest: int | None) -> "Lines":
        """Return the newest lines themselves, None for all of them. Errors: TargetError, also later."""

    def state(self) -> dict[str, Any]:
        """Return what the engine knows of the container: status, restarts, start. A file has none."""


class Lines(msgspec.Struct):
    """Clean lines in batches, the oldest first, those of an engine behind its time."""

    batches: Iterator[list[str]]
    cut: str = ""  # what is missing, known once all batches came


class Blocks(msgspec.Struct):
    """Bytes of whole lines, the oldest first."""

    blocks: Iterator[bytes]
    cut: str = ""  # what is missing, known once all blocks came


class Reading(msgspec.Struct, kw_only=True):
    """The lines of a log, counted, whichever way it was read."""

    digest: Digest
    newest: list[str]
    source: str
    complete: bool = True  # all lines of the window were read
    problem: Problem | None = None
    modified_at: datetime | None = None  # of a file: when it was written last
    before: tuple[str, ...] = ()  # the newest lines of the log, where the window holds none
    appended: Digest | None = None  # what came in `watched_seconds`, where that was waited for
    watched_seconds: float = 0.0

    @property
    def truncated(self) -> Truncation | None:
        """The cap that was reached, None if none: on the excerpt, or on what was read at all."""
        if self.complete and len(self.newest) >= self.digest.lines:
            texts = {text for _, text in self.digest.templates}
            return Truncation(kept=len(texts) - 1, unit="templates") if OTHER in texts else None
        total = self.digest.lines if self.complete else None
        return Truncation(kept=len(self.newest), total=total, unit="lines")

    def attachment(self, name: str) -> Attachment:
        """Return the newest lines as a file of that name."""
        return Attachment(name=name, chunks=tuple(f"{line}\n".encode() for line in self.newest))


def slot_seconds(window_seconds: float) -> int:
    """Return how finely a window of that length is counted.

    >>> slot_seconds(900), slot_seconds(86_400)
    (1, 60)
    """
    return 1 if window_seconds <= FINE_WINDOW_SECONDS else 60


def newest_of(lines: list[str], limit: int, *, limit_bytes: int = EXCERPT_BYTES) -> list[str]:
    """Return the last of `lines`: at most `limit`, and at most so many bytes, a character counted as a byte.

    >>> newest_of(["a", "b", "c"], 2)
    ['b', 'c']
    """
    kept = lines[-limit:] if limit > 0 else []
    size, first = 0, len(kept)
    while first and size + len(kept[first - 1]) <= limit_bytes:
        first -= 1
        size += len(kept[first]) + 1
    return kept[first:]

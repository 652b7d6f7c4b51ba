"""What a log gave, whichever way it was read: the digest, the newest lines, and what is missing."""

import msgspec

from incident_lib.model import Attachment, Problem, Truncation
from incident_lib.technologies.logs.probes.digest import OTHER, Digest

EXCERPT_BYTES = 16 * 1024 * 1024
FINE_WINDOW_SECONDS = 1_800  # up to this length a window is counted by the second, a longer one by the minute


class Reading(msgspec.Struct, kw_only=True):
    """What was read of one log."""

    digest: Digest
    newest: list[str]
    source: str
    complete: bool = True  # all lines of the window were read
    problem: Problem | None = None

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


def newest(lines: list[str], limit: int, *, limit_bytes: int = EXCERPT_BYTES) -> list[str]:
    """Return the last of `lines`: at most `limit`, and at most so many bytes, characters counted as one.

    >>> newest(["a", "b", "c"], 2)
    ['b', 'c']
    """
    kept = lines[-limit:] if limit > 0 else []
    size, first = 0, len(kept)
    while first and size + len(kept[first - 1]) <= limit_bytes:
        first -= 1
        size += len(kept[first]) + 1
    return kept[first:]

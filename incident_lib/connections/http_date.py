"""The Date header of an answer against our clock: what the other machine's clock says, as well as it can."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import msgspec

_RESOLUTION_SECONDS = 1.0  # of the header, which tells whole seconds that have begun
_STALE_SECONDS = 1.0  # servers make the text once a second and use it again


class ClockDifference(msgspec.Struct, frozen=True, kw_only=True):
    """A clock less ours, and how far that may be off either way."""

    seconds: float
    error_seconds: float


def clock_difference(
    headers: Mapping[str, str], sent_at: datetime, answered_at: datetime
) -> ClockDifference | None:
    """Return the server's clock less ours; None where the answer does not tell.

    An answer that a cache kept has the date of its making: one with an age, or a hit, tells nothing. The
    server wrote its date between our two moments, and the truth lies within a second after it.

    >>> sent = datetime(2026, 1, 15, 14, 31, 0, tzinfo=UTC)
    >>> clock_difference({"date": "Thu, 15 Jan 2026 14:30:00 GMT"}, sent, sent).seconds
    -59.5
    """
    if "age" in headers or "hit" in headers.get("x-cache", "").lower() or answered_at < sent_at:
        return None
    try:
        said = parsedate_to_datetime(headers.get("date", ""))
    except (ValueError, TypeError, IndexError):
        return None
    if said.tzinfo is None:
        said = said.replace(tzinfo=UTC)
    way = (answered_at - sent_at).total_seconds() / 2
    ours = sent_at.timestamp() + way
    seconds = said.timestamp() + _RESOLUTION_SECONDS / 2 - ours
    return ClockDifference(seconds=seconds, error_seconds=way + _RESOLUTION_SECONDS / 2 + _STALE_SECONDS)

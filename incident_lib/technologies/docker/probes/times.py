"""How the engine writes times."""

from datetime import UTC, datetime


def parse_engine_time(text: str | None) -> datetime | None:
    """Return the moment, None for the engine's "never".

    >>> parse_engine_time("2026-01-15T14:31:05.123456789Z")
    datetime.datetime(2026, 1, 15, 14, 31, 5, 123456, tzinfo=datetime.timezone.utc)
    >>> parse_engine_time("0001-01-01T00:00:00Z") is None
    True
    """
    if not text or text.startswith("0001-"):
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)

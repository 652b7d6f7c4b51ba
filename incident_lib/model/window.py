"""The stretch of time that an investigation looks at."""

from datetime import datetime, timedelta

import msgspec


class Window(msgspec.Struct, frozen=True):
    """From `start` to `end`, both aware and in UTC."""

    start: datetime
    end: datetime

    @property
    def length(self) -> timedelta:
        """How long it is."""
        return self.end - self.start

    def holds(self, moment: datetime | None) -> bool:
        """Return whether `moment` is known and inside."""
        return moment is not None and self.start <= moment <= self.end


def format_span(window: Window) -> str:
    """Return a window as people read it; the date of its end only where it is another one.

    >>> from datetime import UTC
    >>> start = datetime(2026, 1, 15, 18, 40, tzinfo=UTC)
    >>> format_span(Window(start, start + timedelta(minutes=10)))
    '2026-01-15 18:40:00 to 18:50:00 UTC'
    """
    same = window.start.date() == window.end.date()
    return (
        f"{window.start:%Y-%m-%d %H:%M:%S} to {window.end:{'%H:%M:%S' if same else '%Y-%m-%d %H:%M:%S'}} UTC"
    )

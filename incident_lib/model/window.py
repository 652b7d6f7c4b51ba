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

"""Samples: the same few numbers again and again, for what only time shows."""

from datetime import datetime

import msgspec

from incident_lib.model.series import Reading


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """What one quick look at everything measured."""

    schema: int = 1
    at: datetime
    readings: tuple[Reading, ...]
    unseen: tuple[str, ...] = ()  # "db/postgres.saturation: connection refused"

"""The record that all share whose memory is sampled: containers and processes."""

from datetime import datetime

from incident_lib.model.row import Row


class MemorySample(Row, frozen=True, kw_only=True):
    """Memory in use at one moment."""

    at: datetime
    memory_bytes: int
    command_count: int | None = None  # of `docker exec` and health checks around it, whose memory counts, too

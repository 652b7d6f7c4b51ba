"""Records of the team's own deployment log."""

from datetime import datetime

from incident_lib.model.rows import Row


class Deployment(Row, frozen=True, kw_only=True):
    """One deployment, as the team wrote it down."""

    at: datetime
    service: str
    version: str
    previous: str | None = None  # the version before it, where the log has it

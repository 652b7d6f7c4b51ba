"""Records of the HTTP probes."""

import msgspec

from incident_lib.errors import ProblemKind
from incident_lib.model.rows import Row


class HealthPart(msgspec.Struct, frozen=True, kw_only=True):
    """One part that a readiness answer names."""

    name: str
    ok: bool
    text: str = ""  # the status in the application's own words


class HttpAnswer(Row, frozen=True, kw_only=True):
    """What came of one GET. Phases are None where they were not reached or not needed."""

    url: str  # without credentials and query
    path: str
    status: int | None = None
    http_version: str | None = None
    name_seconds: float | None = None
    connect_seconds: float | None = None
    tls_seconds: float | None = None
    first_byte_seconds: float | None = None
    body_seconds: float | None = None
    total_seconds: float | None = None
    sample_seconds: tuple[float, ...] = ()  # totals of every request, the first one included
    error_kind: ProblemKind | None = None
    error: str = ""
    silent: bool = False  # connected, and not one byte came back
    parts: tuple[HealthPart, ...] = ()
    redirects: tuple[str, ...] = ()
    server: str | None = None
    headers: dict[str, str] = msgspec.field(default_factory=dict)  # those that proxies and caches leave
    content_type: str | None = None
    body_bytes: int | None = None
    body_truncated: bool = False
    body_start: str = ""  # of an answer that is not 2xx
    clock_difference_seconds: float | None = None  # its clock less ours, by its Date header
    clock_error_seconds: float | None = None  # how far that may be off either way

    @property
    def typical_seconds(self) -> float | None:
        """The middle one of the totals, None where there was no answer."""
        if self.status is None or not self.sample_seconds:
            return None
        return sorted(self.sample_seconds)[len(self.sample_seconds) // 2]

    @property
    def is_well(self) -> bool:
        """Whether it answered in the 2xx range."""
        return self.status is not None and self.error_kind is None and 200 <= self.status < 300

"""Figures over many incidents."""

import msgspec


class Measure(msgspec.Struct, frozen=True, kw_only=True):
    """One length of time over all incidents. `count` have it; for `missing_count` it was not recorded."""

    name: str
    definition: str
    count: int
    missing_count: int
    median_seconds: float | None = None
    p90_seconds: float | None = None  # nine of ten were at most this long; None below five


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """Counts are by name, the most frequent first; an incident of several services counts for each."""

    incidents_count: int
    by_severity: dict[str, int] = {}
    by_status: dict[str, int] = {}
    by_service: dict[str, int] = {}
    by_hypothesis: dict[str, int] = {}  # of the snapshot with most evidence, or as recorded
    by_month: dict[str, int] = {}  # oldest first
    measures: tuple[Measure, ...] = ()

"""Differences: what is not as it was in another snapshot."""

from datetime import datetime

import msgspec

from incident_lib.model.finding import FindingSeverity

Value = str | int | float | None


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is not as it was. A side that did not see it is None: unknown, never 0."""

    id: str  # "baseline.latency"
    target: str
    what: str
    before: Value
    now: Value
    unit: str = ""  # of both; "" for texts
    severity: FindingSeverity  # a hint: INFO changed, WARNING worse, OK better or as expected
    evidence_before: tuple[str, ...] = ()
    evidence_now: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What kind of difference it is: the id without its first word."""
        return self.id.partition(".")[2]


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """One of the two snapshots of a comparison."""

    label: str  # "baseline normal", or the incident
    snapshot: str
    collected_at: datetime


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that differs between two snapshots, the worst first."""

    schema: int = 1
    before: Side
    now: Side
    differences: tuple[Difference, ...]

"""A series: numbers over time in one shape, computed from what was stored, whichever record holds it."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from incident_lib.model import drawing


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """One number that evidence holds, under a name that stays the same from snapshot to snapshot."""

    target: str
    name: str  # "latency", "memory": what kind of number it is
    what: str  # "GET /health": which one of them
    value: float | None  # None is unknown
    unit: str  # seconds, bytes, ratio, count, days
    at: datetime
    evidence: str  # Evidence.ref
    limit: float | None = None  # where it ends, in the same unit


class Point(msgspec.Struct, frozen=True):
    """A known number at one moment, or over one stretch of time that begins there."""

    at: datetime
    value: float
    total: float | None = None  # of how many, where the value counts some of them
    first_at: datetime | None = None  # when the first of those was


class Series(msgspec.Struct, frozen=True, kw_only=True):
    """The known values of one number in order of time; what was not seen has no point."""

    name: str  # what kind of number it is: "memory"
    unit: str = "count"  # seconds, bytes, ratio, count, days
    labels: Mapping[str, str] = {}  # which one of them it is
    points: tuple[Point, ...] = ()
    step_seconds: float | None = None  # how long each point lasts, None for moments
    limit: float | None = None  # where it ends, in the same unit
    evidence: tuple[str, ...] = ()  # Evidence.ref

    def plot(
        self, *, ax: Any = None, onset: datetime | None = None, changes: Sequence[drawing.Change] = ()
    ) -> Any:
        """Return matplotlib's axes with the series drawn; a sentence where it has nothing to draw.

        `ax` draws into axes of yours. `onset` and `changes` are marked: `case.onset`, `case.changes`.
        """
        return drawing.draw(self, onset=onset, changes=changes, ax=ax)

    @property
    def newest(self) -> float | None:
        """The last known value, None where there is none."""
        return self.points[-1].value if self.points else None

    @property
    def seconds(self) -> float:
        """The time from the first point to the last."""
        return (self.points[-1].at - self.points[0].at).total_seconds() if self.points else 0.0


def series_of(readings: Iterable[Reading]) -> tuple[Series, ...]:
    """Return the readings as series, one for each target, name and `what`, in the order of the first of each.

    The readings come in order of time. A limit is that of the newest.

    >>> from datetime import UTC
    >>> fields = {"target": "db", "name": "memory", "what": "memory", "unit": "bytes", "evidence": "db/x"}
    >>> at = datetime(2026, 1, 15, tzinfo=UTC)
    >>> (series,) = series_of(Reading(value=value, at=at, **fields) for value in (1.0, None, 3.0))
    >>> [point.value for point in series.points], series.labels
    ([1.0, 3.0], {'target': 'db', 'what': 'memory'})
    """
    found: dict[tuple[str, str, str], list[Reading]] = {}
    for reading in readings:
        found.setdefault((reading.target, reading.name, reading.what), []).append(reading)
    return tuple(
        Series(
            name=name,
            unit=same[-1].unit,
            labels={"target": target, "what": what},
            points=tuple(Point(each.at, each.value) for each in same if each.value is not None),
            limit=same[-1].limit,
            evidence=tuple(dict.fromkeys(each.evidence for each in same)),
        )
        for (target, name, what), same in found.items()
    )

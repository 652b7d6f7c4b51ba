"""Whether memory grows towards a limit within seconds, and what only breathes. Pure."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import pairwise

import msgspec

from incident_lib.model.rows import MemorySample
from incident_lib.model.series import Point, Series

LEAST_SAMPLES = 4
_PARTS = 3
_LEAST_SHARE = 1 / 8  # of the growth, at least forwards and at most back
_HALF = 0.5


class Growth(msgspec.Struct, frozen=True, kw_only=True):
    """A steady rise: how fast, and when it meets the limit."""

    per_second: float
    limit_seconds: float
    grown: float
    seconds: float


def memory_series(samples: Iterable[MemorySample], limit_bytes: int | None) -> Series:
    """Return memory over time with the limit that it may reach."""
    points = tuple(Point(sample.at, sample.memory_bytes) for sample in samples)
    return Series(name="memory", unit="bytes", points=points, limit=limit_bytes)


def steady_growth(series: Series, *, least_ratio: float) -> Growth | None:
    """Return the growth to the limit, None where it is not steady or not `least_ratio` of the limit.

    Steady means that each third of the time has its share and that no step back is worth a word: a collector
    that gives memory back, one large request, or a wave of new connections is no leak. The slope is that
    of least squares.

    >>> from datetime import timedelta
    >>> start = datetime(2026, 1, 15)
    >>> def memory(*sizes):
    ...     points = tuple(Point(start + timedelta(seconds=n), size) for n, size in enumerate(sizes))
    ...     return Series(name="memory", unit="bytes", points=points, limit=1_000)
    >>> steady_growth(memory(500, 520, 540, 560, 580), least_ratio=0.01).limit_seconds
    21.0
    >>> steady_growth(memory(500, 560, 540, 560, 580), least_ratio=0.01) is None
    True
    >>> steady_growth(memory(500, 570, 575, 577, 578), least_ratio=0.01) is None
    True
    """
    points, limit = series.points, series.limit
    if len(points) < LEAST_SAMPLES or limit is None or limit <= 0:
        return None
    steps = [after.value - before.value for before, after in pairwise(points)]
    grown = points[-1].value - points[0].value
    if grown < max(least_ratio * limit, 1) or min(steps) < -_LEAST_SHARE * grown:
        return None
    slope = _slope(points)
    if slope <= 0 or min(_parts(series)) < _LEAST_SHARE * grown:
        return None
    return Growth(
        per_second=slope,
        limit_seconds=max(0.0, (limit - points[-1].value) / slope),
        grown=grown,
        seconds=series.seconds,
    )


def _parts(series: Series) -> list[float]:
    """Return how much it grew in each part of the time, in between the samples by proportion."""
    bounds = [_value_at(series.points, series.seconds * part / _PARTS) for part in range(_PARTS + 1)]
    return [after - before for before, after in pairwise(bounds)]


def _value_at(points: Sequence[Point], seconds: float) -> float:
    for before, after in pairwise(points):
        begins, ends = ((point.at - points[0].at).total_seconds() for point in (before, after))
        if seconds <= ends and ends > begins:
            return before.value + (after.value - before.value) * (seconds - begins) / (ends - begins)
    return points[-1].value


def _slope(points: Sequence[Point]) -> float:
    times = [(point.at - points[0].at).total_seconds() for point in points]
    middle, mean = sum(times) / len(times), sum(point.value for point in points) / len(points)
    spread = sum((moment - middle) ** 2 for moment in times)
    if not spread:
        return 0.0
    return (
        sum((moment - middle) * (point.value - mean) for moment, point in zip(times, points, strict=True))
        / spread
    )


def warms_up(started_at: datetime | None, now: datetime, used_ratio: float | None, seconds: float) -> bool:
    """Return whether a program started less than `seconds` ago and has half of its memory left.

    Programs fill memory while they start: their growth then says nothing.
    """
    return (
        started_at is not None
        and (now - started_at).total_seconds() < seconds
        and used_ratio is not None
        and used_ratio < _HALF
    )

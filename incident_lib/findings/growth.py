"""Whether memory grows towards a limit, told apart from breathing."""

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise

import msgspec

LEAST_SAMPLES = 4
_PARTS = 3
_LEAST_SHARE = 1 / 8  # of the growth, at least forwards and at most back
_HALF = 0.5


class Growth(msgspec.Struct, frozen=True, kw_only=True):
    """A steady rise: how fast, and when it meets the limit."""

    bytes_per_second: float
    limit_seconds: float
    grown_bytes: int
    seconds: float


def steady_growth(
    samples: Sequence[tuple[datetime, int]], limit_bytes: int, *, least_ratio: float
) -> Growth | None:
    """Return the growth to `limit_bytes`, None where it is not steady or not `least_ratio` of the limit.

    Steady means that each third of the time has its share and that no step back is worth a word: a collector
    that gives memory back, one large request, or a wave of new connections is no leak. The slope is that
    of least squares.

    >>> from datetime import timedelta
    >>> start = datetime(2026, 1, 15)
    >>> def samples(*sizes): return [(start + timedelta(seconds=n), size) for n, size in enumerate(sizes)]
    >>> steady_growth(samples(500, 520, 540, 560, 580), 1_000, least_ratio=0.01).limit_seconds
    21.0
    >>> steady_growth(samples(500, 560, 540, 560, 580), 1_000, least_ratio=0.01) is None
    True
    >>> steady_growth(samples(500, 570, 575, 577, 578), 1_000, least_ratio=0.01) is None
    True
    """
    if len(samples) < LEAST_SAMPLES or limit_bytes <= 0:
        return None
    steps = [after - before for (_, before), (_, after) in pairwise(samples)]
    grown = samples[-1][1] - samples[0][1]
    if grown < max(least_ratio * limit_bytes, 1) or min(steps) < -_LEAST_SHARE * grown:
        return None
    slope = _slope(samples)
    if slope <= 0 or min(_parts(samples)) < _LEAST_SHARE * grown:
        return None
    return Growth(
        bytes_per_second=slope,
        limit_seconds=max(0.0, (limit_bytes - samples[-1][1]) / slope),
        grown_bytes=grown,
        seconds=(samples[-1][0] - samples[0][0]).total_seconds(),
    )


def _parts(samples: Sequence[tuple[datetime, int]]) -> list[float]:
    """Return how much it grew in each part of the time, in between the samples by proportion."""
    start, whole = samples[0][0], (samples[-1][0] - samples[0][0]).total_seconds()
    bounds = [_size_at(samples, start, whole * part / _PARTS) for part in range(_PARTS + 1)]
    return [after - before for before, after in pairwise(bounds)]


def _size_at(samples: Sequence[tuple[datetime, int]], start: datetime, seconds: float) -> float:
    for (before, small), (after, large) in pairwise(samples):
        begins, ends = (before - start).total_seconds(), (after - start).total_seconds()
        if seconds <= ends and ends > begins:
            return small + (large - small) * (seconds - begins) / (ends - begins)
    return samples[-1][1]


def _slope(samples: Sequence[tuple[datetime, int]]) -> float:
    times = [(at - samples[0][0]).total_seconds() for at, _ in samples]
    middle, mean = sum(times) / len(times), sum(size for _, size in samples) / len(samples)
    spread = sum((moment - middle) ** 2 for moment in times)
    if not spread:
        return 0.0
    return (
        sum((moment - middle) * (size - mean) for moment, (_, size) in zip(times, samples, strict=True))
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

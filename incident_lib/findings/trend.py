"""Whether a number rises steadily over minutes, by samples of which some may be wild. Pure."""

import math
from itertools import combinations, pairwise
from statistics import median

import msgspec
from msgspec.structs import replace

from incident_lib.findings.thresholds import Thresholds
from incident_lib.model.series import Series

_FALL = 0.6  # to less than this of what it was: a restart, and what was before it is another life
_CHANCE = 2.3  # standard deviations of Kendall's tau that chance reaches once in a hundred series


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A steady rise: Theil and Sen's line, which one sample in four may miss by any amount."""

    per_second: float
    begins: float  # the line's own values at the first and the last sample
    ends: float
    seconds: float

    @property
    def grown(self) -> float:
        """How much it rose from the first to the last sample."""
        return self.ends - self.begins


def steady_rise(series: Series, thresholds: Thresholds) -> Line | None:
    """Return the line through the points, None where they do not rise steadily.

    Steady means that later is higher for far more pairs of samples than by chance (Kendall's tau).

    >>> from datetime import UTC, datetime
    >>> from incident_lib.model.series import Point
    >>> def series(*values):
    ...     points = (Point(datetime(2026, 1, 15, 14, 31, n, tzinfo=UTC), v) for n, v in enumerate(values))
    ...     return Series(name="memory", points=tuple(points))
    >>> steady_rise(series(*range(10, 26, 2)), Thresholds()).per_second
    2.0
    >>> steady_rise(series(10, 11, 10, 11, 10, 11, 10, 11), Thresholds()) is None
    True
    """
    count = len(series.points)
    if count < thresholds["trend.least_count"]:
        return None
    start = series.points[0].at
    points = [((point.at - start).total_seconds(), point.value) for point in series.points]
    pairs = [(a, b) for a, b in combinations(points, 2) if b[0] > a[0]]
    rising = sum((b[1] > a[1]) - (b[1] < a[1]) for a, b in pairs)
    agreement = rising / len(pairs) if pairs else 0.0
    chance = _CHANCE * math.sqrt(2 * (2 * count + 5) / (9 * count * (count - 1)))
    if agreement < max(thresholds["trend.least_agreement_ratio"], min(chance, 1.0)):
        return None
    slope = median((b[1] - a[1]) / (b[0] - a[0]) for a, b in pairs)
    if slope <= 0:
        return None
    offset = median(value - slope * at for at, value in points)
    seconds = points[-1][0]
    return Line(per_second=slope, begins=offset, ends=offset + slope * seconds, seconds=seconds)


def latest_life(series: Series) -> Series:
    """Return the series since the last great fall, which is a restart for what leaks; a latency may fall."""
    if series.name == "latency":
        return series
    falls = (
        number
        for number, (before, after) in enumerate(pairwise(series.points), 1)
        if after.value < before.value * _FALL
    )
    return replace(series, points=series.points[max(falls, default=0) :])

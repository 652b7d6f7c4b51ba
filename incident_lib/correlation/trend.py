"""Samples -> what rises steadily, and when it meets its limit. Pure."""

import math
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from itertools import combinations
from statistics import median

import msgspec

from incident_lib.findings.thresholds import Thresholds
from incident_lib.model import Finding, FindingSeverity, Window
from incident_lib.model.difference import Reading
from incident_lib.model.sample import Sample
from incident_lib.units import format_duration, format_guess, format_value

# Which readings are followed, and the finding that they make.
_FOLLOWED = {
    "memory": "memory",
    "host_memory": "memory",
    "connections": "connections",
    "files": "files",
    "disk": "disk",
    "latency": "latency",
}
_FALL = 0.6  # to less than this of what it was: a restart, and what was before it is another life
_RECENT = timedelta(minutes=1)
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


def steady_rise(points: Sequence[tuple[float, float]], thresholds: Thresholds) -> Line | None:
    """Return the line through `points` (seconds, value), None where they do not rise steadily.

    Steady means that later is higher for far more pairs of samples than by chance (Kendall's tau).

    >>> steady_rise([(n, 10 + 2 * n) for n in range(8)], Thresholds()).per_second
    2.0
    >>> steady_rise([(n, 10 + n % 2) for n in range(8)], Thresholds()) is None
    True
    """
    count = len(points)
    if count < thresholds["trend.least_count"]:
        return None
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
    first, last = points[0][0], points[-1][0]
    return Line(
        per_second=slope, begins=offset + slope * first, ends=offset + slope * last, seconds=last - first
    )


def still_tells(samples: Sequence[Sample], window: Window) -> bool:
    """Return whether a watch ended in the window, and no longer ago than it lasted, or a minute.

    What rose for half a minute says nothing about a quarter of an hour later.
    """
    if not samples or not window.holds(samples[-1].at):
        return False
    lasted, ago = samples[-1].at - samples[0].at, window.end - samples[-1].at
    return ago <= max(lasted, _RECENT)


def trend_findings(samples: Sequence[Sample], thresholds: Thresholds) -> Iterator[Finding]:
    """Yield what rises steadily, with the time to its limit, and one OK for each target that stays level.

    A target that gave too few numbers is UNKNOWN: a short look has no trend.
    """
    series = series_of(samples)
    for target in sorted({key[0] for key in series}):
        own = {key: readings for key, readings in series.items() if key[0] == target}
        rising = [found for readings in own.values() if (found := _judge(readings, thresholds))]
        enough = [one for one in own.values() if len(one) >= thresholds["trend.least_count"]]
        yield from rising or (_level(target, list(own.values()), len(enough)),)


def series_of(samples: Iterable[Sample]) -> dict[tuple[str, str, str], tuple[Reading, ...]]:
    """Return the known numbers in order, by target, name and what; what is unknown is left out."""
    series: dict[tuple[str, str, str], list[Reading]] = {}
    for sample in sorted(samples, key=lambda one: one.at):
        for one in sample.readings:
            if one.name in _FOLLOWED and one.value is not None:
                series.setdefault((one.target, one.name, one.what), []).append(one)
    return {key: tuple(found) for key, found in series.items()}


def latest_life(readings: Sequence[Reading]) -> Sequence[Reading]:
    """Return the readings since the last great fall, which is a restart for what leaks."""
    start = 0
    for index in range(1, len(readings)):
        before, value = readings[index - 1].value or 0.0, readings[index].value or 0.0
        if readings[index].name != "latency" and value < before * _FALL:
            start = index
    return readings[start:]


def line_of(readings: Sequence[Reading], thresholds: Thresholds) -> Line | None:
    """Return the steady rise of a series of known numbers, None where it has none."""
    if not readings:
        return None
    start = readings[0].at
    points = [((one.at - start).total_seconds(), one.value or 0.0) for one in readings]
    return steady_rise(points, thresholds)


def _judge(series: Sequence[Reading], thresholds: Thresholds) -> Finding | None:
    readings = latest_life(series)
    line = line_of(readings, thresholds)
    if line is None:
        return None
    last = readings[-1]
    if last.name == "latency":
        return _latency(readings, line, thresholds)
    kind = _FOLLOWED[last.name]
    least = thresholds[f"trend.{kind if kind != 'files' else 'connections'}.least_ratio"]
    if last.limit is None or line.grown < least * last.limit:
        return None
    left = max(0.0, (last.limit - line.ends) / line.per_second)
    severity = thresholds.severity("trend.limit", left, "seconds", above=False)
    if severity is None:
        return None
    if left > thresholds["trend.limit.most_watches_ratio"] * line.seconds:
        severity = FindingSeverity.INFO  # half a minute of a burst says nothing about hours
    title = f"{last.what} of {last.target} rises and reaches its limit in {format_guess(left)}"
    limit = f"the limit is {format_value(last.limit, last.unit)}"
    return _finding(readings, line, severity, (title, limit), limit_seconds=left)


def _latency(readings: Sequence[Reading], line: Line, thresholds: Thresholds) -> Finding | None:
    if line.grown < thresholds["trend.latency.least_seconds"]:
        return None
    twice = line.ends >= thresholds["trend.latency.warning_factor"] * max(line.begins, 0.0)
    severity = FindingSeverity.WARNING if twice else FindingSeverity.INFO
    title = f"{readings[-1].what} at {readings[-1].target} takes longer and longer"
    return _finding(readings, line, severity, (title, "there is no limit to a latency"), limit_seconds=None)


def _finding(
    readings: Sequence[Reading],
    line: Line,
    severity: FindingSeverity,
    told: tuple[str, str],
    *,
    limit_seconds: float | None,
) -> Finding:
    last = readings[-1]
    begins, ends = format_value(max(line.begins, 0.0), last.unit), format_value(line.ends, last.unit)
    over = format_duration(line.seconds)
    return Finding(
        id=f"trend.{_FOLLOWED[last.name]}",
        severity=severity,
        target=last.target,
        title=told[0],
        detail=f"from {begins} to {ends} in {over}, by {len(readings)} samples; {told[1]}",
        since=readings[0].at,
        evidence=(last.evidence,),
        data={
            "what": last.what,
            "per_second": line.per_second,
            "limit_seconds": limit_seconds,
            "grown": line.grown,
            "samples": len(readings),
        },
    )


def _level(target: str, series: Sequence[Sequence[Reading]], enough: int) -> Finding:
    most = max((len(one) for one in series), default=0)
    refs = tuple(dict.fromkeys(one.evidence for readings in series for one in readings))
    if not enough:
        title = f"{target} has no trend yet: {most} samples are too few"
        return Finding(
            id="trend.unknown", severity=FindingSeverity.UNKNOWN, target=target, title=title, evidence=refs
        )
    title = f"nothing of {target} rises steadily, by {most} samples"
    detail = f"{enough} of {len(series)} numbers had enough samples"
    return Finding(
        id="trend.ok", severity=FindingSeverity.OK, target=target, title=title, detail=detail, evidence=refs
    )

"""Samples -> what rises steadily, and when it meets its limit. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta

from incident_lib.findings.thresholds import Thresholds
from incident_lib.findings.trend import Line, latest_life, steady_rise
from incident_lib.model import Finding, FindingSeverity, Window
from incident_lib.model.sample import Sample
from incident_lib.model.series import Series, series_of
from incident_lib.units import format_duration, format_guess, format_value

# Which numbers are followed, and the finding that they make.
_FOLLOWED = {
    "memory": "memory",
    "host_memory": "memory",
    "connections": "connections",
    "files": "files",
    "disk": "disk",
    "latency": "latency",
}
_RECENT = timedelta(minutes=1)


def is_recent(samples: Sequence[Sample], window: Window) -> bool:
    """Return whether a watch ended in the window, and no longer ago than it lasted, or a minute.

    What rose for half a minute says nothing about a quarter of an hour later.
    """
    if not samples or not window.holds(samples[-1].at):
        return False
    lasted, ago = samples[-1].at - samples[0].at, window.end - samples[-1].at
    return ago <= max(lasted, _RECENT)


def followed(samples: Iterable[Sample]) -> tuple[Series, ...]:
    """Return the numbers of a watch that may rise to a limit, as series; what was never seen is left out."""
    in_order = sorted(samples, key=lambda sample: sample.at)
    found = series_of(reading for sample in in_order for reading in sample.readings)
    return tuple(series for series in found if series.name in _FOLLOWED and series.points)


def trend_findings(samples: Sequence[Sample], thresholds: Thresholds) -> Iterator[Finding]:
    """Yield what rises steadily, with the time to its limit, and one OK for each target that stays level.

    A target that gave too few numbers is UNKNOWN: a short watch has no trend.
    """
    by_target: dict[str, list[Series]] = {}
    for series in followed(samples):
        by_target.setdefault(series.labels["target"], []).append(series)
    for target, several in sorted(by_target.items()):
        rising = [found for series in several if (found := _judge(series, thresholds))]
        yield from rising or (_level(target, several, thresholds),)


def _judge(series: Series, thresholds: Thresholds) -> Finding | None:
    series = latest_life(series)
    line = steady_rise(series, thresholds)
    if line is None:
        return None
    kind = _FOLLOWED[series.name]
    target, what = series.labels["target"], series.labels["what"]
    if kind == "latency":
        if line.grown < thresholds["trend.latency.least_seconds"]:
            return None
        twice = line.ends >= thresholds["trend.latency.warning_factor"] * max(line.begins, 0.0)
        severity = FindingSeverity.WARNING if twice else FindingSeverity.INFO
        title = f"{what} at {target} keeps getting slower"
        return _finding(series, line, severity, title, "latency has no limit", limit_seconds=None)
    least = thresholds[f"trend.{kind if kind != 'files' else 'connections'}.least_ratio"]
    if series.limit is None or line.grown < least * series.limit:
        return None
    left = max(0.0, (series.limit - line.ends) / line.per_second)
    near = thresholds.severity("trend.limit", left, "seconds", above=False)
    if near is None:
        return None
    if left > thresholds["trend.limit.most_watches_ratio"] * line.seconds:
        near = FindingSeverity.INFO  # half a minute of a burst says nothing about hours
    title = f"{what} of {target} rises and will reach its limit in {format_guess(left)}"
    limit = f"the limit is {format_value(series.limit, series.unit)}"
    return _finding(series, line, near, title, limit, limit_seconds=left)


def _finding(
    series: Series,
    line: Line,
    severity: FindingSeverity,
    title: str,
    limit: str,
    *,
    limit_seconds: float | None,
) -> Finding:
    begins, ends = format_value(max(line.begins, 0.0), series.unit), format_value(line.ends, series.unit)
    over, count = format_duration(line.seconds), len(series.points)
    return Finding(
        id=f"trend.{_FOLLOWED[series.name]}",
        severity=severity,
        target=series.labels["target"],
        title=title,
        detail=f"from {begins} to {ends} in {over}, by {count} samples; {limit}",
        since=series.points[0].at,
        evidence=series.evidence[-1:],
        data={
            "what": series.labels["what"],
            "per_second": line.per_second,
            "limit_seconds": limit_seconds,
            "grown": line.grown,
            "samples": count,
        },
    )


def _level(target: str, several: Sequence[Series], thresholds: Thresholds) -> Finding:
    most = max((len(series.points) for series in several), default=0)
    enough = sum(len(series.points) >= thresholds["trend.least_count"] for series in several)
    refs = tuple(dict.fromkeys(ref for series in several for ref in series.evidence))
    if not enough:
        title = f"{target} has no trend yet: {most} samples are not enough"
        return Finding(
            id="trend.unknown", severity=FindingSeverity.UNKNOWN, target=target, title=title, evidence=refs
        )
    title = f"nothing in {target} rises steadily, based on {most} samples"
    detail = f"{enough} of {len(several)} numbers had enough samples"
    return Finding(
        id="trend.ok", severity=FindingSeverity.OK, target=target, title=title, detail=detail, evidence=refs
    )

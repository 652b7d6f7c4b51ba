"""Whether an endpoint takes much longer than it did: the change point of its durations. Pure."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from math import sqrt

import msgspec

from incident_lib.findings.base import finding
from incident_lib.findings.onset import find_onset
from incident_lib.model import Finding, FindingSeverity, Holds
from incident_lib.model.series import Point, Series
from incident_lib.technologies.logs.findings.recovery import judged, latency_state
from incident_lib.technologies.logs.findings.view import View
from incident_lib.technologies.logs.rows import LatencyStep, LogBucket, LogEndpoint, LogEvent, LogLatency
from incident_lib.units import format_duration

_LIMITS = 12  # of what is slow: each is twice the limit before
_LOAD_SECONDS = 10  # over which the load is measured
_LISTED = 10


class Rise(msgspec.Struct, frozen=True, kw_only=True):
    """An endpoint that takes longer from a moment on, until the end."""

    endpoint: str
    at: datetime
    statistic: str  # "median" or "p90"
    before_seconds: float
    after_seconds: float
    before_count: int
    after_count: int
    strength: float

    @property
    def factor(self) -> float:
        """Return how many times as long it takes."""
        return self.after_seconds / self.before_seconds


def judge_latency(view: View) -> Iterator[Finding]:
    """Yield `latency` for the endpoints that take many times as long as before."""
    if not view.summary.has_times:
        return
    found = [(rise, row) for row in view.evidence.of(LogLatency) if (rise := find_rise(row, view))]
    if not found:
        return
    states = {rise.endpoint: latency_state(view, row, _slow_seconds(rise)) for rise, row in found}
    rises = [rise for rise, _ in found if states[rise.endpoint].holds is not Holds.PAST]
    rises = rises or [rise for rise, _ in found]
    worst = max(rises, key=lambda rise: (rise.after_seconds - rise.before_seconds) * rise.after_count)
    measured = [
        row
        for row in view.evidence.of(LogEndpoint)
        if row.duration_p50_seconds is not None and row.requests_count >= view.limit("latency.least_count")
    ]
    count = max(len(measured), len(rises))
    others = f"; {len(rises)} of {count} endpoints are slower" if rises[1:] else ""
    load = _load_factor(view, worst.at)
    loaded = load is not None and load >= view.limit("latency.load_factor")
    more = f", with {load:.1f} times the requests of any time before" if loaded and load else ""
    slower = finding(
        view.evidence,
        "latency",
        FindingSeverity.INFO if loaded else FindingSeverity.WARNING,
        f"{worst.endpoint} takes {format_duration(worst.after_seconds)} since {worst.at:%H:%M:%S} UTC, "
        f"{format_duration(worst.before_seconds)} before ({worst.statistic}){more}{others}",
        "\n".join(_line(rise) for rise in sorted(rises, key=lambda rise: -rise.factor)[:_LISTED]),
        since=worst.at,
        endpoint=worst.endpoint,
        statistic=worst.statistic,
        before_seconds=round(worst.before_seconds, 4),
        after_seconds=round(worst.after_seconds, 4),
        factor=round(worst.factor, 1),
        before_count=worst.before_count,
        after_count=worst.after_count,
        strength=worst.strength,
        slower_endpoints_count=len(rises),
        endpoints_count=count,
        load_factor=load,
    )
    yield judged(view, slower, states[worst.endpoint])


def _slow_seconds(rise: Rise) -> float:
    """Return from when on a request is as slow as since the rise: between what it took before and since."""
    return sqrt(rise.before_seconds * rise.after_seconds)


def find_rise(row: LogLatency, view: View) -> Rise | None:
    """Return from when on the endpoint takes much longer, None where too little shows it."""
    floor = view.limit("latency.least_seconds")
    found = [_rise_over(row, floor * 2**power, view) for power in range(_LIMITS)]
    return max((rise for rise in found if rise), key=lambda rise: rise.strength, default=None)


def _rise_over(row: LogLatency, slow: float, view: View) -> Rise | None:
    """Return the rise that shows in how many requests took at least `slow` seconds."""
    points = tuple(Point(step.at, _total(step, slow), _total(step)) for step in row.steps)
    onset = find_onset(
        Series(name="slow requests", points=points),
        least_strength=view.limit("latency.least_strength"),
        least_before=view.limit("latency.least_before_count"),
        least_failed=view.limit("latency.least_count"),
    )
    if onset is None or onset.after_ratio < view.limit("latency.least_ratio"):
        return None
    if onset.before_ratio > view.limit("latency.most_before_ratio"):
        return None
    before = [step for step in row.steps if step.at < onset.at]
    after = [step for step in row.steps if step.at >= onset.at]
    if not _holds(after, slow, onset.after_ratio, view):
        return None
    for statistic, share in (("median", 0.5), ("p90", 0.9)):
        first, last = _percentile(before, share), _percentile(after, share)
        if last >= max(view.limit("latency.least_seconds"), first * view.limit("latency.warning_factor")):
            return Rise(
                endpoint=f"{row.method} {row.path}".strip(),
                at=onset.at,
                statistic=statistic,
                before_seconds=first,
                after_seconds=last,
                before_count=onset.before_count,
                after_count=sum(map(_total, after)),
                strength=onset.strength,
            )
    return None


def _holds(after: Sequence[LatencyStep], slow: float, ratio: float, view: View) -> bool:
    """Return whether it is slow for long enough, and the newest third as well."""
    last_at = view.summary.last_at or after[-1].at
    length = last_at - after[0].at
    least = timedelta(seconds=view.limit("latency.least_span_seconds"))
    if _starts(view, after[0].at):  # the first requests of a new process fill its caches and pools
        least = timedelta(seconds=view.limit("latency.after_start.least_span_seconds"))
    if length < least or last_at - after[-1].at > max(length / 2, timedelta(minutes=2)):
        return False
    wanted, newest = max(sum(map(_total, after)) / 3, 2), list[LatencyStep]()
    for step in reversed(after):
        newest.append(step)
        if sum(map(_total, newest)) >= wanted:
            break
    return sum(_total(step, slow) for step in newest) >= ratio / 2 * sum(map(_total, newest))


def _starts(view: View, at: datetime) -> bool:
    """Return whether the server started shortly before `at`."""
    moments = [
        row.last_at for row in view.evidence.of(LogEvent) if row.event in {"start", "ready", "worker_start"}
    ]
    return any(moment and timedelta(minutes=-1) < moment - at < timedelta(seconds=30) for moment in moments)


def _load_factor(view: View, at: datetime) -> float | None:
    """Return how many times the load since then is the highest there was before, None if none."""
    spans: dict[int, int] = {}
    width = max(_LOAD_SECONDS, view.summary.bucket_seconds)
    for bucket in view.evidence.of(LogBucket):
        key = int(bucket.at.timestamp()) // width
        spans[key] = spans.get(key, 0) + bucket.requests_count
    split = int(at.timestamp()) // width
    before = [count for key, count in spans.items() if key < split]
    after = [count for key, count in spans.items() if key >= split]
    if not before or not max(before):
        return None
    length = max(max(spans) - split + 1, 1)
    return round(sum(after) / length / max(before), 2)


def _total(step: LatencyStep, slow: float = 0.0) -> int:
    return sum(count for duration, count in step.microseconds.items() if duration >= slow * 1e6)


def _percentile(steps: Sequence[LatencyStep], share: float) -> float:
    durations: dict[int, int] = {}
    for step in steps:
        for duration, count in step.microseconds.items():
            durations[duration] = durations.get(duration, 0) + count
    wanted, passed = share * sum(durations.values()), 0
    for duration in sorted(durations):
        passed += durations[duration]
        if passed >= wanted:
            break
    return max(duration, 1) / 1e6


def _line(rise: Rise) -> str:
    before, after = format_duration(rise.before_seconds), format_duration(rise.after_seconds)
    return (
        f"{rise.endpoint}: {rise.statistic} {before} before {rise.at:%H:%M:%S} UTC "
        f"({rise.before_count:,} requests), {after} since ({rise.after_count:,}), {rise.factor:.0f} times"
    )

"""When failures began: the change point that explains a series best, against the time before. Pure."""

from collections.abc import Sequence
from datetime import datetime
from math import log

import msgspec

from incident_lib.model.series import Point, Series

_STEP_SECONDS = 60.0  # of a series that names none


class Onset(msgspec.Struct, frozen=True, kw_only=True):
    """A moment from which on more failed than before."""

    at: datetime
    before_ratio: float
    after_ratio: float
    before_count: int  # tried before
    failed_count: int  # failed since
    strength: float  # log-likelihood ratio against "nothing changed"


def find_onset(
    series: Series,
    *,
    least_strength: float = 8.0,
    least_before: float = 5,
    least_failed: float = 3,
) -> Onset | None:
    """Return the change that explains best how many failed (`value`) of those that were tried (`total`).

    None where there is no time before it or no change.

    >>> at = datetime(2026, 1, 15, 14, 31)
    >>> points = tuple(Point(at.replace(second=s), 0 if s < 5 else 8, 10) for s in range(20))
    >>> find_onset(Series(name="failed requests", points=points)).at.second
    5
    """
    points = sorted(series.points, key=lambda point: point.at)
    all_tried = sum(point.total or 0 for point in points)
    all_failed = sum(point.value for point in points)
    whole = _likelihood(all_failed, all_tried)
    best, best_gain, best_parts = 0, 0.0, (0.0, 0.0)
    tried = failed = 0.0
    for number, point in enumerate(points[:-1], 1):
        tried, failed = tried + (point.total or 0), failed + point.value
        if tried < least_before or all_failed - failed < least_failed:
            continue
        if failed * (all_tried - tried) >= (all_failed - failed) * tried:
            continue  # less failed afterwards
        gain = _likelihood(failed, tried) + _likelihood(all_failed - failed, all_tried - tried) - whole
        if gain > best_gain:
            best, best_gain, best_parts = number, gain, (tried, failed)
    if best == 0 or best_gain < least_strength:
        return None
    tried, failed = best_parts
    onset = Onset(
        at=_first_failure(points[best:]),
        before_ratio=failed / tried,
        after_ratio=(all_failed - failed) / (all_tried - tried),
        before_count=round(tried),
        failed_count=round(all_failed - failed),
        strength=round(best_gain, 1),
    )
    if onset.after_ratio < max(0.01, 3 * onset.before_ratio):
        return None
    before = points[best - 1]
    is_next = (points[best].at - before.at).total_seconds() <= 1.5 * (series.step_seconds or _STEP_SECONDS)
    if is_next and 0 < failed == before.value and tried - (before.total or 0) >= least_before:
        # All that failed before did so in the step right before, where others had succeeded.
        at = before.first_at or before.at
        return msgspec.structs.replace(
            onset,
            at=at,
            before_ratio=0.0,
            before_count=round(tried - failed),
            failed_count=round(all_failed),
        )
    return onset


def _first_failure(points: Sequence[Point]) -> datetime:
    first = next(point for point in points if point.value)
    return first.first_at or first.at


def _likelihood(failed: float, tried: float) -> float:
    """Return the log-likelihood of so many failures at their own rate."""
    if failed <= 0 or failed >= tried:
        return 0.0
    rate = failed / tried
    return failed * log(rate) + (tried - failed) * log(1 - rate)

"""Whether what a log reports is over: by what the service did after the last time. Pure.

Quiet alone shows nothing. What failed is over when enough was served, or logged, since then for it to have
failed several times at the rate of before; what came back again and again has to be quiet for longer than it
was in between. A log that went silent shows no recovery.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import msgspec

from incident_lib.findings.onset import find_onset
from incident_lib.findings.recovery import comes_back, recovered
from incident_lib.model import Finding, Holds
from incident_lib.model.series import Point, Series
from incident_lib.technologies.logs.findings.view import View, when
from incident_lib.technologies.logs.rows import (
    LatencyStep,
    LogBucket,
    LogEndpoint,
    LogErrorClass,
    LogEvent,
    LogException,
    LogLatency,
    LogTemplate,
)
from incident_lib.units import format_count, format_duration, format_share, format_times

_SAME_LINE = timedelta(seconds=1)
_NOISE_RATIO = 0.1  # of all failures: an endpoint with fewer is no part of its own


class Spell(msgspec.Struct, frozen=True, kw_only=True):
    """From when to when something occurred, how often, and how often it came back."""

    first_at: datetime | None
    last_at: datetime | None
    count: int
    returns_count: int = 0
    return_gap_seconds: float | None = None


class State(msgspec.Struct, frozen=True):
    """Whether it holds, until when it did, and what shows that."""

    holds: Holds = Holds.NOW
    until: datetime | None = None
    why: str = ""


_NOW = State()
_NEVER = datetime.min.replace(tzinfo=UTC)


def spell_of(row: LogErrorClass | LogException | LogEvent | LogTemplate) -> Spell:
    """Return the spell of a record. Of lines of one kind, only how often they came is known."""
    gap: float | None = None
    returns = 0
    if isinstance(row, LogTemplate):
        if row.first_at and row.last_at and row.count > 1:
            gap = (row.last_at - row.first_at).total_seconds() / (row.count - 1)
            returns = row.count - 1
    else:
        returns, gap = row.returns_count, row.return_gap_seconds
    return Spell(
        first_at=row.first_at,
        last_at=row.last_at,
        count=row.count,
        returns_count=returns,
        return_gap_seconds=gap,
    )


def judged(view: View, finding: Finding, state: State) -> Finding:
    """Return a finding as what it is now: it holds, it is over, or that cannot be known."""
    if state.holds is Holds.PAST:
        return recovered(finding, state.until, state.why)
    if state.holds is Holds.UNKNOWN:
        detail = "\n".join(filter(None, (state.why, finding.detail)))
        return msgspec.structs.replace(finding, holds=Holds.UNKNOWN, until=state.until, detail=detail)
    return finding if view.summary.has_times else msgspec.structs.replace(finding, holds=Holds.UNKNOWN)


def comes_and_goes(view: View, spell: Spell) -> str:
    """Return in words that what occurs in spells still does, "" where it does not come and go."""
    least, gap = view.context.thresholds["recovery.least_quiet_seconds"], spell.return_gap_seconds or 0.0
    if not view.summary.has_times or spell.last_at is None or gap < least:
        return ""
    quiet = _quiet_seconds(view, spell.last_at)
    if not comes_back(spell.returns_count, gap, max(quiet, 0.0)):
        return ""
    now = f", and quiet now for {format_duration(quiet)}" if quiet >= least else ""
    return (
        f"intermittent: back {format_times(spell.returns_count)} after pauses of about "
        f"{format_duration(gap)}{now}"
    )


def shares_end(view: View, row: LogTemplate) -> bool:
    """Return whether a kind of lines ended with a class or an exception that comes and goes."""
    spells = [spell_of(other) for other in view.evidence.of(LogErrorClass)]
    spells += [spell_of(other) for other in view.evidence.of(LogException)]
    return any(
        row.last_at and spell.last_at and abs(row.last_at - spell.last_at) <= _SAME_LINE
        for spell in spells
        if comes_and_goes(view, spell)
    )


def state_of_lines(view: View, row: LogTemplate) -> State:
    """Return whether lines of one kind are still logged; of them, it is not known how they came and went."""
    return _NOW if shares_end(view, row) else state_of(view, spell_of(row))


def state_of(view: View, spell: Spell) -> State:
    """Return whether what occurred in a spell still does."""
    if spell.last_at is None or not view.summary.has_times:
        return _NOW
    quiet = _quiet_seconds(view, spell.last_at)
    if quiet < view.context.thresholds["recovery.least_quiet_seconds"] or _comes_back(spell, quiet):
        return _NOW
    noun = "requests" if view.summary.requests_count else "lines"
    within, since = _activity(view, spell.first_at or spell.last_at, spell.last_at)
    expected = min(spell.count / within, 1.0) * since if within else float(since)
    enough = expected >= view.limit("recovery.least_expected_count") and not is_silent(view)
    requests = errors_state(view) if view.summary.server_errors_count else _NOW
    if not enough:
        return _too_few(view, spell.last_at, f"{format_count(since, noun[:-1])}")
    if requests.holds is Holds.UNKNOWN:
        return State(Holds.UNKNOWN, spell.last_at, requests.why)
    return State(
        Holds.PAST,
        spell.last_at,
        f"{format_count(since, noun[:-1])} since {when(spell.last_at)} UTC without it",
    )


def endpoint_state(view: View, row: LogEndpoint) -> State:
    """Return whether requests to an endpoint still fail."""
    if row.last_server_error_at is None or row.served_since_count is None:
        return _NOW
    quiet = _quiet_seconds(view, row.last_server_error_at)
    spell = _spell_of_endpoint(row)
    if quiet < view.context.thresholds["recovery.least_quiet_seconds"] or _comes_back(spell, quiet):
        return _NOW
    well = f"{format_count(row.served_since_count, 'request')} to {_name(row)}"
    expected = (row.failing_ratio or 1.0) * row.served_since_count
    return _since(view, row.last_server_error_at, expected, well, "served")


def _since(view: View, last_at: datetime, expected: float, well: str, how: str) -> State:
    """Return that it is over where it was to be expected often enough since; else that this is too few."""
    if expected < view.limit("recovery.least_expected_count") or is_silent(view):
        return _too_few(view, last_at, well)
    return State(Holds.PAST, last_at, f"{well} were {how} since")


def errors_come_and_go(view: View) -> str:
    """Return in words that requests fail in spells, "" where the most failing endpoint does not."""
    worst = max(parts_of(view), key=lambda row: row.server_errors_count, default=None)
    return comes_and_goes(view, _spell_of_endpoint(worst)) if worst else ""


def _spell_of_endpoint(row: LogEndpoint) -> Spell:
    return Spell(
        first_at=row.first_server_error_at,
        last_at=row.last_server_error_at,
        count=row.server_errors_count,
        returns_count=row.returns_count,
        return_gap_seconds=row.return_gap_seconds,
    )


def errors_state(view: View) -> State:
    """Return whether requests still fail: all parts of the service have to be well for it to be over."""
    parts = [
        (row.server_errors_count, row.served_since_count or 0, endpoint_state(view, row))
        for row in parts_of(view)
    ]
    return _of_parts(parts) if view.summary.has_times else _NOW


def slow_state(view: View, slow: Iterable[LogEndpoint]) -> State:
    """Return whether these endpoints are still slow."""
    parts = []
    for row in slow:
        count = round((row.slow_ratio or 1.0) * row.requests_count)
        parts.append((count, row.quick_since_count or 0, _quick_again(view, row) or _slow_state(view, row)))
    return _of_parts(parts) if parts else slowness_state(view)


def _quick_again(view: View, row: LogEndpoint) -> State | None:
    """Return that an endpoint is quick again, but for the few slow requests that any has; None if not."""
    over_time = next(
        (each for each in view.evidence.of(LogLatency) if (each.method, each.path) == (row.method, row.path)),
        None,
    )
    if over_time is None or is_silent(view):
        return None
    points = [
        Point(step.at, _slower(step, view.limit("slow.warning_seconds")), sum(step.microseconds.values()))
        for step in over_time.steps
    ]
    fall = _fall(view, points, timedelta(seconds=over_time.step_seconds))
    least = view.limit("recovery.least_expected_count")
    if fall is None or fall.ratio >= view.limit("slow_onset.least_ratio") or fall.expected < least:
        return None
    return State(Holds.PAST, fall.at, f"{format_share(fall.ratio)} of the requests since were slow")


def _slow_state(view: View, row: LogEndpoint) -> State:
    if row.last_slow_at is None or row.quick_since_count is None:
        return _NOW
    if _quiet_seconds(view, row.last_slow_at) < view.context.thresholds["recovery.least_quiet_seconds"]:
        return _NOW
    well = f"{format_count(row.quick_since_count, 'request')} to {_name(row)}"
    return _since(view, row.last_slow_at, (row.slow_ratio or 1.0) * row.quick_since_count, well, "quick")


def _of_parts(parts: Sequence[tuple[int, int, State]]) -> State:
    """Return the state of a whole: parts by how often they failed and how much of them was well since.

    Where most is known to be well, a part that was requested too seldom to know is taken for well with it;
    one that was not requested at all is not, unless it is small.
    """
    failed = sum(count for count, _, _ in parts)
    states = [state for _, _, state in parts]
    past = sum(count for count, _, state in parts if state.holds is Holds.PAST)
    if not states or any(state.holds is Holds.NOW for state in states):
        return _NOW
    for count, since, state in parts:
        is_large = count >= _NOISE_RATIO * failed
        if state.holds is Holds.UNKNOWN and (2 * past < failed or (is_large and not since)):
            return state
    return worst(state for state in states if state.holds is Holds.PAST)


def error_lines_state(view: View) -> State:
    """Return whether errors are still logged where no requests are."""
    failing = [bucket for bucket in view.evidence.of(LogBucket) if bucket.errors_count]
    if not failing:
        return _NOW
    width = timedelta(seconds=view.summary.bucket_seconds)
    gaps = [
        (after.at - before.at).total_seconds()
        for before, after in pairwise(failing)
        if after.at - before.at > width
    ]
    gaps.sort()
    spell = Spell(
        first_at=failing[0].at,
        last_at=failing[-1].at + width,
        count=view.summary.errors_count,
        returns_count=len(gaps),
        return_gap_seconds=gaps[len(gaps) // 2] if gaps else None,
    )
    return state_of(view, spell)


def slowness_state(view: View) -> State:
    """Return whether requests still take over a second, by the stretches in which any did."""
    width = timedelta(seconds=view.summary.bucket_seconds)
    slow = [bucket for bucket in view.evidence.of(LogBucket) if bucket.slow_requests_count]
    if not slow:
        return _NOW
    count = sum(bucket.slow_requests_count for bucket in slow)
    return state_of(view, Spell(first_at=slow[0].at, last_at=slow[-1].at + width, count=count))


def latency_state(view: View, row: LogLatency, slow_seconds: float) -> State:
    """Return whether requests to an endpoint still take that long."""
    width = timedelta(seconds=row.step_seconds)
    slow = [step for step in row.steps if _slower(step, slow_seconds)]
    if not slow:
        return _NOW
    first_at, last_at = slow[0].at, slow[-1].at
    since = sum(sum(step.microseconds.values()) for step in row.steps if step.at > last_at)
    within = sum(sum(step.microseconds.values()) for step in row.steps if first_at <= step.at <= last_at)
    quiet = _quiet_seconds(view, last_at + width)
    gaps = sorted((after.at - before.at).total_seconds() for before, after in pairwise(slow))
    gaps = [gap for gap in gaps if gap > row.step_seconds]
    spell = Spell(
        first_at=first_at,
        last_at=last_at,
        count=len(slow),
        returns_count=len(gaps),
        return_gap_seconds=gaps[len(gaps) // 2] if gaps else None,
    )
    if quiet < view.context.thresholds["recovery.least_quiet_seconds"] or _comes_back(spell, quiet):
        return _NOW
    expected = sum(_slower(step, slow_seconds) for step in slow) / within * since
    served = format_count(since, "request")
    if expected < view.limit("recovery.least_expected_count") or is_silent(view):
        return _too_few(view, last_at + width, served)
    return State(Holds.PAST, last_at + width, f"{served} to {row.method} {row.path} were quick since")


def _slower(step: LatencyStep, seconds: float) -> int:
    return sum(count for microseconds, count in step.microseconds.items() if microseconds >= seconds * 1e6)


def since_fall(view: View) -> tuple[datetime, float] | None:
    """Return since when fewer requests fail than at the height, and which share; None without such a fall."""
    if view.errors is None or not view.summary.requests_count:
        return None
    points = [
        Point(bucket.at, bucket.server_errors_count, bucket.requests_count)
        for bucket in view.evidence.of(LogBucket)
        if bucket.requests_count and bucket.at >= view.errors.at - _width(view)
    ]
    fall = _fall(view, points, _width(view))
    return None if fall is None else (fall.at, fall.ratio)


class _Fall(msgspec.Struct, frozen=True):
    """From when on less goes wrong, how much still does, and how often it would at the rate of before."""

    at: datetime
    ratio: float
    expected: float


def _fall(view: View, points: Sequence[Point], width: timedelta) -> _Fall | None:
    """Return the end of what went wrong, read from the newest on; None where it is not long enough ago."""
    if not points:
        return None
    end = points[-1].at
    backwards = tuple(Point(end + (end - point.at), point.value, point.total) for point in points)
    fall = find_onset(
        Series(name="what went wrong, newest first", points=backwards),
        least_strength=view.limit("onset.least_strength"),
        least_before=view.limit("onset.least_before_count"),
        least_failed=view.limit("errors.least_count"),
    )
    if fall is None:
        return None
    at = end - (fall.at - end) + width
    if ((view.summary.last_at or at) - at).total_seconds() < view.context.thresholds[
        "recovery.least_quiet_seconds"
    ]:
        return None
    return _Fall(at, fall.before_ratio, fall.after_ratio * fall.before_count)


def parts_of(view: View) -> Sequence[LogEndpoint]:
    """Return the endpoints that failed for more than a request or two."""
    rows = view.evidence.of(LogEndpoint)
    failed = sum(row.server_errors_count for row in rows)
    least = view.limit("errors.least_count")
    return [
        row
        for row in rows
        if row.server_errors_count
        and (row.server_errors_count >= least or row.server_errors_count >= _NOISE_RATIO * failed)
    ]


def worst(states: Iterable[State]) -> State:
    """Return the state of several together: over only where all are, at the end of the last.

    >>> worst([State(Holds.PAST), State(Holds.UNKNOWN)]).holds.value
    'unknown'
    """
    found = list(states)
    for holds in (Holds.NOW, Holds.UNKNOWN):
        if same := [state for state in found if state.holds is holds]:
            return same[0]
    return max(found, key=lambda state: state.until or _NEVER, default=_NOW)


def is_silent(view: View) -> bool:
    """Return whether the log ended well before now, measured by how often a line came until then."""
    last, first = view.summary.last_at, view.summary.first_at
    if last is None or first is None:
        return True
    age = (view.context.window.end - last).total_seconds()
    gap = (last - first).total_seconds() / max(view.summary.lines_count - 1, 1)
    return age > max(view.limit("stale.least_seconds"), view.limit("stale.gap_factor") * gap)


def _too_few(view: View, until: datetime, served: str) -> State:
    if is_silent(view) and view.summary.last_at:
        why = (
            f"Not since {when(until)} UTC, but nothing at all has been logged since "
            f"{when(view.summary.last_at)}"
        )
        return State(Holds.UNKNOWN, until, f"{why} UTC: whether it is over is unknown")
    why = f"Not since {when(until)} UTC, and {served} since then: too few to know whether it is over"
    return State(Holds.UNKNOWN, until, why)


def _comes_back(spell: Spell, quiet: float) -> bool:
    return comes_back(spell.returns_count, spell.return_gap_seconds, quiet)


def _quiet_seconds(view: View, last_at: datetime) -> float:
    """Return how long ago the last time is, whether the log goes on or not."""
    return (view.context.window.end - last_at).total_seconds()


def _activity(view: View, first_at: datetime, last_at: datetime) -> tuple[int, int]:
    """Return how much was served, or logged, between two moments, and well after the second."""
    width, within, since = _width(view), 0, 0
    of_requests = bool(view.summary.requests_count)
    for bucket in view.evidence.of(LogBucket):
        count, bad = (
            (bucket.requests_count, bucket.server_errors_count)
            if of_requests
            else (bucket.lines_count, bucket.errors_count)
        )
        if bucket.at > last_at:
            since += max(count - bad, 0)
        elif bucket.at + width > first_at:
            within += count
    return within, since


def _width(view: View) -> timedelta:
    return timedelta(seconds=view.summary.bucket_seconds)


def _name(row: LogEndpoint) -> str:
    return f"{row.method} {row.path}".strip()

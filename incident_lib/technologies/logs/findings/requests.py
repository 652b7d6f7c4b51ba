"""What the requests in a log mean: how many fail, since when, in which endpoint, and which are slow."""

from collections.abc import Iterator

from incident_lib.findings.base import finding
from incident_lib.findings.onset import Onset
from incident_lib.model import Finding, FindingSeverity, Holds
from incident_lib.technologies.logs.findings.recovery import (
    State,
    endpoint_state,
    error_lines_state,
    errors_come_and_go,
    errors_state,
    judged,
    parts_of,
    since_fall,
    slow_state,
    slowness_state,
)
from incident_lib.technologies.logs.findings.view import View, ended_moment, when
from incident_lib.technologies.logs.rows import LogEndpoint, LogGrowth
from incident_lib.units import format_duration, format_share, format_times


def judge_errors(view: View) -> Iterator[Finding]:
    """Yield `errors`: the share of requests answered with 5xx, since the onset where there is one."""
    summary, onset = view.summary, view.errors
    failed, served = summary.server_errors_count, summary.requests_count
    if served == 0 or failed < view.limit("errors.least_count"):
        return
    overall = failed / served
    ratio = max(overall, onset.after_ratio if onset else 0.0)
    severity = view.context.thresholds.severity("logs.errors", ratio, "ratio")
    if severity is None:
        return
    title = f"{failed:,} of {served:,} requests failed with 5xx ({format_share(overall)})"
    state, fall, spells = errors_state(view), since_fall(view), errors_come_and_go(view)
    fall = None if spells else fall  # the newest pause is no end
    newest = onset.after_ratio if onset else None
    if onset and state.holds is not Holds.PAST:
        title += f"; since {onset.at:%H:%M:%S} UTC {format_share(onset.after_ratio)} fail"
    if fall and state.holds is not Holds.PAST:  # a part of it may go on
        since_when, newest = fall
        title += f"; since {since_when:%H:%M:%S} UTC {format_share(newest)} fail"
        severity = view.context.thresholds.severity("logs.errors", newest, "ratio") or FindingSeverity.WARNING
    title += f"; {spells}" if spells else ""
    if not summary.has_times:
        now = _failing_now(view)
        severity, more = now or (FindingSeverity.UNKNOWN, "when is unknown")
        title += f"; the lines have no times, so {more}"
    elif state.holds is not Holds.PAST and (ended := ended_moment(view)):
        severity, state = FindingSeverity.INFO, State(Holds.PAST, ended)
        title = (
            f"{failed:,} of {served:,} requests failed with 5xx at one moment, none since {when(ended)} UTC"
        )
    endpoints = view.evidence.of(LogEndpoint)
    worst = max(endpoints, key=lambda endpoint: endpoint.server_errors_count, default=None)
    found = finding(
        view.evidence,
        "errors",
        severity,
        title,
        "\n".join(
            f"{endpoint.method} {endpoint.path}: {endpoint.server_errors_count:,} of "
            f"{endpoint.requests_count:,} ({format_share(endpoint.server_errors_ratio)})"
            for endpoint in endpoints[:10]
            if endpoint.server_errors_count
        )
        + _answers(view),
        since=onset.at if onset else None,
        error_ratio=round(overall, 4),
        error_ratio_since_onset=round(newest, 4) if newest is not None else None,
        failed_count=failed,
        requests_count=served,
        client_errors_count=summary.client_errors_count,
        endpoint=f"{worst.method} {worst.path}".strip() if worst and worst.server_errors_count else None,
    )
    yield judged(view, found, state)


def _answers(view: View) -> str:
    """Return a line that names the statuses of failed requests, the most frequent first."""
    failures = sorted(view.summary.failures.items(), key=lambda each: (-each[1], each[0]))
    answers = ", ".join(f"{status} ({format_times(count)})" for status, count in failures[:5])
    return f"\nanswered with {answers}" if answers else ""


def _failing_now(view: View) -> tuple[FindingSeverity, str] | None:
    """Return how bad what was appended while the log was watched is, and its words; None for too little.

    A failure or two are a warning where as many failed before.
    """
    for row in view.evidence.of(LogGrowth):
        if row.requests_count and row.server_errors_count:
            few = row.server_errors_count < view.limit("errors.least_count")
            ratio = row.server_errors_count / row.requests_count
            if severity := view.context.thresholds.severity("logs.errors", ratio, "ratio"):
                return FindingSeverity.WARNING if few else severity, (
                    f"only the lines of the {format_duration(row.seconds)} during which the log was watched "
                    f"are current: {row.server_errors_count:,} of {row.requests_count:,} failed"
                )
    return None


def judge_onset(view: View) -> Iterator[Finding]:
    """Yield `onset` and `slow_onset`: when it began, with the rates before and after."""
    noun = "requests" if view.summary.requests_count else "lines"
    if view.errors:
        state = errors_state(view) if view.summary.requests_count else error_lines_state(view)
        yield judged(view, _onset(view, "onset", view.errors, f"failed {noun}"), state)
    if view.slowness and view.slowness.after_ratio >= view.limit("slow_onset.least_ratio"):
        slow_onset = _onset(view, "slow_onset", view.slowness, "requests over a second")
        yield judged(view, slow_onset, slowness_state(view))


def judge_endpoint(view: View) -> Iterator[Finding]:
    """Yield `endpoint` when nearly all failures are in a single endpoint while the others work."""
    endpoints = view.evidence.of(LogEndpoint)
    failed = sum(endpoint.server_errors_count for endpoint in endpoints)
    served = sum(endpoint.requests_count for endpoint in endpoints)
    # Where a part is well again, the part that still fails is what there is to see.
    goes_on = [each for each in endpoints if endpoint_state(view, each).holds is not Holds.PAST]
    worst = max(goes_on or endpoints, key=lambda endpoint: endpoint.server_errors_count, default=None)
    if worst is None or worst.server_errors_count < view.limit("errors.least_count"):
        return
    if len(goes_on) < len(parts_of(view)) and worst in goes_on:
        failed = sum(endpoint.server_errors_count for endpoint in goes_on)
    others = served - worst.requests_count
    share = worst.server_errors_count / failed
    if others < view.limit("onset.least_before_count") or share < view.limit("endpoint.least_share_ratio"):
        return
    other_ratio = (failed - worst.server_errors_count) / others
    if other_ratio > view.limit("endpoint.most_other_ratio") * worst.server_errors_ratio:
        return
    if worst.server_errors_ratio < view.context.thresholds["logs.errors.warning_ratio"]:
        return
    name = f"{worst.method} {worst.path}".strip()
    failures = "all failures are" if share > 0.9995 else f"{format_share(share)} of the failures are"
    found = finding(
        view.evidence,
        "endpoint",
        FindingSeverity.WARNING
        if view.summary.has_times and not ended_moment(view)
        else FindingSeverity.INFO,
        f"{failures} in {name}; the other endpoints {'rarely fail' if other_ratio else 'work'}",
        f"{name}: {worst.server_errors_count:,} of {worst.requests_count:,} requests failed "
        f"({format_share(worst.server_errors_ratio)}); all others: {format_share(other_ratio)} of {others:,}",
        since=worst.first_server_error_at,
        endpoint=name,
        share_of_errors=round(share, 4),
        endpoint_failure_ratio=worst.server_errors_ratio,
        other_failure_ratio=round(other_ratio, 4),
        failed_count=worst.server_errors_count,
    )
    yield judged(view, found, endpoint_state(view, worst))


def judge_slow(view: View) -> Iterator[Finding]:
    """Yield `slow`: endpoints of which 5 % of the requests take over a second, now or since an onset."""
    limit, least = view.limit("slow.warning_seconds"), view.limit("slow.least_count")
    measured = [
        endpoint
        for endpoint in view.evidence.of(LogEndpoint)
        if endpoint.duration_p95_seconds is not None and endpoint.requests_count >= least
    ]
    slow = sorted(
        (endpoint for endpoint in measured if (endpoint.duration_p95_seconds or 0) >= limit),
        key=lambda endpoint: endpoint.duration_p95_seconds or 0,
        reverse=True,
    )
    onset = view.slowness
    lately = onset is not None and onset.after_ratio >= view.limit("slow_onset.least_ratio")
    if not slow and not lately:
        return
    title = f"{len(slow)} of {len(measured)} endpoints are slow" if slow else "requests are slow"
    if slow:
        title += (
            f", the worst {slow[0].method} {slow[0].path} with p95 "
            f"{format_duration(slow[0].duration_p95_seconds)}"
        )
    if onset and lately:
        title += f"; since {onset.at:%H:%M:%S} UTC {format_share(onset.after_ratio)} take over a second"
    found = finding(
        view.evidence,
        "slow",
        FindingSeverity.WARNING if view.summary.has_times else FindingSeverity.INFO,
        title,
        "\n".join(
            f"{endpoint.method} {endpoint.path}: p50 {format_duration(endpoint.duration_p50_seconds)}, "
            f"p95 {format_duration(endpoint.duration_p95_seconds)}, {endpoint.requests_count:,} requests"
            for endpoint in slow[:10]
        ),
        since=onset.at if onset and lately else None,
        endpoint=f"{slow[0].method} {slow[0].path}".strip() if slow else None,
        p95_seconds=slow[0].duration_p95_seconds if slow else None,
        slow_endpoints_count=len(slow),
        endpoints_count=len(measured),
        slow_ratio_since_onset=round(onset.after_ratio, 4) if onset and lately else None,
    )
    yield judged(view, found, slow_state(view, slow))


def _onset(view: View, name: str, onset: Onset, what: str) -> Finding:
    return finding(
        view.evidence,
        name,
        FindingSeverity.INFO,
        f"{what} rose from {format_share(onset.before_ratio)} to {format_share(onset.after_ratio)} "
        f"at {onset.at:%H:%M:%S} UTC",
        f"{onset.failed_count:,} since then; {onset.before_count:,} observed before; "
        f"strength of the change {onset.strength} (log-likelihood ratio)",
        since=onset.at,
        before_ratio=round(onset.before_ratio, 4),
        after_ratio=round(onset.after_ratio, 4),
        strength=onset.strength,
    )

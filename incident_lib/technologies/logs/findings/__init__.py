"""What the log of a service means: a single analyzer, because a single pass over the lines gave all of it."""

from collections.abc import Iterator
from itertools import chain

from incident_lib.findings.base import Analyzer, Context, finding, ok
from incident_lib.model import Evidence, Finding, FindingSeverity
from incident_lib.technologies.logs.findings import latency, messages, requests
from incident_lib.technologies.logs.findings.view import View, span, view_of
from incident_lib.units import format_share

__all__ = ["ANALYZERS", "ON_FAILURE", "analyze_lines"]

_JUDGES = (
    requests.judge_errors,
    requests.judge_onset,
    requests.judge_endpoint,
    requests.judge_slow,
    latency.judge_latency,
    messages.judge_classes,
    messages.judge_exceptions,
    messages.judge_template,
    messages.judge_cut,
    messages.judge_error_lines,
    messages.judge_events,
)


def analyze_lines(evidence: Evidence, context: Context) -> Iterator[Finding]:
    """Yield what the lines of a service mean; a single OK finding when nothing in them is bad."""
    view = view_of(evidence, context)
    if view is None or view.summary.lines_count == 0:
        yield _empty(evidence)
        return
    found = list(chain.from_iterable(judge(view) for judge in _JUDGES))
    yield from found
    if not view.summary.has_times:
        yield _no_times(view)
    elif not any(finding.severity.is_bad for finding in found):
        yield _ok(view)


ANALYZERS: dict[str, Analyzer] = {"logs.lines": analyze_lines}
ON_FAILURE: dict[str, Analyzer] = {}  # a log that cannot be read is unknown, and no alarm


def _empty(evidence: Evidence) -> Finding:
    if evidence.truncated is not None or evidence.problem is not None:
        return finding(
            evidence,
            "unknown",
            FindingSeverity.UNKNOWN,
            "no line of this stretch of time was read: the log is longer than could be read in time",
            "read a shorter stretch of time, with --since",
        )
    return finding(
        evidence,
        "empty",
        FindingSeverity.INFO,
        "nothing was logged in this stretch of time",
        "a quiet service, or one that logs elsewhere",
    )


def _no_times(view: View) -> Finding:
    return finding(
        view.evidence,
        "no_times",
        FindingSeverity.INFO,
        f"the lines have no times: {view.summary.lines_count:,} were counted, no rates or onsets",
        "let the logger write the time in front; the container engine knows it, a plain file does not",
        lines_count=view.summary.lines_count,
    )


def _ok(view: View) -> Finding:
    summary = view.summary
    parts = [f"{summary.lines_count:,} lines"]
    if summary.requests_count:
        ratio = summary.server_errors_count / summary.requests_count
        parts.append(f"{summary.requests_count:,} requests, {format_share(ratio)} failed")
    parts.append(f"{summary.errors_count:,} error line{'' if summary.errors_count == 1 else 's'}")
    return ok(
        view.evidence,
        f"nothing unusual in the log: {', '.join(parts)}",
        span(summary.first_at, summary.last_at),
        lines_count=summary.lines_count,
        requests_count=summary.requests_count,
    )

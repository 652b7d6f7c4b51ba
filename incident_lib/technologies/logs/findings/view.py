"""The evidence of a log as its judges read it: what it holds, and when its failures began."""

from datetime import datetime, timedelta

import msgspec

from incident_lib.findings.base import Context
from incident_lib.findings.onset import Onset, find_onset
from incident_lib.model import Evidence
from incident_lib.model.series import Series
from incident_lib.technologies.logs.rows import LogBucket, LogSummary
from incident_lib.technologies.logs.series import failures, slowness
from incident_lib.units import format_duration

SERVERS = frozenset({"postgres", "redis"})  # a server's log holds the errors of its clients


class View(msgspec.Struct, frozen=True, kw_only=True):
    """A log and its onsets. `summary.has_times` is whether enough lines have times."""

    evidence: Evidence
    context: Context
    summary: LogSummary
    errors: Onset | None  # of 5xx, or of error lines where no requests are logged
    slowness: Onset | None

    def limit(self, name: str) -> float:
        """Return the limit `logs.<name>`."""
        return self.context.thresholds[f"logs.{name}"]


def view_of(evidence: Evidence, context: Context) -> View | None:
    """Return the view, None when the evidence has no summary."""
    summary = next(iter(evidence.of(LogSummary)), None)
    if summary is None:
        return None
    is_timed = _is_timed(summary, context)
    return View(
        evidence=evidence,
        context=context,
        summary=summary if is_timed else msgspec.structs.replace(summary, has_times=False),
        errors=_onset(context, failures(evidence)) if is_timed else None,
        slowness=_onset(context, slowness(evidence)) if is_timed else None,
    )


def _is_timed(summary: LogSummary, context: Context) -> bool:
    """Return whether enough lines have times for those between them to be placed."""
    if summary.timed_lines_count is None or not summary.lines_count:
        return summary.has_times
    least = context.thresholds["logs.times.least_ratio"]
    return summary.has_times and summary.timed_lines_count >= least * summary.lines_count


def ended_moment(view: View) -> datetime | None:
    """Return when the failed requests ended, where they were a single short burst and many were served since.

    While a container is replaced, requests fail for a moment; what is over for long enough is no trouble now.
    """
    buckets = view.evidence.of(LogBucket)
    failing = [bucket.at for bucket in buckets if bucket.server_errors_count]
    if not failing or view.summary.last_at is None:
        return None
    width = timedelta(seconds=view.summary.bucket_seconds)
    lasted, ended = failing[-1] + width - failing[0], failing[-1] + width
    most = max(timedelta(seconds=view.limit("class.moment_seconds")), 2 * width)
    served = sum(bucket.requests_count for bucket in buckets if bucket.at > failing[-1])
    quiet = view.summary.last_at - ended
    return (
        ended if lasted <= most and quiet > 3 * most and served >= view.limit("errors.served_since") else None
    )


def is_of_server(view: View) -> bool:
    """Return whether it is the log of a server, which holds the errors of what its clients send, too."""
    formats = view.summary.formats  # a record counts once, however many lines of detail it has
    return 2 * sum(formats.get(name, 0) for name in SERVERS) > sum(formats.values())


def when(moment: datetime | None) -> str:
    """Return the time of day, as details name it.

    >>> when(None)
    'an unknown time'
    """
    return f"{moment:%H:%M:%S}" if moment else "an unknown time"


def span(first: datetime | None, last: datetime | None) -> str:
    """Return the stretch of time in words.

    >>> span(None, None)
    'the lines have no times'
    """
    if first is None or last is None:
        return "the lines have no times"
    if first == last:
        return f"at {when(first)} UTC"
    length = format_duration((last - first).total_seconds())
    return f"first {when(first)}, last {when(last)} UTC ({length})"


def _onset(context: Context, series: Series) -> Onset | None:
    return find_onset(
        series,
        least_strength=context.thresholds["logs.onset.least_strength"],
        least_before=context.thresholds["logs.onset.least_before_count"],
        least_failed=context.thresholds["logs.errors.least_count"],
    )

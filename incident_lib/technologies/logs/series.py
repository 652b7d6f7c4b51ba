"""What a log's lines and requests were over time, as series: those that failed of all."""

from incident_lib.model import Evidence
from incident_lib.model.series import Point, Series
from incident_lib.technologies.logs.rows import LogBucket, LogSummary

SLOW = "requests, those over a second"
REQUESTS = "requests, those answered with 5xx"
LINES = "log lines, errors"


def failures(evidence: Evidence) -> Series:
    """Return requests that were answered with 5xx, of all; error lines where no request is logged."""
    served = any(row.requests_count for row in evidence.of(LogSummary))
    points = (
        Point(row.at, row.server_errors_count, row.requests_count, row.first_error_at)
        if served
        else Point(row.at, row.errors_count, row.lines_count, row.first_error_at)
        for row in evidence.of(LogBucket)
    )
    return _series(evidence, REQUESTS if served else LINES, tuple(points))


def slowness(evidence: Evidence) -> Series:
    """Return requests that took over a second, of all."""
    points = (
        Point(row.at, row.slow_requests_count, row.requests_count, row.first_slow_at)
        for row in evidence.of(LogBucket)
    )
    return _series(evidence, SLOW, tuple(points))


def _series(evidence: Evidence, name: str, points: tuple[Point, ...]) -> Series:
    return Series(
        name=name,
        labels={"target": evidence.target},
        points=points,
        step_seconds=min((row.bucket_seconds for row in evidence.of(LogSummary)), default=None),
        evidence=(evidence.ref,),
    )

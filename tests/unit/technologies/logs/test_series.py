"""What a log was over time: requests where they are logged, else lines."""

from datetime import UTC, datetime, timedelta
from typing import Any

from incident_lib.model import Evidence, EvidenceStatus
from incident_lib.model.series import Point
from incident_lib.technologies.logs.rows import LogBucket, LogSummary
from incident_lib.technologies.logs.series import failures, slowness

AT = datetime(2026, 1, 15, 14, 31, tzinfo=UTC)
LATE = AT + timedelta(milliseconds=700)
COUNTS = {
    "lines_count": 30,
    "errors_count": 3,
    "requests_count": 20,
    "server_errors_count": 2,
    "client_errors_count": 1,
    "slow_requests_count": 5,
}


def log(**counts: int) -> Evidence:
    whole: dict[str, Any] = {name: count for name, count in (COUNTS | counts).items() if "slow" not in name}
    summary = LogSummary(
        first_at=AT, last_at=AT, has_times=True, bucket_seconds=10, levels={}, formats={}, **whole
    )
    bucket = LogBucket(at=AT, first_error_at=LATE, first_slow_at=LATE, **COUNTS | counts)
    return Evidence(
        probe="logs.lines",
        target="backend",
        status=EvidenceStatus.COLLECTED,
        collected_at=AT,
        duration_seconds=0.1,
        source="literal",
        rows=(summary, bucket),
    )


def test_failed_requests_of_all_requests():
    series = failures(log())
    assert series.points == (Point(AT, 2, 20, LATE),)
    assert (series.name, series.step_seconds) == ("requests, those answered with 5xx", 10)
    assert series.labels == {"target": "backend"}


def test_error_lines_of_all_lines_where_no_request_is_logged():
    series = failures(log(requests_count=0, server_errors_count=0))
    assert series.points == (Point(AT, 3, 30, LATE),)
    assert series.name == "log lines, errors"


def test_slow_requests_of_all_requests():
    assert slowness(log()).points == (Point(AT, 5, 20, LATE),)

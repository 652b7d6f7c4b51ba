"""What a log means: rates, onset, the one endpoint, slowness, error classes, the server's own life."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from incident_lib.findings.base import Context
from incident_lib.model import Evidence, EvidenceStatus, FindingSeverity, Truncation, Window
from incident_lib.technologies.logs.classes import log_classes
from incident_lib.technologies.logs.findings import ANALYZERS, ON_FAILURE
from incident_lib.technologies.logs.probes.events import server_events
from incident_lib.technologies.logs.rows import (
    LogBucket,
    LogEndpoint,
    LogErrorClass,
    LogEvent,
    LogException,
    LogSummary,
    LogTemplate,
)

AT = datetime(2026, 1, 15, 14, 31, tzinfo=UTC)


def summary(**values: Any) -> LogSummary:
    defaults: dict[str, Any] = {
        "lines_count": 600,
        "first_at": AT,
        "last_at": AT + timedelta(seconds=60),
        "has_times": True,
        "bucket_seconds": 1,
        "levels": {"INFO": 600},
        "formats": {"json": 600},
        "errors_count": 0,
        "requests_count": 600,
        "server_errors_count": 0,
        "client_errors_count": 0,
    }
    return LogSummary(**defaults | values)


def bucket(second: int, failed: int = 0, *, slow: int = 0, tried: int = 10) -> LogBucket:
    at = AT + timedelta(seconds=second)
    return LogBucket(
        at=at,
        lines_count=tried,
        errors_count=failed,
        requests_count=tried,
        server_errors_count=failed,
        client_errors_count=0,
        slow_requests_count=slow,
        first_error_at=at + timedelta(milliseconds=250) if failed else None,
        first_slow_at=at if slow else None,
    )


def endpoint(path: str, served: int, failed: int = 0, p95: float | None = 0.02) -> LogEndpoint:
    return LogEndpoint(
        method="GET",
        path=path,
        requests_count=served,
        statuses={"2xx": served - failed, "5xx": failed},
        server_errors_count=failed,
        server_errors_ratio=failed / served,
        duration_p50_seconds=p95,
        duration_p95_seconds=p95,
        first_server_error_at=AT if failed else None,
    )


def judge(*rows: Any, truncated: Truncation | None = None) -> dict[str, Any]:
    evidence = Evidence(
        probe="logs.lines",
        target="backend",
        status=EvidenceStatus.COLLECTED,
        collected_at=AT,
        duration_seconds=0.1,
        source="read backend.log",
        rows=rows,
        truncated=truncated,
    )
    context = Context(window=Window(AT - timedelta(minutes=15), AT + timedelta(minutes=2)))
    found = list(ANALYZERS["logs.lines"](evidence, context))
    return {finding.id.removeprefix("logs.lines."): finding for finding in found}


def test_a_log_of_which_nothing_was_read_is_not_quiet():
    nothing = summary(lines_count=0, requests_count=0, levels={}, formats={})
    assert judge(nothing)["empty"].severity is FindingSeverity.INFO
    cut = Truncation(kept=0, total=None, unit="lines")
    assert judge(nothing, truncated=cut)["unknown"].severity is FindingSeverity.UNKNOWN


@pytest.mark.parametrize(("failing", "is_bad"), [((10, 11), False), ((10, 30), True), ((50,), True)])
def test_requests_that_failed_for_a_moment_are_no_trouble_now(failing, is_bad):
    buckets = [bucket(second, 10 if second in failing else 0) for second in range(60)]
    found = judge(summary(server_errors_count=10 * len(failing)), *buckets, endpoint("/a", 600, 20))
    assert found["errors"].severity.is_bad == is_bad


def test_a_healthy_log_is_a_single_ok_with_its_numbers():
    found = judge(summary(), *(bucket(second) for second in range(60)), endpoint("/a", 600))
    assert list(found) == ["ok"]
    assert "600 requests, 0 % failed" in found["ok"].title


def test_an_empty_log_is_no_alarm_and_not_ok():
    found = judge(summary(lines_count=0, requests_count=0, first_at=None, last_at=None))
    assert [finding.severity for finding in found.values()] == [FindingSeverity.INFO]


@pytest.mark.parametrize(
    ("failed", "severity"),
    [
        (2, None),
        (6, FindingSeverity.WARNING),
        (30, FindingSeverity.CRITICAL),
    ],
)
def test_the_share_of_failed_requests_is_judged(failed, severity):
    found = judge(summary(server_errors_count=failed), endpoint("/a", 600, failed))
    assert found.get("errors", None) is None if severity is None else found["errors"].severity == severity


def test_the_share_of_failed_requests_names_where_most_of_them_are():
    found = judge(summary(server_errors_count=30), endpoint("/a", 300, 10), endpoint("/b", 300, 20))
    assert found["errors"].data["endpoint"] == "GET /b"


def test_an_outage_of_the_last_seconds_is_judged_by_what_came_since():
    buckets = [bucket(second, 8 if second >= 55 else 0) for second in range(60)]
    found = judge(summary(requests_count=10_000, server_errors_count=40), *buckets)
    assert found["errors"].severity is FindingSeverity.CRITICAL
    assert found["errors"].since == AT + timedelta(seconds=55, milliseconds=250)
    assert found["onset"].data["before_ratio"] == 0.0
    assert found["onset"].data["after_ratio"] == pytest.approx(0.8)


def test_failures_in_a_single_endpoint_are_named():
    found = judge(summary(server_errors_count=60), endpoint("/pay", 100, 60), endpoint("/a", 500))
    assert found["endpoint"].data["endpoint"] == "GET /pay"
    assert found["endpoint"].data["endpoint_failure_ratio"] == pytest.approx(0.6)
    assert found["endpoint"].data["other_failure_ratio"] == 0.0


def test_failures_everywhere_are_in_no_endpoint():
    found = judge(summary(server_errors_count=360), endpoint("/pay", 400, 300), endpoint("/a", 200, 60))
    assert "endpoint" not in found


def test_failures_of_the_only_endpoint_show_nothing_about_others():
    assert "endpoint" not in judge(summary(server_errors_count=60), endpoint("/pay", 600, 60))


def test_slow_endpoints_and_their_onset_are_found():
    buckets = [bucket(second, slow=0 if second < 30 else 6) for second in range(60)]
    found = judge(summary(), *buckets, endpoint("/pay", 300, p95=3.2), endpoint("/a", 300))
    assert found["slow"].severity is FindingSeverity.WARNING
    assert found["slow"].since == found["slow_onset"].since == AT + timedelta(seconds=30)
    assert found["slow"].data["p95_seconds"] == 3.2


def test_lines_without_times_raise_no_alarm():
    found = judge(
        summary(has_times=False, first_at=None, last_at=None, server_errors_count=300),
        endpoint("/pay", 300, 300),
        endpoint("/a", 300),
        LogErrorClass(error_class="redis_oom", count=9, first_at=None, last_at=None, example="OOM"),
        LogEvent(event="worker_killed", count=1, first_at=None, last_at=None, example="killed"),
    )
    assert not [finding for finding in found.values() if finding.severity.is_bad]
    assert "no_times" in found
    assert "ok" not in found


def test_each_error_class_is_a_separate_finding():
    row = LogErrorClass(error_class="redis_oom", count=9, first_at=AT, last_at=AT, example="OOM command")
    found = judge(summary(), row)
    assert found["class.redis_oom"].severity is FindingSeverity.WARNING
    assert found["class.redis_oom"].since == AT
    assert "9 times" in found["class.redis_oom"].title
    assert "ok" not in found


@pytest.mark.parametrize(("count", "severity"), [(2, FindingSeverity.INFO), (3, FindingSeverity.WARNING)])
def test_what_happens_now_and_then_everywhere_is_no_alarm(count, severity):
    row = LogErrorClass(error_class="read_timeout", count=count, first_at=AT, last_at=AT, example="timed out")
    assert judge(summary(), row)["class.read_timeout"].severity is severity


@pytest.mark.parametrize(
    ("timed_out", "severity"), [(2, FindingSeverity.INFO), (1, FindingSeverity.CRITICAL)]
)
def test_a_worker_that_its_master_ended_was_not_killed_for_memory(timed_out, severity):
    rows = [
        LogEvent(event=event, count=count, first_at=AT, last_at=AT, example="x")
        for event, count in (("worker_timeout", timed_out), ("worker_killed", 2))
    ]
    assert judge(summary(), *rows)["server.worker_killed"].severity is severity


@pytest.mark.parametrize("event", server_events())
def test_every_event_has_words_for_people(event):
    row = LogEvent(event=event, count=1, first_at=AT, last_at=AT, example="x")
    title = judge(summary(), row)[f"server.{event}"].title
    assert not title.startswith(event)


@pytest.mark.parametrize("name", log_classes())
def test_every_class_has_a_title_and_an_advice_in_its_finding(name):
    row = LogErrorClass(
        error_class=name, count=9, first_at=AT, last_at=AT, example=log_classes()[name].example
    )
    finding = judge(summary(), row)[f"class.{name}"]
    exactly = log_classes()[name].narrowed(log_classes()[name].example)
    assert finding.title == f"{exactly.title}: logged 9 times"
    assert finding.detail.endswith(f"Next: {exactly.advice}")


def test_a_class_of_another_version_is_shown_by_its_name():
    row = LogErrorClass(error_class="disk_on_fire", count=9, first_at=AT, last_at=AT, example="smoke")
    finding = judge(summary(), row)["class.disk_on_fire"]
    assert (finding.title, finding.severity) == ("disk on fire: logged 9 times", FindingSeverity.WARNING)


def test_the_addresses_in_an_error_line_are_data():
    row = LogErrorClass(
        error_class="upstream_error",
        count=9,
        first_at=AT,
        last_at=AT,
        example="Server error '503 Service Unavailable' for url 'http://fx.example:8000/rate' of 10.0.0.7:80",
        peers=("fx.example:8000",),
    )
    data = judge(summary(), row)["class.upstream_error"].data
    assert data["error_class"] == "upstream_error"
    assert data["peers"] == "fx.example:8000"
    assert data["addresses"] == "fx.example:8000 10.0.0.7:80"


@pytest.mark.parametrize(("last", "severity"), [(2, FindingSeverity.INFO), (55, FindingSeverity.WARNING)])
def test_names_that_failed_for_a_moment_are_over(last, severity):
    row = LogErrorClass(
        error_class="name_resolution",
        count=5,
        first_at=AT + timedelta(seconds=1),
        last_at=AT + timedelta(seconds=last),
        example="Name or service not known",
    )
    assert judge(summary(), row)["class.name_resolution"].severity is severity


def test_repeated_tracebacks_name_the_place():
    row = LogException(type="KeyError", frame="shop/a.py:pay", count=12, first_at=AT, last_at=AT, example="7")
    found = judge(summary(), row)
    assert found["exception"].severity is FindingSeverity.WARNING
    assert "KeyError was raised 12 times in shop/a.py:pay" in found["exception"].title


def test_a_killed_worker_is_critical_and_a_start_is_not():
    killed = LogEvent(event="worker_killed", count=1, first_at=AT, last_at=AT, example="SIGKILL")
    start = LogEvent(event="start", count=1, first_at=AT, last_at=AT, example="Started")
    found = judge(summary(), killed, start)
    assert found["server.worker_killed"].severity is FindingSeverity.CRITICAL
    assert found["server.start"].severity is FindingSeverity.INFO


def test_a_failed_start_that_was_overcome_is_no_outage():
    failed = LogEvent(event="startup_failed", count=1, first_at=AT, last_at=AT, example="failed")
    later = AT + timedelta(seconds=9)
    ready = LogEvent(event="ready", count=1, first_at=later, last_at=later, example="ready")
    assert judge(summary(), failed)["server.startup_failed"].severity is FindingSeverity.CRITICAL
    assert judge(summary(), failed, ready)["server.startup_failed"].severity is FindingSeverity.WARNING


@pytest.mark.parametrize(
    ("ready_after", "formats", "loads"),
    [(None, "redis", True), (-60, "redis", True), (3, "redis", False), (None, "uvicorn", False)],
)
def test_a_store_that_started_and_is_not_ready_is_reported(ready_after, formats, loads):
    start = LogEvent(event="start", count=1, first_at=AT, last_at=AT, example="Redis is starting")
    rows = [start]
    if ready_after is not None:
        at = AT + timedelta(seconds=ready_after)
        rows.append(LogEvent(event="ready", count=1, first_at=at, last_at=at, example="Ready"))
    assert ("server.not_ready" in judge(summary(formats={formats: 20}), *rows)) == loads


def test_error_lines_that_came_with_the_onset_are_new():
    buckets = [bucket(second, 8 if second >= 30 else 0) for second in range(60)]
    row = LogTemplate(
        template="payment <*> failed",
        level="ERROR",
        count=200,
        first_at=AT + timedelta(seconds=30),
        last_at=AT + timedelta(seconds=59),
        example="payment 7 failed",
    )
    found = judge(summary(server_errors_count=240), *buckets, row)
    assert found["template"].data["new"] == 1


def test_lines_that_were_not_kept_apart_are_no_most_frequent_line():
    rest = LogTemplate(
        template="(other)", level="ERROR", count=900, first_at=AT, last_at=AT, example="one of many"
    )
    assert "template" not in judge(summary(errors_count=900), rest)


def test_error_lines_of_a_worker_are_judged_and_those_of_a_database_are_its_clients():
    values = {"requests_count": 0, "errors_count": 300}
    assert judge(summary(**values))["error_lines"].severity is FindingSeverity.WARNING
    found = judge(summary(**values, formats={"postgres": 600}))
    assert found["error_lines"].severity is FindingSeverity.INFO


def test_a_log_that_cannot_be_read_is_unknown():
    assert "logs.lines" not in ON_FAILURE  # so it becomes UNKNOWN, as every failed probe without a judge

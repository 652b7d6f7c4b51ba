"""Logs without levels: lines that report failures in their words are not "nothing unusual"."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from incident_lib.findings.base import Context
from incident_lib.model import Evidence, EvidenceStatus, Finding, FindingSeverity, Row, Window
from incident_lib.technologies.logs.findings import ANALYZERS
from incident_lib.technologies.logs.probes import Scan, rows
from incident_lib.technologies.logs.rows import LogSummary, LogTemplate
from tests.unit.technologies.logs.logs_of import summary_of

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
WINDOW = Window(NOW - timedelta(minutes=15), NOW)


def judge(*found: Row) -> dict[str, Finding]:
    evidence = Evidence(
        probe="logs.lines",
        target="till",
        status=EvidenceStatus.COLLECTED,
        collected_at=NOW,
        duration_seconds=0.1,
        source="read till.log",
        rows=found,
    )
    judged = ANALYZERS["logs.lines"](evidence, Context(window=WINDOW))
    return {finding.id.removeprefix("logs.lines."): finding for finding in judged}


def summary(lines: int, **values: Any) -> LogSummary:
    return summary_of(lines, first_at=NOW - timedelta(minutes=9), last_at=NOW, **values)


def template(count: int, example: str, level: str = "", **values: Any) -> LogTemplate:
    at = NOW - timedelta(minutes=5)
    return LogTemplate(
        template=example, level=level, count=count, first_at=at, last_at=NOW, example=example, **values
    )


@pytest.mark.parametrize(
    "text",
    [
        "cannot charge order {}: upstream had no answer",
        "sending receipt {} failed",
        "unable to reach the printer of till {}",
        "printer {}: connection timed out",
        "till {} rejected the card",
        "lost the drawer of till {}",
    ],
)
def test_lines_without_levels_that_report_failures_are_a_warning(text):
    scan = Scan(WINDOW.start.timestamp(), WINDOW.end.timestamp())
    for number in range(60):
        at = NOW - timedelta(seconds=300 - number)
        scan.feed(f"{at:%Y/%m/%d %H:%M:%S} {text.format(number) if number % 2 else f'till {number} is open'}")
    found = judge(*rows(scan.finish()))
    assert found["worded"].severity is FindingSeverity.WARNING
    assert "30 lines without a level (50 %) report failures in words" in found["worded"].title
    assert "ok" not in found


@pytest.mark.parametrize(
    "text",
    [
        "import done: 0 errors, 0 failed",
        "batch finished without errors",
        "failed=0 rejected=0 paid=12",
        '{"errors": 0, "paid": 12}',
        "restart policy: on-failure",
        "till 7 is open",
    ],
)
def test_a_count_of_no_failures_is_none(text):
    assert judge(summary(100), template(100, text)).keys() == {"ok"}


@pytest.mark.parametrize(
    ("failed", "severity"),
    [(9, None), (10, FindingSeverity.INFO), (19, FindingSeverity.INFO), (20, FindingSeverity.WARNING)],
)
def test_few_of_them_are_worth_knowing_only(failed, severity):
    found = judge(summary(100), template(failed, "charge failed"), template(100 - failed, "paid"))
    assert ("worded" in found and found["worded"].severity) == (severity or False)
    assert ("ok" in found) == (severity is None)


@pytest.mark.parametrize(
    "row",
    [
        template(90, "the charge failed", level="INFO"),  # the program gives its weight itself
        template(90, "no space left on device", error_class="disk_full"),  # judged by its class
    ],
)
def test_what_others_judge_is_not_judged_by_words(row):
    assert "worded" not in judge(summary(100), row)


def test_words_at_an_unknown_time_are_no_alarm():
    untimed = summary(100, has_times=False, timed_lines_count=0, read_lines_count=0)
    found = judge(untimed, template(90, "the charge failed"))
    assert found["worded"].severity is FindingSeverity.INFO
    assert found["no_times"].severity is FindingSeverity.UNKNOWN

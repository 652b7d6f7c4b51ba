"""Logs without levels: lines that report failures in their words are not "nothing unusual"."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from incident_lib.findings.base import Context
from incident_lib.model import Evidence, EvidenceStatus, Finding, FindingSeverity, Row, Window
from incident_lib.technologies.logs.findings import ANALYZERS
from incident_lib.technologies.logs.findings.wording import reports_failure_calmly
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
    assert "30 lines without a level (50 %) report failures in their text" in found["worded"].title
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
        template(90, "the charge failed", level="WARNING"),  # the program gives its weight itself
        template(90, "the charge failed", level="DEBUG"),
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


CALM = [
    "charging order 7 failed: card declined, order dropped",
    "could not print receipt 7",
    "cannot open drawer 7, the till stays shut",
    "Unable to reach printer-7",
    "dial tcp 10.0.0.7:9100: connect: connection refused",
    "till 7 gave up after 3 attempts",
    "printing 7: timed out after 5s",
    "access denied for cashier 7",
    "drawer state=failed",
    "result of sum 7: exception in rounding",
    "payment of 7.50 failed for order 7",
    "health check of till 7 failed",
    "retry 3 of receipt 7 failed",
]
HARMLESS = [
    "import of day 7 done: 12 paid, 0 failed",
    "import of day 7 done: 12 paid, 2 failed",
    "paid=12 failed=0 dropped=0",
    "batch done, failed: 3, paid: 9",
    "retry 2 of receipt 7 succeeded after the printer refused it",
    "receipt 7 is printed again if the first try failed",
    "calls the manager when a charge fails, timed out or was refused",
    "sum 7 finished without errors",
    "no payment failed in hour 7",
    "retrying failed receipts of till 7",
    "cleaned up old failed uploads",
    "found 3 dropped connections",
    "tests/test_sum.py::test_that_a_refused_card_failed PASSED",
    "GET /receipts/failed answered",
    "queue failed-receipts has 7 entries",
    "failed_receipts 7",
    "statement: UPDATE receipts SET state = 'failed' WHERE id = 7",
    "statement: SELECT id FROM receipts WHERE state = 'failed'",
    "index receipts_7 dropped",
    "dropped 0 packets",
    "the drawer was not refused",
    "card reader recovered after a failure",
    "order 7 paid",
]


@pytest.mark.parametrize("text", CALM)
def test_a_large_part_that_fails_at_a_harmless_level_is_not_nothing_unusual(text: str) -> None:
    found = judge(summary(100), template(30, text, level="INFO"), template(70, "order paid", level="INFO"))
    assert found["worded"].severity is FindingSeverity.WARNING
    assert "30 lines without an error level (30 %) report failures in their text" in found["worded"].title
    assert text in found["worded"].title
    assert "ok" not in found


@pytest.mark.parametrize("text", HARMLESS)
def test_words_that_only_sound_like_failures_are_none(text: str) -> None:
    rows_of_log = (template(60, text, level="INFO"), template(40, "order paid", level="INFO"))
    assert judge(summary(100), *rows_of_log).keys() == {"ok"}


@pytest.mark.parametrize(
    ("failed", "of", "severity"),
    [
        (9, 30, None),
        (10, 100, None),  # a tenth is no large part
        (11, 100, FindingSeverity.INFO),
        (19, 100, FindingSeverity.INFO),
        (20, 100, FindingSeverity.WARNING),
    ],
)
def test_how_many_fail_at_a_harmless_level_decides(
    failed: int, of: int, severity: FindingSeverity | None
) -> None:
    found = judge(summary(of), template(failed, "charge failed", level="INFO"), template(of - failed, "paid"))
    assert ("worded" in found and found["worded"].severity) == (severity or False)
    assert ("ok" in found) == (severity is None)


def test_several_kinds_that_fail_at_a_harmless_level_are_looked_at_each() -> None:
    kinds = [template(8, f"{word} failed", level="INFO") for word in ("charge", "sum", "receipt", "drawer")]
    assert judge(summary(100), *kinds, template(68, "paid", level="INFO")).keys() == {"ok"}


def test_what_a_data_store_logs_calmly_of_its_clients_is_no_alarm() -> None:
    of_server = summary(100, formats={"postgres": 100})
    found = judge(of_server, template(90, "could not notify client 7", level="INFO"))
    assert found["worded"].severity is FindingSeverity.INFO


def lines_of(*parts: tuple[int, str]) -> list[Row]:
    scan = Scan(WINDOW.start.timestamp(), WINDOW.end.timestamp())
    at = NOW - timedelta(seconds=2 * sum(count for count, _ in parts))
    for number, text in enumerate(text for count, text in parts for _ in range(count)):
        scan.feed(f"{at + timedelta(seconds=2 * number):%Y-%m-%dT%H:%M:%SZ} {text.format(number)}")
    return list(rows(scan.finish()))


def test_lines_that_took_the_place_of_others_are_reported():
    found = judge(
        *lines_of(
            (150, "INFO checkout: order {} is paid"), (60, "INFO checkout: order {} waits for its payment")
        )
    )
    assert found["replaced"].severity is FindingSeverity.INFO
    assert (found["replaced"].data["count"], found["replaced"].data["before_count"]) == (60, 150)
    assert "ok" not in found


@pytest.mark.parametrize(
    "parts",
    [
        ((60, "INFO loading part {} of the index"), (150, "INFO checkout: order {} is paid")),
        ((150, "INFO checkout: order {} is paid"), (10, "INFO checkout: order {} waits for its payment")),
        ((100, "INFO checkout: order {} is paid"),),
    ],
)
def test_other_phases_of_a_program_are_none(parts):
    found = judge(*lines_of(*parts))
    assert "replaced" not in found
    assert "ok" in found


def test_a_few_errors_that_are_new_are_a_warning():
    error = "ERROR ledger: account {} does not match its entries"
    calm, after = (200, "INFO ledger: entry {} is posted"), (4, "INFO ledger: entry {} is posted")
    found = judge(*lines_of(calm, (2, error), after, (1, error), after))
    assert found["unknown_error"].severity is FindingSeverity.WARNING
    assert "none before" in found["unknown_error"].title


@pytest.mark.parametrize(
    "parts",
    [
        ((2, "ERROR odd: {}"), (200, "INFO ledger: entry {} is posted"), (3, "ERROR odd: {}")),  # as before
        (
            (20, "INFO ledger: entry {} is posted"),
            (3, "ERROR odd: {}"),
            (200, "INFO ledger: entry {} is posted"),
        ),
        ((200, "INFO ledger: entry {} is posted"), (2, "ERROR odd: {}")),
    ],
)
def test_a_few_errors_are_no_warning_otherwise(parts):
    found = judge(*lines_of(*parts))
    assert all(not finding.severity.is_bad for finding in found.values())


def test_a_log_with_errors_is_not_without_anything_unusual():
    found = judge(
        *lines_of((100, "INFO entry {} is posted"), (2, "ERROR odd: {}"), (8, "INFO entry {} is posted"))
    )
    assert found["ok"].title.startswith("nothing unusual in the log but 2 error lines: ")


def test_an_unknown_error_that_comes_with_a_known_one_is_no_news():
    scan = Scan(WINDOW.start.timestamp(), WINDOW.end.timestamp())
    for number in range(200):
        at = f"{NOW - timedelta(seconds=2 * (200 - number)):%Y-%m-%d %H:%M:%S}"
        scan.feed(f"{at} INFO entry {number} is posted")
        if number >= 180:
            scan.feed(f"{at} ERROR (111)Connection refused: AH00957: http: attempt to connect to a:80")
            scan.feed(f"{at} ERROR HTTP: failed to make a connection to the backend")
    found = judge(*rows(scan.finish()))
    assert found["class.connect_refused"].severity is FindingSeverity.WARNING
    assert found["unknown_error"].severity is FindingSeverity.INFO


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("NoMethodError: undefined method `total' for nil", "NoMethodError"),
        ("job 7 has raised", "an exception"),
    ],
)
def test_a_trace_has_the_name_that_the_line_above_it_holds(header, name):
    scan = Scan(WINDOW.start.timestamp(), WINDOW.end.timestamp())
    for number in range(60):
        at = f"{NOW - timedelta(seconds=2 * (60 - number)):%Y-%m-%dT%H:%M:%SZ} pid=1 tid=ox"
        scan.feed(f"{at} class=ReceiptJob INFO: start")
        if number % 10 == 9:
            scan.feed(f"{at} WARN: {header}")
            scan.feed(f"{at} WARN: /app/jobs/receipt_job.rb:12:in `perform'")
            scan.feed("/usr/local/bundle/gems/sidekiq-7.1/lib/sidekiq/processor.rb:202:in `execute_job'")
    title = judge(*rows(scan.finish()))["exception"].title
    assert title == f"{name} was raised 6 times in jobs/receipt_job.rb:perform"


@pytest.mark.parametrize(
    "text",
    [
        "login failed for user u7: wrong password",
        "sign-in denied from 10.0.0.7",
        "login of u7 rejected: invalid credentials",
    ],
)
def test_what_a_user_mistyped_is_no_failure(text: str) -> None:
    row = LogTemplate(template="", level="INFO", count=9, first_at=None, last_at=None, example=text)
    assert not reports_failure_calmly(row)

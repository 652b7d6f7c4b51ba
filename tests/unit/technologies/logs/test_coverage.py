"""How much of a log was read, whether it goes on until now, and how it ends: what else rests on that."""

import bz2
import gzip
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from incident_lib.findings.base import Context
from incident_lib.model import (
    Evidence,
    EvidenceStatus,
    Finding,
    FindingSeverity,
    Holds,
    Row,
    Truncation,
    Window,
)
from incident_lib.technologies.logs.coverage import describe_read, describe_unread, read_ratio
from incident_lib.technologies.logs.findings import ANALYZERS, analyze_age
from incident_lib.technologies.logs.probes import Scan, rows
from incident_lib.technologies.logs.probes.line import clean_lines
from incident_lib.technologies.logs.rows import (
    LogBucket,
    LogEndpoint,
    LogErrorClass,
    LogException,
    LogGrowth,
    LogSummary,
    LogTail,
    LogUnread,
)
from tests.unit.technologies.logs.logs_of import summary_of

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
CONTEXT = Context(window=Window(NOW - timedelta(minutes=15), NOW))
UNKNOWN, INFO, WARNING, CRITICAL, OK = (
    FindingSeverity.UNKNOWN,
    FindingSeverity.INFO,
    FindingSeverity.WARNING,
    FindingSeverity.CRITICAL,
    FindingSeverity.OK,
)


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def summary(lines: int = 1000, **values: Any) -> LogSummary:
    """Return a log all lines of which were read, the newest just now."""
    return summary_of(lines, **{"first_at": ago(900), "last_at": ago(1)} | values)


def untimed(lines: int = 240, **values: Any) -> LogSummary:
    none = {"has_times": False, "first_at": None, "last_at": None}
    return summary(lines, **{**none, "timed_lines_count": 0, "read_lines_count": 0, **values})


def buckets(*seconds_ago: float) -> list[LogBucket]:
    return [
        LogBucket(
            at=ago(seconds),
            lines_count=9,
            errors_count=0,
            requests_count=0,
            server_errors_count=0,
            client_errors_count=0,
            slow_requests_count=0,
        )
        for seconds in seconds_ago
    ]


def unread(shape: str, count: int) -> LogUnread:
    return LogUnread(shape=shape, count=count, first_at=None, last_at=None, example=shape)


def evidence_of(*rows: Row, truncated: Truncation | None = None) -> Evidence:
    return Evidence(
        probe="logs.lines",
        target="api",
        status=EvidenceStatus.COLLECTED,
        collected_at=NOW,
        duration_seconds=0.1,
        source="read api.log",
        rows=rows,
        truncated=truncated,
    )


def judge(*rows: Row, truncated: Truncation | None = None) -> dict[str, Finding]:
    found = ANALYZERS["logs.lines"](evidence_of(*rows, truncated=truncated), CONTEXT)
    return {finding.id.removeprefix("logs.lines."): finding for finding in found}


# --- the share that was read ---


@pytest.mark.parametrize(
    ("values", "text", "missing"),
    [
        ({}, "read 100 % of 1,000 lines", ""),
        (
            {"read_lines_count": 970, "known_lines_count": 970},
            "read 97 % of 1,000 lines",
            "30 of an unknown format",
        ),
        (
            {"read_lines_count": 999, "timed_lines_count": 999},
            "read 99.9 % of 1,000 lines",
            "1 without a time",
        ),
        (
            {"read_lines_count": 0, "known_lines_count": 0, "not_text_lines_count": 1000},
            "read 0 % of 1,000 lines",
            "1,000 of an unknown format, 1,000 not text",
        ),
        ({"cut_lines_count": 2}, "read 100 % of 1,000 lines", "2 cut because they are too long"),
        (
            {"read_lines_count": None, "known_lines_count": None, "timed_lines_count": None},
            "1,000 lines; how many of them could be read is unknown",
            "",
        ),
    ],
)
def test_the_share_that_was_read_is_worded(values, text, missing):
    assert describe_read(summary(**values)) == text
    assert describe_unread(summary(**values)) == missing


def test_a_log_without_lines_has_no_share():
    assert read_ratio(summary(0)) is None
    assert describe_read(summary(0)) == "no line"


@pytest.mark.parametrize(
    ("read", "lines", "expected"),
    [
        (900, 1000, {"ok": OK}),
        (899, 1000, {"coverage": UNKNOWN}),
        (0, 20, {"coverage": UNKNOWN}),
        (0, 19, {"coverage": INFO}),  # a banner of a few lines is no reason to know nothing
        (18, 20, {"ok": OK}),
    ],
)
def test_a_log_of_which_too_little_was_read_is_unknown(read, lines, expected):
    found = judge(summary(lines, read_lines_count=read, known_lines_count=read))
    assert {name: finding.severity for name, finding in found.items()} == expected


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (
            {"known_lines_count": 400, "read_lines_count": 400},
            "40 % of 1,000 lines could be read: 600 of an unknown",
        ),
        (
            {"timed_lines_count": 250, "read_lines_count": 250},
            "25 % of 1,000 lines have a time: the others are counted with the line before them",
        ),
        (
            {"known_lines_count": 880, "read_lines_count": 880, "not_text_lines_count": 120},
            "88 % of 1,000 lines could be read: 120 of an unknown format, 120 not text",
        ),
        (
            {"known_lines_count": 920, "timed_lines_count": 950, "read_lines_count": 870},
            "87 % of 1,000 lines could be read: 50 without a time, 80 of an unknown format",
        ),
    ],
)
def test_what_could_not_be_read_is_counted_by_kind(values, words):
    (found,) = judge(summary(**values)).values()
    assert words in found.title


@pytest.mark.parametrize(("lines", "not_text", "title"), [(400, 201, True), (3, 3, True), (400, 200, False)])
def test_a_file_that_is_not_text_is_no_log(lines, not_text, title):
    found = judge(untimed(lines, known_lines_count=0, not_text_lines_count=not_text))
    assert ("coverage" in found) == title
    if title:
        assert found["coverage"].severity is UNKNOWN
        assert found["coverage"].title == f"{not_text} of {lines} lines are not text"


def noise(seed: int, size: int = 40_000) -> bytes:
    return random.Random(seed).randbytes(size)


@pytest.mark.parametrize(
    "data",
    [gzip.compress(b"order paid\n" * 40_000 + noise(1)), bz2.compress(noise(2)), noise(3)],
    ids=["gzip", "bz2", "noise"],
)
def test_what_is_not_text_is_counted_and_not_quoted(data):
    scan = Scan(float("-inf"), float("inf"))
    for line, cut in clean_lines(data):
        scan.feed(line, cut=cut)
    (row, *others) = rows(scan.finish())
    assert isinstance(row, LogSummary)
    assert row.not_text_lines_count > 0.9 * row.lines_count
    assert "(not text)" in {other.example for other in others if isinstance(other, LogUnread)}


@pytest.mark.parametrize("word", ["Größe überschritten", "año señal", "déjà reçu"])
def test_text_of_an_older_encoding_is_text(word):
    scan = Scan(float("-inf"), float("inf"))
    for line, cut in clean_lines(f"{word}: the order was not paid\n".encode("latin-1") * 9):
        scan.feed(line, cut=cut)
    assert scan.finish().not_text_lines == 0


def test_the_three_most_frequent_unread_shapes_are_quoted():
    shapes = [unread("tick <*>", 5), unread("E! write <*>", 90), unread("heap <*>", 30), unread("<*> ok", 20)]
    detail = judge(summary(read_lines_count=500, known_lines_count=500), *shapes)["coverage"].detail
    assert detail.splitlines()[:3] == ["90 times: E! write <*>", "30 times: heap <*>", "20 times: <*> ok"]
    assert "tick" not in detail


def test_nothing_unusual_is_reported_with_the_share_that_was_read():
    found = judge(summary(read_lines_count=942, known_lines_count=942, requests_count=300))["ok"]
    assert "read 94.2 % of 1,000 lines" in found.title
    assert found.data["read_ratio"] == 0.942


def test_what_an_older_version_did_not_measure_is_not_judged_by_its_share():
    none = {"timed_lines_count": None, "known_lines_count": None, "read_lines_count": None}
    assert judge(summary(**none))["ok"].severity is OK


def test_what_is_bad_in_the_lines_that_were_read_is_reported_next_to_the_share():
    values = {"read_lines_count": 500, "known_lines_count": 500}
    found = judge(summary(requests_count=400, server_errors_count=100, **values))
    assert found["errors"].severity is CRITICAL
    assert found["coverage"].severity is UNKNOWN


def test_a_log_of_which_only_the_newest_part_was_fetched_says_so():
    found = judge(summary(), truncated=Truncation(kept=1000, total=None, unit="lines"))["ok"]
    assert "older lines of this window were not read" in found.detail


# --- lines without times ---


@pytest.mark.parametrize(
    ("failed", "served", "severity"),
    [(30, 60, UNKNOWN), (15, 31, UNKNOWN), (400, 400, UNKNOWN), (3, 300, UNKNOWN), (2, 300, None)],
)
def test_failures_at_an_unknown_time_are_unknown_and_counted(failed, served, severity):
    found = judge(untimed(requests_count=served, server_errors_count=failed))
    errors = found.get("errors")
    assert (errors and errors.severity) == severity
    if errors:
        assert f"{failed:,} of {served:,} requests failed" in errors.title
        assert "the lines have no times, so when is unknown" in errors.title
    assert found["no_times"].severity is UNKNOWN
    assert "ok" not in found


WITHOUT_TIMES = {
    "uvicorn": 'INFO:     10.2.0.{n}:40{n} - "GET /seats/{n} HTTP/1.1" {status} Whatever',
    "morgan": "GET /seats/{n} {status} 3.{n} ms - 12",
    "lograge": "method=GET path=/seats/{n} format=html controller=Seats status={status} duration=3.{n}",
    "json": '{{"level":"info","method":"GET","path":"/seats/{n}","status":{status},"msg":"request"}}',
}


@pytest.mark.parametrize("program", WITHOUT_TIMES)
@pytest.mark.parametrize(("failing", "severity"), [(2, UNKNOWN), (3, UNKNOWN), (99, None)])
def test_no_log_without_times_is_well(program, failing, severity):
    """Whatever program writes it; every second, third or no request fails."""
    scan = Scan(CONTEXT.window.start.timestamp(), NOW.timestamp())
    for n in range(60):
        scan.feed(WITHOUT_TIMES[program].format(n=n, status=500 if n and n % failing == 0 else 200))
    found = judge(*rows(scan.finish()))
    assert ("errors" in found and found["errors"].severity) == (severity or False)
    assert found["no_times"].severity is UNKNOWN
    assert not {"ok", "coverage"} & found.keys()


@pytest.mark.parametrize("lines", [20, 500, 70_000])
def test_a_log_without_times_is_unknown_however_well_its_lines_are(lines):
    found = judge(untimed(lines))
    assert found.keys() == {"no_times"}
    assert found["no_times"].severity is UNKNOWN
    assert f"{lines:,} were counted" in found["no_times"].title


def test_few_lines_without_times_are_worth_knowing_only():
    assert judge(untimed(19))["no_times"].severity is INFO


@pytest.mark.parametrize(("known", "mentioned"), [(240, False), (220, False), (200, True), (0, True)])
def test_lines_without_times_of_an_unknown_format_are_quoted(known, mentioned):
    found = judge(untimed(known_lines_count=known), unread("boom <*>", 240 - known))["no_times"]
    assert ("in an unknown format" in found.title) == mentioned
    assert ("boom <*>" in found.detail) == mentioned


@pytest.mark.parametrize(
    ("timed", "is_timed"),
    [(49, False), (50, True), (1, False), (700, True)],
)
def test_a_time_in_a_few_lines_does_not_place_the_others(timed, is_timed):
    rows = summary(
        timed_lines_count=timed, read_lines_count=timed, requests_count=500, server_errors_count=250
    )
    assert judge(rows)["errors"].severity is (CRITICAL if is_timed else UNKNOWN)
    assert ("no_times" in judge(rows)) is not is_timed


def test_classes_in_lines_without_times_are_no_alarm():
    rows = [
        LogErrorClass(error_class=name, count=60, first_at=None, last_at=None, example="e")
        for name in ("pool_timeout", "disk_full", "name_resolution")
    ]
    found = judge(untimed(), *rows)
    assert {found[f"class.{row.error_class}"].severity for row in rows} == {INFO}


def test_a_class_without_times_whose_lines_come_while_it_is_watched_is_of_now():
    rows = [
        LogErrorClass(error_class=name, count=60, first_at=None, last_at=None, example="e")
        for name in ("concurrency_limit", "name_resolution")
    ]
    watched = msgspec.structs.replace(growth(40, 20), error_classes={"concurrency_limit": 20})
    found = judge(untimed(), *rows, watched)
    assert found["class.concurrency_limit"].severity is WARNING
    assert found["class.concurrency_limit"].holds is Holds.NOW
    assert (
        "20 of them came in the 2 s during which the log was watched"
        in found["class.concurrency_limit"].detail
    )
    assert found["class.name_resolution"].severity is INFO


def test_an_exception_without_times_that_is_raised_while_it_is_watched_is_of_now():
    rows = [
        LogException(type=name, frame="totals.py:total", count=60, first_at=None, last_at=None, example="e")
        for name in ("ValueError", "KeyError")
    ]
    watched = msgspec.structs.replace(growth(40, 20), exceptions={"KeyError totals.py:total": 6})
    now = judge(untimed(), *rows, watched)["exception"]
    assert (now.severity, now.holds, now.data["type"]) == (WARNING, Holds.NOW, "KeyError")
    assert judge(untimed(), *rows, growth(40, 20))["exception"].severity is INFO


def growth(served: int, failed: int, seconds: float = 2.0) -> LogGrowth:
    return LogGrowth(
        seconds=seconds, lines_count=served, errors_count=0, requests_count=served, server_errors_count=failed
    )


@pytest.mark.parametrize(
    ("served", "failed", "severity"),
    [(9, 7, CRITICAL), (300, 3, WARNING), (9, 2, WARNING), (500, 4, UNKNOWN), (0, 0, UNKNOWN)],
)
def test_what_was_appended_while_a_log_was_watched_is_of_now(served, failed, severity):
    found = judge(untimed(requests_count=600, server_errors_count=300), growth(served, failed))
    assert found["errors"].severity is severity
    assert (f"{failed} of {served} failed" in found["errors"].title) == (severity is not UNKNOWN)
    assert "in the 2 s during which it was watched" in found["no_times"].detail


def test_a_file_without_times_is_bounded_by_when_it_was_written():
    found = judge(untimed(modified_at=ago(75)))["no_times"]
    assert "the file was last written at 09:28:45 UTC" in found.detail


def test_an_endpoint_that_fails_at_an_unknown_time_is_no_alarm():
    rows = [
        LogEndpoint(
            method="GET",
            path=path,
            requests_count=120,
            statuses={},
            server_errors_count=failed,
            server_errors_ratio=failed / 120,
            duration_p50_seconds=None,
            duration_p95_seconds=None,
        )
        for path, failed in (("/pay", 100), ("/cart", 0))
    ]
    assert judge(untimed(requests_count=240, server_errors_count=100), *rows)["endpoint"].severity is INFO


# --- lines that have ended ---

STEADY = range(880, 620, -10)  # seconds ago: a line every ten seconds


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(600, {"stale": INFO}), (121, {"stale": INFO}), (119, {"ok": OK}), (5, {"ok": OK})],
)
def test_a_log_that_stopped_says_so(seconds, expected):
    at = [seconds + 10 * number for number in range(26)][::-1]
    found = judge(summary(last_at=ago(seconds)), *buckets(*at))
    assert {name: finding.severity for name, finding in found.items()} == expected


@pytest.mark.parametrize(
    ("step", "stale"),
    [(15, True), (120, True), (121, False), (300, False)],
)
def test_a_log_that_is_sparse_by_nature_is_not_stale(step, stale):
    at = [600 + step * number for number in range(9)][::-1]
    assert ("stale" in judge(summary(last_at=ago(600)), *buckets(*at))) == stale


@pytest.mark.parametrize(
    ("rows", "lines"),
    [
        (buckets(880), 40),  # all in one moment
        (buckets(880, 870, 860), 40),  # a start, and no work since
        (buckets(*STEADY), 19),  # too few lines to show a habit
        ([], 40),
    ],
)
def test_a_start_without_work_since_is_not_stale(rows, lines):
    assert "stale" not in judge(summary(lines, last_at=ago(620)), *rows)


@pytest.mark.parametrize(
    ("written", "severity"), [(2, UNKNOWN), (480, UNKNOWN), (481, INFO), (600, INFO), (None, INFO)]
)
def test_a_file_that_was_written_after_its_newest_time_is_unknown(written, severity):
    values = {"last_at": ago(600), "modified_at": None if written is None else ago(written)}
    at = [600 + 10 * number for number in range(26)][::-1]
    assert judge(summary(**values), *buckets(*at))["stale"].severity is severity


def test_files_that_were_named_may_be_copies():
    at = [600 + 10 * number for number in range(26)][::-1]
    copied, live = (summary(last_at=ago(600), modified_at=written) for written in (ago(2), None))
    (finding,) = analyze_age(evidence_of(copied, *buckets(*at)), CONTEXT)
    assert finding == judge(live, *buckets(*at))["stale"]
    assert finding.severity is INFO
    assert not list(analyze_age(evidence_of(summary(), *buckets(*at)), CONTEXT))


@pytest.mark.parametrize("written", [None, 2, 3_600])
def test_a_log_without_a_line_of_the_stretch_says_how_old_its_newest_line_is(written):
    old = {"newest_at": ago(7_200), "modified_at": None if written is None else ago(written)}
    tail = LogTail(lines=("started",))
    finding = judge(summary(0, first_at=None, last_at=None, **old), tail)["empty"]
    assert finding.severity is INFO
    assert "the newest line is 2h 0m old" in finding.title
    assert finding.data["age_seconds"] == 7_200


@pytest.mark.parametrize(
    ("written", "lines", "name", "severity"),
    [
        (100, ("started",), "unknown", UNKNOWN),
        (3_600, ("started",), "empty", INFO),  # before the stretch
        (100, (), "empty", INFO),  # made empty, by a rotation
        (None, ("started",), "empty", INFO),  # no file
    ],
)
def test_a_file_that_was_written_now_and_holds_no_line_of_now_is_unknown(written, lines, name, severity):
    rows = (
        summary(0, first_at=None, last_at=None, modified_at=None if written is None else ago(written)),
        LogTail(lines=lines),
    )
    assert judge(*rows)[name].severity is severity


# --- several services in one log ---


@pytest.mark.parametrize(
    ("errors", "named"),
    [
        ({"worker": 40}, "all of the 40 errors in this log are from worker"),
        ({"worker": 8, "web": 2}, "80 % of the 10 errors in this log are from worker"),
        ({"worker": 79, "web": 21}, ""),
        ({"worker": 2}, ""),
        ({"db": 3}, "all of the 3 errors in this log are from db"),
    ],
)
def test_the_service_that_writes_the_errors_is_named(errors, named):
    found = judge(summary(services={"web": 500, "worker": 400, "db": 100}, service_errors=errors))
    assert ("service" in found) == bool(named)
    if named:
        assert found["service"].title == named
        assert found["service"].severity is INFO


def test_the_only_service_of_a_log_is_not_named():
    assert "service" not in judge(summary(services={"web": 500}, service_errors={"web": 50}))


# --- the last lines ---


@pytest.mark.parametrize(
    ("error", "error_class"),
    [
        ("could not write file: No space left on device", "disk_full"),
        ("QueuePool limit of size 5 overflow 10 reached", "pool_timeout"),
        ("the moon is full", None),
    ],
)
def test_a_log_that_ends_in_an_error_quotes_it(error, error_class):
    tail = LogTail(lines=("starting", error, "bye"), error=error, error_at=ago(30))
    found = judge(summary(), tail)
    assert found["last"].severity is INFO
    assert found["last"].title == f"the log ends with an error: {error}"
    assert found["last"].detail == f"starting\n{error}\nbye"
    assert found["last"].since == ago(30)
    assert found["last"].data["error_class"] == error_class
    assert "ok" not in found


def test_the_end_of_a_log_is_quoted_where_the_window_holds_no_line():
    tail = LogTail(lines=("FATAL: no",), error="FATAL: no")
    assert judge(summary(0, first_at=None, last_at=None), tail).keys() == {"empty", "last"}


def test_a_log_that_ends_well_has_no_last_error():
    assert judge(summary(), LogTail(lines=("ready",))).keys() == {"ok"}


def test_a_time_of_day_without_a_date_is_named():
    rows = (untimed(), unread("<*> ready", 9), unread("[14:31:05 ERR] no route", 40))
    assert "have a time of day, but no date" in judge(*rows)["no_times"].title
    assert "have no times" in judge(untimed(), unread("boom at 14:31:05", 40))["no_times"].title


@pytest.mark.parametrize(("lines", "is_read"), [(0, True), (8, False)])
def test_stack_traces_without_a_time_were_read(lines, is_read):
    scan = Scan(CONTEXT.window.start.timestamp(), NOW.timestamp())
    for second in range(60):
        scan.feed(f"{ago(300 - 5 * second):%Y-%m-%d %H:%M:%S} INFO order {second} is paid")
        if second % 5 == 4:
            for text in (*["no header"] * lines, 'Exception in thread "main" shop.PayError: declined'):
                scan.feed(text)
            scan.feed("\tat shop.Pay.charge(Pay.java:51)")
            scan.feed("\tat shop.Main.main(Main.java:7)")
    assert ("coverage" not in judge(*rows(scan.finish()))) is is_read


def test_the_rest_of_a_message_of_the_database_is_of_its_traceback():
    scan = Scan(CONTEXT.window.start.timestamp(), NOW.timestamp())
    for text in (
        f"{ago(9):%Y-%m-%d %H:%M:%S} ERROR no cart",
        "Traceback (most recent call last):",
        '  File "/srv/carts.py", line 3, in show',
        'psycopg.errors.UndefinedColumn: column "note" does not exist',
        'LINE 1: SELECT "note" FROM "carts"',
        "               ^",
        "HINT:  Perhaps you meant another",
        "[SQL: SELECT note FROM carts]",
        f"{ago(5):%Y-%m-%d %H:%M:%S} INFO ready",
    ):
        scan.feed(text)
    digest = scan.finish()
    assert {key[0] for key in digest.exceptions} == {"psycopg.errors.UndefinedColumn"}
    assert sum(digest.formats.values()) == 2

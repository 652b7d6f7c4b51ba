"""One pass over lines: what is joined, grouped, counted once, and merged."""

import json
from functools import reduce
from itertools import product

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from incident_lib.model import Truncation
from incident_lib.technologies.logs.probes import Scan, merge, rows
from incident_lib.technologies.logs.probes.digest import Digest
from incident_lib.technologies.logs.probes.line import clean_lines
from incident_lib.technologies.logs.probes.reader import Reading
from incident_lib.technologies.logs.rows import (
    LogBucket,
    LogEndpoint,
    LogErrorClass,
    LogException,
    LogSummary,
)

AT = 1768487465.0
FOREVER = (float("-inf"), float("inf"))


def scan(*lines_: str, at: float | None = None) -> Digest:
    made = Scan(*FOREVER)
    for number, line in enumerate(lines_):
        made.feed(line, None if at is None else at + number)
    return made.finish()


def of(digest, kind):
    return [row for row in rows(digest) if isinstance(row, kind)]


TRACEBACK = """ERROR:    Exception in ASGI application
Traceback (most recent call last):
  File "/usr/lib/python3.11/site-packages/httpcore/_sync.py", line 3, in connect
    raise exc
httpcore.ConnectError: [Errno 111] Connection refused

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "/srv/shop/payments.py", line 40, in charge
    client.post(url)
  File "/usr/lib/python3.11/site-packages/httpx/_client.py", line 9, in post
    raise
httpx.ConnectError: [Errno 111] Connection refused
INFO:     10.0.0.1:5 - "GET /a HTTP/1.1" 500 Internal Server Error"""


def test_a_chained_traceback_is_a_single_exception_at_the_last_frame_of_the_team():
    digest = scan(*TRACEBACK.split("\n"), at=AT)
    (raised,) = of(digest, LogException)
    assert (raised.type, raised.frame, raised.count) == ("httpx.ConnectError", "shop/payments.py:charge", 1)
    (error,) = of(digest, LogErrorClass)
    assert (error.error_class, error.count) == ("connect_refused", 1)
    assert digest.errors == 1  # the line and its traceback are a single error
    assert digest.lines == 15
    (endpoint,) = of(digest, LogEndpoint)
    assert endpoint.server_errors_ratio == 1.0


def test_a_line_of_another_thread_does_not_end_a_traceback():
    middle = TRACEBACK.split("\n")[1:5]
    other = '2026-01-15T14:31:05Z INFO:     10.0.0.1:5 - "GET /a HTTP/1.1" 200 OK'
    (raised,) = of(scan(*middle[:2], other, *middle[2:], at=AT), LogException)
    assert raised.type == "httpcore.ConnectError"


def test_an_exception_group_is_read_through_its_margin():
    group = [
        "  + Exception Group Traceback (most recent call last):",
        '  |   File "/srv/shop/main.py", line 1, in run',
        "  | ExceptionGroup: unhandled errors in a TaskGroup (1 sub-exception)",
        "  +-+---------------- 1 ----------------",
        "    | Traceback (most recent call last):",
        '    |   File "/srv/shop/main.py", line 7, in worker',
        "    | ValueError: bad",
        "    +------------------------------------",
    ]
    (raised,) = of(scan("ERROR: group", *group, "INFO: on"), LogException)
    assert (raised.type, raised.frame) == ("ValueError", "shop/main.py:worker")


def test_an_exception_in_a_json_field_is_read():
    trace = 'Traceback (most recent call last):\n  File "/srv/a/b.py", line 1, in f\nKeyError: 7'
    document = json.dumps({"level": "error", "event": "failed", "exception": trace})
    (raised,) = of(scan(document), LogException)
    assert (raised.type, raised.frame, raised.example) == ("KeyError", "a/b.py:f", "7")


def test_a_request_logged_by_two_loggers_is_counted_once():
    first = json.dumps(
        {"event": "request", "method": "GET", "path": "/a", "status": 503, "duration_ms": 2000}
    )
    second = 'INFO:     10.0.0.1:5 - "GET /a HTTP/1.1" 503 Service Unavailable'
    digest = scan(*[first, second] * 10, at=AT)
    (summary,) = of(digest, LogSummary)
    assert (summary.requests_count, summary.server_errors_count) == (10, 10)
    (endpoint,) = of(digest, LogEndpoint)
    assert endpoint.duration_p95_seconds == pytest.approx(2.0, rel=0.06)
    assert sum(bucket.slow_requests_count for bucket in of(digest, LogBucket)) == 10


def test_lines_outside_the_window_are_left_out_with_what_belongs_to_them():
    made = Scan(AT, AT + 10)
    assert not made.feed("2026-01-15T14:31:04Z early")
    assert not made.feed("  continued")
    assert made.feed("2026-01-15T14:31:05Z inside")
    assert made.feed("  continued")
    assert not made.feed("2026-01-15T14:32:00Z late")
    assert made.finish().lines == 2


def test_lines_without_times_are_counted_without_times():
    (summary,) = of(scan("INFO: one", "ERROR: two"), LogSummary)
    assert (summary.lines_count, summary.errors_count, summary.has_times) == (2, 1, False)
    assert summary.first_at is None


def test_an_ordinary_line_that_quotes_an_error_is_no_error():
    assert not scan("INFO: deadlock detected is what PostgreSQL would write").classes


LINE = st.one_of(
    st.text(max_size=80),
    st.sampled_from(
        [
            *TRACEBACK.split("\n"),
            '{"level": "error", "event": "x", "path": "/a/1", "status": 500, "duration_ms": 3}',
            "2026-01-15 14:31:05.123 UTC [1] ERROR:  deadlock detected",
            "1:M 15 Jan 2026 14:31:05.123 * Ready to accept connections",
            'level=warn msg="x"',
            "2026-01-15 14:31:05 WARNING asyncio: Executing <Task pending> took 0.512 seconds",
            "2026-01-15 14:31:06 WARNING asyncio: Executing <Task pending> took 7.5 seconds",
        ]
    ),
)
DIGEST = st.lists(LINE, max_size=8).flatmap(
    lambda found: st.sampled_from([None, AT, AT + 0.5, AT + 61]).map(lambda at: scan(*found, at=at))
)


@given(DIGEST, DIGEST, DIGEST)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_digests_merge_in_any_order(first, second, third):
    assert merge(merge(first, second), third) == merge(first, merge(second, third))
    assert merge(first, second) == merge(second, first)
    assert merge(first, Digest()) == first
    assert (
        rows(reduce(merge, (first, second, third)))[0].lines_count == first.lines + second.lines + third.lines
    )


@given(
    st.one_of(
        st.binary(max_size=400), st.lists(LINE, max_size=6).map(lambda found: "\n".join(found).encode())
    )
)
@settings(max_examples=200, deadline=None)
def test_no_bytes_break_the_reading(data):
    made = Scan(*FOREVER)
    for line, cut in clean_lines(data):
        made.feed(line, cut=cut)
    assert rows(made.finish())


def test_ends_of_a_process_add_up_over_parts():
    trace = ["Traceback (most recent call last):", '  File "/srv/a.py", line 3, in <module>', "KeyError: 1"]
    lines_ = [f"2026-01-15T14:31:{2 * n:02}.000000001Z stderr F {line}" for n in range(20) for line in trace]
    whole = scan(*lines_)
    assert list(whole.deaths.values()) == [1] * 20
    (row,) = of(merge(scan(*lines_[:24]), scan(*lines_[24:])), LogException)
    assert [row] == of(whole, LogException)
    assert (row.deaths_count, row.death_gap_p50_seconds, row.death_gap_max_seconds) == (20, 2, 2)


def test_templates_beyond_the_cap_are_counted_and_reported():
    words = ["".join(pair) for pair in product("abcdefghijklmnop", repeat=3)]
    lines = [f"{word} and {word[::-1]}" for word in words[:2_100]]
    reading = Reading(digest=scan(*lines), newest=lines, source="")
    summary = next(row for row in rows(reading.digest) if isinstance(row, LogSummary))
    assert summary.other_lines_count == 100
    assert reading.truncated == Truncation(kept=2_000, unit="templates")

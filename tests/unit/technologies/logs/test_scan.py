"""One pass over lines: what is joined, grouped, counted once, and merged."""

import json
from functools import reduce
from itertools import product

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from incident_lib.model import Truncation
from incident_lib.technologies.logs.probes import Scan, merge, rows, text
from incident_lib.technologies.logs.probes.classes import classes_of
from incident_lib.technologies.logs.probes.digest import Digest
from incident_lib.technologies.logs.probes.reading import Reading
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


def test_a_chained_traceback_is_one_exception_at_the_last_own_frame():
    digest = scan(*TRACEBACK.split("\n"), at=AT)
    (raised,) = of(digest, LogException)
    assert (raised.type, raised.frame, raised.count) == ("httpx.ConnectError", "shop/payments.py:charge", 1)
    (error,) = of(digest, LogErrorClass)
    assert (error.error_class, error.count) == ("connect_refused", 1)
    assert digest.errors == 1  # the line and its traceback are one error
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
    one = json.dumps({"event": "request", "method": "GET", "path": "/a", "status": 503, "duration_ms": 2000})
    two = 'INFO:     10.0.0.1:5 - "GET /a HTTP/1.1" 503 Service Unavailable'
    digest = scan(*[one, two] * 10, at=AT)
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


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("sqlalchemy.exc.TimeoutError: QueuePool limit of size 5 overflow 10 reached", "pool_timeout"),
        ("psycopg_pool.PoolTimeout: couldn't get a connection after 2.00 sec", "pool_timeout"),
        ("httpx.PoolTimeout", "http_pool_timeout"),
        (
            "connection failed: FATAL:  sorry, too many clients already",
            "db_too_many_clients",
        ),
        ('connection to server at "::1", port 5432 failed: Connection refused', "db_refused"),
        (
            "psycopg.errors.AdminShutdown: terminating connection due to administrator command",
            "db_terminated",
        ),
        ('FATAL:  password authentication failed for user "app"', "db_auth"),
        (
            "psycopg.errors.QueryCanceled: canceling statement due to statement timeout",
            "db_statement_timeout",
        ),
        ("psycopg.errors.LockNotAvailable: canceling statement due to lock timeout", "db_lock_timeout"),
        ("psycopg.errors.DeadlockDetected: deadlock detected", "db_deadlock"),
        ("process 71 still waiting for ShareLock on transaction 901 after 1000.1 ms", "db_lock_wait"),
        ("server process (PID 71) was terminated by signal 9: Killed", "db_process_killed"),
        ("checkpoints are occurring too frequently (3 seconds apart)", "db_checkpoints"),
        ("archive command failed with exit code 1", "db_archive_failed"),
        ('nextval: reached maximum value of sequence "orders_id_seq" (2147483647)', "db_sequence"),
        ('WARNING:  database "shop" must be vacuumed within 9999999 transactions', "db_wraparound"),
        (
            'database is not accepting commands that assign new XIDs to avoid wraparound data loss in "shop"',
            "db_wraparound",
        ),
        (
            "redis.exceptions.ConnectionError: Error 111 connecting to cache:6379. refused.",
            "redis_refused",
        ),
        ("redis.exceptions.TimeoutError: Timeout reading from cache:6379", "redis_timeout"),
        ("command not allowed when used memory > 'maxmemory'.", "redis_oom"),
        ("MISCONF Redis is configured to save RDB snapshots, but it's currently unable to", "redis_misconf"),
        ("redis.exceptions.ReadOnlyError: You can't write against a read only replica.", "redis_readonly"),
        (
            "redis.exceptions.AuthenticationError: invalid username-password pair",
            "redis_auth",
        ),
        ("redis.exceptions.BusyLoadingError: Redis is loading the dataset in memory", "redis_loading"),
        ("BUSY Redis is busy running a script. You can only call SCRIPT KILL", "redis_busy"),
        ("httpx.ConnectError: [Errno -2] Name or service not known", "name_resolution"),
        (
            "[SSL: CERTIFICATE_VERIFY_FAILED] certificate has expired (_ssl.c:992)",
            "tls_expired",
        ),
        (
            "[SSL: CERTIFICATE_VERIFY_FAILED] Hostname mismatch, certificate is not valid for 'a.example'.",
            "tls_wrong_name",
        ),
        (
            "[SSL: CERTIFICATE_VERIFY_FAILED] unable to get local issuer certificate",
            "tls_verify",
        ),
        ("httpx.ConnectTimeout: timed out", "connect_timeout"),
        ("httpx.ReadTimeout: The read operation timed out", "read_timeout"),
        ("httpx.ConnectError: [Errno 111] Connection refused", "connect_refused"),
        ("OSError: [Errno 24] Too many open files", "open_files"),
        ("MemoryError", "memory_error"),
        ("OSError: [Errno 28] No space left on device", "disk_full"),
        ("WORKER TIMEOUT (pid:12)", "worker_timeout"),
        ("jwt.exceptions.ImmatureSignatureError: The token is not yet valid (iat)", "clock"),
        ("Worker (pid:12) was sent SIGKILL! Perhaps out of memory?", "worker_killed"),
    ],
)
def test_each_class_is_known_by_its_own_words_alone(line, expected):
    assert list(classes_of(line)) == [expected]


def test_a_socket_error_within_a_redis_error_is_the_redis_error():
    chain = "ConnectionRefusedError: [Errno 111] Connection refused\n"
    chain += "redis.exceptions.ConnectionError: Error 111 connecting to cache:6379. Connection refused."
    assert list(classes_of(chain)) == ["redis_refused"]


@pytest.mark.parametrize(
    "line",
    [
        "the timeout of the pool was changed to 30 s",
        "user memory was refused by the database team",
        "redis connection closed after deadlock review",
        "certificate page rendered",
    ],
)
def test_words_alone_are_no_class(line):
    assert classes_of(line) == {}


def test_an_ordinary_line_that_quotes_an_error_is_no_error():
    assert not scan("INFO: deadlock detected is what PostgreSQL would say").classes


LINE = st.one_of(
    st.text(max_size=80),
    st.sampled_from(
        [
            *TRACEBACK.split("\n"),
            '{"level": "error", "event": "x", "path": "/a/1", "status": 500, "duration_ms": 3}',
            "2026-01-15 14:31:05.123 UTC [1] ERROR:  deadlock detected",
            "1:M 15 Jan 2026 14:31:05.123 * Ready to accept connections",
            'level=warn msg="x"',
        ]
    ),
)
DIGEST = st.lists(LINE, max_size=8).flatmap(
    lambda found: st.sampled_from([None, AT, AT + 0.5, AT + 61]).map(lambda at: scan(*found, at=at))
)


@given(DIGEST, DIGEST, DIGEST)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_digests_merge_in_any_order(one, two, three):
    assert merge(merge(one, two), three) == merge(one, merge(two, three))
    assert merge(one, two) == merge(two, one)
    assert merge(one, Digest()) == one
    assert rows(reduce(merge, (one, two, three)))[0].lines_count == one.lines + two.lines + three.lines


@given(
    st.one_of(
        st.binary(max_size=400), st.lists(LINE, max_size=6).map(lambda found: "\n".join(found).encode())
    )
)
@settings(max_examples=200, deadline=None)
def test_no_bytes_break_the_reading(data):
    made = Scan(*FOREVER)
    for line, cut in text.lines(data):
        made.feed(line, cut=cut)
    assert rows(made.finish())


def test_templates_beyond_the_cap_are_counted_and_said():
    words = ["".join(pair) for pair in product("abcdefghijklmnop", repeat=3)]
    lines = [f"{word} and {word[::-1]}" for word in words[:2_100]]
    reading = Reading(digest=scan(*lines), newest=lines, source="")
    summary = next(row for row in rows(reading.digest) if isinstance(row, LogSummary))
    assert summary.other_lines_count == 100
    assert reading.truncated == Truncation(kept=2_000, unit="templates")

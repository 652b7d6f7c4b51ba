"""Every format that is read, on lines as the programs write them."""

from datetime import UTC, datetime

import pytest

from incident_lib.technologies.logs.probes.formats import parse
from incident_lib.technologies.logs.probes.line import LONGEST, clean, clean_lines
from incident_lib.technologies.logs.probes.mask import mask, mask_path
from incident_lib.technologies.logs.probes.times import seconds_of

AT = datetime(2026, 1, 15, 14, 31, 5, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("text", "form", "expected"),
    [
        (
            'INFO:     10.0.0.7:53122 - "GET /a?b=c HTTP/1.1" 200 OK',
            "uvicorn",
            {"level": "INFO", "method": "GET", "path": "/a?b=c", "status": 200, "at": None},
        ),
        (
            '2026-01-15T14:31:05Z INFO:     10.0.0.7:53122 - "POST /a HTTP/1.1" 503 Unavailable 12.3ms',
            "uvicorn",
            {"at": AT, "method": "POST", "status": 503, "duration": 0.0123},
        ),
        (
            '2026-01-15 14:31:05,000 INFO uvicorn.access 10.0.0.7:5 - "GET /a HTTP/1.1" 200 0.012s',
            "uvicorn",
            {"at": AT, "status": 200, "duration": 0.012},
        ),
        ("WARNING:  Exceeded concurrency limit.", "uvicorn", {"level": "WARNING"}),
        (
            "[2026-01-15 14:31:05 +0000] [7] [CRITICAL] WORKER TIMEOUT (pid:12)",
            "gunicorn",
            {"at": AT, "level": "CRITICAL", "message": "WORKER TIMEOUT (pid:12)"},
        ),
        (
            '10.0.0.1 - - [15/Jan/2026:15:31:05 +0100] "GET /x HTTP/1.1" 502 157 "-" "curl/8" 0.012',
            "nginx",
            {"at": AT, "method": "GET", "path": "/x", "status": 502, "duration": 0.012},
        ),
        (
            '10.0.0.1 - bob [15/Jan/2026:14:31:05 +0000] "GET / HTTP/2.0" 200 15 "-" "a \\"b\\" 1.5"',
            "nginx",
            {"status": 200, "duration": None},
        ),
        (
            '10.0.0.1 - - [15/Jan/2026:14:31:05 +0000] "\\x16\\x03\\x01" 400 157 "-" "-"',
            "nginx",
            {"status": 400, "method": "-", "path": "(no request)"},
        ),
        (
            '{"time": "2026-01-15T14:31:05Z", "level": "ERROR", "url": "/", "status": 503, "took": 9}',
            "json",
            {"at": AT, "level": "ERROR", "status": 503, "duration": 0.009},
        ),
        (
            '{"ts": 1768487465000, "severity": "warn", "http": {"target": "/a", "status_code": 404}}',
            "json",
            {"at": AT, "level": "WARNING", "status": 404, "path": "/a"},
        ),
        (
            '{"@timestamp": 1768487465, "levelname": "CRITICAL", "message": "x", "name": "shop.pay"}',
            "json",
            {"at": AT, "level": "CRITICAL", "logger": "shop.pay"},
        ),
        (
            '{"record": {"level": {"name": "ERROR"}, "message": "no", "time": {"timestamp": 1768487465}}}',
            "json",
            {"at": AT, "level": "ERROR", "message": "no"},
        ),
        (
            'time=2026-01-15T14:31:05Z level=warn msg="slow \\"disk\\"" took=3',
            "logfmt",
            {"at": AT, "level": "WARNING", "message": 'slow "disk"'},
        ),
        (
            "2026-01-15 14:31:05.000 UTC [1234] app@shop FATAL:  sorry, too many clients already",
            "postgres",
            {"at": AT, "level": "CRITICAL", "message": "sorry, too many clients already"},
        ),
        (
            "2026-01-15 14:31:05.000 UTC [1234] WARNING:  there is no transaction in progress",
            "postgres",
            {"level": "WARNING"},
        ),
        ("2026-01-15 14:31:05.000 UTC [1] STATEMENT:  select 1", "postgres", {"is_detail": True}),
        (
            "1:M 15 Jan 2026 14:31:05.000 # WARNING overcommit_memory is set to 0!",
            "redis",
            {"at": AT, "level": "WARNING"},
        ),
        (
            "2026-01-15T14:31:05Z INFO cache: 12:S 15 Jan 2026 14:31:05.000 * Ready to accept connections",
            "redis",
            {"at": AT, "level": "INFO", "message": "Ready to accept connections"},
        ),
        (
            "2026-01-15 14:31:05,000 - shop.orders - ERROR - it failed",
            "plain",
            {"at": AT, "level": "ERROR", "message": "it failed"},
        ),
        (
            "2026-01-15 14:31:05.000 | ERROR    | shop.orders:pay:12 - it failed",
            "plain",
            {"level": "ERROR", "message": "it failed", "logger": "shop.orders:pay:12"},
        ),
        ("ERROR:root:it failed", "plain", {"level": "ERROR", "message": "it failed", "logger": "root"}),
        (
            "2026/01/15 14:31:05 [error] 7#7: *12 connect() failed (111: Connection refused)",
            "plain",
            {"at": AT, "level": "ERROR"},
        ),
        (
            "[Thu Jan 15 14:31:05.000000 2026] [core:error] [pid 35708:tid 4328] AH00124: too many redirects",
            "plain",
            {"at": AT, "level": "ERROR"},
        ),
        (
            "Jan 15 14:31:05 web-1 sshd[19939]: Invalid user webmaster from 173.234.31.186",
            "plain",
            {"message": "Invalid user webmaster from 173.234.31.186", "logger": "sshd"},
        ),
        ("Got an ERROR from the server", "plain", {"level": "", "message": "Got an ERROR from the server"}),
        ("  File x", "plain", {"is_detail": True}),
        ("", "plain", {"is_detail": True}),
        ("{not json", "plain", {"level": ""}),
        ("<script>alert(1)</script>", "plain", {"message": "<script>alert(1)</script>"}),
    ],
)
def test_a_line_is_read(text, form, expected):
    line = parse(text)
    assert line.format == form
    assert {name: getattr(line, name) for name in expected} == expected


@pytest.mark.parametrize(
    ("name", "value", "seconds"),
    [
        ("duration_ms", 250, 0.25),
        ("responseTime", 250, 0.25),
        ("request_time", "0.250", 0.25),
        ("latency", "250ms", 0.25),
        ("took", "250µs", 0.00025),
        ("duration", 250, 0.25),
        ("duration", 0.25, 0.25),
        ("duration", 250_000_000, 0.25),
        ("duration", "soon", None),
        ("duration", True, None),
        ("duration", -1, None),
        ("duration", float("nan"), None),
    ],
)
def test_durations_carry_their_unit_in_name_or_text(name, value, seconds):
    assert seconds_of(name, value) == (None if seconds is None else pytest.approx(seconds))


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("order 4711 paid in 12.5ms", "order 12 paid in 3s"),
        ("user 'alice' not found", "user 'bob' not found"),
        ("cannot open /var/lib/x/1.db", "cannot open /tmp/y"),
        ("peer 10.0.0.1:53 gone", "peer 192.168.7.200:5353 gone"),
        ("job 3f2504e0-4f89-11d3-9a0c-0305e82c3301 done", "job 00000000-4f89-11d3-9a0c-0305e82c3301 done"),
        ("block blk_-1608999687919862906 deleted", "block blk_38 deleted"),
        ("login user=root rhost=1.2.3.4", "login user=admin rhost=host.example"),
        ("commit deadbeef12 failed", "commit 0a1b2c3d4e5f failed"),
        ("took [1, 2, 3]", "took [7]"),
    ],
)
def test_lines_that_differ_in_values_have_the_same_template(left, right):
    assert mask(left) == mask(right)


def test_lines_that_differ_in_words_do_not():
    assert mask("order 1 paid") != mask("order 1 cancelled")
    assert mask("don't stop 1, it's fine") == "don't stop <*>, it's fine"


@pytest.mark.parametrize(
    ("path", "masked"),
    [
        ("/api/v1/orders/4711?token=x", "/api/v1/orders/{id}"),
        ("/u/3f2504e0-4f89-11d3-9a0c-0305e82c3301/pay", "/u/{id}/pay"),
        ("/api/v1/orders", "/api/v1/orders"),
        ("/static/app-2024.js", "/static/{id}"),
        ("/health/ready", "/health/ready"),
        ("/u/bob@example.com", "/u/{id}"),
    ],
)
def test_paths_have_their_ids_masked(path, masked):
    assert mask_path(path) == masked


def test_hostile_bytes_become_clean_lines():
    block = b"\x1b[31mERROR\x1b[0m: a\x00b\r\n\xff\xfe\n\n" + b"x" * (10 * 1024 * 1024) + b"\n"
    found = list(clean_lines(block))
    assert [line for line, _ in found[:3]] == ["ERROR: ab", "\ufffd\ufffd", ""]
    assert found[3][1]
    assert len(found[3][0]) < LONGEST + 100
    assert found[3][0].endswith("[cut: 10485760 characters]")


def test_a_terminal_title_is_no_text():
    assert clean("\x1b]0;title\x07ready") == ("ready", False)

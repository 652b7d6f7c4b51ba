"""Loggers that keep the error apart from the message: it is classed all the same."""

import json

import pytest

from incident_lib.technologies.logs.probes import Scan
from incident_lib.technologies.logs.probes.digest import Digest
from incident_lib.technologies.logs.probes.formats import parse

AT = 1768487465.0
REFUSED = "connect ECONNREFUSED 10.0.0.6:6379"


def digest_of(line: str) -> Digest:
    scan = Scan(float("-inf"), float("inf"))
    scan.feed(line, AT)
    return scan.finish()


@pytest.mark.parametrize(
    "fields",
    [
        {"level": "error", "ts": AT, "msg": "cache failed", "error": REFUSED},
        {"level": 50, "time": AT * 1000, "msg": "cache failed", "err": {"message": REFUSED, "stack": ""}},
        {"level": 50, "time": AT * 1000, "msg": "cache failed", "err": {"stack": f"Error: {REFUSED}\n at x"}},
        {"log.level": "ERROR", "message": "cache failed", "error.message": REFUSED},
        {"log": {"level": "error"}, "message": "cache failed", "error": {"message": REFUSED}},
        {"@l": "Error", "@mt": "cache failed", "@x": f"System.Exception: {REFUSED}"},
        {"level": "error", "event": f"cache failed: {REFUSED}", "error": REFUSED},
        {"level": "ERROR", "fields": {"message": "cache failed", "error": REFUSED}, "target": "shop::cache"},
    ],
)
def test_the_error_of_a_json_line_is_classed_once(fields: dict[str, object]) -> None:
    digest = digest_of(json.dumps(fields))
    assert {name: tally.count for name, tally in digest.classes.items()} == {"redis_refused": 1}
    assert digest.errors == 1


def test_the_error_of_a_logfmt_line_is_classed() -> None:
    digest = digest_of(f'time="2026-01-15T14:31:05Z" level=error msg="cache failed" err="{REFUSED}"')
    assert list(digest.classes) == ["redis_refused"]


@pytest.mark.parametrize(
    ("fields", "name", "frame"),
    [
        (
            {
                "exception.class": "Net::ReadTimeout",
                "exception.message": "no answer",
                "exception.backtrace": ["app/workers/mail.rb:12:in `perform'", "lib/a.rb:3:in `call'"],
            },
            "Net::ReadTimeout",
            "workers/mail.rb:perform",
        ),
        ({"exception.class": "Net::ReadTimeout", "exception.message": "no"}, "Net::ReadTimeout", ""),
        ({"error": {"type": "shop.PriceError", "message": "none at 7"}}, "shop.PriceError", ""),
        (
            {
                "error.type": "java.io.IOException",
                "error.message": "closed",
                "error.stack_trace": "java.io.IOException: closed\n\tat shop.Till.pay(Till.java:7)",
            },
            "java.io.IOException",
            "Till.java:shop.Till.pay",
        ),
        ({"exc_type": "KeyError", "error": "'a'"}, "KeyError", ""),
    ],
)
def test_a_class_of_errors_in_a_field_names_the_exception(
    fields: dict[str, object], name: str, frame: str
) -> None:
    digest = digest_of(json.dumps({"severity": "WARN", "time": AT, "message": "job 7: fail"} | fields))
    assert {key: tally.count for key, tally in digest.exceptions.items()} == {(name, frame): 1}


@pytest.mark.parametrize("kind", ["timeout", "500", "", None, 7, "no such host", "_OTHER"])
def test_a_kind_that_is_no_class_names_no_exception(kind: object) -> None:
    line = json.dumps({"severity": "WARN", "time": AT, "message": "job 7: fail", "error.type": kind})
    assert not digest_of(line).exceptions


@pytest.mark.parametrize(
    ("fields", "level"),
    [
        ({"status": "error"}, "ERROR"),
        ({"status": "warn"}, "WARNING"),
        ({"status": "failed"}, ""),
        ({"status": "error", "level": "info"}, "INFO"),
        ({"status": ["error"]}, ""),
        ({"status": 500}, ""),
    ],
)
def test_a_status_in_words_is_a_level_where_there_is_no_other(fields: dict[str, object], level: str) -> None:
    assert parse(json.dumps({"message": "priced cart 7"} | fields)).level == level


def test_an_ordinary_line_with_such_a_field_is_no_error() -> None:
    assert not digest_of(json.dumps({"level": "info", "msg": "retried", "error": REFUSED})).classes
    assert not digest_of(json.dumps({"level": "error", "msg": "no", "error": None, "reason": 7})).classes


@pytest.mark.parametrize(
    "line",
    [
        "method=GET path=/a format=json status=500 duration=58.33",
        json.dumps({"req": {"method": "GET", "url": "/a"}, "res": {"statusCode": 500}, "responseTime": 58}),
    ],
)
def test_requests_are_read_in_the_names_of_more_servers(line: str) -> None:
    (requests,) = digest_of(line).requests.values()
    assert (requests.count, requests.timed) == (1, 1)


@pytest.mark.parametrize(
    "line",
    [
        f'level=error msg="request failed" method=GET path=/a status=500 error="{REFUSED}"',
        json.dumps(
            {"level": "error", "msg": "x", "method": "GET", "path": "/a", "status": 500, "error": REFUSED}
        ),
        json.dumps(
            {"req": {"method": "GET", "url": "/a"}, "res": {"statusCode": 500}, "err": {"message": REFUSED}}
        ),
    ],
)
def test_the_error_of_a_failed_request_is_classed(line: str) -> None:
    assert {name: tally.count for name, tally in digest_of(line).classes.items()} == {"redis_refused": 1}


def test_what_a_request_contains_is_no_error() -> None:
    assert not digest_of(
        f'INFO:     10.0.0.7:5 - "GET /a?q={REFUSED.replace(" ", "+")} HTTP/1.1" 500'
    ).classes


TRACE = 'Traceback (most recent call last):\\n  File "/srv/a.py", line 9, in show\\nKeyError: {}'


def test_values_in_the_quotes_of_python_are_read() -> None:
    head = "timestamp='2026-01-15T14:31:05Z' level='error' event='request failed' code=500 exception="
    digest = digest_of(f"{head}'{TRACE.format(chr(92) + chr(39) + 'sku' + chr(92) + chr(39))}'")
    assert digest.levels == {"ERROR": 1}
    assert [key[:2] for key in digest.exceptions] == [("KeyError", "srv/a.py:show")]


def test_the_long_message_of_gelf_is_an_error_where_it_is_a_trace() -> None:
    line = {"version": "1.1", "host": "web", "short_message": "no", "timestamp": AT, "level": 3}
    trace = TRACE.format("'sku'").replace("\\n", "\n")
    assert len(digest_of(json.dumps(line | {"full_message": trace})).exceptions) == 1
    assert not digest_of(json.dumps(line | {"full_message": "no\nNo Error here"})).exceptions


def test_a_trace_in_the_message_of_a_document_is_read() -> None:
    trace = TRACE.format("'sku'").replace("\\n", "\n")
    digest = digest_of(json.dumps({"severity": "ERROR", "message": f"query failed\n{trace}"}))
    assert [key[:2] for key in digest.exceptions] == [("KeyError", "srv/a.py:show")]
    assert [key[1] for key in digest.templates] == ["query failed"]

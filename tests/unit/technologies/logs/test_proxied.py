"""Requests of proxies and platforms that say why they failed: the server behind them is named."""

import json
from datetime import timedelta

import pytest

from incident_lib.technologies.logs.probes.formats import parse
from tests.unit.technologies.logs.logs_of import NOW, concluded

_UPSTREAM = "10.0.9.4:8080"


def _at(seconds: int) -> str:
    return f"{NOW - timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%SZ}"


def nginx(seconds: int, status: int) -> str:
    fields = {
        "time_iso8601": _at(seconds),
        "request_method": "GET",
        "request_uri": "/a",
        "status": str(status),
    }
    return json.dumps(
        fields | {"upstream_addr": f"10.0.9.3:8080, {_UPSTREAM}", "upstream_status": str(status)}
    )


def traefik(seconds: int, status: int) -> str:
    fields = {
        "DownstreamStatus": status,
        "RequestMethod": "GET",
        "RequestPath": "/a",
        "ServiceAddr": _UPSTREAM,
    }
    return json.dumps(fields | {"level": "info", "msg": "", "time": _at(seconds)})


def cloudflare(seconds: int, status: int) -> str:
    status = {502: 521, 504: 522}.get(status, status)
    fields = {"ClientRequestMethod": "GET", "ClientRequestURI": "/a", "EdgeResponseStatus": status}
    return json.dumps(fields | {"EdgeStartTimestamp": _at(seconds), "OriginIP": _UPSTREAM})


def traefik_clf(seconds: int, status: int) -> str:
    moment = NOW - timedelta(seconds=seconds)
    served = f'{status} 15 "-" "-" 7 "api@docker" "http://{_UPSTREAM}" 12ms'
    return f'203.0.113.9 - - [{moment:%d/%b/%Y:%H:%M:%S} +0000] "GET /a HTTP/2.0" {served}'


def elb(seconds: int, status: int) -> str:
    times = {502: "0.001 0.004 -1 502 -", 504: "0.001 -1 -1 504 -"}.get(
        status, f"0.0 0.02 0.0 {status} {status}"
    )
    request = '"GET https://shop.example:443/a HTTP/1.1"'
    return f"https {_at(seconds)} app/shop/50dc 203.0.113.9:4001 {_UPSTREAM} {times} 287 299 {request}"


@pytest.mark.parametrize("form", [nginx, traefik, traefik_clf, cloudflare, elb])
@pytest.mark.parametrize(("status", "words"), [(502, "no usable answer"), (504, "in time")])
def test_the_server_that_gives_a_proxy_no_answer_is_named(form, status, words):
    lines = [form(second, 200 if second > 240 else status) for second in range(800, 2, -4)]
    first = concluded(*lines).hypotheses[0]
    assert (first.id, _UPSTREAM in first.title, words in first.title) == ("upstream-failing", True, True)


@pytest.mark.parametrize("form", [nginx, traefik, traefik_clf, cloudflare, elb])
def test_an_error_of_the_server_itself_is_not_the_proxys(form):
    lines = [form(second, 200 if second > 240 else 500) for second in range(800, 2, -4)]
    assert concluded(*lines).hypotheses[0].id == "endpoint-error"


def test_the_statuses_of_failed_requests_are_named():
    lines = [nginx(second, 200 if second > 240 else 503) for second in range(800, 2, -4)]
    lines.append(nginx(2, 500))
    errors = next(each for each in concluded(*lines).findings if each.id == "logs.lines.errors")
    assert errors.detail.endswith("answered with 503 (60 times), 500 (once)")


@pytest.mark.parametrize(
    "line",
    [
        '{"level":"debug","error":"dial tcp 10.0.9.4:80: connection refused","message":"502 Bad Gateway"}',
        'time="2026-01-15T14:31:05Z" level=debug msg="\'504 Gateway Timeout\' caused by: dial tcp 10.0.9.4"',
    ],
)
def test_traefik_says_at_debug_why_a_server_failed(line):
    assert parse(line).level == "ERROR"


def test_herokus_router_says_why_it_failed():
    line = parse(
        'at=error code=H12 desc="Request timeout" method=GET path="/a" dyno=web.1 service=30001ms status=503'
    )
    assert (line.status, line.error) == (503, 'code=H12 desc="Request timeout"')


@pytest.mark.parametrize(
    ("full", "exception", "error"),
    [
        ("no stock\njava.io.IOException: closed\n\tat a.B.c(B.java:7)", "java.io.IOException: closed", ""),
        ("no stock", "", ""),
        ("no stock: the shelf is empty", "", ": the shelf is empty"),
    ],
)
def test_the_whole_message_of_gelf_counts(full, exception, error):
    fields = {"version": "1.1", "short_message": "no stock", "full_message": full, "timestamp": 1768487465.5}
    line = parse(json.dumps(fields | {"level": 3}))
    assert (line.message, line.exception.split("\n")[0], line.error) == ("no stock", exception, error)


def test_a_warning_about_a_refused_request_is_classed():
    entry = {
        "httpRequest": {"requestMethod": "GET", "requestUrl": "https://shop.example/a", "status": 429},
        "severity": "WARNING",
        "textPayload": "The request was aborted because there was no available instance.",
    }
    lines = [json.dumps(entry | {"timestamp": _at(second)}) for second in range(60, 0, -2)]
    found = [each for each in concluded(*lines).findings if each.id == "logs.lines.class.platform_crashed"]
    assert [each.data["reason"] for each in found] == ["capacity"]


@pytest.mark.parametrize("share", [0.05, 0.4])
def test_a_limit_that_refuses_a_few_is_no_trouble(share):
    lines = []
    for second in range(800, 0, -1):
        limited = second % 100 < 100 * share
        status = 429 if limited else 200
        moment = NOW - timedelta(seconds=second)
        lines.append(
            f'203.0.113.7 - - [{moment:%d/%b/%Y:%H:%M:%S} +0000] "POST /login HTTP/1.1" {status} 5 "-" "-"'
        )
        if limited:
            lines.append(
                f'{moment:%Y/%m/%d %H:%M:%S} [error] 7#7: *1 limiting requests, excess: 5.6 by zone "a"'
            )
    found = next(
        each for each in concluded(*lines).findings if each.id == "logs.lines.class.requests_limited"
    )
    assert found.severity.name == ("WARNING" if share > 0.1 else "INFO")


@pytest.mark.parametrize(
    ("text", "status", "seconds"),
    [
        (
            '2026-01-15T14:31:05+00:00|10.0.0.7|shop|"GET /a HTTP/1.1"|504|160|rt=60.001|urt=60.0|"-"',
            504,
            60.001,
        ),
        ("2026-01-15T14:31:05Z status=504 method=GET uri=/a host=shop rt=0.012 ua=curl", 504, 0.012),
        ('2026-01-15T14:31:05Z,10.0.0.7,"GET /a HTTP/1.1",504,160', 504, None),
        ('2026-01-15T14:31:05Z 10.0.0.7 "GET /a HTTP/1.1" status=504 request_time=0.5 bytes=7', 504, 0.5),
        ('2026-01-15T14:31:05Z\t10.0.0.7\t"GET /a HTTP/1.1"\t"504"\t"0.5"', 504, None),
    ],
)
def test_access_lines_of_other_separators_are_read(text, status, seconds):
    line = parse(text)
    assert (line.method, line.path, line.status, line.duration) == ("GET", "/a", status, seconds)


def test_an_api_gateway_names_when_a_request_came():
    fields = {"requestTime": "15/Jan/2026:14:31:05 +0000", "httpMethod": "GET", "path": "/a", "status": "502"}
    assert (parse(json.dumps(fields)).at, parse(json.dumps(fields)).duration) == (1768487465.0, None)


def test_a_structured_message_of_klog_keeps_its_words():
    line = parse('E0115 14:31:05.123456     902 a.go:614] "Pod is gone" pod="shop/api-1"')
    assert (line.level, line.message) == ("ERROR", 'Pod is gone pod="shop/api-1"')


def test_a_disk_on_the_network_hangs_until_it_answers():
    def kernel(second: int, message: str) -> str:
        return f"{NOW - timedelta(seconds=second):%b %d %H:%M:%S} web1 kernel: {message}"

    lines = [kernel(second, f"usb 1-{second % 7}: new device") for second in range(880, 300, -20)]
    lines.append(kernel(300, "nfs: server nas1 not responding, still trying"))
    lines += [kernel(second, f"usb 1-{second % 7}: new device") for second in range(299, 40, -20)]
    silent = concluded(*lines)
    assert "nas1" in silent.hypotheses[0].title
    assert not concluded(
        *lines, kernel(30, "nfs: server nas1 OK"), kernel(5, "usb 1-1: new device")
    ).hypotheses


@pytest.mark.parametrize(("share", "severity"), [(0.03, "INFO"), (0.3, "WARNING")])
@pytest.mark.parametrize(
    "error",
    [
        {"type": "BadRequestError", "message": "request aborted", "code": "ECONNABORTED"},
        {"type": "ClientAbortException", "message": "java.io.IOException: Broken pipe"},
    ],
)
def test_clients_that_leave_are_no_trouble(share, severity, error):
    lines = []
    for second in range(800, 0, -1):
        lines.append(
            json.dumps({"time": _at(second), "method": "GET", "path": "/a", "status": 200, "msg": "ok"})
        )
        if second % 100 < 100 * share:
            lines.append(json.dumps({"time": _at(second), "level": "error", "msg": "failed", "err": error}))
    found = next(each for each in concluded(*lines).findings if each.id == "logs.lines.exception")
    assert found.severity.name == severity


def test_what_is_retried_while_no_request_is_served_is_trouble():
    def go(second: int, message: str) -> str:
        return f"{NOW - timedelta(seconds=second):%Y/%m/%d %H:%M:%S} {message}"

    refused = "http: Accept error: accept tcp [::]:8080: accept4: too many open files; retrying in 1s"
    lines = [go(second, f"GET /a/{second} 200 3ms") for second in range(800, 200, -4)]
    lines += [go(second, refused) for second in range(200, 0, -4)]
    assert concluded(*lines).hypotheses[0].id == "open-files"
    lines += [go(second, f"GET /a/{second} 200 3ms") for second in range(180, 0, -4)]
    assert not concluded(*lines).hypotheses


def test_requests_are_counted_by_the_lines_that_say_when_they_came():
    lines = []
    for second in range(800, 0, -4):
        status = 500 if second < 240 else 200
        moment = NOW - timedelta(seconds=second)
        lines.append(
            f'nginx-1  | 10.0.0.7 - - [{moment:%d/%b/%Y:%H:%M:%S} +0000] "GET /a HTTP/1.1" {status} 31'
        )
        lines.append(f"api-1    | GET /a {status} 4.112 ms - 31")
    errors = next(each for each in concluded(*lines).findings if each.id == "logs.lines.errors")
    assert errors.since


def test_a_failed_probe_counts_at_the_level_that_kubelet_gives_it():
    def kubelet(second: int) -> str:
        moment = NOW - timedelta(seconds=second)
        probe = 'probeType="Liveness" pod="shop/api-1" probeResult="failure"'
        return f'I{moment:%m%d %H:%M:%S}.000000     902 prober.go:107] "Probe failed" {probe}'

    found = concluded(*(kubelet(second) for second in range(300, 0, -5))).findings
    assert any(each.id == "logs.lines.class.probe_failed" for each in found)

"""Lines of requests and levels as frameworks, proxies and loggers write them, without any configuration."""

import time
from datetime import UTC, datetime

import pytest

from incident_lib.technologies.logs.probes.formats import parse
from incident_lib.technologies.logs.probes.line import clean
from incident_lib.technologies.logs.probes.mask import mask_path
from incident_lib.technologies.logs.probes.times import seconds_of

AT = datetime(2026, 1, 15, 14, 31, 5, tzinfo=UTC).timestamp()
COMMON = '10.0.0.7 - - [15/Jan/2026:14:31:05 +0000] "GET /a HTTP/1.1" 502'
ASPNET = "Request finished HTTP/1.1 GET http://shop:8000/a?token=x - 502"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        # morgan: combined, common, dev, tiny, short
        ('::1 - - [15/Jan/2026:14:31:05 +0000] "GET /a?token=x HTTP/1.1" 502 12 "-" "curl/8.1"', None),
        (f"{COMMON} 12", None),
        ("\x1b[0mGET /a?token=x \x1b[31m502 \x1b[0m12.5 ms - 12\x1b[0m", 0.0125),
        ("GET /a 502 12.500 ms - -", 0.0125),
        ("GET /a 502 12 - 12.5 ms", 0.0125),
        ("::1 - GET /a?token=x HTTP/1.1 502 12 - 12.5 ms", 0.0125),
        ("10.0.0.7 bob GET /a HTTP/1.1 502 - - 12.5 ms", 0.0125),
        # koa, gin, fiber, chi
        ("  --> GET /a 502 12ms 1kb", 0.012),
        ('[GIN] 2026/01/15 - 14:31:05 | 502 |   12.5ms |    10.0.0.7 | GET      "/a?token=x"', 0.0125),
        ('[GIN] 2026/01/15 - 14:31:05 | 502 |   45.2µs |    10.0.0.7 | GET      "/a"', 0.0000452),
        ('[GIN] 2026/01/15 - 14:31:05 | 502 |    1m2.5s |   10.0.0.7 | GET      "/a"', 62.5),
        ('[GIN] 2026/01/15 - 14:31:05 |\x1b[97;41m 502 \x1b[0m| 2s | ::1 |\x1b[97;44m GET \x1b[0m "/a"', 2.0),
        ("14:31:05 | 502 |  12.5ms |   10.0.0.7 | GET     | /a       | -", 0.0125),
        (
            '2026/01/15 14:31:05 [a/b-01] "GET http://shop/a HTTP/1.1" from 10.0.0.7:5 - 502 12B in 12.5ms',
            0.0125,
        ),
        # haproxy, with and without the header of syslog; Traefik; Envoy
        (
            (
                "<134>Jan 15 14:31:05 haproxy[89]: 10.0.1.2:33317 [15/Jan/2026:14:31:05.123] http-in shop/one"
                ' 10/0/30/69/109 502 2750 - - ---- 1/1/1/1/0 0/0 {x} {} "GET /a?token=x HTTP/1.1"'
            ),
            0.109,
        ),
        (
            (
                "10.0.1.2:3 [15/Jan/2026:14:31:05.123] http-in~ shop/<NOSRV> 0/-1/-1/-1/5 502 217 - - SC-- "
                '1/1/0/0/0 0/0 "GET /a HTTP/1.1"'
            ),
            0.005,
        ),
        (f'{COMMON} 11 "-" "curl/8" 12 "web@docker" "http://172.18.0.5:8000" 34ms', 0.034),
        (
            (
                '{"ClientAddr":"10.0.0.7:5","DownstreamStatus":502,"Duration":34000,"RequestMethod":"GET",'
                '"RequestPath":"/a?token=x","level":"info","msg":"","time":"2026-01-15T14:31:05Z"}'
            ),
            0.000034,
        ),
        (
            '[2026-01-15T14:31:05.123Z] "GET /a HTTP/1.1" 502 UF 0 91 12 - "::1" "curl" "a" "b:8"',
            0.012,
        ),
        (
            '[2026-01-15T14:31:05.123Z] "GET /a HTTP/2" 502 - via_upstream - "-" 0 91 700 699 "-" "curl"',
            0.7,
        ),
        # Caddy
        (
            (
                '{"level":"error","ts":1768487465.1,"logger":"http.log.access","msg":"handled","request":'
                '{"proto":"HTTP/1.1","method":"GET","uri":"/a?token=x","headers":{"A":["b"]}},"duration":0.0125,'
                '"status":502}'
            ),
            0.0125,
        ),
        (
            (
                "2026/01/15 14:31:05.123\tERROR\thttp.log.access\thandled request\t"
                '{"request": {"method": "GET", "uri": "/a"}, "duration": 0.0125, "status": 502}'
            ),
            0.0125,
        ),
        # Apache and gunicorn with %D, gunicorn with %L, nginx
        (f'{COMMON} 12 "-" "curl/8" 12500', 0.0125),
        (f"{COMMON} 12 12500", 0.0125),
        (f'{COMMON} 12 "-" "curl/8" 0.012500', 0.0125),
        (f'{COMMON} 12 "-" "curl/8" rt=0.700', 0.7),
        (
            (
                '{"time_local":"15/Jan/2026:14:31:05 +0000","request":"GET /a?t=x HTTP/1.1","status":"502",'
                '"request_time":"0.700"}'
            ),
            0.7,
        ),
        # Werkzeug, Django, Hypercorn, uWSGI
        ('10.0.0.7 - - [15/Jan/2026 14:31:05] "GET /a HTTP/1.1" 502 -', None),
        ('10.0.0.7 - - [15/Jan/2026 14:31:05] "\x1b[35m\x1b[1mGET /a HTTP/1.1\x1b[0m" 502 -', None),
        ('[15/Jan/2026 14:31:05] "GET /a HTTP/1.1" 502 145', None),
        (
            (
                "[2026-01-15 14:31:05 +0000] [7] [INFO] 10.0.0.7:5 - - [15/Jan/2026:14:31:05 +0000] "
                '"GET /a 1.1" 502 12 "-" "curl"'
            ),
            None,
        ),
        (
            (
                "[pid: 7|app: 0|req: 1/1] ::1 () {34 vars in 468 bytes} [Thu Jan 15 14:31:05 2026] GET /a => "
                "generated 12 bytes in 3 msecs (HTTP/1.1 502) 2 headers in 79 bytes (1 switches on core 0)"
            ),
            0.003,
        ),
        # lograge, Heroku, klog, loggers of pairs behind a message
        ("method=GET path=/a format=json controller=A action=b status=502 duration=12.5 view=0.1", 0.0125),
        (
            (
                "I, [2026-01-15T14:31:05.1 #7]  INFO -- : method=GET path=/a controller=A action=b "
                "status=502 duration=12.5"
            ),
            0.0125,
        ),
        ('at=info method=GET path="/a" host=x dyno=web.1 connect=1ms service=12ms status=502 bytes=0', 0.012),
        ('I0115 14:31:05.1 1 httplog.go:132] "HTTP" verb="GET" URI="/a" latency="12.5ms" resp=502', 0.0125),
        (
            "2026-01-15T14:31:05Z [info     ] request    method=GET path=/a status=502 duration_ms=12.5",
            0.0125,
        ),
        ("2026-01-15T14:31:05Z INF request duration=12.5 method=GET status=502 url=/a", 0.0125),
        (
            "time=2026-01-15T14:31:05.123Z level=INFO msg=x method=GET path=/a status=502 duration=12.5ms",
            0.0125,
        ),
        # Go: zerolog, slog, Echo, zap
        (
            (
                '{"level":"info","method":"GET","url":"/a","status":502,"duration":12.5,"time":"2026-01-15",'
                '"message":"x"}'
            ),
            0.0125,
        ),
        (
            (
                '{"time":"2026-01-15T14:31:05Z","level":"INFO","msg":"x","method":"GET","path":"/a","status":502,'
                '"duration":450000}'
            ),
            0.00045,
        ),
        (
            (
                '{"time":"2026-01-15T14:31:05Z","method":"GET","uri":"/a","status":502,"latency":450000,'
                '"latency_human":"450µs"}'
            ),
            0.00045,
        ),
        (
            (
                '2026-01-15T14:31:05.123Z\tINFO\tmain.go:12\tserved\t{"method":"GET","path":"/a","status":502,'
                '"latency": "12.5ms"}'
            ),
            0.0125,
        ),
        # pino, ASP.NET Core and Serilog, Python's JSON loggers, ECS, Google Cloud
        (
            (
                '{"level":30,"time":1768487465123,"pid":7,"hostname":"a","req":{"method":"GET","url":"/a?token=x"},'
                '"res":{"statusCode":502},"responseTime":12.5,"msg":"request completed"}'
            ),
            0.0125,
        ),
        (f"      {ASPNET} - text/plain 12.5ms", 0.0125),
        (f"info: Microsoft.AspNetCore.Hosting.Diagnostics[2] {ASPNET} 12 application/json 12.5ms", 0.0125),
        (
            f'{{"Timestamp":"2026-01-15T14:31:05Z","LogLevel":"Trace","Message":"{ASPNET} - - 12.5ms"}}',
            0.0125,
        ),
        ("[14:31:05 INF] HTTP GET /a responded 502 in 12.5000 ms", 0.0125),
        (
            (
                '{"@t":"2026-01-15T14:31:05Z","@m":"x","Elapsed":12.5,"StatusCode":502,"RequestMethod":"GET",'
                '"RequestPath":"/a"}'
            ),
            0.0125,
        ),
        ('{"levelname": "INFO", "message": "127.0.0.1:5 - \\"GET /a HTTP/1.1\\" 502"}', None),
        (
            (
                '{"@timestamp":"2026-01-15T14:31:05Z","message":"x","event":{"duration":12500000},"url":{"path":"/a"},'
                '"http":{"request":{"method":"GET"},"response":{"status_code":502}}}'
            ),
            0.0125,
        ),
        (
            (
                '{"severity":"INFO","httpRequest":{"requestMethod":"GET","requestUrl":"/a","status":502,'
                '"latency":"0.0125s"}}'
            ),
            0.0125,
        ),
        # Spring
        (
            "2026-01-15T14:31:05Z  INFO 7 --- [shop] [nio-8080-exec-1] c.e.RequestLog    : GET /a 502 12ms",
            0.012,
        ),
    ],
)
def test_a_request_is_read(text: str, seconds: float | None):
    line = parse(clean(text)[0])
    assert (line.method, mask_path(line.path), line.status) == ("GET", "/a", 502)
    assert line.duration == (None if seconds is None else pytest.approx(seconds))
    assert line.at is None or line.at == pytest.approx(AT, abs=0.5)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("Completed 500 Internal Server Error in 123ms (Views: 1.2ms | ActiveRecord: 100.1ms)", 0.123),
        (
            "I, [2026-01-15T14:31:05.1 #7]  INFO -- : [a-b] Completed 500 Internal Server Error in 123ms",
            0.123,
        ),
        ("14:31:05.123 request_id=abc [info] Sent 500 in 123ms", 0.123),
        ("      Request finished in 123.0ms 500 text/plain", 0.123),
        (
            (
                '{"level":30,"time":1768487465123,"pid":7,"hostname":"a","reqId":"req-1","res":{"statusCode":500},'
                '"responseTime":123,"msg":"request completed"}'
            ),
            0.123,
        ),
    ],
)
def test_the_end_of_a_request_counts_though_it_names_no_path(text: str, seconds: float):
    line = parse(text)
    assert (line.method, line.path, line.status, line.duration) == ("-", "(no path)", 500, seconds)


@pytest.mark.parametrize(
    "text",
    [
        "Sent 500 mails in 12 ms",
        "2026-01-15 14:31:05 INFO retry 3 of POST to bank - 200 items",
        "GET /a failed: 500 of 600 items",
        "GET /a - - ms - -",
        'DEBUG:urllib3.connectionpool:https://bank:443 "GET /pay HTTP/1.1" 502 12',
        'INFO httpx HTTP Request: GET http://bank/pay "HTTP/1.1 502 Bad Gateway"',
        "2026-01-15 14:31:05 [error    ] call failed   method=GET url=http://bank/pay status=502",
        '{"message": "import", "request": "7f3a", "status": 500}',
        'Started GET "/a?b=c" for 10.0.0.7 at 2026-01-15 14:31:05 +0000',
    ],
)
def test_other_lines_are_no_requests_served(text: str):
    assert parse(text).status == 0


@pytest.mark.parametrize(
    ("text", "level", "message"),
    [
        ("2026-01-15 14:31:05 [error    ] it failed     key=value", "ERROR", "it failed     key=value"),
        (
            "\x1b[2m2026-01-15 14:31:05\x1b[0m [\x1b[31m\x1b[1merror    \x1b[0m] \x1b[1mit failed\x1b[0m",
            "ERROR",
            "it failed",
        ),
        ("2026-01-15T14:31:05.123Z\tERROR\tmain.go:12\tit failed", "ERROR", "main.go:12\tit failed"),
        ("2026-01-15T14:31:05.123Z\terror\tmain.go:12\tit failed", "ERROR", "\tmain.go:12\tit failed"),
        ("1.768487465123456e+09\terror\tmain.go:12\tit failed", "ERROR", "\tmain.go:12\tit failed"),
        ("E0115 14:31:05.123456       1 file.go:10] it failed", "ERROR", "it failed"),
        ("ERROR:root:it failed", "ERROR", "it failed"),
        ("2026-01-15 14:31:05,123 [main] ERROR com.example.Shop - it failed", "ERROR", "it failed"),
        ("14:31:05.123 [main] ERROR com.example.Shop -- it failed", "ERROR", "it failed"),
        (
            "2026-01-15 14:31:05.123 ERROR 7 --- [nio-1] o.a.c.c.C.[.[/].[dispatcher]    : it failed",
            "ERROR",
            "it failed",
        ),
        ("E, [2026-01-15T14:31:05.123456 #7] ERROR -- shop: it failed", "ERROR", "it failed"),
        ("2026-01-15T14:31:05Z ERR it failed", "ERROR", "it failed"),
        ("[14:31:05 FTL] it failed", "CRITICAL", "it failed"),
        ("fail: Shop.Orders[0]", "ERROR", "Shop.Orders[0]"),
        ("<134>Jan 15 14:31:05 web shop[7]: it failed", "INFO", "it failed"),
        ("<131>Jan 15 14:31:05 web shop[7]: it failed", "ERROR", "it failed"),
        ("<134>Jan 15 14:31:05 web shop[7]: WARN it failed", "WARNING", "it failed"),
        ("<11>1 2026-01-15T14:31:05.123Z web shop 7 - - it failed", "ERROR", "it failed"),
        ('{"name":"shop","hostname":"a","pid":7,"level":50,"msg":"it failed","v":0}', "ERROR", "it failed"),
        ('{"version":"1.1","host":"a","short_message":"it failed","level":3}', "ERROR", "it failed"),
        ('{"LogLevel":"Warning","Category":"Shop","Message":"it failed"}', "WARNING", "it failed"),
    ],
)
def test_a_level_is_read(text: str, level: str, message: str):
    line = parse(clean(text)[0])
    assert (line.level, line.message) == (level, message)
    if "2026-01-15" in text or "1.768" in text or "0115" in text:
        assert line.at is not None


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("1h2m3.5s", 3723.5), ("2m3s", 123.0), ("450µs", 0.00045), ("450μs", 0.00045), ("3 apples", None)],
)
def test_durations_of_go_are_read(value: str, seconds: float | None):
    assert seconds_of("duration", value) == (None if seconds is None else pytest.approx(seconds))


@pytest.mark.parametrize(
    "text",
    [
        "GET /a 500 " + "1 - " * 15_000 + "x",
        "GET /a 500 " + "1.2ms" * 12_000 + "x",
        "| " * 30_000 + "GET /a",
        '"GET ' * 10_000 + '" from /',
        "10.0.0.1:1 [15/Jan/2026:14:31:05.1] a b 1/1/1/1/1 200 1 " + '"GET' * 15_000,
        "GET => generated /" * 3_000,
        "Request finished HTTP/1.1 GET /" + " - 500 " * 8_000,
        "[a] " * 15_000 + "Completed",
    ],
)
def test_no_line_takes_long(text: str):
    began = time.process_time()
    parse(text[:65_536])
    assert time.process_time() - began < 1

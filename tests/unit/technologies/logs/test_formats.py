"""Every format that is read, on lines as the programs write them."""

import time
from datetime import UTC, datetime

import pytest

from incident_lib.technologies.logs.probes.formats import parse
from incident_lib.technologies.logs.probes.line import (
    LONGEST,
    clean,
    clean_lines,
    decode,
    encoding_of,
)
from incident_lib.technologies.logs.probes.mask import mask, mask_path
from incident_lib.technologies.logs.probes.scan import Scan
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
            "2026-01-15 14:31:05.000 | shop.pay | ledger said no | ERROR",
            "text",
            {"at": AT, "level": "ERROR", "message": "shop.pay | ledger said no"},
        ),
        (
            "2026-01-15 14:31:05:  30.00s ! 7cb2:export failed, TimeoutError: ",
            "text",
            {"at": AT, "level": "ERROR", "message": "7cb2:export failed, TimeoutError: "},
        ),
        ("2026-01-15 14:31:05:   0.80s \u2190 9ab2:sync \u25cf", "text", {"at": AT, "level": "INFO"}),
        ("2026-01-15 14:31:05 till opened [INFO]", "text", {"level": "INFO", "message": "till opened"}),
        ("2026-01-15 14:31:05 of what the till calls ERROR", "text", {"level": ""}),
        ("the till's light is - ERROR", "plain", {"level": ""}),
        (
            "[E 260115 14:31:05 web:2271] 500 GET /a?b=c (10.0.0.7) 30.22ms",
            "tornado",
            {
                "at": AT,
                "level": "ERROR",
                "method": "GET",
                "path": "/a?b=c",
                "status": 500,
                "duration": 0.03022,
            },
        ),
        (
            "[W 2026-01-15 14:31:05.250 ServerApp] 404 GET /api/nbconvert (::1) 2.11ms referer=None",
            "tornado",
            {"at": AT + 0.25, "level": "WARNING", "path": "/api/nbconvert", "status": 404},
        ),
        (
            "[I 260115 14:31:05 jobs:12] 12 jobs kept",
            "text",
            {"at": AT, "level": "INFO", "logger": "jobs:12", "message": "12 jobs kept"},
        ),
        (
            "[2026-01-15 14:31:05 +0000] - (sanic.access)[INFO][10.0.0.7:5]: GET http://shop/a/1  500 143",
            "sanic",
            {"at": AT, "method": "GET", "path": "/a/1", "status": 500, "duration": None},
        ),
        (
            "2026-01-15 14:31:05 INFO shop.rates: GET http://rates.local/a answered 500 143",
            "text",
            {"status": 0},
        ),
        (
            "[2026/01/15 14:31:05] [ warn] [engine] failed to flush chunk '1-17.flb', retry in 9 seconds",
            "text",
            {"at": AT, "level": "WARNING"},
        ),
        (
            "[2026/01/15 14:31:05] [ info] [input:tail:tail.0] inotify_fs_add(): inode=9 watch_fd=4",
            "text",
            {"at": AT, "level": "INFO"},
        ),
        (
            'type=AVC msg=audit(1768487465.250:457): avc:  denied  { name_connect } for  comm="nginx"',
            "audit",
            {"at": AT + 0.25, "zoned": True, "logger": "AVC", "level": ""},
        ),
        (
            'error: cart failed: connect ECONNREFUSED {"a":{"b":1},"timestamp":"2026-01-15 14:31:05"}',
            "text",
            {"at": AT, "level": "ERROR"},
        ),
        ('info: stored {"timestamp":1768487465250,"n":1}', "text", {"at": AT + 0.25, "zoned": True}),
        ('info: stored {"expires":"2026-01-15 14:31:05"}', "text", {"at": None}),
        ('info: sent {"timestamp":"2026-01-15 14:31:05"} to 7 clients', "text", {"at": None}),
        (
            "2026-01-15 14:31:05,250 [12] ERROR Shop.Orders.Service [(null)] - Could not save order 7",
            "text",
            {"at": AT + 0.25, "level": "ERROR"},
        ),
        (
            "2026-01-15 14:31:05.250 UTC [12] ERROR S-0x7: shop/app@10.0.0.7:5432 connect failed - no route",
            "pgbouncer",
            {"level": "ERROR"},
        ),
        (
            '2026-01-15 14:31:05 ERROR app: connection to server at "db", port 5432 failed: FATAL:  no',
            "text",
            {"level": "ERROR", "at": AT},
        ),
        (
            "2026-01-15 14:31:05 UTC [7] app@shop FATAL:  sorry, too many clients already",
            "postgres",
            {"level": "CRITICAL", "database": "shop"},
        ),
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
            "text",
            {"at": AT, "level": "ERROR", "message": "it failed"},
        ),
        (
            "2026-01-15 14:31:05.000 | ERROR    | shop.orders:pay:12 - it failed",
            "text",
            {"level": "ERROR", "message": "it failed", "logger": "shop.orders:pay:12"},
        ),
        ("ERROR:root:it failed", "text", {"level": "ERROR", "message": "it failed", "logger": "root"}),
        (
            "2026/01/15 14:31:05 [error] 7#7: *12 connect() failed (111: Connection refused)",
            "text",
            {"at": AT, "level": "ERROR"},
        ),
        (
            "[Thu Jan 15 14:31:05.000000 2026] [core:error] [pid 35708:tid 4328] AH00124: too many redirects",
            "text",
            {"at": AT, "level": "ERROR"},
        ),
        (
            "Jan 15 14:31:05 web-1 sshd[19939]: Invalid user webmaster from 173.234.31.186",
            "syslog",
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


# Lines as the programs' sources and documentation have them: format, and what is read.
PROGRAMS = [
    # an aligned level in front of a request or a message, as fastapi and rich write it
    (
        '      INFO   10.0.0.7:39116 - "PUT /till/3 HTTP/1.1" 500',
        "uvicorn",
        {"level": "INFO", "method": "PUT", "path": "/till/3", "status": 500, "is_detail": False},
    ),
    ("   WARNING   Shutting down till", "text", {"level": "WARNING", "message": "Shutting down till"}),
    (
        "                    ERROR    no drawer        till.py:13",
        "text",
        {"level": "ERROR", "message": "no drawer"},
    ),
    ('   10.0.0.7:5 - "GET /till HTTP/1.1" 200 OK', "uvicorn", {"status": 200}),
    ("   Import the module till.py", "plain", {"is_detail": True}),
    ("    ERROR = 3", "plain", {"is_detail": True}),
    ("[01/15/26 14:31:05] INFO     open        till.py:13", "text", {"at": AT, "message": "open"}),
    # uWSGI, supervisord
    (
        (
            "[pid: 5|app: 0|req: 7/9] 10.0.0.7 () {40 vars in 780 bytes} [Thu Jan 15 14:31:05"
            " 2026] POST /till?a=1 => generated 9 bytes in 250 msecs (HTTP/1.1 503) 2 headers in"
            " 71 bytes (1 switches on core 0)"
        ),
        "uwsgi",
        {"at": AT, "method": "POST", "path": "/till?a=1", "status": 503, "duration": 0.25},
    ),
    ("Thu Jan 15 14:31:05 2026 - SIGPIPE: writing to a closed pipe", "text", {"at": AT}),
    ("2026-01-15 14:31:05,000 INFO spawned: 'till' with pid 9", "text", {"at": AT, "level": "INFO"}),
    # HAProxy: requests, connections, what it says itself
    (
        (
            "Jan 15 14:31:05 lb haproxy[5]: 10.0.0.7:61 [15/Jan/2026:14:31:05.655] web till/a"
            ' 9/0/-1/-1/250 503 217 - - SC-- 1/1/1/1/0 0/0 "GET /till HTTP/1.1"'
        ),
        "haproxy",
        {"status": 503, "path": "/till", "duration": 0.25},
    ),
    (
        (
            "10.0.0.7:61 [15/Jan/2026:14:31:05.655] web web/<NOSRV> -1/-1/-1/-1/3 400 187 - -"
            ' PR-- 1/1/0/0/0 0/0 "<BADREQ>"'
        ),
        "haproxy",
        {"status": 400, "path": "(no request)"},
    ),
    (
        "10.0.0.7:61 [15/Jan/2026:14:31:05.655] sql pg/pg-2 1/0/9 212 SD 1/1/0/0/3 0/0",
        "haproxy",
        {"status": 0, "at": AT},
    ),
    ("10.0.0.7:61 [15/Jan/2026:14:31:05.655] web/1: SSL handshake failure", "haproxy", {"at": AT}),
    (
        "[ALERT] 014/143105 (9) : backend 'till' has no server available!",
        "haproxy",
        {"level": "CRITICAL", "message": "backend 'till' has no server available!"},
    ),
    # proxies and load balancers
    (
        (
            '10.0.0.7 - - [15/Jan/2026:14:31:05 +0000] "GET /till HTTP/2.0" 504 9 "-" "-" 7'
            ' "till@file" "http://10.1.1.1:80" 250ms'
        ),
        "nginx",
        {"status": 504, "duration": 0.25},
    ),
    (
        (
            '{"level":"error","ts":1768487465.5,"logger":"http.log.error","msg":"EOF","request":{"'
            'remote_ip":"10.0.0.7","remote_port":"61","method":"GET","uri":"/till"},"duration":0.2'
            '5,"status":502}'
        ),
        "json",
        {"status": 502, "message": "EOF", "level": "ERROR", "reported_by": "10.0.0.7:61"},
    ),
    (
        (
            '2026/01/15 14:31:05\tERROR\thttp.log.error\tEOF\t{"request": {"method": "GET", "uri":'
            ' "/till"}, "status": 502}'
        ),
        "json",
        {"status": 502, "message": "EOF", "logger": "http.log.error"},
    ),
    (
        ('[2026-01-15T14:31:05.000Z] "GET /till HTTP/2" 503 UH 0 19 250 - "10.0.0.7" "curl" "id" "till" "-"'),
        "envoy",
        {"status": 503, "duration": 0.25},
    ),
    (
        (
            "https 2026-01-15T14:31:05.000000Z app/till/50dc 10.0.0.7:61 10.1.1.1:80 0.0 0.25 0.0"
            ' 502 - 34 366 "POST https://till.example:443/pay?x=1 HTTP/2.0" "curl/8" ECDHE TLSv1.2'
        ),
        "elb",
        {"status": 502, "method": "POST", "duration": 0.25, "at": AT},
    ),
    (
        (
            '2026-01-15T14:31:05.000000Z till-elb 10.0.0.7:61 - -1 -1 -1 504 0 0 0 "GET'
            ' http://till.example:80/ HTTP/1.1"'
        ),
        "elb",
        {"status": 504, "duration": 0.0},
    ),
    (
        (
            "2026-01-15\t14:31:05\tFRA6-C1\t392\t10.0.0.7\tGET\td1.cloudfront.net\t/till\t502\t-\tcurl\t-\t-\tE"
            "rror\tid==\ttill.example\thttps\t23\t0.250\t-\tTLSv1.3\tAES\tError\tHTTP/2.0\t-\t-\t61\t0.250\tOrigi"
            "nError"
        ),
        "cloudfront",
        {"status": 502, "path": "/till", "duration": 0.25, "at": AT},
    ),
    (
        ("2026-01-15 14:31:05 10.1.1.1 GET /till a=1 443 - 10.0.0.7 Mozilla/5.0+(X11) - 500 0 64 250"),
        "iis",
        {"status": 500, "path": "/till", "duration": 0.25, "at": AT},
    ),
    ("#Fields: date time s-ip cs-method cs-uri-stem sc-status time-taken", "w3c", {"status": 0}),
    (
        (
            '10.0.0.7 - - [15/Jan/2026:14:31:05 +0000] "GET /till HTTP/1.1" 502 150 "-" "curl" 85'
            " 0.250 [shop-till-80] [] 10.1.1.1:80, 10.1.1.2:80 0, 0 0.1, 0.15 502, 502 ab12"
        ),
        "nginx",
        {"status": 502, "duration": 0.25},
    ),
    ('10.0.0.7 -  15/Jan/2026:14:31:05 +0000 "GET /till.php" 500', "uvicorn", {"at": AT, "status": 500}),
    (
        (
            "1768487465.000    250 10.0.0.7 TCP_MISS/504 9 GET http://till.example/ -"
            " HIER_DIRECT/10.1.1.1 text/html"
        ),
        "squid",
        {"status": 504, "duration": 0.25, "at": AT},
    ),
    # frameworks and servers of applications
    (
        '10.0.0.7:61 - - [15/Jan/2026:14:31:05] "WSDISCONNECT /ws/till/" - -',
        "daphne",
        {"at": AT, "status": 0},
    ),
    ('[15/Jan/2026 14:31:05] "POST /till/ HTTP/1.1" 500 145', "uvicorn", {"at": AT, "status": 500}),
    (
        "[2026-01-15 14:31:05,000] ERROR in till: Exception on /till [GET]",
        "text",
        {"logger": "till", "at": AT},
    ),
    (
        "2026-01-15T14:31:05.000Z 7 TID-oxs3 TillJob JID-61 WARN: fail: 9 sec",
        "text",
        {"level": "WARNING", "at": AT},
    ),
    ("[9] ! WARNING: Detected 1 Thread(s) started in app boot:", "puma", {}),
    ('Started GET "/till" for 10.0.0.7 at 2026-01-15 14:31:05 +0000', "rails", {"status": 0}),
    (
        ("[Nest] 9  - 01/15/2026, 2:31:05 PM   ERROR [TillService] connect ECONNREFUSED 10.1.1.1:5432"),
        "text",
        {"at": AT, "level": "ERROR"},
    ),
    ("ERRO[0009] no drawer          till=3", "text", {"level": "ERROR", "at": None}),
    (
        "WARN[2026-01-15T14:31:05Z] no drawer",
        "text",
        {"level": "WARNING", "at": AT, "message": "no drawer"},
    ),
    ("2026/01/15 14:31:05 listening on :8080", "text", {"at": AT}),
    (
        '2026-01-15T14:31:05.000Z\tERROR\ttill/open.go:9\tno drawer\t{"error": "EOF"}',
        "json",
        {"message": "no drawer"},
    ),
    (
        "[2026-01-15T14:31:05Z WARN  till::drawer] no drawer",
        "text",
        {"logger": "till::drawer", "level": "WARNING"},
    ),
    (
        "2026-01-15 14:31:05,000 ERROR [shop.till.Drawer] (main) stuck",
        "text",
        {"logger": "shop.till.Drawer"},
    ),
    (
        "2026-01-15 14:31:05,000 WARN [shop.till:41][worker-1] stuck",
        "text",
        {"logger": "shop.till:41", "message": "stuck"},
    ),
    (
        "2026-01-15 14:31:05.0000|WARN|Till.Drawer|stuck",
        "text",
        {"logger": "Till.Drawer", "message": "stuck"},
    ),
    ("Jan 15, 2026 2:31:05 PM shop.Till open", "jul", {"at": AT}),
    ("15-Jan-2026 14:31:05.000 SEVERE [main] shop.Till.open stuck", "text", {"at": AT, "level": "ERROR"}),
    ("[15-Jan-2026 14:31:05] WARNING: [pool till] server reached pm.max_children", "text", {"at": AT}),
    (
        "[15-Jan-2026 14:31:05 UTC] PHP Warning:  Undefined variable $till in /t.php on line 3",
        "text",
        {"level": "WARNING"},
    ),
    ("PHP Fatal error:  Uncaught Till\\Error: stuck in /t.php:3", "plain", {"level": ""}),
    # databases and brokers
    ("till@shop FATAL:  the database system is starting up", "postgres", {"level": "CRITICAL"}),
    ("till@shop FEHLER:  Division durch Null", "postgres", {"level": "ERROR"}),
    ("[9] ERREUR:  division par zéro", "postgres", {"level": "ERROR"}),
    ("[9] INSTRUCTION :  SELECT 1/0", "postgres", {"is_detail": True, "message": "STATEMENT:  SELECT 1/0"}),
    ("[9] WARNUNG:  es gibt keine Transaktion", "postgres", {"level": "WARNING"}),
    (
        'ERROR:  42P01: relation "till" does not exist',
        "postgres",
        {"sqlstate": "42P01", "level": "ERROR"},
    ),
    ("1768487465.000 [9] till@shop ERROR:  division by zero", "postgres", {"at": AT, "level": "ERROR"}),
    (
        (
            "2026-01-15 14:31:05.000"
            ' UTC,"till","shop",9,"10.0.0.7:61",69.2a,3,"INSERT",2026-01-15 14:00:00'
            ' UTC,4/3,5,ERROR,23505,"duplicate key value violates unique constraint'
            ' ""till_pkey""","Key (id)=(3) already exists.",,,,,"insert into'
            ' till",,,"psql","client backend",,0'
        ),
        "postgres",
        {
            "at": AT,
            "level": "ERROR",
            "sqlstate": "23505",
            "message": 'duplicate key value violates unique constraint "till_pkey"',
            "error": "DETAIL:  Key (id)=(3) already exists.",
        },
    ),
    (
        ('2026-01-15 14:31:05.000 UTC,,,9,,69.2a,3,,2026-01-15 14:00:00 UTC,,0,LOG,00000,"shutting down",,,'),
        "postgres",
        {"message": "shutting down", "level": "INFO"},
    ),
    (
        (
            '{"timestamp":"2026-01-15 14:31:05.000'
            ' UTC","error_severity":"FATAL","state_code":"53300","message":"full","detail":"3 of'
            ' 3"}'
        ),
        "postgres",
        {"level": "CRITICAL", "sqlstate": "53300", "error": "3 of 3"},
    ),
    (
        "2026-01-15 14:31:05.000 UTC [9] LOG S-0x5: shop/till@10.1.1.1:5432 new connection",
        "pgbouncer",
        {"level": "INFO"},
    ),
    (
        "2026-01-15T14:31:05.000000Z 0 [Note] [MY-010051] [Server] Event Scheduler",
        "text",
        {"level": "INFO", "at": AT},
    ),
    (
        (
            '{"t":{"$date":"2026-01-15T14:31:05.000+00:00"},"s":"E","c":"STORAGE","id":9,"ctx":"ma'
            'in","msg":"disk","attr":{"error":"No space left"}}'
        ),
        "mongodb",
        {"at": AT, "level": "ERROR", "logger": "STORAGE", "message": "disk", "error": "No space left"},
    ),
    (
        "2026-01-15T14:31:05.000+0000 W STORAGE  [conn9] disk is slow",
        "mongodb",
        {"level": "WARNING", "at": AT},
    ),
    ("=ERROR REPORT==== 15-Jan-2026::14:31:05.000000 ===", "text", {"at": AT, "level": "ERROR"}),
    (
        "[2026-01-15 14:31:05,000] ERROR stuck (kafka.log.LogManager)",
        "text",
        {"logger": "kafka.log.LogManager", "message": "stuck"},
    ),
    # the system
    (
        "[   12.364001] till: segfault at 0 ip 0",
        "kernel",
        {"message": "till: segfault at 0 ip 0", "at": None},
    ),
    ("[Thu Jan 15 14:31:05 2026] till: segfault at 0 ip 0", "text", {"at": AT}),
    ("2026-01-15T14:31:05+00:00 web till[9]: stuck", "syslog", {"logger": "till", "at": AT}),
    (
        "[1768487465] SERVICE ALERT: till;HTTP;CRITICAL;HARD;3;refused",
        "text",
        {"at": AT, "level": "CRITICAL"},
    ),
    ("W20260115 14:31:05.000000 9 till.cc:12] disk is slow", "text", {"at": AT, "level": "WARNING"}),
    # documents in documents
    (
        (
            '{"severity":"ERROR","timestamp":"2026-01-15T14:31:05Z","httpRequest":{"requestMethod"'
            ':"GET","requestUrl":"https://till.example/pay","status":504,"latency":"0.25s"},"textP'
            'ayload":"timed out"}'
        ),
        "json",
        {"status": 504, "duration": 0.25, "message": "timed out", "at": AT},
    ),
    (
        '{"time":"2026-01-15T14:31:05Z","message":"{\\"level\\":\\"error\\",\\"msg\\":\\"stuck\\"}"}',
        "json",
        {"message": "stuck", "level": "ERROR", "at": AT},
    ),
    (
        (
            '{"ts":1768487465,"message":"10.0.0.7 - - [15/Jan/2026:14:31:05 +0000] \\"GET /till'
            ' HTTP/1.1\\" 502 9 \\"-\\" \\"-\\" 0.250"}'
        ),
        "json",
        {"status": 502, "duration": 0.25, "path": "/till"},
    ),
    (
        '{"__REALTIME_TIMESTAMP":"1768487465000000","PRIORITY":"3","MESSAGE":"stuck"}',
        "json",
        {"at": AT, "level": "ERROR"},
    ),
    ('{"colour": "red"}', "plain", {"message": ""}),
    # requests in a form that no format reads are not known, whatever stands in front
    ("2026-01-15 14:31:05 GET|/till|500|12", "plain", {"at": AT, "status": 0}),
    ("2026-01-15 14:31:05,000 INFO /till answered GET with (500)", "plain", {"status": 0}),
    (
        ('2026-01-15 14:31:05,000 INFO httpx HTTP Request: GET https://x.example/ "HTTP/1.1 500"'),
        "text",
        {"status": 0},
    ),
]


@pytest.mark.parametrize(("text", "form", "expected"), PROGRAMS)
def test_a_line_of_a_program_is_read(text, form, expected):
    line = parse(text)
    assert {name: getattr(line, name) for name in expected} == expected
    assert line.format == form
    assert line.is_known == (form != "plain")


def _caddy(logger, port, status, uri="/till", at=1768487465.5):
    level = "error" if status >= 500 else "info"
    request = f'{{"remote_ip":"10.0.0.7","remote_port":"{port}","method":"GET","uri":"{uri}"}}'
    return (
        f'{{"level":"{level}","ts":{at},"logger":"http.log.{logger}","msg":"x","request":{request},'
        f'"duration":0.25,"status":{status}}}'
    )


@pytest.mark.parametrize(
    ("lines", "count", "failed"),
    [
        ([_caddy("error", 61, 502), _caddy("access", 61, 502)], 1, 1),
        ([_caddy("error.log0", 61, 502)] * 2 + [_caddy("access.log0", 61, 502)] * 2, 2, 2),
        ([_caddy("access", 61, 200), _caddy("error", 61, 503), _caddy("error", 62, 503)], 3, 2),
        ([_caddy("error", 61, 502), _caddy("access", 61, 200, "/other"), _caddy("access", 61, 502)], 2, 1),
        ([_caddy("error", 61, 502), _caddy("access", 61, 200)], 2, 1),  # asked again, and served
        ([_caddy("error", 61, 502), _caddy("access", 61, 404), _caddy("access", 61, 502)], 2, 1),
        ([_caddy("error", 61, 404), _caddy("access", 61, 404)], 1, 0),
        ([_caddy("error", 61, 502), _caddy("access", 61, 502, at=1768487469.5)], 2, 2),  # of another request
        ([_caddy("error", 61, 502), _caddy("access", 61, 502, at=1768487465.75)], 1, 1),
    ],
)
def test_a_request_that_an_error_line_and_an_access_line_report_counts_once(lines, count, failed):
    scan = Scan(0, 2e9)
    for line in lines:
        scan.feed(line)
    requests = scan.finish().requests["json"]
    assert requests.count == count
    assert sum(endpoint.statuses.get(5, 0) for endpoint in requests.endpoints.values()) == failed


@pytest.mark.parametrize("zone", ["", " CET"])
def test_a_line_of_java_util_logging_has_the_time_of_the_line_before(zone):
    scan = Scan(0, 2e9)
    for text in (
        f"Jan 15, 2026 2:31:05 PM{zone} shop.till.Drawer open",
        "SEVERE: no drawer",
        f"Jan 15, 2026 2:31:06 PM{zone} shop.till.Drawer <init>",
        "INFO: ready",
    ):
        scan.feed(text)
    digest = scan.finish()
    assert (digest.lines, digest.timed_lines, digest.read_lines) == (4, 4, 4)
    assert digest.errors == 1


@pytest.mark.parametrize("filling", [" ", "a", "1", "[", '"', "a=1 ", "/a", "\t", "1 ", "(", '"GET /'])
@pytest.mark.parametrize(
    "text",
    [
        "     ERROR   no  drawer",
        "2026-01-15 14:31:05 INFO open  till.py:3",
        "2026-01-15 14:31:05 INFO open  path=/till status=500",
        '10.0.0.7 - - [15/Jan/2026:14:31:05] "GET /" 200 5',
        '10.0.0.7:61 [15/Jan/2026:14:31:05.655] web till/a 9/0/-1/-1/250 503 2 - - "GET /a HTTP/1.1"',
        "2026-01-15 14:31:05 10.1.1.1 GET /till a=1 443 - 10.0.0.7 curl - 500 0 64 250",
        '2026-01-15 14:31:05 UTC,"a","b",9,"c",6.a,3,"d",2026-01-15 14:00:00 UTC,4/3,5,ERROR,23505,"e"',
    ],
)
def test_a_hostile_line_takes_time_in_proportion_to_its_length(text, filling):
    def seconds(times):
        hostile = (
            text.replace("  ", f"  {filling * times}", 1) if "  " in text else text[:40] + filling * times
        )
        start = time.process_time()
        parse(hostile[:LONGEST])
        return time.process_time() - start

    short = max(min(seconds(2_000) for _ in range(3)), 1e-3)
    assert min(seconds(16_000) for _ in range(2)) < 30 * short  # of a square, 64


def test_text_in_another_encoding_is_decoded():
    text = "2026-01-15 14:31:05 ERROR geschlossen: Kasse 3 \u2013 leer\r\n"
    for encoding in ("utf-16", "utf-16-le", "utf-16-be"):
        block = text.encode(encoding)
        if encoding != "utf-16":
            block = "\ufeff".encode(encoding) + block
        assert list(clean_lines(block, encoding_of(block))) == [(text.strip(), False)]
    assert decode(b"\xef\xbb\xbfready") == "ready"


def test_a_progress_bar_is_its_last_state():
    block = (
        b"  5%|\r 50%|\r100%|\rERROR: no\n" + b"\r".join(b"%d" % number for number in range(10**6)) + b"\r\n"
    )
    assert list(clean_lines(block)) == [("ERROR: no", False), ("999999", False)]


def test_a_level_and_a_tab_stand_before_the_time():
    line = parse("[ERROR]\t2026-01-15T14:31:05.250Z\t6cad4a26-8d11-4ece-a738-f7d93d9c1724\tno room")
    assert (line.level, line.at, line.message[-7:]) == ("ERROR", AT + 0.25, "no room")


def test_a_record_of_opentelemetry():
    line = parse(
        '{"timeUnixNano":"1768487465250000000","severityText":"ERROR","severityNumber":17,"body":"no room"}'
    )
    assert (line.level, line.message) == ("ERROR", "no room")
    assert line.at == pytest.approx(AT + 0.25)

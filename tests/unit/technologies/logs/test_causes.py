"""From the lines of a log to the cause that is named first, and to none where all is well."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from incident_lib.model import Finding, FindingSeverity, Hypothesis
from incident_lib.model.topology import Topology
from tests.unit.technologies.logs.logs_of import NOW, concluded


def lines(*forms: str, every: int = 10, since: int = 300) -> Iterator[str]:
    """Yield the forms again and again, each with its time: `{t}` as ISO, `{n}` as a number."""
    for number, ago in enumerate(range(since, 0, -every)):
        at = NOW - timedelta(seconds=ago)
        for form in forms:
            yield form.format(t=f"{at:%Y-%m-%d %H:%M:%S}", day=f"{at:%Y/%m/%d %H:%M:%S}", n=100 + number)


def first(*text: str, topology: Topology | None = None) -> Hypothesis:
    return concluded(*text, topology=topology).hypotheses[0]


def bad(*text: str) -> dict[str, Finding]:
    found = concluded(*text).findings
    return {each.id.removeprefix("logs.lines."): each for each in found if each.severity.is_bad}


SERVED = '{t} INFO: 10.0.0.7:5{n} - "GET /orders HTTP/1.1" 200 OK'
TRACE = "Traceback (most recent call last):\n  File \"/srv/app.py\", line 3, in load\nKeyError: 'PORT'"
FAILED = '{t} INFO: 10.0.0.7:5{n} - "GET /orders HTTP/1.1" 500 Internal Server Error'


@pytest.mark.parametrize(
    ("line", "cause", "words"),
    [
        (
            "psycopg.OperationalError: FATAL:  sorry, too many clients already",
            "db-connections-exhausted",
            "database of shop",
        ),
        (
            "pq: remaining connection slots are reserved for roles with the SUPERUSER attribute",
            "db-connections-exhausted",
            "no free connections",
        ),
        (
            'FATAL:  no pg_hba.conf entry for host "10.0.0.9", user "app", database "shop", no encryption',
            "db-credentials",
            "TLS",
        ),
        ('FATAL:  password authentication failed for user "app"', "db-credentials", "database of shop"),
        ("ERROR:  cannot execute INSERT in a read-only transaction", "db-read-only", "database of shop"),
        (
            "redis.exceptions.AuthenticationError: invalid username-password pair",
            "redis-credentials",
            "Redis of shop",
        ),
        ("OOM command not allowed when used memory > 'maxmemory'.", "redis-out-of-memory", "Redis of shop"),
        (
            "redis.exceptions.ConnectionError: Error 111 connecting to keys:6379. Connection refused.",
            "port-refused",
            "keys:6379",
        ),
        ("dial tcp 10.0.0.5:5432: connect: connection refused", "port-refused", "10.0.0.5:5432"),
        ("getaddrinfo ENOTFOUND mail.internal", "dns-failure", "mail.internal"),
        (
            "x509: certificate has expired or is not yet valid: https://fx.example/rate",
            "tls-expired",
            "fx.example",
        ),
        ("java.lang.OutOfMemoryError: Java heap space", "out-of-memory", "allocation"),
        ("shop.service: Failed with result 'oom-kill'.", "out-of-memory", "memory"),
        (
            "HY000 could not resize shared memory segment: No space left on device",
            "db-shared-memory",
            "/dev/shm",
        ),
        (
            "Memory cgroup out of memory: Killed process 812 (ruby) total-vm:81kB, anon-rss:79kB",
            "out-of-memory",
            "memory",
        ),
        ("Memory limit of 512 MiB exceeded with 530 MiB used.", "out-of-memory", "platform"),
    ],
)
def test_a_cause_that_the_log_names_comes_before_its_symptom(line, cause, words):
    named = first(*lines(SERVED, FAILED, "{t} ERROR " + line.replace("{", "{{")))
    assert (named.id, named.target) == (cause, "shop")
    assert words in named.title


def test_a_configured_database_is_blamed_and_not_the_one_that_a_log_alone_knows():
    graph = Topology(kinds={"shop": "process", "ledger": "postgres"}, depends_on={"shop": ("ledger",)})
    full = "{t} ERROR FATAL:  sorry, too many clients already"
    named = concluded(*lines(FAILED, full), topology=graph).hypotheses
    assert (named[0].id, named[0].target) == ("db-connections-exhausted", "ledger")
    assert "shop" not in {each.target for each in named if each.id == named[0].id}


NGINX = (
    '{day} [error] 31#31: *{n} %s, client: 10.1.1.1, server: shop.test, request: "GET /a HTTP/1.1", '
    'upstream: "http://10.9.0.4:9000/a", host: "shop.test"'
)


@pytest.mark.parametrize(
    ("words", "said", "action"),
    [
        (
            "upstream prematurely closed connection while reading response header from upstream",
            "drops",
            "log of 10.9.0.4:9000",
        ),
        (
            "upstream timed out (110: Connection timed out) while reading response header from upstream",
            "in time",
            "log of",
        ),
        (
            "upstream sent too big header while reading response header from upstream",
            "buffer",
            "proxy_buffer_size",
        ),
        ("no live upstreams while connecting to upstream", "upstream", "log of"),
        (
            "connect() failed (111: Connection refused) while connecting to upstream",
            "refuses",
            "Start the service that should listen",
        ),
    ],
)
def test_a_proxy_blames_its_upstream_and_has_no_feature_to_switch_off(words, said, action):
    access = '10.1.1.1 - - [15/Jan/2026:14:4{0}:00 +0000] "GET /a HTTP/1.1" 502 157 "-" "curl/8"'
    log = [*lines(NGINX % words), *(access.format(minute) for minute in range(5))]
    ranked = concluded(*log).hypotheses
    assert said in ranked[0].title
    assert action in ranked[0].first_action
    for each in ranked:
        assert "exception" not in each.next_check
        assert "Switch off" not in each.first_action


def test_a_proxy_that_names_no_error_is_seen_through():
    access = '10.1.1.1 - - [15/Jan/2026:14:4{0}:{1:02} +0000] "GET /a HTTP/1.1" {2} 157 "-" "curl/8"'
    log = [
        access.format(minute, second, 504 if minute > 2 else 200)
        for minute in range(5)
        for second in range(30)
    ]
    named = first(*log)
    assert (named.id, "upstream" in named.next_check) == ("endpoint-error", True)


@pytest.mark.parametrize(
    ("forms", "title"),
    [
        (
            (
                "[{t} +0000] [1] [CRITICAL] WORKER TIMEOUT (pid:{n})",
                "[{t} +0000] [1] [WARNING] Worker with pid {n} was terminated due to signal 6",
            ),
            "30 did not answer",
        ),
        (
            (
                "[{t} +0000] [1] [CRITICAL] WORKER TIMEOUT (pid:{n})",
                "[{t} +0000] [1] [ERROR] Worker (pid:{n}) was sent SIGKILL! Perhaps out of memory?",
            ),
            "30 did not answer",
        ),
        (
            ("{t} WARNING asyncio Executing <Task pending name='Task-{n}' coro=<job()>> took 4.310 seconds",),
            "event loop",
        ),
    ],
)
def test_blocked_workers_are_blocked_and_not_dead(forms, title):
    analysis = concluded(*lines(SERVED, *forms))
    assert analysis.hypotheses[0].id == "event-loop-blocked"
    assert title in analysis.hypotheses[0].title
    assert not [each for each in analysis.hypotheses if each.id in {"worker-killed", "crash-loop"}]


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        ((0.512,), "logged once, for 5.. ms"),
        ((0.1, 0.5, 0.5, 0.5, 7.5), "logged 5 times, for (49|50|51). ms typically and 7.[456] s at worst"),
    ],
)
def test_how_long_steps_blocked_the_event_loop_is_part_of_the_finding(steps, words):
    form = "{t} WARNING asyncio: Executing <Task pending name='T' coro=<job()>> took %.3f seconds"
    found = bad(*lines(SERVED, since=100), *(line for took in steps for line in lines(form % took, since=10)))
    finding = found["class.slow_steps"]
    assert re.search(words, finding.title)
    assert finding.data["duration_max_seconds"] == pytest.approx(max(steps), rel=0.03)
    assert finding.data["duration_p50_seconds"] == pytest.approx(sorted(steps)[len(steps) // 2], rel=0.03)


@pytest.mark.parametrize(
    ("forms", "every", "said"),
    [
        (("[{t} +0000] [{n}] [INFO] Booting worker with pid: {n}",), 1, "300 times, once a second"),
        (
            ("{t} INFO spawned: 'web' with pid {n}", "{t} WARN exited: web (exit status 1; not expected)"),
            8,
            "38 times, every 8 s",
        ),
        (
            (
                "{t} INFO:     Started server process [{n}]",
                "{t} ERROR:    Application startup failed. Exiting.",
            ),
            20,
            "15 times, every 20 s",
        ),
        (
            (
                "{t} web.service: Scheduled restart job, restart counter is at {n}.",
                "{t} web.service: Failed with result 'exit-code'.",
            ),
            30,
            "10 times, every 30 s",
        ),
    ],
)
def test_a_loop_of_starts_is_seen_by_its_rate(forms, every, said):
    analysis = concluded(*lines(*forms, every=every))
    loop = next(each for each in analysis.findings if each.id == "logs.lines.server.boot_loop")
    assert loop.severity is FindingSeverity.CRITICAL
    assert said in loop.title
    assert analysis.hypotheses[0].id == "crash-loop"
    assert said in analysis.hypotheses[0].title


def test_a_loop_names_the_exception_that_ends_each_start_or_that_there_is_none():
    start = "{t} INFO: Started server process [{n}]"
    error = "{t} ERROR startup\n" + TRACE
    raised = [line for text in lines(start, error) for line in text.split("\n")]
    assert "KeyError" in first(*raised).next_check
    assert "memory" in first(*lines(start)).next_check


DEATHS = {
    "python": "Traceback (most recent call last):\n"
    '  File "/srv/app.py", line 9, in <module>\n    main()\n'
    '  File "/srv/app.py", line 3, in load\nKeyError: 1\n\n'
    "During handling of the above exception, another exception occurred:\n\n"
    + TRACE.replace(
        "line 3, in load", 'line 9, in <module>\n    main()\n  File "/srv/app.py", line 4, in load'
    ),
    "go": "panic: runtime error: index out of range [3] with length 2\n\ngoroutine 1 [running]:\n"
    "main.load(...)\n\t/srv/main.go:7 +0x1d\nmain.main()\n\t/srv/main.go:12 +0x1d\nexit status 2",
    "rust": "thread 'main' panicked at src/main.rs:4:5:\nno port\nnote: run with `RUST_BACKTRACE=1`",
    "java": 'Exception in thread "main" java.lang.IllegalStateException: no port\n'
    "\tat shop.Main.load(Main.java:7)\n\tat shop.Main.main(Main.java:3)",
    "node": '/srv/app.js:3\n    throw new Error("no port");\n    ^\n\nError: no port\n'
    "    at Object.<anonymous> (/srv/app.js:3:9)\n"
    "    at Module._compile (node:internal/modules/cjs/loader:1105:14)\n"
    "    at node:internal/main/run_main_module:17:47\n\nNode.js v18.1.0",
}
REGULAR = tuple(range(300, 0, -5))


def stamped(text: str, ago: float) -> list[str]:
    """Return the lines as a container engine keeps them: it knows when, the program does not say."""
    at = NOW - timedelta(seconds=ago)
    return [f"{at:%Y-%m-%dT%H:%M:%S.%f}000Z stderr F {line}" for line in text.split("\n")]


def loop_in(*lines: str) -> Finding | None:
    found = concluded(*lines).findings
    return next((each for each in found if each.id == "logs.lines.server.boot_loop"), None)


@pytest.mark.parametrize("death", DEATHS.values(), ids=DEATHS)
def test_a_log_of_nothing_but_the_traceback_that_ends_each_start_is_a_loop(death):
    log = [line for ago in REGULAR for line in stamped(death, ago)]
    loop = loop_in(*log)
    assert loop is not None
    assert loop.severity is FindingSeverity.CRITICAL
    assert "60 times, every 5 s, and logged nothing else" in loop.title
    named = first(*log)
    assert named.id == "crash-loop"
    assert "Why does it end with " in named.next_check


@pytest.mark.parametrize(
    ("ages", "is_loop"),
    [
        (REGULAR, True),
        (tuple(range(900, 0, -30)), True),
        (tuple(number / 4 for number in range(200, 0, -1)), True),  # several times a second
        (tuple(range(50, 0, -5)), True),
        (tuple(range(45, 0, -5)), False),  # nine times: too few to see a rate
        (tuple(range(880, 0, -60)), False),  # by cron
        ((300, 297, 280, 274, 273, 240, 199, 198, 180, 140, 139, 112, 80, 77, 30, 4), False),  # by requests
        ((480, 240, 120, 60, 30, 15, 8, 4, 2, 1), False),  # waits longer each time
    ],
)
def test_only_ends_at_a_steady_rate_are_a_loop(ages, is_loop):
    log = [line for ago in ages for line in stamped(DEATHS["python"], ago)]
    assert (loop_in(*log) is not None) == is_loop


@pytest.mark.parametrize(
    ("trace", "others"),
    [
        (TRACE, ()),  # begins where it was caught
        (f"ERROR:    job failed\n{DEATHS['python']}", ()),
        (DEATHS["python"], ('INFO:     10.0.0.7:51000 - "GET /orders HTTP/1.1" 500 Internal Server Error',)),
        (DEATHS["python"], ("took order 17",)),
        (DEATHS["python"], (DEATHS["java"],)),
        (DEATHS["rust"].replace("'main'", "'tokio-runtime-worker'"), ()),
        (DEATHS["java"].replace('"main"', '"pool-1-thread-3"'), ()),
    ],
)
def test_tracebacks_of_a_program_that_goes_on_are_no_loop(trace, others):
    log = [line for ago in REGULAR for text in (trace, *others) for line in stamped(text, ago)]
    assert loop_in(*log) is None


def test_a_loop_of_tracebacks_that_ended_is_past():
    loop = loop_in(*(line for ago in REGULAR for line in stamped(DEATHS["python"], ago + 300)))
    assert loop is not None
    assert loop.severity is FindingSeverity.INFO
    assert "not since" in loop.title


@pytest.mark.parametrize(
    ("forms", "every"),
    [
        (
            (
                "[{t} +0000] [{n}] [INFO] Autorestarting worker after current request.",
                "[{t} +0000] [{n}] [INFO] Booting worker with pid: {n}",
            ),
            5,
        ),
        (("[{t} +0000] [{n}] [INFO] Booting worker with pid: {n}",), 60),
        (
            (
                "[{t} +0000] [1] [CRITICAL] WORKER TIMEOUT (pid:{n})",
                "[{t} +0000] [{n}] [INFO] Booting worker with pid: {n}",
            ),
            5,
        ),
        (  # uvicorn's workers under gunicorn
            (
                "[{t} +0000] [{n}] [WARNING] Maximum request limit of 1000 exceeded. Terminating process.",
                "[{t} +0000] [{n}] [INFO] Booting worker with pid: {n}",
                "[{t} +0000] [{n}] [INFO] Started server process [{n}]",
                "[{t} +0000] [{n}] [INFO] Application startup complete.",
            ),
            5,
        ),
    ],
)
def test_workers_that_are_replaced_for_a_reason_are_no_loop(forms, every):
    assert "server.boot_loop" not in bad(*lines(SERVED, *forms, every=every))


def test_a_server_with_many_workers_that_was_deployed_twice_is_no_loop():
    starts = [
        f"{NOW - timedelta(seconds=ago + worker):%Y-%m-%d %H:%M:%S} INFO: Started server process [{worker}]"
        for ago in (600, 200)
        for worker in range(8, 0, -1)
    ]
    assert bad(*starts) == {}


def test_a_loop_that_ended_is_reported_as_past():
    log = [*lines("{t} INFO: Started server process [{n}]", since=800)][:40]
    found = concluded(*log, *lines(SERVED, since=380)).findings
    loop = next(each for each in found if each.id == "logs.lines.server.boot_loop")
    assert loop.severity is FindingSeverity.INFO
    assert "not since" in loop.title


@pytest.mark.parametrize(
    "events",
    [
        (
            "[{t} +0000] [1] [INFO] Handling signal: term",
            "[{t} +0000] [1] [ERROR] Worker (pid:8) was sent SIGTERM!",
            "[{t} +0000] [1] [INFO] Shutting down: Master",
            "[{t} +0000] [1] [INFO] Starting gunicorn 23.0.0",
            "[{t} +0000] [7] [INFO] Booting worker with pid: 7",
        ),
        (
            "[{t} +0000] [1] [INFO] Handling signal: hup",
            "[{t} +0000] [1] [WARNING] Worker with pid 9 was terminated due to signal 15",
        ),
        (
            "{t} INFO stopped: web (terminated by SIGTERM)",
            "{t} INFO spawned: 'web' with pid 21",
            "{t} INFO success: web entered RUNNING state",
        ),
        (
            "{t} web.service: Main process exited, code=exited, status=143/n/a",
            "{t} web.service: Failed with result 'exit-code'.",
        ),
        (
            "{t} UTC [9] FATAL:  terminating connection due to administrator command",
            "{t} UTC [1] LOG:  database system is shut down",
            "{t} UTC [2] LOG:  database system is ready to accept connections",
        ),
        (
            "{t} Stopping web.service - Web...",
            "{t} web.service: Deactivated successfully.",
            "{t} Started web.service - Web.",
        ),
    ],
)
def test_what_a_supervisor_does_on_purpose_is_no_alarm(events):
    log = [*lines(SERVED)]
    at = len(log) // 2
    deploy = [*lines(*events, since=160)][: len(events)]
    analysis = concluded(*log[:at], *deploy, *log[at:])
    assert not [each for each in analysis.findings if each.severity.is_bad]
    assert analysis.hypotheses == ()


@pytest.mark.parametrize(
    "line",
    [
        "{t} ERROR the ledger and the till differ by {n} cents",
        "{t} UTC [71] ERROR:  the frobnicator is out of plumbus {n}",
        '{{"time": "{t}Z", "level": "error", "msg": "tax table of year {n} is empty"}}',
    ],
)
def test_a_frequent_error_that_no_class_knows_is_a_warning_with_its_words(line):
    analysis = concluded(*lines("{t} INFO all is well", "{t} INFO all is well", line))
    warning = next(each for each in analysis.findings if each.id == "logs.lines.unknown_error")
    assert (warning.severity, warning.data["count"]) == (FindingSeverity.WARNING, 30)
    assert "30 times (33 %" in warning.title
    assert analysis.hypotheses[0].id == "unknown-error"


def test_errors_of_a_known_class_a_few_and_those_of_an_exception_are_no_unknown_ones():
    calm = "{t} INFO all is well"
    assert "unknown_error" not in bad(*lines(calm, "{t} ERROR OSError: [Errno 24] Too many open files"))
    assert "unknown_error" not in bad(*lines(calm, every=2), *lines("{t} ERROR odd", every=40))
    raised = [line for text in lines(calm, "{t} ERROR it broke\n" + TRACE) for line in text.split("\n")]
    assert "unknown_error" not in bad(*raised)


@pytest.mark.parametrize(("count", "is_bad"), [(9, False), (10, True)])
def test_an_unknown_error_is_frequent_from_ten_on(count, is_bad):
    log = [*lines("{t} ERROR the till is open")][:count]
    assert ("unknown_error" in bad(*log)) == is_bad


@pytest.mark.parametrize(("others", "is_bad"), [(490, True), (491, False)])
def test_an_unknown_error_is_frequent_by_its_share(others, is_bad):
    log = [*lines("{t} ERROR the till is open", every=50, since=790)][:10]
    calm = [*lines("{t} INFO all is well", every=1, since=800)][:others]
    assert ("unknown_error" in bad(*calm, *log)) == is_bad


@pytest.mark.parametrize(
    ("ending", "cause", "said"),
    [
        ("{t} web.service: Failed with result 'exit-code'.", "crash-loop", "exited on its own"),
        ("web-1 exited with code 137", "worker-killed", "signal 9"),
        (
            "kernel: [9.1] php-fpm[812]: segfault at 0 ip 0007f sp 0007f error 4 in libc.so.6[7f+1]",
            "worker-killed",
            "crashed",
        ),
        (
            "{t} UTC [1] LOG:  server process (PID 71) was terminated by signal 9: Killed",
            "worker-killed",
            "database shop",
        ),
        ("{t} ERROR:    Application startup failed. Exiting.", "start-failed", "fails to start"),
        (
            "{t} INFO gave up: web entered FATAL state, too many start retries too quickly",
            "start-failed",
            "gave up",
        ),
    ],
)
def test_an_end_that_was_not_meant_is_named(ending, cause, said):
    named = first(*lines(SERVED), *lines(ending, since=5))
    assert (named.id, said in named.title) == (cause, True)


def test_a_proxy_with_json_lines_has_no_exceptions_either():
    form = (
        '{{"level":"error","ts":"{t}","logger":"http.log.error","msg":"dial tcp 10.2.0.9:9090: connect: '
        'connection refused","request":{{"method":"GET","uri":"/metrics"}},"status":502,"duration":0.001}}'
    )
    ranked = concluded(*lines(form)).hypotheses
    assert ranked[0].id == "port-refused"
    assert not any("first failing request" in each.next_check for each in ranked)


def test_a_loop_of_starts_without_an_error_line_quotes_what_is_known_of_its_end():
    forms = (
        "{t} INFO spawned: 'web' with pid {n}",
        "{t} WARN Error: listen EADDRINUSE: address already in use :::80",
    )
    assert (
        "EADDRINUSE" in first(*lines(*forms, "{t} WARN exited: web (exit status 1; not expected)")).next_check
    )


def test_a_loop_of_starts_quotes_what_a_line_without_a_level_says_of_its_end():
    forms = (
        "{t} web1 systemd[1]: Started report.service - Report.",
        "{t} web1 systemd[4{n}]: report.service: Failed to execute /srv/bin/report: No such file",
        "{t} web1 systemd[1]: report.service: Failed with result 'exit-code'.",
    )
    check = first(*lines(*forms)).next_check
    assert "Failed to execute /srv/bin/report" in check
    assert "without logging anything" not in check
    assert "without logging anything" in first(*lines(forms[0], forms[2])).next_check


def test_what_the_kernel_calls_info_may_be_an_error():
    form = (
        "Jan 15 14:4{minute}:05 db1 kernel: [9.1] INFO: task jbd2/sda1:412 blocked for more than 120 seconds."
    )
    named = first(*(form.format(minute=minute) for minute in range(5)))
    assert (named.id, "stuck" in named.title) == ("logged-error", True)


def test_a_database_that_recovered_by_itself_is_not_restarted():
    killed = "{t} UTC [1] LOG:  server process (PID 71) was terminated by signal 9: Killed"
    assert "do not restart it" in first(*lines(killed, since=5)).first_action


MONGO = (
    '{{"t":{{"$date":"{iso}.120Z"}},"s":"I","c":"REPL_HB","id":23974,"ctx":"r-1","msg":"Heartbeat failed",'
    '"attr":{{"target":"docs-2:27017","error":{{"code":6,"errmsg":"Error connecting to docs-2:27017 '
    '(10.0.0.8:27017) :: caused by :: Connection refused"}}}}}}'
)
LOG4J = (
    '{{"instant":{{"epochSecond":{epoch},"nanoOfSecond":5}},"level":"ERROR","loggerName":"a.Till","thrown":'
    '{{"name":"java.net.ConnectException","message":"Connection refused","extendedStackTrace":'
    '[{{"class":"a.Till","method":"pay","file":"Till.java","line":7}}]}},"message":"no payment"}}'
)
LARAVEL = """[{t}] production.ERROR: SQLSTATE[HY000] [2002] Connection refused (SQL: select 1)\
 {{"exception":"[object] (Illuminate\\\\QueryException(code: 2002): SQLSTATE[HY000] [2002]\
 Connection refused at /srv/vendor/a/Connection.php:829)
[stacktrace]
#0 /srv/vendor/a/Connection.php(783): a->run('select', Array)
#1 /srv/app/Cart.php(31): a->first()
#2 {{main}}
"}}"""
CLICKHOUSE = """{dots}.100200 [ 71 ] {{8bef-1}} <Error> executeQuery: Code: 241. DB::Exception: Memory limit\
 (total) exceeded: would use 28.27 GiB (MEMORY_LIMIT_EXCEEDED), Stack trace:

0. DB::Exception::Exception(int, bool) @ 0x000000000cf5af1b
1. MemoryTracker::allocImpl(long) @ 0x000000000cfe7a7e"""
ISTIO = (
    '{{"authority":"cart:80","method":"GET","path":"/cart","response_code":503,"response_flags":"UF",'
    '"response_code_details":"upstream_reset","start_time":"{iso}.5Z","upstream_host":null,'
    '"upstream_cluster":"outbound|8080||cart.shop.svc","duration":3}}'
)
ENVOY = (
    '[{iso}.123Z] "GET /cart HTTP/1.1" 503 UF,URX 0 91 5012 - "-" "curl" "7d35-{n}" "cart" "10.0.0.8:8080"'
)
AGROAL = """{t},100 ERROR [a.ErrorHandler] (executor-thread-1) Request to /cart failed: a.JDBCException: no
\tat org.hibernate.a.Converter.convert(Converter.java:63)
\tat shop.Cart.load(Cart.java:41)
Caused by: java.sql.SQLException: Acquisition timeout while waiting for new connection
\tat io.agroal.pool.ConnectionPool.handlerFromSharedCache(ConnectionPool.java:320)"""
RAISED = """{t},100 ERROR [a.ErrorHandler] (executor-thread-1) no price for {n}: a.PriceError: none at {n}
\tat shop.Price.of(Price.java:41)"""
NEXT = """web-1  | {iso}.5Z  \u2a2f TypeError: fetch failed
web-1  | {iso}.5Z     at async u (/srv/.next/server/page.js:1:41) {{
web-1  | {iso}.5Z   [cause]: Error: getaddrinfo ENOTFOUND texts.internal
web-1  | {iso}.5Z       at GetAddrInfoReqWrap.onlookupall (node:dns:120:26)
web-1  | {iso}.5Z   }}
web-1  | {iso}.5Z }}
web-1  | {iso}.5Z  GET /cart 200 in 41ms"""


@pytest.mark.parametrize(
    ("form", "cause", "words", "of"),
    [
        (MONGO, "port-refused", "docs-2:27017", "class.connect_refused"),
        (LOG4J, "port-refused", "refuses", "exception"),
        (LARAVEL, "port-refused", "refuses", "exception"),
        (CLICKHOUSE, "out-of-memory", "allocation", "class.memory_error"),
        (ISTIO, "port-refused", "cart.shop.svc:8080", "errors"),
        (ENVOY, "port-refused", "10.0.0.8:8080", "errors"),
        (NEXT, "dns-failure", "texts.internal", "class.name_resolution"),
        ("{t} FEHLER [Kasse] Verbindung zu 10.0.0.8:5433: Verbindungsaufbau abgelehnt",
         "port-refused", "10.0.0.8:5433", "error_lines"),
        (AGROAL, "app-pool-exhausted", "connection pool", "class.pool_timeout"),
        (RAISED, "unknown-error", "a.PriceError", "exception"),
        (
            '{t} +0000 [warn]: #0 no flush: error="Connection refused - connect(2) for 10.0.0.8:9200 "',
            "port-refused",
            "10.0.0.8:9200",
            "class.connect_refused",
        ),
        (
            "{syslog} mx dovecot: auth(41{n}): Error: Password query failed: Not connected to database",
            "unknown-error",
            "Not connected to database",
            "unknown_error",
        ),
        (
            "{iso}.5Z \u2502 Error: modifying shop: https response error, api error AccessDenied: User: ci",
            "logged-error",
            "refuses the login",
            "class.upstream_denied",
        ),
        (
            'level=error ts={iso}.5Z msg="not sent" error="returned HTTP status 429 Too Many Requests"',
            "logged-error",
            "rejects requests: rate limit",
            "class.rate_limited",
        ),
        ("{iso}.5Z [ERROR] agent.http: Request error: from=10.0.0.4:511{n} error=\"No cluster leader\"",
         "logged-error", "no leader, and serves no writes", "class.no_leader"),
        ("[1] {day}.000001 [INF] 10.0.0.4:4 - cid:{n} - Slow Consumer Detected: WriteDeadline of 10s",
         "logged-error", "reads too slowly", "class.slow_consumer"),
    ],
)  # fmt: skip
def test_a_program_logs_the_cause_in_its_format(form: str, cause: str, words: str, of: str) -> None:
    text = [
        line
        for number, ago in enumerate(range(300, 0, -10))
        for line in form.format(**_moments(NOW - timedelta(seconds=ago)), n=100 + number).split("\n")
    ]
    hypothesis = first(*text)
    assert (hypothesis.id, words in hypothesis.title) == (cause, True)
    found = bad(*text)[of]
    assert re.search(r"\b30\b", found.title)
    assert "10.0.0.4" not in found.title


def _moments(at: datetime) -> dict[str, str]:
    return {
        "t": f"{at:%Y-%m-%d %H:%M:%S}",
        "iso": f"{at:%Y-%m-%dT%H:%M:%S}",
        "day": f"{at:%Y/%m/%d %H:%M:%S}",
        "syslog": f"{at:%b %d %H:%M:%S}",
        "dots": f"{at:%Y.%m.%d %H:%M:%S}",
        "epoch": str(int(at.timestamp())),
    }


def test_a_field_that_is_null_in_one_line_is_read_as_a_document_in_the_next() -> None:
    calm = '{"time":"2026-01-15T14:40:00Z","level":"info","msg":"paid","err":null}'
    error = (
        '{"time":"2026-01-15T14:41:00Z","level":"error","msg":"no",'
        '"err":{"message":"x509: certificate has expired or is not yet valid"}}'
    )
    assert "class.tls_expired" in bad(calm, *[error] * 5)


def test_a_broker_whose_alarm_is_cleared_has_no_trouble() -> None:
    served = [*lines("{t} [info] <0.7.0> connection accepted")]
    alarm = "{} [warning] <0.3.0> memory resource limit alarm set on node rabbit@hare."
    clear = "{} [warning] <0.3.0> memory resource limit alarm cleared on node rabbit@hare"
    at = [f"{NOW - timedelta(seconds=ago):%Y-%m-%d %H:%M:%S}" for ago in (290, 200)]
    assert bad(alarm.format(at[0]), *served).keys() == {"class.broker_blocked"}
    assert not bad(alarm.format(at[0]), clear.format(at[1]), *served)


def test_warnings_that_begin_are_not_nothing_unusual() -> None:
    calm = list(lines("{t} INFO batch {n} done", since=600))[:30]
    warned = list(lines("{t} WARNING batch {n} went to the second shelf"))
    found = {each.id.removeprefix("logs.lines."): each for each in concluded(*calm, *warned).findings}
    assert found.keys() == {"warned"}
    assert found["warned"].severity is FindingSeverity.INFO
    assert "30 lines (50 %) are warnings" in found["warned"].title
    some = [line for each in warned for line in (each, *[each.replace("WARNING", "INFO")] * 14)]
    assert "warned" in {each.id.removeprefix("logs.lines.") for each in concluded(*calm, *some).findings}
    both = list(lines("{t} INFO batch {n} done", "{t} WARNING batch {n} went to the second shelf"))
    assert {each.id for each in concluded(*both).findings} == {"logs.lines.ok"}  # it always writes them


def test_the_error_behind_a_request_is_classed() -> None:
    line = (
        '{t} ERROR [api] "GET /items" 500: (psycopg.OperationalError) FATAL:  sorry, too many clients already'
    )
    assert "class.db_too_many_clients" in bad(*lines(line))

"""Events of servers, and lines that only seem to report any."""

import re

import pytest

from incident_lib.errors import ConfigError
from incident_lib.model import FindingSeverity
from incident_lib.resources import resource
from incident_lib.technologies.logs.probes.events import ServerEvent, event_of, parse_events, server_events
from incident_lib.technologies.logs.probes.scan import Scan
from tests.unit.technologies.logs.logs_of import concluded


@pytest.mark.parametrize(
    "message",
    [
        "Failed password for root from 203.0.113.9 port 40022 ssh2",
        "Invalid user admin from 203.0.113.9 port 40022",
        "error: kex_exchange_identification: Connection closed by remote host",
        "banner exchange: Connection from 203.0.113.9 port 40022: invalid format",
        "Unable to negotiate with 203.0.113.9 port 40022: no matching host key type found.",
    ],
)
def test_what_strangers_try_at_ssh_is_one_event(message: str) -> None:
    assert event_of(message) == "login_probed"


@pytest.mark.parametrize(
    "message",
    [
        "statement: ALTER TABLE orders ADD COLUMN note text",
        "statement: create index concurrently orders_by_day on orders (day)",
        "statement: /* 0007 */ CREATE UNIQUE INDEX a ON b (c)",
        "statement: -- step 2\n  DROP TABLE old_orders",
        "duration: 12.345 ms  statement: CREATE OR REPLACE VIEW v AS SELECT 1",
        "execute <unnamed>: ALTER TABLE orders DROP COLUMN note",
        "execute asyncpg_1: CREATE MATERIALIZED VIEW v AS SELECT 1",
        "Running upgrade 1975ea83b712 -> ae1027a6acf, Add a column",
        "Running upgrade  -> 1975ea83b712, first",
        "  Applying shop.0002_order_note... OK",
        'Migrating schema "public" to version "2 - orders"',
        "ChangeSet db/changelog.xml::1::ann ran successfully in 12ms",
        "== 20260115143000 AddNoteToOrders: migrating ====",
        "Applying migration `20260115143000_orders`",
    ],
)
def test_changes(message: str) -> None:
    assert event_of(message) == "schema_change"


@pytest.mark.parametrize(
    "message",
    [
        "statement: SELECT 'ALTER TABLE orders'",
        "statement: UPDATE orders SET note = 'drop table x'",
        "statement: CREATE TEMP TABLE t (id int)",
        "statement: ALTER ROLE app PASSWORD 'x'",
        "statement: TRUNCATE orders",
        "STATEMENT:  ALTER TABLE orders ADD COLUMN note text",  # of an error: it did not happen
        "Applying discount to order 1234_5",
        "Running upgrade of the house",
        "we will ALTER TABLE orders tomorrow",
        "",
    ],
)
def test_no_changes(message: str) -> None:
    assert event_of(message) != "schema_change"


@pytest.mark.parametrize("row", server_events().values(), ids=lambda row: row.id)
def test_each_event_has_a_line_that_reports_it(row: ServerEvent) -> None:
    assert event_of(row.example) == row.id
    assert row.title


# An event, and a line that reports it.
LINES = r"""
kernel_oom_kill [1234567.890] Memory cgroup out of memory: Killed process 812 (node) total-vm:912344kB, anon-rss:262144kB
kernel_oom_kill Out of memory: Kill process 77 (java) score 912 or sacrifice child
kernel_oom_kill 2026-01-15T14:30:00.1Z container oom 4f1d2c3b4a59 (image=shop:2, name=shop-web-1)
unit_oom_kill ledger.service: Failed with result 'oom-kill'.
unit_oom_kill Last State: Terminated, Reason: OOMKilled, Exit Code: 137
unit_oom_kill {"reason":"OOMKilled","containerID":"containerd://4f1d"}
start_limit gave up: mailer entered FATAL state, too many start retries too quickly
start_limit ledger.service: Start request repeated too quickly.
start_limit PM2 | Script /srv/app.js had too many unstable restarts (16). Stopped. "errored"
process_killed exited: mailer (terminated by SIGKILL; not expected)
process_killed ledger.service: Main process exited, code=killed, status=9/KILL
process_killed api-1 exited with code 137
process_killed heroku[web.1]: Process exited with status 137
unit_failed ledger.service: Failed with result 'watchdog'.
unit_failed ledger.service: Failed with result 'core-dump'.
unit_failed exited: mailer (exit status 3; not expected)
unit_failed api-1 exited with code 1
unit_failed api exited with code 139 (restarting)
unit_failed heroku[web.1]: State changed from starting to crashed
unit_failed container die 4f1d2c3b4a59 (execDuration=2, exitCode=1, image=shop:2, name=web)
respawns_fast worker respawning too fast !!! i have to sleep a bit (3 seconds)...
respawns_fast failed processes threshold (10 in 60 sec) is reached, initiating reload
respawns_fast Tue Jan 13 10:00:00 2026 - worker respawning too fast !!! i have to sleep a bit (2 seconds)...
startup_failed [ERROR] App failed to load.
startup_failed unable to load app 0 (mountpoint='') (callable not found or import error)
startup_failed (98)Address already in use: AH00072: make_sock: could not bind to address [::]:80
startup_failed systemd[1]: Failed to start ledger.service - Ledger.
startup_failed worker process 12 exited with fatal code 2 and cannot be respawned
worker_timeout Tue Jan 13 10:00:00 2026 - *** HARAKIRI ON WORKER 2 (pid: 71, try: 1, graceful: no) ***
worker_timeout [pool www] child 71, script '/srv/index.php' (request: "GET /index.php") execution timed out (31.2 sec), terminating
worker_timeout [1] ! Terminating timed out worker (Worker 2 failed to check in within 60 seconds): 71
worker_timeout worker=2 PID:71 timeout (61s > 60s), killing
task_limit [2026-01-15 14:31:05,000: ERROR/MainProcess] Hard time limit (30s) exceeded for mail.send[4f1d]
worker_lost Task handler raised error: WorkerLostError('Worker exited prematurely: signal 9 (SIGKILL) Job: 3.')
worker_lost billiard.exceptions.WorkerLostError: Worker exited prematurely: exitcode 155 Job: 9.
worker_aborted Worker with pid 71 was terminated due to signal 6
worker_aborted Worker (pid:71) was sent SIGABRT!
worker_aborted worker process 71 exited on signal 6 (core dumped)
worker_stopped Worker with pid 71 was terminated due to signal 15
worker_stopped worker 2 killed successfully (pid: 71)
worker_stopped worker 2 buried after 1 seconds
worker_stopped worker process 71 exited with code 0
worker_stopped [pool www] child 71 exited on signal 15 (SIGTERM) after 12.3 seconds from start
worker_stopped [WARNING] (1) : Current worker (71) exited with code 143 (Terminated)
worker_stopped Terminated child process [71]
worker_recycled Maximum request limit of 1000 exceeded. Terminating process.
worker_recycled ...The work of process 71 is done. Seeya!
worker_recycled ...The work of process 71 is done (max requests reached (5000/5000)). Seeya!
worker_recycled [pool www] child 71 exited with code 0 after 3600.123456 seconds from start
worker_recycled worker 2 lifetime reached, it was running for 3601 second(s)
worker_killed Worker with pid 71 was terminated due to signal 9
worker_killed DAMN ! worker 2 (pid: 71) died, killed by signal 9 :( trying respawn ...
worker_killed [pool www] child 71 exited on signal 9 (SIGKILL) after 12.3 seconds from start
worker_killed Process 'ForkPoolWorker-2' pid:71 exited with 'signal 9 (SIGKILL)'
worker_killed Moving job to FailedJobRegistry (Work-horse terminated unexpectedly; waitpid returned 9 (signal 9); )
worker_killed AH00052: child pid 71 exit signal Killed (9)
worker_died Worker (pid:71) exited with code 3
worker_died Worker (pid:71) was sent SIGSEGV!
worker_died DAMN ! worker 2 (pid: 71) died, killed by signal 11 :( trying respawn ...
worker_died DAMN ! worker 2 (pid: 71) died :( trying respawn ...
worker_died AH00052: child pid 71 exit signal Segmentation fault (11)
worker_died worker process 71 exited on signal 11 (core dumped)
worker_died Process 'ForkPoolWorker-2' pid:71 exited with 'exitcode 1'
worker_died worker 71 died
worker_start spawned uWSGI worker 2 (pid: 71, cores: 1)
worker_start Respawned uWSGI worker 2 (new pid: 71)
worker_start [pool www] child 71 started
worker_start - Worker 2 (PID: 71) booted in 1.52s, phase: 0
worker_start start worker process 71
boot spawned: 'mailer' with pid 71
boot ledger.service: Scheduled restart job, restart counter is at 12.
boot container start 4f1d2c3b4a59 (image=shop:2, name=shop-web-1)
boot started with pid 71
crash_recovery [Note] InnoDB: Starting crash recovery from checkpoint LSN=12345
crash_recovery LOG:  database system was not properly shut down; automatic recovery in progress
crash_recovery Detected unclean shutdown - Lock file is not empty
start *** Starting uWSGI 2.0.21 (64bit) on [Tue Jan 13 10:00:00 2026] ***
start Worker rq:worker:4f1d: started with PID 71, version 2.0.0
start process up: PgBouncer 1.22.0, libevent 2.1.12, adns: c-ares, tls: OpenSSL
ready celery@mail-1 ready.
ready AH00489: Apache/2.4.58 (Unix) configured -- resuming normal operations
running success: mailer entered RUNNING state, process has stayed up for > than 1 seconds (startsecs)
running App [api:0] online
running heroku[web.1]: State changed from starting to up
ready WSGI app 0 (mountpoint='') ready in 2 seconds on interpreter 0x5 pid: 71 (default app)
ready fpm is running, pid 1, ready to handle connections
stop stopped: mailer (terminated by SIGTERM)
stop signal 15 (SIGTERM) received from 1, exiting
stop AH00491: caught SIGTERM, shutting down
stop worker: Warm shutdown (MainProcess)
stop api-1 exited with code 143
failover promoted self to leader by acquiring session lock
failover Failover election won: I'm the new master.
failover LOG:  selected new timeline ID: 3
sentinel_failover 1:X 15 Jan 2026 14:30:00.000 # +switch-master till 192.0.2.7 6380 192.0.2.8 6380
sentinel_failover +failover-end master till 192.0.2.7 6380
sentinel_failover +failover-end-for-timeout master till redis-0.redis 6380
sentinel_no_answer 12:X 15 Jan 2026 14:30:00.000 # +sdown master till 192.0.2.7 6380
replica_start LOG:  entering standby mode
replica_start MASTER <-> REPLICA sync started
replica_start Before turning into a replica, using my own master parameters. REPLICAOF 10.0.0.7:6379 enabled
reload signal 1 (SIGHUP) received from 9, reconfiguring
reload AH00493: SIGUSR1 received.  Doing graceful restart
reload ...gracefully killing workers...
"""  # noqa: E501 - each is one line of a log


@pytest.mark.parametrize("line", LINES.strip().splitlines())
def test_each_event_is_known_in_the_words_of_its_program(line: str) -> None:
    expected, _, words = line.partition(" ")
    assert event_of(words) == expected


def test_what_a_supervisor_does_on_purpose_is_no_trouble() -> None:
    on_purpose = {row.id for row in server_events().values() if row.by_supervisor}
    assert on_purpose == {"unit_stopped", "worker_stopped", "worker_recycled"}
    for name in on_purpose:
        assert server_events()[name].severity is FindingSeverity.INFO


@pytest.mark.parametrize(
    "line",
    [
        "the child started to cry",
        "Started processing order 12",
        "order 12 exited with code 0 items",
        "a worker died in the mine (news)",
        "GET /exited?code=137 HTTP/1.1",
        "container started late, see the runbook",
        "we were ready. Nothing came",
        "OOMKilled: false",
        "stopped: thinking about it",
        "Child process [12] is fine",
    ],
)
def test_prose_is_no_event(line: str) -> None:
    assert event_of(line) == ""


ROW = """# an event
[[event]]
id = "boot"
title = "it started"
example = "up"
match = ["up"]
"""


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        ('title = "it started"', "title = 7", "my.toml: line 4: key `title`: expected `str`, got `int`"),
        ('match = ["up"]', "match = []", "line 6: key `match` of 'boot': expected an entry or more"),
        (
            'match = ["up"]',
            'match = [{ words = "up", pattern = "(?=x)" }]',
            "line 6: key `match` of 'boot': '(?=x)' is not a valid regular expression of RE2",
        ),
        (
            'match = ["up"]',
            'explained_by = ["gone"]\nmatch = ["up"]',
            "line 6: key `explained_by` of 'boot': there is no event 'gone'",
        ),
        ('match = ["up"]', 'severity = "BAD"\nmatch = ["up"]', "line 6: key `severity`: invalid enum value"),
        ("[[event]]", "[[evnt]]", "line 1: key `evnt`: object contains unknown field"),
    ],
)
def test_a_wrong_row_is_refused_with_its_line_and_key(right: str, wrong: str, message: str) -> None:
    assert parse_events(ROW, "my.toml")
    with pytest.raises(ConfigError) as caught:
        parse_events(ROW.replace(right, wrong), "my.toml")
    assert message in str(caught.value)


def test_the_file_of_events_is_valid() -> None:
    text = resource("templates", "log_events.toml").read_text(encoding="utf-8")
    assert parse_events(text, "log_events.toml") == tuple(server_events().values())
    for row in server_events().values():
        assert len(set(row.match)) == len(row.match), row.id


def test_words_hold_no_digits_as_lines_are_remembered_by_their_shape() -> None:
    for row in server_events().values():
        for entry in row.match:
            words = entry if isinstance(entry, str) else entry.words
            assert not re.search(r"\d", words), (row.id, words)


def test_lines_of_one_shape_report_different_events() -> None:
    scan = Scan(float("-inf"), float("inf"))
    for code in (0, 1, 137, 143):
        scan.feed(f"api-1 exited with code {code}")
    assert {name: tally.count for name, tally in scan.finish().events.items()} == {
        "stop": 2,
        "unit_failed": 1,
        "process_killed": 1,
    }


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("+switch-master till 192.0.2.7 6380 192.0.2.8 6380", "server.sentinel_failover"),
        ("+failover-end master till 192.0.2.7 6380", "server.sentinel_failover"),
        ("+sdown master till 192.0.2.7 6380", "server.sentinel_no_answer"),
        ("+odown master till 192.0.2.7 6380 #quorum 2/2", "class.redis_sentinel_down"),
        ("-failover-abort-not-elected master till 192.0.2.7 6380", "class.redis_failover_failed"),
    ],
)
def test_what_a_sentinel_does_about_a_primary_is_not_nothing_unusual(line: str, expected: str) -> None:
    lines = [f"9:X 15 Jan 2026 14:4{number}:05.125 # +new-epoch 12" for number in range(5)]
    analysis = concluded(*lines, f"9:X 15 Jan 2026 14:44:40.125 # {line}")
    found = {each.id.removeprefix("logs.lines."): each.severity for each in analysis.findings}
    assert found[expected] is FindingSeverity.WARNING
    assert "ok" not in found


def test_no_answer_before_a_failover_is_explained_by_it() -> None:
    analysis = concluded(
        "9:X 15 Jan 2026 14:44:30.125 # +sdown master till 192.0.2.7 6380",
        "9:X 15 Jan 2026 14:44:40.125 # +switch-master till 192.0.2.7 6380 192.0.2.8 6380",
    )
    found = {each.id.removeprefix("logs.lines."): each.severity for each in analysis.findings}
    assert found["server.sentinel_failover"] is FindingSeverity.WARNING
    assert found["server.sentinel_no_answer"] is FindingSeverity.INFO


@pytest.mark.parametrize(
    ("message", "event"),
    [
        ("Node.js v20.11.1", "uncaught"),
        ("***aborting after fassert() failure", "uncaught"),
        ("Unhandled exception. System.IO.IOException: no", "uncaught"),
        ("terminate called after throwing an instance of 'std::bad_alloc'", "uncaught"),
        ("running on Node.js v20.11.1 with 4 workers", ""),
        ("Unhandled exception. See the manual", ""),
    ],
)
def test_ends_by_an_error_that_nothing_caught(message: str, event: str) -> None:
    assert event_of(message) == event


_ENDS = (
    "[2026-01-15 14:40:00 +0000] [7] [INFO] Handling signal: term",
    "[2026-01-15 14:40:01 +0000] [21] [INFO] Worker exiting (pid: 21)",
    "[2026-01-15 14:40:01 +0000] [7] [INFO] Shutting down: Master",
)
_STARTS = (
    "[2026-01-15 14:35:00 +0000] [7] [INFO] Starting gunicorn 22.0.0",
    "[2026-01-15 14:35:00 +0000] [21] [INFO] Booting worker with pid: 21",
)


@pytest.mark.parametrize(
    ("lines", "in_good_order"),
    [
        ((*_STARTS, *_ENDS), True),
        (_ENDS, True),
        (_STARTS, False),
        ((*_ENDS, "[2026-01-15 14:40:02 +0000] [8] [INFO] Starting gunicorn 22.0.0"), False),
        ((*_ENDS, "[2026-01-15 14:41:00 +0000] [8] [INFO] anything later"), False),
        # A failure is why it stopped.
        ((*_STARTS, "[2026-01-15 14:39:59 +0000] [7] [CRITICAL] WORKER TIMEOUT (pid:21)", *_ENDS), False),
    ],
)
def test_a_log_that_ends_in_a_stop(lines: tuple[str, ...], *, in_good_order: bool) -> None:
    found = {finding.id: finding for finding in concluded(*lines).findings}
    assert ("logs.lines.stopped" in found) == in_good_order

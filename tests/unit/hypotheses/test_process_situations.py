"""Situations of plain processes, without Docker: logs as programs write them, beside what was measured."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import pytest

from incident_lib.findings.base import Context
from incident_lib.investigation.analyze import analyze
from incident_lib.model import Analysis, Evidence, EvidenceStatus, Hypothesis, Row
from incident_lib.model.topology import Topology
from incident_lib.technologies.host.rows import FileSystem, HostMemory
from incident_lib.technologies.http.rows import HealthPart, HttpAnswer
from incident_lib.technologies.logs.probes.records import rows
from incident_lib.technologies.logs.probes.scan import Scan
from incident_lib.technologies.network.rows import Certificate, NameAnswer, PortAnswer, TlsAnswer, Trust
from incident_lib.technologies.process.rows import ProcessState
from tests.unit.technologies.logs.logs_of import NOW, PATTERNS, WINDOW
from tests.unit.technologies.test_every_finding import record

GRAPH = Topology(
    kinds={"shop": "process", "bank": "outside", "machine": "host"},
    depends_on={"shop": ("bank",)},
    addresses={"bank": ("bank.example:443",)},
)
GIB = 2**30


def seen(target: str, probe: str, *found: Row) -> Evidence:
    return Evidence(
        probe=probe,
        target=target,
        status=EvidenceStatus.COLLECTED,
        collected_at=NOW,
        duration_seconds=0.1,
        source=f"{probe} of {target}",
        rows=found,
    )


def log_of(lines: Iterable[str], target: str = "shop") -> Evidence:
    scan = Scan(WINDOW.start.timestamp(), NOW.timestamp())
    for line in lines:
        scan.feed(line)
    return seen(target, "logs.lines", *rows(scan.finish()))


def concluded(*evidence: Evidence, topology: Topology = GRAPH) -> Analysis:
    return analyze(
        evidence,
        Context(window=WINDOW),
        snapshot="20260115T144500Z",
        topology=topology,
        patterns=PATTERNS,
    )


def first(*evidence: Evidence) -> Hypothesis:
    return concluded(*evidence).hypotheses[0]


def lines(*forms: str, every: int = 10, since: int = 300, until: int = 0) -> list[str]:
    moments = [NOW - timedelta(seconds=ago) for ago in range(since, until, -every)]
    return [
        form.format(t=f"{at:%Y-%m-%d %H:%M:%S}", iso=at.isoformat(), n=100 + number)
        for number, at in enumerate(moments)
        for form in forms
    ]


SERVED = '{t},120 INFO uvicorn.access 10.0.0.7:5{n} - "GET /orders HTTP/1.1" 200 OK'
DISK = "{t},200 ERROR shop.export OSError: [Errno 28] No space left on device: '/srv/shop/out.csv'"
REFUSED = (
    "{t},200 ERROR shop.pay httpx.ConnectError: [Errno 111] Connection refused: https://bank.example:443/pay"
)
NO_NAME = (
    "{t},200 ERROR shop.pay requests.exceptions.ConnectionError: HTTPSConnectionPool(host='bank.example', "
    'port=443): Max retries exceeded with url: /pay (Caused by NameResolutionError("Failed to resolve '
    "'bank.example' ([Errno -2] Name or service not known)\"))"
)
EXPIRED = (
    '{{"timestamp": "{iso}", "level": "error", "logger": "shop.pay", "message": "httpx.ConnectError: '
    "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: certificate has expired (_ssl.c:1006): "
    'https://bank.example:443/pay"}}'
)
KILLED = "{iso} web1 kernel: Memory cgroup out of memory: Killed process 812 (gunicorn) anon-rss:79kB"
UNIT_KILLED = "{iso} web1 systemd[1]: shop.service: Failed with result 'oom-kill'."
COLLIDED = (
    "{t},1 ERROR shop.db psycopg.errors.SerializationFailure: "
    "could not serialize access due to concurrent update"
)
LOST = '{t},2 INFO uvicorn.access 10.0.0.7:5{n} - "POST /orders HTTP/1.1" 500 Internal Server Error'
ROOMY = seen(
    "machine",
    "host.disk",
    FileSystem(
        path="/",
        device="sda1",
        kind="ext4",
        total_bytes=100 * GIB,
        free_bytes=73 * GIB,
        free_inodes_count=None,
        total_inodes_count=None,
    ),
)


def memory(killed: int | None) -> Evidence:
    row = HostMemory(
        total_bytes=8 * GIB,
        available_bytes=5 * GIB,
        swap_total_bytes=0,
        swap_used_bytes=0,
        stalled_ratio=0.0,
        all_stalled_ratio=0.0,
        killed_count=killed,
    )
    return seen("machine", "host.memory", row)


def tls(*, old: bool = False) -> Evidence:
    dates: list[tuple[str, datetime]] = [("bank.example", NOW + timedelta(days=80))]
    if old:
        dates.append(("root, as an older one signed it", NOW - timedelta(days=2)))
    chain = tuple(
        Certificate(
            subject=f"CN={name}",
            issuer="CN=root",
            names=("bank.example",),
            not_before_at=NOW - timedelta(days=90),
            not_after_at=end,
            sha256=name,
        )
        for name, end in dates
    )
    values: dict[str, Any] = {"name": "bank.example", "verified": True, "trust": Trust.TRUSTED}
    answer = record(
        TlsAnswer, address="10.1.1.1:443", protocol="TLSv1.3", name_matches=True, certificates=chain, **values
    )
    return seen("bank", "network.tls", answer)


PORT = seen("bank", "network.ports", record(PortAnswer, address="10.1.1.1", port=443, seconds=0.01))
NAME = seen(
    "bank",
    "network.names",
    record(NameAnswer, name="bank.example", asked="system", decides=True, addresses=("10.1.1.1",)),
)
RUNS = seen("shop", "process.state", record(ProcessState, is_running=True, pid=7, open_file_count=31))


@pytest.mark.parametrize(
    ("line", "measured", "cause", "denied", "words"),
    [
        (DISK, ROOMY, "host-disk-full", "host.disk.ok", "have room"),
        (REFUSED, PORT, "port-refused", "network.ports.ok", "accepts them from here"),
        (NO_NAME, NAME, "dns-failure", "network.names.ok", "resolves from here"),
        (EXPIRED, tls(), "tls-expired", "network.tls.ok", "verifies from here"),
        (KILLED, memory(0), "out-of-memory", "host.memory.no_kills", "no such kill was measured"),
    ],
)
def test_what_is_measured_stands_against_what_the_log_says(line, measured, cause, denied, words):
    log = log_of(lines(SERVED, line))
    alone, beside = first(log), first(log, measured)
    assert (alone.id, beside.id) == (cause, cause)
    assert (alone.against, beside.against) == ((), (denied,))
    assert beside.score < alone.score - 0.2
    assert (words in beside.title, words in alone.title) == (True, False)
    assert beside.first_action != alone.first_action
    assert "measured against it" in beside.reason


def test_an_expired_certificate_that_is_sent_along_is_named():
    named = first(log_of(lines(SERVED, EXPIRED)), tls(old=True))
    assert (named.id, named.target) == ("tls-old-chain", "bank")
    assert "chain" in named.first_action


def test_a_kill_that_the_machine_counted_is_not_denied():
    named = first(log_of(lines(SERVED, KILLED)), memory(3))
    assert (named.id, named.against) == ("out-of-memory", ())


def test_a_start_that_failed_is_over_where_the_process_runs():
    failed = "{t},100 ERROR uvicorn.error Application startup failed. Exiting."
    named = first(log_of(lines(failed, every=120)), RUNS)
    assert (named.id, named.against) == ("start-failed", ("process.state.ok",))
    assert named.first_action.startswith("Leave shop running")


@pytest.mark.parametrize(
    ("forms", "every", "cause", "said"),
    [
        (
            (
                "{iso} web1 systemd[1]: shop.service: Main process exited, code=exited, status=1/FAILURE",
                "{iso} web1 systemd[1]: shop.service: Failed with result 'exit-code'.",
                "{iso} web1 systemd[1]: shop.service: Scheduled restart job, restart counter is at {n}.",
            ),
            20,
            "crash-loop",
                        "15 times",
        ),
        ((EXPIRED.replace("bank", "mail"),), 20, "tls-expired", "has expired"),
        (
            ("{t},1 ERROR shop.cache redis.exceptions.ConnectionError: Error 111 connecting to keys:6379.",),
            20,
            "port-refused",
            "keys:6379",
        ),
        ((UNIT_KILLED,), 100, "out-of-memory", "memory"),
        (
            ("{t},1 ERROR shop.db psycopg.OperationalError: FATAL:  the database system is starting up",),
            10,
            "logged-error",
            "starting up",
        ),
        (
            (COLLIDED, LOST),
            10,
            "logged-error",
            "serialized",
        ),
        (
            ("time={iso} level=error msg=\"connect: FATAL:  sorry, too many clients already\"",),
            10,
            "db-connections-exhausted",
            "no free connections",
        ),
        (("{t},1 ERROR httpx.ConnectTimeout: timed out",), 10, "port-filtered", "time out"),
    ],
)  # fmt: skip
def test_without_docker_each_of_them_is_named_at_the_process(forms, every, cause, said):
    named = first(log_of(lines(*forms, every=every)))
    assert (named.id, named.target) == (cause, "shop")
    assert said in named.title
    assert "Switch off the feature" not in named.first_action


def bad(analysis: Analysis) -> list[str]:
    return [f"{each.id}: {each.title}" for each in analysis.findings if each.severity.is_bad]


STOPS = (
    "[{t} +0000] [1] [INFO] Handling signal: term",
    "[{t} +0000] [7] [INFO] Worker exiting (pid: 7)",
    "[{t} +0000] [1] [INFO] Shutting down: Master",
    "[{t} +0000] [1] [INFO] Starting gunicorn 23.0.0",
    "[{t} +0000] [1] [INFO] Listening at: http://0.0.0.0:8000 (1)",
    "[{t} +0000] [8] [INFO] Booting worker with pid: 8",
)
CLIENTS = (
    '{t}.120 UTC [7{n}] app@shop ERROR:  duplicate key value violates unique constraint "users_email_key"',
    "{t}.120 UTC [7{n}] app@shop DETAIL:  Key (email)=(a@shop.example) already exists.",
    "{t}.121 UTC [7{n}] app@shop ERROR:  division by zero at character 8",
    "{t}.121 UTC [7{n}] app@shop STATEMENT:  SELECT 1/0",
    '{t}.122 UTC [7{n}] app@shop ERROR:  syntax error at or near "FORM" at character 10',
    "{t}.123 UTC [7{n}] app@shop ERROR:  canceling statement due to user request",
)


@pytest.mark.parametrize(
    ("kind", "log"),
    [
        ("postgres", lines(*CLIENTS)),  # a test that expects its errors
        ("process", lines(SERVED) + lines(*STOPS, since=40, until=38) + lines(SERVED, every=2, since=36)),
        (
            "process",
            lines(SERVED, '{t},1 INFO shop.cache miss order:{n}, asked the database', every=2),
        ),
        (
            "postgres",
            lines(
                "{t}.1 UTC [41] LOG:  checkpoint complete: wrote 812 buffers (5.0%); write=26.9 s",
                '{t}.1 UTC [42] dump@shop LOG:  duration: 41{n}.211 ms  statement: COPY orders TO stdout;',
                every=30,
            ),
        ),
        (
            "process",
            lines(SERVED, every=2)
            + lines(
                "{t},1 ERROR shop.db psycopg.OperationalError: FATAL:  the database system is starting up",
                every=1,
                since=200,
                until=198,
            )
            + lines(SERVED, every=2, since=190),
        ),
    ],
    ids=["expected-errors", "deploy", "cache-warms", "nightly-dump", "store-restarted-once"],
)  # fmt: skip
def test_what_is_healthy_raises_no_warning(kind, log):
    analysis = concluded(log_of(sorted(log)), topology=Topology(kinds={"shop": kind}))
    assert bad(analysis) == []
    assert analysis.hypotheses == ()


def test_a_panic_of_the_server_is_not_the_error_of_a_client():
    panic = "{t}.9 UTC [1] PANIC:  the frobnicator of the server is gone {n}"
    analysis = concluded(log_of(lines(*CLIENTS, panic)), topology=Topology(kinds={"shop": "postgres"}))
    assert any("unknown_error" in each for each in bad(analysis))


def test_a_health_part_is_followed_and_no_feature_of_an_unknown_endpoint_switched_off():
    part = HealthPart(name="mailer", ok=False, text="failed")
    answer = record(HttpAnswer, url="http://127.0.0.1:8000/ready", path="/ready", status=503, parts=(part,))
    ranked = concluded(seen("shop", "http.health", answer), topology=Topology(kinds={"shop": "http"}))
    texts = [f"{each.title} {each.first_action}" for each in ranked.hypotheses]
    assert any("Follow mailer" in text for text in texts)
    assert not any("unknown" in text for text in texts)

"""Faults that are over while a log of the window still holds their errors, and what is measured is well."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from incident_lib.errors import ProblemKind
from incident_lib.findings.base import Context
from incident_lib.investigation.analyze import Earlier, analyze
from incident_lib.investigation.severity import propose_severity
from incident_lib.model import (
    Analysis,
    Evidence,
    EvidenceStatus,
    Finding,
    FindingSeverity,
    Holds,
    IncidentSeverity,
    Problem,
    Row,
)
from incident_lib.model.topology import Topology
from incident_lib.technologies.docker.rows import ContainerEvent, ContainerState, EventsSeen
from incident_lib.technologies.host.rows import FileSystem
from incident_lib.technologies.http.rows import HttpAnswer
from incident_lib.technologies.logs.probes.records import rows
from incident_lib.technologies.logs.probes.scan import Scan
from incident_lib.technologies.network.rows import PortAnswer
from incident_lib.technologies.postgres.rows import PostgresConnection
from incident_lib.technologies.process.rows import ProcessState
from incident_lib.technologies.redis.rows import RedisLatency, RedisServer, RedisSlowCommand, RedisSlowLog
from tests.unit.findings.test_least_limits import filled
from tests.unit.technologies.logs.logs_of import NOW, PATTERNS, WINDOW

SHOP = Topology(
    kinds={"shop": "http", "db": "postgres", "cache": "redis", "payments": "outside", "machine": "host"},
    depends_on={"shop": ("db", "cache", "payments")},
    addresses={"db": ("127.0.0.1:5432",), "cache": ("127.0.0.1:6379",), "payments": ("pay.example:443",)},
)
FEW = 2  # requests since: too few for the log alone


def ago(seconds: float) -> Any:
    return NOW - timedelta(seconds=seconds)


def seen(probe: str, target: str, *found: Row, problem: Problem | None = None) -> Evidence:
    return Evidence(
        probe=probe,
        target=target,
        status=EvidenceStatus.FAILED if problem else EvidenceStatus.COLLECTED,
        collected_at=NOW,
        duration_seconds=0.1,
        source="literal",
        rows=found,
        problem=problem,
    )


def log(target: str, lines: Iterator[str] | list[str]) -> Evidence:
    scan = Scan(WINDOW.start.timestamp(), NOW.timestamp())
    for line in lines:
        scan.feed(line)
    return seen("logs.lines", target, *rows(scan.finish()))


def failing(error: str, *, served: int = FEW, begin: float = 400, end: float = 340) -> Iterator[str]:
    """Yield the log of the shop: served, a minute of failures, and a few requests since."""
    for second in range(800, int(begin), -1):
        yield request(second)
    for second in range(int(begin), int(end), -1):
        yield f"{stamp(second)} ERROR shop {error}"
        yield request(second, 500)
    for number in range(served):
        yield request(end - 10 - number * (end - 20) / max(served, 1))


def stamp(second: float) -> str:
    at = ago(second)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03}Z"


def request(second: float, status: int = 200) -> str:
    return f'{stamp(second)} INFO uvicorn.access 10.0.0.7:53122 - "GET /orders HTTP/1.1" {status} 12.3ms'


SHOP_WELL = seen(
    "http.health", "shop", filled(HttpAnswer, path="/health", status=200, sample_seconds=(0.01,))
)
SHOP_ILL = seen("http.health", "shop", filled(HttpAnswer, path="/health", status=503, sample_seconds=(0.01,)))
DB_WELL = seen(
    "postgres.connection", "db", filled(PostgresConnection, role_sees_everything=True, version="16.4")
)
DB_DOWN = seen(
    "postgres.connection",
    "db",
    problem=Problem(kind=ProblemKind.REFUSED, message="refused", advice="start it"),
)
CACHE_WELL = seen(
    "redis.connection",
    "cache",
    filled(RedisServer, software="redis", version="7.0"),
    filled(RedisLatency, sample_count=20, median_seconds=0.001, p95_seconds=0.001, max_seconds=0.001),
)
PAYMENTS_WELL = seen(
    "network.ports", "payments", filled(PortAnswer, address="192.0.2.7", port=443, seconds=0.01)
)


def concluded(
    *evidence: Evidence, before: Earlier | None = None, compared: tuple[Finding, ...] = ()
) -> Analysis:
    return analyze(
        evidence,
        Context(window=WINDOW),
        snapshot="x",
        topology=SHOP,
        patterns=PATTERNS,
        before=before,
        compared=compared,
    )


def assert_over(analysis: Analysis) -> None:
    bad = [f"{finding.ref}: {finding.title}" for finding in analysis.findings if finding.severity.is_bad]
    assert not bad
    assert analysis.hypotheses == ()
    assert propose_severity(analysis, SHOP)[0] is IncidentSeverity.SEV4
    past = [finding for finding in analysis.findings if finding.is_past]
    assert past
    assert all("healthy since" in finding.title or "healthy now" in finding.title for finding in past)


LOST = "psycopg.OperationalError: connection to server at 127.0.0.1, port 5432 failed: Connection refused"
REFUSED = "redis.exceptions.ConnectionError: Error 111 connecting to 127.0.0.1:6379. Connection refused."
TIMED_OUT = "redis.exceptions.TimeoutError: Timeout reading from 127.0.0.1:6379"
EXPIRED = (
    "httpx.ConnectError: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: certificate has expired "
    "(host pay.example)"
)
NO_PEER = "httpx.ConnectError: All connection attempts failed to https://pay.example:443/pay"
# This machine is too busy to tell how fast it answers; that it answers is seen.
CACHE_WELL_FROM_A_BUSY_MACHINE = seen(
    "redis.connection",
    "cache",
    filled(RedisServer, software="redis", version="7.0"),
    filled(
        RedisLatency,
        sample_count=20,
        median_seconds=0.001,
        p95_seconds=0.02,
        max_seconds=0.03,
        own_delay_seconds=0.002,
        starved_ratio=0.9,
        is_here=True,
    ),
)
WELL = {
    "database down for a minute": (LOST, DB_WELL),
    "cache back": (REFUSED, CACHE_WELL),
    "cache back on a busy machine": (REFUSED, CACHE_WELL_FROM_A_BUSY_MACHINE),
    "cache blocked by a script that ended": (TIMED_OUT, CACHE_WELL),
}


@pytest.mark.parametrize(("error", "store"), WELL.values(), ids=WELL)
def test_a_store_that_is_well_again_is_over_even_with_few_requests_since(error: str, store: Evidence) -> None:
    assert_over(concluded(log("shop", failing(error)), SHOP_WELL, store))


@pytest.mark.parametrize("error", [EXPIRED, NO_PEER], ids=["certificate renewed", "dependency back"])
def test_what_others_run_is_over_when_enough_requests_were_served_since(error: str) -> None:
    assert_over(concluded(log("shop", failing(error, served=100)), SHOP_WELL, PAYMENTS_WELL))


# That the server answers denies none of these: it did so while they failed.
UNDENIED = {
    "a setting of the database": (
        "psycopg.errors.ReadOnlySqlTransaction: cannot execute INSERT in a read-only transaction",
        DB_WELL,
    ),
    "a time-out": ("psycopg.errors.QueryCanceled: canceling statement due to statement timeout", DB_WELL),
    "a lock that was given up": (
        "psycopg.errors.LockNotAvailable: canceling statement due to lock timeout",
        DB_WELL,
    ),
    "a deadlock": ("psycopg.errors.DeadlockDetected: deadlock detected", DB_WELL),
    "a pool of the application": (
        "sqlalchemy.exc.TimeoutError: QueuePool limit of size 5 overflow 10 reached",
        DB_WELL,
    ),
    "a pooler that is not configured": (
        "psycopg.errors.ProtocolViolation: FATAL:  query_wait_timeout",
        DB_WELL,
    ),
    "a script that is gone": ("redis.exceptions.NoScriptError: NOSCRIPT No matching script", CACHE_WELL),
    "the authorities that the application trusts": (
        (
            "requests.exceptions.SSLError: HTTPSConnectionPool(host='pay.example', port=443): "
            "certificate verify failed: unable to get local issuer certificate"
        ),
        PAYMENTS_WELL,
    ),
    "an answer to another path": (
        "httpx.HTTPStatusError: Server error '503 Service Unavailable' for url 'https://pay.example/charge'",
        PAYMENTS_WELL,
    ),
}


@pytest.mark.parametrize(("error", "answers"), UNDENIED.values(), ids=UNDENIED)
def test_a_server_that_answers_denies_nothing_that_it_answered_next_to(error: str, answers: Evidence) -> None:
    analysis = concluded(log("shop", failing(error)), SHOP_WELL, answers)
    hints = [finding for finding in analysis.findings if "lines.class." in finding.id]
    assert hints
    assert all(hint.holds is Holds.UNKNOWN and hint.severity.is_bad for hint in hints)
    assert analysis.hypotheses
    assert_over(concluded(log("shop", failing(error, served=100)), SHOP_WELL, answers))


@pytest.mark.parametrize("status", [200, 500])
def test_what_only_the_store_logged_ends_where_all_its_users_were_served(status: int) -> None:
    own = [f"{stamp(second)} UTC [71] ERROR:  deadlock detected" for second in (400, 380, 360, 340)]
    requests = [request(second) for second in range(800, 20, -3)] + [request(10, status)]
    analysis = concluded(log("db", own), DB_WELL, log("shop", requests), SHOP_WELL)
    deadlocks = next(f for f in analysis.findings if f.id == "logs.lines.class.db_deadlock")
    assert deadlocks.is_past is (status == 200)
    assert (not analysis.hypotheses) is (status == 200)


def test_a_store_that_is_not_back_goes_on() -> None:
    analysis = concluded(log("shop", failing(LOST)), SHOP_ILL, DB_DOWN)
    assert analysis.hypotheses[0].target == "db"
    assert not [finding for finding in analysis.findings if finding.is_past]


def test_a_store_that_is_well_does_not_speak_for_a_service_that_is_not() -> None:
    analysis = concluded(log("shop", failing(LOST)), SHOP_ILL, DB_WELL)
    assert not [finding for finding in analysis.findings if finding.is_past]
    assert propose_severity(analysis, SHOP)[0] is not IncidentSeverity.SEV4


def test_a_store_that_is_well_does_not_end_what_was_logged_seconds_ago() -> None:
    analysis = concluded(log("shop", failing(LOST, begin=80, end=12)), SHOP_WELL, DB_WELL)
    errors = next(finding for finding in analysis.findings if finding.id == "logs.lines.errors")
    assert errors.holds is Holds.NOW


def test_without_a_measurement_few_requests_leave_it_unknown() -> None:
    analysis = concluded(log("shop", failing(LOST)), SHOP_WELL)
    errors = next(finding for finding in analysis.findings if finding.id == "logs.lines.errors")
    assert errors.holds is Holds.UNKNOWN
    assert errors.severity.is_bad
    assert analysis.hypotheses


def test_a_server_whose_own_log_ends_in_errors_is_over_when_it_answers() -> None:
    lines = [
        f"2026-01-15 14:3{minute}:07.001 UTC [71] FATAL:  sorry, too many clients already"
        for minute in "333333"
    ]
    lines.insert(0, "2026-01-15 14:32:00.001 UTC [1] LOG:  checkpoint complete: wrote 3 buffers")
    assert_over(concluded(log("db", lines), DB_WELL))
    analysis = concluded(log("db", lines), DB_DOWN)
    assert not [finding for finding in analysis.findings if finding.is_past]


BAD_PASSWORD = 'FATAL:  password authentication failed for user "app"'


def refusals(*seconds: float) -> list[str]:
    lines = [f"{ago(700):%F %T}.001 UTC [1] LOG:  database system is ready to accept connections"]
    return [*lines, *(f"{ago(second):%F %T}.001 UTC [71] {BAD_PASSWORD}" for second in seconds)]


def test_logins_that_a_store_refused_are_over_with_the_client_that_logged_each_of_them() -> None:
    client = log("shop", failing(f"psycopg.OperationalError: {BAD_PASSWORD}", served=100))
    of_client = refusals(*range(400, 340, -1))
    assert_over(concluded(client, log("db", of_client), SHOP_WELL, DB_WELL))


@pytest.mark.parametrize(
    "more", [(330, 325, 300), (500,), (345, 344, 343)], ids=["later", "earlier", "more of them"]
)
def test_logins_that_no_known_client_logged_may_be_refused_still(more: tuple[float, ...]) -> None:
    client = log("shop", failing(f"psycopg.OperationalError: {BAD_PASSWORD}", served=100))
    seconds = sorted((*range(400, 340, -1), *more), reverse=True)
    analysis = concluded(client, log("db", refusals(*seconds)), SHOP_WELL, DB_WELL)
    refused = next(f for f in analysis.findings if f.ref == "db:logs.lines.class.db_auth")
    assert refused.holds is not Holds.PAST


def test_statements_that_a_store_ended_are_over_with_the_client_that_logged_each_of_them() -> None:
    ended = "canceling statement due to statement timeout"
    client = log("shop", failing(f"psycopg.errors.QueryCanceled: {ended}", served=100))
    lines = [line.replace(BAD_PASSWORD, f"ERROR:  {ended}") for line in refusals(*range(400, 340, -1))]
    assert_over(concluded(client, log("db", lines), SHOP_WELL, DB_WELL))
    assert concluded(log("db", lines), DB_WELL).hypotheses


def test_a_process_that_was_restarted_and_serves_is_over() -> None:
    process = seen(
        "process.state", "shop", filled(ProcessState, is_running=True, pid=71, started_at=ago(340))
    )
    lines = [*failing("RuntimeError: worker died", served=200)]
    assert_over(concluded(log("shop", lines), SHOP_WELL, process))


def test_a_disk_that_was_full_and_is_not_is_over() -> None:
    full = 'psycopg.errors.DiskFull: could not extend file "base/5/16402": No space left on device'
    disk = filled(FileSystem, path="/", total_bytes=100 << 30, free_bytes=80 << 30)
    analysis = concluded(
        log("shop", failing(full, served=200)), SHOP_WELL, DB_WELL, seen("host.disk", "machine", disk)
    )
    assert_over(analysis)


def test_slow_commands_of_a_script_that_ended_are_over() -> None:
    slow = filled(
        RedisSlowCommand, command="EVAL", duration_seconds=9.0, started_at=ago(300), argument_count=2
    )
    assert_over(concluded(CACHE_WELL, seen("redis.slowlog", "cache", filled(RedisSlowLog), slow)))
    lately = filled(
        RedisSlowCommand, command="EVAL", duration_seconds=9.0, started_at=ago(12), argument_count=2
    )
    analysis = concluded(CACHE_WELL, seen("redis.slowlog", "cache", filled(RedisSlowLog), lately))
    assert any(finding.severity.is_bad for finding in analysis.findings)


def died(*seconds: float) -> Evidence:
    window = filled(EventsSeen, container="app-shop", configured=("app-shop",))
    deaths = [
        filled(
            ContainerEvent, action="die", container="app-shop", container_id="c1", at=ago(second), exit_code=1
        )
        for second in seconds
    ]
    return seen("docker.events", "shop", window, *deaths)


def runs(seconds: float) -> Evidence:
    state = filled(
        ContainerState,
        name="app-shop",
        state="running",
        health="healthy",
        restart_policy="always",
        restart_count=1,
        created_at=ago(90_000),
        started_at=ago(seconds),
    )
    return seen("docker.container", "shop", state)


def test_a_container_that_died_once_and_is_well_since_is_over() -> None:
    assert_over(concluded(died(300), runs(299), SHOP_WELL))


def test_a_container_that_dies_again_and_again_is_not_over_between_two_deaths() -> None:
    analysis = concluded(died(700, 500, 300, 100), runs(99), SHOP_WELL)
    assert any(finding.severity.is_bad and finding.holds is Holds.NOW for finding in analysis.findings)


def test_what_the_snapshot_before_showed_and_this_one_finds_well_is_reported_as_recovered() -> None:
    during = concluded(SHOP_ILL, DB_DOWN)
    after = concluded(SHOP_WELL, DB_WELL, before=Earlier(during, ago(120)))
    assert_over(after)
    past = {finding.target: finding for finding in after.findings if finding.is_past}
    assert past["db"].until == ago(120)
    unseen = seen(
        "postgres.connection", "db", problem=Problem(kind=ProblemKind.NOT_CONFIGURED, message="no DSN")
    )
    blind = concluded(SHOP_WELL, unseen, before=Earlier(during, ago(120)))
    assert "db" not in {finding.target for finding in blind.findings if finding.is_past}


def test_damaged_data_are_not_mended_by_silence() -> None:
    damaged = "2026-01-15 14:38:07.001 UTC [71] ERROR:  invalid page in block 7 of relation base/5/16402"
    line = "2026-01-15 14:{}:{:02}.001 UTC [1] LOG:  checkpoint complete: wrote 3 buffers"
    lines = [
        damaged,
        *(line.format(minute, second) for minute in (39, 40, 41, 42, 43, 44) for second in range(60)),
    ]
    analysis = concluded(log("db", lines), DB_WELL)
    found = next(finding for finding in analysis.findings if finding.id == "logs.lines.class.db_damaged")
    assert found.holds is Holds.NOW
    assert found.severity.is_bad


def test_more_errors_than_in_the_baseline_are_over_with_the_errors() -> None:
    more = Finding(
        id="baseline.errors",
        severity=FindingSeverity.WARNING,
        target="shop",
        title="requests answered with 5xx: 13 %, normally 0 %",
        evidence=("shop/logs.lines",),
    )
    assert_over(concluded(log("shop", failing(LOST)), SHOP_WELL, DB_WELL, compared=(more,)))
    goes_on = concluded(log("shop", failing(LOST)), SHOP_ILL, DB_DOWN, compared=(more,))
    assert more.id in {finding.id for finding in goes_on.findings if finding.severity.is_bad}

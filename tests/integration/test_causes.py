"""Causes made on real servers: their findings, and the hypothesis that comes out first."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator

import pytest
import redis

from incident_lib.correlation.cache_stampede import judge_stampedes
from incident_lib.findings.base import Context
from incident_lib.findings.thresholds import Thresholds
from incident_lib.hypotheses import parse_patterns, rank
from incident_lib.model import Evidence, Finding
from incident_lib.model.topology import Topology
from incident_lib.resources import resource
from incident_lib.technologies import catalogue
from incident_lib.technologies.postgres.findings import ANALYZERS
from tests import services
from tests.integration import postgres_service, redis_service
from tests.integration.background import again_and_again
from tests.integration.postgres_clients import until
from tests.integration.postgres_service import Installation, Server
from tests.integration.postgres_triage import collect, judge, window
from tests.unit.correlation.situations import judge_with

pytestmark = pytest.mark.postgres
GRAPH = Topology(
    kinds={"orders": "http", "db": "postgres", "cache": "redis"}, depends_on={"orders": ("db", "cache")}
)
PATTERNS = parse_patterns(resource("templates", "patterns.toml").read_text(encoding="utf-8"), "patterns.toml")
_SEGMENT = 1 << 20  # transactions in one file of pg_xact


def first(findings: list[Finding]) -> tuple[str, str]:
    """Return the first hypothesis and whom it blames."""
    ranked = rank(tuple(findings), GRAPH, PATTERNS, catalogue())
    return (ranked[0].id, ranked[0].target) if ranked else ("", "")


def judged(evidence: dict[str, Evidence]) -> list[Finding]:
    """Return the findings on all of `evidence`."""
    return [one for each in evidence.values() for one in judge(each)]


def installation(*programs: str) -> Installation:
    """Return the newest installation that has `programs`."""
    for one in reversed(postgres_service.INSTALLATIONS):
        if all(
            postgres_service.basebackup_of(one)
            if program == "pg_basebackup"
            else (one.binaries / program).is_file()
            for program in programs
        ):
            return one
    return services.missing(f"no PostgreSQL with {', '.join(programs) or 'a server'} is installed here")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """Yield a server that archives nowhere, keeps little WAL for slots, and checkpoints by size."""
    conf = {"archive_mode": "on", "archive_command": "true", "max_wal_size": "32MB", "autovacuum": "off"}
    with postgres_service.running(installation(), **conf) as started:
        yield started


@pytest.fixture(autouse=True)
def _clean(server: Server) -> Iterator[None]:
    yield
    with server.connect() as admin:
        admin.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        admin.execute("ALTER SYSTEM RESET ALL")
        admin.execute("SELECT pg_reload_conf()")


def test_a_sequence_without_numbers(server: Server) -> None:
    with server.connect() as admin:
        admin.execute(
            "CREATE TABLE parcels (id serial); GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO workbench"
        )
        admin.execute("SELECT setval('parcels_id_seq', 2147483647)")
    assert first(judged(collect(server.settings(), "sequences"))) == ("sequence-exhausted", "db")


def test_archiving_that_fails(server: Server) -> None:
    with server.connect() as admin:
        admin.execute("ALTER SYSTEM SET archive_command = 'false'")
        admin.execute("SELECT pg_reload_conf()")
        admin.execute("CREATE TABLE written (id int); SELECT pg_switch_wal()")
        until(lambda: "wal-archiving" in first(judged(collect(server.settings(), "archiver"))))


def test_cleanup_that_is_switched_off(server: Server) -> None:
    with server.connect() as admin:
        admin.execute("CREATE TABLE parcels AS SELECT i FROM generate_series(1, 500) i; ANALYZE parcels")
        for _ in range(3):
            admin.execute("UPDATE parcels SET i = i + 1")
    until(
        lambda: (
            first(judged(collect(server.settings(), "tables", "server", "horizon")))
            == ("autovacuum-behind", "db")
        )
    )


def test_checkpoints_that_come_too_often(server: Server) -> None:
    with server.connect() as admin:
        admin.execute("CREATE TABLE bulk (text text)")
        statement = "INSERT INTO bulk SELECT repeat('x', 900) FROM generate_series(1, 2000)"
        with again_and_again(lambda: admin.execute(statement)):
            assert first(judged(collect(server.settings(), "counters"))) == ("checkpoint-pressure", "db")


def test_a_slot_that_lost_its_wal(server: Server) -> None:
    with server.connect() as admin:
        admin.execute("ALTER SYSTEM SET max_slot_wal_keep_size = '1MB'")
        admin.execute("SELECT pg_reload_conf()")
        admin.execute("SELECT pg_create_physical_replication_slot('gone', true)")
        try:
            for number in range(4):
                admin.execute(f"CREATE TABLE part{number} (id int); SELECT pg_switch_wal()".encode())
            admin.execute("CHECKPOINT")
            findings = judged(collect(server.settings(), "replication"))
        finally:
            admin.execute("SELECT pg_drop_replication_slot('gone')")
    assert first(findings) == ("replication-slot", "db")


def test_a_standby_that_does_not_replay() -> None:
    with (
        postgres_service.running(installation("pg_basebackup")) as primary,
        postgres_service.standby_of(primary) as standby,
        standby.connect() as replay,
        primary.connect() as writer,
    ):
        writer.execute("CREATE TABLE parcels (id int)")
        until(lambda: "lag_bytes=0" in str(collect(primary.settings(), "replication")["replication"].rows))
        replay.execute("SELECT pg_wal_replay_pause()")
        for number in range(10):
            writer.execute(f"INSERT INTO parcels VALUES ({number})".encode())
            time.sleep(0.15)
        evidence = collect(primary.settings(), "replication")["replication"]
        # The default, 5 s, is a long time for a test.
        limits = Thresholds({"postgres.replication.lag.warning_seconds": 0.5})
        context = Context(window=window(), thresholds=limits)
        findings = list(ANALYZERS[evidence.probe](evidence, context))
        replay.execute("SELECT pg_wal_replay_resume()")
    assert first(findings) == ("replication-lag", "db")


def test_transaction_ids_that_run_out() -> None:
    chosen = installation("pg_resetwal")
    conf: dict[str, str | int] = {"autovacuum": "off", "autovacuum_freeze_max_age": 2_000_000_000}
    with postgres_service.running(chosen, **conf) as old:
        old.stop(signal.SIGINT)
        _age(old, 1_500_000_000)
        old.start()
        findings = judged(collect(old.settings(), "server"))
    assert first(findings) == ("wraparound", "db")


def _age(server: Server, number: int) -> None:
    """Make `number` the next transaction id, and the file that holds its outcome."""
    account = server.account
    program = server.installation.binaries / "pg_resetwal"
    identity = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []} if account else {}
    subprocess.run(
        [str(program), "-f", "-x", str(number), "-D", str(server.data)],
        check=True,
        capture_output=True,
        cwd="/",
        **identity,
    )
    segment = server.data / "pg_xact" / f"{number // _SEGMENT:04X}"
    segment.write_bytes(bytes(_SEGMENT // 4))
    if account:
        os.chown(segment, account.pw_uid, account.pw_gid)


def test_a_cache_that_evicts_and_a_database_that_carries_its_load(server: Server) -> None:
    options = ("--maxmemory", "3mb", "--maxmemory-policy", "allkeys-lru")
    sleepers = [server.connect(application_name="api") for _ in range(35)]
    threads = [
        threading.Thread(target=one.execute, args=(b"SELECT pg_sleep(5)",), daemon=True) for one in sleepers
    ]
    for thread in threads:
        thread.start()
    with redis_service.running("redis", *options) as cache, cache.client() as client:
        with again_and_again(lambda: _fill(client)):
            seen = redis_service.judge(redis_service.collect(redis_service.settings_for(cache.url)))
        findings = [*seen.values(), *judged(collect(server.settings(), "saturation", "counters"))]
    for thread, one in zip(threads, sleepers, strict=True):
        thread.join(10)
        one.close()
    findings = judge_with(judge_stampedes, findings, topology=GRAPH)
    assert first(findings) == ("cache-stampede", "cache"), [one.id for one in findings]


def _fill(client: redis.Redis) -> None:
    with client.pipeline(transaction=False) as pipe:
        for _ in range(500):
            pipe.set(f"page:{time.monotonic_ns()}", "x" * 400)
        pipe.execute(raise_on_error=False)

"""Findings that no other unit test makes: each from the least that an analyzer needs for it."""

from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar, get_args

import msgspec
import pytest

from incident_lib.correlation.baseline import compare_findings
from incident_lib.errors import ProblemKind
from incident_lib.findings.base import Context
from incident_lib.model import Evidence, EvidenceStatus, Problem, Row, Window
from incident_lib.technologies import comparers, table
from incident_lib.technologies.deploys.rows import Deployment
from incident_lib.technologies.docker.rows import (
    ContainerEvent,
    ContainerListed,
    ContainerProcess,
    ContainerState,
    EngineFacts,
    EventsSeen,
    HealthOutput,
)
from incident_lib.technologies.host.rows import FileSystem, HostLoad, HostMemory
from incident_lib.technologies.http.rows import HttpAnswer
from incident_lib.technologies.logs.classes import log_classes
from incident_lib.technologies.logs.probes.events import server_events
from incident_lib.technologies.logs.rows import LogErrorClass, LogEvent, LogSummary
from incident_lib.technologies.network.rows import Certificate, TlsAnswer, Trust
from incident_lib.technologies.postgres.rows import (
    PostgresCheckpoints,
    PostgresSchema,
    PostgresSchemaStatement,
)
from incident_lib.technologies.process.rows import ProcessState
from incident_lib.technologies.redis.rows import (
    RedisCluster,
    RedisCommand,
    RedisDenial,
    RedisErrorClass,
    RedisKey,
    RedisKeySample,
    RedisLatency,
    RedisLatencyEvent,
    RedisReplica,
    RedisReplication,
    RedisStanding,
)

R = TypeVar("R", bound=Row)
NOW = datetime(2026, 1, 15, 14, 30, tzinfo=UTC)
AGO, DAY = NOW - timedelta(minutes=5), timedelta(days=1)
CONTEXT = Context(window=Window(NOW - timedelta(minutes=15), NOW))
_EMPTY: dict[Any, Any] = {str: "", int: 0, float: 0.0, bool: False, datetime: AGO, dict: {}}


def record(row: type[R], **values: Any) -> R:
    """Return a record in which everything that a test does not give is empty or unknown."""
    needed = {
        field.name: None if type(None) in get_args(field.type) else _EMPTY.get(field.type, {})
        for field in msgspec.structs.fields(row)
        if field.required
    }
    return row(**{**needed, **values})


def evidence(probe: str, *rows: Row, problem: Problem | None = None, at: datetime = NOW) -> Evidence:
    return Evidence(
        probe=probe,
        target="it",
        status=EvidenceStatus.COLLECTED if rows else EvidenceStatus.FAILED,
        collected_at=at,
        duration_seconds=0.1,
        source="unchanged",
        rows=rows,
        problem=problem,
    )


def ids(probe: str, *rows: Row, problem: Problem | None = None) -> set[str]:
    technology = table().of_probe(probe)
    assert technology
    analyzers = technology.analyzers if rows else technology.on_failure
    return {found.id for found in analyzers[probe](evidence(probe, *rows, problem=problem), CONTEXT)}


def certificate(begins: timedelta = -60 * DAY, ends: timedelta = 60 * DAY, *names: str) -> Certificate:
    return record(
        Certificate, subject="a", issuer="b", not_before_at=NOW + begins, not_after_at=NOW + ends, names=names
    )


def tls(**values: Any) -> TlsAnswer:
    return record(TlsAnswer, **{"name": "pay", "certificates": (certificate(),)} | values)


def running(**values: Any) -> ProcessState:
    return record(ProcessState, **{"is_running": True, "pid": 7} | values)


def container(**values: Any) -> ContainerState:
    return record(ContainerState, **{"name": "shop", "state": "running", "created_at": NOW - DAY} | values)


SEEN = record(EventsSeen, container="shop", asked_from=CONTEXT.window.start, seen_from=CONTEXT.window.start)
RESYNC: dict[str, Any] = {
    "role": "master",
    "replica_count": 1,
    "uptime_seconds": 600,
    "full_sync_total_count": 6,
}
CASES: list[tuple[str, str, tuple[Row, ...]]] = [
    ("deploys.log.deployed", "deploys.log", (record(Deployment, at=AGO, service="shop", version="2"),)),
    ("docker.engine.ok", "docker.engine", (record(EngineFacts, version="29"),)),
    ("container.list.ok", "docker.containers", (record(ContainerListed, name="shop"),)),
    ("container.processes.ok", "docker.processes", (record(ContainerProcess, pid=1, state="S"),)),
    ("container.state.starting", "docker.container", (container(health="starting"),)),
    (
        "container.state.unhealthy",
        "docker.container",
        (container(health="unhealthy"), record(HealthOutput, exit_code=1, output="no")),
    ),
    *(
        (
            f"container.events.{action}",
            "docker.events",
            (SEEN, ContainerEvent(at=AGO, action=action, container="shop")),
        )
        for action in ("restart", "pause", "unpause", "destroy", "rename")
    ),
    ("host.load.io_pressure", "host.load", (record(HostLoad, cpu_count=2, io_stalled_ratio=0.9),)),
    (
        "http.health.clock",
        "http.health",
        (HttpAnswer(url="u", path="/", status=200, clock_difference_seconds=90.0, clock_error_seconds=1.0),),
    ),
    (
        "http.health.reset_all",
        "http.health",
        (HttpAnswer(url="u", path="/", error_kind=ProblemKind.RESET, error="reset"),),
    ),
    (
        "logs.lines.templates_cut",
        "logs.lines",
        (
            record(
                LogSummary, lines_count=9, has_times=True, other_lines_count=3, uncompared_templates_count=1
            ),
        ),
    ),
    ("network.tls.expired", "network.tls", (tls(certificates=(certificate(-60 * DAY, -DAY),)),)),
    ("network.tls.not_yet_valid", "network.tls", (tls(certificates=(certificate(DAY),)),)),
    (
        "network.tls.expires_soon",
        "network.tls",
        (tls(certificates=(certificate(-60 * DAY, DAY),), verified=True),),
    ),
    ("network.tls.self_signed", "network.tls", (tls(trust=Trust.SELF_SIGNED),)),
    ("network.tls.chain", "network.tls", (tls(trust=Trust.MISSING_INTERMEDIATE),)),
    ("network.tls.untrusted", "network.tls", (tls(trust=Trust.UNKNOWN_AUTHORITY),)),
    ("network.tls.wrong_name", "network.tls", (tls(name_matches=False),)),
    ("network.tls.plain_http", "network.tls", (tls(plain_http=True),)),
    ("network.tls.client_certificate", "network.tls", (tls(asks_certificate=True),)),
    ("network.tls.silent", "network.tls", (tls(silent=True, certificates=()),)),
    ("network.tls.old_protocol", "network.tls", (tls(old_protocol=True, certificates=()),)),
    ("network.tls.wrong_peer", "network.tls", (tls(peer="Redis", certificates=()),)),
    ("network.tls.handshake", "network.tls", (tls(certificates=()),)),
    ("postgres.schema.ok", "postgres.schema", (record(PostgresSchema),)),
    (
        "postgres.schema.running",
        "postgres.schema",
        (
            record(PostgresSchema),
            record(PostgresSchemaStatement, started_at=AGO, query="ALTER TABLE a ADD b int"),
        ),
    ),
    ("process.state.not_running", "process.state", (record(ProcessState, pid_file="x"),)),
    ("process.state.halted", "process.state", (running(state="stopped"),)),
    ("process.state.restarted", "process.state", (running(started_at=AGO),)),
    ("process.state.cpu", "process.state", (running(cpu_cores=1.0),)),
    ("process.state.memory", "process.state", (running(resident_bytes=90, memory_limit_bytes=100),)),
    ("process.state.open_files", "process.state", (running(open_file_count=99, open_file_limit_count=100),)),
    ("redis.acl.denied", "redis.acl", (record(RedisDenial, reason="command", denied_count=2),)),
    (
        "redis.commands.dominant",
        "redis.commands",
        (record(RedisCommand, name="keys", seconds=1.0, call_count=1, busy_seconds=0.9),),
    ),
    (
        "redis.commands.busy",
        "redis.commands",
        tuple(
            record(RedisCommand, name=n, seconds=1.0, call_count=1, busy_seconds=0.3)
            for n in ("get", "set", "del")
        ),
    ),
    ("redis.commands.event.fork", "redis.commands", (record(RedisLatencyEvent, name="fork"),)),
    *(
        (
            f"redis.errors.{name.lower()}",
            "redis.errors",
            (record(RedisErrorClass, name=name, risen_count=20, seconds=1.0),),
        )
        for name in (
            "MISCONF",
            "READONLY",
            "NOAUTH",
            "WRONGPASS",
            "NOPERM",
            "BUSY",
            "LOADING",
            "MOVED",
            "CLUSTERDOWN",
            "NOREPLICAS",
            "MASTERDOWN",
            "EXECABORT",
        )
    ),
    (
        "redis.keyspace.big_key",
        "redis.keyspace",
        (record(RedisKeySample), record(RedisKey, pattern="a:*", kind="hash", memory_bytes=10**9)),
    ),
    ("redis.connection.noauth", "redis.connection", (record(RedisLatency, refusal="NOAUTH"),)),
    (
        "redis.replication.link_down",
        "redis.replication",
        (record(RedisReplication, role="slave", link_up=False),),
    ),
    (
        "redis.replication.full_sync",
        "redis.replication",
        (record(RedisReplication, role="master", full_sync_count=1),),
    ),
    (
        "redis.replication.replica_syncing",
        "redis.replication",
        (record(RedisReplication, role="master"), record(RedisReplica, state="wait_bgsave")),
    ),
    *(
        (
            f"redis.errors.{name.lower()}_alone",
            "redis.errors",
            (
                record(RedisErrorClass, name=name, risen_count=20, seconds=1.0),
                record(RedisStanding, role="slave", primary="keys-0:6379", link_up=False),
            ),
        )
        for name in ("READONLY", "MASTERDOWN")
    ),
    (
        "redis.replication.first_copy",
        "redis.replication",
        (record(RedisReplication, role="slave", link_up=False, syncing=True, link_down_seconds=-1),),
    ),
    *(
        (f"redis.replication.{name}", "redis.replication", (record(RedisReplication, **RESYNC, **counts),))
        for name, counts in {
            "resync": {},
            "resync_backlog": {"partial_refused_total_count": 5},
            "resync_limit": {"limit_closed_total_count": 5},
        }.items()
    ),
    (
        "redis.replication.cluster_down",
        "redis.replication",
        (record(RedisReplication, role="master"), record(RedisCluster, state="fail")),
    ),
]


@pytest.mark.parametrize(("finding_id", "probe", "rows"), CASES, ids=[case[0] for case in CASES])
def test_an_analyzer_makes_it(finding_id: str, probe: str, rows: tuple[Row, ...]) -> None:
    assert finding_id in ids(probe, *rows)


SUMMARY = record(LogSummary, lines_count=100, has_times=True, last_at=NOW)


def test_every_class_and_event_of_a_log_is_in_the_catalogue() -> None:
    classes = [*log_classes(), "of_another_version"]
    rows = [
        LogErrorClass(error_class=name, count=9, first_at=AGO, last_at=NOW, example="e") for name in classes
    ]
    found = ids("logs.lines", SUMMARY, *rows)
    assert {f"logs.lines.class.{name}" for name in classes} <= found
    events = [*server_events(), "of_another_version"]
    found = ids(
        "logs.lines", SUMMARY, *(record(LogEvent, event=name, count=1, last_at=NOW) for name in events)
    )
    assert {f"logs.lines.server.{name}" for name in events} <= found


def test_logins_that_wait_in_the_server_are_counted() -> None:
    problem = Problem(kind=ProblemKind.BUSY, message="m", numbers={"waiting_logins": 2})
    assert ids("postgres.connection", problem=problem) == {"postgres.connection.login_waits"}


@pytest.mark.parametrize(
    ("name", "probe", "before", "now"),
    [
        (
            "checkpoints",
            "postgres.counters",
            record(PostgresCheckpoints, wal_position_bytes=0),
            record(PostgresCheckpoints, wal_position_bytes=1 << 40, total_requested_count=9),
        ),
        ("memory", "process.state", running(resident_bytes=1 << 20), running(resident_bytes=1 << 30)),
        (
            "files",
            "process.state",
            running(open_file_count=1, open_file_limit_count=10),
            running(open_file_count=9, open_file_limit_count=10),
        ),
        (
            "host_memory",
            "host.memory",
            record(HostMemory, total_bytes=16 << 30, available_bytes=12 << 30),
            record(HostMemory, total_bytes=16 << 30, available_bytes=2 << 30),
        ),
        (
            "disk",
            "host.disk",
            record(FileSystem, path="/", total_bytes=100 << 30, free_bytes=90 << 30),
            record(FileSystem, path="/", total_bytes=100 << 30, free_bytes=30 << 30),
        ),
    ],
)
def test_a_number_far_above_the_baseline_is_a_finding(name: str, probe: str, before: Row, now: Row) -> None:
    found = compare_findings(
        [evidence(probe, now)], [evidence(probe, before, at=NOW - DAY)], CONTEXT, comparers()
    )
    assert f"baseline.{name}" in {finding.id for finding in found}

"""Each `least` limit, just below and just at it: with less nothing is said, from it on something is."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, get_args, get_type_hints

import msgspec
import pytest

from incident_lib.correlation.busy_machine import judge_slowness
from incident_lib.correlation.changes import changes_since
from incident_lib.correlation.differences import differences
from incident_lib.correlation.processors import judge_processors
from incident_lib.correlation.trend import trend_findings
from incident_lib.findings.base import Context
from incident_lib.findings.comparison import judge_change
from incident_lib.findings.thresholds import KNOWN, Thresholds
from incident_lib.findings.trend import steady_rise
from incident_lib.model import Evidence, EvidenceStatus, Finding, FindingSeverity, Row, Window
from incident_lib.model.renamed import current_id
from incident_lib.model.rows import MemorySample
from incident_lib.model.sample import Sample
from incident_lib.model.series import Point, Reading, Series
from incident_lib.model.topology import Topology
from incident_lib.technologies import comparers
from incident_lib.technologies.docker.findings import ANALYZERS as CONTAINER
from incident_lib.technologies.docker.rows import ContainerUsage
from incident_lib.technologies.host.rows import HostLoad, ProcessorUser
from incident_lib.technologies.logs.findings import ANALYZERS as LOGS
from incident_lib.technologies.logs.rows import (
    LatencyStep,
    LogBucket,
    LogEndpoint,
    LogEvent,
    LogLatency,
    LogSummary,
    LogTemplate,
)
from incident_lib.technologies.postgres.findings import ANALYZERS as POSTGRES
from incident_lib.technologies.postgres.rows import (
    PostgresCounters,
    PostgresRunningStatement,
    PostgresSessionGroup,
    PostgresStatement,
    PostgresTable,
    PostgresWait,
)
from incident_lib.technologies.process.findings import ANALYZERS as PROCESS
from incident_lib.technologies.process.rows import ProcessState
from incident_lib.technologies.redis.findings import ANALYZERS as REDIS
from incident_lib.technologies.redis.rows import (
    RedisClientGroup,
    RedisClients,
    RedisErrorClass,
    RedisLatency,
    RedisMemory,
    RedisSlowCommand,
    RedisStreamGroup,
)
from tests.unit.correlation import test_held_pools as pools
from tests.unit.correlation.situations import added, judge_with

AT = datetime(2026, 1, 15, 14, 30, tzinfo=UTC)
CONTEXT = Context(window=Window(AT - timedelta(minutes=15), AT + timedelta(minutes=15)))
ANALYZERS = {**CONTAINER, **LOGS, **POSTGRES, **PROCESS, **REDIS}
MIB = 1024 * 1024
BAD = FindingSeverity.WARNING


def second(number: float) -> datetime:
    return AT + timedelta(seconds=number)


def filled(kind: type[Any], **values: Any) -> Any:
    """Return a row of that kind whose fields are empty, zero or unknown, but for `values`."""
    hints = get_type_hints(kind)
    empty: dict[type, Any] = {str: "", bool: False, int: 0, float: 0.0, dict: {}, datetime: AT}
    required = [field.name for field in msgspec.structs.fields(kind) if field.required]
    zero = {
        name: None if type(None) in get_args(hints[name]) else empty.get(hints[name], {}) for name in required
    }
    return kind(**zero | values)


def seen(probe: str, *rows: Row, at: datetime = AT) -> Evidence:
    return Evidence(
        probe=probe,
        target="target",
        status=EvidenceStatus.COLLECTED,
        collected_at=at,
        duration_seconds=0.1,
        source="literal",
        rows=rows,
    )


def judge(probe: str, *rows: Row) -> dict[str, Finding]:
    found = ANALYZERS[probe](seen(probe, *rows), CONTEXT)
    return {finding.id.removeprefix(current_id(f"{probe}.")): finding for finding in found}


def is_bad(found: dict[str, Finding], name: str) -> bool:
    return name in found and found[name].severity is BAD


# --- postgres ---


def counters(**values: float) -> bool:
    row = filled(PostgresCounters, interval_seconds=1.0, **values)
    return bool(judge("postgres.counters", row).keys() & {"rollbacks", "cache", "reads"})


def running(**values: Any) -> bool:
    row = filled(PostgresRunningStatement, query="SELECT 1", sample_count=20, share_ratio=1.0, **values)
    return "statement" in judge("postgres.counters", row)


def waiting(sessions: float) -> bool:
    fields = {"wait_type": "IO", "wait_event": "DataFileRead", "share_ratio": 1.0}
    row = filled(PostgresWait, mean_session_count=sessions, **fields)
    return "waits" in judge("postgres.counters", row)


def young(count: int) -> bool:
    row = filled(PostgresSessionGroup, session_count=count, young_count=count, limit_count=1000)
    return "young" in judge("postgres.activity", row)


def dominant(busy: float) -> bool:
    fields = {"query": "SELECT 1", "interval_seconds": 1.0, "share_ratio": 1.0, "mean_seconds": 0.01}
    return is_bad(
        judge("postgres.statements", filled(PostgresStatement, total_seconds=busy, **fields)), "dominant"
    )


# --- redis ---


def memory(**values: Any) -> RedisMemory:
    large = {"used_bytes": 90 * MIB, "policy": "noeviction", "seconds": 1.0, "run_id": "a"}
    return filled(RedisMemory, **large | values)


def fragmented(**values: Any) -> bool:
    row = memory(**{"fragmentation_ratio": 9.0, "fragmentation_bytes": 60 * MIB} | values)
    return "fragmentation" in judge("redis.memory", row)


def held_up(share: float) -> bool:
    """Slow pings that our own pauses explain, unless the server ran long commands for much of the time."""
    fields = {"sample_count": 20, "p95_seconds": 0.02, "own_delay_seconds": 0.015, "longest_seconds": 0.02}
    return is_bad(judge("redis.connection", filled(RedisLatency, longest_ratio=share, **fields)), "latency")


def pings_waited(share: float) -> bool:
    """Two slow pings of twenty, by the share of the time that was spent in pings."""
    fields = {"sample_count": 20, "p95_seconds": 0.02, "median_seconds": 0.001, "waiting_ratio": share}
    return is_bad(judge("redis.connection", filled(RedisLatency, **fields)), "latency")


def keys_lost(count: int) -> bool:
    before = seen("redis.memory", memory(key_count=count), at=second(-60))
    now = seen("redis.memory", memory(key_count=0))
    return bool(list(changes_since([before], [now], CONTEXT, comparers(), same_incident=True)))


def clients(count: int, **values: int) -> dict[str, Finding]:
    group = filled(RedisClientGroup, address="10.0.0.7", client_count=count)
    return judge("redis.clients", filled(RedisClients, connected_count=count, **values), group)


def moved(risen: int) -> bool:
    row = filled(RedisErrorClass, name="MOVED", risen_count=risen, total_count=risen, seconds=1.0)
    return is_bad(judge("redis.errors", row), "moved")


def left_pending(count: int) -> bool:
    row = filled(RedisStreamGroup, pending_count=count, oldest_seconds=3600.0, oldest_consumer="c")
    return is_bad(judge("redis.keyspace", row), "pending")


def slow_commands(command: str, seconds: float, count: int = 1) -> list[RedisSlowCommand]:
    fields = {"command": command, "duration_seconds": seconds, "mean_seconds": 0.25}
    return [filled(RedisSlowCommand, entry_id=number, **fields) for number in range(count)]


# --- containers, processes, processors ---


def growing(ratio: float) -> tuple[int, list[MemorySample]]:
    """Return a limit, and memory that grows by that share of it in four even steps."""
    limit = 1_000_000
    sizes = (limit // 2 + round(ratio * limit) * step // 4 for step in range(5))
    return limit, [MemorySample(at=second(number), memory_bytes=size) for number, size in enumerate(sizes)]


def container_grows(ratio: float) -> bool:
    limit, samples = growing(ratio)
    return "growth" in judge("docker.stats", filled(ContainerUsage, memory_limit_bytes=limit), *samples)


def process_grows(ratio: float) -> bool:
    limit, samples = growing(ratio)
    row = filled(ProcessState, is_running=True, memory_limit_bytes=limit)
    return "growth" in judge("process.state", row, *samples)


def starved(*, taken: float = 1.6, waiting_cores: float = 1.0, waiting_ratio: float = 0.8) -> bool:
    load = filled(HostLoad, cpu_count=2, busy_ratio=1.0)
    taker = filled(ProcessorUser, name="gzip", process_count=1, cores=taken)
    waits = {"waiting_cores": waiting_cores, "waiting_ratio": waiting_ratio}
    service = filled(ProcessorUser, name="python", process_count=1, service="shop", **waits)
    graph = Topology(kinds={"shop": "http"})
    evidence = seen("host.load", load, taker, service)
    return bool(added(judge_processors, (), evidence=(evidence,), topology=graph))


# --- logs ---


def summary(**values: Any) -> LogSummary:
    timed = {"has_times": True, "bucket_seconds": 1, "first_at": AT, "last_at": second(600)}
    return filled(LogSummary, **timed | {"lines_count": 1000} | values)


def buckets(*counts: tuple[int, int], field: str = "server_errors_count") -> list[LogBucket]:
    """Return a second for each pair of requests and how many of them failed, or were slow."""
    return [
        filled(LogBucket, at=second(number), requests_count=tried, **{field: failed})
        for number, (tried, failed) in enumerate(counts)
    ]


def onset(*counts: tuple[int, int], field: str = "server_errors_count") -> bool:
    served = sum(tried for tried, _ in counts)
    found = judge("logs.lines", summary(requests_count=served), *buckets(*counts, field=field))
    return bool(found.keys() & {"onset", "slow_onset"})


def errors(failed: int) -> bool:
    found = judge("logs.lines", summary(requests_count=10, server_errors_count=failed))
    return "errors" in found


def endpoint(path: str, served: int, failed: int = 0, p95: float | None = None) -> LogEndpoint:
    counts = {"requests_count": served, "server_errors_count": failed}
    ratio = failed / served if served else 0.0
    durations = {"duration_p50_seconds": p95, "duration_p95_seconds": p95}
    return filled(LogEndpoint, method="GET", path=path, server_errors_ratio=ratio, **counts, **durations)


def one_endpoint(failed: int, *, served: int = 100, others: int = 1000, others_failed: int = 0) -> bool:
    rows = (endpoint("/a", served, failed), endpoint("/b", others, others_failed))
    return "endpoint" in judge("logs.lines", summary(requests_count=served + others), *rows)


def error_lines(count: int) -> bool:
    return is_bad(judge("logs.lines", summary(lines_count=2 * count, errors_count=count)), "error_lines")


def latency(
    before: Iterable[dict[int, int]], after: Iterable[dict[int, int]], *more: Row, seconds: float = 120
) -> dict[str, Finding]:
    """Return what is judged of ten-second steps `before` and `after`, and a log that ends `seconds` later."""
    old, new = list(before), list(after)
    steps = tuple(
        LatencyStep(at=second(10 * number), microseconds=durations)
        for number, durations in enumerate([*old, *new])
    )
    row = filled(LogLatency, method="GET", path="/a", step_seconds=10, steps=steps)
    return judge("logs.lines", summary(last_at=second(10 * len(old) + seconds)), row, *more)


def read(lines: int, ratio: float) -> dict[str, Finding]:
    counts = {
        "timed_lines_count": lines,
        "known_lines_count": lines,
        "read_lines_count": round(ratio * lines),
    }
    return judge("logs.lines", summary(lines_count=lines, last_at=CONTEXT.window.end, **counts))


def timed(ratio: float) -> bool:
    return "no_times" not in judge("logs.lines", summary(timed_lines_count=round(1000 * ratio)))


def stale(*, age: float = 600, lines: int = 1000) -> bool:
    """Return whether a log is stale that had a line each second, for as long as it has had none."""
    now = CONTEXT.window.end
    times = [now - timedelta(seconds=age + number) for number in (round(age), *range(round(age))[::-1])]
    rows = [filled(LogBucket, at=at, lines_count=1) for at in times]
    return "stale" in judge("logs.lines", summary(lines_count=lines, last_at=times[-1]), *rows)


def started(stretches: int) -> bool:
    span = {"first_at": second(0), "last_at": second(100)}
    start = filled(LogEvent, event="start", count=20, stretches_count=stretches, **span)
    return "server.boot_loop" in judge("logs.lines", summary(last_at=second(100)), start)


def over(*, quiet: float = 600, served: float = 100) -> bool:
    """Return whether requests that all failed are over, so many seconds and requests after the last."""
    end = CONTEXT.window.end
    row = filled(
        LogEndpoint,
        path="/a",
        requests_count=100,
        server_errors_count=50,
        last_server_error_at=end - timedelta(seconds=quiet),
        failing_ratio=1.0,
        served_since_count=round(served),
    )
    log = summary(requests_count=200, server_errors_count=50, first_at=second(0), last_at=end)
    return judge("logs.lines", log, row)["errors"].is_past


def of_one_service(share: float) -> bool:
    errors = {"web": round(100 * share), "job": 100 - round(100 * share)}
    row = summary(services={"web": 500, "job": 500}, service_errors=errors)
    return "service" in judge("logs.lines", row)


QUICK, SLOW = 1_000, 900_000  # microseconds
BEFORE = [{QUICK: 20}] * 6
RAISED = [{SLOW: 20}] * 12


def replaced(count: int) -> bool:
    rows = (
        filled(
            LogTemplate,
            level="INFO",
            count=count,
            template=f"the till {word}",
            example=f"the till {word}",
            first_at=second(first),
            last_at=second(first + 90),
        )
        for word, first in (("is open", 0), ("is shut", 95))
    )
    return "replaced" in judge("logs.lines", summary(first_at=second(0), last_at=second(185)), *rows)


def slower(
    before: Iterable[dict[int, int]] = BEFORE,
    after: Iterable[dict[int, int]] = RAISED,
    *more: Row,
    seconds: float = 120,
) -> bool:
    return "latency" in latency(before, after, *more, seconds=seconds)


def slower_after_a_start(seconds: float) -> bool:
    start = filled(LogEvent, event="start", count=1, last_at=second(60))
    return slower(BEFORE, [{SLOW: 20}] * 2, start, seconds=seconds)


# --- baseline and trend ---


def differs(key: str) -> Callable[[float], bool]:
    name, unit = key.split(".")[1], key.rpartition("_")[2]

    def rises_by(value: float) -> bool:
        before, now = (Series(name=name, unit=unit, points=(Point(AT, number),)) for number in (0.0, value))
        return judge_change(before, now, Thresholds()) is not None

    return rises_by


def scanned(size: int = 64 * MIB, scans: int = 100) -> bool:
    before, now = (
        seen(
            "postgres.tables",
            filled(PostgresTable, size_bytes=size, sequential_scan_count=a, index_scan_count=b),
        )
        for a, b in ((0, 0), (scans, 1000 - scans))
    )
    return bool(differences([before], [now], Thresholds(), comparers()))


def rises(name: str, limit: float | None) -> Callable[[float], bool]:
    """Return whether a number is judged to rise that grows by a share of the limit, where it has one."""

    def grows_by(value: float) -> bool:
        first, grown = (limit / 2, value * limit) if limit else (1.0, value)
        samples = [
            Sample(
                at=second(32 * number),
                readings=(
                    Reading(
                        target="t",
                        name=name,
                        what="x",
                        value=first + grown * number / 4,
                        unit="",
                        at=second(32 * number),
                        evidence="t/x",
                        limit=limit,
                    ),
                ),
            )
            for number in range(5)
        ]
        return [found.id for found in trend_findings(samples, Thresholds())] != ["trend.ok"]

    return grows_by


def agrees(tau: float) -> bool:
    """Return whether eleven samples rise of whose 55 pairs so many more rise than fall."""
    falling = round((1 - tau) / 2 * 55)
    values = [float(number) for number in range(11)]
    values.insert(0, values.pop())  # falls ten times
    for place in range(falling - 10):
        values[2 * place + 1], values[2 * place + 2] = values[2 * place + 2], values[2 * place + 1]
    return rising(values)


def rising(values: Iterable[float]) -> bool:
    points = tuple(Point(second(number), value) for number, value in enumerate(values))
    return steady_rise(Series(name="memory", points=points), Thresholds()) is not None


def explained(seconds: float) -> bool:
    """Return whether a slow answer stays a warning although this machine is busy."""
    slow, busy = (
        Finding(id=name, target="t", severity=BAD, title="", data={"seconds": seconds})
        for name in ("http.health.slow", "host.load.high")
    )
    return judge_with(judge_slowness, (slow, busy))[0].severity is BAD


def held_for(seconds: float) -> bool:
    return pools.judged(*(pools.idle(pid, seconds) for pid in range(4))) is not pools.WAITING


class Case(msgspec.Struct, frozen=True):
    """A limit, how far below it nothing may happen, and from how far above it something must."""

    key: str
    reacts: Callable[[Any], bool]
    below: float = 1
    above: float = 0


CASES = (
    Case("postgres.activity.young.least_count", young),
    Case("postgres.counters.rollbacks.least_count", lambda n: counters(rollback_count=n)),
    Case("postgres.counters.statement.least_count", lambda n: running(mean_session_count=n), 0.01),
    Case(
        "postgres.counters.statement.least_seconds",
        lambda n: running(mean_session_count=0.1, session_count=2, longest_seconds=n),
        0.01,
    ),
    Case("postgres.counters.waits.least_count", waiting, 0.01),
    Case("postgres.counters.cache.least_count", lambda n: counters(block_read_count=n)),
    Case(
        "postgres.counters.reads.least_count",
        lambda n: counters(block_read_count=n, block_read_seconds=float(n)),
    ),
    Case("postgres.statements.dominant.least_ratio", dominant, 0.01),
    Case("redis.latency.least_ratio", held_up, 0.001),
    Case("redis.latency.waiting.least_ratio", pings_waited, 0.001),
    Case(
        "redis.hit_ratio.least_count",
        lambda n: "hit_ratio" in judge("redis.memory", memory(hit_count=0, miss_count=n)),
    ),
    Case("redis.keys_lost.least_count", keys_lost),
    Case("redis.fragmentation.least_bytes", lambda n: fragmented(fragmentation_bytes=n), 0, 1),
    Case("redis.small.least_bytes", lambda n: fragmented(used_bytes=n)),
    Case("redis.groups.least_count", lambda n: "blocked" in clients(n, blocked_count=n)),
    Case("redis.groups.least_count", lambda n: "one_address" in clients(n)),
    Case("redis.moved.least_count", moved),
    Case("redis.pending.least_count", left_pending),
    Case(
        "redis.stall.least_ratio",
        lambda n: "stalled" in judge("redis.slowlog", *slow_commands("SET", n / 4)),
        0.1,
    ),
    Case(
        "redis.stall.least_count",
        lambda n: (
            "slow" not in judge("redis.slowlog", *slow_commands("SET", 30, n), *slow_commands("EVAL", 30))
        ),
    ),
    Case("container.growth.least_ratio", container_grows, 0.0001),
    Case("process.growth.least_ratio", process_grows, 0.0001),
    Case("host.cpu.taker.least_ratio", lambda n: starved(taken=2 * n), 0.01),
    Case("host.cpu.waiting.least_ratio", lambda n: starved(waiting_ratio=n), 0.01),
    Case("host.cpu.waiting.least_count", lambda n: starved(waiting_cores=n), 0.01),
    Case("logs.errors.least_count", errors),
    Case("logs.errors.least_count", one_endpoint),
    Case("logs.errors.least_count", lambda n: onset((1000, 0), (n, n))),
    Case("logs.error_lines.least_count", error_lines),
    Case("logs.onset.least_before_count", lambda n: onset((n, 0), (90, 90))),
    Case("logs.onset.least_before_count", lambda n: one_endpoint(90, others=n)),
    Case(
        "logs.endpoint.least_share_ratio",
        lambda n: one_endpoint(round(100 * n), others_failed=100 - round(100 * n)),
        0.01,
    ),
    Case(
        "logs.slow.least_count",
        lambda n: "slow" in judge("logs.lines", summary(), endpoint("/a", n, p95=2.0)),
    ),
    Case(
        "logs.slow_onset.least_ratio",
        lambda n: onset((1000, 0), (1000, round(1000 * n)), field="slow_requests_count"),
        0.001,
    ),
    Case("logs.latency.least_seconds", lambda n: slower(after=[{round(n * 1e6): 20}] * 12), 0.001),
    Case(
        "logs.latency.least_ratio",
        lambda n: slower(after=[{SLOW: round(100 * n), QUICK: 100 - round(100 * n)}] * 12),
        0.01,
    ),
    Case("logs.latency.least_before_count", lambda n: slower(before=[{QUICK: n}])),
    Case("logs.latency.least_count", lambda n: slower([{QUICK: 900}], [{SLOW: 1}] * n)),
    Case(
        "logs.latency.least_count",
        lambda n: (
            latency(BEFORE, RAISED, endpoint("/a", 900, p95=1.0), endpoint("/b", n, p95=1.0))["latency"].data[
                "endpoints_count"
            ]
            == 2
        ),
    ),
    Case("logs.latency.least_span_seconds", lambda n: slower(after=[{SLOW: 20}] * 2, seconds=n)),
    Case("logs.latency.after_start.least_span_seconds", slower_after_a_start),
    Case(
        "logs.template.least_count",
        lambda n: (
            "template"
            in judge(
                "logs.lines", summary(), filled(LogTemplate, level="ERROR", count=n, template="it broke")
            )
        ),
    ),
    Case("logs.boots.least_count", started),
    Case("logs.replaced.least_count", replaced),
    Case("logs.coverage.least_ratio", lambda n: "coverage" not in read(1000, n), 0.001),
    Case(
        "logs.coverage.least_count",
        lambda n: read(n, 0.0)["coverage"].severity is FindingSeverity.UNKNOWN,
    ),
    Case("logs.times.least_ratio", timed, 0.001),
    Case("logs.stale.least_seconds", lambda n: stale(age=n)),
    Case("logs.stale.least_count", lambda n: stale(lines=n)),
    Case("recovery.least_quiet_seconds", lambda n: over(quiet=n)),
    Case("logs.recovery.least_expected_count", lambda n: over(served=n)),
    Case("logs.service.least_share_ratio", of_one_service, 0.01),
    Case("http.slow.busy_machine.least_seconds", explained, 0.01),
    Case("postgres.pooler.held.least_seconds", held_for, 0.01, 0.0),
    Case("baseline.scans.least_bytes", lambda n: scanned(size=n)),
    Case("baseline.scans.least_share_ratio", lambda n: scanned(scans=round(1000 * n)), 0.001),
    *(
        Case(key, differs(key), KNOWN[key].value / 100)
        for key in KNOWN
        if key.startswith("baseline.") and ".least_" in key and ".scans." not in key
    ),
    Case("trend.least_count", lambda n: rising(range(n))),
    Case("trend.least_agreement_ratio", agrees, 0.03),
    Case("trend.memory.least_ratio", rises("memory", 1024.0), 0.001),
    Case("trend.connections.least_ratio", rises("connections", 1024.0), 0.001),
    Case("trend.disk.least_ratio", rises("disk", 1024.0), 0.0001),
    Case("trend.latency.least_seconds", rises("latency", None), 0.001, 0.000001),
)


@pytest.mark.parametrize("case", CASES, ids=[case.key for case in CASES])
def test_with_less_than_the_limit_nothing_is_said(case: Case) -> None:
    limit = KNOWN[case.key].value
    assert not case.reacts(_number(case, limit - case.below))
    assert case.reacts(_number(case, limit + case.above))


def _number(case: Case, value: float) -> float:
    return round(value) if case.key.endswith(("_count", "_bytes")) and float(value).is_integer() else value


# How strong a change is depends on all its numbers: so many of thirty may fail by chance, one more may not.
STRENGTHS: dict[str, tuple[Callable[[int], bool], int]] = {
    "logs.onset.least_strength": (lambda n: onset((30, 0), (30, n)), 11),
    "logs.latency.least_strength": (
        lambda n: slower([{QUICK: 30}], [{SLOW: n, QUICK: 30 - n}], seconds=30),
        12,
    ),
}


@pytest.mark.parametrize("key", STRENGTHS)
def test_a_change_that_chance_may_make_is_none(key: str) -> None:
    reacts, enough = STRENGTHS[key]
    assert not reacts(enough - 1)
    assert reacts(enough)


def test_every_least_limit_has_its_case() -> None:
    least = {key for key in KNOWN if key.rpartition(".")[2].startswith("least_")}
    assert {case.key for case in CASES} | STRENGTHS.keys() == least

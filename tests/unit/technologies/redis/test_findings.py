"""Judgements on literal evidence."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from incident_lib.errors import ProblemKind
from incident_lib.model import Evidence, EvidenceStatus, FindingSeverity, Problem
from incident_lib.technologies.redis.findings import ANALYZERS, ON_FAILURE
from incident_lib.technologies.redis.probes import PROBES
from incident_lib.technologies.redis.rows import (
    RedisLatency,
    RedisMemory,
    RedisPersistence,
    RedisReplica,
    RedisServer,
    RedisSlowCommand,
    RedisSlowLog,
)
from tests.unit.technologies.redis.judging import CONTEXT, MIB, NOW, judge, severities


def memory(**changes: Any) -> RedisMemory:
    fields: dict[str, Any] = {
        "seconds": 1.0,
        "used_bytes": 90 * MIB,
        "counted_bytes": 90 * MIB,
        "resident_bytes": 95 * MIB,
        "peak_bytes": 91 * MIB,
        "maxmemory_bytes": 200 * MIB,
        "policy": "noeviction",
        "limit_bytes": 200 * MIB,
        "limit_source": "maxmemory",
        "used_ratio": 0.45,
        "fragmentation_ratio": 1.05,
        "fragmentation_bytes": 5 * MIB,
        "client_count": 10,
        "client_buffer_bytes": 20_000,
        "key_count": 10_000,
        "expiring_key_count": 0,
        "evicted_count": 0,
        "expired_count": 0,
        "hit_count": 0,
        "miss_count": 0,
        "eviction_behind_seconds": 0.0,
    }
    return RedisMemory(**(fields | changes))


_STARTED = {"uptime_seconds": 67, "hit_total_count": 118, "miss_total_count": 475}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, {"ok": "OK"}),
        ({"used_ratio": 0.91}, {"high": "WARNING"}),
        ({"used_ratio": 0.96}, {"full": "CRITICAL"}),
        ({"used_ratio": 1.0, "policy": "allkeys-lru"}, {"ok": "OK"}),
        ({"used_ratio": 1.0, "policy": "volatile-lru"}, {"full_no_expiry": "CRITICAL"}),
        (
            {"used_ratio": 1.0, "client_buffer_bytes": 90 * MIB},
            {"full_of_buffers": "CRITICAL", "client_buffers": "WARNING"},
        ),
        (
            {"evicted_count": 500, "policy": "allkeys-lru", "client_buffer_bytes": 90 * MIB},
            {"evictions_by_buffers": "WARNING", "client_buffers": "WARNING"},
        ),
        ({"used_ratio": 1.0, "policy": "volatile-lru", "expiring_key_count": 5}, {"high": "WARNING"}),
        (
            {"used_ratio": 0.96, "policy": "allkeys-lru", "limit_source": "container"},
            {"full_outside": "CRITICAL"},
        ),
        ({"used_ratio": None, "limit_bytes": None, "limit_source": None}, {"ok": "OK"}),
        ({"used_bytes": None, "used_ratio": None}, {"unknown": "UNKNOWN"}),
        ({"evicted_count": 50, "policy": "allkeys-lru"}, {"evicting": "INFO", "ok": "OK"}),
        ({"evicted_count": 500, "policy": "allkeys-lru"}, {"evictions": "WARNING"}),
        ({"evicted_count": 1, "policy": "volatile-ttl"}, {"evictions": "WARNING"}),
        (
            {"evicted_count": 9, "policy": "allkeys-lfu", "hit_count": 10, "miss_count": 200},
            {"evicting": "INFO", "hit_ratio": "WARNING"},
        ),
        ({"hit_count": 10, "miss_count": 200}, {"hit_ratio": "INFO", "ok": "OK"}),
        ({"hit_count": 0, "miss_count": 20}, {"ok": "OK"}),
        # Started a minute ago, empty: its users wait, and few of them ask in a second.
        (_STARTED | {"hit_count": 13, "miss_count": 9}, {"started_cold": "INFO", "ok": "OK"}),
        (
            _STARTED | {"hit_count": 20, "miss_count": 100},
            {"hit_ratio": "INFO", "started_cold": "INFO", "ok": "OK"},
        ),
        (_STARTED | {"hit_count": 950, "miss_count": 50}, {"ok": "OK"}),  # warm again
        (_STARTED | {"hit_total_count": 700}, {"ok": "OK"}),
        (_STARTED | {"miss_total_count": 20, "hit_total_count": 5}, {"ok": "OK"}),
        (_STARTED | {"miss_total_count": None}, {"ok": "OK"}),
        (_STARTED | {"uptime_seconds": 86_400}, {"ok": "OK"}),  # before the window: a total says nothing
        (_STARTED | {"uptime_seconds": None}, {"ok": "OK"}),
        ({"fragmentation_ratio": 1.6, "fragmentation_bytes": 60 * MIB}, {"fragmentation": "WARNING"}),
        ({"fragmentation_ratio": 9.0, "fragmentation_bytes": 9 * MIB}, {"ok": "OK"}),
        ({"fragmentation_ratio": 9.0, "fragmentation_bytes": 60 * MIB, "used_bytes": 7 * MIB}, {"ok": "OK"}),
        ({"peak_bytes": 900 * MIB}, {"peak": "INFO", "ok": "OK"}),
        ({"client_buffer_bytes": 50 * MIB}, {"client_buffers": "WARNING"}),
        ({"eviction_behind_seconds": 1.5, "policy": "allkeys-lru"}, {"eviction_behind": "WARNING"}),
        ({"eviction_behind_seconds": 1.5, "policy": "noeviction"}, {"ok": "OK"}),
    ],
)
def test_memory(changes: dict[str, Any], expected: dict[str, str]) -> None:
    assert severities(judge("memory", memory(**changes))) == expected


def test_full_memory_alone_proposes_to_delete_nothing() -> None:
    assert not judge("memory", memory(used_ratio=0.99))["full"].actions


def latency(p95: float, **changes: Any) -> RedisLatency:
    fields: dict[str, Any] = {
        "connect_seconds": 0.001,
        "own_delay_seconds": 0.0,
        "median_seconds": 0.001,
        "max_seconds": p95,
    }
    return RedisLatency(sample_count=20, p95_seconds=p95, **(fields | changes))


def server(**changes: Any) -> RedisServer:
    fields: dict[str, Any] = {
        "software": "redis",
        "version": "7.0.15",
        "mode": "standalone",
        "role": "master",
        "run_id": "ab",
        "started_at": NOW - timedelta(days=3),
        "uptime_seconds": 259_200,
        "clock_difference_seconds": 0.1,
    }
    return RedisServer(**(fields | changes))


def test_connection() -> None:
    assert severities(judge("connection", server(), latency(0.002))) == {"ok": "OK"}
    assert severities(judge("connection", server(), latency(0.02))) == {"latency": "WARNING"}
    # Of fewer than twenty pings the 95th percentile is a single one.
    single = msgspec.structs.replace(latency(0.02), sample_count=19)
    doubted = {"latency": "INFO", "ok": "OK"}  # it answers, however long our pings took
    found = judge("connection", server(), single)
    assert severities(found) == doubted
    assert found["ok"].title.endswith("answers")
    # Two short ones of twenty are not the server's, unless pings waited for much of the time.
    assert severities(judge("connection", server(), latency(0.02, waiting_ratio=0.05))) == doubted
    assert severities(judge("connection", server(), latency(0.4, waiting_ratio=0.5))) == {
        "latency": "WARNING"
    }
    # A slow network is not a slow server.
    assert severities(judge("connection", server(), latency(0.051, connect_seconds=0.05))) == {"ok": "OK"}
    # Nor is a busy machine here.
    assert severities(judge("connection", server(), latency(0.02, own_delay_seconds=0.015))) == {"ok": "OK"}
    # What the server says of itself counts, however busy this machine is.
    held = {"busy_ratio": 0.9, "longest_command": "keys", "longest_seconds": 0.02, "longest_ratio": 0.9}
    found = judge("connection", server(), latency(0.02, own_delay_seconds=0.015, **held))
    assert severities(found) == {"latency": "WARNING"}
    assert "KEYS took 20 ms" in found["latency"].detail
    once = {"busy_ratio": 0.05, "longest_command": "get", "longest_seconds": 0.02, "longest_ratio": 0.02}
    assert (
        severities(judge("connection", server(), latency(0.04, own_delay_seconds=0.025, **once))) == doubted
    )
    # A server beside us waits for the same processors as we do; one elsewhere does not.
    for here, expected in ((True, doubted), (False, {"latency": "WARNING"})):
        queue = {"own_delay_seconds": 0.002, "starved_ratio": 0.9, "is_here": here}
        assert severities(judge("connection", server(), latency(0.02, **queue))) == expected
    # The wait for a processor in that very ping is ours.
    assert severities(judge("connection", server(), latency(0.02, served_p95_seconds=0.004, **held))) == {
        "ok": "OK"
    }
    assert severities(judge("connection", server(), latency(0.001, refusal="MASTERDOWN"))) == {
        "master_down": "CRITICAL"
    }
    assert severities(judge("connection", server())) == {"ok": "OK"}


def test_restart_and_clock() -> None:
    started = NOW - timedelta(minutes=5)
    found = judge("connection", server(started_at=started, uptime_seconds=300), latency(0.001))
    assert severities(found) == {"restarted": "INFO", "ok": "OK"}
    assert found["restarted"].since == started
    assert "clock" in judge("connection", server(clock_difference_seconds=-60.0))


@pytest.mark.parametrize("kind", list(ProblemKind))
def test_a_failed_connection_is_never_ok(kind: ProblemKind) -> None:
    evidence = Evidence(
        probe="redis.connection",
        target="cache",
        status=EvidenceStatus.FAILED,
        collected_at=NOW,
        duration_seconds=0.1,
        source="INFO all",
        problem=Problem(kind=kind, message="it did not work"),
    )
    (found,) = ON_FAILURE["redis.connection"](evidence, CONTEXT)
    assert found.id == f"redis.connection.{kind.value}"
    assert found.severity is (FindingSeverity.UNKNOWN if kind.is_ours else FindingSeverity.CRITICAL)


def slow(command: str, seconds: float, count: int = 1) -> list[RedisSlowCommand]:
    return [
        RedisSlowCommand(
            entry_id=number,
            started_at=NOW - timedelta(minutes=number + 1),
            duration_seconds=seconds,
            command=command,
            argument_count=1,
            key_pattern="user:*",
            address="10.0.0.7",
            client="importer",
        )
        for number in range(count)
    ]


@pytest.mark.parametrize(("command", "instead"), [("DEL", "UNLINK"), ("KEYS", "SCAN"), ("SORT", "")])
def test_a_slow_command_comes_with_what_does_the_same_without_waiting(command: str, instead: str) -> None:
    detail = judge("slowlog", *slow(command, 0.9, 3))["slow"].detail or ""
    _, _, advice = detail.partition("from importer")
    assert advice.startswith(f". {instead} ") if instead else not advice


def test_quick_commands_in_the_slow_log_were_held_up() -> None:
    quick = [replace(one, mean_seconds=0.000_002) for one in slow("SET", 0.03, 16)]
    assert severities(judge("slowlog", *quick)) == {"stalled": "INFO"}
    # A script that was held up no longer than they is none either; one that takes longer is.
    script = [replace(one, mean_seconds=0.000_1) for one in slow("EVALSHA", 0.025, 20)]
    assert severities(judge("slowlog", *quick, *script)) == {"stalled": "INFO"}
    long = [replace(one, mean_seconds=0.000_1) for one in slow("EVALSHA", 0.3, 2)]
    assert severities(judge("slowlog", *quick, *long)) == {"stalled": "INFO", "slow": "WARNING"}
    # Values so large that they take long every time are slow.
    large = [replace(one, mean_seconds=0.02) for one in slow("SET", 0.03, 16)]
    assert severities(judge("slowlog", *large)) == {"slow": "WARNING"}
    assert severities(judge("slowlog", *slow("SET", 0.03, 16))) == {"slow": "WARNING"}


def test_slow_log() -> None:
    log = RedisSlowLog(limit_seconds=0.01, entry_count=9, oldest_at=NOW)
    off = RedisSlowLog(limit_seconds=-0.000001, entry_count=0, oldest_at=None)
    assert severities(judge("slowlog", log)) == {"ok": "OK"}
    assert judge("slowlog", off) == {}
    assert severities(judge("slowlog", log, *slow("GET", 0.02))) == {"slow": "INFO"}
    found = judge("slowlog", log, *slow("GET", 0.02), *slow("KEYS", 0.2, count=4))["slow"]
    assert found.severity is FindingSeverity.WARNING
    assert found.data["command"] == "KEYS"
    assert found.since == NOW - timedelta(minutes=4)
    even = [*slow("GET", 0.3), *slow("SET", 0.3), *slow("DEL", 0.3)]
    assert severities(judge("slowlog", log, *even)) == {"slow": "INFO"}


def persistence(**changes: Any) -> RedisPersistence:
    fields: dict[str, Any] = {
        "save": "3600 1",
        "stop_writes_on_failure": True,
        "dump_ok": True,
        "dump_running": False,
        "dump_at": NOW,
        "dump_seconds": 1,
        "unsaved_change_count": 7,
        "aof_enabled": False,
        "aof_write_ok": True,
        "aof_rewrite_ok": True,
        "fork_seconds": 0.0,
        "role": "master",
    }
    return RedisPersistence(**(fields | changes))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, {"ok": "OK"}),
        ({"save": None}, {"ok": "OK"}),
        ({"dump_ok": False}, {"failing": "CRITICAL"}),
        ({"dump_ok": False, "stop_writes_on_failure": None, "save": None}, {"failing": "CRITICAL"}),
        ({"dump_ok": False, "stop_writes_on_failure": False}, {"dump_failing": "WARNING"}),
        ({"dump_ok": False, "save": ""}, {"dump_failing": "WARNING"}),
        ({"aof_enabled": True, "aof_write_ok": False}, {"failing": "CRITICAL"}),
        ({"aof_enabled": True, "aof_rewrite_ok": False}, {"rewrite_failing": "WARNING"}),
        ({"aof_write_ok": False}, {"ok": "OK"}),
        ({"dump_ok": None, "aof_write_ok": None}, {"unknown": "UNKNOWN"}),
    ],
)
def test_persistence(changes: dict[str, Any], expected: dict[str, str]) -> None:
    assert severities(judge("persistence", persistence(**changes))) == expected


def test_a_replica_that_is_late() -> None:
    late = RedisReplica(address="10.0.0.8:6379", state="online", lag_seconds=60, behind_bytes=5000)
    assert severities(judge("replication", late)) == {"replica_lag": "WARNING"}


def test_every_probe_has_its_analyzer() -> None:
    assert [probe.name for probe in PROBES] == sorted(ANALYZERS, key=[p.name for p in PROBES].index)
    for name in ANALYZERS:
        assert all(
            one.severity is not FindingSeverity.CRITICAL
            for one in judge(name.removeprefix("redis.")).values()
        )

"""Pools, room on disk, reads and writes, new sessions, statements forgotten, VACUUM, subscriptions."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from incident_lib.correlation.differences import differences
from incident_lib.errors import ProblemKind
from incident_lib.findings.thresholds import Thresholds
from incident_lib.model import FindingSeverity
from incident_lib.technologies import comparers
from incident_lib.technologies.postgres.probes.disk import disks, parse_df
from incident_lib.technologies.postgres.probes.pooler import limited_by_user
from incident_lib.technologies.postgres.rows import (
    PostgresCheckpoints,
    PostgresCounters,
    PostgresDisk,
    PostgresEvictions,
    PostgresIo,
    PostgresPool,
    PostgresPooler,
    PostgresSessionGroup,
    PostgresSlru,
    PostgresStandby,
    PostgresVacuum,
)
from tests.unit.technologies.postgres.records import NOW, evidence, failed, judge

CRITICAL, WARNING, INFO, OK = (FindingSeverity[name] for name in ("CRITICAL", "WARNING", "INFO", "OK"))


def _pool(**values: Any) -> PostgresPool:
    calm = {
        "database": "shop",
        "role": "app",
        "mode": "transaction",
        "client_active_count": 8,
        "client_waiting_count": 0,
        "client_waiting_before_count": 0,
        "longest_wait_seconds": 0.0,
        "server_active_count": 8,
        "server_idle_count": 0,
        "server_used_count": 0,
        "server_login_count": 0,
        "size_limit_count": 8,
        "server_address": "10.0.0.2:5432",
    }
    return PostgresPool(**{**calm, **values})


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ({}, {"ok": OK}),
        ({"client_waiting_count": 3}, {"queue": INFO, "ok": OK}),  # they were served in between
        ({"client_waiting_count": 3, "client_waiting_before_count": 2}, {"waiting": WARNING}),
        ({"client_waiting_count": 1, "longest_wait_seconds": 1.5}, {"waiting": WARNING}),
        ({"client_waiting_count": 1, "longest_wait_seconds": 11.0}, {"waiting": CRITICAL}),
    ],
)
def test_clients_that_wait_in_a_pool(values: dict[str, Any], found: dict[str, FindingSeverity]) -> None:
    calm = PostgresPooler(version="1", client_count=9, client_limit=100, server_count=8)
    told = judge(evidence("pooler", calm, _pool(**values)))
    assert {name: one.severity for name, one in told.items()} == found


def test_a_pool_that_gets_no_connections_points_at_the_server() -> None:
    stuck = _pool(client_waiting_count=2, longest_wait_seconds=3.0, server_active_count=0)
    assert "from 10.0.0.2:5432" in judge(evidence("pooler", stuck))["waiting"].detail


def test_a_pool_at_the_limit_of_its_role_does_not_point_at_the_server() -> None:
    held = _pool(
        client_waiting_count=2, longest_wait_seconds=3.0, server_active_count=2, server_role="shop_app",
        user_limit_count=4, user_connection_count=4,
    )  # fmt: skip
    found = judge(evidence("pooler", held))["waiting"]
    assert found.data["layer"] == "max_user_connections of shop_app"
    assert "raise max_user_connections of PgBouncer" in str(found.data["remedy"])
    free = msgspec.structs.replace(held, user_connection_count=3)
    assert judge(evidence("pooler", free))["waiting"].data["layer"] == "10.0.0.2:5432"


def test_the_pools_of_a_role_share_its_limit() -> None:
    pools = [
        _pool(server_active_count=2),
        _pool(database="stock", server_idle_count=1, server_active_count=1),
    ]
    limited = limited_by_user([*pools, _pool(role="report")], [{"key": "max_user_connections", "value": "4"}])
    assert [pool.user_connection_count for pool in limited] == [4, 4, 8]
    assert limited_by_user(pools, [{"key": "max_user_connections", "value": "0"}]) == pools


def test_a_pooler_that_is_nearly_full() -> None:
    full = PostgresPooler(version="1", client_count=96, client_limit=100, server_count=8)
    assert judge(evidence("pooler", full))["clients"].severity is CRITICAL


def test_a_database_that_is_paused_is_no_pool_that_is_too_small() -> None:
    held = _pool(client_waiting_count=3, client_waiting_before_count=3, longest_wait_seconds=30.0)
    alike = (
        msgspec.structs.replace(held, is_paused=True),
        _pool(role="report", client_waiting_count=2, is_paused=True),
    )
    found = judge(evidence("pooler", *alike))
    assert {name: finding.severity for name, finding in found.items()} == {"paused": CRITICAL}
    assert found["paused"].title == "The database shop is paused in PgBouncer: 5 clients waiting"
    assert found["paused"].data == {"database": "shop", "waiting": 5}
    assert "PAUSE was sent" in found["paused"].detail
    assert found["paused"].detail.endswith("RESUME shop")
    # Clients of another database wait for their pool, whatever is paused next to it.
    found = judge(
        evidence("pooler", *alike, msgspec.structs.replace(held, database="ledger", is_paused=False))
    )
    assert {name: finding.severity for name, finding in found.items()} == {
        "paused": CRITICAL,
        "waiting": CRITICAL,
    }
    assert found["paused"].data == {"database": "shop", "waiting": 5}
    assert (found["waiting"].data["pool"], found["waiting"].data["waiting"]) == ("ledger/app", 3)
    assert list(judge(evidence("pooler", msgspec.structs.replace(held, is_paused=False)))) == ["waiting"]


def test_a_database_that_no_client_misses_yet_and_one_that_is_disabled() -> None:
    found = judge(evidence("pooler", _pool(is_paused=True)))
    assert {name: finding.severity for name, finding in found.items()} == {"paused": WARNING}
    assert found["paused"].data == {"database": "shop", "waiting": 0}
    disabled = judge(evidence("pooler", _pool(is_disabled=True)))
    assert {name: finding.severity for name, finding in disabled.items()} == {"paused": WARNING}
    assert disabled["paused"].title == "The database shop is disabled in PgBouncer: 0 clients waiting"
    assert "DISABLE was sent" in disabled["paused"].detail
    assert disabled["paused"].detail.endswith("ENABLE shop")
    assert list(judge(evidence("pooler", _pool(is_paused=False, is_disabled=False)))) == ["ok"]


def _disk(**values: Any) -> PostgresDisk:
    calm = {"path": "/data", "total_bytes": 1000, "free_bytes": 500, "vantage": "this machine"}
    return PostgresDisk(**{**calm, **values})


@pytest.mark.parametrize(
    ("free", "severity"), [(500, OK), (101, OK), (100, WARNING), (21, WARNING), (20, CRITICAL)]
)
def test_room_for_the_data(free: int, severity: FindingSeverity) -> None:
    found = judge(evidence("disk", _disk(free_bytes=free)))
    assert [finding.severity for finding in found.values()] == [severity]
    (room,) = found.values()
    assert (room.data["free_bytes"], room.data["free_ratio"]) == (free, free / 1000)


def test_a_full_disk_with_the_write_ahead_log_is_not_that_of_the_data() -> None:
    wal = _disk(what="wal", path="/data/pg_wal", free_bytes=20)
    full = judge(evidence("disk", _disk(), wal))["full"]
    assert full.severity is CRITICAL
    assert full.title.startswith("The disk with the write-ahead log is nearly full")
    assert full.data == {"path": "/data/pg_wal", "free_ratio": 0.02, "free_bytes": 20}


def test_a_full_disk_with_a_tablespace_is_named_by_it() -> None:
    small = _disk(what="tablespace small", path="/mnt/small", free_bytes=0)
    full = judge(evidence("disk", _disk(), small))["full"]
    assert full.severity is CRITICAL
    assert full.title.startswith("The disk with tablespace small is nearly full: 0 B of 1000 B")
    roomy = judge(evidence("disk", _disk(), _disk(what="tablespace small", path="/mnt/small")))
    assert roomy["ok"].title.endswith("; the disk with tablespace small: 500 B of 1000 B are free (50 %)")


def test_each_file_system_is_one_record() -> None:
    data, other, shared = (100, 20, "/"), (50, 5, "/mnt"), (9, 9, "/dev/shm")
    known = {"data": data, "wal": (100, 19, "/"), "shm": shared}
    known |= {"tablespace a": other, "tablespace b": (50, 4, "/mnt"), "tablespace c": (100, 18, "/")}
    rows = disks(known, {name: f"/{name}" for name in known}, vantage="here", files=None)
    assert [(row.what, row.free_bytes) for row in rows] == [
        ("data", 20 * 1024),
        ("shm", 9 * 1024),
        ("tablespace a", 5 * 1024),
    ]


@pytest.mark.parametrize(
    ("total", "free", "found"),
    [
        (1000, 51, {"ok": OK}),
        (1000, 50, {"files": WARNING}),
        (1000, 0, {"files": WARNING}),
        (None, None, {"ok": OK}),
        (0, 0, {"ok": OK}),  # as btrfs reports it, which has no such limit
        (1000, None, {"ok": OK}),
    ],
)
def test_room_for_more_files(total: int | None, free: int | None, found: dict[str, FindingSeverity]) -> None:
    seen = judge(evidence("disk", _disk(file_total_count=total, file_free_count=free)))
    assert {name: finding.severity for name, finding in seen.items()} == found
    if "files" in found and total and free is not None:
        assert seen["files"].title == f"The disk with the data has room for {free} more files of 1,000"
        assert seen["files"].data == {"path": "/data", "free_count": free, "free_ratio": free / total}
        assert "find the folder with very many small files" in seen["files"].detail
    else:
        assert ("inodes" in seen["ok"].title) is bool(total and free)


@pytest.mark.parametrize(
    ("total", "is_small"), [((128 << 20) + 1, False), (128 << 20, True), (64 << 20, True)]
)
def test_shared_memory_that_parallel_workers_outgrow(total: int, *, is_small: bool) -> None:
    """It is INFO by itself, and never a full disk: it is as full as its users make it."""
    shm = _disk(what="shm", path="/dev/shm", total_bytes=total, free_bytes=0)
    found = judge(evidence("disk", _disk(), shm))
    assert {name: finding.severity for name, finding in found.items()} == (
        {"shm_small": INFO, "ok": OK} if is_small else {"ok": OK}
    )
    if is_small:
        assert found["shm_small"].data == {"path": "/dev/shm", "total_bytes": total}
        assert "shm_size of the container" in found["shm_small"].detail


HEAD = "Filesystem 1024-blocks Used Available Capacity Mounted on"


@pytest.mark.parametrize(
    ("wal", "kinds"),
    [
        ("/dev/sda1 1000 400 600 40% /srv", ["data"]),
        ("/dev/sda1 1000 408 592 41% /srv", ["data"]),  # another program wrote meanwhile
        ("/dev/sdb1 1000 400 600 40% /srv/data/pg_wal", ["data", "wal"]),
        ("/dev/sdb1 2000 1400 600 70% /srv", ["data", "wal"]),  # mounted over it in between
    ],
)
def test_one_file_system_is_one_record(wal: str, kinds: list[str]) -> None:
    spaces = parse_df(f"{HEAD}\n/dev/sda1 1000 400 600 40% /srv\n{wal}")
    paths = {"data": "/srv/data", "wal": "/srv/data/pg_wal"}
    rows = disks(dict(zip(paths, spaces, strict=True)), paths, vantage="this machine", files=(1000, 900))
    assert [row.what for row in rows] == kinds
    assert [(row.path, row.total_bytes, row.free_bytes) for row in rows[:1]] == [
        ("/srv/data", 1000 * 1024, 600 * 1024)
    ]
    assert [row.file_free_count for row in rows] == [900, None][: len(rows)]  # inodes are those of the data
    assert [row.path for row in rows] == [paths[what] for what in kinds]


def _counters(**values: Any) -> PostgresCounters:
    calm: dict[str, Any] = dict.fromkeys(PostgresCounters.__struct_fields__, 0)
    calm |= {"database": "shop", "interval_seconds": 2.0, "checksum_failed_at": None}
    calm |= {"block_read_seconds": None, "block_write_seconds": None}
    return PostgresCounters(**{**calm, **values})


def _io(**values: Any) -> PostgresIo:
    calm: dict[str, Any] = dict.fromkeys(PostgresIo.__struct_fields__, 0)
    named = {"backend_type": "client backend", "object": "relation", "context": "normal"}
    return PostgresIo(**{**calm, **named, "interval_seconds": 2.0, **values})


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        ((_counters(block_read_count=500, block_hit_count=90_000),), {"ok": OK}),
        ((_counters(block_read_count=500, block_hit_count=90_000, block_read_seconds=1.0),), {"ok": OK}),
        (
            (_counters(block_read_count=500, block_hit_count=90_000, block_read_seconds=6.0),),
            {"reads": INFO, "ok": OK},
        ),
        (
            (_counters(block_read_count=500, block_hit_count=90_000, block_read_seconds=30.0),),
            {"reads": WARNING},
        ),
        ((_counters(block_read_count=5, block_read_seconds=3.0),), {"ok": OK}),  # too few to tell
        ((_counters(session_count=100),), {"churn": INFO, "ok": OK}),
        ((_counters(session_count=None),), {"ok": OK}),
        ((_counters(), _io(write_count=5000)), {"own_writes": INFO, "ok": OK}),
        ((_counters(), _io(write_count=5000, context="bulkwrite")), {"ok": OK}),
        ((_counters(), _io(write_count=None, read_count=None)), {"ok": OK}),
    ],
)
def test_reads_writes_and_new_sessions(rows: tuple[Any, ...], found: dict[str, FindingSeverity]) -> None:
    told = judge(evidence("counters", *rows))
    assert {name: one.severity for name, one in told.items()} == found


def test_a_small_cache_that_is_missed() -> None:
    row = PostgresSlru(
        name="Subtrans", interval_seconds=2.0, hit_count=100, read_count=9000, write_count=0, new_count=0
    )
    assert judge(evidence("counters", _counters(), row))["slru"].data["cache"] == "Subtrans"


def test_sessions_that_are_all_young() -> None:
    group = PostgresSessionGroup(
        application="cgi",
        role="app",
        database="shop",
        client_address=None,
        state="idle",
        session_count=30,
        oldest_state_change_at=NOW,
        newest_start_at=NOW,
        limit_count=100,
        young_count=29,
    )
    assert judge(evidence("activity", group))["young"].severity is INFO


def test_statements_that_were_thrown_out() -> None:
    row = PostgresEvictions(
        evicted_count=2, total_evicted_count=9, counted_since_at=NOW, entry_count=4990, entry_limit=5000
    )
    assert judge(evidence("statements", row))["evicted"].severity is INFO


def test_a_vacuum_and_what_slows_it() -> None:
    values: dict[str, Any] = dict.fromkeys(PostgresVacuum.__struct_fields__)
    row = PostgresVacuum(
        **{**values, "pid": 7, "table": "public.orders", "phase": "vacuuming indexes", "run_seconds": 90.0},
    )
    several = PostgresVacuum(**{**values, "pid": 8, "index_pass_count": 3, "is_for_wraparound": True})
    found = judge(evidence("tables", row, several))
    assert found["vacuuming"].title == (
        "2 VACUUMs running, the oldest of public.orders: vacuuming indexes for 1m 30s"
    )
    assert "pass 3 over the indexes" in found["vacuuming"].detail
    assert "anti-wraparound" in found["vacuuming"].detail


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ({"lag_seconds": 0.1, "silent_seconds": 12.0}, {"ok": OK}),
        ({"lag_seconds": 0.1, "silent_seconds": 120.0}, {"subscription": WARNING}),
        ({"lag_seconds": 30.0, "silent_seconds": 1.0}, {"lag": WARNING}),
        ({"lag_seconds": None, "silent_seconds": None}, {"ok": OK}),
    ],
)
def test_a_subscription_that_lags(values: dict[str, Any], found: dict[str, FindingSeverity]) -> None:
    row = PostgresStandby(
        direction="subscription",
        name="copy",
        client_address=None,
        state="streaming",
        synchronous=None,
        lag_bytes=None,
        **values,
    )
    assert {name: one.severity for name, one in judge(evidence("replication", row)).items()} == found


def _checkpoints(**values: Any) -> PostgresCheckpoints:
    calm = {
        "interval_seconds": 2.0,
        "timed_count": 0,
        "requested_count": 0,
        "wal_bytes": 0,
        "total_timed_count": 10,
        "total_requested_count": 10,
        "counted_since_at": NOW - timedelta(days=9),
        "max_wal_bytes": 1 << 30,
        "checkpoint_timeout_seconds": 300.0,
        "completion_target_ratio": 0.9,
        "wal_position_bytes": 100 << 30,
    }
    return PostgresCheckpoints(**{**calm, **values})


@pytest.mark.parametrize(
    ("values", "is_told"),
    [
        ({"total_requested_count": 20, "wal_position_bytes": 110 << 30}, True),
        ({"total_requested_count": 20, "wal_position_bytes": (100 << 30) + 1}, False),  # somebody asked
        ({"total_requested_count": 12, "total_timed_count": 30, "wal_position_bytes": 110 << 30}, False),
        ({"total_requested_count": 20, "wal_position_bytes": None}, False),
        ({"total_requested_count": 20, "counted_since_at": NOW, "wal_position_bytes": 110 << 30}, False),
    ],
)
def test_checkpoints_since_another_snapshot(values: dict[str, Any], *, is_told: bool) -> None:
    before, now = evidence("counters", _checkpoints()), evidence("counters", _checkpoints(**values))
    found = [
        one
        for one in differences([before], [now], Thresholds(), comparers())
        if one.id == "baseline.checkpoints"
    ]
    assert [one.severity for one in found] == ([WARNING] if is_told else [])


def test_a_new_server_that_wrote_nothing_has_no_checkpoint_trouble() -> None:
    """CREATE DATABASE asks for checkpoints; 13 and 14 count from the start of the server."""
    young = _checkpoints(
        counted_since_at=NOW - timedelta(minutes=5),
        total_timed_count=0,
        total_requested_count=4,
        wal_position_bytes=32 << 20,
    )
    assert list(judge(evidence("counters", _counters(), young))) == ["ok"]


@pytest.mark.parametrize(
    ("values", "is_told"),
    [
        ({"counted_wal_bytes": 40 << 20}, False),  # an old server whose counters began anew: it wrote little
        ({"counted_wal_bytes": 9 << 30}, True),
        ({"counted_wal_bytes": None}, True),
        ({"counted_wal_bytes": 0, "wal_bytes": None, "wal_position_bytes": None}, False),  # a standby
        ({"counted_wal_bytes": None, "wal_bytes": None, "wal_position_bytes": None}, False),
    ],
)
def test_what_was_written_since_the_counters_began(values: dict[str, Any], *, is_told: bool) -> None:
    young = _checkpoints(
        counted_since_at=NOW - timedelta(minutes=5), total_timed_count=0, total_requested_count=4, **values
    )
    assert ("checkpoints" in judge(evidence("counters", _counters(), young))) is is_told


def test_a_pooler_that_refuses_only_us_is_unknown() -> None:
    def told(kind: ProblemKind) -> list[FindingSeverity]:
        seen = msgspec.structs.replace(failed(kind), probe="postgres.pooler")
        return [one.severity for one in judge(seen).values()]

    assert told(ProblemKind.DENIED) == [FindingSeverity.UNKNOWN]
    assert told(ProblemKind.NOT_CONFIGURED) == [FindingSeverity.UNKNOWN]
    assert told(ProblemKind.REFUSED) == [CRITICAL]

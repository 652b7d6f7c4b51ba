"""Counters, statements, the server's life, databases, tables, replication, and our own role."""

from datetime import timedelta
from typing import Any

import pytest
from msgspec import structs

from incident_lib.errors import ProblemKind
from incident_lib.model import FindingSeverity, Problem
from incident_lib.technologies.postgres.connect.problems import connection_error
from incident_lib.technologies.postgres.rows import (
    PostgresArchiver,
    PostgresCollation,
    PostgresCommitWait,
    PostgresConnection,
    PostgresCounters,
    PostgresDatabase,
    PostgresInvalidIndex,
    PostgresServer,
    PostgresSetting,
    PostgresSlot,
    PostgresStandby,
    PostgresStatement,
    PostgresTable,
    PostgresWalFolder,
)
from tests.unit.technologies.postgres.records import NOW, evidence, failed, judge

CRITICAL, WARNING, INFO, OK = (FindingSeverity[name] for name in ("CRITICAL", "WARNING", "INFO", "OK"))
HOUR = timedelta(hours=1)


def _counters(**values: Any) -> PostgresCounters:
    fields = [name for name in PostgresCounters.__struct_fields__ if name.endswith(("_count", "_bytes"))]
    zero = {**dict.fromkeys(fields, 0), "commit_count": 100, "checksum_failed_at": None}
    return PostgresCounters(database="shop", interval_seconds=1.0, **{**zero, **values})


@pytest.mark.parametrize(
    ("name", "values", "severity"),
    [
        ("deadlocks", {"deadlock_count": 1}, WARNING),
        ("rollbacks", {"rollback_count": 12}, WARNING),
        ("temp", {"temporary_bytes": 17_000_000}, WARNING),
        ("killed", {"killed_count": 1}, WARNING),
        ("killed", {"fatal_count": 1}, WARNING),
        ("conflicts", {"conflict_count": 1}, WARNING),
        ("checksums", {"checksum_failure_count": 1, "checksum_failed_at": NOW}, CRITICAL),
    ],
)
def test_counters(name: str, values: dict[str, Any], severity: FindingSeverity) -> None:
    found = judge(evidence("counters", _counters(**values)))
    assert list(found) == [name]
    assert found[name].severity is severity


def test_quiet_counters_are_ok_and_few_rollbacks_say_nothing() -> None:
    untold = {
        "session_count": None,
        "killed_count": None,
        "fatal_count": None,
        "checksum_failure_count": None,
    }
    assert list(judge(evidence("counters", _counters(**untold)))) == ["ok"]
    assert list(judge(evidence("counters", _counters(commit_count=1, rollback_count=3)))) == ["ok"]


def _statement(**values: Any) -> PostgresStatement:
    counts = dict.fromkeys(("call_count", "row_count", "block_read_count", "temporary_block_count"), 10)
    named = {"statement_id": "1/1/1", "role": "app", "database": "shop", "query": "SELECT * FROM orders"}
    times = {"interval_seconds": 1.0, "total_seconds": 0.9, "mean_seconds": 0.09, "share_ratio": 0.8}
    return PostgresStatement(**{**counts, **named, **times, **values})


def test_a_dominant_statement_counts_only_when_the_server_works() -> None:
    assert judge(evidence("statements", _statement()))["dominant"].severity is WARNING
    light = judge(evidence("statements", _statement(total_seconds=0.01)))
    assert light["heaviest"].severity is INFO
    assert "dominant" not in light
    assert light["ok"].severity is OK
    rare = judge(evidence("statements", _statement(total_seconds=0.4, mean_seconds=2.0)))
    assert rare["dominant"].severity is INFO
    assert list(judge(evidence("statements", _statement(share_ratio=0.2)))) == ["ok"]
    assert list(judge(evidence("statements"))) == ["ok"]


def _server(**values: Any) -> PostgresServer:
    calm = {
        "started_at": NOW - 48 * HOUR,
        "configuration_loaded_at": NOW - 48 * HOUR,
        "in_recovery": False,
        "autovacuum_is_on": True,
        "transaction_age": 200_000_000,
        "transaction_age_database": "shop",
        "multixact_age": 10,
        "prepared_transaction_count": 0,
        "oldest_prepared_seconds": None,
        "oldest_prepared_at": None,
        "oldest_prepared_name": None,
    }
    return PostgresServer(**{**calm, **values})


def test_the_servers_life() -> None:
    assert list(judge(evidence("server", _server()))) == ["ok"]
    minutes = NOW - timedelta(minutes=4)
    restarted = judge(evidence("server", _server(started_at=minutes, configuration_loaded_at=minutes)))
    assert {name: one.severity for name, one in restarted.items()} == {"restarted": INFO, "ok": OK}
    assert restarted["restarted"].since == minutes
    assert restarted["restarted"].title == "The database server was started"
    assert "4m 0s ago" in restarted["restarted"].detail
    assert "reloaded" in judge(evidence("server", _server(configuration_loaded_at=minutes)))
    assert judge(evidence("server", _server(autovacuum_is_on=False)))["autovacuum_off"].severity is WARNING


@pytest.mark.parametrize(
    ("age", "severity"), [(399e6, None), (400e6, INFO), (1.3e9, WARNING), (1.4e9, CRITICAL)]
)
def test_wraparound(age: float, severity: FindingSeverity | None) -> None:
    for name in ("transaction_age", "multixact_age"):
        found = judge(evidence("server", _server(**{name: int(age)})))
        assert (found["wraparound"].severity if severity else None) is severity


def test_prepared_transactions() -> None:
    for seconds, severity in ((2.0, WARNING), (31.0, CRITICAL)):
        row = _server(prepared_transaction_count=1, oldest_prepared_seconds=seconds, oldest_prepared_name="x")
        assert judge(evidence("server", row))["prepared"].severity is severity


def test_settings() -> None:
    plain = PostgresSetting(
        name="fsync", value="off", unit=None, source="file", is_default=False, pending_restart=False
    )
    waits = PostgresSetting(
        name="max_connections", value="9", unit=None, source="x", is_default=False, pending_restart=True
    )
    found = judge(evidence("settings", plain, waits))
    assert {name: one.severity for name, one in found.items()} == {
        "pending_restart": INFO,
        "risk": INFO,
        "ok": OK,
    }


def _database(**values: Any) -> PostgresDatabase:
    calm = {"database": "shop", "size_bytes": 5 << 20, "transaction_age": 9, "connection_count": 8}
    return PostgresDatabase(**{**calm, "connection_limit": None, "allows_connections": True, **values})


def test_databases() -> None:
    found = judge(evidence("databases", _database(), _database(size_bytes=None)))
    assert found["ok"].title == "2 databases, 5 MiB in all (1 unknown)"
    assert judge(evidence("databases", _database(connection_limit=10)))["limit"].severity is WARNING
    assert judge(evidence("databases", _database(connection_limit=8)))["limit"].severity is CRITICAL
    assert judge(evidence("databases", _database(allows_connections=False)))["closed"].severity is INFO


def test_a_database_that_was_dropped_in_part() -> None:
    found = judge(evidence("databases", _database(), _database(database="gone", connection_limit=-2)))
    assert {name: finding.severity for name, finding in found.items()} == {"invalid": WARNING}
    assert found["invalid"].title == "The database gone is invalid: a DROP DATABASE was interrupted"
    assert found["invalid"].data == {"database": "gone"}
    assert 'DROP DATABASE "gone" once more' in found["invalid"].detail
    # A limit of 0 keeps clients out on purpose; without a limit there is nothing to say.
    closed = judge(evidence("databases", _database(connection_limit=0, connection_count=0)))
    assert {name: finding.severity for name, finding in closed.items()} == {"closed": INFO, "ok": OK}
    assert closed["closed"].data == {"database": "shop"}
    assert list(judge(evidence("databases", _database(connection_limit=None)))) == ["ok"]


def _table(**values: Any) -> PostgresTable:
    calm = {
        "schema": "public",
        "table": "orders",
        "live_row_count": 1000,
        "dead_row_count": 500,
        "vacuum_threshold_rows": 250.0,
        "autovacuum_is_on": True,
        "last_vacuum_at": NOW - HOUR,
        "last_analyze_at": None,
        "sequential_scan_count": 1,
        "sequential_row_count": 1,
        "index_scan_count": 1,
        "size_bytes": 8192,
        "estimated_row_count": 1000.0,
        "transaction_age": 5,
    }
    return PostgresTable(**{**calm, **values})


def test_tables() -> None:
    assert list(judge(evidence("tables", _table()))) == ["ok"]
    assert list(judge(evidence("tables", _table(last_vacuum_at=None)))) == ["ok"]
    behind = judge(evidence("tables", _table(last_vacuum_at=NOW - 11 * HOUR)))["dead_rows"]
    assert behind.severity is WARNING
    assert behind.title == "Autovacuum is behind: public.orders not vacuumed for 10 hours"
    off = judge(evidence("tables", _table(autovacuum_is_on=False)))
    assert list(off) == ["autovacuum_off"]


def test_tables_without_statistics() -> None:
    large = _table(live_row_count=20_000, dead_row_count=0)
    found = judge(evidence("tables", large, _table(table="items", live_row_count=10_000, dead_row_count=0)))
    assert found["no_statistics"].data == {"table": "public.orders", "tables": 2}
    assert found["no_statistics"].title.startswith("public.orders, public.items were never analyzed")
    analyzed = _table(live_row_count=20_000, dead_row_count=0, last_analyze_at=NOW)
    assert list(judge(evidence("tables", analyzed))) == ["ok"]


def _standby(**values: Any) -> PostgresStandby:
    calm = {"direction": "downstream", "name": "replica", "client_address": None, "state": "streaming"}
    return PostgresStandby(**{**calm, "synchronous": "async", "lag_bytes": 0, "lag_seconds": None, **values})


def _slot(**values: Any) -> PostgresSlot:
    calm = {"name": "replica", "kind": "physical", "database": None, "active": True, "wal_status": "reserved"}
    rest = {"retained_bytes": 0, "inactive_since": None, "snapshot_age_transactions": None}
    return PostgresSlot(**{**calm, **rest, **values})


def test_replication() -> None:
    assert judge(evidence("replication"))["ok"].title.startswith("Nothing streams from here")
    assert list(judge(evidence("replication", _standby(), _slot()))) == ["ok"]
    assert judge(evidence("replication", _standby(lag_seconds=6.0)))["lag"].severity is WARNING
    assert "not_streaming" in judge(evidence("replication", _standby(state="catchup")))
    for worker in ("pg_16426_sync_16419_7713775609086674214", "shop_16426_sync_16419"):
        assert list(judge(evidence("replication", _standby(name=worker, state="startup")))) == ["ok"]
    behind = _standby(lag_seconds=6.0, unsent_bytes=10, unwritten_bytes=10, unreplayed_bytes=900)
    assert judge(evidence("replication", behind))["lag"].data["late_part"] == "replay"
    for direction, words in (
        ("downstream", "there is nothing to do on this server"),
        ("upstream", "Rebuild this standby"),
    ):
        away = judge(evidence("replication", _standby(direction=direction, state="startup")))
        assert words in str(away["not_streaming"].data["remedy"])
    consumer = judge(evidence("replication", _standby(state="startup", is_logical=True)))["not_streaming"]
    assert consumer.title == "The consumer replica is connected and does not stream yet"
    assert "older transactions to end" in str(consumer.data["remedy"])
    paused = judge(evidence("replication", _standby(direction="upstream", is_paused=True)))["paused"]
    assert "resuming would shut it down" in paused.detail
    for status, severity in (("lost", CRITICAL), ("unreserved", WARNING)):
        assert judge(evidence("replication", _slot(wal_status=status)))["slot"].severity is severity
    unused = judge(evidence("replication", _slot(active=False, retained_bytes=2 << 30)))["slot"]
    assert unused.title == "The replication slot replica is not in use and keeps 2 GiB of WAL"


def _upstream(**values: Any) -> PostgresStandby:
    calm = {"name": "primary", "is_paused": False, "has_upstream": True, "lag_seconds": 0.1}
    return _standby(direction="upstream", **{**calm, **values})


def test_a_standby_whose_replay_is_paused() -> None:
    calm = judge(evidence("replication", _upstream()))
    assert list(calm) == ["ok"]
    assert "replay is not paused" in calm["ok"].title
    # It is behind because of that, so it does not lag besides.
    values = {"lag_bytes": 5 << 20, "lag_seconds": 600.0, "newest_seconds": 90.0, "state": None}
    found = judge(evidence("replication", _upstream(is_paused=True, **values)))
    assert {name: finding.severity for name, finding in found.items()} == {"paused": WARNING}
    paused = found["paused"]
    assert paused.title == "Replay is paused on this standby, 5 MiB wait: reads here are stale"
    assert paused.data == {"lag_bytes": 5 << 20, "newest_seconds": 90.0}
    assert "visible to readers is 1m 30s old" in paused.detail
    bare = judge(evidence("replication", _upstream(is_paused=True, lag_bytes=None)))["paused"]
    assert bare.title == "Replay is paused on this standby: reads here are stale"
    assert "visible to readers" not in bare.detail


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ({"delay_seconds": 3600.0, "lag_seconds": None}, {"delayed": INFO, "ok": OK}),
        ({"delay_seconds": 3600.0, "lag_seconds": 3604.9}, {"delayed": INFO, "ok": OK}),
        ({"delay_seconds": 3600.0, "lag_seconds": 3605.0}, {"lag": WARNING}),
        ({"delay_seconds": None, "lag_seconds": 3604.9}, {"lag": WARNING}),
        ({"delay_seconds": 0.0, "lag_seconds": 4.9}, {"ok": OK}),
        # The delay of a standby is known on the standby; what another one is meant to be is its own.
        ({"direction": "downstream", "delay_seconds": 3600.0, "lag_seconds": 0.1}, {"ok": OK}),
    ],
)
def test_a_standby_that_is_behind_on_purpose(
    values: dict[str, Any], found: dict[str, FindingSeverity]
) -> None:
    seen = judge(evidence("replication", structs.replace(_upstream(), **values)))
    assert {name: finding.severity for name, finding in seen.items()} == found
    if "delayed" in found:
        assert seen["delayed"].data == {"delay_seconds": 3600.0}
        assert "is configured to be 1h 0m behind" in seen["delayed"].title
    if "lag" in found:
        assert ("of it configured" in seen["lag"].title) is bool(values["delay_seconds"])


def _commits(**values: Any) -> PostgresCommitWait:
    """Return what synchronous replication promises: replica_a must confirm, and it is there."""
    calm: dict[str, Any] = {"standby_names": "replica_a", "synchronous_commit": "on"}
    return PostgresCommitWait(**{**calm, "standbys": ("replica_a",), **values})


WAITING: dict[str, Any] = {
    "waiting_pids": (7, 8),
    "still_waiting_pids": (7,),
    "oldest_started_at": NOW - timedelta(seconds=30),
    "applications": ("till", "web"),
}


@pytest.mark.parametrize(
    ("seconds", "severity"), [(0.9, None), (1.0, WARNING), (9.9, WARNING), (10.0, CRITICAL)]
)
def test_commits_that_wait_for_a_standby_that_is_connected(
    seconds: float, severity: FindingSeverity | None
) -> None:
    found = judge(evidence("replication", _commits(**WAITING, longest_seconds=seconds)))
    assert {name: finding.severity for name, finding in found.items()} == (
        {"commits_wait": severity} if severity else {"ok": OK}
    )
    if severity:
        waits = found["commits_wait"]
        assert waits.title.startswith("1 commit waits for up to "), "the other went on"
        assert waits.title.endswith(
            "for the synchronous standby replica_a, which is connected but does not confirm"
        )
        assert waits.since == WAITING["oldest_started_at"]
        advice = waits.data["advice"]
        assert str(advice).startswith("Find out why the standby replica_a does not confirm")
        assert waits.data == {
            "standby": "replica_a",
            "names": "replica_a",
            "connected": "replica_a",
            "waiting": 1,
            "longest_seconds": seconds,
            "application": "till, web",
            "advice": advice,
        }
        assert "Leave the waiting sessions alone" in waits.detail
        assert waits.actions == ()


@pytest.mark.parametrize("still", [(), None])
def test_commits_that_went_on_a_moment_later_wait_for_no_standby(still: tuple[int, ...] | None) -> None:
    row = _commits(**{**WAITING, "still_waiting_pids": still}, longest_seconds=30.0)
    assert list(judge(evidence("replication", row))) == ["ok"]


def test_commits_that_wait_for_a_standby_that_is_gone() -> None:
    """None can confirm them, so it is CRITICAL from the first moment, whether it was read again or not."""
    gone = {**WAITING, "waiting_pids": (7,), "still_waiting_pids": None, "standbys": ()}
    found = judge(evidence("replication", _commits(**gone, longest_seconds=0.2, others=("copy (async)",))))
    assert {name: finding.severity for name, finding in found.items()} == {"commits_wait": CRITICAL}
    waits = found["commits_wait"]
    assert waits.title == (
        "1 commit waits for up to 200 ms for the synchronous standby replica_a, which is not connected"
    )
    assert waits.data["connected"] is None
    assert str(waits.data["advice"]).startswith("Bring the standby replica_a back")
    assert "other connected standbys: copy (async)" in waits.detail


@pytest.mark.parametrize(
    ("commit", "severity", "end"),
    [
        ("on", WARNING, ": the next commit will wait for it"),
        ("remote_apply", WARNING, ": the next commit will wait for it"),
        ("local", INFO, "; synchronous_commit is local"),
        ("off", INFO, "; synchronous_commit is off"),
    ],
)
def test_a_standby_that_the_next_commit_would_wait_for(
    commit: str, severity: FindingSeverity, end: str
) -> None:
    row = _commits(standbys=(), synchronous_commit=commit)
    missing = judge(evidence("replication", row))["standby_missing"]
    assert missing.severity is severity
    assert missing.title == f"The synchronous standby replica_a is not connected{end}"
    assert missing.data == {
        "standby": "replica_a",
        "names": "replica_a",
        "connected": None,
        "advice": missing.data["advice"],
        "wanted": "replica_a",
    }
    assert "take it out of synchronous_standby_names" in str(missing.data["advice"])
    assert list(judge(evidence("replication", _commits(synchronous_commit=commit)))) == ["ok"]


@pytest.mark.parametrize(
    ("names", "standbys", "absent"),
    [
        ("FIRST 2 (replica_a, replica_b)", ("replica_b",), "replica_a"),
        ("FIRST 2 (replica_a, replica_b)", ("replica_a", "replica_b"), None),
        ("ANY 1 (replica_a, replica_b)", ("replica_b",), None),
        ("replica_a, replica_b", ("replica_b",), None),
        ('2 ("Replica A", replica_b)', ("replica a",), "replica_b"),  # the server ignores case
        ("*", (), "a standby (the setting accepts any)"),
        ("*", ("anything",), None),
        ("", (), None),
    ],
)
def test_how_many_standbys_must_confirm(names: str, standbys: tuple[str, ...], absent: str | None) -> None:
    found = judge(evidence("replication", _commits(standby_names=names, standbys=standbys)))
    assert list(found) == (["standby_missing"] if absent else ["ok"])
    if absent:
        assert found["standby_missing"].data["standby"] == absent
        assert found["standby_missing"].data["names"] == names
        assert found["standby_missing"].data["connected"] == (", ".join(standbys) or None)


def _connection(**values: Any) -> PostgresConnection:
    calm = {
        "version": "16.4",
        "version_number": 160004,
        "database": "shop",
        "in_recovery": False,
        "role": "workbench",
        "role_is_superuser": False,
        "role_sees_everything": True,
        "role_owns_tables": False,
        "role_other_session_count": 0,
        "server_time_at": NOW,
        "clock_difference_seconds": 0.01,
        "latency_seconds": 0.004,
        "way": "configured",
    }
    return PostgresConnection(**{**calm, **values})


def test_a_connection_is_ok_and_our_role_is_judged() -> None:
    found = judge(evidence("connection", _connection()))
    assert list(found) == ["ok"]
    assert found["ok"].title == "PostgreSQL 16.4 (primary) answers in 4 ms"
    for values, severity in (
        ({"role_is_superuser": True}, WARNING),
        ({"role_is_superuser": True, "way": "discovered"}, INFO),
        ({"role_owns_tables": True}, INFO),
        ({"role_other_session_count": 4}, INFO),
        ({"role_sees_everything": False}, FindingSeverity.UNKNOWN),
    ):
        assert judge(evidence("connection", _connection(**values)))["role"].severity is severity
    clock = judge(evidence("connection", _connection(clock_difference_seconds=-7.0)))["clock"]
    assert clock.title == "The server's clock is 7 s behind this machine's"
    way = judge(evidence("connection", _connection(way="exec", attempts=("the configured address: no",))))
    assert way["way"].severity is INFO


def test_a_database_that_refuses_is_critical_though_its_server_answers() -> None:
    row = _connection(refused_database="shop", refused_kind="timed_out", refused_message="no answer")
    problem = Problem(kind=ProblemKind.TIMED_OUT, message="no answer", advice="look")
    found = judge(evidence("connection", row, problem=problem))
    assert list(found) == ["timed_out", "unknown"]
    assert found["timed_out"].title == "The database shop hangs, while its server answers"


@pytest.mark.parametrize(
    ("words", "name", "severity"),
    [
        ("the database system is starting up", "starting", CRITICAL),
        ("the database system is not yet accepting connections", "inconsistent", CRITICAL),
        ("the database system is not accepting connections", "no_hot_standby", WARNING),
    ],
)
def test_what_lets_nobody_in_yet_or_never_is_told_apart(
    words: str, name: str, severity: FindingSeverity
) -> None:
    problem = connection_error(f'connection to server at "10.0.0.5", port 5432 failed: FATAL:  {words}')
    found = judge(failed(problem.kind, str(problem)))
    assert {key: finding.severity for key, finding in found.items()} == {name: severity}


def test_a_database_at_its_own_limit_is_named_though_another_one_let_us_in() -> None:
    refused: dict[str, Any] = {"refused_database": "shop", "refused_kind": "full", "database": "postgres"}
    problem = Problem(kind=ProblemKind.FULL, message="full", advice="close some")
    refusal = 'too many connections for database "shop"'
    row = _connection(**refused, refused_message=refusal)
    found = judge(evidence("connection", row, problem=problem))
    assert list(found) == ["database_limit", "unknown"]
    assert found["database_limit"].severity is CRITICAL
    assert found["database_limit"].data["layer"] == "the database shop"
    assert f"{refusal}. Seen through the database postgres" in found["database_limit"].detail
    other = _connection(**refused, refused_message="it does not say whose")
    assert list(judge(evidence("connection", other, problem=problem))) == ["full", "unknown"]


def test_archiving() -> None:
    row = PostgresArchiver(
        archiving_is_on=True,
        archived_at=NOW - HOUR,
        archived_file="1A",
        failed_at=NOW,
        failed_file="1B",
        failure_count=3,
    )
    failing = judge(evidence("archiver", row))["failing"]
    assert failing.severity is CRITICAL
    assert failing.title == "The write-ahead log cannot be archived; the last success was 1h 0m ago"
    for values in ({"failed_at": NOW - 2 * HOUR}, {"failed_at": None}, {"archiving_is_on": False}):
        well = structs.replace(row, **values)
        assert list(judge(evidence("archiver", well))) == ["ok"]


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ({}, {"ok": OK}),
        ({"size_bytes": 3 << 30}, {"wal": WARNING}),
        ({"size_bytes": 3 << 30, "kept_bytes": 4 << 30}, {"ok": OK}),
        ({"waiting_count": 12}, {"waiting": INFO, "ok": OK}),
        ({"waiting_count": 200}, {"waiting": WARNING}),
    ],
)
def test_wal_that_piles_up(values: dict[str, Any], found: dict[str, FindingSeverity]) -> None:
    never = dict.fromkeys(("archived_at", "archived_file", "failed_at", "failed_file"))
    archiver = PostgresArchiver(archiving_is_on=True, failure_count=0, **never)
    calm = {"file_count": 9, "size_bytes": 1 << 27, "waiting_count": 0, "max_bytes": 1 << 30, "kept_bytes": 0}
    seen = judge(evidence("archiver", archiver, PostgresWalFolder(**{**calm, **values})))
    assert {name: one.severity for name, one in seen.items()} == found


def test_a_folder_that_nobody_may_list_is_never_ok() -> None:
    never = dict.fromkeys(("archived_at", "archived_file", "failed_at", "failed_file"))
    archiver = PostgresArchiver(archiving_is_on=True, failure_count=0, **never)
    problem = Problem(kind=ProblemKind.PRIVILEGE, message="no pg_monitor", advice="GRANT")
    assert list(judge(evidence("archiver", archiver, problem=problem))) == ["unknown"]


def test_subscriptions() -> None:
    for state, severity in (("without a worker", WARNING), ("disabled", INFO)):
        row = _standby(direction="subscription", name="copy", state=state)
        assert judge(evidence("replication", row))["subscription"].severity is severity
    failed = _standby(direction="subscription", name="copy", failed_copies=("prices", "billing.rates"))
    found = judge(evidence("replication", failed))["subscription"]
    assert (found.severity, found.title) == (
        WARNING,
        "The first copy of prices, billing.rates for the subscription copy began and does not run: it failed",
    )
    well = judge(evidence("replication", _standby(direction="subscription", name="copy")))
    assert well["ok"].title == (
        "No standby streams from here; 1 subscription in contact with the publisher; no slot"
    )


def test_the_workers_of_autovacuum_and_the_queue_of_notify() -> None:
    busy = judge(evidence("server", _server(autovacuum_worker_count=3, autovacuum_worker_limit=3)))
    assert {name: one.severity for name, one in busy.items()} == {"autovacuum_busy": INFO, "ok": OK}
    for values in ({"autovacuum_worker_limit": 3}, {"notify_queue_ratio": 0.1}):
        assert list(judge(evidence("server", _server(**values)))) == ["ok"]
    assert judge(evidence("server", _server(notify_queue_ratio=0.6)))["notify_queue"].severity is WARNING


def test_invalid_indexes() -> None:
    left = PostgresInvalidIndex(schema="public", index="a", table="t", is_being_built=False)
    built = PostgresInvalidIndex(schema="public", index="b", table="t", is_being_built=True)
    assert list(judge(evidence("indexes"))) == ["ok"]
    assert judge(evidence("indexes", left))["invalid"].severity is WARNING
    assert list(judge(evidence("indexes", built))) == ["building", "ok"]
    blind = Problem(kind=ProblemKind.PRIVILEGE, message="no pg_monitor")
    assert list(judge(evidence("indexes", left, problem=blind))) == ["unknown"]


def _collation(**values: Any) -> PostgresCollation:
    calm = {"name": "de_DE", "recorded_version": "153.14", "actual_version": "153.120"}
    return PostgresCollation(**{**calm, "index_count": 3, "is_of_database": False, **values})


def test_indexes_that_another_version_of_a_collation_sorted() -> None:
    most = _collation(name="en_US", index_count=7, recorded_version="2.36", actual_version="2.41")
    found = judge(evidence("indexes", _collation(), most))
    assert {name: finding.severity for name, finding in found.items()} == {"collation": WARNING}
    collation = found["collation"]
    assert collation.title == ("The collation en_US has version 2.41, and 10 indexes may be sorted by 2.36")
    assert collation.data == {"collation": "en_US", "recorded": "2.36", "actual": "2.41", "count": 10}
    # Check before repair: REFRESH VERSION alone only silences the warning.
    assert collation.detail.index("amcheck") < collation.detail.index("REINDEX")
    assert collation.detail.index("REINDEX") < collation.detail.index("REFRESH VERSION")
    one = judge(evidence("indexes", _collation(index_count=1, actual_version=None)))["collation"]
    assert one.severity is WARNING
    assert one.title == "The collation de_DE has version unknown, and 1 index may be sorted by 153.14"


def test_a_collation_that_sorts_no_index_harms_none() -> None:
    found = judge(evidence("indexes", _collation(index_count=0, is_of_database=True)))
    assert {name: finding.severity for name, finding in found.items()} == {"collation": INFO, "ok": OK}
    assert found["collation"].data["count"] == 0

"""Each sick case is really made, on each version that is installed."""

import threading
import time

import psycopg
import pytest

from incident_lib.model import EvidenceStatus, Finding, FindingSeverity, ProblemKind
from incident_lib.technologies.postgres.probes.counters import PAUSE_SECONDS, WATCH_SECONDS
from incident_lib.technologies.postgres.rows import PostgresCounters, PostgresLockSession, PostgresWait
from tests.integration import postgres_clients, postgres_service
from tests.integration.postgres_clients import Clients, until
from tests.integration.postgres_service import Server
from tests.integration.postgres_triage import collect, judge, triage

pytestmark = pytest.mark.postgres
server = postgres_service.server
clients = postgres_clients.clients
CRITICAL, WARNING, OK = FindingSeverity.CRITICAL, FindingSeverity.WARNING, FindingSeverity.OK


def test_a_healthy_server_gives_one_ok_each(server: Server) -> None:
    every = collect(server.settings())
    for name, evidence in every.items():
        if name == "statements" and not server.installation.has_statements:
            assert evidence.problem is not None
            assert evidence.problem.kind is ProblemKind.UNSUPPORTED
            continue
        assert evidence.status is EvidenceStatus.COLLECTED, evidence.problem
        found = judge(evidence)
        assert [one.severity for one in found].count(OK) == 1, found
        assert not [one for one in found if one.severity.is_bad]
    looks = (collect(server.settings()) for _ in range(3))  # another process may hold one of them up
    assert any(sum(evidence.duration_seconds for evidence in look.values()) < 4 for look in looks)
    assert "-- 127.0.0.1" in every["connection"].source


def test_sessions_are_sampled_for_longer_where_one_waits_for_a_lock(clients: Clients, server: Server) -> None:
    clients.later("report", "SELECT pg_sleep(60)")
    looks = (collect(server.settings(), "counters")["counters"].of(PostgresWait) for _ in range(3))
    most = WATCH_SECONDS / PAUSE_SECONDS
    # What the fixtures rolled back may still be reported in the first of them.
    assert any({row.sample_count < most - 1 for row in look} == {True} for look in looks)
    holder = clients.open("holder")
    holder.execute("BEGIN; UPDATE stock SET n = n WHERE id = 1")
    clients.later("web", "UPDATE stock SET n = n WHERE id = 1")
    clients.waiting(1)
    watched = collect(server.settings(), "counters")["counters"]
    busy, counters = watched.of(PostgresWait), watched.of(PostgresCounters)
    assert "Lock" in {row.wait_type for row in busy}
    assert {row.interval_seconds >= WATCH_SECONDS for row in counters} == {True}


def test_sessions_are_sampled_while_those_that_wait_are_watched(clients: Clients, server: Server) -> None:
    holder = clients.open("holder")
    holder.execute("BEGIN; UPDATE stock SET n = n WHERE id = 1")
    clients.later("web", "UPDATE stock SET n = n WHERE id = 1")
    clients.waiting(1)
    found = collect(server.settings(), "locks", "counters")
    locks, counters = found["locks"], found["counters"]
    assert {row.lasts for row in locks.of(PostgresLockSession)} == {True}
    intervals = {row.interval_seconds for row in counters.of(PostgresCounters)}
    assert min(intervals) >= WATCH_SECONDS
    assert counters.duration_seconds < min(intervals)  # it began before its turn
    waits = counters.of(PostgresWait)
    assert "Lock" in {row.wait_type for row in waits}
    assert {row.sample_count <= WATCH_SECONDS / PAUSE_SECONDS for row in waits} == {True}


def test_long_queries_and_idle_transactions(clients: Clients, server: Server) -> None:
    clients.later("report", "SELECT pg_sleep(60)")
    idle = clients.open("web")
    idle.execute("BEGIN; SELECT 1")
    time.sleep(0.3)
    rows = collect(server.settings(), "transactions")["transactions"].rows
    by_application = {row.application: row for row in rows}
    assert set(by_application) == {"report", "web"}
    assert by_application["report"].query == "SELECT pg_sleep(60)"
    assert by_application["report"].query_seconds > 0.2
    assert by_application["web"].query_seconds is None
    assert by_application["web"].state_seconds > 0.2


def test_deadlocks_rollbacks_and_temporary_files_are_counted(clients: Clients, server: Server) -> None:
    def trouble() -> None:
        with server.connect(application_name="noisy") as one, server.connect() as other:
            for _ in range(30):
                one.execute("BEGIN; SELECT 1; ROLLBACK")
            one.execute("BEGIN; UPDATE stock SET n = 1 WHERE id = 1")
            other.execute("BEGIN; UPDATE stock SET n = 1 WHERE id = 2")
            thread = threading.Thread(target=_ignore, args=(one, "UPDATE stock SET n = 1 WHERE id = 2"))
            thread.start()
            _ignore(other, "UPDATE stock SET n = 1 WHERE id = 1")
            thread.join()

    timer = threading.Timer(0.3, trouble)
    timer.start()
    found = triage(server.settings(), "counters")
    timer.join()
    assert found["counters.deadlocks"].data["deadlocks"] == 1
    assert found["counters.rollbacks"].data["database"] == "shop"


def _ignore(connection: psycopg.Connection, statement: str) -> None:
    try:
        connection.execute(statement.encode())
    except psycopg.Error:
        connection.rollback()


def test_saturation_names_the_application(clients: Clients, server: Server) -> None:
    for _ in range(35):
        clients.open("export")
    found = triage(server.settings(), "saturation", "activity")
    assert found["saturation.high"].severity is CRITICAL
    assert found["saturation.high"].data["limit"] == 37
    group = found["activity.group"]
    assert (group.data["application"], group.data["client"]) == ("export", "127.0.0.1")
    assert group.data["count"] == 35
    assert group.title == "export holds 35 of 37 usable connections"


def test_max_connections_reached_is_full(clients: Clients, server: Server) -> None:
    for _ in range(39):
        clients.open("export")
    failure = triage(server.settings())["connection.full"]
    assert failure.severity is CRITICAL
    assert failure.title == "The database has no free connections left"


def test_without_pg_monitor_what_is_not_seen_is_unknown(clients: Clients, server: Server) -> None:
    clients.open("web").execute("BEGIN; SELECT 1")
    evidence = collect(server.settings(role="plain"), "transactions", "activity", "locks")
    assert evidence["transactions"].status is EvidenceStatus.PARTIAL
    assert evidence["transactions"].problem is not None
    assert evidence["transactions"].problem.advice == 'as a superuser: GRANT pg_monitor TO "plain"'
    for name in ("transactions", "activity"):
        assert [one.severity for one in judge(evidence[name])][-1] is FindingSeverity.UNKNOWN
    role = next(one for one in judge(evidence["connection"]) if one.id == "postgres.connection.role")
    assert role.severity is FindingSeverity.UNKNOWN
    assert "GRANT pg_monitor" in role.detail


def test_dead_rows_with_autovacuum_off(clients: Clients, server: Server) -> None:
    setup = clients.open("setup")
    setup.execute("ALTER TABLE stock SET (autovacuum_enabled = false)")
    for _ in range(10):
        setup.execute("UPDATE stock SET n = n + 1")
    setup.execute("ALTER TABLE stock SET (autovacuum_vacuum_threshold = 20)")
    setup.close()
    until(lambda: "tables.autovacuum_off" in triage(server.settings(), "tables"))
    found = triage(server.settings(), "tables")["tables.autovacuum_off"]
    assert found.data["table"] == "public.stock"


_DOMINANT = "statements.dominant"


def test_the_heaviest_statement_is_named(clients: Clients, server: Server) -> None:
    if not server.installation.has_statements:
        pytest.skip("this version came without pg_stat_statements")
    stop = threading.Event()
    busy = clients.open("web")

    def work() -> None:
        while not stop.is_set():
            busy.execute("SELECT count(*) FROM generate_series(1, 200000)")

    thread = threading.Thread(target=work)
    thread.start()
    try:
        seen: dict[str, Finding] = {}
        until(lambda: bool(seen.update(triage(server.settings(), "statements")) or _DOMINANT in seen))
        found = seen[_DOMINANT]
    finally:
        stop.set()
        thread.join()
    assert found.severity is WARNING
    assert "generate_series" in str(found.data["query"])


def test_a_lost_slot_and_a_pending_restart(clients: Clients, server: Server) -> None:
    admin = clients.open("setup")
    admin.execute("SELECT pg_create_physical_replication_slot('standby', true)")
    admin.execute("ALTER SYSTEM SET max_connections = 50")
    admin.execute("SELECT pg_reload_conf()")
    try:
        until(lambda: "settings.pending_restart" in triage(server.settings(), "settings"))
        slots = collect(server.settings(), "replication")["replication"].rows
        assert [slot.name for slot in slots] == ["standby"]
    finally:
        admin.execute("SELECT pg_drop_replication_slot('standby')")
        admin.execute("ALTER SYSTEM RESET max_connections")
        admin.execute("SELECT pg_reload_conf()")


def test_an_index_that_a_failed_build_left_is_told(clients: Clients, server: Server) -> None:
    admin = clients.open("migration")
    with pytest.raises(psycopg.errors.UniqueViolation):
        admin.execute("CREATE UNIQUE INDEX CONCURRENTLY stock_n ON stock (n)")
    found = triage(server.settings(), "indexes")["indexes.invalid"]
    assert found.severity is WARNING
    assert found.data["names"] == "public.stock_n"


def test_archiving_that_fails_is_critical() -> None:
    conf = {"archive_mode": "on", "archive_command": "false"}
    with postgres_service.running(postgres_service.INSTALLATIONS[-1], **conf) as own, own.connect() as admin:
        admin.execute("CREATE TABLE written (id int)")
        admin.execute("SELECT pg_switch_wal()")
        until(lambda: "archiver.failing" in triage(own.settings(), "archiver"))
        found = triage(own.settings(), "archiver")["archiver.failing"]
    assert found.severity is CRITICAL
    assert found.title == "The write-ahead log cannot be archived; nothing has been archived yet"

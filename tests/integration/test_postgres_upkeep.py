"""What runs towards an end: sequences, held cleanup, WAL; and what active sessions wait for."""

import threading
import time

import psycopg
import pytest

from incident_lib.model import EvidenceStatus, FindingSeverity, ProblemKind
from tests.integration import postgres_clients, postgres_service
from tests.integration.postgres_clients import Clients
from tests.integration.postgres_service import Server
from tests.integration.postgres_triage import collect, judge, triage

pytestmark = pytest.mark.postgres
server = postgres_service.server
clients = postgres_clients.clients
CRITICAL, WARNING, OK = FindingSeverity.CRITICAL, FindingSeverity.WARNING, FindingSeverity.OK


def _tables(admin: psycopg.Connection) -> None:
    admin.execute("DROP TABLE IF EXISTS tickets, parcels; DROP SEQUENCE IF EXISTS loose, round")
    admin.execute("CREATE TABLE tickets (id serial, small smallint GENERATED ALWAYS AS IDENTITY)")
    admin.execute("CREATE SEQUENCE loose")
    admin.execute("CREATE TABLE parcels (id int DEFAULT nextval('loose'), big bigserial)")
    admin.execute("CREATE SEQUENCE round MAXVALUE 10 CYCLE")
    admin.execute("GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO workbench")


def test_a_sequence_is_judged_by_the_type_of_its_column(clients: Clients, server: Server) -> None:
    admin = clients.open("setup")
    _tables(admin)
    rows = {row.name: row for row in collect(server.settings(), "sequences")["sequences"].rows}
    assert {name: row.limit_value for name, row in rows.items()} == {
        "tickets_id_seq": 2**31 - 1,
        "tickets_small_seq": 2**15 - 1,
        "loose": 2**31 - 1,  # no owner, and a column of type integer that asks it
        "parcels_big_seq": 2**63 - 1,
        "round": 10,
    }
    assert rows["loose"].column == "id"
    assert rows["tickets_id_seq"].last_value is None
    assert triage(server.settings(), "sequences")["sequences.ok"].severity is OK
    admin.execute("SELECT setval('loose', 2100000000)")
    found = triage(server.settings(), "sequences")["sequences.high"]
    assert (found.severity, found.data["sequence"], found.data["table"]) == (
        CRITICAL,
        "public.loose",
        "parcels",
    )


def test_a_sequence_that_we_may_not_read_is_unknown(clients: Clients, server: Server) -> None:
    _tables(clients.open("setup"))
    evidence = collect(server.settings(role="plain"), "sequences")["sequences"]
    assert evidence.status is EvidenceStatus.PARTIAL
    assert evidence.problem is not None
    assert evidence.problem.kind is ProblemKind.PRIVILEGE
    assert [one.severity for one in judge(evidence)] == [FindingSeverity.UNKNOWN]


def test_a_sequence_that_is_being_altered_does_not_hold_us(clients: Clients, server: Server) -> None:
    admin = clients.open("migration")
    _tables(admin)
    admin.execute("BEGIN; ALTER SEQUENCE loose RESTART WITH 5")
    started = time.monotonic()
    evidence = collect(server.settings(), "sequences")["sequences"]
    assert time.monotonic() - started < 2
    assert not [one for one in judge(evidence) if one.severity is OK] or evidence.rows
    admin.execute("ROLLBACK")


def test_who_holds_cleanup_back_is_named(clients: Clients, server: Server) -> None:
    admin = clients.open("setup")
    admin.execute("BEGIN; INSERT INTO stock VALUES (77, 1); PREPARE TRANSACTION 'undecided'")
    report = clients.open("report")
    report.execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM stock")
    try:
        admin.execute("SELECT pg_current_xact_id()")
        rows = {row.kind: row for row in collect(server.settings(), "horizon")["horizon"].rows}
        assert "report" in rows["session"].name
        assert rows["session"].held_seconds is not None
        assert (rows["prepared transaction"].name, rows["prepared transaction"].database) == (
            "undecided",
            "shop",
        )
        assert rows["prepared transaction"].age_transactions >= 1
    finally:
        admin.execute("ROLLBACK PREPARED 'undecided'")


def test_what_active_sessions_wait_for(clients: Clients, server: Server) -> None:
    holder = clients.open("web")
    holder.execute("BEGIN; UPDATE stock SET n = 2 WHERE id = 1")
    for _ in range(3):
        clients.later("api", "UPDATE stock SET n = 3 WHERE id = 1")
    time.sleep(0.3)
    evidence = collect(server.settings(), "counters")["counters"]
    waits = [row for row in evidence.rows if type(row).__name__ == "PostgresWait"]
    assert waits[0].wait_type == "Lock"
    assert waits[0].sample_count >= 15
    # One waits for the transaction, the others in line for the row.
    assert sum(row.mean_session_count for row in waits) == pytest.approx(3, abs=0.3)
    assert evidence.duration_seconds < 2.6
    holder.execute("ROLLBACK")


def test_wal_that_fills_up_before_its_time(clients: Clients, server: Server) -> None:
    admin = clients.open("load")
    admin.execute("DROP TABLE IF EXISTS bulk; CREATE TABLE bulk (text text)")
    before = admin.execute("SHOW max_wal_size").fetchone()
    stop = threading.Event()

    def load() -> None:
        while not stop.is_set():
            admin.execute("INSERT INTO bulk SELECT repeat('x', 900) FROM generate_series(1, 2000)")
            admin.execute("TRUNCATE bulk")

    with server.connect() as other:
        other.execute("ALTER SYSTEM SET max_wal_size = '64MB'")
        other.execute("SELECT pg_reload_conf()")
        thread = threading.Thread(target=load)
        thread.start()
        try:
            found = triage(server.settings(), "counters")["counters.wal"]
        finally:
            stop.set()
            thread.join()
            other.execute("ALTER SYSTEM RESET max_wal_size")
            other.execute("SELECT pg_reload_conf()")
    assert before is not None
    assert found.severity is WARNING
    assert found.data["bytes_per_second"] > 1_000_000


def test_a_subscription_without_a_worker_is_told(clients: Clients, server: Server) -> None:
    admin = clients.open("setup")
    admin.execute(
        "CREATE SUBSCRIPTION copy CONNECTION 'port=1' PUBLICATION p WITH (connect=false, slot_name=NONE)"
    )
    try:
        found = triage(server.settings(), "replication")["replication.subscription"]
        assert (found.severity, found.data["state"]) == (FindingSeverity.INFO, "disabled")
        plain = collect(server.settings(role="plain"), "replication")["replication"]
        assert [row.name for row in plain.rows] == ["copy"]
    finally:
        admin.execute("DROP SUBSCRIPTION copy")


def test_the_size_of_the_wal_is_known(clients: Clients, server: Server) -> None:
    clients.open("setup").execute("SELECT pg_switch_wal()")
    (_, folder) = collect(server.settings(), "archiver")["archiver"].rows
    assert folder.size_bytes >= 16 * 1024 * 1024  # one file is whole; the next may be in the making
    assert folder.waiting_count == 0
    plain = collect(server.settings(role="plain"), "archiver")["archiver"]
    assert len(plain.rows) == 1
    assert [one.severity for one in judge(plain)] == [FindingSeverity.UNKNOWN]

"""What runs right now, and what runs out: VACUUM, room on disk, many sequences, reads, new sessions."""

import threading
import time

import psycopg
import pytest

from incident_lib.model import EvidenceStatus, FindingSeverity, ProblemKind
from incident_lib.technologies.postgres.rows import PostgresIo, PostgresSlru, PostgresVacuum
from tests.integration import postgres_clients, postgres_service
from tests.integration.postgres_clients import Clients, until
from tests.integration.postgres_service import Server
from tests.integration.postgres_triage import collect, judge, triage

pytestmark = pytest.mark.postgres
server = postgres_service.server
any_server = postgres_service.any_server
clients = postgres_clients.clients
_PG_STAT_IO = 16  # the version it came with
_FOR_EACH = "DO $$ BEGIN FOR i IN 1..250 LOOP EXECUTE format('WHAT many_%s', i); END LOOP; END $$"


def test_a_vacuum_that_runs_is_told_with_its_progress(clients: Clients, server: Server) -> None:
    admin = clients.open("setup")
    admin.execute("DROP TABLE IF EXISTS bulk")
    admin.execute(
        "CREATE TABLE bulk AS SELECT i, repeat('x', 500) AS text FROM generate_series(1, 4000) AS i"
    )
    admin.execute("DELETE FROM bulk WHERE i % 2 = 0")
    slow = clients.later(
        "upkeep", "SET vacuum_cost_delay = 100", "SET vacuum_cost_limit = 1", "VACUUM public.bulk"
    )
    until(lambda: "tables.vacuuming" in triage(server.settings(), "tables"))
    evidence = collect(server.settings(), "tables")["tables"]
    (row,) = evidence.of(PostgresVacuum)
    assert (row.pid, row.table, row.is_automatic) == (slow.info.backend_pid, "public.bulk", False)
    assert row.phase == "scanning heap"
    assert row.scanned_ratio is not None
    assert 0 <= row.scanned_ratio <= 1
    assert row.memory_ratio is not None
    assert (row.index_count is not None) == (server.installation.major >= 17)
    found = triage(server.settings(), "tables")["tables.vacuuming"]
    assert found.title.startswith("1 VACUUM running, the oldest of public.bulk: scanning heap (")


def test_the_room_on_the_disk_with_the_data_is_known(server: Server) -> None:
    (row,) = collect(server.settings(), "disk")["disk"].rows
    assert row.path == str(server.data)
    assert 0 < row.free_bytes < row.total_bytes
    plain = collect(server.settings(role="plain"), "disk")["disk"]
    assert plain.status is EvidenceStatus.FAILED
    assert plain.problem is not None
    assert plain.problem.kind is ProblemKind.PRIVILEGE


def test_more_sequences_than_one_batch_are_all_looked_at(clients: Clients, server: Server) -> None:
    admin = clients.open("setup")
    admin.execute(_FOR_EACH.replace("WHAT", "CREATE SEQUENCE"))
    try:
        admin.execute("GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO workbench")
        admin.execute("SELECT setval('many_249', 9000000000000000000)")
        evidence = collect(server.settings(), "sequences")["sequences"]
        assert evidence.rows[0].name == "many_249"
        assert evidence.truncated is not None
        assert evidence.truncated.total is not None
        assert evidence.truncated.total >= 250
        found = triage(server.settings(), "sequences")["sequences.high"]
        assert found.data["sequence"] == "public.many_249"
    finally:
        admin.execute(_FOR_EACH.replace("WHAT", "DROP SEQUENCE"))


def test_a_locked_sequence_is_left_alone_and_the_others_are_read(clients: Clients, server: Server) -> None:
    admin, owner = clients.open("setup"), clients.open("migration")
    admin.execute(
        "DROP SEQUENCE IF EXISTS near, held; CREATE SEQUENCE near MAXVALUE 100; CREATE SEQUENCE held"
    )
    admin.execute("GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO workbench")
    admin.execute("SELECT setval('near', 99)")
    owner.execute("BEGIN; ALTER SEQUENCE held RESTART WITH 5")
    evidence = collect(server.settings(), "sequences")["sequences"]
    owner.execute("ROLLBACK")
    assert {row.name: row.is_left_alone for row in evidence.rows}.items() >= {
        "near": False,
        "held": True,
    }.items()
    assert evidence.problem is not None
    assert evidence.problem.kind is ProblemKind.BUSY
    told = [one for one in judge(evidence) if one.id.endswith(("high", "unknown"))]
    assert [one.id for one in told] == ["postgres.sequences.high", "postgres.sequences.unknown"]


def test_what_is_read_and_written_is_counted(clients: Clients, server: Server) -> None:
    admin = clients.open("load")
    stop = threading.Event()

    def load() -> None:
        while not stop.is_set():
            admin.execute("CREATE TABLE written AS SELECT i FROM generate_series(1, 3000) AS i")
            admin.execute("DROP TABLE written")

    thread = threading.Thread(target=load)
    thread.start()
    try:
        evidence = collect(server.settings(), "counters")["counters"]
    finally:
        stop.set()
        thread.join()
    assert all(
        row.read_count + row.hit_count + row.write_count + row.new_count for row in evidence.of(PostgresSlru)
    )
    kinds = {row.backend_type for row in evidence.of(PostgresIo)}
    assert ("client backend" in kinds) == (server.installation.major >= _PG_STAT_IO)
    assert not [one for one in judge(evidence) if one.severity is FindingSeverity.CRITICAL]


def test_sessions_that_come_and_go(clients: Clients, server: Server) -> None:
    stop = threading.Event()

    def knock() -> None:
        while not stop.is_set():
            server.connect(application_name="cgi").close()

    threads = [threading.Thread(target=knock) for _ in range(2)]
    for thread in threads:
        thread.start()
    held = [clients.open("cgi") for _ in range(22)]
    try:
        found = triage(server.settings(), "counters", "activity")
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert len(held) == 22
    assert found["activity.young"].severity is FindingSeverity.INFO
    if server.installation.major >= 14 and "counters.churn" in found:  # a busy machine makes few
        assert float(found["counters.churn"].data["per_second"] or 0) >= 20


def test_statements_that_were_forgotten(server: Server) -> None:
    if not server.installation.has_statements or server.installation.major < 14:
        pytest.skip("this version came without pg_stat_statements, or does not count what it forgets")
    with postgres_service.running(server.installation, **{"pg_stat_statements.max": 100}) as own:
        stop = threading.Event()

        def vary() -> None:
            number = 0
            with own.connect() as connection:
                while not stop.is_set():
                    number += 1
                    columns = ", ".join(["1"] * (number % 300 + 1))
                    connection.execute(f"SELECT {columns}".encode())

        thread = threading.Thread(target=vary)
        thread.start()
        time.sleep(0.5)
        try:
            found = triage(own.settings(), "statements")
        finally:
            stop.set()
            thread.join()
    assert found["statements.evicted"].severity is FindingSeverity.INFO
    assert found["statements.evicted"].data["limit"] == 100


def test_a_subscription_that_follows_and_one_that_is_stuck(any_server: Server) -> None:
    installation = any_server.installation
    with (
        postgres_service.running(installation, wal_level="logical") as publisher,
        postgres_service.running(installation) as subscriber,
        publisher.connect() as source,
        subscriber.connect() as sink,
    ):
        for one in (source, sink):
            one.execute("CREATE TABLE orders (id int PRIMARY KEY)")
        source.execute("CREATE PUBLICATION all_orders FOR TABLE orders")
        address = f"host=127.0.0.1 port={publisher.port} user=postgres dbname=shop"
        sink.execute(f"CREATE SUBSCRIPTION copy CONNECTION '{address}' PUBLICATION all_orders".encode())
        source.execute("INSERT INTO orders VALUES (1)")
        until(lambda: _rows(sink) == 1, 20)
        evidence = collect(subscriber.settings(), "replication")["replication"]
        (row,) = (row for row in evidence.rows if row.direction == "subscription")
        assert row.state == "streaming"
        assert row.lag_seconds is not None
        assert row.silent_seconds is not None
        assert row.silent_seconds < 60
        (sender,) = (
            row
            for row in collect(publisher.settings(), "replication")["replication"].rows
            if type(row).__name__ == "PostgresStandby"
        )
        assert sender.is_logical is True
        sink.execute("ALTER SUBSCRIPTION copy DISABLE")
        sink.execute("ALTER SUBSCRIPTION copy SET (slot_name = NONE)")
        sink.execute("DROP SUBSCRIPTION copy")


def _rows(connection: psycopg.Connection) -> int:
    (number,) = connection.execute("SELECT count(*) FROM orders").fetchone() or (0,)
    return int(number)

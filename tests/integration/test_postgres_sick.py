"""Each sick case is really made, on each version that is installed."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field

import psycopg
import pytest

from incident_lib.model import EvidenceStatus, FindingSeverity, ProblemKind
from tests.integration import postgres_service
from tests.integration.postgres_service import Server
from tests.integration.postgres_triage import collect, judge, triage

pytestmark = pytest.mark.postgres
server = postgres_service.server
CRITICAL, WARNING, OK = FindingSeverity.CRITICAL, FindingSeverity.WARNING, FindingSeverity.OK


@dataclass
class Clients:
    """Connections of a test; statements that block run in threads and end when the connections do."""

    server: Server
    stack: ExitStack
    threads: list[threading.Thread] = field(default_factory=list)
    idle: ExitStack = field(default_factory=ExitStack)  # closed first, so that an administrator finds room

    def open(self, application: str, **options: object) -> psycopg.Connection:
        """Return one more connection."""
        connection = self.server.connect(application_name=application, **options)
        (self.idle if application == "export" else self.stack).callback(connection.close)
        return connection

    def later(self, application: str, *statements: str) -> psycopg.Connection:
        """Return a connection on which `statements` run, the last of which is expected to wait."""
        connection = self.open(application)

        def run() -> None:
            try:
                for statement in statements:
                    connection.execute(statement.encode())
            except psycopg.Error:
                return  # cancelled, or cut off at the end of the test

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        self.threads.append(thread)
        return connection

    def waiting(self, count: int) -> None:
        """Return once `count` sessions wait for a lock."""
        watcher = self.open("watcher", dbname="postgres")
        ask = "SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted"
        _until(lambda: watcher.execute(ask.encode()).fetchone() == (count,))
        watcher.close()

    def end(self) -> None:
        """Terminate everybody, so that nothing waits any more."""
        self.idle.close()
        with self.server.connect(database="postgres") as admin:
            admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
            )
        for thread in self.threads:
            thread.join(5)


def _until(true: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "the case that the test makes did not come about"
        time.sleep(0.02)


@pytest.fixture
def clients(server: Server) -> Iterator[Clients]:
    """Yield a way to make trouble, and end it."""
    with ExitStack() as stack:
        made = Clients(server, stack)
        made.open("setup").execute(
            "DROP TABLE IF EXISTS stock; CREATE TABLE stock (id int PRIMARY KEY, n int);"
            "INSERT INTO stock SELECT i, 0 FROM generate_series(1, 10) i; ANALYZE stock"
        )
        yield made
        made.end()


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
    assert sum(evidence.duration_seconds for evidence in every.values()) < 4
    assert "-- 127.0.0.1" in every["connection"].source


def test_a_row_chain_is_told_from_its_root(clients: Clients, server: Server) -> None:
    root = clients.open("reprice")
    root.execute("BEGIN; UPDATE stock SET n = 1 WHERE id = 1")
    clients.later(
        "web", "BEGIN", "UPDATE stock SET n = 2 WHERE id = 2", "UPDATE stock SET n = 2 WHERE id = 1"
    )
    clients.waiting(1)
    clients.later("web", "UPDATE stock SET n = 3 WHERE id = 2")
    clients.waiting(2)
    time.sleep(0.6)
    found = triage(server.settings(), "locks", "transactions")
    blocked = found["locks.blocked"]
    assert blocked.data["root_pid"] == root.info.backend_pid
    assert blocked.data["root_application"] == "reprice"
    assert blocked.data["root_client"] == "127.0.0.1"
    assert blocked.data["root_state"] == "idle in transaction"
    assert blocked.data["waiters"] == 2
    assert 0.5 < float(blocked.data["longest_wait_seconds"] or 0) < 10
    assert blocked.since is not None
    assert blocked.title.startswith(
        f"2 sessions wait for a lock held by pid {root.info.backend_pid} (reprice, idle in transaction for "
    )
    assert [action.action for action in blocked.actions] == ["postgres.terminate"]
    assert found["transactions.idle_blocking"].severity is CRITICAL
    assert "incident-workbench" not in str(found)


def test_two_waiters_on_one_row_have_one_root(clients: Clients, server: Server) -> None:
    root = clients.open("reprice")
    root.execute("BEGIN; UPDATE stock SET n = 1 WHERE id = 1")
    for number in range(1, 6):
        clients.later("web", "UPDATE stock SET n = 2 WHERE id = 1")
        clients.waiting(number)
    found = judge(collect(server.settings(), "locks")["locks"])
    assert [(one.id, one.severity) for one in found] == [("postgres.locks.blocked", CRITICAL)]
    assert found[0].data["waiters"] == 5
    assert found[0].data["root_pid"] == root.info.backend_pid
    assert found[0].data["relation"] == "public.stock"


def test_a_ddl_queue_names_root_and_amplifier(clients: Clients, server: Server) -> None:
    root = clients.open("report")
    root.execute("BEGIN; SELECT * FROM stock")
    middle = clients.later("migration", "ALTER TABLE stock ADD COLUMN note text")
    clients.waiting(1)
    clients.later("web", "SELECT * FROM stock WHERE id = 1")
    clients.later("web", "SELECT * FROM stock WHERE id = 2")
    clients.waiting(3)
    found = triage(server.settings(), "locks")
    queue = found["locks.ddl_queue"]
    assert queue.severity is CRITICAL
    assert queue.data["root_pid"] == root.info.backend_pid
    assert queue.data["amplifier_pid"] == middle.info.backend_pid
    assert queue.data["relation"] == "public.stock"
    assert queue.data["queue"] == 2
    assert found["locks.blocked"].data["waiters"] == 3


def test_an_advisory_lock_is_told(clients: Clients, server: Server) -> None:
    root = clients.open("scheduler")
    root.execute("SELECT pg_advisory_lock(42)")
    clients.later("worker", "SELECT pg_advisory_lock(42)")
    clients.waiting(1)
    blocked = triage(server.settings(), "locks")["locks.blocked"]
    assert "an advisory lock held by" in blocked.title
    assert blocked.data["lock_type"] == "advisory"
    assert blocked.data["root_pid"] == root.info.backend_pid


def test_an_index_build_waits_for_an_old_snapshot(clients: Clients, server: Server) -> None:
    root = clients.open("report")
    root.execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT * FROM stock")
    clients.open("web").execute("UPDATE stock SET n = 9 WHERE id = 9")
    clients.later("migration", "CREATE INDEX CONCURRENTLY stock_n ON stock (n)")
    clients.waiting(1)
    blocked = triage(server.settings(), "locks")["locks.blocked"]
    assert "the end of the transaction of" in blocked.title
    assert blocked.data["root_pid"] == root.info.backend_pid


def test_a_prepared_transaction_blocks_as_pid_0(clients: Clients, server: Server) -> None:
    owner = clients.open("coordinator")
    owner.execute("BEGIN; UPDATE stock SET n = 1 WHERE id = 1; PREPARE TRANSACTION 'order-7'")
    try:
        clients.later("web", "UPDATE stock SET n = 2 WHERE id = 1")
        clients.waiting(1)
        time.sleep(1.1)
        found = triage(server.settings(), "locks", "server")
        assert found["locks.blocked"].data["root_pid"] == 0
        assert "a prepared transaction" in found["locks.blocked"].title
        assert found["locks.blocked"].actions == ()
        assert found["server.prepared"].data["transaction"] == "order-7"
    finally:
        owner.execute("ROLLBACK PREPARED 'order-7'")


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
    assert failure.title == "The database has no free connection left"


def test_a_locked_catalog_is_seen_through_another_database(clients: Clients, server: Server) -> None:
    clients.later("web", "SELECT pg_sleep(0.3)", "SELECT count(*) FROM pg_class")
    root = clients.open("maintenance")
    root.execute("BEGIN; LOCK TABLE pg_class IN ACCESS EXCLUSIVE MODE")
    clients.waiting(1)
    started = time.monotonic()
    found = triage(server.settings(), "locks", "activity")
    assert time.monotonic() - started < 6
    locked = found["connection.busy"]
    assert locked.severity is CRITICAL
    assert locked.title.startswith("The database shop lets nobody in: a catalog of it is locked")
    assert found["locks.blocked"].data["root_pid"] == root.info.backend_pid
    root.rollback()


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
    _until(lambda: "tables.autovacuum_off" in triage(server.settings(), "tables"))
    found = triage(server.settings(), "tables")["tables.autovacuum_off"]
    assert found.data["table"] == "public.stock"


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
        found = triage(server.settings(), "statements")["statements.dominant"]
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
        _until(lambda: "settings.pending_restart" in triage(server.settings(), "settings"))
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
        _until(lambda: "archiver.failing" in triage(own.settings(), "archiver"))
        found = triage(own.settings(), "archiver")["archiver.failing"]
    assert found.severity is CRITICAL
    assert found.title == "The write-ahead log cannot be archived; nothing was archived yet"

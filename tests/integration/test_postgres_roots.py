"""What those are whom sessions wait for, each made on a real server; what is advised is tried, too."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec
import psycopg
import pytest

from incident_lib.config import Settings
from incident_lib.model import Evidence, Finding, FindingSeverity
from incident_lib.model.remediation import OutcomeStatus
from incident_lib.remediation import RefusedError, execute_plan, plan_change
from tests.integration import postgres_clients, postgres_service
from tests.integration.postgres_clients import Clients, until
from tests.integration.postgres_service import INSTALLATIONS, Server, running, standby_of
from tests.integration.postgres_triage import collect, judge
from tests.integration.remediation_case import declared

pytestmark = pytest.mark.postgres
any_server = postgres_service.any_server
CRITICAL, WARNING, INFO = (FindingSeverity[name] for name in ("CRITICAL", "WARNING", "INFO"))
PROBES = ("locks", "transactions", "server", "replication", "horizon")


@pytest.fixture
def server(any_server: Server) -> Server:
    """Return the server of the newest version, for what does not depend on it."""
    return any_server


clients = postgres_clients.clients


def look(server: Server, *names: str, role: str = "workbench") -> dict[str, Finding]:
    """Return the findings by id; of one id the worst."""
    seen = collect(server.settings(role=role), *(names or PROBES))
    found = sorted((one for each in seen.values() for one in judge(each)), key=lambda one: one.severity.rank)
    return {one.id.removeprefix("postgres."): one for one in reversed(found)}


def offered(found: dict[str, Finding]) -> list[tuple[str, str]]:
    """Return every action that any finding offers."""
    return sorted({(one.action, one.arguments["pid"]) for each in found.values() for one in each.actions})


def mitigate(server: Server, folder: Path, how: str, pid: int) -> OutcomeStatus:
    """Return what became of the action, planned and carried out as a person would. Errors: RefusedError."""
    settings = Settings(document=server.settings(role="postgres").document, root=folder)
    incident = declared(settings)
    plan = plan_change(settings, incident, f"postgres.{how}", "db", {"pid": str(pid)})
    return execute_plan(settings, incident, plan.id).status


def pid_of(connection: psycopg.Connection) -> int:
    return connection.info.backend_pid


def waits_for(server: Server, connection: psycopg.Connection, event: str) -> Callable[[], bool]:
    """Return whether the session waits for `event` now."""

    def asks() -> bool:
        with server.connect(database="postgres") as admin:
            text = "SELECT wait_event FROM pg_stat_activity WHERE pid = %s"
            row = admin.execute(text, (pid_of(connection),)).fetchone()
        return row is not None and row[0] == event

    return asks


def gone_on(clients: Clients, count: int = 0) -> None:
    """Return once no more than `count` sessions wait for a lock."""
    clients.waiting(count)


@contextmanager
def setting(server: Server, **values: str) -> Iterator[None]:
    """Change settings of the server by a reload, and take them back."""
    with server.connect(database="postgres") as admin:
        for name, value in values.items():
            admin.execute(f"ALTER SYSTEM SET {name} = '{value}'".encode())
        admin.execute("SELECT pg_reload_conf()")
        until(
            lambda: all(
                admin.execute(f"SHOW {name}".encode()).fetchone() == (value,)
                for name, value in values.items()
            )
        )
    try:
        yield
    finally:
        reset(server, *values)


def reset(server: Server, *names: str) -> None:
    with server.connect(database="postgres") as admin:
        for name in names:
            admin.execute(f"ALTER SYSTEM RESET {name}".encode())
        admin.execute("SELECT pg_reload_conf()")


def test_writers_that_wait_for_a_lost_standby_are_left_alone(
    clients: Clients, server: Server, tmp_path: Path
) -> None:
    with setting(server, synchronous_standby_names="replica_a"):
        quiet = look(server, "replication")
        assert quiet["replication.standby_missing"].severity is WARNING
        assert "replication.ok" not in quiet
        writer = clients.later("till", "UPDATE stock SET n = 1 WHERE id = 1")
        until(waits_for(server, writer, "SyncRep"))
        clients.later("till", "UPDATE stock SET n = 2 WHERE id = 1")
        clients.waiting(1)
        found = look(server)
        waiting = found["replication.commits_wait"]
        assert waiting.severity is CRITICAL
        assert waiting.title.startswith("1 commit waits for up to")
        assert "standby replica_a, which is not connected" in waiting.title
        assert found["locks.commit"].data["root_pid"] == pid_of(writer)
        assert offered(found) == []
        for how in ("cancel", "terminate"):
            with pytest.raises(RefusedError, match="already committed here and waits for a synchronous"):
                mitigate(server, tmp_path, how, pid_of(writer))
        reset(server, "synchronous_standby_names")  # what is advised
        gone_on(clients)
    assert "replication.commits_wait" not in look(server, "replication")


def test_a_session_that_kept_an_advisory_lock_has_to_end(
    clients: Clients, server: Server, tmp_path: Path
) -> None:
    leaker = clients.open("cron")
    leaker.execute("SELECT pg_advisory_lock(7)")
    clients.later("worker", "SELECT pg_advisory_xact_lock(7)")
    clients.waiting(1)
    found = look(server)
    blocked = found["locks.blocked"]
    assert blocked.data["root_kind"] == "idle_holder"
    assert "cron" in str(blocked.data["check"])
    assert offered(found) == [("postgres.terminate", str(pid_of(leaker)))]
    with pytest.raises(RefusedError, match="keeps its lock until the session ends"):
        mitigate(server, tmp_path, "cancel", pid_of(leaker))
    assert mitigate(server, tmp_path, "terminate", pid_of(leaker)) is OutcomeStatus.VERIFIED
    gone_on(clients)


def test_a_client_that_does_not_read_is_ended(clients: Clients, server: Server, tmp_path: Path) -> None:
    reader = clients.open("export-ui")
    reader.execute("BEGIN; LOCK TABLE stock")
    reader.pgconn.send_query(b"SELECT repeat('x', 1000) FROM generate_series(1, 100000)")
    until(waits_for(server, reader, "ClientWrite"))
    clients.later("web", "SELECT count(*) FROM stock")
    clients.waiting(1)
    found = look(server)
    assert found["locks.blocked"].data["root_kind"] == "client_out"
    assert "waits for its client to read" in found["locks.blocked"].title
    assert offered(found) == [("postgres.terminate", str(pid_of(reader)))]
    assert mitigate(server, tmp_path, "terminate", pid_of(reader)) is OutcomeStatus.VERIFIED
    gone_on(clients)


def test_a_client_that_does_not_send_is_ended_and_not_cancelled(
    clients: Clients, server: Server, tmp_path: Path
) -> None:
    loader = clients.open("loader")
    loader.execute("BEGIN; LOCK TABLE stock")
    loader.pgconn.exec_(b"COPY stock FROM STDIN")
    until(waits_for(server, loader, "ClientRead"))
    clients.later("web", "SELECT count(*) FROM stock")
    clients.waiting(1)
    found = look(server)
    assert found["locks.blocked"].data["root_kind"] == "client_in"
    assert offered(found) == [("postgres.terminate", str(pid_of(loader)))]
    with server.connect(database="postgres") as admin:  # why a cancel is not offered
        admin.execute("SELECT pg_cancel_backend(%s)", (pid_of(loader),))
    time.sleep(0.2)
    assert waits_for(server, loader, "ClientRead")()
    with pytest.raises(RefusedError, match="does not notice a cancel"):
        mitigate(server, tmp_path, "cancel", pid_of(loader))
    assert mitigate(server, tmp_path, "terminate", pid_of(loader)) is OutcomeStatus.VERIFIED
    gone_on(clients)


def test_of_two_prepared_transactions_the_one_that_blocks_is_named(
    clients: Clients, server: Server, tmp_path: Path
) -> None:
    owner = clients.open("coordinator")
    owner.execute("BEGIN; UPDATE stock SET n = 1 WHERE id = 1; PREPARE TRANSACTION 'xa-1'")
    owner.execute("BEGIN; UPDATE stock SET n = 1 WHERE id = 2; PREPARE TRANSACTION 'xa-2'")
    try:
        clients.later("web", "UPDATE stock SET n = 2 WHERE id = 2")
        clients.later("web", "UPDATE stock SET n = 3 WHERE id = 2")
        clients.waiting(2)
        found = look(server)
        held = found["locks.prepared"]
        assert held.title == "2 sessions wait for a lock held by the prepared transaction xa-2"
        assert held.data["transaction"] == "xa-2"
        assert offered(found) == []
        assert "pid 0" not in str(found)
        with pytest.raises(RefusedError, match="a prepared transaction has no process"):
            mitigate(server, tmp_path, "terminate", 0)
        owner.execute("COMMIT PREPARED 'xa-2'")
        gone_on(clients)
        owner.execute("COMMIT PREPARED 'xa-1'")
    finally:
        left = owner.execute("SELECT gid FROM pg_prepared_xacts").fetchall()
        for (name,) in left:
            owner.execute(f"ROLLBACK PREPARED '{name}'".encode())


def in_turns(server: Server, clients: Clients, count: int, statement: str) -> Callable[[], None]:
    """Let `count` sessions run `statement` again and again; return how to end that."""
    goes_on = [True]

    def run(connection: psycopg.Connection) -> None:
        with suppress(psycopg.Error):  # cut off at the end of the test
            while goes_on[0]:
                connection.execute(statement.encode())

    for _ in range(count):
        thread = threading.Thread(target=run, args=(clients.open("counter"),), daemon=True)
        thread.start()
        clients.threads.append(thread)

    def end() -> None:
        goes_on[0] = False

    return end


def test_a_row_that_all_change_has_no_session_to_blame(clients: Clients, server: Server) -> None:
    end = in_turns(
        server, clients, 6, "BEGIN; UPDATE stock SET n = n + 1 WHERE id = 1; SELECT pg_sleep(0.1); COMMIT"
    )
    with server.connect(database="postgres") as admin:
        ask = "SELECT count(DISTINCT pid) > 3 FROM pg_locks WHERE NOT granted"
        until(lambda: admin.execute(ask.encode()).fetchone() == (True,))
    found = look(server)
    end()
    moving = found["locks.moving"]
    assert "queue for the same rows" in moving.title
    assert moving.data["relation"] in {"public.stock", None}  # None: none of them had come to the row yet
    assert moving.data["application"] == "counter"
    assert offered(found) == []
    assert "locks.blocked" not in found
    assert "transactions.idle_blocking" not in found


def test_commits_that_notify_queue_for_one_lock(clients: Clients, server: Server) -> None:
    with setting(server, fsync="on", commit_delay="100000", commit_siblings="0"):
        clients.open("setup").execute("CREATE TABLE said (n int)")
        end = in_turns(server, clients, 8, "SELECT pg_notify('said', '1'); INSERT INTO said VALUES (1)")
        with server.connect(database="postgres") as admin:
            ask = "SELECT count(*) > 3 FROM pg_locks WHERE NOT granted AND locktype = 'object'"
            until(lambda: admin.execute(ask.encode()).fetchone() == (True,))
        found = look(server)
        end()
    assert "queue for the lock that every commit with NOTIFY takes" in found["locks.moving"].title
    assert str(found["locks.moving"].data["advice"]).startswith("Notify less")
    assert offered(found) == []


def test_a_dump_is_not_ended_for_a_schema_change_that_waits(
    clients: Clients, server: Server, tmp_path: Path
) -> None:
    dump = clients.open("pg_dump")
    dump.execute("BEGIN ISOLATION LEVEL REPEATABLE READ; LOCK TABLE stock IN ACCESS SHARE MODE")
    dump.pgconn.send_query(b"SELECT pg_sleep(60)")
    until(waits_for(server, dump, "PgSleep"))
    truncate = clients.later("nightly", "TRUNCATE stock")
    clients.waiting(1)
    alone = look(server)
    assert alone["locks.blocked"].data["root_kind"] == "backup"
    assert offered(alone) == []
    clients.later("web", "SELECT count(*) FROM stock")
    clients.waiting(2)
    found = look(server)
    assert found["locks.ddl_queue"].title.startswith("TRUNCATE of public.stock waits for pid")
    assert offered(found) == [("postgres.cancel", str(pid_of(truncate)))]
    assert mitigate(server, tmp_path, "cancel", pid_of(truncate)) is OutcomeStatus.VERIFIED
    gone_on(clients)


def test_a_backup_that_none_waits_for_is_no_alarm(clients: Clients, server: Server) -> None:
    dump = clients.open("pg_dump")
    dump.execute("BEGIN ISOLATION LEVEL REPEATABLE READ; LOCK TABLE stock IN ACCESS SHARE MODE")
    dump.pgconn.send_query(b"COPY (SELECT pg_sleep(60)) TO STDOUT")
    until(waits_for(server, dump, "PgSleep"))
    aged = old(collect(server.settings(), "transactions")["transactions"], 600.0)
    found = {one.id: one for one in judge(aged)}
    assert found["postgres.transactions.upkeep"].severity is INFO
    assert not any(one.severity.is_bad or one.actions for one in found.values())


def test_a_failed_transaction_holds_nothing_but_what_stands_before_a_savepoint(
    clients: Clients, server: Server
) -> None:
    failed = clients.open("web")
    with pytest.raises(psycopg.Error):
        failed.execute("BEGIN; UPDATE stock SET n = 1 WHERE id = 1; SELECT 1 / 0")
    other = clients.open("web")
    other.execute("SET lock_timeout = '5s'")
    other.execute("UPDATE stock SET n = 2 WHERE id = 1")  # nothing holds it back
    seen = {
        one.id: one for one in judge(old(collect(server.settings(), "transactions")["transactions"], 90.0))
    }
    assert seen["postgres.transactions.aborted"].severity is INFO
    assert "postgres.transactions.idle" not in seen
    saved = clients.open("batch")
    saved.execute("BEGIN; UPDATE stock SET n = 3 WHERE id = 2; SAVEPOINT a")
    with pytest.raises(psycopg.Error):
        saved.execute("SELECT 1 / 0")
    clients.later("web", "UPDATE stock SET n = 4 WHERE id = 2")
    clients.waiting(1)
    found = look(server)
    assert found["locks.blocked"].data["root_pid"] == pid_of(saved)
    assert offered(found) == [("postgres.terminate", str(pid_of(saved)))]


def old(evidence: Evidence, seconds: float) -> Evidence:
    """Return the evidence as if what it shows had lasted for so long."""
    times = ("transaction_seconds", "query_seconds", "state_seconds")
    rows = tuple(
        msgspec.structs.replace(row, **{name: seconds for name in times if getattr(row, name) is not None})
        for row in evidence.rows
    )
    return msgspec.structs.replace(evidence, rows=rows)


def test_a_root_that_our_role_does_not_see_is_left_alone(clients: Clients, server: Server) -> None:
    root = clients.open("reprice")
    root.execute("BEGIN; UPDATE stock SET n = 1 WHERE id = 1")
    clients.later("web", "UPDATE stock SET n = 2 WHERE id = 1")
    clients.waiting(1)
    found = look(server, "locks", role="plain")
    blocked = found["locks.blocked"]
    assert (blocked.data["root_kind"], blocked.actions) == ("unseen", ())
    assert f"Find out what pid {pid_of(root)} is" in str(blocked.data["advice"])


def test_an_index_build_that_waits_for_a_writer_keeps_other_writers(
    clients: Clients, server: Server, tmp_path: Path
) -> None:
    writer = clients.open("batch")
    writer.execute("BEGIN; UPDATE stock SET n = 1 WHERE id = 1")
    build = clients.later("migration", "CREATE INDEX ON stock (n)")
    clients.waiting(1)
    clients.later("web", "UPDATE stock SET n = 2 WHERE id = 2")
    clients.waiting(2)
    found = look(server)
    assert found["locks.ddl_queue"].data["amplifier_pid"] == pid_of(build)
    assert mitigate(server, tmp_path, "cancel", pid_of(build)) is OutcomeStatus.VERIFIED
    gone_on(clients)


def answer(connection: psycopg.Connection) -> None:
    """Return once the statement that was sent has come to its end."""
    while connection.pgconn.get_result():
        pass


def test_what_the_server_runs_for_itself_and_others_is_never_signalled(
    server: Server, tmp_path: Path
) -> None:
    sender = server.connect(replication="database")
    ours = server.connect(database="postgres", application_name="incident-workbench")
    with sender, ours:
        with pytest.raises(RefusedError, match=r"walsender.*would have to start over"):
            mitigate(server, tmp_path, "terminate", pid_of(sender))
        with pytest.raises(RefusedError, match="a session of the workbench"):
            mitigate(server, tmp_path, "terminate", pid_of(ours))
    with server.connect(database="postgres") as admin:
        row = admin.execute(
            "SELECT pid FROM pg_stat_activity WHERE backend_type = 'logical replication launcher'"
        ).fetchone()
    assert row
    with pytest.raises(RefusedError, match="process of the server itself"):
        mitigate(server, tmp_path, "cancel", row[0])


def test_a_standby_that_replays_a_lock_and_one_that_does_not_confirm(tmp_path: Path) -> None:
    with running(INSTALLATIONS[-1]) as primary, standby_of(primary) as standby:
        with primary.connect() as admin:
            admin.execute("CREATE TABLE stock (id int)")
            admin.execute("ALTER SYSTEM SET synchronous_standby_names = 'replica'")
            admin.execute("SELECT pg_reload_conf()")
            until(
                lambda: admin.execute("SELECT sync_state FROM pg_stat_replication").fetchall() == [("sync",)]
            )
            admin.execute("INSERT INTO stock VALUES (1)")
        well = look(primary, "replication")
        assert not any(one.severity.is_bad for one in well.values() if "replication" in one.id)
        assert "replication.ok" in well
        with primary.connect() as holder, standby.connect() as reader:
            until(lambda: reader.execute("SELECT to_regclass('stock')").fetchone() != (None,))
            holder.execute("BEGIN; LOCK TABLE stock")
            with primary.connect() as other:  # its commit takes that lock to the standby, too
                other.execute("CREATE TABLE other ()")
            with standby.connect() as watch:
                granted = "SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted"
                until(
                    lambda: (
                        watch.execute(f"{granted} AND relation = 'stock'::regclass".encode()).fetchone()
                        == (1,)
                    )
                )
            reader.pgconn.send_query(b"SELECT * FROM stock")
            until(waits_for(standby, reader, "relation"))
            found = look(standby, "locks", "transactions")
            assert found["locks.blocked"].data["root_kind"] == "replay"
            assert offered(found) == []
            holder.rollback()
            answer(reader)
        with standby.connect() as admin:
            admin.execute("SELECT pg_wal_replay_pause()")
            state = "SELECT pg_get_wal_replay_pause_state() = 'paused'"
            if primary.installation.major < 14:  # which only tells that it was asked for
                state = "SELECT pg_is_wal_replay_paused()"
            until(lambda: admin.execute(state).fetchone() == (True,))
        with primary.connect() as writer:
            writer.execute("SET synchronous_commit = remote_apply")
            writer.pgconn.send_query(b"INSERT INTO stock VALUES (2)")
            until(waits_for(primary, writer, "SyncRep"))
            time.sleep(1.1)
            waiting = look(primary)["replication.commits_wait"]
            assert "replica, which is connected but does not confirm" in waiting.title
            assert waiting.severity.is_bad
            with standby.connect() as admin:
                admin.execute("SELECT pg_wal_replay_resume()")
            answer(writer)


_BURN = """DO $$ BEGIN FOR i IN 1..100100 LOOP
    BEGIN INSERT INTO burnt VALUES (1); EXCEPTION WHEN division_by_zero THEN NULL; END;
END LOOP; END $$"""


def test_a_vacuum_against_wraparound_is_left_to_run(tmp_path: Path) -> None:
    with running(INSTALLATIONS[-1], autovacuum_naptime="1s") as server, server.connect() as admin:
        admin.execute(
            "CREATE TABLE stock WITH (autovacuum_freeze_max_age = 100000, "
            "autovacuum_vacuum_cost_limit = 1, "
            "autovacuum_vacuum_cost_delay = 100) AS SELECT i FROM generate_series(1, 100000) AS i"
        )
        admin.execute("CREATE UNLOGGED TABLE burnt (n int)")
        admin.execute(_BURN.encode())  # each block takes a transaction id of its own
        ask = (
            "SELECT pid FROM pg_stat_activity WHERE backend_type = 'autovacuum worker' "
            "AND query LIKE '%stock (to prevent wraparound)'"
        )
        until(lambda: admin.execute(ask.encode()).fetchone() is not None, 30)
        (vacuum,) = admin.execute(ask.encode()).fetchone() or (0,)
        with server.connect() as change, server.connect() as reader:
            change.pgconn.send_query(b"ALTER TABLE stock ADD note text")
            until(waits_for(server, change, "relation"))
            reader.pgconn.send_query(b"SELECT count(*) FROM stock")
            until(waits_for(server, reader, "relation"))
            found = look(server, "locks")
            assert found["locks.vacuum"].data["root_pid"] == vacuum
            assert "anti-wraparound vacuum" in found["locks.ddl_queue"].title
            assert str(found["locks.ddl_queue"].data["advice"]).startswith("Let the vacuum run.")
            assert offered(found) == [("postgres.cancel", str(pid_of(change)))]
            for how in ("cancel", "terminate"):
                with pytest.raises(RefusedError, match="anti-wraparound vacuum"):
                    mitigate(server, tmp_path, how, vacuum)
            assert mitigate(server, tmp_path, "cancel", pid_of(change)) is OutcomeStatus.VERIFIED
            answer(reader)
            answer(change)
        assert admin.execute(ask.encode()).fetchone() == (vacuum,)  # it goes on

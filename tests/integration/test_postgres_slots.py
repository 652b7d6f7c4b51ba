"""Replication slots that keep the log and standbys that do not replay, on real servers: which, and why?"""

import contextlib
import subprocess
from collections.abc import Iterator

import psycopg
import pytest

from incident_lib.model import FindingSeverity
from tests import services
from tests.integration import postgres_service
from tests.integration.postgres_case import Look, look, settings_with_log
from tests.integration.postgres_clients import until
from tests.integration.postgres_service import Server

pytestmark = pytest.mark.postgres
CRITICAL, WARNING, INFO = FindingSeverity.CRITICAL, FindingSeverity.WARNING, FindingSeverity.INFO
_SMALL = {"wal_level": "logical", "max_wal_size": "32MB", "min_wal_size": "32MB"}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """Yield a server that plans to keep little of its log, with the programs that stream from it."""
    for installation in reversed(postgres_service.INSTALLATIONS):
        if installation.has_statements and (installation.binaries / "pg_recvlogical").is_file():
            with postgres_service.running(installation, **_SMALL) as started:
                yield started
            return
    services.missing("no PostgreSQL with its extensions and pg_recvlogical is installed here")


@pytest.fixture
def admin(server: Server) -> Iterator[psycopg.Connection]:
    """Yield an administrator of a server without a slot and with an empty log."""
    (server.data / "log").write_text("")
    with server.connect() as connection:
        yield connection
        until(lambda: _without_slots(connection))
        connection.execute("ALTER SYSTEM RESET ALL")
        connection.execute("SELECT pg_reload_conf()")


def _without_slots(connection: psycopg.Connection) -> bool:
    with contextlib.suppress(psycopg.errors.ObjectInUse):
        connection.execute("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots")
    return connection.execute("SELECT count(*) FROM pg_replication_slots").fetchone() == (0,)


def write(admin: psycopg.Connection, megabytes: int) -> None:
    """Write so much to the log, and let the server remove what nothing holds."""
    for _ in range(megabytes // 10):
        admin.execute("SELECT pg_logical_emit_message(false, 'test', repeat('x', 10000000))")
    admin.execute("CHECKPOINT")


@contextlib.contextmanager
def consumer(server: Server, slot: str, *options: str) -> Iterator[None]:
    """Run a consumer of a logical slot beside the block."""
    program = str(server.installation.binaries / "pg_recvlogical")
    address = (
        "--host",
        "127.0.0.1",
        "--port",
        str(server.port),
        "--username",
        "postgres",
        "--dbname",
        "shop",
    )
    process = subprocess.Popen(
        [program, *address, "--slot", slot, "--start", "--file", "/dev/null", *options],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        with server.connect() as watcher:
            ask = "SELECT count(*) FROM pg_replication_slots WHERE active"
            until(lambda: watcher.execute(ask).fetchone() == (1,))
        yield
    finally:
        process.terminate()
        process.wait(10)


def seen(server: Server) -> Look:
    return look(settings_with_log(server), "replication", "archiver")


def test_a_consumer_that_confirms_nothing(admin: psycopg.Connection, server: Server) -> None:
    admin.execute("SELECT pg_create_logical_replication_slot('feed', 'test_decoding')")
    with consumer(server, "feed", "--fsync-interval", "0", "--status-interval", "0"):
        write(admin, 90)
        found = seen(server)
    slot = found.finding("postgres.replication.slot")
    assert (slot.severity, slot.data["slot"], slot.data["moved_bytes"]) == (WARNING, "feed", 0)
    assert "does not advance" in slot.title
    assert "postgres.replication.ok" not in found.ids()
    assert found.first.id == "replication-slot"
    assert "restart the consumer of feed" in found.first.first_action


def test_a_consumer_that_is_in_step(admin: psycopg.Connection, server: Server) -> None:
    admin.execute("SELECT pg_create_logical_replication_slot('feed', 'test_decoding')")
    with consumer(server, "feed", "--fsync-interval", "1", "--status-interval", "1"):
        ok = seen(server).finding("postgres.replication.ok")
    assert "1 slot that keeps" in ok.title
    assert "not in use" not in ok.title


def test_an_open_transaction_keeps_the_log_of_a_consumer_in_step(
    admin: psycopg.Connection, server: Server
) -> None:
    admin.execute("CREATE TABLE IF NOT EXISTS held (id int)")
    admin.execute("SELECT pg_create_logical_replication_slot('feed', 'test_decoding')")
    with (
        server.connect(autocommit=False) as writer,
        consumer(server, "feed", "--fsync-interval", "1", "--status-interval", "1"),
    ):
        writer.execute("INSERT INTO held VALUES (1)")
        write(admin, 90)
        behind = "pg_wal_lsn_diff(pg_current_wal_lsn(), confirmed_flush_lsn)"
        ask = f"SELECT {behind} < 1e6 FROM pg_replication_slots".encode()
        until(lambda: admin.execute(ask).fetchone() == (True,), 20)
        slot = seen(server).finding("postgres.replication.slot")
        assert "a transaction that is still open" in slot.title
        assert "let it end" in str(slot.data["remedy"])


def test_a_slot_without_a_consumer_and_one_that_lost_its_log(
    admin: psycopg.Connection, server: Server
) -> None:
    admin.execute("SELECT pg_create_physical_replication_slot('old', true)")
    write(admin, 90)
    unused = seen(server).finding("postgres.replication.slot")
    assert "is not in use and keeps" in unused.title
    admin.execute("ALTER SYSTEM SET max_slot_wal_keep_size = '16MB'")
    admin.execute("SELECT pg_reload_conf()")
    write(admin, 90)
    admin.execute("CHECKPOINT")
    found = seen(server)
    lost = found.finding("postgres.replication.slot")
    assert (lost.severity, lost.data["wal_status"]) == (CRITICAL, "lost")
    assert "fresh copy" in found.first.first_action


def test_a_standby_that_is_paused_delayed_or_cut_off(admin: psycopg.Connection, server: Server) -> None:
    with postgres_service.standby_of(server) as standby, standby.connect() as local:
        until(lambda: "postgres.replication.ok" in seen(standby).ids())
        ok = seen(standby).finding("postgres.replication.ok")
        assert "replay is not paused" in ok.title
        local.execute("SELECT pg_wal_replay_pause()")
        paused = seen(standby)
        assert paused.finding("postgres.replication.paused").severity is WARNING
        assert paused.first.id == "replication-lag"
        assert "pg_wal_replay_resume" in paused.first.first_action
        local.execute("SELECT pg_wal_replay_resume()")
        local.execute("ALTER SYSTEM SET recovery_min_apply_delay = '1h'")
        local.execute("SELECT pg_reload_conf()")
        write(admin, 20)
        until(lambda: "postgres.replication.delayed" in seen(standby).ids())
        delayed = seen(standby)
        assert delayed.finding("postgres.replication.delayed").severity is INFO
        assert delayed.hypothesis("replication-lag") is None
        local.execute("ALTER SYSTEM SET primary_conninfo = 'host=127.0.0.1 port=1'")
        local.execute("SELECT pg_reload_conf()")
        until(lambda: "postgres.replication.not_streaming" in seen(standby).ids())
        cut = seen(standby)
        assert "no receiver runs" in cut.finding("postgres.replication.not_streaming").title
        assert "postgres.replication.ok" not in cut.ids()
        assert "Rebuild this standby only" in cut.first.first_action

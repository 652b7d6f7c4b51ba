"""What real servers log and measure of damage, of full tables of their own, and of lost statements."""

import contextlib
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from incident_lib.demo.tablespace import why_no_disk
from incident_lib.model import FindingSeverity
from tests import services
from tests.integration import postgres_service
from tests.integration.postgres_case import Look, look, settings_with_log
from tests.integration.postgres_service import Server

pytestmark = pytest.mark.postgres
CRITICAL, WARNING, INFO = FindingSeverity.CRITICAL, FindingSeverity.WARNING, FindingSeverity.INFO
_PAGE = 8192


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """Yield a server with few locks, whose settings a role has of its own."""
    if not postgres_service.INSTALLATIONS:
        services.missing("no PostgreSQL is installed here")
    conf: dict[str, str | int] = {"max_locks_per_transaction": 10, "autovacuum": "off"}
    with postgres_service.running(postgres_service.INSTALLATIONS[-1], **conf) as started:
        yield started


@pytest.fixture
def admin(server: Server) -> Iterator[psycopg.Connection]:
    """Yield an administrator in an empty database and with an empty log."""
    (server.data / "log").write_text("")
    with server.connect() as connection:
        connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    with server.connect() as connection:
        yield connection


def fail(admin: psycopg.Connection, *statements: str) -> str:
    """Send statements of which the last is refused, a few times, and return how."""
    said = ""
    for _ in range(4):
        try:
            for statement in statements:
                admin.execute(statement.encode())
        except psycopg.Error as error:
            said = str(error)
        with contextlib.suppress(psycopg.Error):
            admin.execute("ROLLBACK")
    assert said
    return said


def seen(server: Server) -> Look:
    return look(settings_with_log(server), "saturation", "disk", "indexes")


def damage(server: Server, relation: str, page: int, with_bytes: bytes) -> None:
    """Overwrite a page of a relation, and let the server forget what it has in memory."""
    with server.connect() as admin:
        admin.execute("CHECKPOINT")
        row = admin.execute(f"SELECT pg_relation_filepath('{relation}')".encode()).fetchone()
    assert row
    server.stop(signal.SIGINT)
    with (server.data / str(row[0])).open("r+b") as file:
        file.seek(page * _PAGE)
        file.write(with_bytes * _PAGE)
    server.start()


@contextlib.contextmanager
def small_disk(server: Server) -> Iterator[Path]:
    """Yield where a file system of 8 MiB is mounted that belongs to the server."""
    if reason := why_no_disk():
        services.missing(reason)
    place = server.data.parent / "small"
    place.mkdir()
    owner = f",uid={server.account.pw_uid},gid={server.account.pw_gid}" if server.account else ""
    options = f"size=8m,mode=700{owner}"
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)], check=True)
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)
        place.rmdir()


def test_a_damaged_table_is_copied_before_it_is_repaired(admin: psycopg.Connection, server: Server) -> None:
    admin.execute("CREATE TABLE ledger AS SELECT generate_series(1, 100) AS id")
    damage(server, "ledger", 0, b"Z")
    with server.connect() as again:
        assert "invalid page" in fail(again, "SELECT count(*) FROM ledger")
        found = seen(server)
        again.execute("DROP TABLE ledger")
    assert found.finding("logs.lines.class.db_damaged").severity is WARNING
    assert (found.first.id, found.first.target) == ("db-damaged", "db")
    advice = found.first.first_action
    assert advice.index("copy") < advice.index("amcheck")
    assert "REINDEX" not in advice


def test_a_damaged_index_is_rebuilt_last(admin: psycopg.Connection, server: Server) -> None:
    admin.execute("CREATE TABLE ledger AS SELECT generate_series(1, 100) AS id")
    admin.execute("CREATE UNIQUE INDEX ledger_id ON ledger (id)")
    damage(server, "ledger_id", 1, b"\0")
    with server.connect() as again:
        again.execute("SET enable_seqscan = off")
        assert "unexpected zero page" in fail(again, "SELECT id FROM ledger WHERE id = 7")
        found = seen(server)
        again.execute("DROP TABLE ledger")
    assert found.first.id == "db-damaged"
    assert "an index" in found.first.title
    advice = found.first.first_action
    assert advice.index("copy") < advice.index("pg_amcheck") < advice.index("REINDEX")


def test_a_full_lock_table_is_no_lack_of_memory(admin: psycopg.Connection, server: Server) -> None:
    locks = "SELECT count(pg_advisory_xact_lock(i)) FROM generate_series(1, 100000) AS i"
    assert "out of shared memory" in fail(admin, locks)
    found = seen(server)
    assert found.first.id == "db-lock-table"
    assert "partition" in found.first.first_action
    assert found.hypothesis("out-of-memory") is None
    assert found.hypothesis("db-out-of-memory") is None


def test_a_limit_of_temporary_files_is_no_full_disk(admin: psycopg.Connection, server: Server) -> None:
    said = fail(
        admin,
        "SET work_mem = '64kB'; SET temp_file_limit = '100kB'",
        "SELECT count(*) FROM (SELECT i FROM generate_series(1, 200000) AS i ORDER BY i::text) AS x",
    )
    assert "temp_file_limit" in said
    for _ in range(8):
        fail(
            admin,
            "SELECT count(*) FROM (SELECT i FROM generate_series(1, 200000) AS i ORDER BY i::text) AS x",
        )
    found = seen(server)
    assert "logs.lines.class.db_temp_limit" in found.ids()
    assert found.hypothesis("db-disk-full") is None
    assert found.finding("postgres.disk.ok")
    assert found.first.first_action.endswith("the disk is not full.")


def test_the_disk_says_what_was_measured(server: Server) -> None:
    disk = seen(server).finding("postgres.disk.ok")
    assert "inodes" in disk.title
    assert disk.data["free"]


def test_a_collation_of_another_version(admin: psycopg.Connection, server: Server) -> None:
    row = admin.execute(
        "SELECT collname, collversion FROM pg_collation WHERE collversion IS NOT NULL "
        "ORDER BY collencoding LIMIT 1"
    ).fetchone()
    if row is None:
        pytest.skip("this version has no collation with a version")
    name, version = row
    admin.execute(f'CREATE TABLE names (name text COLLATE "{name}" PRIMARY KEY)')
    recorded = "UPDATE pg_collation SET collversion = %s WHERE collname = %s"
    admin.execute(recorded, ("0.1", name))
    found = seen(server)
    admin.execute(recorded, (version, name))
    collation = found.finding("postgres.indexes.collation")
    assert (collation.severity, collation.data["count"]) == (WARNING, 1)
    assert found.first.id == "collation-changed"
    assert found.first.first_action.index("amcheck") < found.first.first_action.index("REINDEX")
    assert "postgres.indexes.ok" in seen(server).ids()


def test_statements_that_a_pooler_lost(admin: psycopg.Connection, server: Server) -> None:
    for number in range(4):
        fail(admin, f"EXECUTE _pg3_{number}")
    found = seen(server)
    assert found.first.id == "prepared-lost"
    assert "prepare_threshold=None" in found.first.first_action


def test_a_tablespace_on_a_disk_of_its_own_is_measured_too(admin: psycopg.Connection, server: Server) -> None:
    with small_disk(server) as place:
        admin.execute(f"CREATE TABLESPACE small LOCATION '{place}'".encode())
        try:
            (place / "audit.log").write_bytes(b"x" * (15 << 19))
            full = seen(server).finding("postgres.disk.full")
            assert full.severity is WARNING
            assert full.title.startswith("The disk with tablespace small is nearly full")
            (place / "audit.log").unlink()
            assert "the disk with tablespace small" in seen(server).finding("postgres.disk.ok").title
        finally:
            admin.execute(b"DROP TABLESPACE small")

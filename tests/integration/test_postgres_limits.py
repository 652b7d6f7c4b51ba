"""Limits that are passed for real: those that no other test of a server comes to.

Where a limit would take an hour, or a terabyte, to pass, the test lowers it: the rows are a server's own.
"""

import contextlib
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from incident_lib.findings.base import Context
from incident_lib.findings.thresholds import Thresholds
from incident_lib.investigation.analyze import analyze_one
from incident_lib.model import Finding, FindingSeverity
from incident_lib.technologies.postgres.rows import PostgresOwnSetting
from tests import services
from tests.integration import postgres_clients, postgres_service
from tests.integration.background import again_and_again
from tests.integration.postgres_clients import Clients, until
from tests.integration.postgres_service import Server
from tests.integration.postgres_triage import collect, triage, window

pytestmark = pytest.mark.postgres
clients = postgres_clients.clients
CRITICAL, WARNING, INFO = FindingSeverity.CRITICAL, FindingSeverity.WARNING, FindingSeverity.INFO


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """Yield a server of the newest version with a small memory and hardly any autovacuum."""
    if not postgres_service.INSTALLATIONS:
        services.missing("no PostgreSQL is installed here")
    conf: dict[str, str | int] = {
        "autovacuum_naptime": "1h",
        "autovacuum_max_workers": 1,
        "shared_buffers": "1MB",
        "bgwriter_lru_maxpages": 0,
        "work_mem": "64kB",
    }
    installation = postgres_service.INSTALLATIONS[-1]
    if installation.major >= 18:
        # With so few buffers nearly each page is read anew, and now and then a session waited for ever for a
        # worker that reads: one of fifty, also while it logged in.
        conf["io_method"] = "sync"
    with postgres_service.running(installation, **conf) as started:
        yield started


def judged(server: Server, probe: str, **limits: float) -> dict[str, Finding]:
    """Return the findings of one probe by the last part of their id, with some limits changed."""
    changed = Thresholds({f"postgres.{name.replace('__', '.')}": value for name, value in limits.items()})
    evidence = collect(server.settings(), probe)[probe]
    found = analyze_one(evidence, Context(window=window(), thresholds=changed))
    return {one.id.removeprefix(f"postgres.{probe}."): one for one in found}


def repeated(connection: psycopg.Connection, *statements: str) -> contextlib.AbstractContextManager[None]:
    """Return a block beside which `statements` run."""
    return again_and_again(lambda: [connection.execute(statement.encode()) for statement in statements])


def test_a_lock_table_that_fills_up(clients: Clients, server: Server) -> None:
    clients.open("web").execute("SELECT count(pg_advisory_lock(i)) FROM generate_series(1, 900) AS i")
    found = judged(server, "saturation")["lock_table"]
    assert found.severity is WARNING
    assert float(found.data["locks"] or 0) >= 900


@pytest.mark.parametrize(
    ("seconds", "severity"), [("info", INFO), ("warning", WARNING), ("critical", CRITICAL)]
)
def test_long_ones_by_how_long(
    clients: Clients, server: Server, seconds: str, severity: FindingSeverity
) -> None:
    clients.later("report", "SELECT pg_sleep(60)")
    clients.open("worker").execute("BEGIN; SELECT 1")
    time.sleep(0.3)
    short = {"transactions__idle__warning_seconds": 0.1, f"transactions__long__{seconds}_seconds": 0.1}
    found = judged(server, "transactions", **short)
    assert found["long_query"].severity is severity
    assert found["long_query"].data["application"] == "report"
    assert (found["idle"].severity, found["idle"].data["application"]) == (WARNING, "worker")


def test_a_transaction_that_works_on_and_on(clients: Clients, server: Server) -> None:
    worker = clients.open("worker")
    worker.execute("BEGIN; SELECT 1")
    time.sleep(0.5)
    threading.Thread(target=_ignore, args=(worker, "SELECT pg_sleep(60)"), daemon=True).start()
    limits = {"transactions__long__info_seconds": 0.45}

    def told() -> bool:  # its statement is younger than its transaction
        return "long_transaction" in judged(server, "transactions", **limits)

    until(told)


def _ignore(connection: psycopg.Connection, statement: str) -> None:
    try:
        connection.execute(statement.encode())
    except psycopg.Error:
        connection.close()  # a server counts what happened in a session when it ends, at the latest


def test_sorts_that_do_not_fit_into_memory(clients: Clients, server: Server) -> None:
    # Short ones: what a long one writes is counted when it ends, which can be after the look.
    sort = "SELECT count(*) FROM (SELECT i FROM generate_series(1, 30000) AS i ORDER BY -i) AS sorted"
    found: dict[str, Finding] = {}

    def seen() -> bool:
        found.update(judged(server, "counters", counters__temp__warning_bytes_per_minute=1e6))
        return "temp" in found

    with repeated(clients.open("report"), sort):
        until(seen, seconds=30)
    assert found["temp"].severity is WARNING
    assert found["temp"].data["database"] == "shop"


def test_sessions_that_must_write_pages_themselves(clients: Clients, server: Server) -> None:
    if server.installation.major < 16:
        pytest.skip("pg_stat_io came with 16")
    busy = clients.open("import")
    busy.execute(
        "CREATE TABLE wide AS SELECT i, repeat('x', 400) AS text FROM generate_series(1, 20000) AS i"
    )
    with repeated(busy, "UPDATE wide SET i = i + 1"):
        found = judged(server, "counters", counters__own_writes__info_per_second=5)
    busy.execute("DROP TABLE wide")
    assert found["own_writes"].severity is INFO


def test_a_table_that_autovacuum_has_left_alone(clients: Clients, server: Server) -> None:
    owner = clients.open("setup")
    owner.execute(
        "ALTER TABLE stock SET (autovacuum_vacuum_threshold = 20, autovacuum_vacuum_scale_factor = 0)"
    )
    owner.execute("VACUUM stock")
    for _ in range(5):
        owner.execute("UPDATE stock SET n = n + 1")
    owner.close()
    until(lambda: "dead_rows" in judged(server, "tables", tables__vacuum__warning_hours=0))
    assert judged(server, "tables", tables__vacuum__warning_hours=0)["dead_rows"].severity is WARNING
    assert "dead_rows" not in judged(server, "tables")  # vacuumed a moment ago


def test_the_only_worker_of_autovacuum_is_busy(clients: Clients, server: Server) -> None:
    admin = clients.open("setup")
    admin.execute(
        "CREATE TABLE heap AS SELECT i, repeat('x', 400) AS text FROM generate_series(1, 9000) AS i"
    )
    admin.execute("DELETE FROM heap WHERE i % 2 = 0")
    for setting in (
        "autovacuum_naptime = '1s'",
        "autovacuum_vacuum_cost_delay = 100",
        "vacuum_cost_limit = 1",
    ):
        admin.execute(f"ALTER SYSTEM SET {setting}".encode())
    admin.execute("SELECT pg_reload_conf()")
    try:
        until(lambda: "autovacuum_busy" in judged(server, "server"), 15)
    finally:
        admin.execute("ALTER SYSTEM RESET ALL")
        admin.execute("SELECT pg_reload_conf()")
        admin.execute("DROP TABLE heap")


def test_a_reload_is_an_event_and_risks_are_told(clients: Clients, server: Server) -> None:
    admin = clients.open("setup")

    def reloaded() -> bool:
        admin.execute("SELECT pg_reload_conf()")
        return "reloaded" in judged(server, "server")

    until(reloaded, 15)  # within five seconds of its start, that is the start's own
    found = judged(server, "settings")["risk"]
    assert (found.severity, found.data["settings"]) == (INFO, "fsync = off")


def test_notifications_that_somebody_does_not_fetch(clients: Clients, server: Server) -> None:
    clients.open("listener").execute("LISTEN orders")
    listener = clients.open("listener")
    listener.execute("LISTEN orders")
    listener.execute("BEGIN; SELECT 1")
    clients.open("web").execute(
        "SELECT count(pg_notify('orders', repeat('x', 7000) || i)) FROM generate_series(1, 400) AS i"
    )
    found = judged(server, "server", server__notify_queue__warning_ratio=1e-5)
    assert found["notify_queue"].severity is WARNING


def test_an_index_that_is_being_built_is_not_invalid(clients: Clients, server: Server) -> None:
    writer = clients.open("web")
    writer.execute("BEGIN; UPDATE stock SET n = 1 WHERE id = 1")
    clients.later("migration", "CREATE INDEX CONCURRENTLY stock_by_n ON stock (n)")
    until(lambda: "building" in judged(server, "indexes"))
    found = judged(server, "indexes")
    writer.execute("ROLLBACK")
    assert found["building"].data["names"] == "public.stock_by_n"
    assert "invalid" not in found


def test_room_on_disk_and_a_slot_that_nobody_uses(clients: Clients, server: Server) -> None:
    admin = clients.open("setup")
    admin.execute("SELECT pg_create_physical_replication_slot('gone', true)")
    try:
        slot = judged(server, "replication", replication__slot__warning_bytes=0)["slot"]
    finally:
        admin.execute("SELECT pg_drop_replication_slot('gone')")
    assert (slot.severity, slot.data["slot"]) == (WARNING, "gone")
    for limit, severity in (("warning", WARNING), ("critical", CRITICAL)):
        found = judged(server, "disk", **{f"disk__{limit}_free_ratio": 1.0})
        assert {one.severity for one in found.values()} == {severity}


def test_queries_that_a_standby_cancels_and_a_standby_without_its_primary() -> None:
    chosen = next(
        (one for one in reversed(postgres_service.INSTALLATIONS) if postgres_service.basebackup_of(one)),
        None,
    )
    if chosen is None:
        services.missing("no PostgreSQL with pg_basebackup is installed here")
    with postgres_service.running(chosen) as primary, postgres_service.standby_of(primary) as standby:
        with (standby.data / "postgresql.auto.conf").open("a") as conf:
            conf.write("max_standby_streaming_delay = 0\n")
        with standby.connect() as admin, primary.connect() as owner:
            admin.execute("SELECT pg_reload_conf()")
            assert any(_cancels(standby, owner, number) for number in range(3))
        primary.stop()
        until(lambda: "replication.not_streaming" in triage(standby.settings(), "replication"), 15)
        found = triage(standby.settings(), "replication")["replication.not_streaming"]
    assert found.severity is WARNING
    assert found.title.startswith("This standby receives nothing from its primary")


def _cancels(standby: Server, owner: psycopg.Connection, number: int) -> bool:
    """Return whether a query on the standby, whose table goes meanwhile, is told as cancelled."""
    table = f"old{number}"
    owner.execute(f"CREATE TABLE {table} AS SELECT 1 AS id".encode())
    reader = standby.connect()
    until(lambda: _is_there(reader, table))
    reading = threading.Thread(target=_ignore, args=(reader, f"SELECT pg_sleep(30) FROM {table}"))
    reading.start()
    timer = threading.Timer(1.0, owner.execute, (f"DROP TABLE {table}".encode(),))
    timer.start()
    found = triage(standby.settings(), "counters")
    timer.join()
    reading.join(10)
    return found["counters.conflicts"].severity is WARNING if "counters.conflicts" in found else False


def _is_there(reader: psycopg.Connection, table: str) -> bool:
    return reader.execute("SELECT to_regclass(%s)", (table,)).fetchone() != (None,)


def test_damaged_data_is_critical() -> None:
    chosen = postgres_service.INSTALLATIONS[-1] if postgres_service.INSTALLATIONS else None
    if chosen is None or chosen.major < 18:
        services.missing("no PostgreSQL 18, which checks its pages unless told otherwise")
    with postgres_service.running(chosen) as own:
        with own.connect() as admin:
            admin.execute("CREATE TABLE ledger AS SELECT i FROM generate_series(1, 1000) AS i")
            (path,) = admin.execute("SELECT pg_relation_filepath('ledger')").fetchone() or ("",)
        own.stop(signal.SIGINT)
        _damage(own.data / str(path))
        own.start()
        with own.connect() as reader, pytest.raises(psycopg.errors.DataCorrupted):
            reader.execute("SELECT count(*) FROM ledger")
        until(lambda: "counters.checksums" in triage(own.settings(), "counters"))
        found = triage(own.settings(), "counters")["counters.checksums"]
    assert (found.severity, found.data["database"]) == (CRITICAL, "shop")


def _damage(file: Path) -> None:
    with file.open("r+b") as pages:
        pages.seek(4000, os.SEEK_SET)
        pages.write(b"damage" * 20)


def test_limits_of_roles_and_databases_are_read_and_our_own_left_out(server: Server) -> None:
    with server.connect() as connection:
        for statement in (
            "CREATE ROLE till LOGIN",
            "ALTER ROLE till SET statement_timeout = '50ms'",
            "ALTER ROLE till IN DATABASE shop SET lock_timeout = '1s'",
            "ALTER ROLE till SET search_path = shop",
            "ALTER DATABASE shop SET default_transaction_read_only = on",
            "ALTER ROLE ALL SET idle_in_transaction_session_timeout = '1min'",
            "ALTER ROLE workbench SET statement_timeout = '2s'",
        ):
            connection.execute(statement)
    try:
        rows = collect(server.settings(), "settings")["settings"].of(PostgresOwnSetting)
    finally:
        with server.connect() as connection:
            connection.execute("SET default_transaction_read_only = off")
            connection.execute("ALTER DATABASE shop RESET default_transaction_read_only")
            connection.execute("ALTER ROLE ALL RESET idle_in_transaction_session_timeout")
            connection.execute("ALTER ROLE workbench RESET statement_timeout")
    assert [(row.role, row.database, row.name, row.value) for row in rows] == [
        ("till", "shop", "lock_timeout", "1s"),
        ("till", None, "statement_timeout", "50ms"),
        (None, "shop", "default_transaction_read_only", "on"),
        (None, None, "idle_in_transaction_session_timeout", "1min"),
    ]

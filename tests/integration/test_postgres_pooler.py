"""A real PgBouncer before a real server: clients that wait in it, and our own sessions through it."""

import dataclasses
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
import psycopg
import pytest

from incident_lib.config import Settings
from incident_lib.errors import TargetError
from incident_lib.hypotheses import rank
from incident_lib.investigation.setup import patterns_for
from incident_lib.model import EvidenceStatus, Finding, FindingSeverity
from incident_lib.model.topology import Topology
from incident_lib.probes.base import run_lane
from incident_lib.technologies import catalogue
from incident_lib.technologies.postgres import probes as postgres
from incident_lib.technologies.postgres.connect import open_pooler
from tests.integration import pooler_service, postgres_service
from tests.integration.pooler_service import Pooler
from tests.integration.postgres_clients import until
from tests.integration.postgres_service import Server
from tests.integration.postgres_triage import collect, judge, window

pytestmark = pytest.mark.postgres
any_server = postgres_service.any_server


@pytest.fixture(scope="module")
def pooler(any_server: Server) -> Iterator[Pooler]:
    """Yield a PgBouncer before the newest server."""
    with pooler_service.running(any_server) as made:
        yield made


def settings_of(pooler: Pooler, **console: str) -> Settings:
    """Return the server's own address, and the console's."""
    base = postgres_service.settings(pooler.server.dsn())
    (service,) = base.document.service
    dsn = pooler.dsn(**{"role": "workbench", "database": "pgbouncer", **console})
    changed = msgspec.structs.replace(service, pooler_dsn=dsn)
    document = msgspec.structs.replace(base.document, service=(changed,))
    return msgspec.structs.replace(base, document=document)


def judged(pooler: Pooler, **console: str) -> list[Finding]:
    """Return what the console's lane finds."""
    lane = next(lane for lane in postgres.lanes(settings_of(pooler, **console)) if lane.name == "pgbouncer")
    return [found for evidence in run_lane(lane, window()) for found in judge(evidence)]


def test_a_pool_in_which_nobody_waits(pooler: Pooler) -> None:
    with psycopg.connect(pooler.dsn(), autocommit=True) as client:
        client.execute("SELECT 1")
        (found,) = judged(pooler)
    assert (found.id, found.severity) == ("postgres.pooler.ok", FindingSeverity.OK)


def test_clients_that_wait_are_told_with_their_pool(pooler: Pooler) -> None:
    with psycopg.connect(pooler.dsn()) as holder, psycopg.connect(pooler.dsn(), autocommit=True) as waiter:
        holder.execute("SELECT 1")  # its transaction keeps the only connection
        thread = threading.Thread(target=waiter.execute, args=("SELECT 2",))
        thread.start()
        seen: list[Finding] = []
        until(lambda: bool(seen.extend(judged(pooler)) or seen[-1].id == "postgres.pooler.waiting"))
        found = seen[-1]
        holder.rollback()
        thread.join(10)
    assert (found.id, found.severity) == ("postgres.pooler.waiting", FindingSeverity.WARNING)
    assert found.title.startswith("1 client waits in PgBouncer for a connection of the pool shop/app")
    assert (found.data["servers"], found.data["limit"]) == (1, 1)
    assert "All of its connections are in use" in found.detail
    (first, *_) = rank(
        (found,), Topology(kinds={"db": "postgres"}), patterns_for(settings_of(pooler)), catalogue()
    )
    assert first.id == "db-connections-exhausted"
    assert first.title == "The pool shop/app of PgBouncer in front of db has no free connections"


@contextmanager
def told(pooler: Pooler, command: str, undo: str) -> Iterator[None]:
    """Send a command to the console for the length of the block."""
    with psycopg.connect(
        pooler.dsn("admin", "pgbouncer"), autocommit=True, prepare_threshold=None
    ) as console:
        send = psycopg.ClientCursor(console).execute
        send(command)
        try:
            yield
        finally:
            send(undo)


def test_a_database_that_was_paused_is_no_pool_that_is_too_small(pooler: Pooler) -> None:
    with psycopg.connect(pooler.dsn(), autocommit=True) as client, told(pooler, "PAUSE shop", "RESUME shop"):
        thread = threading.Thread(target=client.execute, args=("SELECT 1",))
        thread.start()
        seen: list[Finding] = []
        until(lambda: bool(seen.extend(judged(pooler)) or seen[-1].data.get("waiting")))
        found = seen[-1]
    thread.join(10)
    assert (found.id, found.severity) == ("postgres.pooler.paused", FindingSeverity.CRITICAL)
    assert "RESUME shop" in found.detail
    (first, *_) = rank(
        (found,), Topology(kinds={"db": "postgres"}), patterns_for(settings_of(pooler)), catalogue()
    )
    assert (first.id, "RESUME shop" in first.first_action) == ("db-connections-exhausted", True)


def test_all_pools_of_a_database_together_have_a_limit_too(pooler: Pooler) -> None:
    with (
        told(pooler, "SET max_db_connections = 1", "SET max_db_connections = 0"),
        psycopg.connect(pooler.dsn()) as holder,
        psycopg.connect(pooler.dsn("workbench"), autocommit=True) as waiter,
    ):
        holder.execute("SELECT 1")
        thread = threading.Thread(target=waiter.execute, args=("SELECT 2",))
        thread.start()
        seen: list[Finding] = []
        until(lambda: bool(seen.extend(judged(pooler)) or seen[-1].id == "postgres.pooler.waiting"))
        holder.rollback()
        thread.join(10)
    assert seen[-1].data["layer"] == "max_db_connections of shop"
    assert "max_db_connections" in str(seen[-1].data["remedy"])


def test_our_sessions_leave_nothing_behind_for_the_application(pooler: Pooler) -> None:
    evidence = collect(postgres_service.settings(pooler.dsn()), "locks", "saturation")
    assert evidence["connection"].rows[0].through_pooler is True
    assert {one.status for one in evidence.values()} <= {EvidenceStatus.COLLECTED, EvidenceStatus.PARTIAL}
    with psycopg.connect(pooler.dsn(), autocommit=True) as client:  # gets the session that we had
        told = client.execute(
            "SELECT current_setting('transaction_read_only'), current_setting('statement_timeout'), "
            "current_setting('search_path')"
        ).fetchone()
    assert told == ("off", "0", '"$user", public')


def test_only_the_written_commands_reach_the_console(pooler: Pooler) -> None:
    settings = settings_of(pooler)
    session = open_pooler(settings, settings.services[0])
    for command in ("PAUSE", "KILL shop", "SHOW POOLS; SHUTDOWN", "RELOAD"):
        with pytest.raises(TargetError, match="not on the list"):
            session.show(command)
    session.close()


def test_a_login_that_the_console_refuses_is_unknown(pooler: Pooler) -> None:
    (found,) = judged(pooler, password="wrong-guess-2")
    assert (found.id, found.severity) == ("postgres.pooler.denied", FindingSeverity.UNKNOWN)
    assert "wrong-guess-2" not in str(found)


def test_a_pooler_that_is_gone_is_critical(pooler: Pooler) -> None:
    gone = dataclasses.replace(pooler, port=postgres_service.free_port())
    (found,) = judged(gone)
    assert (found.id, found.severity) == ("postgres.pooler.refused", FindingSeverity.CRITICAL)

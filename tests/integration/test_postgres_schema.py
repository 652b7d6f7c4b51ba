"""Changes of the schema on real servers: seen in sessions, by times of commits, and by comparison."""

import threading
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from incident_lib import clock, config
from incident_lib.correlation.changes import changes_since
from incident_lib.findings.base import Context
from incident_lib.hypotheses import rank
from incident_lib.investigation.observed import observations
from incident_lib.investigation.setup import patterns_for
from incident_lib.model import Analysis, Evidence, EvidenceStatus, Finding, FindingSeverity, Window
from incident_lib.model.topology import Topology
from incident_lib.probes.base import run, run_lane
from incident_lib.technologies import catalogue, comparers
from incident_lib.technologies.logs import probes as logs
from incident_lib.technologies.logs.findings import analyze_lines
from incident_lib.technologies.postgres.connect import open_postgres
from incident_lib.technologies.postgres.findings import ANALYZERS
from incident_lib.technologies.postgres.probes.connection import CONNECTION
from incident_lib.technologies.postgres.probes.schema import SCHEMA
from incident_lib.technologies.postgres.rows import PostgresRelation, PostgresSchema
from tests.integration import postgres_service

pytestmark = pytest.mark.postgres
server = postgres_service.server


def _look(server: Any, **how: str) -> Evidence:
    settings = server.settings(**how)
    session = open_postgres(settings, settings.services[0])
    window = Window(clock.now(), clock.now())
    try:
        run(CONNECTION, session, "db", window)  # as in its lane: it learns what our role may see
        return run(SCHEMA, session, "db", window)
    finally:
        session.close()


def _context(evidence: Evidence, minutes: float = 5) -> Context:
    end = evidence.collected_at
    return Context(window=Window(end - timedelta(minutes=minutes), clock.now()))


def _judge(evidence: Evidence) -> dict[str, Finding]:
    found = ANALYZERS["postgres.schema"](evidence, _context(evidence))
    return {one.id.removeprefix("postgres.schema."): one for one in found}


def _since(before: Evidence, now: Evidence, *, same_incident: bool = True) -> list[Finding]:
    return list(changes_since([before], [now], _context(now), comparers(), same_incident=same_incident))


def test_nothing_changes_by_itself(server: Any) -> None:
    with server.connect() as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS quiet (id int PRIMARY KEY)")
    before = _look(server)
    with server.connect() as connection:
        connection.execute("INSERT INTO quiet SELECT generate_series(1, 100) ON CONFLICT DO NOTHING")
        connection.execute("ANALYZE quiet")
        connection.execute("VACUUM quiet")
        connection.execute("TRUNCATE quiet")
        connection.execute("CREATE TEMP TABLE mine (id int)")
    now = _look(server)
    assert now.status is EvidenceStatus.COLLECTED, now.problem
    assert _since(before, now) == []
    assert _since(before, before) == []


def test_a_change_that_a_session_still_shows(server: Any) -> None:
    with server.connect() as connection:
        connection.execute("CREATE TABLE shown (id int)")
        found = _judge(_look(server))
    assert found["changed"].severity == "INFO"
    assert "CREATE TABLE shown" in found["changed"].title
    assert found["changed"].since is not None
    assert "test" in found["changed"].detail  # the application's name


def test_a_change_that_runs(server: Any) -> None:
    with server.connect(autocommit=False) as holder, server.connect() as waiter:
        holder.execute("CREATE TABLE IF NOT EXISTS held (id int)")
        holder.commit()
        holder.execute("LOCK TABLE held")
        altering = threading.Thread(target=waiter.execute, args=("ALTER TABLE held ADD COLUMN later int",))
        altering.start()
        deadline = time.monotonic() + 10
        while "running" not in (found := _judge(_look(server))) and time.monotonic() < deadline:
            time.sleep(0.1)
        holder.rollback()
        altering.join()
    assert "ALTER TABLE held" in found["running"].title


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("CREATE TABLE made (id int)", "new table public.made"),
        ("CREATE INDEX made_by ON altered (name)", "new index public.made_by"),
        ("ALTER TABLE altered ADD COLUMN IF NOT EXISTS more int", "altered table public.altered"),
        ("DROP TABLE dropped", "fewer: 1 tables"),
    ],
)
def test_a_change_between_two_looks(server: Any, statement: str, words: str) -> None:
    with server.connect() as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS altered (id int, name text)")
        connection.execute("CREATE TABLE IF NOT EXISTS dropped (id int)")
        connection.execute("DROP TABLE IF EXISTS made")
        connection.execute("DROP INDEX IF EXISTS made_by")
        connection.execute("ALTER TABLE altered DROP COLUMN IF EXISTS more")
    before = _look(server)
    with server.connect() as connection:
        connection.execute(statement)
    now = _look(server)
    (one,) = _since(before, now)
    assert words in one.title
    assert one.since == before.collected_at
    (one,) = _since(before, now, same_incident=False)
    assert one.since is None


def test_another_database_is_nothing_to_compare_with(server: Any) -> None:
    assert _since(_look(server, database="postgres"), _look(server)) == []


def test_without_the_right_to_see_other_sessions(server: Any) -> None:
    evidence = _look(server, role="plain")
    assert evidence.status is EvidenceStatus.PARTIAL
    assert evidence.of(PostgresSchema)


def test_a_catalog_that_is_locked_ends_soon(server: Any) -> None:
    settings = server.settings()
    session = open_postgres(settings, settings.services[0])
    try:
        with server.connect(autocommit=False) as holder:
            holder.execute("LOCK TABLE pg_attribute IN ACCESS EXCLUSIVE MODE")
            began = time.monotonic()
            evidence = run(SCHEMA, session, "db", Window(clock.now(), clock.now()))
            holder.rollback()
        assert time.monotonic() - began < 5
    finally:
        session.close()
    assert evidence.status is EvidenceStatus.FAILED


@pytest.mark.skipif(not postgres_service.INSTALLATIONS, reason="no PostgreSQL")
def test_times_of_commits_where_the_server_keeps_them() -> None:
    installation = postgres_service.INSTALLATIONS[-1]
    with postgres_service.running(installation, track_commit_timestamp="on") as server:
        with server.connect() as connection:
            connection.execute("CREATE TABLE timed (id int)")
        evidence = _look(server)
    (schema,) = evidence.of(PostgresSchema)
    assert schema.tells_times
    assert any(row.name == "timed" and row.committed_at for row in evidence.of(PostgresRelation))
    found = _judge(evidence)
    assert "table public.timed" in found["changed"].title


@pytest.mark.skipif(not postgres_service.INSTALLATIONS, reason="no PostgreSQL")
def test_what_the_log_tells_is_an_event_set_against_the_onset(tmp_path: Path) -> None:
    installation = postgres_service.INSTALLATIONS[-1]
    logged = {"log_statement": "ddl", "log_line_prefix": "%m [%p] ", "log_timezone": "UTC"}
    with postgres_service.running(installation, **logged) as server:
        with server.connect() as connection:
            connection.execute("SELECT 'ALTER TABLE quoted'")
            connection.execute("CREATE TABLE told (id int)")
        text = f'[[service]]\nname = "db"\nkind = "postgres"\nlog = "{server.data / "log"}"\n'
        settings = config.Settings(document=config.parse(text), root=tmp_path)
        end = clock.now() + timedelta(seconds=5)
        window = Window(end - timedelta(minutes=5), end)
        (lane,) = [one for one in logs.lanes(settings) if one.target == "db"]
        (evidence,) = run_lane(lane, window)
    found = list(analyze_lines(evidence, Context(window=window)))
    (changed,) = [one for one in found if one.id == "logs.lines.server.schema_change"]
    assert changed.since is not None
    assert "CREATE TABLE told" in changed.detail
    assert changed.data["count"] == 1
    (draft,) = observations(Analysis(snapshot="s", findings=(changed,)))
    assert draft.occurred_at == changed.since
    blocked = Finding(
        id="postgres.locks.blocked",
        target="db",
        severity=FindingSeverity.CRITICAL,
        title="sessions wait",
        since=changed.since + timedelta(seconds=30),
    )
    first = rank((changed, blocked), Topology(kinds={"db": "postgres"}), patterns_for(settings), catalogue())[
        0
    ]
    assert first.id == "lock-contention"
    assert "30 s after a change" in first.reason

"""The ways through a container: what inspecting it gives, and psql inside it, on a real engine."""

import threading
import time
import uuid
from collections.abc import Iterator

import docker
import msgspec
import pytest

from incident_lib.config import Settings
from incident_lib.connections.docker import Stream, open_engine
from incident_lib.errors import ProblemKind, TargetError
from incident_lib.model import EvidenceStatus, FindingSeverity
from incident_lib.technologies.postgres.connect import PostgresSession, open_postgres
from tests.integration import docker_service, postgres_service
from tests.integration.docker_service import DATABASE, PASSWORD, USER, Stack
from tests.integration.postgres_clients import until
from tests.integration.postgres_triage import collect, judge, triage

pytestmark = [*docker_service.MARKS, pytest.mark.postgres]
engine = docker_service.engine


@pytest.fixture(scope="module")
def stack(engine: docker.DockerClient) -> Iterator[Stack]:
    """Yield the four containers, under a prefix of their own."""
    with docker_service.stack(engine, prefix=f"pg-{uuid.uuid4().hex[:6]}-") as made:
        yield made


def _without_discovery(settings: Settings) -> Settings:
    workbench = msgspec.structs.replace(settings.document.workbench, discover_credentials=False)
    document = msgspec.structs.replace(settings.document, workbench=workbench)
    return msgspec.structs.replace(settings, document=document)


def test_address_and_login_are_found_and_never_kept(stack: Stack) -> None:
    evidence = collect(postgres_service.settings(container=stack.name("db")))
    (row,) = evidence["connection"].rows
    assert (row.way, row.role, row.database) == ("discovered", USER, DATABASE)
    assert "were found by inspecting" in evidence["connection"].source
    stored = msgspec.json.encode(list(evidence.values())).decode()
    assert PASSWORD not in stored
    unseen = {name for name, one in evidence.items() if one.status is not EvidenceStatus.COLLECTED}
    assert unseen <= {"statements"}, [evidence[name].problem for name in unseen]
    assert not [one for each in evidence.values() for one in judge(each) if one.severity.is_bad]


def test_without_discovery_psql_runs_in_the_container(stack: Stack) -> None:
    dsn = f"postgresql://{USER}@127.0.0.1:{postgres_service.free_port()}/{DATABASE}"
    evidence = collect(postgres_service.settings(dsn, container=stack.name("db")))
    (row,) = evidence["connection"].rows
    assert row.way == "exec"
    assert row.through_pooler is False
    assert "Connection refused" in row.attempts[0]
    assert f"psql inside the container {stack.name('db')}" in evidence["locks"].source
    unseen = {name for name, one in evidence.items() if one.status is not EvidenceStatus.COLLECTED}
    assert unseen <= {"statements"}, [evidence[name].problem for name in unseen]
    found = [one for one in judge(evidence["connection"]) if one.id == "postgres.connection.way"]
    assert found[0].severity is FindingSeverity.INFO
    assert not [one for name in ("locks", "counters") for one in judge(evidence[name]) if one.severity.is_bad]


def _psql(stack: Stack) -> PostgresSession:
    dsn = f"postgresql://{USER}@127.0.0.1:{postgres_service.free_port()}/{DATABASE}"
    settings = postgres_service.settings(dsn, container=stack.name("db"))
    return open_postgres(settings, settings.services[0])


def test_one_psql_carries_every_statement_and_only_single_ones(stack: Stack) -> None:
    session = _psql(stack)
    try:
        first, again = (session.rows("SELECT pg_backend_pid() AS pid") for _ in range(2))
        assert first == again
        text = "it's; \\! touch /tmp/never :USER \\gexec"
        quoted = text.replace("'", "''")
        with pytest.raises(TargetError, match="multiple commands"):  # what it says could hide a second one
            session.rows(f"SELECT E'{quoted}\\'' AS text")
        assert session.rows(f"SELECT '{quoted}' AS text") == [{"text": text}]
        for two in ("SELECT 1; SELECT 2", "SELECT 1) AS a; SELECT (2", "SELECT $$;$$"):
            with pytest.raises(TargetError, match="multiple commands"):
                session.rows(two)
        with pytest.raises(TargetError) as slow:
            session.rows("SELECT pg_sleep(5) AS slept")
        assert slow.value.kind is ProblemKind.TIMED_OUT
        with pytest.raises(TargetError, match="does not exist"):
            session.rows("SELECT nothing FROM nowhere")
        assert session.rows("SELECT 1 AS one") == [{"one": 1}]
    finally:
        session.close()


def test_an_answer_that_is_too_long_is_cut_and_the_next_one_is_whole(stack: Stack) -> None:
    engine = open_engine()
    stream = Stream(engine, stack.name("db"), ("cat",), {})
    try:
        stream.send("x" * 5000 + "\nend-1 told\n")
        _, last, cut = stream.read_until(b"end-1 ", seconds=10, most_bytes=1000)
        assert (last, cut) == (b"end-1 told", True)
        stream.send("short\nend-2 told\n")
        assert stream.read_until(b"end-2 ", seconds=10, most_bytes=1000) == (
            b"short\n",
            b"end-2 told",
            False,
        )
        with pytest.raises(TargetError) as silent:
            stream.read_until(b"end-3 ", seconds=0.3, most_bytes=1000)
        assert silent.value.kind is ProblemKind.TIMED_OUT
    finally:
        stream.close()
        engine.close()


def test_psql_that_is_cut_off_says_so_and_leaves_no_session(stack: Stack) -> None:
    session = _psql(stack)
    (row,) = session.rows("SELECT pg_backend_pid() AS pid")
    timer = threading.Timer(0.3, session.abort)
    timer.start()
    started = time.monotonic()
    with pytest.raises(TargetError) as broken:
        session.rows("SELECT pg_sleep(1.9) AS slept")
    assert time.monotonic() - started < 1.8
    assert broken.value.kind is ProblemKind.RESET
    session.close()
    other = _psql(stack)
    try:
        ask = f"SELECT count(*)::int4 AS number FROM pg_stat_activity WHERE pid = {row['pid']}"
        until(lambda: other.rows(ask) == [{"number": 0}])
    finally:
        other.close()


def test_with_discovery_off_the_environment_is_not_used(stack: Stack) -> None:
    settings = _without_discovery(postgres_service.settings(container=stack.name("db")))
    connection = collect(settings, "saturation")["connection"]
    assert USER not in connection.source
    if connection.rows:
        assert connection.rows[0].way == "exec"
        assert connection.rows[0].role == "postgres"
    else:
        assert connection.problem is not None
        assert "psql in" in connection.problem.message


def test_a_database_that_is_not_there_is_told_through_psql(stack: Stack) -> None:
    dsn = f"postgresql://{USER}@127.0.0.1:{postgres_service.free_port()}/gone"
    found = triage(postgres_service.settings(dsn, container=stack.name("db")), "saturation")
    assert found["connection.not_found"].severity is FindingSeverity.CRITICAL
    assert "saturation.ok" in found


def test_a_container_that_is_not_there_or_stopped(stack: Stack) -> None:
    missing = triage(postgres_service.settings(container="no-such-container"))
    assert missing["connection.not_found"].severity is FindingSeverity.CRITICAL
    stopped = stack.container("db")
    stopped.stop(timeout=5)
    try:
        found = triage(postgres_service.settings(container=stack.name("db")))
    finally:
        stopped.start()
    assert f"the container {stack.name('db')} is exited" in found["connection.refused"].detail

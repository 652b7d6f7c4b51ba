"""What a session is bounded by, and how it ends when server or wire fail."""

import pickle
import socket
import threading
import time
from functools import partial

import pytest

from incident_lib.errors import ProblemKind, TargetError
from incident_lib.model import EvidenceStatus, FindingSeverity
from incident_lib.probes.base import Lane, run_lane
from incident_lib.technologies.postgres import probes as postgres
from incident_lib.technologies.postgres.connect import PostgresSession, open_postgres
from tests.integration import postgres_service
from tests.integration.postgres_service import PASSWORD, Server
from tests.integration.postgres_triage import collect, judge, window
from tests.integration.postgres_wire import join, serving

pytestmark = pytest.mark.postgres
server = postgres_service.server
any_server = postgres_service.any_server
settings = postgres_service.settings


def _open(dsn: str) -> PostgresSession:
    configured = settings(dsn)
    return open_postgres(configured, configured.services[0])


def test_a_session_is_bounded_and_read_only(server: Server) -> None:
    session = _open(server.dsn())
    try:
        (row,) = session.rows(
            "SELECT current_setting('statement_timeout') AS statement, "
            "current_setting('lock_timeout') AS lock, "
            "current_setting('search_path') AS path, current_setting('application_name') AS name, "
            "current_setting('idle_in_transaction_session_timeout') AS idle, pg_backend_pid() AS pid"
        )
        assert row["statement"] == "2s"
        assert (row["lock"], row["path"], row["name"]) == ("300ms", "pg_catalog", "incident-workbench")
        assert row["idle"] == "5s"
        with pytest.raises(TargetError, match="multiple commands"):
            session.rows("SELECT 1 AS one; SELECT 2 AS two")
        with pytest.raises(TargetError, match="read-only"):
            session.rows("CREATE TABLE never (id int)")
        with pytest.raises(TargetError) as slow:
            session.rows("SELECT pg_sleep(5)")
        assert slow.value.kind is ProblemKind.TIMED_OUT
        assert slow.value.answered
        assert session.rows("SELECT 1 AS one") == [{"one": 1}]
    finally:
        session.close()


def test_abort_ends_a_statement_from_another_thread(server: Server) -> None:
    session = _open(server.dsn())
    timer = threading.Timer(0.3, session.abort)
    timer.start()
    started = time.monotonic()
    with pytest.raises(TargetError) as broken:
        session.rows("SELECT pg_sleep(1.9)")
    assert time.monotonic() - started < 1
    assert broken.value.kind is ProblemKind.RESET
    session.abort()
    session.close()
    session.abort()


def _lane_through(port: int, *, deadline_seconds: float = 5.0) -> Lane:
    (lane,) = postgres.lanes(settings(f"postgresql://workbench:{PASSWORD}@127.0.0.1:{port}/shop"))
    chosen = ("postgres.connection", "postgres.saturation", "postgres.counters", "postgres.locks")
    probes = {probe.name: probe for probe in lane.probes}
    return Lane(
        target=lane.target,
        open=lane.open,
        probes=tuple(
            postgres.Probe(
                name=name,
                fetch=probes[name].fetch,
                question=probes[name].question,
                source=probes[name].source,
                deadline_seconds=deadline_seconds,
            )
            for name in chosen
        ),
    )


def test_a_server_killed_in_the_middle_of_a_lane(any_server: Server) -> None:
    wires: list[socket.socket] = []
    with serving(lambda client: wires.append(join(client, any_server, threading.Event()))) as port:
        seen = []
        for evidence in run_lane(_lane_through(port), window()):
            seen.append(evidence)
            if evidence.probe == "postgres.saturation":
                for wire in wires:
                    wire.shutdown(socket.SHUT_RDWR)
                time.sleep(0.1)
    assert [one.status for one in seen[:2]] == [EvidenceStatus.COLLECTED] * 2
    for number, evidence in enumerate(seen[2:]):
        assert evidence.status in (EvidenceStatus.FAILED, EvidenceStatus.SKIPPED)
        assert evidence.problem is not None
        assert number or evidence.problem.kind is ProblemKind.RESET
        assert {one.severity for one in judge(evidence)} == {FindingSeverity.UNKNOWN}


def test_a_wire_that_falls_silent_ends_at_the_deadline(any_server: Server) -> None:
    silent = threading.Event()
    with serving(partial(join, server=any_server, silent=silent)) as port:
        seen = []
        started = time.monotonic()
        for evidence in run_lane(_lane_through(port, deadline_seconds=0.7), window()):
            seen.append(evidence)
            silent.set()
    assert time.monotonic() - started < 3
    kinds = [one.problem.kind if one.problem else None for one in seen]
    assert kinds == [None, ProblemKind.TIMED_OUT, ProblemKind.SKIPPED, ProblemKind.SKIPPED]


def _refuse_options(client: socket.socket, server: Server) -> None:
    """Do as PgBouncer does: refuse start-up options, forward everybody else."""
    text = b"SFATAL\0C08P01\0Munsupported startup parameter: options\0\0"
    start = client.recv(65536)
    if b"\0options\0" in start:
        client.sendall(b"E" + (len(text) + 4).to_bytes(4, "big") + text)
        client.close()
    else:
        join(client, server, threading.Event(), start)


def test_behind_a_pooler_the_limits_end_with_each_statement(any_server: Server) -> None:
    with serving(partial(_refuse_options, server=any_server)) as port:
        dsn = f"postgresql://workbench:{PASSWORD}@127.0.0.1:{port}/shop?sslmode=disable"
        evidence = collect(settings(dsn), "locks", "saturation")
        session = _open(dsn)
        with pytest.raises(TargetError) as slow:
            session.rows("SELECT pg_sleep(5)")
        with pytest.raises(TargetError, match="read-only"):
            session.rows("CREATE TABLE never (id int)")
        assert session.rows("SELECT 1 AS one") == [{"one": 1}]
        session.close()
    assert slow.value.kind is ProblemKind.TIMED_OUT
    (row,) = evidence["connection"].rows
    assert row.through_pooler is True
    assert "-- through a pooler" in evidence["connection"].source
    assert {one.status for one in evidence.values()} == {EvidenceStatus.COLLECTED}


def test_one_connection_at_any_time(any_server: Server) -> None:
    seen: list[int] = []
    stop = threading.Event()

    def watch() -> None:
        ask = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'incident-workbench'"
        with any_server.connect(database="postgres") as connection:
            while not stop.is_set():
                seen.append(connection.execute(ask).fetchone()[0])
                connection.execute("SELECT pg_stat_clear_snapshot()")

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        collect(any_server.settings())
    finally:
        stop.set()
        thread.join()
    assert max(seen) == 1


def test_lanes_can_be_pickled(any_server: Server) -> None:
    (lane,) = pickle.loads(pickle.dumps(postgres.lanes(any_server.settings())))
    assert next(run_lane(lane, window())).status is EvidenceStatus.COLLECTED

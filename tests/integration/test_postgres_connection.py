"""Why there is no connection, each reason really made; and what a session is bounded by."""

import pickle
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import psycopg
import pytest

from incident_lib.connections.postgres import PostgresSession, open_postgres
from incident_lib.errors import ProblemKind, TargetError
from incident_lib.model import EvidenceStatus, FindingSeverity
from incident_lib.probes import postgres
from incident_lib.probes.base import Lane, run_lane
from tests.integration import postgres_service
from tests.integration.postgres_service import PASSWORD, Server
from tests.integration.postgres_triage import collect, judge, triage, window

pytestmark = pytest.mark.postgres
server = postgres_service.server
any_server = postgres_service.any_server
settings = postgres_service.settings


def _open(dsn: str) -> PostgresSession:
    configured = settings(dsn)
    return open_postgres(configured, configured.services[0])


def test_every_refusal_has_a_finding_of_its_own(server: Server) -> None:
    cases = {
        "denied": server.dsn(password="wrong-guess-1"),
        "refused": f"postgresql://app:{PASSWORD}@127.0.0.1:{postgres_service.free_port()}/shop",
        "name_not_resolved": f"postgresql://app:{PASSWORD}@no-such-host.invalid/shop",
        "tls": f"{server.dsn()}?sslmode=require",
    }
    for kind, dsn in cases.items():
        found = triage(settings(dsn))
        failure = found[f"connection.{kind}"]
        assert failure.severity is FindingSeverity.CRITICAL
        assert PASSWORD not in str(found)
        assert "wrong-guess-1" not in str(found)
        others = {one.severity for name, one in found.items() if not name.startswith("connection.")}
        assert others == {FindingSeverity.UNKNOWN}


def test_a_missing_database_is_told_from_another_one(server: Server) -> None:
    found = triage(server.settings(database="gone"), "saturation")
    assert found["connection.not_found"].title == "The database gone does not exist, while its server answers"
    assert found["saturation.ok"].severity is FindingSeverity.OK


def test_a_database_at_its_own_limit_is_told_from_another_one(server: Server) -> None:
    with server.connect(database="postgres") as admin, server.connect(role="postgres"):
        admin.execute("ALTER DATABASE shop CONNECTION LIMIT 0")
        try:
            found = triage(server.settings(), "databases")
        finally:
            admin.execute("ALTER DATABASE shop CONNECTION LIMIT -1")
    assert "is at its own connection limit" in found["connection.full"].title


def test_a_dsn_that_is_not_set_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_SUCH_DSN", raising=False)
    found = triage(settings("env:NO_SUCH_DSN", container="app-db"))
    assert found["connection.not_configured"].severity is FindingSeverity.UNKNOWN
    assert "NO_SUCH_DSN" in found["connection.not_configured"].title


@pytest.mark.parametrize("dsn", ["postgresql://app:secret-word-9@[::/x", "password secret-word-9 is no dsn"])
def test_a_dsn_that_cannot_be_read_shows_nothing_of_it(dsn: str) -> None:
    found = triage(settings(dsn))
    assert found["connection.not_configured"].severity is FindingSeverity.UNKNOWN
    assert "secret-word-9" not in str(found)


@contextmanager
def _serving(serve: Callable[[socket.socket], object]) -> Iterator[int]:
    """Yield the port of a listener that hands each client to `serve`, in a thread of its own."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def accept() -> None:
            while True:
                try:
                    client, _ = listening.accept()
                except OSError:
                    return
                threading.Thread(target=serve, args=(client,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield int(listening.getsockname()[1])
        listening.shutdown(socket.SHUT_RDWR)


def _say(client: socket.socket, greeting: bytes = b"") -> None:
    """Answer with `greeting`, then be silent until the client goes."""
    client.recv(1000)
    client.sendall(greeting)
    client.recv(1000)
    client.close()


def test_a_silent_port_ends_within_the_bounds() -> None:
    with _serving(_say) as port:
        started = time.monotonic()
        found = triage(settings(f"postgresql://app:x@127.0.0.1:{port}/shop"))
        assert time.monotonic() - started < 6
    assert found["connection.timed_out"].severity is FindingSeverity.CRITICAL


def test_something_else_that_answers_is_told() -> None:
    with _serving(partial(_say, greeting=b"HTTP/1.1 400 Bad Request\r\n\r\n")) as port:
        found = triage(settings(f"postgresql://app:x@127.0.0.1:{port}/shop"))
    assert found["connection.protocol"].severity is FindingSeverity.CRITICAL


def test_a_refusal_in_another_language_is_a_refusal() -> None:
    fields = b"SFATAL\0C53300\0Mtut mir leid, schon zu viele Clients\0\0"
    greeting = b"E" + (len(fields) + 4).to_bytes(4, "big") + fields
    with _serving(partial(_say, greeting=greeting)) as port:
        found = triage(settings(f"postgresql://app:x@127.0.0.1:{port}/shop?sslmode=disable"))
    assert found["connection.denied"].severity is FindingSeverity.CRITICAL
    assert "schon zu viele Clients" in found["connection.denied"].detail


def test_a_server_that_shuts_down_is_starting(any_server: Server) -> None:
    with postgres_service.running(postgres_service.INSTALLATIONS[-1]) as own, own.connect() as held:
        held.execute("BEGIN; SELECT 1")
        assert own.process is not None
        own.process.send_signal(signal.SIGTERM)  # smart shutdown: waits for `held`
        time.sleep(0.2)
        assert "connection.starting" in triage(own.settings())


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


def _pipe(source: socket.socket, sink: socket.socket, silent: threading.Event) -> None:
    """Forward what `source` says until one end closes; swallow it while `silent`."""
    try:
        while data := source.recv(65536):
            if not silent.is_set():
                sink.sendall(data)
        sink.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    source.close()


def _join(
    client: socket.socket, server: Server, silent: threading.Event, first: bytes = b""
) -> socket.socket:
    """Return the upstream end of a new wire between `client` and `server`."""
    upstream = socket.create_connection(("127.0.0.1", server.port))
    upstream.sendall(first)
    for pair in ((client, upstream), (upstream, client)):
        threading.Thread(target=_pipe, args=(*pair, silent), daemon=True).start()
    return upstream


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
    with _serving(lambda client: wires.append(_join(client, any_server, threading.Event()))) as port:
        seen = []
        for evidence in run_lane(_lane_through(port), window()):
            seen.append(evidence)
            if evidence.probe == "postgres.saturation":
                for wire in wires:
                    wire.shutdown(socket.SHUT_RDWR)
                time.sleep(0.1)
    assert [one.status for one in seen[:2]] == [EvidenceStatus.COLLECTED] * 2
    for evidence in seen[2:]:
        assert evidence.status is EvidenceStatus.FAILED
        assert evidence.problem is not None
        assert evidence.problem.kind is ProblemKind.RESET
        assert {one.severity for one in judge(evidence)} == {FindingSeverity.UNKNOWN}


def test_a_wire_that_falls_silent_ends_at_the_deadline(any_server: Server) -> None:
    silent = threading.Event()
    with _serving(partial(_join, server=any_server, silent=silent)) as port:
        seen = []
        started = time.monotonic()
        for evidence in run_lane(_lane_through(port, deadline_seconds=0.7), window()):
            seen.append(evidence)
            silent.set()
    assert time.monotonic() - started < 3
    kinds = [one.problem.kind if one.problem else None for one in seen]
    assert kinds == [None, ProblemKind.TIMED_OUT, ProblemKind.RESET, ProblemKind.RESET]


def _refuse_options(client: socket.socket, server: Server) -> None:
    """Do as PgBouncer does: refuse start-up options, forward everybody else."""
    text = b"SFATAL\0C08P01\0Munsupported startup parameter: options\0\0"
    start = client.recv(65536)
    if b"\0options\0" in start:
        client.sendall(b"E" + (len(text) + 4).to_bytes(4, "big") + text)
        client.close()
    else:
        _join(client, server, threading.Event(), start)


def test_behind_a_pooler_the_limits_end_with_each_statement(any_server: Server) -> None:
    with _serving(partial(_refuse_options, server=any_server)) as port:
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


def test_a_configured_superuser_is_warned_of_and_an_owner_told(server: Server) -> None:
    role = triage(server.settings(role="postgres"), "saturation")["connection.role"]
    assert role.severity is FindingSeverity.WARNING
    with server.connect(role="app") as owner:
        owner.execute("CREATE TABLE owned (id int)")
        told = triage(server.settings(role="app"), "saturation")["connection.role"]
        owner.execute("DROP TABLE owned")
    assert told.severity is FindingSeverity.INFO
    assert "a role of the application" in told.title


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


def test_the_probes_leave_a_server_of_many_sessions_alone(any_server: Server) -> None:
    with psycopg.connect(any_server.dsn("postgres"), autocommit=True) as admin:
        before = admin.execute("SELECT count(*) FROM pg_class").fetchone()
        collect(any_server.settings())
        assert admin.execute("SELECT count(*) FROM pg_class").fetchone() == before

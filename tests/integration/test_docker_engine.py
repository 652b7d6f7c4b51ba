"""An engine that is away, denied, silent or something else; and commands in containers."""

import os
import socket
import threading
import time
from datetime import timedelta
from functools import partial
from pathlib import Path

import msgspec
import pytest

from incident_lib import clock, config
from incident_lib.connections.docker import open_engine
from incident_lib.connections.places.container import OpenContainer
from incident_lib.errors import ProblemKind, TargetError
from incident_lib.findings.base import Context
from incident_lib.model import EvidenceStatus, FindingSeverity, Window
from incident_lib.probes.base import Fetched, Lane, Probe, run, run_lane
from incident_lib.technologies.docker import probes
from incident_lib.technologies.docker.findings import ANALYZERS, ON_FAILURE
from incident_lib.technologies.docker.rows import EventsSeen, NetworkGap
from tests import services
from tests.integration import docker_image, docker_service
from tests.integration.docker_engine import locked

pytestmark = docker_service.MARKS
engine = docker_service.engine

_SETTINGS = config.Settings(
    document=config.parse('[[service]]\nname = "it"\nkind = "process"\ncontainer = "app-it"\n'),
    root=Path(),
)


def window() -> Window:
    return Window(clock.now() - timedelta(minutes=15), clock.now() + timedelta(seconds=1))


def collect() -> dict[tuple[str, str], FindingSeverity]:
    """Return the worst severity by target and probe, of every lane."""
    judged = {}
    context = Context(window=window())
    for lane in probes.lanes(_SETTINGS):
        for one in run_lane(lane, window()):
            assert one.status in {EvidenceStatus.FAILED, EvidenceStatus.SKIPPED}
            if one.status is EvidenceStatus.FAILED:
                (finding,) = ON_FAILURE[one.probe](one, context)
                judged[one.target, one.probe] = finding.severity
    return judged


def test_no_engine_is_unknown_everywhere(monkeypatch, tmp_path):
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    assert collect() == {
        ("docker", "docker.engine"): FindingSeverity.UNKNOWN,
        ("it", "docker.container"): FindingSeverity.UNKNOWN,
    }
    with pytest.raises(TargetError, match="no Docker engine here") as raised:
        open_engine()
    assert raised.value.kind is ProblemKind.NO_ENGINE


def test_without_containers_there_are_no_lanes():
    document = config.parse('[[service]]\nname = "it"\nkind = "process"\npid_file = "it.pid"\n')
    assert probes.lanes(config.Settings(document=document, root=Path())) == ()


def test_silent_socket_ends_within_its_time(monkeypatch, tmp_path):
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(f"{tmp_path}/silent.sock")
        listening.listen(5)
        monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/silent.sock")
        started = time.monotonic()
        with pytest.raises(TargetError) as raised:
            open_engine(1)
    assert raised.value.kind is ProblemKind.TIMED_OUT
    assert time.monotonic() - started < 3


def test_something_else_answers(monkeypatch, tmp_path):
    def answer(listening: socket.socket) -> None:
        with listening.accept()[0] as made:
            made.recv(4096)
            made.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello")

    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(f"{tmp_path}/other.sock")
        listening.listen(5)
        thread = threading.Thread(target=answer, args=(listening,))
        thread.start()
        monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/other.sock")
        with pytest.raises(TargetError) as raised:
            open_engine(1)
        thread.join()
    assert raised.value.kind in {ProblemKind.PROTOCOL, ProblemKind.NO_ENGINE}


def test_denied_socket_is_our_inability(monkeypatch, tmp_path):
    if os.geteuid() != 0:
        services.missing("only root can become somebody who may not use a socket")
    path = tmp_path / "denied.sock"
    monkeypatch.setenv("DOCKER_HOST", f"unix://{path}")
    with pytest.raises(TargetError):  # nobody is there yet; the library is loaded while we may read it
        open_engine()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen(1)
        os.seteuid(65534)
        try:
            with pytest.raises(TargetError) as raised:
                open_engine()
        finally:
            os.seteuid(0)
    assert raised.value.kind is ProblemKind.NO_ENGINE
    assert raised.value.message == "no permission to use the Docker socket"


def test_engine_lane_on_a_real_engine(engine):
    with docker_service.container(engine, ["sleep", "600"]) as made:
        (lane, *_) = probes.lanes(_SETTINGS)
        seen = {one.probe: one for one in run_lane(lane, window())}
        context = Context(window=window())
        assert list(seen) == ["docker.engine", "docker.events", "docker.containers"]
        assert {one.status for one in seen.values()} == {EvidenceStatus.COLLECTED}
        for one in seen.values():
            assert all(not finding.severity.is_bad for finding in ANALYZERS[one.probe](one, context))
        assert made.name in {row.name for row in seen["docker.containers"].rows}


def test_full_buffer_states_the_real_window(engine):
    with locked("events"):  # which others may be waiting for
        for _ in range(260):
            engine.api.tag(docker_image.BASE, "workbench-test/filler", "1")
        engine.api.remove_image("workbench-test/filler:1")
        looked_at = Window(clock.now() - timedelta(minutes=15), clock.now())
        time.sleep(1.5)
        for _ in range(20):  # after the window, and in the buffer all the same
            engine.api.tag(docker_image.BASE, "workbench-test/filler", "1")
        engine.api.remove_image("workbench-test/filler:1")
        session = open_engine()
        evidence = run(probes.EVENTS, session, "docker", looked_at)
        session.close()
    (seen,) = evidence.of(EventsSeen)
    assert not seen.is_whole
    assert evidence.truncated.kept == seen.kept_count >= 240
    assert seen.seen_from > seen.asked_from
    told = {one.id: one.severity for one in ANALYZERS[evidence.probe](evidence, Context(window=looked_at))}
    assert told["container.events.forgotten"] is FindingSeverity.INFO


@pytest.mark.parametrize("name", ["../images/json", "a b", "", "app/x"])
def test_what_no_container_is_called_is_not_asked_for(engine, name):
    session = open_engine()
    for ask in (session.inspect, lambda name: OpenContainer(session, name).run(("id",))):
        with pytest.raises(TargetError, match="no container can be called") as raised:
            ask(name)
        assert raised.value.kind is ProblemKind.NOT_FOUND
    session.close()


def test_services_without_a_common_network(engine):
    networks = [engine.networks.create(f"apart-{os.getpid()}-{number}") for number in range(2)]
    try:
        with (
            docker_service.container(engine, ["sleep", "600"], network=networks[0].name) as one,
            docker_service.container(engine, ["sleep", "600"], network=networks[1].name) as other,
        ):
            session = open_engine()
            fetch = partial(probes.engine.fetch_containers, needs=((one.name, other.name),))
            evidence = run(
                msgspec.structs.replace(probes.CONTAINERS, fetch=fetch), session, "docker", window()
            )
            session.close()
    finally:
        for network in networks:
            network.remove()
    (gap,) = evidence.of(NetworkGap)
    assert (gap.container, gap.needs) == (one.name, other.name)
    (finding,) = ANALYZERS[evidence.probe](evidence, Context(window=window()))
    assert (finding.id, finding.severity) == (
        "container.list.no_common_network",
        FindingSeverity.WARNING,
    )


def test_watchdog_ends_a_waiting_read(engine):
    def wait(session, _window):
        output = OpenContainer(session, made.name).run(("cat", "/tmp/pipe"), seconds=20)
        return Fetched(source=str(output))

    with docker_service.container(engine, ["sh", "-c", "mkfifo /tmp/pipe; sleep 600"]) as made:
        probe = Probe(name="it.waits", fetch=wait, question="", source="", deadline_seconds=0.5)
        started = time.monotonic()
        evidence = run(probe, session := open_engine(), "it", window())
        session.close()
    assert evidence.problem.kind is ProblemKind.TIMED_OUT
    assert time.monotonic() - started < 5


def test_lanes_can_be_sent_elsewhere():
    import pickle

    for lane in probes.lanes(_SETTINGS):
        copy: Lane = pickle.loads(pickle.dumps(lane))
        assert [probe.name for probe in copy.probes] == [probe.name for probe in lane.probes]

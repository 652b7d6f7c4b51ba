"""Every probe of a server and of the engine, on a bad day: the peer falls silent, or goes, behind a session.

What was not seen is a failure, soon, and UNKNOWN; it is never well, and only the connection raises an alarm.
"""

import contextlib
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import docker
import msgspec
import pytest

from incident_lib import config
from incident_lib.connections.session import Session
from incident_lib.findings.base import Context
from incident_lib.investigation.analyze import analyze_one
from incident_lib.model import EvidenceStatus, FindingSeverity, ProblemKind
from incident_lib.probes.base import Lane, Probe, run
from incident_lib.technologies.docker import probes as engine_probes
from incident_lib.technologies.postgres import probes as postgres
from incident_lib.technologies.redis import probes as redis
from tests.integration import docker_service, postgres_service, redis_service
from tests.integration.postgres_triage import collect, window
from tests.integration.postgres_wire import accepting, couple

engine = docker_service.engine
any_server = postgres_service.any_server
_DEADLINE_SECONDS = 0.3


class Wire:
    """The way to a peer, which a test may silence or cut."""

    def __init__(self, connect: Callable[[], socket.socket]) -> None:
        self.connect = connect
        self.silent = threading.Event()
        self.ends: list[socket.socket] = []

    def carry(self, client: socket.socket) -> None:
        """Join `client` with the peer."""
        self.ends += (client, self.connect())
        couple(client, self.ends[-1], self.silent)

    def silence(self) -> None:
        """Let nothing through any more."""
        self.silent.set()

    def cut(self) -> None:
        """End what goes over it, and answer nobody else."""
        self.silent.set()
        for end in self.ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        self.ends.clear()

    def mend(self) -> None:
        """Let the next session through."""
        self.silent.clear()
        self.ends.clear()


DAYS = {"silent": Wire.silence, "gone": Wire.cut}
every_day = pytest.mark.parametrize("day", DAYS)


@contextlib.contextmanager
def wire_to(port: int) -> Iterator[tuple[Wire, int]]:
    """Yield a wire to a port of this machine, and the port at which it begins."""
    wire = Wire(lambda: socket.create_connection(("127.0.0.1", port)))
    with socket.create_server(("127.0.0.1", 0)) as listening, accepting(listening, wire.carry):
        yield wire, int(listening.getsockname()[1])


def check_all(port: int, lane_at: Callable[[int], Lane], day: str, *, connected: bool) -> None:
    """Look with each probe of a server through a wire of its own, some of them at once."""

    def check_one(index: int) -> None:
        with wire_to(port) as (wire, begin):
            lane = lane_at(begin)
            check(lane, lane.probes[index], wire, day, first=lane.probes[0] if connected else None)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(check_one, range(len(lane_at(port).probes))))


def check(lane: Lane, probe: Probe, wire: Wire, day: str, first: Probe | None = None) -> None:
    """Look with one probe, in a session that turns bad behind `first`."""
    session = lane.open()
    if first and probe.name != first.name:
        assert run(first, session, lane.target, window()).status is EvidenceStatus.COLLECTED
    DAYS[day](wire)
    started = time.monotonic()
    _check(probe, session, lane.target)
    session.close()
    assert time.monotonic() - started < 10, probe.name


def _check(probe: Probe, session: Session, target: str) -> None:
    short = msgspec.structs.replace(probe, deadline_seconds=_DEADLINE_SECONDS)
    evidence = run(short, session, target, window())
    told = {
        one.id.rpartition(".")[2]: one.severity for one in analyze_one(evidence, Context(window=window()))
    }
    assert evidence.status is EvidenceStatus.FAILED, probe.name
    assert evidence.problem is not None
    assert evidence.problem.kind is not ProblemKind.BUG, evidence.problem.message
    if probe.name.endswith(".connection"):
        assert FindingSeverity.OK not in told.values()
    else:
        assert told == {"unknown": FindingSeverity.UNKNOWN}, probe.name


@pytest.mark.postgres
@every_day
def test_postgres(any_server: postgres_service.Server, day: str) -> None:
    def lane_at(port: int) -> Lane:
        dsn = f"postgresql://workbench:{postgres_service.PASSWORD}@127.0.0.1:{port}/shop"
        return postgres.lanes(postgres_service.settings(dsn))[0]

    check_all(any_server.port, lane_at, day, connected=True)


@pytest.mark.postgres
def test_postgres_for_a_role_that_sees_little(any_server: postgres_service.Server) -> None:
    whole = {"saturation", "server", "tables", "indexes"}  # what everybody may see
    with any_server.connect() as admin:
        admin.execute("CREATE TABLE IF NOT EXISTS parcels (id serial)")
        seen = collect(any_server.settings(role="plain"))
        admin.execute("DROP TABLE parcels")
    for name, evidence in seen.items():
        told = [one.severity for one in analyze_one(evidence, Context(window=window()))]
        assert not [one for one in told if one.is_bad], name
        assert (FindingSeverity.UNKNOWN in told) is (name not in whole), name


@pytest.mark.redis
@every_day
def test_redis(day: str) -> None:
    def lane_at(port: int) -> Lane:
        return redis.lanes(redis_service.settings_for(f"redis://127.0.0.1:{port}"))[0]

    with redis_service.running("redis") as server:
        with server.client() as client:
            client.set("item", "1")
        check_all(server.port, lane_at, day, connected=False)


@pytest.mark.docker
@every_day
def test_engine(
    engine: docker.DockerClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, day: str
) -> None:
    real = os.environ["DOCKER_HOST"].removeprefix("unix://")
    with (
        docker_service.container(engine, ["sleep", "600"]) as made,
        socket.socket(socket.AF_UNIX) as listening,
    ):
        document = config.parse(f'[[service]]\nname = "it"\nkind = "process"\ncontainer = "{made.name}"\n')
        listening.bind(str(tmp_path / "docker.sock"))
        listening.listen()
        wire = Wire(lambda: _at(real))
        monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/docker.sock")
        with accepting(listening, wire.carry):
            for lane in engine_probes.lanes(config.Settings(document=document, root=tmp_path)):
                for probe in lane.probes:
                    if probe.name != "docker.engine":  # what it tells was told when the session began
                        wire.mend()
                        check(lane, probe, wire, day)


def _at(path: str) -> socket.socket:
    upstream = socket.socket(socket.AF_UNIX)
    upstream.connect(path)
    return upstream

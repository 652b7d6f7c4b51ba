"""How long the summary of a log takes, against `docker logs NAME | grep -c ERROR` on the same container.

The container is real: an engine that is started for this (as root, where dockerd is installed) or that of
DOCKER_HOST, an image with one program in it, and a log of ten formats. Every way is a process; its wall time
and the memory of its largest child are what is printed. The engine's API is read by a user that may not read
the engine's files. What the engine itself takes for its answer is measured by reading it from its socket and
keeping nothing.
"""

import io
import json
import os
import re
import resource
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import docker
import msgspec
import pytest
from comparing import Goal, Row, Turn, Way, by_turns, environment, megabytes_of, profile, ratio
from docker.models.containers import Container
from mixed_log import lines

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.integration.docker_engine import OwnEngine, answers

SIZES = (100_000, 1_000_000)
_JUDGED, _TEN_MILLION = 1_000_000, 10_000_000
FULL = 100_000_000  # by the file alone: an engine takes half an hour to write it
BY_API, BY_FILE = 0.6, 1 / 6  # goals, of the time that `docker logs | grep -c` takes
MOST_MEMORY = 500  # MB
_ANYONE, _SEED = 65534, 1
_INCIDENT = (sys.executable, "-c", "import sys; from incident_lib.cli import main; sys.exit(main())")
_THROWN_AWAY = """
import socket, sys
with socket.socket(socket.AF_UNIX) as connection:
    connection.connect(sys.argv[1])
    path = f"/v1.24/containers/{sys.argv[2]}/logs?stdout=1&stderr=1&timestamps=1"
    connection.sendall(f"GET {path} HTTP/1.1\\r\\nHost: engine\\r\\nConnection: close\\r\\n\\r\\n".encode())
    buffer = bytearray(1 << 20)
    connection.recv_into(buffer)
    assert buffer.startswith(b"HTTP/1.1 200"), buffer[:200]
    while connection.recv_into(buffer):
        pass
"""
_REPOSITORY, _TAG = "workbench-bench/cat", "1"


class Measured(msgspec.Struct, frozen=True):
    """What a command took, and what it printed."""

    turn: Turn
    output: str


def rows(turns: int, sizes: Sequence[int] = SIZES, *, full: bool = False) -> Iterator[Row]:
    """Yield a row for each size; with `full` the largest too, by the file."""
    try:
        with _engine() as (client, pid), tempfile.TemporaryDirectory(prefix="workbench-bench-") as name:
            folder = Path(name)
            folder.chmod(0o755)
            for count in (*sizes, *((_TEN_MILLION,) if full else ())):
                path = _written(folder, count)
                with _container(client, path) as container:
                    yield _compared(container, path, count, min(turns, 3 if count < _TEN_MILLION else 1), pid)
                path.unlink()
            if full:
                path = _written(folder, FULL)
                turn = _run("incident logs PATH", _of_path(path)).turn
                yield Row(
                    name=f"logs-{FULL}",
                    what=f"{FULL:,} lines, {path.stat().st_size / 1e9:.1f} GB, as a file",
                    ways=(Way("incident logs PATH", (turn,)),),
                    goals=(Goal("MB of memory", turn.megabytes, MOST_MEMORY),),
                )
    except pytest.skip.Exception as error:
        yield Row(name="logs", what="The summary of a container's log", skipped=str(error))


def _compared(container: Container, path: Path, count: int, turns: int, engine: int | None) -> Row:
    name, folder = str(container.name), path.parent
    piped, thrown = f"docker logs {name} 2>&1 | grep -c ERROR", f"docker logs {name} >/dev/null 2>&1"
    counted: list[int] = []

    def through_the_engine() -> Turn:
        """Return what the summary takes through the API, and keep how many lines it had."""
        measured = _run("engine's API", _of_container(name, folder), user=_ANYONE)
        counted.append(json.loads(measured.output)["total_log_lines"])
        return measured.turn

    def thrown_away() -> Turn:
        """Return what the engine takes for its answer: its own processor time, where it was started here."""
        socket = os.environ["DOCKER_HOST"].removeprefix("unix://")
        before = _processor(engine)
        turn = _run("engine's answer", [sys.executable, "-c", _THROWN_AWAY, socket, name]).turn
        return Turn(turn.wall, _processor(engine) - before)

    ways = by_turns(
        {
            "docker logs NAME | grep -c ERROR": lambda: _run(piped, ["sh", "-c", piped]).turn,
            "incident logs, engine's API": through_the_engine,
            "incident logs, engine's file": lambda: _run("file", _of_container(name, folder)).turn,
            "incident logs PATH": lambda: _run("path", _of_path(path)).turn,
            "docker logs NAME >/dev/null": lambda: _run(thrown, ["sh", "-c", thrown]).turn,
            "the engine's answer, thrown away; the engine's processor time": thrown_away,
        },
        turns,
    )
    if {*counted} != {count}:
        raise SystemExit(f"the engine's API gave {counted} of {count:,} lines")
    base, by_api, by_file, by_path, _, by_engine = ways
    goals = (
        Goal("of the time of docker logs and grep, through the API", ratio(by_api, base), BY_API),
        Goal("of the same, from the engine's file", ratio(by_file, base), BY_FILE),
        Goal("MB of memory", max(way.median("megabytes") for way in (by_api, by_file, by_path)), MOST_MEMORY),
    )
    if count < _JUDGED:  # the start of the process takes most of it
        goals = goals[2:]
    met = all(goal.is_met for goal in goals)
    return Row(
        name=f"logs-{count}",
        what=f"The summary of a container's log of {count:,} lines, {path.stat().st_size / 1e6:.0f} MB",
        ways=ways,
        goals=goals,
        limit=(
            f"through the API, the {by_engine.median('processor'):.1f} s of processor time that the engine "
            "takes for its answer; from its file, the start of the process, and to decode and count each line"
        ),
        profile="" if met else profile([*_of_path(path)[len(_INCIDENT) :], "--jobs", "1"]),
    )


def _run(way: str, command: list[str], *, user: int | None = None) -> Measured:
    """Return what a command took. A process between measures it, so that it counts its own children alone."""
    variables = {**environment(), "HOME": tempfile.gettempdir()}
    if user is not None and os.geteuid() == 0:
        command = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", *command]
    reading, writing = os.pipe()
    begun = time.monotonic()
    child = os.fork()
    if child == 0:
        code: object = "not started"
        try:
            code = subprocess.call(command, env=variables, stdout=writing, cwd="/")
        except OSError as error:
            code = str(error)
        finally:  # what else this process would clean up is its parent's
            used = resource.getrusage(resource.RUSAGE_CHILDREN)
            processor, megabytes = used.ru_utime + used.ru_stime, megabytes_of(used)
            os.write(writing, f"\n{megabytes} {processor}\n{code}".encode())
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        output, used, code = pipe.read().rsplit("\n", 2)
    os.waitpid(child, 0)
    seconds = time.monotonic() - begun
    if code != "0":
        raise SystemExit(f"{way}: exit code {code}: {output[-500:]}")
    megabytes, processor = map(float, used.split())
    return Measured(Turn(seconds, processor, megabytes), output)


def _of_container(name: str, folder: Path) -> list[str]:
    output = folder / f"out-{time.monotonic_ns()}"
    output.mkdir()
    output.chmod(0o777)
    prefix, _, service = name.partition("-")
    return [
        *(*_INCIDENT, "--json", "logs", "--service", service),
        *("--container-prefix", prefix, "--since", "3650d", "--tail", "all", "--summary-only"),
        *("--output-dir", str(output)),
    ]


def _of_path(path: Path) -> list[str]:
    return [*_INCIDENT, "--json", "logs", str(path)]


def _written(folder: Path, count: int) -> Path:
    path = folder / f"mixed-{count}.log"
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(f"{line}\n" for line in lines(count, _SEED))
    return path


@contextmanager
def _engine() -> Iterator[tuple[docker.DockerClient, int | None]]:
    """Yield a client of the engine of DOCKER_HOST, else of one that ends with this, and its process."""
    host, own = os.environ.get("DOCKER_HOST", ""), None
    if not host or not answers(host):
        own = OwnEngine()
        host = own.host
        own.folder.chmod(0o711)
        Path(host.removeprefix("unix://")).chmod(0o666)
    os.environ["DOCKER_HOST"] = host
    client = docker.DockerClient(base_url=host, timeout=3600)
    try:
        client.api.import_image_from_data(_archive(), repository=_REPOSITORY, tag=_TAG)
        yield client, int((own.folder / "pid").read_text()) if own else None
    finally:
        client.close()
        if own:
            own.leave()


def _processor(pid: int | None) -> float:
    """Return the processor time that a process has taken so far, 0 where it is not known."""
    if pid is None:
        return 0.0
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def _container(client: docker.DockerClient, path: Path) -> Iterator[Container]:
    """Yield a container that has printed the file and ended."""
    made = client.containers.create(
        f"{_REPOSITORY}:{_TAG}",
        ["/bin/cat", "/log"],
        name=f"bench-{os.getpid()}",
        network_mode="none",
        volumes={str(path): {"bind": "/log", "mode": "ro"}},
    )
    try:
        made.start()
        made.wait(timeout=3600)
        yield made
    finally:
        made.remove(force=True, v=True)


def _archive() -> bytes:
    """Return a root file system of one program and its libraries."""
    cat = shutil.which("cat") or "/bin/cat"
    listed = subprocess.run(["ldd", cat], capture_output=True, text=True, check=True).stdout
    libraries = re.findall(r"(/\S+) \(0x", listed)
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        for source, target in [(cat, "/bin/cat"), *((library, library) for library in libraries)]:
            archive.add(Path(source).resolve(), arcname=target)
    return content.getvalue()

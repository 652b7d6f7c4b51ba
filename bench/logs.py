"""How long the summary of a log takes, against `docker logs NAME | grep -c ERROR` on the same container.

The container is real: an engine that is started for this (as root, where dockerd is installed) or that of
DOCKER_HOST, an image with one program in it, and a log of ten formats. Every way is a process; its wall time
and the memory of its largest child are what is printed. The engine's API is read by a user that may not read
the engine's files.
"""

import argparse
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
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import docker
import msgspec
from docker.models.containers import Container
from mixed_log import lines

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.integration.docker_engine import OwnEngine, answers

SIZES = (100_000, 1_000_000, 10_000_000)
FULL = 100_000_000  # by the file alone: an engine takes half an hour to write it
BY_API, BY_FILE = 0.6, 1 / 6  # goals, of the time that `docker logs | grep -c` takes
MOST_MEMORY = 500  # MB
_MOST_FOR_DRAIN3 = 1_000_000
_ANYONE = 65534
_INCIDENT = (sys.executable, "-c", "import sys; from incident_lib.cli import main; sys.exit(main())")
_REPOSITORY, _TAG = "workbench-bench/cat", "1"
_DRAIN3 = """
import sys
from drain3 import TemplateMiner
miner = TemplateMiner()
for line in open(sys.argv[1], encoding="utf-8", errors="replace"):
    miner.add_log_message(line.rstrip("\\n"))
print(len(miner.drain.clusters))
"""


class Measured(msgspec.Struct, frozen=True):
    """A way to read the log: how long it took, how much memory its largest process had, what it printed."""

    way: str
    seconds: float
    megabytes: float
    output: str


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add what `logs` takes."""
    parser.add_argument("--lines", type=int, action="append", help="of the log; may be given again")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--full", action="store_true", help=f"{FULL:,} lines, too, by the file")
    parser.set_defaults(measure=measure)


def measure(arguments: argparse.Namespace) -> int:
    """Print a table for each size and return 0 when the goals are met at a million lines and more."""
    met = True
    with _engine() as client, tempfile.TemporaryDirectory(prefix="workbench-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        for count in arguments.lines or SIZES:
            path = _written(folder, count, arguments.seed)
            with _container(client, path) as container:
                met &= _compare(container, path, count)
            path.unlink()
        if arguments.full:
            path = _written(folder, FULL, arguments.seed)
            print(f"\n{FULL:,} lines, {path.stat().st_size / 1e9:.1f} GB, as a file")
            ours = _run("incident logs PATH", _of_path(path))
            print(_row(ours, None))
            met &= ours.megabytes <= MOST_MEMORY
    return 0 if met else 1


def _compare(container: Container, path: Path, count: int) -> bool:
    print(f"\n{count:,} lines, {path.stat().st_size / 1e6:.0f} MB", flush=True)
    name, folder = str(container.name), path.parent
    piped = f"docker logs {name} 2>&1 | grep -c ERROR"
    base = _run(piped.replace(name, "NAME"), ["sh", "-c", piped])
    print(_row(base, base), flush=True)
    others = [("rg -c ERROR FILE", ["rg", "-c", "ERROR", str(path)])]
    if count <= _MOST_FOR_DRAIN3:
        others.append(("drain3, templates alone", [sys.executable, "-c", _DRAIN3, str(path)]))
    for way, command in others:
        if _is_there(command):
            print(_row(_run(way, command), base), flush=True)
        else:
            print(f"  {way}: not installed here")
    by_api = _run("incident logs, engine's API", _of_container(name, folder), user=_ANYONE)
    print(_row(by_api, base), flush=True)
    by_file = _run("incident logs, engine's file", _of_container(name, folder))
    print(_row(by_file, base), flush=True)
    by_path = _run("incident logs PATH", _of_path(path))
    print(_row(by_path, base), flush=True)
    if json.loads(by_api.output)["total_log_lines"] != count:
        raise SystemExit(f"the engine's API gave {json.loads(by_api.output)['total_log_lines']:,} lines")
    largest = max(by_api.megabytes, by_file.megabytes, by_path.megabytes)
    goals = (
        by_api.seconds / base.seconds <= BY_API,
        by_file.seconds / base.seconds <= BY_FILE,
        largest <= MOST_MEMORY,
    )
    print(f"  goals: API {BY_API}, file {BY_FILE:.2f}, {MOST_MEMORY} MB: {_words(goals)}", flush=True)
    return count < 1_000_000 or all(goals)


def _words(goals: tuple[bool, ...]) -> str:
    return ", ".join("met" if is_met else "missed" for is_met in goals)


def _row(measured: Measured, base: Measured | None) -> str:
    ratio = f"{measured.seconds / base.seconds:>7.2f}" if base else " " * 7
    return f"  {measured.way:<38}{measured.seconds:>8.2f} s {ratio}{measured.megabytes:>8.0f} MB"


def _run(way: str, command: list[str], *, user: int | None = None) -> Measured:
    """Return what a command took. A process between measures it, so that it counts its own children alone."""
    environment = {**os.environ, "HOME": tempfile.gettempdir(), "PYTHONDONTWRITEBYTECODE": "1"}
    if user is not None and os.geteuid() == 0:
        command = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", *command]
    reading, writing = os.pipe()
    begun = time.monotonic()
    child = os.fork()
    if child == 0:
        code: object = "not started"
        try:
            code = subprocess.call(command, env=environment, stdout=writing, cwd="/")
        except OSError as error:
            code = str(error)
        finally:  # what else this process would clean up is its parent's
            used = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
            os.write(writing, f"\n{used}\n{code}".encode())
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        output, used, code = pipe.read().rsplit("\n", 2)
    os.waitpid(child, 0)
    seconds = time.monotonic() - begun
    if code != "0":
        raise SystemExit(f"{way}: exit code {code}: {output[-500:]}")
    return Measured(way, seconds, int(used) / 1024, output)


def _is_there(command: list[str]) -> bool:
    if command[0] == sys.executable:
        return not subprocess.run(
            [sys.executable, "-c", "import drain3"], stderr=subprocess.DEVNULL, check=False
        ).returncode
    return shutil.which(command[0]) is not None


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


def _written(folder: Path, count: int, seed: int) -> Path:
    path = folder / f"mixed-{count}.log"
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(f"{line}\n" for line in lines(count, seed))
    return path


@contextmanager
def _engine() -> Iterator[docker.DockerClient]:
    """Yield a client of the engine of DOCKER_HOST, else of one that ends with this."""
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
        yield client
    finally:
        client.close()
        if own:
            own.leave()


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

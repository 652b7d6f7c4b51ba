"""A real memcached, and the package that adds it, installed as pip would: found by its entry point."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests import services

PACKAGES = Path(__file__).parents[1] / "packages"
CODE = Path(__file__).parents[2]
_START_SECONDS = 10.0


def install(site: Path) -> Path:
    """Return `site` with the package and what pip writes about it."""
    shutil.copytree(PACKAGES / "incident_memcached", site / "incident_memcached")
    about = site / "incident_memcached-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: incident-memcached\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(
        "[incident_lib.technologies]\nmemcached = incident_memcached:TECHNOLOGY\n"
    )
    return site


def incident(folder: Path, site: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Return the result of a command, with the package installed and no Docker engine in reach."""
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join((str(site), str(CODE))),
        "DOCKER_HOST": "unix:///nonexistent.sock",
    }
    return subprocess.run(
        [sys.executable, "-c", "import sys; from incident_lib.cli import main; sys.exit(main())", *words],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@contextmanager
def memcached(*options: str) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """Yield the port and the process of a server of ours."""
    program = shutil.which("memcached") or services.missing("memcached is not installed")
    port = free_port()
    command = [program, "-l", "127.0.0.1", "-p", str(port), "-U", "0", "-u", "nobody", *options]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait(port)
        yield port, process
    finally:
        process.kill()
        process.wait()


def fill_up(port: int, clients: ExitStack) -> None:
    """Hold connections until the server refuses one.

    Each waits for its answer: of connections that arrive together, the server accepts more than it may,
    and gives them up again.
    """
    answer = b"VERSION"
    while answer.startswith(b"VERSION"):
        client = clients.enter_context(socket.create_connection(("127.0.0.1", port), timeout=5))
        try:
            client.sendall(b"version\r\n")
            answer = client.recv(100)
        except ConnectionError:
            answer = b""


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(port: int) -> None:
    until = time.monotonic() + _START_SECONDS
    while not _accepts(port):
        assert time.monotonic() < until, "memcached did not start"
        time.sleep(0.05)


def _accepts(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0

"""A dockerd of ours, where DOCKER_HOST names none: shared by the workers of one test run."""

import fcntl
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import docker
from docker.errors import DockerException

from tests import services

_PATIENCE_SECONDS = 60


def answers(host: str) -> bool:
    """Return whether an engine is there."""
    if host.startswith("unix://"):  # the library leaves a socket behind where nobody listens
        with socket.socket(socket.AF_UNIX) as made:
            if made.connect_ex(host.removeprefix("unix://")):
                return False
    client = docker.APIClient(base_url=host, version="1.24", timeout=10)
    try:
        return bool(client.version(api_version=False))
    except (DockerException, OSError):
        return False
    finally:
        client.close()


@contextmanager
def locked(name: str, *, shared: bool = False) -> Iterator[None]:
    """Hold a lock among the test processes of this machine."""
    with (Path(tempfile.gettempdir()) / f"workbench-{name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
        yield


class OwnEngine:
    """A dockerd with its own data, sockets and containerd, all in one temporary folder.

    Each worker of a run joins it. Whoever started it ends it, when the last of the others has left.
    """

    def __init__(self) -> None:
        self._run = os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))[:12]
        self.folder = Path(tempfile.gettempdir()) / f"workbench-dockerd-{self._run}"
        self.host = f"unix://{self.folder}/docker.sock"
        self._process: subprocess.Popen[bytes] | None = None
        with locked(f"dockerd-{self._run}"):
            if not answers(self.host):
                self._start()
            self._mark.touch()

    @property
    def _mark(self) -> Path:
        return self.folder / f"user-{os.getpid()}"

    def _start(self) -> None:
        if os.geteuid() != 0 or not shutil.which("dockerd"):
            services.missing("no Docker engine: set DOCKER_HOST, or run as root where dockerd is installed")
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(mode=0o700)
        log = self.folder / "log"
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                [
                    "dockerd",
                    *("--host", self.host, "--data-root", f"{self.folder}/data"),
                    *("--exec-root", f"{self.folder}/exec", "--pidfile", f"{self.folder}/pid"),
                    # Beside an engine of the machine: no bridge and no firewall rules that it has, too.
                    *("--shutdown-timeout", "2", "--bridge", "none", "--iptables=false"),
                ],
                stdout=output,
                stderr=output,
            )
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not answers(self.host):
            if time.monotonic() > deadline or self._process.poll() is not None:
                told = log.read_text(errors="replace")[-300:]
                self._end(self._process)
                services.missing(f"dockerd does not start here: {told}")
            time.sleep(0.2)

    def leave(self) -> None:
        """Say that this worker needs it no more; end it, and through it its containerd, if it is ours."""
        self._mark.unlink(missing_ok=True)
        while self._process is not None:
            with locked(f"dockerd-{self._run}"):
                if not any(self._is_used(mark) for mark in self.folder.glob("user-*")):
                    self._end(self._process)
                    self._process = None
            time.sleep(0.2)

    def _is_used(self, mark: Path) -> bool:
        return Path("/proc", mark.name.removeprefix("user-")).exists()

    def _end(self, process: "subprocess.Popen[bytes]") -> None:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for namespace in self.folder.glob("exec/netns/*"):  # dockerd leaves its own mounted
            subprocess.run(["umount", str(namespace)], stderr=subprocess.DEVNULL, check=False)
        shutil.rmtree(self.folder, ignore_errors=True)
        (Path(tempfile.gettempdir()) / f"workbench-dockerd-{self._run}.lock").unlink(missing_ok=True)

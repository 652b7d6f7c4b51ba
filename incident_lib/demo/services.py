"""The stack's smaller processes: payments provider, frontend, users, and clients that cause trouble."""

import socket
import subprocess
import time
from pathlib import Path

from incident_lib.demo.certificates import GOOD
from incident_lib.demo.ports import PortTakenError
from incident_lib.demo.processes import Processes, python_environment, python_module
from incident_lib.errors import WorkbenchError

_START_SECONDS = 30.0
_LOAD_SECONDS = 900.0


def start_payments(processes: Processes, port: int, certificate: str = GOOD) -> None:
    """Start the payments provider with one of its certificates."""
    layout = processes.layout
    command = python_module(
        "payments",
        *("--port", str(port), "--delay", str(layout.delay)),
        *("--failing", str(layout.failing)),
        *("--certificate", str(layout.secrets / certificate)),
    )
    _wait_for_port(processes.spawn("payments", command), port, layout.log("payments"))


def start_frontend(processes: Processes, port: int, backend_url: str) -> None:
    """Start the web pages."""
    command = python_module("frontend", "--port", str(port), "--backend", backend_url)
    _wait_for_port(processes.spawn("frontend", command), port, processes.layout.log("frontend"))


def start_load(processes: Processes, backend_url: str, frontend_url: str) -> None:
    """Start the users, who go home by themselves after a quarter of an hour."""
    command = python_module("load", "--backend", backend_url, "--frontend", frontend_url)
    processes.spawn("load", [*command, "--seconds", str(_LOAD_SECONDS)])


def start_client(processes: Processes, job: str, address: str, *, until: str) -> None:
    """Start a client that causes trouble, and return once its log says `until`: the trouble is there."""
    log = processes.layout.log(job)
    log.unlink(missing_ok=True)
    environment = python_environment(ADDRESS=address)
    client = processes.spawn(job, python_module("clients", job), environment=environment)
    deadline = time.monotonic() + _START_SECONDS
    while until not in log.read_text(encoding="utf-8"):
        if client.poll() is not None or time.monotonic() > deadline:
            raise WorkbenchError(f"the client {job!r} failed: {log.read_text(encoding='utf-8')}")
        time.sleep(0.05)


def _wait_for_port(server: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not _accepts(port):
        if server.poll() is not None or time.monotonic() > deadline:
            output = log.read_text(encoding="utf-8", errors="replace")[-1000:]
            if "Address already in use" in output:
                raise PortTakenError(f"port {port} was taken")
            raise WorkbenchError(f"{log.stem} did not start: {output}")
        time.sleep(0.03)


def _accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1.0).close()
    except OSError:
        return False
    return True

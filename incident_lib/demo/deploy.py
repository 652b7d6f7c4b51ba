"""Deployments of the backend: the stack's own, and the team's command to deploy or roll back.

`python -m incident_lib.demo.deploy --directory DIR --version 1.4.2` replaces the running backend and writes
the deployment down. Without `--version` it restarts the version that is deployed.
"""

import argparse
import json
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx

from incident_lib.demo.layout import Layout
from incident_lib.demo.ports import PortTakenError
from incident_lib.demo.processes import Processes, python_environment, python_module
from incident_lib.errors import UsageError, WorkbenchError

FIRST_VERSION = "1.4.2"
NEXT_VERSION = "1.5.0"
_START_SECONDS = 30.0
# Data of the demo, like its orders: the shop was last deployed long before anything that is measured.
_FIRST_DEPLOY_AGE = timedelta(days=6)


def write_first_deploy(layout: Layout) -> None:
    """Begin the deploy log with the version that has run for days."""
    layout.deploys.unlink(missing_ok=True)
    _write_down(layout, FIRST_VERSION, datetime.now(UTC) - _FIRST_DEPLOY_AGE)


def deploy(layout: Layout, processes: Processes, version: str) -> None:
    """Replace the running backend by another version, and write it down."""
    at = datetime.now(UTC)
    stop_backend(processes)
    start_backend(layout, processes, version)
    _write_down(layout, version, at)


def deployed_version(layout: Layout) -> str:
    """Return the version that was deployed last."""
    lines = layout.deploys.read_text(encoding="utf-8").splitlines()
    return str(json.loads(lines[-1])["version"])


def stop_backend(processes: Processes) -> None:
    """End the backend; requests that it is working on may finish."""
    processes.end("backend", grace_seconds=4.0)


def start_backend(layout: Layout, processes: Processes, version: str) -> None:
    """Start the backend and wait until it answers. Errors: WorkbenchError with its output."""
    log = layout.log("backend")
    offset = log.stat().st_size if log.exists() else 0
    environment = json.loads(layout.backend_environment.read_text(encoding="utf-8"))
    environment["APP_VERSION"] = version
    server = processes.spawn(
        "backend", python_module("application"), environment=python_environment(**environment)
    )
    deadline = time.monotonic() + _START_SECONDS
    while not answers(f"http://127.0.0.1:{environment['PORT']}/health"):
        if server.poll() is not None or time.monotonic() > deadline:
            output = log.read_bytes()[offset:].decode(errors="replace")
            if "address already in use" in output:
                raise PortTakenError("the backend's port was taken")
            raise WorkbenchError(f"the backend did not start: {output.strip()[-2000:]}")
        time.sleep(0.05)


def answers(url: str) -> bool:
    """Return whether `url` answers at all, with whatever status."""
    try:
        httpx.get(url, timeout=2.0, trust_env=False)
    except httpx.HTTPError:
        return False
    return True


def _write_down(layout: Layout, version: str, at: datetime) -> None:
    line = {"at": at.isoformat(timespec="seconds"), "service": "backend", "version": version}
    with layout.deploys.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


def main() -> None:
    """Run from the command line, on a stack that runs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--directory", type=Path, required=True, help="of the running stack")
    parser.add_argument("--version", help="what to deploy; without it, the backend is restarted")
    options = parser.parse_args()
    layout = Layout(options.directory)
    processes = Processes(layout)
    try:
        if not layout.backend_environment.exists():
            raise UsageError(f"no stack runs in {options.directory}")
        if options.version:
            deploy(layout, processes, options.version)
        else:
            stop_backend(processes)
            start_backend(layout, processes, deployed_version(layout))
    except WorkbenchError as error:
        sys.exit(f"{error}")
    sys.stdout.write(f"backend {deployed_version(layout)} runs\n")


if __name__ == "__main__":
    main()

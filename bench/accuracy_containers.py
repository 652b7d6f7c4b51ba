"""The same on the container stack, where an engine answers: that of DOCKER_HOST, else the default.

Its images are those of the tests, as the official ones cannot be had everywhere.
"""

import os
import sys
from functools import cache
from pathlib import Path

import docker
import pytest
from accuracy_measure import Result, broken
from docker.errors import DockerException

from incident_lib.demo.faults.containers import CONTAINER_FAULTS

sys.path.append(str(Path(__file__).resolve().parents[1]))

from tests.integration import docker_engine, docker_image
from tests.integration.container_stack import container_stack

FAILURES = (DockerException, pytest.skip.Exception)
_USUAL = "unix:///var/run/docker.sock"


def container_faults() -> tuple[str, ...]:
    """Return the names of its faults; none where no engine answers, which is printed."""
    try:
        _engine()
    except FAILURES as error:
        print(f"skip  containers: {error}", flush=True)
        return ()
    return tuple(CONTAINER_FAULTS)


@cache
def _engine() -> docker.DockerClient:
    host = os.environ.setdefault("DOCKER_HOST", _USUAL)
    if not docker_engine.answers(host):
        raise DockerException(f"no engine answers at {host}; set DOCKER_HOST")
    client = docker.DockerClient(base_url=host, timeout=300)
    docker_image.build_all(client)
    return client


def measure_container_fault(name: str) -> Result | None:
    """Return what a fresh container stack, broken by one fault, was diagnosed as.

    None where this machine cannot play it; the reason is printed.
    """
    fault = CONTAINER_FAULTS[name]
    if reason := fault.why_not():
        print(f"skip  containers:{name:33} {reason}", flush=True)
        return None
    with container_stack(_engine(), options=fault.options) as stack:
        return {**broken(stack, [fault]), "kind": "container fault"}

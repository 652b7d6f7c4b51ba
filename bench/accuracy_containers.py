"""The same on the container stack, on the engine of DOCKER_HOST, else the machine's, else one of its own.

Its images are those of the tests, as the official ones cannot be had everywhere.
"""

import atexit
import os
import sys
from contextlib import AbstractContextManager
from functools import cache
from pathlib import Path
from typing import Any

import docker
import pytest
from accuracy_measure import Result, broken, recovery
from docker.errors import DockerException

from incident_lib.demo.faults.containers import CONTAINER_FAULTS

sys.path.append(str(Path(__file__).resolve().parents[1]))

from tests.integration import docker_engine, docker_image
from tests.integration.container_stack import container_stack

FAILURES = (DockerException, pytest.skip.Exception)
_USUAL = "unix:///var/run/docker.sock"


def container_faults() -> tuple[str, ...]:
    """Return the names of its faults; none where there is no engine, which is printed."""
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
        engine = docker_engine.OwnEngine()
        atexit.register(engine.leave)
        host = os.environ["DOCKER_HOST"] = engine.host  # of the measurements in processes of their own, too
    client = docker.DockerClient(base_url=host, timeout=300)
    docker_image.build_all(client)
    return client


def measure_container_fault(name: str, turn: AbstractContextManager[Any] | None) -> Result | None:
    """Return what a fresh container stack, broken by one fault, was diagnosed as.

    With a `turn` it is also undone and looked at again. None where this machine cannot play it; the reason
    is printed.
    """
    fault = CONTAINER_FAULTS[name]
    if reason := fault.why_not():
        print(f"skip  containers:{name:33} {reason}", flush=True)
        return None

    def opened() -> AbstractContextManager[Any]:
        """Return a stack that this fault can break, not started yet."""
        return container_stack(_engine(), options=fault.options)

    if turn is not None:
        result = recovery(opened, fault, turn)
        return {**result, "diagnosed": {**result["diagnosed"], "kind": "container fault"}}
    with opened() as stack:
        return {**broken(stack, [fault]), "kind": "container fault"}

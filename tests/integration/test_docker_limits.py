"""Limits of containers that are passed for real: those that no other test comes to."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import docker
import pytest
from docker.models.containers import Container

from incident_lib import clock, config
from incident_lib.findings.base import Context
from incident_lib.model import Finding, FindingSeverity, Window
from incident_lib.model.renamed import current_id
from incident_lib.probes.base import Lane, Probe, run_lane
from incident_lib.technologies.docker import probes
from incident_lib.technologies.docker.findings import ANALYZERS
from tests.integration import docker_service

pytestmark = docker_service.MARKS
engine = docker_service.engine
WARNING, CRITICAL, INFO = FindingSeverity.WARNING, FindingSeverity.CRITICAL, FindingSeverity.INFO
_CHILDREN = "import os, time\nfor _ in range(25):\n  os.fork() or os._exit(0)\ntime.sleep(600)\n"


def judged(made: Container, probe: Probe) -> dict[str, Finding]:
    """Return the findings of one probe on a container, by the last part of their id."""
    document = config.parse(f'[[service]]\nname = "it"\nkind = "process"\ncontainer = "{made.name}"\n')
    settings = config.Settings(document=document, root=docker_service._CHECKOUT)
    lane = next(lane for lane in probes.lanes(settings) if lane.target == "it")
    kept = tuple(one for one in lane.probes if one.name == probe.name)
    now = clock.now()
    window = Window(now - timedelta(minutes=15), now + timedelta(seconds=1))
    (evidence,) = run_lane(Lane(target="it", open=lane.open, probes=kept), window)
    found = ANALYZERS[evidence.probe](evidence, Context(window=window))
    return {one.id.removeprefix(current_id(f"{evidence.probe}.")): one for one in found}


def until(look: Callable[[], dict[str, Finding]], name: str) -> Finding:
    """Return the finding of that name once there is one."""
    deadline = time.monotonic() + 15
    while name not in (found := look()):
        assert time.monotonic() < deadline, f"no {name}, but {sorted(found)}"
        time.sleep(0.2)
    return found[name]


def test_processes_up_to_the_limit_count_those_that_nobody_collected(engine: docker.DockerClient) -> None:
    with docker_service.container(engine, ["python3", "-c", _CHILDREN], pids_limit=30) as made:
        found = until(lambda: judged(made, probes.STATS), "pids")
    assert (found.severity, found.data["limit"]) == (WARNING, 30)
    assert float(found.data["count"] or 0) >= 24


@pytest.mark.parametrize(("mebibytes", "severity"), [(84, WARNING), (93, CRITICAL)])
def test_memory_near_its_limit(
    engine: docker.DockerClient, mebibytes: int, severity: FindingSeverity
) -> None:
    hold = f"import time\nkept = b'x' * ({mebibytes - 5} << 20)\ntime.sleep(600)\n"
    with docker_service.container(engine, ["python3", "-c", hold], mem_limit="100m") as made:
        found = until(lambda: judged(made, probes.STATS), "memory")
    assert found.severity is severity


def test_risks_of_the_configuration(engine: docker.DockerClient) -> None:
    plain: dict[str, Any] = {"log_config": {"Type": "json-file", "Config": {}}}
    careful: dict[str, Any] = {
        "log_config": {"Type": "json-file", "Config": {"max-size": "1m"}},
        "mem_limit": "64m",
        "restart_policy": {"Name": "on-failure"},
        "healthcheck": {"test": ["CMD", "true"], "interval": 600_000_000_000},
    }
    with (
        docker_service.container(engine, ["sleep", "600"], **plain) as one,
        docker_service.container(engine, ["sleep", "600"], **careful) as other,
    ):
        found, none = judged(one, probes.CONTAINER), judged(other, probes.CONTAINER)
    assert found["risks"].severity is INFO
    assert found["risks"].title.endswith(
        "has no memory limit, no health check, no restart policy, a log without a size limit"
    )
    assert "risks" not in none


def test_taken_out_of_its_network(engine: docker.DockerClient) -> None:
    network = engine.networks.create(f"left-{time.monotonic_ns()}")
    try:
        with docker_service.container(engine, ["sleep", "600"], network=network.name) as made:
            assert "no_network" not in judged(made, probes.CONTAINER)
            network.disconnect(made)
            assert judged(made, probes.CONTAINER)["no_network"].severity is CRITICAL
    finally:
        network.remove()

"""Faults of the stack on Docker, for real: the first hypothesis names the cause and whom to blame.

The suite plays its share on one stack; `ALL_FAULTS=1 pytest tests/integration/test_container_faults.py` plays
all that the usual stack can be broken by, and `make accuracy ARGS=--full` every one on a stack of its own.
"""

import os
import threading
import time
from contextlib import ExitStack
from uuid import uuid4

import pytest

from incident_lib import config
from incident_lib.clock import now
from incident_lib.connections.docker import open_engine
from incident_lib.demo.container_roles import Options
from incident_lib.demo.faults.containers import CONTAINER_FAULTS
from incident_lib.investigation.case import Case
from incident_lib.investigation.collect import Watch
from incident_lib.investigation.severity import propose_severity
from incident_lib.investigation.snapshot import take_snapshot
from incident_lib.model import IncidentSeverity, Window
from incident_lib.technologies.docker.probes.container import fetch_container
from incident_lib.technologies.docker.rows import ContainerState
from tests import services
from tests.integration import container_symptoms, docker_service
from tests.integration.container_stack import container_stack

pytestmark = [*docker_service.MARKS, pytest.mark.slow]
engine = docker_service.engine
PLAYED = sorted(
    name
    for name, fault in CONTAINER_FAULTS.items()
    if fault.options == Options() and (fault.in_suite or os.environ.get("ALL_FAULTS"))
)
_PATIENCE_SECONDS = 60


@pytest.fixture(scope="module")
def stack(engine):
    with container_stack(engine) as running:
        running.drive(2)
        yield running


def triage(stack, folder, seconds) -> Case:
    return take_snapshot(config.load(stack.config), folder, f"{seconds:.0f}s", Watch())


@pytest.mark.parametrize("name", PLAYED)
def test_a_fault_is_named_first(stack, name, tmp_path):
    fault = CONTAINER_FAULTS[name]
    if why := fault.why_not():
        services.missing(why)
    shows = container_symptoms.SYMPTOMS.get(name)
    begun = time.monotonic()
    stack.drive(2)
    fault.inject(stack)
    try:
        if shows:
            stack.wait_for(lambda: shows(stack), "backend", f"shows no {name}")
        while True:  # a busy machine takes its time to show a fault
            stack.drive(2)
            case = triage(stack, tmp_path / uuid4().hex, time.monotonic() - begun)
            # The machine is no part of the stack, and other tests keep it busy.
            hypotheses = [one for one in case.analysis.hypotheses if one.target != "host"]
            told = [(one.id, one.target) for one in hypotheses]
            if told[:1] == [(fault.hypothesis, fault.target)] or time.monotonic() - begun > _PATIENCE_SECONDS:
                break
    finally:
        fault.undo(stack)
    assert not (shows and shows(stack)), "it is not undone"
    bad = [f"{one.target}:{one.id}" for one in case.analysis.findings if one.severity.is_bad]
    assert told[:1] == [(fault.hypothesis, fault.target)], (told[:3], bad)
    if name in {"crash-loop", "service-down"}:
        severity, reason = propose_severity(case.analysis)
        assert severity <= IncidentSeverity.SEV2
        assert "backend" in reason


def test_what_is_replaced_while_we_look_is_not_down(engine):
    session = open_engine()
    name = f"replaced-{uuid4().hex[:6]}"
    seen = ""
    with ExitStack() as ending:
        ending.callback(session.close)
        for _ in range(5):  # the machine may be slower than we wait
            seen = _state_while_replaced(engine, session, name)
            if seen == "running":
                break
    assert seen == "running"


def _state_while_replaced(engine, session, name) -> str:
    sleep = ["sleep", "600"]
    with (
        docker_service.container(engine, sleep) as fresh,
        docker_service.container(engine, sleep, name=name) as old,
    ):
        old.kill()

        def deploy() -> None:
            old.remove(force=True)
            fresh.rename(name)

        deploying = threading.Timer(0.3, deploy)
        deploying.start()
        try:
            seen = fetch_container(session, Window(now(), now()), container=name).rows
        finally:
            deploying.join()
    return next(row.state for row in seen if isinstance(row, ContainerState))

"""A real engine behind a proxy that denies, cuts and goes silent, and one that is away in between.

What could not be seen is UNKNOWN with the reason, nothing of it is OK, and the rest goes on in its time.
"""

import os
import re
import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest

from incident_lib import clock, config
from incident_lib.findings.base import Context
from incident_lib.model import EvidenceStatus, FindingSeverity, Window
from incident_lib.probes.base import run_lane
from incident_lib.technologies.docker import probes
from incident_lib.technologies.docker.findings import ANALYZERS, ON_FAILURE
from tests.integration import docker_service
from tests.integration.docker_proxy import Proxy, proxy

pytestmark = docker_service.MARKS
engine = docker_service.engine

_NAME = "app-behind-a-proxy"
_SETTINGS = config.Settings(
    document=config.parse(f'[[service]]\nname = "it"\nkind = "process"\ncontainer = "{_NAME}"\n'),
    root=Path(),
)
_NOT_SEEN = {FindingSeverity.UNKNOWN, FindingSeverity.CRITICAL}  # an engine that breaks off is ill
_PATIENCE_SECONDS = 60
_PROBES = 7
_DENIES = "denies this \\(403\\)"
_BROKE = "closed the connection"
_LISTS = "GET /events|GET /containers/json"
_INSPECT = f"GET /containers/{_NAME}/json"
# What the proxy does, to which requests; which probes then see nothing, and why.
CASES = {
    "denies all": ("denied", ".", {"docker.engine", "docker.container"}, _DENIES),
    "denies events": ("denied", "GET /events", {"docker.events"}, _DENIES),
    "denies to inspect": ("denied", _INSPECT, {"docker.container", "docker.stats"}, _DENIES),
    "cuts events and the list": ("half", _LISTS, {"docker.events", "docker.containers"}, _BROKE),
    "cuts to inspect": ("half", _INSPECT, {"docker.container", "docker.stats"}, _BROKE),
    "cuts the version": ("half", "GET /version", {"docker.engine", "docker.container"}, _BROKE),
}


@pytest.fixture(scope="module")
def running(engine):
    """Run the container that is looked at."""
    with docker_service.container(engine, ["sleep", "600"], name=_NAME) as made:
        yield made


def examined():
    """Return each probe of every lane, by target and name, with what it means."""
    window = Window(clock.now() - timedelta(minutes=15), clock.now() + timedelta(seconds=1))
    context = Context(window=window)
    seen = {}
    for lane in probes.lanes(_SETTINGS):
        for evidence in run_lane(lane, window):
            failed = evidence.status is EvidenceStatus.FAILED
            judge = ON_FAILURE.get(evidence.probe) if failed else ANALYZERS[evidence.probe]
            found = (
                [] if judge is None or evidence.status is EvidenceStatus.SKIPPED else judge(evidence, context)
            )
            seen[evidence.target, evidence.probe] = (evidence, list(found))
    return seen


@pytest.mark.parametrize("case", CASES)
def test_what_a_proxy_keeps_back_is_unknown_and_the_rest_is_seen(running, tmp_path, monkeypatch, case):
    does, requests, blind, reason = CASES[case]
    with proxy(tmp_path, os.environ["DOCKER_HOST"]) as between:
        setattr(between, does, requests)
        monkeypatch.setenv("DOCKER_HOST", between.host)
        began = time.monotonic()
        seen = examined()
    assert time.monotonic() - began < _PATIENCE_SECONDS
    failed = {name for name, (evidence, _) in seen.items() if evidence.status is EvidenceStatus.FAILED}
    silent = {probe for (_, probe), (each, _) in seen.items() if each.status is not EvidenceStatus.COLLECTED}
    assert {probe for _, probe in failed} <= blind <= silent  # what ends a session has the next one skipped
    assert failed
    for name in failed:
        evidence, found = seen[name]
        assert re.search(reason, evidence.problem.message), evidence.problem
        assert "<" not in evidence.problem.message
        assert all(each.severity in _NOT_SEEN for each in found)
        if does == "denied":
            assert all(each.severity is FindingSeverity.UNKNOWN for each in found)
            assert "allow GET /" in evidence.problem.advice
    assert len(seen) == _PROBES


def test_an_engine_that_goes_and_comes_back_costs_what_was_asked_meanwhile(running, tmp_path, monkeypatch):
    host = os.environ["DOCKER_HOST"]
    first = Proxy(tmp_path, host)
    first.silent = "/stats"  # what goes on while it is ended
    monkeypatch.setenv("DOCKER_HOST", first.host)

    def restart():
        while not any("/stats" in asked for asked in first.seen):
            time.sleep(0.02)
        first.close()

    thread = threading.Thread(target=restart)
    thread.start()
    seen = examined()
    thread.join()
    failed = {probe for (_, probe), (each, _) in seen.items() if each.status is EvidenceStatus.FAILED}
    assert "docker.stats" in failed
    assert "docker.container" not in failed
    assert all(
        evidence.problem.message
        in {"the Docker engine closed the connection in the middle of its answer", "no Docker engine here"}
        for evidence, _ in seen.values()
        if evidence.problem
    )
    (tmp_path / "again").mkdir()
    with proxy(tmp_path / "again", host) as again:
        monkeypatch.setenv("DOCKER_HOST", again.host)
        assert {each.status for each, _ in examined().values()} == {EvidenceStatus.COLLECTED}


def test_a_socket_that_nobody_listens_at_is_no_engine(running, tmp_path, monkeypatch):
    with proxy(tmp_path, os.environ["DOCKER_HOST"]) as gone:
        pass
    assert gone.path.exists()
    monkeypatch.setenv("DOCKER_HOST", gone.host)
    seen = examined()
    assert {evidence.status for evidence, _ in seen.values()} == {
        EvidenceStatus.FAILED,
        EvidenceStatus.SKIPPED,
    }
    assert {each.severity for _, found in seen.values() for each in found} == {FindingSeverity.UNKNOWN}

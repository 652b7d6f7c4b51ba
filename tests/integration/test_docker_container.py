"""Containers in every kind of trouble, on a real engine."""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta
from functools import partial

import pytest
from docker.models.containers import Container

from incident_lib import clock, config
from incident_lib.connections.docker import open_engine
from incident_lib.errors import ProblemKind
from incident_lib.findings.base import Context, unknown
from incident_lib.model import Evidence, EvidenceStatus, Finding, FindingSeverity, Window
from incident_lib.model.renamed import current_id
from incident_lib.probes.base import Lane, Probe, run_lane
from incident_lib.technologies.docker import probes
from incident_lib.technologies.docker.findings import ANALYZERS, ON_FAILURE
from incident_lib.technologies.docker.rows import (
    ContainerEvent,
    ContainerProcess,
    ContainerState,
    EventsSeen,
    HealthOutput,
    NetworkAttachment,
)
from tests.integration import docker_service
from tests.integration.docker_engine import locked
from tests.integration.docker_service import CASES

pytestmark = docker_service.MARKS
engine = docker_service.engine


@pytest.fixture(autouse=True)
def events_are_kept():
    """Keep the test that fills the engine's memory of events from doing so meanwhile."""
    with locked("events", shared=True):
        yield


def window() -> Window:
    return Window(clock.now() - timedelta(minutes=15), clock.now() + timedelta(seconds=1))


def look(name: str, *probes_of_lane: Probe) -> dict[str, Evidence]:
    """Return the evidence of a service's own lane about one container, by probe."""
    document = config.parse(f'[[service]]\nname = "it"\nkind = "process"\ncontainer = "{name}"\n')
    settings = config.Settings(document=document, root=docker_service._CHECKOUT)
    lane = next(lane for lane in probes.lanes(settings) if lane.target == "it")
    names = {probe.name for probe in probes_of_lane}
    kept = tuple(probe for probe in lane.probes if not names or probe.name in names)
    chosen = Lane(target="it", open=lane.open, probes=kept)
    return {evidence.probe: evidence for evidence in run_lane(chosen, window())}


def judge(evidence: Evidence) -> dict[str, Finding]:
    """Return the findings, by the last part of their id."""
    context = Context(window=window())
    if evidence.status is EvidenceStatus.FAILED:
        found = ON_FAILURE.get(evidence.probe, lambda e, _: iter([unknown(e)]))(evidence, context)
    else:
        found = ANALYZERS[evidence.probe](evidence, context)
    return {finding.id.removeprefix(current_id(f"{evidence.probe}.")): finding for finding in found}


def state_of(evidence: Evidence) -> ContainerState:
    return evidence.of(ContainerState)[0]


def until(name: str, holds, seconds: float = 15) -> Evidence:
    """Look at the container until `holds` says so."""
    deadline = time.monotonic() + seconds
    while True:
        evidence = look(name, probes.CONTAINER)["docker.container"]
        if holds(state_of(evidence)) or time.monotonic() > deadline:
            return evidence
        time.sleep(0.2)


@pytest.mark.parametrize(
    ("case", "code", "said"),
    [
        ("exited well", 0, "exited without an error"),
        ("exited 1", 1, "exited with an error"),
        ("killed", 137, "from outside, not because of its memory limit"),
        ("segmentation fault", 139, "SIGSEGV"),
        ("terminated", 143, "told to stop"),
    ],
)
def test_exit_code_has_a_verdict(engine, case, code, said):
    with docker_service.container(engine, **CASES[case]) as made:
        evidence = until(made.name, lambda state: state.state == "exited")
        found = judge(evidence)
    assert state_of(evidence).exit_code == code
    assert found["not_running"].severity is FindingSeverity.CRITICAL
    assert said in found["not_running"].title
    assert found["not_running"].data["exit_code"] == code
    assert found["not_running"].since is not None
    assert "ok" not in found
    assert "oom_killed" not in found


def test_container_that_stopped_has_no_statistics_and_is_never_ok(engine):
    with docker_service.container(engine, **CASES["exited 1"]) as made:
        until(made.name, lambda state: state.state == "exited")
        seen = look(made.name)
    assert list(seen) == ["docker.container", "docker.events", "docker.processes", "docker.stats"]
    for probe in ("docker.stats", "docker.processes"):
        assert seen[probe].problem.kind is ProblemKind.SKIPPED
        assert judge(seen[probe])["unknown"].severity is FindingSeverity.UNKNOWN
    died = judge(seen["docker.events"])["die"]
    assert died.severity is FindingSeverity.WARNING
    assert died.data["exit_code"] == 1


def test_crash_loop(engine):
    with docker_service.container(engine, **CASES["crash loop"]) as made:
        evidence = until(made.name, lambda state: state.restart_count >= 4)
        events = look(made.name, probes.EVENTS)["docker.events"]
    found = judge(evidence)
    assert found["restarting"].severity is FindingSeverity.CRITICAL
    assert found["restarting"].data["restart_count"] >= 4
    loop = judge(events)["restart_loop"]
    assert loop.severity is FindingSeverity.CRITICAL
    assert loop.since is not None
    assert "die" not in judge(events)


def test_out_of_memory(engine):
    with docker_service.container(engine, **CASES["out of memory"]) as made:
        evidence = until(made.name, lambda state: state.state == "exited")
        events = look(made.name, probes.EVENTS)["docker.events"]
    found = judge(evidence)
    assert "memory limit" in found["not_running"].title
    assert found["oom_killed"].severity is FindingSeverity.CRITICAL
    assert found["oom_killed"].data["memory_limit_bytes"] == 32 * 1024 * 1024
    told = judge(events)
    assert told["oom"].severity is FindingSeverity.CRITICAL
    assert "worker_killed" not in told


def test_worker_out_of_memory_is_told_apart(engine):
    with docker_service.container(engine, **CASES["worker out of memory"]) as made:
        deadline = time.monotonic() + 15
        while time.monotonic() < deadline:
            seen = look(made.name, probes.CONTAINER, probes.EVENTS)
            if any(event.action == "oom" for event in seen["docker.events"].of(ContainerEvent)):
                break
            time.sleep(0.2)
        time.sleep(0.5)
        seen = look(made.name, probes.CONTAINER, probes.EVENTS)
    assert state_of(seen["docker.container"]).state == "running"
    told = judge(seen["docker.events"])
    assert told["worker_killed"].severity is FindingSeverity.CRITICAL
    assert "oom" not in told
    assert "oom_killed" not in judge(seen["docker.container"])


def test_unhealthy(engine):
    with docker_service.container(engine, **CASES["unhealthy"]) as made:
        evidence = until(made.name, lambda state: state.health == "unhealthy")
        events = look(made.name, probes.EVENTS)["docker.events"]
    found = judge(evidence)["unhealthy"]
    assert found.severity is FindingSeverity.CRITICAL
    assert "database is away" in found.detail
    assert 1 <= len(evidence.of(HealthOutput)) <= 5
    assert judge(events)["health_status"].severity is FindingSeverity.WARNING
    assert not any(event.action.startswith("exec") for event in events.of(ContainerEvent))
    assert events.of(EventsSeen)[0].exec_count > 0


def test_paused_and_stopped_by_somebody(engine):
    with docker_service.container(engine, ["sleep", "600"], init=True) as made:
        made.pause()
        assert "paused" in judge(look(made.name, probes.CONTAINER)["docker.container"])["not_running"].title
        made.unpause()
        made.stop(timeout=2)
        told = judge(look(made.name, probes.EVENTS)["docker.events"])
    assert "die" not in told  # somebody asked for it
    assert told["kill"].severity is FindingSeverity.INFO
    assert told["pause"].severity is FindingSeverity.INFO


def test_restarted_by_somebody(engine):
    with docker_service.container(engine, ["sleep", "600"], init=True) as made:
        made.restart(timeout=1)
        evidence = look(made.name, probes.CONTAINER)["docker.container"]
    old = state_of(evidence)
    early = Context(window=Window(old.created_at + timedelta(microseconds=1), clock.now()))
    found = {finding.id: finding for finding in ANALYZERS["docker.container"](evidence, early)}
    assert found["container.state.restarted"].severity is FindingSeverity.INFO
    assert "container.state.changed" not in found


def test_image_without_a_shell_is_read_all_the_same(engine):
    with docker_service.container(engine, **CASES["no shell"]) as made:
        seen = look(made.name)
    assert {evidence.status for evidence in seen.values()} == {EvidenceStatus.COLLECTED}
    assert seen["docker.processes"].of(ContainerProcess)[0].command == "/usr/bin/sleep 600"
    assert judge(seen["docker.stats"])["ok"].severity is FindingSeverity.OK


@pytest.mark.parametrize(
    ("case", "driver", "terminal"), [("log driver none", "none", False), ("terminal", "json-file", True)]
)
def test_log_driver_and_terminal_are_known(engine, case, driver, terminal):
    with docker_service.container(engine, **CASES[case]) as made:
        state = state_of(look(made.name, probes.CONTAINER)["docker.container"])
    assert (state.log_driver, state.is_terminal) == (driver, terminal)


def test_container_that_is_not_there_names_those_that_are(engine):
    with docker_service.container(engine, ["sleep", "600"]) as made:
        seen = look("nothing-of-this-name")
        assert made.name in seen["docker.container"].problem.advice
    found = judge(seen["docker.container"])["not_found"]
    assert found.severity is FindingSeverity.CRITICAL
    assert seen["docker.stats"].problem.kind is ProblemKind.NOT_FOUND


def test_container_removed_in_the_middle(engine):
    with ExitStack() as ending:
        made = ending.enter_context(docker_service.container(engine, ["sleep", "600"]))
        session = open_engine()
        ending.callback(session.close)
        fetch = partial(probes.stats.fetch_stats, container=made.name)
        stats = Probe(name="docker.stats", fetch=fetch, question="", source="")
        session.inspect(made.name)
        made.remove(force=True)
        lane = Lane(target="it", open=open_engine, probes=(stats,))
        evidence = next(iter(run_lane(lane, window())))
    assert evidence.problem.kind is ProblemKind.NOT_FOUND
    assert judge(evidence)["unknown"].severity is FindingSeverity.UNKNOWN


def _judged_until_warned(made: Container, key: str) -> dict[str, Finding]:
    """Return the findings of the first of five observations in which `key` is a WARNING, else of the last.

    A busy machine may stop the container for a moment, and then what it does is not steady.
    """
    for _ in range(5):
        seen = judge(look(made.name, probes.STATS)["docker.stats"])
        if key in seen and seen[key].severity is FindingSeverity.WARNING:
            break
    return seen


def _await_line(made: Container, text: bytes) -> None:
    limit = time.monotonic() + 30
    while text not in made.logs():
        assert time.monotonic() < limit, "the container did not start in time"
        time.sleep(0.1)


def test_growth_throttling_and_limits(engine):
    begin = "import time\nkept = [b'x' * (270 << 20)]\nprint('filled', flush=True)\n"
    grow = f"{begin}while True:\n  kept.append(b'x' * (2 << 20)); time.sleep(0.2)\n"
    options = {"mem_limit": "512m", "pids_limit": 50}
    with docker_service.container(engine, ["python3", "-c", grow], **options) as made:
        _await_line(made, b"filled")
        seen = _judged_until_warned(made, "growth")
    assert seen["growth"].severity is FindingSeverity.WARNING
    assert seen["growth"].data["limit_seconds"] < 60
    spin = ["python3", "-c", "while True: pass"]
    with docker_service.container(engine, spin, nano_cpus=100_000_000) as made:
        seen = _judged_until_warned(made, "throttled")
    assert seen["cpu"].severity is FindingSeverity.WARNING
    assert seen["throttled"].data["throttled_ratio"] > 0.25
    assert "growth" not in seen


def test_growth_beside_a_health_check(engine):
    """What a command takes for itself while it runs does not hide what the container keeps."""
    begin = "import time\nkept = [b'x' * (270 << 20)]\nprint('filled', flush=True)\n"
    grow = f"{begin}while True:\n  kept.append(b'x' * (1 << 19)); time.sleep(0.2)\n"
    health = "import time; b = b'x' * (60 << 20); time.sleep(0.3)"
    check = {"test": ["CMD", "python3", "-c", health], "interval": 2_000_000_000, "retries": 100}
    with docker_service.container(
        engine, ["python3", "-c", grow], mem_limit="512m", healthcheck=check
    ) as made:
        _await_line(made, b"filled")
        seen = _judged_until_warned(made, "growth")
    assert seen["growth"].severity is FindingSeverity.WARNING


def test_stack_is_well_and_its_secrets_stay_out(engine):
    with docker_service.stack(engine) as stack:
        document = config.parse(stack.configuration())
        settings = config.Settings(document=document, root=docker_service._CHECKOUT)
        with ThreadPoolExecutor() as threads:
            run = threads.map(lambda lane: list(run_lane(lane, window())), probes.lanes(settings))
            evidence = [one for lane in run for one in lane]
    assert {one.status for one in evidence} == {EvidenceStatus.COLLECTED}
    assert docker_service.PASSWORD not in repr(evidence)
    found = [finding for one in evidence for finding in judge(one).values()]
    assert not [finding for finding in found if finding.severity.is_bad]
    assert "container.state.changed" in {finding.id for finding in found}
    by_probe = {(one.target, one.probe): one for one in evidence}
    db = state_of(by_probe["db", "docker.container"])
    assert "POSTGRES_PASSWORD" in db.environment_names
    assert db.version == "15.0"
    assert state_of(by_probe["backend", "docker.container"]).memory_limit_bytes == 256 * 1024 * 1024
    aliases = by_probe["db", "docker.container"].of(NetworkAttachment)[0].aliases
    assert db.container_id in aliases or stack.name("db") in aliases
    assert judge(by_probe["backend", "docker.processes"])["ok"].data["python_version"].startswith("3.11")

"""What evidence about containers means, from literals."""

from datetime import UTC, datetime, timedelta

import pytest

from incident_lib.errors import ProblemKind
from incident_lib.findings.base import Context
from incident_lib.findings.clients import name_clients
from incident_lib.findings.docker import ANALYZERS, ON_FAILURE
from incident_lib.findings.docker.exit_codes import verdict
from incident_lib.findings.growth import steady_growth
from incident_lib.model import Evidence, EvidenceStatus, Finding, FindingSeverity, Problem, Window
from incident_lib.model.docker import (
    ContainerEvent,
    ContainerListed,
    ContainerProcess,
    ContainerState,
    ContainerUsage,
    EventsSeen,
    MemorySample,
    NetworkAttachment,
    NetworkGap,
)

NOW = datetime(2026, 1, 15, 14, 30, tzinfo=UTC)
START = NOW - timedelta(minutes=15)
CONTEXT = Context(window=Window(START, NOW))
LONG_AGO = NOW - timedelta(days=2)


def evidence(probe, *rows, kind=None):
    problem = Problem(kind=kind, message="so it is", advice="do this") if kind else None
    return Evidence(
        probe=probe,
        target="backend",
        status=EvidenceStatus.FAILED if kind else EvidenceStatus.COLLECTED,
        collected_at=NOW,
        duration_seconds=0.1,
        source="",
        rows=rows,
        problem=problem,
    )


def judge(probe, *rows):
    found = ANALYZERS[probe](evidence(probe, *rows), CONTEXT)
    return {one.id.removeprefix(f"{probe}."): one for one in found}


def state(**changes):
    usual = {
        "name": "app-backend",
        "container_id": "0a1b2c3d4e5f",
        "state": "running",
        "exit_code": None,
        "error": "",
        "oom_killed": False,
        "created_at": LONG_AGO,
        "started_at": LONG_AGO,
        "finished_at": None,
        "restart_count": 0,
        "restart_policy": "always",
        "restart_limit_count": 0,
        "health": "healthy",
        "memory_limit_bytes": 1 << 28,
        "log_is_limited": True,
    }
    return ContainerState(**{**usual, **changes})


def usage(**changes):
    usual = {
        "seconds": 2.0,
        "cpu_cores": 0.1,
        "cpu_limit_cores": 2.0,
        "throttled_ratio": None,
        "memory_bytes": 100 << 20,
        "memory_limit_bytes": 256 << 20,
        "process_count": 5,
        "process_limit_count": None,
        "received_bytes_per_second": 10.0,
        "sent_bytes_per_second": 10.0,
        "dropped_count": 0,
        "error_count": 0,
    }
    return ContainerUsage(**{**usual, **changes})


def event(action, seconds, **changes):
    return ContainerEvent(
        at=NOW - timedelta(seconds=seconds), action=action, container="app-backend", **changes
    )


def seen(seen_from=START, **changes):
    usual = {"container": "app-backend", "asked_from": START, "until": NOW, "kept_count": 3, "exec_count": 0}
    return EventsSeen(seen_from=seen_from, **{**usual, **changes})


def test_well_container_gives_one_ok():
    assert {name: one.severity for name, one in judge("docker.container", state()).items()} == {
        "ok": FindingSeverity.OK
    }


def test_old_restarts_are_no_trouble_now():
    assert set(judge("docker.container", state(restart_count=40))) == {"ok"}


def test_loop_caught_while_it_runs():
    found = judge("docker.container", state(restart_count=3, started_at=NOW - timedelta(seconds=2)))
    assert found["restarting"].severity is FindingSeverity.CRITICAL
    assert "ok" not in found


def test_one_restart_by_policy_is_a_warning_and_by_hand_is_not():
    recent = NOW - timedelta(minutes=5)
    assert judge("docker.container", state(restart_count=1, started_at=recent))["restarted"].severity.is_bad
    by_hand = judge("docker.container", state(started_at=recent))
    assert by_hand["restarted"].severity is FindingSeverity.INFO
    assert by_hand["restarted"].since == recent


def test_worker_killed_is_not_the_container():
    found = judge("docker.container", state(oom_killed=True))
    assert found["worker_killed"].severity is FindingSeverity.CRITICAL
    assert "oom_killed" not in found


def test_the_mark_of_an_earlier_life_is_no_killed_worker():
    before = judge("docker.container", state(oom_killed=True, restart_count=1, finished_at=LONG_AGO))
    assert "worker_killed" not in before
    assert before["memory_ran_out"].severity is FindingSeverity.INFO
    assert "ok" in before


@pytest.mark.parametrize(
    ("code", "restarts", "is_memory"),
    [(137, 0, True), (137, 3, True), (1, 0, True), (1, 3, False), (0, 0, False)],
)
def test_an_end_is_for_memory_only_where_mark_and_code_agree(code, restarts, is_memory):
    ended = state(
        state="exited", oom_killed=True, exit_code=code, restart_count=restarts, finished_at=LONG_AGO
    )
    assert ("oom_killed" in judge("docker.container", ended)) is is_memory


def test_deploy_is_told_with_its_version():
    recent = NOW - timedelta(minutes=5)
    found = judge(
        "docker.container", state(created_at=recent, started_at=recent, version="1.5.0", image="shop:1.5.0")
    )
    assert found["changed"].data["version"] == "1.5.0"
    assert found["changed"].since == recent
    assert "restarted" not in found


def test_risks_are_named_in_one_finding():
    risky = state(memory_limit_bytes=None, health="", restart_policy="no", log_is_limited=False)
    found = judge("docker.container", risky)["risks"]
    assert found.severity is FindingSeverity.INFO
    assert found.data["no_memory_limit"] == found.data["unbounded_log"] == 1


def test_taken_out_of_its_network():
    alone = judge("docker.container", state(network_mode="shop_default"))
    assert alone["no_network"].severity is FindingSeverity.CRITICAL
    attached = NetworkAttachment(network="shop_default", address="172.18.0.2")
    assert "no_network" not in judge("docker.container", state(network_mode="shop_default"), attached)
    for mode in ("host", "none", "container:0a1b2c", ""):
        assert "no_network" not in judge("docker.container", state(network_mode=mode))


def test_created_and_never_started():
    found = judge(
        "docker.container", state(state="created", started_at=None, exit_code=127, error="no such file")
    )
    assert "never started" in found["not_running"].title
    assert "no such file" in found["not_running"].detail


@pytest.mark.parametrize(
    ("code", "word"),
    [
        (2, "wrong usage"),
        (3, "start"),
        (125, "engine"),
        (127, "not in the image"),
        (129, "signal 1"),
        (130, "SIGINT"),
        (255, "own code 255"),
        (None, "not known"),
    ],
)
def test_verdicts(code, word):
    assert word in verdict(code, out_of_memory=False).meaning


@pytest.mark.parametrize("kind", [ProblemKind.NO_ENGINE, ProblemKind.TIMED_OUT, ProblemKind.PRIVILEGE])
def test_engine_that_cannot_be_asked_leaves_services_unknown(kind):
    (found,) = ON_FAILURE["docker.container"](evidence("docker.container", kind=kind), CONTEXT)
    assert found.severity is FindingSeverity.UNKNOWN


@pytest.mark.parametrize(
    ("kind", "severity"),
    [(ProblemKind.NO_ENGINE, FindingSeverity.UNKNOWN), (ProblemKind.TIMED_OUT, FindingSeverity.CRITICAL)],
)
def test_engine_itself(kind, severity):
    (found,) = ON_FAILURE["docker.engine"](evidence("docker.engine", kind=kind), CONTEXT)
    assert (found.id, found.severity) == (f"docker.engine.{kind}", severity)


def test_usage_within_its_limits():
    assert set(judge("docker.stats", usage())) == {"ok"}


def test_usage_that_is_not_known_is_not_ok():
    found = judge("docker.stats", usage(cpu_cores=None, memory_bytes=None))
    assert found["unknown"].severity is FindingSeverity.UNKNOWN


@pytest.mark.parametrize(
    ("changes", "name", "severity"),
    [
        ({"cpu_cores": 1.9}, "cpu", FindingSeverity.WARNING),
        ({"throttled_ratio": 0.5}, "throttled", FindingSeverity.WARNING),
        ({"memory_bytes": 210 << 20}, "memory", FindingSeverity.WARNING),
        ({"memory_bytes": 250 << 20}, "memory", FindingSeverity.CRITICAL),
        ({"process_limit_count": 6}, "pids", FindingSeverity.WARNING),
        ({"dropped_count": 3}, "network", FindingSeverity.WARNING),
    ],
)
def test_usage_near_a_limit(changes, name, severity):
    found = judge("docker.stats", usage(**changes))
    assert {one: each.severity for one, each in found.items()} == {name: severity}


def samples(*sizes):
    return [(NOW + timedelta(seconds=number), size) for number, size in enumerate(sizes)]


@pytest.mark.parametrize(
    "sizes",
    [
        (100, 100, 100, 100, 100),
        (100, 140, 120, 140, 160),
        (100, 101, 102, 103, 104),
        (100, 100, 100, 120, 140),
        (100, 130, 133, 134, 135),  # a wave that ebbs
        (100, 110, 120),  # too few to tell
        (140, 130, 120, 110, 100),
        (),
    ],
)
def test_breathing_is_no_growth(sizes):
    assert steady_growth(samples(*sizes), 1000, least_ratio=0.01) is None


def test_growth_counts_to_the_limit():
    growth = steady_growth(samples(100, 110, 120, 120, 140), 1000, least_ratio=0.01)
    assert growth.bytes_per_second == pytest.approx(9.0)
    assert growth.limit_seconds == pytest.approx(860 / 9)


def test_growth_of_a_container():
    rows = [MemorySample(at=at, memory_bytes=size << 20) for at, size in samples(100, 105, 110, 115, 120)]
    assert judge("docker.stats", usage(), *rows)["growth"].severity is FindingSeverity.WARNING
    assert "growth" not in judge("docker.stats", usage(memory_limit_bytes=None), *rows)


def test_growth_while_a_health_check_runs():
    rows = [MemorySample(at=at, memory_bytes=size << 20) for at, size in samples(100, 105, 110, 115, 120)]
    assert judge("docker.stats", usage(command_count=1), *rows)["growth"].severity is FindingSeverity.INFO


def test_growth_just_after_a_start():
    rows = [MemorySample(at=at, memory_bytes=size << 20) for at, size in samples(100, 105, 110, 115, 120)]
    young = usage(started_at=NOW - timedelta(seconds=5))
    assert judge("docker.stats", young, *rows)["growth"].severity is FindingSeverity.INFO
    full = usage(started_at=NOW - timedelta(seconds=5), memory_bytes=600 << 20)
    assert judge("docker.stats", full, *rows)["growth"].severity is FindingSeverity.WARNING
    settled = usage(started_at=NOW - timedelta(minutes=5))
    assert judge("docker.stats", settled, *rows)["growth"].severity is FindingSeverity.WARNING


def test_nothing_happened():
    assert set(judge("docker.events", seen())) == {"ok"}


def test_engine_that_forgot_says_so():
    found = judge("docker.events", seen(seen_from=NOW - timedelta(minutes=2)))
    assert set(found) == {"forgotten", "ok"}


def test_stop_by_somebody_is_no_death():
    found = judge("docker.events", seen(), event("kill", 100, signal=15), event("die", 95, exit_code=143))
    assert "die" not in found
    assert found["kill"].data["signal"] == 15


def test_stop_explains_one_end_of_one_container():
    stopped = (event("kill", 100, signal=15), event("die", 95, exit_code=143), event("start", 94))
    later = judge("docker.events", seen(), *stopped, event("die", 80, exit_code=1))
    assert later["die"].data["count"] == 1
    ends = [event("die", seconds, exit_code=1, container_id="next") for seconds in (90, 85, 80)]
    looping = judge("docker.events", seen(), *stopped[:2], *ends)
    assert looping["restart_loop"].data["count"] == 3


def test_death_by_itself():
    found = judge("docker.events", seen(), event("die", 95, exit_code=1))
    assert found["die"].severity is FindingSeverity.WARNING
    assert found["die"].since == NOW - timedelta(seconds=95)


def test_kernel_and_worker():
    container = judge("docker.events", seen(), event("oom", 50), event("die", 50, exit_code=137))
    assert {"oom", "die"} <= set(container)
    assert "memory limit" in container["die"].title
    assert set(judge("docker.events", seen(), event("oom", 50))) == {"worker_killed"}


def test_unhealthy_for_a_while():
    ill = event("health_status", 300, health="unhealthy")
    well = event("health_status", 200, health="healthy")
    assert "until" in judge("docker.events", seen(), ill, well)["health_status"].title
    assert "still" in judge("docker.events", seen(), ill)["health_status"].title


def test_what_services_say_is_not_said_twice():
    whole = seen(container="", configured=("app-backend",))
    found = judge("docker.events", whole, event("die", 5, exit_code=1))
    assert set(found) == {"ok"}


def test_a_client_in_a_container_of_no_service_is_named():
    jobs = ContainerListed(
        name="nightly-job",
        container_id="1",
        image="shop",
        state="running",
        status="Up",
        created_at=NOW,
        addresses=("172.18.0.9",),
    )
    waits = Finding(
        id="postgres.locks.blocked",
        severity=FindingSeverity.CRITICAL,
        target="db",
        title="3 sessions wait",
        data={"root_client": "172.18.0.9"},
    )
    (found,) = name_clients([waits], [evidence("docker.containers", jobs)])
    assert found.data["root_container"] == "nightly-job"


def test_networks_and_zombies():
    gap = NetworkGap(container="app-backend", needs="app-db", networks=("a",), needs_networks=("b",))
    assert judge("docker.containers", gap)["no_common_network"].severity is FindingSeverity.WARNING
    rows = [
        ContainerProcess(pid=pid, parent_pid=1, state="Z", resident_bytes=0, age="1", command="x")
        for pid in range(2, 30)
    ]
    assert judge("docker.processes", *rows)["zombies"].severity is FindingSeverity.WARNING

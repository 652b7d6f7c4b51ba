"""What evidence about containers means, from literals."""

from datetime import timedelta

import pytest

from incident_lib.correlation.client_addresses import judge_client_addresses
from incident_lib.errors import ProblemKind
from incident_lib.model import Finding, FindingSeverity
from incident_lib.technologies.docker.findings import ON_FAILURE
from incident_lib.technologies.docker.findings.exit_codes import verdict
from incident_lib.technologies.docker.rows import (
    ContainerListed,
    ContainerProcess,
    NetworkAttachment,
    NetworkGap,
)
from tests.unit.correlation.situations import judge_with
from tests.unit.technologies.docker.literals import (
    CONTEXT,
    LONG_AGO,
    NOW,
    evidence,
    judge,
    state,
)


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
        (None, "unknown"),
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
    (found,) = judge_with(judge_client_addresses, [waits], evidence=(evidence("docker.containers", jobs),))
    assert found.data["root_container"] == "nightly-job"


def test_networks_and_zombies():
    gap = NetworkGap(container="app-backend", needs="app-db", networks=("a",), needs_networks=("b",))
    assert judge("docker.containers", gap)["no_common_network"].severity is FindingSeverity.WARNING
    rows = [
        ContainerProcess(pid=pid, parent_pid=1, state="Z", resident_bytes=0, age="1", command="x")
        for pid in range(2, 30)
    ]
    assert judge("docker.processes", *rows)["zombies"].severity is FindingSeverity.WARNING

"""A server that does not answer: what its process does, and what that means."""

import pytest

from incident_lib.connections.listener import listener_on
from incident_lib.errors import ProblemKind
from incident_lib.model import Evidence, EvidenceStatus, Finding, FindingSeverity, Problem
from incident_lib.model.silent_process import Doing
from incident_lib.technologies.redis.findings.connection import analyze_failure
from incident_lib.technologies.redis.rows import RedisClients
from tests.unit.technologies.redis.judging import CONTEXT, NOW, judge


def _failed(numbers: dict[str, float]) -> dict[str, Finding]:
    problem = Problem(
        kind=ProblemKind.TIMED_OUT, message="cache:6379 did not answer in time", numbers=numbers
    )
    evidence = Evidence(
        probe="redis.connection", target="cache", status=EvidenceStatus.FAILED, collected_at=NOW,
        duration_seconds=2.0, source="PING", problem=problem,
    )  # fmt: skip
    found = analyze_failure(evidence, CONTEXT)
    return {finding.id.removeprefix("redis.connection."): finding for finding in found}


@pytest.mark.parametrize("doing", Doing)
def test_what_its_process_does_is_a_finding_of_its_own(doing: Doing) -> None:
    found = _failed({"server_pid": 71.0, "busy_ratio": 0.5, f"is_{doing}": 1.0})
    assert set(found) == {"timed_out", doing.value}
    seen = found[doing.value]
    assert seen.severity is FindingSeverity.CRITICAL
    assert seen.title.startswith("its process 71 ")
    assert seen.data == {"server_pid": 71, "busy_ratio": 0.5}


def test_where_its_process_was_not_seen_nothing_is_said_of_it() -> None:
    assert set(_failed({})) == {"timed_out"}


@pytest.mark.parametrize(
    ("own", "peer"), [("10.0.0.7", "10.0.0.9"), ("", "")], ids=["another machine", "a Unix socket"]
)
def test_only_what_runs_on_this_machine_is_looked_for(own: str, peer: str) -> None:
    assert listener_on(own, peer, 6379, ("redis-server",)) is None


def _clients(**values: int | str) -> dict[str, Finding]:
    row = RedisClients(
        seconds=1.0, connected_count=5, limit_count=100, blocked_count=0, rejected_count=0, new_count=0,
        listed_count=5, **values,
    )  # fmt: skip
    return judge("clients", row)


@pytest.mark.parametrize(("waiting", "severity"), [(0, "WARNING"), (3, "CRITICAL")])
def test_a_pause_that_the_server_reports_counts_before_anybody_waits(waiting: int, severity: str) -> None:
    paused = _clients(paused_by="client_pause (write)", paused_count=waiting)["paused"]
    assert paused.severity.value == severity
    assert paused.data["paused_by"] == "client_pause (write)"

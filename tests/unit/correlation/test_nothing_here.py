"""A machine on which nothing is configured and nothing runs is no outage; a stack that is down is one."""

from typing import Any

import pytest

from incident_lib.correlation.nothing_here import judge_nothing
from incident_lib.investigation.severity import propose_severity
from incident_lib.model import Analysis, Finding, FindingSeverity, IncidentSeverity
from incident_lib.model.topology import Topology
from tests.unit.correlation.situations import judge_with

STACK = {"kinds": {"backend": "http", "frontend": "http", "db": "postgres", "host": "host"}}


def seen(target: str, name: str, severity: str = "CRITICAL") -> Finding:
    return Finding(id=name, target=target, severity=FindingSeverity[severity], title="t", evidence=(target,))


NOTHING = (
    seen("backend", "http.health.refused"),
    seen("frontend", "network.ports.refused"),
    seen("db", "container.state.not_found"),
    seen("host", "host.memory.ok", "OK"),
    seen("backend", "network.names.ok", "OK"),
)


def judged(*more: Finding, **topology: Any) -> Analysis:
    known = Topology(**(STACK | {"is_assumed": True} | topology))
    return Analysis(
        snapshot="s", findings=tuple(judge_with(judge_nothing, (*NOTHING, *more), topology=known))
    )


def test_nothing_is_bad_where_nothing_is_configured_and_nothing_is_here() -> None:
    analysis = judged()
    assert not [finding for finding in analysis.findings if finding.severity.is_bad]
    assert analysis.findings[0].id == "together.nothing"
    assert propose_severity(analysis, Topology(**STACK))[0] is IncidentSeverity.SEV4


@pytest.mark.parametrize(
    "more",
    [
        seen("db", "postgres.connection.ok", "OK"),
        seen("backend", "http.health.status"),
        seen("backend", "network.ports.ok", "OK"),
    ],
)
def test_a_stack_of_which_a_part_is_here_may_be_down(more: Finding) -> None:
    assert [f for f in judged(more).findings if f.severity is FindingSeverity.CRITICAL]


def test_what_is_configured_is_down() -> None:
    analysis = judged(is_assumed=False)
    assert propose_severity(analysis, Topology(**STACK))[0] is IncidentSeverity.SEV1

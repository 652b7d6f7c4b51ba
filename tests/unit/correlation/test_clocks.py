"""Which clock is the odd one out: told where two others agree, and never guessed."""

from datetime import UTC, datetime

import pytest

from incident_lib.correlation.clocks import judge_clocks
from incident_lib.model import Evidence, EvidenceStatus, Finding, FindingSeverity, Row
from incident_lib.model.topology import Topology
from incident_lib.technologies.http.rows import HttpAnswer
from incident_lib.technologies.network.rows import PortAnswer
from incident_lib.technologies.process.rows import ProcessState
from tests.unit.correlation.situations import judge_with

AT = datetime(2026, 1, 15, 14, 31, tzinfo=UTC)
GRAPH = Topology(kinds={"pay": "outside", "mail": "outside", "shop": "http", "machine": "host"})


def evidence(target: str, probe: str, *rows: Row) -> Evidence:
    return Evidence(
        probe=probe,
        target=target,
        status=EvidenceStatus.COLLECTED,
        collected_at=AT,
        duration_seconds=0.1,
        source="unchanged",
        rows=rows,
    )


def clock(target: str, seconds: float, address: str = "") -> list[Evidence]:
    answer = HttpAnswer(
        url="http://x/", path="/", status=200, clock_difference_seconds=seconds, clock_error_seconds=1.5
    )
    ports = [evidence(target, "network.ports", PortAnswer(address=address, port=80))] if address else []
    return [evidence(target, "http.health", answer), *ports]


def differs(target: str) -> Finding:
    return Finding(
        id="http.health.clock", target=target, severity=FindingSeverity.WARNING, title="its clock is off"
    )


def odd(*told: list[Evidence], before: tuple[Finding, ...] = ()) -> list[tuple[str, str, str]]:
    everything = [one for group in told for one in group]
    found = judge_with(judge_clocks, before, evidence=tuple(everything), topology=GRAPH)
    return [(one.id, one.target, one.severity.value) for one in found]


def test_theirs_is_wrong_where_ours_and_another_agree() -> None:
    told = (clock("pay", -3600, "192.0.2.7"), clock("mail", 0.4, "192.0.2.8"))
    assert odd(*told) == [("clock.odd", "pay", "WARNING")]


def test_ours_is_wrong_where_two_others_agree() -> None:
    told = (clock("pay", 90, "192.0.2.7"), clock("mail", 91, "192.0.2.8"))
    assert odd(*told, before=(differs("pay"), differs("mail"))) == [
        ("http.health.clock", "pay", "INFO"),
        ("http.health.clock", "mail", "INFO"),
        ("clock.odd", "machine", "WARNING"),
    ]


def test_our_own_services_have_our_clock_and_no_vote() -> None:
    told = (clock("pay", 90, "192.0.2.7"), clock("shop", 0.1, "127.0.0.1"))
    assert odd(*told) == []
    inside = [
        *clock("shop", 0.1),
        evidence("shop", "process.state", ProcessState(is_running=True, pid_file="x", pid=1)),
    ]
    assert odd(clock("pay", 90, "192.0.2.7"), inside) == []


def test_two_services_of_one_machine_have_one_vote() -> None:
    assert odd(clock("pay", 90, "192.0.2.7"), clock("mail", 90, "192.0.2.7")) == []


def test_a_tunnel_ends_at_another_machine() -> None:
    told = (clock("pay", 90, "127.0.0.1"), clock("mail", 90, "::1"))
    assert odd(*told) == [("clock.odd", "machine", "WARNING")]


@pytest.mark.parametrize("seconds", [[90.0], [90.0, -50.0], [0.2, -0.3], [4.0, 0.0]])
def test_nothing_is_told_without_two_that_agree_or_without_a_difference(seconds: list[float]) -> None:
    told = (
        clock(name, one, f"192.0.2.{n}")
        for n, (name, one) in enumerate(zip(["pay", "mail"], seconds, strict=False))
    )
    assert odd(*told) == []


def test_two_against_two_is_told_of_nobody() -> None:
    told = [clock("pay", 90, "192.0.2.7"), clock("mail", 90, "192.0.2.8"), clock("shop", 0, "192.0.2.9")]
    assert odd(*told) == []


def test_a_clock_that_was_not_seen_has_no_vote() -> None:
    failed = Evidence(
        probe="http.health",
        target="mail",
        status=EvidenceStatus.FAILED,
        collected_at=AT,
        duration_seconds=0.1,
        source="",
    )
    assert odd(clock("pay", 90, "192.0.2.7"), [failed]) == []

"""Judging names and ports."""

from datetime import UTC, datetime

import pytest

from incident_lib.errors import ProblemKind
from incident_lib.findings.base import Context
from incident_lib.findings.network import ANALYZERS, ON_FAILURE
from incident_lib.model import Evidence, EvidenceStatus, Finding, Problem, Row, Window
from incident_lib.model.network import NameAnswer, PortAnswer

AT = datetime(2026, 1, 15, 14, 31, tzinfo=UTC)
CONTEXT = Context(window=Window(AT, AT))


def evidence(probe: str, *rows: Row, kind: ProblemKind | None = None) -> Evidence:
    return Evidence(
        probe=probe,
        target="payments",
        status=EvidenceStatus.FAILED if kind else EvidenceStatus.COLLECTED,
        collected_at=AT,
        duration_seconds=0.1,
        source="getaddrinfo pay.example.com\n-- this machine",
        rows=rows,
        problem=Problem(kind=kind, message="as it is") if kind else None,
    )


def judge(probe: str, *rows: Row) -> list[Finding]:
    return list(ANALYZERS[probe](evidence(probe, *rows), CONTEXT))


def system(*addresses: str, seconds: float = 0.01) -> NameAnswer:
    return NameAnswer(
        name="pay.example.com", asked="system", decides=True, addresses=addresses, seconds=seconds
    )


def said(*addresses: str, code: str | None = "NOERROR") -> NameAnswer:
    return NameAnswer(name="pay.example.com", asked="10.0.0.2", addresses=addresses, code=code)


def port(address: str, kind: ProblemKind | None = None) -> PortAnswer:
    return PortAnswer(address=address, port=443, kind=kind, message=f"{address} {kind}", seconds=0.004)


def test_a_name_that_resolves() -> None:
    (one,) = judge("network.names", system("192.0.2.7"), said("192.0.2.7"))
    assert (one.id, one.title) == ("network.names.ok", "pay.example.com is 192.0.2.7")


def test_a_slow_name() -> None:
    (one,) = judge("network.names", system("192.0.2.7", seconds=2.0))
    assert (one.id, one.severity) == ("network.names.slow", "WARNING")


def test_resolvers_that_disagree_and_one_that_is_silent_are_told() -> None:
    found = judge("network.names", system("192.0.2.7"), said("192.0.2.9"), said(code=None))
    assert [(one.id, one.severity) for one in found] == [
        ("network.names.resolver", "INFO"),
        ("network.names.differ", "INFO"),
        ("network.names.ok", "OK"),
    ]


def test_round_robin_is_no_difference() -> None:
    found = judge("network.names", system("192.0.2.7", "192.0.2.8"), said("192.0.2.8", "192.0.2.9"))
    assert [one.id for one in found] == ["network.names.ok"]


def test_a_name_that_does_not_resolve() -> None:
    failed = evidence("network.names", kind=ProblemKind.NAME_NOT_RESOLVED)
    (one,) = ON_FAILURE["network.names"](failed, CONTEXT)
    assert (one.id, one.severity) == ("network.names.not_resolving", "CRITICAL")
    assert one.data == {"host": "pay.example.com"}


def test_ports() -> None:
    (one,) = judge("network.ports", port("192.0.2.7"), port("192.0.2.8"))
    assert (one.id, one.title) == ("network.ports.ok", "port 443 at 2 addresses accepts connections in 4 ms")
    (one,) = judge("network.ports", port("192.0.2.7"), port("192.0.2.8", ProblemKind.REFUSED))
    assert (one.id, one.severity) == ("network.ports.some", "INFO")


@pytest.mark.parametrize(
    "kind", [ProblemKind.REFUSED, ProblemKind.TIMED_OUT, ProblemKind.UNREACHABLE, ProblemKind.RESET]
)
def test_down_is_when_no_address_answers(kind: ProblemKind) -> None:
    (one,) = judge("network.ports", port("192.0.2.7", kind))
    assert (one.id, one.severity) == (f"network.ports.{kind.value}", "CRITICAL")


def test_refused_says_more_than_unreachable() -> None:
    dead = (port("2001:db8::1", ProblemKind.UNREACHABLE), port("192.0.2.7", ProblemKind.REFUSED))
    (one,) = judge("network.ports", *dead)
    assert (one.id, one.data["address"]) == ("network.ports.refused", "192.0.2.7")


@pytest.mark.parametrize("probe", sorted(ON_FAILURE))
@pytest.mark.parametrize("kind", list(ProblemKind))
def test_a_failure_is_never_ok(probe: str, kind: ProblemKind) -> None:
    (one,) = ON_FAILURE[probe](evidence(probe, kind=kind), CONTEXT)
    assert one.severity in {"CRITICAL", "UNKNOWN"}
    assert not kind.is_ours or one.severity == "UNKNOWN"


@pytest.mark.parametrize("probe", sorted(ANALYZERS))
def test_no_rows_are_not_ok(probe: str) -> None:
    (one,) = judge(probe)
    assert one.severity == "UNKNOWN"


def test_names_inside_a_container() -> None:
    well = NameAnswer(name="pay", asked="container app-backend", decides=True, addresses=("192.0.2.7",))
    (one,) = judge("network.inside", well)
    assert (one.id, one.title) == ("network.inside.ok", "inside container app-backend pay is 192.0.2.7")
    lost = NameAnswer(name="mail", asked="container app-backend", decides=True, code="NXDOMAIN")
    (one,) = judge("network.inside", well, lost)
    assert (one.id, one.severity, one.data["host"]) == ("network.inside.not_resolving", "CRITICAL", "mail")

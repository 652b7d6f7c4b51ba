"""Judging names and ports."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from incident_lib.correlation.vantage import judge_vantage
from incident_lib.errors import ProblemKind
from incident_lib.findings.base import Context
from incident_lib.model import Evidence, EvidenceStatus, Finding, FindingSeverity, Problem, Row, Window
from incident_lib.technologies.network.findings import ANALYZERS, ON_FAILURE
from incident_lib.technologies.network.rows import NameAnswer, PortAnswer, TlsAnswer, Trust
from tests.unit.correlation.situations import judge_with

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
    (one,) = judge("network.names", system("192.0.2.7", seconds=2.0), said("192.0.2.7"))
    assert (one.id, one.severity) == ("network.names.slow", "WARNING")


def test_an_address_needs_no_resolver_so_this_machine_was_slow() -> None:
    found = judge("network.names", system("192.0.2.7", seconds=2.0))
    assert [(one.id, one.severity) for one in found] == [
        ("network.names.slow", "INFO"),
        ("network.names.ok", "OK"),
    ]


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
    assert one.data["host"] == "pay.example.com"


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


WHERE = "container app-backend"


def inside(name: str, *addresses: str, dependency: str = "pay") -> NameAnswer:
    code = "NOERROR" if addresses else "NXDOMAIN"
    return NameAnswer(
        name=name, asked=WHERE, decides=True, addresses=addresses, code=code, dependency=dependency
    )


def inside_port(kind: ProblemKind | None, address: str = "192.0.2.7") -> PortAnswer:
    row = port(address, kind)
    return msgspec.structs.replace(row, name="pay.example.com", asked=WHERE, dependency="pay")


def inside_tls(store: str = "own", **fields: Any) -> TlsAnswer:
    row = TlsAnswer(name="pay.example.com", address="192.0.2.7:443", verified=False, store=store)
    return msgspec.structs.replace(row, asked=WHERE, dependency="pay", message="refused", **fields)


def test_names_inside_a_container() -> None:
    well = inside("pay.example.com", "192.0.2.7")
    (one,) = judge("network.inside", well)
    assert (one.id, one.title) == ("network.inside.ok", f"inside {WHERE} pay is as expected")
    (one,) = judge("network.inside", well, inside("mail", dependency="mail"))
    assert (one.id, one.severity, one.target) == ("network.inside.not_resolving", "CRITICAL", "mail")
    assert (one.data["host"], one.data["where"]) == ("mail", f"inside {WHERE}")


@pytest.mark.parametrize("address", ["169.254.169.254", "fd00:ec2::254"])
def test_a_name_that_leads_to_a_metadata_address_inside_a_container(address: str) -> None:
    error = f"{address} is the address of a cloud's metadata service: it was not contacted"
    wrong = msgspec.structs.replace(inside("pay.example.com", address), error=error)
    (found,) = judge("network.inside", wrong, inside("mail", "192.0.2.9", dependency="mail"))
    assert (found.id, found.severity, found.target) == ("network.inside.reserved", "CRITICAL", "pay")
    what = "the name pay.example.com resolves to a link-local or metadata address"
    assert found.title == f"{what} inside {WHERE}"
    assert error in found.detail
    assert found.data == {
        "host": "pay.example.com",
        "vantage": WHERE,
        "where": f"inside {WHERE}",
        "what": what,
    }
    # An error without an address is a name that does not resolve, and an ordinary address is neither.
    lost = msgspec.structs.replace(inside("pay.example.com"), error="no resolver gave an answer")
    assert [each.id for each in judge("network.inside", lost)] == ["network.inside.not_resolving"]
    (well,) = judge("network.inside", inside("pay.example.com", "10.0.0.7"))
    assert well.id == "network.inside.ok"


def test_evidence_of_an_earlier_version_keeps_its_target() -> None:
    (one,) = judge("network.inside", inside("mail", dependency=""))
    assert one.target == "payments"


def test_a_dead_resolver_is_told_once() -> None:
    lost = (inside("pay.example.com"), inside("mail.example.com", dependency="mail"))
    found = judge("network.inside", *lost, inside("db", "172.18.0.3", dependency="db"))
    assert [(one.id.rpartition(".")[2], one.severity, one.target) for one in found] == [
        ("resolver", "CRITICAL", "payments"),
        ("not_resolving", "INFO", "pay"),
        ("not_resolving", "INFO", "mail"),
    ]


@pytest.mark.parametrize(
    "kind", [ProblemKind.REFUSED, ProblemKind.TIMED_OUT, ProblemKind.UNREACHABLE, ProblemKind.RESET]
)
def test_ports_inside_a_container(kind: ProblemKind) -> None:
    (one,) = judge("network.inside", inside_port(kind))
    assert (one.id, one.severity, one.target) == (f"network.inside.{kind.value}", "CRITICAL", "pay")
    (one,) = judge("network.inside", inside_port(kind), inside_port(None, "192.0.2.8"))
    assert one.id == "network.inside.ok"


@pytest.mark.parametrize(
    ("fields", "what"),
    [
        ({"verify_code": 10}, "tls_expired"),
        ({"verify_code": 9}, "tls_not_yet_valid"),
        ({"verify_code": 62}, "tls_wrong_name"),
        ({"verify_code": 20, "trust": Trust.MISSING_INTERMEDIATE}, "tls_chain"),
        ({"verify_code": 19, "trust": Trust.UNKNOWN_AUTHORITY}, "tls_untrusted"),
        ({"silent": True}, "tls_silent"),
        ({}, "tls_handshake"),
    ],
)
def test_certificates_inside_a_container(fields: dict[str, Any], what: str) -> None:
    (one,) = judge("network.inside", inside_tls(**fields))
    assert (one.id, one.severity, one.target) == (f"network.inside.{what}", "CRITICAL", "pay")


def test_two_stores_of_two_minds_are_no_alarm() -> None:
    refused = {"verify_code": 20, "trust": Trust.UNKNOWN_AUTHORITY}
    accepted = {"verified": True, "trust": Trust.TRUSTED}
    first, last = judge("network.inside", inside_tls(**refused), inside_tls("certifi", **accepted))
    assert (first.id, first.severity, last.id) == ("network.inside.tls_store", "INFO", "network.inside.ok")
    one, _ = judge("network.inside", inside_tls(**accepted), inside_tls("certifi", **refused))
    assert "requests and httpx" in one.detail
    (one,) = judge("network.inside", inside_tls(**refused), inside_tls("declared", **accepted))
    assert one.id == "network.inside.ok"


def test_what_is_so_only_inside_says_so() -> None:
    (lost,) = judge("network.inside", inside("pay.example.com", dependency="payments"))
    (well,) = judge("network.names", system("192.0.2.7"))
    one, _ = judge_with(judge_vantage, (lost, well))
    assert one.title == f"the name pay.example.com does not resolve, only inside {WHERE}"
    assert one.data["where"] == f"only inside {WHERE}"
    (bad,) = ON_FAILURE["network.names"](
        evidence("network.names", kind=ProblemKind.NAME_NOT_RESOLVED), CONTEXT
    )
    one, _ = judge_with(judge_vantage, (lost, bad))
    assert one.data["where"] == f"inside {WHERE} and from here"
    (one,) = judge_with(judge_vantage, (lost,))
    assert one.data["where"] == f"inside {WHERE}"


def test_a_server_that_is_silent_only_inside_is_blamed_no_more_than_its_users_complain() -> None:
    (silent,) = judge("network.inside", inside_tls(silent=True))
    well = Finding(
        id="network.tls.ok",
        target="pay",
        severity=FindingSeverity.OK,
        title="well",
        data={"host": silent.data["host"]},
    )
    waits = Finding(
        id="logs.lines.class.read_timeout", target="payments", severity=FindingSeverity.WARNING, title="late"
    )
    told = [
        judge_with(judge_vantage, found)[0] for found in ((silent, well), (silent, well, waits), (silent,))
    ]
    assert [str(one.severity) for one in told] == ["INFO", "WARNING", "CRITICAL"]
    assert "MTU" in told[0].detail
    assert told[0].data["where"] == f"only inside {WHERE}"


def test_another_host_is_nothing_to_compare_with() -> None:
    (lost,) = judge("network.inside", inside("pay.internal", dependency="payments"))
    (well,) = judge("network.names", system("192.0.2.7"))
    one, _ = judge_with(judge_vantage, (lost, well))
    assert one.data["where"] == f"inside {WHERE}"

"""One event at many targets is named by what they share, and never claimed where they share nothing."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from incident_lib.correlation.one_event import judge_events
from incident_lib.errors import ProblemKind
from incident_lib.model import EVERYTHING, Evidence, EvidenceStatus, Finding, FindingSeverity, Row
from incident_lib.model.topology import Topology
from incident_lib.technologies.host.rows import HostLoad
from incident_lib.technologies.network.rows import Certificate, PortAnswer, TlsAnswer
from tests.unit.correlation.situations import judge_with

AT = datetime(2026, 1, 15, 14, tzinfo=UTC)
CRITICAL, OK = FindingSeverity.CRITICAL, FindingSeverity.OK


def names(count: int, prefix: str = "svc") -> list[str]:
    return [f"{prefix}-{number}" for number in range(count)]


def fails(target: str, finding_id: str = "http.health.refused", since: datetime | None = None) -> Finding:
    ref = f"{target}/{finding_id.rpartition('.')[0]}"
    return Finding(id=finding_id, severity=CRITICAL, target=target, title="t", evidence=(ref,), since=since)


def well(target: str) -> Finding:
    return Finding(id="http.health.ok", severity=OK, target=target, title="t")


def evidence(target: str, *rows: Row, probe: str = "network.ports") -> Evidence:
    return Evidence(
        probe=probe, target=target, status=EvidenceStatus.COLLECTED, collected_at=AT, duration_seconds=0.0,
        source="s", rows=rows,
    )  # fmt: skip


def at(target: str, address: str, **more: Any) -> Evidence:
    return evidence(target, PortAnswer(address=address, port=80, kind=ProblemKind.REFUSED, **more))


def events(findings: list[Finding], seen: tuple[Evidence, ...] = (), **topology: Any) -> list[Finding]:
    kinds = {finding.target: "http" for finding in findings} | topology.pop("kinds", {})
    judged = judge_with(judge_events, findings, topology=Topology(kinds=kinds, **topology), evidence=seen)
    return [finding for finding in judged if finding.target == EVERYTHING]


def ids(found: list[Finding]) -> list[str]:
    return [finding.id for finding in found]


@pytest.mark.parametrize(
    ("addresses", "others", "what"),
    [
        (["10.1.2.7"] * 4, ["10.1.2.8"], "10.1.2.7"),
        ([f"10.1.2.{n}" for n in range(4)], ["10.1.3.1"], "10.1.2.0/24"),
        ([f"2001:db8:1::{n}" for n in range(1, 5)], ["2001:db8:2::1"], "2001:db8:1::/64"),
        (["127.0.0.1"] * 4, ["10.1.3.1"], "this machine"),
    ],
)
def test_a_place_of_which_nothing_is_well(addresses: list[str], others: list[str], what: str) -> None:
    bad, fine = names(len(addresses)), names(len(others), "other")
    seen = tuple(at(*pair) for pair in zip(bad + fine, addresses + others, strict=True))
    found = events([*map(fails, bad), *map(well, fine)], seen)
    assert ids(found) == ["together.place"]
    assert found[0].data["what"] == what
    assert str(found[0].data["targets"]).split() == bad
    neighbour = (*seen, at("spared", addresses[0]))
    if what != "10.1.2.7":
        assert ids(events([*map(fails, bad), *map(well, fine), well("spared")], neighbour)) == []


def test_two_faults_are_no_event() -> None:
    bad = names(2)
    assert events([*map(fails, bad), well("other")], tuple(at(name, "10.1.2.7") for name in bad)) == []


def test_the_issuer_whose_certificates_all_fail() -> None:
    def signed(target: str, issuer: str) -> Evidence:
        certificate = Certificate(
            subject=target, issuer=issuer, not_before_at=AT, not_after_at=AT, sha256=target
        )
        answer = TlsAnswer(name=target, address="192.0.2.1", verified=False, certificates=(certificate,))
        return evidence(target, answer, probe="network.tls")

    bad, fine = names(3), names(2, "other")
    findings = [*(fails(name, "network.tls.expired") for name in bad), *map(well, fine)]
    ours = [signed(name, "CN=Our CA") for name in bad]
    theirs = [signed(name, "CN=Other CA") for name in fine]
    assert events(findings, (*ours, *theirs))[0].data["what"] == "CN=Our CA"
    assert events(findings, (*ours, *theirs, signed(fine[0], "CN=Our CA"))) == []


def test_what_only_this_machine_does_not_reach_is_unknown() -> None:
    bad = names(3)
    inside = tuple(
        PortAnswer(address="192.0.2.1", port=80, asked="container app", dependency=name) for name in bad
    )
    findings = [fails(name, "http.health.timed_out") for name in bad]
    topology = Topology(kinds=dict.fromkeys(bad, "outside"))
    seen = (evidence("app", *inside, probe="network.inside"),)
    judged = judge_with(judge_events, findings, topology=topology, evidence=seen)
    assert ids([f for f in judged if f.target == EVERYTHING]) == ["together.own_view"]
    assert {f.severity for f in judged if f.target in bad} == {FindingSeverity.UNKNOWN}


def test_containers_that_end_together_where_the_engine_answers() -> None:
    bad = names(4)
    findings = [fails(name, "container.state.not_running", AT) for name in bad]
    load = HostLoad(
        cpu_count=2, load_1m=0, load_5m=0, load_15m=0, seconds=1, busy_ratio=0, io_wait_ratio=0,
        steal_ratio=0, booted_at=AT - timedelta(minutes=1),
    )  # fmt: skip
    places = {name: f"app-{name}" for name in bad}
    found = events(findings, (evidence("host", load, probe="host.load"),), places=places)
    assert ids(found) == ["together.engine_restarted"]
    assert "started at 13:59:00" in found[0].detail
    later = [AT + number * timedelta(hours=1) for number in range(4)]
    apart = [
        fails(name, "container.state.not_running", moment) for name, moment in zip(bad, later, strict=True)
    ]
    assert events(apart, places=places) == []


def silent_engine(**data: Any) -> Finding:
    return Finding(
        id="docker.engine.no_engine",
        severity=FindingSeverity.UNKNOWN,
        target="engine",
        title="not assessed: nothing listens at docker.sock",
        data=data,
    )


def test_an_engine_that_is_silent_and_of_which_nothing_is_well() -> None:
    bad = names(2)
    places = {name: f"app-{name}" for name in (*bad, "spared")}
    failing = [fails("db", since=AT), *(fails(name, since=AT) for name in bad)]
    found = events([*failing, silent_engine(), well("elsewhere")], places=places)
    assert ids(found) == ["together.engine"]
    assert found[0].severity is CRITICAL
    assert found[0].title == (
        "the container engine does not answer, and both services (svc-0 and svc-1) that it ran fail"
    )
    assert found[0].data == {
        "count": 2,
        "total": 4,
        "targets": "svc-0 svc-1",
        "what": "the container engine",
    }
    assert found[0].since == AT
    assert found[0].detail.startswith("not assessed: nothing listens at docker.sock")
    # What needs one of them is part of it.
    behind = events([*failing, silent_engine()], places=places, depends_on={"db": ("svc-1",)})
    assert str(behind[0].data["targets"]).split() == ["svc-0", "svc-1", "db"]


def test_an_engine_is_not_to_blame_for_what_it_does_not_explain() -> None:
    bad = names(4)
    places = {name: f"app-{name}" for name in (*bad, "spared")}
    failing = [*map(fails, bad)]
    assert ids(events([*failing, silent_engine()], places=places)) == ["together.engine"]
    # A service in a container is well.
    assert events([*failing, silent_engine(), well("spared")], places=places) == []
    # The engine answers, and what refuses runs.
    assert events(failing, places=places) == []
    # Only we may not ask it.
    assert events([*failing, silent_engine(barred_count=1)], places=places) == []
    # One service may fail by itself, and what runs nowhere else than on the machine is not the engine's.
    assert events([fails("svc-0"), silent_engine()], places=places) == []
    assert events([*failing, silent_engine()]) == []


def lost(target: str, resolvers: int | None = None, silent: int | None = None) -> Finding:
    return Finding(
        id="network.names.not_resolving",
        severity=CRITICAL,
        target=target,
        title="t",
        data={"host": f"{target}.example.com", "resolver_count": resolvers, "silent_count": silent},
    )


def resolves(target: str, host: str) -> Finding:
    return Finding(id="network.names.ok", severity=OK, target=target, title="t", data={"host": host})


@pytest.mark.parametrize(
    ("counts", "title"),
    [
        ((1, 1), "none of 3 names resolve: the resolver of this machine does not answer"),
        ((2, 2), "none of 3 names resolve: none of the 2 resolvers of this machine answer"),
        ((2, 1), "none of 3 names resolve on this machine"),
        ((0, 0), "none of 3 names resolve: this machine has no resolver configured"),
        ((None, None), "none of 3 names resolve on this machine"),
    ],
)
def test_a_resolver_of_which_no_name_resolves(counts: tuple[int | None, int | None], title: str) -> None:
    bad = names(3)
    # An address, and this machine's own name, need no resolver.
    others = [well("spared"), resolves("other-0", "192.0.2.9"), resolves("other-1", "localhost")]
    found = events([*(lost(name, *counts) for name in bad), *others])
    assert ids(found) == ["together.resolver"]
    assert (found[0].severity, found[0].title) == (CRITICAL, title)
    assert found[0].data == {
        "count": 3,
        "total": 6,
        "targets": " ".join(bad),
        "what": "the resolver",
    }


def test_a_resolver_that_resolves_some_name_is_not_to_blame() -> None:
    bad = names(3)
    gone = [lost(name, 2, 0) for name in bad]
    assert events([*gone, resolves("other", "other.example.com")]) == []
    # That another one serves under an address, or refuses connections, shows nothing of the resolver.
    assert ids(events([*gone, fails("other")])) == ["together.resolver"]
    # Two names may be misspelt.
    assert events([lost(name, 2, 0) for name in bad[:2]]) == []
    assert events([*(lost(name, 2, 0) for name in bad[:2]), fails("other")]) == []


def test_what_waits_for_a_target_that_fails_is_no_event_of_its_own() -> None:
    users = names(9)
    findings = [fails("db", "postgres.connection.refused"), *(fails(n, "http.health.status") for n in users)]
    assert events(findings, depends_on=dict.fromkeys(users, ("db",))) == []
    assert ids(events(findings)) == ["together.unexplained"]


@pytest.mark.parametrize(
    ("manners", "fine", "expected"),
    [
        (["refused"] * 6, 5, 1),
        (["refused"] * 5, 6, 0),
        (["refused", "silent", "status"] * 3, 9, 0),
        (["refused", "silent", "status"] * 3, 2, 1),
        (["refused"] * 4, 0, 0),
    ],
)
def test_an_event_without_a_name_needs_most_targets(manners: list[str], fine: int, expected: int) -> None:
    findings = [fails(f"svc-{n}", f"http.health.{manner}") for n, manner in enumerate(manners)]
    found = events([*findings, *map(well, names(fine, "other"))])
    assert ids(found) == ["together.unexplained"] * expected


def test_a_need_that_only_those_have_that_fail_is_named() -> None:
    bad, fine = names(6), names(2, "other")
    findings = [*map(fails, bad), *map(well, fine)]
    found = events(findings, depends_on=dict.fromkeys(bad, ("auth",)), kinds={"auth": "http"})
    assert "all of them need auth" in found[0].detail


def logs(target: str, address: str | None = "10.9.0.7:6379", error: str = "redis_refused") -> Finding:
    return Finding(
        id=f"logs.lines.class.{error}",
        severity=FindingSeverity.WARNING,
        target=target,
        title="t",
        data={"error_class": error, "address": address, "problem": f"Redis refuses connections ({address})"},
    )


@pytest.mark.parametrize(
    ("lines", "is_named"),
    [
        ([*map(logs, names(8))], True),
        ([*map(logs, names(6))], True),
        ([*map(logs, names(5))], False),
        ([logs(name, None) for name in names(8)], False),
        ([logs(name, f"10.9.0.{n}:6379") for n, name in enumerate(names(8))], False),
        # What serves all the same logs it too.
        ([*map(logs, names(8)), logs("other-0")], False),
    ],
)
def test_an_event_is_named_by_what_most_of_the_logs_name(lines: list[Finding], *, is_named: bool) -> None:
    bad, fine = names(8), names(2, "other")
    (found,) = events([*(fails(name, "http.health.status") for name in bad), *map(well, fine), *lines])
    assert found.id == ("together.logged" if is_named else "together.unexplained")
    if is_named:
        assert found.data["what"] == "10.9.0.7:6379"
        assert f"{len(lines)} of them log: Redis refuses" in found.title


def test_a_port_that_refuses_us_was_reached_and_stays_bad() -> None:
    bad = names(2)
    inside = tuple(
        PortAnswer(address="192.0.2.1", port=80, asked="container app", dependency=name) for name in bad
    )
    assert events([*map(fails, bad)], (evidence("app", *inside, probe="network.inside"),)) == []

"""Signs of one fact are one finding that keeps them all; what is another fact stays apart."""

import pytest

from incident_lib.correlation.one_fact import join_signs
from incident_lib.model import Finding, FindingSeverity
from incident_lib.technologies import catalogue


def seen(name: str, target: str = "api", severity: str = "CRITICAL") -> Finding:
    probe = name.rpartition(".")[0].replace("container.state", "docker.container")
    return Finding(
        id=name, target=target, severity=FindingSeverity[severity], title=f"{name} of {target}",
        evidence=(f"{target}/{probe}",),
    )  # fmt: skip


def joined(*findings: Finding) -> list[tuple[str, list[str]]]:
    return [(f.id, [sign.id for sign in f.signs]) for f in join_signs(findings, catalogue())]


def test_a_process_that_is_gone_and_its_port_are_one_finding() -> None:
    signs = [seen(n) for n in ("network.ports.refused", "http.health.refused", "process.state.not_running")]
    assert joined(*signs) == [("process.state.not_running", ["network.ports.refused", "http.health.refused"])]
    (only,) = join_signs(signs, catalogue())
    assert {*only.evidence} == {ref for sign in signs for ref in sign.evidence}
    assert all(sign.title in only.detail for sign in signs[:2])
    assert {each.id for each in only.apart} == {sign.id for sign in signs}


@pytest.mark.parametrize(
    "apart",
    [
        (seen("http.health.refused"), seen("http.health.refused", "site")),
        (seen("network.tls.expired"), seen("network.tls.wrong_name")),
        (seen("http.health.refused"), seen("network.inside.refused")),
        (seen("process.state.not_running"), seen("network.tls.expired")),
        (seen("http.health.refused"), seen("http.health.ok", severity="OK")),
        (seen("http.health.status"), seen("network.ports.refused")),
    ],
)
def test_other_facts_stay_apart(apart: tuple[Finding, ...]) -> None:
    assert sorted(joined(*apart)) == sorted((finding.id, []) for finding in apart)


def test_tls_is_named_where_it_was_seen_closest() -> None:
    assert joined(seen("http.health.tls"), seen("network.tls.expired")) == [
        ("network.tls.expired", ["http.health.tls"])
    ]

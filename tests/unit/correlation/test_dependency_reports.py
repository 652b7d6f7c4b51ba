"""A dependency that looks well from here, and that the log of its user names."""

import pytest

from incident_lib.correlation.dependency_reports import judge_dependency_reports
from incident_lib.model import Finding, FindingSeverity
from incident_lib.model.topology import Topology
from incident_lib.technologies.logs.addresses import addresses_of
from tests.unit.correlation.situations import added

GRAPH = Topology(
    kinds={"api": "http", "bank": "outside", "mail": "outside"}, depends_on={"api": ("bank", "mail")}
)
WELL = FindingSeverity.OK


def health(target: str, url: str, severity: FindingSeverity = WELL) -> Finding:
    return Finding(id="http.health.ok", target=target, severity=severity, title="t", data={"url": url})


def said(error_class: str, text: str, severity: FindingSeverity = FindingSeverity.WARNING) -> Finding:
    name = f"logs.lines.class.{error_class}"
    data = {"addresses": " ".join(addresses_of(text))}
    return Finding(id=name, target="api", severity=severity, title="errors: logged 9 times", data=data)


SEEN = (health("bank", "http://bank.test:8443/health"), health("mail", "https://mail.test/"))


@pytest.mark.parametrize(
    ("error_class", "text", "expected"),
    [
        (
            "upstream_error",
            "503 for url 'http://bank.test:8443/pay'",
            ("http.health.reported_failing", "bank"),
        ),
        (
            "read_timeout",
            "Pool(host='bank.test', port=8443): Read timed",
            ("http.health.reported_slow", "bank"),
        ),
        (
            "read_timeout",
            "Pool(host='mail.test', port=443): Read timed",
            ("http.health.reported_slow", "mail"),
        ),
        ("upstream_error", "503 for url 'https://mail.test/send'", ("http.health.reported_failing", "mail")),
    ],
)
def test_the_dependency_that_the_log_names_is_found(
    error_class: str, text: str, expected: tuple[str, str]
) -> None:
    (found,) = added(judge_dependency_reports, (*SEEN, said(error_class, text)), topology=GRAPH)
    assert (found.id, found.target) == expected
    assert found.severity is FindingSeverity.WARNING


@pytest.mark.parametrize(
    "text",
    [
        "503 for url 'http://other.test:8443/'",
        "503 for url 'https://hotmail.test/'",
        "bank.test",
        "mail.test.x",
    ],
)
def test_other_addresses_blame_nobody(text: str) -> None:
    assert list(added(judge_dependency_reports, (*SEEN, said("upstream_error", text)), topology=GRAPH)) == []


def test_few_errors_and_what_is_seen_to_be_unwell_need_no_witness() -> None:
    text = "503 for url 'https://mail.test/send'"
    assert not list(
        added(
            judge_dependency_reports,
            (*SEEN, said("upstream_error", text, FindingSeverity.INFO)),
            topology=GRAPH,
        )
    )
    unwell = health("mail", "https://mail.test/", FindingSeverity.CRITICAL)
    assert not list(added(judge_dependency_reports, (unwell, said("upstream_error", text)), topology=GRAPH))

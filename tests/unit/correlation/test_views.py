"""Each dependency from here and from inside: what was not looked at is unknown, and nothing is made up."""

from datetime import UTC, datetime, timedelta

from incident_lib.correlation.views import View, views_of
from incident_lib.errors import ProblemKind
from incident_lib.model import Evidence, EvidenceStatus, FindingSeverity, Problem, Row
from incident_lib.model.topology import Topology
from incident_lib.plots.graph import Way, plot_topology
from incident_lib.technologies.http.rows import HttpAnswer
from incident_lib.technologies.network.rows import Certificate, NameAnswer, PortAnswer, TlsAnswer

AT = datetime(2026, 1, 15, 14, 31, tzinfo=UTC)
GRAPH = Topology(kinds={"shop": "http", "pay": "outside"}, depends_on={"shop": ("pay",)})
INSIDE = "container app-shop"


def evidence(target: str, probe: str, *rows: Row, kind: ProblemKind | None = None) -> Evidence:
    return Evidence(
        probe=probe,
        target=target,
        status=EvidenceStatus.FAILED if kind else EvidenceStatus.COLLECTED,
        collected_at=AT,
        duration_seconds=0.1,
        source="unchanged",
        rows=rows,
        problem=Problem(kind=kind, message="as it is") if kind else None,
    )


def name(*addresses: str, asked: str = "system", dependency: str = "") -> NameAnswer:
    return NameAnswer(
        name="pay.example", asked=asked, decides=True, addresses=addresses, dependency=dependency
    )


def views(*told: Evidence) -> list[View]:
    return list(views_of(told, GRAPH))


def test_nothing_is_known() -> None:
    (view,) = views()
    assert (view.vantage, view.severity, view.name) == ("this machine", FindingSeverity.UNKNOWN, None)
    assert view.text == "this machine: not checked"


def test_well_from_here_and_lost_inside() -> None:
    certificate = Certificate(
        subject="CN=a",
        issuer="CN=b",
        not_before_at=AT - timedelta(days=1),
        not_after_at=AT + timedelta(days=30),
        sha256="a",
    )
    tls = TlsAnswer(name="pay.example", address="192.0.2.7:443", verified=True, certificates=(certificate,))
    here, inside = views(
        evidence("pay", "network.names", name("192.0.2.7")),
        evidence("pay", "network.ports", PortAnswer(address="192.0.2.7", port=443, seconds=0.004)),
        evidence("pay", "network.tls", tls),
        evidence("pay", "http.health", HttpAnswer(url="https://pay.example", path="/", status=200)),
        evidence("shop", "network.inside", name(asked=INSIDE, dependency="pay")),
    )
    assert here.severity is FindingSeverity.OK
    assert (here.name, here.port, here.tls, here.protocol) == (
        "pay.example is 192.0.2.7",
        "port 443 accepts in 4 ms",
        "TLS trusted for 30 days",
        "HTTP 200",
    )
    assert (inside.vantage, inside.severity) == (f"inside {INSIDE}", FindingSeverity.CRITICAL)
    assert inside.name == "pay.example does not resolve"
    assert inside.port is None


def test_the_failure_of_a_connection_is_bad_and_ours_is_unknown() -> None:
    (here,) = views(evidence("pay", "network.names", kind=ProblemKind.NAME_NOT_RESOLVED))
    assert (here.severity, here.name) == (FindingSeverity.CRITICAL, "as it is")
    (here,) = views(evidence("pay", "network.names", kind=ProblemKind.NOT_CONFIGURED))
    assert (here.severity, here.name) == (FindingSeverity.UNKNOWN, "not seen: as it is")


def test_inside_that_could_not_be_asked_or_is_not_known() -> None:
    _, inside = views(evidence("shop", "network.inside", kind=ProblemKind.UNSUPPORTED))
    assert (inside.severity, inside.name) == (FindingSeverity.UNKNOWN, "not seen: as it is")
    _, inside = views(evidence("shop", "network.inside", name("192.0.2.8", asked=INSIDE, dependency="mail")))
    assert (inside.severity, inside.name) == (
        FindingSeverity.UNKNOWN,
        "the address that it uses is not known",
    )


def test_a_process_looks_from_here() -> None:
    (here,) = views(evidence("shop", "process.state"))
    assert here.vantage == "this machine, where shop runs"


def test_the_map_shows_both() -> None:
    ways = {
        ("shop", "pay"): [Way("h", FindingSeverity.OK, "<b>"), Way("i", FindingSeverity.CRITICAL, "lost")]
    }
    html = plot_topology(GRAPH, {}, ways)
    assert html.count("<circle") == 2
    assert "&lt;b&gt;" in html
    assert "h as seen from here, i from inside the container" in html
    assert "<circle" not in plot_topology(GRAPH, {})

"""The section of the custom probes."""

from datetime import UTC, datetime
from pathlib import Path

from incident_lib import display as show
from incident_lib.config import Document, Settings
from incident_lib.errors import ProblemKind
from incident_lib.investigation.case import Case
from incident_lib.model import Analysis, Evidence, EvidenceStatus, Finding, FindingSeverity, Problem, Window
from incident_lib.model.rows import Measurement
from incident_lib.model.topology import Topology

AT = datetime(2026, 1, 15, 14, 31, tzinfo=UTC)


def seen(probe, *rows, problem=None):
    return Evidence(
        probe=probe,
        target="api",
        status=EvidenceStatus.FAILED if problem else EvidenceStatus.COLLECTED,
        collected_at=AT,
        duration_seconds=0.1,
        source="GET http://api/<stats>",
        rows=rows,
        problem=problem,
    )


def case(*evidence, findings=()):
    return Case(
        settings=Settings(document=Document(), root=Path("/")),
        snapshot="s",
        path=Path("/nowhere"),
        window=Window(AT, AT),
        collected_at=AT,
        evidence=evidence,
        analysis=Analysis(snapshot="s", findings=tuple(findings), hypotheses=(), not_assessed=()),
        topology=Topology(kinds={"api": "http"}),
    )


def test_without_any_it_says_how_to_add_one():
    assert "[[probe]]" in show.custom(case(seen("http.health"))).html


def test_numbers_findings_and_what_was_sent():
    row = Measurement(name="shop.queue", value=42.0, unit="orders", labels={"queue": "<mail>"})
    high = Finding(
        id="shop.queue.high",
        severity=FindingSeverity.CRITICAL,
        target="api",
        title="Orders waiting: 42 orders",
        evidence=("api/shop.queue",),
    )
    shown = show.custom(case(seen("shop.queue", row), seen("http.health"), findings=[high]))
    for text in ("Orders waiting: 42 orders", "shop.queue", "queue &lt;mail&gt;", "&lt;stats&gt;"):
        assert text in shown.html
    assert "http.health" not in shown.html
    assert len(shown.frame()) == 1


def test_what_could_not_be_asked_says_why():
    problem = Problem(kind=ProblemKind.NOT_FOUND, message="/x is not there", advice="check what writes it")
    shown = show.custom(case(seen("shop.file", problem=problem))).html
    assert "/x is not there" in shown
    assert "check what writes it" in shown

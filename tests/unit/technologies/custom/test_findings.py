"""The team's own probes: each side of each limit, and what is not known."""

from datetime import UTC, datetime

import pytest

from incident_lib.config import OwnProbe, ProbeKind
from incident_lib.errors import ProblemKind
from incident_lib.findings.base import Context
from incident_lib.investigation.analyze import analyze_one
from incident_lib.model import Evidence, EvidenceStatus, Problem, Window
from incident_lib.model.rows import Measurement
from incident_lib.technologies.custom.findings import own_analyzers

NOW = datetime(2026, 1, 15, 14, 31, tzinfo=UTC)


def judged(*values, problem=None, **keys):
    own = OwnProbe(
        name="shop.queue", target="api", kind=ProbeKind.FILE, file="f", title="Orders waiting", **keys
    )
    rows = tuple(
        Measurement(name=own.name, value=value, unit="orders", labels={"queue": f"q{number}"})
        for number, value in enumerate(values)
    )
    evidence = Evidence(
        probe=own.name,
        target="api",
        status=EvidenceStatus.FAILED if problem else EvidenceStatus.COLLECTED,
        collected_at=NOW,
        duration_seconds=0.1,
        source="s",
        rows=rows,
        problem=problem,
    )
    context = Context(window=Window(NOW, NOW), own=own_analyzers([own]))
    return [(one.id.removeprefix("shop.queue."), str(one.severity)) for one in analyze_one(evidence, context)]


@pytest.mark.parametrize(
    ("value", "bad", "expected"),
    [
        (99.9, "above", ("ok", "OK")),
        (100, "above", ("high", "WARNING")),
        (500, "above", ("high", "CRITICAL")),
        (101, "below", ("ok", "OK")),
        (100, "below", ("low", "WARNING")),
        (0, "below", ("low", "CRITICAL")),
    ],
)
def test_limits(value, bad, expected):
    critical = 500 if bad == "above" else 10
    assert judged(value, warning=100, critical=critical, bad=bad) == [expected]


def test_without_limits_nothing_is_called_ok():
    assert judged(7) == [("value", "INFO")]


def test_the_worst_of_several_samples_counts():
    assert judged(1, 7, 20, warning=5, critical=10) == [("high", "CRITICAL")]
    assert judged(1, 7, 20, warning=10, critical=5, bad="below") == [("low", "CRITICAL")]
    assert judged(None, 20, warning=5) == [("unknown", "UNKNOWN"), ("high", "WARNING")]


@pytest.mark.parametrize("values", [(), (None,), (None, 1)])
def test_what_is_not_known_is_never_ok(values):
    assert judged(*values, warning=5) == [("unknown", "UNKNOWN")]


@pytest.mark.parametrize("kind", list(ProblemKind))
def test_failed_evidence_is_unknown(kind):
    assert judged(problem=Problem(kind=kind, message="why"), warning=5) == [("unknown", "UNKNOWN")]

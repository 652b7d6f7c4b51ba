"""Judging the answers of health addresses."""

from datetime import UTC, datetime

import pytest

from incident_lib.errors import ProblemKind
from incident_lib.findings.base import Context
from incident_lib.findings.thresholds import Thresholds
from incident_lib.model import Evidence, EvidenceStatus, Finding, Problem, Window
from incident_lib.technologies.http.findings import ANALYZERS, ON_FAILURE
from incident_lib.technologies.http.rows import HealthPart, HttpAnswer

AT = datetime(2026, 1, 15, 14, 31, tzinfo=UTC)
CONTEXT = Context(window=Window(AT, AT), thresholds=Thresholds())


def row(path: str = "/health", status: int | None = 200, **fields: object) -> HttpAnswer:
    seconds = fields.pop("seconds", 0.01)
    values = {"url": f"http://backend{path}", "path": path, "status": status, "total_seconds": seconds}
    return HttpAnswer(**(values | {"sample_seconds": (seconds,)} | fields))


def evidence(*rows: HttpAnswer, kind: ProblemKind | None = None) -> Evidence:
    return Evidence(
        probe="http.health",
        target="backend",
        status=EvidenceStatus.FAILED if kind else EvidenceStatus.COLLECTED,
        collected_at=AT,
        duration_seconds=0.1,
        source="GET http://backend/health; GET http://backend/ready\n-- this machine",
        rows=rows,
        problem=Problem(kind=kind, message="as it is") if kind else None,
    )


def judge(*rows: HttpAnswer) -> list[Finding]:
    return list(ANALYZERS["http.health"](evidence(*rows), CONTEXT))


def test_all_is_well() -> None:
    (one,) = judge(row(), row("/ready", seconds=0.25))
    assert (one.id, one.severity) == ("http.health.ok", "OK")
    assert one.title == "all 2 health addresses answer, the slowest in 250 ms"


def test_no_rows_are_not_ok() -> None:
    assert judge() == []


@pytest.mark.parametrize(
    ("status", "severity"), [(500, "CRITICAL"), (503, "CRITICAL"), (404, "WARNING"), (302, "WARNING")]
)
def test_statuses(status: int, severity: str) -> None:
    (one,) = judge(row(), row("/ready", status))
    assert (one.id, one.severity, one.data["status"]) == ("http.health.status", severity, status)
    assert one.title == f"/ready answers {status}"


def test_one_finding_for_all_statuses_and_one_for_each_part() -> None:
    parts = (
        HealthPart(name="db", ok=False, text="down: refused"),
        HealthPart(name="mq", ok=False, text="down"),
    )
    found = judge(row("/health", 404), row("/ready", 503, parts=parts), row("/again", 503, parts=parts))
    assert [one.id for one in found] == ["http.health.status", "http.health.part", "http.health.part"]
    assert found[0].title == "3 of 3 health addresses fail: /ready answers 503: db is down, mq is down"
    assert [one.data["part"] for one in found[1:]] == ["db", "mq"]


def test_a_broken_part_of_a_200_is_a_warning() -> None:
    (one,) = judge(row(parts=(HealthPart(name="db", ok=False, text="down"),)))
    assert (one.id, one.severity) == ("http.health.part", "WARNING")


def test_slow_names_the_phase() -> None:
    (one,) = judge(row(seconds=2.5, first_byte_seconds=2.4, body_seconds=0.1))
    assert (one.id, one.severity, one.data["phase"]) == ("http.health.slow", "WARNING", "first_byte")
    assert one.title == "/health takes 2.5 s"


def test_the_middle_sample_counts() -> None:
    (one,) = judge(row(sample_seconds=(3.0, 0.1, 0.1)))
    assert one.id == "http.health.ok"


def test_the_limit_is_the_teams() -> None:
    patient = Context(window=CONTEXT.window, thresholds=Thresholds({"http.slow.warning_seconds": 5.0}))
    (one,) = ANALYZERS["http.health"](evidence(row(seconds=2.5)), patient)
    assert one.id == "http.health.ok"


def test_errors_of_one_kind_are_one_finding() -> None:
    late = row("/a", None, error_kind=ProblemKind.TIMED_OUT, error="late", silent=True)
    (one,) = judge(late, row("/b", None, error_kind=ProblemKind.TIMED_OUT, error="late", silent=True))
    assert (one.id, one.severity, one.data["count"]) == ("http.health.silent", "CRITICAL", 2)
    assert one.title == "the service accepts connections but sends nothing"


def test_an_answer_beside_an_error_is_not_ok() -> None:
    (one,) = judge(
        row(), row("/b", None, error_kind=ProblemKind.TIMED_OUT, error="started but did not finish")
    )
    assert (one.id, one.title) == ("http.health.timed_out", "/b: the service does not answer in time")


@pytest.mark.parametrize("kind", list(ProblemKind))
def test_a_failure_is_never_ok(kind: ProblemKind) -> None:
    (one,) = ON_FAILURE["http.health"](evidence(kind=kind), CONTEXT)
    assert one.id == f"http.health.{kind.value}"
    assert one.severity == ("UNKNOWN" if kind.is_ours else "CRITICAL")
    assert one.data["url"] == "http://backend/health"

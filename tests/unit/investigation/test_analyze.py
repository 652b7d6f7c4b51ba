from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from incident_lib.errors import ProblemKind
from incident_lib.findings.base import Context
from incident_lib.investigation.analyze import analyze, analyze_one
from incident_lib.model import Evidence, EvidenceStatus, FindingSeverity, Problem, Window
from incident_lib.model.rows import decode_row
from incident_lib.model.topology import Topology
from incident_lib.technologies import table
from incident_lib.technologies.logs.rows import LogSummary

NOW = datetime(2026, 1, 15, 14, 31, tzinfo=UTC)
CONTEXT = Context(window=Window(NOW - timedelta(minutes=15), NOW))
SHOP = Topology(kinds={"api": "http", "db": "postgres"}, depends_on={"api": ("db",)})
PROBES = [probe.name for technology in table().technologies for probe in technology.probes]


def failed(probe, kind, status=EvidenceStatus.FAILED, target="db"):
    return Evidence(
        probe=probe,
        target=target,
        status=status,
        collected_at=NOW,
        duration_seconds=1.0,
        source="s",
        problem=Problem(kind=kind, message="why", advice="what to do"),
    )


def test_every_probe_has_an_analyzer_and_none_is_left_over():
    assert sorted(name for each in table().technologies for name in each.analyzers) == sorted(PROBES)


@pytest.mark.parametrize("kind", list(ProblemKind))
@pytest.mark.parametrize("probe", PROBES)
def test_failed_evidence_is_never_ok(probe, kind):
    severities = {finding.severity for finding in analyze_one(failed(probe, kind), CONTEXT)}
    assert severities
    assert FindingSeverity.OK not in severities
    assert FindingSeverity.INFO not in severities


@pytest.mark.parametrize("kind", [kind for kind in ProblemKind if kind.is_ours])
@pytest.mark.parametrize("probe", PROBES)
def test_what_we_could_not_do_ourselves_is_no_alarm(probe, kind):
    findings = list(analyze_one(failed(probe, kind), CONTEXT))
    assert {finding.severity for finding in findings} == {FindingSeverity.UNKNOWN}


@pytest.mark.parametrize("probe", PROBES)
def test_what_was_skipped_is_unknown(probe):
    skipped = failed(probe, ProblemKind.SKIPPED, EvidenceStatus.SKIPPED)
    assert [finding.severity for finding in analyze_one(skipped, CONTEXT)] == [FindingSeverity.UNKNOWN]


def conclude(*evidence):
    return analyze(evidence, CONTEXT, snapshot="x", topology=SHOP, patterns=())


def test_what_was_judged_is_not_listed_as_unassessed():
    analysis = conclude(
        failed("postgres.connection", ProblemKind.REFUSED),
        failed("postgres.locks", ProblemKind.SKIPPED, EvidenceStatus.SKIPPED),
    )
    assert [one.probe for one in analysis.not_assessed] == ["postgres.locks"]
    assert [finding.severity.value for finding in analysis.findings] == ["CRITICAL", "UNKNOWN"]


def log(lines: int, read: int, target: str, **values: Any) -> Evidence:
    row = LogSummary(
        lines_count=lines,
        first_at=NOW - timedelta(minutes=9),
        last_at=NOW,
        bucket_seconds=10,
        levels={},
        formats={},
        errors_count=0,
        client_errors_count=0,
        timed_lines_count=lines,
        known_lines_count=read,
        read_lines_count=read,
        **{"has_times": True, "requests_count": 0, "server_errors_count": 0, **values},
    )
    return Evidence(
        probe="logs.lines",
        target=target,
        status=EvidenceStatus.COLLECTED,
        collected_at=NOW,
        duration_seconds=1.0,
        source="s",
        rows=(row,),
    )


def test_what_was_seen_and_could_not_be_judged_is_listed_once_with_its_reasons():
    analysis = conclude(
        log(400, 100, "api"),
        log(90, 0, "db", has_times=False, requests_count=60, server_errors_count=30),
        log(400, 390, "web"),
    )
    listed = {gap.target: gap.reason for gap in analysis.not_assessed}
    assert listed.keys() == {"api", "db"}
    assert len(analysis.not_assessed) == 2
    assert "only 25 % of 400 lines could be read" in listed["api"]
    assert "30 of 60 requests failed" in listed["db"]
    assert "the lines have no times" in listed["db"]


def test_a_refused_login_of_ours_is_unknown_while_its_users_are_well():
    analysis = conclude(failed("postgres.connection", ProblemKind.DENIED))
    assert [finding.severity.value for finding in analysis.findings] == ["UNKNOWN"]
    assert analysis.findings[0].id == "postgres.connection.denied"


def test_a_refused_login_stays_critical_where_its_users_are_unwell():
    analysis = conclude(
        failed("postgres.connection", ProblemKind.DENIED),
        failed("http.health", ProblemKind.REFUSED, target="api"),
    )
    assert {f.id: f.severity.value for f in analysis.findings}["postgres.connection.denied"] == "CRITICAL"


def test_records_of_an_unknown_kind_make_their_probe_unknown():
    row = decode_row({"row": "RedisShards", "count": 3})
    seen = Evidence(
        probe="redis.memory",
        target="cache",
        status=EvidenceStatus.COLLECTED,
        collected_at=NOW,
        duration_seconds=0.1,
        source="INFO",
        rows=(row,),
    )
    (finding,) = analyze_one(seen, CONTEXT)
    assert finding.severity is FindingSeverity.UNKNOWN
    assert "RedisShards" in finding.title

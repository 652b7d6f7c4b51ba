"""Two whole snapshots, from the folder: findings, hypotheses, names, and the baselines that are kept."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from incident_lib import config
from incident_lib.config import Settings
from incident_lib.errors import UsageError
from incident_lib.findings.thresholds import Thresholds
from incident_lib.incident.snapshot import SnapshotWriter
from incident_lib.investigation.baseline import (
    all_baselines,
    baseline_evidence,
    baselines_folder,
    newest_baseline,
)
from incident_lib.investigation.case import Case, load_case
from incident_lib.investigation.compare import compare
from incident_lib.investigation.snapshots import find_snapshot
from incident_lib.model import (
    Analysis,
    Evidence,
    EvidenceStatus,
    Finding,
    FindingSeverity,
    Hypothesis,
    Window,
)
from incident_lib.model.topology import Topology
from incident_lib.redact import Redactor
from incident_lib.reports.differences import render_page, summary
from incident_lib.technologies.http.rows import HttpAnswer
from tests.pages import without_our_script

AT = datetime(2026, 1, 15, 14, 31, tzinfo=UTC)


def settings(root: Path) -> Settings:
    path = root / "workbench.toml"
    if not path.exists():
        path.write_text('[workbench]\nincidents = "incidents"\n')
    return config.load(str(path))


def evidence(seconds: float | None, target: str = "backend") -> Evidence:
    rows = (
        HttpAnswer(
            url="http://b/health", path="/health", status=200, total_seconds=1, sample_seconds=(seconds,)
        ),
    )
    return Evidence(
        probe="http.health",
        target=target,
        status=EvidenceStatus.COLLECTED if seconds else EvidenceStatus.SKIPPED,
        collected_at=AT,
        duration_seconds=0.1,
        source="GET http://b/health",
        rows=rows if seconds else (),
    )


def found(name: str, severity: FindingSeverity) -> Finding:
    return Finding(
        id=f"http.health.{name}",
        severity=severity,
        target="backend",
        title=f"it is {name}",
        evidence=("backend/http.health",),
    )


def stored(
    root: Path,
    parent: str,
    seconds: float | None = 0.02,
    findings: tuple[Finding, ...] = (),
    hypotheses: tuple[Hypothesis, ...] = (),
) -> Case:
    writer = SnapshotWriter(root / parent, Window(AT - timedelta(minutes=15), AT), Redactor())
    writer.add(evidence(seconds))
    writer.seal(Analysis(snapshot=writer.id, findings=findings, hypotheses=hypotheses), Topology())
    return load_case(settings(root), writer.path)


def slow(rank: int) -> Hypothesis:
    return Hypothesis(id="dependency-slow", target="payments", rank=rank, score=0.8, title="payments is slow")


def changed(before: Case, now: Case) -> list[tuple[str, object, object, FindingSeverity]]:
    comparison = compare(before, now, thresholds=Thresholds())
    return [(each.id, each.before, each.now, each.severity) for each in comparison.differences]


def test_findings_are_new_gone_and_worse(tmp_path):
    critical, warning = FindingSeverity.CRITICAL, FindingSeverity.WARNING
    before = stored(tmp_path, "a", findings=(found("old", warning), found("both", warning)))
    now = stored(tmp_path, "b", findings=(found("new", critical), found("both", critical)))
    assert changed(before, now) == [
        ("finding.new", "not found", "CRITICAL", critical),
        ("finding.severity", "WARNING", "CRITICAL", critical),
        ("finding.gone", "WARNING", "not found", FindingSeverity.OK),
    ]


def test_a_finding_whose_probe_failed_is_not_gone(tmp_path):
    before = stored(tmp_path, "a", findings=(found("old", FindingSeverity.WARNING),))
    now = stored(tmp_path, "b", seconds=None)
    ids = {each[0]: each[1:] for each in changed(before, now)}
    assert ids["finding.gone"] == ("WARNING", None, FindingSeverity.UNKNOWN)
    assert ids["baseline.unknown"][-1] is FindingSeverity.UNKNOWN


def test_hypotheses_are_compared_by_rank(tmp_path):
    before, now = stored(tmp_path, "a"), stored(tmp_path, "b", hypotheses=(slow(1),))
    rank = ("hypothesis.rank", "not supported", "rank 1", FindingSeverity.WARNING)
    assert changed(before, now) == [rank]
    assert changed(now, before)[0][-1] is FindingSeverity.OK


def test_a_snapshot_does_not_differ_from_itself(tmp_path):
    case = stored(tmp_path, "a", findings=(found("old", FindingSeverity.WARNING),), hypotheses=(slow(1),))
    comparison = compare(case, case, thresholds=Thresholds())
    assert comparison.differences == ()
    assert summary(comparison.differences) == "Nothing differs in what was compared"


def test_the_newest_intact_baseline_is_normal(tmp_path):
    old = stored(tmp_path, "baselines/normal", seconds=0.01)
    new = stored(tmp_path, "baselines/night", seconds=0.5)
    here = settings(tmp_path)
    assert baselines_folder(here) == tmp_path / "baselines"
    assert [each.name for each in all_baselines(here)] == ["normal", "night"]
    assert baseline_evidence(here) == new.evidence
    (new.path / "findings.json").write_text("{}")
    newest = newest_baseline(here)
    assert newest is not None
    assert newest.path == old.path
    assert [each.intact for each in all_baselines(here)] == [True, False]


def test_without_a_baseline_there_is_no_evidence_of_one(tmp_path):
    here = settings(tmp_path)
    assert baseline_evidence(here) == ()
    with pytest.raises(UsageError, match="no baseline yet; take one on a healthy day"):
        find_snapshot(here, "baseline")


def test_snapshots_are_found_by_name_id_and_path(tmp_path):
    case = stored(tmp_path, "baselines/normal")
    here = settings(tmp_path)
    for name in ("baseline", "baseline:normal", case.snapshot, str(case.path)):
        found_case, label = find_snapshot(here, name)
        assert (found_case.snapshot, "normal" in label) == (case.snapshot, True)
    with pytest.raises(UsageError, match="no baseline 'night'; there are: normal"):
        find_snapshot(here, "baseline:night")
    with pytest.raises(UsageError, match="no incident 'nobody'"):
        find_snapshot(here, "nobody")


def test_the_page_is_one_file_and_escapes_what_it_shows(tmp_path):
    bad = Finding(
        id="http.health.x",
        severity=FindingSeverity.WARNING,
        target="backend",
        title="<script>alert(1)</script>",
        evidence=("backend/http.health",),
    )
    now = stored(tmp_path, "b", seconds=4.0, findings=(bad,))
    page = render_page(
        compare(stored(tmp_path, "a"), now, labels=("baseline", "now"), thresholds=Thresholds())
    )
    assert "<script" not in without_our_script(page)
    assert "&lt;script&gt;" in page
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "20 ms" in page
    assert "4 s" in page
    assert "2 worse" in page

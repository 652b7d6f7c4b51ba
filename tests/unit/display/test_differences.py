"""What notebooks show of a comparison and of a watch."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from msgspec.structs import replace

from incident_lib import config
from incident_lib.display.differences import against_normal, trends
from incident_lib.incident.folder import Declaration, declare
from incident_lib.incident.samples import writing_samples
from incident_lib.incident.snapshot import SnapshotWriter
from incident_lib.investigation.case import Case, load_case
from incident_lib.model import Analysis, Evidence, EvidenceStatus, IncidentSeverity, Window
from incident_lib.model.sample import Sample
from incident_lib.model.series import Reading
from incident_lib.model.topology import Topology
from incident_lib.redact import Redactor
from incident_lib.technologies.http.rows import HttpAnswer

AT = datetime(2026, 1, 15, 14, 31, tzinfo=UTC)
MIB = 2**20


def case(root: Path, parent: str, seconds: float) -> Case:
    (root / "workbench.toml").write_text('[workbench]\nincidents = "incidents"\n')
    answer = HttpAnswer(
        url="http://b/<b>", path="/<b>", status=200, total_seconds=seconds, sample_seconds=(seconds,)
    )
    evidence = Evidence(
        probe="http.health",
        target="backend",
        status=EvidenceStatus.COLLECTED,
        collected_at=AT,
        duration_seconds=0.1,
        source="GET",
        rows=(answer,),
    )
    writer = SnapshotWriter(root / parent, Window(AT, AT), Redactor())
    writer.add(evidence)
    writer.seal(Analysis(snapshot=writer.id), Topology())
    return load_case(config.load(str(root / "workbench.toml")), writer.path)


def memory(number: int) -> Sample:
    at = AT + timedelta(seconds=30 * number)
    reading = Reading(
        target="backend",
        name="memory",
        what="memory",
        value=float((100 + 20 * number) * MIB),
        unit="bytes",
        at=at,
        evidence="backend/process.state",
        limit=512.0 * MIB,
    )
    return Sample(at=at, readings=(reading,))


def test_now_is_set_against_the_newest_baseline(tmp_path):
    case(tmp_path, "baselines/normal", 0.02)
    block = against_normal(case(tmp_path, "incidents/x/snapshots", 4.0))
    assert repr(block) == "<1 worse>"
    assert "Compared with the baseline normal of 2" in block.html
    assert "/&lt;b&gt;" in block.html
    assert "<b>" not in block.html


def test_a_leak_is_told_and_drawn(tmp_path):
    declaration = Declaration(title="Memory", severity=IncidentSeverity.SEV3, started_at=AT)
    folder = declare(tmp_path / "incidents", declaration, Redactor())
    with writing_samples(folder.path, Redactor()) as writer:
        for number in range(10):
            writer.add(memory(number))
    now = replace(case(tmp_path, "incidents/x/snapshots", 0.02), folder=folder)
    block = trends(now)
    assert repr(block) == "<10 samples>"
    assert "Memory of backend rises and will reach its limit in about 6m" in block.html
    assert block.html.count("h0") == 10  # a dot for each sample
    assert "limit 512 MiB" in [text.get_text() for text in block.axes[0].texts]
    assert "limit 512 MiB" in block.html


def test_without_an_incident_nothing_was_watched(tmp_path):
    assert "--watch 30s" in trends(case(tmp_path, "s", 0.02)).html

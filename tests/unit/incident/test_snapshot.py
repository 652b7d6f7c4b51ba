import json
from datetime import UTC, datetime

import pytest

from incident_lib.errors import FolderError
from incident_lib.incident import folder as folders
from incident_lib.incident import manifest
from incident_lib.incident.events import Draft
from incident_lib.incident.folder import Declaration
from incident_lib.incident.snapshot import SnapshotWriter, load_about, load_analysis, load_evidence, read_log
from incident_lib.model import (
    Analysis,
    Attachment,
    EventKind,
    Evidence,
    EvidenceStatus,
    Finding,
    FindingSeverity,
    IncidentSeverity,
    Measurement,
    Problem,
    ProblemKind,
    Truncation,
    Window,
)
from incident_lib.model.topology import Topology
from incident_lib.redact import Redactor
from incident_lib.redact.found import remember

AT = datetime(2026, 1, 15, 14, 31, tzinfo=UTC)
WINDOW = Window(datetime(2026, 1, 15, 14, 16, tzinfo=UTC), AT)


def evidence(**changes):
    fields = {
        "probe": "logs.lines",
        "target": "backend",
        "status": EvidenceStatus.COLLECTED,
        "collected_at": AT,
        "duration_seconds": 0.1,
        "source": "read log",
    }
    return Evidence(**(fields | changes))


def write(tmp_path, *several):
    writer = SnapshotWriter(tmp_path, WINDOW, Redactor())
    for one in several:
        writer.add(one)
    writer.seal(Analysis(snapshot=writer.id), Topology(kinds={"backend": "http"}))
    return writer.path


def test_what_was_stored_is_what_comes_back(tmp_path):
    problem = Problem(kind=ProblemKind.PRIVILEGE, message="no right", advice="grant it")
    one = evidence(
        status=EvidenceStatus.PARTIAL,
        rows=(Measurement(name="lines", value=3.0), Measurement(name="unknown", value=None)),
        problem=problem,
        truncated=Truncation(kept=3, total=None, unit="lines"),
    )
    path = write(tmp_path, one)
    assert load_evidence(path) == (one,)
    assert load_about(path).window == WINDOW
    assert load_about(path).topology.kinds == {"backend": "http"}
    assert load_analysis(path) == Analysis(snapshot=path.name)
    assert manifest.differences(path) == []


def test_secrets_reach_neither_rows_nor_logs(tmp_path):
    chunks = (b"line one password=hunter2\nline ", b"two <script>\xff\xfe\n")
    one = evidence(
        rows=(Measurement(name="password=hunter2", value=None, labels={"token": "hunter2"}),),
        attachments=(Attachment(name="backend.log", chunks=chunks),),
        source="postgresql://app:hunter2@db/shop",
    )
    path = write(tmp_path, one)
    log = "".join(read_log(path, "backend"))
    assert log == "line one password=[secret]\nline two <script>\ufffd\ufffd\n"
    assert all(b"hunter2" not in file.read_bytes() for file in path.rglob("*") if file.is_file())


def test_an_attachment_that_fails_leaves_no_file(tmp_path):
    def chunks():
        yield b"first\n"
        raise KeyboardInterrupt

    writer = SnapshotWriter(tmp_path, WINDOW, Redactor())
    with pytest.raises(KeyboardInterrupt):
        writer.add(evidence(attachments=(Attachment(name="backend.log", chunks=chunks()),)))
    assert [path for path in writer.path.rglob("*") if path.is_file()] == []


def test_two_in_one_second_do_not_meet(tmp_path):
    assert write(tmp_path).name != write(tmp_path).name


def test_names_stay_inside_the_snapshot(tmp_path):
    path = write(tmp_path, evidence(target="../../x", probe="a/b"))
    assert [one.target for one in load_evidence(path)] == ["../../x"]
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(("change", "what"), [("edit", "changed"), ("unlink", "missing"), ("new", "added")])
def test_whatever_happens_to_a_sealed_file_is_told(tmp_path, change, what):
    path = write(tmp_path, evidence())
    file = path / "evidence" / "backend" / "logs.lines.json"
    if change == "edit":
        file.write_bytes(file.read_bytes() + b" ")
    elif change == "unlink":
        file.unlink()
    else:
        (path / "logs").mkdir()
        (path / "logs" / "x").write_text("x")
    assert [difference.what for difference in manifest.differences(path)] == [what]


def test_a_snapshot_that_was_never_sealed_says_so(tmp_path):
    writer = SnapshotWriter(tmp_path, WINDOW, Redactor())
    assert "not sealed" in manifest.differences(writer.path)[0].what
    with pytest.raises(FolderError, match="missing"):
        load_about(writer.path)


def test_a_broken_file_is_told_by_name(tmp_path):
    path = write(tmp_path, evidence())
    (path / "evidence" / "backend" / "logs.lines.json").write_text("{")
    with pytest.raises(FolderError, match=r"logs\.lines\.json"):
        load_evidence(path)


def judged(tmp_path):
    """Return an incident with a snapshot whose finding rests on evidence, of which a part is elsewhere."""
    declaration = Declaration(title="503s", severity=IncidentSeverity.SEV2, started_at=AT)
    folder = folders.declare(tmp_path, declaration, Redactor())
    writer = SnapshotWriter(folder.path / "snapshots", WINDOW, folder.redactor)
    writer.add(evidence())
    refs = ("backend/logs.lines", "db/of.a.baseline")
    severity = FindingSeverity.CRITICAL
    found = Finding(id="logs.lines.errors", severity=severity, target="backend", title="x", evidence=refs)
    writer.seal(Analysis(snapshot=writer.id, findings=(found,)), Topology())
    text = f"Snapshot {writer.id} was taken"
    folder.record(Draft(kind=EventKind.SNAPSHOT, text=text, source="collect"))
    return folder, writer.path


def test_findings_name_the_hash_of_the_evidence_they_rest_on(tmp_path):
    folder, path = judged(tmp_path)
    (finding,) = load_analysis(path).findings
    file = path / "evidence" / "backend" / "logs.lines.json"
    assert finding.evidence == ("backend/logs.lines", "db/of.a.baseline")
    assert finding.evidence_hashes == {"backend/logs.lines": manifest.digest_of(file)}
    assert folder.verify() == []


def test_evidence_that_was_put_under_a_finding_afterwards_is_found(tmp_path):
    folder, path = judged(tmp_path)
    file = path / "evidence" / "backend" / "logs.lines.json"
    file.write_bytes(file.read_bytes() + b" ")
    manifest.seal(path)
    (found,) = folder.verify()
    assert found.path == f"snapshots/{path.name}/findings.json"
    assert (found.what, found.is_bad) == (
        "changed: it rests on different evidence of backend/logs.lines",
        True,
    )
    file.unlink()
    manifest.seal(path)
    assert [one.path for one in folder.verify()] == [f"snapshots/{path.name}/findings.json"]


def test_evidence_that_was_redacted_again_is_no_other_evidence(tmp_path):
    folder, path = judged(tmp_path)
    file = path / "evidence" / "backend" / "logs.lines.json"
    relative = file.relative_to(folder.path).as_posix()
    old = manifest.Withdrawn(path=relative, sha256=manifest.digest_of(file), reason="a token")
    file.write_bytes(file.read_bytes() + b" ")
    manifest.seal(path, withdrawn=[old])
    assert [(one.path, one.what, one.is_bad) for one in folder.verify()] == [
        (relative, "redacted again", False)
    ]


def test_findings_of_before_name_no_hashes(tmp_path):
    folder, path = judged(tmp_path)
    file = path / "findings.json"
    document = json.loads(file.read_text())
    del document["findings"][0]["evidence_hashes"]
    file.write_text(json.dumps(document))
    manifest.seal(path)
    assert folder.verify() == []
    assert load_analysis(path).findings[0].evidence_hashes == {}


def test_what_was_stored_before_a_secret_was_found_is_redacted_before_it_is_sealed(tmp_path, monkeypatch):
    monkeypatch.setattr("incident_lib.redact.found._found", frozenset())
    writer = SnapshotWriter(tmp_path, WINDOW, Redactor())
    log = Attachment(name="backend.log", chunks=[b"one\nseen Zebra-77-Quokka\ntwo\n"])
    writer.add(evidence(source="read Zebra-77-Quokka", attachments=(log,)))
    writer.add(evidence(target="db"))
    remember(["Zebra-77-Quokka"])
    writer.seal(Analysis(snapshot=writer.id), Topology(kinds={}))
    assert "Zebra" not in "".join(read_log(writer.path, "backend"))
    assert "one\n" in list(read_log(writer.path, "backend"))
    assert b"Zebra" not in b"".join(path.read_bytes() for path in writer.path.rglob("*.json"))
    assert manifest.differences(writer.path) == []
    files = {hidden.file for hidden in load_about(writer.path).hidden_in}
    assert files == {"evidence/backend/logs.lines.json", "logs/backend.log.zst"}

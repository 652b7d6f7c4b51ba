"""`incident postmortem` in a real incident folder: files, verification, people's text, the linter."""

from datetime import UTC, datetime

import pytest

from incident_lib.errors import UsageError
from incident_lib.incident.folder import Declaration, declare
from incident_lib.incident.snapshot import SnapshotWriter
from incident_lib.model import Analysis, Finding, FindingSeverity, Hypothesis, IncidentSeverity, Window
from incident_lib.model.topology import Topology
from incident_lib.redact import Redactor
from tests import command

START = datetime(2026, 1, 15, 14, 31, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    told = Declaration(
        title="Checkout | fails", severity=IncidentSeverity.SEV2, started_at=START, commander="Kim Doe"
    )
    return declare(tmp_path / "incidents", told, Redactor())


@pytest.fixture
def run(folder):
    def call(*words):
        return command.run("postmortem", *words)

    return call


def take_snapshot(folder):
    writer = SnapshotWriter(folder.path / "snapshots", Window(START, START), Redactor())
    blocked = Finding(
        id="postgres.locks.blocked", severity=FindingSeverity.CRITICAL, target="db", title="5 sessions wait"
    )
    locks = Hypothesis(
        id="lock-contention",
        target="db",
        rank=1,
        score=0.9,
        title="Waiting",
        support=("postgres.locks.blocked",),
    )
    writer.seal(Analysis(snapshot=writer.id, findings=(blocked,), hypotheses=(locks,)), Topology())


def test_it_works_without_a_snapshot_and_is_verified(run, folder, capsys):
    assert run() == 0
    out = capsys.readouterr().out
    assert "48 h after it is resolved" in out
    assert "Still to write: Header, Summary" in out
    page = (folder.path / "postmortem-2026-01-15.html").read_text()
    assert "Checkout | fails" in page
    assert "https://" not in page
    assert folder.verify() == []


def test_a_second_time_changes_nothing(run, folder):
    take_snapshot(folder)
    run()
    before = (folder.path / "postmortem-2026-01-15.md").read_bytes()
    events = len(folder.events)
    run()
    assert (folder.path / "postmortem-2026-01-15.md").read_bytes() == before
    assert len(folder.events) == events


def test_what_a_person_wrote_survives_new_evidence_and_is_told_as_edited(run, folder):
    run()
    path = folder.path / "postmortem-2026-01-15.md"
    mine = "Write to jane@example.com, password=hunter2"
    path.write_text(path.read_text().replace("_TO WRITE: what should every team know?_", mine))
    assert [(one.what, one.is_bad) for one in folder.verify()] == [("edited by a person", False)]
    take_snapshot(folder)
    run()
    text = path.read_text()
    assert mine in text
    assert "Most likely cause, not confirmed: Waiting." in text
    assert "hunter2" not in path.with_suffix(".html").read_text()


def test_a_person_may_confirm_or_refute(run, folder):
    take_snapshot(folder)
    run("--confirm", "lock-contention")
    assert "Cause, confirmed: Waiting." in (folder.path / "postmortem-2026-01-15.md").read_text()
    run("--refute", "db:lock-contention")
    text = (folder.path / "postmortem-2026-01-15.md").read_text()
    assert "refuted by a person" in text
    with pytest.raises(UsageError, match="there are: lock-contention"):
        run("--confirm", "db-down")


def test_a_snapshot_that_was_interrupted_is_left_out_and_told(run, folder, capsys):
    (folder.path / "snapshots" / "20260115T143105Z").mkdir(parents=True)
    assert run() == 0
    assert "left out:" in capsys.readouterr().err


def test_the_linter_reads_only_and_its_answer_is_the_exit_code(run, folder, capsys):
    with pytest.raises(UsageError, match="no post-mortem yet"):
        run("--lint")
    run()
    path = folder.path / "postmortem-2026-01-15.md"
    path.write_text("## Root cause\n\nAt 14:31 Kim ran it.\n")
    assert run("--lint") == 1
    out = capsys.readouterr().out
    assert "postmortem-2026-01-15.md:3: name: Kim" in out
    path.write_text("## Root cause\n\nAt 14:31 the migration began.\n")
    assert run("--lint") == 0

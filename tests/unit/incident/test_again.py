"""An incident that holds a secret nobody knew of, redacted again: it is gone, and `verify` agrees."""

import base64
import html
import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
import zstandard

from incident_lib.errors import RedactionError
from incident_lib.incident import folder as folders
from incident_lib.incident import lifecycle, manifest
from incident_lib.incident.again import JOURNAL, redact_again
from incident_lib.incident.events import Draft
from incident_lib.incident.folder import Declaration, IncidentFolder
from incident_lib.incident.snapshot import SnapshotWriter, load_evidence, read_log
from incident_lib.model import (
    Analysis,
    Attachment,
    EventKind,
    Evidence,
    EvidenceStatus,
    IncidentSeverity,
    Measurement,
    Window,
)
from incident_lib.model.topology import Topology
from incident_lib.redact import Redactor
from incident_lib.redact.marks import Marks

START = datetime(2026, 1, 15, 14, 31, tzinfo=UTC)
SECRET = "Zebra<77>Quokka"
_BASE64 = base64.b64encode(f"app:{SECRET}".encode()).decode()


@pytest.fixture
def folder(tmp_path: Path) -> IncidentFolder:
    return _incident(tmp_path)


def _incident(place: Path) -> IncidentFolder:
    """Return an incident whose files hold the secret wherever text can stand."""
    declaration = Declaration(
        title=f"Checkout {SECRET} down", severity=IncidentSeverity.SEV2, started_at=START
    )
    folder = folders.declare(place, declaration, Redactor())
    folder.record(Draft(kind=EventKind.TASK, text=f"rotate {SECRET}", source="cli", data={"owner": "Ana"}))
    task = folder.incident.tasks[0]
    folder.record(Draft(kind=EventKind.NOTE, text="nothing here", source="cli"))
    folder.record(Draft(kind=EventKind.TASK, text="done", source="cli", data={"done": task.id}))
    writer = SnapshotWriter(folder.path / "snapshots", Window(START, START), Redactor())
    log = "".join(f"line {number} of {SECRET if number % 100 == 7 else 'x'}\n" for number in range(600))
    for target, source in (("backend", f"read {SECRET}"), ("db", "read nothing")):
        writer.add(
            Evidence(
                probe="logs.lines",
                target=target,
                status=EvidenceStatus.COLLECTED,
                collected_at=START,
                duration_seconds=0.1,
                source=source,
                rows=(Measurement(name="lines", value=3.0),),
                attachments=(Attachment(name=f"{target}.log", chunks=[log.encode()]),),
            )
        )
    writer.seal(Analysis(snapshot=writer.id), Topology())
    folder.record(Draft(kind=EventKind.SNAPSHOT, text=f"Snapshot {writer.id} was taken", source="collect"))
    run = folder.new_run()
    output = {"output_type": "stream", "name": "stdout", "text": [f"login {_BASE64}\n"]}
    cell = {"cell_type": "code", "id": "a", "metadata": {}, "source": ["x"], "outputs": [output]}
    (run / "one.ipynb").write_text(json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4}))
    (run / "one.html").write_text(f"<p title='{html.escape(SECRET)}'>as {html.escape(SECRET)} said</p>")
    (run / "clean.html").write_text("<p>nothing</p>")
    folder.seal_run(run)
    folder.record(Draft(kind=EventKind.RUN, text=f"Run {run.name}: done", source="run"))
    for path, text in (
        ("communication/update.md", f"| a | {SECRET} |\n"),
        ("postmortem-2026-01-15.md", SECRET),
    ):
        (folder.path / path).parent.mkdir(exist_ok=True)
        (folder.path / path).write_text(text)
    (folder.path / "attachments").mkdir()
    (folder.path / "attachments/old.txt").write_bytes(f"caf\xe9 {SECRET}".encode("latin-1"))
    (folder.path / "attachments/picture.png").write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0")
    return folder


def _knowing(folder: IncidentFolder) -> IncidentFolder:
    return IncidentFolder(folder.path, Redactor([SECRET], marks=Marks(bytes(32))))


def _holding(folder: IncidentFolder) -> list[str]:
    """Return the files in which a search finds the value, packed and encoded ones opened."""
    spelled = {SECRET, html.escape(SECRET), json.dumps(SECRET)[1:-1], _BASE64}
    found = []
    for path in folder.path.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            if path.suffix == ".zst":
                data = zstandard.ZstdDecompressor().decompressobj().decompress(data)
            if any(text.encode() in data for text in spelled):
                found.append(path.relative_to(folder.path).as_posix())
    return found


def _bad(folder: IncidentFolder) -> list[manifest.Difference]:
    return [difference for difference in folder.verify() if difference.is_bad]


def test_afterwards_a_search_finds_nothing_and_verify_agrees(folder):
    assert len(_holding(folder)) == 11
    known = _knowing(folder)
    again = redact_again(known)
    assert _holding(folder) == []
    assert len(again.files) == 8
    assert len(again.events) == 3  # the declaration, the task, and the one that says it is done
    assert again.not_read == ["attachments/picture.png"]
    assert SECRET not in repr(again)
    assert _bad(folder) == []
    reported = {found.path for found in folder.verify() if found.what == manifest.AGAIN}
    assert {*again.files, *again.events} == reported
    assert not (folder.path / JOURNAL).exists()


def test_what_was_no_secret_is_as_it_was(folder):
    snapshot = folder.snapshots[0]
    before = (snapshot / "evidence/db/logs.lines.json").read_bytes()
    clean = (folder.runs[0] / "clean.html").read_bytes()
    known = _knowing(folder)
    redact_again(known)
    assert (snapshot / "evidence/db/logs.lines.json").read_bytes() == before
    assert (folder.runs[0] / "clean.html").read_bytes() == clean
    assert {evidence.target for evidence in load_evidence(snapshot)} == {"backend", "db"}
    assert sum("line" in line for line in read_log(snapshot, "backend")) == 600
    incident = IncidentFolder(folder.path, Redactor()).incident
    assert incident.tasks[0].done_at is not None
    assert "Checkout" in incident.title
    assert incident.started_at == START
    assert [task.owner for task in incident.tasks] == ["Ana"]


def test_a_second_call_finds_nothing_to_do(folder):
    redact_again(_knowing(folder))
    before = {path: path.read_bytes() for path in folder.path.rglob("*") if path.is_file()}
    again = redact_again(_knowing(folder))
    assert not again.files
    assert not again.events
    assert before == {path: path.read_bytes() for path in folder.path.rglob("*") if path.is_file()}


def test_what_was_changed_before_is_not_sealed_again(folder):
    run = folder.runs[0]
    (run / "clean.html").write_text("<p>somebody was here</p>")
    again = redact_again(_knowing(folder))
    assert again.not_sealed == [f"runs/{run.name}"]
    assert _holding(folder) == []
    assert f"runs/{run.name}/clean.html" in {found.path for found in _bad(folder)}
    redact_again(_knowing(folder))
    assert f"runs/{run.name}/clean.html" in {found.path for found in _bad(folder)}


def test_a_changed_file_that_holds_the_secret_is_not_sealed_by_a_call_that_was_killed(folder, monkeypatch):
    page = folder.runs[0] / "one.html"
    page.write_text(f"<p>forged {html.escape(SECRET)}</p>")

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(manifest, "seal", killed)
        with pytest.raises(KeyboardInterrupt):
            redact_again(_knowing(folder))
    assert page.relative_to(folder.path).as_posix() in {found.path for found in _bad(folder)}
    redact_again(_knowing(folder))
    assert _holding(folder) == []
    assert page.relative_to(folder.path).as_posix() in {found.path for found in _bad(folder)}


def test_killed_at_any_step_the_next_call_finishes(tmp_path, monkeypatch):
    steps = _steps(tmp_path / "all", monkeypatch, None)
    assert steps > 20
    for number in range(0, steps, 8):
        place = tmp_path / str(number)
        _steps(place, monkeypatch, number)
        (path,) = place.glob("20*")
        folder = IncidentFolder(path, Redactor())
        assert _bad(folder) == [], number
        redact_again(_knowing(folder))
        assert _holding(folder) == [], number
        assert _bad(folder) == [], number
        assert not (path / JOURNAL).exists()
        assert [event.kind for event in folder.events].count(EventKind.TASK) == 2
        assert lifecycle.fold(folder.id, folder.events).tasks[0].done_at


def _steps(place: Path, monkeypatch, last: int | None) -> int:
    """Redact an incident again, killed before the change to the disk of that number; return how many were."""
    folder, done = _incident(place), 0

    def counted(name: str) -> None:
        original = getattr(os, name)

        def step(*args: object, **kwargs: object) -> object:
            nonlocal done
            if done == last:
                raise KeyboardInterrupt
            done += 1
            return original(*args, **kwargs)

        patched.setattr(os, name, step)

    with monkeypatch.context() as patched:
        for name in ("replace", "unlink"):
            counted(name)
        try:
            redact_again(_knowing(folder))
        except KeyboardInterrupt:
            assert last is not None
    return done


def test_where_redaction_fails_nothing_is_touched(folder, monkeypatch):
    before = {path: path.read_bytes() for path in folder.path.rglob("*") if path.is_file()}

    def broken(self: Redactor, text: str) -> str:
        if "nothing here" in text:
            raise RedactionError("redaction failed, so nothing was written")
        return text.replace(SECRET, "[secret]")

    monkeypatch.setattr(Redactor, "text", broken)
    with pytest.raises(RedactionError):
        redact_again(_knowing(folder))
    assert before == {path: path.read_bytes() for path in folder.path.rglob("*") if path.is_file()}

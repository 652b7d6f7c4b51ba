import shutil
from datetime import UTC, datetime

import msgspec
import pytest

from incident_lib.incident import folder as folders
from incident_lib.incident import manifest
from incident_lib.incident.events import Draft
from incident_lib.incident.folder import Declaration
from incident_lib.incident.manifest import Manifest, Withdrawn
from incident_lib.model import EventKind, IncidentSeverity
from incident_lib.redact import Redactor

START = datetime(2026, 1, 15, 14, 31, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path):
    declaration = Declaration(title="Checkout 503s", severity=IncidentSeverity.SEV2, started_at=START)
    return folders.declare(tmp_path, declaration, Redactor())


def sealed_run(folder, **files):
    run = folder.new_run()
    for name, text in files.items():
        (run / f"{name}.json").write_text(text)
    folder.seal_run(run)
    folder.record(Draft(kind=EventKind.RUN, text=f"Run {run.name}: done", source="run"))
    return run


def withdrawn(folder, path, reason="a password was found"):
    relative = path.relative_to(folder.path).as_posix()
    return Withdrawn(path=relative, sha256=manifest.digest_of(path), reason=reason)


def bad(folder):
    return {(found.path, found.what) for found in folder.verify() if found.is_bad}


def test_a_manifest_names_all_manifests_and_the_event_its_writer_saw(folder):
    first, second = sealed_run(folder, a="1"), sealed_run(folder, a="2")
    known = manifest.load(second)
    assert known.seen == {f"runs/{first.name}": manifest.digest_of(first / manifest.NAME)}
    assert known.newest_event == folder.events[-2].id
    assert manifest.load(first).seen == {}
    assert folder.verify() == []


@pytest.mark.parametrize("is_recorded", [True, False])
def test_a_sealed_folder_that_a_later_one_names_does_not_vanish(folder, is_recorded):
    first = sealed_run(folder, a="1")
    if not is_recorded:
        first = folder.new_run()
        folder.seal_run(first)
    second = sealed_run(folder, a="2")
    shutil.rmtree(first)
    ((path, what),) = bad(folder)
    assert path == f"runs/{first.name}/manifest.json"
    assert what.startswith("missing")
    assert second.name in what or is_recorded


def test_the_newest_run_is_missed_by_the_timeline(folder):
    run = sealed_run(folder, a="1")
    shutil.rmtree(run)
    assert bad(folder) == {(f"runs/{run.name}/manifest.json", "missing")}


def test_a_folder_that_was_sealed_again_in_secret_is_found(folder):
    first, second = sealed_run(folder, a="1"), sealed_run(folder, a="2")
    (first / "a.json").write_text("nothing happened")
    manifest.seal(first)
    assert bad(folder) == {(f"runs/{first.name}/manifest.json", f"changed since runs/{second.name} saw it")}


def test_two_clones_that_wrote_at_once_are_both_right(folder, tmp_path):
    sealed_run(folder, a="1")
    other = tmp_path / "clone" / folder.id
    shutil.copytree(folder.path, other)
    there = folders.IncidentFolder(other, Redactor())
    here, elsewhere = sealed_run(folder, a="here"), there.new_run()
    (elsewhere / "a.json").write_text("there")
    there.seal_run(elsewhere)
    shutil.copytree(elsewhere, folder.path / "runs" / f"{elsewhere.name}-there")
    assert set(manifest.load(here).seen) == set(manifest.load(elsewhere).seen)
    assert bad(folder) == set()


def test_what_was_redacted_again_is_reported_and_not_bad(folder):
    first, second = sealed_run(folder, a="password=x", b="2"), sealed_run(folder, a="2")
    old = [withdrawn(folder, first / f"{name}.json") for name in ("a", "b")]
    (first / "a.json").write_text("password=[secret]")
    (first / "b.json").unlink()
    manifest.seal(first, withdrawn=old)
    found = folder.verify()
    assert {(one.path, one.what, one.is_bad) for one in found} == {
        (f"runs/{first.name}/{name}.json", "redacted again", False) for name in ("a", "b")
    }
    reasons = {one.reason for one in manifest.load(first).withdrawn}
    assert reasons == {"a password was found"}
    assert all(one.at for one in manifest.load(first).withdrawn)
    third = sealed_run(folder, a="3")
    assert manifest.load(third).seen[f"runs/{first.name}"] == manifest.digest_of(first / manifest.NAME)
    assert manifest.load(third).seen[f"runs/{second.name}"] == manifest.digest_of(second / manifest.NAME)

    (first / "a.json").write_text("changed afterwards")
    assert bad(folder) == {(f"runs/{first.name}/a.json", "changed")}


def test_redacting_twice_keeps_what_was_withdrawn_first(folder):
    first = sealed_run(folder, a="1")
    sealed_run(folder, a="2")
    for number, text in enumerate(("redacted", "again")):
        old = withdrawn(folder, first / "a.json", reason=f"reason {number}")
        (first / "a.json").write_text(text)
        manifest.seal(first, withdrawn=[old])
    assert [one.reason for one in manifest.load(first).withdrawn] == ["reason 0"] * 2 + ["reason 1"] * 2
    assert bad(folder) == set()


def test_what_is_withdrawn_and_still_there_is_bad(folder):
    first = sealed_run(folder, a="1")
    manifest.seal(first, withdrawn=[withdrawn(folder, first / "a.json")])
    assert bad(folder) == {(f"runs/{first.name}/a.json", "withdrawn, but still there")}


def test_an_event_may_be_withdrawn(folder):
    folder.record(Draft(kind=EventKind.NOTE, text="password=hunter2", source="test"))
    run = sealed_run(folder, a="1")
    event = next(folder.path.glob(f"events/*-{folder.events[1].id}.json"))
    old = withdrawn(folder, event)
    event.unlink()
    assert bad(folder)
    place = manifest.withdraw(folder.path, [old])
    assert [(one.path, one.what, one.is_bad) for one in folder.verify()] == [
        (old.path, "redacted again", False)
    ]
    assert f"runs/{run.name}" in manifest.load(place).seen
    shutil.rmtree(place)
    assert bad(folder)


def test_the_newest_event_does_not_vanish_with_its_mention(folder):
    folder.record(Draft(kind=EventKind.NOTE, text="we broke it", source="test"))
    run = folder.new_run()
    folder.seal_run(run)
    newest = folder.events[-1]
    next(folder.path.glob(f"events/*-{newest.id}.json")).unlink()
    folder.derive()
    assert bad(folder) == {(f"events/...-{newest.id}.json", "missing")}


def test_old_manifests_stay_valid(folder):
    run = sealed_run(folder, a="1")
    path = run / manifest.NAME
    old = msgspec.json.decode(path.read_bytes())
    path.write_bytes(msgspec.json.encode({key: old[key] for key in ("schema", "sealed_at", "files")}))
    assert folder.verify() == []
    assert manifest.load(run).seen == {}


@pytest.mark.parametrize(
    "change",
    [
        {"seen": {"../../elsewhere": "0" * 64, "/etc": "0" * 64}},
        {"withdrawn": [{"path": "../../../etc/passwd", "sha256": "0" * 64, "reason": "x"}]},
        {"withdrawn": [{"path": "/dev/zero", "sha256": "0" * 64, "reason": "x"}]},
        {"seen": "nonsense"},
    ],
)
def test_a_hostile_manifest_leads_nowhere(folder, change):
    run = sealed_run(folder, a="1")
    path = run / manifest.NAME
    path.write_bytes(msgspec.json.encode({**msgspec.json.decode(path.read_bytes()), **change}))
    assert folder.verify()


def test_a_manifest_nested_without_end_is_named(folder):
    run = sealed_run(folder, a="1")
    (run / manifest.NAME).write_text("[" * 200_000)
    ((path, what),) = bad(folder)
    assert path == f"runs/{run.name}/manifest.json"
    assert "cannot be read" in what


def test_a_link_is_no_sealed_file(folder, tmp_path):
    run = sealed_run(folder, a="1")
    (tmp_path / "elsewhere").write_text("1")
    (run / "a.json").unlink()
    (run / "a.json").symlink_to(tmp_path / "elsewhere")
    (run / "b.json").symlink_to(tmp_path / "elsewhere")
    assert bad(folder) == {
        (f"runs/{run.name}/a.json", "missing"),
        (f"runs/{run.name}/b.json", "added"),
    }


def test_a_manifest_without_an_incident_names_nothing(tmp_path):
    place = tmp_path / "snapshots" / "20260115T143105Z"
    place.mkdir(parents=True)
    manifest.seal(place)
    known = manifest.load(place)
    assert (known.seen, known.newest_event) == ({}, "")
    assert isinstance(known, Manifest)

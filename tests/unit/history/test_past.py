import shutil

import pytest

from incident_lib.errors import FolderError
from incident_lib.history.past import folders, read, read_all
from tests.unit.history.made import FULL, incident, note


def test_no_folder_and_an_empty_one_hold_nothing(tmp_path):
    assert read_all(tmp_path / "nowhere") == ((), ())
    assert read_all(tmp_path) == ((), ())


def test_the_one_declared_last_comes_first(tmp_path):
    first, second = incident(tmp_path, "first"), incident(tmp_path, "a second")
    assert [path.name for path in folders(tmp_path)[0]] == [second.id, first.id]


def test_a_copy_is_told_and_counts_once(tmp_path):
    folder = incident(tmp_path, "first")
    for name in ("copy", "copied-elsewhere-by-hand-and-renamed"):
        shutil.copytree(folder.path, tmp_path / name)
    known, damaged = read_all(tmp_path)
    assert [one.path.name for one in known] == [folder.id]
    assert {one.path for one in damaged} == {"copy", "copied-elsewhere-by-hand-and-renamed"}
    assert f"a copy of the incident {folder.id}" in damaged[0].text


def test_a_moved_folder_is_still_the_incident(tmp_path):
    folder = incident(tmp_path, "first", FULL)
    folder.path.rename(tmp_path / "renamed")
    (one,) = read_all(tmp_path)[0]
    assert (one.incident.id, one.incident.title) == ("renamed", "first")


def test_what_never_was_an_incident_is_passed_over(tmp_path):
    (tmp_path / "notes").mkdir()
    (tmp_path / "readme.txt").write_text("x")
    (tmp_path / ".open-x" / "events").mkdir(parents=True)
    assert folders(tmp_path) == ((), ())


@pytest.mark.parametrize("part", ["incident.json", "snapshots"])
def test_without_events_it_is_told(tmp_path, part):
    gone, well = incident(tmp_path, "gone", FULL), incident(tmp_path, "well")
    shutil.rmtree(gone.path / "events")
    if part == "incident.json":
        shutil.rmtree(gone.path / "snapshots")
    known, damaged = read_all(tmp_path)
    assert [one.path.name for one in known] == [well.id]
    assert [(one.path, "it has no events" in one.text) for one in damaged] == [(gone.id, True)]


@pytest.mark.parametrize("text", ['"severity": "SEV9"', '"severity": 3', '"nothing": ""'])
def test_an_event_edited_by_hand_is_told_and_hides_no_other(tmp_path, text):
    edited, well = incident(tmp_path, "edited"), incident(tmp_path, "well")
    (path,) = (edited.path / "events").iterdir()
    path.write_text(path.read_text().replace('"severity": "SEV2"', text))
    known, damaged = read_all(tmp_path)
    assert [one.path.name for one in known] == [well.id]
    assert [one.path for one in damaged] == [edited.id]
    with pytest.raises(FolderError):
        read(edited.path)


@pytest.mark.parametrize("name", ["findings.json", "snapshot.json"])
@pytest.mark.parametrize("text", ["{", "", "[]", '{"snapshot": "\udcff"}'])
def test_a_broken_snapshot_is_told_and_the_rest_counts(tmp_path, name, text):
    folder = incident(tmp_path, "partly", FULL, FULL)
    note(folder, "still here")
    (folder.snapshots[0] / name).write_bytes(text.encode("utf-8", "surrogateescape"))
    known, damaged = read_all(tmp_path)
    assert len(known[0].snapshots) == 1
    assert damaged[0].path.startswith(f"{folder.id}/snapshots/")


def test_an_unfinished_snapshot_is_told(tmp_path):
    folder = incident(tmp_path, "stopped", FULL)
    (folder.snapshots[0] / "findings.json").unlink()
    assert read_all(tmp_path)[1][0].text == "never finished"

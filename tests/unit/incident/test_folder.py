import errno
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from incident_lib.errors import FolderError, RedactionError, UsageError
from incident_lib.incident import files, manifest
from incident_lib.incident import folder as folders
from incident_lib.incident.events import Draft
from incident_lib.incident.folder import Declaration
from incident_lib.model import EventKind, IncidentSeverity, IncidentStatus
from incident_lib.redact import Redactor

START = datetime(2026, 1, 15, 14, 31, tzinfo=UTC)


def declare(where, title="Checkout 503s"):
    declaration = Declaration(title=title, severity=IncidentSeverity.SEV2, started_at=START)
    return folders.declare(where, declaration, Redactor())


def status(folder, value):
    folder.record(Draft(kind=EventKind.STATUS, text="", source="test", data={"status": value}))


def test_the_id_is_the_date_and_the_title(tmp_path):
    assert declare(tmp_path).id == "2026-01-15-checkout-503s"
    assert declare(tmp_path).id == "2026-01-15-checkout-503s-2"


@pytest.mark.parametrize(
    "title",
    [
        "../../etc/passwd",
        'a "quoted" | title',
        "💥💥",
        "x" * 500,
        "line\nbreak",
        "<script>alert(1)</script>",
        "日本",
    ],
)
def test_any_title_makes_a_safe_folder(tmp_path, title):
    folder = declare(tmp_path, title)
    assert folder.path.parent == tmp_path
    assert len(folder.id) <= 70
    assert folder.incident.title == " ".join(title.split())


def test_a_secret_in_a_title_is_hidden(tmp_path):
    assert "hunter2" not in str(declare(tmp_path, "login password=hunter2 fails").incident)


def test_state_is_a_fold_over_events(tmp_path):
    folder = declare(tmp_path)
    status(folder, "IDENTIFIED")
    assert folder.incident.status is IncidentStatus.IDENTIFIED
    assert folder.incident.is_open
    status(folder, "RESOLVED")
    assert folder.incident.next_update_at is None
    status(folder, "INVESTIGATING")
    assert folder.incident.resolved_at is None


def test_the_newest_that_is_not_closed_is_found(tmp_path):
    first, second = declare(tmp_path, "first"), declare(tmp_path, "second")
    assert folders.find(tmp_path, "", Redactor()).id == second.id
    status(second, "CLOSED")
    assert folders.find(tmp_path, "", Redactor()).id == first.id
    status(first, "CLOSED")
    assert folders.find(tmp_path, "", Redactor()).id == second.id
    assert folders.newest_open(tmp_path, Redactor()) is None


def test_a_name_that_does_not_exist_names_those_that_do(tmp_path):
    folder = declare(tmp_path)
    with pytest.raises(UsageError, match=folder.id):
        folders.find(tmp_path, "nope", Redactor())


def test_writers_at_once_lose_nothing(tmp_path):
    folder = declare(tmp_path)

    def write(number):
        folder.record(Draft(kind=EventKind.NOTE, text=f"note {number}", source="test"))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(40)))
    assert len(folder.events) == 41
    assert {event.text for event in folder.events[1:]} == {f"note {number}" for number in range(40)}
    assert folder.verify() == []


def test_declaring_at_once_makes_as_many_folders(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: declare(tmp_path), range(16)))
    assert len({folder.id for folder in made}) == 16


@pytest.mark.parametrize("position", [0, 1, 2])
def test_a_changed_event_is_told(tmp_path, position):
    folder = declare(tmp_path)
    for text in ("one", "two"):
        folder.record(Draft(kind=EventKind.NOTE, text=text, source="test"))
    path = sorted((folder.path / "events").iterdir())[position]
    text = path.read_text()
    path.write_text(text.replace('"source": "', '"source": "not '))
    assert [d.what for d in folder.verify()] == ["changed"]


@pytest.mark.parametrize("position", [0, 1, 2])
def test_a_missing_event_is_told(tmp_path, position):
    folder = declare(tmp_path)
    for text in ("one", "two"):
        folder.record(Draft(kind=EventKind.NOTE, text=text, source="test"))
    sorted((folder.path / "events").iterdir())[position].unlink()
    assert "missing" in [d.what for d in folder.verify()]


def test_an_added_file_is_told(tmp_path):
    folder = declare(tmp_path)
    (folder.path / "events" / "20260115T000000.000000Z-0123456789abcdef.json").write_text("{}")
    (folder.path / "events" / "hello.txt").write_text("x")
    assert len(folder.verify()) == 2


def test_a_half_written_event_was_never_acknowledged(tmp_path):
    folder = declare(tmp_path)
    (folder.path / "events" / ".20260115.part").write_text('{"id"')
    assert [(d.what[:10], d.is_bad) for d in folder.verify()] == [("unfinished", False)]
    assert len(folder.events) == 1


def test_a_draft_that_a_person_edited_is_no_damage(tmp_path):
    folder = declare(tmp_path)
    path = folder.write_text("communication/a.md", "text")
    data = {"file": "communication/a.md", "sha256": "0" * 64}
    folder.record(Draft(kind=EventKind.NOTE, text="draft", source="test", data=data))
    assert [(d.what, d.is_bad) for d in folder.verify()] == [("edited by a person", False)]
    path.unlink()
    assert [(d.what, d.is_bad) for d in folder.verify()] == [("removed by a person", False)]


def test_a_folder_without_its_declaration_says_so(tmp_path):
    folder = declare(tmp_path)
    for path in (folder.path / "events").iterdir():
        path.unlink()
    with pytest.raises(FolderError, match="no event declares"):
        _ = folder.incident


def test_a_full_disk_is_told_in_words():
    told = files.folder_error(files.Path("/x"), OSError(errno.ENOSPC, "No space left on device"))
    assert "the disk is full" in str(told)


def test_an_interrupted_write_leaves_nothing(tmp_path):
    target = tmp_path / "folder"
    target.mkdir()
    (target / "name").mkdir()  # renaming a file over a folder fails after the data was written
    with pytest.raises(FolderError):
        files.write_atomic(target / "name", b"data")
    assert [path.name for path in target.iterdir()] == ["name"]


def test_a_snapshot_that_was_killed_does_not_hide_the_one_before(tmp_path):
    folder = declare(tmp_path)
    whole = folder.path / "snapshots" / "20260115T143105Z"
    whole.mkdir(parents=True)
    manifest.seal(whole)
    (folder.path / "snapshots" / "20260115T143500Z").mkdir()
    assert folder.snapshot("latest") == whole
    assert folder.sealed_snapshots == (whole,)


def test_an_incident_that_could_not_be_declared_leaves_no_folder(tmp_path):
    with pytest.raises(RedactionError):
        folders.declare(
            tmp_path, Declaration(title="x", severity=IncidentSeverity.SEV2, started_at=START), _Deaf()
        )
    assert list(tmp_path.iterdir()) == []


class _Deaf(Redactor):
    """One that fails when an event is to be written."""

    def value(self, value):
        raise RedactionError("no")


def test_what_was_interrupted_is_told_and_is_no_damage(tmp_path):
    folder = declare(tmp_path)
    folder.new_run()
    assert [(d.what[:10], d.is_bad) for d in folder.verify()] == [("unfinished", False)]


def test_a_manifest_that_was_there_and_is_gone_is_damage(tmp_path):
    folder = declare(tmp_path)
    run = folder.new_run()
    folder.seal_run(run)
    folder.record(Draft(kind=EventKind.RUN, text=f"Run {run.name}: done", source="test"))
    assert folder.verify() == []
    (run / "manifest.json").unlink()
    assert [d.is_bad for d in folder.verify()] == [True]


def test_events_are_read_once_until_the_folder_changes(tmp_path):
    folder = declare(tmp_path)
    before, state = folder.events, folder.incident
    assert folder.events is before
    assert folder.incident is state
    elsewhere = folders.find(tmp_path, folder.id, Redactor())
    elsewhere.record(Draft(kind=EventKind.STATUS, text="", source="test", data={"status": "IDENTIFIED"}))
    assert folder.events[0] is before[0]
    assert len(folder.events) == 2
    assert folder.incident.status is IncidentStatus.IDENTIFIED
    sorted((folder.path / "events").iterdir())[1].unlink()
    assert folder.incident == state


def test_an_event_that_was_edited_meanwhile_is_read_again(tmp_path):
    folder = declare(tmp_path)
    assert folder.incident.title == "Checkout 503s"
    (path,) = (folder.path / "events").iterdir()
    path.write_text(path.read_text().replace("Checkout 503s", "Payments 503s"))
    assert folder.incident.title == "Payments 503s"
    assert [difference.what for difference in folder.verify()] == ["changed"]

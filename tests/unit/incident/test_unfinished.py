"""What is there although something failed around it, and what the dead leave: not lost, not called damage."""

import logging
import os
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from incident_lib import clock
from incident_lib.incident import folder as folders
from incident_lib.incident.events import Draft, encode, event_of, file_name, in_order
from incident_lib.incident.folder import Declaration
from incident_lib.incident.leftovers import private_folder, sweep_files
from incident_lib.incident.lock import Lock
from incident_lib.incident.manifest import seal
from incident_lib.model import EventKind, IncidentSeverity
from incident_lib.redact import Redactor

START = datetime(2026, 1, 15, 14, 31, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path):
    declaration = Declaration(title="Checkout 503s", severity=IncidentSeverity.SEV2, started_at=START)
    return folders.declare(tmp_path / "incidents", declaration, Redactor())


def note(text, **data):
    return Draft(kind=EventKind.NOTE, text=text, source="test", data=data)


def found(folder):
    return [(difference.path, difference.what[:10], difference.is_bad) for difference in folder.verify()]


def test_an_event_is_recorded_where_only_incident_json_cannot_be_written(folder, caplog):
    state = folder.path / "incident.json"
    state.unlink()
    state.mkdir()  # nothing can be renamed over a folder, whoever runs this
    event = folder.record(note("seen"))
    folder.record(note("seen again"))
    assert [known.id for known in folder.events][1] == event.id
    assert [record.getMessage()[:24] for record in caplog.records] == ["The event is recorded; o"]
    assert found(folder) == [("incident.json", "unfinished", False)]
    state.rmdir()
    folder.record(note("there is room again"))
    assert found(folder) == []


@pytest.mark.parametrize("stale", [True, False])
def test_a_stale_or_missing_incident_json_is_unfinished_and_every_reader_derives(folder, stale):
    before = (folder.path / "incident.json").read_bytes()
    folder.record(Draft(kind=EventKind.STATUS, text="", source="test", data={"status": "RESOLVED"}))
    (folder.path / "incident.json").unlink()
    if stale:
        (folder.path / "incident.json").write_bytes(before)
    assert found(folder) == [("incident.json", "unfinished", False)]
    assert folders.find(folder.path.parent, folder.id, Redactor()).incident.resolved_at


def test_what_was_never_finished_is_no_damage(folder):
    for kind in ("snapshots", "runs", "samples"):
        (folder.path / kind / "20260115T143105Z").mkdir(parents=True)
        (folder.path / kind / "20260115T143105Z" / "half.json").write_text("{")
    assert {(what, bad) for _, what, bad in found(folder)} == {("unfinished", False)}
    assert len(found(folder)) == 3


def test_a_sealed_watch_that_lost_its_manifest_is_damage_once_another_saw_it(folder):
    for name in ("20260115T143105Z", "20260115T143205Z"):
        (folder.path / "samples" / name).mkdir(parents=True)
        seal(folder.path / "samples" / name)
    (folder.path / "samples" / "20260115T143105Z" / "manifest.json").unlink()
    assert [bad for _, _, bad in found(folder)] == [True]


def test_an_event_that_a_later_names_is_missed_and_several_newest_are_right(folder):
    first = folder.record(note("first"))
    for text in ("ours", "theirs"):  # two machines that had seen the same
        event = event_of(note(text), recorded_at=clock.now(), previous=first.id)
        (folder.path / "events" / file_name(event)).write_bytes(encode(event))
    assert found(folder) == [("incident.json", "unfinished", False)]
    next(folder.path.glob(f"events/*-{first.id}.json")).unlink()
    assert ("events/...-" + first.id + ".json", "missing", True) in found(folder)


def test_a_clock_that_is_set_back_turns_nothing_around(folder):
    newest = folder.events[-1]
    behind = []
    for number in range(3):
        event = event_of(note(f"{number}"), recorded_at=START - timedelta(days=number), previous=newest.id)
        behind.append(event)
        newest = event
    assert in_order([*reversed(behind), *folder.events]) == (*folder.events, *behind)


def test_events_that_name_each_other_in_a_circle_end():
    events = [event_of(note(str(number)), recorded_at=START, previous="") for number in range(3)]
    ring = [
        msgspec.structs.replace(event, previous=events[number - 1].id) for number, event in enumerate(events)
    ]
    assert sorted(event.id for event in in_order(ring)) == sorted(event.id for event in ring)


WRITING = """\
import os, sys, tempfile, time
from incident_lib.incident.leftovers import hold, private_folder
handle, _ = tempfile.mkstemp(prefix=".event.", suffix=".part", dir=sys.argv[1])
hold(handle)
with private_folder("iw-test-", __import__("pathlib").Path(sys.argv[1])):
    print("there", flush=True)
    time.sleep(600)
"""


def test_what_the_dead_left_is_swept_and_what_the_living_write_stays(tmp_path):
    command = [sys.executable, "-c", WRITING, str(tmp_path)]
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE) as dead,
        subprocess.Popen(command, stdout=subprocess.PIPE) as living,
    ):
        try:
            assert dead.stdout.readline() + living.stdout.readline() == b"there\n" * 2
            dead.kill()
            dead.wait()
            assert len(list(tmp_path.iterdir())) == 4
            sweep_files(tmp_path)
            assert len(list(tmp_path.iterdir())) == 4  # too young to be judged
            for path in tmp_path.iterdir():
                os.utime(path, (time.time() - 3600,) * 2)
            sweep_files(tmp_path)
            with private_folder("iw-test-", tmp_path) as own:
                assert own.stat().st_mode & 0o777 == 0o700
            assert sorted(path.name[:6] for path in tmp_path.iterdir()) == [".event", "iw-tes"]
        finally:
            living.kill()


def test_the_lock_can_be_taken_again_and_keeps_others_out(tmp_path):
    inside, order = threading.Event(), []

    def other():
        inside.wait()
        with Lock(tmp_path).held():
            order.append("other")

    thread = threading.Thread(target=other)
    thread.start()
    lock = Lock(tmp_path)
    with lock.held(), lock.held():
        inside.set()
        thread.join(0.2)
        order.append("we")
    thread.join()
    assert order == ["we", "other"]
    with Lock(tmp_path / "absent").held():
        logging.getLogger(__name__).debug("nothing to lock, nothing in the way")

"""Several people at one incident: at once on one machine, and on two machines that meet in git."""

import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from incident_lib import clock, config, response
from incident_lib.errors import UsageError
from incident_lib.incident import folder as folders
from incident_lib.incident.events import Draft, encode, event_of, file_name
from incident_lib.incident.folder import Declaration
from incident_lib.incident.snapshot import SnapshotWriter
from incident_lib.model import Analysis, EventKind, IncidentSeverity, IncidentStatus, Window
from incident_lib.model.topology import Topology
from incident_lib.redact import Redactor
from tests import services

START = datetime(2026, 1, 15, 14, 31, tzinfo=UTC)


@pytest.fixture
def settings(tmp_path):
    (tmp_path / "workbench.toml").write_text("")
    return config.load(tmp_path / "workbench.toml")


@pytest.fixture
def folder(settings):
    declaration = Declaration(title="Checkout 503s", severity=IncidentSeverity.SEV2, started_at=START)
    return response.declare(settings, declaration).folder


# All wait for one file, so that they decide together.
DECIDING = """\
import sys, time
from pathlib import Path
from incident_lib import response
from incident_lib.errors import UsageError
from incident_lib.incident import folder as folders
from incident_lib.redact import Redactor
place, begin, what = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3].split()
folder = folders.find(place.parent, place.name, Redactor())
print("ready", flush=True)
while not begin.exists():
    time.sleep(0.001)
try:
    event = response.finish_task(folder, what[1]) if what[0] == "done" else getattr(response, what[0])(folder)
    print("recorded" if event else "was so already")
except UsageError:
    print("refused")
"""


def decide(folder, begin, what, times=6):
    command = [sys.executable, "-c", DECIDING, str(folder.path), str(begin), what]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(times)]
    assert [process.stdout.readline() for process in running] == ["ready\n"] * times
    begin.touch()
    return sorted(process.communicate(timeout=60)[0] for process in running)


def test_six_at_once_decide_once(folder, tmp_path):
    response.add_task(folder, "read the log", "Ada")
    decisions = {"done 1": "was so already\n", "resolve": "was so already\n", "reopen": "refused\n"}
    for number, (what, others) in enumerate(decisions.items()):
        before = len(folder.events)
        assert decide(folder, tmp_path / f"begin-{number}", what) == sorted(["recorded\n", *[others] * 5])
        assert len(folder.events) == before + 1
    assert folder.verify() == []


def test_a_task_is_named_by_its_id_its_beginning_or_its_number(folder):
    first = response.add_task(folder, "read the log", "Ada")
    second = response.add_task(folder, "call the vendor", "Kim")
    tasks = folder.incident.tasks
    assert [task.id for task in tasks] == [f"t{event.id[:8]}" for event in (first, second)]
    assert response.finish_task(folder, tasks[1].id[:6]).data["done"] == tasks[1].id
    assert response.finish_task(folder, "1").data["done"] == tasks[0].id
    assert response.finish_task(folder, tasks[0].id) is None
    with pytest.raises(UsageError, match="no task matches 3; there are: t"):
        response.finish_task(folder, "3")


def test_a_task_that_was_marked_done_by_its_number_stays_done(folder):
    response.add_task(folder, "read the log", "Ada")
    folder.record(Draft(kind=EventKind.TASK, text="Done", source="cli", data={"done": "1"}))
    assert folder.incident.tasks[0].done_at


def test_a_number_that_two_copies_count_differently_is_refused(folder):
    response.add_task(folder, "before", "Ada")
    seen = folder.events[-1].id
    for text in ("ours", "theirs"):
        draft = Draft(kind=EventKind.TASK, text=text, source="cli", data={"owner": "Kim"})
        event = event_of(draft, recorded_at=clock.now(), previous=seen)
        (folder.path / "events" / file_name(event)).write_bytes(encode(event))
    assert [task.number for task in folder.incident.tasks] == [1, 0, 0]
    with pytest.raises(UsageError, match="were merged"):
        response.finish_task(folder, "2")
    assert response.finish_task(folder, "1")


def git(place, *words):
    person = {f"GIT_{who}_{what}": "kim" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    command = ["git", "-C", str(place), *words]
    environment = {**os.environ, **person, "GIT_CONFIG_NOSYSTEM": "1", "HOME": str(place)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def work(place, name, at):
    """Do on a clone what an incident brings: notes, tasks, one done, a status, a snapshot; and commit it."""
    (path,) = (place / "incidents").glob("2026-*")
    folder = folders.find(place / "incidents", path.name, Redactor())
    for number in range(3):
        response.note(folder, f"{name} saw {number}")
        response.add_task(folder, f"{name} does {number}", name)
    response.finish_task(folder, folder.incident.tasks[-1].id)
    writer = SnapshotWriter(path / "snapshots", Window(at - timedelta(minutes=15), at), Redactor())
    writer.seal(Analysis(snapshot=writer.id), Topology())
    text = f"Snapshot {writer.id} was taken"
    folder.record(Draft(kind=EventKind.SNAPSHOT, text=text, source="collect"))
    response.update(folder, status=IncidentStatus.IDENTIFIED, findings=f"{name} knows")
    assert folder.verify() == []
    git(place, "add", "--all")
    git(place, "commit", "--message", name)
    return {task.id: task.text for task in folder.incident.tasks}


def test_what_two_machines_wrote_merges_and_is_verified(folder, settings, tmp_path, monkeypatch):
    if not shutil.which("git"):
        services.missing("git is not installed")
    response.add_task(folder, "before", "Ada")
    git(tmp_path, "init", "--quiet", "--initial-branch", "main")
    git(tmp_path, "add", "--all")
    git(tmp_path, "commit", "--message", "declared")
    tasks = {}
    for number, name in enumerate(("ours", "theirs")):
        git(tmp_path, "clone", "--quiet", str(tmp_path), str(tmp_path / name))
        at = clock.now() + timedelta(seconds=number * 7)
        monkeypatch.setattr(clock, "now", lambda at=at: at)  # the two do not act in the same second
        tasks |= work(tmp_path / name, name, at)
    ours = tmp_path / "ours"
    git(ours, "pull", "--quiet", "--no-rebase", "--no-edit", str(tmp_path / "theirs"), "main")
    assert git(ours, "status", "--porcelain") == ""
    merged = folders.find(ours / "incidents", folder.id, Redactor())
    assert [difference for difference in merged.verify() if difference.is_bad] == []
    assert {task.id: task.text for task in merged.incident.tasks} == tasks
    assert len(tasks) == 7
    assert sum(task.done_at is not None for task in merged.incident.tasks) == 2
    assert {f"{name} saw {number}" for name in ("ours", "theirs") for number in range(3)} <= {
        event.text for event in merged.events
    }
    response.note(merged, "we met")
    assert merged.verify() == []

"""What an approval is good for, and the command line that a person types."""

import gzip
import signal
import subprocess
import sys
import threading
import time
from datetime import timedelta

import msgspec
import pytest

from incident_lib import clock, config
from incident_lib.config import Service
from incident_lib.errors import FolderError
from incident_lib.model.remediation import OutcomeStatus
from incident_lib.remediation import RefusedError, execute_plan, execution, plan_change
from incident_lib.remediation.planning import hash_of
from tests.integration.remediation_case import command, declared, phases, settings_for, stored

LINES = "2026-01-15T14:31:05Z INFO a line of the log\n" * 2000


def worker(root, *restart, **more):
    service = Service(name="worker", kind="process", log="worker.log", restart=restart, **more)
    return settings_for(root, service)


@pytest.fixture
def logged(tmp_path):
    """Return a configuration with a log file that has something in it."""
    (tmp_path / "worker.log").write_text(LINES)
    return worker(tmp_path)


def test_an_expired_plan_is_refused(logged, tmp_path):
    folder = declared(logged)
    at = clock.now() - timedelta(minutes=11)
    plan = plan_change(logged, folder, "log.rotate", "worker", at=at)
    with pytest.raises(RefusedError, match="expired at"):
        execute_plan(logged, folder, plan.id)
    assert (tmp_path / "worker.log").read_text() == LINES


def test_a_plan_that_runs_out_while_its_target_is_examined_is_refused(tmp_path, monkeypatch):
    right, jump = clock.now, timedelta()
    monkeypatch.setattr(clock, "now", lambda: right() + jump)
    settings = worker(tmp_path, "sh", "-c", "touch restarted")
    folder = declared(settings)
    plan = plan_change(settings, folder, "restart", "worker")
    examine = execution.make_plan

    def slowly(*given):
        nonlocal jump
        jump = timedelta(minutes=11)
        return examine(*given)

    monkeypatch.setattr(execution, "make_plan", slowly)
    with pytest.raises(RefusedError, match="expired at"):
        execute_plan(settings, folder, plan.id)
    assert phases(folder) == ["planned"]
    assert not (tmp_path / "restarted").exists()


def test_a_plan_of_another_incident_is_refused(logged):
    first, second = declared(logged, "first"), declared(logged, "second")
    plan = plan_change(logged, first, "log.rotate", "worker")
    with pytest.raises(RefusedError, match="has no plan"):
        execute_plan(logged, second, plan.id)
    copied = second.path / "mitigations" / f"{plan.id}.json"
    copied.parent.mkdir()
    copied.write_bytes((first.path / "mitigations" / copied.name).read_bytes())
    with pytest.raises(RefusedError, match=f"belongs to the incident {first.id}"):
        execute_plan(logged, second, plan.id)


@pytest.mark.parametrize("wrong", ["", "yes", "../../etc/passwd", "0123456789abcdef", "0" * 15])
def test_anything_but_a_plans_id_is_refused(logged, wrong):
    with pytest.raises(RefusedError, match="has no plan"):
        execute_plan(logged, declared(logged), wrong)


def test_a_plan_that_was_edited_is_refused_and_its_commands_are_never_run(logged, tmp_path):
    folder = declared(logged)
    plan = plan_change(logged, folder, "log.rotate", "worker")
    path = folder.path / "mitigations" / f"{plan.id}.json"
    edited = msgspec.structs.replace(plan, commands=("touch owned",))
    path.write_bytes(msgspec.json.encode(edited))
    with pytest.raises(RefusedError, match="was changed after it was made"):
        execute_plan(logged, folder, plan.id)
    forged = msgspec.structs.replace(edited, id=hash_of(edited))  # with the hash that fits
    path.with_name(f"{forged.id}.json").write_bytes(msgspec.json.encode(forged))
    with pytest.raises(RefusedError, match="now run different commands"):
        execute_plan(logged, folder, forged.id)
    path.write_text("{")
    with pytest.raises(RefusedError, match="is no longer a valid plan"):
        execute_plan(logged, folder, plan.id)


def test_two_people_who_approve_at_once_change_once(logged, tmp_path):
    folder = declared(logged)
    plan = plan_change(logged, folder, "log.rotate", "worker")
    results = []

    def approve():
        try:
            results.append(execute_plan(logged, folder, plan.id).status)
        except RefusedError as error:
            results.append(str(error))

    threads = [threading.Thread(target=approve) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert results.count(OutcomeStatus.VERIFIED) == 1
    assert len(results) == 4
    assert phases(folder).count("begun") == 1
    assert gzip.decompress((tmp_path / "worker.log.1.gz").read_bytes()).decode() == LINES


def test_nothing_is_changed_when_the_timeline_cannot_be_written(logged, tmp_path):
    folder = declared(logged)
    plan = plan_change(logged, folder, "log.rotate", "worker")
    events = folder.path / "events"
    kept = events.rename(folder.path / "away")
    events.write_text("no folder")
    try:
        with pytest.raises((FolderError, RefusedError)):
            execute_plan(logged, folder, plan.id)
    finally:
        events.unlink()
        kept.rename(events)
    assert (tmp_path / "worker.log").read_text() == LINES


def test_an_interruption_is_in_the_timeline_and_the_plan_is_used_up(tmp_path):
    (tmp_path / "workbench.toml").write_text(
        '[[service]]\nname = "worker"\nkind = "process"\nrestart = ["sh", "-c", "touch begun; sleep 30"]\n'
    )
    folder = declared(config.load(tmp_path / "workbench.toml"))
    plan = plan_change(config.load(tmp_path / "workbench.toml"), folder, "restart", "worker")
    code = "import sys; from tests.integration.remediation_case import command; command(*sys.argv[1:])"
    typed = ["restart", "worker", "--incident", str(folder.path), "--yes", plan.id]
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "workbench.toml"), *typed], stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 60
    while not (tmp_path / "begun").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    assert process.wait(20) != 0
    assert phases(folder) == ["planned", "begun", "ended"]
    assert "interrupted" in folder.events[-1].text
    with pytest.raises(RefusedError, match="already used"):
        execute_plan(config.load(tmp_path / "workbench.toml"), folder, plan.id)


# ---- the command line -----------------------------------------------------------------------------------


@pytest.fixture
def typed(tmp_path):
    """Return a function that types `incident mitigate`, and the incident."""
    (tmp_path / "worker.log").write_text(LINES)
    file = tmp_path / "workbench.toml"
    file.write_text('[[service]]\nname = "worker"\nkind = "process"\nlog = "worker.log"\n')
    folder = declared(config.load(file))
    return (lambda *words: command(file, *words)), folder


def test_the_command_line_plans_then_carries_out(typed):
    type_it, folder = typed
    code, text, _ = type_it("log.rotate", "worker")
    (plan,) = stored(folder)
    assert code == 0
    assert f"--yes {plan['id']}" in text
    assert "Nothing has been changed" in text
    code, text, _ = type_it("log.rotate", "worker", "--yes", str(plan["id"]))
    assert code == 0
    assert text.startswith("Done and verified: truncated ")
    code, _, message = type_it("log.rotate", "worker", "--yes", str(plan["id"]))
    assert code == 2
    assert "already used" in message


def test_an_approval_for_something_else_than_is_typed_is_refused(typed):
    type_it, folder = typed
    type_it("log.rotate", "worker")
    (plan,) = stored(folder)
    for words in (
        ("restart", "worker"),
        ("log.rotate", "db"),
        ("log.rotate", "worker", "--arg", "copy=none"),
    ):
        code, _, message = type_it(*words, "--yes", str(plan["id"]))
        assert code == 2
        assert "is for a different change: log.rotate worker copy=gzip" in message
    assert phases(folder) == ["planned"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("restrat", "worker"), "did you mean `restart`"),
        (("restart", "elsewhere"), "no service is named 'elsewhere'"),
        (("restart",), "--list shows the actions"),
        (("log.rotate", "worker", "--arg", "cpy=none"), "did you mean `copy`"),
        (("log.rotate", "worker", "--arg", "copy"), "use --arg NAME=VALUE"),
        (("log.rotate", "worker", "--incident", "2020-01-01-none"), "no incident"),
    ],
)
def test_a_wrong_line_says_what_is_wrong(typed, words, said):
    code, _, message = typed[0](*words)
    assert (code, said in message) == (2, True), message


def test_a_change_that_did_not_work_ends_in_1(tmp_path):
    file = tmp_path / "workbench.toml"
    file.write_text('[[service]]\nname = "worker"\nkind = "process"\nrestart = ["false"]\npid_file = "pid"\n')
    folder = declared(config.load(file))
    command(file, "restart", "worker", "--arg", "wait_seconds=0")
    code, text, _ = command(file, "restart", "worker", "--yes", str(stored(folder)[0]["id"]))
    assert code == 1
    assert text.startswith("Done in part: ")


def test_the_list_names_every_action_and_argument(typed):
    code, text, _ = typed[0]("--list")
    assert code == 0
    assert "--arg pattern=...: which keys, such as cache:*" in text
    assert text.count("TARGET:") == 8

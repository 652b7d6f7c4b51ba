"""The team's own commands, log files, and what an approval is good for: real processes and real files."""

import gzip
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time
from datetime import timedelta

import msgspec
import pytest

from incident_lib import clock, config
from incident_lib.config import Service, ServiceKind
from incident_lib.config.tables import Deploy
from incident_lib.errors import FolderError, UsageError
from incident_lib.model.remediation import OutcomeStatus
from incident_lib.remediation import RefusedError, execute_plan, plan_change
from incident_lib.remediation.planning import hash_of
from tests.integration.remediation_case import command, declared, phases, settings_for, stored

LINES = "2026-01-15T14:31:05Z INFO a line of the log\n" * 2000


def worker(root, *restart, **more):
    service = Service(name="worker", kind=ServiceKind.PROCESS, log="worker.log", restart=restart, **more)
    return settings_for(root, service)


@pytest.fixture
def logged(tmp_path):
    """Return a configuration with a log file that has something in it."""
    (tmp_path / "worker.log").write_text(LINES)
    return worker(tmp_path)


# ---- log files -----------------------------------------------------------------------------------------


def test_a_log_is_copied_and_cut_while_its_writer_goes_on(logged, tmp_path):
    log, folder = tmp_path / "worker.log", declared(logged)
    log.chmod(0o640)
    with log.open("a") as writer:
        plan = plan_change(logged, folder, "log.rotate", "worker")
        assert log.read_text() == LINES
        outcome = execute_plan(logged, folder, plan.id)
        writer.write("after\n")
    assert outcome.status is OutcomeStatus.VERIFIED, outcome
    assert log.read_text() == "after\n"
    copy = tmp_path / "worker.log.1.gz"
    assert gzip.decompress(copy.read_bytes()).decode() == LINES
    assert stat.S_IMODE(copy.stat().st_mode) == 0o640  # nobody may read it who may not read the log
    log.write_text(LINES)
    second = plan_change(logged, folder, "log.rotate", "worker")
    assert f"{copy.with_name('worker.log.2.gz')}" in second.commands[0]


def test_a_log_may_be_given_up(logged, tmp_path):
    folder = declared(logged)
    plan = plan_change(logged, folder, "log.rotate", "worker", {"copy": "none"})
    assert any("no copy is kept" in risk for risk in plan.risks)
    assert execute_plan(logged, folder, plan.id).status is OutcomeStatus.VERIFIED
    assert [path.name for path in tmp_path.glob("worker.log*")] == ["worker.log"]


def test_a_log_that_was_rotated_meanwhile_changes_the_world(logged, tmp_path):
    log, folder = tmp_path / "worker.log", declared(logged)
    plan = plan_change(logged, folder, "log.rotate", "worker")
    log.rename(tmp_path / "worker.log.old")
    log.write_text(LINES)
    with pytest.raises(RefusedError, match="file was"):
        execute_plan(logged, folder, plan.id)
    assert log.read_text() == LINES


def test_a_log_that_was_cut_meanwhile_changes_the_world(logged, tmp_path):
    log, folder = tmp_path / "worker.log", declared(logged)
    plan = plan_change(logged, folder, "log.rotate", "worker")
    log.write_text("short\n")
    with pytest.raises(RefusedError, match="bytes: 6, which is not within"):
        execute_plan(logged, folder, plan.id)


def test_links_and_devices_are_left_alone(tmp_path):
    (tmp_path / "other").write_text("kept")
    (tmp_path / "worker.log").symlink_to(tmp_path / "other")
    settings = worker(tmp_path)
    with pytest.raises(RefusedError, match="no plain file"):
        plan_change(settings, declared(settings), "log.rotate", "worker")
    assert (tmp_path / "other").read_text() == "kept"


def test_a_copy_that_does_not_fit_is_refused(tmp_path):
    with (tmp_path / "worker.log").open("wb") as log:
        log.truncate(shutil.disk_usage(tmp_path).free * 6)  # hollow: takes no room
    settings = worker(tmp_path)
    with pytest.raises(RefusedError, match=r"may not fit .* --arg copy=none"):
        plan_change(settings, declared(settings), "log.rotate", "worker")


def test_no_log_nothing_in_it_and_no_such_file_are_refusals(tmp_path):
    settings = worker(tmp_path)
    folder = declared(settings)
    with pytest.raises(RefusedError, match="No such file"):
        plan_change(settings, folder, "log.rotate", "worker")
    (tmp_path / "worker.log").touch()
    with pytest.raises(RefusedError, match="nothing to do"):
        plan_change(settings, folder, "log.rotate", "worker")
    contained = settings_for(
        tmp_path, Service(name="worker", kind=ServiceKind.PROCESS, container="app-worker")
    )
    with pytest.raises(RefusedError, match="Docker keeps its log"):
        plan_change(contained, folder, "log.rotate", "worker")


# ---- restart by the team's own command ------------------------------------------------------------------

START = """
import pathlib, subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
pathlib.Path("worker.pid").write_text(str(child.pid))
print("started, password=hunter2-secret")
"""


@pytest.fixture
def program(tmp_path):
    (tmp_path / "start.py").write_text(START)
    yield worker(tmp_path, sys.executable, "start.py", pid_file="worker.pid")
    for path in tmp_path.glob("worker.pid"):
        os.kill(int(path.read_text()), signal.SIGKILL)


def test_a_process_is_restarted_by_its_own_command(program, tmp_path):
    folder = declared(program)
    plan = plan_change(program, folder, "restart", "worker")
    assert plan.commands[0].endswith("start.py")
    assert not (tmp_path / "worker.pid").exists()
    started = time.monotonic()
    outcome = execute_plan(program, folder, plan.id)
    assert time.monotonic() - started < 20  # what it started keeps the output open, and nobody waits for that
    assert outcome.status is OutcomeStatus.VERIFIED, outcome
    written = "".join(path.read_text() for path in folder.path.rglob("*.json"))
    assert "hunter2" not in written
    assert "[secret]" in outcome.done


def test_a_process_that_changed_meanwhile_changes_the_world(program, tmp_path):
    folder = declared(program)
    plan = plan_change(program, folder, "restart", "worker")
    subprocess.run([sys.executable, "start.py"], cwd=tmp_path, check=True, capture_output=False)
    with pytest.raises(RefusedError, match="process was not running, and is"):
        execute_plan(program, folder, plan.id)


def test_a_command_that_fails_is_told_in_part(tmp_path):
    settings = worker(tmp_path, "sh", "-c", "echo no such unit >&2; exit 5", pid_file="worker.pid")
    folder = declared(settings)
    plan = plan_change(settings, folder, "restart", "worker", {"wait_seconds": "0"})
    outcome = execute_plan(settings, folder, plan.id)
    assert outcome.status is OutcomeStatus.PARTIAL
    assert "ended with 5" in outcome.done
    assert "no such unit" in outcome.done
    assert any("pid file is not there" in line for line in outcome.evidence)


def test_a_service_without_a_command_says_what_to_configure(tmp_path):
    settings = worker(tmp_path)
    with pytest.raises(RefusedError, match=r'set its own command, as in restart = \["systemctl"'):
        plan_change(settings, declared(settings), "restart", "worker")
    settings = worker(tmp_path, "no-such-program-7")
    with pytest.raises(UsageError, match="no program no-such-program-7"):
        plan_change(settings, declared(settings), "restart", "worker")


# ---- rollback -------------------------------------------------------------------------------------------


def deployed(root, *versions, rollback=("true",)):
    at = clock.now() - timedelta(hours=len(versions))
    lines = [
        json.dumps({"at": (at + timedelta(minutes=n)).isoformat(), "service": "worker", "version": version})
        for n, version in enumerate(versions)
    ]
    (root / "deploys.jsonl").write_text("\n".join(lines) + "\n")
    service = Service(name="worker", kind=ServiceKind.PROCESS)
    return settings_for(root, service, deploy=Deploy(log="deploys.jsonl", rollback=rollback))


def test_a_version_stays_one_word_whatever_it_holds(tmp_path):
    script = "import sys; open('seen', 'w').write(repr(sys.argv[1:]))"
    command = (sys.executable, "-c", script, "--to={previous}", "{service}")
    settings = deployed(tmp_path, "1.4; touch owned", "1.5", rollback=command)
    folder = declared(settings)
    plan = plan_change(settings, folder, "rollback", "worker", {"wait_seconds": "0"})
    execute_plan(settings, folder, plan.id)
    assert (tmp_path / "seen").read_text() == "['--to=1.4; touch owned', 'worker']"
    assert not (tmp_path / "owned").exists()


def test_a_rollback_that_does_not_show_in_the_log_is_not_verified(tmp_path):
    settings = deployed(tmp_path, "1.4", "1.5")
    folder = declared(settings)
    plan = plan_change(settings, folder, "rollback", "worker", {"wait_seconds": "0"})
    outcome = execute_plan(settings, folder, plan.id)
    assert outcome.status is OutcomeStatus.NOT_VERIFIED
    assert outcome.evidence[0] == "deploys.log: worker 1.5"


def test_a_deploy_meanwhile_changes_the_world(tmp_path):
    settings = deployed(tmp_path, "1.4", "1.5")
    folder = declared(settings)
    plan = plan_change(settings, folder, "rollback", "worker")
    deployed(tmp_path, "1.4", "1.5", "1.6")
    with pytest.raises(RefusedError, match=r"deployed was 1\.5, and is 1\.6"):
        execute_plan(settings, folder, plan.id)


@pytest.mark.parametrize(
    ("versions", "arguments", "said"),
    [
        (("1.4",), {}, "knows nothing before 1.4"),
        (("1.4", "1.5"), {"to": "1.5"}, "what runs already"),
        (("1.4", "1.5"), {"to": "--force"}, "read it as an option"),
        ((), {}, "has no deployment of worker"),
    ],
)
def test_no_version_to_go_back_to_is_a_refusal(tmp_path, versions, arguments, said):
    settings = deployed(tmp_path, *versions)
    with pytest.raises(RefusedError, match=said):
        plan_change(settings, declared(settings), "rollback", "worker", arguments)


# ---- approval -------------------------------------------------------------------------------------------


def test_an_expired_plan_is_refused(logged, tmp_path):
    folder = declared(logged)
    at = clock.now() - timedelta(minutes=11)
    plan = plan_change(logged, folder, "log.rotate", "worker", at=at)
    with pytest.raises(RefusedError, match="expired at"):
        execute_plan(logged, folder, plan.id)
    assert (tmp_path / "worker.log").read_text() == LINES


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
    with pytest.raises(RefusedError, match="other commands by now"):
        execute_plan(logged, folder, forged.id)
    path.write_text("{")
    with pytest.raises(RefusedError, match="is no plan any more"):
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
    deadline = time.monotonic() + 20
    while not (tmp_path / "begun").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    assert process.wait(20) != 0
    assert phases(folder) == ["planned", "begun", "ended"]
    assert "interrupted" in folder.events[-1].text
    with pytest.raises(RefusedError, match="used already"):
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
    assert text.startswith("Done and verified: cut ")
    code, _, message = type_it("log.rotate", "worker", "--yes", str(plan["id"]))
    assert code == 2
    assert "used already" in message


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
        assert "is for something else: log.rotate worker copy=gzip" in message
    assert phases(folder) == ["planned"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("restrat", "worker"), "did you mean `restart`"),
        (("restart", "wroker"), "no service is called 'wroker'"),
        (("restart",), "--list shows the actions"),
        (("log.rotate", "worker", "--arg", "cpy=none"), "did you mean `copy`"),
        (("log.rotate", "worker", "--arg", "copy"), "write --arg NAME=VALUE"),
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

"""The team's own commands to restart and to roll back: real processes."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from datetime import timedelta

import pytest

from incident_lib import clock
from incident_lib.config import Service
from incident_lib.config.tables import Deploy
from incident_lib.errors import UsageError
from incident_lib.model.remediation import OutcomeStatus
from incident_lib.remediation import RefusedError, execute_plan, plan_change, rollback
from incident_lib.remediation.commands import run_command
from tests.integration.remediation_case import declared, settings_for


def worker(root, *restart, **more):
    service = Service(name="worker", kind="process", log="worker.log", restart=restart, **more)
    return settings_for(root, service)


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
    assert "password=[secret" in outcome.done


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
    assert "exited with 5" in outcome.done
    assert "no such unit" in outcome.done
    assert any("pid file does not exist" in line for line in outcome.evidence)


def test_a_service_without_a_command_says_what_to_configure(tmp_path):
    settings = worker(tmp_path)
    with pytest.raises(RefusedError, match=r'set its command, as in restart = \["systemctl"'):
        plan_change(settings, declared(settings), "restart", "worker")
    settings = worker(tmp_path, "no-such-program-7")
    with pytest.raises(UsageError, match="program no-such-program-7 does not exist"):
        plan_change(settings, declared(settings), "restart", "worker")


CHATTY = """
import sys, time
for _ in range(200):
    sys.stdout.write("x" * (1 << 20))
    sys.stdout.flush()
    time.sleep(0.005)
print("the end")
"""


def test_a_command_that_prints_much_fills_no_disk(tmp_path, monkeypatch):
    path, sizes, done = tmp_path / "output", [], threading.Event()
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda: path.open("w+b"))

    def look():
        while not done.wait(0.01):
            sizes.append(path.stat().st_blocks * 512 if path.exists() else 0)

    watcher = threading.Thread(target=look)
    watcher.start()
    ended = run_command((sys.executable, "-c", CHATTY), tmp_path, 60)
    done.set()
    watcher.join()
    assert ended.code == 0
    assert ended.output.endswith("the end")
    assert max(sizes) < 150 * 1024 * 1024  # of 200 MiB that were printed


def test_a_command_that_prints_for_ever_is_given_up_at_its_deadline(tmp_path):
    ended = run_command(("yes",), tmp_path, 0.5)
    assert ended.code is None
    assert ended.output.split()[-1] == "y"


# ---- rollback -------------------------------------------------------------------------------------------


def deployed(root, *versions, rollback=("true",)):
    at = clock.now() - timedelta(hours=len(versions))
    lines = [
        json.dumps({"at": (at + timedelta(minutes=n)).isoformat(), "service": "worker", "version": version})
        for n, version in enumerate(versions)
    ]
    (root / "deploys.jsonl").write_text("\n".join(lines) + "\n")
    service = Service(name="worker", kind="process")
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
        (("1.4",), {}, "has nothing before 1.4"),
        (("1.4", "1.5"), {"to": "1.5"}, "already running"),
        (("1.4", "1.5"), {"to": "--force"}, "read it as an option"),
        (("1.4", "1.5"), {"to": "   "}, "the version is empty"),
        (("", "1.5"), {}, "the version is empty"),
        ((" ", "1.5"), {}, "the version is empty"),
        (("1.4", ""), {}, "does not give the running version"),
        (("../../etc", "1.5"), {}, "is a path"),
        (("/srv/1.4", "1.5"), {}, "is a path"),
        (("1.4", "1.5"), {"to": ".."}, "is a path"),
        (("1.4", "1.5"), {"to": "~/x"}, "is a path"),
        (("1.4\x00", "1.5"), {}, "invisible characters"),
        (("1.4\n1.5", "1.5"), {}, "invisible characters"),
        (("1.4\u202e", "1.5"), {}, "invisible characters"),
        (("-rf", "1.5"), {}, "read it as an option"),
        (("x" * 201, "1.5"), {}, "of 201 characters"),
        ((), {}, "has no deployment of worker"),
    ],
)
def test_no_version_to_go_back_to_is_a_refusal(tmp_path, versions, arguments, said):
    settings = deployed(tmp_path, *versions)
    with pytest.raises(RefusedError, match=said):
        plan_change(settings, declared(settings), "rollback", "worker", arguments)


@pytest.mark.parametrize(
    "command",
    [
        ("sh", "-c", "./deploy.sh {previous}"),
        ("/bin/bash", "-lc", "deploy '{previous}'"),
        ("sudo", "bash", "-ec", "deploy {service} {previous}"),
        ("env", "A=1", "dash", "-c", "deploy {service}"),
        ("python3", "-c", "print('{previous}')"),
        ("perl", "-e", "print '{previous}'"),
        ("su", "deploy", "-c", "deploy {previous}"),
        ("docker", "exec", "web", "sh", "-c", "deploy {previous}"),
    ],
)
def test_a_version_inside_a_script_is_refused_and_never_proposed(tmp_path, command):
    settings = deployed(tmp_path, "1.4", "1.5", rollback=command)
    with pytest.raises(
        RefusedError,
        match=r"inside a script of \w+; pass the version as a separate "
        r"argument",
    ):
        plan_change(settings, declared(settings), "rollback", "worker", {})
    assert not rollback.ACTION.is_configured(settings, "worker")


def test_a_script_that_takes_the_version_as_a_word_is_what_it_says(tmp_path):
    command = ("sh", "-c", 'printf %s "$1" > seen', "sh", "{previous}")
    settings = deployed(tmp_path, "1.4; touch owned", "1.5", rollback=command)
    folder = declared(settings)
    plan = plan_change(settings, folder, "rollback", "worker", {"wait_seconds": "0"})
    execute_plan(settings, folder, plan.id)
    assert (tmp_path / "seen").read_text() == "1.4; touch owned"
    assert not (tmp_path / "owned").exists()


def test_fields_are_filled_once_and_together(tmp_path):
    script = "import sys; open('seen', 'w').write(repr(sys.argv[1:]))"
    command = (sys.executable, "-c", script, "{previous}", "{service}-{previous}")
    settings = deployed(tmp_path, "{service}", "1.5", rollback=command)
    folder = declared(settings)
    plan = plan_change(settings, folder, "rollback", "worker", {"wait_seconds": "0"})
    execute_plan(settings, folder, plan.id)
    assert (tmp_path / "seen").read_text() == "['{service}', 'worker-{service}']"


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (("ssh", "deploy@host", "./deploy.sh", "{previous}"), "where it is parsed again"),
        (("curl", "-d", '{"version": "{previous}"}', "https://deploy"), "where it is parsed again"),
        (("true", "{version}"), r"has \{version\}, which is not a known placeholder"),
    ],
)
def test_what_reads_a_version_again_takes_plain_ones_only(tmp_path, command, said):
    settings = deployed(tmp_path, '1.4"; touch owned', "1.5", rollback=command)
    with pytest.raises(RefusedError, match=said):
        plan_change(settings, declared(settings), "rollback", "worker", {})

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from incident_lib.demo.layout import Layout
from incident_lib.demo.processes import Processes, end_all, find, python_environment

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]
STUBBORN = [
    sys.executable,
    "-c",
    (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
        "print('up', flush=True); time.sleep(60)"
    ),
]
PARENT = [
    sys.executable,
    "-c",
    (
        "import subprocess, sys, time; "
        "print(subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']).pid, flush=True); "
        "time.sleep(60)"
    ),
]


@pytest.fixture
def processes(tmp_path):
    layout = Layout(tmp_path)
    layout.create()
    processes = Processes(layout)
    yield processes
    processes.end_all()


def wait_for_log(layout, name):
    deadline = time.monotonic() + 10
    while not (text := layout.log(name).read_text(encoding="utf-8")):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return text


def test_a_process_is_found_by_its_pid_file_and_has_its_own_session(processes):
    child = processes.spawn("sleeper", SLEEP)
    found = processes.find("sleeper")
    assert found is not None
    assert found.pid == child.pid
    assert os.getsid(child.pid) == child.pid


def test_an_ended_process_is_not_found_but_its_pid_file_stays(processes):
    processes.spawn("sleeper", SLEEP)
    processes.end("sleeper")
    assert processes.find("sleeper") is None
    assert processes.layout.pid_file("sleeper").exists()


def test_a_killed_child_that_nobody_waited_for_is_not_found(processes):
    child = processes.spawn("sleeper", SLEEP)
    os.kill(child.pid, signal.SIGKILL)
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert processes.find("sleeper") is None


def test_a_number_that_was_given_away_is_another_process(processes):
    child = processes.spawn("sleeper", SLEEP)
    pid_file = processes.layout.pid_file("sleeper")
    day_before = time.time() - 86400
    os.utime(pid_file, (day_before, day_before))
    assert find(pid_file) is None
    child.kill()
    child.wait()


@pytest.mark.parametrize("text", ["", "no number\n", "-1\n"])
def test_a_pid_file_without_a_process_names_none(tmp_path, text):
    (tmp_path / "odd.pid").write_text(text, encoding="ascii")
    assert find(tmp_path / "odd.pid") is None
    assert find(tmp_path / "absent.pid") is None


def test_a_process_that_ignores_the_signal_is_killed(processes):
    child = processes.spawn("stubborn", STUBBORN)
    wait_for_log(processes.layout, "stubborn")
    processes.end("stubborn", grace_seconds=0.2)
    assert child.poll() == -signal.SIGKILL


def test_children_of_a_process_end_with_it(processes):
    processes.spawn("parent", PARENT)
    grandchild = psutil.Process(int(wait_for_log(processes.layout, "parent")))
    processes.end("parent", grace_seconds=0.2)
    assert not grandchild.is_running() or grandchild.status() == psutil.STATUS_ZOMBIE


def test_end_all_also_ends_what_another_process_started(processes):
    layout = processes.layout
    with subprocess.Popen(SLEEP, start_new_session=True) as stranger:
        layout.pid_file("backend").write_text(f"{stranger.pid}\n", encoding="ascii")
        assert processes.is_any_running()
        end_all(layout.run)
        assert stranger.wait(timeout=5) == -signal.SIGKILL
    assert not list(layout.run.iterdir())


def test_children_import_this_package_and_use_no_proxy(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("PGHOST", "db.example.com")
    environment = python_environment(PORT="8000")
    assert "HTTP_PROXY" not in environment
    assert "PGHOST" not in environment
    assert environment["PORT"] == "8000"
    shown = subprocess.run(
        [sys.executable, "-c", "import incident_lib.demo"], env=environment, cwd="/", check=False
    )
    assert shown.returncode == 0

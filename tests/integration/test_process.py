"""Plain processes: running, gone, replaced, halted, growing, out of files, not ours."""

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from datetime import timedelta

import pytest

from incident_lib import clock, config
from incident_lib.errors import ProblemKind
from incident_lib.findings.base import Context
from incident_lib.model import EvidenceStatus, FindingSeverity, Window
from incident_lib.model.rows import MemorySample
from incident_lib.probes.base import run_lane
from incident_lib.technologies.process import probes
from incident_lib.technologies.process.findings import ANALYZERS
from incident_lib.technologies.process.rows import ProcessState
from tests import services


def look(folder, limit=0):
    text = f'[[service]]\nname = "it"\nkind = "process"\npid_file = "it.pid"\nmemory_limit_bytes = {limit}\n'
    (lane,) = probes.lanes(config.Settings(document=config.parse(text), root=folder))
    window = Window(clock.now() - timedelta(minutes=15), clock.now() + timedelta(seconds=1))
    (evidence,) = run_lane(lane, window)
    context = Context(window=Window(window.start, clock.now()))
    found = {}
    if evidence.has_rows:
        found = {
            one.id.removeprefix("process.state."): one for one in ANALYZERS[evidence.probe](evidence, context)
        }
    return evidence, found


@contextmanager
def process(folder, program):
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as made:
        (folder / "it.pid").write_text(f"{made.pid}\n")
        assert made.stdout.readline() == b"ready\n"
        try:
            yield made
        finally:
            made.kill()


IDLE = "import time; print('ready', flush=True); time.sleep(60)"


def test_running(tmp_path):
    with process(tmp_path, IDLE) as made:
        evidence, found = look(tmp_path, limit=1 << 30)
        unlimited, _ = look(tmp_path)
    assert len(unlimited.of(MemorySample)) < len(evidence.of(MemorySample)), "growth has no limit to reach"
    (state,) = evidence.of(ProcessState)
    assert evidence.status is EvidenceStatus.COLLECTED
    assert state.pid == made.pid
    assert state.open_file_count >= 3
    assert state.python_version.startswith("3")
    assert found["ok"].severity is FindingSeverity.OK
    assert found["restarted"].severity is FindingSeverity.INFO
    assert set(found) == {"ok", "restarted"}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "pid file does not exist"),
        ("", "holds no process id"),
        ("x", "holds no process id"),
        ("-5", "holds no process id"),
    ],
)
def test_pid_file_without_a_process(tmp_path, content, said):
    if content is not None:
        (tmp_path / "it.pid").write_text(content)
    _, found = look(tmp_path)
    assert found["not_running"].severity is FindingSeverity.CRITICAL
    assert said in found["not_running"].title


def test_ended(tmp_path):
    with process(tmp_path, IDLE) as made:
        made.kill()
        made.poll()
        deadline = time.monotonic() + 5
        while "not_running" not in (found := look(tmp_path)[1]) and time.monotonic() < deadline:
            time.sleep(0.1)
    assert found["not_running"].data["pid"] == made.pid
    _, found = look(tmp_path)  # collected by now
    assert "there is no process" in found["not_running"].title


def test_number_taken_by_another_process(tmp_path):
    with process(tmp_path, IDLE):
        past = time.time() - 3600
        os.utime(tmp_path / "it.pid", (past, past))
        _, found = look(tmp_path)
    assert "a different process" in found["not_running"].title


def test_halted(tmp_path):
    with process(tmp_path, IDLE) as made:
        made.send_signal(signal.SIGSTOP)
        _, found = look(tmp_path)
        made.send_signal(signal.SIGCONT)
    assert found["halted"].severity is FindingSeverity.CRITICAL
    assert "ok" not in found


def test_growing_to_its_limit(tmp_path):
    loop = "while True: kept.append(b'x' * (1 << 20)); time.sleep(0.02)"
    program = f"import time; kept = [b'x' * (600 << 20)]; print('ready', flush=True)\n{loop}"
    with process(tmp_path, program):
        evidence, found = look(tmp_path, limit=1 << 30)
    first, *_, last = evidence.of(MemorySample)
    assert (last.at - first.at).total_seconds() > 3, "what grows is watched for longer"
    assert found["growth"].severity is FindingSeverity.WARNING
    assert found["growth"].data["limit_seconds"] < 900


def test_near_its_memory_limit(tmp_path):
    with process(tmp_path, f"kept = b'x' * (60 << 20); {IDLE}"):
        _, found = look(tmp_path, limit=64 << 20)
    assert found["memory"].severity is FindingSeverity.CRITICAL
    assert "growth" not in found


def test_out_of_files(tmp_path):
    limit = "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))"
    program = f"{limit}; kept = [open('/dev/null') for _ in range(59)]; {IDLE}"
    with process(tmp_path, program):
        _, found = look(tmp_path)
    assert found["open_files"].severity is FindingSeverity.CRITICAL
    assert found["open_files"].data["limit"] == 64


def test_busy(tmp_path):
    with process(tmp_path, "print('ready', flush=True)\nwhile True: pass"):
        evidence, _ = look(tmp_path)
    assert evidence.of(ProcessState)[0].cpu_cores > 0.05


_AS_NOBODY = """
import os, sys
from pathlib import Path
os.setgroups([]); os.setgid(65534); os.setuid(65534)
from incident_lib.errors import TargetError
from incident_lib.technologies.process.probes import fetch_state
try:
    print(fetch_state(None, None, pid_file=sys.argv[1]))
except TargetError as error:
    print(error.kind)
"""


def test_pid_file_that_may_not_be_read_is_unknown(tmp_path):
    if os.geteuid() != 0:
        services.missing("only root can become somebody who may not read a file")
    path = tmp_path / "it.pid"
    path.write_text("1")
    path.chmod(0)
    command = [
        sys.executable,
        "-c",
        f"import incident_lib.technologies.process.probes, psutil\n{_AS_NOBODY}",
        str(path),
    ]
    told = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert told.stdout.strip() == ProblemKind.PRIVILEGE, told.stderr

"""A share of the sweep of `make soak`: commands hit at some of their file-system calls."""

import subprocess
import sys
from pathlib import Path

import msgspec

from tests.faults import Result

COMMANDS = ["note", "declare", "task --done", "mitigate --yes"]
ROOT = Path(__file__).resolve().parents[3]


def test_what_was_acknowledged_is_there_and_what_is_there_was_acknowledged(tmp_path):
    command = [sys.executable, "-m", "tests.faults", "--every", "13", str(tmp_path), *COMMANDS]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    results = [msgspec.json.decode(line, type=Result) for line in done.stdout.splitlines()]
    assert [result.command for result in results] == COMMANDS
    assert [result.failed for result in results] == [()] * len(COMMANDS)
    assert all(result.calls >= 8 and result.tried >= 3 for result in results)

"""A share of the sweeps of `make soak`: commands hit at some of their calls, and the power lost there."""

import subprocess
import sys
from pathlib import Path

import msgspec

from tests.faults import Result

COMMANDS = ["note", "declare", "task --done", "mitigate --yes", "mitigate rollback"]
SEALING = ["triage", "open", "redact --folder", "bundle"]  # what is written in pieces, or moved
ROOT = Path(__file__).resolve().parents[3]


def test_what_was_acknowledged_is_there_and_what_is_there_was_acknowledged(tmp_path):
    results = swept("tests.faults", tmp_path, COMMANDS, every=23)
    assert all(result.calls >= 8 and result.tried >= 3 for result in results)


def test_nothing_acknowledged_is_lost_with_the_power_and_nothing_torn_is_called_damage(tmp_path):
    results = swept("tests.power_loss", tmp_path, [*COMMANDS, *SEALING], every=31)
    assert all(result.calls >= 8 and result.tried >= 1 for result in results)


def swept(module, place, commands, *, every):
    command = [sys.executable, "-m", module, "--every", str(every), str(place), *commands]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    results = [msgspec.json.decode(line, type=Result) for line in done.stdout.splitlines()]
    assert [result.command for result in results] == commands
    assert [result.failed for result in results] == [()] * len(commands)
    return results

"""A share of the part `changes` of `make soak`: every action, hit at some calls of `mitigate`."""

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from tests.changes import EXECUTABLE
from tests.faults import Result
from tests.integration import docker_service, postgres_service

pytestmark = [
    pytest.mark.docker,
    pytest.mark.redis,
    pytest.mark.postgres,
    pytest.mark.skipif(not postgres_service.INSTALLATIONS, reason="no PostgreSQL is installed here"),
]
engine = docker_service.engine
ROOT = Path(__file__).resolve().parents[2]


def test_what_was_changed_is_recorded_and_nothing_is_changed_twice_or_too_late(engine, tmp_path):
    command = [sys.executable, "-m", "tests.changes", "--every", "90", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    results = [msgspec.json.decode(line, type=Result) for line in done.stdout.splitlines()]
    assert [result.command for result in results] == EXECUTABLE
    assert not any(result.failed for result in results)
    assert all(result.calls >= 15 and result.tried >= 1 for result in results)

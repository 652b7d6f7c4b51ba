"""The machine itself."""

import os
import shutil
import subprocess
from datetime import timedelta
from pathlib import Path

from incident_lib import clock, config
from incident_lib.errors import ProblemKind
from incident_lib.findings.base import Context
from incident_lib.findings.thresholds import Thresholds
from incident_lib.model import EvidenceStatus, Window
from incident_lib.probes.base import run_lane
from incident_lib.technologies.host import probes
from incident_lib.technologies.host.findings import ANALYZERS
from incident_lib.technologies.host.rows import FileSystem, HostLoad, HostMemory
from tests import services


def look(text: str = ""):
    (lane,) = probes.lanes(config.Settings(document=config.parse(text), root=Path()))
    window = Window(clock.now() - timedelta(minutes=15), clock.now())
    return window, {one.probe: one for one in run_lane(lane, window)}


def test_machine_is_seen_and_every_probe_says_something():
    window, seen = look()
    assert {one.status for one in seen.values()} == {EvidenceStatus.COLLECTED}
    assert {one.target for one in seen.values()} == {"host"}
    (memory,) = seen["host.memory"].of(HostMemory)
    (load,) = seen["host.load"].of(HostLoad)
    assert 0 < memory.available_bytes <= memory.total_bytes
    assert 0 <= load.busy_ratio <= 1
    assert seen["host.disk"].of(FileSystem)
    for one in seen.values():
        assert list(ANALYZERS[one.probe](one, Context(window=window)))


def test_limits_that_this_machine_passes_once_they_are_moved():
    window, seen = look()
    for limit, value, told in (
        ("host.disk.warning_free_ratio", 1, "host.disk.full"),
        ("host.disk.critical_free_ratio", 1, "host.disk.full"),
        ("host.memory.warning_available_ratio", 1, "host.memory.low"),
        ("host.memory.critical_available_ratio", 1, "host.memory.low"),
        ("host.load.warning_per_cpu", 0, "host.load.high"),
        ("host.io_wait.warning_ratio", 0, "host.load.io_wait"),
        ("host.steal.warning_ratio", 0, "host.load.steal"),
    ):
        probe = told.rpartition(".")[0]
        context = Context(window=window, thresholds=Thresholds({limit: value}))
        found = {one.id: one.severity for one in ANALYZERS[probe](seen[probe], context)}
        assert found[told] == ("CRITICAL" if "critical" in limit else "WARNING"), limit


def test_entries_of_a_file_system_that_run_out(tmp_path):
    if os.geteuid() or not shutil.which("mount"):
        services.missing("root, for a small file system of our own")
    small = ["mount", "-t", "tmpfs", "-o", "size=1m,nr_inodes=50", "none", str(tmp_path)]
    if subprocess.run(small, capture_output=True, check=False).returncode:
        services.missing("the right to mount")
    try:
        for number in range(47):
            (tmp_path / str(number)).touch()
        window, seen = look(f'[[host]]\npaths = ["{tmp_path}"]\n')
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)
    found = {one.id: one for one in ANALYZERS["host.disk"](seen["host.disk"], Context(window=window))}
    assert found["host.disk.inodes"].severity == "WARNING"
    assert "host.disk.full" not in found


def test_configured_paths_and_one_that_is_not_there(tmp_path):
    _, seen = look(f'[[host]]\nname = "web-1"\npaths = ["{tmp_path}", "{tmp_path}/none"]\n')
    disk = seen["host.disk"]
    assert disk.target == "web-1"
    assert [row.path for row in disk.of(FileSystem)] == [str(tmp_path)]
    assert disk.status is EvidenceStatus.PARTIAL
    assert disk.problem.kind is ProblemKind.PRIVILEGE

"""The machine itself."""

from datetime import timedelta
from pathlib import Path

from incident_lib import clock, config
from incident_lib.errors import ProblemKind
from incident_lib.findings.base import Context
from incident_lib.findings.host import ANALYZERS
from incident_lib.model import EvidenceStatus, Window
from incident_lib.model.host import FileSystem, HostLoad, HostMemory
from incident_lib.probes import host as probes
from incident_lib.probes.base import run_lane


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


def test_configured_paths_and_one_that_is_not_there(tmp_path):
    _, seen = look(f'[[host]]\nname = "web-1"\npaths = ["{tmp_path}", "{tmp_path}/none"]\n')
    disk = seen["host.disk"]
    assert disk.target == "web-1"
    assert [row.path for row in disk.of(FileSystem)] == [str(tmp_path)]
    assert disk.status is EvidenceStatus.PARTIAL
    assert disk.problem.kind is ProblemKind.PRIVILEGE

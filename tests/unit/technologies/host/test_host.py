"""What evidence about the machine means, from literals."""

from datetime import UTC, datetime, timedelta

import pytest

from incident_lib.findings.base import Context
from incident_lib.model import Evidence, EvidenceStatus, FindingSeverity, Window
from incident_lib.technologies.host.findings import ANALYZERS
from incident_lib.technologies.host.rows import FileSystem, HostLoad, HostMemory

NOW = datetime(2026, 1, 15, 14, 30, tzinfo=UTC)
CONTEXT = Context(window=Window(NOW - timedelta(minutes=15), NOW))


def judge(probe, *rows):
    evidence = Evidence(
        probe=probe,
        target="host",
        status=EvidenceStatus.COLLECTED,
        collected_at=NOW,
        duration_seconds=0.1,
        source="",
        rows=rows,
    )
    return {one.id.removeprefix(f"{probe}."): one.severity for one in ANALYZERS[probe](evidence, CONTEXT)}


def disk(free, inodes=None):
    return FileSystem(
        path="/",
        device="/dev/vda",
        kind="ext4",
        total_bytes=1000,
        free_bytes=free,
        free_inodes_count=inodes,
        total_inodes_count=None if inodes is None else 1000,
    )


def memory(available, stalled=None):
    return HostMemory(
        total_bytes=1000,
        available_bytes=available,
        swap_total_bytes=0,
        swap_used_bytes=0,
        stalled_ratio=stalled,
        all_stalled_ratio=None,
    )


def load(one=0.5, io_wait=0.0, steal=None):
    return HostLoad(
        cpu_count=2,
        load_1m=one,
        load_5m=one,
        load_15m=one,
        seconds=1.0,
        busy_ratio=0.5,
        io_wait_ratio=io_wait,
        steal_ratio=steal,
    )


@pytest.mark.parametrize(
    ("probe", "row", "found"),
    [
        ("host.disk", disk(500), {"ok": FindingSeverity.OK}),
        ("host.disk", disk(90), {"full": FindingSeverity.WARNING}),
        ("host.disk", disk(5), {"full": FindingSeverity.CRITICAL}),
        ("host.disk", disk(500, inodes=5), {"inodes": FindingSeverity.CRITICAL}),
        ("host.memory", memory(500), {"ok": FindingSeverity.OK}),
        ("host.memory", memory(80), {"low": FindingSeverity.WARNING}),
        ("host.memory", memory(500, stalled=0.5), {"pressure": FindingSeverity.WARNING}),
        ("host.load", load(), {"ok": FindingSeverity.OK}),
        ("host.load", load(one=10), {"high": FindingSeverity.WARNING}),
        ("host.load", load(io_wait=0.6), {"io_wait": FindingSeverity.WARNING}),
        ("host.load", load(steal=0.3), {"steal": FindingSeverity.WARNING}),
        ("host.load", load(io_wait=None), {"ok": FindingSeverity.OK}),
    ],
)
def test_machine(probe, row, found):
    assert judge(probe, row) == found

"""What the evidence about the machine means."""

from collections.abc import Iterator, Sequence
from typing import Any

from incident_lib.findings.base import Analyzer, Context, finding, ok
from incident_lib.model import Evidence, Finding, FindingSeverity
from incident_lib.technologies.host.rows import (
    FileSystem,
    HostLoad,
    HostMemory,
    ProcessorUser,
    shown,
    taken_by,
)
from incident_lib.units import format_bytes, format_number, format_share

_SHOWN = 6  # programs


def analyze_disk(evidence: Evidence, context: Context) -> Iterator[Finding]:
    """Yield a finding for each file system that is nearly full, else one OK naming the fullest."""
    systems = evidence.of(FileSystem)
    found = [finding for system in systems for finding in _judge(evidence, system, context)]
    yield from found
    known = [system for system in systems if system.free_ratio is not None]
    if not found and known:
        least = min(known, key=lambda system: system.free_ratio or 0.0)
        title = f"the fullest of {len(known)} file systems has {format_share(least.free_ratio)} free"
        yield ok(evidence, title, f"{least.path}: {format_bytes(least.free_bytes)}")


def _judge(evidence: Evidence, system: FileSystem, context: Context) -> Iterator[Finding]:
    severity = context.thresholds.severity("host.disk", system.free_ratio, "free_ratio", above=False)
    data: dict[str, Any] = {
        "path": system.path,
        "free_ratio": system.free_ratio,
        "free_bytes": system.free_bytes,
    }
    if severity:
        size = format_bytes(system.total_bytes)
        title = f"{system.path} has {format_share(system.free_ratio)} free"
        detail = f"{format_bytes(system.free_bytes)} of {size} on {system.device or system.path}"
        yield finding(evidence, "full", severity, title, detail, **data)
    ratio = system.free_inodes_ratio
    severity = context.thresholds.severity("host.inodes", ratio, "free_ratio", above=False)
    if severity:
        title = f"{system.path} has {format_share(ratio)} of its inodes free"
        detail = (
            f"{format_number(system.free_inodes_count)} of "
            f"{format_number(system.total_inodes_count)}; hardly any more files can be created"
        )
        yield finding(evidence, "inodes", severity, title, detail, **data)


def analyze_memory(evidence: Evidence, context: Context) -> Iterator[Finding]:
    """Yield what is short, else one OK."""
    for memory in evidence.of(HostMemory):
        ratio, limits = memory.available_ratio, context.thresholds
        available, total = format_bytes(memory.available_bytes), format_bytes(memory.total_bytes)
        detail = f"{available} of {total}; swap {format_bytes(memory.swap_used_bytes)} used"
        data: dict[str, Any] = {"available_ratio": ratio, "available_bytes": memory.available_bytes}
        severity = limits.severity("host.memory", ratio, "available_ratio", above=False)
        if severity:
            yield finding(
                evidence,
                "low",
                severity,
                f"the machine has {format_share(ratio)} of its memory left",
                detail,
                **data,
            )
        pressed = limits.severity("host.memory.pressure", memory.stalled_ratio, "ratio")
        if pressed:
            title = f"tasks on the machine wait for memory {format_share(memory.stalled_ratio)} of the time"
            yield finding(evidence, "pressure", pressed, title, detail, **data)
        if not severity and not pressed:
            yield ok(evidence, f"the machine has {available} of memory left", detail, **data)
        if memory.killed_count == 0:
            title = "the machine's OOM killer has not run since it started"
            yield finding(evidence, "no_kills", FindingSeverity.OK, title, "oom_kill of /proc/vmstat is 0")


def analyze_load(evidence: Evidence, context: Context) -> Iterator[Finding]:
    """Yield what the machine suffers from, else one OK."""
    for load in evidence.of(HostLoad):
        data: dict[str, Any] = {
            "load_per_cpu": load.load_per_cpu,
            "io_wait_ratio": load.io_wait_ratio,
            "steal_ratio": load.steal_ratio,
        }
        detail = f"load {load.load_1m:.1f}, {load.load_5m:.1f}, {load.load_15m:.1f} on {load.cpu_count} CPUs"
        complaints = list(_complaints(load, context))
        users = evidence.of(ProcessorUser)
        taken = list(_taken(evidence, load, users, context))
        yield from taken
        for name, severity, title in complaints:
            yield finding(evidence, name, severity, title, detail, **data)
        if not complaints and not taken:
            title = f"load is {load.load_per_cpu:.2f} per CPU"
            yield ok(evidence, title, detail, **data)


def _taken(
    evidence: Evidence, load: HostLoad, users: Sequence[ProcessorUser], context: Context
) -> Iterator[Finding]:
    """Yield that others keep all processors busy: no fault by itself; what we take does not count."""
    severity = context.thresholds.severity("host.cpu", load.busy_ratio, "ratio")
    most, ours = taken_by(users), sum(user.cores for user in users if user.is_ours)
    if severity is None or most is None or ours >= load.cpu_count / 2:
        return
    shares = [
        f"{shown(user)}: "
        f"{format_share(user.cores / load.cpu_count)}{f', of {user.service}' if user.service else ''}"
        for user in users[:_SHOWN]
        if not user.is_ours
    ]
    yield finding(
        evidence,
        "saturated",
        severity,
        f"the CPUs are {format_share(load.busy_ratio)} busy, mostly with {shown(most)}",
        "\n".join([*shares, _pressed(load)]),
        busy_ratio=round(load.busy_ratio, 3),
        program=shown(most),
        process=most.name,
        pid=most.pid,
        share_ratio=round(most.cores / load.cpu_count, 3),
        stalled_ratio=load.cpu_stalled_ratio,
        steal_ratio=load.steal_ratio,
        load_per_cpu=load.load_per_cpu,
    )


def _pressed(load: HostLoad) -> str:
    line = f"load {load.load_1m:.1f}, {load.load_5m:.1f}, {load.load_15m:.1f} on {load.cpu_count} CPUs"
    if load.cpu_stalled_ratio is None:
        return line
    return f"{line}; some task waited for CPU {format_share(load.cpu_stalled_ratio)} of the last minute"


def _complaints(load: HostLoad, context: Context) -> Iterator[tuple[str, FindingSeverity, str]]:
    judged = (
        (
            "high",
            "host.load",
            load.load_per_cpu,
            "per_cpu",
            f"load is {load.load_per_cpu:.1f} for each processor",
        ),
        ("io_wait", "host.io_wait", load.io_wait_ratio, "ratio", "the CPUs wait for disks"),
        ("io_pressure", "host.io_pressure", load.io_stalled_ratio, "ratio", "tasks wait for disks"),
        ("steal", "host.steal", load.steal_ratio, "ratio", "the hypervisor takes CPU time away (steal)"),
    )
    for name, rule, value, unit, title in judged:
        if severity := context.thresholds.severity(rule, value, unit):
            share = f": {format_share(value)} of the time" if unit == "ratio" and value is not None else ""
            yield name, severity, f"{title}{share}"


ANALYZERS: dict[str, Analyzer] = {
    "host.disk": analyze_disk,
    "host.memory": analyze_memory,
    "host.load": analyze_load,
}
ON_FAILURE: dict[str, Analyzer] = {}

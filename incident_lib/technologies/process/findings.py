"""What the evidence about plain processes means."""

from collections.abc import Iterator
from typing import Any

from incident_lib import clock
from incident_lib.findings.base import Analyzer, Context, finding, ok
from incident_lib.findings.growth import memory_series, steady_growth, warms_up
from incident_lib.model import Evidence, Finding, FindingSeverity
from incident_lib.model.rows import MemorySample
from incident_lib.technologies.process.rows import ProcessState
from incident_lib.units import format_bytes, format_duration, format_guess, format_share

_HALTED = {"stopped", "tracing-stop"}


def analyze_state(evidence: Evidence, context: Context) -> Iterator[Finding]:
    """Yield CRITICAL for a process that is gone, else what is near a limit, or one OK."""
    for state in evidence.of(ProcessState):
        if not state.is_running:
            yield _not_running(evidence, state)
            continue
        yield from _restarted(evidence, state, context)
        yield from _cpu(evidence, state, context)
        found = [
            *_halted(evidence, state),
            *_memory(evidence, state, context),
            *_growth(evidence, state, context),
            *_open_files(evidence, state, context),
        ]
        yield from found or (_ok(evidence, state),)


def _not_running(evidence: Evidence, state: ProcessState) -> Finding:
    return finding(
        evidence,
        "not_running",
        FindingSeverity.CRITICAL,
        f"the process is not running: {state.reason}",
        f"{state.pid_file}; read the last lines of its log",
        pid=state.pid,
    )


def _ok(evidence: Evidence, state: ProcessState) -> Finding:
    since = f" since {clock.format_time(state.started_at)}" if state.started_at else ""
    parts = [f"process {state.pid}"]
    if state.resident_bytes is not None:
        parts.append(format_bytes(state.resident_bytes))
    if state.cpu_cores is not None:
        parts.append(f"{state.cpu_cores:.2f} processors")
    if state.open_file_count is not None:
        parts.append(f"{state.open_file_count} open files")
    if state.python_version:
        parts.append(f"Python {state.python_version}")
    title = f"the process has been running{since}"
    return ok(evidence, title, ", ".join(parts), **_data(state))


def _data(state: ProcessState) -> dict[str, Any]:
    return {
        "pid": state.pid,
        "resident_bytes": state.resident_bytes,
        "memory_ratio": state.memory_ratio,
        "cpu_cores": state.cpu_cores,
        "open_file_ratio": state.open_file_ratio,
    }


def _halted(evidence: Evidence, state: ProcessState) -> Iterator[Finding]:
    if state.state in _HALTED:
        title = "the process was stopped by a signal"
        advice = f"process {state.pid} is {state.state}; kill -CONT {state.pid} resumes it"
        yield finding(evidence, "halted", FindingSeverity.CRITICAL, title, advice, pid=state.pid)


def _restarted(evidence: Evidence, state: ProcessState, context: Context) -> Iterator[Finding]:
    if state.started_at and context.window.holds(state.started_at):
        yield finding(
            evidence,
            "restarted",
            FindingSeverity.INFO,
            "the process was started",
            f"at {clock.format_time(state.started_at)}, inside the window",
            since=state.started_at,
            pid=state.pid,
        )


def _cpu(evidence: Evidence, state: ProcessState, context: Context) -> Iterator[Finding]:
    severity = context.thresholds.severity("process.cpu", state.cpu_cores, "cores")
    if severity and state.cpu_cores is not None:
        title = f"the process uses {state.cpu_cores:.2f} processors"
        yield finding(
            evidence, "cpu", severity, title, f"over {format_duration(state.seconds)}", **_data(state)
        )


def _memory(evidence: Evidence, state: ProcessState, context: Context) -> Iterator[Finding]:
    severity = context.thresholds.severity("process.memory", state.memory_ratio, "ratio")
    if severity and state.memory_ratio is not None:
        size, limit = format_bytes(state.resident_bytes or 0), format_bytes(state.memory_limit_bytes or 0)
        title = f"the process uses {format_share(state.memory_ratio)} of its memory limit"
        yield finding(evidence, "memory", severity, title, f"{size} of {limit}", **_data(state))


def _growth(evidence: Evidence, state: ProcessState, context: Context) -> Iterator[Finding]:
    limit = state.memory_limit_bytes or state.address_space_limit_bytes
    memory = memory_series(evidence.of(MemorySample), limit)
    growth = steady_growth(memory, least_ratio=context.thresholds["process.growth.least_ratio"])
    severity = growth and context.thresholds.severity(
        "process.growth", growth.limit_seconds, "seconds", above=False
    )
    if growth and severity:
        warm_up = context.thresholds["process.growth.warm_up_seconds"]
        young = warms_up(state.started_at, memory.points[-1].at, state.memory_ratio, warm_up)
        yield finding(
            evidence,
            "growth",
            FindingSeverity.INFO if young else severity,
            f"memory grows and will reach its limit in {format_guess(growth.limit_seconds)}",
            f"{format_bytes(growth.grown)} in {format_duration(growth.seconds)}, without shrinking in between"
            + (", just after its start" if young else ""),
            bytes_per_second=growth.per_second,
            limit_seconds=growth.limit_seconds,
            **_data(state),
        )


def _open_files(evidence: Evidence, state: ProcessState, context: Context) -> Iterator[Finding]:
    severity = context.thresholds.severity("process.open_files", state.open_file_ratio, "ratio")
    if severity:
        yield finding(
            evidence,
            "open_files",
            severity,
            f"the process has {state.open_file_count} of {state.open_file_limit_count} files open",
            "files or connections are not being closed; at the limit, new connections fail",
            count=state.open_file_count,
            limit=state.open_file_limit_count,
        )


ANALYZERS: dict[str, Analyzer] = {"process.state": analyze_state}
ON_FAILURE: dict[str, Analyzer] = {}

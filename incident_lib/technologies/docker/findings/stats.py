"""What a container uses, against what it may use."""

from collections.abc import Iterator
from typing import Any

from incident_lib.findings.base import Context, finding
from incident_lib.findings.growth import LEAST_SAMPLES, memory_series, steady_growth, warms_up
from incident_lib.model import Evidence, Finding, FindingSeverity
from incident_lib.model.rows import MemorySample
from incident_lib.technologies.docker.rows import ContainerUsage
from incident_lib.units import format_bytes, format_duration, format_guess, format_number, format_share


def analyze_stats(evidence: Evidence, context: Context) -> Iterator[Finding]:
    """Yield what is near a limit, else one OK with the numbers."""
    for usage in evidence.of(ContainerUsage):
        found = [
            *_cpu(evidence, usage, context),
            *_memory(evidence, usage, context),
            *_growth(evidence, usage, context),
            *_pids(evidence, usage, context),
            *_network(evidence, usage, context),
        ]
        yield from found or (_ok(evidence, usage),)


def _ok(evidence: Evidence, usage: ContainerUsage) -> Finding:
    parts = []
    if usage.cpu_cores is not None:
        parts.append(f"{usage.cpu_cores:.2f} processors")
    if usage.memory_bytes is not None:
        limit = f" of {format_bytes(usage.memory_limit_bytes)}" if usage.memory_limit_bytes else ""
        parts.append(f"{format_bytes(usage.memory_bytes)}{limit}")
    used = f"the container uses {' and '.join(parts)}"
    title = used if parts else "the engine does not report what the container uses"
    severity = FindingSeverity.OK if parts else FindingSeverity.UNKNOWN
    return finding(
        evidence,
        "ok" if parts else "unknown",
        severity,
        title,
        f"over {format_duration(usage.seconds)}",
        **_data(usage),
    )


def _data(usage: ContainerUsage) -> dict[str, Any]:
    return {
        "cpu_ratio": usage.cpu_ratio,
        "memory_bytes": usage.memory_bytes,
        "memory_limit_bytes": usage.memory_limit_bytes,
        "memory_ratio": usage.memory_ratio,
    }


def _cpu(evidence: Evidence, usage: ContainerUsage, context: Context) -> Iterator[Finding]:
    severity = context.thresholds.severity("container.cpu", usage.cpu_ratio, "ratio")
    if severity and usage.cpu_ratio is not None:
        yield finding(
            evidence,
            "cpu",
            severity,
            f"the container uses {format_share(usage.cpu_ratio)} of its CPU limit",
            f"{usage.cpu_cores:.2f} of {usage.cpu_limit_cores:g} over {format_duration(usage.seconds)}",
            **_data(usage),
        )
    severity = context.thresholds.severity("container.throttled", usage.throttled_ratio, "ratio")
    if severity and usage.throttled_ratio is not None:
        yield finding(
            evidence,
            "throttled",
            severity,
            f"the CPU limit throttled the container in {format_share(usage.throttled_ratio)} of the "
            "scheduler's periods",
            f"limit {usage.cpu_limit_cores:g} CPUs; raise it, or reduce the load",
            throttled_ratio=usage.throttled_ratio,
            **_data(usage),
        )


def _memory(evidence: Evidence, usage: ContainerUsage, context: Context) -> Iterator[Finding]:
    severity = context.thresholds.severity("container.memory", usage.memory_ratio, "ratio")
    if severity and usage.memory_ratio is not None:
        size, limit = format_bytes(usage.memory_bytes or 0), format_bytes(usage.memory_limit_bytes or 0)
        title = f"the container uses {format_share(usage.memory_ratio)} of its memory limit"
        yield finding(evidence, "memory", severity, title, f"{size} of {limit}", **_data(usage))


def _growth(evidence: Evidence, usage: ContainerUsage, context: Context) -> Iterator[Finding]:
    samples = evidence.of(MemorySample)
    # Where there are enough moments at which no health check and no probe of ours ran in it, those count.
    alone = [sample for sample in samples if sample.command_count == 0]
    undisturbed = len(alone) >= LEAST_SAMPLES
    guest = not undisturbed and (usage.command_count or any(sample.command_count for sample in samples))
    memory = memory_series(alone if undisturbed else samples, usage.memory_limit_bytes)
    growth = steady_growth(memory, least_ratio=context.thresholds["container.growth.least_ratio"])
    severity = growth and context.thresholds.severity(
        "container.growth", growth.limit_seconds, "seconds", above=False
    )
    if growth and severity:
        warm_up = context.thresholds["container.growth.warm_up_seconds"]
        young = warms_up(usage.started_at, memory.points[-1].at, usage.memory_ratio, warm_up)
        yield finding(
            evidence,
            "growth",
            FindingSeverity.INFO if young or guest else severity,
            f"memory grows and will reach the limit in {format_guess(growth.limit_seconds)}",
            f"{format_bytes(growth.grown)} in {format_duration(growth.seconds)}, without shrinking in between"
            + (", just after its start" if young else "")
            + (", while a command was run in it, such as its health check" if guest else ""),
            bytes_per_second=growth.per_second,
            limit_seconds=growth.limit_seconds,
            **_data(usage),
        )


def _pids(evidence: Evidence, usage: ContainerUsage, context: Context) -> Iterator[Finding]:
    if not usage.process_limit_count or usage.process_count is None:
        return
    ratio = usage.process_count / usage.process_limit_count
    if severity := context.thresholds.severity("container.pids", ratio, "ratio"):
        yield finding(
            evidence,
            "pids",
            severity,
            f"the container has {format_number(usage.process_count)} of the "
            f"{format_number(usage.process_limit_count)} processes that it may have",
            count=usage.process_count,
            limit=usage.process_limit_count,
        )


def _network(evidence: Evidence, usage: ContainerUsage, context: Context) -> Iterator[Finding]:
    lost = None
    if usage.dropped_count is not None or usage.error_count is not None:
        lost = (usage.dropped_count or 0) + (usage.error_count or 0)
    if severity := context.thresholds.severity("container.dropped", lost, "count"):
        yield finding(
            evidence,
            "network",
            severity,
            f"the network of the container lost {lost:,} packets in {format_duration(usage.seconds)}",
            f"{format_number(usage.dropped_count)} dropped, {format_number(usage.error_count)} errors",
            count=lost,
        )

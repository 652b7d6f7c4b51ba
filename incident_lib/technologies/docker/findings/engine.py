"""The engine, the containers it has, and the processes in one of them."""

from collections.abc import Iterator
from typing import Any

from incident_lib.findings.base import Context, finding, ok, reason_of
from incident_lib.model import Evidence, Finding, FindingSeverity
from incident_lib.model.rows import Measurement
from incident_lib.technologies.docker.rows import ContainerListed, ContainerProcess, EngineFacts, NetworkGap


def analyze_engine(evidence: Evidence, _context: Context) -> Iterator[Finding]:
    """Yield one OK: the engine answers."""
    for engine in evidence.of(EngineFacts):
        detail = f"API {engine.api_version}, {engine.operating_system}"
        if engine.cgroup_version:
            detail += f", control groups {engine.cgroup_version}"
        if engine.rootless:
            detail += ", rootless"
        title = f"the Docker engine {engine.version} answers"
        yield ok(evidence, title, detail, version=engine.version)


def judge_engine(evidence: Evidence, _context: Context) -> Iterator[Finding]:
    """Yield what a failed connection means: UNKNOWN where the inability is ours."""
    problem = evidence.problem
    kind = problem.kind.value if problem else "unknown"
    severity = FindingSeverity.CRITICAL
    if problem is None or problem.kind.is_ours:
        severity = FindingSeverity.UNKNOWN
    advice = problem.advice if problem else ""
    barred = problem.numbers.get("barred_count") if problem else None
    yield finding(evidence, kind, severity, reason_of(evidence), advice, barred_count=barred)


def analyze_containers(evidence: Evidence, _context: Context) -> Iterator[Finding]:
    """Yield a WARNING for services that need each other and share no network, else one OK."""
    gaps = evidence.of(NetworkGap)
    for gap in gaps:
        yield finding(
            evidence,
            "no_common_network",
            FindingSeverity.WARNING,
            f"{gap.container} needs {gap.needs} but shares no network with it",
            f"{gap.container}: {', '.join(gap.networks)}; {gap.needs}: {', '.join(gap.needs_networks)}",
            container=gap.container,
            needs=gap.needs,
        )
    if not gaps:
        listed = evidence.of(ContainerListed)
        running = sum(row.state == "running" for row in listed)
        title = f"{running} of {len(listed)} containers run"
        yield ok(evidence, title, running=running, containers=len(listed))


def analyze_processes(evidence: Evidence, context: Context) -> Iterator[Finding]:
    """Yield a WARNING for many processes that ended and were not collected, else one OK."""
    processes = evidence.of(ContainerProcess)
    versions = [row.labels.get("version", "") for row in evidence.of(Measurement)]
    python = versions[0] if versions else ""
    zombies = sum(process.state.startswith("Z") for process in processes)
    data: dict[str, Any] = {"processes": len(processes), "zombies": zombies, "python_version": python}
    severity = context.thresholds.severity("container.zombies", zombies, "count")
    if severity:
        title = f"{zombies} processes in the container have exited and were not reaped (zombies)"
        advice = "its first process does not reap children: run it with an init (docker run --init)"
        yield finding(evidence, "zombies", severity, title, advice, **data)
    else:
        title = f"{len(processes)} processes running in the container"
        yield ok(evidence, title, f"Python {python}" if python else "", **data)

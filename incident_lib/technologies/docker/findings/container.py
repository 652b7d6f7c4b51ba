"""The state of one container: does it run, why not, since when, and what of it is risky."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from incident_lib import clock
from incident_lib.errors import ProblemKind
from incident_lib.findings.base import Context, finding, ok, reason_of, unknown
from incident_lib.findings.recovery import quiet
from incident_lib.model import Evidence, Finding, FindingSeverity, Holds
from incident_lib.technologies.docker.findings.exit_codes import verdict
from incident_lib.technologies.docker.rows import ContainerState, HealthOutput, NetworkAttachment
from incident_lib.units import format_bytes

_NEVER_STARTED = {"created"}
_NO_NETWORK = {"host", "none"}
_KILLED = 137
_ORDERLY = {0, 143}
_STAYS = timedelta(seconds=90)


def analyze_container(evidence: Evidence, context: Context) -> Iterator[Finding]:
    """Yield what is wrong with the container, else one OK; and what is worth knowing, as INFO."""
    for state in evidence.of(ContainerState):
        trouble = [
            *_not_running(evidence, state, context),
            *_restarts(evidence, state, context),
            *_worker(evidence, state),
            *_health(evidence, state),
            *_network(evidence, state),
        ]
        yield from trouble
        yield from _changed(evidence, state, context)
        yield from _risks(evidence, state)
        if not any(found.severity.is_bad and found.holds is Holds.NOW for found in trouble):
            since = f" since {clock.format_time(state.started_at)}" if state.started_at else ""
            health = f", {state.health}" if state.health else ""
            title = f"{state.name} runs{since}{health}"
            yield ok(evidence, title, _image(state))


def judge_missing(evidence: Evidence, _context: Context) -> Iterator[Finding]:
    """Yield CRITICAL where the engine knows no such container; where the engine does not answer, UNKNOWN."""
    problem = evidence.problem
    if problem is not None and problem.kind is ProblemKind.NOT_FOUND:
        title = reason_of(evidence)
        yield finding(evidence, "not_found", FindingSeverity.CRITICAL, title, problem.advice)
    else:
        yield unknown(evidence)


def _image(state: ContainerState) -> str:
    parts = [f"image {state.image} ({state.image_id})"]
    if state.version:
        parts.append(f"version {state.version}")
    if state.revision:
        parts.append(f"revision {state.revision[:12]}")
    return ", ".join(parts)


def _not_running(evidence: Evidence, state: ContainerState, context: Context) -> Iterator[Finding]:
    if state.state in {"running", "restarting"}:
        return
    memory = ended_for_memory(state)
    end = verdict(state.exit_code, out_of_memory=memory)
    advice = end.advice
    title = f"{state.name} is {state.state}: {end.meaning}"
    if state.state == "paused":
        title, advice = f"{state.name} is paused", f"docker unpause {state.name}"
    elif state.state == "removing":
        title, advice = (
            f"{state.name} is being removed",
            "a deploy would have replaced it by now",
        )
    elif state.state in _NEVER_STARTED:
        title = f"{state.name} was created but never started"
    parts = [f"exit code {state.exit_code}" if state.exit_code is not None else "", state.error]
    if state.finished_at:
        parts.append(f"ended {clock.format_time(state.finished_at)}")
    parts += [f"restart policy {state.restart_policy}", advice]
    yield finding(
        evidence,
        "not_running",
        FindingSeverity.CRITICAL,
        title,
        "; ".join(filter(None, parts)),
        since=state.finished_at if context.window.holds(state.finished_at) else None,
        container=state.name,
        state=state.state,
        exit_code=state.exit_code,
        oom_killed=int(memory),
        restart_count=state.restart_count,
    )
    if memory:
        yield _oom_killed(evidence, state)


def _oom_killed(evidence: Evidence, state: ContainerState) -> Finding:
    limit = state.memory_limit_bytes
    return finding(
        evidence,
        "oom_killed",
        FindingSeverity.CRITICAL,
        f"{state.name} was killed because it ran out of memory",
        f"its limit is {format_bytes(limit)}"
        if limit
        else "it has no limit of its own: the machine ran out of memory",
        since=state.finished_at,
        container=state.name,
        memory_limit_bytes=limit,
    )


def _restarts(evidence: Evidence, state: ContainerState, context: Context) -> Iterator[Finding]:
    running, recent = state.state == "running", context.window.holds(state.started_at)
    many = context.thresholds.severity("container.restarts", state.restart_count, "count")
    data: dict[str, Any] = {
        "container": state.name,
        "restart_count": state.restart_count,
        "exit_code": state.exit_code,
    }
    if state.state == "restarting" or (running and recent and many):
        end = verdict(state.exit_code, out_of_memory=ended_for_memory(state))
        why = f": {end.meaning}" if state.exit_code is not None else ""
        found = finding(
            evidence,
            "restarting",
            FindingSeverity.CRITICAL,
            f"{state.name} keeps restarting{why}",
            f"{state.restart_count} restarts by its policy ({state.restart_policy}); {end.advice}",
            since=state.created_at if context.window.holds(state.created_at) else None,
            **data,
        )
        # What restarts again and again is quiet in between; the engine waits for a minute at most.
        stays = running and state.started_at and context.window.end - state.started_at > _STAYS
        yield quiet(found, [state.started_at], context) if stays and state.started_at else found
        if ended_for_memory(state):
            yield _oom_killed(evidence, state)
    elif running and recent and not context.window.holds(state.created_at):
        by_policy = state.restart_count > 0
        found = finding(
            evidence,
            "restarted",
            FindingSeverity.WARNING if by_policy else FindingSeverity.INFO,
            f"{state.name} was restarted {'after it died' if by_policy else 'by hand'}",
            f"started {clock.format_time(state.started_at or state.created_at)}; "
            f"{state.restart_count} restarts by its policy ({state.restart_policy})",
            since=state.started_at,
            **data,
        )
        yield quiet(found, [state.started_at], context) if by_policy and state.started_at else found


def ended_for_memory(state: ContainerState) -> bool:
    """Return whether its last end was for memory.

    The engine's mark stays from one life of a container to the next, and a worker sets it, too: an orderly
    end, or one of another life with another code, is not what it describes.
    """
    first_life = state.restart_count == 0 and state.exit_code not in _ORDERLY
    return state.oom_killed and (state.exit_code == _KILLED or (first_life and state.exit_code is not None))


def _worker(evidence: Evidence, state: ContainerState) -> Iterator[Finding]:
    if state.state != "running" or not state.oom_killed:
        return
    # In its first life nothing but a child of the first process can have set the mark.
    first_life = state.restart_count == 0 and state.finished_at is None
    limit = f"memory limit {format_bytes(state.memory_limit_bytes) if state.memory_limit_bytes else 'none'}"
    if first_life:
        title = f"a process inside {state.name} was killed because memory ran out; the container kept running"
        detail = f"{limit}; check for a replaced worker"
    else:
        title = f"memory ran out in {state.name} at some point since it was created"
        detail = (
            f"{limit}; the engine does not tell whether that was before or after its last start: its events "
            f"and log may"
        )
    yield finding(
        evidence,
        "worker_killed" if first_life else "memory_ran_out",
        FindingSeverity.CRITICAL if first_life else FindingSeverity.INFO,
        title,
        detail,
        container=state.name,
        memory_limit_bytes=state.memory_limit_bytes,
    )


def _health(evidence: Evidence, state: ContainerState) -> Iterator[Finding]:
    if state.state != "running":
        return
    outputs = evidence.of(HealthOutput)
    if state.health == "unhealthy":
        failed = [output for output in outputs if output.exit_code]
        last_output = failed[-1].output if failed else "nothing"
        yield finding(
            evidence,
            "unhealthy",
            FindingSeverity.CRITICAL,
            f"{state.name} is running, but its health check fails",
            f"{state.health_failing_count} failures in a row; the last one reported: {last_output}",
            since=failed[0].at if failed and len(failed) < len(outputs) else None,
            container=state.name,
            failing_count=state.health_failing_count,
        )
    elif state.health == "starting":
        yield finding(
            evidence,
            "starting",
            FindingSeverity.INFO,
            f"{state.name} is starting: its health check has not passed yet",
            container=state.name,
        )


def _network(evidence: Evidence, state: ContainerState) -> Iterator[Finding]:
    # One that shares the network of the host or of another container is in none of its own.
    shared = state.network_mode in _NO_NETWORK or state.network_mode.startswith("container:")
    if state.state != "running" or not state.network_mode or shared or evidence.of(NetworkAttachment):
        return
    yield finding(
        evidence,
        "no_network",
        FindingSeverity.CRITICAL,
        f"{state.name} is running but is in no network: no container can find it by name",
        f"it was created in {state.network_mode}, and was disconnected by hand. Reconnect it with docker "
        f"network connect {state.network_mode} {state.name}, with the aliases it had",
        container=state.name,
        network=state.network_mode,
    )


def _changed(evidence: Evidence, state: ContainerState, context: Context) -> Iterator[Finding]:
    if context.window.holds(state.created_at):
        version = f" with version {state.version}" if state.version else ""
        yield finding(
            evidence,
            "changed",
            FindingSeverity.INFO,
            f"{state.name} was created{version}: a deploy",
            _image(state),
            since=state.created_at,
            container=state.name,
            image=state.image,
            image_id=state.image_id,
            version=state.version,
            revision=state.revision,
        )


def _risks(evidence: Evidence, state: ContainerState) -> Iterator[Finding]:
    risks: dict[str, tuple[str, bool]] = {
        "no_memory_limit": ("no memory limit", state.memory_limit_bytes is None),
        "no_health_check": ("no health check", not state.health),
        "no_restart": ("no restart policy", state.restart_policy == "no"),
        "unbounded_log": ("a log without a size limit", state.log_is_limited is False),
    }
    named = [text for text, is_so in risks.values() if is_so]
    data: dict[str, Any] = {name: int(is_so) for name, (_, is_so) in risks.items()}
    if named:
        yield finding(
            evidence,
            "risks",
            FindingSeverity.INFO,
            f"{state.name} has {', '.join(named)}",
            "not a problem by itself, but each makes an incident longer or harder to detect",
            **data,
        )

"""Looking again after a change, with the same probes that collect evidence."""

from collections.abc import Callable
from datetime import timedelta
from time import sleep

import msgspec

from incident_lib import clock
from incident_lib.config import Settings
from incident_lib.model import Evidence, EvidenceStatus, Window
from incident_lib.probes.base import Lane, run_lane
from incident_lib.technologies.deploys import probes as deploys
from incident_lib.technologies.docker import probes as docker
from incident_lib.technologies.docker.rows import ContainerState
from incident_lib.technologies.http import probes as http
from incident_lib.technologies.http.rows import HttpAnswer
from incident_lib.technologies.network import probes as network
from incident_lib.technologies.postgres import probes as postgres
from incident_lib.technologies.process import probes as process
from incident_lib.technologies.process.rows import ProcessState
from incident_lib.technologies.redis import probes as redis
from incident_lib.units import format_duration

_LANES: dict[str, Callable[[Settings], tuple[Lane, ...]]] = {
    "deploys": deploys.lanes,
    "docker": docker.lanes,
    "http": http.lanes,
    "network": network.lanes,
    "postgres": postgres.lanes,
    "process": process.lanes,
    "redis": redis.lanes,
}
_ANSWER = {
    "http": "http.health",
    "postgres": "postgres.connection",
    "redis": "redis.connection",
}
_PAUSE_SECONDS = 0.5


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a service is well, as one sentence for each thing that was looked at."""

    is_well: bool
    lines: tuple[str, ...]


def look(settings: Settings, target: str, probe: str) -> Evidence | None:
    """Return what one probe sees of `target` now, None when nothing is configured that it could look at."""
    technology = probe.partition(".")[0]
    window = Window(clock.now() - timedelta(minutes=15), clock.now() + timedelta(minutes=1))
    for lane in _LANES[technology](settings):
        chosen = tuple(one for one in lane.probes if one.name == probe)
        if lane.target == target and chosen:
            return next(run_lane(msgspec.structs.replace(lane, probes=chosen), window))
    return None


def look_at_service(settings: Settings, target: str) -> Look:
    """Return whether a service runs and answers. Cost: what one health check costs."""
    service = settings.service(target)
    probes = ["docker.container"] if service.container else ["process.state"] if service.pid_file else []
    if answer := _ANSWER.get(service.kind):
        probes.append(answer)
    seen = [evidence for probe in probes if (evidence := look(settings, target, probe))]
    answers = any(evidence.probe in _ANSWER.values() for evidence in seen)
    judged = [judge(evidence, answers=answers) for evidence in seen]
    lines = tuple(line for one in judged for line in one.lines)
    return Look(is_well=bool(judged) and all(one.is_well for one in judged), lines=lines)


def wait_until_well(settings: Settings, target: str, seconds: float) -> Look:
    """Return the first look that is well, or the last one after `seconds`."""
    deadline = clock.monotonic() + seconds
    while True:
        seen = look_at_service(settings, target)
        if seen.is_well or clock.monotonic() > deadline:
            return seen
        sleep(_PAUSE_SECONDS)


def judge(evidence: Evidence, *, answers: bool = False) -> Look:
    """Return what one evidence says of its target: well only where that was seen.

    A container whose first health check is still to come is well where `answers` are looked at, too.
    """
    if evidence.status is EvidenceStatus.FAILED or not evidence.has_rows:
        reason = evidence.problem.message if evidence.problem else "it saw nothing"
        return Look(is_well=False, lines=(f"{evidence.probe}: {reason}",))
    requests = [_answer(row) for row in evidence.of(HttpAnswer)]
    healthy = {"", "healthy", "starting"} if answers else {"", "healthy"}
    containers = [_container(row, healthy) for row in evidence.of(ContainerState)]
    processes = [_process(row) for row in evidence.of(ProcessState)]
    judged = [*requests, *containers, *processes] or [(True, "it answers")]
    lines = tuple(f"{evidence.probe}: {line}" for _, line in judged)
    return Look(is_well=all(well for well, _ in judged), lines=lines)


def _answer(row: HttpAnswer) -> tuple[bool, str]:
    took = "" if row.total_seconds is None else f" in {format_duration(row.total_seconds)}"
    return row.is_well, f"GET {row.path} gave {row.status or row.error}{took}"


def _container(row: ContainerState, healthy: set[str]) -> tuple[bool, str]:
    well = row.state == "running" and row.health in healthy
    health = f", {row.health}" if row.health else ""
    since = f" since {clock.format_time(row.started_at)}" if row.started_at else ""
    return well, f"container {row.name} is {row.state}{health}{since}"


def _process(row: ProcessState) -> tuple[bool, str]:
    if not row.is_running:
        return False, row.reason or "it does not run"
    since = f" since {clock.format_time(row.started_at)}" if row.started_at else ""
    return True, f"process {row.pid} runs{since}"

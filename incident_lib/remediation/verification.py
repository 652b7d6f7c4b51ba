"""What a target shows after a change, by the same probes that collect evidence."""

from datetime import timedelta
from time import sleep

import msgspec

from incident_lib import clock
from incident_lib.config import Settings
from incident_lib.model import Evidence, EvidenceStatus, Window
from incident_lib.probes.base import run_lane
from incident_lib.technologies import table
from incident_lib.technologies.docker.rows import ContainerState
from incident_lib.technologies.http.rows import HttpAnswer
from incident_lib.technologies.process.rows import ProcessState
from incident_lib.units import format_duration

_PAUSE_SECONDS = 0.5


class Observation(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a service is healthy, with a sentence for each probe that says so."""

    is_well: bool
    lines: tuple[str, ...]


def observe(settings: Settings, target: str, probe: str) -> Evidence | None:
    """Return what one probe sees of `target` now, None where nothing is configured that it could ask."""
    technology = table().of_probe(probe)
    window = Window(clock.now() - timedelta(minutes=15), clock.now() + timedelta(minutes=1))
    for lane in technology.lanes(settings) if technology else ():
        chosen = tuple(each for each in lane.probes if each.name == probe)
        if lane.target == target and chosen:
            return next(run_lane(msgspec.structs.replace(lane, probes=chosen), window))
    return None


def observe_service(settings: Settings, target: str) -> Observation:
    """Return whether a service runs and answers. Cost: what one health check costs."""
    service = settings.service(target)
    probes = ["docker.container"] if service.container else ["process.state"] if service.pid_file else []
    technology = table().of_kind(service.kind)
    answer = technology.answers if technology else ""
    if answer:
        probes.append(answer)
    seen = [evidence for probe in probes if (evidence := observe(settings, target, probe))]
    answers = any(evidence.probe == answer for evidence in seen)
    judged = [judge(evidence, answers=answers) for evidence in seen]
    lines = tuple(line for observation in judged for line in observation.lines)
    healthy = bool(judged) and all(observation.is_well for observation in judged)
    return Observation(is_well=healthy, lines=lines)


def wait_until_well(settings: Settings, target: str, seconds: float) -> Observation:
    """Return the first observation that is healthy, or the last one after `seconds`."""
    deadline = clock.monotonic() + seconds
    while True:
        seen = observe_service(settings, target)
        if seen.is_well or clock.monotonic() > deadline:
            return seen
        sleep(_PAUSE_SECONDS)


def judge(evidence: Evidence, *, answers: bool = False) -> Observation:
    """Return what one evidence says of its target: well only where that was seen.

    A container whose first health check is still to come is healthy where the service was asked too.
    """
    if evidence.status is EvidenceStatus.FAILED or not evidence.has_rows:
        reason = evidence.problem.message if evidence.problem else "it returned nothing"
        return Observation(is_well=False, lines=(f"{evidence.probe}: {reason}",))
    requests = [_answer(row) for row in evidence.of(HttpAnswer)]
    healthy = {"", "healthy", "starting"} if answers else {"", "healthy"}
    containers = [_container(row, healthy) for row in evidence.of(ContainerState)]
    processes = [_process(row) for row in evidence.of(ProcessState)]
    judged = [*requests, *containers, *processes] or [(True, "it answers")]
    lines = tuple(f"{evidence.probe}: {line}" for _, line in judged)
    return Observation(is_well=all(well for well, _ in judged), lines=lines)


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
        return False, row.reason or "it is not running"
    since = f" since {clock.format_time(row.started_at)}" if row.started_at else ""
    return True, f"process {row.pid} is running{since}"

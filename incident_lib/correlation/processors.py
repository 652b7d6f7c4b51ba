"""Other programs take the processors, and a service waits for them. Pure."""

from collections.abc import Collection, Mapping, Sequence

import msgspec

from incident_lib.correlation.situation import Situation
from incident_lib.findings.base import finding
from incident_lib.findings.catalogue import Flag
from incident_lib.findings.thresholds import Thresholds
from incident_lib.model import Evidence, Finding, FindingSeverity
from incident_lib.technologies.docker.rows import ContainerListed, ContainerState
from incident_lib.technologies.host.rows import HostLoad, ProcessorUser, shown
from incident_lib.units import format_share

_NAMED = 3  # of several programs


def judge_processors(findings: list[Finding], situation: Situation) -> list[Finding]:
    """Return the findings, with who waits where a program that is no service takes what a service needs.

    A busy machine alone is no fault, and `host.load.waiting` only says so. It is `host.load.starved` where
    its users feel it, at the service that waits or at what needs it. Where no program takes much alone, many
    may do together.
    """
    topology, thresholds = situation.topology, situation.thresholds
    kinds = set(topology.kinds.values())
    services = {name for name, kind in situation.programs.items() if kind in kinds}
    containers = _containers(situation.evidence)
    found = []
    for each in situation.evidence:
        load = next(iter(each.of(HostLoad)), None)
        if load is None or thresholds.severity("host.cpu", load.busy_ratio, "ratio") is None:
            continue
        users = [_placed(user, containers) for user in each.of(ProcessorUser)]
        takers = _takers(users, load, services, thresholds)
        waiting = _waiting(users, thresholds)
        felt = _felt(findings, waiting, situation) if waiting else []
        if len(takers) > 1:  # each takes little, which is ordinary: only what is bad counts
            felt = [each for each in felt if each.severity.is_bad]
        if waiting and (len(takers) == 1 or (takers and felt)):
            found.append(_starved(each, load, takers, waiting, felt))
    return [*findings, *found]


class _Placed(msgspec.Struct, frozen=True, kw_only=True):
    """Who ran, with the names of its container and service as far as they are known."""

    user: ProcessorUser
    container: str
    service: str


class _Wait(msgspec.Struct, frozen=True, kw_only=True):
    """A service that is ready to run and has no processor."""

    service: str
    cores: float
    ratio: float


def _containers(evidence: Sequence[Evidence]) -> dict[str, tuple[str, str]]:
    """Return name and service of containers by the first characters of their ids."""
    found: dict[str, tuple[str, str]] = {}
    for each in evidence:
        found.update({row.container_id[:12]: (row.name, "") for row in each.of(ContainerListed)})
    for each in evidence:
        found.update({row.container_id[:12]: (row.name, each.target) for row in each.of(ContainerState)})
    return found


def _placed(user: ProcessorUser, containers: Mapping[str, tuple[str, str]]) -> _Placed:
    container, service = containers.get(user.container_id, ("", "")) if user.container_id else ("", "")
    return _Placed(user=user, container=container, service=user.service or service)


def _takers(
    users: Sequence[_Placed], load: HostLoad, services: Collection[str], thresholds: Thresholds
) -> list[_Placed]:
    """Return the program that takes much alone, else those that do together, the one that takes most first.

    They are no services, and not ourselves.
    """
    strange = [
        placed
        for placed in users
        if not placed.service and not placed.user.is_ours and placed.user.name not in services
    ]
    strange.sort(key=lambda placed: -placed.user.cores)
    least = thresholds["host.cpu.taker.least_ratio"] * load.cpu_count
    if strange and strange[0].user.cores >= least:
        return strange[:1]
    return strange if sum(placed.user.cores for placed in strange) >= least else []


def _waiting(users: Sequence[_Placed], thresholds: Thresholds) -> list[_Wait]:
    """Return the services that mostly wait for a processor while they could run, the worst first."""
    ready: dict[str, list[float]] = {}
    for placed in users:
        waited, ratio = placed.user.waiting_cores, placed.user.waiting_ratio
        if placed.service and waited and ratio:
            both = ready.setdefault(placed.service, [0.0, 0.0])
            both[0] += waited
            both[1] += waited / ratio
    waits = [_Wait(service=name, cores=waited, ratio=waited / all_) for name, (waited, all_) in ready.items()]
    least, share = thresholds["host.cpu.waiting.least_count"], thresholds["host.cpu.waiting.least_ratio"]
    return sorted(
        (wait for wait in waits if wait.cores >= least and wait.ratio >= share), key=lambda wait: -wait.cores
    )


def _felt(findings: Sequence[Finding], waiting: Sequence[_Wait], situation: Situation) -> list[Finding]:
    """Return what users meet there. What our own clock says of a busy machine counts only where it is bad."""
    has, users = situation.catalogue.has, situation.topology.users
    near = {name for wait in waiting for name in (wait.service, *users(wait.service))}
    return [
        f
        for f in findings
        if f.target in near
        and has(f, Flag.WAITS)
        and (f.severity.is_bad or (f.severity is FindingSeverity.INFO and has(f, Flag.BY_SERVICE)))
    ]


def _starved(
    evidence: Evidence,
    load: HostLoad,
    takers: Sequence[_Placed],
    waiting: Sequence[_Wait],
    felt: Sequence[Finding],
) -> Finding:
    taker, worst = takers[0], waiting[0]
    share = sum(placed.user.cores for placed in takers) / load.cpu_count
    program, takes = shown(taker.user, taker.container), "takes"
    if len(takers) > 1:
        most = ", ".join(shown(placed.user, placed.container) for placed in takers[:_NAMED])
        program, takes = f"{len(takers)} programs together, most of all {most},", "take"
    lines = [
        f"{wait.service} was ready to run but had no CPU for {format_share(wait.ratio)} of that time"
        for wait in waiting
    ]
    lines += [f"{f.target}: {f.title}" for f in felt] or ["users are not affected yet"]
    pids = ",".join(str(placed.user.pid) for placed in takers[:_NAMED])
    found = finding(
        evidence,
        "starved" if felt else "waiting",
        FindingSeverity.WARNING if felt else FindingSeverity.INFO,
        f"{program} {takes} {format_share(share)} of the CPUs, and {worst.service} waits for CPU",
        "\n".join([*lines, f"To inspect: ps -o pid,ppid,ni,etime,args -p {pids}"]),
        since=min((f.since for f in felt if f.since), default=None),
        program=program.rstrip(","),
        process=taker.user.name,
        pid=taker.user.pid,
        container=taker.container or taker.user.container_id or None,
        share_ratio=round(share, 3),
        service=worst.service,
        waiting_ratio=round(worst.ratio, 3),
        waiting_count=round(worst.cores, 3),
    )
    refs = tuple(dict.fromkeys(ref for f in felt for ref in f.evidence))
    return msgspec.structs.replace(found, evidence=(*found.evidence, *refs))

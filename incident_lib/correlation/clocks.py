"""Several clocks against ours: which machine is the odd one out, where at least two others agree. Pure."""

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from incident_lib.correlation.situation import Situation
from incident_lib.findings.catalogue import Flag
from incident_lib.model import Evidence, Finding, FindingSeverity, Row
from incident_lib.model.topology import Topology
from incident_lib.technologies.docker.rows import ContainerState
from incident_lib.technologies.http.rows import HttpAnswer
from incident_lib.technologies.network.rows import PortAnswer
from incident_lib.technologies.postgres.rows import PostgresConnection
from incident_lib.technologies.process.rows import ProcessState
from incident_lib.technologies.redis.rows import RedisServer
from incident_lib.units import format_duration

_SERVER_ERROR_SECONDS = 1.0  # of a server that says its time itself: what a busy machine may add
_DRIFT_SECONDS = 1.0  # clocks that are kept in step are closer than that
_HERE = "this machine"


class Clock(msgspec.Struct, frozen=True, kw_only=True):
    """The time of a target, less ours."""

    target: str
    seconds: float
    error_seconds: float
    evidence: str


class _Machine(msgspec.Struct, frozen=True, kw_only=True):
    """Targets with one clock."""

    name: str
    targets: tuple[str, ...]
    seconds: float
    error_seconds: float
    evidence: tuple[str, ...] = ()


def judge_clocks(findings: list[Finding], situation: Situation) -> list[Finding]:
    """Return the findings, with `clock.odd` at the machine whose clock is wrong, where that can be seen.

    Services on this machine have its clock: they add nothing to ours. Where ours is the wrong one, the
    differences that others have from it are no fault of theirs.
    """
    evidence = situation.evidence
    machines = _machines(tuple(clocks(evidence)), evidence)
    agreed = _agreed(machines)
    limit = situation.thresholds["http.clock.warning_seconds"]
    odd = [
        machine
        for machine in machines
        if agreed and abs(machine.seconds - agreed[0].seconds) - machine.error_seconds >= limit
    ]
    if any(machine.name == _HERE for machine in odd):
        findings = [
            _excused(finding, agreed) if situation.catalogue.has(finding, Flag.OUT_OF_STEP) else finding
            for finding in findings
        ]
    return [*findings, *(found for machine in odd for found in _odd(machine, agreed, situation.topology))]


def clocks(evidence: Iterable[Evidence]) -> Iterator[Clock]:
    """Yield the clock of each target; of several answers the best known."""
    for each in evidence:
        rows = [read for row in each.rows if (read := _read(row))]
        if rows:
            error, seconds = min(rows)
            yield Clock(target=each.target, seconds=seconds, error_seconds=error, evidence=each.ref)


def _read(row: Row) -> tuple[float, float] | None:
    """Return how far off it may be, and what the clock says less ours; None where it says nothing."""
    match row:
        case HttpAnswer(clock_difference_seconds=seconds, clock_error_seconds=error):
            return None if seconds is None or error is None else (error, seconds)
        case (
            PostgresConnection(clock_difference_seconds=seconds)
            | RedisServer(clock_difference_seconds=seconds)
        ):
            return None if seconds is None else (_SERVER_ERROR_SECONDS, seconds)
        case _:
            return None


def _machines(read: Sequence[Clock], evidence: Sequence[Evidence]) -> list[_Machine]:
    """Return one entry a clock: ours first, then each machine that differs."""
    ours = _Machine(name=_HERE, targets=(), seconds=0.0, error_seconds=0.0)
    found: dict[str, _Machine] = {}
    for clock in read:
        place = _address(clock.target, evidence)
        is_here = place == _HERE and abs(clock.seconds) <= clock.error_seconds + _DRIFT_SECONDS
        if is_here:
            continue
        # What is reached on this machine and has another time stands behind a tunnel: a machine of its own.
        name = clock.target if place in {_HERE, ""} else place
        old = found.get(name)
        if old is None or clock.error_seconds < old.error_seconds:
            seconds, error = clock.seconds, clock.error_seconds
        else:
            seconds, error = old.seconds, old.error_seconds
        found[name] = _Machine(
            name=name,
            targets=tuple(dict.fromkeys((*(old.targets if old else ()), clock.target))),
            seconds=seconds,
            error_seconds=error,
            evidence=(*(old.evidence if old else ()), clock.evidence),
        )
    return [ours, *found.values()]


def _address(target: str, evidence: Sequence[Evidence]) -> str:
    """Return where a target is: this machine, an address, or "" where nothing says so."""
    seen = [each for each in evidence if each.target == target and each.has_rows]
    if any(each.of(ContainerState) or each.of(ProcessState) for each in seen):
        return _HERE
    reached = [
        row.address for each in seen for row in each.of(PortAnswer) if row.kind is None and not row.asked
    ]
    if not reached:
        return ""
    return _HERE if all(each.startswith("127.") or each == "::1" for each in reached) else sorted(reached)[0]


def _agreed(machines: Sequence[_Machine]) -> list[_Machine]:
    """Return the machines that agree, if they are two or more and no other group is as large."""
    groups = [[other for other in machines if _agree(machine, other)] for machine in machines]
    best = max(groups, key=len, default=[])
    names = {machine.name for machine in best}
    rivals = [group for group in groups if not names & {machine.name for machine in group}]
    return best if len(best) > max([1, *(len(group) for group in rivals)]) else []


def _agree(machine: _Machine, other: _Machine) -> bool:
    allowed = machine.error_seconds + other.error_seconds + _DRIFT_SECONDS
    return abs(machine.seconds - other.seconds) <= allowed


def _names(machines: Sequence[_Machine]) -> str:
    names = ["ours" if machine.name == _HERE else " and ".join(machine.targets) for machine in machines]
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]


def _odd(odd: _Machine, agreed: Sequence[_Machine], topology: Topology) -> Iterator[Finding]:
    difference = odd.seconds - agreed[0].seconds
    direction = "ahead" if difference > 0 else "behind"
    off = format_duration(round(abs(difference)))
    names = _names(agreed)
    ours = odd.name == _HERE
    whose = "the clock of this machine" if ours else "its clock"
    host = next((name for name, kind in topology.kinds.items() if kind == "host"), "host")
    refs = tuple(dict.fromkeys(ref for machine in (odd, *agreed) for ref in machine.evidence))
    for target in (host,) if ours else odd.targets:
        yield Finding(
            id="clock.odd",
            severity=FindingSeverity.WARNING,
            target=target,
            title=f"{whose} is wrong: {off} {direction} the others",
            detail=f"the clocks of {names} agree with each other. Start time synchronization there",
            evidence=refs,
            data={"difference_seconds": round(difference, 3), "agreeing": names, "off": f"{off} {direction}"},
        )


def _excused(finding: Finding, agreed: Sequence[_Machine]) -> Finding:
    if finding.target not in {target for machine in agreed for target in machine.targets}:
        return finding
    detail = (
        f"{finding.detail.rstrip('.')}. The clocks of {_names(agreed)} agree: the clock of this "
        f"machine is off"
    )
    return msgspec.structs.replace(finding, severity=FindingSeverity.INFO, detail=detail.lstrip(". "))

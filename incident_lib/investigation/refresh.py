"""Collecting again for an open case: everything, a part of it, or another time range."""

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from msgspec.structs import replace

from incident_lib import clock
from incident_lib.config import nearest
from incident_lib.errors import ProblemKind, UsageError
from incident_lib.incident.folder import IncidentFolder
from incident_lib.incident.snapshot import read_attachment
from incident_lib.investigation.case import Case
from incident_lib.investigation.collect import Watch
from incident_lib.investigation.plan import plan_lanes
from incident_lib.investigation.snapshot import Extent, collect_into
from incident_lib.model import Evidence, EvidenceStatus, Problem, Window
from incident_lib.model.window import format_span
from incident_lib.probes.base import Lane, Probe
from incident_lib.technologies import table
from incident_lib.units import format_count

_LOG = logging.getLogger(__name__)


def refreshed(case: Case, probe: str = "", target: str = "") -> Case:
    """Return the case of a new snapshot in which what is named (else everything) was collected again.

    The rest is carried over from `case`. Errors: UsageError naming the nearest, or for a foreign incident.
    """
    folder = _own_folder(case)
    if case.looks_back:
        raise UsageError("this case covers a time range in the past; refresh the case of the latest snapshot")
    lanes = plan_lanes(case.settings)
    chosen = _chosen(lanes, probe, target)

    def plan() -> Extent:
        """Return what is named, with the rest of the case."""
        now = clock.now()
        window = Window(now - case.window.length, now)
        if not probe and not target:
            return Extent(window=window, lanes=lanes)
        anew = {f"{lane.target}/{each.name}" for lane in chosen for each in lane.probes}
        rest = [each for each in case.evidence if each.ref not in anew]
        carried = {each.ref: case.carried.get(each.ref, case.window) for each in rest}
        seen = tuple(_with_attachments(each, case.path) for each in rest)
        return Extent(window=window, lanes=chosen, seen=seen, carried=carried)

    return collect_into(case.settings, folder.path / "snapshots", plan, Watch(), folder=folder)


def looked_back(case: Case, start: str, end: str) -> Case:
    """Return the case of a new snapshot of a time range that is over; it is never the latest one.

    Errors: UsageError for a range that is empty or not over, or for a foreign incident.
    """
    folder = _own_folder(case)
    window = _span(start, end, of=case.window.end)
    lanes = plan_lanes(case.settings)
    blind = [
        (lane, tuple(probe for probe in lane.probes if not probe.looks_back))
        for lane in lanes
        if not all(probe.looks_back for probe in lane.probes)
    ]
    able = [replace(lane, probes=tuple(probe for probe in lane.probes if probe.looks_back)) for lane in lanes]
    extent = Extent(
        window=window,
        lanes=tuple(lane for lane in able if lane.probes),
        seen=tuple(_cannot(probe, lane.target, window) for lane, probes in blind for probe in probes),
        looks_back=True,
    )
    found = collect_into(case.settings, folder.path / "snapshots", lambda: extent, Watch(), folder=folder)
    if count := len(extent.seen):
        names = ", ".join(sorted({name.partition(".")[0] for name in (each.probe for each in extent.seen)}))
        _LOG.warning("%s cannot read the past, and are not assessed: %s", format_count(count, "probe"), names)
    return found


def _own_folder(case: Case) -> IncidentFolder:
    if case.folder is None:
        raise UsageError(
            "this case does not belong to an incident; declare one, then open it", command=("declare",)
        )
    case.folder.require_own()
    return case.folder


def _chosen(lanes: tuple[Lane, ...], probe: str, target: str) -> tuple[Lane, ...]:
    """Return the lanes with what is named, each with its first probe, which shows whether it answers.

    Errors: UsageError naming the nearest.
    """
    of_target = [lane for lane in lanes if target in {"", lane.target}]
    if not of_target:
        known = sorted({lane.target for lane in lanes})
        raise UsageError(f"no target is named {target!r}{nearest(target, known)}")
    found = [replace(lane, probes=tuple(_with_first(lane, probe))) for lane in of_target]
    chosen = tuple(lane for lane in found if lane.probes)
    if chosen:
        return chosen
    where = sorted({lane.target for lane in lanes if any(_is_named(each, probe) for each in lane.probes)})
    if where:
        raise UsageError(f"{probe} is not collected for {target}, only for {', '.join(where)}")
    planned = {each.name for lane in lanes for each in lane.probes}
    exists = {each.name for technology in table().technologies for each in technology.probes}
    if probe in exists:
        raise UsageError(f"{probe} is not collected: nothing of that kind is configured in workbench.toml")
    raise UsageError(f"no probe is named {probe!r}{nearest(probe, sorted(planned | exists))}")


def _with_first(lane: Lane, probe: str) -> Iterator[Probe]:
    named = [each for each in lane.probes if _is_named(each, probe)]
    if named and lane.probes[0] not in named:
        yield lane.probes[0]
    yield from named


def _is_named(probe: Probe, name: str) -> bool:
    return name in {"", probe.name} or probe.name.startswith(f"{name}.")


def _with_attachments(evidence: Evidence, snapshot: Path) -> Evidence:
    """Return evidence whose attachments are read from its snapshot."""
    attachments = (
        replace(each, chunks=read_attachment(snapshot, each), path="") for each in evidence.attachments
    )
    return replace(evidence, attachments=tuple(attachments))


def _cannot(probe: Probe, target: str, window: Window) -> Evidence:
    """Return that a probe was skipped, since it only reads the present."""
    problem = Problem(
        kind=ProblemKind.SKIPPED,
        message=f"it shows only the present, and cannot read {format_span(window)}",
        advice="read it in the snapshot that was taken nearest to that time",
    )
    return Evidence(
        probe=probe.name,
        target=target,
        status=EvidenceStatus.SKIPPED,
        collected_at=clock.now(),
        duration_seconds=0.0,
        source=probe.source,
        problem=problem,
    )


def _span(start: str, end: str, *, of: datetime) -> Window:
    """Return the range between two times, on the day of `of` if they have no date. Errors: UsageError.

    >>> from datetime import UTC
    >>> _span("18:40", "18:50", of=datetime(2026, 1, 15, 19, tzinfo=UTC)).length
    datetime.timedelta(seconds=600)
    """
    window = Window(clock.parse_time(str(start), at=of), clock.parse_time(str(end), at=of))
    if window.length <= timedelta(0):
        raise UsageError(f"{start} is not before {end}; if the range crosses midnight, give both dates")
    if window.end > clock.now():
        raise UsageError(f"{end} is in the future; case.refresh() collects the present")
    return window

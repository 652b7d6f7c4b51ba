"""Breaking a fresh stack for each measurement, and comparing the diagnosis with what was broken.

The diagnosis is given the stack's workbench.toml and a window. The fault is compared only afterwards.
"""

import os
import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any

import psycopg
import redis

from incident_lib import config
from incident_lib.clock import now
from incident_lib.config import Settings
from incident_lib.demo import FAULTS, DemoStack, Fault
from incident_lib.errors import WorkbenchError
from incident_lib.incident import folder as folders
from incident_lib.incident.binding import check_configuration
from incident_lib.incident.folder import IncidentFolder
from incident_lib.investigation.case import Case
from incident_lib.investigation.collect import Watch
from incident_lib.investigation.setup import redactor_for
from incident_lib.investigation.snapshot import take_snapshot
from incident_lib.investigation.trend import watch_trend
from incident_lib.model import Evidence, Finding, IncidentSeverity

Result = dict[str, Any]
FAILURES = (WorkbenchError, psycopg.Error, redis.RedisError, OSError)
TECHNOLOGY = {
    "db": "PostgreSQL",
    "cache": "Redis",
    "backend": "application",
    "frontend": "application",
    "payments": "network and outside",
}
_HEALTHY_SECONDS = 6.0
_BETWEEN_SECONDS = 4.0
_SAMPLE_SECONDS = 2.0
_SLACK_SECONDS = 2.0  # the window ends when the diagnosis begins
_WELL_SECONDS = 120.0  # between the end of a fault and the next triage


def measure_healthy(triages: int) -> Result:
    """Return what one healthy stack under load was called in as many triages."""
    with DemoStack() as stack:
        stack.drive(_HEALTHY_SECONDS)
        runs = []
        for _ in range(triages):
            stack.drive(_BETWEEN_SECONDS)
            case, arrived = _triage(stack.config, "15m", 0.0)
            load = os.getloadavg()[0] / (os.cpu_count() or 1)
            found = {"hypotheses": ranked(case), "alarms": alarms(case), "load_per_cpu": round(load, 1)}
            runs.append({**found, "seconds": round(arrived["end"], 1)})
    return {"kind": "healthy", "runs": runs}


def measure_faults(names: tuple[str, ...]) -> Result:
    """Return what a fresh stack, broken by these faults together, was diagnosed as."""
    faults = [FAULTS[name] for name in names]
    with DemoStack() as stack:
        return broken(stack, faults)


def measure_recovery(name: str, turn: AbstractContextManager[Any]) -> Result:
    """Return what a fresh stack is called two minutes after its fault was undone."""
    return recovery(DemoStack, FAULTS[name], turn)


def recovery(opened: Callable[[], AbstractContextManager[Any]], fault: Any, turn: Any) -> Result:
    """Return the diagnosis of a broken stack, and that two minutes after the fault was undone.

    The window of the second holds the whole fault, and the incident the snapshot that was taken while it
    lasted. The stack that `opened` starts is broken, diagnosed and mended while this process has its `turn`;
    others have theirs while it starts, and during the two minutes.
    """
    with ExitStack() as ends:
        where = Path(ends.enter_context(tempfile.TemporaryDirectory(prefix="accuracy-")))
        stack = ends.enter_context(opened())
        begun = time.monotonic()
        stack.drive(_HEALTHY_SECONDS)
        with turn:
            look = _broken_by(stack, [fault], begun)
            settings = config.load(stack.config)
            watched_seconds = fault.watch_seconds
            folder = (
                _watched(settings, where, watched_seconds) if watched_seconds else _declared(settings, where)
            )
            case, arrived = _look(settings, folder.path / "snapshots", look, folder)
            diagnosed = _compared([fault], case, arrived, _mended(stack, [fault]))
        stack.drive(_WELL_SECONDS)
        load = os.getloadavg()[0] / (os.cpu_count() or 1)
        since = f"{time.monotonic() - begun:.0f}s"
        settings = config.load(stack.config)
        check_configuration(settings, folder, rebind=True)  # a fault may have changed an address in it
        after, _ = _look(settings, folder.path / "snapshots", since, folder)
    past = [
        f"{finding.target}: {finding.id}: {finding.title}"
        for finding in after.analysis.findings
        if finding.is_past
    ]
    return {
        "kind": "recovery",
        "name": fault.name,
        "technology": TECHNOLOGY.get(fault.target, fault.target),
        "hypotheses": ranked(after),
        "alarms": alarms(after),
        "load_per_cpu": round(load, 1),
        "recovered": past,
        "found": found(after),
        "diagnosed": diagnosed,
    }


def broken(stack: Any, faults: list[Fault]) -> Result:
    """Return the diagnosis of `stack` after `faults`; the stack may be of processes or of containers."""
    begun = time.monotonic()
    stack.drive(_HEALTHY_SECONDS)
    since = _broken_by(stack, faults, begun)
    case, arrived = _triage(stack.config, since, max(fault.watch_seconds for fault in faults))
    return _compared(faults, case, arrived, _mended(stack, faults))


def _broken_by(stack: Any, faults: list[Fault], begun: float) -> str:
    """Return the window to look at, once users have felt the faults for as long as it takes."""
    for fault in faults:
        fault.inject(stack)
    stack.drive(max(fault.settle_seconds for fault in faults))
    return f"{time.monotonic() - begun - _SLACK_SECONDS:.0f}s"


def _compared(faults: list[Fault], case: Case, arrived: dict[str, float], not_mended: str) -> Result:
    judged = [_judged(fault, case, arrived) for fault in faults]
    most = 1 if len(faults) == 1 else 3
    right = all(each["rank"] is not None and each["rank"] <= most for each in judged) and not not_mended
    return {
        "kind": "fault" if len(faults) == 1 else "pair",
        "faults": judged,
        "hypotheses": ranked(case)[:6],
        "seconds": round(arrived["end"], 1),
        "alarms": alarms(case),
        "found": found(case),
        "not_mended": not_mended,
        "is_right": right,
    }


def _mended(stack: Any, faults: list[Fault]) -> str:
    """Undo the faults, the last one first; return what could not be, "" where all is well."""
    reasons = [*(_mend(fault, stack) for fault in reversed(faults)), _not_ready(stack)]
    return "; ".join(filter(None, reasons))


def _mend(fault: Fault, stack: Any) -> str:
    """Return why a fault could not be undone, "" where it was."""
    try:
        fault.mend_stack(stack)
    except FAILURES as error:
        return f"{fault.name}: {type(error).__name__}: {error}"
    return ""


def _not_ready(stack: Any) -> str:
    try:
        stack.wait_until_ready()
    except FAILURES as error:
        return f"{error}"
    return ""


def _triage(file: Path, since: str, watch_seconds: float) -> tuple[Case, dict[str, float]]:
    """Return the case, and when each finding was there, in seconds from the start of the diagnosis."""
    settings = config.load(file)
    with tempfile.TemporaryDirectory(prefix="accuracy-") as where:
        if not watch_seconds:
            return _look(settings, Path(where), since, None)
        folder = _watched(settings, Path(where), watch_seconds)
        return _look(settings, folder.path / "snapshots", since, folder)


def _look(
    settings: Settings, where: Path, since: str, folder: IncidentFolder | None
) -> tuple[Case, dict[str, float]]:
    arrived = dict[str, float]()
    case = _timed(arrived, lambda watch: take_snapshot(settings, where, since, watch, folder=folder))
    return case, arrived


def _timed(arrived: dict[str, float], take: Callable[[Watch], Case]) -> Case:
    begun = time.monotonic()

    def note(_evidence: Evidence, findings: tuple[Finding, ...]) -> None:
        for finding in findings:
            if finding.severity.is_bad:
                arrived.setdefault(finding.id, time.monotonic() - begun)

    case = take(Watch(evidence=note))
    arrived["end"] = time.monotonic() - begun
    return case


def _watched(settings: Settings, where: Path, seconds: float) -> IncidentFolder:
    """Return an incident that was watched for `seconds`, as `incident run --watch` does."""
    folder = _declared(settings, where)
    watch_trend(settings, folder, every_seconds=_SAMPLE_SECONDS, for_seconds=seconds)
    return folder


def _declared(settings: Settings, where: Path) -> IncidentFolder:
    declared = folders.Declaration(title="To be found out", severity=IncidentSeverity.SEV3, started_at=now())
    return folders.declare(where, declared, redactor_for(settings))


def ranked(case: Case) -> list[str]:
    """Return the hypotheses in their order."""
    return [f"{hypothesis.id} at {hypothesis.target}" for hypothesis in case.analysis.hypotheses]


def alarms(case: Case) -> list[str]:
    """Return the findings of WARNING or worse."""
    return [
        f"{finding.target}: {finding.id}: {finding.title}"
        for finding in case.analysis.findings
        if finding.severity.is_bad
    ]


def found(case: Case) -> list[str]:
    """Return every finding, for whoever asks why a diagnosis was wrong."""
    return [
        f"{finding.severity} {finding.holds} {finding.ref}: {finding.title}"
        for finding in case.analysis.findings
    ]


def _judged(fault: Fault, case: Case, arrived: dict[str, float]) -> Result:
    expected, found = f"{fault.hypothesis} at {fault.target}", ranked(case)
    rank = found.index(expected) + 1 if expected in found else None
    support = case.analysis.hypotheses[rank - 1].support if rank else ()
    first = min((arrived[name] for name in support if name in arrived), default=None)
    return {
        "name": fault.name,
        "technology": TECHNOLOGY.get(fault.target, fault.target),
        "expected": expected,
        "rank": rank,
        "first_right_finding_seconds": None if first is None else round(first, 2),
    }

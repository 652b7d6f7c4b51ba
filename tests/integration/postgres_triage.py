"""Collect and judge one PostgreSQL service, for the tests."""

from collections.abc import Sequence
from datetime import timedelta

from incident_lib import clock
from incident_lib.config import Settings
from incident_lib.findings.base import Context
from incident_lib.investigation.analyze import analyze_one
from incident_lib.model import Evidence, Finding, Window
from incident_lib.probes.base import Lane, run_lane
from incident_lib.technologies.postgres import probes as postgres


def window() -> Window:
    """Return the last 15 minutes."""
    return Window(clock.now() - timedelta(minutes=15), clock.now() + timedelta(minutes=1))


def collect(settings: Settings, *names: str) -> dict[str, Evidence]:
    """Return the evidence of the connection and of the probes `names` (all of them if none is given)."""
    (lane,) = postgres.lanes(settings)
    wanted = {"connection", *names} if names else {probe.name.partition(".")[2] for probe in lane.probes}
    chosen = tuple(probe for probe in lane.probes if probe.name.partition(".")[2] in wanted)
    short = Lane(target=lane.target, open=lane.open, probes=chosen, name=lane.name)
    return {one.probe.partition(".")[2]: one for one in run_lane(short, window())}


def judge(evidence: Evidence) -> list[Finding]:
    """Return what the analyzers make of one evidence."""
    return list(analyze_one(evidence, Context(window=window())))


def triage(settings: Settings, *names: str) -> dict[str, Finding]:
    """Return the findings by their id without `postgres.`; where an id comes twice, the first."""
    found: dict[str, Finding] = {}
    for evidence in collect(settings, *names).values():
        for one in judge(evidence):
            found.setdefault(one.id.partition(".")[2], one)
    return found


def severities(found: Sequence[Finding]) -> set[str]:
    """Return the severities that occur."""
    return {str(one.severity) for one in found}

"""Probes from other packages: the one place that reads the entry points `incident_lib.probes`.

Such a package names a module (or object) with the contents of modules of `probes` and `findings`: PROBES, and
optionally `lanes(settings)`, ANALYZERS and ON_FAILURE. Whatever is wrong with it is UNKNOWN in the findings.
"""

from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from incident_lib.config import Settings
from incident_lib.connections.session import NoSession
from incident_lib.errors import ProblemKind, TargetError
from incident_lib.findings.base import Analyzer
from incident_lib.probes.base import Lane
from incident_lib.probes.foreign import failed_lane, guarded, guarded_lane
from incident_lib.resources import entry_points
from incident_lib.technologies import guarded_analyzers

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "incident_lib.probes"


class Extensions(msgspec.Struct, frozen=True, kw_only=True):
    """What other packages add."""

    lanes: tuple[Lane, ...] = ()
    analyzers: dict[str, Analyzer] = {}
    on_failure: dict[str, Analyzer] = {}


def load_extensions(settings: Settings, taken: frozenset[str]) -> Extensions:
    """Return what the installed packages add; for one that fails, a lane that reports it. Raises nothing.

    `taken` are names of existing probes.
    """
    lanes: list[Lane] = []
    analyzers: dict[str, Analyzer] = {}
    on_failure: dict[str, Analyzer] = {}
    for point in entry_points(GROUP):
        found: list[Extensions] = []
        if problem := guarded(partial(_read, point, settings, taken, found)):
            source = f"entry point {point.name} = {point.value}"
            lanes.append(failed_lane(point.name, source, problem))
            continue
        lanes += found[0].lanes
        analyzers |= found[0].analyzers
        on_failure |= found[0].on_failure
        taken |= {probe.name for lane in found[0].lanes for probe in lane.probes}
    return Extensions(lanes=tuple(lanes), analyzers=analyzers, on_failure=on_failure)


def _read(point: "EntryPoint", settings: Settings, taken: frozenset[str], into: list[Extensions]) -> None:
    module: Any = point.load()
    lanes: tuple[Lane, ...] = ()
    if hasattr(module, "lanes"):
        lanes = tuple(module.lanes(settings))
    elif module.PROBES:
        lanes = (Lane(target=point.name, open=NoSession, probes=tuple(module.PROBES), name=point.name),)
    names = {probe.name for lane in lanes for probe in lane.probes}
    if double := sorted(names & taken):
        raise TargetError(
            ProblemKind.NOT_CONFIGURED, f"a probe is already named {double[0]!r}", "use a prefix of its own"
        )
    into.append(
        Extensions(
            lanes=tuple(guarded_lane(lane) for lane in lanes if lane.probes),
            analyzers=guarded_analyzers(getattr(module, "ANALYZERS", {}), names),
            on_failure=guarded_analyzers(getattr(module, "ON_FAILURE", {}), names),
        )
    )

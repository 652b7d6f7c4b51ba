"""The table of technologies, and the record that each of them fills in.

Each technology is a folder here, or a package found through the entry point `incident_lib.technologies`, and
defines TECHNOLOGY. Whoever adds a folder adds its name to `_SHIPPED` and touches nothing else.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points

import msgspec

from incident_lib.config import Dependency, Kind, Kinds, Service, Settings
from incident_lib.connections.change import Action
from incident_lib.findings.base import Analyzer
from incident_lib.findings.catalogue import COMMON, Catalogue, FindingKind
from incident_lib.findings.thresholds import Threshold
from incident_lib.model import Evidence, Row
from incident_lib.model.rows import register
from incident_lib.model.runbook import Command
from incident_lib.model.series import Reading
from incident_lib.probes.base import Lane, Probe
from incident_lib.probes.health import HealthCheck

GROUP = "incident_lib.technologies"
# The quickest answers first, so that the terminal has something to report.
_SHIPPED = ("http", "postgres", "redis", "process", "docker", "network", "logs", "host", "deploys")


def _no_lanes(_settings: Settings) -> tuple[Lane, ...]:
    return ()


def _no_checks(_settings: Settings, _target: Service | Dependency) -> tuple[HealthCheck, ...]:
    return ()


def _no_readings(_evidence: Evidence) -> tuple[Reading, ...]:
    return ()


def _no_commands(_probe: str, _target: Service | Dependency) -> tuple[Command, ...]:
    return ()


class Access(msgspec.Struct, frozen=True, kw_only=True):
    """What an administrator runs once, so that the workbench may read and may change nothing."""

    key: str  # in the document of `incident init --json`: "postgres_sql"
    title: str
    text: str


class Discovery(msgspec.Struct, frozen=True, kw_only=True):
    """How `incident init` recognises a service of a technology among containers, and what it writes."""

    images: tuple[str, ...]  # parts of the image's name
    port: int  # that its containers expose
    url: str = ""  # of one whose port is published: "memcached://localhost:{port}"
    hint: str = ""  # a line of workbench.toml that is written as a comment
    access: Access | None = None


class Technology(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that the rest of the workbench asks about one technology."""

    name: str  # "postgres"; the prefix of its probes
    kind: Kind | None = None  # what `kind` of a service in workbench.toml means it
    programs: tuple[str, ...] = ()  # names of processes that are such a service: "redis-server"

    rows: tuple[type[Row], ...] = ()
    probes: tuple[Probe, ...] = ()
    lanes: Callable[[Settings], tuple[Lane, ...]] = _no_lanes
    answers: str = ""  # the probe that shows whether a service of its kinds answers
    analyzers: Mapping[str, Analyzer] = {}  # by probe, called when there are records
    on_failure: Mapping[str, Analyzer] = {}  # by probe, called when it FAILED; else that is UNKNOWN
    findings: tuple[FindingKind, ...] = ()  # its entries of the catalogue
    thresholds: Mapping[str, Threshold] = {}
    readings: Callable[[Evidence], Iterable[Reading]] = _no_readings  # numbers for baseline and trend

    health: Callable[[Settings, Service | Dependency], Iterable[HealthCheck]] = _no_checks
    discovery: Discovery | None = None
    first_probes: tuple[str, ...] = ()  # what a runbook shows by hand first
    by_hand: Callable[[str, Service | Dependency], Iterable[Command]] = _no_commands  # what a probe sees
    actions: tuple[Action, ...] = ()
    restart_risks: tuple[str, ...] = ()  # what a restart of such a service costs
    notebook: str = ""  # that shows it: "20_database"


class BrokenTechnology(msgspec.Struct, frozen=True, kw_only=True):
    """A package that should bring a technology and cannot be used."""

    name: str
    source: str  # entry point
    reason: str


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """All technologies: those that ship, in order, then those of other packages."""

    technologies: tuple[Technology, ...]
    broken: tuple[BrokenTechnology, ...] = ()

    @property
    def kinds(self) -> Kinds:
        """What `kind` of a service may be."""
        return {each.kind.name: each.kind for each in self.technologies if each.kind}

    def of_kind(self, kind: str) -> Technology | None:
        """Return the technology that a kind of service means, None where no technology has it."""
        return next((each for each in self.technologies if each.kind and each.kind.name == kind), None)

    def of_probe(self, probe: str) -> Technology | None:
        """Return the technology that a probe belongs to, None for a team's own."""
        return next((each for each in self.technologies if any(p.name == probe for p in each.probes)), None)


@cache
def table() -> Table:
    """Return all technologies; registers their record types. Raises nothing: a broken package is reported."""
    found: list[Technology] = []
    broken: list[BrokenTechnology] = []
    for name in _SHIPPED:
        technology: Technology = import_module(f"{__name__}.{name}").TECHNOLOGY
        register(technology.rows)
        found.append(technology)
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        try:
            found.append(_load(point, found))
        except Exception as error:  # noqa: BLE001 - foreign code: whatever it raises becomes UNKNOWN
            source = f"entry point {point.name} = {point.value}"
            reason = f"{type(error).__name__}: {error}"
            broken.append(BrokenTechnology(name=point.name, source=source, reason=reason))
    return Table(technologies=tuple(found), broken=tuple(broken))


def _load(point: EntryPoint, found: Iterable[Technology]) -> Technology:
    """Return the technology of another package. Errors: what its code raises; ValueError for a taken name."""
    technology = point.load()
    if not isinstance(technology, Technology):
        raise TypeError("it is no incident_lib.technologies.Technology")
    for other in found:
        if double := sorted(_names(other) & _names(technology)):
            raise ValueError(f"{double[0]!r} belongs to {other.name} already")
    register(technology.rows)
    return technology


def _names(technology: Technology) -> set[str]:
    kinds = [technology.kind.name] if technology.kind else []
    return {technology.name, *kinds, *(probe.name for probe in technology.probes)}


@cache
def catalogue() -> Catalogue:
    """Return what every finding id means: the entries of all technologies, and those that they share."""
    return Catalogue((*(kind for each in table().technologies for kind in each.findings), *COMMON))

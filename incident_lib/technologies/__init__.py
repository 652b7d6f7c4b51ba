"""The table of technologies, and the record that each of them fills in.

Each technology is a folder here, or a package found through the entry point `incident_lib.technologies`, and
defines TECHNOLOGY. Whoever adds a folder adds its name to `_SHIPPED` and touches nothing else.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache, partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from incident_lib.config import Dependency, Kind, Kinds, Service, Settings
from incident_lib.connections.change import Action
from incident_lib.errors import ConfigError, ProblemKind, TargetError
from incident_lib.findings.base import Analyzer, Context, finding
from incident_lib.findings.catalogue import COMMON, Catalogue, FindingKind
from incident_lib.findings.comparison import ChangeAnalyzer, Comparers, Novelty, Reader
from incident_lib.findings.thresholds import Threshold
from incident_lib.findings.thresholds import register as register_limits
from incident_lib.model import Evidence, Finding, FindingSeverity, Problem, Row
from incident_lib.model.rows import register
from incident_lib.model.runbook import Command
from incident_lib.probes.base import Lane, Probe
from incident_lib.probes.foreign import failed_lane, guarded, guarded_lane
from incident_lib.probes.health import HealthAnswer, HealthCheck
from incident_lib.resources import entry_points

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "incident_lib.technologies"
# The quickest answers first, so that the terminal has something to report.
_SHIPPED = ("http", "postgres", "redis", "process", "docker", "network", "logs", "host", "deploys")


def _no_lanes(_settings: Settings) -> tuple[Lane, ...]:
    return ()


def _no_checks(_settings: Settings, _target: Service | Dependency) -> tuple[HealthCheck, ...]:
    return ()


def _no_commands(_probe: str, _target: Service | Dependency) -> tuple[Command, ...]:
    return ()


class Access(msgspec.Struct, frozen=True, kw_only=True):
    """What an administrator runs once, so that the workbench may read and may change nothing."""

    key: str  # in the document of `incident init --json`: "postgres_sql"
    title: str
    text: str


class Discovery(msgspec.Struct, frozen=True, kw_only=True):
    """How `incident init` recognizes a service of a technology among containers, and what it writes."""

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
    patterns: tuple[Path, ...] = ()  # files of causes, in the form of templates/patterns.toml
    log_classes: tuple[Path, ...] = ()  # files of errors in logs, in the form of templates/log_classes.toml
    readings: Mapping[str, Reader] = {}  # by probe: its numbers, for baseline and trend
    novelties: Mapping[str, Novelty] = {}  # by probe: what is there now and was not in a baseline
    changes: Mapping[str, ChangeAnalyzer] = {}  # by probe: what happened since an earlier snapshot

    health: Callable[[Settings, Service | Dependency], Iterable[HealthCheck]] = _no_checks
    discovery: Discovery | None = None
    first_probes: tuple[str, ...] = ()  # what a runbook shows by hand first
    by_hand: Callable[[str, Service | Dependency], Iterable[Command]] = _no_commands  # what a probe sees
    actions: tuple[Action, ...] = ()
    restart_risks: tuple[str, ...] = ()  # what a restart of such a service costs
    notebook: str = ""  # that shows it: "20_database"
    tables: Mapping[str, str] = {}  # by probe: the columns of its records that a table shows, in order


class BrokenTechnology(msgspec.Struct, frozen=True, kw_only=True):
    """A package that should bring a technology and cannot be used."""

    name: str
    source: str  # the entry point
    problem: Problem


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """All technologies: those that ship, in order, then those of other packages."""

    technologies: tuple[Technology, ...]
    packages: frozenset[str] = frozenset()  # the names of those that other packages bring
    broken: tuple[BrokenTechnology, ...] = ()

    @property
    def kinds(self) -> Kinds:
        """What `kind` of a service may be."""
        return {each.kind.name: each.kind for each in self.technologies if each.kind}

    @property
    def programs(self) -> dict[str, str]:
        """Names of processes, each with the kind of service that such a process is."""
        return {name: each.kind.name for each in self.technologies if each.kind for name in each.programs}

    def of_kind(self, kind: str) -> Technology | None:
        """Return the technology that a kind of service means, None where no technology has it."""
        return next((each for each in self.technologies if each.kind and each.kind.name == kind), None)

    def of_probe(self, probe: str) -> Technology | None:
        """Return the technology that a probe belongs to, None for a team's own."""
        return next((each for each in self.technologies if any(p.name == probe for p in each.probes)), None)


@cache
def table() -> Table:
    """Return all technologies; registers their types of records and their limits.

    Raises nothing: a broken package is reported.
    """
    found: list[Technology] = []
    packages: set[str] = set()
    broken: list[BrokenTechnology] = []
    for name in _SHIPPED:
        technology: Technology = import_module(f"{__name__}.{name}").TECHNOLOGY
        register(technology.rows)
        register_limits(technology.thresholds)
        found.append(technology)
    for point in entry_points(GROUP):
        if problem := guarded(partial(_load, point, found)):
            source = f"entry point {point.name} = {point.value}"
            broken.append(BrokenTechnology(name=point.name, source=source, problem=problem))
        else:
            packages.add(found[-1].name)
    return Table(technologies=tuple(found), packages=frozenset(packages), broken=tuple(broken))


def _load(point: "EntryPoint", found: list[Technology]) -> None:
    """Add the technology of another package to `found`. Errors: TargetError, and what its code raises."""
    technology = point.load()
    if not isinstance(technology, Technology):
        raise TargetError(ProblemKind.NOT_CONFIGURED, "it is not an incident_lib.technologies.Technology")
    for other in found:
        if double := sorted(_names(other) & _names(technology)):
            message = f"{double[0]!r} already belongs to {other.name}"
            raise TargetError(ProblemKind.NOT_CONFIGURED, message, "choose another name")
    if technology.log_classes:
        kinds = (*technology.findings, *_kinds_of_classes(technology, found))
        technology = msgspec.structs.replace(technology, findings=kinds)
    register_limits(technology.thresholds)
    register(technology.rows)
    found.append(_guarded(technology))


def _kinds_of_classes(technology: Technology, found: list[Technology]) -> tuple[FindingKind, ...]:
    """Return what findings of its classes of log errors mean. Errors: TargetError for a wrong file."""
    logs = import_module(f"{__name__}.logs.catalogue")  # which imports this module
    before = [path for other in found for path in other.log_classes]
    try:
        kinds: tuple[FindingKind, ...] = logs.kinds_of_files(technology.log_classes, before)
    except ConfigError as error:
        raise TargetError(ProblemKind.NOT_CONFIGURED, str(error), "correct that package's file") from error
    return kinds


def _guarded(technology: Technology) -> Technology:
    """Return a package's technology, none of whose functions can end the run of the others."""
    return msgspec.structs.replace(
        technology,
        lanes=partial(_lanes, technology),
        analyzers=guarded_analyzers(technology.analyzers, technology.analyzers),
        on_failure=guarded_analyzers(technology.on_failure, technology.on_failure),
        readings={probe: partial(_items, read) for probe, read in technology.readings.items()},
        novelties={probe: partial(_items, novelty) for probe, novelty in technology.novelties.items()},
        changes={probe: partial(_items, analyze) for probe, analyze in technology.changes.items()},
        health=partial(_checks, technology),
        by_hand=partial(_items, technology.by_hand),
    )


def _lanes(technology: Technology, settings: Settings) -> tuple[Lane, ...]:
    found: list[Lane] = []
    if problem := guarded(lambda: found.extend(technology.lanes(settings))):
        return (failed_lane(technology.name, f"technology {technology.name}", problem),)
    return tuple(guarded_lane(lane) for lane in found if lane.probes)


def _checks(technology: Technology, settings: Settings, target: Service | Dependency) -> list[HealthCheck]:
    found: list[HealthCheck] = []
    if problem := guarded(lambda: found.extend(technology.health(settings, target))):
        failure = HealthAnswer(healthy=False, detail=problem.message)
        return [HealthCheck(name=target.name, ask=lambda _seconds: failure)]
    return found


def _items(call: Callable[..., Iterable[Any]], *arguments: Any) -> list[Any]:
    found: list[Any] = []
    return [] if guarded(lambda: found.extend(call(*arguments))) else found


def guarded_analyzers(analyzers: Mapping[str, Analyzer], names: Iterable[str]) -> dict[str, Analyzer]:
    """Return those of `names` whose failure is an UNKNOWN finding of their own."""
    return {name: partial(_judge, analyzer=analyzers[name]) for name in names if name in analyzers}


def _judge(evidence: Evidence, context: Context, *, analyzer: Analyzer) -> Iterator[Finding]:
    found: list[Finding] = []
    problem = guarded(lambda: found.extend(analyzer(evidence, context)))
    yield from (each for each in found if isinstance(each, Finding))
    if problem:
        title = f"not assessed: {problem.message}"
        yield finding(evidence, "unknown", FindingSeverity.UNKNOWN, title, problem.advice)


def _names(technology: Technology) -> set[str]:
    kinds = [technology.kind.name] if technology.kind else []
    return {technology.name, *kinds, *(probe.name for probe in technology.probes)}


@cache
def log_class_files() -> tuple[Path, ...]:
    """Return the files of classes of log errors that packages bring.

    Cost: where no package is installed, none; a process that only counts lines needs no technology.
    """
    if not entry_points(GROUP):
        return ()
    return tuple(path for each in table().technologies for path in each.log_classes)


@cache
def catalogue() -> Catalogue:
    """Return what every finding id means: the entries of all technologies, and those that they share."""
    return Catalogue((*(kind for each in table().technologies for kind in each.findings), *COMMON))


@cache
def comparers() -> Comparers:
    """Return how the evidence of each probe is compared with that of another snapshot."""
    technologies = table().technologies
    return Comparers(
        readings={probe: read for each in technologies for probe, read in each.readings.items()},
        novelties={probe: novelty for each in technologies for probe, novelty in each.novelties.items()},
        changes={probe: analyze for each in technologies for probe, analyze in each.changes.items()},
        known=frozenset(probe.name for each in technologies for probe in each.probes),
    )

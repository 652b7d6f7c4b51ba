"""Which probes examine which targets: every lane of a collection, from the configuration."""

from incident_lib.config import Dependency, Service, Settings
from incident_lib.findings.base import Context
from incident_lib.investigation.extensions import Extensions, load_extensions
from incident_lib.investigation.setup import thresholds_for, with_kinds
from incident_lib.model import Window
from incident_lib.model.topology import Topology
from incident_lib.probes.base import Lane
from incident_lib.probes.foreign import failed_lane
from incident_lib.technologies import table
from incident_lib.technologies.custom.findings import own_analyzers
from incident_lib.technologies.custom.probes import with_own
from incident_lib.technologies.network.probes.endpoint import endpoint_of


def plan_lanes(settings: Settings) -> tuple[Lane, ...]:
    """Return the lanes of everything that is configured."""
    settings = with_kinds(settings)
    ours = (lane for technology in table().technologies for lane in technology.lanes(settings))
    broken = (failed_lane(each.name, each.source, each.problem) for each in table().broken)
    return (*with_own(ours, settings), *broken, *_extensions(settings).lanes)


def context_for(settings: Settings, window: Window) -> Context:
    """Return what analyzers may use: the window, the limits, and the analyzers of the team's own probes."""
    added = _extensions(settings)
    return Context(
        window=window,
        thresholds=thresholds_for(settings),
        own=added.analyzers | own_analyzers(settings.document.probe),
        own_on_failure=added.on_failure,
    )


def _extensions(settings: Settings) -> Extensions:
    ours = frozenset(probe.name for technology in table().technologies for probe in technology.probes)
    return load_extensions(settings, ours | {probe.name for probe in settings.document.probe})


def topology(settings: Settings) -> Topology:
    """Return what is configured and its dependencies; external dependencies have no known ones."""
    kinds = {service.name: service.kind for service in settings.services}
    outside = dict.fromkeys((dependency.name for dependency in settings.dependencies), "outside")
    return Topology(
        kinds=kinds | outside | {settings.host.name: "host"},
        depends_on={service.name: service.depends_on for service in settings.services},
        addresses={service.name: _addresses(settings, service) for service in settings.services}
        | {dependency.name: _addresses(settings, dependency) for dependency in settings.dependencies},
        is_assumed=settings.path is None,
        places={service.name: service.container for service in settings.services if service.container},
    )


def _addresses(settings: Settings, target: Service | Dependency) -> tuple[str, ...]:
    """Return the addresses under which others may know a target; inside containers its port may differ."""
    endpoint = endpoint_of(settings, target)
    configured = ""
    if endpoint is not None:
        configured = endpoint.host if endpoint.port is None else f"{endpoint.host}:{endpoint.port}"
    container = target.container if isinstance(target, Service) else ""
    inside = (target.name, container) if container else ()
    return tuple(way for way in (configured, *inside) if way)

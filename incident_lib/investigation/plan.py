"""Which probes look at what: every lane of a collection, from the configuration."""

from incident_lib.config import Settings
from incident_lib.model.topology import Topology
from incident_lib.probes import deploys, docker, host, http, logs, network, postgres, process, redis
from incident_lib.probes.base import Lane

# Written out by hand. The quickest answers first, so that the terminal has something to say.
_TECHNOLOGIES = (http, postgres, redis, docker, process, network, logs, host, deploys)


def plan_lanes(settings: Settings) -> tuple[Lane, ...]:
    """Return the lanes of everything that is configured."""
    return tuple(lane for technology in _TECHNOLOGIES for lane in technology.lanes(settings))


def topology(settings: Settings) -> Topology:
    """Return what is configured and what needs what; outside dependencies need nothing that we know of."""
    kinds = {service.name: service.kind.value for service in settings.services}
    outside = dict.fromkeys((dependency.name for dependency in settings.dependencies), "outside")
    return Topology(
        kinds=kinds | outside | {settings.host.name: "host"},
        depends_on={service.name: service.depends_on for service in settings.services},
    )

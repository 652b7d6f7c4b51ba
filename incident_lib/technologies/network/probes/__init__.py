"""Names, ports and TLS of every endpoint that is configured."""

import functools

import msgspec

from incident_lib.config import Dependency, Service, Settings
from incident_lib.probes.base import Lane, Probe
from incident_lib.technologies.network.probes import inside
from incident_lib.technologies.network.probes.endpoint import Endpoint, endpoint_of
from incident_lib.technologies.network.probes.inside import INSIDE
from incident_lib.technologies.network.probes.reach import NAMES, PORTS, TLS, open_session

PROBES = (NAMES, PORTS, TLS, INSIDE)


def lanes(settings: Settings) -> tuple[Lane, ...]:
    """Return one lane for each service and dependency with an address that is a network's.

    A service in a container that needs outside names gets one more, which looks from inside.
    """
    targets: tuple[Service | Dependency, ...] = (*settings.services, *settings.dependencies)
    found = ((target, endpoint_of(settings, target)) for target in targets)
    here = tuple(_lane(target.name, endpoint) for target, endpoint in found if endpoint)
    return (*here, *inside.lanes(settings))


def _lane(target: str, endpoint: Endpoint) -> Lane:
    first = msgspec.structs.replace(NAMES, source=f"getaddrinfo {endpoint.host}")
    probes: tuple[Probe, ...] = (first,) if endpoint.port is None else (first, PORTS)
    if endpoint.uses_tls:
        probes = (*probes, TLS)
    return Lane(target=target, open=functools.partial(open_session, endpoint), probes=probes, name="network")

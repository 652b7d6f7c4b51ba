"""Names as a service in a container resolves them: its resolvers may differ from this machine's."""

import functools
from collections.abc import Mapping

import msgspec

from incident_lib import clock
from incident_lib.config import Service, Settings
from incident_lib.connections.docker import Engine, open_engine
from incident_lib.connections.names import is_literal
from incident_lib.errors import ProblemKind, TargetError
from incident_lib.model import Problem, Window
from incident_lib.model.network import NameAnswer
from incident_lib.probes.base import Fetched, Lane, Probe
from incident_lib.probes.network.place import parse_place

_NAMES_LIMIT = 10
_NAME_SECONDS = 3.0
_ALL_SECONDS = 8.0


def fetch_inside(container: str, hosts: tuple[str, ...], engine: Engine, _window: Window) -> Fetched:
    """Return what the names of a service's dependencies are inside its container.

    Source: getent in the container. Shape: one NameAnswer a name. Cost: a short process for each name.
    Errors: TargetError UNSUPPORTED where the image has no getent, NOT_FOUND, NO_ENGINE.
    """
    deadline = clock.monotonic() + _ALL_SECONDS
    rows = []
    for host in hosts:
        if (left := deadline - clock.monotonic()) <= 0:
            break
        rows.append(_look_up(engine, container, host, min(left, _NAME_SECONDS)))
    missing = len(hosts) - len(rows)
    return Fetched(
        rows=tuple(rows),
        source=f"getent hosts {' '.join(hosts)}, inside {container}",
        problem=_unasked(missing) if missing else None,
    )


def _look_up(engine: Engine, container: str, host: str, seconds: float) -> NameAnswer:
    asked = f"container {container}"
    started = clock.monotonic()
    try:
        result = engine.exec_read(container, ("getent", "hosts", host), seconds=seconds)
    except TargetError as error:
        if error.kind is not ProblemKind.TIMED_OUT:
            raise
        return NameAnswer(name=host, asked=asked, decides=True, error=error.message)
    lines = result.stdout.decode("utf-8", "replace").splitlines()
    addresses = tuple(dict.fromkeys(line.split()[0] for line in lines if line.split()))
    return NameAnswer(
        name=host,
        asked=asked,
        decides=True,
        addresses=addresses,
        code="NOERROR" if addresses else "NXDOMAIN",
        seconds=clock.monotonic() - started,
    )


def _unasked(count: int) -> Problem:
    return Problem(
        kind=ProblemKind.DEADLINE,
        message=f"{count} more names were not asked for within {clock.format_duration(_ALL_SECONDS)}",
    )


INSIDE = Probe(
    name="network.inside",
    fetch=functools.partial(fetch_inside, "", ()),
    question="Do the names of its dependencies resolve inside the container?",
    source="getent hosts NAME, inside the container",
    needs="the right to use the Docker engine",
    cost="a short process in the container for each name",
    deadline_seconds=_ALL_SECONDS + 1.0,
)


def lanes(settings: Settings) -> tuple[Lane, ...]:
    """Return one lane for each service in a container that needs something outside by its name."""
    outside = {one.name: one.url for one in settings.dependencies}
    found = ((service, _hosts(service, outside)) for service in settings.services if service.container)
    return tuple(_lane(service, hosts) for service, hosts in found if hosts)


def _hosts(service: Service, outside: Mapping[str, str]) -> tuple[str, ...]:
    places = (parse_place(outside[name]) for name in service.depends_on if name in outside)
    hosts = (place.host for place in places if place and not is_literal(place.host))
    return tuple(dict.fromkeys(hosts))[:_NAMES_LIMIT]


def _lane(service: Service, hosts: tuple[str, ...]) -> Lane:
    fetch = functools.partial(fetch_inside, service.container, hosts)
    probe = msgspec.structs.replace(INSIDE, fetch=fetch)
    return Lane(target=service.name, open=open_engine, probes=(probe,), name="network-inside")

"""Names, ports and TLS as a service in a container sees them: its network and its store are its own."""

import functools
from pathlib import Path

import msgspec

from incident_lib.config import Kinds, Service, Settings
from incident_lib.connections.docker import Engine
from incident_lib.connections.names import is_literal
from incident_lib.connections.places.container import OpenContainer, container_of
from incident_lib.connections.places.inside import Question
from incident_lib.errors import ProblemKind, TargetError
from incident_lib.model import Problem, Row, Truncation, Window
from incident_lib.probes.base import Fetched, Lane, Probe
from incident_lib.technologies.network.probes.dependency_addresses import (
    ConfiguredDependency,
    DependencyAddress,
    dependency_addresses,
    names_of,
)
from incident_lib.technologies.network.probes.endpoint import endpoint_of
from incident_lib.technologies.network.probes.inside_answers import rows_of_python, rows_of_shell

_MOST = 10
_EACH_SECONDS = 4.0
_ALL_SECONDS = 9.0
_AUTHORITY_BYTES = 60_000  # what fits into an argument with the rest


class ServiceInside(msgspec.Struct, frozen=True, kw_only=True):
    """A service in a container, and what it needs."""

    container: str
    dependencies: tuple[ConfiguredDependency, ...]
    discover: bool = True  # whether its environment may be read for addresses
    kinds: Kinds = {}


def fetch_inside(service: ServiceInside, session: Engine, _window: Window) -> Fetched:
    """Return how the dependencies of a service look from inside its container.

    Source: one process in the container, python3 of its image, else its shell with getent, bash or nc, and
    openssl. Shape: a NameAnswer, PortAnswers and TlsAnswers for each dependency that an address is known of.
    Needs: the Docker engine. Cost: that process, at most 9 s. Errors: TargetError UNSUPPORTED where the image
    has neither, or has no memory left for it, NOT_FOUND, REFUSED where it does not run, NO_ENGINE.
    """
    place = OpenContainer(session, service.container)
    everything = _addresses(place, service)
    addresses = everything[:_MOST]
    if not addresses:
        known = "the addresses of its dependencies are not configured"
        raise TargetError(
            ProblemKind.SKIPPED,
            known,
            "give its dependencies an address that is also valid inside the container",
        )
    questions = [
        Question(
            host=address.endpoint.host,
            port=address.endpoint.port or 0,
            tls=address.endpoint.uses_tls,
            ca=_authority(address.endpoint.ca),
            seconds=_EACH_SECONDS,
        )
        for address in addresses
    ]
    way, output = place.view(questions, seconds=_ALL_SECONDS)
    is_python = way.name == "python"
    parse = rows_of_python if is_python else rows_of_shell
    rows, missing = parse(output.stdout.decode("utf-8", "replace"), addresses, service.container)
    program = "python3" if is_python else "sh with getent, bash or nc, openssl"
    endpoints = "; ".join(
        f"{address.dependency} at {address.endpoint.host}:{address.endpoint.port or ''} ({address.source})"
        for address in addresses
    )
    return Fetched(
        rows=rows,
        source=f"{program}, inside {service.container}: {endpoints}",
        problem=_problem(rows, missing, output.stderr),
        truncated=Truncation(kept=_MOST, total=len(everything)) if len(everything) > _MOST else None,
    )


def _addresses(place: OpenContainer, service: ServiceInside) -> tuple[DependencyAddress, ...]:
    details = place.inspect()
    mode = str((details.get("HostConfig") or {}).get("NetworkMode") or "")
    pairs = ((details.get("Config") or {}).get("Env") or ()) if service.discover else ()
    environment = dict(pair.split("=", 1) for pair in pairs if "=" in pair)
    known_as = {
        dependency.name: _names(place.engine, dependency.container)
        for dependency in service.dependencies
        if dependency.container
    }
    return dependency_addresses(
        service.dependencies,
        environment,
        on_host=mode == "host",
        known_as=known_as,
        kinds=service.kinds,
    )


def _names(engine: Engine, container: str) -> set[str]:
    try:
        return names_of(engine.inspect(container))
    except TargetError:
        return set()  # it is gone, which its own probes say


def _authority(path: Path | None) -> str:
    """Return the certificate of a declared authority, which is public; "" where it cannot be read or sent."""
    if path is None:
        return ""
    try:
        text = path.read_text(encoding="ascii")
    except (OSError, UnicodeError):
        return ""
    begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
    certificates = [part.partition(end)[0] for part in text.split(begin)[1:]]
    public = "\n".join(f"{begin}{part}{end}" for part in certificates)
    return public if len(public) <= _AUTHORITY_BYTES else ""


def _problem(rows: tuple[Row, ...], missing: tuple[str, ...], stderr: bytes) -> Problem | None:
    if not rows:
        printed = stderr.decode("utf-8", "replace").strip().splitlines()
        raise TargetError(
            ProblemKind.PROTOCOL, f"the program inside returned no answer: {printed[-1:] or 'nothing'}"
        )
    if not missing:
        return None
    return Problem(
        kind=ProblemKind.UNSUPPORTED,
        message=f"not seen from inside: {', '.join(missing)}",
        advice="the image lacks the tools; with python3 in it, everything could be checked",
    )


INSIDE = Probe(
    name="network.inside",
    fetch=functools.partial(fetch_inside, ServiceInside(container="", dependencies=())),
    question="How do its dependencies look from inside the container: name, port, TLS?",
    source="names, ports and TLS with python3, else sh, inside the container",
    needs="access to the Docker engine",
    cost="one short process in the container, if its memory limit leaves room; a few connections to each "
    "dependency",
    deadline_seconds=_ALL_SECONDS + 2.0,
)


def lanes(settings: Settings) -> tuple[Lane, ...]:
    """Return one lane for each service in a container that needs something."""
    discover = settings.document.workbench.discover_credentials
    lanes = []
    for service in settings.services:
        dependencies = _dependencies(settings, service) if service.container else ()
        if dependencies:
            about = ServiceInside(
                container=service.container,
                dependencies=dependencies,
                discover=discover,
                kinds=settings.kinds,
            )
            probe = msgspec.structs.replace(INSIDE, fetch=functools.partial(fetch_inside, about))
            engine = container_of(service).engine
            lanes.append(Lane(target=service.name, open=engine.open, probes=(probe,), name="network-inside"))
    return tuple(lanes)


def _dependencies(settings: Settings, service: Service) -> tuple[ConfiguredDependency, ...]:
    """Return what a service needs, where an address may be found; one without a port is a name to resolve."""
    services = {target.name: target for target in settings.services}
    outside = {target.name: target for target in settings.dependencies}
    found = []
    for name in service.depends_on:
        if name in outside:
            endpoint = endpoint_of(settings, outside[name])
            if endpoint and (endpoint.port is not None or not is_literal(endpoint.host)):
                found.append(ConfiguredDependency(name=name, kind="outside", endpoint=endpoint))
        elif name in services:
            target = services[name]
            found.append(
                ConfiguredDependency(
                    name=name,
                    kind=target.kind,
                    endpoint=endpoint_of(settings, target),
                    container=target.container,
                )
            )
    return tuple(found)

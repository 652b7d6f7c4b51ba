"""Probes of the Docker engine and of the container of each service."""

from functools import partial
from typing import Any

import msgspec

from incident_lib.config import Service, Settings
from incident_lib.connections.places.container import DockerEngine, container_of
from incident_lib.probes.base import Fetched, Lane, Probe
from incident_lib.technologies.docker.probes import container, engine, events, processes, stats

_READS = "access to the Docker socket"

ENGINE = Probe(
    name="docker.engine",
    fetch=engine.fetch_engine,
    question="Does the Docker engine answer, and which version is it?",
    source="GET /version; GET /info",
    needs=_READS,
)
EVENTS = Probe(
    name="docker.events",
    fetch=events.fetch_events,
    question="What happened to the containers?",
    source="GET /events?since=START&until=NOW",
    needs=_READS,
    cost="reads the 256 events that the engine keeps in memory",
    looks_back=True,
)
CONTAINERS = Probe(
    name="docker.containers",
    fetch=engine.fetch_containers,
    question="Which containers exist?",
    source="GET /containers/json?all=1",
    needs=_READS,
)
CONTAINER = Probe(
    name="docker.container",
    fetch=container.fetch_container,
    question="Is the container running, since when, from which image, with which limits?",
    source="GET /containers/NAME/json; GET /images/ID/json",
    needs=_READS,
    deadline_seconds=8.0,  # two of them go by while a deploy is at work
)
STATS = Probe(
    name="docker.stats",
    fetch=stats.fetch_stats,
    question="How much CPU, memory and network does it use?",
    source="GET /containers/NAME/stats?stream=0&one-shot=1, four to ten times, a second apart",
    in_watch={},
    needs=_READS,
    tier=1,
    deadline_seconds=12.0,
)
PROCESSES = Probe(
    name="docker.processes",
    fetch=processes.fetch_processes,
    question="Which processes run in it?",
    source="GET /containers/NAME/top",
    needs=_READS,
    cost="one ps on the engine's machine, and python3 --version in a container that runs Python",
    tier=1,
)
PROBES: tuple[Probe, ...] = (ENGINE, EVENTS, CONTAINERS, CONTAINER, PROCESSES, STATS)


def lanes(settings: Settings) -> tuple[Lane, ...]:
    """Return a lane for the engine and one for each service in a container; none without such a service."""
    services = [service for service in settings.services if service.container]
    if not services:
        return ()
    names = tuple(service.container for service in services)
    probes = (
        ENGINE,
        _with(EVENTS, partial(events.fetch_events, configured=names)),
        _with(CONTAINERS, partial(engine.fetch_containers, needs=_needs(services))),
    )
    whole = Lane(target="docker", open=DockerEngine().open, probes=probes, name="docker")
    return (whole, *(_lane(service) for service in services))


def _lane(service: Service) -> Lane:
    fetches: tuple[tuple[Probe, Any], ...] = (
        (CONTAINER, container.fetch_container),
        (EVENTS, events.fetch_events),
        (PROCESSES, processes.fetch_processes),
        (STATS, stats.fetch_stats),
    )
    probes = tuple(_with(probe, partial(fetch, container=service.container)) for probe, fetch in fetches)
    return Lane(target=service.name, open=container_of(service).engine.open, probes=probes, name="docker")


def _with(probe: Probe, fetch: "partial[Fetched]") -> Probe:
    return msgspec.structs.replace(probe, fetch=fetch)


def _needs(services: list[Service]) -> tuple[tuple[str, str], ...]:
    """Return which container needs which, as far as it is configured."""
    container_of = {service.name: service.container for service in services}
    return tuple(
        (service.container, container_of[needed])
        for service in services
        for needed in service.depends_on
        if needed in container_of
    )

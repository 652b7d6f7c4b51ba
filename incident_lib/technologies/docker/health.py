"""Health checks of containers: one runs and is not unhealthy, or a reading command in it succeeds."""

from collections.abc import Iterator
from contextlib import closing
from functools import partial

from incident_lib.config import Dependency, Service, Settings
from incident_lib.connections.docker import translated
from incident_lib.connections.places.container import Container, DockerEngine, container_of
from incident_lib.probes.health import HealthAnswer, HealthCheck, plain


def checks(_settings: Settings, target: Service | Dependency) -> Iterator[HealthCheck]:
    """Yield the check of a service in a container."""
    if isinstance(target, Service) and target.container:
        ask = partial(_runs, container_of(target))
        yield HealthCheck(name=target.name, container=target.container, ask=ask)


def _runs(place: Container, seconds: float) -> HealthAnswer:
    state = place.inspect(seconds)["State"]
    health = state.get("Health", {}).get("Status", "")
    well = state["Status"] == "running" and health != "unhealthy"
    return HealthAnswer(healthy=well, detail=", ".join(filter(None, (state["Status"], health))))


def expect_output(container: str, argv: tuple[str, ...], expected: str, seconds: float) -> HealthAnswer:
    """Return whether a reading command in a container ends with 0 and prints what is expected."""
    result = Container(container).run(argv, seconds=seconds)
    output = plain((result.stdout or result.stderr).decode("utf-8", "replace"))
    well = result.exit_code == 0 and expected in output
    return HealthAnswer(healthy=well, detail=output or f"{argv[0]} ended with {result.exit_code}")


def list_containers(seconds: float) -> tuple[dict[str, str], ...]:
    """Return name, state and image of every container. Source: GET /containers/json. Errors: TargetError."""
    with closing(DockerEngine().open(seconds)) as engine, translated("the list of containers"):
        found = engine.client.api.containers(all=True)
    return tuple(
        {
            "name": ",".join(name.lstrip("/") for name in container.get("Names") or ()),
            "state": str(container.get("Status", "")),
            "image": str(container.get("Image", "")),
        }
        for container in found
    )

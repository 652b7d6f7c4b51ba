"""Health checks of containers: one runs and is not unhealthy, or a reading command in it succeeds."""

import math
from collections.abc import Iterator
from functools import partial

from incident_lib.config import Dependency, Service, Settings
from incident_lib.connections.docker import open_engine, translated
from incident_lib.probes.health import HealthAnswer, HealthCheck, plain


def checks(_settings: Settings, target: Service | Dependency) -> Iterator[HealthCheck]:
    """Yield the check of a service in a container."""
    if isinstance(target, Service) and target.container:
        ask = partial(_runs, target.container)
        yield HealthCheck(name=target.name, container=target.container, ask=ask)


def _runs(container: str, seconds: float) -> HealthAnswer:
    engine = open_engine(max(1, math.ceil(seconds)))
    try:
        state = engine.inspect(container)["State"]
    finally:
        engine.close()
    health = state.get("Health", {}).get("Status", "")
    well = state["Status"] == "running" and health != "unhealthy"
    return HealthAnswer(healthy=well, detail=", ".join(filter(None, (state["Status"], health))))


def expect_output(container: str, argv: tuple[str, ...], expected: str, seconds: float) -> HealthAnswer:
    """Return whether a reading command in a container ends with 0 and prints what is expected."""
    engine = open_engine(max(1, math.ceil(seconds)))
    try:
        result = engine.exec_read(container, argv, seconds=seconds)
    finally:
        engine.close()
    output = plain((result.stdout or result.stderr).decode("utf-8", "replace"))
    well = result.exit_code == 0 and expected in output
    return HealthAnswer(healthy=well, detail=output or f"{argv[0]} ended with {result.exit_code}")


def list_containers(seconds: float) -> tuple[dict[str, str], ...]:
    """Return name, state and image of every container. Source: GET /containers/json. Errors: TargetError."""
    engine = open_engine(max(1, math.ceil(seconds)))
    try:
        with translated("the list of containers"):
            found = engine.client.api.containers(all=True)
    finally:
        engine.close()
    return tuple(
        {
            "name": ",".join(name.lstrip("/") for name in container.get("Names") or ()),
            "state": str(container.get("Status", "")),
            "image": str(container.get("Image", "")),
        }
        for container in found
    )

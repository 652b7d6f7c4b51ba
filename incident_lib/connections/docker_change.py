"""The Docker engine, opened for change: restart a container, remove the unused. For remediation alone."""

from collections.abc import Iterator
from typing import Any

import msgspec

from incident_lib.connections.docker import Engine, translated
from incident_lib.connections.places.container import DockerEngine

_ANSWER_SECONDS = 30  # a busy engine takes a while to start a container or to remove an image


class Unused(msgspec.Struct, frozen=True, kw_only=True):
    """Something that could be removed."""

    kind: str  # "container" or "image"
    id: str
    name: str
    size_bytes: int
    ended_at: str = ""  # of a container, as the engine writes it


class EngineForChange:
    """A session with an engine that changes what it is given, by id."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.vantage = engine.vantage

    def restart(self, container_id: str, grace_seconds: int) -> None:
        """Restart a container: SIGTERM, SIGKILL after the grace. Source: POST /containers/ID/restart.

        Returns once it was started. Errors: TargetError.
        """
        with translated(f"restarting container {container_id[:12]}"):
            self.engine.client.api.restart(container_id, timeout=grace_seconds)

    def remove(self, unused: Unused) -> None:
        """Remove a stopped container or an untagged image. Errors: TargetError, also for what is in use."""
        api = self.engine.client.api
        with translated(f"removing {unused.kind} {unused.id[:19]}"):
            if unused.kind == "container":
                api.remove_container(unused.id, v=False, force=False)
            else:
                api.remove_image(unused.id, force=False, noprune=False)

    def stopped(self, label: str = "") -> Iterator[Unused]:
        """Yield containers that have ended. Source: GET /containers/json?size=1, then inspect each."""
        filters: dict[str, Any] = {"status": ["exited", "dead"], **({"label": [label]} if label else {})}
        with translated("the list of stopped containers"):
            listed = self.engine.client.api.containers(all=True, size=True, filters=filters)
        for entry in listed:
            state = self.engine.inspect(entry["Id"]).get("State") or {}
            yield Unused(
                kind="container",
                id=entry["Id"],
                name=(entry.get("Names") or ["?"])[0].lstrip("/"),
                size_bytes=int(entry.get("SizeRw") or 0),
                ended_at=state.get("FinishedAt", ""),
            )

    def dangling(self, label: str = "") -> Iterator[Unused]:
        """Yield images without a name that no container uses. Source: GET /images/json, /containers/json."""
        filters: dict[str, Any] = {"dangling": True, **({"label": [label]} if label else {})}
        with translated("the list of images"):
            images = self.engine.client.api.images(filters=filters)
            used = {entry["ImageID"] for entry in self.engine.client.api.containers(all=True)}
        for image in images:
            if image["Id"] not in used:
                size = int(image.get("Size") or 0)
                yield Unused(kind="image", id=image["Id"], name="untagged", size_bytes=size)

    def close(self) -> None:
        """Close the connections."""
        self.engine.close()


def open_for_change(grace_seconds: int = 0) -> EngineForChange:
    """Return a session whose answers may take as long as a restart does. Errors: TargetError NO_ENGINE."""
    return EngineForChange(DockerEngine().open(grace_seconds + _ANSWER_SECONDS))

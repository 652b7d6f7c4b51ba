"""Containers of one stack on an engine: made, replaced, found by their label, removed."""

import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import docker
from docker.errors import APIError, DockerException, NotFound
from docker.models.containers import Container
from docker.types import LogConfig

from incident_lib.errors import WorkbenchError

_LABEL = "incident-demo.stack"


class ContainerSet:
    """The containers named `PREFIX-ROLE` in one network, where each is known by its role."""

    def __init__(self, client: docker.DockerClient, network: str = "") -> None:
        self.client = client
        self.prefix = f"demo{uuid.uuid4().hex[:6]}"
        self.network = network
        self._own_network = not network

    def name(self, role: str) -> str:
        """Return the container's name."""
        return f"{self.prefix}-{role}"

    def open(self, disk_bytes: int = 0) -> None:
        """Make the network, unless one was given, and a volume `PREFIX-data` of that size in memory."""
        if disk_bytes:
            options = {"type": "tmpfs", "device": "tmpfs", "o": f"size={disk_bytes}"}
            with engine_errors("the volume"):
                self.client.volumes.create(
                    self.name("data"), driver_opts=options, labels={_LABEL: self.prefix}
                )
        if self._own_network:
            self.network = f"{self.prefix}-net"
            with engine_errors("the network"):
                self.client.networks.create(self.network, labels={_LABEL: self.prefix})

    def run(self, role: str, *, port: tuple[int, int] | None = None, **options: Any) -> Container:
        """Return the new, running container of `role`; one that was there is replaced.

        `port` is that in the container and that of this machine which leads to it.
        """
        self.remove(role)
        labels: Mapping[str, str] = options.pop("labels", {})
        attachment = self.client.api.create_endpoint_config(aliases=[role])
        with engine_errors(f"the container {role}"):
            made = self.client.containers.create(
                options.pop("image"),
                options.pop("command"),
                name=self.name(role),
                labels={
                    _LABEL: self.prefix,
                    "com.docker.compose.project": self.prefix,
                    "com.docker.compose.service": role,
                    **labels,
                },
                network=self.network,
                networking_config={self.network: attachment},
                ports={f"{port[0]}/tcp": ("127.0.0.1", port[1])} if port else {},
                log_config=LogConfig(type="json-file", config={"max-size": "20m", "max-file": "2"}),
                **{"restart_policy": {"Name": "unless-stopped"}, **options},
            )
            made.start()
        return made

    def find(self, role: str) -> Container | None:
        """Return the container of `role`, freshly inspected, or None."""
        with engine_errors(f"the container {role}"), suppress(NotFound):
            return self.client.containers.get(self.name(role))
        return None

    def get(self, role: str) -> Container:
        """Return the container of `role`. Errors: WorkbenchError where there is none."""
        if found := self.find(role):
            return found
        raise WorkbenchError(f"the demo stack has no container {self.name(role)}")

    def log(self, role: str, lines: int = 20) -> str:
        """Return the end of a container's log."""
        found = self.find(role)
        return found.logs(tail=lines).decode(errors="replace").strip() if found else ""

    def remove(self, role: str) -> None:
        """Remove the container of `role`, if there is one."""
        if found := self.find(role):
            _remove(found)

    def cut_off(self, role: str) -> None:
        """Take a container out of the network; it goes on."""
        with engine_errors(f"the container {role}"):
            self.client.networks.get(self.network).disconnect(self.get(role), force=True)

    def attach(self, role: str, *aliases: str) -> None:
        """Put a container into the network, known by `aliases` and its own name."""
        with engine_errors(f"the container {role}"):
            self.client.networks.get(self.network).connect(self.get(role), aliases=list(aliases))

    def close(self) -> None:
        """Remove every container of the stack and its network, however far the start went."""
        mine: dict[str, str | list[str] | bool] = {"label": f"{_LABEL}={self.prefix}"}
        with engine_errors("the demo stack"):
            for container in self.client.containers.list(all=True, filters=mine, ignore_removed=True):
                _remove(container)
            for network in self.client.networks.list(filters=mine):
                with suppress(NotFound):
                    network.remove()
            for volume in self.client.volumes.list(filters=mine):
                with suppress(NotFound):
                    volume.remove()


def _remove(container: Container) -> None:
    with suppress(NotFound, APIError):
        container.remove(force=True, v=True)


@contextmanager
def engine_errors(what: str) -> Iterator[None]:
    """Turn the engine's errors into WorkbenchError."""
    try:
        yield
    except NotFound:
        raise
    except DockerException as error:
        raise WorkbenchError(f"{what}: {error}") from error

"""The engine itself, and the list of its containers."""

from datetime import UTC, datetime
from typing import Any

from incident_lib.connections.docker import Engine, translated
from incident_lib.errors import TargetError
from incident_lib.model import Problem, Window
from incident_lib.probes.base import Fetched
from incident_lib.technologies.docker.rows import ContainerListed, EngineFacts, NetworkGap

_LIMIT = 500
_HOST_NETWORKS = {"host", "none"}


def fetch_engine(engine: Engine, _window: Window) -> Fetched:
    """Return EngineFacts. Source: GET /version (read when the session was opened), GET /info."""
    problem: Problem | None = None
    info: dict[str, Any] = {}
    try:
        with translated("GET /info"):
            info = engine.client.api.info()
    except TargetError as error:
        problem = Problem.from_error(error)
    return Fetched(rows=(_facts(engine.version, info),), problem=problem)


def _facts(version: dict[str, Any], info: dict[str, Any]) -> EngineFacts:
    security = info.get("SecurityOptions")
    return EngineFacts(
        version=version.get("Version", ""),
        api_version=version.get("ApiVersion", ""),
        operating_system=info.get("OperatingSystem") or version.get("Os", ""),
        rootless=any("rootless" in option for option in security) if security is not None else None,
        cgroup_version=str(info.get("CgroupVersion") or ""),
        cpu_count=info.get("NCPU"),
        memory_bytes=info.get("MemTotal"),
        running_count=info.get("ContainersRunning"),
        stopped_count=info.get("ContainersStopped"),
    )


def fetch_containers(engine: Engine, _window: Window, *, needs: tuple[tuple[str, str], ...] = ()) -> Fetched:
    """Return ContainerListed rows, and a NetworkGap for each of `needs` that share no network.

    Source: GET /containers/json?all=1, which shows a container that is removed meanwhile without failing.
    """
    with translated("the list of containers"):
        listed = engine.client.api.containers(all=True, limit=_LIMIT)
    rows = tuple(_listed(entry) for entry in listed)
    networks = {row.name: row.networks for row in rows if row.state == "running"}
    gaps = (
        NetworkGap(container=one, needs=other, networks=networks[one], needs_networks=networks[other])
        for one, other in needs
        if one in networks and other in networks and _are_apart(networks[one], networks[other])
    )
    return Fetched(rows=(*rows, *gaps))


def _are_apart(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Return whether two containers cannot see each other; on the host's network that is not ours to say.

    >>> _are_apart(("front",), ("back",)), _are_apart(("front", "back"), ("back",))
    (True, False)
    >>> _are_apart(("host",), ("back",))
    False
    """
    return not set(one) & set(other) and not _HOST_NETWORKS & {*one, *other}


def _listed(entry: dict[str, Any]) -> ContainerListed:
    labels = entry.get("Labels") or {}
    networks = (entry.get("NetworkSettings") or {}).get("Networks") or {}
    return ContainerListed(
        name=((entry.get("Names") or [""])[0]).lstrip("/"),
        container_id=entry["Id"][:12],
        image=entry.get("Image", ""),
        state=entry.get("State", ""),
        status=entry.get("Status", ""),
        created_at=datetime.fromtimestamp(entry["Created"], UTC),
        project=labels.get("com.docker.compose.project", ""),
        service=labels.get("com.docker.compose.service", ""),
        networks=tuple(sorted(networks)),
        addresses=tuple(sorted(filter(None, (network.get("IPAddress") for network in networks.values())))),
    )

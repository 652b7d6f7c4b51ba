"""Whose address it is: findings about a client's address learn the name of its container. Pure."""

from collections.abc import Iterable, Mapping

import msgspec

from incident_lib.model import Evidence, Finding
from incident_lib.technologies.docker.rows import ContainerListed, ContainerState, NetworkAttachment

# The data of a finding that is an address, and what the container's name is kept as.
_KEYS = {
    "root_client": "root_container",
    "amplifier_client": "amplifier_container",
    "client": "container",
}


def name_clients(findings: Iterable[Finding], evidence: Iterable[Evidence]) -> list[Finding]:
    """Return the findings; where a client's address is that of one container, its name is told too."""
    names = container_addresses(evidence)
    return [_named(one, names) for one in findings] if names else list(findings)


def container_addresses(evidence: Iterable[Evidence]) -> dict[str, str]:
    """Return containers by their addresses; an address that two of them have tells nothing."""
    found: dict[str, set[str]] = {}
    for one in evidence:
        names = [row.name for row in one.of(ContainerState)]
        for row in one.of(NetworkAttachment):
            if row.address and names:
                found.setdefault(row.address, set()).add(names[0])
        for listed in one.of(ContainerListed):  # those of no service, too: jobs, migrations, somebody's shell
            for address in listed.addresses:
                found.setdefault(address, set()).add(listed.name)
    return {address: next(iter(names)) for address, names in found.items() if len(names) == 1}


def _named(one: Finding, names: Mapping[str, str]) -> Finding:
    told = {
        key: names[address]
        for source, key in _KEYS.items()
        if isinstance(address := one.data.get(source), str) and address in names
    }
    if not told:
        return one
    first = next(iter(told.values()))
    lines = [f"{address} is the container {name}" for address, name in names.items() if name in told.values()]
    return msgspec.structs.replace(
        one,
        title=one.title if first in one.title else f"{one.title}, from container {first}",
        detail="\n".join(filter(None, (one.detail, *lines))),
        data={**one.data, **told},
    )

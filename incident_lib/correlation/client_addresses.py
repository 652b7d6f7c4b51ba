"""Whose address it is: findings about a client's address learn the name of its container. Pure."""

from collections.abc import Iterable, Mapping

import msgspec

from incident_lib.correlation.situation import Situation
from incident_lib.model import Evidence, Finding
from incident_lib.technologies.docker.rows import ContainerListed, ContainerState, NetworkAttachment

# The data of a finding that is an address, and what the container's name is kept as.
_KEYS = {
    "root_client": "root_container",
    "amplifier_client": "amplifier_container",
    "client": "container",
}


def judge_client_addresses(findings: list[Finding], situation: Situation) -> list[Finding]:
    """Return the findings; where a client's address is that of one container, they name it, too."""
    names = container_addresses(situation.evidence)
    return [_named(finding, names) for finding in findings] if names else findings


def container_addresses(evidence: Iterable[Evidence]) -> dict[str, str]:
    """Return containers by their addresses; an address that two of them have names neither."""
    found: dict[str, set[str]] = {}
    for each in evidence:
        names = [row.name for row in each.of(ContainerState)]
        for row in each.of(NetworkAttachment):
            if row.address and names:
                found.setdefault(row.address, set()).add(names[0])
        for listed in each.of(ContainerListed):  # those of no service, too: jobs, migrations, a shell
            for address in listed.addresses:
                found.setdefault(address, set()).add(listed.name)
    return {address: next(iter(names)) for address, names in found.items() if len(names) == 1}


def _named(finding: Finding, names: Mapping[str, str]) -> Finding:
    containers = {
        key: names[address]
        for source, key in _KEYS.items()
        if isinstance(address := finding.data.get(source), str) and address in names
    }
    if not containers:
        return finding
    first = next(iter(containers.values()))
    is_named = any(first in str(value) for value in finding.data.values())
    lines = [
        f"{address} is the container {name}" for address, name in names.items() if name in containers.values()
    ]
    return msgspec.structs.replace(
        finding,
        title=finding.title if is_named else f"{finding.title}, from container {first}",
        detail="\n".join(filter(None, (finding.detail, *lines))),
        data={**finding.data, **containers},
    )

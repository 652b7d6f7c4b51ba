"""Short names for services, derived from those of their containers."""

import re
from collections.abc import Mapping, Sequence

_RESERVED = {"docker", "host"}
_TAIL = re.compile(r"[-_]\d+$")
_COMPOSE_NAME = re.compile(r"[A-Za-z0-9._-]{1,128}")


def name_services(containers: Sequence[tuple[str, Mapping[str, str]]]) -> list[str]:
    """Return a unique name for each container: its compose service, else the unique part of its name.

    >>> name_services([("app-db", {}), ("app-redis", {})])
    ['db', 'redis']
    >>> name_services([("shop-api-1", {"com.docker.compose.service": "api"}), ("shop-api-2",
    ...     {"com.docker.compose.service": "api"}), ("Old_Thing", {})])
    ['api', 'api-2', 'old-thing']
    >>> name_services([("shop", {"com.docker.compose.service": "password=tr0ub4dor"})])
    ['shop']
    """
    bare = [name for name, labels in containers if not _of_compose(labels)]
    prefix = _common_prefix(bare)
    taken: set[str] = set()
    names = []
    for container, labels in containers:
        own = _of_compose(labels) or _TAIL.sub("", container).removeprefix(prefix)
        names.append(_unique(clean(own) or clean(container) or "service", taken))
    return names


def _of_compose(labels: Mapping[str, str]) -> str:
    """Return the service that Compose created a container for, "" if the label is not a valid name."""
    label = labels.get("com.docker.compose.service", "")
    return label if _COMPOSE_NAME.fullmatch(label) else ""


def _common_prefix(names: Sequence[str]) -> str:
    """Return the common prefix of several names, up to a hyphen."""
    if len(names) < 2:
        return "app-" if names and names[0].startswith("app-") else ""
    first, last = min(names), max(names)
    same = next(
        (n for n, pair in enumerate(zip(first, last, strict=False)) if pair[0] != pair[1]), len(first)
    )
    common = first[:same]
    cut = max(common.rfind("-"), common.rfind("_")) + 1
    return common[:cut] if all(len(name) > cut for name in names) else ""


def clean(name: str) -> str:
    """Return a name that the configuration accepts.

    >>> clean("Old_Thing.v2"), clean("__")
    ('old-thing-v2', '')
    """
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def _unique(name: str, taken: set[str]) -> str:
    wanted, number = name, 1
    while wanted in taken or wanted in _RESERVED:
        number += 1
        wanted = f"{name}-{number}"
    taken.add(wanted)
    return wanted

"""Short names for services, derived from those of their containers."""

import re
from collections.abc import Mapping, Sequence

_RESERVED = {"docker", "host"}
_TAIL = re.compile(r"[-_]\d+$")


def name_services(containers: Sequence[tuple[str, Mapping[str, str]]]) -> list[str]:
    """Return a unique name for each container: its compose service, else what is its own in its name.

    >>> name_services([("app-db", {}), ("app-redis", {})])
    ['db', 'redis']
    >>> name_services([("shop-api-1", {"com.docker.compose.service": "api"}), ("shop-api-2",
    ...     {"com.docker.compose.service": "api"}), ("Old_Thing", {})])
    ['api', 'api-2', 'old-thing']
    """
    bare = [name for name, labels in containers if not labels.get("com.docker.compose.service")]
    prefix = _common_prefix(bare)
    taken: set[str] = set()
    names = []
    for container, labels in containers:
        own = labels.get("com.docker.compose.service") or _TAIL.sub("", container).removeprefix(prefix)
        names.append(_unique(clean(own) or clean(container) or "service", taken))
    return names


def _common_prefix(names: Sequence[str]) -> str:
    """Return what all names begin with, up to a hyphen, where there are several."""
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
    """Return a name that the configuration takes.

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

"""The findings behind a hypothesis: it names ids, and one id may be found at several targets."""

from collections.abc import Iterable

from incident_lib.model import Finding
from incident_lib.model.topology import Topology


def findings_named(
    names: Iterable[str], target: str, found: Iterable[Finding], topology: Topology
) -> tuple[Finding, ...]:
    """Return for each name the finding that speaks of `target`; names of nothing are left out.

    A name is a finding's id or ref. Of several findings with one id that of the blamed target counts,
    else that of the nearest that needs it or that it needs, the worst first; of unrelated targets the worst.

    >>> from incident_lib.model import FindingSeverity
    >>> bad, ok = (
    ...     Finding(id="http.health.status", target=name, title="t", severity=FindingSeverity.CRITICAL)
    ...     for name in ("shop", "other")
    ... )
    >>> graph = Topology(depends_on={"shop": ("db",)})
    >>> [finding.target for finding in findings_named(["http.health.status"], "db", (ok, bad), graph)]
    ['shop']
    """
    distance = distances(target, topology)
    far = len(distance)
    best: dict[str, Finding] = {}
    ordered = sorted(found, key=lambda finding: (distance.get(finding.target, far), finding.severity.rank))
    for finding in ordered:
        for each in finding.apart:
            best.setdefault(each.id, finding)
            best[each.ref] = finding
    named = [best[name] for name in names if name in best]
    return tuple({finding.ref: finding for finding in named}.values())


def distances(target: str, topology: Topology) -> dict[str, int]:
    """Return how many steps away each relative of `target` is: what needs it, or what it needs.

    >>> distances("db", Topology(depends_on={"web": ("api",), "api": ("db", "cache")}))
    {'db': 0, 'api': 1, 'web': 2}
    """
    steps = {target: 0}
    for edges in (_turned(topology.depends_on), topology.depends_on):
        near, step = [target], 0
        while near:
            step += 1
            near = [other for name in near for other in edges.get(name, ()) if other not in steps]
            steps |= dict.fromkeys(near, step)
    return steps


def _turned(edges: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """Return who needs whom, turned round."""
    users: dict[str, tuple[str, ...]] = {}
    for user, needs in edges.items():
        for name in needs:
            users[name] = (*users.get(name, ()), user)
    return users

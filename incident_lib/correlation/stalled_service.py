"""A process that stalls: everything it waits for seems slow to it, and is not. Pure."""

from collections.abc import Iterable, Iterator

import msgspec

from incident_lib.model import Finding
from incident_lib.model.topology import Topology

_SLOW_ITSELF = ("http.health.silent", "http.health.timed_out", "http.health.slow")
# What the application complains of, by the kind of what it needs, and what says that this is well.
_COMPLAINTS = {
    "postgres": (
        frozenset({"db_connect_timeout", "pool_timeout", "db_statement_timeout"}),
        "postgres.connection.ok",
    ),
    "redis": (frozenset({"redis_timeout"}), "redis.connection.ok"),
    "outside": (frozenset({"connect_timeout", "read_timeout"}), "http.health.ok"),
}
_CLASS = "logs.lines.class."


def judge_stalled(findings: Iterable[Finding], topology: Topology) -> Iterator[Finding]:
    """Yield `http.health.stalled` where a service waits for several things at once that are all well.

    Of things that have nothing in common but their user, the user is to blame: its event loop, its threads or
    its processor. One alone may be far away from it and close to us.

    >>> list(judge_stalled((), Topology()))
    []
    """
    told = list(findings)
    for slow in _worst(told):
        waited = list(_waited_for(slow.target, told, topology))
        if len(waited) > 1:
            yield _stalled(slow, waited)


def _worst(findings: list[Finding]) -> list[Finding]:
    """Return the worst finding of each service that is slow to answer us."""
    found: dict[str, Finding] = {}
    for one in sorted(findings, key=lambda one: one.severity.rank):
        if one.id in _SLOW_ITSELF and one.severity.is_bad:
            found.setdefault(one.target, one)
    return list(found.values())


def _waited_for(service: str, findings: list[Finding], topology: Topology) -> Iterator[Finding]:
    """Yield a complaint for each kind of thing that the service waits for in vain, and that is well."""
    needed = topology.depends_on.get(service, ())
    for kind, (classes, well) in _COMPLAINTS.items():
        names = {name for name in needed if topology.kinds.get(name) == kind}
        sound = {one.target for one in findings if one.id == well}
        sick = {one.target for one in findings if one.target in names and one.severity.is_bad}
        complaints = [
            one
            for one in findings
            if one.target == service and one.id.startswith(_CLASS) and one.id.removeprefix(_CLASS) in classes
        ]
        if complaints and names and names <= sound - sick:
            yield complaints[0]


def _stalled(slow: Finding, waited: list[Finding]) -> Finding:
    lines = [f"{one.title}, and what it waits for is well" for one in waited]
    return msgspec.structs.replace(
        slow,
        id="http.health.stalled",
        title="it is slow to answer, and waits in vain for several things that are all well",
        detail="\n".join([slow.title, *lines]),
        since=min((one.since for one in waited if one.since), default=slow.since),
        evidence=tuple(dict.fromkeys(ref for one in (slow, *waited) for ref in one.evidence)),
    )

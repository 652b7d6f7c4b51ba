"""A process that stalls: everything it waits for seems slow to it, and is not. Pure."""

from collections.abc import Iterator

import msgspec

from incident_lib.correlation.situation import Situation
from incident_lib.findings.catalogue import Flag
from incident_lib.model import Finding


def judge_stalled(findings: list[Finding], situation: Situation) -> list[Finding]:
    """Return the findings, with `http.health.stalled` where a service waits for several things that are well.

    Of things that have nothing in common but their user, the user is to blame: its event loop, its threads or
    its processor. One alone may be far away from it and close to us.
    """
    found = []
    for slow in _slowest(findings, situation):
        waited = list(_waited_for(slow.target, findings, situation))
        if len(waited) > 1:
            found.append(_stalled(slow, waited))
    return [*findings, *found]


def _slowest(findings: list[Finding], situation: Situation) -> list[Finding]:
    """Return the worst finding of each service that is slow to answer us."""
    found: dict[str, Finding] = {}
    for finding in sorted(findings, key=lambda f: f.severity.rank):
        flags = situation.catalogue[finding.id].flags
        if {Flag.HEALTH, Flag.WAITS} <= flags and finding.severity.is_bad:
            found.setdefault(finding.target, finding)
    return list(found.values())


def _waited_for(service: str, findings: list[Finding], situation: Situation) -> Iterator[Finding]:
    """Yield a complaint for each kind of thing that the service waits for in vain, and that is well."""
    catalogue, topology = situation.catalogue, situation.topology
    well = {f.target for f in findings if catalogue.has(f, Flag.ANSWERS)}
    sick = {f.target for f in findings if f.severity.is_bad}
    complaints: dict[str, Finding] = {}
    for finding in findings:
        if finding.target == service and catalogue.has(finding, Flag.IN_VAIN):
            complaints.setdefault(catalogue[finding.id].about, finding)
    for kind, complaint in sorted(complaints.items()):
        names = {name for name in topology.depends_on.get(service, ()) if topology.kinds.get(name) == kind}
        if names and names <= well - sick:
            yield complaint


def _stalled(slow: Finding, waited: list[Finding]) -> Finding:
    lines = [f"{complaint.title}, but what it waits for is healthy" for complaint in waited]
    return msgspec.structs.replace(
        slow,
        id="http.health.stalled",
        title="it is slow to answer, and waits for several dependencies that are all healthy",
        detail="\n".join([slow.title, *lines]),
        since=min((complaint.since for complaint in waited if complaint.since), default=slow.since),
        evidence=tuple(dict.fromkeys(ref for finding in (slow, *waited) for ref in finding.evidence)),
    )

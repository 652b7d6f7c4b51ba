"""What is seen from inside a container, set against what is seen from here. Pure."""

import msgspec

from incident_lib.correlation.situation import Situation, by_target
from incident_lib.findings.catalogue import Catalogue, Flag
from incident_lib.model import Finding, FindingSeverity

_PACKETS = (
    "If this persists, large packets may be lost on the way out of the container: compare the MTU of both."
)


def judge_vantage(findings: list[Finding], situation: Situation) -> list[Finding]:
    """Return the findings, those from inside a container saying whether it is so only there.

    What is seen from here counts where the same host was asked from both; an address that exists only inside
    has no counterpart. A store that only some clients use is a WARNING once the service's log says
    that it refuses certificates. A server that is silent only inside is bad where its users say so.
    """
    catalogue = situation.catalogue
    here = by_target(finding for finding in findings if not catalogue.has(finding, Flag.INSIDE))
    return [
        _placed(finding, here, catalogue) if catalogue.has(finding, Flag.INSIDE) else finding
        for finding in findings
    ]


def _placed(finding: Finding, here: dict[str, list[Finding]], catalogue: Catalogue) -> Finding:
    user = here.get(finding.evidence[0].partition("/")[0] if finding.evidence else "", [])
    if catalogue.has(finding, Flag.ONE_STORE) and any(catalogue.has(f, Flag.TLS_REFUSED) for f in user):
        finding = msgspec.structs.replace(finding, severity=FindingSeverity.WARNING)
    aspect, vantage = catalogue[finding.id].aspect, finding.data.get("vantage")
    if not aspect or vantage is None:
        return finding
    seen = [f for f in here.get(finding.target, ()) if catalogue[f.id].aspect]
    hosts = {f.data["host"] for f in seen if f.data.get("host")}
    if hosts and finding.data.get("host") not in hosts:
        return finding
    same = [f for f in seen if catalogue[f.id].aspect == aspect]
    if well := next((f for f in same if catalogue.has(f, Flag.FOUND_WELL)), None):
        if catalogue.has(finding, Flag.GREETING_LOST):
            finding = _doubted(finding, felt=any(_waits(f, catalogue) for f in user))
        return _with(finding, f"only inside {vantage}", f"From this machine it is healthy: {well.title}.")
    if bad := next((f for f in same if catalogue.has(f, Flag.FOUND_BAD)), None):
        return _with(finding, f"inside {vantage} and from here", f"Also from this machine: {bad.title}.")
    return finding


def _waits(finding: Finding, catalogue: Catalogue) -> bool:
    """Return whether a service says that something outside does not answer it."""
    kind = catalogue[finding.id]
    return Flag.PART_DOWN in kind.flags or (Flag.IN_VAIN in kind.flags and kind.about == "outside")


def _doubted(finding: Finding, *, felt: bool) -> Finding:
    """Return a silence that we do not meet ourselves: bad where the service says that it waits, too."""
    severity = FindingSeverity.WARNING if felt else FindingSeverity.INFO
    if finding.severity.rank >= severity.rank:
        return finding
    detail = f"{finding.detail.rstrip('. ')}. {_PACKETS}"
    return msgspec.structs.replace(finding, severity=severity, detail=detail)


def _with(finding: Finding, where: str, compared: str) -> Finding:
    what = finding.data.get("what")
    return msgspec.structs.replace(
        finding,
        title=f"{what}, {where}" if what else finding.title,
        detail=f"{finding.detail.rstrip('.')}. {compared}",
        data={**finding.data, "where": where},
    )

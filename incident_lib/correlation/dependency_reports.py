"""What a service logs about a dependency that looks well from here: it fails now and then, or only there."""

from urllib.parse import urlsplit

from incident_lib.correlation.situation import Situation
from incident_lib.findings.catalogue import Flag
from incident_lib.model import Finding, FindingSeverity

_PORTS = {"http": 80, "https": 443}


def judge_dependency_reports(findings: list[Finding], situation: Situation) -> list[Finding]:
    """Return the findings, with `http.health.reported_failing` or `_slow` where a log names a dependency.

    Only of dependencies that are well as far as we see: what is seen to be unwell needs no witness.
    """
    catalogue = situation.catalogue
    unwell = {finding.target for finding in findings if finding.severity.is_bad}
    addresses = {
        finding.target: names
        for finding in findings
        if finding.target not in unwell
        and catalogue.has(finding, Flag.HEALTH)
        and (names := _addresses(finding.data.get("url")))
    }
    found = []
    for finding in findings:
        kind = catalogue[finding.id]
        how = "slow" if Flag.IN_VAIN in kind.flags else "failing" if Flag.PEER_FAILS in kind.flags else ""
        if not how or kind.about != "outside" or not finding.severity.is_bad:
            continue
        named = set(str(finding.data.get("addresses") or "").split())
        needed = situation.topology.needs(finding.target) & addresses.keys()
        found += [_reported(finding, name, how) for name in sorted(needed) if named & addresses[name]]
    return [*findings, *found]


def _addresses(url: object) -> frozenset[str]:
    """Return how a log names the address of a URL: with its port, or without where that is the usual one.

    >>> sorted(_addresses("https://mail.test/health")), sorted(_addresses("http://bank.test:8443/health"))
    (['mail.test', 'mail.test:443'], ['bank.test:8443'])
    """
    try:
        parts = urlsplit(url) if isinstance(url, str) else None
        host, port = (parts.hostname, parts.port) if parts else (None, None)
    except ValueError:
        return frozenset()
    if not parts or not host:
        return frozenset()
    host = f"[{host}]" if ":" in host else host
    return frozenset({f"{host}:{port}"} if port else {host, f"{host}:{_PORTS.get(parts.scheme, 80)}"})


def _reported(line: Finding, target: str, how: str) -> Finding:
    return Finding(
        id=f"http.health.reported_{how}",
        severity=FindingSeverity.WARNING,
        target=target,
        title=f"it answers from here, but {line.target} logs otherwise: {line.title}",
        detail=line.detail,
        since=line.since,
        evidence=line.evidence,
        data={"user": line.target, "error_class": line.data.get("error_class")},
    )

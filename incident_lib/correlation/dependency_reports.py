"""What a service logs about a dependency that looks well from here: it fails now and then, or only there."""

import re
from collections.abc import Iterable, Iterator
from urllib.parse import urlsplit

from incident_lib.model import Finding, FindingSeverity
from incident_lib.model.topology import Topology

_HEALTH = "http.health."
_CLASS = "logs.lines.class."
_SAID = {
    "upstream_error": "failing",
    "server_disconnected": "failing",
    "connect_refused": "failing",
    "read_timeout": "slow",
    "connect_timeout": "slow",
}


def judge_reported(findings: Iterable[Finding], topology: Topology) -> Iterator[Finding]:
    """Yield `http.health.reported_failing` or `_slow` for each dependency that the log of its user names.

    Only of dependencies that are well as far as we see: what is seen to be unwell needs no witness.
    """
    findings = list(findings)
    unwell = {f.target for f in findings if f.severity.is_bad}
    addresses = {f.target: pattern for f in findings if (pattern := _address(f)) and f.target not in unwell}
    for one in findings:
        said = _SAID.get(one.id.removeprefix(_CLASS)) if one.severity.is_bad else None
        for target in sorted(topology.needs(one.target) & addresses.keys()) if said else ():
            if said and addresses[target].search(one.detail):
                yield _reported(one, target, said)


def _address(finding: Finding) -> re.Pattern[str] | None:
    """Return how a log names the address of the target, as a URL and as urllib3 does."""
    url = finding.data.get("url")
    if not finding.id.startswith(_HEALTH) or not isinstance(url, str):
        return None
    try:
        parts = urlsplit(url)
        host, port = re.escape(parts.hostname or ""), parts.port
    except ValueError:
        return None
    if not host:
        return None
    plain = rf"{host}:{port}\b" if port else rf"{host}(?![\w.:-])"
    pair = rf"host='{host}', port={port or (443 if parts.scheme == 'https' else 80)}\b"
    return re.compile(rf"(?<![\w.-]){plain}|{pair}")


def _reported(said: Finding, target: str, how: str) -> Finding:
    return Finding(
        id=f"{_HEALTH}reported_{how}",
        severity=FindingSeverity.WARNING,
        target=target,
        title=f"it answers from here, and {said.target} logs otherwise: {said.title}",
        detail=said.detail,
        since=said.since,
        evidence=said.evidence,
        data={"user": said.target, "error_class": said.data.get("error_class")},
    )

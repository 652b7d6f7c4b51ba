"""A data store that is silent because it loads its data. Pure."""

import msgspec

from incident_lib.correlation.situation import Situation
from incident_lib.findings.catalogue import Flag
from incident_lib.model import Finding


def judge_loading(findings: list[Finding], situation: Situation) -> list[Finding]:
    """Return the findings, a Redis that is silent since it started being one that loads its data.

    It answers next to nothing while it reads a large file, so its own answer cannot be waited for; its
    log has the start, and not yet the line that ends it. A process that is seen to rest does not load.
    """
    catalogue = situation.catalogue
    starts = {finding.target: finding for finding in findings if catalogue.has(finding, Flag.NOT_READY)}
    return [
        _loads(finding, starts[finding.target])
        if finding.target in starts and catalogue.has(finding, Flag.MAY_LOAD) and not _rests(finding)
        else finding
        for finding in findings
    ]


def _rests(silent: Finding) -> bool:
    """Return whether its process is halted or idle: one that loads works, or waits for a disk."""
    return any(silent.data.get(name) for name in ("is_halted", "is_idle"))


def _loads(silent: Finding, start: Finding) -> Finding:
    return msgspec.structs.replace(
        silent,
        id="redis.connection.starting",
        title="it does not answer, and has not reported ready since its start",
        detail=f"{start.title}\n{silent.detail}",
        since=start.since,
        evidence=tuple(dict.fromkeys((*silent.evidence, *start.evidence))),
    )

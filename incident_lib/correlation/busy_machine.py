"""Slowness that was measured from a machine which is itself too busy to measure. Pure."""

from collections.abc import Callable

import msgspec

from incident_lib.correlation.situation import Situation
from incident_lib.findings.catalogue import Flag
from incident_lib.model import Finding, FindingSeverity


def judge_slowness(findings: list[Finding], situation: Situation) -> list[Finding]:
    """Return the findings, an answer that is a little slow being INFO while this machine is overloaded.

    Our own requests wait for a processor then, so the seconds say little of who answers. So do a server's own
    durations where most of its endpoints take longer. What takes much longer stays, and so does the finding
    about the machine. So does a slow answer where an application measures that only few of its endpoints are
    slow: those need something that is. A greeting that got no answer while a probe from inside waited says
    nothing either.
    """
    has = situation.catalogue.has
    busy = any(finding.severity.is_bad and has(finding, Flag.OVERLOADED) for finding in findings)
    taken = busy or any(has(finding, Flag.SATURATED) for finding in findings)
    limit = situation.thresholds["http.slow.busy_machine.least_seconds"]
    measured = [
        finding
        for finding in findings
        if finding.severity.is_bad and {Flag.SLOW, Flag.BY_SERVICE} <= situation.catalogue[finding.id].flags
    ]
    broad = {finding.target for finding in measured if not _is_confined(finding)}
    confined = {finding.target for finding in measured} - broad
    return [
        msgspec.structs.replace(
            finding,
            severity=FindingSeverity.INFO if finding.severity.is_bad else finding.severity,
            title=f"{finding.title}, but this machine is too busy to tell which side is slow",
        )
        if (busy and _is_explained(finding, has, limit, confined))
        or (taken and has(finding, Flag.GREETING_LOST))
        else finding
        for finding in findings
    ]


def _is_explained(finding: Finding, has: Callable[..., bool], limit: float, confined: set[str]) -> bool:
    """Return whether the machine may make it slow: not what only a few endpoints of an application feel."""
    if has(finding, Flag.SLOWER):
        return not _is_confined(finding) and _number(finding, "after_seconds") < limit
    if has(finding, Flag.BY_SERVICE) or _number(finding, "seconds") >= limit:
        return False
    return has(finding, Flag.NAMES_SLOW) or (has(finding, Flag.SLOW) and not confined - {finding.target})


def _is_confined(finding: Finding) -> bool:
    slower = min(_number(finding, "slower_endpoints_count"), _number(finding, "slow_endpoints_count"))
    return 2 * slower < _number(finding, "endpoints_count") < float("inf")


def _number(finding: Finding, name: str) -> float:
    value = finding.data.get(name)
    return float(value) if isinstance(value, int | float) else float("inf")

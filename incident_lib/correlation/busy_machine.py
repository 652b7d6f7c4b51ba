"""Slowness that was measured from a machine which is itself too busy to measure. Pure."""

from collections.abc import Iterable

import msgspec

from incident_lib.findings.thresholds import Thresholds
from incident_lib.model import Finding, FindingSeverity

_SLOW = "http.health.slow"
_NAMES = "network.names.slow"
_LATENCY = "logs.lines.latency"
_MEASURED = frozenset({"logs.lines.slow", _LATENCY})  # by the application itself, endpoint by endpoint
_SILENT = "network.inside.tls_silent"  # for a few seconds, which the look shared with the whole machine
_BUSY = "host.load.high"
_SATURATED = "host.load.saturated"


def judge_slowness(findings: Iterable[Finding], thresholds: Thresholds) -> list[Finding]:
    """Return the findings, an answer that is a little slow being INFO while this machine is overloaded.

    Our own requests wait for a processor then, so the seconds say little of who answers. So do a server's own
    durations where most of its endpoints take longer. What takes much longer stays, and so does the finding
    about the machine. So does a slow answer where an application measures that only few of its endpoints are
    slow: those need something that is. A greeting that nobody answered while a look from inside waited tells
    nothing either.

    >>> judge_slowness((), Thresholds())
    []
    """
    findings = list(findings)
    busy = any(one.id == _BUSY and one.severity.is_bad for one in findings)
    taken = busy or any(one.id == _SATURATED for one in findings)
    limit = thresholds["http.slow.busy_machine.least_seconds"]
    measured = [one for one in findings if one.id in _MEASURED and one.severity.is_bad]
    broad = {one.target for one in measured if not _is_confined(one)}
    confined = {one.target for one in measured} - broad
    return [
        _only_ours(one)
        if (busy and _is_explained(one, limit, confined)) or (taken and one.id == _SILENT)
        else one
        for one in findings
    ]


def _is_explained(one: Finding, limit: float, confined: set[str]) -> bool:
    """Return whether the machine may make it slow: not what only a few endpoints of an application feel."""
    if one.id == _LATENCY:
        return not _is_confined(one) and _number(one, "after_seconds") < limit
    if one.id not in {_SLOW, _NAMES} or _number(one, "seconds") >= limit:
        return False
    return one.id == _NAMES or not confined - {one.target}


def _is_confined(one: Finding) -> bool:
    slower = min(_number(one, "slower_endpoints_count"), _number(one, "slow_endpoints_count"))
    return 2 * slower < _number(one, "endpoints_count") < float("inf")


def _number(one: Finding, name: str) -> float:
    value = one.data.get(name)
    return float(value) if isinstance(value, int | float) else float("inf")


def _only_ours(one: Finding) -> Finding:
    return msgspec.structs.replace(
        one,
        severity=FindingSeverity.INFO if one.severity.is_bad else one.severity,
        title=f"{one.title}, and this machine is too busy to say whose slowness that is",
    )

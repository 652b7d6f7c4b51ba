"""Waiting that the workbench caused itself: it was stopped, asleep, or without a processor. Pure."""

import msgspec

from incident_lib.correlation.situation import Situation
from incident_lib.findings.catalogue import Catalogue, Flag, Manner
from incident_lib.model import Finding, FindingSeverity
from incident_lib.units import format_duration

# What waiting alone shows. Whoever refuses, or answers with an error, did so whatever we did meanwhile.
_OF_WAITING = frozenset({Manner.TIMED_OUT, Manner.SILENT, Manner.RESET, Manner.NAME})
_FLAGS = (Flag.SLOW, Flag.NAMES_SLOW, Flag.OWN_CLOCK)


def judge_own_stalls(findings: list[Finding], situation: Situation) -> list[Finding]:
    """Return the findings, those that only show our own standing still being UNKNOWN."""
    late = {each.ref: each.stalled_seconds for each in situation.evidence if each.is_late_by_us}
    if not late:
        return findings
    return [
        _unknown(finding, max(late[ref] for ref in finding.evidence))
        if finding.evidence
        and finding.severity.is_bad
        and all(ref in late for ref in finding.evidence)
        and _is_of_waiting(finding, situation.catalogue)
        else finding
        for finding in findings
    ]


def _is_of_waiting(finding: Finding, catalogue: Catalogue) -> bool:
    kind = catalogue[finding.id]
    if Flag.BY_SERVICE in kind.flags:  # the service measured it with its own clock
        return False
    return kind.manner in _OF_WAITING or catalogue.has(finding, *_FLAGS)


def _unknown(finding: Finding, seconds: float) -> Finding:
    why = f"the workbench itself was suspended for {format_duration(seconds)} meanwhile"
    return msgspec.structs.replace(
        finding,
        severity=FindingSeverity.UNKNOWN,
        title=f"not assessed: {why} ({finding.title})",
        detail="Its process was stopped, or its machine slept or had no CPU for it. Collect again.",
        actions=(),
    )

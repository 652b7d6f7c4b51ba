"""Transactions that clients roll back: failures, or a habit of their libraries. Pure."""

import msgspec

from incident_lib.correlation.situation import Situation
from incident_lib.findings.catalogue import Flag
from incident_lib.model import Finding, FindingSeverity


def judge_rollbacks(findings: list[Finding], situation: Situation) -> list[Finding]:
    """Return the findings, many rollbacks being INFO where nothing else fails.

    Pools of several libraries end each transaction that only read with ROLLBACK, and the server counts
    those like failures. What fails leaves more behind: at a client, in a log, or elsewhere in the server.
    """
    catalogue = situation.catalogue
    failed = {f.target for f in findings if f.severity.is_bad and catalogue.has(f, Flag.FAILS)}
    return [
        msgspec.structs.replace(
            finding,
            severity=FindingSeverity.INFO,
            detail=f"{finding.detail}\nNothing else fails here: read-only clients may end this way too.",
        )
        if finding.severity.is_bad
        and catalogue.has(finding, Flag.MAY_BE_HABIT)
        and not failed & {finding.target, *situation.topology.users(finding.target)}
        else finding
        for finding in findings
    ]

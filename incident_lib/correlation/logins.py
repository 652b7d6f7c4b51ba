"""Our own login or address that is wrong while the service is well. Pure."""

import msgspec

from incident_lib.correlation.situation import Situation
from incident_lib.findings.catalogue import Flag
from incident_lib.model import Finding, FindingSeverity


def judge_logins(findings: list[Finding], situation: Situation) -> list[Finding]:
    """Return the findings, a refused login of ours being UNKNOWN while the application is well.

    Our password may simply be old: that says nothing about the service. Where a user of the service
    is refused too, or is unwell, it stays CRITICAL. The same holds for an address of ours at which
    something else answers.
    """
    unwell = {f.target for f in findings if situation.catalogue.has(f, Flag.UNWELL, Flag.CLIENT_REFUSED)}
    return [_doubted(finding, unwell, situation) for finding in findings]


def _doubted(finding: Finding, unwell: set[str], situation: Situation) -> Finding:
    users = situation.topology.users(finding.target)
    if unwell & users:
        return finding
    if situation.catalogue.has(finding, Flag.LOGIN_REFUSED):
        return msgspec.structs.replace(
            finding,
            severity=FindingSeverity.UNKNOWN,
            title=f"not assessed: the workbench's login is refused"
            f"{', while its users are healthy' if users else ''} ({finding.title})",
            detail="Correct the workbench's credentials; nothing shows that the service is unhealthy.",
        )
    if users and situation.catalogue.has(finding, Flag.WRONG_PEER):
        return msgspec.structs.replace(
            finding,
            severity=FindingSeverity.UNKNOWN,
            title=f"not assessed: the configured address seems wrong, while its users are healthy "
            f"({finding.title})",
            detail=f"{finding.detail}. Correct the address in workbench.toml; nothing shows that the "
            f"service is unhealthy.",
        )
    return finding

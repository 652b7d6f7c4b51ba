"""A standby that is meant to be behind is no trouble of its primary, which cannot know of it. Pure."""

from collections import Counter

import msgspec

from incident_lib.correlation.situation import Situation
from incident_lib.findings.catalogue import Flag
from incident_lib.model import Finding, FindingSeverity
from incident_lib.technologies.postgres.rows import PostgresStandby


def judge_meant_delays(findings: list[Finding], situation: Situation) -> list[Finding]:
    """Return the findings, INFO where as many standbys replay late as are set to.

    A standby says from which address it streams; that is held against the addresses of the targets.
    """
    delayed = _delayed(situation)
    late = Counter(f.target for f in findings if _replays_late(f, situation))
    return [
        msgspec.structs.replace(
            finding,
            severity=FindingSeverity.INFO,
            title=f"{finding.title}, as configured for a delayed standby",
            detail=f"recovery_min_apply_delay is set there. {finding.detail}",
        )
        if _replays_late(finding, situation) and late[finding.target] <= delayed[finding.target]
        else finding
        for finding in findings
    ]


def _delayed(situation: Situation) -> Counter[str]:
    """Return how many standbys that are configured stream from each target and are set to be late."""
    return Counter(
        target
        for evidence in situation.evidence
        for row in evidence.of(PostgresStandby)
        if row.direction == "upstream" and row.delay_seconds and row.name and row.upstream_port
        for target in situation.topology.called(f"{row.name}:{row.upstream_port}")
    )


def _replays_late(finding: Finding, situation: Situation) -> bool:
    return (
        finding.severity.is_bad
        and situation.catalogue.has(finding, Flag.REPLAYS_LATE)
        and finding.data.get("late_part") == "replay"
    )

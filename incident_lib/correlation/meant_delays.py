"""Why a standby replays late, where it says so itself: its primary cannot know. Pure."""

from collections import Counter, defaultdict
from collections.abc import Iterator

import msgspec

from incident_lib.correlation.situation import Situation
from incident_lib.findings.catalogue import Flag
from incident_lib.model import Finding, FindingSeverity
from incident_lib.technologies.postgres.rows import PostgresStandby


def judge_meant_delays(findings: list[Finding], situation: Situation) -> list[Finding]:
    """Return the findings, INFO where as many standbys replay late as are set to, or are paused.

    The pause is reported at the standby itself. A standby says from which address it streams; that is held
    against the addresses of the targets.
    """
    delayed, paused = _delayed(situation), _paused(situation)
    late = Counter(f.target for f in findings if _replays_late(f, situation))
    return [
        _explained(finding, paused[finding.target])
        if _replays_late(finding, situation)
        and late[finding.target] <= delayed[finding.target] + len(paused[finding.target])
        else finding
        for finding in findings
    ]


def _explained(finding: Finding, paused: list[str]) -> Finding:
    known = "as configured for a delayed standby"
    detail = "recovery_min_apply_delay is set there"
    if paused:
        known, detail = (
            f"because replay is paused on {', '.join(paused)}",
            "nothing is to be done on the primary",
        )
    return msgspec.structs.replace(
        finding,
        severity=FindingSeverity.INFO,
        title=f"{finding.title}, {known}",
        detail=f"{detail}. {finding.detail}",
    )


def _delayed(situation: Situation) -> Counter[str]:
    """Return how many standbys that are configured stream from each target and are set to be late."""
    return Counter(
        target
        for _, row in _upstream(situation)
        if row.delay_seconds and not row.is_paused
        for target in situation.topology.called(f"{row.name}:{row.upstream_port}")
    )


def _paused(situation: Situation) -> dict[str, list[str]]:
    """Return which standbys stream from each target and have paused their replay."""
    paused: dict[str, list[str]] = defaultdict(list)
    for name, row in _upstream(situation):
        if row.is_paused:
            for target in situation.topology.called(f"{row.name}:{row.upstream_port}"):
                paused[target].append(name)
    return paused


def _upstream(situation: Situation) -> Iterator[tuple[str, PostgresStandby]]:
    for evidence in situation.evidence:
        for row in evidence.of(PostgresStandby):
            if row.direction == "upstream" and row.name and row.upstream_port:
                yield evidence.target, row


def _replays_late(finding: Finding, situation: Situation) -> bool:
    return (
        finding.severity.is_bad
        and situation.catalogue.has(finding, Flag.REPLAYS_LATE)
        and finding.data.get("late_part") == "replay"
    )

"""A standby that streams from another standby, which receives nothing: both are as old. Pure."""

import msgspec

from incident_lib.correlation.situation import Situation
from incident_lib.findings.catalogue import Flag
from incident_lib.model import Finding, FindingSeverity
from incident_lib.technologies.postgres.rows import PostgresStandby

STALE = "postgres.replication.stale_source"


def judge_cascades(findings: list[Finding], situation: Situation) -> list[Finding]:
    """Return the findings, and one for each standby whose source is itself cut off, at any distance.

    It streams and has all that its source has, so nothing that is measured on it shows how old that is. A
    standby says from which address it streams; that is held against the addresses of the targets.
    """
    cut_off = {f.target: f for f in findings if _receives_nothing(f, situation)}
    if not cut_off:
        return findings
    sources = _sources(situation)
    added = []
    for target in sorted(sources):
        if cause := _cause(target, sources, cut_off):
            refs = (*sources[target][1], *cause.evidence)
            added.append(_stale(target, cause, tuple(dict.fromkeys(refs))))
    stale = {finding.target for finding in added}
    kept = [
        finding
        for finding in findings
        if not (finding.target in stale and _says_in_step(finding, sources[finding.target][1]))
    ]
    return [*kept, *added]


def _receives_nothing(finding: Finding, situation: Situation) -> bool:
    return (
        finding.severity.is_bad
        and situation.catalogue.has(finding, Flag.CUT_OFF)
        and finding.data.get("state") == "not streaming"
    )


def _sources(situation: Situation) -> dict[str, tuple[frozenset[str], tuple[str, ...]]]:
    """Return for each standby that streams the targets that it streams from, and its evidence."""
    return {
        evidence.target: (
            situation.topology.called(f"{row.name}:{row.upstream_port}") - {evidence.target},
            (evidence.ref,),
        )
        for evidence in situation.evidence
        for row in evidence.of(PostgresStandby)
        if row.direction == "upstream" and row.state == "streaming" and row.name and row.upstream_port
    }


def _cause(
    target: str,
    sources: dict[str, tuple[frozenset[str], tuple[str, ...]]],
    cut_off: dict[str, Finding],
) -> Finding | None:
    """Return why nothing new reaches a standby through those that it streams from."""
    seen = {target}
    near = set(sources[target][0])
    while near:
        if causes := sorted(near & cut_off.keys()):
            return cut_off[causes[0]]
        seen |= near
        near = {further for name in near if name in sources for further in sources[name][0]} - seen
    return None


def _says_in_step(finding: Finding, refs: tuple[str, ...]) -> bool:
    return finding.severity is FindingSeverity.OK and set(finding.evidence) <= set(refs)


def _stale(target: str, cause: Finding, refs: tuple[str, ...]) -> Finding:
    return msgspec.structs.replace(
        cause,
        id=STALE,
        target=target,
        title=f"This standby streams from one that receives nothing itself: {cause.target}",
        detail=f"it has all that {cause.target} has, and reads here are as stale as there: mend "
        f"{cause.target}, not this one",
        evidence=refs,
        evidence_hashes={},
        actions=(),
        data={"source": cause.target},
    )

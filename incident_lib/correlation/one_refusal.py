"""An engine that refuses us: what it hides of each container is not known, and that is stated once. Pure."""

import msgspec

from incident_lib.correlation.situation import Situation
from incident_lib.errors import ProblemKind
from incident_lib.findings.catalogue import Flag
from incident_lib.model import Evidence, Finding, FindingSeverity
from incident_lib.units import some_of


def judge_refusals(findings: list[Finding], situation: Situation) -> list[Finding]:
    """Return the findings, what the engine hides of each container being part of the engine's own finding."""
    whole = next(
        (f for f in findings if situation.catalogue.has(f, Flag.ENGINE_SILENT) and _is_unknown(f)), None
    )
    if whole is None:
        return findings
    hidden = hidden_by_engine(situation.evidence)
    lost = [
        f for f in findings if f is not whole and _is_unknown(f) and f.evidence and {*f.evidence} <= hidden
    ]
    if not lost:
        return findings
    targets = sorted({f.target for f in lost if f.target != whole.target})
    about = f"The state of these services' containers is unknown too: {some_of(targets)}"
    joined = msgspec.structs.replace(
        whole,
        detail="\n".join(filter(None, (whole.detail, about if targets else ""))),
        evidence=tuple(dict.fromkeys((*whole.evidence, *(ref for f in lost for ref in f.evidence)))),
    )
    return [joined if f is whole else f for f in findings if f not in lost]


def hidden_by_engine(evidence: tuple[Evidence, ...]) -> frozenset[str]:
    """Return the references of what could not be seen because the engine refuses us, or is not there."""
    refused = {
        (each.target, _lane(each))
        for each in evidence
        if each.problem and each.problem.kind is ProblemKind.NO_ENGINE
    }
    return frozenset(
        each.ref
        for each in evidence
        if each.problem
        and each.problem.kind in {ProblemKind.NO_ENGINE, ProblemKind.SKIPPED}
        and (each.target, _lane(each)) in refused
    )


def _lane(evidence: Evidence) -> str:
    return evidence.probe.partition(".")[0]


def _is_unknown(finding: Finding) -> bool:
    return finding.severity is FindingSeverity.UNKNOWN

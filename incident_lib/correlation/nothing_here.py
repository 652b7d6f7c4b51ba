"""Nothing is configured, and nothing of the usual stack is on this machine: that is no outage. Pure."""

import msgspec

from incident_lib.correlation.situation import Situation
from incident_lib.findings.catalogue import Flag, Manner
from incident_lib.model import EVERYTHING, Finding, FindingSeverity
from incident_lib.technologies.docker.rows import ContainerState

_ABSENT = frozenset({Manner.REFUSED, Manner.GONE})


def judge_nothing(findings: list[Finding], situation: Situation) -> list[Finding]:
    """Return the findings; where targets are only assumed and none of them exists, they are UNKNOWN.

    A container that ended, a port that answers with an error: then the stack is there, and may be down.
    """
    topology, catalogue = situation.topology, situation.catalogue
    assumed = {name for name, kind in topology.kinds.items() if kind not in {"host", "outside"}}
    if not topology.is_assumed or any(each.of(ContainerState) for each in situation.evidence):
        return findings
    bad = [f for f in findings if f.target in assumed and f.severity.is_bad]
    answers = any(
        f.target in assumed
        and f.severity is FindingSeverity.OK
        and (catalogue.has(f, Flag.ANSWERS) or catalogue[f.id].aspect == "ports")
        for f in findings
    )
    if answers or not bad or any(catalogue[f.id].manner not in _ABSENT for f in bad):
        return findings
    nothing = Finding(
        id="together.nothing",
        severity=FindingSeverity.UNKNOWN,
        target=EVERYTHING,
        title="nothing is configured, and no part of the usual stack runs on this machine",
        detail="Write workbench.toml (`init` finds containers and drafts it), or give its path "
        "with --config.",
        evidence=tuple(dict.fromkeys(ref for f in bad for ref in f.evidence)),
    )
    return [nothing, *(_unknown(f) if f in bad else f for f in findings)]


def _unknown(finding: Finding) -> Finding:
    return msgspec.structs.replace(
        finding,
        severity=FindingSeverity.UNKNOWN,
        title=f"not assessed: it is not configured and does not run here ({finding.title})",
        actions=(),
    )

"""Several signs of one fact at one target, such as a process that is gone and its port. Pure."""

from collections.abc import Iterable, Sequence

import msgspec

from incident_lib.correlation.situation import by_target
from incident_lib.findings.catalogue import Catalogue, Flag, Manner
from incident_lib.model import Finding

_DEEPEST = tuple(Manner)
# What fails with a name or with TLS was seen closest there; a client only meets it.
_CLOSEST = frozenset({"names", "tls"})


def join_signs(findings: Iterable[Finding], catalogue: Catalogue) -> list[Finding]:
    """Return the findings, those that follow from one fact of a target as one that has the others as signs.

    What one probe distinguishes stays apart, and so does what was seen from inside a container.
    """
    joined = [each for found in by_target(findings).values() for each in _joined(found, catalogue)]
    return sorted(joined, key=lambda finding: (finding.severity.rank, finding.target, finding.id))


def _joined(found: Sequence[Finding], catalogue: Catalogue) -> list[Finding]:
    rest = list(found)
    facts = sorted((f for f in found if _manner(f, catalogue)), key=lambda f: _depth(f, catalogue))
    for fact in facts:
        manner = _manner(fact, catalogue)
        if fact not in rest or manner is None:
            continue
        signs = [
            f for f in rest if f.probe != fact.probe and (_manner(f, catalogue) or None) in manner.follow
        ]
        if signs:
            rest = [f for f in rest if f is not fact and f not in signs]
            rest.append(_with(fact, signs))
    return rest


def _manner(finding: Finding, catalogue: Catalogue) -> Manner | None:
    if not finding.severity.is_bad or catalogue.has(finding, Flag.INSIDE):
        return None
    return catalogue[finding.id].manner


def _depth(finding: Finding, catalogue: Catalogue) -> tuple[int, bool, bool, str]:
    kind = catalogue[finding.id]
    depth = _DEEPEST.index(kind.manner) if kind.manner else len(_DEEPEST)
    return depth, kind.aspect not in _CLOSEST, not kind.is_felt, finding.id


def _with(fact: Finding, signs: Sequence[Finding]) -> Finding:
    every = (fact, *signs)
    lines = (fact.detail, *(f"{sign.title}" for sign in signs if sign.title != fact.title))
    return msgspec.structs.replace(
        fact,
        severity=min((f.severity for f in every), key=lambda severity: severity.rank),
        detail="\n".join(dict.fromkeys(filter(None, lines))),
        since=min((f.since for f in every if f.since), default=None),
        evidence=tuple(dict.fromkeys(ref for f in every for ref in f.evidence)),
        actions=tuple({(a.action, a.target, str(a.arguments)): a for f in every for a in f.actions}.values()),
        signs=tuple(signs),
    )

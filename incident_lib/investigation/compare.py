"""Two snapshots -> what differs between them: evidence, findings, hypotheses. Pure."""

from collections.abc import Iterator

from msgspec.structs import replace

from incident_lib.correlation.differences import differences, order
from incident_lib.findings.thresholds import Thresholds
from incident_lib.investigation.case import Case
from incident_lib.model import Analysis, Finding, FindingSeverity
from incident_lib.model.difference import Comparison, Difference, Side
from incident_lib.technologies import comparers

NOT_FOUND = "not found"
_LISTED = {FindingSeverity.CRITICAL, FindingSeverity.WARNING, FindingSeverity.INFO}


def compare(
    before: Case, now: Case, *, labels: tuple[str, str] = ("before", "now"), thresholds: Thresholds
) -> Comparison:
    """Return everything that differs between two snapshots, the worst first; contacts no target."""
    found = differences(before.evidence, now.evidence, thresholds, comparers())
    concluded = compare_conclusions(before, now, labels=labels)
    return replace(concluded, differences=tuple(sorted((*found, *concluded.differences), key=order)))


def compare_conclusions(before: Case, now: Case, *, labels: tuple[str, str]) -> Comparison:
    """Return what differs in findings and hypotheses only, whatever was measured; the worst first."""
    found = (*_findings(before, now), *_hypotheses(before.analysis, now.analysis))
    return Comparison(
        before=_side(before, labels[0]),
        now=_side(now, labels[1]),
        differences=tuple(sorted(found, key=order)),
    )


def _side(case: Case, label: str) -> Side:
    return Side(label=label, snapshot=case.snapshot, collected_at=case.collected_at)


def _findings(before: Case, now: Case) -> Iterator[Difference]:
    """Yield findings that are new, gone or judged differently; a finding whose probe failed is unknown."""
    old, new = _findings_of(before.analysis), _findings_of(now.analysis)
    for key in sorted(old.keys() | new.keys()):
        first, last = old.get(key), new.get(key)
        if first is None and last is not None:
            yield _finding("new", last, (_absent(before, last), last.severity.value), last.severity)
        elif last is None and first is not None:
            absent = _absent(now, first)
            severity = FindingSeverity.OK if absent else FindingSeverity.UNKNOWN
            yield _finding("gone", first, (first.severity.value, absent), severity)
        elif first and last and first.severity is not last.severity:
            worse = last.severity.rank < first.severity.rank
            severity = last.severity if worse else FindingSeverity.OK
            yield _finding("severity", last, (first.severity.value, last.severity.value), severity)


def _findings_of(analysis: Analysis) -> dict[tuple[str, str], Finding]:
    """Return the findings, without those that come from a comparison."""
    return {
        (finding.target, finding.id): finding
        for finding in analysis.apart
        if finding.severity in _LISTED and not finding.id.startswith("baseline.")
    }


def _absent(case: Case, finding: Finding) -> str | None:
    """Return that a snapshot does not have a finding; None, unknown, if its probe failed."""
    seen = any(each.ref in finding.evidence and each.has_rows for each in case.evidence)
    return NOT_FOUND if seen else None


def _finding(
    name: str, finding: Finding, values: tuple[str | None, str | None], severity: FindingSeverity
) -> Difference:
    return Difference(
        id=f"finding.{name}",
        target=finding.target,
        what=finding.title,
        before=values[0],
        now=values[1],
        severity=severity,
        evidence_before=finding.evidence if values[0] else (),
        evidence_now=finding.evidence if values[1] else (),
    )


def _hypotheses(before: Analysis, now: Analysis) -> Iterator[Difference]:
    old = {(each.target, each.id): each for each in before.hypotheses}
    new = {(each.target, each.id): each for each in now.hypotheses}
    for key in sorted(old.keys() | new.keys()):
        first, last = old.get(key), new.get(key)
        ranks = (first.rank if first else None, last.rank if last else None)
        known = last or first
        if ranks[0] == ranks[1] or known is None:
            continue
        yield Difference(
            id="hypothesis.rank",
            target=known.target,
            what=known.title,
            before=_rank(ranks[0]),
            now=_rank(ranks[1]),
            severity=_hint(*ranks),
        )


def _rank(rank: int | None) -> str:
    """Return a rank in words; a missing hypothesis is known, so it is not None.

    >>> _rank(1), _rank(None)
    ('rank 1', 'not supported')
    """
    return f"rank {rank}" if rank is not None else "not supported"


def _hint(before: int | None, now: int | None) -> FindingSeverity:
    if now is None:
        return FindingSeverity.OK
    if now == 1:
        return FindingSeverity.WARNING
    return FindingSeverity.INFO if before is None or now < before else FindingSeverity.OK

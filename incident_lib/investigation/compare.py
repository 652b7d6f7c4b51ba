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
_TOLD = {FindingSeverity.CRITICAL, FindingSeverity.WARNING, FindingSeverity.INFO}


def compare(
    before: Case, now: Case, *, labels: tuple[str, str] = ("before", "now"), thresholds: Thresholds
) -> Comparison:
    """Return everything that differs between two snapshots, the worst first; asks no target."""
    found = differences(before.evidence, now.evidence, thresholds, comparers())
    concluded = compare_conclusions(before, now, labels=labels)
    return replace(concluded, differences=tuple(sorted((*found, *concluded.differences), key=order)))


def compare_conclusions(before: Case, now: Case, *, labels: tuple[str, str]) -> Comparison:
    """Return what differs in findings and hypotheses alone, whatever was measured; the worst first."""
    found = (*_findings(before, now), *_hypotheses(before.analysis, now.analysis))
    return Comparison(
        before=_side(before, labels[0]),
        now=_side(now, labels[1]),
        differences=tuple(sorted(found, key=order)),
    )


def _side(case: Case, label: str) -> Side:
    return Side(label=label, snapshot=case.snapshot, collected_at=case.collected_at)


def _findings(before: Case, now: Case) -> Iterator[Difference]:
    """Yield findings that are new, gone or judged otherwise; gone because nobody could see is unknown."""
    old, new = _told(before.analysis), _told(now.analysis)
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


def _told(analysis: Analysis) -> dict[tuple[str, str], Finding]:
    """Return what was found, without what comes of a comparison itself."""
    return {
        (one.target, one.id): one
        for one in analysis.findings
        if one.severity in _TOLD and not one.id.startswith("baseline.")
    }


def _absent(case: Case, finding: Finding) -> str | None:
    """Return that a snapshot does not have a finding; None, unknown, where it did not look."""
    looked = any(one.ref in finding.evidence and one.has_rows for one in case.evidence)
    return NOT_FOUND if looked else None


def _finding(
    name: str, one: Finding, values: tuple[str | None, str | None], severity: FindingSeverity
) -> Difference:
    return Difference(
        id=f"finding.{name}",
        target=one.target,
        what=one.title,
        before=values[0],
        now=values[1],
        severity=severity,
        evidence_before=one.evidence if values[0] else (),
        evidence_now=one.evidence if values[1] else (),
    )


def _hypotheses(before: Analysis, now: Analysis) -> Iterator[Difference]:
    old = {(one.target, one.id): one for one in before.hypotheses}
    new = {(one.target, one.id): one for one in now.hypotheses}
    for key in sorted(old.keys() | new.keys()):
        first, last = old.get(key), new.get(key)
        ranks = (first.rank if first else None, last.rank if last else None)
        one = last or first
        if ranks[0] == ranks[1] or one is None:
            continue
        yield Difference(
            id="hypothesis.rank",
            target=one.target,
            what=one.title,
            before=_rank(ranks[0]),
            now=_rank(ranks[1]),
            severity=_hint(*ranks),
        )


def _rank(rank: int | None) -> str:
    """Return a rank in words; not to be there is known, so it is no None.

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

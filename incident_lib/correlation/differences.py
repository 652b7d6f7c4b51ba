"""Two snapshots' evidence -> what differs. Pure; what one side did not see is unknown, never 0."""

from collections.abc import Iterable, Iterator

from incident_lib.findings.base import reason_of
from incident_lib.findings.comparison import Comparers, Reader, judge_change, rule_of
from incident_lib.findings.thresholds import Thresholds
from incident_lib.model import Evidence, FindingSeverity
from incident_lib.model.difference import Difference
from incident_lib.model.series import series_of


def differences(
    before: Iterable[Evidence], now: Iterable[Evidence], thresholds: Thresholds, comparers: Comparers
) -> tuple[Difference, ...]:
    """Return everything that differs, the worst first; empty where nothing does.

    A comparison with itself finds nothing: it holds at most UNKNOWN.
    """
    old, new = (
        {each.ref: each for each in evidence if comparers.compares(each)} for evidence in (before, now)
    )
    found: list[Difference] = []
    for ref in sorted(old.keys() | new.keys()):
        found += _compare(old.get(ref), new.get(ref), thresholds, comparers)
    return tuple(sorted(found, key=order))


def order(difference: Difference) -> tuple[int, str, str, str]:
    """Return where a difference stands in a list: the worst first, then by target."""
    return (difference.severity.rank, difference.target, difference.id, difference.what)


def _compare(
    before: Evidence | None, now: Evidence | None, thresholds: Thresholds, comparers: Comparers
) -> Iterator[Difference]:
    if before is None or now is None or not before.has_rows or not now.has_rows:
        if unknown := _unseen(before, now):
            yield unknown
        return
    if read := comparers.reader(now):
        yield from _numbers(before, now, read, thresholds)
    if novelty := comparers.novelties.get(now.probe):
        yield from novelty(before, now, thresholds)


def _unseen(before: Evidence | None, now: Evidence | None) -> Difference | None:
    """Return that something cannot be compared, None where neither side saw it."""
    seen = [each for each in (before, now) if each is not None and each.has_rows]
    if not seen:
        return None
    return Difference(
        id="baseline.unknown",
        target=seen[0].target,
        what=seen[0].probe,
        before=_in_words(before),
        now=_in_words(now),
        severity=FindingSeverity.UNKNOWN,
        evidence_before=(before.ref,) if before else (),
        evidence_now=(now.ref,) if now else (),
    )


def _in_words(side: Evidence | None) -> str | None:
    if side is None:
        return None
    return "seen" if side.has_rows else f"not seen: {reason_of(side)}"


def _numbers(before: Evidence, now: Evidence, read: Reader, thresholds: Thresholds) -> Iterator[Difference]:
    old, new = (
        {(series.name, series.labels["what"]): series for series in series_of(read(evidence))}
        for evidence in (before, now)
    )
    for key in sorted(old.keys() | new.keys()):
        first, last = old.get(key), new.get(key)
        severity = judge_change(first, last, thresholds)
        known = last or first
        if severity is None or known is None:
            continue
        yield Difference(
            id=f"baseline.{rule_of(known)}",
            target=now.target,
            what=key[1],
            before=first.newest if first else None,
            now=last.newest if last else None,
            unit=known.unit,
            severity=severity,
            evidence_before=(before.ref,),
            evidence_now=(now.ref,),
        )

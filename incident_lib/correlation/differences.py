"""Two snapshots' evidence -> what differs. Pure; what one side did not see is unknown, never 0."""

from collections.abc import Iterable, Iterator

from incident_lib.correlation.measures import MEASURED, readings
from incident_lib.correlation.novelties import COMPARED, novelties
from incident_lib.findings.base import reason_of
from incident_lib.findings.thresholds import Thresholds
from incident_lib.model import Evidence, FindingSeverity
from incident_lib.model.difference import Difference
from incident_lib.model.series import Reading

PROBES = MEASURED | COMPARED


def differences(
    before: Iterable[Evidence], now: Iterable[Evidence], thresholds: Thresholds
) -> tuple[Difference, ...]:
    """Return everything that differs, the worst first; empty where nothing does.

    A comparison with itself finds nothing: `differences(x, x, thresholds)` holds at most UNKNOWN.
    """
    old = {one.ref: one for one in before if one.probe in PROBES}
    new = {one.ref: one for one in now if one.probe in PROBES}
    found: list[Difference] = []
    for ref in sorted(old.keys() | new.keys()):
        found += _compare(old.get(ref), new.get(ref), thresholds)
    return tuple(sorted(found, key=order))


def order(one: Difference) -> tuple[int, str, str, str]:
    """Return where a difference stands in a list: the worst first, then by target."""
    return (one.severity.rank, one.target, one.id, one.what)


def _compare(before: Evidence | None, now: Evidence | None, thresholds: Thresholds) -> Iterator[Difference]:
    if before is None or now is None or not before.has_rows or not now.has_rows:
        if unknown := _unseen(before, now):
            yield unknown
        return
    yield from _numbers(before, now, thresholds)
    yield from novelties(before, now, thresholds)


def _unseen(before: Evidence | None, now: Evidence | None) -> Difference | None:
    """Return that something cannot be compared, None where neither side saw it."""
    seen = [one for one in (before, now) if one is not None and one.has_rows]
    if not seen:
        return None
    return Difference(
        id="baseline.unknown",
        target=seen[0].target,
        what=seen[0].probe,
        before=_said(before),
        now=_said(now),
        severity=FindingSeverity.UNKNOWN,
        evidence_before=(before.ref,) if before else (),
        evidence_now=(now.ref,) if now else (),
    )


def _said(side: Evidence | None) -> str | None:
    if side is None:
        return None
    return "seen" if side.has_rows else f"not seen: {reason_of(side)}"


def _numbers(before: Evidence, now: Evidence, thresholds: Thresholds) -> Iterator[Difference]:
    old = {(one.name, one.what): one for one in readings(before)}
    new = {(one.name, one.what): one for one in readings(now)}
    for key in sorted(old.keys() | new.keys()):
        first, last = old.get(key), new.get(key)
        severity = judge(first, last, thresholds)
        one = last or first
        if severity is None or one is None:
            continue
        yield Difference(
            id=f"baseline.{one.name}",
            target=one.target,
            what=one.what,
            before=first.value if first else None,
            now=last.value if last else None,
            unit=one.unit,
            severity=severity,
            evidence_before=(before.ref,),
            evidence_now=(now.ref,),
        )


def judge(before: Reading | None, now: Reading | None, thresholds: Thresholds) -> FindingSeverity | None:
    """Return how a number changed: WARNING, INFO, OK for the better, UNKNOWN; None for no real change."""
    first = before.value if before else None
    last = now.value if now else None
    if first is None and last is None:
        return None
    if now is None or first is None or last is None:
        return FindingSeverity.UNKNOWN
    if now.name == "certificate":
        return _days(first, last, thresholds)
    return _change(f"baseline.{now.name}", now.unit, (first, last), thresholds)


def _change(
    rule: str, unit: str, values: tuple[float, float], thresholds: Thresholds
) -> FindingSeverity | None:
    rise, factor = values[1] - values[0], _factor(*values)
    if (
        not rise
        or abs(rise) < thresholds[f"{rule}.least_{unit}"]
        or factor < thresholds[f"{rule}.info_factor"]
    ):
        return None
    if rise < 0:
        return FindingSeverity.OK
    much = rise >= thresholds[f"{rule}.warning_{unit}"]
    worse = much and factor >= thresholds[f"{rule}.warning_factor"]
    return FindingSeverity.WARNING if worse else FindingSeverity.INFO


def _factor(one: float, other: float) -> float:
    """Return how many times the larger is the smaller.

    >>> _factor(2, 8), _factor(8, 2), _factor(0, 1)
    (4.0, 4.0, inf)
    """
    low, high = sorted((abs(one), abs(other)))
    if low == high:
        return 1.0
    return high / low if low else float("inf")


def _days(before: float, now: float, thresholds: Thresholds) -> FindingSeverity | None:
    """Return how a certificate's rest changed: fewer days are as expected, until they are too few."""
    if abs(now - before) < 1:
        return None
    few = thresholds["network.tls.warning_days"]
    return FindingSeverity.WARNING if now <= few < before else FindingSeverity.OK

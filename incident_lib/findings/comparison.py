"""What is compared with another snapshot: the shapes of it, and when a number has really changed. Pure."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime

import msgspec

from incident_lib.clock import format_time
from incident_lib.findings.base import Context
from incident_lib.findings.thresholds import KNOWN, Thresholds
from incident_lib.model import Evidence, Finding, FindingSeverity, Measurement
from incident_lib.model.difference import Difference, Value
from incident_lib.model.series import Reading, Series

ANY_NUMBER = "number"  # the rule for what has none of its own
_DAYS_LEFT = "certificate"


class Interval(msgspec.Struct, frozen=True, kw_only=True):
    """What one probe saw of one target at two times. The moment of a change between them was not observed."""

    before: Evidence
    now: Evidence
    same_incident: bool  # else the earlier one is a baseline

    @property
    def between(self) -> str:
        """The two times in words."""
        return f"between {format_time(self.before.collected_at)} and {format_time(self.now.collected_at)}"

    def on_timeline(self, moment: datetime) -> datetime | None:
        """Return `moment` for the timeline; a change since a baseline has no place on it."""
        return moment if self.same_incident else None


Reader = Callable[[Evidence], Iterable[Reading]]
Novelty = Callable[[Evidence, Evidence, Thresholds], Iterable[Difference]]
ChangeAnalyzer = Callable[[Interval, Context], Iterable[Finding]]


class Comparers(msgspec.Struct, frozen=True, kw_only=True):
    """How the evidence of each probe is compared, by its name. What a probe has in none is not compared."""

    readings: Mapping[str, Reader] = {}  # its numbers
    novelties: Mapping[str, Novelty] = {}  # what is there now and was not before
    changes: Mapping[str, ChangeAnalyzer] = {}  # what else happened in between
    known: frozenset[str] = frozenset()  # probes of technologies; all others are a team's own

    def reader(self, evidence: Evidence) -> Reader | None:
        """Return what reads the numbers of `evidence`, None where it has none."""
        if evidence.probe not in self.known and evidence.of(Measurement):
            return _team_numbers
        return self.readings.get(evidence.probe)

    def compares(self, evidence: Evidence) -> bool:
        """Return whether `evidence` is compared with a baseline."""
        return evidence.probe in self.readings.keys() | self.novelties.keys() or bool(self.reader(evidence))


def reading(
    evidence: Evidence, name: str, what: str, value: float | None, unit: str, *, limit: float | None = None
) -> Reading:
    """Return a number that `evidence` holds; `(target, name, what)` is the same in every snapshot."""
    return Reading(
        target=evidence.target,
        name=name,
        what=what,
        value=value,
        unit=unit,
        at=evidence.collected_at,
        evidence=evidence.ref,
        limit=limit,
    )


def _team_numbers(evidence: Evidence) -> Iterator[Reading]:
    """Yield each number of a team's own probe under its name and labels: `shop.queue (queue mail)`."""
    for row in evidence.of(Measurement):
        labels = ", ".join(f"{name} {label}" for name, label in row.labels.items())
        what = f"{row.name} ({labels})" if labels else row.name
        yield reading(evidence, ANY_NUMBER, what, row.value, row.unit)


def share(count: float | None, limit: float | None) -> float | None:
    """Return how much of the limit is used, None where either is unknown.

    >>> share(20, 80), share(None, 80), share(20, None)
    (0.25, None, None)
    """
    return count / limit if count is not None and limit else None


def difference(
    now: Evidence,
    name: str,
    what: str,
    values: tuple[Value, Value],
    severity: FindingSeverity,
    *,
    unit: str = "",
) -> Difference:
    """Return a difference between two evidences of one probe and target, so of one name."""
    return Difference(
        id=f"baseline.{name}",
        target=now.target,
        what=what,
        before=values[0],
        now=values[1],
        unit=unit,
        severity=severity,
        evidence_before=(now.ref,),
        evidence_now=(now.ref,),
    )


def other_values(
    before: Evidence,
    now: Evidence,
    name: str,
    values_of: Callable[[Evidence], Iterable[tuple[str, str | None]]],
) -> Iterator[Difference]:
    """Yield which of the named values are others now; one that only one side knows is unknown."""
    old, new = (
        {what: value for what, value in values_of(evidence) if value is not None}
        for evidence in (before, now)
    )
    for what in sorted(old.keys() | new.keys()):
        values = (old.get(what), new.get(what))
        if values[0] != values[1]:
            severity = FindingSeverity.UNKNOWN if None in values else FindingSeverity.INFO
            yield difference(now, name, what, values, severity)


def rule_of(series: Series) -> str:
    """Return what a number is judged by: the rule of its name and unit, else that of any number."""
    own = series.name == _DAYS_LEFT or f"baseline.{series.name}.least_{series.unit}" in KNOWN
    return series.name if own else ANY_NUMBER


def judge_change(before: Series | None, now: Series | None, thresholds: Thresholds) -> FindingSeverity | None:
    """Return how the newest number of two series changed, None for no real change.

    WARNING and INFO for the worse, OK for the better or as expected, UNKNOWN where one side has no number.
    """
    first, last = (series.newest if series else None for series in (before, now))
    if now is None or first is None or last is None:
        return None if first is None and last is None else FindingSeverity.UNKNOWN
    rule, rise, factor = rule_of(now), last - first, _factor(first, last)
    if now.name == _DAYS_LEFT:  # fewer are as expected, until they are too few
        few = thresholds["network.tls.warning_days"]
        severity = FindingSeverity.WARNING if last <= few < first else FindingSeverity.OK
        return severity if abs(rise) >= 1 else None
    if not rise or factor < thresholds[f"baseline.{rule}.info_factor"]:
        return None
    if rule == ANY_NUMBER:  # neither is known which way is better nor how much is much
        return FindingSeverity.INFO
    if abs(rise) < thresholds[f"baseline.{rule}.least_{now.unit}"]:
        return None
    much = rise >= thresholds[f"baseline.{rule}.warning_{now.unit}"]
    worse = much and factor >= thresholds[f"baseline.{rule}.warning_factor"]
    return FindingSeverity.OK if rise < 0 else FindingSeverity.WARNING if worse else FindingSeverity.INFO


def _factor(first: float, last: float) -> float:
    """Return how many times the larger is the smaller.

    >>> _factor(2, 8), _factor(8, 2), _factor(0, 1)
    (4.0, 4.0, inf)
    """
    low, high = sorted((abs(first), abs(last)))
    if low == high:
        return 1.0
    return high / low if low else float("inf")

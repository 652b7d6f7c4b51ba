"""What a limit is, and those that no technology has for itself. `[thresholds]` overrides each.

Sources: APA = awesome-prometheus-alerts, mixin = postgres_mixin, CP = check_postgres, own = ours, to be
tuned. Technologies bring theirs, which are registered at start as their types of records are.
"""

from collections.abc import Mapping
from types import MappingProxyType

import msgspec

from incident_lib.model import FindingSeverity


class Threshold(msgspec.Struct, frozen=True, kw_only=True):
    """One limit: the key ends in severity and unit, `postgres.saturation.warning_ratio`."""

    value: float
    source: str
    reason: str


def limit(value: float, source: str, reason: str) -> Threshold:
    """Return one limit.

    >>> limit(0.9, "APA", "the next wave of clients is refused").value
    0.9
    """
    return Threshold(value=value, source=source, reason=reason)


_known = {
    "baseline.latency.least_seconds": limit(0.05, "own", "less is the machine's own mood"),
    "baseline.latency.info_factor": limit(1.5, "own", "half as long again"),
    "baseline.latency.warning_factor": limit(2, "own", "twice the normal is when on-call is paged"),
    "baseline.latency.warning_seconds": limit(0.25, "own", "the rise that people feel"),
    "baseline.errors.least_ratio": limit(0.01, "own", "one request in a hundred"),
    "baseline.errors.info_factor": limit(1.5, "own", "half as many again"),
    "baseline.errors.warning_factor": limit(2, "own", "twice as many"),
    "baseline.errors.warning_ratio": limit(0.02, "own", "the rise, in requests"),
    "baseline.connections.least_ratio": limit(0.05, "own", "of what there is room for"),
    "baseline.connections.info_factor": limit(1.5, "own", "half as many again"),
    "baseline.connections.warning_factor": limit(2, "own", "twice as many"),
    "baseline.connections.warning_ratio": limit(0.25, "own", "a quarter of the room went since then"),
    "baseline.memory.least_bytes": limit(32 * 1024 * 1024, "own", "caches and arenas breathe that much"),
    "baseline.memory.info_factor": limit(1.5, "own", "half as much again"),
    "baseline.memory.warning_factor": limit(2, "own", "twice as much"),
    "baseline.memory.warning_bytes": limit(128 * 1024 * 1024, "own", "a rise that limits do not allow for"),
    "baseline.host_memory.least_bytes": limit(1 << 30, "own", "other programs come and go"),
    "baseline.host_memory.info_factor": limit(1.5, "own", "half as much again"),
    "baseline.host_memory.warning_factor": limit(1e9, "own", "never: the machine's own limits judge it"),
    "baseline.host_memory.warning_bytes": limit(1 << 30, "own", "see the factor"),
    "baseline.files.least_ratio": limit(0.1, "own", "of the files it may open"),
    "baseline.files.info_factor": limit(1.5, "own", "half as many again"),
    "baseline.files.warning_factor": limit(2, "own", "twice as many"),
    "baseline.files.warning_ratio": limit(0.25, "own", "a quarter of the room went since then"),
    "baseline.disk.least_ratio": limit(0.05, "own", "of the file system"),
    "baseline.disk.info_factor": limit(1, "own", "shares of the same disk need no factor"),
    "baseline.disk.warning_factor": limit(1, "own", "shares of the same disk need no factor"),
    "baseline.disk.warning_ratio": limit(0.2, "own", "a fifth of the file system filled since then"),
    "baseline.number.info_factor": limit(
        2, "own", "of a team's own probe: whether it is bad, its limits say"
    ),
    "baseline.new.warning_count": limit(3, "own", "an error that was never seen before, again and again"),
    "baseline.scans.least_bytes": limit(
        8 * 1024 * 1024, "own", "a thousand pages; smaller tables are scanned"
    ),
    "baseline.scans.warning_count": limit(10, "own", "scans since then; a few may be a report"),
    "baseline.scans.least_share_ratio": limit(
        0.1, "own", "of all looks at the table, up from less than half"
    ),
    "recovery.least_quiet_seconds": limit(30, "own", "without it, or it may go on any moment"),
    "trend.least_count": limit(5, "own", "samples; fewer have no trend"),
    "trend.least_agreement_ratio": limit(0.6, "own", "Kendall's tau: noise of twenty samples reaches 0.35"),
    "trend.memory.least_ratio": limit(0.02, "own", "growth over the watch, of the limit"),
    "trend.connections.least_ratio": limit(0.05, "own", "growth over the watch, of the limit"),
    "trend.disk.least_ratio": limit(0.002, "own", "growth over the watch, of the file system"),
    "trend.latency.least_seconds": limit(0.1, "own", "less growth is not felt"),
    "trend.latency.warning_factor": limit(2, "own", "the end of the line is twice its beginning"),
    "trend.limit.info_seconds": limit(86_400, "own", "a day: time to plan"),
    "trend.limit.warning_seconds": limit(14_400, "own", "four hours: it ends in this shift"),
    "trend.limit.most_watches_ratio": limit(60, "own", "times as long as it was watched: further is INFO"),
    "trend.limit.critical_seconds": limit(900, "own", "a quarter of an hour: act before you look on"),
}
KNOWN: Mapping[str, Threshold] = MappingProxyType(_known)  # every limit that is registered


def register(limits: Mapping[str, Threshold]) -> None:
    """Make the limits of a technology known. Errors: ValueError where one of that name is there already."""
    if double := sorted(key for key in limits if _known.get(key, limits[key]) != limits[key]):
        raise ValueError(f"there is a limit {double[0]!r} already")
    _known.update(limits)


class Thresholds(msgspec.Struct, frozen=True):
    """The defaults with what the team overrides.

    >>> Thresholds({"trend.least_count": 7})["trend.least_count"]
    7
    """

    overrides: dict[str, float] = {}

    def __getitem__(self, key: str) -> float:
        """Return the limit of that name."""
        return self.overrides[key] if key in self.overrides else KNOWN[key].value

    def severity(
        self, rule: str, value: float | None, unit: str, *, above: bool = True
    ) -> FindingSeverity | None:
        """Return the worst severity whose limit `value` passes, None if it passes none or is unknown.

        Judged are `RULE.critical_UNIT`, `RULE.warning_UNIT` and `RULE.info_UNIT`, as far as they exist.
        Errors: KeyError where none does.
        """
        worst_first = (FindingSeverity.CRITICAL, FindingSeverity.WARNING, FindingSeverity.INFO)
        keys = {severity: f"{rule}.{severity.lower()}_{unit}" for severity in worst_first}
        if not KNOWN.keys() & keys.values():
            raise KeyError(f"{rule}.*_{unit}")
        for severity, key in keys.items():
            if value is None or key not in KNOWN:
                continue
            if value >= self[key] if above else value <= self[key]:
                return severity
        return None

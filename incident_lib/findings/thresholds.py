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
    "baseline.latency.least_seconds": limit(0.05, "own", "less is normal variation"),
    "baseline.latency.info_factor": limit(1.5, "own", "1.5 times as long"),
    "baseline.latency.warning_factor": limit(2, "own", "twice the normal is when on-call is paged"),
    "baseline.latency.warning_seconds": limit(0.25, "own", "the rise that people feel"),
    "baseline.errors.least_ratio": limit(0.01, "own", "one request in a hundred"),
    "baseline.errors.info_factor": limit(1.5, "own", "1.5 times as many"),
    "baseline.errors.warning_factor": limit(2, "own", "twice as many"),
    "baseline.errors.warning_ratio": limit(0.02, "own", "the rise, in requests"),
    "baseline.connections.least_ratio": limit(0.05, "own", "of the capacity"),
    "baseline.connections.info_factor": limit(1.5, "own", "1.5 times as many"),
    "baseline.connections.warning_factor": limit(2, "own", "twice as many"),
    "baseline.connections.warning_ratio": limit(0.25, "own", "a quarter of the capacity was used since then"),
    "baseline.memory.least_bytes": limit(32 * 1024 * 1024, "own", "caches and allocators vary that much"),
    "baseline.memory.info_factor": limit(1.5, "own", "1.5 times as much"),
    "baseline.memory.warning_factor": limit(2, "own", "twice as much"),
    "baseline.memory.warning_bytes": limit(128 * 1024 * 1024, "own", "a rise that limits do not allow for"),
    "baseline.host_memory.least_bytes": limit(1 << 30, "own", "other programs come and go"),
    "baseline.host_memory.info_factor": limit(1.5, "own", "1.5 times as much"),
    "baseline.host_memory.warning_factor": limit(1e9, "own", "never: the machine's own limits judge it"),
    "baseline.host_memory.warning_bytes": limit(1 << 30, "own", "see the factor"),
    "baseline.files.least_ratio": limit(0.1, "own", "of the files it may open"),
    "baseline.files.info_factor": limit(1.5, "own", "1.5 times as many"),
    "baseline.files.warning_factor": limit(2, "own", "twice as many"),
    "baseline.files.warning_ratio": limit(0.25, "own", "a quarter of the capacity was used since then"),
    "baseline.disk.least_ratio": limit(0.05, "own", "of the file system"),
    "baseline.disk.info_factor": limit(1, "own", "shares of the same disk need no factor"),
    "baseline.disk.warning_factor": limit(1, "own", "shares of the same disk need no factor"),
    "baseline.disk.warning_ratio": limit(0.2, "own", "a fifth of the file system filled since then"),
    "baseline.number.info_factor": limit(2, "own", "of a custom probe: its limits decide whether it is bad"),
    "baseline.new.warning_count": limit(3, "own", "a new error, repeatedly"),
    "baseline.scans.least_bytes": limit(
        8 * 1024 * 1024, "own", "a thousand pages; smaller tables are scanned"
    ),
    "baseline.scans.warning_count": limit(10, "own", "scans since then; a few may be a report"),
    "baseline.scans.least_share_ratio": limit(
        0.1, "own", "of all scans of the table, up from less than half"
    ),
    "recovery.least_quiet_seconds": limit(30, "own", "without it, or it may return at any moment"),
    "trend.least_count": limit(5, "own", "samples; fewer have no trend"),
    "trend.least_agreement_ratio": limit(0.6, "own", "Kendall's tau: noise of twenty samples reaches 0.35"),
    "trend.memory.least_ratio": limit(0.02, "own", "growth over the watch, of the limit"),
    "trend.connections.least_ratio": limit(0.05, "own", "growth over the watch, of the limit"),
    "trend.disk.least_ratio": limit(0.002, "own", "growth over the watch, of the file system"),
    "trend.latency.least_seconds": limit(0.1, "own", "less growth is not noticeable"),
    "trend.latency.warning_factor": limit(2, "own", "the end of the trend is twice its beginning"),
    "trend.limit.info_seconds": limit(86_400, "own", "a day: time to plan"),
    "trend.limit.warning_seconds": limit(14_400, "own", "four hours: it ends in this shift"),
    "trend.limit.most_watches_ratio": limit(
        60, "own", "times as long as it was watched: beyond that it is INFO"
    ),
    "trend.limit.critical_seconds": limit(
        900, "own", "a quarter of an hour: act before you investigate further"
    ),
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

"""Every number that something is judged by: unit, source and reason. `[thresholds]` overrides each.

Sources: APA = awesome-prometheus-alerts, mixin = postgres_mixin, CP = check_postgres, own = ours, to be tuned.
"""

from types import MappingProxyType

import msgspec

from incident_lib.model import FindingSeverity


class Threshold(msgspec.Struct, frozen=True, kw_only=True):
    """One limit: the key ends in severity and unit, `postgres.saturation.warning_ratio`."""

    value: float
    source: str
    reason: str


def _t(value: float, source: str, reason: str) -> Threshold:
    return Threshold(value=value, source=source, reason=reason)


DEFAULTS: dict[str, Threshold] = {
    # --- postgres ---
    # --- redis ---
    # --- docker ---
    # --- process ---
    # --- host ---
    # --- logs ---
    # --- http ---
    "http.slow.warning_seconds": _t(1.0, "APA", "users notice, and callers begin to time out"),
    # --- network ---
    "network.names.warning_seconds": _t(1.0, "own", "every new connection waits that long"),
    "network.tls.warning_days": _t(20, "APA", "time to renew it in working hours"),
    "network.tls.critical_days": _t(3, "APA", "a weekend is enough for it to run out"),
}


class Thresholds(msgspec.Struct, frozen=True):
    """The defaults with what the team overrides.

    >>> Thresholds({"postgres.saturation.warning_ratio": 0.5})["postgres.saturation.warning_ratio"]
    0.5
    """

    overrides: dict[str, float] = {}

    def __getitem__(self, key: str) -> float:
        """Return the limit of that name."""
        return self.overrides[key] if key in self.overrides else KNOWN[key].value

    def severity(
        self, rule: str, value: float | None, unit: str, *, above: bool = True
    ) -> FindingSeverity | None:
        """Return the worst severity whose limit `value` passes, None if it passes none or is unknown.

        Looks at `RULE.critical_UNIT`, `RULE.warning_UNIT` and `RULE.info_UNIT`, as far as they exist.
        """
        if value is None:
            return None
        for severity in (FindingSeverity.CRITICAL, FindingSeverity.WARNING, FindingSeverity.INFO):
            key = f"{rule}.{severity.lower()}_{unit}"
            if key in KNOWN and (value >= self[key] if above else value <= self[key]):
                return severity
        return None


KNOWN = MappingProxyType(DEFAULTS)

"""The custom probes of a team, judged by the limits that they come with."""

from collections.abc import Iterable, Iterator
from functools import partial

from incident_lib.config import OwnProbe
from incident_lib.findings.base import Analyzer, Context, finding
from incident_lib.model import Evidence, Finding, FindingSeverity
from incident_lib.model.rows import Measurement
from incident_lib.units import format_number


def own_analyzers(probes: Iterable[OwnProbe]) -> dict[str, Analyzer]:
    """Return an analyzer for each of `probes`, by name."""
    return {custom.name: partial(judge, custom=custom) for custom in probes}


def judge(evidence: Evidence, _context: Context, *, custom: OwnProbe) -> Iterator[Finding]:
    """Yield what the worst of the measurements means: high or low, ok, or a value where there are no limits.

    What is not known is UNKNOWN, also beside numbers that are well.
    """
    rows = evidence.of(Measurement)
    known = [(row.value, row) for row in rows if row.value is not None]
    if len(known) < len(rows) or not known:
        yield finding(
            evidence,
            "unknown",
            FindingSeverity.UNKNOWN,
            f"{custom.heading}: not assessed, there is no number",
        )
    bad = [(value, row) for value, row in known if severity_of(custom, value) is not None]
    if bad:
        yield _past(evidence, custom, bad)
    if known and len(known) == len(rows) and not bad:
        yield _within(evidence, custom, known)


def severity_of(custom: OwnProbe, value: float) -> FindingSeverity | None:
    """Return how bad `value` is, None within the limits.

    >>> from incident_lib.config import ProbeKind
    >>> custom = OwnProbe(name="shop.it", target="t", kind=ProbeKind.FILE, file="f", warning=5, critical=9)
    >>> [severity_of(custom, value) for value in (4, 5)]
    [None, <FindingSeverity.WARNING: 'WARNING'>]
    """
    warning, critical = custom.limits
    for severity, limit in ((FindingSeverity.CRITICAL, critical), (FindingSeverity.WARNING, warning)):
        if limit is not None and (value >= limit if custom.bad == "above" else value <= limit):
            return severity
    return None


def _past(evidence: Evidence, custom: OwnProbe, bad: list[tuple[float, Measurement]]) -> Finding:
    value, row = (max if custom.bad == "above" else min)(bad, key=lambda pair: pair[0])
    severity = severity_of(custom, value) or FindingSeverity.WARNING
    warning, critical = custom.limits
    limit = critical if severity is FindingSeverity.CRITICAL else warning
    more = f"; {len(bad) - 1} more past their limit" if len(bad) > 1 else ""
    return finding(
        evidence,
        "high" if custom.bad == "above" else "low",
        severity,
        f"{custom.heading}: {_shown(value, row)}",
        f"at or {custom.bad} its limit of {limit:g}{more}"
        + (f"; {custom.question}" if custom.question else ""),
        value=value,
        limit=limit,
    )


def _within(evidence: Evidence, custom: OwnProbe, known: list[tuple[float, Measurement]]) -> Finding:
    worst = (max if custom.bad == "above" else min)(known, key=lambda pair: pair[0])
    more = (
        f", the {'highest' if custom.bad == 'above' else 'lowest'} of {len(known)}" if len(known) > 1 else ""
    )
    warning, critical = custom.limits
    judged = warning is not None or critical is not None
    return finding(
        evidence,
        "ok" if judged else "value",
        FindingSeverity.OK if judged else FindingSeverity.INFO,
        f"{custom.heading}: {_shown(*worst)}{more}",
        "" if judged else "no limit is configured, so it is only reported",
        value=worst[0],
    )


def _shown(value: float, row: Measurement) -> str:
    labels = ", ".join(f"{name} {label}" for name, label in row.labels.items())
    return format_number(value) + (f" {row.unit}" if row.unit else "") + (f" ({labels})" if labels else "")

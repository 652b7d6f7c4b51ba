"""Analysis -> the incident severity that the measurements support. A person confirms it. Pure."""

from collections.abc import Iterator
from datetime import UTC, datetime

from incident_lib.findings.catalogue import Flag
from incident_lib.model import Analysis, Finding, FindingSeverity, IncidentSeverity
from incident_lib.model.topology import Topology
from incident_lib.notify.paging import Signals, signals_of
from incident_lib.technologies import catalogue
from incident_lib.units import format_share, some_of

# The team's table is about all, most and some users. The measured share of failed requests is the closest
# to that: half of them affects all users sooner or later, and above 5 % an engineer is paged.
_ALL_RATIO = 0.5
_MOST_RATIO = 0.05
_SOME_RATIO = 0.01
_SEVERE_SLOW_RATIO = 0.5
_NO_TIME = datetime(1970, 1, 1, tzinfo=UTC)  # how long it has been slow does not matter here

_Rule = tuple[IncidentSeverity, str]


def propose_severity(analysis: Analysis, topology: Topology | None = None) -> tuple[IncidentSeverity, str]:
    """Return the severity that `analysis` supports, and why; in doubt the worse one.

    With `topology`, external dependencies are kept apart from the team's own services.

    >>> propose_severity(Analysis(snapshot=""))
    (<IncidentSeverity.SEV2: 'SEV2'>, 'nothing could be judged from here: if in doubt, the worse severity')
    """
    if not any(finding.severity is not FindingSeverity.UNKNOWN for finding in analysis.findings):
        return IncidentSeverity.SEV2, "nothing could be judged from here: if in doubt, the worse severity"
    if any(catalogue().has(finding, Flag.NOTHING_HERE) for finding in analysis.findings):
        return IncidentSeverity.SEV4, "nothing is configured here, and nothing was found to check"
    signals = signals_of(analysis, at=_NO_TIME, topology=topology)
    rules = [*_all_users(signals, analysis.findings), *_most_users(signals), *_some_users(signals, analysis)]
    worst = min((severity for severity, _ in rules), default=IncidentSeverity.SEV4)
    reasons = [reason for severity, reason in rules if severity is worst]
    return worst, "; ".join(reasons) or _little(analysis)


def _all_users(signals: Signals, findings: tuple[Finding, ...]) -> Iterator[_Rule]:
    sev1, ratio = IncidentSeverity.SEV1, signals.error_ratio
    if signals.web and set(signals.web) <= set(signals.down):
        yield sev1, f"no service answers: {some_of(signals.web)}"
    elif signals.stores_down and not signals.well and signals.unwell:
        stores = some_of(signals.stores_down)
        yield sev1, f"{stores} cannot be used, and no service that could be checked is healthy"
    if ratio is not None and ratio >= _ALL_RATIO:
        yield sev1, f"{format_share(ratio)} of requests fail"
    if damaged := [f for f in findings if f.severity.is_bad and catalogue().has(f, Flag.DAMAGED)]:
        yield sev1, f"data may be lost: {damaged[0].title}"


def _most_users(signals: Signals) -> Iterator[_Rule]:
    sev2, ratio = IncidentSeverity.SEV2, signals.error_ratio
    if signals.stores_down:
        yield sev2, f"{some_of(signals.stores_down)} cannot be used"
    if unwell := [name for name in signals.unwell if name not in signals.stores_down]:
        total = len({*signals.unwell, *signals.well})
        yield sev2, f"{len(unwell)} of {total} services fail their health checks: {some_of(unwell)}"
    if ratio is not None and _MOST_RATIO < ratio < _ALL_RATIO:
        yield sev2, f"{format_share(ratio)} of requests fail"
    if signals.slow_ratio is not None and signals.slow_ratio >= _SEVERE_SLOW_RATIO:
        yield sev2, f"{format_share(signals.slow_ratio)} of requests take over a second"


def _some_users(signals: Signals, analysis: Analysis) -> Iterator[_Rule]:
    sev3, ratio = IncidentSeverity.SEV3, signals.error_ratio
    if ratio is not None and _SOME_RATIO <= ratio <= _MOST_RATIO:
        yield sev3, f"{format_share(ratio)} of requests fail"
    if signals.slow_ratio is not None and signals.slow_ratio < _SEVERE_SLOW_RATIO:
        yield sev3, f"{format_share(signals.slow_ratio)} of requests take over a second"
    critical = [f for f in analysis.findings if f.severity is FindingSeverity.CRITICAL]
    if critical:
        more = f" and {len(critical) - 1} more" if len(critical) > 1 else ""
        yield sev3, f"{critical[0].target}: {critical[0].title.removeprefix(f'{critical[0].target} ')}{more}"


def _little(analysis: Analysis) -> str:
    warnings = sum(1 for f in analysis.findings if f.severity is FindingSeverity.WARNING)
    unseen = len(analysis.not_assessed)
    blind = f", {unseen} {'probe' if unseen == 1 else 'probes'} could not be judged" if unseen else ""
    if warnings:
        count = "one warning" if warnings == 1 else f"{warnings} warnings"
        return f"{count}, and no measured effect on users{blind}"
    return f"nothing measured is wrong{blind}; check with users before you trust it"

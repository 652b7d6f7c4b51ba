"""Then and now: what has recovered is reported as recovered, with its span, and speaks for nothing. Pure."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import pairwise

import msgspec

from incident_lib.findings.base import Context
from incident_lib.model import Finding, FindingSeverity, Holds

_MOMENT = timedelta(seconds=1)
_RETURN = timedelta(seconds=10)  # after so long without it, what comes again has returned
_OFTEN = 2  # returns: it comes and goes
_QUIET_FACTOR = 1.5  # times as long as it was quiet before


def recovered(finding: Finding, until: datetime | None, why: str = "") -> Finding:
    """Return a finding as one that is over since `until`; `why` is what shows that.

    >>> lost = Finding(id="a.b", severity=FindingSeverity.CRITICAL, target="shop", title="it is lost")
    >>> recovered(lost, None, "12 requests were served since").title
    'it is lost; over, and healthy now'
    """
    return msgspec.structs.replace(
        finding,
        title=f"{finding.title}; {span_of(finding.since, until)}",
        detail="\n".join(filter(None, (f"Over: {why}" if why else "", finding.detail))),
        severity=at_most_info(finding.severity),
        holds=Holds.PAST,
        until=until,
        actions=(),
    )


def quiet(finding: Finding, moments: Iterable[datetime], context: Context) -> Finding:
    """Return a finding about `moments` of the window as not known to hold where the last is long enough ago.

    Whether it is over is for what is measured now to show.
    """
    times = sorted(moments)
    if not times:
        return finding
    seconds = (context.window.end - times[-1]).total_seconds()
    gaps = sorted(after - before for before, after in pairwise(times) if after - before > _RETURN)
    usual = gaps[len(gaps) // 2].total_seconds() if gaps else None
    if seconds < context.thresholds["recovery.least_quiet_seconds"] or comes_back(len(gaps), usual, seconds):
        return finding
    return msgspec.structs.replace(finding, holds=Holds.UNKNOWN, until=times[-1])


def comes_back(returns_count: int, return_gap_seconds: float | None, quiet_seconds: float) -> bool:
    """Return whether what came back so often, after a quiet time usually so long, may come back any moment.

    >>> comes_back(3, 60.0, 80.0), comes_back(3, 60.0, 100.0), comes_back(1, 60.0, 40.0)
    (True, False, False)
    """
    often = returns_count >= _OFTEN and return_gap_seconds is not None
    return often and quiet_seconds <= _QUIET_FACTOR * (return_gap_seconds or 0.0)


def settled(finding: Finding) -> Finding:
    """Return a finding as it may be stored: what is over is at most INFO and proposes nothing.

    Whether something that could not be judged holds is not known.
    """
    if finding.holds is Holds.PAST:
        return msgspec.structs.replace(finding, severity=at_most_info(finding.severity), actions=())
    if finding.severity is FindingSeverity.UNKNOWN and finding.holds is Holds.NOW:
        return msgspec.structs.replace(finding, holds=Holds.UNKNOWN)
    return finding


def doubted(finding: Finding) -> Finding:
    """Return a finding that was not seen again, and may be over, with that in its title."""
    if finding.holds is not Holds.UNKNOWN or finding.until is None or not finding.severity.is_bad:
        return finding
    doubt = (
        f"not since {finding.until:%H:%M:%S} UTC, with too little activity since then to know whether "
        f"it is over"
    )
    return msgspec.structs.replace(finding, title=f"{finding.title}; {doubt}")


def whole_span(findings: Iterable[Finding]) -> str:
    """Return in words from when to when what is over failed, "" where nothing is, or something is bad."""
    found = tuple(findings)
    past = [finding for finding in found if finding.is_past and finding.until]
    if not past or any(finding.severity.is_bad for finding in found):
        return ""
    since = min((finding.since for finding in past if finding.since), default=None)
    return span_of(since, max(finding.until for finding in past if finding.until))


def at_most_info(severity: FindingSeverity) -> FindingSeverity:
    """Return INFO for what is worse.

    >>> at_most_info(FindingSeverity.CRITICAL).value, at_most_info(FindingSeverity.OK).value
    ('INFO', 'OK')
    """
    return max(severity, FindingSeverity.INFO, key=lambda each: each.rank)


def span_of(since: datetime | None, until: datetime | None) -> str:
    """Return in words from when to when something failed that is well now.

    >>> moment = datetime(2026, 1, 15, 14, 31, 5)
    >>> span_of(moment, moment.replace(minute=33)), span_of(None, moment)
    ('failing from 14:31:05 to 14:33:05 UTC, healthy since', 'failing until 14:31:05 UTC, healthy since')
    """
    if until is None:
        return "over, and healthy now"
    if since is None or since > until:
        return f"failing until {until:%H:%M:%S} UTC, healthy since"
    if until - since < _MOMENT:
        return f"failing at {until:%H:%M:%S} UTC, healthy since"
    return f"failing from {since:%H:%M:%S} to {until:%H:%M:%S} UTC, healthy since"

"""Then and now: what has recovered is reported as recovered, with its span, and speaks for nothing. Pure."""

from datetime import datetime, timedelta

import msgspec

from incident_lib.model import Finding, FindingSeverity, Holds

_MOMENT = timedelta(seconds=1)


def recovered(finding: Finding, until: datetime | None, why: str = "") -> Finding:
    """Return a finding as one that is over since `until`; `why` is what shows that.

    >>> lost = Finding(id="a.b", severity=FindingSeverity.CRITICAL, target="shop", title="it is lost")
    >>> recovered(lost, None, "12 requests were served since").title
    'it is lost; over, and well now'
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


def settled(finding: Finding) -> Finding:
    """Return a finding as it may be stored: what is over is at most INFO and proposes nothing.

    Whether something that could not be judged holds is not known.
    """
    if finding.holds is Holds.PAST:
        return msgspec.structs.replace(finding, severity=at_most_info(finding.severity), actions=())
    if finding.severity is FindingSeverity.UNKNOWN and finding.holds is Holds.NOW:
        return msgspec.structs.replace(finding, holds=Holds.UNKNOWN)
    return finding


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
    ('failing from 14:31:05 to 14:33:05 UTC, well since', 'failing until 14:31:05 UTC, well since')
    """
    if until is None:
        return "over, and well now"
    if since is None or since > until:
        return f"failing until {until:%H:%M:%S} UTC, well since"
    if until - since < _MOMENT:
        return f"failing at {until:%H:%M:%S} UTC, well since"
    return f"failing from {since:%H:%M:%S} to {until:%H:%M:%S} UTC, well since"

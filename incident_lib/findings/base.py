"""What an analyzer is, and what every one of them does with evidence that saw nothing."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime

import msgspec

from incident_lib.findings.thresholds import Thresholds
from incident_lib.model import Evidence, Finding, FindingSeverity, NotAssessed, ProposedAction, Window
from incident_lib.model.renamed import current_id
from incident_lib.units import format_count


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """What an analyzer may know beside the evidence: the limits and the stretch of time looked at."""

    window: Window
    thresholds: Thresholds = Thresholds()
    own: Mapping[str, "Analyzer"] = {}  # of the team's own probes, by their name
    own_on_failure: Mapping[str, "Analyzer"] = {}


# Pure. A technology writes out two tables of them, keyed by the probe's name: ANALYZERS, called when there
# are rows, and ON_FAILURE, called when the probe FAILED (only the connection's own probe judges a failure;
# every other failed probe becomes `unknown`).
Analyzer = Callable[[Evidence, Context], Iterator[Finding]]


def finding(  # noqa: PLR0913 - the one way to make a finding, and it reads well at 200 calls
    evidence: Evidence,
    name: str,
    severity: FindingSeverity,
    title: str,
    detail: str = "",
    *,
    since: datetime | None = None,
    actions: tuple[ProposedAction, ...] = (),
    **data: str | float | None,
) -> Finding:
    """Return a finding on `evidence`; its id is `name` behind the probe's name, or what took its place."""
    return Finding(
        id=current_id(f"{evidence.probe}.{name}"),
        severity=severity,
        target=evidence.target,
        title=title,
        detail=detail,
        since=since,
        evidence=(evidence.ref,),
        actions=actions,
        data=data,
    )


def ok(evidence: Evidence, title: str, detail: str = "", **data: str | float | None) -> Finding:
    """Return the OK finding on `evidence`: what was judged and found well.

    Where its words hold no number, the detail says how much was read, and of what.
    """
    if not any(map(str.isdigit, f"{title}{detail}")):
        detail = "; ".join(filter(None, (detail, rests_on(evidence))))
    return finding(evidence, "ok", FindingSeverity.OK, title, detail, since=None, actions=(), **data)


def rests_on(evidence: Evidence) -> str:
    """Return how many records an evidence holds, and where they were read.

    >>> from datetime import UTC
    >>> from incident_lib.model import EvidenceStatus
    >>> at = datetime(2026, 1, 15, tzinfo=UTC)
    >>> values = {"status": EvidenceStatus.COLLECTED, "collected_at": at, "duration_seconds": 0.1}
    >>> rests_on(Evidence(probe="redis.acl", target="keys", source="ACL LOG", **values))
    'judged by 0 records of: ACL LOG'
    """
    first = evidence.source.strip().split("\n", 1)[0].removeprefix("-- View: ").split(". ", 1)[0]
    return f"judged by {format_count(len(evidence.rows), 'record')} of: {first[:100]}"


def unknown(evidence: Evidence) -> Finding:
    """Return the UNKNOWN finding of evidence that saw nothing."""
    reason = reason_of(evidence)
    advice = evidence.problem.advice if evidence.problem else ""
    return finding(
        evidence,
        "unknown",
        FindingSeverity.UNKNOWN,
        f"not assessed: {reason}",
        advice,
    )


def reason_of(evidence: Evidence) -> str:
    """Return why `evidence` saw nothing, or not all."""
    return evidence.problem.message if evidence.problem else "the probe gave no reason"


def not_assessed(evidence: Evidence) -> NotAssessed:
    """Return the entry of findings.json for what could not be judged."""
    return NotAssessed(target=evidence.target, probe=evidence.probe, reason=reason_of(evidence))

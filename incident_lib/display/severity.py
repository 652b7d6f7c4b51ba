"""How severe an incident is, as far as measurements tell. A person confirms it; in doubt the worse one."""

from html import escape

from incident_lib.clock import format_duration
from incident_lib.display.block import Block
from incident_lib.investigation.case import Case
from incident_lib.model import FindingSeverity, IncidentSeverity
from incident_lib.model.logs import LogSummary
from incident_lib.reports import blocks

_MOST, _MANY, _SOME = 0.5, 0.05, 0.01  # share of failed requests: all users, most users, some users


def severity(case: Case) -> Block:
    """Return the severity that the measurements suggest, with the reason, beside the declared one."""
    proposed = propose_severity(case)
    if proposed is None:
        said = "Nothing was measured that a severity could be proposed from."
        return Block(blocks.note(said, kind="unknown"), said)
    suggested, reason = proposed
    said = f"{suggested.value} is proposed: {reason}"
    declared = case.incident.severity if case.incident else None
    within, every = (
        format_duration(one.total_seconds()) for one in (suggested.respond_within, suggested.update_every)
    )
    note = f"{suggested.impact}; respond within {within}, update every {every}."
    differs = declared is not None and declared is not suggested
    beside = f" Declared is {declared.value}; a person decides." if declared and differs else ""
    html = f'<p class="iw-verdict">{escape(said)}</p><p class="iw-why">{escape(note + beside)}</p>'
    return Block(html, said)


def propose_severity(case: Case) -> tuple[IncidentSeverity, str] | None:
    """Return a severity and what it rests on, None when nothing was judged."""
    told = [one for one in (_by_entries(case), _by_requests(case), _by_findings(case)) if one]
    return min(told, key=lambda one: one[0].value, default=None)


def _by_entries(case: Case) -> tuple[IncidentSeverity, str] | None:
    """Judge by the services that users meet: those that no other service needs."""
    kinds = case.topology.kinds
    entries = [name for name, kind in kinds.items() if kind == "http" and not case.topology.users(name)]
    critical = {
        one.target for one in case.findings("http.health") if one.severity is FindingSeverity.CRITICAL
    }
    down = [name for name in entries if name in critical]
    if entries and len(down) == len(entries):
        return IncidentSeverity.SEV1, f"no service that users meet is well ({', '.join(down)})"
    return None


def _by_requests(case: Case) -> tuple[IncidentSeverity, str] | None:
    """Judge by the share of failed requests of the worst service."""
    shares = [
        (row.server_errors_count / row.requests_count, target)
        for target, row in case.rows(LogSummary)
        if row.requests_count
    ]
    share, target = max(shares, default=(0.0, ""))
    levels = (
        (_MOST, IncidentSeverity.SEV1),
        (_MANY, IncidentSeverity.SEV2),
        (_SOME, IncidentSeverity.SEV3),
    )
    for limit, level in levels:
        if share >= limit:
            return level, f"{share:.1%} of the requests to {target} fail"
    return None


def _by_findings(case: Case) -> tuple[IncidentSeverity, str] | None:
    """Judge by what is critical, and who needs it."""
    critical = {one.target for one in case.analysis.findings if one.severity is FindingSeverity.CRITICAL}
    needed = sorted(name for name in critical if case.topology.users(name))
    if needed:
        return IncidentSeverity.SEV2, f"something is critical at {', '.join(needed)}, which others need"
    if critical:
        return IncidentSeverity.SEV3, f"something is critical at {', '.join(sorted(critical))}"
    judged = [one for one in case.analysis.findings if one.severity is not FindingSeverity.UNKNOWN]
    return (IncidentSeverity.SEV4, "nothing critical was found") if judged else None

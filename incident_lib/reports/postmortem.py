"""The post-mortem: filled from evidence and records, what is unknown says so, and people write the rest."""

from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import msgspec

from incident_lib import clock
from incident_lib.hypotheses.patterns import Pattern
from incident_lib.model import Event, EventKind, Finding, FindingSeverity, Incident
from incident_lib.model.commands import Commands
from incident_lib.redact import Redactor
from incident_lib.reports import escape, timeline
from incident_lib.reports.generated import block, document
from incident_lib.reports.markdown import markdown_templates
from incident_lib.reports.postmortem_causes import Cause, causes, proposed_items
from incident_lib.reports.postmortem_impact import (
    Impact,
    describe_bounds,
    describe_gaps,
    describe_impact,
    describe_method,
    measure,
)
from incident_lib.reports.postmortem_status import TO_WRITE, describe_due
from incident_lib.reports.timeline import SnapshotFacts
from incident_lib.units import format_duration, format_share

if TYPE_CHECKING:
    import jinja2

_BEFORE_ONSET = 3600  # seconds: a change this long before the trouble may have had a part in it

_BRIEF = 240  # characters of a finding's detail


class RunPages(msgspec.Struct, frozen=True, kw_only=True):
    """The rendered pages of one run."""

    id: str
    snapshot: str
    index: str  # relative to the incident's folder
    pages: tuple[tuple[str, str], ...] = ()  # name of the notebook, path


class PostmortemFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a post-mortem is made of. Snapshots and runs: oldest first; both may be missing."""

    incident: Incident
    events: tuple[Event, ...] = ()
    snapshots: tuple[SnapshotFacts, ...] = ()
    runs: tuple[RunPages, ...] = ()
    patterns: tuple[Pattern, ...] = ()
    proposed: Commands = Commands()  # what proposed commands carry


def file_name(incident: Incident) -> str:
    """Return the file's name: the day the incident began."""
    return f"postmortem-{incident.started_at:%Y-%m-%d}.md"


def render(facts: PostmortemFacts, redactor: Redactor) -> str:
    """Return the post-mortem as Markdown in generated blocks, to be merged into what people wrote.

    Nothing in it depends on the time of day, so that a second one from the same facts is the same.
    """
    template = _environment(facts, redactor.text).get_template("postmortem.md.j2")
    return document(template.render(**_derived(facts)))


def _environment(facts: PostmortemFacts, redact: Callable[[str], str]) -> "jinja2.Environment":
    environment = markdown_templates("postmortem")
    environment.filters |= {
        "utc": lambda moment: clock.format_time(moment) if moment else "unknown",
        "percent": format_share,
        "method": describe_method,
        "bounds": describe_bounds,
        "brief": _brief,
        "upperfirst": lambda text: text[:1].upper() + text[1:],
        "finding": lambda finding, snapshot: _finding_link(finding, snapshot, facts.runs),
    }

    def generated(name: str, caller: Callable[[], str]) -> str:
        """Return a generated block, redacted and marked."""
        return block(name, redact(caller()))

    environment.globals |= {"block": generated, "link": escape.link, "todo": _todo}
    return environment


def _brief(text: str) -> str:
    r"""Return the first line of a detail; the page that is linked has all of it.

    >>> _brief("pid 7 waits\npid 8 waits")
    'pid 7 waits ...'
    """
    first, _, rest = text.strip().partition("\n")
    short = first if len(first) <= _BRIEF else f"{first[:_BRIEF].rsplit(' ', 1)[0]} ..."
    return f"{short} ..." if rest and not short.endswith("...") else short


def _todo(question: str) -> str:
    return f"_{TO_WRITE}: {question}_"


def _derived(facts: PostmortemFacts) -> dict[str, Any]:
    incident = facts.incident
    known = timeline.milestones(incident, facts.snapshots)
    began = known["began"].at or incident.started_at
    found = causes(facts.snapshots, facts.events, facts.patterns)
    cause = next((item for item in found if item.verdict != "refuted"), None)
    impact = measure(facts.snapshots, began, incident.resolved_at)
    return {
        "incident": incident,
        "command": facts.proposed.line,
        "due": describe_due(incident),
        "lasted": _lasted(incident, began),
        "milestones": known.values(),
        "durations": timeline.durations(known),
        "timeline": timeline.rows(facts.events, facts.snapshots),
        "onset": timeline.onset(facts.snapshots),
        "cause": cause,
        "causes": found,
        "impact": impact,
        "worst": impact.services[0] if impact.services else None,
        "said": describe_impact(impact),
        "factors": _factors(facts, began, cause),
        "first_sign": _first_sign(facts),
        "response": _response(facts, known),
        "items": proposed_items(cause, incident.resolved_at or incident.declared_at),
        "unknown": list(still_unknown(facts, known, impact)),
        "page": _page(cause, facts.runs),
        "runs": facts.runs,
        "snapshots": facts.snapshots,
    }


def _lasted(incident: Incident, began: datetime) -> str:
    if incident.resolved_at is None:
        return "it is not resolved yet"
    return format_duration(max(0.0, (incident.resolved_at - began).total_seconds()))


def _factors(facts: PostmortemFacts, began: datetime, cause: Cause | None) -> list[dict[str, Any]]:
    """Return what may have had a part: changes shortly before, and warnings that do not support the cause."""
    rows: list[dict[str, Any]] = []
    for row in timeline.rows((), facts.snapshots):
        before = (began - row.at).total_seconds()
        if row.kind == "change" and 0 <= before <= _BEFORE_ONSET:
            text = f"{row.text}, {format_duration(before)} before the trouble"
            rows.append({"text": text, "source": row.source})
    used = {finding.ref for finding in cause.support} if cause else set()
    for snapshot in facts.snapshots:
        for finding in snapshot.analysis.findings:
            if finding.severity is FindingSeverity.WARNING and finding.ref not in used:
                used.add(finding.ref)
                rows.append(
                    {"text": f"{finding.target}: {finding.title}", "source": f"{finding.id} in {snapshot.id}"}
                )
    return rows


def _first_sign(facts: PostmortemFacts) -> timeline.TimelineRow | None:
    """Return the first thing in the timeline that evidence shows to be wrong."""
    rows = timeline.rows((), facts.snapshots)
    return next((row for row in rows if row.kind in {"onset", "finding"}), None)


def _response(facts: PostmortemFacts, known: dict[str, timeline.Milestone]) -> dict[str, Any]:
    """Return what was recorded of the response: in time or not, messages, decisions, tasks, mitigations."""
    incident = facts.incident
    acknowledged, detected = known["acknowledged"].at, known["detected"].at
    by_kind = {
        kind: [event for event in facts.events if event.kind is kind and "verdict" not in event.data]
        for kind in (EventKind.DECISION, EventKind.MITIGATION, EventKind.STATUS)
    }
    in_time = None
    if acknowledged and detected:
        in_time = acknowledged - detected <= incident.severity.respond_within
    return {
        "in_time": in_time,
        "within": format_duration(incident.severity.respond_within.total_seconds()),
        "decisions": by_kind[EventKind.DECISION],
        "mitigations": by_kind[EventKind.MITIGATION],
        "updates": len(by_kind[EventKind.STATUS]),
        "silence": _longest_silence(incident, by_kind[EventKind.STATUS]),
        "every": format_duration(incident.severity.update_every.total_seconds()),
    }


def _longest_silence(incident: Incident, updates: list[Event]) -> str:
    """Return the longest time without an update until it was resolved, "" while it goes on."""
    if incident.resolved_at is None or incident.resolved_at < incident.declared_at:
        return ""
    moments = sorted({incident.declared_at, *(event.occurred_at for event in updates), incident.resolved_at})
    inside = [at for at in moments if incident.declared_at <= at <= incident.resolved_at]
    gaps = [(later - earlier).total_seconds() for earlier, later in pairwise(inside)]
    return format_duration(max(gaps, default=0.0))


def still_unknown(
    facts: PostmortemFacts, known: dict[str, timeline.Milestone], impact: Impact
) -> Iterator[str]:
    """Yield what stays unknown, a line each."""
    for milestone in known.values():
        if milestone.at is None and not (milestone.name == "resolved" and facts.incident.is_open):
            yield f"When it was {milestone.name}: {milestone.source}."
    if not facts.snapshots:
        yield "Everything that evidence would show: no snapshot was taken."
    if impact.gaps and facts.snapshots:
        yield f"What happened in the periods that no snapshot covers: {describe_gaps(impact.gaps)}."
    seen: set[tuple[str, str]] = set()
    for snapshot in facts.snapshots:
        for item in snapshot.analysis.not_assessed:
            if (item.target, item.probe) not in seen:
                seen.add((item.target, item.probe))
                yield f"{item.target}, {item.probe}: {item.reason}"


def _page(cause: Cause | None, runs: tuple[RunPages, ...]) -> str:
    """Return the newest page that is about the cause, "" when there is none."""
    for run in reversed(runs):
        for name, path in run.pages:
            if cause and name == cause.notebook:
                return path
    return ""


def _finding_link(finding: Finding, snapshot: str, runs: tuple[RunPages, ...]) -> str:
    """Return a finding's id, linked to the page that shows it where there is finding."""
    for run in reversed(runs):
        if run.snapshot == snapshot:
            return escape.link(finding.id, f"{run.index}#{finding.ref}")
    return escape.code(finding.id)

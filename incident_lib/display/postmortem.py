"""The review of an incident in notebooks: what happened, what it cost, why, and what is still to be written.

Everything comes from the incident's folder; what is unknown says so. `from incident_lib.display import
postmortem as show`, then `show.timeline(review)`.
"""

from html import escape

from incident_lib.display.block import Block
from incident_lib.display.grid import plain
from incident_lib.investigation.review import Review
from incident_lib.plots.moments import plot_moments
from incident_lib.reports import blocks, timeline
from incident_lib.reports.groups import headline
from incident_lib.reports.postmortem import still_unknown
from incident_lib.reports.postmortem_causes import Cause, causes
from incident_lib.reports.postmortem_impact import (
    Impact,
    ServiceImpact,
    describe_bounds,
    describe_impact,
    describe_method,
    measure,
)
from incident_lib.reports.postmortem_status import completeness, describe_due
from incident_lib.units import format_count, format_share

_UP = "../../.."  # from the page of a run to the incident's folder
_NO_SNAPSHOT = "No snapshot was taken, so there is no evidence, only what people recorded."


def story(review: Review) -> Block:
    """Return what happened, in order, each line with the source that says so."""
    rows = timeline.rows(review.facts.events, review.facts.snapshots)
    if not rows:
        return Block(blocks.note("Nothing was recorded.", kind="unknown"), "nothing was recorded")
    heads = ("when (UTC)", "what", "kind", "source")
    shown = plain("Timeline", heads, [(row.at, row.text, row.kind, row.source) for row in rows])
    missing = "" if review.facts.snapshots else blocks.note(_NO_SNAPSHOT, kind="unknown")
    return Block(f"{_drawn(review)}{missing}{shown}", format_count(len(rows), "moment"))


def durations(review: Review) -> Block:
    """Return the milestones with their sources, and how long it took from one to another, by definition."""
    known = _milestones(review)
    moments = [(milestone.name, milestone.at, milestone.source) for milestone in known.values()]
    lengths = [
        (milestone.name, milestone.text, milestone.definition) for milestone in timeline.durations(known)
    ]
    html = plain("Milestones", ("milestone", "when (UTC)", "source"), moments)
    html += plain("Durations", ("measure", "length", "definition"), lengths)
    unknown = sum(milestone.at is None for milestone in known.values())
    return Block(html, f"{format_count(len(moments), 'milestone')}, {unknown} unknown")


def impact(review: Review) -> Block:
    """Return what it cost according to the logs, how that was counted, and what cannot be in it."""
    measured, declared_as = _impact(review), review.facts.incident.impact
    found = describe_impact(measured)
    declared = (
        f'<p class="iw-why">As it was declared or updated: {escape(declared_as)}.</p>' if declared_as else ""
    )
    if not measured.services:
        return Block(blocks.note(found, kind="unknown") + declared, found)
    heads = ("log of", "requests", "failed (5xx)", "share", "refused (4xx)", "failures from", "until")
    html = f'<p class="iw-verdict">{escape(found)}</p>{declared}'
    html += plain("Requests by service", heads, [_service(service) for service in measured.services])
    for service in measured.services:
        if service.endpoints:
            rows = [(each.name, each.requests_count, each.failed_count) for each in service.endpoints]
            caption = f"Requests of {service.service} by endpoint"
            html += plain(caption, ("endpoint", "requests", "failed (5xx)"), rows)
    html += _paragraph("Method", describe_method(measured)) + _paragraph("Bounds", describe_bounds(measured))
    cuts = [f"The log of {service.service}: {service.cut}." for service in measured.services if service.cut]
    return Block(html + "".join(blocks.note(cut, kind="warning") for cut in cuts), found)


def hypotheses(review: Review) -> Block:
    """Return every hypothesis that any snapshot supported, with its status; refuted hypotheses too."""
    facts = review.facts
    found = causes(facts.snapshots, facts.events, facts.patterns)
    if not found:
        summary = "No hypothesis was supported by evidence." if facts.snapshots else _NO_SNAPSHOT
        return Block(blocks.note(summary, kind="unknown"), "no hypothesis")
    cards = "".join(_cause(cause, len(facts.snapshots)) for cause in found)
    return Block(f'<div class="iw-findings">{cards}</div>', f"{len(found)} hypotheses")


def unknown(review: Review) -> Block:
    """Return what is unknown: moments, periods that no snapshot covers, probes without data."""
    lines = [*still_unknown(review.facts, _milestones(review), _impact(review))]
    lines += [f"Could not be read: {line}" for line in review.left_out]
    if not lines:
        summary = "Every probe returned data."
        return Block(blocks.note(summary, kind="ok"), summary)
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return Block(f'<ul class="iw-actions">{items}</ul>', format_count(len(lines), "thing") + " unknown")


def written(review: Review) -> Block:
    """Return what is missing in the written post-mortem, when it is due, and where it is."""
    incident = review.facts.incident
    due = f'<p class="iw-why">Due: {escape(describe_due(incident))}.</p>'
    if not review.text:
        line = review.settings.commands(review.folder.path).line("postmortem")
        html = blocks.note("Not written yet.", kind="warning") + due
        return Block(html + blocks.command("To write what is known:", line), "not written yet")
    missing, found = completeness(review.text).missing, review.lint()
    summary = f"{format_count(len(missing), 'section')} to write" if missing else "Every section is written"
    html = f'<p class="iw-verdict">{summary}</p>{due}{_where(review)}'
    if missing:
        html += blocks.note(f"Still to write: {', '.join(missing)}.", kind="warning")
    lines = [problem for problem in found if problem.rule != "to-write"]
    if lines:
        hide = review.folder.redactor.text
        rows = [(problem.line, problem.rule, hide(problem.text), problem.advice) for problem in lines]
        heads = ("line", "rule", "current text", "suggestion")
        html += plain("What to improve", heads, rows)
    elif not missing:
        html += blocks.note("Nothing to improve.", kind="ok")
    return Block(html, summary)


def _drawn(review: Review) -> str:
    snapshots = review.facts.snapshots
    if not snapshots:
        return ""
    last = snapshots[-1]
    return plot_moments(last.window, timeline.onset(snapshots), last.changes)


def _milestones(review: Review) -> dict[str, timeline.Milestone]:
    facts = review.facts
    return timeline.milestones(facts.incident, facts.snapshots)


def _impact(review: Review) -> Impact:
    incident = review.facts.incident
    began = _milestones(review)["began"].at or incident.started_at
    return measure(review.facts.snapshots, began, incident.resolved_at)


def _service(service: ServiceImpact) -> tuple[object, ...]:
    share = None if service.failed_ratio is None else format_share(service.failed_ratio)
    none = None if not service.has_times else "never"
    first, last = service.first_failure_at or none, service.last_failure_at or none
    return (
        service.service,
        service.requests_count,
        service.failed_count,
        share,
        service.refused_count,
        first,
        last,
    )


def _cause(cause: Cause, snapshots: int) -> str:
    tone = {"confirmed": "critical", "refuted": "ok"}.get(cause.verdict, "warning")
    seen = f"seen in {cause.snapshots_count} of {format_count(snapshots, 'snapshot')}"
    return (
        f'<article class="iw-finding iw-{tone}"><div class="iw-line">'
        f'<span class="iw-target">{escape(cause.target)}</span>'
        f'<h4 class="iw-title">{escape(cause.title)}</h4>'
        f'<code class="iw-id">{escape(cause.id)}</code></div>'
        f'<p class="iw-detail">{escape(headline(cause.status))}; {seen}</p>'
        f"{blocks.refs('For', cause.support)}{blocks.refs('Against', cause.against)}</article>"
    )


def _paragraph(name: str, text: str) -> str:
    return f'<p class="iw-why"><b>{escape(name)}.</b> {escape(text)}</p>'


def _where(review: Review) -> str:
    """Return the link to what is written, as the page of a run reaches it, and its place in words."""
    page = review.path.with_suffix(".html")
    name = page.name if page.exists() else review.path.name
    place = f"{review.folder.id}/{review.path.name}"
    return f'<p class="iw-why"><a href="{_UP}/{escape(name)}">Read it</a>: <code>{escape(place)}</code></p>'

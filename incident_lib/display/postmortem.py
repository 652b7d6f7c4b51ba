"""The review of an incident in notebooks: what happened, what it cost, why, and what is still to be written.

Everything comes from the incident's folder; what is unknown says so. `from incident_lib.display import
postmortem as show`, then `show.timeline(review)`.
"""

from html import escape

from incident_lib.display.block import Block
from incident_lib.display.grid import plain
from incident_lib.investigation.review import Review
from incident_lib.plots.moments import plot_moments
from incident_lib.reports import blocks
from incident_lib.reports import timeline as told
from incident_lib.reports.impact_text import describe_bounds, describe_impact, describe_method
from incident_lib.reports.postmortem import still_unknown
from incident_lib.reports.postmortem_causes import Cause, causes
from incident_lib.reports.postmortem_impact import Impact, ServiceImpact, measure
from incident_lib.reports.postmortem_status import completeness, describe_due
from incident_lib.units import format_count, format_share

_UP = "../../.."  # from the page of a run to the incident's folder
_NO_SNAPSHOT = "No snapshot was taken, so no evidence tells of it; what people recorded is all there is."


def story(review: Review) -> Block:
    """Return what happened, in order, each line with the source that says so."""
    rows = told.rows(review.facts.events, review.facts.snapshots)
    if not rows:
        return Block(blocks.note("Nothing was recorded.", kind="unknown"), "nothing was recorded")
    shown = plain(
        ("when (UTC)", "what", "kind", "source"), [(one.at, one.text, one.kind, one.source) for one in rows]
    )
    missing = "" if review.facts.snapshots else blocks.note(_NO_SNAPSHOT, kind="unknown")
    return Block(f"{_drawn(review)}{missing}{shown}", format_count(len(rows), "moment"))


def durations(review: Review) -> Block:
    """Return the milestones with their sources, and how long it took from one to another, by definition."""
    known = _milestones(review)
    moments = [(one.name, one.at, one.source) for one in known.values()]
    lengths = [(one.name, one.text, one.definition) for one in told.durations(known)]
    html = plain(("milestone", "when (UTC)", "source"), moments)
    html += plain(("measure", "length", "definition"), lengths)
    unknown = sum(one.at is None for one in known.values())
    return Block(html, f"{format_count(len(moments), 'milestone')}, {unknown} unknown")


def impact(review: Review) -> Block:
    """Return what it cost as far as logs tell, how that was counted, and what cannot be in it."""
    measured, said = _impact(review), review.facts.incident.impact
    found = describe_impact(measured)
    declared = f'<p class="iw-why">As it was declared or updated: {escape(said)}.</p>' if said else ""
    if not measured.services:
        return Block(blocks.note(found, kind="unknown") + declared, found)
    heads = ("log of", "requests", "failed (5xx)", "share", "refused (4xx)", "failures from", "until")
    html = f'<p class="iw-verdict">{escape(found)}</p>{declared}'
    html += plain(heads, [_service(one) for one in measured.services])
    for one in measured.services:
        if one.endpoints:
            rows = [(each.name, each.requests_count, each.failed_count) for each in one.endpoints]
            html += plain((f"endpoint of {one.service}", "requests", "failed (5xx)"), rows)
    html += _paragraph("Method", describe_method(measured)) + _paragraph("Bounds", describe_bounds(measured))
    cuts = [f"The log of {one.service}: {one.cut}." for one in measured.services if one.cut]
    return Block(html + "".join(blocks.note(one, kind="warning") for one in cuts), found)


def hypotheses(review: Review) -> Block:
    """Return every hypothesis that any snapshot supported, with what became of it; the refuted ones too."""
    facts = review.facts
    found = causes(facts.snapshots, facts.events, facts.patterns)
    if not found:
        said = "No hypothesis was supported by evidence." if facts.snapshots else _NO_SNAPSHOT
        return Block(blocks.note(said, kind="unknown"), "no hypothesis")
    cards = "".join(_cause(one, len(facts.snapshots)) for one in found)
    return Block(f'<div class="iw-findings">{cards}</div>', f"{len(found)} hypotheses")


def unknown(review: Review) -> Block:
    """Return what nobody knows: moments, stretches that no snapshot saw, probes that saw nothing."""
    lines = [*still_unknown(review.facts, _milestones(review), _impact(review))]
    lines += [f"Could not be read: {one}" for one in review.left_out]
    if not lines:
        said = "Everything that was asked for was answered."
        return Block(blocks.note(said, kind="ok"), said)
    items = "".join(f"<li>{escape(one)}</li>" for one in lines)
    return Block(f'<ul class="iw-actions">{items}</ul>', format_count(len(lines), "thing") + " unknown")


def written(review: Review) -> Block:
    """Return what is missing in the written post-mortem, when it is due, and where it is."""
    incident = review.facts.incident
    due = f'<p class="iw-why">Due: {escape(describe_due(incident))}.</p>'
    if not review.text:
        said = f"None is written yet: incident postmortem {incident.id} writes what is known."
        return Block(blocks.note(said, kind="warning") + due, "none is written yet")
    missing, found = completeness(review.text).missing, review.lint()
    said = f"{format_count(len(missing), 'section')} to write" if missing else "Every section is written"
    html = f'<p class="iw-verdict">{said}</p>{due}{_where(review)}'
    if missing:
        html += blocks.note(f"Still to write: {', '.join(missing)}.", kind="warning")
    lines = [one for one in found if one.rule != "to-write"]
    if lines:
        hide = review.folder.redactor.text
        rows = [(one.line, one.rule, hide(one.text), one.advice) for one in lines]
        html += plain(("line", "rule", "what stands there", "write instead"), rows)
    elif not missing:
        html += blocks.note("Nothing to write differently.", kind="ok")
    return Block(html, said)


def _drawn(review: Review) -> str:
    snapshots = review.facts.snapshots
    if not snapshots:
        return ""
    last = snapshots[-1]
    return plot_moments(last.window, told.onset(snapshots), last.changes)


def _milestones(review: Review) -> dict[str, told.Milestone]:
    facts = review.facts
    return told.milestones(facts.incident, facts.snapshots)


def _impact(review: Review) -> Impact:
    incident = review.facts.incident
    began = _milestones(review)["began"].at or incident.started_at
    return measure(review.facts.snapshots, began, incident.resolved_at)


def _service(one: ServiceImpact) -> tuple[object, ...]:
    share = None if one.failed_ratio is None else f"{format_share(one.failed_ratio)}"
    none = None if not one.has_times else "never"
    first, last = one.first_failure_at or none, one.last_failure_at or none
    return one.service, one.requests_count, one.failed_count, share, one.refused_count, first, last


def _cause(one: Cause, snapshots: int) -> str:
    tone = {"confirmed": "critical", "refuted": "ok"}.get(one.verdict, "warning")
    seen = f"seen in {one.snapshots_count} of {format_count(snapshots, 'snapshot')}"
    return (
        f'<article class="iw-finding iw-{tone}"><div class="iw-line">'
        f'<span class="iw-target">{escape(one.target)}</span><h4 class="iw-title">{escape(one.title)}</h4>'
        f'<code class="iw-id">{escape(one.id)}</code></div>'
        f'<p class="iw-detail">{escape(blocks.headline(one.status))}; {seen}</p>'
        f"{blocks.refs('For', one.support)}{blocks.refs('Against', one.against)}</article>"
    )


def _paragraph(name: str, text: str) -> str:
    return f'<p class="iw-why"><b>{escape(name)}.</b> {escape(text)}</p>'


def _where(review: Review) -> str:
    """Return the link to what is written, as the page of a run reaches it, and its place in words."""
    page = review.path.with_suffix(".html")
    name = page.name if page.exists() else review.path.name
    place = f"{review.folder.id}/{review.path.name}"
    return f'<p class="iw-why"><a href="{_UP}/{escape(name)}">Read it</a>: <code>{escape(place)}</code></p>'

"""`index.html`, where a reader starts: the answer first, then what it rests on, then what is not known."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import msgspec
from markupsafe import Markup

from incident_lib import clock
from incident_lib.findings.catalogue import Flag
from incident_lib.hypotheses import findings_named
from incident_lib.incident.attachments import Attached
from incident_lib.model import (
    Analysis,
    Event,
    EventKind,
    Evidence,
    EvidenceStatus,
    Finding,
    FindingSeverity,
    Holds,
    Window,
)
from incident_lib.model.notebooks import BY_NAME, display_name
from incident_lib.model.run import ExecutionStatus, NotebookRecord, RunRecord, RunStatus
from incident_lib.model.topology import Topology
from incident_lib.reports import blocks
from incident_lib.reports.attachments import render_attached
from incident_lib.reports.axis import Lane, Mark, render_axis
from incident_lib.reports.page import FATES, Banner, Frame, environment
from incident_lib.reports.situation import Situation
from incident_lib.technologies import catalogue
from incident_lib.units import format_count, format_duration

_MOST_CARDS = 12  # findings that cards show well; more of them are a table, too
_MOST_EVIDENCE = 120
_MOST_BASIS = 2  # findings next to the first action
_INCIDENT = "../../.."  # from a page of a run
_SHOWN = {EventKind.DECLARED, EventKind.STATUS, EventKind.SEVERITY, EventKind.NOTE, EventKind.DECISION}


class IndexFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that the index shows."""

    frame: Frame
    analysis: Analysis
    run: RunRecord
    window: Window
    evidence: tuple[Evidence, ...] = ()
    events: tuple[Event, ...] = ()
    changes: tuple[tuple[datetime, str, str], ...] = ()
    onset: datetime | None = None
    topology: Topology = Topology()
    command: tuple[str, str] = ("", "")  # what to type next: what for, and the line
    chart: str = ""  # of what users feel, as HTML
    attached: tuple[Attached, ...] = ()


def render_index(facts: IndexFacts) -> str:
    """Return the start page of a run as one self-contained HTML file."""
    failed = [record.name for record in _incomplete(facts.run)]
    first = facts.analysis.hypotheses[0] if facts.analysis.hypotheses else None
    telling = [each for each in facts.analysis.findings if each.severity is not FindingSeverity.OK]
    page = (
        environment()
        .get_template("index.html.j2")
        .render(
            page=facts.frame.page("Start here", failed=failed),
            banners=list(_banners(facts)),
            verdict=verdict(facts.analysis),
            circumstances=circumstances(facts),
            command=facts.command,
            chart=_markup(facts.chart),
            axis=_markup(_axis(facts)),
            table=_markup(blocks.as_table(telling) if len(telling) > _MOST_CARDS else ""),
            telling_count=len(telling),
            evidence=_markup(_evidence(facts)),
            first_action=first.first_action if first else "",
            basis=_markup(_basis(facts)),
            tally=_markup(blocks.tally(facts.analysis.findings)),
            hypotheses=_markup(blocks.hypotheses(facts.analysis, facts.topology, level=3)),
            findings=_markup(blocks.by_target(facts.analysis)),
            not_assessed=_markup(blocks.not_assessed(facts.analysis.not_assessed)),
            timeline=_markup(blocks.timeline(moments(facts.events, facts.changes, facts.onset))),
            attached=_markup(render_attached(facts.attached, _INCIDENT)),
            notebooks=[_notebook(record) for record in facts.run.notebooks],
            collection=list(_collection(facts)),
        )
    )
    return blocks.without_dead_links(blocks.unique_ids(page))


def circumstances(facts: IndexFacts) -> str:
    """Return since when it is so, who is hurt, and whether it goes on, as sentences behind the verdict."""
    frame, analysis = facts.frame, facts.analysis
    bad = [finding for finding in analysis.findings if finding.severity.is_bad]
    since = facts.onset or min((finding.since for finding in bad if finding.since), default=None)
    hurt = Situation(incident=frame.incident, at=frame.made_at, analysis=analysis).hurt
    parts = [f"Since {clock.format_time(since)}"] if since and bad else []
    parts += [hurt.rstrip(".")] if hurt else []
    seen = f"{facts.window.end:%H:%M:%S} UTC"
    then = "the end of the time range" if analysis.looks_back else "the time of the snapshot"
    if frame.incident.resolved_at:
        parts.append("It is resolved")
    elif any(finding.holds is Holds.NOW for finding in bad):
        parts.append(f"It was still ongoing at {then}, {seen}")
    elif bad:
        parts.append(f"Whether it was ongoing at {then}, {seen}, is unknown")
    return " ".join(f"{part}." for part in parts)


def _basis(facts: IndexFacts) -> str:
    """Return the strongest findings for the first hypothesis, each with the evidence that shows it."""
    analysis = facts.analysis
    if not analysis.hypotheses:
        return ""
    first = analysis.hypotheses[0]
    support = findings_named(first.support, first.target, analysis.findings, facts.topology)
    return blocks.basis([each for each in support if each.evidence][:_MOST_BASIS])


def _axis(facts: IndexFacts) -> str:
    """Return changes, onset, findings and what people did, on one axis of time."""
    bad = [each for each in facts.analysis.findings if each.severity.is_bad and each.since]
    findings = [
        Mark(
            at=each.since,
            text=f"{each.target}: {each.title}",
            tone=each.severity.lower(),
            anchor=blocks.anchor(each),
        )
        for each in sorted(bad, key=lambda each: each.severity.rank)[:_MOST_EVIDENCE]
        if each.since
    ]
    onset = [Mark(at=facts.onset, text="the trouble begins", tone="critical")] if facts.onset else []
    changes = [Mark(at=at, text=f"{target}: {what}", tone="warning") for at, target, what in facts.changes]
    people = [
        Mark(at=event.occurred_at, text=f"{event.kind.value}: {event.text}")
        for event in facts.events
        if event.kind in _SHOWN or event.kind is EventKind.MITIGATION
    ]
    lanes = (
        ("changes", changes),
        ("onset", onset),
        ("findings", findings),
        ("people", people[-_MOST_EVIDENCE:]),
    )
    drawn = (Lane(name=name, marks=tuple(marks)) for name, marks in lanes)
    return render_axis("Changes, onset, findings and actions", drawn, (facts.window.end,))


def _evidence(facts: IndexFacts) -> str:
    """Return the evidence that findings rest on, and what could not be collected; a cut is reported."""
    telling = [each for each in facts.analysis.findings if each.severity is not FindingSeverity.OK]
    named = dict.fromkeys(ref for finding in telling for each in finding.apart for ref in each.evidence)
    held = {each.ref: each for each in facts.evidence}
    shown = [held[ref] for ref in named if ref in held]
    rest = len(shown) - _MOST_EVIDENCE
    cut = blocks.note(f"{rest} more are in the snapshot's folder.") if rest > 0 else ""
    folder = f"../../../snapshots/{facts.frame.snapshot}"
    return blocks.evidence(shown[:_MOST_EVIDENCE], folder) + cut


def verdict(analysis: Analysis) -> str:
    """Return in one sentence what the evidence says; never "ok" for what was not seen."""
    if analysis.hypotheses:
        first = analysis.hypotheses[0]
        return f"Most likely: {first.title}"
    bad = [finding for finding in analysis.findings if finding.severity.is_bad]
    if bad and not nothing_here(analysis):
        return f"No known pattern explains it, but {format_count(len(bad), 'finding')} should be checked"
    if unknown := _unknown(analysis):
        return unknown
    if not any(finding.severity is FindingSeverity.OK for finding in analysis.findings):
        return "Nothing could be judged: see “Not assessed”"
    blind = len(analysis.not_assessed)
    unseen = f", but {format_count(blind, 'probe')} could not be judged" if blind else ""
    if past := [finding for finding in analysis.findings if finding.is_past]:
        more = f" and {len(past) - 1} more" if past[1:] else ""
        return f"Recovered: {past[0].target}, {past[0].title}{more}. Nothing is wrong now{unseen}"
    return f"No problem was found in what was checked{unseen}"


def _unknown(analysis: Analysis) -> str:
    """Return what is not known although nothing bad was found, "" for nothing of that kind."""
    if nothing := nothing_here(analysis):
        return f"{nothing.title[:1].upper()}{nothing.title[1:]}. {nothing.detail}"
    if failed := failed_at_unknown_time(analysis):
        return f"Whether it still fails is unknown: {failed.target}, {failed.title}"
    return ""


def nothing_here(analysis: Analysis) -> Finding | None:
    """Return that nothing is configured and nothing was found to look at."""
    return next((f for f in analysis.findings if catalogue().has(f, Flag.NOTHING_HERE)), None)


def failed_at_unknown_time(analysis: Analysis) -> Finding | None:
    """Return that requests failed, where it is not known when: it may be so now."""
    return next(
        (
            finding
            for finding in analysis.findings
            if finding.severity is FindingSeverity.UNKNOWN and catalogue().has(finding, Flag.ERROR_RATE)
        ),
        None,
    )


def moments(
    events: tuple[Event, ...], changes: tuple[tuple[datetime, str, str], ...], onset: datetime | None
) -> Iterator[tuple[datetime, str, str]]:
    """Yield what happened: when, its kind, and what."""
    for event in events:
        if event.kind in _SHOWN:
            yield event.occurred_at, event.kind.value, event.text
    for moment, target, what in changes:
        yield moment, "change", f"{target}: {what}"
    if onset:
        yield onset, "onset", "the trouble begins"


def _banners(facts: IndexFacts) -> Iterator[Banner]:
    if facts.run.status is RunStatus.INTERRUPTED:
        yield Banner(title="This run was interrupted", text="What it found until then is here.")
    if facts.run.status is RunStatus.RUNNING:
        yield Banner(
            title="This run is in progress",
            text="The findings are complete; the notebook pages follow. Reload this page.",
        )
    if incomplete := _incomplete(facts.run):
        text = "; ".join(
            f"{display_name(record.name)}: {record.error or FATES[record.status]}" for record in incomplete
        )
        yield Banner(title=f"{format_count(len(incomplete), 'notebook')} did not complete", text=text)


def _incomplete(run: RunRecord) -> list[NotebookRecord]:
    """Return the notebooks that did not complete; while the run goes on, none of those that may yet."""
    well = {
        ExecutionStatus.COMPLETED,
        *((ExecutionStatus.NOT_RUN,) if run.status is RunStatus.RUNNING else ()),
    }
    return [record for record in run.notebooks if record.status not in well]


def _notebook(record: NotebookRecord) -> dict[str, Any]:
    known = BY_NAME.get(record.name)
    return {
        "text": display_name(record.name),
        "href": f"{record.name}.html",
        "status": record.status.value,
        "fate": FATES[record.status],
        "note": record.error or (known.question if known else ""),
    }


def _collection(facts: IndexFacts) -> Iterator[tuple[str, str]]:
    window = facts.window
    yield "Window of the logs", f"{window.start:%H:%M:%S} to {window.end:%H:%M:%S} UTC"
    seen = [evidence for evidence in facts.evidence if evidence.has_rows]
    if facts.evidence:
        yield "Probes that returned data", f"{len(seen)} of {len(facts.evidence)}"
        yield "Targets", str(len({evidence.target for evidence in facts.evidence}))
    partial = [evidence.ref for evidence in facts.evidence if evidence.status is EvidenceStatus.PARTIAL]
    if partial:
        yield "Only partly read", ", ".join(partial)
    for evidence in facts.evidence:
        if cut := evidence.truncated:
            total = f"of {cut.total}" if cut.total is not None else "and there was more"
            yield f"Truncated: {evidence.ref}", f"{cut.kept:,} {cut.unit} kept {total}"
    seconds = sum(record.seconds or 0 for record in facts.run.notebooks)
    yield "Notebooks took", format_duration(seconds)


def _markup(html: str) -> Markup:
    return Markup(html)  # noqa: S704 - the blocks escape what they did not make

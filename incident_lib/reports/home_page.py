"""The home of an incident, and the list of all incidents: pages that are made anew from the folders alone."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

import msgspec
from markupsafe import Markup

from incident_lib import clock
from incident_lib.model import Event, EventKind, Incident, IncidentStatus
from incident_lib.model.commands import Commands
from incident_lib.reports.axis import Lane, Mark, render_axis
from incident_lib.reports.groups import headline
from incident_lib.reports.home import DraftLine, Known, MitigationLine, RunLine
from incident_lib.reports.page import environment
from incident_lib.units import format_duration

MOST_EVENTS = 250  # rows of the timeline; `incident timeline --html` writes all
_DOTS = 120  # of each lane
_LANES = {
    EventKind.OBSERVED: "changes",
    EventKind.MITIGATION: "mitigations",
    EventKind.SNAPSHOT: "workbench",
    EventKind.RUN: "workbench",
}
_ORDER = ("changes", "people", "mitigations", "workbench")
_TONES = {"changes": "warning", "people": "info", "mitigations": "ok", "workbench": "quiet"}


class Attachment(msgspec.Struct, frozen=True, kw_only=True):
    """A file of the incident that a reader may want, and what it is."""

    name: str
    about: str


class HomeFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that the home of an incident shows."""

    incident: Incident
    events: tuple[Event, ...]
    made_at: datetime
    proposed: Commands = Commands()
    is_foreign: bool = False
    causes: tuple[Known, ...] = ()
    runs: tuple[RunLine, ...] = ()
    mitigations: tuple[MitigationLine, ...] = ()
    drafts: tuple[DraftLine, ...] = ()
    postmortem: tuple[Attachment, ...] = ()
    postmortem_state: str = ""
    evidence: tuple[Attachment, ...] = ()


class ListedIncident(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the list of all incidents."""

    id: str
    title: str
    severity: str
    status: str
    started_at: datetime
    resolved_at: datetime | None = None
    next_update_at: datetime | None = None
    commander: str = ""


def render_home(facts: HomeFacts) -> str:
    """Return the home of an incident as one self-contained HTML file."""
    incident = facts.incident
    shown = [event for event in facts.events if not event.data.keys() & {"file", "verdict"}]
    ordered = sorted(shown, key=lambda event: event.occurred_at)
    listed = ordered[-MOST_EVENTS:]
    decisions = [e for e in facts.events if e.kind is EventKind.DECISION and "verdict" not in e.data]
    return (
        environment()
        .get_template("history/home.html.j2")
        .render(
            title=incident.title,
            incident=incident,
            state=state_sentence(incident, facts.made_at),
            cause=facts.causes[0] if facts.causes else None,
            headline=headline,
            causes=facts.causes[1:],
            commands=list(_commands(facts)),
            runs=tuple(reversed(facts.runs)),
            mitigations=facts.mitigations,
            decisions=decisions,
            tasks=incident.tasks,
            drafts=facts.drafts,
            postmortem=facts.postmortem,
            postmortem_state=facts.postmortem_state,
            evidence=facts.evidence,
            lines=tuple(reversed(listed)),
            left_out=len(ordered) - len(listed),
            timeline=facts.proposed.line("timeline", "--html", f"timeline-{incident.id}.html"),
            axis=_axis(listed, incident),
            gantt=_gantt(facts),
            roles=[("commander", incident.commander), *incident.roles.items()],
            is_late=bool(incident.next_update_at and incident.next_update_at < facts.made_at),
            lasted=_lasted(incident, facts.made_at),
            verify=facts.proposed.line("verify"),
            made_at=clock.format_time(facts.made_at),
        )
    )


def render_list(listed: Sequence[ListedIncident], damaged: Sequence[str] = (), *, made_at: datetime) -> str:
    """Return the list of all incidents, those that go on first, as one self-contained HTML file."""
    going_on = [each for each in listed if each.resolved_at is None and each.status != "CLOSED"]
    return (
        environment()
        .get_template("history/incidents.html.j2")
        .render(
            title="Incidents",
            going_on=going_on,
            listed=listed,
            damaged=damaged,
            lasted=lambda each: _span(each.started_at, each.resolved_at),
            made_at=clock.format_time(made_at),
        )
    )


def state_sentence(incident: Incident, at: datetime) -> str:
    """Return in a sentence where the incident stands."""
    lasted = _lasted(incident, at)
    if incident.closed_at:
        return f"It is closed; it lasted {lasted}."
    if incident.resolved_at:
        return f"It is resolved; it lasted {lasted}."
    words = {
        IncidentStatus.INVESTIGATING: "The cause is being investigated",
        IncidentStatus.IDENTIFIED: "The cause is identified",
        IncidentStatus.MITIGATING: "It is being mitigated",
    }
    return f"It is ongoing. {words.get(incident.status, incident.status.value.capitalize())}."


def _lasted(incident: Incident, at: datetime) -> str:
    return _span(incident.started_at, incident.resolved_at or at)


def _span(start: datetime, end: datetime | None) -> str:
    return format_duration(max(0.0, (end - start).total_seconds())) if end else ""


def _commands(facts: HomeFacts) -> Iterator[tuple[str, str]]:
    """Yield what a reader would type next, the likeliest first: what for, and the line."""
    line = facts.proposed.line
    if facts.is_foreign:
        yield "Replay what was collected:", line("run", "--snapshot", "latest")
    elif facts.incident.is_open:
        yield "Check again and update this page:", line("run")
        yield (
            "Write an update for stakeholders:",
            line("update", "--findings", "what is known", "--actions", "what is being done"),
        )
        yield "Write a note:", line("note", "what happened")
    elif not facts.postmortem:
        yield "Write the post-mortem:", line("postmortem")
    else:
        yield "Check the post-mortem:", line("postmortem", "--lint")


def _lane(event: Event) -> str:
    return _LANES.get(event.kind, "people")


def _axis(events: Sequence[Event], incident: Incident) -> Markup:
    marks: dict[str, list[Mark]] = {}
    for event in events:
        lane = _lane(event)
        bad = event.data.get("severity") == "CRITICAL" or "trouble begins" in event.text
        tone = "critical" if bad and lane == "changes" else _TONES[lane]
        mark = Mark(
            at=event.occurred_at,
            text=f"{event.kind.value}: {event.text}",
            tone=tone,
            anchor=f"event-{event.id}",
        )
        marks.setdefault(lane, []).append(mark)
    lanes = [Lane(name=name, marks=tuple(marks.get(name, [])[-_DOTS:])) for name in _ORDER]
    return _markup(render_axis("What happened when", lanes, (incident.started_at,)))


def _gantt(facts: HomeFacts) -> Markup:
    """Return the response as bars: its phases, who worked on what, and the changes."""
    incident = facts.incident
    now = incident.resolved_at or facts.made_at
    steps = [
        ("detect", incident.started_at, "critical"),
        ("acknowledge", max(incident.started_at, incident.declared_at), "warning"),
        ("find the cause", incident.acknowledged_at, "unknown"),
        ("mitigate", incident.identified_at, "info"),
        ("watch", incident.mitigated_at, "ok"),
    ]
    known = [(name, at, tone) for name, at, tone in steps if at is not None and at <= now]
    known = [each for index, each in enumerate(known) if index == 0 or each[1] >= known[index - 1][1]]
    ends = [*(at for _, at, _ in known[1:]), now]
    phases = [
        Lane(name=name, marks=(Mark(at=at, until=end, text=_length(at, end), tone=tone),))
        for (name, at, tone), end in zip(known, ends, strict=True)
        if end > at
    ]
    starts = {f"t{event.id[:8]}": event.occurred_at for event in facts.events if event.kind is EventKind.TASK}
    tasks = [
        Lane(
            name=task.owner or "task",
            marks=(
                Mark(
                    at=starts[task.id],
                    until=max(task.done_at or facts.made_at, starts[task.id] + timedelta(seconds=1)),
                    text=task.text,
                    tone="quiet",
                ),
            ),
        )
        for task in incident.tasks[:20]
        if task.id in starts
    ]
    changes = [
        Lane(
            name="change",
            marks=(
                Mark(
                    at=each.begun_at,
                    until=each.ended_at or facts.made_at,
                    text=each.title,
                    tone="ok" if each.status == "verified" else "warning",
                ),
            ),
        )
        for each in facts.mitigations[:20]
    ]
    return _markup(render_axis("The response", [*phases, *tasks, *changes]))


def _length(start: datetime, end: datetime) -> str:
    return format_duration((end - start).total_seconds())


def _markup(html: str) -> Markup:
    return Markup(html)  # noqa: S704 - the axis escapes what it did not make

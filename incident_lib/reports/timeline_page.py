"""The timeline to read, to print and to export: every event, when it was written down, and its evidence."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import pairwise

import msgspec
from markupsafe import Markup

from incident_lib import clock
from incident_lib.incident.events import Draft
from incident_lib.model import Event, EventKind, Incident
from incident_lib.plots.lanes import Moment, Stretch, plot_lanes
from incident_lib.reports.page import environment

_LANES = {
    EventKind.OBSERVED: "evidence",
    EventKind.MITIGATION: "mitigation",
    EventKind.SNAPSHOT: "workbench",
    EventKind.RUN: "workbench",
}
_PEOPLE = "people"
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One line. `recorded_at` is None for what a snapshot shows and no event records."""

    occurred_at: datetime
    recorded_at: datetime | None
    kind: str
    text: str
    source: str
    evidence: tuple[str, ...] = ()
    snapshot: str = ""
    severity: str = ""

    @property
    def is_bad(self) -> bool:
        """Whether it is trouble."""
        return self.severity == "CRITICAL" or ": trouble begins" in self.text


def entries(events: Iterable[Event], observed: Iterable[Draft] = ()) -> tuple[Entry, ...]:
    """Return one line for each event and each observation that is not written down, oldest first."""
    lines = [_entry(event, event.recorded_at) for event in events]
    lines += [_entry(draft, None) for draft in observed]
    return tuple(sorted(lines, key=lambda entry: (entry.occurred_at, entry.kind, entry.text)))


def to_csv(lines: Iterable[Entry]) -> str:
    """Return the lines for a spreadsheet; a text that would be a formula there is made harmless."""
    target = io.StringIO()
    writer = csv.writer(target)
    writer.writerow(("occurred_at", "recorded_at", "kind", "text", "source", "evidence", "snapshot"))
    for line in lines:
        recorded = line.recorded_at.isoformat() if line.recorded_at else ""
        row = (line.kind, line.text, line.source, " ".join(line.evidence), line.snapshot)
        writer.writerow((line.occurred_at.isoformat(), recorded, *map(_cell, row)))
    return target.getvalue()


def render_timeline(incident: Incident, lines: Sequence[Entry], *, made_at: datetime) -> str:
    """Return the page as a self-contained HTML file, the chart first."""
    lanes = [name for name in (_PEOPLE, "mitigation", "evidence", "workbench") if _any(lines, name)]
    moments = [
        Moment(lane=_lane(line.kind), at=line.occurred_at, text=line.text, is_bad=line.is_bad)
        for line in lines
    ]
    plot = plot_lanes("What happened when", lanes, moments, tuple(_stretches(incident, lines)))
    return (
        environment()
        .get_template("history/timeline.html.j2")
        .render(
            title=f"Timeline: {incident.title}",
            incident=incident,
            plot=Markup(plot),  # noqa: S704 - plots escape what they are given
            lines=lines,
            utc=clock.format_time,
            made_at=clock.format_time(made_at),
        )
    )


def _entry(item: Event | Draft, recorded_at: datetime | None) -> Entry:
    return Entry(
        occurred_at=item.occurred_at or recorded_at or clock.now(),
        recorded_at=recorded_at,
        kind=item.kind.value,
        text=item.text,
        source=item.source,
        evidence=item.evidence,
        snapshot=str(item.data.get("snapshot", "")),
        severity=str(item.data.get("severity", "")) if item.kind is EventKind.OBSERVED else "",
    )


def _stretches(incident: Incident, lines: Sequence[Entry]) -> Iterator[Stretch]:
    """Yield each status and how long it held, as far as the milestones show."""
    known = [("INVESTIGATING", incident.started_at), ("IDENTIFIED", incident.identified_at)]
    known += [("RESOLVED", incident.resolved_at)]
    last = max((line.occurred_at for line in lines), default=incident.started_at)
    held = [(name, at) for name, at in known if at is not None]
    for (name, start), (_, until) in pairwise([*held, ("", last)]):
        if until > start:
            yield Stretch(name=name, start=start, end=until)


def _any(lines: Sequence[Entry], lane: str) -> bool:
    return any(_lane(line.kind) == lane for line in lines)


def _lane(kind: str) -> str:
    return _LANES.get(EventKind(kind), _PEOPLE)


def _cell(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text

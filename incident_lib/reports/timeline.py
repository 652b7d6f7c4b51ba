"""The timeline of an incident, its milestones and its durations: each with the source that says so."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

import msgspec

from incident_lib.model import Analysis, Event, EventKind, Evidence, FindingSeverity, Incident, Window
from incident_lib.model.topology import Topology
from incident_lib.technologies import catalogue
from incident_lib.units import format_duration

_SAME = timedelta(seconds=5)  # what two snapshots record of the same change
_LATE = timedelta(minutes=5)  # written down that long after it happened: worth saying
_HIDDEN = {"file", "verdict"}  # events about drafts and about the review are not about the incident


class SnapshotFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What one snapshot says, as plain data."""

    id: str
    window: Window
    analysis: Analysis
    evidence: tuple[Evidence, ...] = ()
    changes: tuple[tuple[datetime, str, str], ...] = ()  # when, at which target, what
    onset: datetime | None = None
    topology: Topology = Topology()


class TimelineRow(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the timeline."""

    at: datetime
    text: str
    kind: str  # an event's kind, "change", "onset" or "finding"
    source: str  # who or what says so


class Milestone(msgspec.Struct, frozen=True, kw_only=True):
    """A moment that durations are counted from and to; `at` is None where nothing recorded it."""

    name: str
    at: datetime | None
    source: str


class Duration(msgspec.Struct, frozen=True, kw_only=True):
    """A length of time between two milestones; None where one of them is unknown."""

    name: str
    seconds: float | None
    definition: str

    @property
    def text(self) -> str:
        """The length for people; what is not known says so."""
        return "unknown" if self.seconds is None else format_duration(self.seconds)


def rows(events: Iterable[Event], snapshots: tuple[SnapshotFacts, ...]) -> tuple[TimelineRow, ...]:
    """Return everything that is known to have happened, in order, each with its source."""
    # What a snapshot shows is recorded when it is taken; evidence stands in only for one whose was not.
    recorded = {event.data.get("snapshot") for event in events if event.kind is EventKind.OBSERVED}
    missing = tuple(snapshot for snapshot in snapshots if snapshot.id not in recorded)
    found = [*_from_events(events), *_from_evidence(missing)]
    return tuple(sorted(found, key=lambda row: (row.at, row.kind, row.text)))


def onset(snapshots: tuple[SnapshotFacts, ...]) -> datetime | None:
    """Return when trouble began, the earliest that any snapshot shows; None when none does."""
    return min((snapshot.onset for snapshot in snapshots if snapshot.onset), default=None)


def milestones(incident: Incident, snapshots: tuple[SnapshotFacts, ...]) -> dict[str, Milestone]:
    """Return the five milestones by name; what was not recorded has no moment."""
    first_trouble = onset(snapshots)
    began = min(first_trouble or incident.started_at, incident.started_at)
    source = "as declared" if began == incident.started_at else "first trouble in the logs"
    over = incident.resolved_at
    late = over is not None and incident.declared_at > over
    mitigated = incident.mitigated_at
    return {
        milestone.name: milestone
        for milestone in (
            Milestone(name="began", at=began, source=source),
            Milestone(
                name="detected",
                at=None if late else incident.declared_at,
                source="declared only after it was over" if late else "when it was declared",
            ),
            Milestone(name="acknowledged", at=incident.acknowledged_at, source=_by(incident.acknowledged_at)),
            Milestone(name="mitigated", at=mitigated, source=_by(mitigated)),
            Milestone(name="resolved", at=over, source=_by(over)),
        )
    }


def durations(known: dict[str, Milestone]) -> tuple[Duration, ...]:
    """Return the four durations with their definitions; unknown where a milestone is."""
    return tuple(
        Duration(
            name=f"Time to {name}",
            seconds=_between(known[start].at, known[end].at),
            definition=f"from {start} to {end}",
        )
        for name, start, end in (
            ("detect", "began", "detected"),
            ("acknowledge", "detected", "acknowledged"),
            ("mitigate", "began", "mitigated"),
            ("resolve", "began", "resolved"),
        )
    )


def _from_events(events: Iterable[Event]) -> Iterator[TimelineRow]:
    for event in events:
        if _HIDDEN & event.data.keys():
            continue
        if event.kind is EventKind.DECLARED:
            yield from _declared(event)
            continue
        late = event.recorded_at - event.occurred_at > _LATE
        written = f", entered {event.recorded_at:%Y-%m-%d %H:%M}" if late else ""
        yield TimelineRow(
            at=event.occurred_at,
            text=event.text,
            kind=event.kind.value,
            source=f"recorded by {event.source}{written}",
        )


def _declared(event: Event) -> Iterator[TimelineRow]:
    """Yield two rows: the event says when it began, and its record when it was declared."""
    source = f"recorded by {event.source}"
    text = f"It began, as declared: {event.text}"
    yield TimelineRow(at=event.occurred_at, text=text, kind="began", source=source)
    severity = event.data.get("severity", "")
    declared = f"Declared as {severity}" if severity else "Declared"
    yield TimelineRow(at=event.recorded_at, text=declared, kind=event.kind.value, source=source)


def _from_evidence(snapshots: tuple[SnapshotFacts, ...]) -> Iterator[TimelineRow]:
    first = next((item for item in snapshots if item.onset and item.onset == onset(snapshots)), None)
    if first and first.onset:
        yield TimelineRow(at=first.onset, text="Trouble begins", kind="onset", source=f"logs in {first.id}")
    changes: dict[tuple[str, str], list[datetime]] = {}  # sorted: a long incident has thousands
    critical: set[str] = set()
    over: set[tuple[str, datetime | None]] = set()
    for snapshot in snapshots:
        for at, target, what in snapshot.changes:
            known = changes.setdefault((target, what), [])
            place = bisect_left(known, at)
            if not any(abs(at - when) <= _SAME for when in known[max(0, place - 1) : place + 1]):
                known.insert(place, at)
                source = f"evidence in {snapshot.id}"
                yield TimelineRow(at=at, text=f"{target}: {what}", kind="change", source=source)
        for finding in snapshot.analysis.findings:
            if finding.severity is FindingSeverity.CRITICAL and finding.since and finding.ref not in critical:
                critical.add(finding.ref)
                source = f"{finding.id} in {snapshot.id}"
                text = f"{finding.target}: {finding.title}"
                yield TimelineRow(at=finding.since, text=text, kind="finding", source=source)
            is_new = finding.is_past and (finding.ref, finding.until) not in over
            if is_new and finding.until and catalogue()[finding.id].is_felt:
                over.add((finding.ref, finding.until))
                source = f"{finding.id} in {snapshot.id}"
                text = f"{finding.target}: {finding.title}"
                yield TimelineRow(at=finding.until, text=text, kind="recovered", source=source)


def _by(at: datetime | None) -> str:
    return "recorded" if at else "not recorded"


def _between(start: datetime | None, end: datetime | None) -> float | None:
    """Return the seconds between two moments; an end before its start is a wrong record, so unknown."""
    if start is None or end is None or end < start:
        return None
    return (end - start).total_seconds()

"""The incident, its severity and status, and the events it is folded from."""

from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from incident_lib.errors import UsageError
from incident_lib.model import shown


class IncidentSeverity(StrEnum):
    """SEV1 (complete outage) to SEV4 (minor)."""

    SEV1 = "SEV1"
    SEV2 = "SEV2"
    SEV3 = "SEV3"
    SEV4 = "SEV4"

    @property
    def impact(self) -> str:
        """What users feel."""
        return _SEVERITIES[self][0]

    @property
    def respond_within(self) -> timedelta:
        """How soon an engineer must be at work on it."""
        return timedelta(minutes=_SEVERITIES[self][1])

    @property
    def update_every(self) -> timedelta:
        """How often those who wait hear something."""
        return timedelta(minutes=_SEVERITIES[self][2])

    @classmethod
    def parse(cls, text: str) -> "IncidentSeverity":
        """Return the severity that `text` names, in any case; P1 to P4 are names for SEV1 to SEV4.

        >>> IncidentSeverity.parse("p1")
        <IncidentSeverity.SEV1: 'SEV1'>
        """
        name = text.strip().upper()
        name = f"SEV{name[1:]}" if name[:1] == "P" else name
        if name not in cls.__members__:
            raise UsageError(f"{text!r} is not a severity; use SEV1, SEV2, SEV3 or SEV4 (or P1 to P4)")
        return cls(name)


_SEVERITIES = {
    IncidentSeverity.SEV1: ("complete outage, all users", 5, 15),
    IncidentSeverity.SEV2: ("major degradation, most users", 15, 30),
    IncidentSeverity.SEV3: ("partial degradation, some users", 60, 120),
    IncidentSeverity.SEV4: ("minor, few users", 240, 1440),
}


class IncidentStatus(StrEnum):
    """Where an incident stands."""

    INVESTIGATING = "INVESTIGATING"
    IDENTIFIED = "IDENTIFIED"
    MITIGATING = "MITIGATING"
    RESOLVED = "RESOLVED"
    CLOSED = "CLOSED"

    @classmethod
    def parse(cls, text: str) -> "IncidentStatus":
        """Return the status that `text` names, in any case."""
        name = text.strip().upper()
        if name not in cls.__members__:
            raise UsageError(f"{text!r} is not a status; use one of {', '.join(cls.__members__)}")
        return cls(name)


class EventKind(StrEnum):
    """What an event records."""

    DECLARED = "declared"
    ACKNOWLEDGED = "acknowledged"
    STATUS = "status"
    SEVERITY = "severity"
    ROLE = "role"
    NOTE = "note"
    TASK = "task"
    DECISION = "decision"
    SNAPSHOT = "snapshot"
    RUN = "run"
    OBSERVED = "observed"  # found in evidence: a restart, a deploy, the onset
    MITIGATION = "mitigation"  # a change to a target: planned, begun, ended
    MESSAGE = "message"  # sent to a channel, or tried


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened, with when it happened apart from when it was written down."""

    id: str
    kind: EventKind
    occurred_at: datetime
    recorded_at: datetime
    source: str  # who or what says so: "declare", "cli", a person, a probe
    text: str
    evidence: tuple[str, ...] = ()
    data: dict[str, str | list[str]] = {}
    previous: str = ""  # SHA-256 of the event before it, as far as the writer could see

    def __repr__(self) -> str:
        return shown.line("Event", f"{self.kind} {self.occurred_at:%H:%M:%S} {self.source}: {self.text}")

    def _repr_html_(self) -> str:
        """Return what a cell shows."""
        values = {"at": self.occurred_at, "kind": self.kind, "source": self.source, "evidence": self.evidence}
        return shown.facts(self.text, values)


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """Something that a person does during the incident. Its id stays when two copies are merged."""

    id: str  # of the event that it is from: "t" and its first digits
    number: int  # its place among the tasks; 0 where that depends on the copy that one looks at
    text: str
    owner: str
    done_at: datetime | None = None


_AT_ONCE = timedelta(minutes=1)  # a declaration without a time of the start: it is that of the declaration


class Incident(msgspec.Struct, frozen=True, kw_only=True):
    """The state of an incident, folded from its events: the content of incident.json."""

    id: str
    title: str
    severity: IncidentSeverity
    status: IncidentStatus
    started_at: datetime
    declared_at: datetime
    commander: str = ""
    impact: str = ""
    services: tuple[str, ...] = ()
    roles: dict[str, str] = {}  # besides the commander: communication lead, scribe, ...
    tasks: tuple[Task, ...] = ()
    acknowledged_at: datetime | None = None
    identified_at: datetime | None = None
    mitigated_at: datetime | None = None  # the first change that was verified since it was reopened
    updated_at: datetime | None = None  # the last update that was sent to those who wait
    resolved_at: datetime | None = None
    closed_at: datetime | None = None

    def __repr__(self) -> str:
        return shown.line("Incident", f"{self.id} {self.severity} {self.status}: {self.title}")

    def _repr_html_(self) -> str:
        """Return what a cell shows."""
        values = {
            "id": self.id,
            "severity": self.severity,
            "status": self.status,
            "impact": self.impact,
            "commander": self.commander,
            "services": self.services,
            "started": self.started_at,
            "resolved": self.resolved_at,
            "next update": self.next_update_at,
        }
        return shown.facts(self.title, values)

    @property
    def start_label(self) -> str:
        """What `started_at` is: "Started" where a person gave a time, else "Declared"."""
        return "Started" if self.declared_at - self.started_at > _AT_ONCE else "Declared"

    @property
    def is_open(self) -> bool:
        """Whether it is still open: not RESOLVED and not CLOSED."""
        return self.status not in {IncidentStatus.RESOLVED, IncidentStatus.CLOSED}

    @property
    def respond_by(self) -> datetime:
        """When an engineer must have started working on it."""
        return self.declared_at + self.severity.respond_within

    @property
    def next_update_at(self) -> datetime | None:
        """When the next status update is due; None once resolved."""
        return (self.updated_at or self.declared_at) + self.severity.update_every if self.is_open else None

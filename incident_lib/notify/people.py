"""Who is notified at each severity, who comes next, and who these people are today. Pure."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta

import msgspec

from incident_lib.config.on_call import Duty, duty_at, stand_in_at
from incident_lib.config.tables import Contact, Document
from incident_lib.model import Incident, IncidentSeverity

ON_CALL = "on-call"
STAND_IN = "stand-in"


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the contact matrix: which role is notified, and how."""

    part: str  # primary, secondary, management, communication
    role: str  # a role of [[contact]], or a channel of [channels]
    way: str


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """A step of an escalation path."""

    role: str
    when: str
    after: timedelta | None = None  # since the start, where time alone decides


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """A person to notify, found in the configuration; `missing` says what to add there."""

    role: str
    contact: Contact | None = None
    missing: str = ""

    @property
    def line(self) -> str:
        """The person with every way to them, or what is not configured."""
        if self.contact is None:
            return f"not configured: {self.missing}"
        ways = [
            self.contact.chat,
            f"pager {self.contact.pager}" if self.contact.pager else "",
            f"phone {self.contact.phone}" if self.contact.phone else "",
        ]
        listed = ", ".join(filter(None, ways)) or self.missing or "no chat, pager or phone is configured"
        return f"{self.contact.name} ({listed})"


_MATRIX = {
    IncidentSeverity.SEV1: (
        ("primary", ON_CALL, "page now"),
        ("secondary", STAND_IN, "page if the primary does not answer within 5 min"),
        ("management", "engineering manager", "page now"),
        ("management", "VP", "notify; joins if it is not resolved within 30 min"),
        ("communication", "incidents", "everything happens here"),
        ("communication", "status_updates", "status page"),
    ),
    IncidentSeverity.SEV2: (
        ("primary", ON_CALL, "page now"),
        ("secondary", "team lead", "notify"),
        ("management", "engineering manager", "notify"),
        ("communication", "incidents", "everything happens here"),
        ("communication", "status_updates", "status page, if users notice"),
    ),
    IncidentSeverity.SEV3: (
        ("primary", ON_CALL, "notify in chat"),
        ("communication", "incidents_low", "everything happens here"),
    ),
    IncidentSeverity.SEV4: (("communication", "ticket", "open a ticket for working hours"),),
}
_PATHS = {
    "technical": (
        Step(role=ON_CALL, when="first"),
        Step(role="team lead", when="when on-call needs help or is stuck"),
        Step(role="engineering manager", when="when people or a decision are needed"),
        Step(role="VP", when="SEV1 not resolved within 30 min", after=timedelta(minutes=30)),
    ),
    "data or security": (
        Step(role=ON_CALL, when="first"),
        Step(role="security lead", when="at once, if data or access may be affected"),
        Step(role="CTO", when="if a breach is confirmed"),
        Step(role="legal", when="if a breach is confirmed"),
    ),
    "vendor": (
        Step(role=ON_CALL, when="first"),
        Step(role="integration lead", when="when an outside dependency is the cause"),
        Step(role="vendor support", when="with times, request ids and what was measured"),
    ),
}
_ALIASES = {
    "on call": "on-call",
    "oncall": "on-call",
    "primary": "on-call",
    "vice president": "vp",
    "em": "engineering manager",
    "manager": "engineering manager",
    "lead": "team lead",
    "security": "security lead",
}


def contact_matrix(severity: IncidentSeverity) -> tuple[Notice, ...]:
    """Return who is notified at `severity`, and how.

    >>> [f"{notice.role}: {notice.way}" for notice in contact_matrix(IncidentSeverity.SEV4)]
    ['ticket: open a ticket for working hours']
    """
    return tuple(Notice(part=part, role=role, way=way) for part, role, way in _MATRIX[severity])


def escalation_paths() -> dict[str, tuple[Step, ...]]:
    """Return the ways up: technical, data or security, vendor."""
    return dict(_PATHS)


def steps_due(incident: Incident, at: datetime) -> tuple[tuple[Step, datetime], ...]:
    """Return the steps that time alone has made due, each with since when."""
    if incident.severity is not IncidentSeverity.SEV1 or not incident.is_open:
        return ()
    due = ((step, incident.started_at + step.after) for step in _PATHS["technical"] if step.after)
    return tuple((step, since) for step, since in due if since <= at)


def on_call_at(document: Document, at: datetime) -> tuple[Person, Duty | None]:
    """Return who has the pager at `at`, and by which rule; None for a fixed contact or none."""
    duty = duty_at(document.on_call, at)
    if duty is None:
        return _by_role(
            document, ON_CALL, 'add [on_call] rotation, or a [[contact]] with role = "on-call"'
        ), None
    return _by_name(document, ON_CALL, duty.who), duty


def person_for(document: Document, role: str, at: datetime) -> Person:
    """Return who has `role` at that moment, or what is missing in the configuration."""
    if role == ON_CALL:
        return on_call_at(document, at)[0]
    if role == STAND_IN and (name := stand_in_at(document.on_call, at)):
        return _by_name(document, STAND_IN, name)
    return _by_role(document, role, f'add a [[contact]] with role = "{role}"')


def vendors(document: Document) -> Iterator[tuple[str, str]]:
    """Yield each outside dependency with its contact; "" where that is not configured."""
    for dependency in document.dependency:
        contact = ", ".join(filter(None, (dependency.owner, dependency.contact)))
        yield dependency.name, contact if dependency.contact else ""


def _by_role(document: Document, role: str, missing: str) -> Person:
    wanted = _role(role)
    found = next((contact for contact in document.contact if _role(contact.role) == wanted), None)
    return Person(role=role, contact=found, missing="" if found else missing)


def _by_name(document: Document, role: str, name: str) -> Person:
    found = next((c for c in document.contact if c.name.casefold() == name.casefold()), None)
    missing = "" if found else f'not configured: add a [[contact]] with name = "{name}"'
    return Person(role=role, contact=found or Contact(role=role, name=name), missing=missing)


def _role(text: str) -> str:
    """Return a role as it is compared.

    >>> _role("On Call"), _role("on-call engineer"), _role("Engineering  Manager")
    ('on-call', 'on-call', 'engineering manager')
    """
    words = re.sub(r"[-_\s]+", " ", text.casefold()).strip().removesuffix(" engineer")
    return _ALIASES.get(words, words)

"""When a post-mortem is due, and what people still have to write."""

import re
from datetime import datetime, timedelta

import msgspec

from incident_lib.model import Incident, IncidentSeverity

TO_WRITE = "TO WRITE"
_WITHIN = {
    IncidentSeverity.SEV1: timedelta(hours=48),
    IncidentSeverity.SEV2: timedelta(hours=48),
    IncidentSeverity.SEV3: timedelta(days=7),
}
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_OFFERED = re.compile(r"<!-- incident:offer .*?<!-- incident:end [^\n]*-->", re.DOTALL)


class Completeness(msgspec.Struct, frozen=True, kw_only=True):
    """What stands in a post-mortem: sections, and those that wait for people."""

    sections: tuple[str, ...]
    missing: tuple[str, ...]

    @property
    def is_complete(self) -> bool:
        """Whether there are sections and none waits."""
        return bool(self.sections) and not self.missing


def due_at(incident: Incident) -> datetime | None:
    """Return when the post-mortem is due: 48 h after the end of a SEV1 or SEV2, a week after that of a SEV3.

    None while it goes on, and for a SEV4, which needs none.
    """
    within = _WITHIN.get(incident.severity)
    return incident.resolved_at + within if within and incident.resolved_at else None


def describe_due(incident: Incident) -> str:
    """Return what is due and when, for people."""
    kind = "light review" if incident.severity is IncidentSeverity.SEV3 else "post-mortem"
    within = _WITHIN.get(incident.severity)
    if within is None:
        return "none required for a SEV4"
    due = due_at(incident)
    if due is None:
        return f"{kind}, {within.total_seconds() / 3600:.0f} h after it is resolved"
    return f"{kind}, {due:%Y-%m-%d %H:%M} UTC"


def completeness(text: str) -> Completeness:
    r"""Return the sections of a post-mortem, and those that are empty or hold something still to write.

    >>> completeness("# P\n## Summary\nDone.\n## Lessons learned\n_TO WRITE: what?_\n").missing
    ('Lessons learned',)
    """
    plain = _COMMENT.sub("", _OFFERED.sub("", text.replace("\r\n", "\n")))
    parts = re.split(r"(?m)^##[ \t]+(.+?)[ \t]*#*$", plain)
    head, sections = parts[0], dict(zip(parts[1::2], parts[2::2], strict=True))
    missing = [name for name, body in sections.items() if TO_WRITE in body or not body.strip()]
    if TO_WRITE in head:
        missing.insert(0, "Header")
    return Completeness(sections=tuple(sections), missing=tuple(missing))

"""The state of an incident as a fold over its events: pure, so it can be rebuilt anywhere."""

from collections.abc import Iterable

import msgspec

from incident_lib.errors import FolderError
from incident_lib.model import Event, EventKind, Incident, IncidentSeverity, IncidentStatus


def fold(incident_id: str, events: Iterable[Event]) -> Incident:
    """Return the state after `events`. Errors: FolderError when nothing declares the incident."""
    incident: Incident | None = None
    for event in events:
        if event.kind is EventKind.DECLARED and incident is None:
            incident = _declared(incident_id, event)
        elif incident is not None:
            incident = _after(incident, event)
    if incident is None:
        raise FolderError(f"{incident_id}: no event declares this incident; is the folder complete?")
    return incident


def _declared(incident_id: str, event: Event) -> Incident:
    data = event.data
    services = data.get("services", [])
    return Incident(
        id=incident_id,
        title=event.text,
        severity=IncidentSeverity(str(data["severity"])),
        status=IncidentStatus.INVESTIGATING,
        started_at=event.occurred_at,
        declared_at=event.recorded_at,
        commander=str(data.get("commander", "")),
        impact=str(data.get("impact", "")),
        services=tuple(services) if isinstance(services, list) else (services,),
    )


def _after(incident: Incident, event: Event) -> Incident:
    replace = msgspec.structs.replace
    if event.kind is EventKind.SEVERITY:
        return replace(incident, severity=IncidentSeverity(str(event.data["severity"])))
    if event.kind is EventKind.STATUS:
        status = IncidentStatus(str(event.data["status"]))
        is_over = status in {IncidentStatus.RESOLVED, IncidentStatus.CLOSED}
        resolved_at = (incident.resolved_at or event.occurred_at) if is_over else None
        closed_at = event.occurred_at if status is IncidentStatus.CLOSED else None
        return replace(
            incident,
            status=status,
            updated_at=event.occurred_at,
            resolved_at=resolved_at,
            closed_at=closed_at,
        )
    return incident

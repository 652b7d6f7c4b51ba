"""The state of an incident as a fold over its events: pure, so it can be rebuilt anywhere."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

import msgspec

from incident_lib.clock import format_time
from incident_lib.errors import FolderError, UsageError
from incident_lib.incident import decode
from incident_lib.model import Event, EventKind, Incident, IncidentSeverity, IncidentStatus
from incident_lib.model.incident import Task

_ORDER = list(IncidentStatus)
COMMANDER = "commander"
_AT_ONCE = timedelta(minutes=1)  # what is written down later than that was given a moment


def fold(incident_id: str, events: Iterable[Event]) -> Incident:
    """Return the state after `events`. Errors: FolderError when nothing declares the incident."""
    incident: Incident | None = None
    reached: dict[IncidentStatus, datetime] = {}
    named: dict[str, int] = {}  # what an event names as the one before it: how many tasks there were then
    apart: int | None = None  # how many tasks there were when two copies began to differ
    for event in events:
        tasks = len(incident.tasks) if incident else 0
        if event.previous in named and event.previous:
            apart = min(named[event.previous], tasks if apart is None else apart)
        named.setdefault(event.previous, tasks)
        try:
            if incident is None:
                incident = _declared(incident_id, event) if event.kind is EventKind.DECLARED else None
            elif event.kind is EventKind.STATUS:
                incident = _status(incident, event, reached)
            elif event.kind in _EFFECTS:
                incident = _EFFECTS[event.kind](incident, event)
        except (KeyError, ValueError) as error:
            decode.report(
                f"{incident_id}: event {event.id} was edited by hand and is invalid, so it is left out: "
                f"{error}"
            )
    if incident is None:
        raise FolderError(f"{incident_id}: no event declares this incident; is the folder complete?")
    if apart is None:
        return incident
    return msgspec.structs.replace(incident, tasks=_without_numbers(incident.tasks, apart))


def check_transition(incident: Incident, status: IncidentStatus, at: datetime) -> None:
    """Return if `incident` may become `status` at that moment: forward only, and not once it is closed.

    Errors: UsageError.
    """
    if incident.status is IncidentStatus.CLOSED or _ORDER.index(status) < _ORDER.index(incident.status):
        raise UsageError(f"{incident.id} is {incident.status}; reopen it first", command=("reopen",))
    check_moment(incident, at)


def check_moment(incident: Incident, at: datetime) -> None:
    """Return if a change of status at `at` is not before the incident began. Errors: UsageError."""
    if at < incident.started_at:
        raise UsageError(
            f"{format_time(at)} is before the incident began ({format_time(incident.started_at)})"
        )


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


def _acknowledged(incident: Incident, event: Event) -> Incident:
    first = incident.acknowledged_at or event.occurred_at
    return msgspec.structs.replace(incident, acknowledged_at=min(first, event.occurred_at))


def _severity(incident: Incident, event: Event) -> Incident:
    return msgspec.structs.replace(incident, severity=IncidentSeverity(str(event.data["severity"])))


def _role(incident: Incident, event: Event) -> Incident:
    role, name = str(event.data["role"]), str(event.data["name"])
    if role == COMMANDER:
        return msgspec.structs.replace(incident, commander=name)
    return msgspec.structs.replace(incident, roles={**incident.roles, role: name})


def _task(incident: Incident, event: Event) -> Incident:
    if "done" in event.data:
        done = str(event.data["done"])
        tasks = tuple(
            msgspec.structs.replace(task, done_at=task.done_at or event.occurred_at)
            if done in {task.id, str(position)}
            else task
            for position, task in enumerate(incident.tasks, 1)
        )
    else:
        owner = str(event.data.get("owner", ""))
        task = Task(id=task_id(event), number=len(incident.tasks) + 1, text=event.text, owner=owner)
        tasks = (*incident.tasks, task)
    return msgspec.structs.replace(incident, tasks=tasks)


def task_id(event: Event) -> str:
    """Return the id of the task that an event assigns.

    Eight digits of the event's id: two of 10,000 tasks have the same once in a hundred incidents.
    """
    return f"t{event.id[:8]}"


def _without_numbers(tasks: tuple[Task, ...], apart: int) -> tuple[Task, ...]:
    """Return the tasks, those from the number `apart` on without: two copies count them differently."""
    return tuple(msgspec.structs.replace(task, number=0) if task.number > apart else task for task in tasks)


def _status(incident: Incident, event: Event, reached: dict[IncidentStatus, datetime]) -> Incident:
    """Return the incident after a status; `reached` holds the earliest moment of each since it was reopened.

    Two people may record at once, and late: only INVESTIGATING takes a status back, and nothing but that
    changes a closed incident.
    """
    status, at = IncidentStatus(str(event.data["status"])), event.occurred_at
    if status is IncidentStatus.INVESTIGATING:
        if incident.status is not status:
            reached.clear()
            incident = msgspec.structs.replace(incident, status=status, mitigated_at=None)
    elif incident.status is IncidentStatus.CLOSED:
        return incident
    else:
        reached[status] = min(reached.get(status, at), at)

    def first(milestone: IncidentStatus) -> datetime | None:
        """Return when a status was reached; where it was skipped, when the first behind it was."""
        later = (moment for name, moment in reached.items() if _ORDER.index(name) > _ORDER.index(milestone))
        return reached.get(milestone) or min(later, default=None)

    return msgspec.structs.replace(
        incident,
        status=max(incident.status, status, key=_ORDER.index),
        impact=str(event.data.get("impact", "")) or incident.impact,
        updated_at=_heard(incident, event),
        identified_at=first(IncidentStatus.IDENTIFIED),
        resolved_at=first(IncidentStatus.RESOLVED),
        closed_at=first(IncidentStatus.CLOSED),
    )


def _mitigation(incident: Incident, event: Event) -> Incident:
    """Users are helped from the first change on whose effect was verified."""
    if event.data.get("phase") != "ended" or event.data.get("status") != "verified":
        return incident
    at = event.occurred_at
    return msgspec.structs.replace(incident, mitigated_at=min(incident.mitigated_at or at, at))


def _message(incident: Incident, event: Event) -> Incident:
    """Those who wait have heard something, so the clock of the next update begins anew."""
    if event.data.get("result") != "sent" or event.data.get("kind") not in {"declaration", "update"}:
        return incident
    return msgspec.structs.replace(incident, updated_at=_heard(incident, event))


def _heard(incident: Incident, event: Event) -> datetime:
    """Return when those who wait heard something last, also behind an event that a wrong clock dated."""
    if incident.updated_at is None or abs(event.recorded_at - event.occurred_at) < _AT_ONCE:
        return event.occurred_at
    return max(incident.updated_at, event.occurred_at)


_EFFECTS: dict[EventKind, Callable[[Incident, Event], Incident]] = {
    EventKind.ACKNOWLEDGED: _acknowledged,
    EventKind.SEVERITY: _severity,
    EventKind.ROLE: _role,
    EventKind.TASK: _task,
    EventKind.MITIGATION: _mitigation,
    EventKind.MESSAGE: _message,
}

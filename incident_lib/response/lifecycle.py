"""From the declaration to the end of an incident: each step is an event in its folder.

Errors of all: UsageError for what is not possible, FolderError if the folder cannot be read or written.
"""

import logging
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypedDict, Unpack

import msgspec

from incident_lib import clock
from incident_lib.config import Settings
from incident_lib.errors import FolderError, UsageError
from incident_lib.findings.recovery import whole_span
from incident_lib.incident import folder as folders
from incident_lib.incident.binding import identity_data
from incident_lib.incident.events import Draft
from incident_lib.incident.folder import Declaration, IncidentFolder
from incident_lib.incident.lifecycle import check_moment, check_transition
from incident_lib.incident.manifest import sha256
from incident_lib.incident.snapshot import load_analysis
from incident_lib.investigation.case import open_case
from incident_lib.investigation.setup import marks_for, redactor_for, share_places
from incident_lib.investigation.severity import propose_severity
from incident_lib.model import Event, EventKind, Incident, IncidentSeverity, IncidentStatus
from incident_lib.model.incident import Task
from incident_lib.reports import communication

_LOG = logging.getLogger(__name__)
_MEASURED = timedelta(hours=1)  # older measurements are irrelevant to an incident that is declared now


class How(TypedDict, total=False):
    """Options of every event: when it happened (default: now), and through what it was recorded."""

    at: datetime
    source: str  # "cli"; "notebook" if omitted


class Declared(msgspec.Struct, frozen=True, kw_only=True):
    """A new incident, its first message, and the measured severity if it differs."""

    folder: IncidentFolder
    path: Path  # of the message
    text: str
    measured: IncidentSeverity | None = None
    reason: str = ""  # of what was measured


class Update(msgspec.Struct, frozen=True, kw_only=True):
    """A status update that was recorded, and its message."""

    event: Event
    path: Path
    text: str


def declare(settings: Settings, declaration: Declaration) -> Declared:
    """Return the new incident with its declaration drafted. Errors: UsageError for an unknown service."""
    if not declaration.title.strip():
        raise UsageError("the title is empty; describe in a few words what users see")
    for name in declaration.services:
        settings.service(name)
    share_places(settings)
    redactor = redactor_for(settings, marks_for(settings, begin=True))
    configured = identity_data(settings) if settings.path else {}
    folder = folders.declare(settings.incidents, declaration, redactor, configured)
    path, text = _write(
        folder,
        "communication/declaration.md",
        communication.render_declaration(folder.incident),
        note="The declaration was drafted",
        source="declare",
    )
    measured, reason = _measured(settings, folder)
    return Declared(folder=folder, path=path, text=text, measured=measured, reason=reason)


def _measured(settings: Settings, folder: IncidentFolder) -> tuple[IncidentSeverity | None, str]:
    """Return the severity measured in the last hour and why, None if it is the declared one."""
    for other in reversed(folders.all_folders(settings.incidents, folder.redactor)):
        try:
            if not other.snapshots:
                continue
            case = open_case(settings, other)
        except FolderError:
            continue
        if clock.now() - case.collected_at > _MEASURED:
            return None, ""
        severity, reason = propose_severity(case.analysis, case.topology)
        return (None, "") if severity is folder.incident.severity else (severity, reason)
    return None, ""


def acknowledge(folder: IncidentFolder, by: str = "", **how: Unpack[How]) -> Event:
    """Return the event that work has begun, and who is doing it."""
    text = f"Acknowledged by {by}" if by else "Acknowledged"
    return _record(folder, EventKind.ACKNOWLEDGED, text, how, by=by)


def assign(folder: IncidentFolder, role: str, name: str, **how: Unpack[How]) -> Event:
    """Return the event that assigns `name` a role: commander, communication, scribe."""
    role = role.strip().lower()
    if not role or not name.strip():
        raise UsageError("give the role and the name: incident assign commander Kim")
    return _record(folder, EventKind.ROLE, f"{name} is {role}", how, role=role, name=name)


def classify(folder: IncidentFolder, severity: IncidentSeverity, reason: str, **how: Unpack[How]) -> Event:
    """Return the event of a new severity, with its reason."""
    return _record(folder, EventKind.SEVERITY, f"{severity.value}: {reason}", how, severity=severity.value)


def note(folder: IncidentFolder, text: str, **how: Unpack[How]) -> Event:
    """Return the event of a note in the timeline."""
    return _record(folder, EventKind.NOTE, text, how)


def decide(folder: IncidentFolder, text: str, **how: Unpack[How]) -> Event:
    """Return the event of a decision that the commander made."""
    return _record(folder, EventKind.DECISION, text, how)


def add_task(folder: IncidentFolder, text: str, owner: str, **how: Unpack[How]) -> Event:
    """Return the event of a task that is assigned to `owner`."""
    if not text or not owner:
        raise UsageError("a task needs a text and --owner NAME; --done ID marks a task done")
    return _record(folder, EventKind.TASK, text, how, owner=owner)


def finish_task(folder: IncidentFolder, named: str | int, **how: Unpack[How]) -> Event | None:
    """Return the event that a task is done; None if it was already done.

    It is named by its id or a prefix of it, or by its number. Errors: UsageError naming the tasks.
    """
    with folder.deciding():
        task = _task(folder, str(named))
        if task.done_at:
            return None
        return _record(folder, EventKind.TASK, f"Done: {task.text}", how, done=task.id)


def _task(folder: IncidentFolder, named: str) -> Task:
    tasks = folder.incident.tasks
    found = [task for task in tasks if named == str(task.number or "")]
    found = found or [task for task in tasks if len(named) > 1 and task.id.startswith(named)]
    if len(found) == 1:
        return found[0]
    known = ", ".join(f"{task.id} ({task.text[:40]})" for task in found or tasks) or "none"
    if found:
        raise UsageError(f"{named} matches several tasks: {known}")
    merged = any(not task.number for task in tasks) and named.isdigit()
    why = "; two copies that number them differently were merged" if merged else ""
    raise UsageError(f"no task matches {named}{why}; there are: {known}")


def update(
    folder: IncidentFolder,
    *,
    status: IncidentStatus | None = None,
    findings: str = "",
    actions: str = "",
    impact: str = "",
    **how: Unpack[How],
) -> Update:
    """Return a status update and its message for the incident channel. A closed incident accepts none."""
    given = {"findings": findings, "actions": actions, "impact": impact}
    with folder.deciding():
        status = status or folder.incident.status
        event = _become(folder, status, findings or f"Status {status.value}", how, **given)
    message = communication.Update(findings=findings, actions=actions, at=event.occurred_at)
    path, text = _write(
        folder,
        f"communication/update-{clock.format_stamp(event.occurred_at)}-{event.id[:4]}.md",
        communication.render_update(folder.incident, message),
        note=f"The update {status.value} was drafted",
        source=event.source,
    )
    return Update(event=event, path=path, text=text)


def resolve(folder: IncidentFolder, reason: str = "", **how: Unpack[How]) -> Event | None:
    """Return the event that the service is restored for users; None if it was already resolved."""
    return _end(folder, IncidentStatus.RESOLVED, reason, how)


def close(folder: IncidentFolder, reason: str = "", **how: Unpack[How]) -> Event | None:
    """Return the event that only the post-mortem is left to do; None if it was already closed."""
    return _end(folder, IncidentStatus.CLOSED, reason, how)


def reopen(folder: IncidentFolder, reason: str = "", **how: Unpack[How]) -> Event:
    """Return the event that reopens it. Errors: UsageError if it is still being investigated."""
    with folder.deciding():
        incident = folder.incident
        if incident.status is IncidentStatus.INVESTIGATING:
            raise UsageError(f"{folder.id} is already {incident.status}")
        how = _not_before(incident, how)
        check_moment(incident, how.get("at") or clock.now())
        text = f"Reopened: {reason}" if reason else "Reopened"
        return _status(folder, IncidentStatus.INVESTIGATING, text, how)


def _end(folder: IncidentFolder, status: IncidentStatus, reason: str, how: How) -> Event | None:
    with folder.deciding():
        if folder.incident.status is status:  # typed twice, or by two people, it is still a single event
            return None
        word = status.value.capitalize()
        span = _span(folder) if status is IncidentStatus.RESOLVED and not reason else ""
        text = f"{word}: {reason}" if reason else f"{word} ({span})" if span else word
        return _become(folder, status, text, how)


def _span(folder: IncidentFolder) -> str:
    """Return from when to when it failed according to the newest snapshot, "" if that shows no recovery."""
    for path in reversed(folder.current_snapshots):
        with suppress(FolderError):
            analysis = load_analysis(path)
            return whole_span(analysis.findings) if analysis else ""
    return ""


def _become(folder: IncidentFolder, status: IncidentStatus, text: str, how: How, **data: str) -> Event:
    how = _not_before(folder.incident, how)
    check_transition(folder.incident, status, how.get("at") or clock.now())
    return _status(folder, status, text, how, **data)


def _not_before(incident: Incident, how: How) -> How:
    """Return the start of the incident if no time was given and the clock was set back to before it.

    Ending an incident must not have to wait until the clock has caught up.
    """
    if how.get("at") is not None or clock.now() >= incident.started_at:
        return how
    began = clock.format_time(incident.started_at)
    _LOG.warning(
        "This machine's clock is earlier than the start of the incident, %s, so that time is recorded. Use "
        "--at to give another",
        began,
    )
    return {**how, "at": incident.started_at}


def _status(folder: IncidentFolder, status: IncidentStatus, text: str, how: How, **data: str) -> Event:
    given = {key: value for key, value in data.items() if value}
    return _record(folder, EventKind.STATUS, text, how, status=status.value, **given)


def _record(folder: IncidentFolder, kind: EventKind, text: str, how: How, **data: str) -> Event:
    if not text.strip():
        raise UsageError("the text is empty; describe what happened")
    source = how.get("source", "notebook")
    return folder.record(Draft(kind=kind, text=text, source=source, occurred_at=how.get("at"), data={**data}))


def _write(folder: IncidentFolder, name: str, text: str, *, note: str, source: str) -> tuple[Path, str]:
    """Write a message and record that it was drafted; return its path and the redacted text.

    Its event is already recorded, so a draft that cannot be stored is a warning: people have its text.
    """
    path, hidden = folder.path / name, folder.redactor.text(text)
    try:
        folder.write_text(name, hidden)
        data: dict[str, str | list[str]] = {"file": name, "sha256": sha256(path.read_bytes())}
        folder.record(Draft(kind=EventKind.NOTE, text=note, source=source, data=data))
    except (FolderError, OSError) as error:
        _LOG.warning("It is recorded, but its message could not be saved; copy it from here: %s", error)
    return path, hidden

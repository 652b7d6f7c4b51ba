"""What people do during an incident: acknowledge, update, note, assign, decide, resolve. Each is an event."""

import argparse
import sys
from datetime import datetime

from incident_lib import clock
from incident_lib.cli.arguments import moment, open_folder, print_json
from incident_lib.errors import UsageError
from incident_lib.incident.events import Draft
from incident_lib.incident.folder import IncidentFolder
from incident_lib.incident.lifecycle import check_moment, check_transition
from incident_lib.incident.manifest import sha256
from incident_lib.model import Event, EventKind, Incident, IncidentSeverity, IncidentStatus
from incident_lib.reports.communication import Update, render_update


def update(arguments: argparse.Namespace) -> int:
    """Return 0. Records the status and prints the message for the incident channel."""
    _, folder = open_folder(arguments)
    at, before = moment("--at", arguments.at), folder.incident
    status = IncidentStatus.parse(arguments.status) if arguments.status else before.status
    text = arguments.findings or f"Status {status.value}"
    data = {"findings": arguments.findings, "actions": arguments.actions, "impact": arguments.impact}
    event = _become(folder, status, text, at, data)
    update = Update(findings=arguments.findings, actions=arguments.actions, at=event.occurred_at)
    name = f"communication/update-{clock.format_stamp(event.occurred_at)}-{event.id[:4]}.md"
    path = folder.write_text(name, render_update(folder.incident, update))
    written = path.read_bytes()
    _draft(folder, f"The update {status.value} was drafted", {"file": name, "sha256": sha256(written)})
    if arguments.json:
        return print_json(folder.incident)
    print(written.decode())
    return 0


def note(arguments: argparse.Namespace) -> int:
    """Return 0. Records a note."""
    return _record(arguments, "note", arguments.text)


def decide(arguments: argparse.Namespace) -> int:
    """Return 0. Records a decision."""
    return _record(arguments, "decision", arguments.text)


def task(arguments: argparse.Namespace) -> int:
    """Return 0. Records a task, or that one is done. Errors: UsageError for a task that does not exist."""
    if arguments.done is None:
        if not arguments.text or not arguments.owner:
            raise UsageError("a task needs a text and --owner NAME; --done NUMBER marks one done")
        return _record(arguments, "task", arguments.text, owner=arguments.owner)
    _, folder = open_folder(arguments)
    tasks = {task.number: task for task in folder.incident.tasks}
    if arguments.done not in tasks:
        known = ", ".join(map(str, tasks)) or "none"
        raise UsageError(f"there is no task {arguments.done}; there are: {known}")
    return _record(arguments, "task", f"Done: {tasks[arguments.done].text}", done=str(arguments.done))


def acknowledge(arguments: argparse.Namespace) -> int:
    """Return 0. Records that somebody is at work on it."""
    by = f" by {arguments.by}" if arguments.by else ""
    return _record(arguments, "acknowledged", f"Acknowledged{by}", by=arguments.by)


def assign(arguments: argparse.Namespace) -> int:
    """Return 0. Records who has a role. Errors: UsageError where one of the two is empty."""
    role = arguments.role.strip().lower()
    if not role or not arguments.name.strip():
        raise UsageError("write the role and the name: incident assign commander Kim")
    return _record(arguments, "role", f"{arguments.name} is {role}", role=role, name=arguments.name)


def classify(arguments: argparse.Namespace) -> int:
    """Return 0. Records a new severity and why."""
    severity = IncidentSeverity.parse(arguments.severity).value
    return _record(arguments, "severity", f"{severity}: {arguments.reason}", severity=severity)


def resolve(arguments: argparse.Namespace) -> int:
    """Return 0. Records that users are well again."""
    return _end(arguments, "RESOLVED", "Resolved")


def close(arguments: argparse.Namespace) -> int:
    """Return 0. Records that nothing is left to do."""
    return _end(arguments, "CLOSED", "Closed")


def reopen(arguments: argparse.Namespace) -> int:
    """Return 0. Records that it is not over. Errors: UsageError when it is open."""
    _, folder = open_folder(arguments)
    before, at = folder.incident, moment("--at", arguments.at)
    if before.status is IncidentStatus.INVESTIGATING:
        raise UsageError(f"{folder.id} is {before.status} already")
    check_moment(before, at)
    status = IncidentStatus.INVESTIGATING.value
    text = f"Reopened: {arguments.reason}" if arguments.reason else "Reopened"
    draft = Draft(kind=EventKind.STATUS, text=text, source="cli", occurred_at=at, data={"status": status})
    return _told(arguments, folder, folder.record(draft))


def _end(arguments: argparse.Namespace, status: str, word: str) -> int:

    _, folder = open_folder(arguments)
    before = folder.incident
    if before.status.value == status:
        return _told_already(arguments, before)
    text = f"{word}: {arguments.reason}" if arguments.reason else word
    at = moment("--at", arguments.at)
    return _told(arguments, folder, _become(folder, IncidentStatus(status), text, at, {}))


def _told_already(arguments: argparse.Namespace, incident: Incident) -> int:
    """Return 0: typed twice, or by two people, it is still one event."""
    if arguments.json:
        return print_json(incident)
    ended = incident.closed_at if incident.status.value == "CLOSED" else incident.resolved_at
    since = f" since {ended:%Y-%m-%d %H:%M:%S} UTC" if ended else ""
    print(f"{incident.id} is {incident.status.value} already{since}; nothing was recorded.")
    if arguments.reason:
        print("To keep what you wrote: incident note TEXT")
    return 0


def _become(
    folder: IncidentFolder, status: IncidentStatus, text: str, at: datetime, data: dict[str, str]
) -> Event:

    check_transition(folder.incident, status, at)
    said = {key: value for key, value in data.items() if value}
    return folder.record(
        Draft(
            kind=EventKind.STATUS,
            text=text,
            source="cli",
            occurred_at=at,
            data={"status": status.value, **said},
        )
    )


def _record(arguments: argparse.Namespace, kind: str, text: str, **data: str) -> int:

    if not text.strip():
        raise UsageError("the text is empty")
    _, folder = open_folder(arguments)
    at = moment("--at", arguments.at)
    draft = Draft(kind=EventKind(kind), text=text, source="cli", occurred_at=at, data=dict(data))
    return _told(arguments, folder, folder.record(draft))


def _draft(folder: IncidentFolder, text: str, data: dict[str, str | list[str]]) -> None:

    folder.record(Draft(kind=EventKind.NOTE, text=text, source="cli", data=data))


def _told(arguments: argparse.Namespace, folder: IncidentFolder, event: Event) -> int:
    if arguments.json:
        return print_json(event)
    text = "".join(char if char.isprintable() else " " for char in event.text)  # it may hold a pasted log
    sys.stdout.write(f"{event.occurred_at:%H:%M:%S} UTC  {event.kind.value}  {text}  ({folder.id})\n")
    return 0

"""What people do during an incident: acknowledge, update, note, assign, decide, resolve. Each is an event."""

import argparse
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from incident_lib.cli.arguments import moment, open_folder, print_json

if TYPE_CHECKING:
    from datetime import datetime

    from incident_lib.incident.folder import IncidentFolder
    from incident_lib.model import Event, Incident, IncidentStatus


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the commands."""
    update = _command(subparsers, "update", write_update, "status update: recorded, and its message printed")
    update.add_argument("--status", default="", help="INVESTIGATING, IDENTIFIED, MITIGATING or RESOLVED")
    update.add_argument("--findings", default="", help="what is known now")
    update.add_argument("--actions", default="", help="what is being done")
    update.add_argument("--impact", default="", help="who is affected, if that is clearer now")
    note = _command(subparsers, "note", write_note, "write something into the timeline")
    note.add_argument("text", metavar="TEXT")
    task = _command(subparsers, "task", write_task, "give somebody a task, or mark one done")
    task.add_argument("text", metavar="TEXT", nargs="?", default="")
    task.add_argument("--owner", default="", metavar="NAME")
    task.add_argument("--done", type=int, metavar="NUMBER", help="this task is done")
    decide = _command(subparsers, "decide", write_decision, "record a decision of the commander")
    decide.add_argument("text", metavar="TEXT")
    _command(subparsers, "ack", acknowledge, "somebody is at work on it").add_argument(
        "--by", default="", metavar="NAME"
    )
    role = _command(subparsers, "assign", assign, "name the commander, or somebody in another role")
    role.add_argument("role", metavar="ROLE", help="commander, communication, scribe, ...")
    role.add_argument("name", metavar="NAME")
    classify = _command(subparsers, "classify", reclassify, "change the severity, with the reason")
    classify.add_argument("severity", metavar="SEVERITY")
    classify.add_argument("--reason", required=True, metavar="TEXT")
    for name, call, text in (
        ("resolve", resolve, "users are well again"),
        ("close", close, "nothing is left to do but the post-mortem"),
        ("reopen", reopen, "it is not over"),
    ):
        parser = _command(subparsers, name, call, text)
        parser.add_argument("--reason", default="", metavar="TEXT")


def _command(
    subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    call: Callable[[argparse.Namespace], int],
    text: str,
) -> argparse.ArgumentParser:
    parser = subparsers.add_parser(name, help=text)
    parser.add_argument("--incident", default="", metavar="INCIDENT", help="the newest if left out")
    parser.add_argument("--at", default="now", metavar="TIME", help="when it happened (default now)")
    parser.set_defaults(call=call)
    return parser


def write_update(arguments: argparse.Namespace) -> int:
    """Return 0. Records the status and prints the message for the incident channel."""
    from incident_lib import clock
    from incident_lib.incident.manifest import sha256
    from incident_lib.model import IncidentStatus
    from incident_lib.reports.communication import Update, render_update

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


def write_note(arguments: argparse.Namespace) -> int:
    """Return 0. Records a note."""
    return _record(arguments, "note", arguments.text)


def write_decision(arguments: argparse.Namespace) -> int:
    """Return 0. Records a decision."""
    return _record(arguments, "decision", arguments.text)


def write_task(arguments: argparse.Namespace) -> int:
    """Return 0. Records a task, or that one is done. Errors: UsageError for a task that does not exist."""
    from incident_lib.errors import UsageError

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
    from incident_lib.errors import UsageError

    role = arguments.role.strip().lower()
    if not role or not arguments.name.strip():
        raise UsageError("write the role and the name: incident assign commander Kim")
    return _record(arguments, "role", f"{arguments.name} is {role}", role=role, name=arguments.name)


def reclassify(arguments: argparse.Namespace) -> int:
    """Return 0. Records a new severity and why."""
    from incident_lib.model import IncidentSeverity

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
    from incident_lib.errors import UsageError
    from incident_lib.incident.events import Draft
    from incident_lib.incident.lifecycle import check_moment
    from incident_lib.model import EventKind, IncidentStatus

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
    from incident_lib.model import IncidentStatus

    _, folder = open_folder(arguments)
    before = folder.incident
    if before.status.value == status:
        return _told_already(arguments, before)
    text = f"{word}: {arguments.reason}" if arguments.reason else word
    at = moment("--at", arguments.at)
    return _told(arguments, folder, _become(folder, IncidentStatus(status), text, at, {}))


def _told_already(arguments: argparse.Namespace, incident: "Incident") -> int:
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
    folder: "IncidentFolder", status: "IncidentStatus", text: str, at: "datetime", data: dict[str, str]
) -> "Event":
    from incident_lib.incident.events import Draft
    from incident_lib.incident.lifecycle import check_transition
    from incident_lib.model import EventKind

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
    from incident_lib.errors import UsageError
    from incident_lib.incident.events import Draft
    from incident_lib.model import EventKind

    if not text.strip():
        raise UsageError("the text is empty")
    _, folder = open_folder(arguments)
    at = moment("--at", arguments.at)
    draft = Draft(kind=EventKind(kind), text=text, source="cli", occurred_at=at, data=dict(data))
    return _told(arguments, folder, folder.record(draft))


def _draft(folder: "IncidentFolder", text: str, data: dict[str, str | list[str]]) -> None:
    from incident_lib.incident.events import Draft
    from incident_lib.model import EventKind

    folder.record(Draft(kind=EventKind.NOTE, text=text, source="cli", data=data))


def _told(arguments: argparse.Namespace, folder: "IncidentFolder", event: "Event") -> int:
    if arguments.json:
        return print_json(event)
    text = "".join(char if char.isprintable() else " " for char in event.text)  # it may hold a pasted log
    sys.stdout.write(f"{event.occurred_at:%H:%M:%S} UTC  {event.kind.value}  {text}  ({folder.id})\n")
    return 0

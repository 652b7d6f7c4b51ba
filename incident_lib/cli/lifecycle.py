"""What people do during an incident: acknowledge, update, note, assign, decide, resolve. Each is an event."""

import argparse
import getpass
import os
import sys
from contextlib import suppress

from incident_lib import clock, response
from incident_lib.cli.arguments import moment, open_folder, print_json
from incident_lib.cli.console import console_for, plain, print_command
from incident_lib.cli.story import print_tasks
from incident_lib.incident import folder as folders
from incident_lib.incident.folder import IncidentFolder
from incident_lib.incident.lifecycle import task_id
from incident_lib.investigation.setup import load_settings, redactor_for
from incident_lib.model import Event, EventKind, IncidentSeverity, IncidentStatus
from incident_lib.response.lifecycle import How
from incident_lib.response.story import newest_conclusion
from incident_lib.units import format_duration


def update(arguments: argparse.Namespace) -> int:
    """Return 0. Records the status and prints the message for the incident channel."""
    folder, how = _opened(arguments)
    written = response.update(
        folder,
        status=IncidentStatus.parse(arguments.status) if arguments.status else None,
        findings=arguments.findings,
        actions=arguments.actions,
        impact=arguments.impact,
        **how,
    )
    if arguments.json:
        return print_json(folder.incident)
    print(written.text)
    return 0


def note(arguments: argparse.Namespace) -> int:
    """Return 0. Records a note."""
    folder, how = _opened(arguments)
    return _print(arguments, folder, response.note(folder, arguments.text, **how))


def decide(arguments: argparse.Namespace) -> int:
    """Return 0. Records a decision."""
    folder, how = _opened(arguments)
    return _print(arguments, folder, response.decide(folder, arguments.text, **how))


def task(arguments: argparse.Namespace) -> int:
    """Return 0. Records a task, or that it is done; without either it lists all of them."""
    if arguments.done is None and not arguments.text and not arguments.owner:
        return _list_tasks(arguments)
    folder, how = _opened(arguments)
    if arguments.done is None:
        return _print(arguments, folder, response.add_task(folder, arguments.text, arguments.owner, **how))
    event = response.finish_task(folder, arguments.done, **how)
    if event or arguments.json:
        return _print(arguments, folder, event)
    print(f"The task {arguments.done} is already done; nothing was recorded.")
    return 0


def acknowledge(arguments: argparse.Namespace) -> int:
    """Return 0. Records that work on it has begun."""
    folder, how = _opened(arguments)
    return _print(arguments, folder, response.acknowledge(folder, arguments.by, **how))


def assign(arguments: argparse.Namespace) -> int:
    """Return 0. Records who has a role."""
    folder, how = _opened(arguments)
    return _print(arguments, folder, response.assign(folder, arguments.role, arguments.name, **how))


def classify(arguments: argparse.Namespace) -> int:
    """Return 0. Records a new severity and why."""
    folder, how = _opened(arguments)
    severity = IncidentSeverity.parse(arguments.severity)
    return _print(arguments, folder, response.classify(folder, severity, arguments.reason, **how))


def resolve(arguments: argparse.Namespace) -> int:
    """Return 0. Records that users are well again."""
    folder, how = _opened(arguments)
    event = response.resolve(folder, arguments.reason, **how)
    code = _print(arguments, folder, event)
    if event and not arguments.json:
        _print_last_look(arguments, folder)
    return code


def close(arguments: argparse.Namespace) -> int:
    """Return 0. Records that nothing is left to do."""
    folder, how = _opened(arguments)
    return _print(arguments, folder, response.close(folder, arguments.reason, **how))


def reopen(arguments: argparse.Namespace) -> int:
    """Return 0. Records that it is not over."""
    folder, how = _opened(arguments)
    return _print(arguments, folder, response.reopen(folder, arguments.reason, **how))


def _opened(arguments: argparse.Namespace) -> tuple[IncidentFolder, How]:
    """Return the incident, and when what is recorded happened."""
    settings = load_settings(arguments.config or "", arguments.incident, check=False)
    folder, remark = folders.find_to_change(settings.incidents, arguments.incident, redactor_for(settings))
    if remark:
        sys.stderr.write(f"{remark}\n")
    how: How = {"source": arguments.by or _user()}
    if arguments.at != "now":
        how["at"] = moment("--at", arguments.at)
    return folder, how


def _user() -> str:
    """Return who types, also behind sudo; "cli" where the system has no name for them."""
    with suppress(KeyError, OSError, ImportError):
        return os.environ.get("SUDO_USER") or getpass.getuser()
    return "cli"


def _list_tasks(arguments: argparse.Namespace) -> int:
    _, folder = open_folder(arguments)
    tasks = folder.incident.tasks
    if arguments.json:
        return print_json({"incident": folder.id, "tasks": tasks})
    console = console_for(no_color=arguments.no_color)
    print_tasks(console, tasks)
    if not tasks:
        console.print(f"{folder.id} has no tasks. To add one:")
        settings = load_settings(arguments.config or "", arguments.incident, check=False)
        print_command(console, settings.commands(folder.path).line("task", "TEXT", "--owner", "NAME"))
    return 0


def _print_last_look(arguments: argparse.Namespace, folder: IncidentFolder) -> None:
    """Print what the newest snapshot saw: whoever resolves shall know whether the measurements agree."""
    console = console_for(no_color=arguments.no_color)
    seen = newest_conclusion(folder)
    if seen is None:
        console.print("No snapshot was taken, so no measurement shows that it is over. To check:")
    else:
        ago = f", {format_duration((clock.now() - seen.at).total_seconds())} ago" if seen.at else ""
        console.print(
            f"The newest snapshot, {seen.snapshot}{ago}, shows: {plain(seen.text)}.", soft_wrap=True
        )
        if not seen.bad_count:
            return
        console.print("It was taken while there was a problem. To check that it is over:")
    settings = load_settings(arguments.config or "", arguments.incident, check=False)
    print_command(console, settings.commands(folder.path).line("triage"))


def _print(arguments: argparse.Namespace, folder: IncidentFolder, event: Event | None) -> int:
    """Print what was recorded; None where it was so already."""
    if arguments.json:
        return print_json(event or folder.incident)
    if event:
        text = "".join(char if char.isprintable() else " " for char in event.text)  # it may hold a pasted log
        name = f" {task_id(event)}" if event.kind is EventKind.TASK and "done" not in event.data else ""
        what = f"{event.kind.value}{name}  {text}"
        sys.stdout.write(f"{event.occurred_at:%H:%M:%S} UTC  {what}  ({folder.id})\n")
        return 0
    incident = folder.incident
    ended = incident.closed_at or incident.resolved_at
    since = f" since {ended:%Y-%m-%d %H:%M:%S} UTC" if ended else ""
    print(f"{incident.id} is already {incident.status.value}{since}; nothing was recorded.")
    if arguments.reason:
        settings = load_settings(arguments.config or "", arguments.incident)
        print(f"To keep what you wrote:\n  {settings.commands(folder.path).line('note', arguments.reason)}")
    return 0

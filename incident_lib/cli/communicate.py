"""`incident communicate`: drafts for those who wait, and sending a draft that a person confirms."""

import argparse
from pathlib import Path

from incident_lib.cli import BAD, DONE
from incident_lib.cli.arguments import open_folder, print_json
from incident_lib.config import Settings
from incident_lib.errors import UsageError
from incident_lib.incident.folder import IncidentFolder
from incident_lib.notify.channels import channel_named, usual_channel
from incident_lib.notify.outcome import Result
from incident_lib.notify.pagerduty import Action
from incident_lib.reports.communication import DraftKind
from incident_lib.response.drafts import draft
from incident_lib.response.messages import Prepared, prepare_message, send_message


def communicate(arguments: argparse.Namespace) -> int:
    """Return 0, or 1 when a confirmed message could not be sent. Prints the draft, or what goes where."""
    settings, folder = open_folder(arguments)
    if arguments.send:
        return _send(arguments, settings, folder)
    if arguments.confirm or arguments.again or arguments.draft or arguments.page:
        raise UsageError("--confirm, --again, --draft and --page need --send CHANNEL")
    path = draft(settings, folder, DraftKind(arguments.kind))
    return _print_draft(arguments, settings, folder, path)


def _print_draft(
    arguments: argparse.Namespace, settings: Settings, folder: IncidentFolder, path: Path
) -> int:
    text = path.read_text(encoding="utf-8")
    if arguments.json:
        return print_json({"incident": folder.id, "kind": arguments.kind, "file": str(path), "text": text})
    usual = channel_named(settings, usual_channel(arguments.kind, folder.incident.severity))
    print(f"{text}\nIn {path}; edit it as you like. Nothing has been sent.")
    line = settings.commands(folder.path).line("communicate", arguments.kind, "--send", usual.key)
    print(f"For {usual.name}:\n  {line}")
    return 0


def _send(arguments: argparse.Namespace, settings: Settings, folder: IncidentFolder) -> int:
    prepared = prepare_message(
        settings,
        folder,
        DraftKind(arguments.kind),
        arguments.send,
        chosen=arguments.draft,
        page=Action(arguments.page) if arguments.page else None,
        again=arguments.again,
    )
    if not arguments.confirm:
        return _show(arguments, settings, folder, prepared)
    event, outcome = send_message(settings, folder, prepared)
    if arguments.json:
        result = {"result": outcome.result, "reason": outcome.reason, "event": event.id}
        print_json({**_described(folder, prepared), **result})
    else:
        print(f"{event.occurred_at:%H:%M:%S} UTC  {event.text}  ({folder.id})")
    return DONE if outcome.result is Result.SENT else BAD


def _show(
    arguments: argparse.Namespace, settings: Settings, folder: IncidentFolder, prepared: Prepared
) -> int:
    draft, message = prepared.draft, prepared.message
    if arguments.json:
        return print_json({**_described(folder, prepared), "result": "not sent"})
    words = ["communicate", arguments.kind, "--send", message.channel.key]
    words += ["--draft", str(draft.path)] if arguments.draft else []
    words += ["--page", arguments.page] if arguments.page else []
    words += ["--again"] if arguments.again else []
    print(f"This would go to {message.channel.name}, through {message.through}")
    print(f"(address from {message.channel.reference}; draft {draft.path}{draft.remark}):\n")
    print("\n".join(f"    {line}".rstrip() for line in message.text.splitlines()))
    line = settings.commands(folder.path).line(*words, "--confirm")
    print(f"\nNothing has been sent. To send it:\n  {line}")
    return 0


def _described(folder: IncidentFolder, prepared: Prepared) -> dict[str, object]:
    draft, message = prepared.draft, prepared.message
    return {
        "incident": folder.id,
        "channel": message.channel.key,
        "name": message.channel.name,
        "through": message.through,
        "address": message.channel.reference,
        "draft": str(draft.path),
        "edited": draft.is_edited,
        "text": message.text,
    }

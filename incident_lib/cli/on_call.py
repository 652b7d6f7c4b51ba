"""`incident on-call`: who has the pager, who is told at this severity, who comes next. Asks no target."""

import argparse
from datetime import datetime
from typing import Any

from incident_lib import clock
from incident_lib.cli.arguments import print_json
from incident_lib.config import Document, Settings
from incident_lib.incident import folder as folders
from incident_lib.incident.folder import IncidentFolder
from incident_lib.investigation.case import newest_case
from incident_lib.investigation.setup import load_settings, redactor_for
from incident_lib.model import IncidentSeverity
from incident_lib.model.commands import Commands
from incident_lib.notify.paging import page_or_chat, signals_of
from incident_lib.notify.people import (
    Notice,
    contact_matrix,
    escalation_paths,
    on_call_at,
    person_for,
    steps_due,
    vendors,
)
from incident_lib.reports.situation import in_words

_CHANNELS = {"incidents", "incidents_low", "status_updates"}


def on_call(arguments: argparse.Namespace) -> int:
    """Return 0. Prints who is on call; with an incident or a severity also who is told and who comes next."""
    settings = load_settings(arguments.config or "", arguments.incident)
    at = clock.parse_time(arguments.at) if arguments.at else clock.now()
    folder = _folder(settings, arguments.incident)
    severity = folder.incident.severity if folder else None
    if arguments.severity:
        severity = IncidentSeverity.parse(arguments.severity)
    document = settings.document
    told: dict[str, Any] = {"at": clock.format_time(at), **_pager(document, at)}
    told["incident"] = folder.id if folder else None
    told["severity"] = severity
    if severity:
        told |= _matrix(document, severity, at)
    told["escalation"] = _escalation(document, at)
    told["due"] = _due(folder, at)
    told["advice"] = _advice(arguments, settings, folder, at)
    return (
        print_json(told)
        if arguments.json
        else _print(told, settings.commands(folder.path if folder else None))
    )


def _folder(settings: Settings, name: str) -> IncidentFolder | None:
    redactor = redactor_for(settings)
    if name:
        return folders.find(settings.incidents, name, redactor)
    return folders.newest_open(settings.incidents, redactor)


def _pager(document: Document, at: datetime) -> dict[str, Any]:
    person, duty = on_call_at(document, at)
    until = clock.format_time(duty.until) if duty and duty.until else None
    return {"on_call": person.line, "why": duty.why if duty else "", "until": until}


def _matrix(document: Document, severity: Any, at: datetime) -> dict[str, Any]:
    return {
        "respond_within": in_words(severity.respond_within.total_seconds()),
        "update_every": in_words(severity.update_every.total_seconds()),
        "tell": [
            {"part": notice.part, "role": notice.role, "way": notice.way, "who": _who(document, notice, at)}
            for notice in contact_matrix(severity)
        ],
    }


def _who(document: Document, notice: Notice, at: datetime) -> str:
    if notice.role in _CHANNELS:
        return str(getattr(document.channels, notice.role))
    return "your tracker" if notice.role == "ticket" else person_for(document, notice.role, at).line


def _escalation(document: Document, at: datetime) -> dict[str, list[dict[str, str]]]:
    paths = {
        name: [
            {"role": step.role, "when": step.when, "who": person_for(document, step.role, at).line}
            for step in steps
        ]
        for name, steps in escalation_paths().items()
    }
    asked = list(vendors(document))
    if asked:
        lines = [
            {"role": f"support of {name}", "when": "when it is to blame", "who": who or _no_vendor(name)}
            for name, who in asked
        ]
        paths["vendor"] = [line for line in paths["vendor"] if line["role"] != "vendor support"] + lines
    return paths


def _no_vendor(name: str) -> str:
    return f"not configured: add contact to the [[dependency]] {name}"


def _due(folder: IncidentFolder | None, at: datetime) -> list[str]:
    if folder is None:
        return []
    return [f"{step.role}: due since {since:%H:%M} UTC" for step, since in steps_due(folder.incident, at)]


def _advice(
    arguments: argparse.Namespace, settings: Settings, folder: IncidentFolder | None, at: datetime
) -> list[dict[str, str]]:
    case = newest_case(settings, folder) if folder else None
    signals = signals_of(
        case.analysis if case else None,
        at=case.collected_at if case else at,
        topology=case.topology if case else None,
        user_reports=arguments.reports,
        maintenance=arguments.maintenance,
    )
    names = settings.document.channels
    calls = {"incidents": names.incidents, "incidents_low": names.incidents_low}
    return [
        {"signal": one.signal, "call": calls.get(one.call, one.call), "reason": one.reason}
        for one in page_or_chat(signals)
    ]


def _print(told: dict[str, Any], commands: Commands) -> int:
    why = f", {told['why']}" if told["why"] else ""
    until = f", until {told['until']}" if told["until"] else ""
    print(f"On call at {told['at']}: {told['on_call']}{why}{until}")
    if told["advice"]:
        print("\nHow loudly to call")
        _table([(one["call"], one["signal"], one["reason"]) for one in told["advice"]])
    if told["severity"]:
        of = f" ({told['incident']})" if told["incident"] else ""
        print(f"\nTo tell at {told['severity']}{of}: respond within {told['respond_within']},", end=" ")
        print(f"update every {told['update_every']}")
        _table([(one["part"], one["role"], one["way"], one["who"]) for one in told["tell"]])
    else:
        print("\nNo incident is open. Who is notified at a severity:")
        print(f"  {commands.line('on-call', '--severity', 'SEV2')}")
    for line in told["due"]:
        print(f"\nEscalate now. {line}")
    for name, steps in told["escalation"].items():
        print(f"\nEscalation, {name}")
        _table([(step["role"], step["when"], step["who"]) for step in steps])
    return 0


def _table(rows: list[tuple[str, ...]]) -> None:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
    for row in rows:
        print("  " + "  ".join([*(c.ljust(w) for c, w in zip(row, widths, strict=False)), row[-1]]).rstrip())

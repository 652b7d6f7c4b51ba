"""Who has the pager, who is notified at a severity, who comes next, and how urgently to call."""

from datetime import datetime
from typing import Any

from incident_lib import clock
from incident_lib.config import Document, Settings
from incident_lib.incident.folder import IncidentFolder
from incident_lib.investigation.case import newest_case
from incident_lib.model import IncidentSeverity
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


def on_call(
    settings: Settings,
    folder: IncidentFolder | None,
    *,
    at: datetime,
    severity: IncidentSeverity | None = None,
    reports: int = 0,
    maintenance: bool = False,
) -> dict[str, Any]:
    """Return who is on call, who is notified at this severity, who comes next, and how urgently to call.

    Without an incident and a severity: only who is on call and the escalation.
    """
    severity = severity or (folder.incident.severity if folder else None)
    document = settings.document
    return {
        "at": clock.format_time(at),
        **_pager(document, at),
        "incident": folder.id if folder else None,
        "severity": severity,
        **(_matrix(document, severity, at) if severity else {}),
        "escalation": _escalation(document, at),
        "due": _due(folder, at),
        "advice": _advice(settings, folder, at, reports=reports, maintenance=maintenance),
    }


def _pager(document: Document, at: datetime) -> dict[str, Any]:
    person, duty = on_call_at(document, at)
    until = clock.format_time(duty.until) if duty and duty.until else None
    return {"on_call": person.line, "why": duty.why if duty else "", "until": until}


def _matrix(document: Document, severity: IncidentSeverity, at: datetime) -> dict[str, Any]:
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
    known = list(vendors(document))
    if known:
        lines = [
            {"role": f"support of {name}", "when": "when it is the cause", "who": who or _no_vendor(name)}
            for name, who in known
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
    settings: Settings, folder: IncidentFolder | None, at: datetime, *, reports: int, maintenance: bool
) -> list[dict[str, str]]:
    case = newest_case(settings, folder) if folder else None
    signals = signals_of(
        case.analysis if case else None,
        at=case.collected_at if case else at,
        topology=case.topology if case else None,
        user_reports=reports,
        maintenance=maintenance,
    )
    names = settings.document.channels
    calls = {"incidents": names.incidents, "incidents_low": names.incidents_low}
    return [
        {"signal": advice.signal, "call": calls.get(advice.call, advice.call), "reason": advice.reason}
        for advice in page_or_chat(signals)
    ]

"""A small client of PagerDuty's Events API v2: trigger, acknowledge, resolve, one alert per incident."""

import re
from enum import StrEnum
from typing import Any

from incident_lib.clock import format_time
from incident_lib.model import Incident, IncidentSeverity
from incident_lib.notify.outcome import Outcome, answered, failed, sent, unclear, within
from incident_lib.units import format_duration

_SEVERITIES = {
    IncidentSeverity.SEV1: "critical",
    IncidentSeverity.SEV2: "error",
    IncidentSeverity.SEV3: "warning",
    IncidentSeverity.SEV4: "info",
}
_SUMMARY = 1024  # PagerDuty's limit
_DETAILS = 8_000


class Action(StrEnum):
    """What PagerDuty is to do. The incident's id names the alert, so a second trigger pages no one again."""

    TRIGGER = "trigger"
    ACKNOWLEDGE = "acknowledge"
    RESOLVE = "resolve"


def action_for(incident: Incident) -> Action:
    """Return what the state of `incident` calls for."""
    return Action.TRIGGER if incident.is_open else Action.RESOLVE


def event_for(incident: Incident, action: Action, text: str) -> dict[str, Any]:
    """Return the event, without the routing key."""
    event: dict[str, Any] = {"event_action": action.value, "dedup_key": incident.id}
    if action is Action.TRIGGER:
        services = ", ".join(incident.services)
        event["client"] = "incident workbench"
        event["payload"] = {
            "summary": f"{incident.severity.value}: {incident.title}"[:_SUMMARY],
            "source": services or "incident workbench",
            "severity": _SEVERITIES[incident.severity],
            "timestamp": incident.started_at.isoformat(),
            "custom_details": {
                "commander": incident.commander or "not named yet",
                "impact": incident.impact or "being assessed",
                "started": format_time(incident.started_at),
                "text": text[:_DETAILS],
            },
        }
    return event


def send_event(url: str, routing_key: str, event: dict[str, Any], *, seconds: float) -> Outcome:
    """Return the outcome of sending `event` within `seconds`. Cost: one request, never tried again."""
    outcome = within(seconds, lambda: _post(url, {"routing_key": routing_key, **event}, seconds))
    return outcome or unclear(f"no answer within {format_duration(seconds)}; it may have arrived anyway")


def _post(url: str, body: dict[str, Any], seconds: float) -> Outcome:
    import httpx

    try:
        answer = httpx.post(url, json=body, timeout=httpx.Timeout(seconds, connect=min(seconds, 4.0)))
    except (httpx.ReadTimeout, httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError):
        return unclear("the connection ended without an answer; it may have arrived anyway")
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return failed(_reason(str(error)))
    return _answer(answer.status_code)


def _answer(status: int) -> Outcome:
    if status == 202:
        return sent()
    if status == 400:
        return failed("it answers 400: it does not accept this event; is the routing key right?")
    if status < 400:
        return failed(f"it answers {status}, not 202: this is not PagerDuty")
    return answered(status)


def _reason(message: str) -> str:
    known = (
        (r"refused", "the connection is refused; is [notify] pagerduty_url right?"),
        (r"timed out", "it cannot be reached in time"),
        (r"CERTIFICATE|SSL", "no TLS connection: its certificate or its TLS settings are wrong"),
        (r"Name or service|getaddrinfo|resolution|nodename nor", "its name does not resolve"),
    )
    return next(
        (reason for rule, reason in known if re.search(rule, message)), "it cannot be reached from here"
    )

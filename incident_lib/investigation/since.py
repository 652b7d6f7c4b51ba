"""How far back a collection reads if that is not given: it starts at the last verified mitigation."""

from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec

from incident_lib import clock
from incident_lib.findings.base import Context
from incident_lib.findings.thresholds import Thresholds
from incident_lib.incident.folder import IncidentFolder
from incident_lib.model import Event, EventKind

SINCE = "15m"
_USUAL = timedelta(minutes=15)
_LEAST = timedelta(seconds=5)  # a window must not be empty
_QUIET, _QUIET_AFTER_SECONDS = "recovery.least_quiet_seconds", 5.0


def since_for(folder: IncidentFolder | None, given: str | None) -> tuple[str, str]:
    """Return how far back to read, and why in words, "" for the default.

    `given` takes precedence. Otherwise it is a quarter of an hour, or the time since the last verified
    mitigation: what failed before it says nothing about the current state.
    """
    if given is not None or folder is None:
        return given or SINCE, ""
    verified, now = verified_at(folder.events), clock.now()
    if verified is None or verified <= now - _USUAL or clock.is_ahead(verified):
        return SINCE, ""
    start = min(verified, now - _LEAST)
    words = f"since the verified mitigation at {verified:%H:%M:%S} UTC; --since {SINCE} reads further back"
    return start.isoformat(), words


def after_mitigation(context: Context, folder: IncidentFolder | None) -> Context:
    """Return the context of a window in which a mitigation was verified: what ended then ended for a reason.

    After a mitigation, a few quiet seconds show as much as half a minute otherwise.
    """
    if folder is None:
        return context
    verified = verified_at(event for event in folder.events if event.occurred_at <= context.window.end)
    if verified is None or verified < context.window.start - _LEAST:
        return context
    overrides = {_QUIET: _QUIET_AFTER_SECONDS} | context.thresholds.overrides
    return msgspec.structs.replace(context, thresholds=Thresholds(overrides))


def verified_at(events: Iterable[Event]) -> datetime | None:
    """Return when the last mitigation was verified, None if there is none."""
    ended = (
        event.occurred_at
        for event in events
        if event.kind is EventKind.MITIGATION
        and event.data.get("phase") == "ended"
        and event.data.get("status") == "verified"
    )
    return max(ended, default=None)

"""How far back an examination reads where that is not given: a verified mitigation begins anew."""

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
_LEAST = timedelta(seconds=5)  # a window has to hold something
_QUIET, _QUIET_AFTER_SECONDS = "recovery.least_quiet_seconds", 5.0


def since_for(folder: IncidentFolder | None, given: str | None) -> tuple[str, str]:
    """Return how far back to read, and why in words, "" where that is as always.

    What `given` says holds. Else it is a quarter of an hour, or the time since the last mitigation that was
    verified: what failed before it says nothing about how it is now.
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

    Then a few quiet seconds show as much as half a minute does otherwise.
    """
    if folder is None:
        return context
    verified = verified_at(event for event in folder.events if event.occurred_at <= context.window.end)
    if verified is None or verified < context.window.start - _LEAST:
        return context
    overrides = {_QUIET: _QUIET_AFTER_SECONDS} | context.thresholds.overrides
    return msgspec.structs.replace(context, thresholds=Thresholds(overrides))


def verified_at(events: Iterable[Event]) -> datetime | None:
    """Return when the last mitigation was verified, None where there is none."""
    ended = (
        event.occurred_at
        for event in events
        if event.kind is EventKind.MITIGATION
        and event.data.get("phase") == "ended"
        and event.data.get("status") == "verified"
    )
    return max(ended, default=None)

"""How far back an examination reads where nobody says: a verified mitigation begins anew."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from incident_lib import clock
from incident_lib.incident.folder import IncidentFolder
from incident_lib.model import Event, EventKind

SINCE = "15m"
_USUAL = timedelta(minutes=15)
_LEAST = timedelta(seconds=5)  # a window has to hold something


def since_for(folder: IncidentFolder | None, given: str | None) -> tuple[str, str]:
    """Return how far back to read, and why in words, "" where that is as always.

    What `given` says holds. Else it is a quarter of an hour, or the time since the last mitigation that was
    verified: what failed before it says nothing about how it is now.
    """
    if given is not None or folder is None:
        return given or SINCE, ""
    verified, now = verified_at(folder.events), clock.now()
    if verified is None or verified <= now - _USUAL:
        return SINCE, ""
    start = min(verified, now - _LEAST)
    words = f"since the verified mitigation at {verified:%H:%M:%S} UTC; --since {SINCE} reads further back"
    return start.isoformat(), words


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

"""What happened to containers, as far as the engine remembers: 256 events, in memory."""

from datetime import UTC, datetime, timedelta
from typing import Any

from incident_lib import clock
from incident_lib.connections.docker import Engine, translated
from incident_lib.model import Truncation, Window
from incident_lib.probes.base import Fetched
from incident_lib.technologies.docker.rows import ContainerEvent, EventsSeen

_KEPT_BY_ENGINE = 256
_SAME_SECOND = timedelta(seconds=1)
_FULL = _KEPT_BY_ENGINE - 16  # the newest may come while we read, and push out of the answer what is too new


def fetch_events(
    engine: Engine, window: Window, *, container: str = "", configured: tuple[str, ...] = ()
) -> Fetched:
    """Return one EventsSeen and the ContainerEvents in it, of one container or of all; without exec events.

    Source: GET /events with `since` and `until`. All kinds are read, also those after the window,
    because only a full buffer shows from when on it is complete.
    """
    since, until = int(window.start.timestamp()), f"{clock.now().timestamp():.6f}"
    with translated("the events"):
        kept = engine.events(since, until)
    rows, exec_count = [], 0
    for entry in kept:
        action = str(entry.get("Action", ""))
        if entry.get("Type") != "container" or (container and _name(entry) != container):
            continue
        exec_count += action.startswith("exec_")
        if not action.startswith(("exec_", "top")) and _time(entry) <= window.end + _SAME_SECOND:
            rows.append(_event(entry, action))
    full = len(kept) >= _FULL
    seen = EventsSeen(
        container=container,
        asked_from=window.start,
        seen_from=max(_time(kept[0]), window.start) if full else window.start,
        until=window.end,
        kept_count=len(kept),
        exec_count=exec_count,
        configured=configured,
    )
    return Fetched(
        rows=(seen, *rows),
        source=f"GET /events?since={since}&until={until}",
        truncated=Truncation(kept=len(kept), unit="events") if full else None,
    )


def _name(entry: dict[str, Any]) -> str:
    return str(((entry.get("Actor") or {}).get("Attributes") or {}).get("name", ""))


def _time(entry: dict[str, Any]) -> datetime:
    return datetime.fromtimestamp(entry.get("timeNano", entry["time"] * 10**9) / 10**9, UTC)


def _event(entry: dict[str, Any], action: str) -> ContainerEvent:
    attributes = (entry.get("Actor") or {}).get("Attributes") or {}
    kind, _, health = action.partition(": ")
    return ContainerEvent(
        at=_time(entry),
        action=kind,
        container=str(attributes.get("name", "")),
        container_id=str(entry.get("id") or (entry.get("Actor") or {}).get("ID", ""))[:12],
        image=str(attributes.get("image", "")),
        exit_code=_number(attributes.get("exitCode")),
        signal=_number(attributes.get("signal")),
        health=health,
    )


def _number(text: str | None) -> int | None:
    """Return a number where there is one.

    >>> _number("137"), _number(None), _number("SIGTERM")
    (137, None, None)
    """
    return int(text) if text and text.lstrip("-").isdigit() else None

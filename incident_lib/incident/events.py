"""Events: one small file each, named by its time and the hash of its content, never changed."""

import re
from datetime import datetime
from pathlib import Path

import msgspec

from incident_lib import clock
from incident_lib.errors import FolderError
from incident_lib.incident.files import write_atomic
from incident_lib.incident.manifest import Difference, sha256
from incident_lib.model import Event, EventKind
from incident_lib.redact import Redactor

_FILE = re.compile(r"\d{8}T\d{6}\.\d{6}Z-([0-9a-f]{16})\.json")


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """An event before it is written down."""

    kind: EventKind
    text: str
    source: str
    occurred_at: datetime | None = None  # now, when None
    evidence: tuple[str, ...] = ()
    data: dict[str, str | list[str]] = {}


def append(folder: Path, draft: Draft, redactor: Redactor) -> Event:
    """Write an event and return it; it names the newest event that could be seen. Errors: FolderError."""
    recorded_at = clock.now()
    known, _ = read_all(folder)
    body = {
        **msgspec.to_builtins(draft),
        "occurred_at": draft.occurred_at or recorded_at,
        "recorded_at": recorded_at,
        "previous": known[-1].id if known else "",
    }
    event = _identified(redactor.value(msgspec.to_builtins(body)))
    name = f"{recorded_at:%Y%m%dT%H%M%S.%f}Z-{event.id}.json"
    write_atomic(folder / name, msgspec.json.format(msgspec.json.encode(event), indent=1))
    return event


def read_all(folder: Path) -> tuple[tuple[Event, ...], tuple[Difference, ...]]:
    """Return the events in the order they were recorded, and the files that are no intact events."""
    events: list[Event] = []
    damaged: list[Difference] = []
    for path in sorted(folder.glob("*")) if folder.is_dir() else ():
        if path.name.endswith(".part"):
            continue  # somebody is writing it, or died doing so: it was never acknowledged
        match = _FILE.fullmatch(path.name)
        event = _read(path) if match else None
        if event is None or match is None:
            damaged.append(Difference(f"events/{path.name}", "changed" if match else "added"))
        elif event.id == match[1] and _identified(_body(event)).id == event.id:
            events.append(event)
        else:
            damaged.append(Difference(f"events/{path.name}", "changed"))
            events.append(event)  # still told: hiding it would lose what a person wrote
    return tuple(sorted(events, key=lambda event: (event.recorded_at, event.id))), tuple(damaged)


def broken_links(events: tuple[Event, ...], listed: tuple[str, ...]) -> list[Difference]:
    """Return what is missing (a later event or incident.json names it) or added (neither knows it).

    >>> broken_links((), ("0123456789abcdef",))
    [Difference(path='events/...-0123456789abcdef.json', what='missing', is_bad=True)]
    """
    known = {event.id for event in events}
    named = {event.previous for event in events if event.previous} | set(listed)
    missing = [Difference(f"events/...-{event_id}.json", "missing") for event_id in sorted(named - known)]
    added = [Difference(f"events/...-{event.id}.json", "added") for event in events if event.id not in named]
    return missing + added


def _read(path: Path) -> Event | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Event)
    except msgspec.MsgspecError:
        return None
    except OSError as error:
        raise FolderError(f"cannot read {path}: {error.strerror}") from error


def _body(event: Event) -> dict[str, object]:
    body: dict[str, object] = msgspec.to_builtins(event)
    return {key: value for key, value in body.items() if key != "id"}


def _identified(body: dict[str, object]) -> Event:
    """Return the event of `body`, its id being the hash of what it says."""
    event = msgspec.convert({**body, "id": ""}, Event)
    digest = sha256(msgspec.json.encode(_body(event), order="sorted"))
    return msgspec.structs.replace(event, id=digest[:16])

"""Events: one small file each, named by its time and the hash of its content, never changed."""

import os
import re
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

import msgspec

from incident_lib import clock
from incident_lib.errors import FolderError
from incident_lib.incident import decode
from incident_lib.incident.files import write_atomic
from incident_lib.incident.manifest import Difference, sha256
from incident_lib.model import Event, EventKind
from incident_lib.redact import Redactor

_FILE = re.compile(r"\d{8}T\d{6}\.\d{6}Z-([0-9a-f]{16})\.json")
_Files = dict[str, tuple[tuple[int, int, int], Event | None]]  # by name: what stat says, and the event


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """An event before it is written down."""

    kind: EventKind
    text: str
    source: str
    occurred_at: datetime | None = None  # now, when None
    evidence: tuple[str, ...] = ()
    data: dict[str, str | list[str]] = {}


class EventLog:
    """The events of one folder: each file is read once, and again only when it changed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: tuple[_Files, tuple[Event, ...]] = ({}, ())  # replaced as a whole: threads share it
        self._is_held = False

    def read(self) -> tuple[Event, ...]:
        """Return the events in the order they were recorded; the same tuple while nothing changed.

        Cost: one stat a file, and reading what is new. Errors: FolderError.
        """
        before, events = self._known
        if self._is_held:
            return events
        files: _Files = {}
        for entry in _entries(self._folder):
            status = entry.stat(follow_symlinks=False)
            stamp = (status.st_mtime_ns, status.st_size, status.st_ino)
            known = before.get(entry.name)
            if known is None or known[0] != stamp:
                known = (stamp, _read(entry) if _FILE.fullmatch(entry.name) else None)
            files[entry.name] = known
        if files.keys() != before.keys() or any(files[name] is not before[name] for name in files):
            found = (event for _, event in files.values() if event is not None)
            events = in_order(found)
            self._known = (files, events)
        return events

    def hold(self) -> None:
        """Read now, and no more: what is recorded later is not seen here. Errors: FolderError."""
        self.read()
        self._is_held = True

    def append(self, draft: Draft, redactor: Redactor) -> Event:
        """Write an event and return it; it names the newest event that could be seen. Errors: FolderError."""
        recorded_at = clock.now()
        known = self.read()
        hidden = redactor.struct(draft, Draft)
        event = event_of(hidden, recorded_at=recorded_at, previous=known[-1].id if known else "")
        write_atomic(self._folder / file_name(event), encode(event))
        return event


def event_of(draft: Draft, *, recorded_at: datetime, previous: str) -> Event:
    """Return the event that records `draft`, its id being the hash of what it says."""
    body = {
        **msgspec.to_builtins(draft),
        "occurred_at": draft.occurred_at or recorded_at,
        "recorded_at": recorded_at,
        "previous": previous,
    }
    return _identified(msgspec.convert({**msgspec.to_builtins(body), "id": ""}, Event))


def file_name(event: Event) -> str:
    """Return the name of an event's file: its moment and its hash."""
    return f"{event.recorded_at:%Y%m%dT%H%M%S.%f}Z-{event.id}.json"


def encode(event: Event) -> bytes:
    """Return the content of an event's file."""
    return msgspec.json.format(msgspec.json.encode(event), indent=1)


def first_file(folder: Path) -> str:
    """Return the name of the oldest event's file, "" where there is none."""
    return min((entry.name for entry in _entries(folder) if entry.name.endswith(".json")), default="")


def check(folder: Path) -> tuple[tuple[Event, ...], list[Difference]]:
    """Return the events as they are now, and the files that are no intact events. Errors: FolderError."""
    events: list[Event] = []
    damaged: list[Difference] = []
    for entry in _entries(folder):
        match = _FILE.fullmatch(entry.name)
        event = _read(entry) if match else None
        if event is not None:
            events.append(event)  # also where it was changed: hiding it would lose what a person wrote
        if match is None or event is None or not event.id == match[1] == _identified(event).id:
            damaged.append(Difference(f"events/{entry.name}", "changed" if match else "added"))
    return in_order(events), damaged


def broken_links(events: tuple[Event, ...], listed: tuple[str, ...]) -> list[Difference]:
    """Return what is missing: another event or incident.json names it.

    An event that nothing names yet is the newest of its writer: there may be several, of two machines, or
    of writers at once.

    >>> broken_links((), ("0123456789abcdef",))
    [Difference(path='events/...-0123456789abcdef.json', what='missing', is_bad=True)]
    """
    known = {event.id for event in events}
    named = {event.previous for event in events if event.previous} | set(listed)
    return [Difference(f"events/...-{event_id}.json", "missing") for event_id in sorted(named - known)]


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    """Return the files of the folder, sorted; what is being written was never acknowledged."""
    try:
        with os.scandir(folder) as entries:
            found = [entry for entry in entries if not entry.name.endswith(".part")]
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise FolderError(f"cannot read {folder}: {error.strerror}") from error
    return sorted(found, key=lambda entry: entry.name)


def _read(entry: os.DirEntry[str]) -> Event | None:
    day, clocked = entry.name[:8], entry.name[9:22]
    moment = f"{day[:4]}-{day[4:6]}-{day[6:]}T{clocked[:2]}:{clocked[2:4]}:{clocked[4:]}Z"  # of its name
    try:
        return decode.load(entry.path, Event, instead={"occurred_at": moment, "recorded_at": moment})
    except FileNotFoundError:
        return None
    except FolderError as error:
        decode.report(f"{error}; this event is left out")
        return None


def _identified(event: Event) -> Event:
    """Return the event with the hash of what it says as its id."""
    body = msgspec.to_builtins(event)
    del body["id"]
    digest = sha256(msgspec.json.encode(body, order="sorted"))
    return msgspec.structs.replace(event, id=digest[:16])


def in_order(events: Iterable[Event]) -> tuple[Event, ...]:
    """Return the events in the order they were recorded, each behind the one that it names.

    So a clock that was set back, or that differs between two machines, turns nothing around.
    """
    by_id = {event.id: event for event in events}
    places: dict[str, tuple[datetime, int]] = {}
    for event in by_id.values():
        chain: list[Event] = []
        at: Event | None = event
        while at is not None and at.id not in places:
            places[at.id] = (at.recorded_at, 0)  # also where they form a circle
            chain.append(at)
            at = by_id.get(at.previous)
        for later in reversed(chain):
            before, depth = places.get(later.previous, (later.recorded_at, -1))
            places[later.id] = (max(later.recorded_at, before), depth + 1)
    return tuple(sorted(by_id.values(), key=lambda event: (*places[event.id], event.id)))

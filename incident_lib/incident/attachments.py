"""What people attach to an incident: a picture, a table or a text of theirs, redacted, with the reason why.

It lies in `attachments/` and has an event on the timeline, which holds its hash. It is data: files that could
be run are kept as texts, so that a bundle takes them along and nobody starts them by a click.
"""

import itertools
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path, PurePath

import msgspec

from incident_lib import clock
from incident_lib.errors import UsageError
from incident_lib.incident import decode, documents
from incident_lib.incident.events import Draft
from incident_lib.incident.files import slug, write_atomic
from incident_lib.incident.folder import IncidentFolder
from incident_lib.incident.foreign import refusal
from incident_lib.incident.manifest import sha256
from incident_lib.model import Event, EventKind

FOLDER, KEY = "attachments", "attachment"
MOST_BYTES = 10_000_000
_PICTURES = {".png": b"\x89PNG\r\n\x1a\n", ".jpg": b"\xff\xd8\xff", ".jpeg": b"\xff\xd8\xff"}
_NAMED = 40  # characters of the reason that a file is named by


class Attached(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was attached, as the timeline has it. `path` is None where its file is gone."""

    name: str  # relative to the incident's folder
    path: Path | None
    why: str
    at: datetime
    source: str

    @property
    def is_picture(self) -> bool:
        """Whether it is a picture."""
        return PurePath(self.name).suffix in _PICTURES


def attach(folder: IncidentFolder, data: bytes, suffix: str, why: str, *, source: str) -> Event:
    """Keep `data` under a name made of the reason, and return its event on the timeline.

    Texts are redacted by their structure, which `suffix` names. Errors: UsageError for what is empty, too
    large, or neither a text nor a picture; FolderError, RedactionError.
    """
    reason = folder.redactor.text(" ".join(why.split()))
    if not reason:
        raise UsageError(
            "describe in a few words why it is attached: case.attach(figure, 'the rate of errors')"
        )
    if len(data) > MOST_BYTES:
        raise UsageError(f"it has {len(data):,} bytes; attach a part of at most {MOST_BYTES:,}")
    suffix = suffix.lower()
    stem = f"{clock.format_stamp(clock.now())}-{slug(reason)[:_NAMED].strip('-')}"
    if refusal(f"{FOLDER}/{stem}{suffix}"):
        suffix += ".txt"
    kept = data if data.startswith(_PICTURES.get(suffix, b"\x00")) else _hidden(folder, data, stem + suffix)
    names = (f"{stem}{f'-{number}' if number > 1 else ''}{suffix}" for number in itertools.count(1))
    name = next(f"{FOLDER}/{name}" for name in names if not (folder.path / FOLDER / name).exists())
    write_atomic(folder.path / name, kept)
    entry: dict[str, str | list[str]] = {KEY: name, "sha256": sha256(kept)}
    return folder.record(Draft(kind=EventKind.NOTE, text=f"Attached: {reason}", source=source, data=entry))


def attached(incident: Path, events: Iterable[Event]) -> tuple[Attached, ...]:
    """Return everything that was attached to the incident in that folder, oldest first."""
    return tuple(
        Attached(
            name=str(event.data[KEY]),
            path=decode.inside(incident, str(event.data[KEY])),
            why=event.text.removeprefix("Attached: "),
            at=event.occurred_at,
            source=event.source,
        )
        for event in events
        if KEY in event.data
    )


def _hidden(folder: IncidentFolder, data: bytes, name: str) -> bytes:
    try:
        return documents.hide(data, name, folder.redactor)
    except UnicodeDecodeError as error:
        raise UsageError("it is not text, PNG or JPEG, so secrets in it cannot be hidden") from error

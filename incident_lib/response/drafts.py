"""Drafts of messages in an incident's folder: made from what is known now, found again, and ready to send."""

from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from incident_lib import clock
from incident_lib.config import Settings
from incident_lib.errors import UsageError
from incident_lib.incident import decode
from incident_lib.incident.events import Draft
from incident_lib.incident.folder import IncidentFolder
from incident_lib.incident.manifest import sha256
from incident_lib.investigation.case import newest_case
from incident_lib.model import Event, EventKind
from incident_lib.reports.communication import DraftKind, render_draft
from incident_lib.reports.public import inner_names, problems_of
from incident_lib.reports.situation import Situation

# A draft that no person edited is regenerated when it is older than this, or when the incident has changed.
_FRESH = timedelta(minutes=10)
_MOVES = {EventKind.STATUS, EventKind.SEVERITY, EventKind.ROLE, EventKind.DECLARED}


class StoredDraft(msgspec.Struct, frozen=True, kw_only=True):
    """A draft on disk in its current state, and whether a person edited it."""

    name: str  # relative to the folder
    path: Path
    text: str
    drafted_at: datetime | None = None
    is_edited: bool = False
    moved_on: str = ""  # what happened after it was drafted

    @property
    def remark(self) -> str:
        """What a person should know before it is sent."""
        edited = "; edited by a person" if self.is_edited else ""
        return f"{edited}; since then: {self.moved_on}" if self.moved_on else edited


def situation_of(settings: Settings, folder: IncidentFolder) -> Situation:
    """Return what is known about the incident now: its state, its events, its newest sealed snapshot."""
    case = newest_case(settings, folder)
    return Situation(
        incident=folder.incident,
        at=clock.now(),
        document=settings.document,
        analysis=case.analysis if case else None,
        events=folder.events,
        collected_at=case.collected_at if case else None,
        onset=case.onset if case else None,
    )


def draft(settings: Settings, folder: IncidentFolder, kind: DraftKind) -> Path:
    """Write a new draft, record it, and return its path. Errors: UsageError if this severity has none."""
    situation = situation_of(settings, folder)
    text = render_draft(kind, situation)
    name = _free_name(folder.path, f"communication/{kind.value}-{clock.format_stamp(situation.at)}")
    path = folder.write_text(name, text)
    folder.record(
        Draft(
            kind=EventKind.NOTE,
            text=f"The {kind.value} was drafted",
            source="communicate",
            data={"file": name, "sha256": sha256(path.read_bytes()), "kind": kind.value},
        )
    )
    return path


def draft_to_send(
    settings: Settings, folder: IncidentFolder, kind: DraftKind, chosen: str = ""
) -> StoredDraft:
    """Return the draft to send: the chosen file, else the newest of `kind`, else a new draft.

    A draft that a person edited is never replaced. Errors: UsageError for a file that does not exist or is
    empty, and for a status page that would show users internal names.
    """
    found = _chosen(folder, chosen) if chosen else _newest(folder, kind)
    if found is None or (not chosen and _is_stale(found)):
        found = _stored(folder, draft(settings, folder, kind))
    if not found.text.strip():
        raise UsageError(f"{found.path} is empty")
    if kind is DraftKind.STATUS_PAGE:
        incident = folder.incident
        if problems := problems_of(found.text, inner_names(settings.document, incident), incident.severity):
            raise UsageError(f"users would see {'; '.join(problems[:5])}: edit {found.path}")
    return found


def _newest(folder: IncidentFolder, kind: DraftKind) -> StoredDraft | None:
    drafts = [event for event in folder.events if _is_draft(event, kind)]
    for event in reversed(drafts):
        if path := decode.inside(folder.path, str(event.data["file"])):
            return _stored(folder, path, event)
    return None


def _is_draft(event: Event, kind: DraftKind) -> bool:
    name = str(event.data.get("file", ""))
    return name.startswith((f"communication/{kind.value}-", f"communication/{kind.value}.md"))


def _chosen(folder: IncidentFolder, chosen: str) -> StoredDraft:
    for path in (Path(chosen), folder.path / chosen, folder.path / "communication" / chosen):
        if path.is_file():
            resolved = path.resolve()
            known = (event for event in reversed(folder.events) if "file" in event.data)
            same = (e for e in known if (folder.path / str(e.data["file"])).resolve() == resolved)
            return _stored(folder, resolved, next(same, None))
    raise UsageError(f"there is no file {chosen!r}, neither here nor in {folder.path / 'communication'}")


def _stored(folder: IncidentFolder, path: Path, event: Event | None = None) -> StoredDraft:
    try:
        data = path.read_bytes()
        text = data.decode()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"cannot read {path}: {getattr(error, 'strerror', None) or 'it is not text'}"
        ) from error
    later = [e for e in folder.events if event and e.recorded_at > event.recorded_at and e.kind in _MOVES]
    inside = path.is_relative_to(folder.path)
    return StoredDraft(
        name=str(path.relative_to(folder.path)) if inside else path.name,
        path=path,
        text=folder.redactor.text(text),
        drafted_at=event.recorded_at if event else None,
        is_edited=event is not None and sha256(data) != event.data.get("sha256"),
        moved_on=f"{later[-1].occurred_at:%H:%M} UTC {later[-1].text}" if later else "",
    )


def _is_stale(draft: StoredDraft) -> bool:
    old = draft.drafted_at is None or clock.now() - draft.drafted_at > _FRESH
    return not draft.is_edited and (old or bool(draft.moved_on))


def _free_name(folder: Path, start: str) -> str:
    """Return a name that is not taken: two drafts in one second must not overwrite each other."""
    for number in range(1, 100):
        name = f"{start}.md" if number == 1 else f"{start}-{number}.md"
        if not (folder / name).exists():
            return name
    raise UsageError("too many drafts in one second; try again")

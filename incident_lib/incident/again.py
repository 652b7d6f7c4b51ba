"""An incident that is there already, redacted again by what is known today.

What was sealed or recorded and holds a secret is replaced, and what stood there is listed as withdrawn in a
new manifest. Before anything is replaced, what stood there is written down: a call that was killed is
finished by the next one.
"""

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import msgspec

from incident_lib.errors import FolderError
from incident_lib.incident import decode, manifest
from incident_lib.incident import events as event_files
from incident_lib.incident.bundle import kinds_in
from incident_lib.incident.events import Draft
from incident_lib.incident.files import write_atomic
from incident_lib.incident.folder import IncidentFolder
from incident_lib.incident.manifest import Withdrawn
from incident_lib.incident.rewrite import rewrite
from incident_lib.incident.signing import Signer
from incident_lib.incident.verification import REDACTING
from incident_lib.model import Event, EventKind
from incident_lib.redact import Redactor

JOURNAL = REDACTING
_DERIVED = "incident.json"
_REASON = "redacted again: it held {kinds}"
_PASSES = 4  # what one replacement uncovers is found by the next


class Again(msgspec.Struct, kw_only=True):
    """What was done. Paths are relative to the incident's folder; no value of a secret is in it."""

    files: dict[str, dict[str, int]] = {}  # how many secrets of each kind each file held
    events: dict[str, dict[str, int]] = {}
    not_read: list[str] = []  # no text: not searched
    named: list[str] = []  # the name itself holds a secret, which is not changed
    not_sealed: list[str] = []  # was not as it had been sealed, so that it is not sealed again


class _Journal(msgspec.Struct, kw_only=True):
    """What stood where something is replaced, by path: its hash, and why it is withdrawn."""

    files: dict[str, tuple[str, str]] = {}
    events: dict[str, tuple[str, str]] = {}
    not_intact: list[str] = []  # sealed folders that were changed before


def redact_again(folder: IncidentFolder, *, signer: Signer | None = None) -> Again:
    """Replace in every file and event what is secret by today's rules, and return what was done.

    A sealed folder that was changed before is redacted as well, but not sealed again: what `verify` reports
    of it stays true. Errors: RedactionError and FolderError; what was begun is finished by the next call.
    """
    with folder.deciding():
        journal, again = _load(folder.path), Again()
        sealed = _sealed(folder.path)
        journal.not_intact += (name for name in sealed if not _is_intact(folder.path, name, journal))
        changing = _find(folder, journal, again)
        renewed = _renewed(folder, journal, again)
        if journal.files or journal.events:
            _save(folder.path, journal)
        for path in changing:
            _replace(folder.path / path, folder.redactor)
        for name in sealed:
            _seal(folder.path, name, journal, again, signer=signer)
        _withdraw_rest(folder.path, journal, renewed, signer=signer)
        if again.files or again.events or journal.files or journal.events:
            _record(folder, journal)
        (folder.path / JOURNAL).unlink(missing_ok=True)
    return again


def _sealed(incident: Path) -> tuple[str, ...]:
    return tuple(path.relative_to(incident).as_posix() for path in manifest.sealed_folders(incident))


def _is_intact(incident: Path, sealed: str, journal: _Journal) -> bool:
    """Return whether a sealed folder is as it was sealed, but for what an earlier call replaced."""
    return sealed not in journal.not_intact and all(
        difference.what == "changed" and f"{sealed}/{difference.path}" in journal.files
        for difference in manifest.differences(incident / sealed)
    )


def _find(folder: IncidentFolder, journal: _Journal, again: Again) -> list[str]:
    """Return the files that hold a secret, and write down what they are before they are replaced."""
    changing = []
    for path in _files(folder.path):
        relative = path.relative_to(folder.path).as_posix()
        if folder.redactor.text(relative) != relative:
            again.named.append(relative)
        kinds = _kinds(path, folder.redactor)
        if kinds is None:
            again.not_read.append(relative)
        elif kinds:
            changing.append(relative)
            again.files[relative] = kinds
            journal.files.setdefault(relative, (manifest.digest_of(path), _reason(kinds)))
        elif relative in journal.files and manifest.digest_of(path) == journal.files[relative][0]:
            del journal.files[relative]  # by other rules than today's, and not come to
    return changing


def _files(incident: Path) -> Iterator[Path]:
    """Yield every file but events, manifests and what is derived; links are not followed."""
    for top, directories, names in os.walk(incident):
        here = Path(top)
        directories.sort()
        if here == incident and "events" in directories:
            directories.remove("events")
        for name in sorted(names):
            path = here / name
            ours = path in {incident / JOURNAL, incident / _DERIVED} or name == manifest.NAME
            if not ours and manifest.is_plain(path):
                yield path
    known = set(_event_files(incident))
    for path in sorted((incident / "events").glob("*")):
        if path.name not in known and manifest.is_plain(path):
            yield path  # no event any more, and still not to be read by anybody


def _event_files(incident: Path) -> dict[str, Event]:
    """Return the intact events by the names of their files."""
    events, damaged = event_files.check(incident / "events")
    changed = {difference.path.rpartition("/")[2] for difference in damaged}
    named = {event_files.file_name(event): event for event in events}
    return {name: event for name, event in named.items() if name not in changed}


def _kinds(path: Path, redactor: Redactor) -> dict[str, int] | None:
    """Return how many secrets of each kind a file holds, None where it is no text."""
    before = Counter(redactor.hidden)
    if path.suffix == ".zst" and path.parent.name != "logs":
        return None
    kinds = kinds_in(path, redactor)
    if kinds is None:
        data = _bytes_as_text(path)
        if data is None:
            return None
        kinds = ("other",) if redactor.text(data) != data else ()
    found = Counter(redactor.hidden) - before
    return {kind: found.get(kind, 0) or 1 for kind in sorted({*kinds, *found})} if kinds else {}


def _bytes_as_text(path: Path) -> str | None:
    """Return a text in an older encoding, each byte a letter; None for what is no text at all."""
    data = _read(path)
    return None if b"\0" in data else data.decode("latin-1")


def _replace(path: Path, redactor: Redactor) -> None:
    for _ in range(_PASSES):
        rewrite(path, redactor)
        if not _kinds(path, redactor):
            return


def _seal(incident: Path, sealed: str, journal: _Journal, again: Again, *, signer: Signer | None) -> None:
    """Seal a folder again of which something was replaced."""
    withdrawn = [
        Withdrawn(path=path, sha256=digest, reason=reason)
        for path, (digest, reason) in journal.files.items()
        if path.startswith(f"{sealed}/")
    ]
    if not withdrawn:
        return
    if sealed in journal.not_intact:
        again.not_sealed.append(sealed)
        return
    listed = _listed(incident / sealed)
    if any((item.path, item.sha256) not in listed for item in withdrawn):
        manifest.seal(incident / sealed, withdrawn=withdrawn, signer=signer)


def _renewed(folder: IncidentFolder, journal: _Journal, again: Again) -> list[Event]:
    """Return the events that take the place of those that hold a secret, in their order.

    What other events say of them by their id is renewed too; that an event names the one before it is not,
    since what was withdrawn is listed.
    """
    known = _event_files(folder.path)
    ids: dict[str, str] = {}
    renewed = []
    for event in event_files.in_order(known.values()):
        name = event_files.file_name(event)
        draft = Draft(
            kind=event.kind,
            text=event.text,
            source=event.source,
            occurred_at=event.occurred_at,
            evidence=event.evidence,
            data={key: _with_ids(value, ids) for key, value in event.data.items()},
        )
        before = Counter(folder.redactor.hidden)
        hidden: Draft = folder.redactor.struct(draft, Draft)
        path = f"events/{name}"
        if hidden == draft and draft.data == event.data:
            journal.events.pop(path, None)  # by other rules than today's, and not come to
            continue
        kinds = dict(Counter(folder.redactor.hidden) - before)
        new = event_files.event_of(hidden, recorded_at=event.recorded_at, previous=event.previous)
        ids[event.id], ids[f"t{event.id[:8]}"] = new.id, f"t{new.id[:8]}"
        renewed.append(new)
        again.events[path] = kinds
        reason = _reason(kinds) if kinds else "redacted again: it names an event that was"
        journal.events.setdefault(path, (manifest.digest_of(folder.path / path), reason))
    return renewed


def _with_ids(value: str | list[str], ids: dict[str, str]) -> str | list[str]:
    if isinstance(value, str):
        return ids.get(value, value)
    return [ids.get(item, item) for item in value]


def _withdraw_rest(incident: Path, journal: _Journal, renewed: list[Event], *, signer: Signer | None) -> None:
    """Write the new events, list what stands in no sealed folder as withdrawn, and delete the old events."""
    for event in renewed:
        write_atomic(incident / "events" / event_files.file_name(event), event_files.encode(event))
    sealed = tuple(f"{name}/" for name in _sealed(incident))
    rest = {path: entry for path, entry in journal.files.items() if not path.startswith(sealed)}
    listed = {entry for name in _sealed(incident) for entry in _listed(incident / name)}
    new = [
        Withdrawn(path=path, sha256=digest, reason=reason)
        for path, (digest, reason) in {**rest, **journal.events}.items()
        if (path, digest) not in listed
    ]
    if new:
        manifest.withdraw(incident, new, signer=signer)
    for path in journal.events:
        (incident / path).unlink(missing_ok=True)


def _listed(folder: Path) -> set[tuple[str, str]]:
    """Return what a sealed folder lists as withdrawn, nothing where its manifest cannot be read."""
    with suppress(FolderError):
        return {(item.path, item.sha256) for item in manifest.load(folder).withdrawn}
    return set()


def _record(folder: IncidentFolder, journal: _Journal) -> None:
    files, events = len(journal.files), len(journal.events)
    texts = [f"{files} file{'s' if files != 1 else ''}" if files else ""]
    texts += [f"{events} event{'s' if events != 1 else ''}" if events else ""]
    folder.record(
        Draft(
            kind=EventKind.NOTE,
            text=f"The incident was redacted again: {' and '.join(filter(None, texts))} held secrets",
            source="redact",
        )
    )


def _reason(kinds: dict[str, int]) -> str:
    return _REASON.format(kinds=", ".join(sorted(kinds)) or "secrets")


def _load(incident: Path) -> _Journal:
    try:
        return decode.load(incident / JOURNAL, _Journal, whole=True)
    except FileNotFoundError:
        return _Journal()


def _save(incident: Path, journal: _Journal) -> None:
    write_atomic(incident / JOURNAL, msgspec.json.format(msgspec.json.encode(journal), indent=1))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise FolderError(f"cannot read {path}: {error.strerror}") from error

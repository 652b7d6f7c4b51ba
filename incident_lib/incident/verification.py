"""What of an incident is not as it was sealed or recorded: files, events, what they name of each other."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from incident_lib.errors import FolderError
from incident_lib.incident import decode, foreign, manifest
from incident_lib.incident import events as event_files
from incident_lib.incident.files import evidence_file
from incident_lib.incident.manifest import Difference
from incident_lib.model import Event, EventKind

_TAKEN = re.compile(r"(?P<kind>Snapshot|Run) (?P<name>\d{8}T\d{6}Z(?:-\d+)?)\b")
_NOT_DERIVED = "unfinished: not derived from the newest events; the next command that writes does that"
_HALF = "unfinished: being written, or left by a process that was killed"
REDACTING = ".redacting.json"  # what is being redacted again, by paths and hashes, until that is done
HALF_REDACTED = "unfinished: it was being redacted again; repeat that command to finish"
_FOLDERS = {"Snapshot": "snapshots", "Run": "runs"}


class _Derived(msgspec.Struct, frozen=True):
    """The part of incident.json that says which events it was derived from."""

    events: tuple[str, ...] = ()


class _Redacting(msgspec.Struct, frozen=True):
    """The part of the journal of a redaction that says what stood where something is replaced."""

    files: dict[str, tuple[str, str]] = {}
    events: dict[str, tuple[str, str]] = {}
    not_intact: tuple[str, ...] = ()


class _Judged(msgspec.Struct, frozen=True):
    """The part of a finding that says what it rests on."""

    evidence_hashes: dict[str, str] = {}


class _Concluded(msgspec.Struct, frozen=True):
    """The part of findings.json that says what was judged."""

    findings: tuple[_Judged, ...] = ()


def verify(incident: Path) -> list[Difference]:
    """Return everything that is not as it was sealed or recorded; what people may edit is not bad.

    Cost: reads every sealed file. Errors: FolderError.
    """
    known, damaged = event_files.check(incident / "events")
    listed = _listed(incident / "incident.json")
    links = event_files.broken_links(known, listed)
    ids = {event.id: f"events/{event_files.file_name(event)}" for event in known}
    redacting = _redacting(incident)
    withdrawn = manifest.all_withdrawn(incident) | set(redacting.items())
    named = manifest.broken_names(incident, ids)
    again = {difference.path for difference in named if difference.what == manifest.AGAIN}
    result = [*damaged, *(link for link in links if not _is_withdrawn(link, again)), *named]
    result += _sealed(incident, known, withdrawn)
    result += (edited for edited in _edited(incident, known) if edited.path not in again)
    if not {event.id for event in known} <= set(listed):
        result.append(Difference("incident.json", _NOT_DERIVED, is_bad=False))
    result += (
        Difference(path.relative_to(incident).as_posix(), _HALF, is_bad=False)
        for path in sorted(incident.rglob(".*.part"))
    )
    result += _foreign(incident, known)
    result = [
        Difference(found.path, HALF_REDACTED, is_bad=False)
        if found.path in redacting and found.is_bad
        else found
        for found in result
    ]
    # What is missing may be missed by several: once is enough, the worst of what is said of it.
    worst = sorted(result, key=lambda difference: difference.is_bad)
    return sorted({difference.path: difference for difference in worst}.values())


def _sealed(incident: Path, events: Iterable[Event], withdrawn: set[tuple[str, str]]) -> Iterator[Difference]:
    """Yield what differs in each folder that is sealed, or was."""
    taken = {relative for event in events if (relative := recorded_folder(event))}
    present = set()
    for kind in manifest.SEALED_FOLDERS:
        for folder in _children(incident / kind):
            relative = f"{kind}/{folder.name}"
            present.add(relative)
            # What the timeline does not know of was never finished, so there is nothing that it was before.
            finished = relative in taken
            for found in manifest.differences(folder):
                bad = finished or found.what != manifest.UNSEALED
                yield Difference(f"{relative}/{found.path}", found.what, is_bad=bad)
            if kind == "snapshots":
                yield from _baseless(incident, folder, withdrawn)
    for relative in sorted(taken - present):
        yield Difference(f"{relative}/{manifest.NAME}", "missing")


def _baseless(incident: Path, snapshot: Path, withdrawn: set[tuple[str, str]]) -> Iterator[Difference]:
    """Yield that findings rest on evidence that is not what they were judged on."""
    path = snapshot / "findings.json"
    try:
        concluded = decode.load(path, _Concluded)
    except (FileNotFoundError, FolderError):
        return  # never finished, or reported already
    digests: dict[str, str] = {}
    wrong: dict[str, None] = {}
    for finding in concluded.findings:
        for ref, digest in finding.evidence_hashes.items():
            file = evidence_file(snapshot, ref)
            relative = file.relative_to(incident).as_posix()
            if ref not in digests:
                there = decode.inside(incident, relative)
                digests[ref] = manifest.digest_of(there) if there else ""
            if digests[ref] != digest and (relative, digest) not in withdrawn:
                wrong[ref] = None
    if wrong:
        relative = path.relative_to(incident).as_posix()
        yield Difference(relative, f"changed: it rests on different evidence of {', '.join(wrong)}")


def _redacting(incident: Path) -> dict[str, str]:
    """Return the hashes of what is being redacted again, by path; of a redaction that was killed, too."""
    try:
        journal = decode.load(incident / REDACTING, _Redacting)
    except (FileNotFoundError, FolderError):
        return {}
    changed = tuple(f"{sealed}/" for sealed in journal.not_intact)
    replaced = {**journal.files, **journal.events}
    return {path: digest for path, (digest, _) in replaced.items() if not path.startswith(changed)}


def recorded_folder(event: Event) -> str:
    """Return the sealed folder whose end an event records, "" for another event."""
    found = _TAKEN.match(event.text) if event.kind in {EventKind.SNAPSHOT, EventKind.RUN} else None
    return f"{_FOLDERS[found['kind']]}/{found['name']}" if found else ""


def _is_withdrawn(link: Difference, again: set[str]) -> bool:
    """Return whether a missing event is among what was withdrawn, which is named by its whole path."""
    end = link.path.rpartition("...")[2]
    return link.what == "missing" and any(path.startswith("events/") and path.endswith(end) for path in again)


def _edited(incident: Path, events: tuple[Event, ...]) -> Iterator[Difference]:
    drafts = {
        str(event.data[key]): str(event.data.get("sha256", ""))
        for event in events
        for key in ("file", "attachment")
        if key in event.data
    }
    for relative, digest in drafts.items():
        path = decode.inside(incident, relative)
        if path is None:
            yield Difference(relative, "removed by a person", is_bad=False)
        elif manifest.digest_of(path) != digest:
            yield Difference(relative, "edited by a person", is_bad=False)


def _foreign(incident: Path, events: tuple[Event, ...]) -> Iterator[Difference]:
    """Yield what marks an incident that came from elsewhere, where a part of it was changed or removed."""
    opening, there = foreign.opening_of(events), foreign.is_foreign(incident, ())
    if opening is None and there:
        yield Difference(foreign.BUNDLE, "opened by an earlier version; it came from elsewhere", is_bad=False)
    elif opening is not None and not foreign.is_marked(incident, events):
        what = "changed since it was opened" if there else "missing: it came from elsewhere"
        yield Difference(foreign.BUNDLE, what)


def _children(path: Path) -> tuple[Path, ...]:
    if not path.is_dir():
        return ()
    return tuple(sorted(child for child in path.iterdir() if child.is_dir() and child.name[0] != "."))


def _listed(path: Path) -> tuple[str, ...]:
    try:
        return decode.load(path, _Derived).events
    except (FileNotFoundError, FolderError):
        return ()

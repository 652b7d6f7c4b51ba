"""Past incidents as they lie on disk. A damaged one is reported, and never hides the others."""

from collections.abc import Iterator
from pathlib import Path

import msgspec

from incident_lib.errors import FolderError
from incident_lib.incident import decode
from incident_lib.incident import snapshot as snapshots
from incident_lib.incident.events import first_file
from incident_lib.incident.folder import IncidentFolder
from incident_lib.model import Analysis, Event, Incident, Window
from incident_lib.redact import Redactor

_PARTS = ("incident.json", "snapshots", "runs")


class Damage(msgspec.Struct, frozen=True, order=True):
    """Something that could not be read, and what is wrong with it."""

    path: str  # below the folder for incidents
    text: str


class PastSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """What one snapshot concluded. `kinds`: what each target was then (postgres, http, ...)."""

    id: str
    analysis: Analysis
    window: Window
    kinds: dict[str, str] = {}


class PastIncident(msgspec.Struct, frozen=True, kw_only=True):
    """One incident, read whole. Snapshots: oldest first."""

    path: Path
    incident: Incident
    events: tuple[Event, ...]
    snapshots: tuple[PastSnapshot, ...]
    damaged: tuple[Damage, ...] = ()


class _Named(msgspec.Struct, frozen=True):
    """The part of incident.json that says what its folder was called."""

    id: str = ""


def folders(incidents: Path) -> tuple[tuple[Path, ...], tuple[Damage, ...]]:
    """Return the incidents' folders, the one declared last first, and those that are none any more.

    A copy of an incident is reported and left out, so that nothing counts twice. What never was an incident
    is passed over. Cost: lists two directories an incident, reads nothing. Errors: FolderError.
    """
    if not incidents.is_dir():
        return (), ()
    found: dict[str, Path] = {}
    damaged: list[Damage] = []
    for path in sorted(_directories(incidents), key=lambda path: (len(path.name), path.name)):
        first = first_file(path / "events")
        if not first and any((path / part).exists() for part in _PARTS):
            damaged.append(Damage(path.name, "it has no events, so what it was is unknown; was it moved?"))
        elif first in found:
            kept, copied = _original(found[first], path)
            found[first] = kept
            damaged.append(Damage(copied.name, f"a copy of the incident {kept.name}; it is left out"))
        elif first:
            found[first] = path
    ordered = sorted(found.items(), reverse=True)
    return tuple(path for _, path in ordered), tuple(sorted(damaged))


def read(path: Path) -> PastIncident:
    """Return the incident at `path`, without the snapshots that cannot be read. Errors: FolderError."""
    folder = IncidentFolder(path, Redactor())
    try:
        folder.hold()
        events, incident = folder.events, folder.incident
    except (KeyError, ValueError, TypeError, OSError) as error:
        raise FolderError(f"an event was edited by hand and cannot be understood ({error})") from error
    damaged: list[Damage] = []
    read_snapshots = tuple(_snapshots(folder, damaged))
    return PastIncident(
        path=path, incident=incident, events=events, snapshots=read_snapshots, damaged=tuple(damaged)
    )


def read_all(incidents: Path, *, exclude: str = "") -> tuple[tuple[PastIncident, ...], tuple[Damage, ...]]:
    """Return every incident that can be read, the newest first, and what cannot."""
    paths, copies = folders(incidents)
    damaged, known = list(copies), []
    for path in paths:
        if path.name == exclude:
            continue
        try:
            known.append(read(path))
        except FolderError as error:
            damaged.append(Damage(path.name, str(error)))
        else:
            damaged += known[-1].damaged
    return tuple(known), tuple(sorted(damaged))


def _snapshots(folder: IncidentFolder, damaged: list[Damage]) -> Iterator[PastSnapshot]:
    for path in folder.snapshots:
        try:
            analysis, about = snapshots.load_analysis(path), snapshots.load_about(path)
        except (FolderError, UnicodeDecodeError) as error:
            damaged.append(Damage(f"{folder.id}/snapshots/{path.name}", str(error)))
            continue
        if analysis is None:
            damaged.append(Damage(f"{folder.id}/snapshots/{path.name}", "never finished"))
        else:
            yield PastSnapshot(
                id=path.name, analysis=analysis, window=about.window, kinds=about.topology.kinds
            )


def _original(first: Path, other: Path) -> tuple[Path, Path]:
    """Return the folder that has the name it was declared with first, then its copy."""
    try:
        named = decode.load(other / "incident.json", _Named).id
    except (FileNotFoundError, FolderError):
        return first, other
    return (other, first) if named == other.name else (first, other)


def _directories(incidents: Path) -> Iterator[Path]:
    try:
        for path in incidents.iterdir():
            if path.is_dir() and not path.name.startswith("."):
                yield path
    except OSError as error:
        raise FolderError(f"cannot read {incidents}: {error.strerror}") from error

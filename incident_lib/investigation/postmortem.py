"""What a post-mortem is made of, gathered from an incident's folder. Asks no target."""

import msgspec

from incident_lib.config import Settings
from incident_lib.errors import FolderError
from incident_lib.incident.folder import IncidentFolder
from incident_lib.investigation.case import load_case
from incident_lib.investigation.setup import patterns_for
from incident_lib.model.run import RunRecord
from incident_lib.reports.postmortem import PostmortemFacts, RunPages
from incident_lib.reports.timeline import SnapshotFacts


def gather(settings: Settings, folder: IncidentFolder) -> tuple[PostmortemFacts, tuple[str, ...]]:
    """Return the facts, and what could not be read and is left out. Errors: FolderError, ConfigError."""
    snapshots, unread_snapshots = _snapshots(settings, folder)
    runs, unread_runs = _runs(folder)
    facts = PostmortemFacts(
        incident=folder.incident,
        events=folder.events,
        snapshots=snapshots,
        runs=runs,
        patterns=patterns_for(settings),
        proposed=settings.commands(folder.path),
    )
    return facts, (*unread_snapshots, *unread_runs)


def _snapshots(
    settings: Settings, folder: IncidentFolder
) -> tuple[tuple[SnapshotFacts, ...], tuple[str, ...]]:
    found: list[SnapshotFacts] = []
    unread: list[str] = []
    for path in folder.snapshots:
        try:
            case = load_case(settings, path)
        except FolderError as error:
            unread.append(str(error))
            continue
        facts = SnapshotFacts(
            id=case.snapshot,
            window=case.window,
            analysis=case.analysis,
            evidence=case.evidence,
            changes=case.changes,
            onset=case.onset,
            topology=case.topology,
        )
        found.append(facts)
    return tuple(found), tuple(unread)


def _runs(folder: IncidentFolder) -> tuple[tuple[RunPages, ...], tuple[str, ...]]:
    found: list[RunPages] = []
    unread: list[str] = []
    for path in folder.runs:
        try:
            record = msgspec.json.decode((path / "run.json").read_bytes(), type=RunRecord)
        except (OSError, msgspec.MsgspecError):
            if not (path / "manifest.json").exists() and not (path / "run.json").exists():
                continue  # it goes on just now, and a notebook of it asks
            unread.append(f"run {path.name} has no record that can be read")
            continue
        html = f"runs/{path.name}/html"
        if (path / "html" / "index.html").exists():
            pages = ((one.name, f"{html}/{one.name}.html") for one in record.notebooks)
            there = tuple((name, page) for name, page in pages if (folder.path / page).exists())
            found.append(
                RunPages(id=path.name, snapshot=record.snapshot, index=f"{html}/index.html", pages=there)
            )
    return tuple(found), tuple(unread)

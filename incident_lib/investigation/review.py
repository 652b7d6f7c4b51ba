"""A finished incident under review: the contents of its folder, and the post-mortem that people write."""

from collections.abc import Iterator
from pathlib import Path

import msgspec

from incident_lib.config import Settings
from incident_lib.errors import FolderError
from incident_lib.incident import decode
from incident_lib.incident import folder as folders
from incident_lib.incident.folder import IncidentFolder
from incident_lib.investigation.case import load_case
from incident_lib.investigation.collect import Watch
from incident_lib.investigation.parameters import read_parameters
from incident_lib.investigation.setup import load_settings, patterns_for, redactor_for
from incident_lib.investigation.since import SINCE
from incident_lib.investigation.snapshot import take_snapshot
from incident_lib.model.run import RunRecord
from incident_lib.reports.postmortem import PostmortemFacts, RunPages, file_name
from incident_lib.reports.postmortem_lint import LintFinding, lint
from incident_lib.reports.timeline import SnapshotFacts


class Review(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is known about an incident when it is over, or while it is still open."""

    settings: Settings
    folder: IncidentFolder
    facts: PostmortemFacts
    left_out: tuple[str, ...] = ()  # what could not be read
    text: str = ""  # of the post-mortem, as people left it; "" if there is none yet

    @property
    def path(self) -> Path:
        """Where the post-mortem is, or will be."""
        return self.folder.path / file_name(self.facts.incident)

    def lint(self) -> tuple[LintFinding, ...]:
        """Return what should be written differently in the post-mortem; nothing before there is one."""
        if not self.text:
            return ()
        names = people(self.settings, self.folder)
        return lint(self.text, names=names, redact=self.folder.redactor.text)


def open_review(
    incident: str = "", *, snapshot: str = "latest", since: str = SINCE, config: str = ""
) -> Review:
    """Return the review of an incident, with all of its snapshots, or none if none was taken.

    `latest` or an id reads what is there and contacts no target; `new` takes one more snapshot first.
    Errors: UsageError for a name that does not exist, ConfigError, FolderError.
    """
    given = read_parameters(incident=incident, snapshot=snapshot, since=since, config=config)
    settings = load_settings(given.config, given.incident)
    folder = folders.find(settings.incidents, given.incident, redactor_for(settings))
    if given.snapshot == "new":
        take_snapshot(settings, folder.path / "snapshots", given.since or SINCE, Watch(), folder=folder)
    elif given.snapshot not in {"", "latest"}:
        folder.snapshot(given.snapshot)
    facts, left_out = gather(settings, folder)
    path = folder.path / file_name(facts.incident)
    return Review(settings=settings, folder=folder, facts=facts, left_out=left_out, text=_text(path))


def is_ready(folder: IncidentFolder) -> bool:
    """Return whether there is something to review: it is over, or a post-mortem was started."""
    incident = folder.incident
    return not incident.is_open or (folder.path / file_name(incident)).exists()


def people(settings: Settings, folder: IncidentFolder) -> Iterator[str]:
    """Yield the names of people that the records and the configuration know."""
    incident = folder.incident
    yield incident.commander
    yield from incident.roles.values()
    yield from (task.owner for task in incident.tasks)
    for contact in settings.document.contact:
        yield from (contact.name, contact.chat)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8") if path.exists() else ""
    except (OSError, UnicodeDecodeError) as error:
        raise FolderError(f"{path} cannot be read: {error}") from error


def gather(settings: Settings, folder: IncidentFolder) -> tuple[PostmortemFacts, tuple[str, ...]]:
    """Return the facts, and what could not be read and was left out. Errors: FolderError, ConfigError."""
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
            record = decode.load(path / "run.json", RunRecord)
        except (FileNotFoundError, FolderError):
            if not (path / "manifest.json").exists() and not (path / "run.json").exists():
                continue  # it is still running, and this is one of its notebooks
            unread.append(f"run {path.name} has no readable record")
            continue
        html = f"runs/{path.name}/html"
        if (path / "html" / "index.html").exists():
            pages = ((notebook.name, f"{html}/{notebook.name}.html") for notebook in record.notebooks)
            there = tuple((name, page) for name, page in pages if (folder.path / page).exists())
            found.append(
                RunPages(id=path.name, snapshot=record.snapshot, index=f"{html}/index.html", pages=there)
            )
    return tuple(found), tuple(unread)

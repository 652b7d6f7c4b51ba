"""The incident folder: the only state there is, and the only place that writes into it."""

import itertools
import logging
import shutil
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, suppress
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from incident_lib import clock
from incident_lib.errors import FolderError, UsageError, WorkbenchError
from incident_lib.incident import events as event_files
from incident_lib.incident import foreign, lifecycle, manifest, verification
from incident_lib.incident.events import Draft, EventLog
from incident_lib.incident.files import make_directory, protect, slug, sync_folder, write_atomic
from incident_lib.incident.for_git import write_attributes
from incident_lib.incident.leftovers import sweep_files
from incident_lib.incident.lock import Lock
from incident_lib.incident.manifest import Difference
from incident_lib.incident.signing import Signer
from incident_lib.model import Event, EventKind, Incident, IncidentSeverity
from incident_lib.redact import Redactor

_LOG = logging.getLogger(__name__)
_DERIVE_TRIES = 10
_OLD = timedelta(days=1)  # an incident of last week is never meant without its name
_WRITTEN = ("", "events", "communication", "mitigations")
_changed: dict[Path, None] = {}  # where this process recorded something, since that was last asked


class Declaration(msgspec.Struct, frozen=True, kw_only=True):
    """What a person says when an incident begins."""

    title: str
    severity: IncidentSeverity
    started_at: datetime
    commander: str = ""
    impact: str = ""
    services: tuple[str, ...] = ()


class IncidentFolder:
    """One incident on disk. Everything written passes the redactor."""

    def __init__(self, path: Path, redactor: Redactor) -> None:
        self.path = path
        self.redactor = redactor
        self._log = EventLog(path / "events")
        self._lock = Lock(path / "events")
        self._is_derived = True  # as far as we know: false once incident.json could not be written
        self._state: tuple[tuple[Event, ...], Incident] | None = None

    @property
    def id(self) -> str:
        """The folder's name."""
        return self.path.name

    @property
    def events(self) -> tuple[Event, ...]:
        """Every event, in the order it was recorded."""
        return self._log.read()

    def hold(self) -> None:
        """Read the events now, and no more: of hundreds of past incidents each is read once.

        Errors: FolderError.
        """
        self._log.hold()

    @property
    def incident(self) -> Incident:
        """The state now. Errors: FolderError when nothing declares the incident."""
        known = self.events
        if self._state is None or self._state[0] is not known:
            self._state = (known, lifecycle.fold(self.id, known))
        return self._state[1]

    @property
    def is_foreign(self) -> bool:
        """Whether it came from elsewhere, by `incident open`: then it is data, and only replayed."""
        return foreign.is_foreign(self.path, self.events)

    def require_own(self) -> None:
        """Raise UsageError where the incident came from elsewhere: targets are ours, and it is not."""
        if self.is_foreign:
            raise UsageError(
                f"{self.id} came from elsewhere: it can be replayed, but not collected into or changed",
                command=("run", "--snapshot", "latest"),
                incident=str(self.path),
            )

    @property
    def snapshots(self) -> tuple[Path, ...]:
        """Snapshots, oldest first, however the clock was set between them."""
        return self._in_order("snapshots")

    @property
    def sealed_snapshots(self) -> tuple[Path, ...]:
        """Snapshots that are whole, oldest first: not those that were killed, or that are being taken."""
        return tuple(path for path in self.snapshots if (path / manifest.NAME).is_file())

    @property
    def current_snapshots(self) -> tuple[Path, ...]:
        """Whole snapshots of how it was when they were taken: not those that looked back at another span."""
        return tuple(path for path in self.sealed_snapshots if not (path / manifest.SPAN).exists())

    @property
    def runs(self) -> tuple[Path, ...]:
        """Runs, oldest first, however the clock was set between them."""
        return self._in_order("runs")

    def snapshots_before(self, name: str) -> tuple[Path, ...]:
        """Return the current snapshots that are older than the one of that id, which may be unfinished."""
        return tuple(itertools.takewhile(lambda path: path.name != name, self.current_snapshots))

    def _in_order(self, kind: str) -> tuple[Path, ...]:
        """Return the folders of a kind as the timeline has them; names say what a clock showed.

        One that the timeline does not know, such as one that goes on, stands where its name puts it.
        """
        places = {verification.recorded_folder(event): place for place, event in enumerate(self.events)}
        folders: list[tuple[int, Path]] = []
        last = -1
        for path in _children(self.path / kind):
            place = places.get(f"{kind}/{path.name}")
            last = last if place is None else max(last, place)
            folders.append((last if place is None else place, path))
        return tuple(path for _, path in sorted(folders))

    def snapshot(self, name: str) -> Path:
        """Return the snapshot of that id, or the newest current one for `latest`. Errors: UsageError."""
        sealed = self.current_snapshots
        found = sealed if name == "latest" else tuple(path for path in self.snapshots if path.name == name)
        if not found:
            known = ", ".join(path.name for path in sealed) or "none yet"
            command = () if sealed else ("run",)
            message = f"{self.id} has no snapshot {name!r}; there are: {known}"
            raise UsageError(message, command=command, incident=str(self.path))
        return found[-1]

    def deciding(self) -> AbstractContextManager[None]:
        """Return what keeps other writers out while it is decided what to record, and that is recorded."""
        return self._lock.held()

    def record(self, draft: Draft) -> Event:
        """Write an event, renew incident.json, and return the event. Errors: FolderError.

        Once the event is there it is recorded: that incident.json could not be written is a warning.
        """
        return self.record_all((draft,))[0]

    def record_all(self, drafts: Iterable[Draft]) -> tuple[Event, ...]:
        """Write events in their order, renew incident.json once, and return them. Errors: FolderError."""
        self._protect()
        for place in _WRITTEN:
            sweep_files(self.path / place)
        with self.deciding():
            recorded: list[Event] = []
            try:
                recorded += (self._log.append(draft, self.redactor) for draft in drafts)
            finally:
                if recorded:
                    note_changed(self.path)
                    self._derive_or_warn(len(recorded))
        return tuple(recorded)

    def _derive_or_warn(self, count: int) -> None:
        try:
            self.derive()
        except FolderError as error:
            if self._is_derived:
                what = "The event is recorded" if count == 1 else f"{count} events are recorded"
                _LOG.warning("%s; only incident.json was not updated, and will be rebuilt: %s", what, error)
            self._is_derived = False
        else:
            self._is_derived = True

    def write_text(self, relative: str, text: str) -> Path:
        """Write a text for people, redacted, and return its path. Errors: FolderError, RedactionError."""
        path = self.path / relative
        write_atomic(path, self.redactor.text(text).encode())
        return path

    def new_run(self) -> Path:
        """Return the folder of a run that begins now. Errors: FolderError."""
        return make_directory(self.path / "runs", clock.format_stamp(clock.now()))

    def seal_run(self, directory: Path, *, signer: Signer | None = None) -> None:
        """Seal a run. After this nothing in it may change."""
        manifest.seal(directory, signer=signer)

    def _protect(self) -> None:
        """Close a folder that others can read, before anything further is written into it."""
        if protect(self.path):
            _LOG.warning(
                "%s was open to others on this machine, or not to your team: permissions corrected", self.path
            )

    def verify(self) -> list[Difference]:
        """Return everything that is not as it was sealed or recorded; what people may edit is not bad."""
        return verification.verify(self.path)

    def derive(self) -> None:
        """Write incident.json from the events; again, when another writer added one meanwhile."""
        for _ in range(_DERIVE_TRIES):  # others who write go on deriving
            known = self.events
            derived = {
                **msgspec.to_builtins(self.incident),
                "events": [event.id for event in known],
            }
            data = msgspec.json.format(msgspec.json.encode(derived), indent=1)
            write_atomic(self.path / "incident.json", data)
            if self.events is known:
                return


def note_changed(path: Path) -> None:
    """Remember that the incident at `path` is another one than before."""
    _changed[path] = None


def take_changed() -> tuple[Path, ...]:
    """Return the incidents that this process recorded something in since this was last called."""
    paths = tuple(_changed)
    _changed.clear()
    return paths


def declare(
    incidents: Path,
    declaration: Declaration,
    redactor: Redactor,
    configured: Mapping[str, str | list[str]] | None = None,
) -> IncidentFolder:
    """Make the folder of a new incident and return it; `configured` says which configuration it is about.

    Errors: FolderError.
    """
    title = redactor.text(" ".join(declaration.title.split()))
    path = make_directory(incidents, f"{declaration.started_at:%Y-%m-%d}-{slug(title)}")
    folder = IncidentFolder(path, redactor)
    try:
        sync_folder(incidents)
        folder.record(_declared(declaration, title, configured or {}))
    except WorkbenchError:  # a full disk: what was never declared must not keep the name
        shutil.rmtree(path, ignore_errors=True)
        raise
    write_attributes(incidents)
    return folder


def _declared(declaration: Declaration, title: str, configured: Mapping[str, str | list[str]]) -> Draft:
    return Draft(
        kind=EventKind.DECLARED,
        text=title,
        source="declare",
        occurred_at=declaration.started_at,
        data={
            "severity": declaration.severity.value,
            "commander": declaration.commander,
            "impact": declaration.impact,
            "services": list(declaration.services),
            **configured,
        },
    )


def all_folders(incidents: Path, redactor: Redactor) -> tuple[IncidentFolder, ...]:
    """Return every incident under `incidents`, the one declared last at the end."""
    found = ((event_files.first_file(path / "events"), path) for path in _children(incidents))
    return tuple(IncidentFolder(path, redactor) for first, path in sorted(found) if first)


def find(incidents: Path, name: str, redactor: Redactor) -> IncidentFolder:
    """Return the incident of that id or path; for "" the newest that is not CLOSED, else the newest.

    One that came from elsewhere has to be named where there is one of ours.
    Errors: UsageError that names those there are.
    """
    if name:
        for path in (Path(name), incidents / name):
            if (path / "events").is_dir():
                return IncidentFolder(path.resolve(), redactor)
    known = all_folders(incidents, redactor)
    if name:
        close = ", ".join(folder.id for folder in known[-5:]) or "none"
        raise UsageError(f"no incident {name!r} under {incidents}; there are: {close}")
    if not known:
        raise UsageError(f"no incident under {incidents} yet", command=("declare", "--help"))
    newest = _newest(known)
    return newest or next((folder for folder in reversed(known) if _is_unclosed(folder)), known[-1])


def find_to_change(incidents: Path, name: str, redactor: Redactor) -> tuple[IncidentFolder, str]:
    """Return the incident that something is recorded in, and what to say where none was named.

    For "" it is the newest that is not CLOSED and was declared here: one that came by `open` is recorded in
    only where it is named, and one that is older than a day, or of a wrong clock, is named to whoever
    types. Errors: UsageError.
    """
    if name:
        return find(incidents, name, redactor), ""
    found = _newest(all_folders(incidents, redactor))
    if found is None:
        newest = find(incidents, "", redactor)
        raise UsageError(f"{newest.id} came from elsewhere; name it with --incident, or declare your own")
    with suppress(FolderError):
        declared_at = found.incident.declared_at
        remark = f"No incident was named; using {found.id}, declared {declared_at:%Y-%m-%d}"
        if clock.now() - declared_at > _OLD:
            return found, f"{remark}."
        if clock.is_ahead(declared_at):
            return found, f"{remark} at {declared_at:%H:%M} UTC, which is ahead of this machine's clock."
    return found, ""


def _newest(known: tuple[IncidentFolder, ...]) -> IncidentFolder | None:
    """Return the newest of ours that is not CLOSED, else the newest of ours; None where none is ours.

    Cost: reads the events of no more incidents than it takes.
    """
    newest: IncidentFolder | None = None
    for folder in reversed(known):
        if not folder.is_foreign:
            if _is_unclosed(folder):
                return folder
            newest = newest or folder
    return newest


def newest_open(incidents: Path, redactor: Redactor) -> IncidentFolder | None:
    """Return our incident declared last that is neither RESOLVED nor CLOSED, None if there is none."""
    for folder in reversed(all_folders(incidents, redactor)):
        try:
            if folder.incident.is_open and not folder.is_foreign:
                return folder
        except FolderError:  # a damaged folder must not stop work on the others; `verify` reports it
            continue
    return None


def _is_unclosed(folder: IncidentFolder) -> bool:
    try:
        return folder.incident.closed_at is None
    except FolderError:
        return False


def _children(path: Path) -> tuple[Path, ...]:
    if not path.is_dir():
        return ()
    return tuple(sorted(child for child in path.iterdir() if child.is_dir() and child.name[0] != "."))

"""Taking a snapshot, and opening one again: the two ways to get a case."""

import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import msgspec

from incident_lib import clock
from incident_lib.config import Settings
from incident_lib.correlation.baseline import compare_findings
from incident_lib.correlation.changes import changes_since
from incident_lib.correlation.trend import is_recent, trend_findings
from incident_lib.errors import FolderError, RedactionError, UsageError, WorkbenchError
from incident_lib.findings.base import Context
from incident_lib.incident import folder as folders
from incident_lib.incident.binding import data_of_collection
from incident_lib.incident.events import Draft
from incident_lib.incident.files import folder_error, open_file
from incident_lib.incident.folder import IncidentFolder
from incident_lib.incident.leftovers import private_folder
from incident_lib.incident.samples import load_samples, watches
from incident_lib.incident.snapshot import SnapshotWriter, load_about, load_analysis
from incident_lib.investigation.analyze import Earlier, analyze, analyze_one, not_judged
from incident_lib.investigation.baseline import baseline_evidence
from incident_lib.investigation.case import Case, load_case, open_case
from incident_lib.investigation.collect import Watch, collect
from incident_lib.investigation.exclusive import WAIT_SECONDS, one_at_a_time
from incident_lib.investigation.observed import record_observed
from incident_lib.investigation.parameters import read_parameters
from incident_lib.investigation.plan import context_for, plan_lanes, topology
from incident_lib.investigation.setup import load_settings, patterns_for, redactor_for, signer_for
from incident_lib.investigation.since import SINCE, after_mitigation
from incident_lib.investigation.stored import load_evidence
from incident_lib.model import Analysis, EventKind, Evidence, Finding, Window
from incident_lib.model.topology import Topology
from incident_lib.model.window import format_span
from incident_lib.probes.base import Lane
from incident_lib.technologies import comparers
from incident_lib.units import format_count


class Extent(msgspec.Struct, frozen=True, kw_only=True):
    """What is collected into a snapshot, and for which time range."""

    window: Window
    lanes: tuple[Lane, ...]
    seen: tuple[Evidence, ...] = ()  # evidence that already exists, such as what a probe cannot do
    carried: Mapping[str, Window] = {}  # the part of `seen` from an earlier snapshot, with its window
    looks_back: bool = (
        False  # for another time range than the one that ends now: it is never the latest snapshot
    )
    keeps_logs: bool = True  # excerpts, which only people read; not needed if nothing is stored


_ROOM_BYTES = 2 * 1024 * 1024  # the least space that a snapshot takes; tried before anything is collected
_MEMORY = Path("/dev/shm")  # noqa: S108 - a private folder with a random name is created in it
_MEMORY_BYTES = 64 * 1024 * 1024  # the least free space for it to be preferred to a disk


def take_snapshot(
    settings: Settings,
    parent: Path,
    since: str,
    watch: Watch,
    *,
    deadline_seconds: float | None = None,
    folder: IncidentFolder | None = None,
) -> Case:
    """Collect everything, analyze it, seal it under `parent`, and return the case.

    It waits for another collection with the same configuration, for a third of the deadline at most.
    If interrupted, it still seals what there is, and then raises; if it cannot be written, nothing of it
    stays, so as not to fill a full disk. Errors: UsageError for a wrong time, FolderError, RedactionError.
    """

    def everything() -> Extent:
        """Return what is configured, in the window that ends now."""
        return Extent(window=window_since(since), lanes=plan_lanes(settings))

    return collect_into(settings, parent, everything, watch, deadline_seconds=deadline_seconds, folder=folder)


def collect_into(
    settings: Settings,
    parent: Path,
    plan: Callable[[], Extent],
    watch: Watch,
    *,
    deadline_seconds: float | None = None,
    folder: IncidentFolder | None = None,
) -> Case:
    """Return the case of a sealed snapshot of what `plan` returns, as `take_snapshot` does for everything.

    `plan` is called once no other collection with the same configuration is running.
    """
    if folder:
        folder.require_own()
    deadline = deadline_seconds or settings.limits.collect_seconds
    with one_at_a_time(settings, watch.waits, seconds=min(WAIT_SECONDS, deadline / 3)):
        return _take(settings, parent, plan(), watch, deadline_seconds=deadline, folder=folder)


def _take(
    settings: Settings,
    parent: Path,
    extent: Extent,
    watch: Watch,
    *,
    deadline_seconds: float,
    folder: IncidentFolder | None,
) -> Case:
    window, lanes = extent.window, extent.lanes
    configuration = data_of_collection(settings, folder) if folder else {}
    context = after_mitigation(context_for(settings, window), folder)
    patterns, graph = patterns_for(settings), topology(settings)
    redactor = folder.redactor if folder else redactor_for(settings)
    writer = SnapshotWriter(
        parent,
        window,
        redactor,
        signer=signer_for(settings),
        carried=extent.carried,
        looks_back=extent.looks_back,
    )
    _require_room(writer.path)
    watch.begun(sum(len(lane.probes) for lane in lanes))
    stored: list[Evidence] = []
    is_hidden = True
    try:
        stored += (writer.add(evidence) for evidence in extent.seen)
        for evidence in collect(lanes, window, deadline_seconds):
            bare = evidence if extent.keeps_logs else msgspec.structs.replace(evidence, attachments=())
            kept = writer.add(bare)
            stored.append(kept)
            watch.evidence(kept, tuple(analyze_one(kept, context)))
    except RedactionError:  # a sealed part would look like the whole
        is_hidden = False
        shutil.rmtree(writer.path, ignore_errors=True)
        raise
    finally:
        if is_hidden:
            around: tuple[Finding, ...] = ()
            before = None
            if not extent.looks_back:  # the current state says nothing about another time range
                around = _derived(settings, folder, stored, context, snapshot=writer.id)
                before = earlier_of(folder, writer.id)
            analysis = analyze(
                stored,
                context,
                snapshot=writer.id,
                topology=graph,
                patterns=patterns,
                compared=around,
                before=before,
                windows=extent.carried,
                looks_back=extent.looks_back,
            )
            _seal(writer, analysis, graph)
            if folder:
                folder.record(
                    Draft(
                        kind=EventKind.SNAPSHOT,
                        text=f"Snapshot {writer.id} was taken{_extent_words(extent)}",
                        source="collect",
                        data=configuration,
                    )
                )
                if not extent.looks_back:
                    record_observed(folder, analysis, stored)
    return load_case(settings, writer.path, folder)


def _extent_words(extent: Extent) -> str:
    """Return in words what a snapshot covers, "" if it covers everything."""
    if extent.looks_back:
        return f" of {format_span(extent.window)}"
    if not extent.carried:
        return ""
    fresh = sum(len(lane.probes) for lane in extent.lanes)
    return f" ({format_count(fresh, 'probe')} anew, {len(extent.carried)} carried over)"


def _derived(
    settings: Settings,
    folder: IncidentFolder | None,
    now: Sequence[Evidence],
    context: Context,
    *,
    snapshot: str,
) -> tuple[Finding, ...]:
    try:
        return derived_findings(settings, folder, now, context, snapshot=snapshot)
    except WorkbenchError:
        raise
    except Exception as error:  # noqa: BLE001 - a failed comparison must not lose what was collected
        return (not_judged("what differs from before", error),)


def derived_findings(
    settings: Settings,
    folder: IncidentFolder | None,
    now: Sequence[Evidence],
    context: Context,
    *,
    snapshot: str,
) -> tuple[Finding, ...]:
    """Return what a healthy day, the samples of the window and the previous snapshot add to this one.

    Only what existed by the end of the window counts, so that a later analysis finds the same. None of
    them may stop an investigation.
    """
    end = context.window.end
    normal = baseline_evidence(settings, before=end)
    found = list(compare_findings(now, normal, context, comparers()))
    before: tuple[Evidence, ...] = ()
    with suppress(FolderError):
        earlier = folder.snapshots_before(snapshot) if folder else ()
        before = load_evidence(earlier[-1]) if earlier else ()
    found += changes_since(before or normal, now, context, comparers(), same_incident=bool(before))
    with suppress(FolderError):  # damaged samples: `incident verify` reports them
        known = watches(folder.path, before=end) if folder else ()
        samples = load_samples(known[-1]) if known else ()
        samples = tuple(sample for sample in samples if sample.at <= end)
        if is_recent(samples, context.window):
            found += trend_findings(samples, context.thresholds)
    return tuple(found)


def earlier_of(folder: IncidentFolder | None, snapshot: str) -> Earlier | None:
    """Return what the snapshot before `snapshot` of the same incident concluded, None if there is none."""
    with suppress(FolderError):
        earlier = folder.snapshots_before(snapshot) if folder else ()
        if earlier and (analysis := load_analysis(earlier[-1])):
            return Earlier(analysis, load_about(earlier[-1]).collected_at)
    return None


def window_since(since: str) -> Window:
    """Return the window from `since` until now. Errors: UsageError when it would be empty."""
    now = clock.now()
    start = clock.parse_time(since, at=now)
    if start >= now:
        raise UsageError(f"since {since} is not in the past; use 15m or 2h, or give the date for yesterday")
    return Window(start, now)


def _require_room(place: Path) -> None:
    """Raise FolderError, and leave nothing behind, if the disk is full: that must not cost a collection."""
    trial = place / ".room"
    try:
        with open_file(trial) as file:
            file.write(os.urandom(_ROOM_BYTES))
        trial.unlink()
    except OSError as error:
        shutil.rmtree(place, ignore_errors=True)
        raise folder_error(place, error) from error


def _seal(writer: SnapshotWriter, analysis: Analysis, graph: Topology) -> None:
    try:
        writer.seal(analysis, graph)
    except (FolderError, RedactionError):
        shutil.rmtree(writer.path, ignore_errors=True)
        raise


@contextmanager
def unsaved_snapshot(
    settings: Settings, since: str, watch: Watch, *, deadline_seconds: float | None = None
) -> Iterator[Case]:
    """Yield a case without logs in a temporary folder that is removed afterwards.

    It is in memory if there is room, to avoid waiting for a disk, else on the disk; if one is full, the other
    is used. Errors: UsageError for a wrong time, FolderError if nothing can be written at all.
    """
    with ExitStack() as ending:
        yield _unsaved(ending, settings, since, watch, deadline_seconds)


def _unsaved(
    ending: ExitStack, settings: Settings, since: str, watch: Watch, deadline_seconds: float | None
) -> Case:
    def everything() -> Extent:
        """Return what is configured; of logs, only their counts."""
        return Extent(window=window_since(since), lanes=plan_lanes(settings), keeps_logs=False)

    first, second = (_MEMORY, None) if _has_room(_MEMORY) else (None, _MEMORY)
    for parent in (first, second):
        try:
            place = _temporary(ending, parent)
            return collect_into(settings, place, everything, watch, deadline_seconds=deadline_seconds)
        except FolderError:
            if parent is second or (second and not second.is_dir()):
                raise
    raise AssertionError  # one of two is returned or raised


def _has_room(folder: Path) -> bool:
    try:
        return os.access(folder, os.W_OK) and shutil.disk_usage(folder).free >= _MEMORY_BYTES
    except OSError:
        return False


def _temporary(ending: ExitStack, parent: Path | None) -> Path:
    try:
        return ending.enter_context(private_folder("incident-triage-", parent))
    except OSError as error:
        raise folder_error(parent or Path("a temporary folder"), error) from error


def open_investigation(
    incident: str = "", *, snapshot: str = "latest", since: str = SINCE, config: str = ""
) -> Case:
    """Return a case for a notebook: `latest` replays the newest snapshot, an id that one, `new` collects.

    If there is none yet, `latest` collects. Errors: UsageError for a name that does not exist, or a value
    that is not text; ConfigError for a wrong configuration.
    """
    given = read_parameters(incident=incident, snapshot=snapshot, since=since, config=config)
    settings = load_settings(given.config, given.incident)
    folder = folders.find(settings.incidents, given.incident, redactor_for(settings))
    wanted = given.snapshot or "latest"
    if wanted == "new" or (wanted == "latest" and not folder.current_snapshots):
        place = folder.path / "snapshots"
        return take_snapshot(settings, place, given.since or SINCE, Watch(), folder=folder)
    return open_case(settings, folder, wanted)

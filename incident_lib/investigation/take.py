"""Taking a snapshot, and opening one again: the two ways to a case."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from incident_lib import clock
from incident_lib.config import Settings
from incident_lib.findings.base import Context
from incident_lib.incident import folder as folders
from incident_lib.incident.events import Draft
from incident_lib.incident.folder import IncidentFolder
from incident_lib.incident.observed import record_observed
from incident_lib.incident.snapshot import SnapshotWriter
from incident_lib.investigation.analyze import analyze, analyze_one
from incident_lib.investigation.case import Case, load_case, open_case
from incident_lib.investigation.collect import Watch, collect
from incident_lib.investigation.plan import plan_lanes, topology
from incident_lib.investigation.setup import load_settings, patterns_for, redactor_for, thresholds_for
from incident_lib.model import EventKind, Evidence, Window

SINCE = "15m"


def take_snapshot(
    settings: Settings,
    parent: Path,
    since: str,
    watch: Watch,
    *,
    deadline_seconds: float | None = None,
    folder: IncidentFolder | None = None,
) -> Case:
    """Collect everything, judge it, seal it under `parent`, and return the case.

    Interrupted, it still seals what there is, and then raises. Errors: FolderError, RedactionError.
    """
    now = clock.now()
    window = Window(clock.parse_time(since, at=now), now)
    context = Context(window=window, thresholds=thresholds_for(settings))
    patterns, graph = patterns_for(settings), topology(settings)
    writer = SnapshotWriter(parent, window, folder.redactor if folder else redactor_for(settings))
    lanes = plan_lanes(settings)
    watch.begun(sum(len(lane.probes) for lane in lanes))
    stored: list[Evidence] = []
    try:
        for evidence in collect(lanes, window, deadline_seconds or settings.limits.collect_seconds):
            kept = writer.add(evidence)
            stored.append(kept)
            watch.evidence(kept, tuple(analyze_one(kept, context)))
    finally:
        analysis = analyze(stored, context, snapshot=writer.id, topology=graph, patterns=patterns)
        writer.seal(analysis, graph)
        if folder:
            folder.record(
                Draft(kind=EventKind.SNAPSHOT, text=f"Snapshot {writer.id} was taken", source="collect")
            )
            record_observed(folder, analysis, stored)
    return load_case(settings, writer.path, folder)


@contextmanager
def unsaved_snapshot(settings: Settings, since: str, watch: Watch) -> Iterator[Case]:
    """Yield a case in a temporary folder that is removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="incident-triage-") as temporary:
        yield take_snapshot(settings, Path(temporary), since, watch)


def open_investigation(
    incident: str = "", *, snapshot: str = "new", since: str = SINCE, config: str = ""
) -> Case:
    """Return a case for a notebook: `new` collects, `latest` or an id replays.

    Errors: UsageError for a name that does not exist, ConfigError for a wrong configuration.
    """
    settings = load_settings(config, incident)
    folder = folders.find(settings.incidents, incident, redactor_for(settings))
    if snapshot == "new":
        return take_snapshot(settings, folder.path / "snapshots", since, Watch(), folder=folder)
    return open_case(settings, folder, snapshot)

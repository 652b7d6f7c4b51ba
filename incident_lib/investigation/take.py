"""Taking a snapshot, and opening one again: the two ways to a case."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from incident_lib import clock, config
from incident_lib.config import Settings
from incident_lib.errors import ConfigError, FolderError
from incident_lib.findings.base import Context
from incident_lib.findings.thresholds import KNOWN, Thresholds
from incident_lib.hypotheses import Pattern, parse_patterns
from incident_lib.incident import folder as folders
from incident_lib.incident import snapshot as snapshots
from incident_lib.incident.events import Draft
from incident_lib.incident.folder import IncidentFolder
from incident_lib.incident.snapshot import SnapshotWriter
from incident_lib.investigation.analyze import analyze, analyze_one
from incident_lib.investigation.case import Case
from incident_lib.investigation.collect import collect
from incident_lib.investigation.plan import plan_lanes, topology
from incident_lib.model import EventKind, Evidence, Finding, Window
from incident_lib.redact import Redactor
from incident_lib.resources import resource

SINCE = "15m"


class Watch(msgspec.Struct, frozen=True, kw_only=True):
    """Who hears of a collection while it goes on."""

    begun: Callable[[int], None] = lambda _probes: None  # how many probes there will be
    evidence: Callable[[Evidence, tuple[Finding, ...]], None] = lambda _evidence, _findings: None


def redactor_for(settings: Settings) -> Redactor:
    """Return a redactor that knows the configured secrets and what the team wants hidden."""
    extra = settings.document.redact
    return Redactor(settings.secrets(), extra.patterns, extra.keys)


def thresholds_for(settings: Settings) -> Thresholds:
    """Return the limits with the team's own. Errors: ConfigError for a name that does not exist."""
    for key in settings.document.thresholds:
        if key not in KNOWN:
            hint = config.nearest(key, KNOWN)
            raise ConfigError(f"{settings.path}: [thresholds] has no {key!r}{hint}")
    return Thresholds(settings.document.thresholds)


def patterns_for(settings: Settings) -> tuple[Pattern, ...]:
    """Return the patterns that ship and the team's own. Errors: ConfigError naming file and key."""
    paths = [resource("templates", "patterns.toml")]
    paths += [settings.file(entry.path) for entry in settings.document.pattern_file]
    patterns: dict[str, Pattern] = {}
    for path in paths:
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{path}: cannot be read: {getattr(error, 'strerror', error)}") from error
        for pattern in parse_patterns(text, str(path)):
            if pattern.id in patterns:
                raise ConfigError(f"{path}: the pattern {pattern.id!r} is there already; use a prefix of yours")
            patterns[pattern.id] = pattern
    return tuple(patterns.values())


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
    return _case(settings, writer.path, folder)


@contextmanager
def unsaved_snapshot(settings: Settings, since: str, watch: Watch) -> Iterator[Case]:
    """Yield a case in a temporary folder that is removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="incident-triage-") as temporary:
        yield take_snapshot(settings, Path(temporary), since, watch)


def open_case(settings: Settings, folder: IncidentFolder, snapshot: str = "latest") -> Case:
    """Return the case of a stored snapshot. Source: the folder alone. Errors: UsageError, FolderError."""
    return _case(settings, folder.snapshot(snapshot), folder)


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


def load_settings(path: str, incident: str = "") -> Settings:
    """Return the settings of `path`, else of the nearest file at or above an incident's folder or here."""
    if not path and incident and Path(incident).is_dir():
        found = config.find_file(Path(incident).resolve())
        return config.load(found)
    return config.load(path or None)


def _case(settings: Settings, path: Path, folder: IncidentFolder | None) -> Case:
    about = snapshots.load_about(path)
    evidence = snapshots.load_evidence(path)
    analysis = snapshots.load_analysis(path)
    if analysis is None:
        raise FolderError(f"{path} was never sealed; take a new snapshot")
    return Case(
        settings=settings,
        snapshot=about.id,
        path=path,
        window=about.window,
        collected_at=about.collected_at,
        evidence=evidence,
        analysis=analysis,
        topology=about.topology,
        folder=folder,
        incident=folder.incident if folder else None,
        events=folder.events if folder else (),
    )

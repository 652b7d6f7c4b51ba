"""A service's runbook: written or updated, around what people wrote."""

import os
from collections.abc import Iterable
from pathlib import Path

import msgspec

from incident_lib.config import Dependency, Service, Settings
from incident_lib.errors import FolderError, UsageError
from incident_lib.incident.files import folder_error, make_folder
from incident_lib.incident.folder import IncidentFolder, all_folders
from incident_lib.incident.snapshot import load_analysis
from incident_lib.investigation.plan import topology
from incident_lib.investigation.setup import patterns_for, redactor_for, share_places
from incident_lib.model import EventKind
from incident_lib.reports.generated import merge
from incident_lib.reports.runbook import PastIncident, RunbookFacts, render
from incident_lib.response.files import renew


class WrittenRunbook(msgspec.Struct, frozen=True, kw_only=True):
    """The runbook of a service, and its outcome: written, updated or unchanged."""

    service: str
    path: Path
    change: str
    left_out: tuple[str, ...] = ()  # past incidents that could not be read


def write_runbooks(settings: Settings, names: Iterable[str]) -> tuple[WrittenRunbook, ...]:
    """Write or update the runbooks of services and dependencies and return them; what people wrote is kept.

    Errors: UsageError for a name that is not configured, ConfigError for a group, before anything is written.
    """
    targets: tuple[Service | Dependency, ...] = (*settings.services, *settings.dependencies)
    known = {target.name: target for target in targets}
    names = tuple(names)
    for name in names:
        if name not in known:
            there = ", ".join(known) or "nothing"
            raise UsageError(f"nothing is named {name!r}; configured: {there}")
    share_places(settings, settings.root / settings.document.workbench.runbooks)
    return tuple(_write(settings, known[name]) for name in names)


def _write(settings: Settings, target: Service | Dependency) -> WrittenRunbook:
    directory = settings.root / settings.document.workbench.runbooks
    path = directory / f"{target.name}-runbook.md"
    past, left_out = _past(settings, target.name, directory)
    facts = RunbookFacts(
        target=target,
        settings=settings.document,
        topology=topology(settings),
        patterns=patterns_for(settings),
        past=past,
        proposed=settings.commands(),
    )
    fresh = render(facts, redactor_for(settings))
    try:
        make_folder(directory)
        renewed = renew(path, lambda before: merge(before, fresh))
    except OSError as error:
        raise folder_error(path, error) from error
    same = renewed.text == renewed.before
    change = "unchanged" if same else "updated" if renewed.before else "written"
    return WrittenRunbook(service=target.name, path=path, change=change, left_out=left_out)


def _past(settings: Settings, name: str, directory: Path) -> tuple[tuple[PastIncident, ...], tuple[str, ...]]:
    """Return the incidents that concern the service, the newest first, and what could not be read."""
    found, left_out = [], []
    for folder in reversed(all_folders(settings.incidents, redactor_for(settings))):
        try:
            found.append(_incident(folder, name, directory))
        except FolderError as error:
            left_out.append(str(error))
    return tuple(past for past in found if past), tuple(left_out)


def _incident(folder: IncidentFolder, name: str, directory: Path) -> PastIncident | None:
    incident, events = folder.incident, folder.events
    analyses = [load_analysis(path) for path in folder.snapshots]
    first = [analysis.hypotheses[0] for analysis in analyses if analysis and analysis.hypotheses]
    verdicts = {
        str(event.data["hypothesis"]).rpartition(":")[2]: event.data.get("verdict")
        for event in events
        if "hypothesis" in event.data
    }
    causes = dict.fromkeys(
        hypothesis.id
        for hypothesis in first
        if hypothesis.target == name and verdicts.get(hypothesis.id) != "refuted"
    )
    if name not in incident.services and not causes:
        return None
    helped = [
        event.text
        for event in events
        if event.kind is EventKind.MITIGATION and event.data.get("status") == "verified"
    ]
    over = incident.resolved_at
    return PastIncident(
        id=incident.id,
        title=incident.title,
        severity=incident.severity,
        status=incident.status.value,
        started_at=incident.started_at,
        seconds=max(0.0, (over - incident.started_at).total_seconds()) if over else None,
        href=_href(folder, directory),
        causes=tuple(causes),
        confirmed=tuple(cause for cause in causes if verdicts.get(cause) == "confirmed"),
        helped=tuple(helped),
    )


def _href(folder: IncidentFolder, directory: Path) -> str:
    """Return the path from the runbook to the post-mortem or the newest page, "" if there is neither."""
    pages = [
        *sorted(folder.path.glob("runs/*/html/index.html")),
        *sorted(folder.path.glob("postmortem-*.md")),
    ]
    return os.path.relpath(pages[-1].resolve(), directory.resolve()) if pages else ""

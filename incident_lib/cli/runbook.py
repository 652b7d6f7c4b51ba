"""`incident runbook`: writes or renews a service's runbook and keeps what people wrote."""

import argparse
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from incident_lib.cli.arguments import print_json
from incident_lib.cli.report import read_text
from incident_lib.config import Dependency, Service, Settings
from incident_lib.errors import FolderError, UsageError
from incident_lib.incident.files import write_atomic
from incident_lib.incident.folder import IncidentFolder, all_folders
from incident_lib.incident.snapshot import load_analysis
from incident_lib.investigation.plan import topology
from incident_lib.investigation.setup import load_settings, patterns_for, redactor_for
from incident_lib.model import EventKind
from incident_lib.reports.generated import merge
from incident_lib.reports.runbook import PastIncident, RunbookFacts, render


def runbook(arguments: argparse.Namespace) -> int:
    """Return 0 once the runbooks are there. Errors: UsageError for a name that is not configured."""
    settings = load_settings(arguments.config or "")
    targets = [_target(settings, name) for name in arguments.service]
    written = [_write(settings, target) for target in targets]
    if arguments.json:
        return print_json({"runbooks": [{"service": name, "path": str(path)} for name, path, _ in written]})
    for _, path, what in written:
        print(f"{path}: {what}")
    return 0


def _target(settings: Settings, name: str) -> Service | Dependency:
    known: tuple[Service | Dependency, ...] = (*settings.services, *settings.dependencies)
    for one in known:
        if one.name == name:
            return one
    names = ", ".join(one.name for one in known) or "nothing"
    raise UsageError(f"nothing is called {name!r}; configured: {names}")


def _write(settings: Settings, target: Service | Dependency) -> tuple[str, Path, str]:
    directory = settings.root / settings.document.workbench.runbooks
    path = directory / f"{target.name}-runbook.md"
    facts = RunbookFacts(
        target=target,
        settings=settings.document,
        topology=topology(settings),
        patterns=patterns_for(settings),
        past=tuple(_past(settings, target.name, directory)),
        proposed=settings.commands(),
    )
    before = read_text(path)
    text = merge(before, render(facts, redactor_for(settings)))
    if text == before:
        return target.name, path, "as it was"
    write_atomic(path, text.encode())
    return target.name, path, "renewed" if before else "written"


def _past(settings: Settings, name: str, directory: Path) -> Iterator[PastIncident]:
    """Yield the incidents that the service was part of or blamed in, the newest first."""
    for folder in reversed(all_folders(settings.incidents, redactor_for(settings))):
        try:
            told = _told(folder, name, directory)
        except FolderError as error:
            sys.stderr.write(f"left out: {error}\n")
            continue
        if told:
            yield told


def _told(folder: IncidentFolder, name: str, directory: Path) -> PastIncident | None:
    incident, events = folder.incident, folder.events
    analyses = [load_analysis(path) for path in folder.snapshots]
    first = [one.hypotheses[0] for one in analyses if one and one.hypotheses]
    verdicts = {
        str(event.data["hypothesis"]).rpartition(":")[2]: event.data.get("verdict")
        for event in events
        if "hypothesis" in event.data
    }
    causes = dict.fromkeys(
        one.id for one in first if one.target == name and verdicts.get(one.id) != "refuted"
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
        confirmed=tuple(one for one in causes if verdicts.get(one) == "confirmed"),
        helped=tuple(helped),
    )


def _href(folder: IncidentFolder, directory: Path) -> str:
    """Return the way from the runbook to the post-mortem or the newest page, "" when there is neither."""
    pages = [
        *sorted(folder.path.glob("runs/*/html/index.html")),
        *sorted(folder.path.glob("postmortem-*.md")),
    ]
    return os.path.relpath(pages[-1].resolve(), directory.resolve()) if pages else ""

"""The home page of an incident and the list of all incidents, regenerated from the folders at every change.

They are not part of the record: git and `verify` ignore them, and if one cannot be written, only that page
is missing.
"""

import logging
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

import msgspec

from incident_lib import clock
from incident_lib.config import Settings
from incident_lib.errors import FolderError, WorkbenchError
from incident_lib.incident import decode
from incident_lib.incident.documents import hide_markup
from incident_lib.incident.files import write_atomic
from incident_lib.incident.folder import IncidentFolder, all_folders
from incident_lib.incident.for_git import ignore_pages
from incident_lib.incident.leftovers import sweep_files
from incident_lib.investigation.setup import load_settings, redactor_for
from incident_lib.model import IncidentSeverity, IncidentStatus
from incident_lib.reports.home import draft_lines
from incident_lib.reports.home_page import Attachment, HomeFacts, ListedIncident, render_home, render_list
from incident_lib.reports.postmortem_status import completeness, describe_due
from incident_lib.response.story import Story, story_of, text_of_people

_LOG = logging.getLogger(__name__)
NAME = "index.html"
_SNAPSHOTS_LINKED = 30


class _State(msgspec.Struct, frozen=True, kw_only=True):
    """The part of incident.json that a list shows."""

    title: str
    severity: IncidentSeverity
    status: IncidentStatus
    started_at: datetime
    declared_at: datetime
    updated_at: datetime | None = None
    resolved_at: datetime | None = None
    commander: str = ""


def renew_home(settings: Settings, folder: IncidentFolder) -> Path:
    """Write the home page of an incident, and return its path. Errors: FolderError, RedactionError."""
    story, incident = story_of(folder), folder.incident
    page = render_home(
        HomeFacts(
            incident=incident,
            events=folder.events,
            made_at=clock.now(),
            proposed=settings.commands(folder.path),
            is_foreign=folder.is_foreign,
            causes=story.causes,
            runs=story.runs,
            mitigations=story.mitigations,
            drafts=draft_lines(folder.events),
            postmortem=tuple(
                Attachment(name=path.name, about=about)
                for path, about in ((story.postmortem, "to edit"), (_page(story.postmortem), "to read"))
                if path
            ),
            postmortem_state=_postmortem_state(story, folder),
            evidence=tuple(
                Attachment(name=f"snapshots/{each.snapshot}/", about=f"snapshot {each.snapshot}")
                for each in reversed(story.conclusions[-_SNAPSHOTS_LINKED:])
            ),
        )
    )
    path = folder.path / NAME
    sweep_files(folder.path)
    write_atomic(path, hide_markup(page, folder.redactor).encode())
    return path


def renew_list(settings: Settings, incidents: Path) -> Path:
    """Write the list of all incidents, and return its path. Errors: FolderError."""
    redactor = redactor_for(settings)
    listed, damaged = [], []
    for folder in reversed(all_folders(incidents, redactor)):
        try:
            listed.append(_listed(folder))
        except FolderError as error:
            damaged.append(str(error))
    page = render_list(listed, damaged, made_at=clock.now())
    sweep_files(incidents)
    ignore_pages(incidents)
    write_atomic(incidents / NAME, hide_markup(page, redactor).encode())
    return incidents / NAME


def renew_pages(folders: Iterable[Path], config: str = "") -> None:
    """Update the home pages of incidents that were changed, and the lists that they are in.

    The events are already recorded: a failure here is only a warning.
    """
    paths = [path for path in folders if (path / "events").is_dir()]
    lists = dict.fromkeys(path.parent for path in paths)
    for path in [*paths, *lists]:
        try:
            settings = load_settings(config, str(path), check=False)
            if path in lists:
                renew_list(settings, path)
            else:
                renew_home(settings, IncidentFolder(path, redactor_for(settings)))
        except WorkbenchError as error:
            _LOG.warning("%s was not updated: %s", path / NAME, error)
        except Exception as error:  # noqa: BLE001 - a page must not turn a completed command into a failure
            _LOG.warning(
                "%s was not updated: this is a bug in the workbench (%s)", path / NAME, type(error).__name__
            )


def _listed(folder: IncidentFolder) -> ListedIncident:
    try:
        state = msgspec.json.decode(decode.read_file(folder.path / "incident.json"), type=_State)
    except (FileNotFoundError, FolderError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        state = msgspec.convert(msgspec.to_builtins(folder.incident), _State)
    is_open = state.status not in {IncidentStatus.RESOLVED, IncidentStatus.CLOSED}
    return ListedIncident(
        id=folder.id,
        title=state.title,
        severity=state.severity.value,
        status=state.status.value,
        started_at=state.started_at,
        resolved_at=state.resolved_at,
        next_update_at=(state.updated_at or state.declared_at) + state.severity.update_every
        if is_open
        else None,
        commander=state.commander,
    )


def _page(postmortem: Path | None) -> Path | None:
    page = postmortem.with_suffix(".html") if postmortem else None
    return page if page and page.is_file() else None


def _postmortem_state(story: Story, folder: IncidentFolder) -> str:
    due = f"Due: {describe_due(folder.incident)}."
    if story.postmortem is None:
        return due
    missing = completeness(text_of_people(story.postmortem)).missing
    return f"Still to write: {', '.join(missing)}. {due}" if missing else "It is complete."

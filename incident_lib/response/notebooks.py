"""Opening an incident in a notebook; its home page shows what a cell changed as soon as the cell ends."""

import sys
from importlib import import_module
from pathlib import Path

from incident_lib.incident import folder as folders
from incident_lib.incident.folder import IncidentFolder
from incident_lib.investigation import review
from incident_lib.investigation import snapshot as snapshots
from incident_lib.investigation.case import Case
from incident_lib.investigation.review import Review
from incident_lib.investigation.since import SINCE

_configs: dict[Path, str] = {}  # per incident that was opened here: the configuration of its home page


def open_investigation(
    incident: str = "", *, snapshot: str = "latest", since: str = SINCE, config: str = ""
) -> Case:
    """Return a case for a notebook: `latest` replays the newest snapshot, an id that one, `new` collects.

    If there is none yet, `latest` collects. Errors: UsageError for a name that does not exist, or a value
    that is not text; ConfigError for a wrong configuration.
    """
    case = snapshots.open_investigation(incident, snapshot=snapshot, since=since, config=config)
    _renew_after_cells(case.folder, config)
    return case


def open_review(
    incident: str = "", *, snapshot: str = "latest", since: str = SINCE, config: str = ""
) -> Review:
    """Return the review of an incident, with all of its snapshots, or none if none was taken.

    `latest` or an id reads what is there and contacts no target; `new` takes one more snapshot first.
    Errors: UsageError for a name that does not exist, ConfigError, FolderError.
    """
    opened = review.open_review(incident, snapshot=snapshot, since=since, config=config)
    _renew_after_cells(opened.folder, config)
    return opened


def renew_changed(*_result: object) -> None:
    """Update the home pages of the incidents that were changed since, and the lists that they are in."""
    for path in folders.take_changed():  # most cells change nothing, and need no templates
        import_module("incident_lib.response.home").renew_pages([path], _configs.get(path, ""))


def _renew_after_cells(folder: IncidentFolder | None, config: str) -> None:
    """In a notebook, update the pages whenever a cell ends; a command does so at its own end."""
    if folder:
        _configs[folder.path] = config
    ipython = sys.modules.get("IPython")
    if shell := ipython.get_ipython() if ipython else None:
        shell.events.register("post_run_cell", renew_changed)  # once, however often it is opened

"""Collecting everything now: stored in an incident if possible, analyzed in any case."""

from collections.abc import Callable

from incident_lib import clock
from incident_lib.config import Settings
from incident_lib.errors import FolderError, UsageError
from incident_lib.incident import folder as folders
from incident_lib.incident.binding import (
    OtherConfigurationError,
    check_configuration,
    identity_data,
    what_differs,
)
from incident_lib.incident.folder import IncidentFolder
from incident_lib.investigation.case import Case
from incident_lib.investigation.collect import Watch
from incident_lib.investigation.setup import marks_for, redactor_for, share_places
from incident_lib.investigation.snapshot import take_snapshot, unsaved_snapshot
from incident_lib.model import IncidentSeverity


def choose_incident(
    settings: Settings, name: str, *, save: bool, rebind: bool = False
) -> tuple[IncidentFolder | None, str]:
    """Return the incident that stores a snapshot, and why there is none although there should be.

    The named or the open one; with `save` a new incident if none is open. Errors: UsageError.
    """
    try:
        redactor = redactor_for(settings)
        if name:
            named = folders.find(settings.incidents, name, redactor)
            named.require_own()
            return named, ""
        found = folders.newest_open(settings.incidents, redactor)
        if found and not (save or rebind) and (why := _other_configuration(settings, found)):
            return None, why  # this is the first command typed when paged, so it is not refused
        if found or not save:
            return found, ""
        share_places(settings)
        now = clock.now()
        declaration = folders.Declaration(
            title=f"Triage at {now:%H:%M} UTC", severity=IncidentSeverity.SEV4, started_at=now
        )
        redactor = redactor_for(settings, marks_for(settings, begin=True))
        return folders.declare(settings.incidents, declaration, redactor, identity_data(settings)), ""
    except FolderError as error:
        return None, str(error)
    except OSError as error:  # the folder belongs to another user, or its disk is gone
        return None, f"{error.filename}: {error.strerror}"


def _other_configuration(settings: Settings, folder: IncidentFolder) -> str:
    """Return why an incident that was not named cannot store what is collected, "" if it can."""
    try:
        check_configuration(settings, folder)
    except OtherConfigurationError:
        different = what_differs(settings, folder)
        return f"{folder.id} is about other targets ({different}); --rebind keeps it there anyway"
    except UsageError as error:
        return str(error)
    return ""


def collect_case(
    settings: Settings,
    since: str,
    folder: IncidentFolder | None,
    watch: Watch,
    *,
    deadline_seconds: float | None = None,
    unkept: Callable[[str], None] = lambda _reason: None,
) -> tuple[Case, str]:
    """Return what was collected, and why the incident could not store it ("" if it did, or there is none).

    With a full disk people need the evidence most, so what cannot be stored is still collected; `unkept` is
    called with the reason before that. Errors: UsageError for a wrong time, RedactionError.
    """
    why = ""
    if folder:
        place = folder.path / "snapshots"
        try:
            case = take_snapshot(
                settings, place, since, watch, deadline_seconds=deadline_seconds, folder=folder
            )
        except FolderError as error:
            why = str(error)
            unkept(why)
        else:
            return case, ""
    with unsaved_snapshot(settings, since, watch, deadline_seconds=deadline_seconds) as case:
        return case, why

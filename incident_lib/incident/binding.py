"""Which configuration an incident is about: collecting with another one mixes two systems in one record."""

from incident_lib.config import Settings
from incident_lib.config.identity import Identity, differences, has_grown, identity_of, parse_identity
from incident_lib.errors import UsageError
from incident_lib.incident.events import Draft
from incident_lib.incident.folder import IncidentFolder
from incident_lib.model import EventKind

_DIGEST, _FILE, _TARGETS = "configuration", "configuration_file", "configuration_targets"
_LISTED = 4


class OtherConfigurationError(UsageError):
    """Why nothing is collected into an incident: it is about another configuration."""


def identity_data(settings: Settings) -> dict[str, str | list[str]]:
    """Return what the event of a declaration, or of a snapshot, keeps of the configuration."""
    identity = identity_of(settings)
    return {_DIGEST: identity.digest, _FILE: identity.file, _TARGETS: list(identity.lines)}


def bound_to(folder: IncidentFolder) -> Identity | None:
    """Return the configuration that an incident is about, None where no event says. Errors: FolderError."""
    for event in reversed(folder.events):
        lines = event.data.get(_TARGETS)
        if _DIGEST in event.data and isinstance(lines, list):
            return parse_identity(str(event.data.get(_FILE, "")), lines)
    return None


def check_configuration(
    settings: Settings, folder: IncidentFolder, *command: str, rebind: bool = False
) -> str:
    """Return what people must know of the configuration, "" where it is the one the incident is about.

    `command` is what was typed, which the error proposes again with --rebind. With `rebind` the change is
    recorded. Errors: OtherConfigurationError naming both, UsageError for a foreign incident.
    """
    folder.require_own()
    now, before = identity_of(settings), bound_to(folder)
    if before is None:
        return f"{folder.id} was not yet bound to a configuration; from now on it is {now}"
    different = list(differences(before, now))
    if not different:
        return ""
    if has_grown(before, now):
        return f"{folder.id} is now about {now}: {_words(different)}"
    if not rebind:
        raise OtherConfigurationError(
            f"{folder.id} is about {before}, and this is {now}: {_words(different)}. Nothing was collected. "
            "Give the right file with --config; to switch to this one, add --rebind",
            command=(*(command or ("run",)), "--rebind"),
            incident=str(folder.path),
        )
    text = f"The incident is about a different configuration from now on: {now}, before that {before}"
    folder.record(Draft(kind=EventKind.NOTE, text=text, source="rebind", data=identity_data(settings)))
    return f"{folder.id} was about {before}; from now on it is {now}"


def what_differs(settings: Settings, folder: IncidentFolder) -> str:
    """Return in what a configuration differs from the one that the incident is about, "" in nothing."""
    before = bound_to(folder)
    return _words(list(differences(before, identity_of(settings)))) if before else ""


def data_of_collection(settings: Settings, folder: IncidentFolder) -> dict[str, str | list[str]]:
    """Return what the event of a snapshot keeps: the configuration, where no event names it as it is.

    Errors: OtherConfigurationError, before anything is collected.
    """
    return identity_data(settings) if check_configuration(settings, folder) else {}


def _words(different: list[str]) -> str:
    more = f" and {len(different) - _LISTED} more" if len(different) > _LISTED else ""
    return ", ".join(different[:_LISTED]) + more

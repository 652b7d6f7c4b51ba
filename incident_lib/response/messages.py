"""Messages to a channel: prepared, shown to a person, and sent once that person confirms."""

import msgspec

from incident_lib.config import Settings
from incident_lib.errors import UsageError
from incident_lib.incident.folder import IncidentFolder
from incident_lib.model import Event
from incident_lib.notify.channels import channel_named
from incident_lib.notify.outcome import Outcome
from incident_lib.notify.pagerduty import Action, action_for
from incident_lib.notify.send import Message, check_not_sent, prepare, send
from incident_lib.reports.communication import DraftKind
from incident_lib.response.drafts import StoredDraft, draft_to_send


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """A message that would be sent, and the draft it comes from."""

    kind: DraftKind
    draft: StoredDraft
    message: Message


def prepare_message(  # noqa: PLR0913 - a person's choices, each with a default
    settings: Settings,
    folder: IncidentFolder,
    kind: DraftKind,
    channel: str,
    *,
    chosen: str = "",
    page: Action | None = None,
    again: bool = False,
) -> Prepared:
    """Return what would be sent to a channel: the chosen draft, else the newest of its kind. Sends nothing.

    Errors: UsageError for a channel that is not configured, for text that users must not read, and for a
    message that was already sent, unless `again`.
    """
    place = channel_named(settings, channel)
    if place.is_public and kind is not DraftKind.STATUS_PAGE:
        raise UsageError(f"{place.name} is read by users: only `communicate status-page` goes there")
    draft = draft_to_send(settings, folder, kind, chosen)
    incident = folder.incident
    message = prepare(settings, place, incident, draft.text, action=page or action_for(incident))
    if not again:
        check_not_sent(folder.events, message)
    return Prepared(kind=kind, draft=draft, message=message)


def send_message(settings: Settings, folder: IncidentFolder, prepared: Prepared) -> tuple[Event, Outcome]:
    """Send a message that a person confirmed; return its event and the outcome."""
    return send(settings, folder, prepared.message, kind=prepared.kind.value, draft=prepared.draft.name)

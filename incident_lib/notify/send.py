"""Sending a confirmed message: refuse what went out before, send once, record the outcome."""

import json
import re
from collections.abc import Iterator
from typing import Any

import msgspec

from incident_lib.clock import format_time
from incident_lib.config import Settings
from incident_lib.errors import UsageError
from incident_lib.incident.events import Draft
from incident_lib.incident.folder import IncidentFolder
from incident_lib.incident.manifest import sha256
from incident_lib.model import Event, EventKind, Incident
from incident_lib.notify.channels import PAGERDUTY, Channel, address_of
from incident_lib.notify.chat import Address, ChatText, chat_text
from incident_lib.notify.outcome import Outcome, Result, unclear
from incident_lib.notify.pagerduty import Action, event_for, send_event
from incident_lib.redact import Redactor

_WORDS = {Result.SENT: "Sent to", Result.FAILED: "Could not be sent to", Result.UNCLEAR: "Perhaps sent to"}


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """A message ready to go: exactly this, exactly there."""

    channel: Channel
    through: str  # "Slack", "E-Mail, kim@example.com", "PagerDuty events, trigger, ..."
    chat: ChatText
    event: dict[str, Any] = {}  # PagerDuty's, without the routing key

    @property
    def text(self) -> str:
        """What goes out, as people read it."""
        return json.dumps(self.event, indent=2, ensure_ascii=False) if self.event else self.chat.text

    @property
    def digest(self) -> str:
        """What distinguishes two messages."""
        return sha256(self.text.encode())


def prepare(
    settings: Settings, channel: Channel, incident: Incident, draft: str, *, action: Action
) -> Message:
    """Return the message that `draft` becomes in `channel`. Sends nothing.

    Errors: ConfigError where the channel has no address, UsageError where Apprise is not installed.
    """
    address = address_of(settings, channel)
    chat = chat_text(Redactor(_parts(address)).text(draft))
    if channel.key == PAGERDUTY:
        event = event_for(incident, action, chat.text)
        through = f"PagerDuty events, {action.value}, alert {incident.id}"
        return Message(channel=channel, through=through, chat=chat, event=event)
    to = Address(address, channel.reference)
    return Message(channel=channel, through=", ".join((to.service, *to.recipients)), chat=chat)


def check_not_sent(events: tuple[Event, ...], message: Message) -> None:
    """Return if this text did not go to this channel before. Errors: UsageError that says when it did."""
    if before := _sent_before(events, message):
        perhaps = "" if before.data.get("result") == Result.SENT else "perhaps (no answer came) "
        raise UsageError(
            f"this text was {perhaps}sent to {message.channel.name} at {format_time(before.occurred_at)};"
            " --again sends it once more. For new content, make a new draft first"
        )


def send(
    settings: Settings, folder: IncidentFolder, message: Message, *, kind: str, draft: str
) -> tuple[Event, Outcome]:
    """Send `message` once, record it, and return both. An interruption is recorded too."""
    outcome = unclear("interrupted; it may have arrived anyway")
    try:
        outcome = _deliver(settings, message)
    finally:
        event = folder.record(_recorded(message, outcome, kind=kind, draft=draft))
    return event, outcome


def _deliver(settings: Settings, message: Message) -> Outcome:
    notify, address = settings.document.notify, address_of(settings, message.channel)
    if message.channel.key == PAGERDUTY:
        return send_event(notify.pagerduty_url, address, message.event, seconds=notify.seconds)
    return Address(address, message.channel.reference).send(message.chat, seconds=notify.seconds)


def _recorded(message: Message, outcome: Outcome, *, kind: str, draft: str) -> Draft:
    first = message.chat.title or message.chat.body.partition("\n")[0]
    reason = f" ({outcome.reason})" if outcome.reason else ""
    return Draft(
        kind=EventKind.MESSAGE,
        text=f"{_WORDS[outcome.result]} {message.channel.name}: {first}{reason}",
        source="communicate",
        data={
            "channel": message.channel.key,
            "name": message.channel.name,
            "result": outcome.result.value,
            "reason": outcome.reason,
            "text": message.text,
            "text_sha256": message.digest,
            "kind": kind,
            "draft": draft,
        },
    )


def _sent_before(events: tuple[Event, ...], message: Message) -> Event | None:
    arrived = [
        event
        for event in events
        if event.kind is EventKind.MESSAGE
        and event.data.get("channel") == message.channel.key
        and event.data.get("result") != Result.FAILED
    ]
    if message.event:  # an alert is triggered and resolved in turn: only the last word to it counts
        arrived = arrived[-1:]
    same = (event for event in reversed(arrived) if event.data.get("text_sha256") == message.digest)
    return next(same, None)


def _parts(address: str) -> Iterator[str]:
    """Yield what of a secret address may not appear in a message: its tokens, or all of a key."""
    parts = re.split(r"[/:@?&=,\s]+", address)
    yield from (part for part in parts if len(part) >= 16 and re.search(r"\d", part))
    if "://" not in address:
        yield address

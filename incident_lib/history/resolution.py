"""What ended a past incident, as far as anybody wrote it down: reason, mitigations, cause."""

import re
from collections.abc import Iterable
from pathlib import Path

import msgspec

from incident_lib.errors import FolderError
from incident_lib.history.past import PastIncident
from incident_lib.incident import decode
from incident_lib.model import Event, EventKind

_SECTION = re.compile(r"^## +Root cause\s*$(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL | re.IGNORECASE)
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_WAITING = re.compile(r"_?(?:To be written|To write|TODO)\b", re.IGNORECASE)
_LONGEST = 300


class Resolution(msgspec.Struct, frozen=True, kw_only=True):
    """How it ended. Empty where it was not recorded."""

    reason: str = ""  # the reason given when it was resolved or closed
    mitigations: tuple[str, ...] = ()  # changes that ended, and how
    cause: str = ""  # confirmed, or from the post-mortem

    @property
    def is_known(self) -> bool:
        """Whether anything was written down."""
        return bool(self.reason or self.mitigations or self.cause)


def resolution_of(past: PastIncident) -> Resolution:
    """Return how an incident ended. Source: its events and its post-mortem."""
    return Resolution(
        reason=_reason(past.events),
        mitigations=tuple(event.text for event in past.events if _ended(event)),
        cause=_cause(past),
    )


def verdicts(events: Iterable[Event]) -> dict[str, str]:
    """Return what people concluded of hypotheses, the last word on each: confirmed or refuted."""
    return {
        str(event.data["hypothesis"]).rpartition(":")[2]: str(event.data["verdict"])
        for event in events
        if event.kind is EventKind.DECISION and {"hypothesis", "verdict"} <= event.data.keys()
    }


def root_cause(markdown: str) -> str:
    r"""Return the first sentence or so that a post-mortem has under "Root cause", "" when none is written.

    >>> root_cause("## Root cause\n\n_To be written: why?_\n\n**The cache** was full.\n\n## Detection")
    'The cache was full.'
    """
    section = _SECTION.search(_COMMENT.sub("", markdown))
    for paragraph in re.split(r"\n\s*\n", section[1] if section else ""):
        text = " ".join(re.sub(r"[*`\\]+", "", paragraph).split())
        if text and not text.startswith(("#", "|", "Unknown")) and not _WAITING.match(text):
            return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
    return ""


def _reason(events: Iterable[Event]) -> str:
    """Return the last reason that was given for its end, without the words of every ending."""
    texts = [
        event.text
        for event in events
        if event.kind is EventKind.STATUS and event.data.get("status") in {"RESOLVED", "CLOSED"}
    ]
    reasons = [re.sub(r"^(?:Resolved|Closed)(?:: ?|$)|^Status RESOLVED$", "", text) for text in texts]
    return next((text for text in reversed(reasons) if text), "")


def _ended(event: Event) -> bool:
    return event.kind is EventKind.MITIGATION and event.data.get("phase", "ended") == "ended"


def _cause(past: PastIncident) -> str:
    for path in sorted(past.path.glob("postmortem-*.md"), reverse=True):
        if written := root_cause(_text(path)):
            return written
    confirmed = [name for name, verdict in verdicts(past.events).items() if verdict == "confirmed"]
    return f"confirmed: {', '.join(confirmed)}" if confirmed else ""


def _text(path: Path) -> str:
    try:
        return decode.read_file(path).decode("utf-8", "replace")
    except (FileNotFoundError, FolderError):
        return ""

"""What may go out to users: text without our inner names, and without a word that promises or frightens."""

import re
import unicodedata
from collections.abc import Iterable, Iterator

import msgspec

from incident_lib.config.tables import Document
from incident_lib.expressions import expression
from incident_lib.model import Incident, IncidentSeverity

# Numbers with letters that every reader knows: lengths of time, ordinals, clock times.
_PLAIN_NUMBER = expression(r"\d+(?:ms|s|m|h|d|min|mins|hr|hrs|am|pm|st|nd|rd|th|x|k)", re.IGNORECASE)
_SOFTWARE = (
    r"\b(?:postgres(?:ql)?|psql|redis|valkey|docker|kubernetes|nginx|uvicorn|gunicorn|fastapi|sqlalchemy|python"
    r"|containers?|localhost|hostname|traceback|oom|sigkill|sigterm)\b"
)
_RULES = (
    ("software", expression(_SOFTWARE, re.IGNORECASE)),
    ("an address", expression(r"\b[a-z][a-z0-9+.-]*://\S+", re.IGNORECASE)),
    ("an IP address", expression(r"(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?(?![\d.])")),
    (
        "an IP address",
        expression(
            r"(?<![\w:])(?!\d\d?:\d\d:\d\d(?![\w:]))(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{0,4}(?![\w:])",
            re.IGNORECASE,
        ),
    ),
    ("a host or finding", expression(r"\b[a-z0-9_-]+(?:\.[a-z0-9_-]+)*\.[a-z_][a-z0-9_-]+\b", re.IGNORECASE)),
    ("a path", expression(r"(?<![\w/])/\w[\w.-]*(?:/[\w.{}-]*)*")),
    ("a process", expression(r"\b(?:pid|process|backend|session)\s*(?:id)?\s*[:=#]?\s*\d+", re.IGNORECASE)),
    ("a port", expression(r"\bport\s*[:=#]?\s*\d+|(?<=[a-z]):\d{2,5}\b", re.IGNORECASE)),
    ("an internal name", expression(r"\b[a-z0-9]+(?:_[a-z0-9]+)+\b", re.IGNORECASE)),
    ("a person's handle", expression(r"(?<!\w)[@#][a-z][\w.-]*", re.IGNORECASE)),
    ("markup", expression(r"[<>`|\\]|\]\(|\$\{|\{\{")),
    (
        "something hidden",
        expression(
            r"\[(?:secret(?::[0-9a-f]{8})?|token|credentials|e-mail|cookie|authorization|query|private-key)\]"
        ),
    ),
)
_NUMBERED = expression(r"\b(?=[a-z0-9-]*[a-z])(?=[a-z0-9-]*\d)[a-z0-9]+(?:-[a-z0-9]+)*\b", re.IGNORECASE)


class InnerNames(msgspec.Struct, frozen=True, kw_only=True):
    """Names that stay inside, as patterns search for them, and the words that users know."""

    names: frozenset[str] = frozenset()
    public: frozenset[str] = frozenset()


def inner_names(document: Document, incident: Incident | None = None) -> InnerNames:
    """Return the names of all targets and people in the configuration and the incident.

    A name whose word stands in a service's `purpose` is one that users know: `search`, `checkout`.
    """
    names = {name for name in _configured(document) if len(name) > 1}
    if incident:
        names |= {incident.id, incident.commander, *incident.services, *incident.roles.values()}
        names |= {task.owner for task in incident.tasks}
    purposes = " ".join(service.purpose for service in document.service)
    return InnerNames(names=frozenset(filter(None, names)), public=frozenset(_folded(purposes).split()))


def problems_of(text: str, inner: InnerNames, severity: IncidentSeverity) -> tuple[str, ...]:
    """Return why `text` may not go out to users; nothing when it may.

    >>> problems_of("Orders fail on db-01", InnerNames(), IncidentSeverity.SEV2)
    ("an internal name: 'db-01'",)
    """
    seen = _plain(text)
    found = [f"{what}: {match[0].strip()!r}" for what, rule in _RULES for match in rule.finditer(seen)]
    found += [
        f"an internal name: {match[0]!r}"
        for match in _NUMBERED.finditer(seen)
        if not _PLAIN_NUMBER.fullmatch(match[0])
    ]
    found += [f"an internal name: {name!r}" for name in _named(seen, inner)]
    if severity is not IncidentSeverity.SEV1 and re.search(r"\boutages?\b", seen, re.IGNORECASE):
        found.append(f"the word 'outage', which is for SEV1; this is {severity.value}")
    return tuple(dict.fromkeys(found))


def is_public(text: str, inner: InnerNames, severity: IncidentSeverity) -> bool:
    """Return whether `text` may go out to users."""
    return bool(text.strip()) and not problems_of(text, inner, severity)


def _configured(document: Document) -> Iterator[str]:
    for service in document.service:
        yield from (service.name, service.container, service.owner, service.contact, service.channel)
        yield from _host(service.url)
    for dependency in document.dependency:
        yield from (dependency.name, dependency.owner, dependency.contact)
        yield from _host(dependency.url)
    for contact in document.contact:
        yield from (contact.name, contact.chat, contact.pager, contact.phone)
    for host in document.host:
        yield host.name
    yield from document.on_call.rotation
    yield from (override.who for override in document.on_call.overrides)
    yield from msgspec.structs.astuple(document.channels)


def _host(url: str) -> Iterator[str]:
    if match := re.match(r"[a-z]+://(?:[^@/]*@)?\[?([\w.:-]+?)\]?(?::\d+)?(?:[/?#]|$)", url):
        yield match[1]


def _named(text: str, inner: InnerNames) -> Iterator[str]:
    for name in sorted(inner.names):
        words = re.findall(r"[^\W_]+", _folded(name))
        if not words or name[0] in "@#" or (len(words) == 1 and words[0] in inner.public):
            continue  # handles and channels are found by their sign
        joined = r"[\W_]{0,3}".join(re.escape(word) for word in words)
        if re.search(rf"(?<![^\W_]){joined}(?![^\W_])", _folded(text)):
            yield name


def _folded(text: str) -> str:
    return " ".join(re.findall(r"[^\s,;.!?()]+", _plain(text).casefold()))


def _plain(text: str) -> str:
    """Return `text` as it is read: compatible letters folded, what cannot be seen removed."""
    return "".join(c for c in unicodedata.normalize("NFKC", text) if _is_seen(c))


def _is_seen(character: str) -> bool:
    return character in "\n\t" or unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Co"}


def first_public(texts: Iterable[str], inner: InnerNames, severity: IncidentSeverity) -> str:
    """Return the first of `texts` that may go out, "" when none may."""
    return next((text for text in texts if is_public(text, inner, severity)), "")

"""Readiness bodies -> their parts, whatever framework wrote them.

Read: `{"database": "ok"}`, `{"cache": {"status": "down", "error": "..."}}`, parts under `checks`,
`components`, `details`, `entries`, `services`, `dependencies` or `results`, as an object or a list.
"""

import json
from collections.abc import Iterator
from typing import Any

from incident_lib.redact.excerpt import excerpt
from incident_lib.technologies.http.rows import HealthPart

_GOOD = frozenset(
    {"ok", "okay", "up", "pass", "passed", "passing", "healthy", "alive", "ready", "connected", "available"}
    | {"good", "green", "operational", "success", "true", "running", "online", "serving", "active", "live"}
)
_BAD = frozenset(
    {
        "down",
        "fail",
        "failed",
        "failing",
        "failure",
        "error",
        "unhealthy",
        "dead",
        "not ready",
        "disconnected",
    }
    | {
        "unavailable",
        "bad",
        "red",
        "critical",
        "false",
        "stopped",
        "offline",
        "not_serving",
        "degraded",
        "warn",
    }
    | {"warning", "not_ready", "timeout", "unknown", "out_of_service", "inactive", "yellow", "unreachable"}
)
_GROUPS = frozenset(
    {"checks", "components", "details", "entries", "services", "dependencies", "results", "parts", "health"}
)
_STATUS = ("status", "state", "healthy", "ok", "result", "up")
_REASONS = ("error", "message", "output", "reason", "detail", "description", "exception")
_NAMES = ("name", "id", "component", "service", "componentId", "check")
_ABOUT = frozenset(
    {*_STATUS, *_REASONS, *_NAMES, "version", "timestamp", "time", "uptime", "environment", "env", "build"}
    | {"commit", "release", "hostname", "host", "region", "started_at", "request_id", "title", "type"}
)
_LIMIT = 50
_TEXT_CHARACTERS = 300


def parse_parts(body: str) -> tuple[HealthPart, ...]:
    """Return the parts that a readiness body names, none where it is no such body.

    >>> [(part.name, part.text) for part in parse_parts('{"checks": {"db": "ok", "mq": false}}')]
    [('db', 'ok'), ('mq', 'false')]
    """
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return ()
    if not isinstance(document, dict):
        return ()
    parts = tuple(_parts(document))[:_LIMIT]
    if not parts and (whole := _judge(_first(document, _STATUS))) and not whole[0]:
        return (HealthPart(name="status", ok=False, text=_text(whole[1], document)),)
    return parts


def _parts(document: dict[str, Any]) -> Iterator[HealthPart]:
    plain = {}
    for name, value in document.items():
        if name.lower() in _GROUPS and isinstance(value, dict | list):
            yield from _group(value)
        elif isinstance(value, dict | list):
            if part := _part(name, value, sure=False):
                yield part
        elif name.lower() not in _ABOUT:
            plain[name] = value
    yield from _plain(plain, _judge(_first(document, _STATUS)))


def _plain(values: dict[str, Any], whole: tuple[bool, str] | None) -> Iterator[HealthPart]:
    """Yield plain values as parts, if every one of them reads as a status: else it is some other document."""
    if any(_judge(value) is None for value in values.values()):
        return
    for name, value in values.items():
        part = _part(name, value, sure=False)
        says_well = (
            whole is not None and whole[0] and value is False
        )  # {"status": "ok", "maintenance": false}
        if part and not says_well:
            yield part


def _group(group: dict[str, Any] | list[Any]) -> Iterator[HealthPart]:
    """Yield the entries of what is surely a list of parts: an unknown word there is not a good one."""
    named = group.items() if isinstance(group, dict) else ((_name(entry), entry) for entry in group)
    for name, value in named:
        if part := _part(str(name), value, sure=True):
            yield part


def _name(entry: Any) -> str:
    return str(_first(entry, _NAMES) or "?") if isinstance(entry, dict) else "?"


def _part(name: str, value: Any, *, sure: bool) -> HealthPart | None:
    if isinstance(value, list):  # one part measured in several places: the worst counts
        found = [part for entry in value if (part := _part(name, entry, sure=sure))]
        return min(found, key=lambda part: part.ok, default=None)
    fields = value if isinstance(value, dict) else {}
    word = _first(fields, _STATUS) if fields else value
    judged = _judge(word)
    if judged is None and sure and isinstance(word, str):
        judged = (False, word)
    if judged is None:
        return None
    return HealthPart(
        name=excerpt(name, 100), ok=judged[0], text=_text(judged[1], {} if judged[0] else fields)
    )


def _judge(word: Any) -> tuple[bool, str] | None:
    """Return whether a status is good, with its word; None where it is no status."""
    if isinstance(word, bool):
        return word, str(word).lower()
    if not isinstance(word, str):
        return None
    folded = word.strip().lower()
    if folded in _GOOD:
        return True, word
    first = folded.partition(":")[0].strip()
    return (False, word) if folded in _BAD or first in _BAD else None


def _text(word: str, fields: dict[str, Any]) -> str:
    reason = _first(fields, _REASONS)
    return excerpt(f"{word}: {reason}" if isinstance(reason, str) and reason else word, _TEXT_CHARACTERS)


def _first(fields: dict[str, Any], names: tuple[str, ...]) -> Any:
    return next((fields[name] for name in names if name in fields), None)

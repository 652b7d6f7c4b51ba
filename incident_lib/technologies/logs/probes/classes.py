"""Errors in the own words of libraries and servers -> classes; never a keyword such as "timeout" alone."""

import re
from collections import Counter

from incident_lib.technologies.logs.probes import signs_clients, signs_outside, signs_stores

CLASSES = (*signs_stores.SIGNS, *signs_outside.SIGNS, *signs_clients.SIGNS)

_Sign = tuple[str, "re.Pattern[str] | None", str]  # words, what must match too, class
_PART = 5  # characters


def _by_part() -> tuple[tuple[str, tuple[_Sign, ...]], ...]:
    """Return the signs by a few characters that many of them share: most lines hold next to none of those."""
    parts_of = {
        words: {words[at : at + _PART] for at in range(max(len(words) - _PART, 0) + 1)}
        for _, signs in CLASSES
        for words, _ in signs
    }
    often = Counter(part for parts in parts_of.values() for part in parts)
    table: dict[str, list[_Sign]] = {}
    for name, signs in CLASSES:
        for words, pattern in signs:
            part = max(parts_of[words], key=lambda part: (often[part], part))
            table.setdefault(part, []).append((words, re.compile(pattern) if pattern else None, name))
    return tuple((part, tuple(found)) for part, found in table.items())


_SIGNS = _by_part()
_LONGEST = 16_384
# In one traceback the special class explains the general one: the socket's own error is its first link.
_SPECIAL = (
    ("db_terminated", {"db_connect_timeout"}),  # a client's own time-out ends the connection
    ("connect_refused", {"db_refused", "redis_refused"}),
    ("connect_timeout", {"db_connect_timeout", "redis_timeout"}),
    ("db_statement_timeout", {"db_connect_timeout"}),
    ("db_connect_timeout", {"db_refused", "pool_timeout"}),
    ("read_timeout", {"redis_timeout", "http_pool_timeout", "connect_timeout"}),
    ("tls_verify", {"tls_expired", "tls_wrong_name"}),
)


def classes_of(text: str) -> dict[str, str]:
    """Return the classes that an error line or traceback belongs to, each with the line that says so.

    >>> classes_of("TimeoutError: QueuePool limit of size 5 overflow 10 reached")
    {'pool_timeout': 'TimeoutError: QueuePool limit of size 5 overflow 10 reached'}
    >>> classes_of("checkout ran into a timeout")
    {}
    """
    if len(text) > _LONGEST:
        text = f"{text[: _LONGEST // 2]}\n{text[-_LONGEST // 2 :]}"
    found: dict[str, str] = {}
    for part, signs in _SIGNS:
        if part not in text:
            continue
        for words, pattern, name in signs:
            if words in text and name not in found and (pattern is None or pattern.search(text)):
                found[name] = _line_with(text, words)
    for general, special in _SPECIAL:
        if general in found and special & found.keys():
            del found[general]
    return found


def _line_with(text: str, words: str) -> str:
    at = text.find(words)
    end = text.find("\n", at)
    return text[text.rfind("\n", 0, at) + 1 : end if end >= 0 else None].strip()[:500]

"""Errors in the own words of libraries and servers -> classes; never a keyword such as "timeout" alone."""

import re

from incident_lib.probes.logs import signs_clients, signs_outside, signs_stores

CLASSES = (*signs_stores.SIGNS, *signs_outside.SIGNS, *signs_clients.SIGNS)

_SIGNS = tuple(
    (words, re.compile(pattern) if pattern else None, name)
    for name, signs in CLASSES
    for words, pattern in signs
)
_LONGEST = 16_384
# In one traceback the special class explains the general one: the socket's own error is its first link.
_SPECIAL = (
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
    for words, pattern, name in _SIGNS:
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

"""The commands that may be sent to a Redis or Valkey server, and nothing else may.

Never here: KEYS, MONITOR, DEBUG, EVAL, anything that sets, resets, kills or pauses, and STRLEN, LLEN, HLEN
and the like, which change the idle time of a user's key. XINFO, XLEN and XPENDING do so too: they are sent
only for keys that the server's policy cannot evict.
"""

from collections.abc import Sequence

ALLOWED: frozenset[tuple[str, ...]] = frozenset(
    {
        ("ACL", "LOG"),
        ("AUTH",),
        ("CLIENT", "LIST"),
        ("CLIENT", "SETNAME"),
        ("CLUSTER", "INFO"),
        ("CONFIG", "GET"),
        ("INFO",),
        ("LATENCY", "LATEST"),
        ("MEMORY", "USAGE"),
        ("PING",),
        ("SCAN",),
        ("SELECT",),
        ("SLOWLOG", "GET"),
        ("SLOWLOG", "LEN"),
        ("TTL",),
        ("TYPE",),
        ("XINFO", "GROUPS"),
        ("XLEN",),
        ("XPENDING",),
    }
)

MOST_PENDING = 10

# CONFIG GET answers a pattern, and `*` returns the password: only these names are requested.
SETTINGS = (
    "appendfsync",
    "appendonly",
    "client-output-buffer-limit",
    "databases",
    "hz",
    "latency-monitor-threshold",
    "maxclients",
    "maxmemory",
    "maxmemory-policy",
    "maxmemory-samples",
    "min-replicas-to-write",
    "repl-backlog-size",
    "replica-read-only",
    "replica-serve-stale-data",
    "save",
    "slowlog-log-slower-than",
    "slowlog-max-len",
    "stop-writes-on-bgsave-error",
    "tcp-backlog",
    "timeout",
)

_FIRST_WORDS = frozenset(command[0] for command in ALLOWED if len(command) > 1)


def name_of(command: Sequence[str | bytes | int]) -> tuple[str, ...]:
    """Return the command's name, with the subcommand where it has them.

    >>> name_of(["config", "get", "save"]), name_of(["INFO", "all"])
    (('CONFIG', 'GET'), ('INFO',))
    """
    words = [word.decode("latin-1") if isinstance(word, bytes) else str(word) for word in command[:2]]
    first = words[0].upper()
    return (first, words[1].upper()) if first in _FIRST_WORDS and len(words) > 1 else (first,)


def check(command: Sequence[str | bytes | int]) -> None:
    """Raise ValueError, a defect of ours, unless `command` is one of those that change nothing.

    >>> check(["CONFIG", "GET", "*"])
    Traceback (most recent call last):
    ValueError: CONFIG GET * is not a command that may be sent
    """
    name, arguments = name_of(command), command[1:]
    allowed = name in ALLOWED
    if name == ("CONFIG", "GET"):
        allowed = len(command) == 3 and command[2] in SETTINGS
    elif name == ("ACL", "LOG"):  # ACL LOG RESET empties it
        allowed = len(command) == 3 and isinstance(command[2], int)
    elif name == ("XPENDING",):  # the oldest ones: the whole list may be long
        allowed = len(command) == 6 and isinstance(command[5], int) and command[5] <= MOST_PENDING
    if not allowed:
        shown = " ".join([*name, *(str(word) for word in arguments[len(name) - 1 :][:1])])
        raise ValueError(f"{shown} is not a command that may be sent")


def is_known(name: str) -> bool:
    """Return whether `name` is a command that may be sent; version 6 reports it without its subcommand.

    >>> is_known("slowlog|get"), is_known("slowlog"), is_known("get")
    (True, True, False)
    """
    words = tuple(name.upper().split("|"))
    return words in ALLOWED or (words[0] in _FIRST_WORDS and len(words) == 1)


def acl_rule() -> str:
    """Return the rules of an ACL user that may do what the probes do, and no more.

    Works from Redis 6.2 on. `+client` or `+@connection` would allow CLIENT KILL, so each subcommand
    is named. AUTH needs no permission; keys may be measured but not read.

    >>> acl_rule().split()[:5]
    ['resetchannels', '~*', '-@all', '+acl|log', '+client|list']
    """
    names = sorted("|".join(command).lower() for command in ALLOWED - {("AUTH",)})
    return " ".join(["resetchannels", "~*", "-@all", *(f"+{name}" for name in names)])

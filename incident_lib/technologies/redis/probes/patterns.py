"""Names of keys and commands, without what they are about: nothing of a user's data becomes evidence."""

import re
from collections.abc import Sequence

from incident_lib.technologies.redis.connect import text_of

_SEPARATOR = re.compile(r"([:/|._{}#-]+)")
# Words as people write them, cartItem and CART too, but no run of letters as keys and tokens have them.
_WORD = re.compile(r"[a-z]{1,16}|[A-Z]{1,16}|(?:[A-Z]?[a-z]{2,12}){1,3}|v\d{1,2}")
_PERSON = re.compile(r"[^:/|]*@[^:/|]*")  # an e-mail address
_SEGMENTS = 6

_CONTAINERS = """
ACL CLIENT CLUSTER COMMAND CONFIG DEBUG FUNCTION LATENCY MEMORY MODULE OBJECT PUBSUB SCRIPT SLOWLOG XGROUP
XINFO
"""
_WITHOUT_KEY = """
ACL AUTH BGREWRITEAOF BGSAVE CLIENT CLUSTER COMMAND CONFIG DBSIZE DISCARD ECHO EXEC FAILOVER FLUSHALL FLUSHDB
FUNCTION HELLO INFO KEYS LASTSAVE LATENCY LOLWUT MODULE MONITOR MULTI PING PSUBSCRIBE PSYNC PUBLISH PUBSUB
PUNSUBSCRIBE QUIT RANDOMKEY REPLCONF REPLICAOF RESET ROLE SAVE SCAN SCRIPT SELECT SHUTDOWN SLAVEOF SLOWLOG
SPUBLISH SSUBSCRIBE SUBSCRIBE SUNSUBSCRIBE SWAPDB SYNC TIME UNSUBSCRIBE UNWATCH WAIT WAITAOF
"""
_KEY_AT = {
    2: "BITOP DEBUG MEMORY OBJECT XGROUP XINFO LMPOP SINTERCARD ZDIFF ZINTER ZINTERCARD ZMPOP ZUNION",
    3: "BLMPOP BZMPOP EVAL EVALSHA EVALSHA_RO EVAL_RO FCALL FCALL_RO",
}
_HAS_SUBCOMMANDS = frozenset(_CONTAINERS.split())
_POSITIONS = dict.fromkeys(_WITHOUT_KEY.split(), 0) | {
    command: position for position, commands in _KEY_AT.items() for command in commands.split()
}


def key_pattern(key: bytes) -> str:
    r"""Return the words of a key's name, with `*` for everything that may identify or be secret.

    >>> [key_pattern(key) for key in (b"user:1234:cart", b"sess:9f-e2-77", b"\xff\n", b"a=hunter2")]
    ['user:*:cart', 'sess:*', '*', '*']
    """
    parts = _SEPARATOR.split(_PERSON.sub("*", text_of(key[:256])))
    words = [
        part if index % 2 or not part or _WORD.fullmatch(part) else "*" for index, part in enumerate(parts)
    ]
    if len(words) > 2 * _SEGMENTS:
        words = [*words[: 2 * _SEGMENTS], "*"]
    return re.sub(r"\*(?:[:/|._{}#-]{1,4}\*)+", "*", "".join(words))


def command_name(arguments: Sequence[bytes]) -> str:
    r"""Return the command, with its subcommand where it has them.

    >>> command_name([b"config", b"get", b"save"]), command_name([b"GET", b"x"]), command_name([b"\x00"])
    ('CONFIG GET', 'GET', '?')
    """
    words = [text_of(word).upper() for word in arguments[:2]]
    if not words or not re.fullmatch(r"[A-Z][A-Z0-9._|-]{0,39}", words[0]):
        return "?"
    if words[0] in _HAS_SUBCOMMANDS and len(words) > 1 and re.fullmatch(r"[A-Z-]{1,20}", words[1]):
        return " ".join(words)
    return words[0]


def argument_count(arguments: Sequence[bytes]) -> int:
    """Return how many arguments a command had; the slow log keeps 32 words and counts the rest.

    >>> argument_count([b"DEL", b"a", b"b"]), argument_count([b"DEL", b"a", b"... (7 more arguments)"])
    (2, 8)
    """
    if arguments and (rest := re.fullmatch(rb"\.\.\. \((\d+) more arguments\)", arguments[-1])):
        return len(arguments) - 2 + int(rest[1])
    return max(len(arguments) - 1, 0)


def first_key(arguments: Sequence[bytes]) -> str:
    """Return the pattern of a command's first key, "" where it has none.

    >>> first_key([b"GET", b"user:7"]), first_key([b"EVAL", b"return 1", b"0"]), first_key([b"PING"])
    ('user:*', '', '')
    """
    words = command_name(arguments).partition(" ")[0]
    position = _position(words, arguments)
    return key_pattern(arguments[position]) if 0 < position < len(arguments) else ""


def _position(command: str, arguments: Sequence[bytes]) -> int:
    """Return where the first key stands, 0 where there is none."""
    if command in {"XREAD", "XREADGROUP"}:
        words = [word.upper() for word in arguments]
        return words.index(b"STREAMS") + 1 if b"STREAMS" in words else 0
    if command.startswith(("EVAL", "FCALL")) and arguments[2:3] == [b"0"]:
        return 0
    return 0 if command == "?" else _POSITIONS.get(command, 1)

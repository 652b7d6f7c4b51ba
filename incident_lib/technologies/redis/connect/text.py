"""What redis-cli prints -> replies as they come over the wire.

`--no-raw` prints the same in every version: strings quoted with everything odd escaped, lists numbered. INFO,
CLIENT LIST and CLUSTER INFO are printed as they are.
"""

import re
from typing import Any

from incident_lib.technologies.redis.connect.commands import name_of
from incident_lib.technologies.redis.connect.problems import ReplyError
from incident_lib.technologies.redis.connect.wire import Command

_PLAIN = frozenset({("INFO",), ("CLIENT", "LIST"), ("CLUSTER", "INFO")})
_PREFIX = re.compile(r"\s*\d+(\)) ")
_ESCAPE = re.compile(r'\\(?:x([0-9a-f]{2})|(["\\nrtab]))')
_NAMED = {'"': '"', "\\": "\\", "n": "\n", "r": "\r", "t": "\t", "a": "\a", "b": "\b"}


def parse_output(command: Command, text: str) -> Any:
    r"""Return the reply to `command` that `redis-cli --no-raw` printed as `text`.

    >>> parse_output(["SCAN", 0], '1) "0"\n2) 1) "a\\"b"\n   2) "c"\n')
    [b'0', [b'a"b', b'c']]
    """
    if name_of(command) in _PLAIN:
        if re.match(r"[A-Z]{3,} [^\n]+\s*\Z", text):
            return ReplyError(text.strip())
        return text.encode("utf-8", "surrogateescape")
    root: list[Any] = []
    levels: list[tuple[int, list[Any]]] = [(-1, root)]  # the column of its `)`, and the list so far
    for line in text.splitlines():
        if line:
            _add(levels, line)
    return root[0] if root else None


def _add(levels: list[tuple[int, list[Any]]], line: str) -> None:
    """Put the value at the end of `line` into the list that its numbers name."""
    start = 0
    while prefix := _PREFIX.match(line, start):
        column, start = prefix.start(1), prefix.end()
        while levels[-1][0] > column:
            levels.pop()
        if levels[-1][0] < column:
            fresh: list[Any] = []
            levels[-1][1].append(fresh)
            levels.append((column, fresh))
    if start == 0:
        del levels[1:]
    levels[-1][1].append(_value(line[start:]))


def _value(text: str) -> Any:
    r"""Return one value.

    >>> _value('"a\\x00\\n"'), _value("(integer) 7"), _value("(nil)"), _value("none")
    (b'a\x00\n', 7, None, b'none')
    """
    if text.startswith('"'):
        return _ESCAPE.sub(_unescape, text[1:-1]).encode("latin-1", "replace")
    if text.startswith("(integer) "):
        return int(text.removeprefix("(integer) "))
    if text.startswith("(error) "):
        return ReplyError(text.removeprefix("(error) ").strip())
    if text.startswith("(empty "):
        return []
    return None if text == "(nil)" else text.encode()


def _unescape(match: re.Match[str]) -> str:
    return chr(int(match[1], 16)) if match[1] else _NAMED[match[2]]

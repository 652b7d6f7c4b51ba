"""Secrets that have no name: arguments of known commands, statements, paths, and what Redis is asked.

`commands.toml` holds them as data: hints that must stand in the text, and where the secret is.
"""

import re
import tomllib
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec

from incident_lib.redact.names import STEMS
from incident_lib.redact.sieve import Sieve
from incident_lib.redact.spans import Span
from incident_lib.redact.values import MARK, is_ordinary, looks_random

_DATA = Path(__file__).with_name("commands.toml")
_WORD = r"\b"
_BEHIND_ESCAPE = r"(?:\b|(?<=\\[nrt]))"  # in JSON a tab before a command is a letter
_FAR = re.compile(
    r"(?P<flags>\(\?i\))?(?P<front>(?:(?!\[\^\\n).)+?)(?P<sign>\[\^\\n(?:\|;)?\])\{0,(?P<most>\d+)\}\?"
)
_GAP = r"[\s\"',\[\]=]{1,8}"
_PAIRS = "".join(  # some names, each with its value
    rf"(?:(?:\s+-\S+)*\s+[\"']?[\w.\[\]-]{{1,100}}=(?:\"(?P<d{n}>[^\"]{{1,400}})\"|'(?P<s{n}>[^']{{1,400}})'|(?P<b{n}>[^\s\"']{{1,400}}))[\"']?)"
    + ("" if n == 1 else "?")
    for n in range(1, 6)
)
_LINE_BELOW = r"[ \t]*\r?\n(?P<vb>[^\s\"'$#<>(){}]{4,400})[ \t]*(?=\r?\n|$)"
_ARGUMENT = (
    r"(?:\"(?P<vd>[^\"]{1,400})\"|'(?P<vs>[^']{1,400})'|(?P<vb>[^\s\"',\]]{1,400}))"  # quoted, or bare
)


class _Command(msgspec.Struct, frozen=True):
    hints: tuple[str, ...]
    pattern: str
    also: tuple[str, ...] = ()
    drawn: bool = False  # it is one only where it was drawn: an option of that letter may be another

    def spans(self, text: str, data: bytes) -> Iterator[Span]:
        """Yield where the secrets of the command stand. `data`: the text's bytes."""
        sieve = _compiled(self.pattern)
        for match in sieve.finditer(text, data):
            for name in sieve.pattern.groupindex:
                value = match[name]
                if self.drawn and value and not looks_random(value):
                    continue
                if value and MARK.sub("", value) and not is_ordinary(value) and not value.startswith("-"):
                    yield Span(*match.span(name), "secret")


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> Sieve:
    """Return the expression; what is looked for far behind a command ends where the command stands again.

    What it is followed by there is found from that place, and a line full of commands is read once.
    """
    if (far := _FAR.match(pattern)) and far["front"].count("(") == far["front"].count(")"):
        again = f"(?:(?!{far['front']}){far['sign']}){{0,{far['most']}}}?"
        pattern = (far["flags"] or "") + far["front"] + again + pattern[far.end() :]
    filled = pattern.replace("{value}", _ARGUMENT).replace("{gap}", _GAP)
    filled = filled.replace("{pairs}", _PAIRS).replace("{line below}", _LINE_BELOW)
    if filled.startswith(_WORD):
        filled = f"{_BEHIND_ESCAPE}{filled.removeprefix(_WORD)}"
    return Sieve(re.compile(filled))


@lru_cache(maxsize=1)
def _commands() -> tuple[tuple[_Command, ...], Any, list[int]]:
    """Return the commands, what finds all hints in one pass, and which command each hint is of."""
    import re2

    found = msgspec.convert(tomllib.loads(_DATA.read_text(encoding="utf-8"))["command"], tuple[_Command, ...])
    options = re2.Options()
    options.literal = True
    hints, owners = re2.Set.SearchSet(options), []
    for number, command in enumerate(found):
        for hint in command.hints:
            hints.Add(hint)
            owners.append(number)
    hints.Compile()
    return found, hints, owners


@lru_cache(maxsize=1)
def _any_hint() -> Any:
    """Return what finds a hint of any command, or a part of a secret's name; RE2 has no types."""
    import re2

    options = re2.Options()
    options.never_capture = True
    options.case_sensitive = False
    hints = {hint for command in _commands()[0] for hint in command.hints} | set(STEMS)
    return re2.compile("|".join(map(re2.escape, sorted(hints))), options)


class Hints:
    """Where the next hint of a secret stands in a text; it is asked for places that only grow."""

    def __init__(self, text: str) -> None:
        self._text, self._data = text, text.encode("utf-8", "surrogatepass")
        self._is_plain, self._at, self._byte = text.isascii(), 0, 0

    def next(self, place: int) -> int:
        """Return where the first stands at `place` or behind it, -1 where none does."""
        self._byte += self._bytes(self._at, place)
        self._at = place
        found = _any_hint().search(self._data, self._byte)
        if found is None:
            return -1
        first: int = found.start()
        if self._is_plain:
            return first
        return place + len(self._data[self._byte : first].decode("utf-8", "surrogatepass"))

    def _bytes(self, start: int, end: int) -> int:
        return end - start if self._is_plain else len(self._text[start:end].encode("utf-8", "surrogatepass"))


@lru_cache(maxsize=1)
def _printing() -> tuple[bytes, ...]:
    """Return the hints of the commands that print a secret on the line below."""
    commands = (command for command in _commands()[0] if "{line below}" in command.pattern)
    return tuple(hint.encode() for command in commands for hint in command.hints)


def prints_secret_below(line: bytes) -> bool:
    """Return whether a line may hold a command that prints a secret on the next."""
    folded = line.lower()
    return any(hint in folded for hint in _printing())


def secrets_of_commands(text: str, folded: str) -> Iterator[Span]:
    """Yield the spans of secrets that are known by the command around them. `folded`: in small letters."""
    commands, hints, owners = _commands()
    data = text.encode("utf-8", "surrogatepass")
    for number in sorted({owners[index] for index in hints.Match(folded) or ()}):
        command = commands[number]
        if not command.also or any(option in folded for option in command.also):
            yield from command.spans(text, data)

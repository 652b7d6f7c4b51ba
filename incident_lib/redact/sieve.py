"""What an expression finds in a text, found faster: RE2 looks where it may match, and it decides there.

The sieve of an expression is one of RE2 that matches wherever the expression does, and elsewhere too: it
asks for no surroundings, counts no long runs, and takes any letter beyond ASCII for a letter, digit or blank.
"""

import re
from collections.abc import Iterator
from functools import cached_property, lru_cache
from typing import Any

_TOKEN = re.compile(
    r"(?P<class>\[\^?\]?(?:\\.|[^\]\\])*\])|(?P<around>\(\?<?[=!])|(?P<group>\(\?P<\w+>)|\\(?P<escape>.)"
    r"|\{(?P<least>\d+),(?P<most>\d+)\}|(?P<sign>.)",
    re.DOTALL,
)
_BEYOND = r"\x{80}-\x{10FFFF}"
_WIDER = {"w": rf"\w{_BEYOND}", "d": rf"\d{_BEYOND}", "s": rf"\s\x0b\x1c-\x1f{_BEYOND}"}
_NOTHING = frozenset("bBZ")  # what matches a place
_COUNTED = 32  # more is not counted
_OPEN_END = re.compile(r",\}|[*+]")
_FEW = 64  # places that are tried one by one, and one more for so much text; with more of them, all is read
_NEAR, _FAR = 128, 4096  # characters for each place whose end is near, and whose end may be far


class Sieve:
    """An expression and its sieve."""

    def __init__(self, pattern: re.Pattern[str]) -> None:
        self.pattern = pattern

    @cached_property
    def _expression(self) -> str:
        return sieve_of(self.pattern.pattern)

    @cached_property
    def _sieve(self) -> Any:
        return _re2(self._expression, is_folded=bool(self.pattern.flags & re.IGNORECASE))

    @cached_property
    def _characters_each(self) -> int:
        return _FAR if _OPEN_END.search(self._expression) else _NEAR

    def may_match(self, text: str) -> bool:
        """Return whether the expression may match somewhere in the text."""
        return self._sieve.search(text.encode("utf-8", "surrogatepass")) is not None

    def finditer(self, text: str, data: bytes) -> Iterator[re.Match[str]]:
        """Yield what the expression itself would; `data`: the text's bytes. It must match no empty text."""
        at = place = 0  # in the text, in its bytes
        is_plain = text.isascii()
        for _ in range(_FEW + len(text) // self._characters_each):
            found = self._sieve.search(data, place)
            if found is None:
                return
            first = found.start()
            at += first - place if is_plain else len(data[place:first].decode("utf-8", "surrogatepass"))
            match = self.pattern.match(text, at)
            end = match.end() if match else at + 1
            if match:
                yield match
            place = first + (end - at if is_plain else len(text[at:end].encode("utf-8", "surrogatepass")))
            at = end
        yield from self.pattern.finditer(text, at)


def sieve_of(expression: str) -> str:
    r"""Return the sieve of an expression.

    >>> print(sieve_of(r"(?i)\bsnmp\w{2,12}\b[^\n|]{0,200}?\s(?=x)(?P<v>[^\s,]{3})$"))
    (?i)snmp[\w\x{80}-\x{10FFFF}]{2,12}[^\n|]{0,}?[\s\x0b\x1c-\x1f\x{80}-\x{10FFFF}](?:[^\s,]{3})
    """
    parts: list[str] = []
    place = 0
    while token := _TOKEN.match(expression, place):
        place = token.end()
        if signs := token["class"]:
            parts.append(signs if signs.startswith("[^") else _wider(signs))
        elif token["around"]:
            place = _group_end(expression, place)
        elif token["group"]:
            parts.append("(?:")
        elif escape := token["escape"]:
            wide = _WIDER.get(escape)
            parts.append(f"[{wide}]" if wide else "" if escape in _NOTHING else token[0])
        elif most := token["most"]:
            parts.append(token[0] if int(most) <= _COUNTED else f"{{{min(int(token['least']), _COUNTED)},}}")
        elif token["sign"] not in {"^", "$"}:
            parts.append(token[0])
    return "".join(parts)


def _wider(signs: str) -> str:
    return re.sub(r"\\(.)", lambda escape: _WIDER.get(escape[1], escape[0]), signs, flags=re.DOTALL)


def _group_end(expression: str, place: int) -> int:
    """Return where the group ends in which `place` is."""
    depth = 1
    while depth and (token := _TOKEN.match(expression, place)):
        place = token.end()
        depth += bool(token["around"] or token["group"]) or token["sign"] == "("
        depth -= token["sign"] == ")"
    return place


@lru_cache(maxsize=512)
def _re2(expression: str, *, is_folded: bool) -> Any:
    """Return the expression, compiled; RE2 has no types."""
    import re2

    options = re2.Options()
    options.never_capture = True
    options.case_sensitive = not is_folded
    options.log_errors = False
    return re2.compile(expression.encode(), options)

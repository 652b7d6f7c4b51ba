"""A secret's name in a text, and what may be said of what stands behind it."""

import re
from collections.abc import Iterator

from incident_lib.expressions import expression
from incident_lib.redact.names import Strength, is_plural, strength
from incident_lib.redact.quotes import LONGEST_VALUE, TYPOGRAPHIC, in_typographic, inside
from incident_lib.redact.spans import Span
from incident_lib.redact.values import is_secret

LONG_WORD = 16
_BARE = expression(rf"[^\s\"'<>`]{{1,{LONGEST_VALUE}}}")
LITERAL_PREFIX = expression(r"(?:[bBrRuUfFeE]|[uU]&|br|rb|N|:|@|\$|<<)(?=\\{0,7}[\"'])")
SCHEME = expression(
    r"(?:bearer|basic|digest|token|negotiate|api-?key|ntlm|hawk|ssws|bot|oauth|aws4-hmac-sha256|sharedkey(?:lite)?"
    r"|geniekey|key|splunk|discogs|client|jwt|dpop|signature|ghost|hmac|privatetoken)(?:%20|\+|[ \t:])+",
    re.IGNORECASE,
)
DOLLAR = expression(r"\$(\w{0,20})\$")
FREE = 64  # characters that any value may have
_NEAR_END, _LOOKED_AT = 256, 80  # characters of a bare value, and behind a sign that ends it
_FREE_WORK, _WORK_EACH = LONGEST_VALUE, 0.35
_BARE_END = expression(
    r"[,;&|](?=\s|$|[\w.\[\]-]{1,60}\s?[=:]|[\"'\\{\[])|\\[nrt\"']|&(?:quot|apos|amp|lt|gt|#)|%(?:22|27|26|2[cC]|7[dD])"
    r"|[\u3001\u3002\u300d\u300f\uff09\uff0c\uff1b]|\)(?=[\s,;.]|$)|\](?=[\s,;.]|$)|[\])}]+[,;.]?$|\x1b|\\u001b|\\x1b"
)


def bare(text: str, place: int) -> re.Match[str] | None:
    """Return a value without quotes and what follows it without a blank: no more than tells where it ends."""
    found = _BARE.match(text, place, place + _NEAR_END)
    if found is None or found.end() - place < _NEAR_END:
        return found
    cut = _BARE_END.search(text, place + 1, found.end())
    return found if cut and cut.end() + _LOOKED_AT < found.end() else _BARE.match(text, place)


class Budget:
    """How much work a text may cost that holds many names, so that it takes time in proportion to its length.

    It is counted in characters: so many names may stand in any text, and one more for so many characters.
    """

    def __init__(self) -> None:
        self._left, self._place = float(_FREE_WORK), 0

    @property
    def is_spent(self) -> bool:
        """Whether there is none left."""
        return self._left < 0

    def reach(self, place: int) -> None:
        """Add what the text up to `place` allows."""
        self._left = min(self._left + _WORK_EACH * (place - self._place), _FREE_WORK)
        self._place = place

    def skip(self, place: int) -> None:
        """Go on at `place` without adding anything for the text before it."""
        self._place = place

    def spend(self, start: int, end: int) -> None:
        """Count what was looked at."""
        self._left -= max(end - start - FREE, 0)


class Place:
    """A name in a text."""

    def __init__(self, text: str, start: int, end: int, sure: Strength, *, budget: Budget) -> None:
        self.text, self.start, self.end, self.budget = text, start, end, budget
        self.plural = is_plural(text[start:end])
        self.in_path = text[start - 1 : start] == "/" or text[max(0, start - 2) : start] == "/."
        self.sure = Strength.WEAK if self.in_path and sure is Strength.STRONG else sure

    def name_a_value(self) -> None:
        """Take the name, also where it is a path, for that of a value next to it."""
        if self.in_path and self.sure is Strength.WEAK:
            self.sure = strength(self.text[self.start : self.end])

    def span(self, start: int, end: int, quote: str = "") -> Span:
        """Return a span of a secret."""
        return Span(start, end, "secret", quote)

    def line_end(self, place: int) -> int:
        """Return where the line ends, within the bound."""
        end = self.text.find("\n", place, place + LONGEST_VALUE)
        end = min(len(self.text), place + LONGEST_VALUE) if end < 0 else end
        return end - 1 if self.text[end - 1 : end] == "\r" else end

    def is_secret(self, value: str) -> bool:
        """Return whether a value is to be hidden under this name."""
        self.budget.spend(0, len(value))
        return is_secret(value, self.sure, plural=self.plural)

    def is_option(self) -> bool:
        """Return whether the name is an option of a command line."""
        return self.text[self.start - 1 : self.start] == "-" or self.text[
            max(0, self.start - 2) : self.start
        ].endswith("--")

    def quoted(self, opened: re.Match[str]) -> Iterator[Span]:
        """Yield what stands in quotes."""
        text = self.text
        start, end = inside(text, opened)
        value = text[start:end]
        if self.is_secret(value):
            yield self.span(start, end)

    def typographic(self, place: int) -> Span | None:
        """Return what stands in typographic quotes at a place."""
        opened = TYPOGRAPHIC.match(self.text, place)
        found = in_typographic(self.text, opened) if opened else None
        return self.span(*found) if found else None

    def dollars(self, opened: re.Match[str]) -> Iterator[Span]:
        """Yield what stands between the dollar quotes of SQL."""
        end = self.text.find(opened[0], opened.end(), opened.end() + LONGEST_VALUE)
        end = self.line_end(opened.end()) if end < 0 else end
        if end > opened.end():
            yield self.span(opened.end(), end)

    def bare_end(self, found: re.Match[str]) -> int:
        """Return where a value without quotes ends."""
        end = found.end()
        if cut := _BARE_END.search(self.text, found.start() + 1, end):
            end = cut.start()
        while end > found.start() + 1 and self.text[end - 1] in ",;:)":
            end -= 1
        # A full stop ends a sentence, not a secret.
        if self.text[end - 1] == "." and end - found.start() > 1:
            end -= 1
        return end


def has_both(value: str) -> bool:
    """Return whether letters and digits make up a value of some length."""
    return len(value) >= 6 and any(map(str.isalpha, value)) and any(map(str.isdigit, value))

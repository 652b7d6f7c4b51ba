"""Lists, objects and tuples behind a name -> the spans of what is secret in them."""

import re
from collections.abc import Collection, Iterator

from incident_lib.redact.names import Strength, strength
from incident_lib.redact.place import LONG_WORD, Place
from incident_lib.redact.quotes import OPEN, bracket_end
from incident_lib.redact.spans import Span
from incident_lib.redact.values import is_ordinary, is_prose, is_secret, looks_random

_INNER = re.compile(
    r"[\"']?([A-Za-z_][\w.-]{0,60})[\"']?\s{0,4}[:=]\s{0,4}(?:\"((?:[^\"\\]|\\.){1,4000})\"|'((?:[^'\\]|\\.){1,4000})'|([^\s,;\"'{}\[\]]{1,4000}))"
)
_BARE = 4  # of the groups
_REFERENCES = frozenset(
    {"name", "key", "ref", "id", "path", "optional", "arn", "namespace", "kind", "type", "used", "max"}
    | {"secretname", "uid", "gid", "mode", "source", "target", "external", "file"}
)
_LITERALS = re.compile(r"\"((?:[^\"\\]|\\.){0,4000})\"|'((?:[^'\\]|\\.){0,4000})'")
_OBJECT = r"[\"']?[a-z]{2,20}(?:[-_.][a-z]{1,20}){0,6}[\"']?"
_OBJECTS = re.compile(rf"\s{{0,8}}{_OBJECT}(?:\s{{0,4}}[,\s]\s{{0,4}}{_OBJECT}){{0,20}}\s{{0,8}}")  # by name
_SEPARATORS = re.compile(r"[\s\"'\\,:\[\]{}()=]+")


def are_references(names: Collection[str]) -> bool:
    """Return whether members of these names, in small letters, say which secret is meant, not what it is."""
    return all(name in _REFERENCES or (name == "secretid" and "secretname" in names) for name in names)


def _is_filled(text: str, pair: re.Match[str]) -> bool:
    """Return whether what looks like a name is base64 in quotes: its = fills it, the quote behind ends it."""
    is_within = text[pair.start()] in "\"'" or (
        text[pair.start() - 1].isalnum() or text[pair.start() - 1] in "+/-"
    )
    return is_within and text[pair.end(1)] == "=" and pair.lastindex != _BARE


class Bracketed(Place):
    """A name behind which brackets may stand."""

    def bracketed(self, place: int, *, is_quoted: bool) -> Iterator[Span]:
        """Yield a list, an object or a tuple that holds a secret; of a weak name's object, what was drawn."""
        text = self.text
        if text.startswith("{{", place):
            return
        end, complete = bracket_end(text, place)
        if (
            complete
            and text[place] in {"[", "{"}
            and text[place + 1 : end - 1].isupper()
            and is_ordinary(text[place:end])
        ):
            return  # [PROTECTED], {SSHA}
        self.budget.spend(place, 4 * end - 3 * place)
        inside = end - 1 if complete else end
        value = text[place + 1 : inside]
        pairs = [pair for pair in _INNER.finditer(text, place + 1, inside) if not _is_filled(text, pair)]
        if pairs and are_references({pair[1].lower() for pair in pairs}):
            return
        if pairs and self.sure in {Strength.WEAK, Strength.FAINT}:
            for pair in pairs:
                group = pair.lastindex or 0
                if (
                    group > 1
                    and not strength(pair[1])
                    and len(pair[group]) >= LONG_WORD
                    and looks_random(pair[group])
                ):
                    yield self.span(*pair.span(group))
            return
        if not self._holds_secret(value) or (
            text[place] == "(" and " " in value.strip() and value.replace(" ", "").isalpha()
        ):
            return
        if text[place] == "(" or (
            text[place] == "{" and not is_quoted and '"' not in value and "'" not in value
        ):
            yield self.span(place + 1, inside)  # Key (token)=(..), Pwd={..}
            return
        quote = self._quote() if is_quoted else ""
        if quote or not complete:
            yield self.span(place, end, quote)
        else:
            yield self.span(place + 1, inside)

    def _quote(self) -> str:
        """Return the quote behind the name: what is hidden becomes a string in the same."""
        if self.text.startswith('""', self.end):
            return '""'  # doubled, in a cell of a CSV file
        before = OPEN.match(self.text, self.end)
        return before[0] if before else '"'

    def _holds_secret(self, value: str) -> bool:
        if is_prose(value.replace('"', " ").replace(",", " ")):
            return False
        if self.text[self.start : self.end].lower().endswith("secrets") and _OBJECTS.fullmatch(value):
            return False
        sure = Strength.STRONG if self.sure is Strength.COOKIE else self.sure
        quoted = [first or second for first, second in _LITERALS.findall(value)]
        parts = [part for part in quoted if part] or [part for part in _SEPARATORS.split(value) if part]
        return any(is_secret(part, sure, plural=self.plural) and not is_prose(part) for part in parts)

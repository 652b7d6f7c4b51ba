"""Text -> the same text with nothing secret in it, and a count of what was hidden.

Hidden: what stands under a secret's name, however the two are written; what has the form of a token, a key
or a hash; the passwords of addresses (user, host and database stay); what is personal: e-mail addresses,
cards, what people put into queries; every secret value of the configuration, and what the team adds.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec

from incident_lib.characters import whole
from incident_lib.errors import RedactionError
from incident_lib.redact import vendors
from incident_lib.redact.addresses import secrets_of_addresses
from incident_lib.redact.below import secrets_below
from incident_lib.redact.brackets import are_references
from incident_lib.redact.commands import Hints, prints_secret_below, secrets_of_commands
from incident_lib.redact.documents import Unescaped, within_strings
from incident_lib.redact.earlier import left_open, secrets_by_earlier_lines
from incident_lib.redact.found import remembered
from incident_lib.redact.keys import may_be_of_key, open_key, private_keys
from incident_lib.redact.known import Known
from incident_lib.redact.marks import Marks
from incident_lib.redact.names import Strength, is_plural, strength
from incident_lib.redact.spans import Span, beside_marks, replaced
from incident_lib.redact.spelling import lines_without_doubled_quotes, without_escaped_letters
from incident_lib.redact.statements import secrets_of_statements
from incident_lib.redact.team import compiled
from incident_lib.redact.values import MARK, is_prose, is_secret
from incident_lib.redact.walk import secret_values

__all__ = ["MARK", "Redactor"]

_NO_KEY = Marks()
_SHORT, _MOST_CLEAN = 80, 20_000  # characters, texts
_DEEPEST = 200  # of records in records
_MOST_LAYERS = 3  # of JSON in strings of JSON
_LINES_HELD, _MOST_HELD = 2, 300
_CONTINUED = (b" ", b"\t", b"\r", b"\n", b"")  # what a line begins with that goes on
_BARE_STAMP = re.compile(rb"\d{4}-\d\d-\d\d[T ]\d\d:\S{1,40}\s*\Z")  # before a line that is empty
_ASKED = (
    b"UGFzc3dvcmQ6",
    b"+OK",
    b"331 ",
    b"BORG_KEY ",
    b"untrusted comment: ",
)  # a password, by a mail server ("Password:" in base64) or for files
_DOCUMENT = re.compile(rb"<<[-~]?[ ]?\\?[\"']?([A-Za-z_]\w{0,39})[\"']?[ \t]*\r?\n")  # a line that begins one
_LONGEST_DOCUMENT = 8192
_OPEN = (b":", b"=", b"|", b">", b",", b"(", b"[", b"{", b"\\", b'"', b"'", b"\n", b"\r")  # and ends with
_MOST_PASSES, _FEW_PASSES, _SMALL, _LARGE = 5, 2, 4096, 65_536
_APART = 512  # characters for each mark: with more of them, all is read again rather than their lines
_NAMES, _VALUES = ("name", "key", "Name", "Key"), ("value", "Value", "content")
_SETTINGS = frozenset({"requirepass", "masterauth", "masteruser"})
_UNDER_KEY = (
    r"\b(?:{0})[\"']?\s{{0,5}}[=:]\s{{0,5}}(?:\"(?P<double>(?:[^\"\\]|\\.){{1,4000}})\"|'(?P<single>(?:[^'\\]|\\.){{1,4000}})'"
    r"|(?P<bare>[^\s,;&}}\])\"'\[]{{1,4000}}))"
)


class Redactor:
    """Hides secrets in text and records. Make one a run: it knows the configured secrets and counts.

    >>> Redactor().text("postgresql://app:hunter2@db:5432/shop")
    'postgresql://app:[secret]@db:5432/shop'
    """

    def __init__(
        self,
        secrets: Iterable[str] = (),
        patterns: Iterable[str] = (),
        keys: Iterable[str] = (),
        *,
        ordinary: Iterable[str] = (),
        marks: Marks = _NO_KEY,
    ) -> None:
        self.marks = marks
        self.hidden: Counter[str] = Counter()
        self._clean: set[str] = set()  # short texts without a secret: names of fields come again and again
        self._secrets, self._ordinary = tuple(secrets), tuple(ordinary)
        self._found = remembered()
        self._known = Known((*self._secrets, *self._found), self._ordinary)
        self._patterns = [compiled(pattern) for pattern in patterns]
        names = "|".join(re.escape(key) for key in keys)
        self._keys = re.compile(rf"(?i)(?:{names})") if names else None
        self._keyed = re.compile(_UNDER_KEY.format(names), re.IGNORECASE) if names else None

    def text(self, text: str) -> str:
        """Return `text` with secrets hidden, as UTF-8 can hold it: half of a pair becomes U+FFFD.

        Errors: RedactionError, and then nothing may be written.
        """
        return self._text(text, "")

    def _text(self, text: str, before: str) -> str:
        """Return `text` with secrets hidden, `before` being what lines in front of it leave open."""
        if self._found is not remembered():
            self._found = remembered()
            self._known = Known((*self._secrets, *self._found), self._ordinary)
            self._clean.clear()
        if not before and text in self._clean:
            return text
        try:
            given = text
            text = self.marks.only_ours(whole(text))
            for _ in range(
                _MOST_PASSES if len(text) <= _LARGE else _FEW_PASSES
            ):  # what is hidden may show more: quotes and brackets pair up anew
                if not (spans := self._unmarked_spans(text, before)):
                    break
                text = replaced(text, spans, self.marks.mark, self.hidden)
                is_sparse = text.count("[secret") < len(text) // _APART
                if len(text) > _SMALL and is_sparse and self._is_stable(text):
                    break
        except Exception as error:  # noqa: BLE001 - whatever fails, nothing may be written
            raise _failed(error) from None
        if not before and text == given and len(text) <= _SHORT and len(self._clean) < _MOST_CLEAN:
            self._clean.add(text)
        return text

    def value(self, value: Any) -> Any:
        """Return plain data with what is secret in its strings, and under secret names, hidden.

        Errors: RedactionError, and then nothing may be written.
        """
        try:
            return self._value(value, 0)
        except RedactionError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever fails, nothing may be written
            raise _failed(error) from None

    def lines(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """Yield `chunks` redacted, cut at line ends so that no secret falls between two of them.

        The last lines of what came wait for what follows: a value may stand below its name, a key goes on.
        """
        rest, before = b"", ""
        for chunk in chunks:
            rest += chunk
            cut = _place_to_cut(rest)
            if cut:
                piece = rest[:cut].decode("utf-8", "replace")
                yield self._text(piece, before).encode()
                before = left_open(before, piece)
                rest = rest[cut:]
        if rest:
            yield self._text(rest.decode("utf-8", "replace"), before).encode()

    def struct(self, value: Any, kind: type[Any], convert: Callable[[Any], Any] | None = None) -> Any:
        """Return a record of type `kind` with its strings redacted; `convert` makes it of builtin types."""
        hidden = self.value(msgspec.to_builtins(value))
        try:
            return convert(hidden) if convert else msgspec.convert(hidden, kind)
        except Exception as error:  # noqa: BLE001 - whatever fails, nothing may be written
            raise _failed(error) from None

    def _unmarked_spans(self, text: str, before: str = "", depth: int = 0) -> list[Span]:
        folded = _folded(text)
        spans = list(self._spans(text, folded))
        if depth < _MOST_LAYERS and "\\" in text and (unescaped := Unescaped(text, Hints(text).next)).text:
            spans = [span for span in spans if not unescaped.is_read_here(span)]
            spans += map(unescaped.source, self._unmarked_spans(unescaped.text, depth=depth + 1))
        spans += self._spans_by_other_lines(text, folded, before)
        if spans and '"' in text:
            spans = list(within_strings(text, spans))
        if spans and "[secret" in text:
            spans = list(beside_marks(text, spans, [match.span() for match in MARK.finditer(text)]))
        return spans

    def _is_stable(self, text: str) -> bool:
        """Return whether the lines with marks hold nothing more, each by itself."""
        place = text.find("[secret")
        while place >= 0:
            start, end = text.rfind("\n", 0, place) + 1, text.find("\n", place)
            end = len(text) if end < 0 else end
            if end - start > _SMALL or self._unmarked_spans(text[start:end]):
                return False
            place = text.find("[secret", end)
        return True

    def _spans(self, text: str, folded: str) -> Iterator[Span]:
        for hit in self._known.hits(text):
            yield Span(hit.start, hit.end, "configured", secret=hit.secret)
        for start, end, family in vendors.spans(text):
            yield Span(start, end, family)
        yield from secret_values(text, folded)
        yield from _values_spelt_otherwise(text, folded)
        yield from secrets_of_addresses(text)
        yield from secrets_of_commands(text, folded)
        yield from secrets_of_statements(text, folded)
        for pattern in self._patterns:
            for match in pattern.finditer(text):
                yield Span(match.start(), match.end(), "team")
        if self._keyed:
            for match in self._keyed.finditer(text):
                start, end = match.span(match.lastgroup or 0)
                yield Span(start, end, "team")

    def _spans_by_other_lines(self, text: str, folded: str, before: str) -> Iterator[Span]:
        yield from private_keys(text)
        yield from secrets_below(text)
        yield from secrets_by_earlier_lines(before, text, folded)

    def _value(self, value: Any, depth: int) -> Any:
        if isinstance(value, str):
            return self.text(value)
        if depth > _DEEPEST:
            raise RecursionError
        if isinstance(value, dict):
            named = self._named(value)
            return {
                self._key(key): self._entry(named if named and key in _VALUES else str(key), item, depth + 1)
                for key, item in value.items()
            }
        if isinstance(value, list | tuple):
            return self._list(value, depth + 1)
        return value

    def _key(self, key: Any) -> Any:
        """Return a key that is a number as it is: as a text, its record would not be one any more."""
        return key if isinstance(key, int) else self.text(str(key))

    def _named(self, value: dict[Any, Any]) -> str:
        """Return the name that stands next to a value in a record of the two, "" for another record."""
        name = next((value[key] for key in _NAMES if isinstance(value.get(key), str)), "")
        return name if name and any(key in value for key in _VALUES) and self._sure(name) else ""

    def _list(self, value: list[Any] | tuple[Any, ...], depth: int) -> list[Any]:
        """Return the items; one behind an option for a secret, or in a pair with its name, is hidden."""
        found: list[Any] = []
        for number, item in enumerate(value):
            before = value[number - 1] if number else None
            if isinstance(before, str) and isinstance(item, str) and len(before) <= _SHORT:
                sure = self._sure(before.lstrip("-"))
                is_pair = before.startswith("-") or (number == 1 and len(value) == 2) or before in _SETTINGS
                if sure and is_pair and not item.startswith("-") and is_secret(item, sure):
                    found.append(self._hide(item))
                    continue
            found.append(self._value(item, depth))
        return found

    def _sure(self, name: str) -> Strength:
        if self._keys and self._keys.fullmatch(name):
            return Strength.STRONG
        return strength(name) if " " not in name else Strength.NONE

    def _entry(self, key: str, item: Any, depth: int) -> Any:
        if not (sure := self._sure(key)):
            return self._value(item, depth)
        if self._keys and self._keys.fullmatch(key):
            return self._hide(item) if isinstance(item, str) and item else self._value(item, depth)
        if isinstance(item, str):
            return self._hide(item) if is_secret(item, sure) else self.text(item)
        if isinstance(item, dict | list | tuple):
            return (
                self._hide(str(item))
                if _holds_secret(item, sure, 0, plural=is_plural(key))
                else self._value(item, depth)
            )
        if isinstance(item, int | float) and not isinstance(item, bool):
            return self._hide(str(item)) if is_secret(str(item), sure, plural=is_plural(key)) else item
        return item

    def _hide(self, value: str) -> str:
        self.hidden["secret"] += 1
        return self.marks.mark(value)


def _values_spelt_otherwise(text: str, folded: str) -> Iterator[Span]:
    """Yield values under names with escaped letters, and in cells whose quotes are doubled."""
    if "\\u00" in folded and (whole := without_escaped_letters(text)):
        for span in secret_values(whole.text, _folded(whole.text)):
            start, end = whole.source(span.start, span.end)
            yield span._replace(start=start, end=end)
    if '""' in text:
        for begin, line in lines_without_doubled_quotes(text):
            for span in secret_values(line.text, _folded(line.text)):
                start, end = line.source(span.start, span.end)
                quote = span.quote.replace('"', '""')
                yield span._replace(start=begin + start, end=begin + end, quote=quote)


def _failed(error: Exception) -> RedactionError:
    """Return what is said where redaction failed: what kind of thing, and nothing of the text."""
    return RedactionError(f"redaction failed ({type(error).__name__}), so nothing was written")


def _folded(text: str) -> str:
    """Return the text in small letters, as long as it was."""
    folded = text.lower()
    if len(folded) == len(text):
        return folded
    return "".join(letter if len(letter.lower()) != 1 else letter.lower() for letter in text)


def _holds_secret(item: Any, sure: Strength, depth: int, *, plural: bool) -> bool:
    if depth > _DEEPEST:
        raise RecursionError
    if isinstance(item, dict) and item and are_references({str(key).lower() for key in item}):
        return False
    if isinstance(item, dict | list | tuple):
        inner = item.values() if isinstance(item, dict) else item
        return any(_holds_secret(each, sure, depth + 1, plural=plural) for each in inner)
    if isinstance(item, bool) or item is None:
        return False
    sure = Strength.STRONG if sure is Strength.COOKIE else sure
    return is_secret(str(item), sure, plural=plural) and not is_prose(str(item))


def _needs_next(line: bytes) -> bool:
    """Return whether a line ends with a secret's name, whose value may stand below it, or needs the next."""
    if (
        any(asked in line[-_SHORT:] for asked in _ASKED)
        or _BARE_STAMP.match(line)
        or b"Parameters=[@" in line
        or prints_secret_below(line)
        or may_be_of_key(line)
    ):
        return True
    words = line[-_SHORT:].decode("utf-8", "replace").split()
    return bool(words) and bool(strength(words[-1].strip("\"',")))


def _place_to_cut(data: bytes) -> int:
    """Return up to where whole lines need nothing of what follows, 0 where there are none."""
    end = data.rfind(b"\n")
    for number in range(_MOST_HELD):
        if end <= 0:
            return 0
        before = data.rfind(b"\n", 0, end)
        is_open = data[end + 1 : end + 2] in _CONTINUED or data[end - 1 : end] in _OPEN
        if number >= _LINES_HELD and not is_open and not _needs_next(data[before + 1 : end]):
            break
        end = before
    begun = [place for place in (open_key(data[: end + 1]), _open_document(data[: end + 1])) if place >= 0]
    return min(begun, default=end + 1)


def _open_document(data: bytes) -> int:
    """Return where the line begins that opens a document whose end is not in the data, or -1."""
    begin = data.rfind(b"<<", max(0, len(data) - _LONGEST_DOCUMENT))
    if begin < 0 or not (mark := _DOCUMENT.match(data, begin)):
        return -1
    is_ended = any(line.strip() == mark[1] for line in data[mark.end() :].splitlines())
    return -1 if is_ended else data.rfind(b"\n", 0, begin) + 1

"""Marks: what stands where a secret stood. Equal secrets of one incidents folder get equal marks."""

import hashlib
import hmac
import html
import json
import re
from urllib.parse import unquote_to_bytes

PLAIN = "[secret]"
pattern = re.compile(r"\[secret:[0-9A-Fa-f]{8}\]")

_VALUE_DIGITS, _CHECK_DIGITS = 5, 3
_QUOTED = re.compile(r"([\"'`])(.+)\1", re.DOTALL)
_PERCENT = re.compile(r"(?:[^%]|%[0-9A-Fa-f]{2})+", re.DOTALL)
_JSON = re.compile(r"(?:[^\\]|\\(?:[\"\\/bfnrt]|u[0-9A-Fa-f]{4}))+", re.DOTALL)
_HTML = re.compile(r"(?:[^&]|&(?:#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});)+", re.DOTALL)
_BARE_QUOTE = re.compile(r"(\\.)|\"", re.DOTALL)
_DEEPEST = 3  # JSON in a URL in a page


class Marks:
    """Issues the marks of one key, and knows them again without keeping a list.

    The first five digits of a mark are an HMAC-SHA256 of the secret under the key, the last three one of
    those five. What an equal mark says: the same secret, but for one pair of different secrets in 1,048,576
    (among fifty secrets of an incident a wrong pair in one incident of 850). What an unequal one says: not
    the same secret. A mark that another key issued, or that a person typed, is taken for ours once in 4,096.
    Without the key nothing about the secret can be learned from the digits; who has the key can try guesses.

    >>> marks = Marks(bytes(32))
    >>> marks.mark("hunter2"), marks.mark("hunter%32"), Marks().mark("hunter2")
    ('[secret:0b732bfc]', '[secret:0b732bfc]', '[secret]')
    >>> marks.is_ours("[secret:0b732bfc]"), Marks(b"k" * 32).is_ours("[secret:0b732bfc]")
    (True, False)
    """

    pattern = pattern

    def __init__(self, key: bytes | None = None) -> None:
        self._key = key

    def __repr__(self) -> str:
        """Return what it is, never the key."""
        return "Marks(with a key)" if self._key else "Marks()"

    @property
    def key(self) -> bytes | None:
        """The key that issued the marks there are."""
        return self._key

    def new_key(self) -> bytes | None:
        """Return the key to issue a mark with."""
        return self._key

    def mark(self, value: str) -> str:
        """Return the mark of a secret, the same for each of its spellings; `[secret]` without a key."""
        key = self.new_key()
        if not key:
            return PLAIN
        digits = _digits(key, b"value", plain(value).encode("utf-8", "surrogatepass"), _VALUE_DIGITS)
        return f"[secret:{digits}{_check(key, digits)}]"

    def is_ours(self, mark: str) -> bool:
        """Return whether this key issued `mark`; without a key, whether it is the mark without digits."""
        if mark == PLAIN:
            return True
        key = self.key
        if not key or not pattern.fullmatch(mark):
            return False
        digits = mark[len("[secret:") : -1]
        value, check = digits[:_VALUE_DIGITS], digits[_VALUE_DIGITS:]
        return hmac.compare_digest(check, _check(key, value))

    def only_ours(self, text: str) -> str:
        """Return `text` with every mark that this key did not issue replaced by the one without digits."""
        if "[secret:" not in text:
            return text
        return pattern.sub(lambda found: found[0] if self.is_ours(found[0]) else PLAIN, text)


def _check(key: bytes, digits: str) -> str:
    return _digits(key, b"check", digits.encode(), _CHECK_DIGITS)


def _digits(key: bytes, purpose: bytes, data: bytes, count: int) -> str:
    return hmac.new(key, purpose + b"\0" + data, hashlib.sha256).hexdigest()[:count]


def plain(value: str) -> str:
    r"""Return a secret as it was before it was written into a URL, JSON or a page.

    An escape is undone only where all of the value can be read as escaped in that way, so that a password
    with a stray `%` or backslash stays what it is.

    >>> plain("p%40ss"), plain('"p\\u0040ss"'), plain("p&#64;ss"), plain("100%")
    ('p@ss', 'p@ss', 'p@ss', '100%')
    """
    for _ in range(_DEEPEST):
        before = value
        if match := _QUOTED.fullmatch(value):
            value = match[2]
        for undo in (_without_percent, _without_json, _without_html):
            value = undo(value)
        if value == before:
            break
    return value


def _without_percent(value: str) -> str:
    if "%" not in value or not _PERCENT.fullmatch(value):
        return value
    try:
        return unquote_to_bytes(value.encode("utf-8", "surrogatepass")).decode()
    except UnicodeDecodeError:
        return value


def _without_json(value: str) -> str:
    if "\\" not in value or not _JSON.fullmatch(value):
        return value
    inside = _BARE_QUOTE.sub(lambda found: found[1] or '\\"', value)
    return str(json.loads(f'"{inside}"', strict=False))


def _without_html(value: str) -> str:
    return html.unescape(value) if "&" in value and _HTML.fullmatch(value) else value

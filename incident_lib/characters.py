r"""Characters that show nothing and do something: they drive a terminal, turn text around, or hide in it.

A log, a service name, an answer of a server may hold any of them. What is printed or written for people
goes through `visible`; what a program reads goes through `escaped`, which loses nothing.
"""

import re

from incident_lib.expressions import expression

# C0 but tab and newline, DEL and C1; what turns text around; what has no width; halves of pairs. Left are
# the joiners and the two variation selectors that scripts and emoji need.
_UNSEEN = (
    r"\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f"
    r"\u2028-\u202e\u2060-\u206f\u3164\ud800-\udfff\ufe00-\ufe0d\ufeff\uffa0\ufff0-\ufffb"
    r"\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_ANY = expression(f"[{_UNSEEN}]")
_IN_JSON = expression(f"(?![\\r\\n])[{_UNSEEN}]")
_ENTITY = expression(r"&#(?:x([0-9a-f]{1,6})|([0-9]{1,7}));?", re.IGNORECASE)


def visible(text: str) -> str:
    r"""Return `text` without what cannot be seen; its lines and tabs stay.

    >>> visible("a\x1b[2Jb\u202ec\n")
    'a[2Jbc\n'
    """
    return text if is_plain(text) else _ANY.sub("", text)


def visible_line(text: str) -> str:
    r"""Return the same on a single line.

    >>> visible_line("a\r\n\tb")
    'a  b'
    """
    return text if is_plain(text) else _ANY.sub("", text.replace("\n", " ").replace("\t", " "))


def visible_markup(text: str) -> str:
    """Return HTML without what cannot be seen, also where it is written as a number.

    >>> visible_markup("a&#x202E;b&#8238;c&#39;")
    'abc&#39;'
    """
    return _ENTITY.sub(_entity, visible(text)) if "&#" in text else visible(text)


def whole(text: str) -> str:
    r"""Return `text` as UTF-8 can hold it: two halves of a pair are joined, a half alone becomes U+FFFD.

    Such halves stand in names of files, arguments and variables that are no UTF-8, and in JSON.

    >>> ascii(whole("a\udc80b \ud83d\ude00"))
    "'a\\ufffdb \\U0001f600'"
    """
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def escaped(document: str) -> str:
    r"""Return a JSON document that means the same and shows all that it holds.

    >>> escaped('{"a": "\u202eb\x7f"}')
    '{"a": "\\u202eb\\u007f"}'
    """
    return document if document.isascii() and "\x7f" not in document else _IN_JSON.sub(_escape, document)


def is_plain(text: str) -> bool:
    """Return whether each character is a visible one of ASCII, or a space: by far the fastest test."""
    return text.isascii() and text.isprintable()


def _entity(match: re.Match[str]) -> str:
    number = int(match[1], 16) if match[1] else int(match[2])
    return "" if number > 0x10FFFF or _ANY.match(chr(number)) else match[0]


def _escape(match: re.Match[str]) -> str:
    units = match[0].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))

"""Secrets that are known, found in text in every spelling: escaped, in base64, in another case."""

import base64
import re
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import unquote

from incident_lib.characters import whole
from incident_lib.redact.spelling import views

SHORTEST = 4  # a shorter one would blacken half of every line
WHOLE = 8  # a shorter one is hidden only where it stands alone
_TOKEN = 9  # a word of an address from this length on, with a digit in it, may be a token
_LINE = 16  # a line of a secret of several lines counts from this length on
_MEMORY_BYTES = 256 << 20
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]+")
_BASE64_FOUR = re.compile(r"[A-Za-z0-9+/]{4}|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{2}==")
_URL_SAFE, _STANDARD = str.maketrans("+/", "-_"), str.maketrans("-_", "+/")
_FIRST_WHOLE = (0, 2, 3)  # of four base64 letters, the first that holds nothing of what stands before
_WORD = re.compile(r"\w")
_DATABASE = re.compile(
    r"(?:postgres|postgresql|rediss?|valkeys?|mysql|mongodb(?:\+srv)?|amqps?)://", re.IGNORECASE
)
_PASSWORD = re.compile(r"(?:^|[\s?&;])password\s*=\s*('(?:[^'\\]|\\.|'')*'|[^\s&;]+)", re.IGNORECASE)
_NAMED = re.compile(r"(?:^|[\s?&])(?:host|hostaddr|user|dbname)\s*=\s*('[^']*'|[^\s&]+)", re.IGNORECASE)

# Words that stand in every text, whoever chose them as a password: hidden where a password stands, by its
# place, and left elsewhere.
ORDINARY = frozenset(
    {
        *("admin", "administrator", "auth", "authorization", "cache", "client", "connection", "credentials"),
        *("database", "debug", "default", "error", "false", "guest", "host", "info", "key", "localhost"),
        *("login", "mysql", "none", "null", "pass", "passwd", "password", "port", "postgres", "postgresql"),
        *(
            "private",
            "prod",
            "production",
            "public",
            "redis",
            "root",
            "secret",
            "server",
            "service",
            "staging",
        ),
        *("status", "string", "system", "test", "testing", "timeout", "token", "trace", "true", "undefined"),
        *("unknown", "user", "username", "users", "valkey", "value", "warning"),
    }
)


class Hit(NamedTuple):
    """Where a known secret stands in a text, and which."""

    start: int
    end: int
    secret: str


class _Literal(NamedTuple):
    text: str  # what is looked for
    secret: str
    alignment: int = -1  # of the first byte in base64: 0, 1, 2; -1 for what is not in base64
    bytes_count: int = 0  # that the base64 holds


class Known:
    """Finds secrets in text, fast also for hundreds of them. Ordinary words and names are not looked for.

    >>> known = Known(["postgresql://app:hunter2!@db/shop"])
    >>> text = "a HUNTER2! b hunter%32%21 c YXBwOmh1bnRlcjIh"
    >>> [text[start:end] for start, end in known.spans(text)]
    ['HUNTER2!', 'hunter%32%21', 'mh1bnRlcjIh']
    """

    def __init__(self, secrets: Iterable[str], ordinary: Iterable[str] = ()) -> None:
        self._given = tuple(secrets), tuple(ordinary)
        names = {name.casefold() for name in self._given[1]} | ORDINARY
        found = {part for secret in self._given[0] for part in parts(secret)}
        self.secrets = frozenset(part for part in found if part.casefold() not in names)
        self._literals: dict[str, list[_Literal]] = {}
        for secret in self.secrets:
            for literal in _literals(secret):
                self._literals.setdefault(literal.text.lower(), []).append(literal)
        self._lengths = sorted({len(text) for text in self._literals}, reverse=True)
        self._matcher = _matcher({literal for found in self._literals.values() for literal in found})

    def __bool__(self) -> bool:
        """Whether there is anything to look for."""
        return self._matcher is not None

    def __reduce__(self) -> tuple[type["Known"], tuple[tuple[str, ...], tuple[str, ...]]]:
        """Return what makes it anew in another process: what was compiled does not travel."""
        return Known, self._given

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Return where known secrets stand, sorted and without overlaps."""
        return [(hit.start, hit.end) for hit in self.hits(text)]

    def hits(self, text: str) -> list[Hit]:
        """Return where known secrets stand and which, sorted and without overlaps.

        Where they overlap, the span is that of all of them, and the secret the longest.
        """
        if self._matcher is None:
            return []
        if "%" not in text and "\\" not in text and "&" not in text:
            data = text.encode("utf-8", "surrogatepass")
            return _joined(list(self._hits_in(text, data))) if self._matcher.search(data) else []
        found = list(self._hits_as_written(text))
        for view in views(text):
            found += (
                Hit(*view.source(hit.start, hit.end), hit.secret) for hit in self._hits_as_written(view.text)
            )
        return _joined(found)

    def _hits_as_written(self, text: str) -> Iterator[Hit]:
        return self._hits_in(text, text.encode("utf-8", "surrogatepass"))

    def _hits_in(self, text: str, data: bytes) -> Iterator[Hit]:
        place = self._matcher.search(data)
        bytes_before = letters_before = 0
        while place:
            start, end = place.span()
            letters_before += _letters_count(data[bytes_before:start])
            bytes_before = start
            hit = self._hit_at(text, letters_before, longest=_letters_count(data[start:end]))
            following = start + 1
            if hit:
                if period := _period(data[start:end].lower()):  # aaaa in a line of a thousand a: one hit
                    while data[end : end + period].lower() == data[end - period : end].lower():
                        end += period
                    length = letters_before + _letters_count(data[start:end])
                    hit = hit._replace(end=max(hit.end, length))
                    following = max(following, end - place.end() + start + 1)
                yield hit
            place = self._matcher.search(data, following)

    def _hit_at(self, text: str, start: int, *, longest: int) -> Hit | None:
        for length in (longest, *(length for length in self._lengths if length < longest)):
            written = text[start : start + length]
            for literal in self._literals.get(written.lower(), ()):
                if literal.alignment >= 0:
                    span = _base64_span(text, start, literal)
                elif len(literal.secret) >= WHOLE or _stands_alone(text, start, start + length):
                    span = start, start + length
                else:
                    span = None
                if span:
                    return Hit(*span, literal.secret)
        return None


def parts(secret: str) -> set[str]:
    """Return what of a secret must not be seen, as it is without escapes.

    All of a bare one, the password of an address, and the long words in an address without one (a chat
    service's tokens stand in its path). Hosts, users and databases stay.

    >>> sorted(parts("postgresql://app:p%40ss@db:5432/shop")), parts("host=db password=hunter2 user=app")
    (['p%40ss', 'p@ss'], {'hunter2'})
    """
    found = set(_parts(secret.strip()))
    found |= {unquote(part) for part in found}
    found |= {form for part in found for form in _as_read(part)}
    return {part for part in found if len(part) >= SHORTEST}


def names(address: str) -> set[str]:
    """Return what of an address or connection string may be seen: hosts, user and database.

    >>> sorted(names("postgresql://app:hunter2@db-1,db-2:5432/shop?sslmode=require"))
    ['app', 'db-1', 'db-2', 'shop']
    """
    found = {match[1].strip("'") for match in _NAMED.finditer(address)}
    if "://" in address:
        login, _, rest = address.partition("://")[2].rpartition("@")
        hosts, _, path = rest.partition("/")
        found |= {host.rpartition(":")[0] or host for host in hosts.split(",")}
        found |= {login.partition(":")[0], re.split(r"[?#]", path)[0]} if _DATABASE.match(address) else set()
    return {unquote(name) for name in found if name}


def _parts(secret: str) -> Iterator[str]:
    yield from _passwords(secret)
    if "://" not in secret:
        if not _PASSWORD.search(secret):
            yield secret
            yield from _lines(secret)
    elif not _DATABASE.match(secret):
        words = re.split(r"[/?&=@:#]", secret.partition("://")[2])
        yield from (
            word for word in words if len(word) >= _TOKEN and "." not in word and re.search(r"\d", word)
        )


def _as_read(secret: str) -> Iterator[str]:
    """Yield what a text shows of a secret with bytes that are no UTF-8: it has U+FFFD in their place."""
    yield whole(secret)
    with suppress(UnicodeEncodeError):
        yield secret.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _passwords(secret: str) -> Iterator[str]:
    """Yield the passwords of an address or a connection string; up to both ends that it may have."""
    for found in _PASSWORD.finditer(secret):
        value = found[1]
        yield re.sub(r"\\(.)|''", lambda escape: escape[1] or "'", value[1:-1]) if value[0] == "'" else value
    if "://" in secret:
        login, at, _ = secret.partition("://")[2].partition("@")
        for user in (login, secret.partition("://")[2].rpartition("@")[0]) if at else ():
            yield user.partition(":")[2]


def _lines(secret: str) -> Iterator[str]:
    """Yield the long lines of a secret of several: a log shows them apart."""
    lines = secret.splitlines()
    if len(lines) > 1:
        yield from (line.strip() for line in lines if len(line.strip()) >= _LINE and "-----" not in line)


def _literals(secret: str) -> Iterator[_Literal]:
    texts = {secret, *(unicodedata.normalize(form, secret) for form in ("NFC", "NFD"))}
    if not secret.isascii():
        texts |= {text.lower() for text in texts} | {text.upper() for text in texts}
    doubled = ((" ", "+"), ("'", "''"), ("'", "'\\''"), ('"', '""'))
    texts |= {text.replace(*pair) for text in texts for pair in doubled}
    texts |= {view.text for view in views(secret)}  # where its own letters look like an escape
    for text in texts:
        yield _Literal(text, secret)
    for text in {secret, secret.lower(), secret.upper()}:
        data = text.encode("utf-8", "surrogatepass")
        for literal in _in_base64(data, secret):
            yield literal
            if len(data) >= WHOLE:  # a login in a file of logins, which is in base64 itself
                yield from _in_base64(literal.text.encode(), secret)


def _in_base64(data: bytes, secret: str) -> Iterator[_Literal]:
    """Yield the base64 letters that hold nothing but `data`, at each place where it may begin."""
    for alignment in range(3):
        encoded = base64.b64encode(bytes(alignment) + data).decode()
        letters = encoded[_FIRST_WHOLE[alignment] : 8 * (alignment + len(data)) // 6]
        for text in {letters, letters.translate(_URL_SAFE)}:
            yield _Literal(text, secret, alignment, len(data))


def _base64_span(text: str, start: int, literal: _Literal) -> tuple[int, int] | None:
    """Return where the base64 letters with bits of a secret stand, None where it only looks like it."""
    end = start + len(literal.text)
    if text[start:end] != literal.text:
        return None
    origin = start - _FIRST_WHOLE[literal.alignment]
    last = literal.alignment + literal.bytes_count
    if len(literal.secret) < WHOLE:
        around = (_decoded(text, origin, literal.alignment - 1), _decoded(text, origin, last))
        if any(byte is not None and _WORD.match(chr(byte)) for byte in around):
            return None
    first, beyond = origin + 8 * literal.alignment // 6, origin - (-8 * last // 6)
    begin = first if first >= 0 and _BASE64.fullmatch(text, first, end) else start
    return begin, beyond if _BASE64.fullmatch(text, start, beyond) and beyond <= len(text) else end


def _decoded(text: str, origin: int, index: int) -> int | None:
    """Return a byte of the base64 whose first letter of four is at `origin`, None where there is none."""
    start = origin + 4 * (index // 3)
    letters = text[start : start + 4].translate(_STANDARD) if start >= 0 else ""
    if not _BASE64_FOUR.fullmatch(letters):
        return None
    decoded = base64.b64decode(letters)
    return decoded[index % 3] if index % 3 < len(decoded) else None


@lru_cache(maxsize=1024)
def _period(text: bytes) -> int:
    """Return after how many letters a text repeats itself, 0 where it does not."""
    return next((shift for shift in range(1, len(text) // 2 + 1) if text[shift:] == text[:-shift]), 0)


def _stands_alone(text: str, start: int, end: int) -> bool:
    return not (_WORD.match(text, start - 1) if start else None) and not _WORD.match(text, end)


def _letters_count(data: bytes) -> int:
    return len(data) if data.isascii() else len(data.decode("utf-8", "surrogatepass"))


def _joined(found: list[Hit]) -> list[Hit]:
    joined: list[Hit] = []
    for hit in sorted(found):
        before = joined[-1] if joined else None
        if before and hit.start < before.end:
            longest = max(before.secret, hit.secret, key=len)
            joined[-1] = Hit(before.start, max(before.end, hit.end), longest)
        else:
            joined.append(hit)
    return joined


def _pattern(literal: _Literal) -> bytes:
    """Return what a literal looks like; whether it stands alone is asked here already where that is ASCII."""
    import re2

    text = literal.text.encode("utf-8", "surrogatepass")
    if literal.alignment >= 0 or len(literal.secret) >= WHOLE:
        return bytes(re2.escape(text))
    first, last = (_WORD.match(letter) and letter.isascii() for letter in (literal.text[0], literal.text[-1]))
    return (rb"\b" if first else b"") + bytes(re2.escape(text)) + (rb"\b" if last else b"")


def _matcher(literals: Iterable[_Literal]) -> Any:
    """Return what finds any of the literals in bytes, in time in proportion to them; RE2 has no types."""
    import re2

    patterns = sorted(_pattern(literal) for literal in literals)
    if not patterns:
        return None
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.case_sensitive = False
    options.never_capture = True
    options.longest_match = True
    options.log_errors = False
    options.max_mem = _MEMORY_BYTES
    return re2.compile(b"|".join(patterns), options)

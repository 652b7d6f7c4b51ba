"""Text -> the same text with nothing secret in it, and a count of what was hidden.

Hidden: passwords, tokens, keys, the credentials of DSNs (host and database stay), Authorization,
cookies, e-mail addresses, query strings, private keys, every secret value of the configuration,
and what the team adds.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec

from incident_lib.errors import RedactionError
from incident_lib.redact.found import remembered
from incident_lib.redact.known import Known
from incident_lib.redact.marks import Marks

_WORDS = (
    r"passwd|password|passphrase|pwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key"
    r"|credential|masterauth|requirepass|session[_-]?id|csrf"
)
# The word itself is looked for, not the name around it: every part is bounded, so that a line of
# ten megabytes costs ten times a line of one.
_NAME = rf"(?:(?:{_WORDS})s?(?-i:(?![a-z]))[\w.-]{{0,40}}|(?<![\w.-])(?:auth|pass))"
_QUOTED = r"\"(?:[^\"\\]|\\.){0,4000}\"|'(?:[^'\\]|\\.){0,4000}'"
_ESCAPED = r"\\\"(?:[^\\]|\\[^\"]){0,4000}\\\""  # JSON inside a JSON string
_BARE = r"[^\s,;&}\])\"']{1,4000}"
_HIDDEN = "[secret]"


def _secret(match: re.Match[str]) -> str:
    """Return the name with its value hidden; quotes stay, so that JSON stays JSON."""
    value = match["value"]
    quote = '\\"' if value.startswith('\\"') else value[0] if value[0] in "\"'" else ""
    return f"{match['name']}{quote}{_HIDDEN}{quote}"


# Order matters: whole blocks first, then structured values, then whatever still looks like one.
# A rule is tried only where one of its hints stands in the text: name, hints, pattern, replacement.
_RULES: tuple[tuple[str, tuple[str, ...], str, str | Callable[[re.Match[str]], str]], ...] = (
    (
        "private-key",
        ("private key-----",),
        r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----.*?(?:-----END [A-Z ]{0,30}PRIVATE KEY-----|\Z)",
        "[private-key]",
    ),
    (
        "authorization",
        ("authorization",),
        (
            r"\b((?:proxy-)?authorization\\?[\"']?\s{0,5}[:=]\s{0,5}\\?[\"']?)"
            r"(?:(?:bearer|basic|digest|token|negotiate)\s{1,5})?[^\s\"',;}\\]{1,4000}"
        ),
        r"\1[authorization]",
    ),
    (
        "authorization",
        ("bearer ", "basic "),
        r"\b((?:bearer|basic) )(?=[\w+/.~=-]{0,40}\d|[\w+/.~=-]{20})[\w+/.~=-]{8,4000}",
        r"\1[authorization]",
    ),
    (
        "cookie",
        ("cookie",),
        r"\b((?:set-)?cookie[\"']?\s{0,5}[:=]\s{0,5}[\"']?)[^\r\n\"']{1,4000}",
        r"\1[cookie]",
    ),
    (
        "credentials",
        ("@",),
        r"(?<=://)(?<!http://)(?<!https://)[^\s\"'<>]{0,300}@(?=[\w.\[/-])",
        "[credentials]@",
    ),
    ("credentials", ("@",), r"(?<=://)[^\s/@\"'<>]{0,300}@(?=[\w.\[])", "[credentials]@"),
    (
        "query-string",
        ("?",),
        r"(?<=[\w/.%~-])\?[\w.\[\]%-]{1,200}=[^\s\"'<>#]{0,4000}",
        "?[query]",
    ),
    ("token", ("eyj",), r"\beyJ[\w-]{5,4000}\.[\w-]{5,4000}\.[\w-]{0,4000}", "[token]"),
    ("token", ("akia", "asia"), r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b", "[token]"),
    (
        "token",
        ("gh", "glpat-", "xox", "sk-", "sk_"),
        (
            r"\b(?:gh[pousr]_\w{20,200}|github_pat_\w{20,200}|glpat-[\w-]{20,200}|xox[abeoprs]-[\w-]{10,200}"
            r"|sk[-_](?:live|test|proj|ant)[-_][\w-]{8,200})"
        ),
        "[token]",
    ),
    ("secret", ("password",), rf"(?P<name>\bPASSWORD\s{{1,5}})(?P<value>{_QUOTED})", _secret),
    (
        "secret",
        ("=", ":"),
        (
            rf"(?P<name>{_NAME}\\?[\"']?\s{{0,5}}(?:=>|[=:])\s{{0,5}})"
            rf"(?!\[(?:secret|token|cookie|authorization)\])(?P<value>{_ESCAPED}|{_QUOTED}|{_BARE})"
        ),
        _secret,
    ),
    (
        "secret",
        ("--",),
        (
            r"(?P<name>--(?:password|passwd|pass|token|secret|api-key|requirepass)[ =])"
            r"(?P<value>[^\s\[]\S{0,4000})"
        ),
        _secret,
    ),
    (
        "e-mail",
        ("@",),
        r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){0,8}\.[a-z]{2,24}\b",
        "[e-mail]",
    ),
)
_COMPILED: tuple["_Rule", ...] = tuple(
    (name, hints, re.compile(pattern, re.DOTALL | re.IGNORECASE), to) for name, hints, pattern, to in _RULES
)
_EVERY_SCRIPT = {r"\w": r"\pL\pM\pN_", r"\d": r"\p{Nd}"}
_PARTS = re.compile(r"\[:\^?\w+:\]|\[\^?|\\.|[^\\]", re.DOTALL)  # of a regular expression
_LACKS = "no look-around, no back-references"
_SECRET_NAME = re.compile(rf"[\w.-]{{0,60}}{_NAME}", re.IGNORECASE)

_NO_KEY = Marks()
_SHORT, _MOST_CLEAN = 80, 20_000  # characters, texts

_Rule = tuple[str, tuple[str, ...], re.Pattern[str], str | Callable[[re.Match[str]], str]]
_TeamRule = tuple[str, tuple[str, ...], Any, str]  # RE2 has no types


class Redactor:
    """Hides secrets in text and records. Make one a run: it knows the configured secrets and counts.

    >>> Redactor().text("postgresql://app:hunter2@db:5432/shop")
    'postgresql://[credentials]@db:5432/shop'
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
        self._rules: list[_Rule | _TeamRule] = list(_COMPILED)
        self._secrets, self._ordinary = tuple(secrets), tuple(ordinary)
        self._found = remembered()
        self._known = Known((*self._secrets, *self._found), self._ordinary)
        for pattern in patterns:
            self._rules.append(("team", (), _compile(pattern), _HIDDEN))
        names = "|".join(re.escape(key) for key in keys)
        self._keys = re.compile(rf"(?i)(?:{names})") if names else None
        if names:
            rule = rf"(?P<name>\b(?:{names})[\"']?\s{{0,5}}[=:]\s{{0,5}})(?P<value>{_QUOTED}|{_BARE})"
            self._rules.append(("team", (), re.compile(rule, re.IGNORECASE), _secret))

    def text(self, text: str) -> str:
        """Return `text` with secrets hidden. Errors: RedactionError, and then nothing may be written."""
        if self._found is not remembered():
            self._found = remembered()
            self._known = Known((*self._secrets, *self._found), self._ordinary)
            self._clean.clear()
        if text in self._clean:
            return text
        try:
            given = text
            for hit in reversed(self._known.hits(text)):
                text = text[: hit.start] + _HIDDEN + text[hit.end :]
                self.hidden["configured"] += 1
            folded = text.lower()
            for name, hints, pattern, replacement in self._rules:
                if hints and not any(hint in folded for hint in hints):
                    continue
                text, count = pattern.subn(replacement, text)
                if count:
                    self.hidden[name] += count
        except (re.error, UnicodeError, RecursionError, MemoryError) as error:
            raise RedactionError(f"redaction failed, so nothing was written: {error}") from error
        if text == given and len(text) <= _SHORT and len(self._clean) < _MOST_CLEAN:
            self._clean.add(text)
        return text

    def value(self, value: Any) -> Any:
        """Return plain data with what is secret in its strings, and under secret names, hidden."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self._key(key): self._entry(str(key), item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.value(item) for item in value]
        return value

    def lines(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """Yield `chunks` redacted, cut at line ends so that no secret falls between two of them."""
        rest = b""
        for chunk in chunks:
            rest += chunk
            cut = rest.rfind(b"\n") + 1
            if cut and b"PRIVATE KEY-----" not in rest[:cut]:
                yield self._bytes(rest[:cut])
                rest = rest[cut:]
        if rest:
            yield self._bytes(rest)

    def struct(self, value: Any, kind: type[Any], convert: Callable[[Any], Any] | None = None) -> Any:
        """Return a record of type `kind` with its strings redacted; `convert` makes it of builtin types."""
        try:
            hidden = self.value(msgspec.to_builtins(value))
            return convert(hidden) if convert else msgspec.convert(hidden, kind)
        except (msgspec.ValidationError, TypeError, ValueError) as error:
            raise RedactionError(f"redaction failed, so nothing was written: {error}") from error

    def _bytes(self, data: bytes) -> bytes:
        return self.text(data.decode("utf-8", "replace")).encode()

    def _key(self, key: Any) -> Any:
        """Return a key that is a number as it is: as a text, its record would not be one any more."""
        return key if isinstance(key, int) else self.text(str(key))

    def _entry(self, key: str, item: Any) -> Any:
        secret = _SECRET_NAME.fullmatch(key) or (self._keys and self._keys.fullmatch(key))
        if secret and isinstance(item, str) and item:
            self.hidden["secret"] += 1
            return _HIDDEN
        return self.value(item)


def _compile(pattern: str) -> Any:
    """Return a team's pattern for RE2, which takes time in proportion to the text whatever the pattern is.

    Errors: RedactionError for what is no regular expression there, and for what would hide everything.
    """
    import re2

    options = re2.Options()
    options.log_errors = False
    try:
        compiled = re2.compile(_for_re2(pattern), options)
    except re2.error as error:
        why = error.args[0].decode("utf-8", "replace")
        raise RedactionError(f"{pattern!r} is no regular expression of RE2 ({_LACKS}): {why}") from error
    if compiled.search(""):
        raise RedactionError(
            f"{pattern!r} fits where nothing stands, and would hide everything; write + for *"
        )
    return compiled


def _for_re2(pattern: str) -> str:
    r"""Return `pattern` with the classes of letters, digits and spaces meaning those of every script.

    >>> _for_re2(r"kunde=\w+[\d-]")
    'kunde=[\\pL\\pM\\pN_]+[\\p{Nd}-]'
    """
    parts: list[str] = []
    in_class = first = False
    for part in _PARTS.findall(pattern):
        every = _EVERY_SCRIPT.get(part)
        parts.append(part if every is None else every if in_class else f"[{every}]")
        opens = part in {"[", "[^"} and not in_class
        in_class = opens or (in_class and (part != "]" or first))
        first = opens
    return "".join(parts)

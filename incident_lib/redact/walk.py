"""Names of secrets in a text, however they are written -> the spans of their values.

JSON (also cut short, or escaped in a string), YAML, XML, key=value, headers, command lines, SQL, Redis
commands, reprs, lists of arguments, name/value pairs: all have a name, then something that joins, then a
value. The name decides how sure it is, the way of joining what a value may be, its quotes where it ends.
"""

import re
from collections.abc import Iterator

from incident_lib.redact.names import STEMS, Strength, is_plural, strength
from incident_lib.redact.spans import Span
from incident_lib.redact.values import MARK, is_ordinary, is_prose, is_secret, looks_random, looks_secret

_STEMS = re.compile("|".join(map(re.escape, STEMS)))
_LEFT, _RIGHT = re.compile(r"[\w.-]*"), re.compile(r"[\w.-]{0,64}")
_LONGEST_NAME = 64
_LONGEST_VALUE = 16 * 1024
_EACH = 48  # what a name costs, in characters
_FREE = 64  # characters that any value may have
_QUOTE = r"\\{0,7}[\"'`]|&quot;|&apos;|&\#0?39;|&\#34;|&\#x27;|&\#x22;|%22|%27|\\u0022|\\u0027"
_COLOUR = r"(?:\x1b|\\x1b|\\u001b)\[[\d;]{0,10}m"
_CLOSED = re.compile(rf"(?:{_QUOTE}|{_COLOUR}|[\])])*")
_SPACE = r"(?:[ \t]|%20|\\t|\\040|&nbsp;)"
_JOINED = re.compile(
    rf"(?:[ ]\d{{1,2}})?{_SPACE}{{0,40}}"
    rf"(?P<sign>===?|!==?|=>|=&gt;|->|-&gt;|:=|\+=|=~|<>|%3[dDaA]|=|:)(?:{_SPACE}|{_COLOUR}){{0,40}}"
)
_VALUE_OF_PAIR = re.compile(
    rf"{_SPACE}{{0,8}},?{_SPACE}{{0,8}}(?:{_QUOTE})?(?:value|val|Value|VALUE|content|secret_value|defaultValue)(?:{_QUOTE})?"
    rf"{_SPACE}{{0,8}}(?:=>|[=:]){_SPACE}{{0,8}}"
)
_VALUE_BELOW = re.compile(
    r",?[ \t]{0,8}(?:\r?\n|\\{1,7}n|[ \t])[ \t]{0,40}[\"']?value[\"']?[ \t]{0,8}:[ \t]{0,8}", re.IGNORECASE
)
_COMMA = re.compile(
    r"[ \t]{0,4},[ \t\r\n]{0,40}|[ \t]{1,4}(?=[\"'])|[ \t]{0,4}\r?\n[ \t]{0,40}\d{1,3}\)[ ]|[ ]a\d{1,3}="
)
_TAGS = re.compile(r"(?:</?\w{1,20}[^<>]{0,100}>\s{0,40}){2,8}")
_TAG_END = re.compile(r"[^<>\"']{0,100}>")
_BLANK = re.compile(r"[ \t]{1,20}")
_PIPE = re.compile(r"[ \t]{0,20}[|│][ \t]{0,20}")
_WORDS_BETWEEN = re.compile(
    r"(?:[ \t][a-z]{1,12}){0,3}[ \t]for[ \t][\w.'\"@%\[\]-]{1,60}(?:[ \t]user)?(?:[ \t]is|:)[ \t]"
    r"|(?:[ \t][a-z]{1,12}){0,3}[ \t](?:is|was|are|were|to|being)(?:[ \t](?:now|set to|changed to))?:?[ \t]"
    r"|[ \t](?:set|changed|reset|rotated|updated)?[ \t]?to:?[ \t]",
    re.IGNORECASE,
)
_SQL = re.compile(
    r"[ \t]+(?:not[ \t]+)?(?:i?like|in|similar[ \t]+to|is[ \t]+(?:not[ \t]+)?distinct[ \t]+from)"
    r"[ \t]*\(?[ \t]*(?=['\"$])",
    re.IGNORECASE,
)
_ANY = re.compile(r"(?:any|all|some)[ \t]*\([ \t]*(?:array)?[ \t]*\[?", re.IGNORECASE)
_SQL_LITERAL = re.compile(
    r"(?:[ \t\r\n]|\\040|/\*[^*]{0,200}\*/){1,40}(?=(?:[eE]|[uU]&)?'|\$\w{0,20}\$|\"|:')"
)
_DOLLAR = re.compile(r"\$(\w{0,20})\$")
_BELOW = re.compile(
    r"[ \t]{0,20}\r?\n(?P<indent>[ \t]+)(?P<value>[^\s:\-#][^\r\n:]{3,400}?)[ \t]*(?=\r?\n|$)"
)
_BLOCK = re.compile(r"[|>][+-]?\d?[ \t]*\r?\n(?P<indent>[ \t]+)")
_FORM = re.compile(r"(?:\r?\n[\w-]{1,40}:[^\r\n]{0,200}){0,4}\r?\n\r?\n(?P<value>[^\r\n]{1,4000})")
_FORM_ESCAPED = re.compile(r"(?:\\r)?\\n(?:\\r)?\\n(?P<value>(?:(?!\\r|\\n)[^\r\n\"]){1,4000})")
_TYPED = re.compile(r"\s{0,40}(?:string\(\d{1,5}\)[ ]|\[\]string\{)(?=\")")
_LITERAL_PREFIX = re.compile(r"(?:[bBrRuUfFeE]|[uU]&|br|rb|N|:|@|\$)(?=\\{0,7}[\"'])")
_OPEN = re.compile(_QUOTE)
_BRACKETS = {"[": "]", "{": "}", "(": ")"}
_DRAWN_WORD, _LONG_WORD = 10, 16
_SECOND_WORD = re.compile(r"[ \t]+(\S+)")
_ASSIGNMENT = re.compile(r"\w+=")
_ARROW = re.compile(r"\\{0,7}[\"'][ \t]{0,4}->[ \t]{0,4}(?=\\{0,7}[\"'])")
_INNER = re.compile(
    r"[\"']?([A-Za-z_][\w.-]{0,60})[\"']?\s{0,4}[:=]\s{0,4}(?:\"((?:[^\"\\]|\\.){1,4000})\"|'((?:[^'\\]|\\.){1,4000})'|([^\s,;\"'{}\[\]]{1,4000}))"
)
_REFERENCES = frozenset(
    {"name", "key", "ref", "id", "path", "optional", "arn", "namespace", "kind", "type", "used", "max"}
)
_HASHING = re.compile(
    r"(?:[\w.]{0,40}\.)?(?:crypt|md5|sha\d{0,3}|digest|encode|encrypt|hash|bcrypt|password|pbkdf2|quote|make_password|generate_password_hash|tobytes|b64encode|str|bytes|string|secret)\(",
    re.IGNORECASE,
)
_METAVAR = re.compile(r"[A-Z][A-Z_]{2,30}")
_LITERALS = re.compile(r"\"((?:[^\"\\]|\\.){0,4000})\"|'((?:[^'\\]|\\.){0,4000})'")
_SEPARATORS = re.compile(r"[\s\"'\\,:\[\]{}()=]+")
_CODE = re.compile(r"[A-Za-z_][\w.]{0,80}(?:->\w{1,40})?[(\[]")
_ARGUMENT = re.compile(r"\s{0,4}(?:[eE]|[uU]&|b)?([\"'])")
_COUNT = re.compile(r"\d{1,9}(?=\s|$)")
_SEGMENT = re.compile(r"[\w.~=-]{16,400}")
_BRACKET_SIGNS = re.compile(r"[\"'\\\[\]{}()]")
_BARE = re.compile(r"[^\s\"'<>`]+")
_BARE_END = re.compile(
    r"[,;&|](?=\s|$|[\w.\[\]-]{1,60}\s?[=:]|[\"'\\{\[])|\\[nrt\"']|&(?:quot|apos|amp|lt|gt|#)|%(?:22|27|26|2[cC]|7[dD])"
    r"|\)(?=[\s,;.]|$)|\](?=[\s,;.]|$)|[\])}]+[,;.]?$|\x1b|\\u001b|\\x1b"
)
_LINE_END = re.compile(r"\r?\n|\\r\\n|\\n(?=[A-Za-z-]{1,40}:)|$")
_NEXT_KEY = re.compile(r"[ \t,;]+[\"']?[A-Za-z_][\w.-]{0,40}[\"']?\s?[=:](?!:)|[ \t]+#[ \t]")
_AT_LINE_START = re.compile(r"(?:^|[\r\n])[ \t]*(?:- )?[\"']?$")
_SCHEME = re.compile(
    r"(?:bearer|basic|digest|token|negotiate|api-?key|ntlm|hawk|ssws|bot|oauth|aws4-hmac-sha256|sharedkey(?:lite)?"
    r"|geniekey|key|splunk|discogs|client|jwt|dpop|signature|ghost|hmac|privatetoken)(?:%20|\+|[ \t:])+",
    re.IGNORECASE,
)
_NEXT = re.compile(r"(?:[ \t\r\n]|\\040){1,40}(\S[^\s<>`]{0,40})")
_LEADING = frozenset(
    {
        "is",
        "was",
        "are",
        "were",
        "to",
        "being",
        "for",
        "set",
        "changed",
        "reset",
        "rotated",
        "updated",
        "like",
        "ilike",
        "in",
        "not",
        "similar",
        "now",
    }
)
_SETTINGS = frozenset({"requirepass", "masterauth", "masteruser", "auth-pass", "sentinel-pass"})
_BLANKS = frozenset(" \t\r\n|\\")
_FIRST_OF_ANY = frozenset("aAsS")
_CLOSERS = frozenset("\\\"'`&%\x1b])")
_COOKIE = re.compile(r"(?P<name>[^\s=;,\"'\\]{1,200})=(?P<value>[^;]*)")
_ATTRIBUTES = frozenset(
    {"path", "domain", "expires", "max-age", "samesite", "version", "priority", "comment"}
)
_OTHER_SCHEME = re.compile(r"[A-Za-z][\w-]{2,30}[ ]+(?=[\w-]{1,40}=\\{0,3}\")")
_PARAMETER = re.compile(
    r"(?P<name>[\w-]{1,40})[ ]?=[ ]?(?P<quote>\\{0,3}\")?(?P<value>[^\"\\,;\s]{1,4000})(?:\\{0,3}\")?[,;\s]*"
)
_OPEN_PARAMETERS = frozenset(
    {
        "username",
        "realm",
        "uri",
        "qop",
        "algorithm",
        "nc",
        "ts",
        "version",
        "signedheaders",
        "headers",
        "stale",
        "id",
        "domain",
        "charset",
        "created",
        "expires",
    }
)
_HEADER_END = re.compile(r"[\])}>]*[ \t]*$")


class _Budget:
    """How far may be looked ahead in a text, so that it takes time in proportion to its length."""

    def __init__(self, length: int) -> None:
        self._left = 3 * length + 2 * _LONGEST_VALUE

    @property
    def is_spent(self) -> bool:
        return self._left < 0

    def spend(self, start: int, end: int) -> None:
        self._left -= max(end - start - _FREE, 0)


def secret_values(text: str, folded: str) -> Iterator[Span]:
    """Yield the spans of values under secrets' names. `folded` is the text in small letters, as long."""
    done = 0
    budget = _Budget(len(text))
    for match in _STEMS.finditer(folded):
        at = match.start()
        if at < done:
            continue
        if text[at - 1 : at] == "[" and (mark := MARK.match(text, at - 1)):
            done = mark.end()
            continue
        start, end = _name_around(text, at, match.end())
        done = end
        budget.spend(0, _FREE + _EACH)
        name = text[start:end]
        sure = strength(name)
        if not sure:
            continue
        for span in _values(text, start, end, sure, budget):
            if span.end > span.start:
                yield span
                done = max(done, span.end)


def _name_around(text: str, at: int, end: int) -> tuple[int, int]:
    start = at
    lowest = max(0, at - _LONGEST_NAME)
    while start > lowest and ((letter := text[start - 1]).isalnum() or letter in "_.-"):
        start -= 1
    # What percent encoding or an escape puts before a name is none of its letters.
    while start < at:
        if text[start - 1 : start] == "%" and text[start : start + 2].isalnum():
            start += 2
        elif text[start - 1 : start] == "\\" and text[start] in "ntru":
            start += 5 if text[start] == "u" else 1
        elif text[start] in ".-":
            start += 1
        else:
            break
    start = min(start, at)
    right = _RIGHT.match(text, end)
    end = right.end() if right else end
    while end > at and text[end - 1] in ".-":
        end -= 1
    return start, end


def _values(text: str, start: int, end: int, sure: Strength, budget: _Budget) -> Iterator[Span]:
    place = end
    if text[end : end + 1] in _CLOSERS and (closed := _CLOSED.match(text, end)):
        place = closed.end()
    is_quoted = place > end and any(sign in text[end:place] for sign in "\"'`&%\\")
    reader = _Reader(text, start, end, sure, budget)
    joined = _JOINED.match(text, place)
    if budget.is_spent:
        yield from reader.in_haste(joined.end() if joined else place, is_joined=joined is not None)
    elif text[start - 1 : start] == "<":
        if tag := _TAG_END.match(text, end):
            yield from reader.until(tag.end(), "<")
    elif joined is None:
        yield from _behind(reader, text, place, is_quoted=is_quoted)
    elif text[place - 1] != ")" or place == end or "=" in joined["sign"]:
        yield from reader.joined(joined.end(), joined["sign"], is_quoted=is_quoted)


def _behind(reader: "_Reader", text: str, place: int, *, is_quoted: bool) -> Iterator[Span]:
    """Yield what stands behind a name without a sign that joins."""
    following = text[place : place + 1]
    if is_quoted or following in {"\r", "\n", ",", "\\"} or text.startswith("value:", place + 1):
        yield from _in_structure(reader, text, place, is_quoted=is_quoted)
    if following == "(" and (opened := _ARGUMENT.match(text, place + 1)):
        yield from reader.joined(opened.start(1), "(", is_quoted=False)
    elif following == "/" and (segment := _SEGMENT.match(text, place + 1)) and looks_random(segment[0]):
        yield reader.span(segment.start(), segment.end())
    elif following == "<" and (tags := _TAGS.match(text, place)):
        yield from reader.until(tags.end(), "<", weak=True)
    elif following in _BLANKS:
        yield from reader.apart(place, is_quoted=is_quoted)


def _in_structure(reader: "_Reader", text: str, place: int, *, is_quoted: bool) -> Iterator[Span]:
    """Yield the value of a pair of name and value, the next element of a list, or the part of a form."""
    if pair := _VALUE_OF_PAIR.match(text, place) or _VALUE_BELOW.match(text, place):
        yield from reader.joined(pair.end(), "=", is_quoted=True)
    elif is_quoted and (comma := _COMMA.match(text, place)):
        yield from reader.in_list(comma.end())
    elif is_quoted and (form := _FORM.match(text, place) or _FORM_ESCAPED.match(text, place)):
        yield reader.span(form.start("value"), form.end("value"))


class _Reader:
    """Reads what stands behind a name."""

    def __init__(self, text: str, start: int, end: int, sure: Strength, budget: _Budget) -> None:
        self._text, self._start, self._end, self._budget = text, start, end, budget
        self._plural = is_plural(text[start:end])
        self._in_path = text[start - 1 : start] == "/" or text[max(0, start - 2) : start] == "/."
        self._sure = Strength.WEAK if self._in_path and sure is Strength.STRONG else sure

    def span(self, start: int, end: int, quote: str = "") -> Span:
        """Return a span of a secret."""
        return Span(start, end, "secret", quote)

    def in_haste(self, place: int, *, is_joined: bool) -> Iterator[Span]:
        """Yield more than may be secret, of a text that holds so many names that it cannot all be read."""
        if is_joined:
            yield self.span(place, self._line_end(place))
        elif found := _NEXT.match(self._text, place):
            yield self.span(*found.span(1))

    def joined(self, place: int, sign: str, *, is_quoted: bool) -> Iterator[Span]:
        """Yield what stands behind a sign that joins: = : => and so on."""
        text = self._text
        if text[place : place + 1] in _FIRST_OF_ANY and (any_of := _ANY.match(text, place)):
            place = any_of.end()
        if self._sure in {Strength.HEADER, Strength.COOKIE}:
            yield from self._header(place, sign, is_quoted=is_quoted)
            return
        if prefix := _LITERAL_PREFIX.match(text, place) or _TYPED.match(text, place):
            place = prefix.end()
        if opened := _OPEN.match(text, place):
            yield from self._quoted(opened)
            yield from self._changed_to(opened)
        elif dollar := _DOLLAR.match(text, place):
            yield from self._dollars(dollar)
        elif text[place : place + 1] in _BRACKETS:
            yield from self._bracketed(place, is_quoted=is_quoted)
        elif block := _BLOCK.match(text, place):
            yield from self._block(block)
        elif sign == ":" and (below := _BELOW.match(text, place)):
            yield from self._on_line_below(below)
        else:
            yield from self._bare(place, sign, is_json=is_quoted)

    def _changed_to(self, opened: re.Match[str]) -> Iterator[Span]:
        """Yield the new value of a plan that shows the old one before an arrow."""
        after = _ARROW.match(self._text, _inside(self._text, opened)[1])
        if after and (new := _OPEN.match(self._text, after.end())):
            yield from self._quoted(new)

    def _on_line_below(self, below: re.Match[str]) -> Iterator[Span]:
        value = below["value"]
        if self._is_deeper(below["indent"]) and self._is_secret(value) and not is_prose(value):
            yield self.span(*below.span("value"))

    def until(self, place: int, sign: str, *, weak: bool = False) -> Iterator[Span]:
        """Yield what stands before the next sign."""
        end = self._text.find(sign, place, place + _LONGEST_VALUE)
        if end < 0:
            end = self._line_end(place)
        value = self._text[place:end].strip()
        if opened := _OPEN.match(value):
            value = value[opened.end() :].removesuffix(opened[0])
        if value and (looks_random(value) or _has_both(value) or not weak) and self._is_secret(value):
            start = self._text.index(value, place)
            yield self.span(start, start + len(value))

    def in_list(self, place: int) -> Iterator[Span]:
        """Yield the element of a list or a tuple behind the name: arguments, headers, pairs."""
        text = self._text
        if prefix := _LITERAL_PREFIX.match(text, place):
            place = prefix.end()
        is_option = text[self._start - 1 : self._start] == "-" or text[self._start : self._start + 1] == "-"
        if not (opened := _OPEN.match(text, place)):
            return
        start, end = _inside(text, opened)
        value = text[start:end]
        if self._sure in {Strength.HEADER, Strength.COOKIE}:
            is_hidden = is_secret(value, self._sure)
        elif is_option or (text[self._end : self._end + 1] in "\"'\\" and self._is_command()):
            is_hidden = self._is_secret(value) and not value.startswith("-")
        else:
            is_hidden = self._is_secret(value) and (looks_random(value) or _has_both(value))
        if is_hidden:
            scheme = _SCHEME.match(text, start, end) if self._sure is Strength.HEADER else None
            yield self.span(scheme.end() if scheme else start, end)

    def apart(self, place: int, *, is_quoted: bool) -> Iterator[Span]:
        """Yield what stands behind a blank: options, settings, SQL, tables, sentences."""
        if not self._is_worth_a_look(place):
            return
        found = self._literal(place) or self._in_sentence(place)
        if found is None and not is_quoted:
            found = self._next_word(place)
        if found:
            yield found

    def _literal(self, place: int) -> Span | None:
        """Return a literal of SQL or of a command line: PASSWORD 'x', token LIKE 'x%', --password 'x'."""
        text = self._text
        name = text[self._start : self._end].lower()
        if (literal := _SQL_LITERAL.match(text, place)) and ("passw" in name or "secret" in name):
            prefix = _LITERAL_PREFIX.match(text, literal.end())
            place = prefix.end() if prefix else literal.end()
            if dollar := _DOLLAR.match(text, place):
                return next(self._dollars(dollar), None)
            opened = _OPEN.match(text, place)
            if opened and (opened[0] == "'" or self._is_option()):
                start, end = _inside(text, opened)
                if "passw" in name or looks_secret(text[start:end]):
                    return next(self._quoted(opened), None)
            return None
        if (sql := _SQL.match(text, place)) and (opened := _OPEN.match(text, sql.end())):
            return next(self._quoted(opened), None)
        return None

    def _in_sentence(self, place: int) -> Span | None:
        """Return what a sentence or a table names: the password is x, password for app: x, | token | x |."""
        text = self._text
        if words := _WORDS_BETWEEN.match(text, place):
            found = _BARE.match(text, words.end())
            if found and (looks_random(found[0]) or _has_both(found[0])) and self._is_secret(found[0]):
                return self.span(found.start(), self._bare_end(found))
        elif pipe := _PIPE.match(text, place):
            found = _BARE.match(text, pipe.end())
            if found and looks_random(found[0]):
                return self.span(found.start(), self._bare_end(found))
        return None

    def _next_word(self, place: int) -> Span | None:
        """Return the argument of an option or a setting, or a word that was drawn."""
        text = self._text
        blank = _BLANK.match(text, place)
        if blank is None or _WORDS_BETWEEN.match(text, place):
            return None
        is_setting = text[self._start : self._end].lower() in _SETTINGS
        if (opened := _OPEN.match(text, blank.end())) and (self._is_option() or is_setting):
            return next(self._quoted(opened), None)
        found = _BARE.match(text, blank.end())
        if not found or found[0].startswith("-"):
            return None
        end = self._bare_end(found)
        value = text[found.start() : end]
        name = text[self._start : self._end].lower()
        if name.endswith("-pass") and (second := _SECOND_WORD.match(text, end)):
            return self.span(*second.span(1))  # sentinel auth-pass NAME x
        if name in _SETTINGS:
            is_hidden = not is_ordinary(value)
        elif self._is_option():
            is_argument = len(blank[0]) == 1 or looks_random(value) or _has_both(value)
            is_other = _ASSIGNMENT.match(value) or _METAVAR.fullmatch(value)
            is_hidden = is_argument and not is_other and self._is_secret(value)
        elif self._sure is Strength.STRONG:
            is_hidden = self._is_secret(value) and (looks_random(value) or _is_drawn(value))
        else:
            least = _DRAWN_WORD if self._sure is Strength.WEAK else _LONG_WORD
            is_hidden = looks_random(value) and len(value) >= least and not is_ordinary(value)
        return self.span(found.start(), end) if is_hidden else None

    def _is_worth_a_look(self, place: int) -> bool:
        """Return whether what stands behind a blank may be more than the next word of a sentence."""
        found = _NEXT.match(self._text, place)
        if found is None:
            return False
        word = found[1]
        if any(sign in word for sign in "\"'"):
            return True
        return (
            not word.isalpha()
            or len(word) > 7
            or word.lower() in _LEADING
            or self._start == 0
            or self._is_option()
            or self._text[self._start : self._end].lower() in _SETTINGS
        )

    def _is_secret(self, value: str) -> bool:
        self._budget.spend(0, len(value))
        return is_secret(value, self._sure, plural=self._plural)

    def _is_option(self) -> bool:
        return self._text[self._start - 1 : self._start] == "-" or self._text[
            max(0, self._start - 2) : self._start
        ].endswith("--")

    def _is_command(self) -> bool:
        """Return whether the name is an element that stands for a setting, as `requirepass` in a list."""
        return self._text[self._start : self._end].lower() in {"requirepass", "masterauth"}

    def _is_deeper(self, indent: str) -> bool:
        begin = self._text.rfind("\n", 0, self._start) + 1
        line = self._text[begin : self._start]
        return len(indent) > len(line) - len(line.lstrip())

    def _line_end(self, place: int) -> int:
        end = self._text.find("\n", place, place + _LONGEST_VALUE)
        end = min(len(self._text), place + _LONGEST_VALUE) if end < 0 else end
        return end - 1 if self._text[end - 1 : end] == "\r" else end

    def _quoted(self, opened: re.Match[str]) -> Iterator[Span]:
        text = self._text
        start, end = _inside(text, opened)
        value = text[start:end]
        # In a text of JSON it is a list of messages about a field that reads like a sentence.
        if self._is_secret(value):
            yield self.span(start, end)

    def _dollars(self, opened: re.Match[str]) -> Iterator[Span]:
        end = self._text.find(opened[0], opened.end(), opened.end() + _LONGEST_VALUE)
        end = self._line_end(opened.end()) if end < 0 else end
        if end > opened.end():
            yield self.span(opened.end(), end)

    def _bracketed(self, place: int, *, is_quoted: bool) -> Iterator[Span]:
        """Yield a list, an object or a tuple that holds a secret; of a weak name's object, what was drawn."""
        text = self._text
        if text.startswith("{{", place):
            return
        end, complete = _bracket_end(text, place)
        self._budget.spend(place, 4 * end - 3 * place)
        inside = end - 1 if complete else end
        value = text[place + 1 : inside]
        pairs = list(_INNER.finditer(text, place + 1, inside))
        if pairs and all(pair[1].lower() in _REFERENCES for pair in pairs):
            return
        if pairs and self._sure in {Strength.WEAK, Strength.FAINT}:
            for pair in pairs:
                group = pair.lastindex or 0
                if (
                    group > 1
                    and not strength(pair[1])
                    and len(pair[group]) >= _LONG_WORD
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
        quote = ""
        if is_quoted:
            before = _OPEN.match(text, self._end)
            quote = before[0] if before else '"'
        if quote or not complete:
            yield self.span(place, end, quote)
        else:
            yield self.span(place + 1, inside)

    def _holds_secret(self, value: str) -> bool:
        if is_prose(value.replace('"', " ").replace(",", " ")):
            return False
        sure = Strength.STRONG if self._sure is Strength.COOKIE else self._sure
        quoted = [first or second for first, second in _LITERALS.findall(value)]
        parts = [part for part in quoted if part] or [part for part in _SEPARATORS.split(value) if part]
        return any(is_secret(part, sure, plural=self._plural) and not is_prose(part) for part in parts)

    def _block(self, block: re.Match[str]) -> Iterator[Span]:
        text, place, count = self._text, block.start("indent"), 0
        if not self._is_deeper(block["indent"]):
            return
        while place < len(text) and count < 200 and text.startswith(block["indent"], place):
            end = self._line_end(place)
            begin = place + len(block["indent"])
            if end > begin:
                yield self.span(begin, end)
            place = text.find("\n", end) + 1 or len(text)
            count += 1

    def _bare(self, place: int, sign: str, *, is_json: bool) -> Iterator[Span]:
        text = self._text
        found = _BARE.match(text, place)
        if not found:
            return
        end = self._bare_end(found)
        value = text[place:end]
        if call := _CODE.match(text, place):
            if call[0].endswith("(") and (opened := _ARGUMENT.match(text, call.end())):
                yield from self._of_call(call[0], opened)
            if call[0][-1] in "([":
                return
        if sign == ":" and not is_json and (whole := self._whole_line(place, end)):
            yield self.span(place, whole)
            return
        if self._is_secret(value) and not self._is_word(place, value, sign):
            quote = _OPEN.match(text, self._end) if is_json else None
            yield self.span(place, end, quote[0] if quote else "")

    def _of_call(self, call: str, opened: re.Match[str]) -> Iterator[Span]:
        """Yield the literal that a function gets: what is hashed is a secret, what is looked up a name."""
        if (quote := _OPEN.match(self._text, opened.start(1))) is None:
            return
        start, end = _inside(self._text, quote)
        if _HASHING.fullmatch(call) or looks_random(self._text[start:end]):
            yield from self._quoted(quote)

    def _is_word(self, place: int, value: str, sign: str) -> bool:
        """Return whether a value is the next word of a sentence, a name in code or a count."""
        if looks_random(value):
            return False
        if self._in_path and sign == ":":
            return True
        if self._plural and _COUNT.fullmatch(value):
            return True
        if sign == "=" and value.isidentifier() and (strength(value) or value in {"pw", "pwd", "passwd"}):
            return True
        if sign == ":" and self._text[place - 1] == ":" and not looks_secret(value):
            return True  # a key of a store: reset_token:marta
        rest = self._text[place : min(self._line_end(place), place + 200)]
        return is_prose(rest) and not _has_both(value)

    def _whole_line(self, place: int, end: int) -> int:
        """Return where a value of YAML ends that has blanks: at its line's end; 0 for another value."""
        text = self._text
        if self._sure is not Strength.STRONG or not _AT_LINE_START.search(
            text[max(0, self._start - 80) : self._start]
        ):
            return 0
        line_end = self._line_end(place)
        further = _NEXT_KEY.search(text, end, line_end)
        whole = text[place : further.start() if further else line_end].rstrip()
        is_text = " " in whole and not is_prose(whole) and not is_ordinary(whole.split(maxsplit=1)[0])
        if is_text and not (self._plural and _COUNT.match(whole)) and self._is_secret(whole):
            return place + len(whole)
        return 0

    def _bare_end(self, found: re.Match[str]) -> int:
        end = min(found.end(), found.start() + _LONGEST_VALUE)
        if cut := _BARE_END.search(self._text, found.start() + 1, end):
            end = cut.start()
        while end > found.start() + 1 and self._text[end - 1] in ",;:)":
            end -= 1
        # A full stop ends a sentence, not a secret.
        if self._text[end - 1] == "." and end - found.start() > 1:
            end -= 1
        return end

    def _header(self, place: int, sign: str, *, is_quoted: bool) -> Iterator[Span]:
        text = self._text
        if prefix := _LITERAL_PREFIX.match(text, place):
            place = prefix.end()
        if opened := _OPEN.match(text, place):
            start, end = _inside(text, opened)
        elif text[place : place + 1] in {"[", "{"} and is_quoted:
            yield from self._bracketed(place, is_quoted=is_quoted)
            return
        elif sign in {"=", "%3D", "%3d"} and self._sure is Strength.HEADER:
            scheme = _SCHEME.match(text, place)
            found = _BARE.match(text, scheme.end() if scheme else place)
            if not found:
                return
            start, end = place, self._bare_end(found)
        else:
            start, end = place, self._header_end(place)
        value = text[start:end]
        if is_secret(value, self._sure):
            yield from self._of_header(start, end)

    def _of_header(self, start: int, end: int) -> Iterator[Span]:
        """Yield what of a header is secret: values of cookies, of parameters, or all behind the scheme."""
        text = self._text
        if self._sure is Strength.COOKIE:
            for pair in _COOKIE.finditer(text, start, end):
                if pair["name"].lower() not in _ATTRIBUTES and pair["value"].strip():
                    yield self.span(*pair.span("value"))
            return
        scheme = _SCHEME.match(text, start, end) or _OTHER_SCHEME.match(text, start, end)
        begin = scheme.end() if scheme and scheme.end() < end else start
        parameters = list(_PARAMETER.finditer(text, begin, end))
        if parameters and parameters[0].start() == begin and not text[begin:end].rstrip().endswith("=="):
            for pair in parameters:
                if pair["name"].lower() not in _OPEN_PARAMETERS:
                    yield self.span(*pair.span("value"))
            return
        yield self.span(begin, end)

    def _header_end(self, place: int) -> int:
        """Return where a header ends that is not quoted itself: at its line's end, or its string's."""
        text = self._text
        end = self._line_end(place)
        self._budget.spend(place, end)
        if found := _LINE_END.search(text, place, end):
            end = found.start()
        opening = text[max(0, self._start - 4) : self._start]
        if before := re.search(r"(\\{0,3}[\"'])(?:[ \t]*)$", opening):
            close = text.find(before[1], place, end)
            return end if close < 0 else close
        # Inside a string that began further left, the string's end is the header's.
        begin = text.rfind("\n", 0, self._start) + 1
        line = text[max(begin, self._start - 400) : self._start]
        for quote in ('"', "'"):
            if line.count(quote) % 2 and (close := text.find(quote, place, end)) >= 0:
                while close >= 0 and text[close - 1] == "\\":
                    close = text.find(quote, close + 1, end)
                if close >= 0:
                    return close
        return end


def _has_both(value: str) -> bool:
    return len(value) >= 6 and any(map(str.isalpha, value)) and any(map(str.isdigit, value))


def _is_drawn(value: str) -> bool:
    """Return whether a value behind a blank is drawn and no word: letters and digits, or mixed capitals."""
    return _has_both(value) and not re.fullmatch(
        r"[a-z]+[-_.]?\d{1,3}|v?\d[\d.]*[a-z]{0,3}|[a-z]+(?:-[a-z\d]+)+", value
    )


def _inside(text: str, opened: re.Match[str]) -> tuple[int, int]:
    """Return where the text in quotes begins and ends; without an end, at the end of the line."""
    quote, start = opened[0], opened.end()
    limit = min(len(text), start + _LONGEST_VALUE)
    if quote[-1] in "\"'`" and quote[:1] not in "&%" and not quote.startswith("\\u"):
        end = _closing(text, start, limit, quote[-1], len(quote) - 1)
    else:
        end = text.find(quote, start, limit)
    if end < 0:
        end = text.find("\n", start, limit)
        end = limit if end < 0 else end
        if text[end - 1 : end] == "\r":
            end -= 1
    return start, end


def _closing(text: str, start: int, limit: int, mark: str, depth: int) -> int:
    """Return where a string ends whose quotes have so many backslashes before them, -1 without an end."""
    place = start
    while (place := text.find(mark, place, limit)) >= 0:
        if text.find("\n", start, place) >= 0 and mark != "`":
            return -1
        slashes = 0
        while place - slashes - 1 >= start and text[place - slashes - 1] == "\\":
            slashes += 1
        if depth == 0:
            if slashes % 2 == 0:
                if mark == "'" and text[place + 1 : place + 2] == "'" and place + 2 < limit and place > start:
                    place += 2
                    continue
                return place
        elif slashes <= depth:
            return place - slashes
        place += 1
    return -1


def _bracket_end(text: str, place: int) -> tuple[int, bool]:
    """Return where a list, object or tuple ends, and whether it does within the bound."""
    waiting: list[str] = []
    limit = min(len(text), place + _LONGEST_VALUE)
    quote, escaped = "", -1
    for match in _BRACKET_SIGNS.finditer(text, place, limit):
        at, letter = match.start(), match[0]
        if at == escaped:
            continue
        if quote:
            if letter == "\\":
                escaped = at + 1
            elif letter == quote:
                quote = ""
        elif letter in "\"'" and (letter == '"' or text[at - 1] in "[{(,: ="):
            quote = letter
        elif letter in _BRACKETS:
            waiting.append(_BRACKETS[letter])
        elif waiting and letter == waiting[-1]:
            waiting.pop()
            if not waiting:
                return at + 1, True
    end = text.find("\n", place, limit)
    return (limit if end < 0 else end), False


__all__ = ["MARK", "secret_values"]

"""Names of secrets in a text, however they are written -> the spans of their values.

JSON (also cut short, or escaped in a string), YAML, XML, key=value, headers, command lines, SQL, Redis
commands, reprs, lists of arguments, name/value pairs: all have a name, then something that joins, then a
value. The name decides how sure it is, the way of joining what a value may be, its quotes where it ends.
"""

import re
import string
from collections.abc import Iterator

from incident_lib.expressions import expression
from incident_lib.redact.apart import Apart
from incident_lib.redact.headers import Headers
from incident_lib.redact.names import STEMS, Strength, is_plural, strength
from incident_lib.redact.place import DOLLAR, FREE, LITERAL_PREFIX, SCHEME, Budget, bare, has_both
from incident_lib.redact.quotes import BRACKETS, LONGEST_VALUE, OPEN, QUOTE, inside
from incident_lib.redact.sieve import Sieve
from incident_lib.redact.spans import Span
from incident_lib.redact.values import MARK, is_ordinary, is_prose, is_secret, looks_random, looks_secret

_STEMS = Sieve(
    expression(
        "|".join(map(re.escape, (stem for stem in STEMS if stem != "key")))
        + r"|key(?!(?<![\w.-]key)[ ]\w{0,19}[\s.,;)])"  # a key to something, as any other word
    )
)
_IN_WORD = expression("|".join(map(re.escape, (stem for stem in STEMS if " " not in stem))))
_RIGHT = expression(r"[\w.-]{0,64}")
_LONGEST_NAME = 64
_WINDOW = 4096  # characters that are judged at once in a flood of names
_HELD = expression(r"[\"'\\\])]{0,4}\s{0,20}(?:[=:\"'(]|->)")  # by a sign, by quotes
_PLAIN_VALUE = expression(
    r"[\"'\])]{0,2}\s{0,20}(?:=>|->|[=:])[ \t]{0,20}"
    r"(?:\"(?P<double>(?:[^\"\\\n]|\\.){0,4000})\"|'(?P<single>[^'\\\n]{0,4000})'(?!')"
    r"|(?P<bare>[^\s\"'\\,;&{}\[\]()<>]{1,4000})(?=[\s,;&}\])]|$))"
)
_MIXED_WORD = expression(r"(?=[\w.~+/-]{0,40}\d)(?=[\d.~+/-]{0,40}[^\W\d])[\w.~+/-]{8,400}")
_LONGEST_WORD = 130
_NAME, _RUN, _LETTER = (
    expression(rf"[\w.-]{{3,{_LONGEST_WORD}}}"),
    expression(r"[\w.-]+"),
    expression(r"[^\W_]"),
)
_EACH, _LITTLE = 48, 8  # what a name costs, in characters; and one that is none of a secret
_LONG_RUN, _NEAR = expression(r"[^\s,;:.]{20}"), 120
_IN_NAMES = string.ascii_letters + string.digits + "_.-"
_COLOUR = r"(?:\x1b|\\x1b|\\u001b)\[[\d;]{0,10}m"
_CLOSED = expression(rf"(?:(?:{QUOTE})(?:>>)?|{_COLOUR}|[\])]|%5[dD])*")
_SPACE = r"(?:[ \t]|%20|\\t|\\040|&nbsp;)"
_JOINED = expression(
    rf"(?:[ ]\d{{1,2}})?{_SPACE}{{0,40}}"
    r"(?P<sign>::(?=[ ])|===?|!==?|=>|=&gt;|->|-&gt;|:=|\+=|\|\|=|\?\?=|=~|<>|%3[dDaA]|=|:|\uff1a|\uff1d)"
    rf"(?:{_SPACE}|{_COLOUR}){{0,40}}"
)
_VALUE_OF_PAIR = expression(
    rf"{_SPACE}{{0,8}},?{_SPACE}{{0,8}}(?:{QUOTE})?(?:\w{{0,20}}?(?:value|Value|VALUE)|val|content)(?:{QUOTE})?"
    rf"{_SPACE}{{0,8}}(?:=>|[=:]){_SPACE}{{0,8}}"
)
_BETWEEN_PAIR = expression(  # other fields between a name and its value
    r"(?:\s{0,20},\s{0,20}\"(?!value\")\w{1,40}\"\s{0,4}:\s{0,4}(?:\"[^\"\\\n]{0,80}\"|[\w.-]{1,40})){1,3}"
    r"(?=\s{0,20},\s{0,20}\"value\")",
    re.IGNORECASE,
)
_STAMP = r"(?:\d{4}-\d\d-\d\d[T ]\d\d:\S{1,40}[ \t])?"  # that an engine puts before each line
_VALUE_BELOW = expression(
    rf",?[ \t]{{0,8}}(?:\r?\n|\\{{1,7}}n|[ \t]){_STAMP}[ \t]{{0,40}}"
    r"[\"']?value[\"']?[ \t]{0,8}:[ \t]{0,8}",
    re.IGNORECASE,
)
_ITEM_BELOW = expression(r"[\"']?[ \t]{0,8}\r?\n[ \t]{0,60}-[ \t]{1,8}(?=[^\s-])")  # of a list of YAML
_INPUT_BELOW = expression(r"[ \t]{0,8}\r?\n[^\n]{0,300}\binput(?:_value)?=")  # of a validation
_COMMA = expression(
    r"[ \t]{0,4},[ \t\r\n]{0,40}|[ \t]{1,4}(?=[\"'])|[ \t]{0,4}\r?\n[ \t]{0,40}\d{1,3}\)[ ]|[ ]a\d{1,3}="
)
_IN_TUPLE = expression(r"\{\s{0,4}(?:<<\\{0,7}[\"'])?\Z")  # of Erlang, by a bare name or a binary
_SECOND_OF_TUPLE = expression(r"[ \t]{0,4},\s{0,20}(?=(?:<<)?\\{0,7}\")")
_TAGS = expression(r"(?:</?\w{1,20}[^<>]{0,100}>\s{0,40}){2,8}")
_RESOURCE = expression(r"\barn:[\w-]{2,20}:[^\s\"']{0,140}\Z")
_TAG_BEGIN = expression(r"<[\w.-]{1,36}:\Z")  # with the prefix of a namespace
_TAG_END = expression(r"(?:[^<>\"'\n]|\"[^<>\"\n]{0,200}\"){0,100}>")
_INNER_TAG = expression(r"\s{0,40}<(?:\w{1,12}:)?(?:value|string|text|content|data)(?:\s[^<>]{0,60})?>")
_ANY = expression(r"(?:any|all|some)[ \t]*\([ \t]*(?:array)?[ \t]*\[?", re.IGNORECASE)
_BELOW = expression(
    rf"[ \t]{{0,20}}\r?\n{_STAMP}(?P<indent>[ \t]+)(?P<value>[^\s:\-#][^\r\n:]{{3,400}}?)[ \t]*(?=\r?\n|$)"
)
_BLOCK = expression(r"(?:!\w[\w.:/-]{0,40}[ \t]{1,4})?[|>][+-]?\d?[ \t]*\r?\n(?P<indent>[ \t]+)")
_CONTINUED = expression(r"\\\r?\n[ \t]{0,80}(?=[^\s\\])")  # the line goes on below
_HEREDOC = expression(r"<<[-~]?[ ]?\\?[\"']?(?P<end>[A-Za-z_]\w{0,39})[\"']?[ \t]*\r?\n")
_MOST_LINES, _LONGEST_DOCUMENT = 200, 8192  # of a text that goes on below
# What is packed with its length in front: Python's repr of MessagePack, and what PHP makes of an array.
_PACKED = expression(r"\\{1,8}x(?:(?P<short>[ab][\da-f])|d9\\{1,8}x(?P<long>[\da-f]{2}))(?=[^\\\s])")
_SERIALIZED = expression(r"(?:\||;)s:\d{1,6}:(?=\\{0,7}\")")
_SIGNS = r"\s\"'\\/=<>|&;,{}()\[\]"  # of no word
_SEVERAL_WORDS = expression(rf"[^-{_SIGNS}][^{_SIGNS}]{{0,30}}(?:[ ][^-{_SIGNS}][^{_SIGNS}]{{0,30}}){{1,7}}")
_OF_OBJECT = expression(r"\w[{(\[]\Z|[{(\[][^\n{}()\[\]]{0,300},[ ]\Z")
_VARIABLE = expression(r"[A-Z][A-Z\d_]*")
_LIST_ITEM = expression(r"(?:^|[\r\n])[ \t]*- [\"']?$")
_FORM = expression(r"(?:\r?\n[\w-]{1,40}:[^\r\n]{0,200}){0,4}\r?\n\r?\n(?P<value>[^\r\n]{1,4000})")
_FORM_ESCAPED = expression(r"(?:\\r)?\\n(?:\\r)?\\n(?P<value>(?:(?!\\r|\\n)[^\r\n\"]){1,4000})")
_LONGEST_TRIPLED = 4000
_NAME_OF_REFERENCE = expression(r"[a-z]+(?:[-/.][a-z]+)+")
_ANGLED = expression(r"<([\w+/=~-]{8,400})>")
_FIRST_OF_EAST = "\u2e80"  # of the scripts that put no blanks between words
_STATED_IN_EAST = expression(r"(?:は|が|是|为|為|는|은|이|가)[ ]?[「『“\"']?(?P<value>[!-~]{6,200})")
_TYPED = expression(r"\s{0,40}(?:string\(\d{1,5}\)[ ]|\[\]string\{)(?=\")")
_ARROW = expression(r"\\{0,7}[\"'][ \t]{0,4}[-=]>[ \t]{0,4}(?=\\{0,7}[\"'])")
_HASHING = expression(
    r"(?:[\w.]{0,40}\.)?(?:crypt|md5|sha\d{0,3}|digest|encode|encrypt|hash|bcrypt|password|pbkdf2|quote|make_password|generate_password_hash|tobytes|b64encode|str|bytes|string|secret)\(",
    re.IGNORECASE,
)
_CODE = expression(r"[A-Za-z_][\w.]{0,80}(?:->\w{1,40})?[(\[]")
_ARGUMENT = expression(r"\s{0,4}(?:[eE]|[uU]&|b)?(\\{0,7}[\"'])")
_IS_FIRST = expression(r"[^\"'\\\n]{0,200}\\{0,7}[\"']\s{0,4},\s{0,4}\\{0,7}[\"']")  # of several arguments
_FEW_DIGITS = 6
_INNER_CAPITAL = expression(r"[a-z][A-Z]")
_SETTER = expression(
    r"\b(?:define|putenv|setenv|set(?:Property|Env|Header|Secret|Option)?|put|with)\(\s{0,4}[\"']\Z"
)
_COUNT = expression(r"\d{1,9}(?=\s|$)")
_SEGMENT = expression(r"[\w.~=-]{16,400}")
_SPACED = expression(r"[ ](?:ID|Id|[kK]ey|KEY)(?=[ \t]{0,20}[=:])")  # Secret ID, Secret Key
_BEFORE_KEY = expression(
    r"\b(?:api|access|secret|private|master|signing|licen[cs]e|recovery|encryption)[ ]\Z", re.IGNORECASE
)
_NEXT_KEY = expression(r"[ \t,;]+[\"']?[^\W\d][\w.-]{0,40}[\"']?\s?[=:](?!:)|[ \t]+#[ \t]")
_AT_LINE_START = expression(r"(?:^|[\r\n])[ \t]*(?:- )?[\"']?$")
_BLANKS = frozenset(" \t\r\n|\\")
_FIRST_OF_ANY = frozenset("aAsS")
_CLOSERS = frozenset("\\\"'`&%\x1b])")


def secret_values(text: str, folded: str) -> Iterator[Span]:
    """Yield the spans of values under secrets' names. `folded` is the text in small letters, as long."""
    done = 0
    budget = Budget()
    for match in _STEMS.finditer(folded, folded.encode("utf-8", "surrogatepass")):
        at = match.start()
        if at < done:
            continue
        if text[at - 1 : at] == "[" and (mark := MARK.match(text, at - 1)):
            done = mark.end()
            continue
        start, end = _name_around(text, at, match.end())
        done = end
        budget.reach(at)
        name = text[start:end]
        sure = strength(name)
        end, sure = _with_words(text, start, end, sure)
        if budget.is_spent:
            rest = _RIGHT.match(text, min(len(text), start + _WINDOW))
            done = rest.end() if rest else len(text)
            for span in _in_haste(text, folded, start, done):
                yield span
                done = max(done, span.end)
            budget.skip(done)
            continue
        budget.spend(0, FREE + (_EACH if sure > Strength.WEAK else _LITTLE * max(sure, 1)))
        if not sure or (sure is Strength.FAINT and not _LONG_RUN.search(text, end, end + _NEAR)):
            continue
        for span in _values(text, start, end, sure, budget):
            if span.end > span.start:
                yield span
                done = max(done, span.end)


def _with_words(text: str, start: int, end: int, sure: Strength) -> tuple[int, Strength]:
    """Return where a name ends that has blanks, and how sure it makes: Secret ID, API key."""
    if sure and text[end : end + 1] == " " and (spaced := _SPACED.match(text, end)):
        return spaced.end(), sure
    is_key = sure is Strength.FAINT and text[start - 1 : start] == " " and text[start:end].lower() == "key"
    return end, Strength.WEAK if is_key and _BEFORE_KEY.search(text, max(0, start - 20), start) else sure


def _in_haste(text: str, folded: str, start: int, end: int) -> Iterator[Span]:
    """Yield what is secret of a text that holds so many names that it cannot all be read with care.

    It is a plain value behind a sign; of a sentence, the words that were drawn; otherwise all that stands
    behind a name on its line.
    """
    done = start
    for word in _words_with_stems(text, folded, start, end):
        if word.start() < done:
            continue
        sure = strength(word[0])
        if sure <= Strength.FAINT:
            continue
        if sure <= Strength.STRONG and (plain := _PLAIN_VALUE.match(text, word.end())):
            done = plain.end()
            group = plain.lastgroup or ""
            if is_secret(plain[group], sure, plural=is_plural(word[0])):
                is_json = group == "bare" and text[word.end()] == '"'
                yield Span(*plain.span(group), "secret", '"' if is_json else "")
            continue
        done = text.find("\n", word.end(), end)
        done = end if done < 0 else done
        held = _HELD.match(text, word.end())
        is_option = text[word.start() - 1 : word.start()] == "-"
        is_held = is_option or (held and (held[0][-1] not in "\"'" or "passw" in word[0].lower()))
        if sure is Strength.WEAK or (sure is Strength.STRONG and not is_held):
            for mixed in _MIXED_WORD.finditer(text, word.end(), done):
                if looks_random(mixed[0]):
                    yield Span(*mixed.span(), "secret")
        elif first := _LETTER.search(text, word.end(), done):
            yield Span(first.start(), done, "secret")


def _words_with_stems(text: str, folded: str, start: int, end: int) -> Iterator[re.Match[str]]:
    """Yield the words that hold what a secret's name must hold."""
    done = start
    for stem in _IN_WORD.finditer(folded, start, end):
        begin = stem.start()
        if begin < done:
            continue
        if begin > done and ((letter := text[begin - 1]).isalnum() or letter in "_.-"):
            begin = _word_begin(text, begin, done)
        word = _NAME.match(text, begin, end)
        if word and word.end() - begin < _LONGEST_WORD:
            done = word.end()
            yield word
            continue
        run = _RUN.match(text, begin, end)
        done = run.end() if run else stem.end()
        for part in _NAME.finditer(text, begin, done):
            if _IN_WORD.search(folded, *part.span()):
                yield part


def _word_begin(text: str, place: int, lowest: int) -> int:
    """Return where the word begins in which `place` is."""
    start = lowest + len(text[lowest:place].rstrip(_IN_NAMES))
    while start > lowest and ((letter := text[start - 1]).isalnum() or letter in "_.-"):
        start -= 1  # letters of another script
    return start


def _name_around(text: str, at: int, end: int) -> tuple[int, int]:
    start = _word_begin(text, at, max(0, at - _LONGEST_NAME))
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
    if text[end - 1] < _FIRST_OF_EAST and (right := _RIGHT.match(text, end)):
        end = right.end()
    while end > at and text[end - 1] in ".-":
        end -= 1
    return start, end


def _values(text: str, start: int, end: int, sure: Strength, budget: Budget) -> Iterator[Span]:
    place = end
    if text[end : end + 1] in _CLOSERS and (closed := _CLOSED.match(text, end)):
        place = closed.end()
    is_quoted = place > end and any(sign in text[end:place] for sign in "\"'`&%\\")
    reader = _Reader(text, start, end, sure, budget=budget)
    if text[end - 1] >= _FIRST_OF_EAST and (stated := _STATED_IN_EAST.match(text, end)):
        if has_both(stated["value"]) and reader.is_secret(stated["value"]):
            yield reader.span(*stated.span("value"))
        return
    joined = _JOINED.match(text, place)
    before = text[start - 1 : start]
    if before == "/" and joined and joined["sign"] == ":" and text.startswith("://", start - 3):
        return  # a user in front of a host, with a password
    if before in {":", "/"} and _RESOURCE.search(text, max(0, start - 160), start):
        return  # the name of a secret in a cloud
    if before == "<" or (before == ":" and _TAG_BEGIN.search(text, max(0, start - 40), start)):
        if tag := _TAG_END.match(text, end):
            inner = _INNER_TAG.match(text, tag.end())
            yield from reader.until((inner or tag).end(), "<")
    elif joined is None:
        yield from _behind(reader, text, place, is_quoted=is_quoted)
    elif text[place - 1] != ")" or place == end or "=" in joined["sign"]:
        sign = {"\uff1a": ":", "\uff1d": "="}.get(joined["sign"], joined["sign"])
        yield from reader.joined(joined.end(), sign, is_quoted=is_quoted)


def _behind(reader: "_Reader", text: str, place: int, *, is_quoted: bool) -> Iterator[Span]:
    """Yield what stands behind a name without a sign that joins."""
    following = text[place : place + 1]
    if following == "\\" and (packed := _PACKED.match(text, place)):
        yield from reader.packed(packed)
        return
    if following in {"|", ";"} and (serialized := _SERIALIZED.match(text, place)):
        yield from reader.joined(serialized.end(), "=", is_quoted=False)
        return
    if is_quoted or following in {"\r", "\n", ",", "\\"} or text.startswith("value:", place + 1):
        yield from _in_structure(reader, text, place, is_quoted=is_quoted)
    if following == "(" and (opened := _ARGUMENT.match(text, place + 1)):
        if reader.sure is Strength.STRONG or not _IS_FIRST.match(text, opened.end()):
            yield from reader.joined(opened.start(1), "(", is_quoted=False)
    elif following == "/" and (segment := _SEGMENT.match(text, place + 1)) and looks_random(segment[0]):
        yield reader.span(segment.start(), segment.end())
    elif following == "<" and (tags := _TAGS.match(text, place)):
        yield from reader.until(tags.end(), "<", weak=True)
    elif following == ">" and is_quoted and text[reader.start - 2 : reader.start - 1] == "=":
        yield from reader.until(place + 1, "<")  # the value of an attribute that is the name
    elif following in _BLANKS:
        yield from reader.apart(place, is_quoted=is_quoted)


def _in_structure(reader: "_Reader", text: str, place: int, *, is_quoted: bool) -> Iterator[Span]:
    """Yield the value of a pair of name and value, the next element of a list, or the part of a form."""
    second = _SECOND_OF_TUPLE.match(text, place)
    if second and _IN_TUPLE.search(text, max(0, reader.start - 16), reader.start):
        yield from reader.joined(second.end(), "=", is_quoted=is_quoted)
        return
    if is_quoted and (between := _BETWEEN_PAIR.match(text, place)):
        reader.name_a_value()
        place = between.end()
    if pair := _VALUE_OF_PAIR.match(text, place) or _VALUE_BELOW.match(text, place):
        yield from reader.joined(pair.end(), "=", is_quoted=True)
    elif (item := _ITEM_BELOW.match(text, place)) and reader.is_option():
        yield from reader.joined(item.end(), "=", is_quoted=False)
    elif input_value := _INPUT_BELOW.match(text, place):
        yield from reader.joined(input_value.end(), "=", is_quoted=False)
    elif is_quoted and (comma := _COMMA.match(text, place)):
        yield from reader.in_list(comma.end())
    elif is_quoted and (form := _FORM.match(text, place) or _FORM_ESCAPED.match(text, place)):
        yield reader.span(form.start("value"), form.end("value"))


class _Reader(Headers, Apart):
    """Reads what stands behind a name."""

    def joined(self, place: int, sign: str, *, is_quoted: bool) -> Iterator[Span]:
        """Yield what stands behind a sign that joins: = : => and so on."""
        text = self.text
        place = self._value_begin(place)
        if self.sure in {Strength.HEADER, Strength.COOKIE}:
            yield from self.header(place, sign, is_quoted=is_quoted)
            return
        if text.startswith("<<", place) and (heredoc := _HEREDOC.match(text, place)):
            yield from self._until_mark(heredoc)
            return
        if prefix := LITERAL_PREFIX.match(text, place) or _TYPED.match(text, place):
            place = prefix.end()
        if opened := OPEN.match(text, place):
            yield from self._in_quotes(opened)
        elif dollar := DOLLAR.match(text, place):
            yield from self.dollars(dollar)
        elif text[place : place + 1] in BRACKETS:
            yield from self.bracketed(place, is_quoted=is_quoted)
        elif block := _BLOCK.match(text, place):
            yield from self._block(block)
        elif sign == ":" and (below := _BELOW.match(text, place)):
            yield from self._on_line_below(below)
        else:
            yield from self._bare(place, sign, is_json=is_quoted)

    def _value_begin(self, place: int) -> int:
        """Return where a value begins behind what may stand in front of it, or on the line that goes on."""
        text = self.text
        if text[place : place + 1] in _FIRST_OF_ANY and (any_of := _ANY.match(text, place)):
            return any_of.end()
        if text[place : place + 1] == "\\" and (continued := _CONTINUED.match(text, place)):
            return continued.end()
        return place

    def _in_quotes(self, opened: re.Match[str]) -> Iterator[Span]:
        """Yield what stands in quotes, also in three, and what it was changed to."""
        text, start = self.text, opened.start()
        tripled = 3 * opened[0]
        if text.startswith(tripled, start):
            end = text.find(tripled, start + 3, start + _LONGEST_TRIPLED)
            if end > 0 and self.is_secret(text[start + 3 : end]):
                yield self.span(start + 3, end)
            return
        yield from self.quoted(opened)
        yield from self._changed_to(opened)

    def _changed_to(self, opened: re.Match[str]) -> Iterator[Span]:
        """Yield the new value of a plan that shows the old one before an arrow."""
        after = _ARROW.match(self.text, inside(self.text, opened)[1])
        if after and (new := OPEN.match(self.text, after.end())):
            yield from self.quoted(new)

    def _on_line_below(self, below: re.Match[str]) -> Iterator[Span]:
        value = below["value"]
        if self._is_deeper(below["indent"]) and self.is_secret(value) and not is_prose(value):
            yield self.span(*below.span("value"))

    def until(self, place: int, sign: str, *, weak: bool = False) -> Iterator[Span]:
        """Yield what stands before the next sign."""
        end = self.text.find(sign, place, place + LONGEST_VALUE)
        if end < 0 or not self.text.startswith("</", end):  # what closes the tag may stand below
            end = min(self.line_end(place), end if end >= 0 else len(self.text))
        value = self.text[place:end].strip()
        if value.startswith("-----BEGIN "):
            return  # a key, which is hidden line by line
        if opened := OPEN.match(value):
            value = value[opened.end() :].removesuffix(opened[0])
        if value and (looks_random(value) or has_both(value) or not weak) and self.is_secret(value):
            start = self.text.index(value, place)
            yield self.span(start, start + len(value))

    def in_list(self, place: int) -> Iterator[Span]:
        """Yield the element of a list or a tuple behind the name: arguments, headers, pairs."""
        text = self.text
        if prefix := LITERAL_PREFIX.match(text, place):
            place = prefix.end()
        is_option = text[self.start - 1 : self.start] == "-" or text[self.start : self.start + 1] == "-"
        if not (opened := OPEN.match(text, place)):
            return
        start, end = inside(text, opened)
        value = text[start:end]
        if self.sure in {Strength.HEADER, Strength.COOKIE}:
            is_hidden = is_secret(value, self.sure)
        elif is_option or self._is_set() or (text[self.end : self.end + 1] in "\"'\\" and self._is_command()):
            is_hidden = self.is_secret(value) and not value.startswith("-")
        else:
            is_hidden = self.is_secret(value) and (looks_random(value) or has_both(value))
        if is_hidden:
            scheme = SCHEME.match(text, start, end) if self.sure is Strength.HEADER else None
            yield self.span(scheme.end() if scheme else start, end)

    def _is_set(self) -> bool:
        """Return whether a call sets what has this name: define('DB_PASSWORD', 'x')."""
        is_sure = self.sure is Strength.STRONG
        return is_sure and bool(_SETTER.search(self.text, max(0, self.start - 40), self.start))

    def _is_command(self) -> bool:
        """Return whether the name is an element that stands for a setting, as `requirepass` in a list."""
        return self.text[self.start : self.end].lower() in {"requirepass", "masterauth"}

    def _is_deeper(self, indent: str) -> bool:
        begin = self.text.rfind("\n", 0, self.start) + 1
        line = self.text[begin : self.start]
        return len(indent) > len(line) - len(line.lstrip())

    def _block(self, block: re.Match[str]) -> Iterator[Span]:
        text, place, count = self.text, block.start("indent"), 0
        if not self._is_deeper(block["indent"]):
            return
        while place < len(text) and count < _MOST_LINES and text.startswith(block["indent"], place):
            end = self.line_end(place)
            begin = place + len(block["indent"])
            if end > begin:
                yield self.span(begin, end)
            place = text.find("\n", end) + 1 or len(text)
            count += 1

    def _until_mark(self, heredoc: re.Match[str]) -> Iterator[Span]:
        """Yield the lines of a document that ends with the mark it begins with; without it, the first."""
        text, place = self.text, heredoc.end()
        mark = re.compile(rf"(?m)^[ \t]*{heredoc['end']}[ \t]*\r?$")
        ended = mark.search(text, place, place + _LONGEST_DOCUMENT)
        limit = ended.start() if ended else self.line_end(place)
        self.budget.spend(place, ended.end() if ended else place + _LONGEST_DOCUMENT)
        while place < limit:
            end = min(self.line_end(place), limit)
            line = text[place:end].strip()
            if line and self.is_secret(line):
                first = text.index(line, place)
                yield self.span(first, first + len(line))
            place = end + 1

    def packed(self, found: re.Match[str]) -> Iterator[Span]:
        """Yield a string behind its length."""
        length = int(found["short"], 16) & 0x1F if found["short"] else int(found["long"], 16)
        value = self.text[found.end() : found.end() + length].partition("\\")[0]
        if self.is_secret(value):
            yield self.span(found.end(), found.end() + len(value))

    def _bare(self, place: int, sign: str, *, is_json: bool) -> Iterator[Span]:
        text = self.text
        if stated := self.typographic(place):
            if self.is_secret(text[stated.start : stated.end]):
                yield stated
            return
        if (angled := _ANGLED.match(text, place)) and looks_random(angled[1]):
            yield self.span(*angled.span(1))
            return
        found = bare(text, place)
        if not found:
            return
        end = self.bare_end(found)
        value = text[place:end]
        if call := _CODE.match(text, place):
            if call[0].endswith("(") and (opened := _ARGUMENT.match(text, call.end())):
                yield from self._of_call(call[0], opened)
            if call[0][-1] in "([":
                return
        if not is_json and (whole := self._whole(place, end, sign)):
            yield self.span(place, whole)
            return
        if self.is_secret(value) and not self._is_word(place, value, sign):
            quote = OPEN.match(text, self.end) if is_json else None
            yield self.span(place, end, quote[0] if quote else "")

    def _of_call(self, call: str, opened: re.Match[str]) -> Iterator[Span]:
        """Yield the literal that a function gets: what is hashed is a secret, what is looked up a name."""
        if (quote := OPEN.match(self.text, opened.start(1))) is None:
            return
        start, end = inside(self.text, quote)
        if _HASHING.fullmatch(call) or looks_random(self.text[start:end]):
            yield from self.quoted(quote)

    def _is_word(self, place: int, value: str, sign: str) -> bool:
        """Return whether a value is the next word of a sentence, a name in code or a count."""
        if looks_random(value):
            return False
        if (self.in_path and sign == ":") or (sign == "->" and _NAME_OF_REFERENCE.fullmatch(value)):
            return True
        name = self.text[self.start : self.end].lower()
        if _COUNT.fullmatch(value) and (self.plural or (name == "pass" and len(value) < _FEW_DIGITS)):
            return True  # 120 tests that pass
        if sign == "=" and value.isidentifier() and self._is_variable(value):
            return True
        if sign == ":" and self.text[place - 1] == ":" and value.islower() and not looks_secret(value):
            return True  # a key of a store: reset_token:marta
        rest = self.text[place : min(self.line_end(place), place + 200)]
        is_sentence = is_prose(rest) or ('"' in rest and is_prose(rest.partition('"')[0]))
        return is_sentence and not has_both(value)

    def _is_variable(self, value: str) -> bool:
        """Return whether a value is the name of a secret in code, as in login(password=db_password)."""
        if value in {"pw", "pwd", "passwd"}:
            return True
        if any(map(str.isdigit, value)) or not strength(value):
            return False
        if self.text[self.start - 1 : self.start] == ";":
            return False  # of a connection string
        is_spoken = "_" in value or _INNER_CAPITAL.search(value) is not None
        is_same = self.text[self.start : self.end].lower() == value.lower()
        return is_spoken or is_same or self._is_argument()

    def _is_argument(self) -> bool:
        """Return whether the name stands in the brackets of a call."""
        return self.text[max(0, self.start - 2) : self.start].rstrip().endswith(("(", ","))

    def _whole(self, place: int, end: int, sign: str) -> int:
        """Return where a value with blanks ends whose first word ends at `end`; 0 where it has none."""
        if sign == ":":
            return self._whole_line(place, end)
        return self._several_words(place, end) if sign == "=" and self.text[end : end + 1] == " " else 0

    def _several_words(self, place: int, end: int) -> int:
        """Return where a value of several words ends: NAME=VALUE in quotes, in a list, in a file of settings.

        0 where it is another value: words may follow a secret in a sentence, and a command its environment.
        """
        text = self.text
        first = text[place:end]
        if (
            self.sure is not Strength.STRONG
            or not first.isalpha()
            or looks_random(first)
            or is_ordinary(first)
        ):
            return 0
        line_end = self.line_end(place)
        words = _SEVERAL_WORDS.match(text, place, line_end)
        if words is None or is_prose(words[0]):
            return 0
        quote = text[self.start - 1 : self.start]
        if quote in {'"', "'"}:
            is_whole = text.startswith(quote, words.end())
        elif self._is_member():
            is_whole = text[words.end() : words.end() + 1] in {",", "}", ")", "]"}
        else:
            before = text[max(0, self.start - 80) : self.start]
            is_setting = _AT_LINE_START.search(before) and not _VARIABLE.fullmatch(text, self.start, self.end)
            is_whole = words.end() == line_end and bool(is_setting or _LIST_ITEM.search(before))
        return words.end() if is_whole and self.is_secret(words[0]) else 0

    def _is_member(self) -> bool:
        """Return whether the name is that of a member in what prints an object: Config{host=db, NAME=..}."""
        return bool(_OF_OBJECT.search(self.text, max(0, self.start - 300), self.start))

    def _whole_line(self, place: int, end: int) -> int:
        """Return where a value of YAML ends that has blanks: at its line's end; 0 for another value."""
        text = self.text
        if self.sure is not Strength.STRONG or not _AT_LINE_START.search(
            text[max(0, self.start - 80) : self.start]
        ):
            return 0
        line_end = self.line_end(place)
        further = _NEXT_KEY.search(text, end, line_end)
        whole = text[place : further.start() if further else line_end].rstrip()
        is_text = " " in whole and not is_prose(whole) and not is_ordinary(whole.split(maxsplit=1)[0])
        if is_text and not (self.plural and _COUNT.match(whole)) and self.is_secret(whole):
            return place + len(whole)
        return 0

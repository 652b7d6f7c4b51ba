"""Secrets that are known by their own look: vendors' tokens, hashes of passwords, cards, accounts.

`vendors.toml` holds the families as data. One expression of RE2 with the beginnings of all of them goes over
the text once; a family's own expression is made and tried only where its beginning stands.
"""

import functools
import itertools
import re
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from incident_lib.redact.accounts import ESCAPE, Accounts
from incident_lib.redact.allowance import Allowance

DATA = Path(__file__).with_name("vendors.toml")
_NEAR = 80  # characters in front of a value in which a name that it belongs to may stand
_ENCODED = {
    "$": r"(?:\$\$?|%24)",
    "&": r"(?:&|%26|&amp;|\\u0026)",
    "/": r"(?:/|%2[Ff]|\\/)",
    "=": r"(?:=|%3[Dd])",
    " ": r"(?: |%20|\+)",
} | {sign: f"(?:{re.escape(sign)}|%{ord(sign):02X}|%{ord(sign):02x})" for sign in ":+,~#@|{}"}
TOKEN = re.compile(
    r"\[(?P<name>\w+)(?: (?P<least>\d+)(?P<open>-)?(?P<most>\d+)?)?\]|=\*|\\(?P<plain>.)|(?P<sign>.)"
)
_ALNUM = frozenset(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
_GLUE = {
    "": _ALNUM,
    "run": _ALNUM | frozenset(b"_-"),
    "strict": _ALNUM | frozenset(b"_-."),
    "any": frozenset[int](),
}
_FRONT = {
    "": rf"(?:\b|_|{ESCAPE})",
    "run": rf"(?:^|[^0-9A-Za-z_-]|{ESCAPE})",
    "strict": rf"(?:^|[^0-9A-Za-z_.-]|{ESCAPE})",
    "any": "",
}
_ESCAPED = re.compile(rf"(?:{ESCAPE})\Z".encode())
_TO_ESCAPE = re.compile(rf"(?:.*(?:{ESCAPE}))?".encode(), re.DOTALL)
_LONGEST_ESCAPE = 20
_SKIP = re.compile(ESCAPE.encode())
_HEAD = 12  # characters behind a literal that are looked for together with it; more behind short ones
_FREE_BEGINNINGS, _CHARACTERS_EACH = (
    200,
    200,
)  # of secrets that are tried at once, and one more for so much text
_FAR = 4096  # characters that are judged at once where there are more
_LONG_WORD = re.compile(rb"[0-9A-Za-z_.~:/?#@!$&*+;=%|\-]{24,4096}")
_LONGEST_KEY = 40
_LONGEST_BEFORE = 200
_MARK = b"[secret"  # what already stands in place of one

_Spans = list[tuple[int, int, str]]
_Find = Callable[[bytes, int, int], _Spans]


class Shape(msgspec.Struct, frozen=True):
    """One line of a family: literals, what is around them, and the conditions."""

    family: str
    starts: tuple[str, ...]
    then: str
    before: str = ""
    left: str = ""
    named: bool = False
    mix: int = 0
    near: tuple[bytes, ...] = ()
    unless: tuple[bytes, ...] = ()


def spans(text: str) -> list[tuple[int, int, str]]:
    """Return where secrets of a known look stand in `text`: begin, end and family, in order, none in another.

    >>> spans("paid with 4111 1111 1111 1111 at 18:00")
    [(10, 29, 'card')]
    """
    data = text.encode("utf-8", "surrogatepass")
    found = list(_found(data))
    if numbers := list(_load().accounts.spans(data)):
        found = list(_apart(sorted(found + numbers)))
    if not found or len(data) == len(text):
        return found
    characters: list[tuple[int, int, str]] = []
    at = count = 0
    for begin, end, family in found:
        first = count + len(data[at:begin].decode("utf-8", "surrogatepass"))
        count, at = first + len(data[begin:end].decode("utf-8", "surrogatepass")), end
        characters.append((first, count, family))
    return characters


def shapes() -> tuple[Shape, ...]:
    """Return the shapes of all families, as `vendors.toml` has them."""
    return _load().shapes


def _apart(found: _Spans) -> Iterator[tuple[int, int, str]]:
    """Yield the spans without those that begin in another."""
    done = 0
    for span in found:
        if span[0] >= done:
            done = span[1]
            yield span


def _found(data: bytes) -> Iterator[tuple[int, int, str]]:
    load = _load()
    search, keys, lengths = load.anchor.search, load.keys, load.lengths
    at = done = 0
    allowance = Allowance(free=_FREE_BEGINNINGS, characters_each=_CHARACTERS_EACH)
    while match := search(data, at):
        first = match.start()
        at = first + 1
        if not allowance.take(first):
            for run in _in_haste(data, first, done):
                yield run
                done = run[1]
            at = max(done, min(_line_end(data, at), first + _FAR))
            continue
        best: _Spans = []
        for place in _places(data, first):
            begins = data[place : place + _LONGEST_KEY].lower()
            front = data[place - 1] if place else -1
            for length in lengths.get(begins[0], ()):
                for glue, find in keys.get(begins[:length], ()):
                    if front in glue and not _ends_escape(data, place):
                        continue
                    each = find(data, place, done)
                    if each and (not best or each[-1][1] > best[-1][1]):
                        best = each
            if best:
                yield from best
                at = done = best[-1][1]
                break


def _in_haste(data: bytes, first: int, done: int) -> _Spans:
    """Return the long words and the numbers of persons from here to the line's end.

    The text is too full of beginnings to try each.
    """
    end = min(_line_end(data, first + 1), first + _FAR)
    begin = max(done, first - _LONGEST_BEFORE)
    words = _LONG_WORD.finditer(data, begin, end + _FAR)
    near = itertools.takewhile(lambda word: word.start() < end, words)
    found = [(*word.span(), "token") for word in near]
    for person in _PERSON.finditer(data, begin, end):
        if person.start() == begin or data[person.start() - 1] not in _ALNUM:
            found += _ssn(data, person.start(), done)
    return list(_apart(sorted(found)))


def _line_end(data: bytes, place: int) -> int:
    end = data.find(b"\n", place)
    return len(data) if end < 0 else end


def _places(data: bytes, first: int) -> Iterator[int]:
    """Yield where the literal may stand: at the beginning of what was found, or behind its front."""
    yield first
    if data[first] not in _ALNUM:
        if escape := _SKIP.match(data, first):
            yield escape.end()
        if first + 1 < len(data):
            yield first + 1


class _Loaded(msgspec.Struct, frozen=True):
    shapes: tuple[Shape, ...]
    anchor: Any  # RE2 has no types
    keys: dict[bytes, list[tuple[frozenset[int], _Find]]]
    lengths: dict[int, tuple[int, ...]]
    accounts: Accounts


@functools.cache
def _load() -> _Loaded:
    tables = tomllib.loads(DATA.read_text(encoding="utf-8"))
    notation = Notation(tables["alphabet"], tables["part"])
    all_shapes = tuple(
        _shape(family, line)
        for family, lines in tables["family"].items()
        for line in ([lines] if isinstance(lines, str) else lines)
    )
    keys: dict[bytes, list[tuple[frozenset[int], _Find]]] = {}
    anchors: dict[
        tuple[str, bool, str], list[str]
    ] = {}  # what may stand in front, in any case, head: literals
    for shape in all_shapes:
        find = _Family(shape, notation)
        front = "any" if shape.before else shape.left
        for start in shape.starts:
            keys.setdefault(_key(start), []).append((_GLUE[front], find))
            head = notation.head(start, shape.then)
            anchors.setdefault((front, shape.named, head), []).append(notation.literal(start))
    parts: dict[str, list[str]] = {"": list(_BESIDES)}
    for (front, named, head), literals in anchors.items():
        parts.setdefault(front, []).append(f"(?{'i' if named else ''}:{'|'.join(literals)}){head}")
    found_by: list[tuple[str, _Find]] = [("ssn", _ssn_named), ("user", _acl), ("setuser", _acl)]
    found_by += [(digit, _ssn) for digit in "012345678"]
    for word, find_all in found_by:
        keys.setdefault(word.encode(), []).append((_ALNUM, find_all))
    lengths: dict[int, set[int]] = {}
    for key in keys:
        lengths.setdefault(key[0], set()).add(len(key))
    return _Loaded(
        shapes=all_shapes,
        anchor=_re2("|".join(f"{_FRONT[front]}(?:{'|'.join(each)})" for front, each in parts.items())),
        keys=keys,
        lengths={first: tuple(sorted(each, reverse=True)) for first, each in lengths.items()},
        accounts=Accounts(tables["card"], tables["iban"]),
    )


def _shape(family: str, line: str) -> Shape:
    rule, _, options = line.partition(" ;; ")
    before, _, rest = rule.rpartition(" <- ")
    starts, _, then = rest.partition(" ->")
    given: dict[str, str] = {}
    for option in filter(None, options.split(", ")):
        name, _, value = option.partition(" ")
        given[name] = value
    return Shape(
        family=family,
        starts=tuple(starts.split(" ")),
        then=then[1:],
        before=before,
        left=next((name for name in ("any", "run", "strict") if name in given), ""),
        named="named" in given,
        mix=int(given.get("mix", 0)),
        near=tuple(given.get("near", "").encode().split()),
        unless=tuple(given.get("unless", "").encode().split()),
    )


@functools.lru_cache(512)
def _tokens(text: str) -> list[re.Match[str]]:
    return list(TOKEN.finditer(text))


def _key(start: str) -> bytes:
    """Return the literal up to the first sign, after its first, that may come encoded."""
    end = next((i for i, sign in enumerate(start) if i and sign in _ENCODED), len(start))
    return start[: min(end, _LONGEST_KEY)].lower().encode()


def _re2(pattern: str) -> Any:
    import re2

    options = re2.Options()
    options.log_errors = False
    options.longest_match = True
    options.encoding = re2.Options.Encoding.LATIN1  # bytes are characters here
    options.max_mem = 64 << 20
    return re2.compile(pattern.encode("latin-1"), options)


class Notation:
    """Makes regular expressions of the notation of `vendors.toml`."""

    def __init__(self, alphabets: dict[str, str], parts: dict[str, str]) -> None:
        self.alphabets, self.parts = alphabets, parts
        every = "".join(map(chr, range(33, 127)))
        self._signs = {name: frozenset(re.findall(f"[{signs}]", every)) for name, signs in alphabets.items()}

    def literal(self, text: str) -> str:
        """Return the regular expression for `text` as it is, or percent-encoded."""
        return "".join(_ENCODED.get(sign) or _plain(sign) for sign in text)

    def pattern(self, text: str) -> str:
        """Return the regular expression for all of `text`."""
        return "".join(self._token(token) for token in _tokens(text))

    def head(self, start: str, text: str) -> str:
        """Return the expression for the beginning of `text` behind the literal `start`.

        It ends where a choice begins, or a run whose end would have to be looked for again and again because
        `start` itself may stand in it.
        """
        limit = 40 if len(start) <= 2 else _HEAD
        parts: list[str] = []
        tokens = _tokens(text)
        at = 0
        while at < len(tokens) and limit > 0:
            token = tokens[at]
            at += 1
            if token["sign"] == "(":
                end = next(i for i in range(at, len(tokens)) if tokens[i]["sign"] == ")") + 1
                end += tokens[end : end + 1] != [] and tokens[end]["sign"] == "?"
                group = tokens[at - 1 : end]
                if any(each["sign"] == "(" or (each["open"] and not each["most"]) for each in group[1:]):
                    break
                parts += [self._token(each) for each in group]
                limit -= 0 if group[-1]["sign"] == "?" else 1
                at = end
            elif token["sign"] and token["sign"] in "|)?":
                break
            elif token["least"]:
                least = int(token["least"])
                more = token["open"] or token["most"]
                if least > limit or (more and not self._ends(token["name"], start, tokens[at : at + 1])):
                    parts.append(f"{self._class(token['name'])}{{{min(least, limit)}}}")
                    break
                parts.append(self._token(token))
                limit -= least
            elif token["sign"] not in {"<", ">"}:
                parts.append(self._token(token))
                limit -= 40 if token["name"] else 1
        return "".join(parts)

    def _ends(self, name: str, start: str, behind: list[re.Match[str]]) -> bool:
        """Return whether a run of this alphabet ends at what is behind it, and holds no `start`."""
        sign = behind[0]["sign"] if behind else None
        if not sign or sign in "<>(|)?":
            return False
        inside = self._signs[name]
        return sign not in inside and not inside.issuperset(start)

    def _class(self, name: str) -> str:
        signs = self.alphabets[name]
        if "/" in signs and "%" not in signs:
            return rf"(?:[{signs}]|%2[BbFf]|\\/)"
        return f"[{signs}]"

    def _token(self, token: re.Match[str]) -> str:
        if token["least"]:
            most = token["most"] or ("" if token["open"] else token["least"])
            return f"{self._class(token['name'])}{{{token['least']},{most}}}"
        if token["name"]:
            return f"(?:{self.parts[token['name']]})"
        if token["plain"]:
            return self.literal(token["plain"])
        if sign := token["sign"]:
            return {"(": "(?:", ")": ")", "|": "|", "?": "?", "<": "(", ">": ")"}.get(sign) or self.literal(
                sign
            )
        return "(?:=|%3[Dd]){0,3}"


def _plain(sign: str) -> str:
    return sign if sign.isalnum() or sign in "_-" else f"\\{sign}"


class _Family:
    """Finds one shape where its literal stands."""

    def __init__(self, shape: Shape, notation: Notation) -> None:
        self._shape, self._notation = shape, notation
        self._open = shape.then.rstrip(">)?").endswith(("-]", "=*"))

    @functools.cached_property
    def _pattern(self) -> Any:
        starts = "|".join(self._notation.literal(start) for start in self._shape.starts)
        if self._shape.named:
            starts = f"(?i:{starts})"
        return _re2(f"(?:{starts}){self._notation.pattern(self._shape.then)}")

    @functools.cached_property
    def _before(self) -> Any:
        return _re2(f"(?:{self._notation.pattern(self._shape.before)})\\z")

    def __call__(self, data: bytes, place: int, done: int) -> _Spans:
        begin = self._begin(data, place, done)
        if begin < 0:
            return []
        match = self._pattern.match(data, place)
        if match is None or (not self._open and data[match.end() : match.end() + 1].isalnum()):
            return []
        begin, end = match.span(1) if "<" in self._shape.then else (begin, match.end())
        while self._open and data[end - 1] in b".":
            end -= 1
        return [(begin, end, self._shape.family)] if self._holds(data, begin, end, place) else []

    def _begin(self, data: bytes, place: int, done: int) -> int:
        """Return where the secret begins whose literal stands at `place`; -1 if its front does not fit."""
        if not self._shape.before:
            return place
        first = max(done, place - _LONGEST_BEFORE)
        front = self._before.search(data[first:place])
        if front is None:
            return -1
        begin = int(first + front.start())
        if not begin or data[begin - 1] not in _GLUE[self._shape.left] or _ends_escape(data, begin):
            return begin
        escape = _TO_ESCAPE.match(data[first:place])
        first += escape.end() if escape else 0
        front = self._before.search(data[first:place])
        return -1 if front is None or front.start() else first

    def _holds(self, data: bytes, begin: int, end: int, place: int) -> bool:
        """Return whether the further conditions of the form hold."""
        shape = self._shape
        if data.startswith(_MARK, begin) or (shape.mix and _mixed(data, begin, end) < shape.mix):
            return False
        if not shape.near and not shape.unless:
            return True
        front = data[max(0, place - _NEAR) : place].rpartition(b"\n")[2].lower()
        near = not shape.near or any(word in front for word in shape.near)
        return near and not any(word in front for word in shape.unless)


def _ends_escape(data: bytes, at: int) -> bool:
    return bool(_ESCAPED.search(data[max(0, at - _LONGEST_ESCAPE) : at]))


def _mixed(data: bytes, begin: int, end: int) -> int:
    return sum(kind.search(data, begin, end) is not None for kind in _KINDS)


_KINDS = (re.compile(rb"[0-9]"), re.compile(rb"[a-z]"), re.compile(rb"[A-Z]"))

# Numbers of persons and Redis' access lists: what the one search looks for, and what then decides.
_BESIDES = (
    "[0-8][0-9]{2}-[0-9]{2}-[0-9]{4}",
    "(?i:ssn)",
    "(?i:user)[\"', ]{1,4}[0-9A-Za-z_.*@:-]{1,64}[\"', ]{1,4}(?i:[#~&%+-]|on|off|reset|nopass|sanitize)",
    "(?i:setuser)[\"', ]{1,4}",
)
_PERSON = re.compile(rb"(?!000|666)[0-8][0-9]{2}([ -]?)(?!00)[0-9]{2}\1(?!0000)[0-9]{4}(?![0-9A-Za-z-])")
_PERSON_NAME = re.compile(rb"(?:\b|_)ssn|social.?security", re.IGNORECASE)
_PERSON_BEHIND = re.compile(
    rb"ssns?[\w]{0,10}[\"'\\]{0,3}\s{0,2}(?:[:=#]|is|no\.?|number)?\s{0,2}[\"'\\]{0,3}", re.IGNORECASE
)


def _ssn(data: bytes, place: int, done: int) -> _Spans:
    del done
    match = _PERSON.match(data, place)
    if not match or not match[1]:
        return []
    around = data[max(0, place - _NEAR) : match.end() + 40]
    return [(place, match.end(), "ssn")] if _PERSON_NAME.search(around) else []


def _ssn_named(data: bytes, place: int, done: int) -> _Spans:
    del done
    name = _PERSON_BEHIND.match(data, place)
    match = _PERSON.match(data, name.end()) if name else None
    return [(match.start(), match.end(), "ssn")] if match else []


_ACL_RULE = re.compile(rb"[\"', ]{1,4}(?P<rule>[^\s\"']+)")


def _acl(data: bytes, place: int, done: int) -> _Spans:
    """Return the passwords of a rule of Redis' access list: `user NAME on >password ~* +@all`."""
    del done
    at = place + (7 if data[place : place + 7].lower() == b"setuser" else 4)
    found: _Spans = []
    first = True
    while match := _ACL_RULE.match(data, at):
        rule = match["rule"].rstrip(b",]")
        begin = match.start("rule")
        at = match.end()
        if first:
            first = False
        elif rule[:1] in {b">", b"<"}:
            if not _PLACEHOLDER.fullmatch(rule[1:]):
                found.append((begin + 1, begin + len(rule), "redis-acl-password"))
        elif rule[:1] in {b"#", b"!"} and len(rule) == 65:
            found.append((begin + 1, begin + 65, "redis-acl-hash"))
        elif not _ACL_WORD.fullmatch(rule):
            break
    return found


_PLACEHOLDER = re.compile(
    rb"|(?:NEW_?)?PASS(?:WORD|WD)?|password|<.*|\$\{?\w+\}?|\.{3}|\*+|\[secret.*", re.DOTALL
)
_ACL_WORD = re.compile(
    rb"on|off|nopass|reset\w*|all\w+|clearselectors|sanitize-payload|skip-sanitize-payload|[~&%+-].*|\(.*|.*\)",
    re.IGNORECASE | re.DOTALL,
)

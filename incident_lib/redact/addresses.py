"""Secrets in addresses: passwords of DSNs and URLs, queries, and the e-mail addresses of people."""

import re
import string
from collections.abc import Iterator

from incident_lib.redact.allowance import Allowance
from incident_lib.redact.names import Strength, strength
from incident_lib.redact.spans import Span
from incident_lib.redact.values import MARK, is_ordinary, is_secret, looks_random, looks_secret
from incident_lib.redact.words import words

_SCHEME = re.compile(r"(?<=[A-Za-z\d])(?::|%3[aA])(?://|%2[fF]%2[fF]|\\/\\/)")
_AUTHORITY = re.compile(r"[^\s\"'<>/?#\\`|]{0,2000}")
_REST = re.compile(r"[^\s\"'<>`|\\]{0,4000}")
# What stands before and behind an @ without a scheme in front.
_USER = re.compile(r"(?:(?<![\w.:@/+-])/?|(?<=\w:)/|(?<=\w)//)[A-Za-z_][\w.+-]{0,63}\Z")
_PASSWORD = re.compile(r"[^\s:@\"'<>/][^\s:@\"'<>]{2,200}")
_RIGHT = re.compile(r"(?P<driver>(?:tcp|unix|udp)\()|\[|[A-Za-z\d][\w.-]{0,100}(?P<rest>:\d{1,5}|/)?")
_LONGEST_USER, _LONGEST_PASSWORD, _SHORTEST_PASSWORD = 66, 201, 3  # with what stands in front
_SPACED = re.compile(r"[\w.-]{0,64}:(?P<password>[^\s/@\"'<>]{1,64} [^\s/@\"'<>]{1,64})@(?=[\w\[])")
_COLON, _CROSSES, _HOST_BEGIN = re.compile(":|%3[aA]"), re.compile("[xX]{3,}"), re.compile(r"[\w\[]")
_USUAL_USER = re.compile(r"[A-Za-z][a-z_.-]{0,30}\d{0,3}")
_PORT = re.compile(r"\d{0,5}")
_QUERY_BEGIN = re.compile(r"\?(?=[\w.\[\]%~-]{1,200}[=&])")
_BEFORE_QUERY = frozenset("/.%~])*:-_")
_QUERY_REST = re.compile(r"(?:[^\s\"'<>`\\]|[\"'<](?=[^\s\"'<>]{0,200}&[\w.-]{1,60}=)|=[\"'])*")
_PARAMETER = re.compile(r"(?<=[?&;])(?P<name>[\w.\[\]%~-]{1,100})=(?P<value>[^&]*)")
_PERSONAL = words("parameters")
_OPEN = words("open_parameters")
_HARMLESS = re.compile(  # numbers, words, times, versions, lists
    r"|\d{1,6}|-?\d{1,4}\.\d{1,6}|[a-z]{1,16}(?:[_,.-][a-z]{1,16}){0,4}|[A-Z][a-z]{0,15}|[a-z]{1,8}\d{1,2}"
    r"|\d{4}-\d\d-\d\d(?:T[\d:.%A-Fa-fZ+-]{0,30})?|v?\d{1,3}(?:\.\d{1,4}){0,3}|[\w.]{1,16}\[\w{0,16}\]"
    r"|[a-z]{1,12}(?:[A-Z][a-z]{1,12}){0,3}|[A-Z]{2,5}|[A-Z][a-z]{1,15}/[A-Z][A-Za-z_]{1,20}"
)
_LONGEST_LOCAL = 64
_LONGEST_WORD = 4000
_FREE_ADDRESSES, _CHARACTERS_EACH = 300, 64  # with an @, that are taken apart, and one more for so much text
_LOOK = 200  # how far an @ may stand behind a password with a blank
_IN_SCHEMES = string.ascii_letters + string.digits + "+.-"
_NO_LOCAL = frozenset("%/:")
_HOST = re.compile(r"(?:[\w-]{1,63}\.){1,8}(?P<top>[A-Za-z]{2,24})(?![\w@-]|:\w*/|\.\w)")
_AT = re.compile("@|%40")
_QUOTED_EMAIL = re.compile(r"\"(?P<local>[\w.+ -]{1,64})\"(?=@(?:[\w-]{1,63}\.){1,8}[A-Za-z]{2,24}\b)")
_TOPS = words("tops")
_ROLES = words("roles")


def secrets_of_addresses(text: str) -> Iterator[Span]:
    """Yield the spans of passwords and tokens in addresses, of queries and of people's addresses."""
    has_at = "@" in text
    credentials: list[Span] = []
    if "://" in text or "%3A%2F%2F" in text or "%3a%2f%2f" in text or ":\\/\\/" in text:
        credentials += _urls(text)
    if has_at:
        credentials += _without_scheme(text)
    yield from credentials
    if "?" in text:
        yield from _queries(text)
    if has_at or "%40" in text:
        yield from _emails(text, {span.end for span in credentials})


class _Word:
    """Where the word ends that holds an address: one word may hold thousands."""

    def __init__(self, text: str) -> None:
        self._text, self._begin, self._end = text, 0, -1

    def end(self, place: int) -> int:
        """Return where the word ends in which `place` is."""
        if place > self._end or place - self._begin > _LONGEST_WORD // 2:
            self._begin, self._end = place, _end(_REST, self._text, place)
        return self._end


def _urls(text: str) -> Iterator[Span]:
    word, done = _Word(text), 0
    allowance = Allowance(free=_FREE_ADDRESSES, characters_each=_CHARACTERS_EACH)
    for match in _SCHEME.finditer(text):
        place = match.end()
        if place < done or text.find("@", place, max(word.end(place), place + _LOOK)) < 0:
            continue
        if not allowance.take(place):  # too many to take each apart: all of the word
            done = word.end(place)
            yield Span(place, done, "credentials")
        else:
            yield from _of_url(text, match.start(), place, word)


def _of_url(text: str, colon: int, place: int, word: _Word) -> Iterator[Span]:
    lowest = max(0, colon - 30)
    scheme = text[lowest + len(text[lowest:colon].rstrip(_IN_SCHEMES)) : colon].lower()
    end = _end_of_credentials(text, place, word, is_web=scheme in {"http", "https"})
    if end < 0 and scheme not in {"http", "https"} and (spaced := _SPACED.match(text, place)):
        yield Span(*spaced.span("password"), "credentials")
        return
    if end < 0 or end == place:
        return
    user, *rest = _COLON.split(text[place:end], maxsplit=1)
    password = rest[0] if rest else ""
    if password:
        begin = end - len(password)
        if not is_placeholder(password):
            yield Span(begin, end, "credentials")
        if user and _is_token(user):
            yield Span(place, place + len(user), "credentials")
    elif _is_token(user) or (
        scheme in {"http", "https", "redis", "rediss", "amqp"} and not is_ordinary_user(user)
    ):
        yield Span(place, place + len(user), "credentials")


def _end_of_credentials(text: str, place: int, word: _Word, *, is_web: bool) -> int:
    """Return where the last @ of the authority stands, -1 without one.

    A password may hold a slash, a question mark or a hash that was not encoded: then it is a later @.
    """
    authority_end, word_end = _end(_AUTHORITY, text, place), word.end(place)
    found = text.rfind("@", place, authority_end)
    last, colon = text.rfind("@", authority_end, word_end), text.find(":", place, authority_end)
    if last < 0 or colon < 0 or not _HOST_BEGIN.match(text, last + 1, word_end):
        return found
    if _end(_PORT, text, colon + 1) == authority_end or (found >= 0 and is_web):
        return found  # host:port/path@version
    return last


def _end(pattern: re.Pattern[str], text: str, place: int) -> int:
    found = pattern.match(text, place)
    return found.end() if found else place


def is_placeholder(value: str) -> bool:
    """Return whether a password's place holds a mark, stars or the name of a variable."""
    bare = MARK.sub("", value) if "[" in value else value
    if not bare.strip("*.") or _CROSSES.fullmatch(bare):
        return True
    return value.startswith(("$", "<", "{", "%(")) and is_ordinary(value)


def is_ordinary_user(user: str) -> bool:
    """Return whether a name before an @ is that of a user, not a token."""
    return _USUAL_USER.fullmatch(user) is not None or is_placeholder(user)


def _is_token(user: str) -> bool:
    return not is_placeholder(user) and (
        looks_random(user)
        or len(user) > 40
        or (len(user) >= 10 and looks_secret(user) and not is_ordinary_user(user))
    )


def _without_scheme(text: str) -> Iterator[Span]:
    at = -1
    while True:
        before, at = at, text.find("@", at + 1)
        if at < 0:
            return
        colon = text.rfind(":", max(before + 1, at - _LONGEST_PASSWORD - 1), at - _SHORTEST_PASSWORD)
        if colon < 0 or not _PASSWORD.fullmatch(text, colon + 1, at):
            continue
        if not _USER.search(text[max(before + 1, colon - _LONGEST_USER) : colon]):
            continue
        right = _RIGHT.match(text, at + 1)
        password = text[colon + 1 : at]
        if not right or is_placeholder(password) or (password.isdigit() and len(password) < 6):
            continue
        if "/" in password and not looks_random(password):
            continue  # a package and its version
        if right["driver"] or right["rest"] or looks_secret(password):
            yield Span(colon + 1, at, "credentials")


def _queries(text: str) -> Iterator[Span]:
    done = 0
    for match in _QUERY_BEGIN.finditer(text):
        before = text[match.start() - 1 : match.start()]
        if match.end() < done or not (before.isalnum() or before in _BEFORE_QUERY):
            continue
        done = _end(_QUERY_REST, text, match.end())
        for parameter in _PARAMETER.finditer(text, match.end(), done):
            start, end = parameter.span("value")
            value = text[start:end]
            while value and value[-1] in "\"'),;]}.":
                value = value[:-1]
            hash_at = value.find("#")
            value = value[:hash_at] if hash_at > 0 else value
            if value and _is_hidden_parameter(parameter["name"], value):
                lead = len(value) - len(value.lstrip("\"'"))
                yield Span(start + lead, start + len(value), "query-string")


def _is_hidden_parameter(name: str, value: str) -> bool:
    bare = (MARK.sub("", value) if "[" in value else value).strip("\"'")
    if not bare:
        return False
    folded = name.lower()
    if folded in _OPEN and not looks_random(bare):
        return False
    sure = strength(name)
    if sure and is_secret(bare, Strength.STRONG):
        return True
    if folded in _PERSONAL:
        return not is_ordinary(bare)
    return not _HARMLESS.fullmatch(bare) and not is_ordinary(bare)


def _emails(text: str, ends: set[int]) -> Iterator[Span]:
    """Yield the addresses of people. `ends`: where credentials end, so that a host follows."""
    for match in _AT.finditer(text):
        at = match.start()
        if at in ends or not (host := _HOST.match(text, match.end())):
            continue
        start, least = at, max(0, at - _LONGEST_LOCAL)
        while start > least and (text[start - 1].isalnum() or text[start - 1] in "_.+-"):
            start -= 1
        local, top = text[start:at].lower(), host["top"].lower()
        if start and text[start - 1] in _NO_LOCAL:
            continue
        if (len(top) == 2 or top in _TOPS) and local not in _ROLES and any(map(str.isalpha, local)):
            yield Span(start, host.end(), "e-mail")
    if '"@' in text:
        for quoted in _QUOTED_EMAIL.finditer(text):
            yield Span(*quoted.span("local"), "e-mail")

"""What stands behind a name and a blank: options, settings, literals of SQL, sentences, tables."""

import re
from collections.abc import Iterator

from incident_lib.expressions import expression
from incident_lib.redact.names import Strength
from incident_lib.redact.place import DOLLAR, LITERAL_PREFIX, LONG_WORD, SCHEME, Place, bare, has_both
from incident_lib.redact.quotes import OPEN, TYPOGRAPHIC, inside
from incident_lib.redact.spans import Span
from incident_lib.redact.values import is_ordinary, looks_random, looks_secret

_BLANK = expression(r"[ \t]{1,20}(?:\\\r?\n[ \t]{0,80})?")  # also where a command goes on below
_PIPE = expression(r"[ \t]{0,20}[|│][ \t]{0,20}")
_WORDS_BETWEEN = expression(
    r"(?:[ \t][a-z]{1,12}){0,3}[ \t](?:for|für|von|de|du|do|da|del|di|para|pour|per|voor|для|пользователя)"
    r"[ \t][\w.'\"@%\[\]-]{1,60}(?:[ \t]user)?(?:[ \t](?:is|ist|lautet|est|es|è|é):?|[ \t]?:)[ \t]"
    r"|(?:[ \t][a-z]{1,12}){0,3}[ \t](?:is|was|are|were|to|being|ist|lautet|est|è|é)"
    r"(?:[ \t](?:now|set to|changed to))?:?[ \t]"
    r"|[ \t](?:seed|value|string|hash|key|digest)[:=]?[ \t]"
    r"|[ \t](?:set|changed|reset|rotated|updated)?[ \t]?to:?[ \t]",
    re.IGNORECASE,
)
_SAID_LATER = expression(r"(?:[ \t][a-z]{1,12}){1,4}:[ \t]{1,4}(?=\S{10})")
_BUT = expression(r",?[ \t](?:but[ \t])?(?:got|was|found|received|actual(?:ly)?):?[ \t](?=[\"'“`])")
_OBJECTS = frozenset({"secret", "secrets", "token", "credentials", "credential"})  # which have names
_OBJECT_NAME = expression(r"[a-z][a-z\d]*(?:[-_.][a-z\d]+)+")
_QUOTED = expression(r"[ \t]{1,2}(?=[\"'“„«`])")  # set password "x"
_IN_BRACKETS = expression(r"[ \t]\((?=[\"'“`])")  # wrong password ("x")
_FROM = expression(
    r"(?:[ \t](?:for|of)[ \t][\w.@'\"-]{1,60})?"
    r"[ \t](?:was[ \t])?(?:changed|updated|rotated|reset)[ \t]from[ \t]"
)
_TO = expression(r"[ \t]to[ \t]")
_SQL = expression(
    r"[ \t]+(?:not[ \t]+)?(?:i?like|in|similar[ \t]+to|is[ \t]+(?:not[ \t]+)?distinct[ \t]+from)"
    r"[ \t]*\(?[ \t]*(?=['\"$])",
    re.IGNORECASE,
)
_SQL_LITERAL = expression(
    r"(?:[ \t\r\n]|\\040|/\*[^*]{0,200}\*/){1,40}(?=(?:[eE]|[uU]&)?'|\$\w{0,20}\$|\"|:')"
)
_DRAWN_WORD = 10
_SECOND_WORD = expression(r"[ \t]+(\S+)")
_ASSIGNMENT = expression(r"\w+=(?![=\s]|$)")
_SPOKEN_NAME = expression(r"[a-z]+(?:[A-Z_-][A-Za-z]*)+")
_BEFORE = 160  # characters in front of a name in which the command stands that sets it
_LINE_BEGIN = expression(r"(?:^|\n)[ \t]*\Z")
_QUOTED_TO_END = expression(r"[ \t]{1,20}\"([^\"\n]{1,400})\"[ \t]*;?[ \t]*(?=\r?\n|$)")
_WORD_TO_END = expression(r"[ \t]{1,20}([^\s\"';:=-][^\s\"';=]{3,400})[ \t]*;?[ \t]*(?=\r?\n|$)")
_HIDDEN = expression(r"\[secret(?::[\da-fA-F]{8})?\]?")  # its last sign may count as the end of the value
_METAVAR = expression(r"[A-Z][A-Z_]{2,30}")
_NEXT = expression(r"(?:[ \t\r\n]|\\040){1,40}(\S[^\s<>`]{0,40})")
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
        "used",
        "seed",
        "value",
        "string",
        "hash",
        "key",
        "digest",
        "received",
        "sent",
        "für",
        "de",
        "do",
        "da",
        "del",
        "pour",
        "para",
        "ist",
        "lautet",
        "est",
    }
)
# Commands and directives that set the name behind them to the word behind that.
_SETTER = expression(
    r"\b(?:proxy_set_header|(?:fastcgi|uwsgi|scgi)_param|(?:add|set)[_-]header|SetEnv|setenv|ENV"
    r"|set[ \t]+-g?x|(?:Request)?Header[ \t]+(?:always[ \t]+)?(?:set|add|append)"
    r"|config(?:[ \t]+--?\w{1,20})*(?:[ \t]+(?:set|add))?(?:[ \t]+--?\w{1,20})*"
    r"|(?:kv|secrets?|parameter|user-secrets|variables?)[ \t]+(?:set|put|add|create|write)"
    r"(?:[ \t]+--?\w{1,20})*)[ \t]+[\"']?(?:[^\s\"'=]{0,100}[/:])?\Z"
)
_VERB = expression(r"(?:set|get|add|delete|remove|list|show|create|update|rotate|use|view|unset)[-_]")
_SETTINGS = frozenset({"requirepass", "masterauth", "masteruser", "auth-pass", "sentinel-pass"})


class Apart(Place):
    """A name behind which a blank stands."""

    def apart(self, place: int, *, is_quoted: bool) -> Iterator[Span]:
        """Yield what stands behind a blank: options, settings, SQL, tables, sentences."""
        if self.sure is Strength.STRONG and (setting := self._setting(place)):
            yield setting
            return
        if self.sure >= Strength.WEAK and _SETTER.search(self.text, max(0, self.start - _BEFORE), self.start):
            yield from self._set(place)
            return
        if not self._is_worth_a_look(place):
            return
        yield from self._changed(place)
        found = self._literal(place) or self._in_sentence(place)
        if found is None and not is_quoted:
            found = self._next_word(place)
        if found:
            yield found

    def _setting(self, place: int) -> Span | None:
        """Return the value on a line that holds a setting and nothing else: ldap_password x, password "x"."""
        text = self.text
        if not _LINE_BEGIN.search(text, max(0, self.start - 40), self.start):
            return None
        name = text[self.start : self.end].lower()
        is_spoken = name.replace(" ", "").isalpha() and not name.endswith(("pw", "tok"))
        found = _QUOTED_TO_END.match(text, place) or (None if is_spoken else _WORD_TO_END.match(text, place))
        if not found or not self.is_secret(found[1]) or found[1].isupper():
            return None
        return self.span(*found.span(1))

    def _set(self, place: int) -> Iterator[Span]:
        """Yield what a command or a directive sets the name to."""
        if _VERB.match(self.text, self.start, self.end):
            return  # config set-credentials ops
        self.name_a_value()
        blank = _BLANK.match(self.text, place)
        begin = blank.end() if blank else place
        if opened := OPEN.match(self.text, begin):
            start, end = inside(self.text, opened)
        elif found := bare(self.text, begin):
            start, end = begin, self.bare_end(found)
            while self.text[end - 1] == ";":
                end -= 1
        else:
            return
        if self.sure in {Strength.HEADER, Strength.COOKIE}:
            if scheme := SCHEME.match(self.text, start, end):
                start = scheme.end()
            self.sure = Strength.STRONG
        if self.text[start : start + 1] not in {"-", "$"} and self.is_secret(self.text[start:end]):
            yield self.span(start, end)

    def _literal(self, place: int) -> Span | None:
        """Return a literal of SQL or of a command line: PASSWORD 'x', token LIKE 'x%', --password 'x'."""
        text = self.text
        name = text[self.start : self.end].lower()
        if (literal := _SQL_LITERAL.match(text, place)) and ("passw" in name or "secret" in name):
            prefix = LITERAL_PREFIX.match(text, literal.end())
            place = prefix.end() if prefix else literal.end()
            if dollar := DOLLAR.match(text, place):
                return next(self.dollars(dollar), None)
            opened = OPEN.match(text, place)
            if opened and (opened[0] == "'" or self.is_option()):
                start, end = inside(text, opened)
                if "passw" in name or looks_secret(text[start:end]):
                    return next(self.quoted(opened), None)
            return None
        if (sql := _SQL.match(text, place)) and (opened := OPEN.match(text, sql.end())):
            return next(self.quoted(opened), None)
        return None

    def _in_sentence(self, place: int) -> Span | None:
        """Return what a sentence or a table names: the password is x, password for app: x, | token | x |."""
        text = self.text
        if words := _WORDS_BETWEEN.match(text, place):
            return self._stated(words.end())
        if (later := _SAID_LATER.match(text, place)) and (found := bare(text, later.end())):
            return self.span(later.end(), self.bare_end(found)) if looks_random(found[0]) else None
        if (quoted := _QUOTED.match(text, place)) and not self.is_option():
            stated = self._stated(quoted.end())
            value = text[stated.start : stated.end] if stated else ""
            is_drawn = looks_random(value) or (self.sure is Strength.STRONG and _is_drawn(value))
            is_name = self.text[self.start : self.end].lower() in _OBJECTS and _OBJECT_NAME.fullmatch(value)
            return stated if is_drawn and not is_name else None
        if bracket := _IN_BRACKETS.match(text, place):
            return self._stated(bracket.end())
        if (pipe := _PIPE.match(text, place)) and "{{" not in text[max(0, self.start - 60) : self.start]:
            found = bare(text, pipe.end())
            is_mixed = found and self.sure is Strength.STRONG and has_both(found[0])
            if found and (looks_random(found[0]) or (is_mixed and self.is_secret(found[0]))):
                return self.span(found.start(), self.bare_end(found))
        return None

    def _stated(self, place: int) -> Span | None:
        """Return what stands where a sentence says the secret, in quotes or bare."""
        text = self.text
        if TYPOGRAPHIC.match(text, place):
            stated = self.typographic(place)
            return stated if stated and self.is_secret(text[stated.start : stated.end]) else None
        if text[place : place + 1] in {"'", '"', "`"} and (opened := OPEN.match(text, place)):
            start, end = inside(text, opened)
            is_stated = " " not in text[start:end] and self.is_secret(text[start:end])
            return self.span(start, end) if is_stated else None
        found = bare(text, place)
        if found and (looks_random(found[0]) or has_both(found[0])) and self.is_secret(found[0]):
            return self.span(found.start(), self.bare_end(found))
        return None

    def _changed(self, place: int) -> Iterator[Span]:
        """Yield both values of a secret that was changed from one to the other."""
        quoted = _QUOTED.match(self.text, place) if self.sure is Strength.STRONG else None
        first = self._stated(quoted.end()) if quoted else None
        if first and (but := _BUT.match(self.text, first.end + 1)):
            yield first
            yield from filter(None, (self._stated(but.end()),))
        if (changed := _FROM.match(self.text, place)) and (old := self._stated(changed.end())):
            yield old
            place = old.end + (self.text[old.end : old.end + 1] in {"'", '"', "`"})
            if (to := _TO.match(self.text, place)) and (new := self._stated(to.end())):
                yield new

    def _next_word(self, place: int) -> Span | None:
        """Return the argument of an option or a setting, or a word that was drawn."""
        text = self.text
        blank = _BLANK.match(text, place)
        if blank is None or _WORDS_BETWEEN.match(text, place):
            return None
        is_setting = text[self.start : self.end].lower() in _SETTINGS
        if (opened := OPEN.match(text, blank.end())) and (self.is_option() or is_setting):
            return next(self.quoted(opened), None)
        found = bare(text, blank.end())
        if not found or found[0].startswith("-"):
            return None
        end = self.bare_end(found)
        value = _HIDDEN.sub("", text[found.start() : end])
        name = text[self.start : self.end].lower()
        if name.endswith("-pass") and (second := _SECOND_WORD.match(text, end)):
            return self.span(*second.span(1))  # sentinel auth-pass NAME x
        if name in _SETTINGS:
            is_hidden = not is_ordinary(value)
        elif self.is_option() and name == "secret" and _SPOKEN_NAME.fullmatch(value):
            is_hidden = False  # a flag, and the name of what is set
        elif self.is_option():
            is_argument = len(blank[0]) == 1 or looks_random(value) or has_both(value)
            is_other = _ASSIGNMENT.match(value) or _METAVAR.fullmatch(value)
            is_hidden = is_argument and not is_other and self.is_secret(value)
        elif self.sure is Strength.STRONG:
            is_hidden = self.is_secret(value) and (looks_random(value) or _is_drawn(value))
        else:
            least = _DRAWN_WORD if self.sure is Strength.WEAK else LONG_WORD
            is_hidden = looks_random(value) and len(value) >= least and not is_ordinary(value)
        return self.span(found.start(), end) if is_hidden else None

    def _is_worth_a_look(self, place: int) -> bool:
        """Return whether what stands behind a blank may be more than the next word of a sentence."""
        found = _NEXT.match(self.text, place)
        if found is None:
            return False
        word = found[1]
        if (
            any(sign in word for sign in "\"'")
            or TYPOGRAPHIC.match(word)
            or _SAID_LATER.match(self.text, place)
        ):
            return True
        return (
            not word.isalpha()
            or len(word) > 7
            or word.lower() in _LEADING
            or self.start == 0
            or self.is_option()
            or self.text[self.start : self.end].lower() in _SETTINGS
        )


def _is_drawn(value: str) -> bool:
    """Return whether a value behind a blank is drawn and no word: letters and digits, or mixed capitals."""
    return has_both(value) and not re.fullmatch(
        r"[a-z]+[-_.]?\d{1,3}|v?\d[\d.]*[a-z]{0,3}|[a-z]+(?:-[a-z\d]+)+", value
    )

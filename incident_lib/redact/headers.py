"""Headers behind their names -> the spans of credentials, cookies and parameters."""

import re
from collections.abc import Iterator

from incident_lib.redact.brackets import Bracketed
from incident_lib.redact.names import Strength
from incident_lib.redact.place import LITERAL_PREFIX, SCHEME, bare
from incident_lib.redact.quotes import OPEN, closing, inside
from incident_lib.redact.spans import Span
from incident_lib.redact.values import is_secret

_LINE_END = re.compile(r"\r?\n|\\r\\n|\\n(?=[A-Za-z-]{1,40}:)|$")
_COOKIE = re.compile(r"(?P<name>[^\s=;,\"'\\]{1,200})=(?P<value>[^;]*)")
_ATTRIBUTES = frozenset(
    {"path", "domain", "expires", "max-age", "samesite", "version", "priority", "comment"}
)
_OTHER_SCHEME = re.compile(r"[A-Za-z][\w-]{2,30}[ ]+(?=[\w-]{1,40}=\\{0,3}\")")
_PARAMETER = re.compile(
    r"(?P<name>[A-Za-z_][\w-]{0,30})=(?P<quote>\\{0,3}\")?(?P<value>[^\"\\,\s]{1,4000})(?:\\{0,3}\")?[,;\s]*"
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


class Headers(Bracketed):
    """A name behind which a header may stand."""

    def header(self, place: int, sign: str, *, is_quoted: bool) -> Iterator[Span]:
        """Yield the secrets of the header whose value begins there."""
        text = self.text
        if prefix := LITERAL_PREFIX.match(text, place):
            place = prefix.end()
        if opened := OPEN.match(text, place):
            start, end = inside(text, opened)
        elif text[place : place + 1] == "[" and not is_quoted and (ended := self._list_end(place)):
            start, end = place + 1, ended
        elif text[place : place + 1] in {"[", "{"} and is_quoted:
            yield from self.bracketed(place, is_quoted=is_quoted)
            return
        elif sign in {"=", "%3D", "%3d"} and self.sure is Strength.HEADER:
            scheme = SCHEME.match(text, place)
            found = bare(text, scheme.end() if scheme else place)
            if not found:
                return
            start, end = place, self.bare_end(found)
        else:
            start, end = place, self._header_end(place)
        value = text[start:end]
        if is_secret(value, self.sure):
            yield from self._of_header(start, end)

    def _list_end(self, place: int) -> int:
        """Return where the values end that Go prints of a header, 0 where they do not on the line."""
        close = self.text.find("]", place, self.line_end(place))
        return max(close, 0)

    def _of_header(self, start: int, end: int) -> Iterator[Span]:
        """Yield what of a header is secret: values of cookies, of parameters, or all behind the scheme."""
        text = self.text
        if self.sure is Strength.COOKIE:
            for pair in _COOKIE.finditer(text, start, end):
                if pair["name"].lower() not in _ATTRIBUTES and pair["value"].strip():
                    yield self.span(*pair.span("value"))
            return
        scheme = SCHEME.match(text, start, end) or _OTHER_SCHEME.match(text, start, end)
        begin = scheme.end() if scheme and scheme.end() < end else start
        parameters = list(_PARAMETER.finditer(text, begin, end))
        is_list = parameters and (parameters[0]["quote"] or "," in text[begin:end])
        if is_list and parameters[0].start() == begin:
            for pair in parameters:
                if pair["name"].lower() not in _OPEN_PARAMETERS:
                    yield self.span(*pair.span("value"))
            return
        yield self.span(begin, end)

    def _header_end(self, place: int) -> int:
        """Return where a header ends that is not quoted itself: at its line's end, or its string's."""
        text = self.text
        end = self.line_end(place)
        self.budget.spend(place, end)
        if found := _LINE_END.search(text, place, end):
            end = found.start()
        opening = text[max(0, self.start - 4) : self.start]
        if before := re.search(r"(\\{0,3}[\"'])(?:[ \t]*)\Z", opening):
            close = closing(text, place, end, before[1][-1], len(before[1]) - 1)
            return end if close < 0 else close
        # Inside a string that began further left, the string's end is the header's.
        begin = text.rfind("\n", 0, self.start) + 1
        line = text[max(begin, self.start - 400) : self.start]
        for quote in ('"', "'"):
            if line.count(quote) % 2 and (close := text.find(quote, place, end)) >= 0:
                while close >= 0 and text[close - 1] == "\\":
                    close = text.find(quote, close + 1, end)
                if close >= 0:
                    return close
        return end

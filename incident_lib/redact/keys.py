"""Private keys: blocks between BEGIN and END, on one line, behind prefixes, or cut."""

import base64
import binascii
import re
from collections.abc import Iterator

from incident_lib.redact.spans import Span

_KIND = r"(?:[A-Z\d ]{0,40}PRIVATE KEY(?: BLOCK)?|OpenVPN Static key V\d)"
_BEGIN = re.compile(rf"-{{4,5}} ?BEGIN {_KIND} ?-{{4,5}}")
_END = re.compile(rf"-{{4,5}} ?END {_KIND} ?-{{4,5}}")
_LINE_END = re.compile(r"\n")
_BODY = re.compile(r"[A-Za-z\d+/_-]{16,}={0,2}|[A-Za-z\d+/]{2,}={1,2}")
_SHORT_BODY = re.compile(r"(?:^|[\s\"'|>:])([A-Za-z\d+/]{1,64}={0,2})[\"'\\nr]*$|=[A-Za-z\d+/]{4}\b")
_HEADER = re.compile(
    r"\b(?:Proc-Type|DEK-Info|Version|Comment|Hash|Charset|MessageID|Subject|x-\w+): ?[^\n\"]*"
)
_ON_ONE_LINE = re.compile(r"(?:\\{1,4}[nr]|[A-Za-z\d+/= \t]|%0[aAdD]|%2[bBfF]|%3[dD]|<br/?>)+")
_ENCODED = re.compile(r"LS0tLS1CRUdJTi[A-Za-z\d+/_-]{20,}={0,2}")
_PUTTY = re.compile(r"(?m)^Private-(?:Lines: \d{1,3}|MAC: (?P<mac>[\da-f]{32,64}))")
# Keys without marks around them: the line before them says what they are.
_EXPORTED = re.compile(
    r"(?:BORG_KEY [\da-f]{2,64}|untrusted comment: [^\n]{0,80}secret key[^\n]{0,40})[ \t]*\r?\n"
)
_EXPORTED_LINE = re.compile(r"(?:^|[\s|])([A-Za-z\d+/]{32,}={0,2}|[A-Za-z\d+/]{2,31}={1,2})\r?$")
_WHOLE_LINE = re.compile(r"[A-Za-z\d+/]{40,76}={0,2}")
_LONGEST_MARK, _LONGEST_PUTTY = 60, 8192
_KEY_LINE, _LONGEST_KEY_LINE = re.compile(rb"[A-Za-z\d+/]{40}={0,2}\r?\Z"), 80
_LINE_BREAKS = re.compile(r"(?:\\+[nr])+$")  # as JSON writes them
_SHORTEST = 16
_SHORT_KEY, _FEW_LINES = 1000, 5
_MOST_LINES = 250
_MOST = 64 * 1024


def private_keys(text: str) -> Iterator[Span]:
    """Yield the spans of what private keys consist of; a line that only mentions one stays."""
    if "PRIVATE KEY" in text or "Static key" in text:
        done = 0
        ends, line_ends = _Next(_END, text), _Next(_LINE_END, text)
        for match in _BEGIN.finditer(text):
            if match.start() < done:
                continue
            for span in _block(text, match.end(), ends, line_ends):
                done = max(done, span.end)
                yield span
        yield from _without_beginning(text)
    if "LS0tLS1CRUdJTi" in text:
        for match in _ENCODED.finditer(text):
            try:
                begin = base64.b64decode(match[0][:60])
            except binascii.Error:
                continue
            if b"PRIVATE" in begin:
                yield Span(match.start(), match.end(), "private-key")
    yield from _without_marks(text)


def _without_marks(text: str) -> Iterator[Span]:
    """Yield the lines of keys that have a header of their own."""
    if "Private-Lines" in text:
        yield from _putty(text)
    if "BORG_KEY" in text or "untrusted comment: " in text:
        yield from _exported(text)


class _Next:
    """Where the next of something stands, found once for all the places before it."""

    def __init__(self, pattern: re.Pattern[str], text: str) -> None:
        self._pattern, self._text = pattern, text
        self._from, self._found = 0, pattern.search(text)

    def before(self, place: int, limit: int) -> re.Match[str] | None:
        """Return the first that begins at `place` or behind it and ends before `limit`."""
        if self._found and not self._from <= place <= self._found.start():
            self._from, self._found = place, self._pattern.search(self._text, place)
        return self._found if self._found and self._found.end() <= limit else None


def _block(text: str, place: int, ends: _Next, line_ends: _Next) -> Iterator[Span]:
    """Yield what a key consists of behind its first mark: on its line, or line by line."""
    found = line_ends.before(place, len(text))
    line_end = found.start() if found else len(text)
    if end := ends.before(place, min(line_end, place + _MOST)):
        if any(map(str.isalnum, text[place : end.start()])):
            yield Span(place, end.start(), "private-key")
        return
    if rest := _ON_ONE_LINE.match(text, place, min(line_end, place + _MOST)):
        body = _LINE_BREAKS.sub("", rest[0])
        if len(body.strip()) >= _SHORTEST:
            yield Span(place, place + len(body.rstrip("\\")), "private-key")
    end = ends.before(line_end, line_end + _SHORT_KEY)
    is_begun = end is not None and text.count("\n", line_end, end.start()) <= _FEW_LINES
    for _ in range(_MOST_LINES):
        start = line_end + 1
        line_end = _line_end(text, start)
        line = text[start:line_end]
        if start > len(text) or _END.search(line) or _BEGIN.search(line):
            return
        places = list(_of_line(line, is_begun=is_begun))
        is_begun = is_begun or bool(places)
        for begin, end_of in places:
            yield Span(start + begin, start + end_of, "private-key")
        if not places and line.strip() and "[secret" not in line and not _HEADER.search(line):
            return


def _without_beginning(text: str) -> Iterator[Span]:
    """Yield the lines of a key that was cut in front."""
    for match in _END.finditer(text):
        line_start = text.rfind("\n", 0, match.start()) + 1
        for _ in range(_MOST_LINES):
            end = line_start - 1
            line_start = text.rfind("\n", 0, max(end, 0)) + 1
            if end <= 0 or not (line := _WHOLE_LINE.search(text, line_start, end)) or line.end() != end:
                break
            yield Span(line.start(), end, "private-key")


def _line_end(text: str, place: int) -> int:
    end = text.find("\n", place)
    return len(text) if end < 0 else end


def _of_line(line: str, *, is_begun: bool) -> Iterator[tuple[int, int]]:
    """Yield where a line has what belongs to a key, behind whatever a log puts in front."""
    if header := _HEADER.search(line):
        if header[0].startswith("DEK-Info"):
            yield header.span()
        return
    found = False
    for body in _BODY.finditer(line):
        found = True
        yield body.span()
    if is_begun and not found and (short := _SHORT_BODY.search(line)):
        yield short.span(1 if short[1] else 0)


def _putty(text: str) -> Iterator[Span]:
    for match in _PUTTY.finditer(text):
        if match["mac"]:
            yield Span(*match.span("mac"), "private-key")
            continue
        place = text.find("\n", match.end()) + 1
        while place and (line := re.compile(r"[A-Za-z\d+/]{4,64}={0,2}\r?(?=\n|$)").match(text, place)):
            yield Span(place, line.end(), "private-key")
            place = line.end() + 1


def _exported(text: str) -> Iterator[Span]:
    done = 0
    for match in _EXPORTED.finditer(text):
        if match.end() < done:
            continue
        done = match.end()
        for _ in range(_MOST_LINES):
            end = _line_end(text, done)
            line = _EXPORTED_LINE.search(text[done:end])
            if line is None:
                break
            yield Span(done + line.start(1), done + line.end(1), "private-key")
            done = end + 1


def open_key(data: bytes) -> int:
    """Return where a secret key begins whose end is not in the data, -1 where there is none."""
    begin = data.rfind(b"BEGIN ", max(0, len(data) - _MOST))
    if begin >= 0 and data.find(b"END ", begin) < 0:
        mark = data[begin : begin + _LONGEST_MARK]
        if b"PRIVATE KEY" in mark or b"Static key" in mark:
            return data.rfind(b"\n", 0, begin) + 1
    begin = data.rfind(b"Private-Lines: ", max(0, len(data) - _LONGEST_PUTTY))
    if begin >= 0 and data.find(b"Private-MAC: ", begin) < 0:
        return data.rfind(b"\n", 0, begin) + 1
    return -1


def may_be_of_key(line: bytes) -> bool:
    """Return whether a line ends with base64, as the lines of a key whose beginning was cut away."""
    return _KEY_LINE.search(line[-_LONGEST_KEY_LINE:]) is not None

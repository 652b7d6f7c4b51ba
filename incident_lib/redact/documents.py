"""Strings of JSON in a text, each by itself: read without their escapes, and no mark crosses their ends."""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence

import msgspec

from incident_lib.redact.names import Strength, strength
from incident_lib.redact.spans import Span
from incident_lib.redact.spelling import without_json_escapes

_BEGIN = re.compile(r"[\[{]\s*[\"\[{\]}]")
_STRING = re.compile(r"\"([^\"\\]*+(?:\\.[^\"\\]*+)*+)\"")
_HIDES = re.compile(r"\\[\"nrt](?!$)|\\\\[0x]")  # escapes that change how a string reads
_IS_NAME = re.compile(r"\s{0,20}:")
_NAME_BEFORE = re.compile(r"\"([\w.-]{1,64})\"\s{0,20}:\s{0,20}\"\Z")
_FAR = 110
_APART = "\n\n"
_SHORTEST, _MOST_SLASHES = 8, 200

Strings = Sequence[tuple[int, int]]  # where the strings of a document begin and end, without quotes


class Documents:
    """The documents of a text: all of it, or one on each line, behind whatever a log puts in front.

    >>> text = '18:00 {"a": "x"}'
    >>> [text[first:last] for first, last in Documents(text).strings(10)]
    ['a', 'x']
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._line, self._end = 0, -1
        self._strings: Strings = ()
        stripped = text.strip()
        if stripped[:1] in {"{", "["} and "\n" in stripped and _is_json(text):
            self._strings, self._end = _strings(text, 0, len(text)), len(text)

    def strings(self, place: int) -> Strings:
        """Return the strings of the document in which `place` is, none where it is in none."""
        if not self._line <= place <= self._end:
            text = self._text
            self._line = text.rfind("\n", 0, place) + 1
            end = text.find("\n", place)
            self._end = len(text) if end < 0 else end
            self._strings = self._of_line()
        return self._strings

    def _of_line(self) -> Strings:
        text = self._text
        if not (begun := _BEGIN.search(text, self._line, self._end)):
            return ()
        begin = begun.start()
        end = text.rfind("}" if text[begin] == "{" else "]", begin, self._end) + 1
        return _strings(text, begin, end) if _is_json(text[begin:end]) else ()


def _is_json(text: str) -> bool:
    try:
        msgspec.json.decode(text, type=msgspec.Raw)
    except (msgspec.MsgspecError, RecursionError):
        return False
    return True


def _strings(text: str, begin: int, end: int) -> Strings:
    return [found.span(1) for found in _STRING.finditer(text, begin, end)]


def within_strings(text: str, spans: Iterable[Span]) -> Iterator[Span]:
    """Yield the spans so that each lies in one string of its document, and a document stays one."""
    documents = Documents(text)
    for span in sorted(spans):
        is_inside = '"' not in text[span.start : span.end] and text[span.end - 1] != "\\"
        if is_inside and text[span.start - 1 : span.start] != "\\":
            if not _is_next_name(text, span) or not documents.strings(span.start):
                yield span
            continue
        strings = documents.strings(span.start)
        if not strings or span.quote:
            yield span
            continue
        number = bisect_right(strings, (span.start, len(text))) - 1
        if number >= 0 and span.start < strings[number][1]:
            yield _with_whole_escapes(text, span._replace(end=min(span.end, strings[number][1])))
        elif '"' not in text[span.start : span.end]:
            yield span  # of a number
        else:
            for first, last in strings[number + 1 :]:
                if first >= span.end:
                    break
                if last > first and not _IS_NAME.match(text, last + 1):
                    yield span._replace(start=first, end=last, secret="")


def _is_next_name(text: str, span: Span) -> bool:
    """Return whether a span is all of a name: an option that ends the string before it has no argument."""
    is_whole = text[span.start - 1 : span.start] == '"' and text.startswith('"', span.end)
    return span.kind == "secret" and is_whole and _IS_NAME.match(text, span.end + 1) is not None


def _with_whole_escapes(text: str, span: Span) -> Span:
    """Return the span without the half of an escape at its ends."""
    start, end = span.start, span.end
    if _is_escaped(text, start):
        start = min(start + (5 if text[start] == "u" else 1), end)
    if _is_escaped(text, end) and end > start:
        end -= 1
    return span._replace(start=start, end=end)


def _is_escaped(text: str, place: int) -> bool:
    """Return whether a backslash escapes what stands at a place."""
    before = text[max(0, place - _MOST_SLASHES) : place]
    return (len(before) - len(before.rstrip("\\"))) % 2 == 1


class Unescaped:
    r"""The strings of a text's documents that read otherwise without their escapes, as one text.

    Of those, the ones with a hint of a secret: `next_hint` returns where the next stands, -1 for none.

    >>> text = r'{"a": "login \"x\" failed"}'
    >>> unescaped = Unescaped(text, lambda place: text.find("login", place))
    >>> unescaped.text, unescaped.source(Span(7, 8, "secret"))[:2]
    ('login "x" failed', (15, 16))
    """

    def __init__(self, text: str, next_hint: Callable[[int], int]) -> None:
        self._begins: list[int] = []  # where each string begins among those that are joined
        self._sources: list[int] = []
        self._read: list[tuple[int, int]] = []  # strings whose own text tells what of them is secret
        raw: list[str] = []
        length = 0
        for first, last in _escaped_strings(text, next_hint):
            self._begins.append(length)
            self._sources.append(first)
            raw.append(text[first:last])
            if not _is_header(text, first):
                self._read.append((first, last))
            length += last - first + len(_APART)
        joined = _APART.join(raw)
        self._view = without_json_escapes(joined)
        self.text = self._view.text

    def is_read_here(self, span: Span) -> bool:
        """Return whether a span of the text begins in a string that is read here, without escapes."""
        number = bisect_right(self._read, (span.start, span.start)) - 1
        return number >= 0 and self._read[number][0] < span.start < self._read[number][1]

    def source(self, span: Span) -> Span:
        """Return the span in the text itself."""
        start, end = self._view.source(span.start, span.end)
        number = bisect_right(self._begins, start) - 1
        moved = self._sources[number] - self._begins[number]
        quote = span.quote.replace("\\", "\\\\").replace('"', '\\"')
        secret = span.secret or self.text[span.start : span.end]
        return span._replace(start=start + moved, end=end + moved, quote=quote, secret=secret)


def _is_header(text: str, first: int) -> bool:
    """Return whether a string is the value of a header, of which its name decides what is secret."""
    name = _NAME_BEFORE.search(text, max(0, first - _FAR), first)
    return name is not None and strength(name[1]) >= Strength.HEADER


def _escaped_strings(text: str, next_hint: Callable[[int], int]) -> Iterator[tuple[int, int]]:
    documents = Documents(text)
    place = next_hint(0)
    while place >= 0:
        line_end = text.find("\n", place)
        line_end = len(text) if line_end < 0 else line_end
        done = line_end
        if text.find("\\", text.rfind("\n", 0, place) + 1, line_end) >= 0:
            strings = documents.strings(place)
            number = bisect_right(strings, (place, len(text))) - 1
            if number >= 0 and place < strings[number][1]:
                first, done = strings[number]
                if done - first >= _SHORTEST and _HIDES.search(text, first, done):
                    yield first, done
            elif number + 1 < len(strings):
                done = min(strings[number + 1][0], line_end)
        place = next_hint(max(done, place + 1)) if done < len(text) else -1

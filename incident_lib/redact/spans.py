"""Where secrets stand in a text, and the text with marks in their places."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple


class Span(NamedTuple):
    """A secret's place. `quote` is put around its mark, where the place itself has no quotes.

    `secret` is what stands there in another spelling.
    """

    start: int
    end: int
    kind: str
    quote: str = ""
    secret: str = ""


def beside_marks(text: str, spans: Iterable[Span], marks: Sequence[tuple[int, int]]) -> Iterator[Span]:
    """Yield the spans without what they have of marks; one that holds nothing else is left out."""
    ends = [end for _, end in marks]
    for span in spans:
        start, end = span.start, span.end
        number = bisect_right(ends, start)  # the first mark that ends behind the start
        if number < len(marks) and marks[number][0] <= start:
            start = marks[number][1]
            number += 1
        rest, at = [], start
        while number < len(marks) and marks[number][0] < end:
            first, last = marks[number]
            rest.append(text[at:first])
            if end <= last:
                end = first
            at, number = last, number + 1
        rest.append(text[at:end])
        if start < end and any(map(str.isalnum, "".join(rest))):
            yield span._replace(start=start, end=end)


def replaced(text: str, spans: Iterable[Span], mark: Callable[[str], str], hidden: Counter[str]) -> str:
    """Return the text with a mark for each secret; those that overlap are one."""
    parts: list[str] = []
    place = 0
    for span in _merged(spans):
        value = span.secret or text[span.start : span.end]
        parts += (text[place : span.start], span.quote, mark(value), span.quote)
        place = span.end
        hidden[span.kind] += 1
    parts.append(text[place:])
    return "".join(parts)


def _merged(spans: Iterable[Span]) -> list[Span]:
    merged: list[Span] = []
    for span in sorted(spans, key=lambda span: (span.start, -span.end)):
        if merged and span.start < merged[-1].end:
            last = merged[-1]
            if span.end > last.end:
                merged[-1] = last._replace(end=span.end)
        else:
            merged.append(span)
    return merged

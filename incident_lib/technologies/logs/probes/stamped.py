"""Lines that an engine has kept -> their text and their times, a block at a time.

Both are what `open_document` and `open_stamped` return line by line. A block that holds anything else than
engines write has no such answer here, and is opened by its lines.
"""

import re
from collections.abc import Callable
from operator import attrgetter, itemgetter

import msgspec
import numpy as np

from incident_lib.technologies.logs.probes import times
from incident_lib.technologies.logs.probes.columns import Bytes, Flags, Floats, Numbers
from incident_lib.technologies.logs.probes.engine_file import Document

_SECOND = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")
_SECOND_BYTES = 19
_DIGITS = 9  # behind the second, at most
_LONGEST_TIME = _SECOND_BYTES + 1 + _DIGITS + 1
_LINE_END, _OPENING, _CLOSING, _POINT, _ZULU, _SPACE = b"\n{}.Z "


class Stamped(msgspec.Struct, frozen=True, eq=False):
    """Lines, each with its end, and when each was written."""

    text: bytes
    at: Floats


OpeningAll = Callable[[bytes], Stamped | None]  # of a block; None where it is to be opened by its lines

_decode_lines = msgspec.json.Decoder(Document).decode_lines
_logs, _times, _last = attrgetter("log"), attrgetter("time"), itemgetter(-1)


def open_documents(block: bytes) -> Stamped | None:
    r"""Return the lines that an engine's file holds, None where any document is no whole line.

    >>> found = open_documents(b'{"log":"ready\\n","stream":"stdout","time":"2026-01-15T14:31:05.25Z"}\n')
    >>> found.text, found.at.tolist()
    (b'ready\n', [1768487465.25])
    """
    raw: Bytes = np.frombuffer(block, dtype=np.uint8)
    ends = np.flatnonzero(raw == _LINE_END)
    if not block.endswith(b"}\n") or raw[0] != _OPENING:
        return None
    if (raw[ends - 1] != _CLOSING).any() or (raw[ends[:-1] + 1] != _OPENING).any():
        return None  # so that no document goes on behind a line end
    try:
        documents = _decode_lines(block)
        logs = [*map(_logs, documents)]
        if len(documents) != len(ends) or {*map(_last, logs)} != {"\n"}:
            return None
        stamps = np.array([*map(_times, documents)], dtype=f"S{_LONGEST_TIME + 1}")
    except (msgspec.DecodeError, UnicodeError, IndexError):  # the last: a text without any character
        return None
    text = "".join(logs).encode()
    if np.count_nonzero(np.frombuffer(text, dtype=np.uint8) == _LINE_END) != len(logs):
        return None
    at = _moments(stamps.view(np.uint8).reshape(len(logs), -1))
    return None if at is None else Stamped(text, at)


def open_answer(block: bytes) -> Stamped | None:
    r"""Return the lines of an engine's answer, None where any does not begin with a time of nine digits.

    >>> found = open_answer(b"2026-01-15T14:31:05.250000000Z ready\n")
    >>> found.text, found.at.tolist()
    (b'ready\n', [1768487465.25])
    """
    raw: Bytes = np.frombuffer(block, dtype=np.uint8)
    starts: Numbers = np.append(0, np.flatnonzero(raw == _LINE_END) + 1)
    width = _LONGEST_TIME + 1
    if starts[-1] != len(raw) or len(starts) < 2 or starts[-2] + width >= len(raw):
        return None
    stamps: Bytes = np.lib.stride_tricks.sliding_window_view(raw, width)[starts[:-1]]
    if (stamps[:, -1] != _SPACE).any() or (stamps[:, -2] != _ZULU).any():
        return None
    stamps[:, -1] = 0
    at = _moments(stamps)
    if at is None:
        return None
    return Stamped(b"\n".join([line[width:] for line in block.split(b"\n")]), at)


def _moments(stamps: Bytes) -> Floats | None:
    """Return the moments, None where a row is no time in UTC of up to nine digits, filled up with zeros."""
    columns = np.ascontiguousarray(stamps.T)  # the same place of all of them next to each other
    seconds, behind = columns[:_SECOND_BYTES], columns[_SECOND_BYTES:]
    is_new: Flags = np.append(True, (seconds[:, 1:] != seconds[:, :-1]).any(axis=0))
    known: dict[bytes, float] = {}
    whole = []
    for row in stamps[is_new, :_SECOND_BYTES]:
        second = row.tobytes()
        if second not in known:
            found = times.from_iso(f"{second.decode()}Z") if _SECOND.fullmatch(second) else None
            if found is None:
                return None
            known[second] = found[0]
        whole.append(known[second])
    digits = behind[1 : _DIGITS + 1] - np.uint8(ord("0"))
    is_digit = digits < len("0123456789")
    counts = is_digit.sum(axis=0)
    lengths = np.where(counts > 0, counts + 1, 0)  # with the point
    is_usual = (behind[0] == _POINT) | (counts == 0)
    is_usual &= (is_digit == (np.arange(_DIGITS)[:, None] < counts)).all(axis=0)
    is_usual &= behind[lengths, np.arange(len(stamps))] == _ZULU
    is_usual &= (behind != 0).sum(axis=0) == lengths + 1
    if not is_usual.all():
        return None
    fractions = np.zeros(len(stamps), dtype=np.int64)
    for row in digits * is_digit:
        fractions = fractions * 10 + row
    at: Floats = np.array(whole)[np.cumsum(is_new) - 1] + fractions / 10.0**_DIGITS
    return at

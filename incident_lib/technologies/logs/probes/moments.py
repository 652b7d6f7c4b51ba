"""What the beginning and the end of a log say about its times, and where a moment is in it."""

from collections.abc import Callable, Iterable

from incident_lib.technologies.logs.probes.envelope import unwrap
from incident_lib.technologies.logs.probes.formats import parse
from incident_lib.technologies.logs.probes.line import LONGEST, clean
from incident_lib.technologies.logs.probes.times import UNDECIDED, DateOrder

PEEK_BYTES = 64 * 1024
_QUARTER = 900  # seconds: zones differ by whole quarters of an hour
_ODD_ZONES = (-9.5, -3.5, -2.5, 3.5, 4.5, 5.5, 5.75, 6.5, 8.75, 9.5, 10.5, 12.75, 13.75)  # hours east of UTC
_ZONES = frozenset(int(hours * 3600) for hours in (*range(-12, 15), *_ODD_ZONES))

ReadAt = Callable[[int, int], bytes]  # (start, size) -> at most that many bytes


def first_time(lines: Iterable[bytes], order: DateOrder = UNDECIDED) -> float | None:
    """Return the time of the first line that has a time, None if none has.

    >>> first_time([b"ready", b"1970-01-01T00:01:00Z INFO done"])
    60.0
    """
    return next((at for at, _ in (_read(line, order) for line in lines) if at is not None), None)


def last_time(lines: list[bytes], order: DateOrder = UNDECIDED) -> float | None:
    """Return the time of the last line that has a time, None if none has."""
    return first_time(reversed(lines), order)


def seek(
    read: ReadAt, size: int, start: float, *, order: DateOrder = UNDECIDED, peek: int = PEEK_BYTES
) -> int:
    """Return an offset a little before the first line of that time in a log in order of time.

    Cost: about twenty small reads.
    """
    low, high = 0, size
    while high - low > peek:
        middle = (low + high) // 2
        at = first_time(read(middle, peek).split(b"\n")[1:], order)
        if at is not None and at < start:
            low = middle
        else:
            high = middle
    return max(low - peek, 0)


def zone_shift(tail: bytes, modified_at: float, order: DateOrder = UNDECIDED) -> float:
    """Return what to add to the times of a log that is written in local time without a zone: 0 for most.

    The file's time of change shows it: it is that of the last line, give or take whole quarters of an hour.

    >>> zone_shift(b"1970-01-01 02:00:00 INFO done", 3_600.5)
    -3600.0

    No zone is a quarter of an hour from UTC: the file was only touched then.

    >>> zone_shift(b"1970-01-01 02:00:00 INFO done", 8_100.0)
    0.0
    """
    read = (_read(text, order) for text in reversed(tail.split(b"\n")))
    at, zoned = next(((at, zoned) for at, zoned in read if at is not None), (None, True))
    if at is None or zoned:
        return 0.0
    return zone_away(modified_at - at) or 0.0


def zone_away(seconds: float) -> float | None:
    """Return what to add to a local time that is so far from UTC; None where no zone is.

    >>> zone_away(-3_599.5), zone_away(700.0)
    (-3600.0, None)
    """
    shift = round(seconds / _QUARTER) * _QUARTER
    return float(shift) if -shift in _ZONES and abs(seconds - shift) <= 2 else None


def _read(line: bytes, order: DateOrder) -> tuple[float | None, bool]:
    """Return the time of a line, and whether the line names its zone."""
    text = clean(line[:LONGEST].decode("utf-8", "replace"))[0]
    envelope = unwrap(text)
    if envelope is not None and envelope.at is not None:
        return envelope.at, envelope.zoned
    found = parse(text if envelope is None else envelope.text, order)
    return found.at, found.zoned

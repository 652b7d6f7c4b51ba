"""Lines that begin with a time of day alone -> the same lines with a date in front of it.

The date is that of the file's time of change, or of the day before. Where a log may go back further than
that, or was touched later, no date is added: a wrong day is worse than none.
"""

import re
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from incident_lib.technologies.logs.probes.moments import zone_away

MOST_BYTES = 8 * 1024 * 1024  # of a log that is read for it: the midnights in it are counted
NO_DATES = "its times have no date: they are read as times in the 24 hours before it was last written"
_LEAST_LINES = 3
_FRONT = 40  # characters in which the time of a line stands
_DAY, _HALF_DAY, _HOUR, _LATE = 86_400, 43_200, 3_600, 2
_CLOCK = re.compile(  # 14:31:05 ready; [14:31:05 INF] ready; 14:31:05.250 [info] ready; 14:31:05: ready
    rb"(?m)^(?P<front>(?:\x1b\[[\d;]{1,8}m)?[\[(]?)(?P<clock>(?P<hour>[01]\d|2[0-3]):(?P<minute>[0-5]\d):(?P<second>[0-5]\d))"
    rb"(?=(?:[.,]\d{1,9})?(?:[ \])\t]|: ))"
)


def newest_clock(data: bytes, modified_at: float) -> float | None:
    r"""Return the moment of the last line in the log's own zone, as if it were UTC; None where it is unknown.

    `data`: all of the log, which has no other times. `modified_at`: when it was last written.

    >>> lines = b"23:59:58 ready\n00:00:01 order 7\n00:00:02 order 8\n"
    >>> newest_clock(lines, 86_402.0), newest_clock(lines * 2, 86_402.0)
    (86402.0, None)
    """
    clocks = [_second(match) for match in _CLOCK.finditer(data)]
    if len(clocks) < _LEAST_LINES:
        return None
    midnights = sum(before - after > _HALF_DAY for before, after in pairwise(clocks))
    if midnights > 1 or (midnights and clocks[-1] > clocks[0]):
        return None
    away = (modified_at - clocks[-1]) % _DAY
    zone = zone_away(away) if zone_away(away) is not None else zone_away(away - _DAY)
    if zone is not None:
        return modified_at - zone
    return modified_at if away < _HOUR else None  # written later without a time, else touched or copied


def dated(data: bytes, newest: float) -> bytes:
    r"""Return the lines with the date of the nearest day on which they are not after `newest`.

    >>> dated(b"23:59:58 ready\n[00:00:02 INF] order 8", 86_402.0)
    b'1970-01-01 23:59:58 ready\n[1970-01-02 00:00:02 INF] order 8'
    """
    last = datetime.fromtimestamp(newest, UTC)
    today, before = (f"{last - timedelta(days=days):%Y-%m-%d}".encode() for days in (0, 1))
    limit = newest % _DAY + _LATE

    def with_date(match: re.Match[bytes]) -> bytes:
        """Return a time of day behind its date."""
        day = today if _second(match) <= limit else before
        return match["front"] + day + b" " + match["clock"]

    return _CLOCK.sub(with_date, data)


def dated_line(text: str, newest: float) -> str:
    """Return one line with its date.

    >>> dated_line("14:31:05 ready", 86_400.0)
    '1970-01-01 14:31:05 ready'
    """
    front = dated(text[:_FRONT].encode("utf-8", "surrogatepass"), newest)
    return front.decode("utf-8", "surrogatepass") + text[_FRONT:]


def _second(match: re.Match[bytes]) -> int:
    return int(match["hour"]) * 3600 + int(match["minute"]) * 60 + int(match["second"])

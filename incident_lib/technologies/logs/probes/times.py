"""Text -> seconds since 1970. Cached by the second, because neighbouring lines share theirs."""

import re
from calendar import timegm
from datetime import datetime

from incident_lib import clock

_MONTHS = {
    name: number
    for number, name in enumerate(
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"], 1
    )
}
_CACHE: dict[str, float] = {}
_CACHE_SIZE = 4096

# 2026-01-15T14:31:05.123Z, 2026-01-15 14:31:05,123 +0100, 2026/01/15 14:31:05, 20260115 14:31:05
ISO = re.compile(
    r"(\d{4}[-/]?\d\d[-/]?\d\d[T _]\d\d:\d\d:\d\d)(?:[.,](\d{1,9}))?"
    r"(?: ?(Z\b|UTC\b|GMT\b|[+-]\d\d(?::?\d\d)?\b))?"
)
# 15/Jan/2026:14:31:05 +0000 (web servers), 15 Jan 2026 14:31:05.123 (Redis)
DAY_FIRST = re.compile(
    r"(\d{1,2})[/ -]([A-Z][a-z]{2})[/ -](\d{4})[: ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?: ([+-]\d{4}))?"
)
# Jan 15 14:31:05 (syslog, the year is not said), Thu Jan 15 14:31:05.123456 2026 (Apache)
MONTH_FIRST = re.compile(
    r"(?:[A-Z][a-z]{2} )?([A-Z][a-z]{2}) +(\d{1,2}) (\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?: (\d{4})\b)?"
)


def from_iso(text: str) -> tuple[float, int] | None:
    """Return the moment that `text` begins with and how many characters it takes; no zone is taken as UTC.

    >>> from_iso("2026-01-15T14:31:05.250Z ready")
    (1768487465.25, 24)
    """
    match = ISO.match(text)
    if match is None:
        return None
    second, fraction, zone = match.groups()
    whole = _CACHE.get(second)
    if whole is None:
        whole = _remember(second, whole_second(second))
    if whole < 0:
        return None
    if fraction:
        whole += int(fraction) / 10 ** len(fraction)
    if zone and zone[0] in "+-":
        whole -= _offset(zone)
    return whole, match.end()


def from_day_first(text: str, start: int = 0) -> tuple[float, int] | None:
    """Return the moment at `start`, as web servers and Redis write it, and where it ends.

    >>> from_day_first("15/Jan/2026:14:31:05 +0100")
    (1768483865.0, 26)
    """
    match = DAY_FIRST.match(text, start)
    if match is None:
        return None
    key = match[0]
    moment = _CACHE.get(key)
    if moment is None:
        moment = _remember(key, _from_parts(match))
    return None if moment < 0 else (moment, match.end())


def from_month_first(text: str, start: int = 0) -> tuple[float, int] | None:
    """Return the moment at `start`, as syslog and Apache write it, and where it ends.

    A year that is not said is this one, or the one before where the moment would lie ahead.

    >>> from_month_first("Thu Jan 15 14:31:05 2026] [error]")
    (1768487465.0, 24)
    """
    match = MONTH_FIRST.match(text, start)
    if match is None:
        return None
    key = match[0]
    moment = _CACHE.get(key)
    if moment is None:
        month, day, hour, minute, second, fraction, year = match.groups()
        now = clock.now()
        moment = _moment((year or str(now.year), month, day), (hour, minute, second), fraction)
        if not year and moment > now.timestamp() + 86_400:
            moment = _moment((str(now.year - 1), month, day), (hour, minute, second), fraction)
        moment = _remember(key, moment)
    return None if moment < 0 else (moment, match.end())


def from_value(value: object) -> float | None:
    """Return the moment that a field holds: ISO text, or a number of seconds, milli-, micro- or nanoseconds.

    >>> from_value(1768487465250), from_value("2026-01-15T14:31:05Z"), from_value(7)
    (1768487465.25, 1768487465.0, None)
    """
    if isinstance(value, str):
        found = from_iso(value) or from_day_first(value)
        if found:
            return found[0]
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    for limit, scale in ((1e11, 1.0), (1e14, 1e3), (1e17, 1e6), (1e20, 1e9)):
        if value < limit:
            return value / scale if value / scale >= 1e8 else None  # before 1973 it is no time
    return None


def whole_second(second: str) -> float:
    """Return the moment that the digits in the text say, year first; -1 for one that no calendar holds.

    >>> whole_second("2026-01-15 14:31:05"), whole_second("20261515143105")
    (1768487465.0, -1.0)
    """
    digits = re.sub(r"\D", "", second)
    try:
        moment = datetime(  # noqa: DTZ001 - the zone is applied by the caller
            int(digits[:4]),
            int(digits[4:6]),
            int(digits[6:8]),
            int(digits[8:10]),
            int(digits[10:12]),
            min(int(digits[12:14]), 59),
        )
    except ValueError:
        return -1.0
    return float(timegm(moment.timetuple()))


def _from_parts(match: re.Match[str]) -> float:
    day, month, year, hour, minute, second, fraction, zone = match.groups()
    moment = _moment((year, month, day), (hour, minute, second), fraction)
    return moment - _offset(zone) if zone and moment >= 0 else moment


def _moment(date: tuple[str, str, str], clock_time: tuple[str, str, str], fraction: str | None) -> float:
    year, month, day = date
    if month.lower() not in _MONTHS:
        return -1.0
    whole = whole_second(f"{year}{_MONTHS[month.lower()]:02}{int(day):02}{''.join(clock_time)}")
    return whole + int(fraction) / 10 ** len(fraction) if fraction and whole >= 0 else whole


def _offset(zone: str) -> int:
    digits = zone[1:].replace(":", "")
    seconds = int(digits[:2]) * 3600 + int(digits[2:4] or 0) * 60
    return -seconds if zone[0] == "-" else seconds


def _remember(key: str, moment: float) -> float:
    if len(_CACHE) >= _CACHE_SIZE:
        _CACHE.clear()
    _CACHE[key] = moment
    return moment

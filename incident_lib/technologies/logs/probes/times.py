"""Moments and durations as logs write them -> seconds, those of moments since 1970.

Moments are cached by the second, because neighbouring lines share theirs.
"""

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
# Jan 15 14:31:05 (syslog, without the year), Thu Jan 15 14:31:05.123456 2026 (Apache)
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

    Without a year it is this year, or the year before where the moment would lie ahead.

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
    number = _MONTHS.get(month.lower())
    return _moment_of_digits(year, (str(number), day), (*clock_time, fraction or "")) if number else -1.0


def _offset(zone: str) -> int:
    digits = zone[1:].replace(":", "")
    seconds = int(digits[:2]) * 3600 + int(digits[2:4] or 0) * 60
    return -seconds if zone[0] == "-" else seconds


def _remember(key: str, moment: float) -> float:
    if len(_CACHE) >= _CACHE_SIZE:
        _CACHE.clear()
    _CACHE[key] = moment
    return moment


# Times that leave out the century, the year or what separates the numbers.

# 17/06/09 20:10:40 (log4j), 081109 203615 or 081109 20:36:15 (Java, MySQL), 20171223-22:15:29:606,
# 2005-06-03-15.42.50.675872 (Db2)
_WITH_YEAR = re.compile(
    r"(?:(\d\d)/(\d\d)/(\d\d) |(\d\d)(\d\d)(\d\d) {1,2}|(\d{4})-?(\d\d)-?(\d\d)-)"
    r"(\d{1,2})[:.]?(\d\d?)[:.]?(\d\d?)(?:[.,:](\d{1,6}))?(?![\d:])"
)
# 03-17 16:13:38.811 (logcat)
_WITHOUT_YEAR = re.compile(r"(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)\.(\d{3,6})(?= )")
# 10.30 16:49:06
_DOTTED = re.compile(r"(\d\d)\.(\d\d) (\d\d):(\d\d):(\d\d)(?=])")
# 1768487465.250 and, where a level, a bracket or another date follows, 1768487465
_SECONDS = re.compile(
    r"(?:- )?(?:(?<=- )(1\d{9})(?= \d{4}[.-])|(1\d{9})(?:\.(\d{1,9})(?= )|(?=[ ,|]{1,3}\[?[A-Z]{4,8}\b)))"
)

# 4711 node-7 node status 1768487465 1 running: a record, what it is about, when, and a flag
_BEHIND_SOURCE = re.compile(r"\d{1,12}(?: [\w./:-]{1,60}){2,6}? (1\d{9})(?= -?\d{1,3} \S)")


def from_short(text: str) -> tuple[float, int] | None:
    """Return the moment that `text` begins with and where it ends. No zone is taken as UTC.

    >>> from_short("26/01/15 14:31:05 INFO ready"), from_short("1768487465.250 ready")
    ((1768487465.0, 17), (1768487465.25, 14))
    >>> from_short("17 rows"), from_short("1768487465 rows"), from_short("123456 123456")
    (None, None, None)
    """
    if match := _WITH_YEAR.match(text):
        first, second, third = next(match.group(at, at + 1, at + 2) for at in (1, 4, 7) if match[at])
        moment = _moment_of_digits(
            first if len(first) == 4 else f"20{first}", (second, third), match.groups()[9:]
        )
    elif match := _WITHOUT_YEAR.match(text):
        moment = this_year((match[1], match[2]), match.groups()[2:])
    elif match := _SECONDS.match(text):
        return float(f"{match[1] or match[2]}.{match[3] or 0}"), match.end()
    else:
        return None
    return None if moment < 0 else (moment, match.end())


def from_record(text: str) -> tuple[float, int] | None:
    """Return the moment behind a record's number and what it is about, and where it ends.

    >>> from_record("4711 node-7 node status 1768487465 1 running"), from_record("12 jobs of 1768487465")
    ((1768487465.0, 34), None)
    """
    match = _BEHIND_SOURCE.match(text)
    return (float(match[1]), match.end()) if match else None


def from_dotted_day(text: str) -> tuple[float, int] | None:
    """Return the moment of this or the past year that `text` begins with, month first, and where it ends.

    >>> from_dotted_day("10.30 16:49:06] ready")[1], from_dotted_day("10.30.2")
    (14, None)
    """
    match = _DOTTED.match(text)
    if match is None:
        return None
    moment = this_year((match[1], match[2]), (*match.groups()[2:], ""))
    return None if moment < 0 else (moment, match.end())


def this_year(day: tuple[str, str], parts: tuple[str, ...]) -> float:
    """Return the moment in this year, or in the year before where it would lie ahead."""
    now = clock.now()
    moment = _moment_of_digits(str(now.year), day, parts)
    return _moment_of_digits(str(now.year - 1), day, parts) if moment > now.timestamp() + 86_400 else moment


def _moment_of_digits(year: str, day: tuple[str, str], parts: tuple[str, ...]) -> float:
    hour, minute, second, fraction = parts
    digits = "".join(part.zfill(2) for part in (*day, hour, minute, second))
    whole = whole_second(f"{year}{digits}")
    return whole + int(fraction) / 10 ** len(fraction) if fraction and whole >= 0 else whole


# Durations, as numbers and texts write them.

_WITH_UNIT = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(ns|[u\u00b5\u03bc]s|ms|s|m|sec|seconds)?\s*$")
_COMPOSED = re.compile(r"(?:(\d{1,4})h)?(?:(\d{1,4})m)?(\d{1,4}(?:\.\d+)?)s$")  # of Go: 1m2.5s
_UNITS = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0, "sec": 1.0, "seconds": 1.0, "m": 60.0}
_UNITS |= dict.fromkeys(("\u00b5s", "\u03bcs"), 1e-6)
_NAMED_UNITS = (  # by how a name ends
    (("_ms", "Ms", "responseTime", "illis", "illiseconds", "Elapsed"), 1e3),
    (("_us", "Us", "icros", "icroseconds"), 1e6),
    (("_ns", "Ns", "anos", "anoseconds", "event.duration"), 1e9),
)
_NAMES_OF_SECONDS = ("_seconds", "_s", "request_time", "upstream_response_time")


def seconds_of(name: str, value: object, usual: str | None = None) -> float | None:
    """Return the duration in seconds, by the unit in the text or the name, or else the usual unit.

    Where none is named, whole numbers are milliseconds (from a million on: nanoseconds), others seconds.

    >>> seconds_of("duration_ms", 12.5), seconds_of("latency", "3ms"), seconds_of("duration", 0.25)
    (0.0125, 0.003, 0.25)
    """
    if isinstance(value, str):
        match = _WITH_UNIT.match(value)
        if match is None:
            return _composed(value)
        value = float(match[1]) if "." in match[1] else int(match[1][:18])
        if match[2]:
            return value * _UNITS[match[2]]
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e18:
        return None
    return value / _in_a_second(name, value, usual)


def _in_a_second(name: str, value: float, usual: str | None) -> float:
    for names, many in _NAMED_UNITS:
        if name.endswith(names):
            return many
    whole = isinstance(value, int)
    if usual == "ms" or (usual == "ns" and whole):
        return 1e3 if usual == "ms" else 1e9
    if not whole or name.endswith(_NAMES_OF_SECONDS):
        return 1.0
    return 1e3 if value < 1_000_000 else 1e9


def usual_unit(shape: tuple[str, ...], name: str | None) -> str | None:
    """Return the unit of the duration of that name, by the library that writes fields of this shape.

    None where it is of some other unit than milliseconds by its name, or nothing shows it.
    """
    names = set(shape)
    if not name or any(name.endswith(ends) for ends, _ in _NAMED_UNITS) or name.endswith(_NAMES_OF_SECONDS):
        return "ms" if name and name.endswith(_NAMED_UNITS[0][0]) else None
    if shape[0] == "level" and shape[-1] == "message" and "time" in names:
        return "ms"  # zerolog
    if names >= {"controller", "action"} or (
        names >= {"pid", "hostname", "level", "time"} and shape[0] in {"level", "name"}
    ):
        return "ms"  # lograge; pino and bunyan
    if shape[:3] == ("time", "level", "msg") or "DownstreamStatus" in names:
        return "ns"  # Go's slog and Traefik; numbers with a fraction are seconds there, too
    return None


def _composed(text: str) -> float | None:
    match = _COMPOSED.match(text)
    return int(match[1] or 0) * 3600 + int(match[2] or 0) * 60 + float(match[3]) if match else None

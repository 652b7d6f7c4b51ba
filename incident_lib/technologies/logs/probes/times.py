"""Moments and durations as logs write them -> seconds, those of moments since 1970.

Moments are cached by the second, because neighbouring lines share theirs.
"""

import re
from calendar import timegm
from collections.abc import Iterable
from datetime import datetime
from enum import Enum
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from incident_lib import clock
from incident_lib.expressions import expression

Found = tuple[float, int, bool]  # the moment, where it ends in the text, and whether the text names its zone


class DateOrder(Enum):
    """What stands first in the numeric dates of a log, such as 01/02/2026 or 01/02/26: see `order_of`."""

    UNDECIDED = 0
    DAY_FIRST = 1
    MONTH_FIRST = 2
    YEAR_FIRST = 3  # where the year has two digits


UNDECIDED = DateOrder.UNDECIDED

_MONTHS = {
    name: number
    for number, name in enumerate(
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"], 1
    )
}
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
NAMES = frozenset((*(name.title() for name in _MONTHS), *_DAYS))  # three letters that times begin with
_CACHE: dict[str, float] = {}
_CACHE_SIZE = 4096

# Hours east of UTC. Of names that several zones have, that of the most users: IST is India's, CST and AST
# America's, BST Britain's. Names that are English words (EAT, GET) are no zones.
_ZONES = {
    name: int(hours * 3600)
    for hours, names in {
        0: "Z UTC GMT UCT WET",
        1: "CET BST WEST MET",
        2: "CEST EET SAST MEST",
        3: "EEST MSK TRT",
        5: "PKT",
        5.5: "IST",
        7: "WIB ICT",
        8: "SGT HKT AWST PHT",
        9: "JST KST",
        9.5: "ACST",
        10: "AEST",
        10.5: "ACDT",
        11: "AEDT",
        12: "NZST",
        13: "NZDT",
        -2.5: "NDT",
        -3: "BRT ADT",
        -3.5: "NST",
        -4: "EDT AST",
        -5: "EST CDT",
        -6: "CST MDT",
        -7: "MST PDT",
        -8: "PST AKDT",
        -9: "AKST",
        -10: "HST",
    }.items()
    for name in names.split()
}
_ZONES |= {"+00": 0, "+0000": 0, "+00:00": 0}
_NO_ZONE = frozenset({None, "INFO", "WARN", "ERROR", "DEBUG", "TRACE", "FATAL"})  # what follows most times
_AREAS = "Africa|America|Antarctica|Asia|Atlantic|Australia|Etc|Europe|Indian|Pacific"
_REGION = expression(rf" ?((?:{_AREAS})/[A-Z][A-Za-z_/+-]{{1,40}}\d{{0,2}})(?![\w/])")
_NAMED_AGAIN = expression(r" [A-Z]{3,5}\b(?: m=[+-][\d.]{1,40})?|\[[A-Z][A-Za-z_]{1,20}/[\w/+-]{1,40}\]")

# 2026-01-15T14:31:05.123Z, 2026-01-15 14:31:05,123 +0100, 2026/01/15 14:31, 20260115 14:31:05;
# 2026-01-15  4:31:05, an hour of one digit in two columns (MariaDB)
ISO = expression(
    r"(\d{4}[-/.]?\d\d[-/.]?\d\d[T _\t] ?\d\d?:\d\d(?::\d\d)?)(?:[.,:](\d{1,9}))?"
    r"(?: ?([A-Z]{1,5}\b|[+-]\d\d(?::?\d\d)?\b))?"
)
_ISO_PARTS = expression(r"(\d{4})\D?(\d\d)\D?(\d\d)\D{1,2}(\d+):(\d+)(?::(\d+))?")
_CLOCK = (
    r"(?P<hour>\d\d?):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:[.,:](?P<fraction>\d{1,9}))?)?"
    r"(?:[ \u202f\u00a0]?(?P<half>[AaPp])\.?[Mm]\b\.?)?"
)
_ZONE = r"(?: ?(?P<zone>[A-Z]{1,5}\b(?!/)|[+-]\d\d(?::?\d\d)?\b))?"
_WEEKDAY = r"(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]{0,6},? +)?"
_MONTH = r"(?P<month>[A-Za-z]{3})[a-z]{0,6}"
# 15/Jan/2026:14:31:05 +0000 (web servers), 15 Jan 2026 14:31:05.123 (Redis), 15-Jan-26 14:31:05 (Python),
# Thu, 15 Jan 2026 14:31:05 GMT (Go, HTTP), 15 Jan 14:31:05
_DAY_FIRST_USUAL = expression(  # of web servers and Redis, which write most of them
    r"(\d\d[/ -][A-Z][a-z]{2}[/ -]\d{4}[: ]\d\d:\d\d:\d\d)"
    r"(?:\.(\d{1,9}))?(?: ([+-]\d{4})\b)?(?! ?[A-Z+-]|[\w.])"
)
_DAY_FIRST = expression(
    rf"{_WEEKDAY}(?P<day>\d{{1,2}})[/ -]{_MONTH}\.?,?(?:[/ -](?P<year>\d{{4}}|\d\d(?!:)))?,?[: ]{{1,2}}"
    rf"{_CLOCK}{_ZONE}"
)
# Jan 15 14:31:05 (syslog, without the year), Thu Jan 15 14:31:05.123456 2026 (Apache),
# Jan 15, 2026 2:31:05 PM (Java), Thu Jan 15 14:31:05 CET 2026 (date)
_MONTH_FIRST = expression(
    rf"{_WEEKDAY}{_MONTH}\.? +(?P<day>\d{{1,2}})(?:,? (?P<year>\d{{4}}),?)?(?: at| @)? +{_CLOCK}{_ZONE}"
    r"(?: (?P<year_behind>(?:19|20)\d\d)\b(?!-))?"
)
_SYSLOG = expression(r"[A-Z][a-z]{2} [ \d]?\d \d\d:\d\d:\d\d(?= [a-z<])")
# 01/15/2026 02:31:05 PM, 15.01.2026 14:31:05, 1/15/26, 2:31:05 PM, 26/01/15 14:31:05 (log4j)
_NUMERIC = expression(
    r"(?P<parts>(\d{1,2})([-/.])(\d{1,2})\3(\d{4}|\d\d)),?(?:[T ]| - |:) ?" rf"{_CLOCK}{_ZONE}"
)
_AMBIGUOUS = expression(
    r"(?<![\w./:-])(?P<parts>(\d{1,2})([-/.])(\d{1,2})\3(\d{4}|\d\d)),?(?:[T ]| - |:) ?" + _CLOCK
)
_IN_DOCUMENT = ("$date", "timestamp", "epochSecond", "seconds")  # of MongoDB, loguru, log4j, Google Cloud
_DAY = 86_400


def leading(text: str, order: DateOrder = UNDECIDED) -> Found | None:
    """Return the moment that `text` begins with, in any usual form. No zone is taken as UTC.

    >>> leading("Jan 15, 2026 2:31:05 PM com.shop.Cart"), leading("15.01.2026 14:31 CET ready")
    ((1768487465.0, 23, False), (1768483860.0, 20, True))
    >>> leading("01/02/2026 02:31:05 PM", DateOrder.DAY_FIRST)
    (1769956265.0, 22, False)
    """
    if text[:1].isdigit():
        found = from_iso(text) or _from_numeric(text, order) or from_day_first(text)
        return found or from_short(text, order)
    if text[:3] in NAMES:
        return from_month_first(text) or from_day_first(text) or _behind_weekday(text, order)
    return from_short(text, order) if text[:2] == "- " else None


def order_of(lines: Iterable[str], newest: float | None = None) -> DateOrder:
    """Return what stands first in the numeric dates of lines, in the order they were written.

    It is the order in which all dates exist, lie before `newest` (the file's time of change; else now), do
    not run backwards, and end nearest to `newest`, where that differs.

    >>> order_of(["01/02/2026 14:31:05 ready", "13/02/2026 14:31:05 done"])
    <DateOrder.DAY_FIRST: 1>
    >>> order_of(["2026-01-15 14:31:05 ready"])
    <DateOrder.UNDECIDED: 0>
    """
    matches = [match for line in lines if (match := _AMBIGUOUS.search(line, 0, 200))]
    if not matches:
        return UNDECIDED
    limit = clock.now().timestamp() if newest is None else newest
    faults = {order: _faults(matches, order, limit) for order in list(DateOrder)[1:]}
    least = min(faults.values())
    found = [order for order, fault in faults.items() if fault == least]
    return found[0] if len(found) == 1 else UNDECIDED


def _faults(matches: list[re.Match[str]], order: DateOrder, limit: float) -> tuple[int, int, bool]:
    """Return how many dates do not exist in that order, how many are impossible, and whether it ends far."""
    missing = odd = 0
    before = -1.0
    for match in matches:
        date = _date(match[2], match[4], match[5], order)
        moment = _moment_of(date, match) if date else -1.0
        if moment < 0:
            missing += 1
            continue
        odd += moment > limit + _DAY or moment < before - _DAY
        before = moment
    return missing, odd, abs(limit - before) > 2 * _DAY


def from_iso(text: str) -> Found | None:
    """Return the moment that `text` begins with and how many characters it takes; no zone is taken as UTC.

    >>> from_iso("2026-01-15T14:31:05.250Z ready"), from_iso("2026-01-15 14:31:05 INFO ready")
    ((1768487465.25, 24, True), (1768487465.0, 20, False))
    """
    match = ISO.match(text)
    if match is None:
        return None
    second, fraction, zone = match.groups()
    whole = _CACHE.get(second)
    if whole is None:
        whole = _remember(second, _iso_second(second))
    if whole < 0:
        return None
    if fraction:
        whole += int(fraction) / 10 ** len(fraction)
    end = match.end()
    if zone in _NO_ZONE:
        end -= len(zone) if zone else 0
        region = _REGION.match(text, end) if text.find("/", end + 3, end + 16) > 0 else None
        return _in_region(whole, region, end) if region else (whole, end, False)
    east = _ZONES.get(zone)
    if east is not None and (text[end : end + 1] != " " or zone[0] > "9"):
        return whole - east, end, True
    return _in_zone(text, whole, zone, match.start(3))


def from_day_first(text: str, start: int = 0) -> Found | None:
    """Return the moment at `start`, as web servers and Redis write it, and where it ends.

    >>> from_day_first("15/Jan/2026:14:31:05 +0100")
    (1768483865.0, 26, True)
    """
    match = _DAY_FIRST_USUAL.match(text, start)
    if match is None:
        match = _DAY_FIRST.match(text, start)
        return _named(text, match) if match else None
    second, fraction, zone = match.groups()
    moment = _CACHE.get(second)
    if moment is None:
        number = _MONTHS.get(second[3:6].lower())
        date = f"{second[7:11]}{number or 99:02}{second[:2]}"
        moment = _remember(second, whole_second(date + second[12:]))
    if moment < 0:
        return None
    if fraction:
        moment += int(fraction) / 10 ** len(fraction)
    if not zone:
        return moment, match.end(), False
    return moment - _offset(zone), match.end(), True


def from_month_first(text: str, start: int = 0) -> Found | None:
    """Return the moment at `start`, as syslog and Apache write it, and where it ends.

    Without a year it is this year, or the year before where the moment would lie ahead.

    >>> from_month_first("Thu Jan 15 14:31:05 2026] [error]")
    (1768487465.0, 24, False)
    """
    match = _SYSLOG.match(text, start)
    if match:
        key = match[0]
        moment = _CACHE.get(key)
        if moment is None:
            number = _MONTHS.get(key[:3].lower())
            parts = (*key.split()[2].split(":"), "")
            moment = _remember(key, this_year((str(number), key[4:6].strip()), parts) if number else -1.0)
        return None if moment < 0 else (moment, match.end(), False)
    match = _MONTH_FIRST.match(text, start)
    return _named(text, match) if match else None


def from_value(value: object, order: DateOrder = UNDECIDED) -> tuple[float, bool] | None:
    """Return the moment that a field holds, and whether it names its zone: text, or a number since 1970.

    Numbers are seconds, milli-, micro- or nanoseconds, by their size.

    >>> from_value(1768487465250), from_value("2026-01-15T14:31:05"), from_value(7)
    ((1768487465.25, True), (1768487465.0, False), None)
    """
    if isinstance(value, dict):
        value = next((value[name] for name in _IN_DOCUMENT if name in value), None)
    if isinstance(value, str):
        found = leading(value, order)
        if found:
            return found[0], found[2]
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    for limit, scale in ((1e11, 1.0), (1e14, 1e3), (1e17, 1e6), (1e20, 1e9)):
        if value < limit:
            return (value / scale, True) if value / scale >= 1e8 else None  # before 1973 it is no time
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
            min(int(digits[12:14] or 0), 59),
        )
    except ValueError:
        return -1.0
    return float(timegm(moment.timetuple()))


def _iso_second(second: str) -> float:
    parts = _ISO_PARTS.match(second)
    return whole_second("".join((part or "").zfill(2) for part in parts.groups())) if parts else -1.0


def _in_zone(text: str, local: float, zone: str, start: int) -> Found:
    """Return the moment of a local time with what stands behind it: a zone, AM or PM, or another word."""
    east = _ZONES.get(zone)
    end = start + len(zone)
    if east is None:
        if zone in {"AM", "PM"}:
            local += _half_day(local, zone)
            behind = re.compile(r" ?([A-Z]{3,5}\b|[+-]\d\d(?::?\d\d)?\b)").match(text, end)
            return _in_zone(text, local, behind[1], behind.start(1)) if behind else (local, end, False)
        if zone[0] not in "+-":
            return local, start, False
        east = _offset(zone)
    if text[end : end + 1] in {" ", "["} and zone[0] in "+-" and (again := _NAMED_AGAIN.match(text, end)):
        named = again[0][1:].split(" ", 1)[0]
        end = again.end() if again[0][0] == "[" or named in _ZONES else end
    return local - east, end, True


def _half_day(local: float, half: str) -> int:
    """Return what to add to a time of 12 hours that was read as one of 24."""
    hour = int(local % _DAY // 3600)
    if hour > 12:
        return 0
    return (12 if half[0] in "pP" else 0) * 3600 - (12 * 3600 if hour == 12 else 0)


def _in_region(local: float, region: re.Match[str], end: int) -> Found:
    east = _east_of_region(region[1], int(local // 900))
    return (local, end, False) if east is None else (local - east, region.end(), True)


@lru_cache(256)
def _east_of_region(name: str, quarter: int) -> float | None:
    try:
        at = datetime.fromtimestamp(quarter * 900, ZoneInfo("UTC")).replace(tzinfo=ZoneInfo(name))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
    east = at.utcoffset()
    return east.total_seconds() if east is not None else None


def _named(text: str, match: re.Match[str]) -> Found | None:
    """Return the moment of a match with the month as a word."""
    key = text[match.start() : match.end("second" if match["second"] else "minute")]
    parts = match.groupdict()
    year = parts["year"] or parts.get("year_behind")
    key = f"{key} {year}" if year else key
    moment = _CACHE.get(key)
    if moment is None:
        number = _MONTHS.get(parts["month"].lower())
        moment = -1.0
        if number and year:
            moment = _moment_of((year if len(year) == 4 else f"20{year}", str(number), parts["day"]), match)
        elif number:
            moment = this_year((str(number), parts["day"]), _clock_of(match))
        moment = _remember(key, moment)
    if moment < 0:
        return None
    found = _finished(text, match, moment)
    behind = match.end("year_behind") if parts.get("year_behind") else 0
    return (found[0], max(found[1], behind), found[2])


def _finished(text: str, match: re.Match[str], moment: float) -> Found:
    """Return the moment with its fraction, half of the day and zone."""
    fraction, half, zone = match["fraction"], match["half"], match["zone"]
    if half:
        moment += _half_day(moment, half)
    if fraction:
        moment += int(fraction) / 10 ** len(fraction)
    if zone:
        return _in_zone(text, moment, zone, match.start("zone"))
    end = match.end()
    if text.find("/", end + 3, end + 16) > 0 and (region := _REGION.match(text, end)):
        return _in_region(moment, region, end)
    return moment, end, False


def _clock_of(match: re.Match[str]) -> tuple[str, str, str, str]:
    return match["hour"], match["minute"], match["second"] or "00", ""


def _moment_of(date: tuple[str, str, str], match: re.Match[str]) -> float:
    year, month, day = date
    return _moment_of_digits(year, (month, day), _clock_of(match))


def _from_numeric(text: str, order: DateOrder) -> Found | None:
    match = _NUMERIC.match(text)
    if match is None:
        return None
    key = f"{order.value}{text[: match.end('minute') + 3]}"
    moment = _CACHE.get(key)
    if moment is None:
        date = _date_in(match, order)
        moment = _remember(key, _moment_of(date, match) if date else -1.0)
    return None if moment < 0 else _finished(text, match, moment)


def _date_in(match: re.Match[str], order: DateOrder) -> tuple[str, str, str] | None:
    """Return year, month and day: in that order where it is possible, else in the first that is.

    Undecided, a date with "/" or with AM or PM has its month first, others their day; where its year has two
    digits, as Java writes it, it comes first.
    """
    first, separator, second, third = match.groups()[1:5]
    usual = [DateOrder.MONTH_FIRST, DateOrder.DAY_FIRST]
    if separator != "/" and not match["half"]:
        usual.reverse()
    if len(third) == 2:
        usual.insert(0 if separator != "." and not match["half"] else 2, DateOrder.YEAR_FIRST)
    if order is not UNDECIDED:
        usual = [order, *usual]
    return next((date for way in usual if (date := _date(first, second, third, way))), None)


def _date(first: str, second: str, third: str, way: DateOrder) -> tuple[str, str, str] | None:
    year, month, day = third, first, second
    if way is DateOrder.DAY_FIRST:
        month, day = second, first
    elif way is DateOrder.YEAR_FIRST:
        year, month, day = first, second, third
        if len(third) == 4:
            return None
    if 1 <= int(month) <= 12 and 1 <= int(day) <= 31:
        return year if len(year) == 4 else f"20{year.zfill(2)}", month, day
    return None


def _behind_weekday(text: str, order: DateOrder) -> Found | None:
    """Return the moment behind the name of a day: Thu 2026-01-15 14:31:05 UTC."""
    day = text.split(" ", 1)[0]
    rest = text[len(day) + 1 :]
    if not day.rstrip(",").isalpha() or len(day) > 10 or not rest[:1].isdigit():
        return None
    found = from_iso(rest) or _from_numeric(rest, order)
    return (found[0], found[1] + len(day) + 1, found[2]) if found else None


@lru_cache(256)
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

# 081109 203615 or 081109 20:36:15 (Java, MySQL), 20171223-22:15:29:606, 2005-06-03-15.42.50.675872 (Db2)
_WITH_YEAR = expression(
    r"(?:(\d\d)(\d\d)(\d\d) {1,2}|(\d{4})-?(\d\d)-?(\d\d)-)"
    r"(\d{1,2})[:.]?(\d\d?)[:.]?(\d\d?)(?:[.,:](\d{1,6}))?(?![\d:])"
)
# 20260115T143105Z, 20260115 143105.123
_BASIC = expression(
    r"((?:19|20)\d\d(?:0\d|1[0-2])[0-3]\d)[T ]([0-2]\d[0-5]\d[0-5]\d)(?:[.,](\d{1,9}))?"
    r"(Z\b|[+-]\d\d(?::?\d\d)?\b)?(?![\w])"
)
# 03-17 16:13:38.811 (logcat), 01-15 14:31 (Python's cookbook)
_WITHOUT_YEAR = expression(
    r"(\d\d)[-/](\d\d) (?P<hour>\d\d):(?P<minute>\d\d)"
    r"(?::(?P<second>\d\d)(?:[.,](?P<fraction>\d{3,6}))?)?(?= |$)"
)
# 10.30 16:49:06
_DOTTED = expression(r"(\d\d)\.(\d\d) (\d\d):(\d\d):(\d\d)(?=])")
# 1768487465.250 and, where a level, a bracket or another date follows, 1768487465, also in smaller units
_SECONDS = expression(
    r"(?:- )?(?:(?<=- )(1\d{9})(?= \d{4}[.-])|(1\d{9})\.(\d{1,9})(?= )"
    r"|([12]\d{9}(?:\d{3}){0,3})(?=\]|[ ,|\t]{1,3}(?:\[|[A-Z]{4,8}\b|(?:debug|info|warn|error)\b)))"
)

# 4711 node-7 node status 1768487465 1 running: a record, what it is about, when, and a flag
_BEHIND_SOURCE = expression(r"\d{1,12}(?: [\w./:-]{1,60}){2,6}? (1\d{9})(?= -?\d{1,3} \S)")


def from_short(text: str, order: DateOrder = UNDECIDED) -> Found | None:
    """Return the moment that `text` begins with and where it ends. No zone is taken as UTC.

    >>> from_short("1768487465123 INFO ready"), from_short("1768487465.250 ready")
    ((1768487465.123, 13, True), (1768487465.25, 14, True))
    >>> from_short("17 rows"), from_short("1768487465 rows"), from_short("123456 123456")
    (None, None, None)
    """
    zone = None
    if match := _BASIC.match(text):
        day, second, fraction, zone = match.groups()
        moment = whole_second(day + second)
        if moment >= 0 and fraction:
            moment += int(fraction) / 10 ** len(fraction)
        if moment >= 0 and zone:
            return _in_zone(text, moment, zone, match.start(4))
    elif match := _WITH_YEAR.match(text):
        first, second, third = next(match.group(at, at + 1, at + 2) for at in (1, 4) if match[at])
        moment = _moment_of_digits(
            first if len(first) == 4 else f"20{first}", (second, third), match.groups()[6:]
        )
    elif match := _WITHOUT_YEAR.match(text):
        swap = order is DateOrder.DAY_FIRST or int(match[1]) > 12
        moment = this_year((match[2], match[1]) if swap else (match[1], match[2]), _clock_of(match))
        if match["fraction"] and moment >= 0:
            moment += int(match["fraction"]) / 10 ** len(match["fraction"])
    elif match := _SECONDS.match(text):
        if match[4]:
            found = from_value(int(match[4]))
            return (found[0], match.end(), True) if found else None
        return float(f"{match[1] or match[2]}.{match[3] or 0}"), match.end(), True
    else:
        return None
    return None if moment < 0 else (moment, match.end(), False)


def from_record(text: str) -> Found | None:
    """Return the moment behind a record's number and what it is about, and where it ends.

    >>> from_record("4711 node-7 node status 1768487465 1 running"), from_record("12 jobs of 1768487465")
    ((1768487465.0, 34, True), None)
    """
    match = _BEHIND_SOURCE.match(text)
    return (float(match[1]), match.end(), True) if match else None


def from_day_of_year(day: str, clock_time: str) -> float | None:
    """Return the moment of HHMMSS on that day of this or the past year, as HAProxy writes it.

    >>> from_day_of_year("367", "143105")
    """
    now = clock.now()
    for year in (now.year, now.year - 1):
        first = whole_second(f"{year}0101{clock_time}")
        if not 0 < int(day) <= 366 or first < 0:
            break
        moment = first + (int(day) - 1) * _DAY
        if moment <= now.timestamp() + _DAY:
            return moment
    return None


def from_dotted_day(text: str) -> Found | None:
    """Return the moment of this or the past year that `text` begins with, month first, and where it ends.

    >>> from_dotted_day("10.30 16:49:06] ready")[1], from_dotted_day("10.30.2")
    (14, None)
    """
    match = _DOTTED.match(text)
    if match is None:
        return None
    moment = this_year((match[1], match[2]), (*match.groups()[2:], ""))
    return None if moment < 0 else (moment, match.end(), False)


def this_year(day: tuple[str, str], parts: tuple[str, ...], year: str = "") -> float:
    """Return the moment in that year, else in this, or in the year before where it would lie ahead."""
    if year:
        return _moment_of_digits(year, day, parts)
    now = clock.now()
    moment = _moment_of_digits(str(now.year), day, parts)
    return _moment_of_digits(str(now.year - 1), day, parts) if moment > now.timestamp() + 86_400 else moment


def _moment_of_digits(year: str, day: tuple[str, str], parts: tuple[str, ...]) -> float:
    hour, minute, second, fraction = parts
    digits = "".join(part.zfill(2) for part in (*day, hour, minute, second))
    whole = whole_second(f"{year}{digits}")
    return whole + int(fraction) / 10 ** len(fraction) if fraction and whole >= 0 else whole


# Durations, as numbers and texts write them.

_WITH_UNIT = expression(r"\s*(\d+(?:\.\d+)?)\s*(ns|[u\u00b5\u03bc]s|ms|s|m|sec|seconds)?\s*$")
_COMPOSED = expression(r"(?:(\d{1,4})h)?(?:(\d{1,4})m)?(\d{1,4}(?:\.\d+)?)s$")  # of Go: 1m2.5s
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

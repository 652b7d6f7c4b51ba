"""Times that leave out the century, the year or the signs between -> seconds since 1970."""

import re

from incident_lib import clock
from incident_lib.technologies.logs.probes import times

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


def leading(text: str) -> tuple[float, int] | None:
    """Return the moment that `text` begins with and where it ends. No zone is taken as UTC.

    >>> leading("26/01/15 14:31:05 INFO ready"), leading("1768487465.250 ready")
    ((1768487465.0, 17), (1768487465.25, 14))
    >>> leading("17 rows"), leading("1768487465 rows"), leading("123456 123456")
    (None, None, None)
    """
    if match := _WITH_YEAR.match(text):
        first, second, third = next(match.group(at, at + 1, at + 2) for at in (1, 4, 7) if match[at])
        moment = _moment(first if len(first) == 4 else f"20{first}", (second, third), match.groups()[9:])
    elif match := _WITHOUT_YEAR.match(text):
        moment = this_year((match[1], match[2]), match.groups()[2:])
    elif match := _SECONDS.match(text):
        return float(f"{match[1] or match[2]}.{match[3] or 0}"), match.end()
    else:
        return None
    return None if moment < 0 else (moment, match.end())


def behind_source(text: str) -> tuple[float, int] | None:
    """Return the moment behind a record's number and what it is about, and where it ends.

    >>> behind_source("4711 node-7 node status 1768487465 1 running"), behind_source("12 jobs of 1768487465")
    ((1768487465.0, 34), None)
    """
    match = _BEHIND_SOURCE.match(text)
    return (float(match[1]), match.end()) if match else None


def day(text: str) -> tuple[float, int] | None:
    """Return the moment of this or the past year that `text` begins with, month first, and where it ends.

    >>> day("10.30 16:49:06] ready")[1], day("10.30.2")
    (14, None)
    """
    match = _DOTTED.match(text)
    if match is None:
        return None
    moment = this_year((match[1], match[2]), (*match.groups()[2:], ""))
    return None if moment < 0 else (moment, match.end())


def this_year(day: tuple[str, str], parts: tuple[str, ...]) -> float:
    """Return the moment in this year, or in the one before where it would lie ahead."""
    now = clock.now()
    moment = _moment(str(now.year), day, parts)
    return _moment(str(now.year - 1), day, parts) if moment > now.timestamp() + 86_400 else moment


def _moment(year: str, day: tuple[str, str], parts: tuple[str, ...]) -> float:
    hour, minute, second, fraction = parts
    digits = "".join(part.zfill(2) for part in (*day, hour, minute, second))
    whole = times.whole_second(f"{year}{digits}")
    return whole + int(fraction) / 10 ** len(fraction) if fraction and whole >= 0 else whole

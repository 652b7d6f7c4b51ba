"""Requests as frameworks and proxies log them, each in its own order of words, and what they tell."""

import re

from incident_lib.technologies.logs.probes import times
from incident_lib.technologies.logs.probes.durations import seconds_of
from incident_lib.technologies.logs.probes.fields import NO_PATH
from incident_lib.technologies.logs.probes.line import Line

_NAMES = "GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS"
_METHOD = rf"(?P<method>{_NAMES})"
_PATH = r"(?P<path>/[^\s\"]{0,8000})"
_URL = r"(?P<path>\S{1,8000})"
_STATUS = r"(?P<status>[1-5]\d\d)"
_NUMBER = r"\d{1,15}(?:\.\d{1,9})?"
_MICRO = r"[u\u00b5\u03bc]s"
_TIME = rf"(?P<time>(?:\d{{1,3}}h)?(?:\d{{1,3}}m)?{_NUMBER} ?(?:ns|{_MICRO}|ms|s))"
_CALLED = re.compile(rf"\b(?:{_NAMES})\b")
# By the program's name: words that its lines hold, and how they read.
_FORMS: dict[str, tuple[str, str]] = {
    # [GIN] 2026/01/15 - 14:31:05 | 200 |  1.234ms |  10.0.0.7 | GET  "/a"; of fiber, too
    "gin": (
        "| ",
        (
            r"(?:\[[\w.-]{1,20}\] ?)?(?:(?P<day>\d{4}/\d\d/\d\d) - )?(?P<clock>\d\d:\d\d:\d\d)? ?"
            rf"\| *{_STATUS} *\| *{_TIME} *\| *[^|\s]{{1,80}} *\| *{_METHOD} *\|? *\"?{_PATH}"
        ),
    ),
    # "GET http://shop/a HTTP/1.1" from 10.0.0.7:5 - 500 12B in 1.2ms
    "chi": (
        '" from ',
        rf".{{0,120}}?\"{_METHOD} {_URL} HTTP/[\d.]{{1,4}}\" from \S{{1,80}} - {_STATUS} \d+B in {_TIME}",
    ),
    # 10.0.1.2:33317 [15/Jan/2026:14:31:05.123] http-in shop/one 10/0/30/69/109 200 ... "GET /a HTTP/1.1"
    "haproxy": (
        "/",
        (
            r"\S{2,60}:\d+ \[(?P<day_first>\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d)[.\d]{0,7}\] \S+ \S+"
            rf" -?\d+(?:/-?\d+){{3}}/\+?(?P<milliseconds>\d+) {_STATUS} \+?\d+ .{{0,4000}}\"{_METHOD} {_URL}"
        ),
    ),
    # GET /a => generated 12 bytes in 3 msecs (HTTP/1.1 500)
    "uwsgi": (
        "=> generated",
        (
            rf".{{0,400}}?{_METHOD} {_PATH} => generated \d+ bytes in (?P<milliseconds>\d+) msecs"
            rf" \(HTTP/[\d.]{{1,4}} {_STATUS}\)"
        ),
    ),
    # Request finished HTTP/1.1 GET http://shop/a - 500 - text/plain 12.3ms
    "aspnet": (
        "Request finished",
        (
            rf"(?:\S{{1,80}}\[\d+\] )?Request finished HTTP/[\d.]{{1,4}} {_METHOD} {_URL}"
            rf" .{{0,200}}?- {_STATUS} .{{0,200}}?{_TIME}\s*$"
        ),
    ),
    # HTTP GET /a responded 500 in 12.3 ms
    "serilog": (
        " responded ",
        rf"HTTP/?[\d.]{{0,4}} \"?{_METHOD}\"? \"?{_PATH}\"? responded {_STATUS} in {_TIME}",
    ),
    # GET /a 500 1.234 ms - 12, ::1 - GET /a HTTP/1.1 404 12 - 1.2 ms: morgan and many others; figures follow
    "access": (
        "/",
        (
            rf"(?:\S{{0,60}}?[\d:.\]>-]\S{{0,60}} (?:\S{{1,60}} )?)?{_METHOD} +{_PATH}(?: HTTP/[\d.]{{1,4}})?"
            rf" +(?:-> |=> |- )?{_STATUS}(?P<figures>(?:[ ,|-]++"
            rf"|(?:in )?\(?\d[\d.,]*+ ?(?:ns|{_MICRO}|ms|s|[kKMG]?i?[bB]|bytes)?\)?)*+)$"
        ),
    ),
}
_PATTERNS = tuple((name, words, re.compile(pattern)) for name, (words, pattern) in _FORMS.items())
# What tells how a request ended alone: Rails, Phoenix, older ASP.NET Core.
_ENDED = re.compile(
    rf"(?:\[[^\]]{{1,80}}\] )*(?:Completed {_STATUS} [A-Z][\w' -]{{0,40}} in {_TIME}"
    rf"|Sent (?P<status2>[1-5]\d\d) in (?P<time2>{_NUMBER} ?(?:ms|{_MICRO}))$"
    rf"|Request finished in (?P<time3>{_NUMBER} ?ms) (?P<status3>[1-5]\d\d)\b)"
)
ENDING = "CSR["  # the first letters of those
_FIGURE = re.compile(rf"{_NUMBER} ?(?:ns|{_MICRO}|ms|s)(?![a-z])")


def read_request(line: Line) -> bool:
    """Return whether the line's message tells of a served request, after taking its parts over.

    >>> line = Line(message="GET /a?b=c 500 1.5 ms - 12")
    >>> read_request(line), line.method, line.path, line.status, line.duration
    (True, 'GET', '/a?b=c', 500, 0.0015)
    """
    message = line.message
    if message[:1] in ENDING and (match := _ENDED.match(message)):
        parts = match.groupdict()
        line.format, line.method, line.path = "ended", "-", NO_PATH
        line.status = int(parts["status"] or parts["status2"] or parts["status3"])
        line.duration = seconds_of("", parts["time"] or parts["time2"] or parts["time3"])
        return True
    if "/" not in message or not _CALLED.search(message, 0, 400):
        return False
    for name, words, pattern in _PATTERNS:
        if words in message and (match := pattern.match(message)):
            _take(line, name, match.groupdict())
            return True
    return False


def _take(line: Line, name: str, parts: dict[str, str]) -> None:
    line.format, line.status = name, int(parts["status"])
    line.method, line.path = parts["method"], parts["path"]
    if milliseconds := parts.get("milliseconds"):
        line.duration = int(milliseconds) / 1e3
    elif seconds := parts.get("time"):
        line.duration = seconds_of("", seconds)
    elif (figures := parts.get("figures")) and (found := _FIGURE.search(figures)):
        line.duration = seconds_of("", found[0])
    if line.at is None:
        line.at = _moment(parts)


def _moment(parts: dict[str, str]) -> float | None:
    found = None
    if day := parts.get("day"):
        found = times.from_iso(f"{day} {parts['clock']}")
    elif day_first := parts.get("day_first"):
        found = times.from_day_first(day_first)
    return found[0] if found else None

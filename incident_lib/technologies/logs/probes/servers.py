"""Lines in the formats of servers, frameworks and proxies -> Line: requests served, and their connections."""

import re

from incident_lib.expressions import expression
from incident_lib.technologies.logs.probes import times
from incident_lib.technologies.logs.probes.fields import NO_PATH
from incident_lib.technologies.logs.probes.line import UNANSWERED, Line, unanswered
from incident_lib.technologies.logs.probes.times import seconds_of

_COMBINED = expression(
    r"(?:\S{1,100} ){2,4}\[(\d\d/[A-Z][a-z]{2}/\d{4}[: ]\d\d:\d\d:\d\d(?: [+-]\d{4})?)\] "
    r"\"([^\"\\]{0,8000}(?:\\.[^\"\\]{0,8000}){0,50})\""
    r" (\d{3}) (?:\d+|-)(.*)$"
)
_NO_STATUS = expression(
    r"(?:\S{1,100} ){2,4}\[(\d\d/[A-Z][a-z]{2}/[\d: +-]{13,22})\] \"([^\"]{1,8000})\" - -$"
)
_TRAILING = expression(r"(\d+(?:\.\d+)?)\s?(ms|s|us|µs)\)?\s*$")
_UNIT_ENDS = "s) "
_NAMED_TIME = expression(r"\b(?:rt|request_time)=\"?(\d{1,9}(?:\.\d{1,9})?)\b")
_REQUEST_TIME = expression(
    r"\s*(?:\"[^\"\\]{0,4000}(?:\\.[^\"\\]{0,4000}){0,50}\"\s+){0,3}"
    r"(?:\d{1,9} (?=\d{1,9}\.\d{1,9} \[))?\"?(\d{1,9}(?:\.\d{1,9})?)\"?(?=\s|$)"
)  # behind the quoted referrer and agent; in Kubernetes behind the request's length, too
# Flags, bytes in, bytes out, milliseconds, those upstream
_TRAEFIK = expression(r"\"https?://([\w.:\[\]-]{1,300})[^\s\"]{0,300}\" \d{1,9}ms$")  # whom it asked
_ENVOY = expression(r" (?:-|[A-Z,]{2,40}) (?:\S+ \S+ (?:-|\"[^\"]{0,400}\") )?\d+ \d+ (\d{1,9}) (?:\d+|-) \"")


def read_access(line: Line, match: re.Match[str]) -> Line:
    """Return a served request; what follows the status may end in its duration."""
    line.format = "uvicorn"
    line.method, line.path, line.status = match[1], match[2], int(match[3])
    if not 100 <= line.status <= 599:
        line.status = 0
    tail = match[4]
    if tail and (found := _TRAILING.search(tail[-40:])):
        line.duration = seconds_of("", f"{found[1]}{found[2]}")
    elif len(tail) > 20 and (found := _ENVOY.match(tail)):
        line.format = "envoy"
        line.duration = int(found[1]) / 1e3
    elif "=" in tail and (found := _NAMED_TIME.search(tail)):
        line.duration = _seconds_or_micro(found[1])
    return line


def read_combined(text: str) -> Line | None:
    """Return a request in the combined format of nginx and Apache, None for other lines."""
    match = _COMBINED.match(text)
    if match is None:
        return _read_connection(text)
    when, request, status, tail = match.groups()
    method, _, rest = request.partition(" ")
    path = rest.rsplit(" ", 1)[0] if rest else ""
    known = method.isalpha() and method.isupper()
    line = Line(
        format="nginx",
        message=request,
        method=method if known else "-",
        path=path if known else "(no request)",
        status=int(status) if 100 <= int(status) <= 599 else 0,
    )
    found = times.from_day_first(when)
    if found:
        line.at, _, line.zoned = found
    line.duration = _served_seconds(tail)
    if line.status in UNANSWERED and tail[-2:] == "ms" and (behind := _TRAEFIK.search(tail)):
        line.error = unanswered(line.status, behind[1])
    return line


def _read_connection(text: str) -> Line | None:
    """Return a line of the same form that has no status, as Daphne writes of web sockets."""
    match = _NO_STATUS.match(text)
    if match is None:
        return None
    line = Line(format="daphne", message=match[2])
    if found := times.from_day_first(match[1]):
        line.at, _, line.zoned = found
    return line


def _served_seconds(tail: str) -> float | None:
    """Return the request time at the end of an access line: seconds, whole microseconds, or with a unit.

    Apache and gunicorn write whole numbers of microseconds (%D); nginx writes seconds with a fraction.
    """
    if tail[-1:] in _UNIT_ENDS and (found := _TRAILING.search(tail[-40:])):
        return seconds_of("", f"{found[1]}{found[2]}")
    found = _REQUEST_TIME.match(tail) or _NAMED_TIME.search(tail)
    if found is None:
        return None
    return _seconds_or_micro(found[1])


def _seconds_or_micro(text: str) -> float:
    return float(text) if "." in text else int(text) / 1e6


# Requests as frameworks and proxies log them, each in another order of words.

_NAMES = "GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS"
_METHOD = rf"(?P<method>{_NAMES})"
_PATH = r"(?P<path>/[^\s\"]{0,8000})"
_URL = r"(?P<path>\S{1,8000})"
_STATUS = r"(?P<status>[1-5]\d\d)"
_NUMBER = r"\d{1,15}(?:\.\d{1,9})?"
_MICRO = r"[u\u00b5\u03bc]s"
_TIME = rf"(?P<time>(?:\d{{1,3}}h)?(?:\d{{1,3}}m)?{_NUMBER} ?(?:ns|{_MICRO}|ms|s))"
_CALLED = expression(rf"(?:{_NAMES})\b")  # a pattern with \b in front is slow to search for
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
    # [pid: 7] 10.0.0.7 () {..} [Thu Jan 15 14:31:05 2026] GET /a => generated 1 bytes in 3 msecs (..)
    "uwsgi": (
        "=> generated",
        (
            rf".{{0,400}}?(?:\[(?P<month_first>[A-Z][a-z]{{2}} [^\]]{{16,30}})\] )?{_METHOD} {_PATH}"
            rf" => generated \d+ bytes in (?P<milliseconds>\d+) msecs \(HTTP/[\d.]{{1,4}} {_STATUS}\)"
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
    # app/shop/50dc 10.0.0.7:2817 10.0.0.3:80 0.001 0.250 0.000 503 200 34 366 "GET http://shop:80/a HTTP/1.1"
    "elb": (
        " HTTP/",
        (
            rf"\S{{1,200}} \S{{3,60}}:\d+ (?:\S{{3,60}}:\d+|-) (?P<parts>(?:-?{_NUMBER} ){{3}}){_STATUS}"
            rf" (?:\d{{1,3}}|-) \d+ \d+ \"{_METHOD} {_URL} HTTP/"
        ),
    ),
    # FRA2 182 10.0.0.7 GET shop.example /a 504 ..., behind tabs; the time taken is the 19th field
    "cloudfront": (
        "\t",
        (
            rf"[A-Z]{{3}}\d[\w-]{{0,12}}\t\d+\t\S+\t{_METHOD}\t\S+\t(?P<path>/[^\t]{{0,8000}})\t{_STATUS}"
            rf"\t(?:(?:[^\t]{{0,2000}}\t){{9}}(?P<seconds>{_NUMBER}))?"
        ),
    ),
    # W3SVC1 10.0.0.1 GET /a q=1 443 - 10.0.0.7 Mozilla/5.0 - 500 0 0 125: the fields that are usual
    "iis": (
        " - ",
        (
            rf"(?:W3SVC\d+ (?:\S{{1,60}} )?)?[\d.:a-f]{{3,40}} {_METHOD} {_PATH} \S{{1,4000}} \d{{1,5}}"
            rf" \S{{1,200}} [\d.:a-f]{{3,40}} (?:\S{{1,2000}} ){{1,5}}?{_STATUS} \d{{1,4}} \d{{1,10}}"
            r"(?: \d{1,12}){0,2}?(?: (?P<milliseconds>\d{1,12}))?$"
        ),
    ),
    # 345 10.0.0.7 TCP_MISS/502 1234 GET http://shop/a - HIER_DIRECT/10.0.0.3 text/html, behind the time
    "squid": ("/", rf"(?P<milliseconds>\d{{1,9}}) \S{{3,60}} [A-Z_]{{3,40}}/{_STATUS} \d+ {_METHOD} {_URL} "),
    # 500 GET /a (10.0.0.7) 1.23ms
    "tornado": ("ms", rf"{_STATUS} {_METHOD} {_PATH} \([^()\s]{{1,60}}\) {_TIME}(?: referer=\S{{1,2000}})?$"),
    # GET http://shop/a  500 12: two spaces, for the message between them is empty
    "sanic": ("  ", rf"{_METHOD} https?://[^/\s]{{1,300}}{_PATH}  {_STATUS} (?:\d{{1,15}}|-1)$"),
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
IN_UTC = frozenset({"iis", "cloudfront"})  # their times are, by definition, and name no zone
_PATTERNS = tuple((name, words, expression(pattern)) for name, (words, pattern) in _FORMS.items())
_HAPROXY = next(pattern for name, _, pattern in _PATTERNS if name == "haproxy")
_HAPROXY_LINE = expression(
    r"\S{2,60}:\d+ \[(\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d)[.\d]{0,7}\]"
    r" [^\s:]{1,100}(: | \S{1,100}/\S{1,100} )"
    r"(?:-?\d+(?:/-?\d+){3}/\+?(\d+) (4\d\d) .{0,400}\"<BADREQ>\")?"
)
# Lines that report only how a request ended: Rails, Phoenix, older ASP.NET Core.
_ENDED = expression(
    rf"(?:\[[^\]]{{1,80}}\] )*(?:Completed {_STATUS} [A-Z][\w' -]{{0,40}} in {_TIME}"
    rf"|Sent (?P<status2>[1-5]\d\d) in (?P<time2>{_NUMBER} ?(?:ms|{_MICRO}))$"
    rf"|Request finished in (?P<time3>{_NUMBER} ?ms) (?P<status3>[1-5]\d\d)\b)"
)
ENDING = "CSR["  # the first letters of those
_FIGURE = expression(rf"{_NUMBER} ?(?:ns|{_MICRO}|ms|s)(?![a-z])")


def read_request(line: Line) -> bool:
    """Return whether the line's message reports a request, after taking its parts over.

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
    line.duration = _duration(parts)
    if line.at is not None:
        return
    moment = None
    if day := parts.get("day"):
        moment = times.from_iso(f"{day} {parts['clock']}")
    elif day_first := parts.get("day_first"):
        moment = times.from_day_first(day_first)
    elif month_first := parts.get("month_first"):
        moment = times.from_month_first(month_first)
    if moment:
        line.at, _, line.zoned = moment


def _duration(parts: dict[str, str]) -> float | None:
    if milliseconds := parts.get("milliseconds"):
        return int(milliseconds) / 1e3
    if text := parts.get("time"):
        return seconds_of("", text)
    if seconds := parts.get("seconds"):
        return float(seconds)
    if stretches := parts.get("parts"):  # -1: it never came so far
        return sum(max(float(stretch), 0.0) for stretch in stretches.split())
    found = _FIGURE.search(parts.get("figures") or "")
    return seconds_of("", found[0]) if found else None


def read_haproxy(text: str) -> Line | None:
    """Return a line of HAProxy about a request or connection, None for other lines.

    >>> tcp = "10.0.1.2:33313 [15/Jan/2026:14:31:05.593] front back/db-1 0/0/5007 212 -- 0/0/0/0/3 0/0"
    >>> line = read_haproxy(tcp)
    >>> line.format, line.at, line.status
    ('haproxy', 1768487465.0, 0)
    """
    line = Line(format="haproxy", message=text)
    if match := _HAPROXY.match(text):
        _take(line, "haproxy", match.groupdict())
        return line
    match = _HAPROXY_LINE.match(text)
    if match is None:
        return None
    if found := times.from_day_first(match[1]):
        line.at, _, line.zoned = found
    if match[4]:
        line.method, line.path, line.status = "-", "(no request)", int(match[4])
        line.duration = int(match[3]) / 1e3
    return line

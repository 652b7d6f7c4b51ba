"""Lines of servers that have a format of their own -> Line: access logs, PostgreSQL, Redis."""

import re

from incident_lib.technologies.logs.probes import times
from incident_lib.technologies.logs.probes.durations import seconds_of
from incident_lib.technologies.logs.probes.line import Line, level_of

_COMBINED = re.compile(
    r"(?:\S{1,100} ){2,4}\[(\d\d/[A-Z][a-z]{2}/\d{4}[: ]\d\d:\d\d:\d\d(?: [+-]\d{4})?)\] "
    r"\"([^\"\\]{0,8000}(?:\\.[^\"\\]{0,8000}){0,50})\""
    r" (\d{3}) (?:\d+|-)(.*)$"
)
_TRAILING = re.compile(r"(\d+(?:\.\d+)?)\s?(ms|s|us|µs)\)?\s*$")
_UNIT_ENDS = "s) "
_NAMED_TIME = re.compile(r"\b(?:rt|request_time)=\"?(\d{1,9}(?:\.\d{1,9})?)\b")
_REQUEST_TIME = re.compile(
    r"\s*(?:\"[^\"\\]{0,4000}(?:\\.[^\"\\]{0,4000}){0,50}\"\s+){0,3}\"?(\d{1,9}(?:\.\d{1,9})?)\"?(?=\s|$)"
)  # behind the quoted referrer and agent
# Flags, bytes in, bytes out, milliseconds, those upstream
_ENVOY = re.compile(r" (?:-|[A-Z,]{2,40}) (?:\S+ \S+ (?:-|\"[^\"]{0,400}\") )?\d+ \d+ (\d{1,9}) (?:\d+|-) \"")
_POSTGRES = re.compile(
    r"(?:^|[\s\])>@/:])(LOG|ERROR|FATAL|PANIC|WARNING|NOTICE|INFO|DEBUG[1-5]|DETAIL|HINT|STATEMENT|CONTEXT"
    r"|QUERY|LOCATION):  (?=\S)"
)
_DETAILS = frozenset({"DETAIL", "HINT", "STATEMENT", "CONTEXT", "QUERY", "LOCATION"})
_REDIS_LEVELS = {".": "DEBUG", "-": "DEBUG", "*": "INFO", "#": "WARNING"}


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
        line.duration = int(found[1]) / 1e3
    return line


def read_combined(text: str) -> Line | None:
    """Return a request in the combined format of nginx and Apache, None for other lines."""
    match = _COMBINED.match(text)
    if match is None:
        return None
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
    line.at = found[0] if found else None
    line.duration = _served_seconds(tail)
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
    return float(found[1]) if "." in found[1] else int(found[1]) / 1e6


def read_postgres(text: str, at: float | None) -> Line | None:
    """Return a line of PostgreSQL behind its prefix, None for other lines."""
    match = _POSTGRES.search(text, 0, 300)
    if match is None or (match[1] == "WARNING" and match.start() == 0):
        return None  # "WARNING:  " at the beginning is uvicorn's
    if at is None and match.start() > 0 and "[" not in text[: match.start()]:
        return None
    message = text[match.end() :]
    if match[1] in _DETAILS:
        return Line(format="postgres", message=f"{match[1]}:  {message}", is_detail=True)
    return Line(format="postgres", message=message, level=level_of(match[1]))


def read_redis(text: str) -> Line | None:
    """Return a line of Redis or Valkey, None for other lines."""
    start = text.find(" ") + 1
    found = times.from_day_first(text, start)
    if found is None:
        return None
    at, end = found
    sign = text[end + 1 : end + 2]
    if sign not in _REDIS_LEVELS:
        return None
    return Line(format="redis", at=at, level=_REDIS_LEVELS[sign], message=text[end + 3 :])

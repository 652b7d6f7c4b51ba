"""Lines that are made of named fields (JSON, logfmt) -> Line, by the names that are usual."""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from incident_lib.probes.logs import times
from incident_lib.probes.logs.line import Line, level_of

_ROLES: dict[str, tuple[str, ...]] = {
    "at": ("timestamp", "ts", "time", "@timestamp", "asctime", "datetime", "t", "date", "@t", "time_iso8601"),
    "level": ("level", "levelname", "severity", "log.level", "lvl", "loglevel", "@l", "error_severity"),
    "message": ("event", "message", "msg", "text", "short_message", "@m", "@mt"),
    "logger": ("logger", "name", "logger_name", "log.logger"),
    "method": ("method", "http.method", "request_method", "http_method", "verb", "http.request.method"),
    "path": ("path", "request_path", "url", "http.target", "uri", "request_uri", "url.path", "http.route"),
    "status": (
        *("status", "status_code", "http.status_code", "http.response.status_code", "response_status"),
        *("statusCode", "response_code", "DownstreamStatus"),
    ),
    "exception": (
        *(
            "exception",
            "exc_info",
            "stack",
            "traceback",
            "stack_trace",
            "stacktrace",
            "error.stack",
            "exc_text",
        ),
        *("error.stack_trace", "err.stack", "@x"),
    ),
    "error": (
        *("error", "err", "exc", "error.message", "err.message", "exception.message", "error_message"),
        *("errmsg", "err_msg", "reason", "cause"),
    ),
    "duration": (
        *("duration_ms", "elapsed_ms", "latency_ms", "response_time_ms", "time_ms", "took_ms"),
        *("responseTime", "durationMs", "duration_seconds", "duration_s", "elapsed_seconds"),
        *("latency_seconds", "request_time", "upstream_response_time"),
        *("duration", "elapsed", "latency", "response_time", "took"),
    ),
}
# Nested documents.
_PARTS = ("http", "request", "response", "req", "res", "log", "error", "err", "exception", "url", "record")
_ERRORS = ("error", "err")  # their message is not the line's
_PAIR = re.compile(r"([\w.@/-]+)=(\"(?:[^\"\\]|\\.)*\"|[^\s\"]*)")
_WITH_UNIT = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(ns|us|µs|ms|s|m|sec|seconds)?\s*$")
_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "sec": 1.0, "seconds": 1.0, "m": 60.0}
_MILLISECONDS = ("_ms", "Ms", "responseTime")
_SECONDS = ("_seconds", "_s", "request_time", "upstream_response_time")

_Plan = tuple[str | None, ...]
_PLANS: dict[tuple[str, ...], _Plan] = {}  # which key plays which role: a program writes few shapes of lines
_decode = msgspec.json.Decoder().decode


def from_json(text: str) -> Line | None:
    """Return the line that a JSON document holds, None when it is none.

    >>> from_json('{"ts": 1768487465, "level": "error", "msg": "no"}').level
    'ERROR'
    """
    try:
        document = _decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
        return None
    return from_fields(document, "json") if isinstance(document, dict) else None


def from_logfmt(text: str) -> Line | None:
    """Return the line that `key=value` pairs make, None when they are not the usual ones.

    >>> from_logfmt('level=warn msg="slow disk" took=3').message
    'slow disk'
    """
    pairs = dict(_PAIR.findall(text))
    named = any(key in pairs for key in ("msg", "message", "event")) or ("level" in pairs and len(pairs) > 1)
    if not named and not pairs.keys() >= {"method", "path", "status"}:
        return None
    fields = {
        key: value[1:-1].replace('\\"', '"') if value[:1] == '"' else value for key, value in pairs.items()
    }
    return from_fields(fields, "logfmt")


def from_fields(document: Mapping[str, Any], form: str) -> Line:
    """Return the line of a mapping, whatever its fields hold."""
    shape = tuple(document)
    plan = _PLANS.get(shape)
    if plan is None:
        if any(isinstance(document.get(part), dict) for part in _PARTS):
            return from_fields(_flat(document), form)
        plan = _remember(shape)
    at, level, message, logger, method, path, status, exception, error, duration = plan
    line = Line(format=form)
    line.at = times.from_value(document[at]) if at else None
    line.level = level_of(document[level]) if level else ""
    line.message = _text(document[message]) if message else ""
    line.logger = _text(document[logger]) if logger else ""
    line.exception = _exception(document[exception]) if exception else ""
    line.error = _error(document[error], line) if error else ""
    if path and status:
        line.status = _status(document[status])
        line.path = _text(document[path]) if line.status else ""
        line.method = _text(document[method]).upper()[:10] if method else ""
        line.duration = seconds_of(duration, document[duration]) if duration else None
    return line


def seconds_of(name: str, value: object) -> float | None:
    """Return the duration in seconds, by the unit in the name or the text.

    Where neither names one, whole numbers are milliseconds (from a million on: nanoseconds), others seconds.

    >>> seconds_of("duration_ms", 12.5), seconds_of("latency", "3ms"), seconds_of("duration", 0.25)
    (0.0125, 0.003, 0.25)
    """
    unit = None
    if isinstance(value, str):
        match = _WITH_UNIT.match(value)
        if match is None:
            return None
        unit = match[2]
        value = float(match[1]) if "." in match[1] else int(match[1][:18])
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e18:
        return None
    if unit:
        return value * _UNITS[unit]
    if name.endswith(_MILLISECONDS):
        return value / 1e3
    if isinstance(value, float) or name.endswith(_SECONDS):
        return float(value)
    return value / 1e3 if value < 1_000_000 else value / 1e9


def _remember(shape: tuple[str, ...]) -> _Plan:
    plan = tuple(next((name for name in names if name in shape), None) for names in _ROLES.values())
    if len(_PLANS) >= 2_000:
        _PLANS.clear()
    _PLANS[shape] = plan
    return plan


def _flat(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the document with the fields of nested ones in it, as http.method and as method."""
    flat = {key: value for key, value in document.items() if not isinstance(value, dict)}
    for part in _PARTS:
        nested = document.get(part)
        if isinstance(nested, dict):
            for key, value in nested.items():
                flat[f"{part}.{key}"] = value
                if part not in _ERRORS or key == "stack":
                    flat.setdefault(key, _inner(value))
    if isinstance(document.get("record"), dict):  # loguru: the text repeats the record, with its traceback
        flat["exception"] = flat.pop("text", "") if document["record"].get("exception") else ""
    return flat


def _inner(value: Any) -> Any:
    """Return the plain part of loguru's small documents: level: {name: INFO}, time: {timestamp: 1.0}."""
    if isinstance(value, dict):
        return next((value[key] for key in ("timestamp", "name", "repr") if key in value), "")
    return value


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else str(value)


def _error(value: Any, line: Line) -> str:
    """Return the error that a field of its own names, "" where the line says it elsewhere, too."""
    if not isinstance(value, str) or value in line.message or value in line.exception:
        return ""
    return value


def _status(value: Any) -> int:
    try:
        status = int(value)
    except (TypeError, ValueError, OverflowError):
        return 0
    return status if 100 <= status <= 599 else 0


def _exception(value: Any) -> str:
    """Return the traceback of a field: text, a list of lines, or structlog's list of documents."""
    if isinstance(value, str):
        return value if "\n" in value or "Error" in value or "Exception" in value else ""
    if not isinstance(value, list):
        return ""
    lines = []
    for item in value[:50]:
        if isinstance(item, str):
            lines.append(item.rstrip("\n"))
        elif isinstance(item, dict) and "exc_type" in item:
            lines.append("Traceback (most recent call last):")
            frames = item.get("frames")
            for frame in frames if isinstance(frames, list) else []:
                if isinstance(frame, dict):
                    where = f'"{frame.get("filename")}", line {frame.get("lineno")}, in {frame.get("name")}'
                    lines.append(f"  File {where}")
            lines.append(f"{item.get('exc_type')}: {item.get('exc_value')}")
    return "\n".join(lines)

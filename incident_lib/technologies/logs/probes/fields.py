"""Lines that are made of named fields (JSON, logfmt) -> Line, by the names that are usual."""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from incident_lib.technologies.logs.probes import times
from incident_lib.technologies.logs.probes.line import (
    PLAIN,
    SEVERITIES,
    UNANSWERED,
    Line,
    level_of,
    unanswered,
)
from incident_lib.technologies.logs.probes.times import UNDECIDED, DateOrder, seconds_of, usual_unit

# Compared without case, "_" and "-", so that statusCode, status_code and StatusCode are the same name.
_ROLES: dict[str, tuple[str, ...]] = {
    "at": (
        *("timestamp", "ts", "time", "@timestamp", "asctime", "datetime", "t", "date", "@t", "time_iso8601"),
        *("time_local", "start_time", "__REALTIME_TIMESTAMP", "timeMillis", "instant"),
        *("timeUnixNano", "observedTimeUnixNano"),  # of OpenTelemetry
        "EdgeStartTimestamp",
        "requestTimeEpoch",  # of Cloudflare and AWS
    ),
    "level": (
        *("level", "levelname", "severity", "log.level", "lvl", "loglevel", "@l", "error_severity"),
        *("severity_text", "PRIORITY"),
    ),
    "message": ("event", "message", "msg", "text", "short_message", "@m", "@mt", "textPayload", "body"),
    "logger": (
        "logger",
        "name",
        "logger_name",
        "log.logger",
        "category",
        "SourceContext",
        "SYSLOG_IDENTIFIER",
    ),
    "method": (
        "method",
        "http.method",
        "request_method",
        "http_method",
        "http.request.method",
        "verb",
        "ClientRequestMethod",
    ),
    "path": (
        *("path", "request_path", "url", "http.target", "uri", "request_uri", "url.path", "http.route"),
        *("request_url", "ClientRequestURI", "ClientRequestPath", "request"),
    ),
    "status": (
        *("status", "status_code", "http.status_code", "http.response.status_code", "response_status"),
        *("response_code", "DownstreamStatus", "EdgeResponseStatus", "http_status", "resp"),
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
        *("error.stack_trace", "err.stack", "@x", "exception.backtrace", "exception.stacktrace"),
    ),
    "error": (
        *("error", "err", "exc", "error.message", "err.message", "exception.message", "error_message"),
        *("errmsg", "err_msg", "detail", "reason", "cause"),
    ),
    "raised": (
        *("exception.class", "exception.type", "error.type", "error.class", "error.kind", "err.type"),
        *("exception_class", "error_class", "exc_type"),
    ),
    "duration": (
        *("duration_ms", "elapsed_ms", "latency_ms", "response_time_ms", "time_ms", "took_ms"),
        *("request_time_ms", "elapsed_milliseconds", "duration_milliseconds", "duration_millis"),
        *("duration_seconds", "duration_s", "elapsed_seconds", "latency_seconds", "latency_human"),
        *("duration_us", "elapsed_us", "latency_us", "request_time_us", "duration_micros"),
        *("duration_ns", "elapsed_ns", "latency_ns", "duration_nanos", "event.duration"),
        *("request_time", "upstream_response_time", "duration", "elapsed", "latency", "response_time"),
        *("took", "dur", "time_taken", "rt", "service"),
    ),
}
# Nested documents.
_PARTS = frozenset(
    {
        *("http", "request", "response", "req", "res", "log", "error", "err", "exception", "url", "record"),
        *("httpRequest", "event", "jsonPayload", "attr", "thrown", "fields", "properties"),
    }
)
_TIMES = ("t", "timestamp", "instant")  # may be documents
_RAISED = "thrown"  # of log4j 2: an exception as a document
_ERRORS = ("error", "err")  # their message is not the line's
# The name of a class of errors: what is only a kind (timeout) or a number is none.
_CLASS = re.compile(r"(?:[A-Za-z_]\w{0,80}(?:\.|::|\\))*[A-Z]\w{1,100}")
_PAIR = re.compile(r"(?<![\w.@/-])([\w.@/-]{1,80})=(\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'(?=\s|$)|[^\s\"]*)")
_LOGFMT_PATHS = frozenset({"path", "uri", "url", "request_uri"})
_MONGO = frozenset({"t", "s", "c", "msg"})  # a log line of MongoDB: its level is "s", its component "c"
# Traefik says only at DEBUG why a server behind it gave no answer.
_UNANSWERED = ("502 Bad Gateway", "504 Gateway Timeout", "'502 Bad Gateway'", "'504 Gateway Timeout'")
_STATUS_LEVELS = ("info", "error", "warn", "warning", "debug", "critical", "notice", "emergency", "alert")
NO_PATH = "(no path)"  # of a line that reports how a request ended, and not which it was

_NUMBERS = (int, float)
_Plan = tuple[str | None, ...]
_NESTED: dict[tuple[str, ...], tuple[str, ...]] = {}  # the keys of those that may hold documents
_PLANS: dict[tuple[str, ...], _Plan] = {}  # which key plays which role: a program writes few shapes of lines
_decode = msgspec.json.Decoder().decode


def from_json(text: str, order: DateOrder = UNDECIDED) -> Line | None:
    """Return the line that a JSON document holds, None when it is none.

    >>> from_json('{"ts": 1768487465, "level": "error", "msg": "no"}').level
    'ERROR'
    """
    try:
        document = _decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
        return None
    return from_fields(document, "json", order) if isinstance(document, dict) else None


def from_logfmt(text: str) -> Line | None:
    """Return the line that `key=value` pairs make, None when they are not the usual ones.

    >>> from_logfmt('level=warn msg="slow disk" took=3').message
    'slow disk'
    """
    pairs = dict(_PAIR.findall(text))
    named = any(key in pairs for key in ("msg", "message", "event")) or ("level" in pairs and len(pairs) > 1)
    is_request = pairs.keys() >= {"method", "status"} and not _LOGFMT_PATHS.isdisjoint(pairs)
    if not named and not is_request:
        return None
    fields = {key: _unquoted(value) if value[:1] in _QUOTES else value for key, value in pairs.items()}
    return from_fields(fields, "logfmt")


_QUOTES = ('"', "'")  # the latter of structlog, which writes values as Python does
_IN_TRACES = ("Traceback (most recent call last)", "\\n\\tat ", "\\n    at ")


def _unquoted(value: str) -> str:
    r"""Return what stands in quotes, a stack trace in lines of its own.

    >>> _unquoted(r'"say \"no\""'), _unquoted(r"'it\'s C:\new'"), _unquoted("'")
    ('say "no"', "it's C:\\new", "'")
    """
    quote = value[0]
    if len(value) < 2 or value[-1] != quote:
        return value
    value = value[1:-1].replace(f"\\{quote}", quote)
    if "\\n" in value and any(map(value.__contains__, _IN_TRACES)):
        value = value.replace("\\n", "\n").replace("\\t", "\t")
    return value


def from_fields(document: Mapping[str, Any], form: str, order: DateOrder = UNDECIDED) -> Line:
    """Return the line of a mapping, whatever its fields hold."""
    shape = tuple(document)
    plan = _PLANS.get(shape) or _remember(shape)
    at, level, message, logger, _, _, status, exception, error, raised, _, _, kind = plan
    nested = _NESTED[shape]  # an error may be null in one line, and a document in the next
    if nested and (parts := [key for key in nested if type(document[key]) is dict]):
        return from_fields(_flat(document, parts), form, order)
    line = Line(format=form)
    if at and (found := times.from_value(document[at], order)):
        line.at, line.zoned = found
    if level:
        line.level = _level(document, level, message)
    line.message = _text(document[message]) if message else ""
    line.logger = _text(document[logger]) if logger else ""
    line.exception = _exception(document[exception]) if exception else ""
    if raised:
        trace, words = (document.get(key) if key else None for key in (exception, error))
        line.exception = _named(line, document[raised], trace, words)
    line.error = _error(document[error], line) if error else ""
    if status and (code := _status(document[status])):
        _request(line, document, plan, code)
    elif status == "status" and not level and document[status] in _STATUS_LEVELS:
        line.level = level_of(document[status])  # of Datadog
    if kind:
        _OF_PROGRAMS[kind](line, document)
    elif not (line.message or line.level or line.status or line.error):
        line.format = PLAIN  # a document of other names
    return line


def _level(document: Mapping[str, Any], name: str, message: str | None) -> str:
    by_number = message == "short_message" or name == "PRIORITY"
    level = _severity(document[name]) if by_number else level_of(document[name])
    if level == "DEBUG" and message and _text(document[message]).startswith(_UNANSWERED):
        return "ERROR"
    return level


def _request(line: Line, document: Mapping[str, Any], plan: _Plan, status: int) -> None:
    """Take over the request that the fields report, where they do."""
    method, path, named, duration, usual = plan[4], plan[5], plan[6], plan[10], plan[11]
    if path:
        line.status, line.path = status, _text(document[path])
        line.method = _text(document[method]).upper()[:10] if method else ""
        if path == "request" and not _split_request(line):
            return
        if duration:
            took = document[duration]
            plain = usual == "ms" and type(took) in _NUMBERS and 0 <= took < 1e18
            line.duration = took / 1e3 if plain else seconds_of(duration, took, usual)
    elif named == "statusCode" and duration == "responseTime":  # of Fastify
        line.status, line.method, line.path = status, "-", NO_PATH
        line.duration = seconds_of(duration, document[duration])


def _of_postgres(line: Line, document: Mapping[str, Any]) -> None:
    line.format, line.sqlstate = "postgres", _text(document.get("state_code"))
    line.database = _text(document.get("dbname"))


def _of_mongodb(line: Line, _: Mapping[str, Any]) -> None:
    line.format = "mongodb"


def _reported_by(line: Line, document: Mapping[str, Any]) -> None:
    """Note the client of a request of Caddy, which reports a failed one in two lines: error and access."""
    if not line.status:
        return
    asked_from = (document.get(f"request.{name}") for name in ("remote_ip", "remote_port"))
    line.reported_by = ":".join(map(_text, asked_from))


def _answered(line: Line, document: Mapping[str, Any]) -> None:
    """Note why Envoy answered with an error: its flags, and where it sent the request."""
    flags = _text(document.get("response_flags"))
    if line.status < 500 or flags in {"", "-"}:
        return
    details = _text(document.get("response_code_details"))
    upstream = _text(document.get("upstream_host") or document.get("upstream_cluster"))
    if upstream.count("|") == 3:  # outbound|9080||reviews.default.svc.cluster.local
        _, port, _, host = upstream.split("|")
        upstream = f"{host}:{port}"
    line.error = f'"response_flags":"{flags}" {details} upstream="{upstream}"'


def _routed(line: Line, document: Mapping[str, Any]) -> None:
    """Note why the router of Heroku answered with an error itself."""
    line.error = f'code={document["code"]} desc="{_text(document["desc"])}"'


def _of_gelf(line: Line, document: Mapping[str, Any]) -> None:
    """Take over the whole message of GELF, whose short one is often the first line of it alone."""
    full = _text(document["full_message"]).strip()
    more = full.removeprefix(line.message).strip()
    line.exception = line.exception or _exception(more)
    if more and not line.exception:
        line.error = line.error or more


def _proxied(line: Line, document: Mapping[str, Any]) -> None:
    """Note which server gave a proxy no answer: its status alone says that one did not."""
    if line.status not in UNANSWERED:
        return
    address = _text(document.get("upstream_addr") or document.get("ServiceAddr") or document.get("OriginIP"))
    address = address.replace(" : ", ", ").rpartition(", ")[2]  # the last one that nginx tried
    if address not in {"", "-"}:
        line.error = unanswered(line.status, address)


_BEHIND = frozenset({"upstream_addr", "ServiceAddr", "OriginIP"})  # the server behind a proxy


_OF_PROGRAMS = {
    "heroku": _routed,
    "proxied": _proxied,
    "gelf": _of_gelf,
    "postgres": _of_postgres,
    "mongodb": _of_mongodb,
    "envoy": _answered,
    "caddy": _reported_by,
}


def request_in_pairs(text: str, *, milliseconds: bool = False) -> Line | None:
    """Return the request that `key=value` pairs behind other words report, None where they report none.

    Durations that name no unit are read by `seconds_of`, or else are milliseconds.

    >>> request_in_pairs("served   method=GET path=/a status=500 took=3ms").status
    500
    """
    pairs = dict(_PAIR.findall(text))
    fields = {key: value.strip('"') for key, value in pairs.items()}
    for key in ("duration", "latency", "elapsed") if milliseconds else ():
        fields |= {f"{key}_ms": fields.pop(key)} if key in fields else {}
    line = from_fields(fields, "logfmt")
    if not line.status or not line.method or line.path[:1] != "/":
        return None
    line.message = line.message or text
    return line


def _remember(shape: tuple[str, ...]) -> _Plan:
    known = {_plain(name): name for name in reversed(shape)}
    keys = [next((known[name] for name in names if name in known), None) for names in _PLAIN_ROLES]
    if _MONGO.issubset(shape):
        keys[1], keys[3] = "s", "c"
    if keys[0] is None and keys[-1] == "requestTime":  # of the API gateways of AWS: when, and not how long
        keys[0], keys[-1] = keys[-1], None
    kind = (
        "postgres"
        if keys[1] == "error_severity"
        else "mongodb"
        if _MONGO.issubset(shape)
        else "envoy"
        if "response_flags" in shape
        else "caddy"
        if "request.remote_ip" in shape
        else "heroku"
        if {"at", "code", "desc", "dyno"}.issubset(shape)
        else "proxied"
        if keys[6] and not _BEHIND.isdisjoint(shape)
        else "gelf"
        if keys[2] == "short_message" and "full_message" in shape
        else None
    )
    plan = (*keys, usual_unit(shape, keys[-1]), kind)
    if len(_PLANS) >= 2_000:
        _PLANS.clear()
        _NESTED.clear()
    _PLANS[shape], _NESTED[shape] = plan, tuple(key for key in shape if key in _PARTS)
    return plan


def _plain(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "")


_PLAIN_ROLES = tuple(tuple(dict.fromkeys(map(_plain, names))) for names in _ROLES.values())


def _severity(value: Any) -> str:
    """Return the level that a field of GELF or the journal names: a severity of syslog."""
    if isinstance(value, str) and value.isdecimal():
        value = int(value[:4])
    known = isinstance(value, int) and 0 <= value < len(SEVERITIES)
    return SEVERITIES[value] if known else level_of(value)


def _split_request(line: Line) -> bool:
    """Return whether the path is a whole request, "GET /a HTTP/1.1", after splitting it."""
    method, _, rest = line.path.partition(" ")
    path = rest.split(" ", 1)[0]
    if not method.isupper() or path[:1] != "/":
        line.status, line.path = 0, ""
        return False
    line.method, line.path = method[:10], path
    return True


def _flat(document: Mapping[str, Any], parts: list[str]) -> dict[str, Any]:
    """Return the document with the fields of those nested ones in it, as http.method and as method."""
    flat = {key: value for key, value in document.items() if not isinstance(value, dict) or key in _TIMES}
    for part in parts:
        if part == _RAISED:
            flat["exception"] = _raised(document[part])
            continue
        for key, value in document[part].items():
            flat[f"{part}.{key}"] = value
            if isinstance(value, dict) and key in _PARTS:  # http.request.method of ECS
                flat |= {f"{part}.{key}.{name}": inner for name, inner in value.items()}
                if "errmsg" in value:  # of MongoDB
                    flat.setdefault(key, value["errmsg"])
            elif part not in _ERRORS or key == "stack":
                flat.setdefault(key, _inner(value))
    if isinstance(document.get("record"), dict):  # loguru: the text repeats the record, with its traceback
        flat["exception"] = flat.pop("text", "") if document["record"].get("exception") else ""
    return flat


def _raised(thrown: Mapping[str, Any]) -> str:
    """Return the trace that a document of an exception makes, with those of what caused it."""
    lines: list[str] = []
    while type(thrown) is dict and len(lines) < 200:
        head = f"{_text(thrown.get('name'))}: {_text(thrown.get('message'))}".removesuffix(": ")
        lines.append(f"Caused by: {head}" if lines else head)
        trace = thrown.get("extendedStackTrace")
        for frame in trace[:50] if isinstance(trace, list) else []:
            if isinstance(frame, dict):
                place = f"{frame.get('file')}:{frame.get('line')}"
                lines.append(f"\tat {frame.get('class')}.{frame.get('method')}({place})")
        if isinstance(trace, str):
            lines.extend(trace.split("\n")[1:])
        thrown = thrown.get("cause") or {}
        if not thrown:
            break
    return "\n".join(lines)


def _inner(value: Any) -> Any:
    """Return the plain part of loguru's small documents: level: {name: INFO}, time: {timestamp: 1.0}."""
    if isinstance(value, dict):
        return next((value[key] for key in ("timestamp", "errmsg", "name", "repr") if key in value), "")
    return value


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else str(value)


def _error(value: Any, line: Line) -> str:
    """Return the error in a separate field, "" where the message or the exception holds it too."""
    if not isinstance(value, str) or value in line.message or value in line.exception:
        return ""
    return value


def _named(line: Line, raised: Any, trace: Any, error: Any) -> str:
    """Return the trace of an error whose class stands in a field of its own.

    >>> _named(Line(), "Net::ReadTimeout", ["app/mail.rb:12:in `send'"], "no answer")
    "app/mail.rb:12:in `send': no answer (Net::ReadTimeout)"
    >>> _named(Line(), "shop.PayError", None, "no"), _named(Line(), "timeout", None, "no")
    ('shop.PayError: no', '')
    """
    known = line.exception
    if not isinstance(raised, str) or not _CLASS.fullmatch(raised) or raised.rpartition(".")[2] in known:
        return known
    message = error.split("\n", 1)[0] if isinstance(error, str) else ""
    if not known and isinstance(trace, list):
        known = "\n".join(frame for frame in trace[:50] if isinstance(frame, str))
    first, _, others = known.partition("\n")
    if ":in " in first:  # of Ruby, where the error stands behind the nearest frame
        return f"{first}: {message} ({raised})" + (f"\n{others}" if others else "")
    head = f"{raised}: {message}" if message else raised
    return f"{head}\n{known}" if known else head


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

"""What shippers, engines and journals put around a line -> the line inside, and what the envelope says of it.

Envelopes may stand in each other. A line is taken for wrapped by its form alone, so that any part of a log
gives the same; where only a usual time stands in front of a line, that is a format and no envelope.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from incident_lib import clock
from incident_lib.technologies.logs.probes import times
from incident_lib.technologies.logs.probes.line import LEVELS, clean, level_of, level_of_priority

_DEEPEST = 5  # envelopes in each other
_LONGEST_HEAD = 400  # characters in which an envelope's head stands


class Envelope(msgspec.Struct, kw_only=True, gc=False):
    """A line and what its envelope says of it; empty or None where it does not."""

    text: str
    at: float | None = None  # seconds since 1970
    zoned: bool = True  # the envelope names the zone of its time, or has the engine's
    service: str = ""  # as written: "web-1", "api-7c9d/api", "postgres"
    host: str = ""
    stream: str = ""  # "stdout" or "stderr"
    level: str = ""
    format: str = ""  # of a line inside that has none by itself: "syslog"
    is_partial: bool = False  # the rest of the line comes in the next envelope of the same writer


def unwrap(text: str) -> Envelope | None:
    """Return the line without its envelopes, None where it has none.

    The innermost envelope says when it was written, unless it has no time.

    >>> found = unwrap("web-1  | 2026-01-15T14:31:05.000000001Z stderr F ready")
    >>> found.text, found.service, found.stream, found.at
    ('ready', 'web-1', 'stderr', 1768487465.000000001)
    >>> unwrap("2026-01-15 14:31:05.123 | INFO     | app:run:7 - ready") is None
    True
    """
    found = _outermost(text)
    if found is None:
        return None
    for _ in range(_DEEPEST - 1):
        inner = None if found.is_partial else _outermost(found.text)
        if inner is None:
            break
        if inner.at is None:
            inner.at, inner.zoned = found.at, found.zoned
        inner.service = inner.service or found.service
        inner.host = inner.host or found.host
        inner.stream = inner.stream or found.stream
        inner.level = inner.level or found.level
        inner.format = inner.format or found.format
        found = inner
    return found


def _outermost(text: str) -> Envelope | None:
    first = text[:1]
    if first == "{":
        return _of_document(text)
    if first.isdigit():
        return _of_number(text)
    if first in "[<":
        match = _POD.match(text) if text.startswith("[pod/") else None
        if match is not None:
            return Envelope(text=text[match.end() :], service=match[1])
        return _of_priority(text) if first == "<" else None
    if text[3:4] == " " and text[:3] in times.NAMES:
        return _of_syslog(text, "")
    return _of_name(text, first)


def _of_number(text: str) -> Envelope | None:
    if text[10:11] == "T" and text[4:5] == "-":
        return _of_timed(text)
    if text[2:3] == ":" and (match := _FOREMAN.match(text)):
        return _of_foreman(text, match)
    if text[10:11] == " " and text[4:5] == "-" and "{" in text[20:120] and (match := _FLUENTD.match(text)):
        return _timed(text[match.end() :], match[1], service=match[2])
    return None


def _of_name(text: str, first: str) -> Envelope | None:
    if "|" in text[:100] and (match := _COMPOSE.match(text)) and match[1].lower() not in LEVELS:
        return Envelope(text=text[match.end() :], service=match[1])
    if "-" in text[:80] and first.islower() and (match := _STERN.match(text)):
        return Envelope(text=text[match.end() :], service=f"{match[1]}/{match[2]}")
    return None


# kubectl logs --prefix; stern; docker compose logs, which aligns the names; foreman, honcho and overmind.
_POD = re.compile(r"\[pod/([^\s\]/]{1,253}/[^\s\]]{1,253})\] ?")
_STERN = re.compile(
    r"(?:[+-] )?([a-z0-9][a-z0-9-]{0,200}-[a-z0-9]{6,10}-[a-z0-9]{5}) (?:\u203a )?([a-z0-9][a-z0-9-]{0,62}) "
)
_COMPOSE = re.compile(r"([A-Za-z][\w.-]{0,80}) +\|(?: |$)")
_FOREMAN = re.compile(r"(\d\d:\d\d:\d\d) +([\w-]{1,60}(?:\.\d{1,4})?) +\| ?")
_FLUENTD = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,9})? [+-]\d{4}) ([\w.*/-]{1,200}): (?=\{)")


def _of_foreman(text: str, match: re.Match[str]) -> Envelope:
    now = clock.now()
    found = times.from_iso(f"{now:%Y-%m-%d} {match[1]}")
    at = found[0] if found else None
    if at is not None and at > now.timestamp() + 50_400:  # 14 hours: a time of yesterday, in any zone
        at -= 86_400
    return Envelope(text=text[match.end() :], at=at, zoned=False, service=match[2])


# Container engines (CRI, Podman's k8s-file, docker logs -t), Heroku, viewers, and journalctl -o short-iso.
_ENGINE = re.compile(
    r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:?\d\d)) "
    r"(?:(stdout|stderr) ([FP])(?:$| )|(?:(app|heroku)\[([\w.-]{1,80})\]: )"
    r"|(?=\[?\d{4}-\d\d-\d\d[T ]\d\d:\d\d))"
)
_NANOSECONDS = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7,9}(?:Z|[+-]\d\d:\d\d)) ")
_ISO_SENDER = re.compile(
    r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?) (\S{1,255}) "
    r"(?:([\w./()@+-]{1,80})\[\d{1,10}\]|(kernel)|(systemd|dockerd|containerd)): "
)


def _of_timed(text: str) -> Envelope | None:
    head = text[:_LONGEST_HEAD]
    if match := _ENGINE.match(head):
        service = f"{match[4]}[{match[5]}]" if match[5] else ""
        found = _timed(text[match.end() :], match[1], service=service)
        found.stream, found.is_partial = match[2] or "", match[3] == "P"
        return found
    if match := _NANOSECONDS.match(head):
        return _timed(text[match.end() :], match[1])
    if (match := _ISO_SENDER.match(head)) and not level_of(match[2]):
        found = _timed(_message_of(text, match.end()), match[1], service=match[3] or match[4] or match[5])
        found.host, found.format = match[2], "syslog"
        return found
    return None


def _timed(text: str, stamp: str, service: str = "") -> Envelope:
    found = times.from_iso(stamp)
    return Envelope(
        text=text, at=found[0] if found else None, zoned=bool(found and found[2]), service=service
    )


# syslog, as RFC 3164 and RFC 5424 have it, as relays store it, and as journalctl prints it.
_PRIORITY = re.compile(r"<(\d{1,3})>(?:(1) (?=[\d-]))?")
_RFC5424 = re.compile(r"(\S{1,64}) (\S{1,255}) (\S{1,48}) (\S{1,128}) (\S{1,32}) ")
_STRUCTURED = re.compile(
    r"(?:-|(?:\[(?:[^\]\"\\]|\"(?:[^\"\\]|\\.){0,2000}\"|\\.){1,4000}\])+)(?: \ufeff?|$)"
)
_SENDER = re.compile(
    r" (?:(\S{1,255}) )?(?:([\w./@+-]{1,80}|\([\w.@-]{1,80}\))(?:\[(?:\d{1,10})\])|([\w./@+-]{1,80}))"
    r"(?:\[\d{1,10}\])?: "
)
_UNIT_SENDER = re.compile(r" (\S{1,255}) ([\w.@\\-]{1,120}\.(?:service|scope|slice|mount))(?:\[\d+\])?: ")
_POSTGRES_PART = re.compile(r"\[\d{1,9}-1\] ")  # PostgreSQL numbers its messages and their parts


def _of_priority(text: str) -> Envelope | None:
    match = _PRIORITY.match(text)
    if match is None:
        return None
    level = level_of_priority(int(match[1]))
    if not match[2]:
        rest = text[match.end() :]
        return _of_syslog(rest, level) if rest[:3] in times.NAMES else None
    fields = _RFC5424.match(text, match.end(), match.end() + 600)
    behind = _STRUCTURED.match(text, fields.end()) if fields else None
    if fields is None or behind is None:
        return None
    found = _timed(_message_of(text, behind.end()), fields[1], service=fields[3].strip("-"))
    found.host, found.level, found.format = fields[2].strip("-"), level, "syslog"
    return found


def _of_syslog(text: str, level: str) -> Envelope | None:
    moment = times.from_month_first(text[:60])
    if moment is None:
        return None
    match = _UNIT_SENDER.match(text, moment[1], moment[1] + _LONGEST_HEAD) or _SENDER.match(
        text, moment[1], moment[1] + _LONGEST_HEAD
    )
    if match is None:
        return None
    groups = match.groups()
    service = (groups[1] or groups[-1] or "").strip("()")
    if not service or level_of(service) or (groups[0] and level_of(groups[0].strip("[]:"))):
        return None
    return Envelope(
        text=_message_of(text, match.end()),
        at=moment[0],
        zoned=moment[2],
        service=service,
        host=groups[0] or "",
        level=level,
        format="syslog",
    )


def _message_of(text: str, start: int) -> str:
    part = _POSTGRES_PART.match(text, start) if text[start : start + 1] == "[" else None
    return text[part.end() if part else start :]


# Documents of JSON around a line: only those whose keys no program gives its lines.
_SIGNS: tuple[str, ...] = (
    '"log"',
    '"MESSAGE"',
    '"textPayload"',
    '"line"',
    '"agent"',
    '"kubernetes"',
    '"logStream',
    '"source_type"',
)
_SIGNS += ('"ingestionTime"', '"docker"')
_decode = msgspec.json.Decoder().decode
_Fields = Mapping[str, Any]


def _of_document(text: str) -> Envelope | None:
    if not any(map(text.__contains__, _SIGNS)):
        return None
    try:
        fields = _decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
        return None
    if not isinstance(fields, dict):
        return None
    return next((found for read in _DOCUMENTS if (found := read(fields)) is not None), None)


def _of_docker(fields: _Fields) -> Envelope | None:
    """Docker's json-file, and what fluentd and fluent-bit make of it."""
    line = fields.get("log")
    if not isinstance(line, str) or not fields.keys() & {
        "stream",
        "time",
        "kubernetes",
        "container_name",
        "date",
    }:
        return None
    is_docker = fields.keys() <= {"log", "stream", "time", "attrs"}
    return Envelope(
        text=clean(line.rstrip("\n"))[0],
        at=_moment(fields.get("time") or fields.get("date") or fields.get("@timestamp")),
        service=_service_of(fields),
        stream=_string(fields.get("stream")),
        is_partial=is_docker and not line.endswith("\n"),
    )


def _of_journal(fields: _Fields) -> Envelope | None:
    """The journal's entries as JSON, whose text may be a list of bytes."""
    if "MESSAGE" not in fields or not fields.keys() & {
        "__REALTIME_TIMESTAMP",
        "_HOSTNAME",
        "PRIORITY",
        "_PID",
    }:
        return None
    message = fields["MESSAGE"]
    if isinstance(message, list):
        message = bytes(byte for byte in message if isinstance(byte, int) and 0 <= byte < 256).decode(
            "utf-8", "replace"
        )
    priority = _string(fields.get("PRIORITY"))
    # The journal gives what a service prints the priority of its stream: that says nothing of the line.
    is_printed = fields.get("_TRANSPORT") == "stdout" and priority == "6"
    return Envelope(
        text=clean(_string(message).rstrip("\n"))[0],
        at=_moment(fields.get("_SOURCE_REALTIME_TIMESTAMP") or fields.get("__REALTIME_TIMESTAMP")),
        service=_first(fields, "CONTAINER_NAME", "SYSLOG_IDENTIFIER", "_SYSTEMD_UNIT", "_COMM"),
        host=_string(fields.get("_HOSTNAME")),
        level=level_of_priority(int(priority)) if priority.isdigit() and not is_printed else "",
        format="syslog",
        is_partial=fields.get("CONTAINER_PARTIAL_MESSAGE") == "true",
    )


def _of_google(fields: _Fields) -> Envelope | None:
    """Google Cloud's log entries of a text; a request stays a document."""
    line = fields.get("textPayload")
    if not isinstance(line, str) or "httpRequest" in fields:
        return None
    resource = fields.get("resource")
    labels = resource.get("labels") if isinstance(resource, dict) else None
    return Envelope(
        text=clean(line.rstrip("\n"))[0],
        at=_moment(fields.get("timestamp") or fields.get("receiveTimestamp")),
        service=_first(labels, "container_name", "service_name", "job_name")
        if isinstance(labels, dict)
        else "",
        level=level_of(fields.get("severity")),
        format="text",
    )


def _of_shipper(fields: _Fields) -> Envelope | None:
    """Loki's lines, those of Filebeat and Vector, and those of CloudWatch."""
    line = fields.get("line")
    if (
        isinstance(line, str)
        and fields.keys() & {"labels", "ts", "timestamp"}
        and not fields.keys() & {"msg", "message"}
    ):
        labels = fields.get("labels")
        service = (
            _first(labels, "container", "service_name", "app", "job") if isinstance(labels, dict) else ""
        )
        at = _moment(fields.get("timestamp") or fields.get("ts"))
        return Envelope(text=clean(line.rstrip("\n"))[0], at=at, service=service)
    line = fields.get("message")
    is_shipped = fields.keys() & {
        "agent",
        "kubernetes",
        "docker",
        "logStreamName",
        "logStream",
        "ingestionTime",
        "source_type",
    }
    if not isinstance(line, str) or not is_shipped or fields.keys() & {"level", "log.level", "severity"}:
        return None
    return Envelope(
        text=clean(line.rstrip("\n"))[0],
        at=_moment(fields.get("@timestamp") or fields.get("timestamp")),
        service=_service_of(fields) or _first(fields, "logStreamName", "logStream"),
        host=_string(fields.get("host")),
        stream=_string(fields.get("stream")),
    )


_DOCUMENTS: tuple[Callable[[_Fields], Envelope | None], ...] = (
    _of_docker,
    _of_journal,
    _of_google,
    _of_shipper,
)


def _moment(value: object) -> float | None:
    found = times.from_value(value)
    return found[0] if found else None


def _service_of(fields: _Fields) -> str:
    kubernetes, container = fields.get("kubernetes"), fields.get("container")
    if isinstance(kubernetes, dict):
        inner = kubernetes.get("container")
        name = _first(kubernetes, "container_name") or (
            _first(inner, "name") if isinstance(inner, dict) else ""
        )
        pod = kubernetes.get("pod")
        pod_name = _first(kubernetes, "pod_name") or (_first(pod, "name") if isinstance(pod, dict) else "")
        return "/".join(part for part in (pod_name, name) if part)
    if isinstance(container, dict):
        return _first(container, "name")
    return _first(fields, "container_name").lstrip("/")


def _first(fields: _Fields, *names: str) -> str:
    return next((value for name in names if isinstance(value := fields.get(name), str) and value), "")


def _string(value: object) -> str:
    return (
        value
        if isinstance(value, str)
        else ""
        if value is None or isinstance(value, dict | list)
        else str(value)
    )

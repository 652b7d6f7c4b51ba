"""Line of a log -> the line that the program wrote, and what its shippers and viewers put around it.

By form only, and each line alone: cheap tests of the first characters decide which envelopes are possible,
because most lines have none. Where only a time stands in front of an ordinary line, that is a format.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from incident_lib import clock
from incident_lib.expressions import expression
from incident_lib.technologies.logs.probes import times
from incident_lib.technologies.logs.probes.line import LEVELS, clean, level_of, level_of_priority

_DEEPEST = 6  # envelopes around each other


class Envelope(msgspec.Struct, kw_only=True, gc=False):
    """A line and what stood around it; empty or None where the envelope does not hold it."""

    text: str  # from a document it may hold several lines, with line ends between them
    at: float | None = None  # the shipper's time, seconds since 1970
    zoned: bool = True  # the envelope names the zone of its time, or has the engine's
    service: str = ""  # as written: "web-1", "api-7c9d/api", "postgres"
    host: str = ""
    stream: str = ""  # "stdout" or "stderr"
    level: str = ""  # by a priority that says something of the line
    format: str = ""  # of a line inside that has none by itself: "syslog"
    is_partial: bool = False  # the rest of the line comes in the next envelope of the same writer


def unwrap(text: str) -> Envelope | None:
    """Return the line inside its envelopes, None where it has none.

    Values of an inner envelope count before those of an outer one. Pieces of a line (`is_partial`) keep what
    the joined line may have around it: it is to be unwrapped again.

    >>> found = unwrap("web-1  | 2026-01-15T14:31:05.250000000Z stderr F no route")
    >>> found.text, found.at, found.service, found.stream
    ('no route', 1768487465.25, 'web-1', 'stderr')
    >>> unwrap("2026-01-15 14:31:05.250 | INFO     | app:main:8 - ready") is None
    True
    """
    reader = _READERS.get(text[:1])
    found = reader(text) if reader is not None else None
    if found is None:
        return None
    for _ in range(_DEEPEST):
        reader = None if found.is_partial else _READERS.get(found.text[:1])
        inner = reader(found.text) if reader is not None else None
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


# Names in front of a line: compose, swarm, overmind, podman-compose, pm2, supervisor-stdout, kubectl, stern.

# A line with a time or a form that no word of a table has.
_COMPLETE = expression(
    r"\[?\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d:\d\d|\[(?:pod/|GIN\] )"
    r"|\d{1,9}:[MSCX] \d\d? [A-Z][a-z]{2} \d{4} "
    r"|\S{1,100} \S{1,60} \S{1,60} \[\d\d/[A-Z][a-z]{2}/\d{4}[: ]"
    r"|[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d "
    r"|[IWEF]\d{4} \d\d:\d\d:\d\d\.\d"
    r"|[A-Za-z][\w.-]{0,80}[-_]\d{1,3} {1,40}\| "
)
_ORDINARY = expression(
    r"[ \t\[{(<*]|$|Traceback |[\w.$]{2,100}: |(?:TRACE|DEBUG|INFO|WARN|WARNING|ERROR|CRITICAL|FATAL)\b"
    r"|(?:ts|time|level|msg)="
)
_PIPE = expression(r"([A-Za-z0-9][\w.-]{0,120}(?:@[\w.-]{1,63})?)( {1,80})\|(?: |$)")
_INDEXED = expression(r"(?:.*[-_]|[A-Za-z]\w*\.)\d{1,3}$")
_TASK = expression(r"(.+\.\d{1,4})\.[a-z0-9]{25}@(.+)$")
_CELL = expression(r"([\w .,:-]{0,60}?) +\|")
_STREAM_PIPE = expression(r"([\w.:-]{1,80}) (stdout|stderr) \| ?")
_PM2 = expression(r"\d{1,4}\|([\w.-]{1,60}) {1,40}\| ?")
_BRACKETED = expression(r"\[([a-z][\w.-]{0,80})\] {1,60}\| ")
_POD = expression(r"\[pod/([^\s\]/]{1,253}/[^\s\]]{1,253})\](?: |$)")
_STERN = expression(  # of a deployment, a set of daemons, a stateful set
    r"(?:[a-z0-9-]{1,63} )?(?:([a-z0-9][a-z0-9.-]{0,200}-(?=[a-z]{0,9}\d)[a-z0-9]{6,10}-[a-z0-9]{5})"
    r"|([a-z0-9][a-z0-9.-]{0,200})-(?:(?=[a-z]{0,4}\d)[bcdf-hj-np-tv-xz2456789]{5}|\d{1,3}))"
    r" ([a-z0-9][a-z0-9-]{0,62}) "
)


def _behind_name(text: str) -> Envelope | None:
    if text[3:4] == " " and text[:3] in times.NAMES and (found := _of_syslog(text)):
        return found
    if "|" in text[1:120] and (found := _behind_pipe(text)):
        return found
    if "-" in text[:80] and text[0].islower() and (match := _STERN.match(text)):
        replica, workload, container = match.groups()
        rest = text[match.end() :]
        if replica or workload == container or _COMPLETE.match(rest):
            pod = text[: match.start(3) - 1].rsplit(" ", 1)[-1]
            return Envelope(text=rest, service=f"{pod}/{container}")
    return None


def _behind_pipe(text: str) -> Envelope | None:
    match = _PIPE.match(text)
    if match is None:
        match = _STREAM_PIPE.match(text)
        return Envelope(text=text[match.end() :], service=match[1], stream=match[2]) if match else None
    name, rest = match[1], text[match.end() :]
    if "@" in name:
        task = _TASK.match(name)
        return Envelope(text=rest, service=task[1], host=task[2]) if task else None
    if not _INDEXED.match(name):
        if len(name) == 1 or name.lower() in LEVELS or "." in name or name.upper() == name:
            return None
        is_logged = _ORDINARY.match(rest) or _COMPLETE.match(rest) or _is_level_cell(rest)
        if not is_logged and (len(match[2]) == 1 or _CELL.match(rest)):  # a table may read like this
            return None
    elif name[0].isdigit() and not any(map(str.isalpha, name)):
        return None
    return Envelope(text=rest, service=name)


def _is_level_cell(text: str) -> bool:
    cell = _CELL.match(text)
    return cell is not None and level_of(cell[1]) != ""


def _behind_bracket(text: str) -> Envelope | None:
    if text.startswith("[pod/"):
        match = _POD.match(text)
        return Envelope(text=text[match.end() :], service=match[1]) if match else None
    if text[1:2].isdigit():
        return _of_fluent_bit(text) if "=>" in text else None
    if text[1:4] in times.NAMES:
        return _of_mod_wsgi(text) if "] [wsgi:" in text[:60] else None
    if "] " in text[:90] and "|" in text[:120] and (match := _BRACKETED.match(text)):
        return None if level_of(match[1]) else Envelope(text=text[match.end() :], service=match[1])
    return None


# [0] web: [1768487465.25, {"log"=>"ready"}], and since 2.1 [0] web: [[1768487465.25, {}], {"log"=>"ready"}]
_FLUENT_BIT = expression(r"\[\d{1,9}\] (\S{1,200}): \[\[?(\d{9,11}\.\d{1,9}), (?:\{\}\], )?\{")
_FLUENT_LOG = expression(r"[{ ]\"log\"=>\"((?:[^\"\\]|\\.)*+)\"")


def _of_fluent_bit(text: str) -> Envelope | None:
    match = _FLUENT_BIT.match(text)
    found = _FLUENT_LOG.search(text, match.end() - 1) if match else None
    if match is None or found is None:
        return None
    line = found[1].replace('\\"', '"').removesuffix("\\n")
    return Envelope(text=line, at=float(match[2]), service=match[1])


# What a program writes to its standard error under mod_wsgi: Apache calls all of it an error. Behind the
# address of a client stand messages of mod_wsgi, too, and these keep their level.
_MOD_WSGI = expression(
    r"\[([A-Z][^\]]{18,40})\] \[wsgi:error\] \[pid [\d:tid ]{1,40}\]"
    r"(?: \[(?:remote|client) [^\]\s]{1,80}\])?+(?: |$)"
    r"(?!mod_wsgi \(|Timeout when reading |Truncated or oversized |Unable to |Target WSGI "
    r"|Exception occurred )"
)
_REFERER = expression(r", referer: \S+$")


def _of_mod_wsgi(text: str) -> Envelope | None:
    match = _MOD_WSGI.match(text)
    found = times.from_month_first(match[1]) if match else None
    if match is None or found is None:
        return None
    line = _REFERER.sub("", text[match.end() :]) if ", referer: " in text else text[match.end() :]
    return Envelope(text=line, at=found[0], zoned=False, stream="stderr")


# Times in front of a line.

_ISO = expression(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:[.,](\d{1,9}))?(Z|[+-]\d\d:?\d\d)?(?: |$)")
_CRI = expression(r"(stdout|stderr) ([PF])(?::[\w:]{1,40})?(?: |$)")
_PADDED_LEVEL = expression(r" (?:TRACE|DEBUG|INFO|WARN) ")  # of Rust's tracing: nanoseconds of its lines
_DYNO = expression(r"((?:app|heroku)\[[\w.-]{1,80}\]): ?")
_FLY = expression(r"((?:app|runner|proxy)\[[0-9a-f]{8,20}\]) [a-z]{3} \[(\w{4,8})\] ?")
_CLOUD_FOUNDRY = expression(r"\[([A-Z]{2,8}(?:/[\w-]{1,40}){1,6})\] ?(OUT|ERR) ")
_LOG_STREAM = expression(  # CloudWatch: of a function, of a task, of a machine
    r"(?:\d{4}/\d\d/\d\d/\S{0,150}\[[\w$]{1,30}\][0-9a-f]{8,40}"
    r"|[\w.-]{1,100}/([\w.-]{1,100})/[0-9a-f-]{20,40}|i-[0-9a-f]{8,17})(?: |$)"
)
_FLUENTD = expression(
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?: ?[+-]\d\d:?\d\d|Z)[ \t]"
    r"([\w.*/-]{1,200})(?:: |\t)(?=\{)"
)
_VIEWER = expression(
    r"\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?: ?(?:Z|UTC|[+-]\d\d:?\d\d))?[ \t]{1,9}+"
    rf"(?={_COMPLETE.pattern})"
)
# The labels of a stream, as logcli prints them: none where all streams have the same ones.
_LABELS = expression(r"\{(?:[a-zA-Z_]\w{0,200}=\"(?:[^\"\\]|\\.){0,2000}\"(?:, ?)?){0,60}\} ")
_LABEL = expression(r"(\w+)=\"((?:[^\"\\]|\\.)*)\"")
_SECONDS = expression(r"\d{10}\.\d{6} ")
_FOREMAN = expression(r"(\d\d:\d\d:\d\d) +([A-Za-z][\w-]{0,60}(?:\.\d{1,4})?) +\| ?")


def _behind_digit(text: str) -> Envelope | None:
    if text[4:5] in _DATE_MARKS and text[13:14] == ":":
        return _behind_moment(text) if text[10] == "T" else _in_viewer(text)
    if text[2:3] == ":":
        return _of_foreman(text) if "|" in text[:100] else None
    if text[10:11] == "." and (match := _SECONDS.match(text)):
        sender = _SENDER.match(text, match.end(), match.end() + _LONGEST_HEAD)
        return _sent(text, sender, (float(text[:17]), True)) if sender else None
    if "|" in text[1:90]:
        match = _PM2.match(text)
        return Envelope(text=text[match.end() :], service=match[1]) if match else _behind_pipe(text)
    return None


_DATE_MARKS = ("-", "/")


def _of_foreman(text: str) -> Envelope | None:
    """Return the line behind a time without a date: the nearest that has passed."""
    match = _FOREMAN.match(text)
    if match is None or match[2].lower() in LEVELS:
        return None
    now = clock.now()
    found = times.from_iso(f"{now:%Y-%m-%d} {match[1]}")
    at = found[0] if found else None
    if at is not None and at > now.timestamp() + 50_400:  # 14 hours: a time of yesterday, in any zone
        at -= 86_400
    return Envelope(text=text[match.end() :], at=at, zoned=False, service=match[2])


def _behind_moment(text: str) -> Envelope | None:
    match = _ISO.match(text)
    if match is None:
        return _in_viewer(text)
    start, fraction, zone = match.end(), match[1] or "", match[2]
    if text[start : start + 1] in ("s", "{") and (stored := _stored(text, start)):
        return stored
    is_engine = zone is not None and len(fraction) in _ENGINES_DIGITS
    if text[start : text.find(" ", start, start + 12)].lower() in LEVELS:
        return _timed(text, start) if is_engine else None
    if zone and (sender := _host_sender(text, start, zone)):
        return _sent(text, sender, _moment(text))
    if is_engine:
        return None if _PADDED_LEVEL.match(text, start) else _timed(text, start)
    return _of_platform(text, start) or _in_viewer(text)


def _stored(text: str, start: int) -> Envelope | None:
    """Return the line behind the stream that CRI names, or the labels that Loki's logcli prints."""
    if text[start] != "{":
        found = _CRI.match(text, start)
        return _timed(text, found.end(), stream=found[1], is_partial=found[2] == "P") if found else None
    match = _LABELS.match(text, start)
    if match is None:
        return None
    labels = dict(_LABEL.findall(text, start, match.end()))
    line = _timed(text, match.end(), service=_word(labels, *_OF_STREAM), stream=_word(labels, "stream"))
    line.host = _word(labels, *_HOSTS)
    line.level = level_of(_word(labels, "level", "detected_level"))
    return line


def _of_platform(text: str, start: int) -> Envelope | None:
    """Return the line as Cloud Foundry, Heroku, Fly and CloudWatch print it behind the time."""
    if text[start : start + 1] == "[":
        if found := _CLOUD_FOUNDRY.match(text, start):
            stream = "stdout" if found[2] == "OUT" else "stderr"
            return _timed(text, found.end(), service=found[1], stream=stream)
    elif found := _DYNO.match(text, start):
        return _timed(text, found.end(), service=found[1])
    elif found := _FLY.match(text, start):
        level = level_of(found[2])
        return _timed(text, found.end(), service=found[1], level="" if level == "INFO" else level)
    elif found := _LOG_STREAM.match(text, start):
        return _timed(text, found.end(), service=found[1] or "")
    return None


_ENGINES_DIGITS = (7, 9)  # behind the second: Docker and Kubernetes; Azure and GitHub


def _timed(
    text: str, start: int, *, service: str = "", stream: str = "", level: str = "", is_partial: bool = False
) -> Envelope:
    at, zoned = _moment(text)
    return Envelope(
        text=text[start:],
        at=at,
        zoned=zoned,
        service=service,
        stream=stream,
        level=level,
        is_partial=is_partial,
    )


def _moment(text: str) -> tuple[float | None, bool]:
    found = times.from_iso(text[:40])
    return (found[0], found[2]) if found else (None, False)


def _in_viewer(text: str) -> Envelope | None:
    """Return the line behind a time where it is complete with a time of its own, or a document of fluentd."""
    start = text.find(" ", 19) + 1
    if (
        text[start : start + 1].isalpha()
        and not (  # usual: a level or a logger
            text[start + 1 : start + 2].isdigit()
            or text[start + 3 : start + 4] == " "
            or '] "' in text
            or "|" in text[start : start + 90]
        )
    ):
        match = None
    else:
        match = _VIEWER.match(text)
    if match is not None:
        return _timed(text, match.end())
    if text[-1] == "}" and (match := _FLUENTD.match(text)) and not level_of(match[1]):
        return _timed(text, match.end(), service=match[1])
    return None


# Syslog, as RFC 3164 and RFC 5424 have it, as relays store it, and as journalctl prints it.

_FULL_TIME = expression(
    r"[A-Z][a-z]{2} (?=\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,6})?( [A-Z]{2,5}| ?[+-]\d\d:?\d\d)? )"
)
_MONTH_TIME = expression(r"[A-Z][a-z]{2} [ \d]?\d \d\d:\d\d:\d\d(?:\.\d{1,9})? (?:\d{4} )?")
_LONGEST_HEAD = 400  # characters in which host and program stand
_SENDER = expression(  # the host, the program and its process
    r"(?:(\S{1,255}) )?(?:\(([\w.@-]{1,80})\)|([\w./()@:\\+-]{1,120}?))(\[\d{1,10}\])?:(?: |$)"
)
_OF_KERNEL = expression(r"\[ {0,6}\d{1,9}\.\d{6}\] ?")
_PART = expression(r"\[\d{1,9}-(\d{1,6})\] ")  # PostgreSQL numbers its messages and their parts
_DETAIL = expression(r".{0,200}?\b(?:DETAIL|HINT|STATEMENT|CONTEXT|QUERY|LOCATION):  ")
_PRIORITY = expression(r"<(\d{1,3})>(?:1 (?=[\d-]))?")
_HEADER_5424 = expression(r"(\S{1,64}) (\S{1,255}) (\S{1,48}) (\S{1,128}) (\S{1,32}) ")
_STRUCTURED = expression(
    r"(?:-|(?:\[(?:[^\]\"\\]|\"(?:[^\"\\]|\\.)*+\")*+\])++)(?: (?:\ufeff|\u00ef\u00bb\u00bf)?|$)"
)
_CONTAINER = expression(r"docker/|[0-9a-f]{12}$")  # the tags that Docker's driver gives


def _of_syslog(text: str, priority: int | None = None) -> Envelope | None:
    if text[4:5].isdigit() and text[8:9] == "-":
        match = _FULL_TIME.match(text)
        found = times.from_iso(text[4:44]) if match else None
        end = 0 if match is None or found is None else text.find(" ", 20) + 1
        if match and match[1] and match[1][0] == " ":
            end = text.find(" ", end) + 1
    else:
        match = _MONTH_TIME.match(text)
        found = times.from_month_first(text[: match.end()]) if match else None
        end = match.end() if match else 0
    if match is None or found is None:
        return None
    sender = _SENDER.match(text, end, end + _LONGEST_HEAD)
    if sender is None or _is_level(sender):
        return None
    return _sent(text, sender, (found[0], found[2]), priority)


def _is_level(sender: re.Match[str]) -> bool:
    """Return whether what stands where host and program do is a level and a logger."""
    host = sender[1]
    return bool(level_of(sender[2] or sender[3])) or (
        host is not None and (host[-1] == ":" or bool(level_of(host.strip("[]:|"))))
    )


def _host_sender(text: str, start: int, zone: str) -> re.Match[str] | None:
    """Return the match of host and program behind a time, where they are sure to be these."""
    match = _SENDER.match(text, start, start + _LONGEST_HEAD)
    if match is None or match[1] is None or "/" in match[1] or _is_level(match):
        return None  # with a slash it is the stream of a viewer, and no host
    program = match[2] or match[3]
    return match if match[4] or program in _DAEMONS or zone != "Z" else None


_DAEMONS = frozenset({"kernel", "systemd", "dockerd", "containerd", "sudo", "CRON"})


def _sent(
    text: str, sender: re.Match[str], moment: tuple[float | None, bool], priority: int | None = None
) -> Envelope:
    program = sender[2] or sender[3]
    stream = level = ""
    if priority is not None:
        if _CONTAINER.match(program):  # its priority is the stream's
            stream = "stderr" if priority % 8 == 3 else "stdout"
        else:
            level = level_of_priority(priority)
    return Envelope(
        text=_message_of(text, sender.end(), program),
        at=moment[0],
        zoned=moment[1],
        service=program,
        host=sender[1] or "",
        stream=stream,
        level=level,
        format="syslog",
    )


def _message_of(text: str, start: int, program: str) -> str:
    is_continued = False
    if text[start : start + 1] == "[":
        part = (_OF_KERNEL if program == "kernel" else _PART).match(text, start)
        if part is not None:
            start = part.end()
            is_continued = program != "kernel" and part[1] != "1" and not _DETAIL.match(text, start)
    line = text[start:]
    if line[:4] == "#011":  # a tab, as rsyslog writes it
        return f"\t{line[4:]}"
    return f"\t{line}" if is_continued else line


def _behind_priority(text: str) -> Envelope | None:
    match = _PRIORITY.match(text)
    if match is None or int(match[1]) > 191:
        return None
    priority, rest = int(match[1]), text[match.end() :]
    if match[0][-1] == ">":
        if rest[10:11] == "T" and (iso := _ISO.match(rest)):
            sender = _SENDER.match(rest, iso.end(), iso.end() + _LONGEST_HEAD)
            return _sent(rest, sender, _moment(rest), priority) if sender else None
        return _of_syslog(rest, priority) if rest[:3] in times.NAMES else None
    header = _HEADER_5424.match(rest)
    fields = _STRUCTURED.match(rest, header.end()) if header else None
    if header is None or fields is None:
        return None
    at, zoned = _moment(header[1])
    program = header[3].strip("-")
    return Envelope(
        text=_message_of(rest, fields.end(), program),
        at=at,
        zoned=zoned,
        service=program,
        host=header[2].strip("-"),
        level=level_of_priority(priority),
        format="syslog",
    )


# Documents of JSON around a line: only those whose keys no program gives its lines.

_decode = msgspec.json.Decoder().decode
_Document = Mapping[str, Any]
_LEVEL_KEYS = frozenset({"level", "severity", "levelname", "lvl", "log.level"})
_PROGRAM_KEYS = _LEVEL_KEYS | {"msg", "message", "event"}


def _of_document(text: str) -> Envelope | None:
    readers = [reader for sign, reader in _DOCUMENTS if sign in text]
    if not readers:
        return None
    try:
        document = _decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
        return None
    if not isinstance(document, dict):
        return None
    return next((found for reader in readers if (found := reader(document)) is not None), None)


def _of_log(document: _Document) -> Envelope | None:
    """Return the line in `log`: Docker's json-file, fluentd, Fluent Bit, FireLens."""
    line = document.get("log")
    if not isinstance(line, str):
        return None
    stream, service = _word(document, "stream", "source"), _container_of(document)
    stream = stream if stream in ("stdout", "stderr") else ""
    if not (stream or service) and _PROGRAM_KEYS & document.keys():
        return None
    is_docker = "time" in document and document.keys() <= {"log", "stream", "time", "attrs"}
    return _line_of(
        document,
        line,
        "time",
        "@timestamp",
        "timestamp",
        "date",
        service=service,
        stream=stream,
        is_partial=(is_docker and not line.endswith("\n"))
        or document.get("logtag") == "P"
        or (document.get("partial_message") == "true" and document.get("partial_last") != "true"),
    )


def _of_journal(document: _Document) -> Envelope | None:
    """Return the line of a record of journald, as `-o json` writes it."""
    if "MESSAGE" not in document or not document.keys() & {
        "__REALTIME_TIMESTAMP",
        "_HOSTNAME",
        "PRIORITY",
        "_PID",
    }:
        return None
    message = document["MESSAGE"]
    if isinstance(message, list):  # bytes, or a field that the record has more than once
        message = next((item for item in message if isinstance(item, str)), None) or bytes(
            item & 255 for item in message if isinstance(item, int)
        ).decode("utf-8", "replace")
    container = _word(document, "CONTAINER_NAME")
    priority = str(document.get("PRIORITY"))
    stream = level = ""
    if container:  # its priority is the stream's
        stream = "stderr" if priority == "3" else "stdout"
    elif len(priority) == 1 and priority in "01234567":
        # What a service prints has a usual priority: that says nothing of the line.
        is_printed = priority == "6" and document.get("_TRANSPORT") == "stdout"
        level = "" if is_printed else level_of_priority(int(priority))
    return _line_of(
        document,
        message if isinstance(message, str) else "",
        "_SOURCE_REALTIME_TIMESTAMP",
        "__REALTIME_TIMESTAMP",
        service=container or _word(document, "SYSLOG_IDENTIFIER", "_SYSTEMD_UNIT", "_COMM"),
        host=_word(document, "_HOSTNAME"),
        stream=stream,
        level=level,
        format="syslog",
        is_partial=document.get("CONTAINER_PARTIAL_MESSAGE") == "true"
        and document.get("CONTAINER_PARTIAL_LAST") != "true",
    )


def _of_google(document: _Document) -> Envelope | None:
    """Return the text of an entry of Google's Cloud Logging; a request stays a document."""
    line = document.get("textPayload")
    if not isinstance(line, str) or "httpRequest" in document:
        return None
    labels = _part(_part(document, "resource"), "labels")
    name = _word(document, "logName").replace("%2F", "/").rsplit("/", 1)[-1]
    return _line_of(
        document,
        line,
        "timestamp",
        "receiveTimestamp",
        service=_word(labels, *_RESOURCES),
        host=_word(labels, "pod_name", "instance_id"),
        stream=name if name in ("stdout", "stderr") else "",
        level=level_of(document.get("severity")),
        format="text",
    )


_RESOURCES = ("container_name", "service_name", "function_name", "module_id", "job_name")


def _of_resource(document: _Document) -> Envelope | None:
    """Return an entry of Google's Cloud Logging, a document still, without what names where it is from."""
    labels = _part(_part(document, "resource"), "labels")
    if not labels or "insertId" not in document:
        return None
    return Envelope(
        text=msgspec.json.encode({key: document[key] for key in document if key != "resource"}).decode(),
        service=_word(labels, *_RESOURCES),
        host=_word(labels, "pod_name", "instance_id"),
    )


def _of_loki(document: _Document) -> Envelope | None:
    line = document.get("line")
    labels = _part(document, "labels") or _part(document, "fields") or _part(document, "stream")
    is_bare = document.keys() <= {"line", "timestamp", "ts", "date", "id"}
    if not isinstance(line, str) or not (labels or is_bare) or document.keys() & {"msg", "message"}:
        return None
    return _line_of(
        document,
        line,
        "timestamp",
        "ts",
        "date",
        service=_word(labels, *_OF_STREAM),
        host=_word(labels, *_HOSTS),
        stream=_word(labels, "stream"),
        level=level_of(_word(labels, "level", "detected_level")),
    )


_HOSTS = ("pod", "instance", "host", "hostname", "node_name")
_OF_STREAM = (
    "container",
    "container_name",
    "compose_service",
    "service_name",
    "service",
    "app",
    "job",
    "pod",
)


def _of_shipper(document: _Document) -> Envelope | None:
    """Return the line in `message` that Filebeat, Vector, fluentd or CloudWatch read."""
    line = document.get("message", document.get("@message"))
    read = _part(document, "log")
    is_shipped = document.keys() & _SHIPPERS or "file" in read or "offset" in read
    if not isinstance(line, str) or not is_shipped or document.keys() & _LEVEL_KEYS or "level" in read:
        return None  # where there is a level, the line was read, and the fields say more
    if "agent" in document and not isinstance(document["agent"], dict):
        return None
    group = _word(document, "logStreamName", "logStream", "@logStream")
    match = _LOG_STREAM.match(group)
    return _line_of(
        document,
        line,
        "@timestamp",
        "timestamp",
        service=_container_of(document) or _word(document, "appname") or (match[1] or "" if match else group),
        host=_word(document, "host", "hostname") or _word(_part(document, "host"), "name", "hostname"),
        stream=_word(document, "stream"),
    )


_SHIPPERS = frozenset({"agent", "kubernetes", "docker", "logStreamName", "logStream", "@logStream"})
_SHIPPERS |= {"ingestionTime", "source_type", "@message"}


def _of_azure(document: _Document) -> Envelope | None:
    line = document.get("Log", document.get("Log_s", document.get("LogMessage")))
    if not isinstance(line, str) or not document.keys() & {"TimeStamp", "TimeGenerated", "time_t"}:
        return None
    return _line_of(
        document,
        line,
        "TimeStamp",
        "TimeGenerated",
        "time_t",
        service=_word(document, "ContainerName", "ContainerAppName_s", "ContainerName_s"),
        host=_word(document, "PodName", "Computer"),
        stream=_word(document, "LogSource", "Stream", "Stream_s"),
    )


_DOCUMENTS: tuple[tuple[str, Callable[[_Document], Envelope | None]], ...] = (
    ('"log":', _of_log),
    ('"MESSAGE"', _of_journal),
    ('"textPayload"', _of_google),
    ('"insertId"', _of_resource),
    ('"line"', _of_loki),
    ('"agent"', _of_shipper),
    ('"kubernetes"', _of_shipper),
    ('"source_type"', _of_shipper),
    ('"docker"', _of_shipper),
    ('"offset"', _of_shipper),
    ("ogStream", _of_shipper),
    ('"ingestionTime"', _of_shipper),
    ('"@message"', _of_shipper),
    ('"Log":', _of_azure),
    ('"Log_s"', _of_azure),
    ('"LogMessage"', _of_azure),
)  # by what stands in the text of the document


def _line_of(document: _Document, line: str, *times_of: str, **values: Any) -> Envelope:
    """Return the envelope of a line, clean and without its end, with the first time under these names."""
    found = next((found for name in times_of if (found := times.from_value(document.get(name)))), None)
    at, zoned = found or (None, True)
    return Envelope(text=clean(line.removesuffix("\n"))[0], at=at, zoned=zoned, **values)


def _part(document: _Document, name: str) -> _Document:
    value = document.get(name)
    return value if isinstance(value, dict) else {}


def _word(document: _Document, *names: str) -> str:
    """Return the first text under these names."""
    return next((value for name in names if isinstance(value := document.get(name), str) and value), "")


_APPLICATION = ("app", "app.kubernetes.io/name", "app_kubernetes_io/name", "k8s-app")


def _container_of(document: _Document) -> str:
    kubernetes = _part(document, "kubernetes")
    if kubernetes:
        pod = _word(kubernetes, "pod_name") or _word(_part(kubernetes, "pod"), "name")
        container = _word(kubernetes, "container_name") or _word(_part(kubernetes, "container"), "name")
        labels = _part(kubernetes, "labels")
        return "/".join(part for part in (pod, container) if part) or _word(labels, *_APPLICATION)
    return _word(_part(document, "container"), "name") or _word(document, "container_name").lstrip("/")


# Of s6, runit and daemontools: seconds of TAI, 10 of which had passed when UTC began, and nanoseconds.
_TAI64N = expression(r"@(4[0-9a-f]{15})([0-9a-f]{8})(?: |$)")
_TAI_BEGIN = 2**62 + 10


def _behind_tai(text: str) -> Envelope | None:
    match = _TAI64N.match(text)
    if match is None:
        return None
    at = int(match[1], 16) - _TAI_BEGIN + int(match[2], 16) / 1e9
    return Envelope(text=text[match.end() :], at=at)


def _in_colour(text: str) -> Envelope | None:
    plain = clean(text)[0]
    reader = _READERS.get(plain[:1])
    return reader(plain) if reader is not None and reader is not _in_colour else None


def _indented(text: str) -> Envelope | None:
    """Return the line of Cloud Foundry's client, which indents all that it prints."""
    if text[3:5] == "20" and "] " in text[:120] and (match := _ISO.match(text, 3)):
        cf = _CLOUD_FOUNDRY.match(text, match.end())
        return _behind_moment(text[3:]) if cf else None
    return None


_READERS: dict[str, Callable[[str], Envelope | None]] = {
    "{": _of_document,
    "[": _behind_bracket,
    "<": _behind_priority,
    "\x1b": _in_colour,
    " ": _indented,
    "@": _behind_tai,
    **dict.fromkeys("0123456789", _behind_digit),
    **dict.fromkeys("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", _behind_name),
}

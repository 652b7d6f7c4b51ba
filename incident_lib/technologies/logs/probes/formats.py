"""Text of one line -> Line, in the formats of servers and programs. Cheap tests first, never an error."""

import re

from incident_lib.expressions import expression
from incident_lib.technologies.logs.probes import times, traces
from incident_lib.technologies.logs.probes.databases import (
    read_csv,
    read_mongo,
    read_pgbouncer,
    read_postgres,
    read_redis,
)
from incident_lib.technologies.logs.probes.fields import from_json, from_logfmt, request_in_pairs
from incident_lib.technologies.logs.probes.line import PLAIN, Line, level_of, level_of_priority
from incident_lib.technologies.logs.probes.servers import (
    ENDING,
    IN_UTC,
    read_access,
    read_combined,
    read_haproxy,
    read_request,
)
from incident_lib.technologies.logs.probes.times import UNDECIDED, DateOrder, Found

_UPPER = expression(  # what stands before is compared when it is found: a pattern with \b in front is slow
    r"(?:TRACE|DEBUG|VERBOSE|INFO|NOTICE|WARN(?:ING)?|ERR(?:OR)?|SEVERE|CRIT(?:ICAL)?|FATAL|PANIC|ALERT"
    r"|EMERG|TRC|DBG|VRB|INF|WRN|FTL|PNC"
    r"|FEHLER|WARNUNG|SCHWERWIEGEND|ERREUR|AVERTISSEMENT|GRAVE|ADVERTENCIA)\b"  # of translations
)
_IN_BRACKETS = expression(
    r"\[ *+(?:\w{1,30}:)?(trace\d?|debug|info|notice|note|warn|warning|error|err|crit|critical|alert|emerg"
    r"|fatal) *\]",
    re.IGNORECASE,
)
_SMALL = expression(
    r"(debug|dbug|trce|info|notice|warning|warn|error|fail|crit|critical|fatal)(?=: |\s{2,}\S|\t)",
    re.IGNORECASE,
)
_POCO = expression(  # of ClickHouse: thread, query, level, logger
    r"\[ *\d{1,9} *\] \{[^{}]{0,100}\} <(Fatal|Critical|Error|Warning|Notice|Information|Debug|Trace|Test)> "
    r"(?:([\w:.<>()-]{1,80}(?: \([^()]{1,80}\))?): )?"
)
# Of Dovecot, behind its process; of Terraform, in a box.
_BEHIND_PROGRAM = expression(
    r"([a-z][a-z-]{2,30}|\u2502)(?:\([^()\s]{1,80}\))?(?:<[^<>\s]{0,80}>){0,3}(?::|(?<=\u2502)) "
    r"(Panic|Fatal|Error|Warning): "
)
_ARQ = expression(r"\d{1,9}\.\d\ds ([\u2192\u2190\u21bb!]) ")  # how long a job waited or took
_LEVEL_LAST = expression(r" (?:\| ?|-{1,2} |\[ ?)(DEBUG|INFO|WARN(?:ING)?|ERROR|CRITICAL|FATAL) ?\]?$")
_LEVEL_ENDS = frozenset("GONRL]")  # the last letters of those
_COMPONENT = expression(r"\[[^\[\]\s]{1,100}\](?: \[[^\[\]\s]{1,120}\])?\s+")  # and its line of source
_AFTER_LEVEL = expression(
    r"(?: *\]\[[^\[\]\s]{1,100} *\](?: \[[^\[\]]{1,100}\])?|[/\w-]*\])?"
    r"[\])>:|,]*\s*(?:[|-]\s+)?(?:(?:\d{3}/\d{6} )?\(\d{1,8}\) : )?"
    # the thread, and what stands with it, where a logger or a dash follows
    r"(?:\[(?:[^\[\]]|\[[^\[\]]{0,60}\]){1,400}\]\s+(?:-\s+|(?=[\w$]{1,60}\.[\w.$]{1,80}(?::\s|\s+-\s))))?"
    r"(?:([\w.$]{1,80}(?::[\w<>.]{1,80}:\d{1,6})?|[\w$]{1,80}\.(?:java|kt|scala|py|go|cc):\d{1,6})\s+--?\s+"
    r"|-- ([\w.]{0,60}): "  # of Ruby
    r"|\d{1,9} --- (?:\[[^\[\]]{0,80}\] ){1,3}(\S{1,80}) *: "  # of Spring
    r"|([\w$]{1,60}\.[\w.$]{1,80}):\s+|(?<=:)([\w.]{1,80}):(?=\S)"
    r"|([\w$]{1,60}\.[\w.$]{1,80})\s+\[(?:-|[\w-]{8,60}(?: [\w-]{1,60}){0,8})\]\s+"  # with the request's id
    # in brackets, with its line, the thread behind it; of Flask; of NLog
    r"|\[([\w$]{1,60}(?:\.[\w$]{1,60})+(?::\d{1,6})?)\](?:\[[^\[\]]{1,60}\])?\s+(?:\([^()]{1,60}\)\s+)?"
    r"|in ([\w.]{1,60}): |(?<=\|)([\w.$]{1,80})\|)?"
)
_ACCESS = expression(
    r"\"([A-Z]{3,10}) (\S{1,8000}?)(?: HTTP/[\d.]{1,4})?\"[ :|;,\t]{1,3}(?:status[=:] ?)?\"?(\d{3})\b"
    r"([^\r\n]{0,2000})$"
)
_UVICORN = expression(
    r"INFO: {5}[^\s\"]{1,60} - \"([A-Z]{3,10}) (\S{1,8000}) HTTP/[\d.]{1,4}\" (\d{3})\b([^\r\n]{0,2000})$"
)
_REDIS = expression(r"\d{1,10}:[MSCX] ")
_REDIS_ROLES = (":M ", ":S ", ":C ", ":X ")
_EMBEDDED_REDIS = expression(r"(?:^|\s)\d{1,10}:[MSCX] \d{1,2} [A-Z]")
_EMBEDDED_COMBINED = expression(r"(?:^|\s)\S{1,100} \S{1,60} \S{1,60} \[\d\d/[A-Z]")
_DAY = expression(r"(?<![\w/])\d\d/[A-Z][a-z]{2}/20\d\d:")
_GUNICORN = expression(r"\[\d+\] \[[A-Z]+\] ")
_KLOG = expression(r"([IWEF])(\d{4})?(\d\d)(\d\d) (\d\d:\d\d:\d\d)\.(\d{1,9}) +\d+ [^\]]{1,80}\] ")
_EPOCH = expression(r"(1\.\d{6,15})e\+09\t")  # zap
_SYSLOG_TIME = expression(r"[A-Z][a-z]{2} [ \d]?\d \d\d:\d\d:\d\d (?=\S| \S)")
_SENDER = expression(  # the host; the program with its process; whom it speaks for
    r"(?: ?\S{1,80}(?<!:) {1,2}(?:-- )?)?"
    r"(?:([\w./()@-]{1,80}(?: [\w.-]{1,20}){0,3})\[\d+\]|([\w./()@-]{1,80}(?: [\d.]{1,12})?))"
    r"(?: ?\([^()]{1,80}\)| <[A-Za-z]{4,9}>)?: (?:\[ *\d{1,8}\.\d{6}\] )?"
)
_PROCESS = expression(r"[^\s\[]{1,80} (?:([\w./()@-]{1,80})\[\d+\]|(kernel)): ")
_PRIORITY = expression(r"<(\d{1,3})>(1 (?=\d{4}-))?")
_OUTGOING = expression(r"://[^\s\"]{1,200} $")  # in front of a request: it was made, not served
_RFC5424 = expression(r"\S{1,255} (\S{1,48}) \S{1,128} \S{1,32} (?:-|(?:\[[^\]]{1,400}\])+) ?")
_SECOND_TIME = expression(r"\d{4}\.\d\d\.\d\d \S{1,60} [A-Z][a-z]{2} {1,2}\d{1,2} \d\d:\d\d:\d\d ")
_PIPES = expression(r"([\w$.-]{1,60})\|\d{1,12}\|")
_PROGRAM = expression(r"([\w.-]{1,60}\.[A-Za-z]{2,4})(?: \*\d\d)? - ")  # of Windows
_BEHIND_WORD = expression(
    r"(\S{1,80}+)[ \t]++(?:\| ++|\[[^\[\]]{1,80}\] ++|\d{1,9} +- +|REPORT=+ )?"
    r"(?=\[?(?:\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d"
    r"|\d{1,2}([-/.])(?:\d{1,2}|[A-Z][a-z]{2})\2\d{2,4}(?:,? |::?)\d{1,2}:\d\d))"
)
_ENV_LOGGER = expression(
    r" {1,2}(TRACE|DEBUG|INFO|WARN|ERROR) {1,2}(\w{1,40}(?:::\w{1,40}){0,8})\] "
)  # of Rust
_LOGRUS = expression(r"(TRAC|DEBU|INFO|WARN|ERRO|FATA|PANI)\[([^\]]{1,40})\] ?")
_TORNADO = expression(  # and Jupyter
    r"\[([DIWEC]) (?=(?:\d{6}|\d{4}-\d\d-\d\d) \d\d:\d\d:\d\d(?:\.\d{3})? ([\w.-]{1,60}(?::\d{1,6})?)\] )"
)
_AUDIT = expression(
    r"type=([A-Z][A-Z0-9_]{1,30}|UNKNOWN\[\d{1,5}\]) msg=audit\((1\d{9})\.(\d{3}):\d{1,12}\): ?"
)
# The time in an object behind the message: of winston, and of others that write their fields there.
_TIME_BEHIND = expression(
    r"\"(?:@?timestamp|time|ts|datetime)\": ?"
    r"(?:\"(\d{4}-\d\d-\d\d[T ][^\"]{5,30})\"|(1\d{9}(?:\.\d{1,6}|\d{3})?)(?=[,}]))"
)
_CUT_LEVELS = {"TRAC": "TRACE", "DEBU": "DEBUG", "ERRO": "ERROR", "FATA": "FATAL", "PANI": "PANIC"}
_PHP = expression(
    r"PHP ((?:[A-Z][a-z]{3,11} )?(?:fatal |Fatal |Parse |Core |Compile )?"
    r"(?:error|Warning|Notice|Deprecated|Error)"
    r"|Strict Standards): {1,2}"
)
_LOGGER_BEHIND = expression(r" \(([\w$-]{1,60}(?:\.[\w$-]{1,60})+)\)$")  # of Kafka
_UPTIME = expression(r"\[ *\d{1,9}\.\d{6}\] ")  # of the kernel
_PUMA = expression(r"\[\d{1,9}\] [-*!+] ")
_HAPROXY_DAY = expression(r"\[[A-Z]{5,7}\] (\d{3})/(\d{6}) \(\d{1,9}\) : ")
_QUIET = frozenset({"DEBUG", "INFO"})
_JUL = expression(r"([\w$]{1,60}(?:\.[\w$]{1,60}){1,12}) (?:[\w$]{1,80}|<init>|<clinit>)")
_RAILS = expression(r"Started [A-Z]{3,7} \"/|Processing by \w[\w:]{0,100}#")
_W3C = expression(r"#(?:Fields|Software|Version|Date|Start-Date|End-Date|Remark): ")
# A level in a column: fastapi and rich align theirs, and leave out a time that is that of the line before.
_ALIGNED = expression(
    r"\s+(?:(DEBUG|INFO|WARNING|ERROR) {2,}|(CRITICAL) )(?=\S)"  # of uvicorn's words, too
)
_INDENTED = expression(
    r"\s+(?:\S{3,60} - )?\"[A-Z]{3,10} \S{1,8000} HTTP/[\d.]{1,4}\" \d{3}\b|\s+\d{4}-\d\d-\d\d[T ]\d\d:"
)
# Next.js: " \u2a2f Error: ...", " GET /a 200 in 41ms (compile: 3ms)"
_NEXT_MARKS = {"\u2a2f": "ERROR", "\u26a0": "WARNING", "\u2713": "INFO", "\u25cb": "INFO", "\u25b2": "INFO"}
_NEXT = expression(
    r" (GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS) (/\S{0,8000}) ([1-5]\d\d)"
    r" in (\d{1,9}(?:\.\d{1,6})?m?s)(?: \([^()]{1,200}\))?"
)
_COLUMN = expression(r"\s{2,}[\w./-]{1,80}\.py:\d{1,6}\s*$")  # of rich: the file and line at the right
# A request that no format reads: a method and what can be a status.
_UNREAD = expression(
    r"\b(?:GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS)\b.{1,400}?(?<![\w.:/-])[1-5]\d\d(?![\w.:/-])"
)
_PROSE = expression(r"[A-Za-z]{2,}[,:;.)]? +(?:\S{1,80} +){0,4}?[(\"']?[A-Za-z]{2,}")
_ALIGNED_LETTERS = frozenset("DIWEC")
_LOGCAT = expression(r"\s*\d{1,7} +\d{1,7} ([VDIWEFA]) ([^:]{1,80}?) *: ")
_SHORT = ("TRC ", "DBG ", "INF ", "WRN ", "ERR ")  # of zerolog's console
_LEVEL_NAMES = {"D": "DEBUG", "I": "INFO", "W": "WARNING", "E": "ERROR", "C": "CRITICAL"}  # of Tornado
_LETTERS = {
    "V": "DEBUG",
    "D": "DEBUG",
    "A": "CRITICAL",
    "I": "INFO",
    "W": "WARNING",
    "E": "ERROR",
    "F": "CRITICAL",
}


def parse(text: str, order: DateOrder = UNDECIDED) -> Line:
    """Return what a line holds, without its line end. Any text is a line, at least a plain line.

    `order` is that of the log's numeric dates, by `times.order_of`. A time without a zone is taken as UTC;
    `zoned` is False.

    >>> line = parse('INFO:     10.0.0.7:53122 - "GET /a?b=c HTTP/1.1" 200 OK')
    >>> line.format, line.method, line.path, line.status
    ('uvicorn', 'GET', '/a?b=c', 200)
    """
    first = text[:1]
    if first == "{":
        return _of_document(text, order)
    if first == "I" and text[:10] == "INFO:     " and (match := _UVICORN.match(text)):
        return read_access(Line(message=text[10:], level="INFO"), match)
    if not first or first in " \t":
        return _indented(text, order)
    if first.isdigit() and (line := _of_address(text)):
        return line
    if first == "t" and text[:5] == "type=" and (line := _of_audit(text)):
        return line
    return _of_header(text, first, order)


def _of_address(text: str) -> Line | None:
    """Return the line of a server whose lines begin with a digit: the client's address or a process."""
    if _REDIS.match(text) and (line := read_redis(text)):
        return line
    if '] "' in text and (line := read_combined(text)):
        return line
    return read_haproxy(text) if "/20" in text[:100] else None


def _of_header(text: str, first: str, order: DateOrder) -> Line:
    """Return the line of a text that begins with a time, a level, a writer, or nothing of these."""
    level, is_5424 = "", False
    if first == "<" and (match := _PRIORITY.match(text)):
        level, is_5424, text = level_of_priority(int(match[1])), bool(match[2]), text[match.end() :]
        first = text[:1]
    found, rest, writer = _leading_time(text, first, order)
    at = found[0] if found else None
    if is_5424 and (sender := _RFC5424.match(rest)):
        rest, writer = rest[sender.end() :], sender[1]
    line = None
    if found and text[found[1] : found[1] + 1] == "," and ',"' in text:
        line = read_csv(text, found[1])
    if line is None:
        line = _with_header(rest, at)
    line.level = line.level or level
    line.logger = line.logger or writer
    if line.format == PLAIN:
        line.format = _generic(line, timed=found is not None, writer=writer if first != "[" else "")
    if found is None and line.at is None and line.level and text[-1:] == "}":
        found = _time_behind(text)
    if found and line.at is None:
        line.at, _, line.zoned = found
    line.zoned = line.zoned or line.format in IN_UTC
    return line


def _of_audit(text: str) -> Line | None:
    """Return a record of the kernel's audit log, which names its time behind its type, None for others."""
    match = _AUDIT.match(text)
    if match is None:
        return None
    at = int(match[2]) + int(match[3]) / 1e3
    return Line(format="audit", message=text[match.end() :], at=at, zoned=True, logger=match[1])


def _time_behind(message: str) -> Found | None:
    """Return the time in an object of JSON that a line ends in, None where it names none."""
    start = message.rfind(" {")
    match = _TIME_BEHIND.search(message, start) if start > 0 else None
    found = times.from_value(match[1] or float(match[2])) if match else None
    return (found[0], 0, found[1]) if found else None


def _generic(line: Line, *, timed: bool, writer: str) -> str:
    """Return what a line of no known program is: syslog, text with a header, plain where it was not read."""
    message, level = line.message, line.level
    if (
        "/" in message
        and (not level or level in _QUIET)
        and "://" not in message
        and not line.is_detail
        and _UNREAD.search(message, 0, 600)
    ):
        return PLAIN
    if writer:
        return "syslog"
    if timed and not level and (match := _JUL.fullmatch(message)):
        line.logger = match[1]
        return "jul"
    if level or (timed and _PROSE.search(message, 0, 120)):
        return "text"
    return "rails" if message[:1] in "SP" and _RAILS.match(message) else PLAIN


def _of_document(text: str, order: DateOrder) -> Line:
    line = from_json(text, order)
    if line is None:
        return Line(message=text)
    message = line.message
    if "\n" in message and not line.exception and traces.HEAD in message:
        at = message.index(traces.HEAD)
        line.message, line.exception = message[:at].rstrip() or message, message[at:]
        return line
    if message[:1] == "{" and message[-1:] == "}" and not line.status:
        inner = from_json(message, order)
        if inner is not None and inner.is_known:
            inner.at, inner.zoned = (line.at, line.zoned) if line.at is not None else (inner.at, inner.zoned)
            inner.level, inner.logger = inner.level or line.level, inner.logger or line.logger
            line = inner
    if not line.status and "/" in line.message:
        if '] "' in message and (request := read_combined(message)):
            line.method, line.path, line.status = request.method, request.path, request.status
            line.duration = request.duration
        else:
            _request_in(line)
    return line


def _indented(text: str, order: DateOrder) -> Line:
    """Return an indented line: a request, one with an aligned level, else a part of the line before."""
    stripped = text.lstrip()
    first = stripped[:1]
    if first in _ALIGNED_LETTERS and (match := _ALIGNED.match(text)):
        return _aligned(text[match.end() :].rstrip(), match[1] or match[2])
    if stripped.startswith(("Request finished ", "--> ")):  # ASP.NET, koa
        line = Line(message=stripped)
        if read_request(line):
            return line
    elif (first == '"' or first.isdigit()) and _INDENTED.match(text):
        return parse(stripped, order)
    elif first in _NEXT_MARKS and text[:2] == f" {first}":
        return Line(format="text", message=stripped[1:].lstrip(), level=_NEXT_MARKS[first])
    elif first in "GPDHO" and text[1:2] == first and (match := _NEXT.fullmatch(text)):
        line = Line(format="access", message=stripped, method=match[1], path=match[2], status=int(match[3]))
        line.duration = times.seconds_of("", match[4])
        return line
    return Line(message=text, is_detail=True)


def _without_column(message: str) -> str:
    """Return the message without the file and line that rich writes at the right."""
    match = _COLUMN.search(message[-120:])  # only there: a long run of spaces would take its square
    return message[: match.start() - min(len(message), 120)].rstrip() if match else message


def _aligned(message: str, level: str) -> Line:
    line = Line(format="text", message=_without_column(message), level=level)
    if "/" in message:
        _request_in(line)
    return line


def _request_in(line: Line) -> None:
    """Take over the request that the message reports, where it was served and not made."""
    message = line.message
    match = _ACCESS.search(message) if '"' in message else None
    if match and not ("://" in message and _OUTGOING.search(message, 0, match.start())):
        read_access(line, match)
        if "/20" in message[: match.start()] and (
            when := _DAY.search(message, 0, match.start())
        ):  # of PHP-FPM
            found = times.from_day_first(message, when.start())
            line.at, line.zoned = (found[0], found[2]) if found else (None, False)
    else:
        read_request(line)


def _leading_time(text: str, first: str, order: DateOrder) -> tuple[Found | None, str, str]:
    """Return the time, what follows it, and who wrote it where the header names it."""
    if first.isdigit():
        found = times.from_iso(text) or times.leading(text[:60], order) or times.from_record(text[:160])
        if found is None and "e+09\t" in text[:24] and (match := _EPOCH.match(text)):
            found = float(match[1]) * 1e9, match.end(), True
        end = found[1] if found else 0
    elif first == "[":
        return _bracketed_time(text, order)
    elif first in "IWEF" and text[1:5].isdigit() and (match := _KLOG.match(text)):
        year, month, day, clock_time, fraction = match.groups()[1:]
        moment = times.this_year((month, day), (*clock_time.split(":"), fraction), year or "")
        return (moment, 0, False), text, ""
    elif text[4:5] == "[" and (match := _LOGRUS.match(text)):
        found = times.leading(match[2], order)
        return found, f"{_CUT_LEVELS.get(match[1], match[1])} {text[match.end() :]}", ""
    elif text[:3] in times.NAMES and (found := times.leading(text[:60], order)):
        if _SYSLOG_TIME.match(text):
            return (found, *_sender(text, found[1] + (text[found[1] : found[1] + 1] == " ")))
        end = found[1]
    else:
        found = times.leading(text[:40], order) if first == "-" else None
        end = found[1] if found else 0
    if found is None:
        return _late_time(text, order)
    return (found, *_writer(text, end))


def _bracketed_time(text: str, order: DateOrder) -> tuple[Found | None, str, str]:
    if text[2:3] == " " and (match := _TORNADO.match(text)):
        found = times.leading(text[3:60], order)
        level = f"{_LEVEL_NAMES[match[1]]} "
        return (found, level + text[match.end(2) + 2 :], match[2]) if found else (None, text, "")
    found = times.leading(text[1:60], order) or times.from_dotted_day(text[1:20])
    if found is None:
        return _late_time(text, order)
    end = found[1] + 1
    if text[end : end + 1] == "]":
        end += 1
    elif match := _ENV_LOGGER.match(text, end):
        return found, f"{match[1]} {text[match.end() :]}", match[2]
    return (found, *_writer(text, end))


def _late_time(text: str, order: DateOrder) -> tuple[Found | None, str, str]:
    """Return the same of a line with a word before its time: a level, a container, a file."""
    match = _BEHIND_WORD.match(text, 0, 140) if ":" in text[10:140] else None
    if match is None:
        return None, text, ""
    word, start = match[1], match.end() + (text[match.end()] == "[")
    found = times.leading(text[start : start + 60], order)
    if found is None:
        return None, text, ""
    rest = text[start + found[1] :].lstrip("] \t,|:=")
    return found, f"{word.strip('=')} {rest}" if level_of(word.strip("[]:|=")) else rest, ""


def _writer(text: str, end: int) -> tuple[str, str]:
    """Return what follows a time, and the program, thread or component that stands before the message."""
    rest = text[end:].lstrip(" \t,|:")
    start = rest[:90]
    if (
        ("|" in start and (match := _PIPES.match(rest)))
        or (" - " in start and (match := _PROGRAM.match(rest)))
        or (": " in start and (match := _PROCESS.match(rest)))
    ):
        return rest[match.end() :], match[match.lastindex or 1]
    again = _SECOND_TIME.match(rest) if rest[4:5] == "." else None
    return _sender(rest, again.end()) if again else (rest, "")


def _sender(text: str, end: int) -> tuple[str, str]:
    match = _SENDER.match(text, end, end + 250)
    if match is None:
        return text[end:], ""
    program = match[1] or match[2]
    return (
        (text[match.start(match.lastindex or 0) :], "")
        if level_of(program)
        else (text[match.end() :], program)
    )


def _with_header(text: str, at: float | None) -> Line:
    """Return the line of what follows the time."""
    if text[:5] == "INFO:" and (match := _UVICORN.match(text)):
        return read_access(Line(message=text[10:], level="INFO"), match)
    if at is None and " msg=" in text and "level=" in text[:100] and (line := _logfmt(text, text)):
        return line  # the words of another program may stand in its message
    if line := _native_format(text, at):
        return line
    level, logger, message = _header(text, timed=at is not None)
    if inner := _embedded(message, text):
        inner.level = inner.level or level
        return inner
    line = Line(message=message, level=level, logger=logger)
    if "/" in message or message[:1] in ENDING:
        _request_in(line)
        if line.status:
            return line
    _name_format(line, text, timed=at is not None)
    last = message[-1:]
    if last == ")" and level and (match := _LOGGER_BEHIND.search(message[-120:])):
        line.logger, line.message = match[1], message[: match.start() - min(len(message), 120)]
    elif last.isdigit() and ".py:" in message:
        line.message = _without_column(message)
    return line


def _name_format(line: Line, text: str, *, timed: bool) -> None:
    """Name the format of a header that only some programs write."""
    if text[:1] == "[":
        if _GUNICORN.match(text):
            line.format = "gunicorn"
        elif not timed and (match := _HAPROXY_DAY.match(text)):
            line.format, line.at = "haproxy", times.from_day_of_year(match[1], match[2])
    elif text[9:10] == " " and line.level and text[:10].rstrip() == f"{line.level}:":
        line.format = "uvicorn"


def _native_format(text: str, at: float | None) -> Line | None:
    """Return the line of fields, or of a server with a format that holds level and more."""
    first = text[:1]
    if first == "{" and (line := from_json(text)):
        return line
    if ":  " in text and (line := read_postgres(text, at)):
        return line
    if first.isdigit():
        line = _of_address(text)
        if line is None and at is not None and (match := _LOGCAT.match(text)):
            message, level = text[match.end() :], _LETTERS[match[1]]
            line = Line(format="logcat", message=message, level=level, logger=match[2])
        return line
    if first == "[":
        line = _of_brackets(text, timed=at is not None)
    elif first == "#":
        line = Line(format="w3c", message=text) if _W3C.match(text) else None
    else:
        line = read_mongo(text) if text[1:2] == " " else None
    if line is not None:
        return line
    return read_combined(text) if '] "' in text else None


def _of_brackets(text: str, *, timed: bool) -> Line | None:
    """Return the line of PgBouncer, the kernel or Puma, which begin with a number in brackets."""
    end = text.find("] ", 0, 24)
    if end < 0 or text[end + 2 : end + 3] == "[" or not text[1:end].strip().replace(".", "").isdigit():
        return None
    if timed and (line := read_pgbouncer(text)):
        return line
    if _UPTIME.match(text):
        return Line(format="kernel", message=text[end + 2 :])
    return Line(format="puma", message=text[end + 4 :]) if _PUMA.match(text) else None


def _embedded(message: str, text: str) -> Line | None:
    """Return the line of a format that stands behind a time, level and logger of another."""
    if message[:1] == "{" and (line := from_json(message)):
        return line
    if '] "' in message and (match := _EMBEDDED_COMBINED.search(message)):
        return read_combined(message[match.start() :].lstrip())
    if any(map(message.__contains__, _REDIS_ROLES)) and (match := _EMBEDDED_REDIS.search(message)):
        return read_redis(message[match.start() :].lstrip())
    if "\t{" in message and (line := from_json(message[message.index("\t{") + 1 :])):  # zap, Caddy
        names = message[: message.index("\t{")].split("\t")
        line.format, line.message = "json", line.message or names[-1]
        line.logger = line.logger or ("" if len(names) == 1 else names[0])
        return line
    return _logfmt(message, text) if "=" in message else None


def _header(text: str, *, timed: bool) -> tuple[str, str, str]:
    """Return level, logger and message of a line without its time."""
    if text[:4] == "PHP " and (match := _PHP.match(text)) and (timed or match[1][-5:].lower() != "error"):
        kind = match[1].rsplit(" ", 1)[-1].lower()  # an error without a time opens a trace
        return level_of({"deprecated": "notice", "standards": "notice"}.get(kind, kind)), "php", text[4:]
    found = _UPPER.search(text, 0, 120)
    while found and found.start() and (text[found.start() - 1].isalnum() or text[found.start() - 1] == "_"):
        found = _UPPER.search(text, found.end(), 120)
    if found and (found.start() == 0 or _stands_before(text[: found.start()], timed=timed)):
        after = _AFTER_LEVEL.match(text, found.end())
        end = after.end() if after else found.end()
        logger = after[after.lastindex] if after and after.lastindex else ""
        return level_of(found[0]), logger, text[end:]
    small = _SMALL.match(text) or _IN_BRACKETS.search(text, 0, 100)
    if small:
        behind = _COMPONENT.match(text, small.end())
        end = behind.end() if behind else small.end()
        return level_of(small[1]), "", text[end:].lstrip(" :") or text[: small.start()].rstrip()
    return _header_of_program(text, timed=timed)


def _header_of_program(text: str, *, timed: bool) -> tuple[str, str, str]:
    """Return the same of a line with a level as only some programs write it."""
    if text[:1] in "IWEF" and (match := _KLOG.match(text)):
        return _LETTERS[match[1]], "", _unquoted(text[match.end() :])
    if text[:1] == "[" and (match := _POCO.match(text)):
        return level_of(match[1]) or "DEBUG", match[2] or "", text[match.end() :]
    if match := _BEHIND_PROGRAM.match(text):
        return level_of(match[2]), match[1], text[match.end() :]
    if timed and text[:1].isdigit() and (match := _ARQ.match(text)):
        return "ERROR" if match[1] == "!" else "INFO", "", text[match.end() :]
    if timed and text[-1:] in _LEVEL_ENDS and (match := _LEVEL_LAST.search(text[-14:])):
        return level_of(match[1]), "", text[: match.start() - min(len(text), 14)]
    return "", "", text


def _unquoted(message: str) -> str:
    """Return a structured message of klog without the quotes around its words, which are not a value."""
    end = message.find('"', 1) if message[:1] == '"' else -1
    return message[1:end] + message[end + 1 :] if end > 0 else message


def _stands_before(before: str, *, timed: bool) -> bool:
    """Return whether `before` is a header: brackets, numbers, dotted names; of plain words at most one."""
    words = before.split()
    if '"' in before or "'" in before or before[-1] == "=":
        return False
    if " TID-" in before:  # of Sidekiq
        return True
    return (timed and len(words) == 1) or all(
        word.isupper() or not word.rstrip(",;.").isalpha() for word in words
    )


def _logfmt(message: str, text: str) -> Line | None:
    head = message[:40].split("=", 1)[0]
    if "=" in message[:40] and head.replace(".", "").replace("_", "").isalnum():
        return from_logfmt(message)
    if " msg=" in text and " level=" in text:
        return from_logfmt(text)
    if "=/" in message or '="/' in message:
        return request_in_pairs(message, milliseconds=text[:4] in _SHORT)
    return None

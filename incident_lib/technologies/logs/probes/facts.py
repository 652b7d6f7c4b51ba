"""Records -> facts, counted in a digest: requests, errors by class, exceptions, templates, events."""

import re
from collections.abc import Iterable
from typing import TypeVar

from incident_lib.technologies.logs.classes import classes_of, may_be_calm, peer_in, seconds_in
from incident_lib.technologies.logs.probes import traces
from incident_lib.technologies.logs.probes.digest import (
    LATENCY_SLOTS,
    OTHER,
    Digest,
    EndpointCount,
    Requests,
    Slot,
    Tally,
    duration_class,
    latency_key,
)
from incident_lib.technologies.logs.probes.events import event_of, is_start, may_report
from incident_lib.technologies.logs.probes.line import BAD_LEVELS, Line
from incident_lib.technologies.logs.probes.mask import is_encoded, mask, mask_path
from incident_lib.technologies.logs.probes.multiline import Record

SLOW_SECONDS = 1.0
_EXAMPLE = 4_000  # characters: more than is kept in the end, so that no secret is cut before it is hidden
# A line of letters alone is no message: it is a line of a key, which nothing around it gives away any more.
_ENCODED = re.compile(r"[A-Za-z0-9+/=_-]{40,}")
_STRETCH_SECONDS, _STRETCHES = 10, 20_000  # in which something started
MOST_TEMPLATES = 2_000  # different ones that are kept apart; the rest is counted together
MOST_ENDPOINTS = MOST_EXCEPTIONS = 500
MOST_SHAPES = 500  # of lines that were not read
MOST_RAISED = 20_000  # moments of exceptions, by the message above them
MOST_OCCURRENCES = 50_000  # moments of errors and events that are kept apart
_NO_CHARACTER, _NOT_TEXT, _BINARY = "\ufffd", 10, "(not text)"  # from one in ten on, a line is not text
_SAME_SECONDS = 1.0  # between the two lines of a request, at most
MOST_PEERS = 200  # hosts that errors are about, of all classes
MOST_DATABASES = 1_000  # of all classes
PEER_LINES = 2_000  # of a class: enough to know which hosts it is about
_JUDGED_LEVELS = frozenset({"WARNING", "ERROR", "CRITICAL", ""})
_FIELDS = frozenset({"json", "logfmt"})
_PROXIES = frozenset({"haproxy", "envoy", "elb"})  # lines of requests say how they ended, too
_SERVER_FORMATS = frozenset({"postgres", "redis", "mongodb"})  # these report trouble at ordinary levels too
# The name of what was raised, where a header ends in it.
_RAISED = re.compile(
    r"(?:Error|Exception|Timeout|Failure|Violation|Refused)$|\.(?:errors|exceptions|exc)\.[A-Z]\w*$"
)
_LEVEL_WORD = re.compile(r"(?:\*{3} )?(?:\b(?:FATAL|PANIC):? {1,2}|\[(?:emerg|ALERT)\] +)$")
_NODE_ENDED = re.compile(r"(?m)^Node\.js v\d+\.\d+\.\d+$")  # below what nothing caught
_STATEMENTS = ("STATEMENT:", "QUERY:", "CONTEXT:", "LOCATION:")  # what a client sent, and where it was run
K = TypeVar("K")


class Facts:
    """Counts into `digest`. With `over_time`, how long requests took is kept by stretches of time."""

    def __init__(self, digest: Digest, *, over_time: bool) -> None:
        self.digest = digest
        self._width = digest.slot_seconds
        self._over_time = over_time
        # Requests that only an error line reports so far: how many, and when the newest of them ended.
        self._failed: dict[tuple[str, str, str, int], tuple[int, float | None]] = {}
        self._may_report: dict[str, bool] = {}  # by template: most lines report no event

    def count_line(self, at: float | None, *, timed: bool, known: bool) -> None:
        """Count a line of a record: how many there are, when, and how many could be read."""
        digest = self.digest
        digest.lines += 1
        digest.timed_lines += timed
        digest.known_lines += known
        digest.read_lines += timed and known
        if at is None:
            return
        key = int(at) // self._width
        slot = digest.slots.get(key)
        if slot is None:
            slot = digest.slots[key] = Slot()
        slot.count += 1
        if digest.first_at is None or at < digest.first_at:
            digest.first_at = at
        if digest.last_at is None or at > digest.last_at:
            digest.last_at = at

    def _unread(self, record: Record) -> None:
        if record.trace is not None:
            self.digest.traced_lines += len(record.trace.lines)
            return
        text, unread = record.text, self.digest.unread
        if _NO_CHARACTER in text and text.count(_NO_CHARACTER) * _NOT_TEXT >= len(text):
            self.digest.not_text_lines += 1
            text = _BINARY
        shape = mask(text)
        if shape not in unread and len(unread) >= MOST_SHAPES:
            shape = OTHER
        _tally(unread, shape).add(record.at, _example(text))

    def count(self, record: Record) -> None:
        """Count what a whole record reports. Each class of error counts once in it."""
        line, at = record.line, record.at
        exception = record.exception
        is_error = line.level in BAD_LEVELS or bool(exception and not line.level and not line.status)
        if is_error:
            self._error(at)
        if record.service in self.digest.services and (is_error or line.status >= 500):
            errors = self.digest.service_errors
            errors[record.service] = errors.get(record.service, 0) + 1
        if line.status:
            self._request(line, at)
            is_bad = line.level in BAD_LEVELS or line.status >= 500
            is_notable = is_bad or line.level == "WARNING"
            has_reason = line.format in _FIELDS or bool(line.error)  # other lines of requests add nothing
            if exception or (is_notable and has_reason):
                self._classes(_text_of(record, exception), at)
            elif is_bad and (line.format in _PROXIES or (line.level in BAD_LEVELS and line.status >= 500)):
                self._classes(record.text, at)
        elif exception or not line.is_detail:
            classes: frozenset[str] = frozenset()
            if (
                exception
                or line.level in _JUDGED_LEVELS
                or line.format in _SERVER_FORMATS
                or may_be_calm(line.message)
            ):
                classes = self._classes(_text_of(record, exception), at)
                self._of_database(line.database, classes)
            self._message(record, min(classes, default=""))
        if exception:
            self._exception(record, exception)
        if not record.is_timed or not is_known(line):
            self._unread(record)

    def _error(self, at: float | None) -> None:
        self.digest.errors += 1
        if at is None:
            return
        slot = self.digest.slots.setdefault(int(at) // self._width, Slot())
        slot.errors += 1
        if slot.first_error_at is None or at < slot.first_error_at:
            slot.first_error_at = at

    def _message(self, record: Record, error_class: str) -> None:
        line, at, digest = record.line, record.at, self.digest
        message = record.words
        template = mask(message)
        may = self._may_report.get(template)
        if may is None:
            may = self._remember(template, message)
        if may and (event := event_of(message)):
            _tally(digest.events, event).add(at, _example(message))
            occurred(digest, ("event", event, ""), at)
            if at is not None and is_start(event):
                stretch = (event, int(at) // _STRETCH_SECONDS)
                if stretch in digest.boots or len(digest.boots) < _STRETCHES:
                    digest.boots[stretch] = digest.boots.get(stretch, 0) + 1
        key = (line.level, template)
        tally = digest.templates.get(key)
        if tally is None:
            if len(digest.templates) >= MOST_TEMPLATES:
                key = (line.level, OTHER)
            tally = _tally(digest.templates, key)
        if error_class and key[1] != OTHER:
            digest.template_classes.setdefault(key, error_class)
        if line.level in BAD_LEVELS and line.message and line.error:
            message = f"{message}: {line.error}"
        if line.level in BAD_LEVELS and record.details:  # a detail or hint may hold the cause
            message = f"{message}\n{record.details}"
        tally.add(at, _example(message))

    def _remember(self, template: str, message: str) -> bool:
        if len(self._may_report) >= 10 * MOST_TEMPLATES:
            self._may_report.clear()
        may = self._may_report[template] = may_report(message)
        return may

    def _classes(self, text: str, at: float | None) -> frozenset[str]:
        found = classes_of(text)
        for name, example in found.items():
            _tally(self.digest.classes, name).add(at, example)
            occurred(self.digest, ("class", name, ""), at)
            self._peer(name, example, text)
            if (seconds := seconds_in(name, text)) is not None:
                key = (name, duration_class(seconds))
                self.digest.class_durations[key] = self.digest.class_durations.get(key, 0) + 1
        return frozenset(found)

    def _peer(self, name: str, example: str, text: str) -> None:
        """Count the host that an error is about, in the first lines of a class."""
        peers, tally = self.digest.peers, self.digest.classes[name]
        if tally.count > PEER_LINES:
            return
        key = (name, peer_in(name, example, text))
        if key[1] and (key in peers or len(peers) < MOST_PEERS):
            peers[key] = peers.get(key, 0) + 1

    def _of_database(self, database: str, classes: Iterable[str]) -> None:
        """Count the database of the session whose errors they are."""
        databases = self.digest.databases
        for key in ((name, database) for name in classes if database):
            if key in databases or len(databases) < MOST_DATABASES:
                databases[key] = databases.get(key, 0) + 1

    def _exception(self, record: Record, text: str) -> None:
        trace, at = traces.read(text), record.at
        if trace is None:
            return
        key = (trace.type, trace.frame)
        if key not in self.digest.exceptions and len(self.digest.exceptions) >= MOST_EXCEPTIONS:
            key = (OTHER, "")
        words = trace.message or (record.line.error or record.line.message if trace.type == "error" else "")
        _tally(self.digest.exceptions, key).add(at, words[:500])
        occurred(self.digest, ("exception", *key), at)
        line = record.line
        raised(self.digest, key, mask(record.words), at)
        has_header = bool(line.level or line.logger) and not record.text.startswith("Error: ")  # of Node
        is_bare = not has_header and text.startswith(record.text)
        ends = (is_bare and traces.ends_process(text)) or _NODE_ENDED.search(record.details)
        if at is not None and ends:
            deaths, death = self.digest.deaths, (*key, int(at))
            if death in deaths or len(deaths) < _STRETCHES:
                deaths[death] = deaths.get(death, 0) + 1

    def _is_repeated(self, line: Line, at: float | None) -> bool:
        """Return whether an error line has reported the request of this access line: Caddy writes both.

        They end alike, at one time: a client may ask for the same again, and be served.
        """
        if not line.reported_by:
            return False
        request = (line.reported_by, line.method, line.path, line.status // 100)
        count, failed_at = self._failed.pop(request, (0, at))
        if at is not None and failed_at is not None and abs(at - failed_at) > _SAME_SECONDS:
            count = 0
        if line.logger.startswith("http.log.error"):
            if len(self._failed) >= MOST_ENDPOINTS:
                self._failed.clear()
            self._failed[request] = (count + 1, at)
            return False
        if count > 1:
            self._failed[request] = (count - 1, failed_at)
        return count > 0

    def _request(self, line: Line, at: float | None) -> None:
        if self._is_repeated(line, at):
            return
        family, duration = line.status // 100, line.duration
        requests = self.digest.requests.get(line.format)
        if requests is None:
            requests = self.digest.requests[line.format] = Requests()
        requests.count += 1
        endpoint = self._endpoint(requests, line)
        endpoint.statuses[family] = endpoint.statuses.get(family, 0) + 1
        if family == 5:
            requests.failures[line.status] = requests.failures.get(line.status, 0) + 1
        if duration is not None:
            requests.timed += 1
            self._took(endpoint, duration, at)
        if at is not None:
            self._request_at(requests, endpoint, line, at)

    def _request_at(self, requests: Requests, endpoint: EndpointCount, line: Line, at: float) -> None:
        family, duration = line.status // 100, line.duration
        key = int(at) // self._width
        slot = requests.slots.get(key)
        if slot is None:
            slot = requests.slots[key] = Slot()
        slot.count += 1
        slot.client_errors += family == 4
        stretch = key // LATENCY_SLOTS
        endpoint.tried[stretch] = endpoint.tried.get(stretch, 0) + 1
        if family == 5:
            slot.errors += 1
            endpoint.failed[stretch] = endpoint.failed.get(stretch, 0) + 1
            if endpoint.last_error_at is None or at > endpoint.last_error_at:
                endpoint.last_error_at = at
            if slot.first_error_at is None or at < slot.first_error_at:
                slot.first_error_at = at
            if endpoint.first_error_at is None or at < endpoint.first_error_at:
                endpoint.first_error_at = at
        if duration is not None and duration >= SLOW_SECONDS:
            slot.slow += 1
            if slot.first_slow_at is None or at < slot.first_slow_at:
                slot.first_slow_at = at

    def _took(self, endpoint: EndpointCount, duration: float, at: float | None) -> None:
        number = duration_class(duration)
        endpoint.durations[number] = endpoint.durations.get(number, 0) + 1
        if at is not None and self._over_time:
            key = latency_key(int(at) // self._width, number)
            over_time = endpoint.over_time
            over_time[key] = over_time.get(key, 0) + 1

    @staticmethod
    def _endpoint(requests: Requests, line: Line) -> EndpointCount:
        key = (line.method, mask_path(line.path))
        endpoint = requests.endpoints.get(key)
        if endpoint is None:
            if len(requests.endpoints) >= MOST_ENDPOINTS:
                key = ("*", OTHER)
            endpoint = requests.endpoints.setdefault(key, EndpointCount())
        return endpoint


def occurred(digest: Digest, what: tuple[str, str, str], at: float | None, count: int = 1) -> None:
    """Count when something occurred, as far as there is room."""
    if at is None:
        return
    key = (*what, int(at) // digest.slot_seconds)
    if key in digest.occurred or len(digest.occurred) < MOST_OCCURRENCES:
        digest.occurred[key] = digest.occurred.get(key, 0) + count


def raised(
    digest: Digest, exception: tuple[str, str], template: str, at: float | None, count: int = 1
) -> None:
    """Count under which message an exception was logged when, as far as there is room."""
    if at is None:
        return
    key = (*exception, template, int(at))
    if key in digest.raised or len(digest.raised) < MOST_RAISED:
        digest.raised[key] = digest.raised.get(key, 0) + count


def is_known(line: Line) -> bool:
    """Return whether a format reads the line."""
    return line.is_known


def _text_of(record: Record, exception: str) -> str:
    """Return what of a record is an error's words: not the statement that a client sent."""
    line, details = record.line, record.details
    if details and line.format == "postgres":
        details = "\n".join(part for part in details.split("\n") if not part.startswith(_STATEMENTS))
    message = line.message
    if _RAISED.search(line.logger):  # "ERROR java.io.IOException: ...": it is no logger
        message = f"{line.logger}: {message}"
    elif line.level == "CRITICAL":
        message = _with_level(message, record.text)
    return "\n".join(part for part in (message, line.error, details, exception) if part)


def _with_level(message: str, text: str) -> str:
    """Return a message behind the word that its program writes for a level, where that belongs to its error.

    >>> _with_level('role "a" does not exist', 'time FATAL:  role "a" does not exist')
    'FATAL:  role "a" does not exist'
    """
    start = text.find(message) if message else -1
    found = _LEVEL_WORD.search(text, max(0, start - 24), start) if start > 0 else None
    return f"{found[0]}{message}" if found else message


def _tally(table: dict[K, Tally], key: K) -> Tally:
    tally = table.get(key)
    if tally is None:
        tally = table[key] = Tally()
    return tally


def _example(message: str) -> str:
    """Return what is kept of a message.

    >>> _example("MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7"), _example("no route")
    ('[encoded]', 'no route')
    """
    whole = message.strip()
    return "[encoded]" if _ENCODED.fullmatch(whole) or is_encoded(whole) else message[:_EXAMPLE]

"""Lines -> Digest, in one pass. Joins what belongs together and leaves out what is outside the window."""

from typing import TypeVar

from incident_lib.technologies.logs.addresses import peer_of
from incident_lib.technologies.logs.classes import classes_of
from incident_lib.technologies.logs.probes import traces
from incident_lib.technologies.logs.probes.digest import (
    OTHER,
    Digest,
    EndpointCount,
    Requests,
    Slot,
    Tally,
    duration_class,
    latency_key,
)
from incident_lib.technologies.logs.probes.events import event_of
from incident_lib.technologies.logs.probes.formats import parse
from incident_lib.technologies.logs.probes.line import BAD_LEVELS, Line
from incident_lib.technologies.logs.probes.mask import mask, mask_path

SLOW_SECONDS = 1.0
_EXAMPLE = 500  # characters
_TEMPLATES = 2_000  # different ones that are kept apart; the rest is counted together
_ENDPOINTS = 500
_PEERS = 200  # hosts that errors are about, of all classes
_PEER_LINES = 2_000  # of a class: enough to know which hosts it is about
_JUDGED_LEVELS = frozenset({"WARNING", "ERROR", "CRITICAL", ""})
_FIELDS = frozenset({"json", "logfmt"})
_SERVER_FORMATS = frozenset({"postgres", "redis"})  # these report trouble at ordinary levels too
K = TypeVar("K")


class Scan:
    """Counts lines into `digest`. `shift` is added to the lines' own times. Call `finish` in the end."""

    def __init__(self, start: float, end: float, slot_seconds: int = 1, shift: float = 0.0) -> None:
        self.digest = Digest(slot_seconds=slot_seconds)
        self._start, self._end, self._width, self._shift = start, end, slot_seconds, shift
        self._over_time = start > float("-inf")  # without bounds there is no end to the stretches of time
        self._at: float | None = None  # of the line before, for those without a time
        self._inside = True
        self._events: dict[str, str] = {}  # by template: most lines report none
        self._open: traces.Joiner | None = None
        # The line before, with details that followed it, and whether the line before that was an error.
        self._last: tuple[Line, str, bool] | None = None
        self._opened: Line | None = None
        self._before_bad = False  # the line before was an error: its traceback is not a second error
        self._before_classes: frozenset[str] = frozenset()

    def feed(self, text: str, at: float | None = None, *, cut: bool = False) -> bool:
        """Count a line, without its end; `at` is the engine's time. Return whether it is in the window."""
        if self._open is not None:
            if self._open.takes(text):
                return self._count_detail()
            line = parse(text)
            if self._open.ended or line.format == "plain":
                self.finish()
        else:
            line = parse(text)
        if not self._place(line, at):
            return False
        if line.is_detail and self._last is not None and traces.is_frame(text):
            self._open_frames(self._last, text)
            return self._count_detail()
        self._count(line, text)
        self.digest.cut_lines += cut
        return True

    def finish(self) -> Digest:
        """Return the digest, with a traceback that is still open counted."""
        joiner, head = self._open, self._opened
        self._open = self._opened = None
        if joiner is not None and head is not None:
            self._exception("\n".join(joiner.lines), head.at, counted=self._before_classes)
            self._before_classes = frozenset()
        return self.digest

    def _open_frames(self, last: tuple[Line, str, bool], frame: str) -> None:
        """Open the trace whose error the line before names. Without a level, that line is an error."""
        head, text, after_bad = last
        self._open, self._opened, self._last = traces.FrameJoiner(text, frame), head, None
        if not (head.level or after_bad or head.exception or head.status):
            self.digest.errors += 1
            slot = None if head.at is None else self.digest.slots.get(int(head.at) // self._width)
            if slot and head.at is not None:
                slot.errors += 1
                slot.first_error_at = min(head.at, slot.first_error_at or head.at)

    def _keep_last(self, line: Line, text: str) -> None:
        if not line.is_detail:
            self._last = (line, text, self._before_bad)
        elif self._last is not None:
            head, before, after_bad = self._last
            self._last = (head, f"{before}\n{text}"[-4 * _EXAMPLE :], after_bad)

    def _place(self, line: Line, at: float | None) -> bool:
        """Return whether the line is in the window; sets its time."""
        moment = at
        if moment is None and line.at is not None:
            moment = line.at + self._shift
        if moment is not None:
            self._at = moment
            self._inside = self._start <= moment <= self._end
            self.digest.timed_lines += self._inside
        line.at = self._at
        return self._inside

    def _count(self, line: Line, text: str) -> None:
        digest, at, level = self.digest, line.at, line.level
        digest.lines += 1
        digest.formats[line.format] = digest.formats.get(line.format, 0) + 1
        if level:
            digest.levels[level] = digest.levels.get(level, 0) + 1
        panics = not level and line.message.startswith(traces.GO_HEADS)
        opens = (panics or traces.HEAD in text) and not line.exception
        bad = level in BAD_LEVELS or (not level and (opens or bool(line.exception)) and not self._before_bad)
        digest.errors += bad
        if at is not None:
            self._slot(at, bad=bad)
        if line.status:
            self._request(line)
            if line.format in _FIELDS and (bad or line.status >= 500):  # other lines of requests add nothing
                self._before_classes = self._classes(f"{line.message}\n{line.error}", at)
        elif not line.is_detail:
            self._message(line, text)
        elif line.format == "postgres" and line.message.startswith("DETAIL"):
            self._classes(line.message, at)
        self._keep_last(line, text)
        if opens:
            self._last = None
            self._open = traces.GoJoiner(line.message) if panics else traces.PythonJoiner()
            self._opened = line
        elif line.exception:
            self._exception(line.exception, at, counted=self._before_classes)
        self._before_bad = bad or level in BAD_LEVELS
        if not opens:
            self._before_classes = self._before_classes if self._before_bad else frozenset()

    def _count_detail(self) -> bool:
        if self._inside:
            self.digest.lines += 1
            if self._at is not None:
                self._slot(self._at, bad=False)
        return self._inside

    def _slot(self, at: float, *, bad: bool) -> None:
        digest = self.digest
        key = int(at) // self._width
        slot = digest.slots.get(key)
        if slot is None:
            slot = digest.slots[key] = Slot()
        slot.count += 1
        if bad:
            slot.errors += 1
            if slot.first_error_at is None or at < slot.first_error_at:
                slot.first_error_at = at
        if digest.first_at is None or at < digest.first_at:
            digest.first_at = at
        if digest.last_at is None or at > digest.last_at:
            digest.last_at = at

    def _message(self, line: Line, text: str) -> None:
        level, at = line.level, line.at
        template = mask(line.message)
        event = self._events.get(template)
        if event is None:
            event = self._remember(template, line.message)
        if event:
            _tally(self.digest.events, event).add(at, line.message[:_EXAMPLE])
        self._before_classes = frozenset()
        if level in _JUDGED_LEVELS or line.format in _SERVER_FORMATS:
            error = f"{line.message}\n{line.error}" if line.error else line.message
            self._before_classes = self._classes(error, at)
        key = (level, template)
        tally = self.digest.templates.get(key)
        if tally is None:
            if len(self.digest.templates) >= _TEMPLATES:
                key = (level, OTHER)
            tally = _tally(self.digest.templates, key)
        tally.add(at, (line.message or text)[:_EXAMPLE])

    def _remember(self, template: str, message: str) -> str:
        if len(self._events) >= 10 * _TEMPLATES:
            self._events.clear()
        event = self._events[template] = event_of(message)
        return event

    def _classes(self, text: str, at: float | None, counted: frozenset[str] = frozenset()) -> frozenset[str]:
        """Count the classes of an error, but for those already counted; return all of them."""
        found = classes_of(text)
        for name, example in found.items():
            if name not in counted:
                _tally(self.digest.classes, name).add(at, example)
            self._peer(name, example, text)
        return frozenset(found)

    def _peer(self, name: str, example: str, text: str) -> None:
        """Count the host that an error is about, in the first lines of a class."""
        peers, tally = self.digest.peers, self.digest.classes.get(name)
        if tally is None or tally.count > _PEER_LINES:
            return
        key = (name, peer_of(example, text))
        if key[1] and (key in peers or len(peers) < _PEERS):
            peers[key] = peers.get(key, 0) + 1

    def _exception(self, text: str, at: float | None, counted: frozenset[str]) -> None:
        self._classes(text, at, counted)
        trace = traces.read(text)
        if trace is None:
            return
        key = (trace.type, trace.frame)
        if key not in self.digest.exceptions and len(self.digest.exceptions) >= _ENDPOINTS:
            key = (OTHER, "")
        _tally(self.digest.exceptions, key).add(at, trace.message)

    def _request(self, line: Line) -> None:
        at, family, duration = line.at, line.status // 100, line.duration
        requests = self.digest.requests.get(line.format)
        if requests is None:
            requests = self.digest.requests[line.format] = Requests()
        requests.count += 1
        endpoint = self._endpoint(requests, line)
        endpoint.statuses[family] = endpoint.statuses.get(family, 0) + 1
        if duration is not None:
            requests.timed += 1
            self._took(endpoint, duration, at)
        if at is None:
            return
        key = int(at) // self._width
        slot = requests.slots.get(key)
        if slot is None:
            slot = requests.slots[key] = Slot()
        slot.count += 1
        slot.client_errors += family == 4
        if family == 5:
            slot.errors += 1
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
            if len(requests.endpoints) >= _ENDPOINTS:
                key = ("*", OTHER)
            endpoint = requests.endpoints.setdefault(key, EndpointCount())
        return endpoint


def _tally(table: dict[K, Tally], key: K) -> Tally:
    tally = table.get(key)
    if tally is None:
        tally = table[key] = Tally()
    return tally

"""Collection: every lane in its own thread, bounded by deadlines whatever a driver does."""

import queue
import resource
import threading
from collections.abc import Callable, Iterator
from datetime import datetime

import msgspec

from incident_lib import clock
from incident_lib.errors import RedactionError
from incident_lib.model import Evidence, Finding, Problem, Window
from incident_lib.probes.base import Lane, Probe, collection_ended, failed, run_lane, skipped, timed_out

_GRACE_SECONDS = 1.5  # past a probe's own deadline: its watchdog comes first
_LAST_SHARE, _LAST_SECONDS = 0.2, 5.0  # of the deadline, at most: to count what was read until then
_COUNT_SECONDS = (
    10.0  # past the deadline, to count what such a probe has read: a busy machine takes long for it
)
_OPEN_SECONDS = 8.0  # for opening a session, which may try several ways
_LEAST, _MOST = 16, 256  # lanes that run in parallel
_FILES_EACH = 4


class Watch(msgspec.Struct, frozen=True, kw_only=True):
    """Callbacks that are called during a collection."""

    begun: Callable[[int], None] = lambda _probes: None  # how many probes there will be
    waits: Callable[[], None] = lambda: None  # for another collection of the same targets
    evidence: Callable[[Evidence, tuple[Finding, ...]], None] = lambda _evidence, _findings: None


class _Begun(msgspec.Struct, frozen=True):
    lane: int
    probe: Probe
    at: datetime
    monotonic: float


class _Seen(msgspec.Struct, frozen=True):
    lane: int
    evidence: Evidence


class _Ended(msgspec.Struct, frozen=True):
    lane: int


class _Unhidden(msgspec.Struct, frozen=True):
    error: RedactionError


_Message = _Begun | _Seen | _Ended | _Unhidden


def collect(lanes: tuple[Lane, ...], window: Window, deadline_seconds: float) -> Iterator[Evidence]:
    """Yield the evidence of all lanes as it comes, one for each probe, in `deadline_seconds` at most.

    Before that, probes that keep what they read are stopped; they may take a few more seconds to count it.
    A lane whose driver hangs past its watchdog is abandoned: its thread is a daemon, and its later results
    are ignored. Interrupting the iteration loses nothing that was yielded.
    """
    with clock.stalls.watched():
        yield from _collect(lanes, window, deadline_seconds)


def _collect(lanes: tuple[Lane, ...], window: Window, deadline_seconds: float) -> Iterator[Evidence]:
    messages: queue.SimpleQueue[_Message] = queue.SimpleQueue()
    deadline = clock.monotonic() + deadline_seconds
    ends_at = deadline - min(_LAST_SHARE * deadline_seconds, _LAST_SECONDS)
    collection = _Collection(lanes, deadline, deadline_seconds)
    most = _most_at_once()
    while collection.is_running:
        for index, lane in collection.next_lanes(most):
            # Not a bounded call: a lane reports while it runs; its current probe decides when it is given up.
            arguments = (index, lane, window, ends_at, messages.put)
            name = f"collect {lane.target} {lane.name}"
            threading.Thread(target=_work, args=arguments, daemon=True, name=name).start()
        try:
            message = messages.get(timeout=collection.seconds_to_wait())
        except queue.Empty:
            yield from collection.overdue()
            continue
        yield from collection.hear(message)
        if not messages.empty():
            continue
        yield from collection.overdue()


def _most_at_once() -> int:
    """Return how many lanes may run in parallel: each has a thread, a watchdog, and some open files."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _MOST if files == resource.RLIM_INFINITY else max(_LEAST, min(_MOST, files // _FILES_EACH))


def _work(index: int, lane: Lane, window: Window, ends_at: float, put: Callable[[_Message], None]) -> None:
    def begin(probe: Probe) -> None:
        """Report to the collecting thread which probe begins."""
        put(_Begun(index, probe, clock.now(), clock.monotonic()))

    try:
        for evidence in run_lane(lane, window, begin, ends_at=ends_at):
            put(_Seen(index, evidence))
    except RedactionError as error:  # the whole collection fails closed, not only this lane
        put(_Unhidden(error))
    finally:
        put(_Ended(index))


class _Collection:
    """What each lane is doing, as last reported. Used only in the collecting thread."""

    def __init__(self, lanes: tuple[Lane, ...], deadline: float, seconds: float) -> None:
        self._lanes = lanes
        self._planned = deadline
        self._seconds = seconds
        self._running = dict.fromkeys(range(len(lanes)), 0)  # lane -> how many of its probes are reported
        self._waiting = list(range(len(lanes)))[::-1]
        self._begun: dict[int, _Begun] = {}
        self._soonest = deadline  # nothing is overdue before; with hundreds of lanes it is rarely recomputed

    @property
    def is_running(self) -> bool:
        """Whether a lane may still report something."""
        return bool(self._running)

    def next_lanes(self, most: int) -> Iterator[tuple[int, Lane]]:
        """Yield the lanes to start now, so that `most` run. One that was given up makes room."""
        while self._waiting and len(self._running) - len(self._waiting) < most:
            index = self._waiting.pop()
            yield index, self._lanes[index]

    def hear(self, message: _Message) -> Iterator[Evidence]:
        """Yield the evidence in `message`; nothing from a lane that was given up. Errors: RedactionError."""
        if isinstance(message, _Unhidden):
            raise message.error
        if message.lane not in self._running:
            return
        if isinstance(message, _Begun):
            self._begun[message.lane] = message
            self._soonest = min(self._soonest, self._limit(message.lane))
        elif isinstance(message, _Seen):
            self._running[message.lane] += 1
            yield self._with_stall(message.evidence, message.lane)
        else:
            yield from self._give_up(message.lane, "the collecting thread ended early", None)

    def seconds_to_wait(self) -> float:
        """Return for how long nothing can become overdue."""
        return max(0.01, self._soonest - clock.monotonic())

    def overdue(self) -> Iterator[Evidence]:
        """Yield FAILED and SKIPPED evidence for the lanes whose time is up, and give them up."""
        now = clock.monotonic()
        if now < self._soonest:
            return
        for lane in list(self._running):
            if now >= self._deadline_of(lane):
                problem = collection_ended()
                yield from self._give_up(lane, problem.message, problem)
            elif now >= self._limit(lane):
                problem = timed_out(now - self._begun[lane].monotonic)
                yield from self._give_up(lane, f"{self._begun[lane].probe.name} hangs", problem)
        limits = [min(self._deadline_of(lane), self._limit(lane)) for lane in self._running]
        self._soonest = min(limits, default=self._planned)

    @property
    def _deadline(self) -> float:
        """When the collection ends: time in which this program did not run is added, up to as long again."""
        return self._planned + self._stalled(self._planned - self._seconds)

    def _stalled(self, since: float) -> float:
        return min(self._seconds, clock.stalls.between(since, clock.monotonic()))

    def _with_stall(self, evidence: Evidence, lane: int) -> Evidence:
        begun = self._begun.get(lane)
        lost = clock.stalls.between(begun.monotonic, clock.monotonic()) if begun else 0.0
        return msgspec.structs.replace(evidence, stalled_seconds=round(lost, 3)) if lost else evidence

    def _deadline_of(self, lane: int) -> float:
        """Return when a lane is given up for the sake of the whole: later if it is counting what it read."""
        begun = self._begun.get(lane)
        counts = begun is not None and begun.probe.keeps
        return self._deadline + (_COUNT_SECONDS if counts else 0.0)

    def _limit(self, lane: int) -> float:
        begun = self._begun.get(lane)
        if begun is None:
            return self._deadline
        opening = _OPEN_SECONDS if begun.probe is self._lanes[lane].probes[0] else 0.0
        stalled = self._stalled(begun.monotonic)
        return begun.monotonic + begun.probe.deadline_seconds + opening + _GRACE_SECONDS + stalled

    def _give_up(self, index: int, reason: str, problem: Problem | None) -> Iterator[Evidence]:
        lane, reported = self._lanes[index], self._running.pop(index)
        if index in self._waiting:
            self._waiting.remove(index)
        rest = lane.probes[reported:]
        begun = self._begun.get(index)
        if rest and problem is not None:
            at, seconds = clock.now(), 0.0
            if begun is not None:
                at, seconds = begun.at, clock.monotonic() - begun.monotonic
            lost = failed(rest[0], lane.target, problem, started_at=at, seconds=seconds)
            yield self._with_stall(lost, index)
            rest = rest[1:]
        yield from skipped(lane, rest, reason)

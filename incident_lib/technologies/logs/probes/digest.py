"""What was counted, as values that merge: a digest for each file, container or block, and `merge`."""

from collections.abc import Callable
from math import log
from operator import add
from typing import TypeVar

import msgspec

K = TypeVar("K")
V = TypeVar("V")
OTHER = "(other)"  # what is beyond the number of templates, endpoints or exceptions that are kept apart
_CACHE_SIZE = 20_000
_CLASSES: dict[float, int] = {}  # of durations: most logs round them, so that they come again
CLASS_STEP = log(1.05)  # durations are kept in classes 5 % wide, so that their percentiles merge
LATENCY_SLOTS = 5  # requests to an endpoint over time are kept in stretches of so many slots
_GRADES = 512  # of durations over time: four classes wide each, about 20 %
_LEAST_CLASS = -331  # of a duration that is next to nothing


class Tally(msgspec.Struct, gc=False):
    """How often something occurred, from when to when, and an example: the first, of several by name."""

    count: int = 0
    first_at: float | None = None
    last_at: float | None = None
    example: str = ""

    def add(self, at: float | None, example: str) -> None:
        """Count another occurrence."""
        if self.count == 0:
            self.first_at, self.example = at, example
        self.count += 1
        if at is not None:
            if (
                self.first_at is None
                or at < self.first_at
                or (at == self.first_at and example < self.example)
            ):
                self.first_at, self.example = at, example
            if self.last_at is None or at > self.last_at:
                self.last_at = at


class Slot(msgspec.Struct, gc=False):
    """A stretch of time, of lines or of requests."""

    count: int = 0
    errors: int = 0  # error lines, or 5xx
    client_errors: int = 0
    slow: int = 0
    first_error_at: float | None = None
    first_slow_at: float | None = None


class EndpointCount(msgspec.Struct):
    """The requests to one endpoint."""

    statuses: dict[int, int] = {}  # class of the status, 2 to 5: how many
    durations: dict[int, int] = {}  # class of the duration: how many
    first_error_at: float | None = None
    last_error_at: float | None = None
    tried: dict[int, int] = {}  # by stretch of `LATENCY_SLOTS`: requests
    failed: dict[int, int] = {}  # those of them answered with 5xx
    over_time: dict[int, int] = {}  # by stretch and grade of the duration, see `latency_key`: how many


class Requests(msgspec.Struct):
    """The requests that lines of one format report. Two formats in a log may report the same requests."""

    count: int = 0
    timed: int = 0  # those with a duration
    slots: dict[int, Slot] = {}
    endpoints: dict[tuple[str, str], EndpointCount] = {}
    failures: dict[int, int] = {}  # by status, of those answered with 5xx


class Digest(msgspec.Struct):
    """Everything that was counted in some lines."""

    slot_seconds: int = 1
    lines: int = 0
    errors: int = 0
    cut_lines: int = 0
    timed_lines: int = 0
    known_lines: int = 0  # of a known format
    read_lines: int = 0  # of a known format, and with a time
    traced_lines: int = 0  # of stack traces that no time or format stands in front of
    not_text_lines: int = 0
    first_at: float | None = None
    last_at: float | None = None
    services: dict[str, int] = {}  # lines by the service that the envelope names
    service_errors: dict[str, int] = {}  # error lines, and requests answered with 5xx, by that service
    levels: dict[str, int] = {}
    formats: dict[str, int] = {}
    slots: dict[int, Slot] = {}  # key: seconds since 1970 // slot_seconds
    requests: dict[str, Requests] = {}  # by format
    templates: dict[tuple[str, str], Tally] = {}  # by level and template
    exceptions: dict[tuple[str, str], Tally] = {}  # by type and frame
    deaths: dict[tuple[str, str, int], int] = {}  # of those that end a process, by type, frame and second
    classes: dict[str, Tally] = {}
    class_durations: dict[tuple[str, int], int] = {}  # by class of error and class of how long it lasted
    peers: dict[tuple[str, str], int] = {}  # by class of error and the host that its lines name
    databases: dict[tuple[str, str], int] = {}  # by class of error and the database of the session
    events: dict[str, Tally] = {}
    boots: dict[tuple[str, int], int] = {}  # starts, by event and stretch of ten seconds
    # By kind ("class", "exception", "event"), name, frame and slot: what came when, and came back.
    occurred: dict[tuple[str, str, str, int], int] = {}
    # By type and frame of an exception, the template of the message above it, and second.
    raised: dict[tuple[str, str, str, int], int] = {}
    unread: dict[str, Tally] = {}  # by shape
    template_classes: dict[tuple[str, str], str] = {}  # the class of error of a template


def duration_class(seconds: float) -> int:
    """Return the class of a duration.

    >>> round(seconds_of_class(duration_class(0.25)), 2)
    0.25
    """
    number = _CLASSES.get(seconds)
    if number is None:
        if len(_CLASSES) >= _CACHE_SIZE:
            _CLASSES.clear()
        number = _CLASSES[seconds] = int(log(max(seconds, 1e-7)) / CLASS_STEP // 1)
    return number


def seconds_of_class(number: int) -> float:
    """Return the duration that stands for a class: its middle."""
    return float(1.05 ** (number + 0.5))


def latency_key(slot: int, number: int) -> int:
    """Return the key of a duration's class in the stretch of time that holds the slot."""
    return slot // LATENCY_SLOTS * _GRADES + (number - _LEAST_CLASS) // 4


def latency_of_key(key: int) -> tuple[int, float]:
    """Return the first slot of the stretch, and the duration that stands for the grade: its middle.

    >>> slot, seconds = latency_of_key(latency_key(12, duration_class(0.25)))
    >>> slot, 0.22 < seconds < 0.28
    (10, True)
    """
    stretch, grade = divmod(key, _GRADES)
    return stretch * LATENCY_SLOTS, float(1.05 ** (4 * grade + _LEAST_CLASS + 2))


def merge(first: Digest, second: Digest) -> Digest:
    """Return what both counted together. Order does not matter; neither is changed.

    >>> merge(Digest(lines=2), Digest(lines=3)).lines
    5
    """
    width = max(first.slot_seconds, second.slot_seconds)
    first, second = coarsen(first, width), coarsen(second, width)
    return Digest(
        slot_seconds=width,
        lines=first.lines + second.lines,
        errors=first.errors + second.errors,
        cut_lines=first.cut_lines + second.cut_lines,
        timed_lines=first.timed_lines + second.timed_lines,
        known_lines=first.known_lines + second.known_lines,
        read_lines=first.read_lines + second.read_lines,
        traced_lines=first.traced_lines + second.traced_lines,
        not_text_lines=first.not_text_lines + second.not_text_lines,
        first_at=_least(first.first_at, second.first_at),
        last_at=_most(first.last_at, second.last_at),
        services=_union(first.services, second.services, add),
        service_errors=_union(first.service_errors, second.service_errors, add),
        levels=_union(first.levels, second.levels, add),
        formats=_union(first.formats, second.formats, add),
        slots=_union(first.slots, second.slots, _merge_slots),
        requests=_union(first.requests, second.requests, _merge_requests),
        templates=_union(first.templates, second.templates, merge_tallies),
        exceptions=_union(first.exceptions, second.exceptions, merge_tallies),
        deaths=_union(first.deaths, second.deaths, add),
        classes=_union(first.classes, second.classes, merge_tallies),
        class_durations=_union(first.class_durations, second.class_durations, add),
        peers=_union(first.peers, second.peers, add),
        databases=_union(first.databases, second.databases, add),
        events=_union(first.events, second.events, merge_tallies),
        boots=_union(first.boots, second.boots, add),
        occurred=_union(first.occurred, second.occurred, add),
        raised=_union(first.raised, second.raised, add),
        unread=_union(first.unread, second.unread, merge_tallies),
        template_classes=_union(first.template_classes, second.template_classes, min),
    )


def coarsen(digest: Digest, seconds: int) -> Digest:
    """Return the digest with slots of that length, a multiple of its own."""
    if digest.slot_seconds == seconds:
        return digest
    factor = seconds // digest.slot_seconds
    requests = {
        name: Requests(
            count=of.count,
            timed=of.timed,
            slots=_coarse(of.slots, factor),
            endpoints={key: _coarse_endpoint(endpoint, factor) for key, endpoint in of.endpoints.items()},
            failures=of.failures,
        )
        for name, of in digest.requests.items()
    }
    occurred: dict[tuple[str, str, str, int], int] = {}
    for (kind, name, frame, slot), count in digest.occurred.items():
        key = (kind, name, frame, slot // factor)
        occurred[key] = occurred.get(key, 0) + count
    return msgspec.structs.replace(
        digest,
        slot_seconds=seconds,
        slots=_coarse(digest.slots, factor),
        requests=requests,
        occurred=occurred,
    )


def _coarse(slots: dict[int, Slot], factor: int) -> dict[int, Slot]:
    coarse: dict[int, Slot] = {}
    for key, slot in slots.items():
        wide = key // factor
        coarse[wide] = _merge_slots(coarse[wide], slot) if wide in coarse else slot
    return coarse


def _coarse_endpoint(endpoint: EndpointCount, factor: int) -> EndpointCount:
    over_time: dict[int, int] = {}
    for key, count in endpoint.over_time.items():
        stretch, grade = divmod(key, _GRADES)
        wide = stretch // factor * _GRADES + grade
        over_time[wide] = over_time.get(wide, 0) + count
    return msgspec.structs.replace(
        endpoint,
        over_time=over_time,
        tried=_coarse_counts(endpoint.tried, factor),
        failed=_coarse_counts(endpoint.failed, factor),
    )


def _coarse_counts(counts: dict[int, int], factor: int) -> dict[int, int]:
    coarse: dict[int, int] = {}
    for stretch, count in counts.items():
        coarse[stretch // factor] = coarse.get(stretch // factor, 0) + count
    return coarse


def merge_tallies(left: Tally, right: Tally) -> Tally:
    """Return what both counted together; the example is that of the first occurrence.

    >>> merge_tallies(Tally(2, 5.0, 6.0, "b"), Tally(1, 3.0, 3.0, "a")).example
    'a'
    """
    first = min(left, right, key=lambda tally: (tally.first_at is None, tally.first_at or 0.0, tally.example))
    return Tally(
        count=left.count + right.count,
        first_at=first.first_at,
        last_at=_most(left.last_at, right.last_at),
        example=first.example,
    )


def _merge_slots(first: Slot, second: Slot) -> Slot:
    return Slot(
        count=first.count + second.count,
        errors=first.errors + second.errors,
        client_errors=first.client_errors + second.client_errors,
        slow=first.slow + second.slow,
        first_error_at=_least(first.first_error_at, second.first_error_at),
        first_slow_at=_least(first.first_slow_at, second.first_slow_at),
    )


def _merge_requests(first: Requests, second: Requests) -> Requests:
    return Requests(
        count=first.count + second.count,
        timed=first.timed + second.timed,
        slots=_union(first.slots, second.slots, _merge_slots),
        endpoints=_union(first.endpoints, second.endpoints, _merge_endpoints),
        failures=_union(first.failures, second.failures, add),
    )


def _merge_endpoints(first: EndpointCount, second: EndpointCount) -> EndpointCount:
    return EndpointCount(
        statuses=_union(first.statuses, second.statuses, add),
        durations=_union(first.durations, second.durations, add),
        first_error_at=_least(first.first_error_at, second.first_error_at),
        last_error_at=_most(first.last_error_at, second.last_error_at),
        tried=_union(first.tried, second.tried, add),
        failed=_union(first.failed, second.failed, add),
        over_time=_union(first.over_time, second.over_time, add),
    )


def _union(first: dict[K, V], second: dict[K, V], both: Callable[[V, V], V]) -> dict[K, V]:
    merged = dict(first)
    for key, value in second.items():
        merged[key] = both(merged[key], value) if key in merged else value
    return merged


def _least(first: float | None, second: float | None) -> float | None:
    return second if first is None else first if second is None else min(first, second)


def _most(first: float | None, second: float | None) -> float | None:
    return second if first is None else first if second is None else max(first, second)

"""What was counted, as values that merge: one digest a file, container or block, and one `merge`."""

from collections.abc import Callable
from math import log
from operator import add
from typing import TypeVar

import msgspec

K = TypeVar("K")
V = TypeVar("V")
OTHER = "(other)"  # what is beyond the number of templates, endpoints or exceptions that are told apart
_CACHE_SIZE = 20_000
_CLASSES: dict[float, int] = {}  # of durations: most logs round them, so that they come again
_STEP = log(1.05)  # durations are kept in classes 5 % wide, so that their percentiles merge
LATENCY_SLOTS = 5  # latency over time is kept in stretches of so many slots
_GRADES = 512  # of durations over time: four classes wide each, about 20 %
_LEAST_CLASS = -331  # of a duration that is next to nothing


class Seen(msgspec.Struct, gc=False):
    """How often something was seen, from when to when, and one example: the first."""

    count: int = 0
    first_at: float | None = None
    last_at: float | None = None
    example: str = ""

    def add(self, at: float | None, example: str) -> None:
        """Count one more."""
        if self.count == 0:
            self.first_at, self.example = at, example
        self.count += 1
        if at is not None:
            if self.first_at is None or at < self.first_at:
                self.first_at, self.example = at, example
            if self.last_at is None or at > self.last_at:
                self.last_at = at


class Slot(msgspec.Struct, gc=False):
    """One stretch of time, of lines or of requests."""

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
    over_time: dict[
        int, int
    ] = {}  # stretch and grade of the duration as one number, see `latency_key`: how many


class Requests(msgspec.Struct):
    """The requests that lines of one format tell of. Two formats in one log may tell of the same ones."""

    count: int = 0
    timed: int = 0  # those with a duration
    slots: dict[int, Slot] = {}
    endpoints: dict[tuple[str, str], EndpointCount] = {}


class Digest(msgspec.Struct):
    """Everything that was counted in some lines."""

    slot_seconds: int = 1
    lines: int = 0
    errors: int = 0
    cut_lines: int = 0
    timed_lines: int = 0
    first_at: float | None = None
    last_at: float | None = None
    levels: dict[str, int] = {}
    formats: dict[str, int] = {}
    slots: dict[int, Slot] = {}  # key: seconds since 1970 // slot_seconds
    requests: dict[str, Requests] = {}  # by format
    templates: dict[tuple[str, str], Seen] = {}  # by level and template
    exceptions: dict[tuple[str, str], Seen] = {}  # by type and frame
    classes: dict[str, Seen] = {}
    peers: dict[tuple[str, str], int] = {}  # by class of error and the host that its lines name
    events: dict[str, Seen] = {}


def duration_class(seconds: float) -> int:
    """Return the class of a duration.

    >>> round(seconds_of_class(duration_class(0.25)), 2)
    0.25
    """
    number = _CLASSES.get(seconds)
    if number is None:
        if len(_CLASSES) >= _CACHE_SIZE:
            _CLASSES.clear()
        number = _CLASSES[seconds] = int(log(max(seconds, 1e-7)) / _STEP // 1)
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


def merge(one: Digest, other: Digest) -> Digest:
    """Return what both counted together. Order does not matter; neither is changed.

    >>> merge(Digest(lines=2), Digest(lines=3)).lines
    5
    """
    width = max(one.slot_seconds, other.slot_seconds)
    one, other = coarsen(one, width), coarsen(other, width)
    return Digest(
        slot_seconds=width,
        lines=one.lines + other.lines,
        errors=one.errors + other.errors,
        cut_lines=one.cut_lines + other.cut_lines,
        timed_lines=one.timed_lines + other.timed_lines,
        first_at=_least(one.first_at, other.first_at),
        last_at=_most(one.last_at, other.last_at),
        levels=_union(one.levels, other.levels, _sum),
        formats=_union(one.formats, other.formats, _sum),
        slots=_union(one.slots, other.slots, _merge_slots),
        requests=_union(one.requests, other.requests, _merge_requests),
        templates=_union(one.templates, other.templates, merge_seen),
        exceptions=_union(one.exceptions, other.exceptions, merge_seen),
        classes=_union(one.classes, other.classes, merge_seen),
        peers=_union(one.peers, other.peers, add),
        events=_union(one.events, other.events, merge_seen),
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
            endpoints={key: _coarse_endpoint(one, factor) for key, one in of.endpoints.items()},
        )
        for name, of in digest.requests.items()
    }
    slots = _coarse(digest.slots, factor)
    return msgspec.structs.replace(digest, slot_seconds=seconds, slots=slots, requests=requests)


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
    return msgspec.structs.replace(endpoint, over_time=over_time)


def merge_seen(one: Seen, other: Seen) -> Seen:
    """Return what both saw together; the example is that of the first.

    >>> merge_seen(Seen(2, 5.0, 6.0, "b"), Seen(1, 3.0, 3.0, "a")).example
    'a'
    """
    first = min(one, other, key=lambda seen: (seen.first_at is None, seen.first_at or 0.0, seen.example))
    return Seen(
        count=one.count + other.count,
        first_at=first.first_at,
        last_at=_most(one.last_at, other.last_at),
        example=first.example,
    )


def _merge_slots(one: Slot, other: Slot) -> Slot:
    return Slot(
        count=one.count + other.count,
        errors=one.errors + other.errors,
        client_errors=one.client_errors + other.client_errors,
        slow=one.slow + other.slow,
        first_error_at=_least(one.first_error_at, other.first_error_at),
        first_slow_at=_least(one.first_slow_at, other.first_slow_at),
    )


def _merge_requests(one: Requests, other: Requests) -> Requests:
    return Requests(
        count=one.count + other.count,
        timed=one.timed + other.timed,
        slots=_union(one.slots, other.slots, _merge_slots),
        endpoints=_union(one.endpoints, other.endpoints, _merge_endpoints),
    )


def _merge_endpoints(one: EndpointCount, other: EndpointCount) -> EndpointCount:
    return EndpointCount(
        statuses=_union(one.statuses, other.statuses, _sum),
        durations=_union(one.durations, other.durations, _sum),
        first_error_at=_least(one.first_error_at, other.first_error_at),
        over_time=_union(one.over_time, other.over_time, _sum),
    )


def _union(one: dict[K, V], other: dict[K, V], both: Callable[[V, V], V]) -> dict[K, V]:
    merged = dict(one)
    for key, value in other.items():
        merged[key] = both(merged[key], value) if key in merged else value
    return merged


def _sum(one: int, other: int) -> int:
    return one + other


def _least(one: float | None, other: float | None) -> float | None:
    return other if one is None else one if other is None else min(one, other)


def _most(one: float | None, other: float | None) -> float | None:
    return other if one is None else one if other is None else max(one, other)

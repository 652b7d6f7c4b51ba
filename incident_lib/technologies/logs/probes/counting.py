"""Columns of units of one shape -> a digest, as `Facts` counts them one by one."""

from collections.abc import Callable
from typing import TypeVar, cast

import msgspec
import numpy as np

from incident_lib.technologies.logs.probes.columns import Flags, Floats, Numbers
from incident_lib.technologies.logs.probes.digest import (
    CLASS_STEP,
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
from incident_lib.technologies.logs.probes.facts import (
    MOST_DATABASES,
    MOST_ENDPOINTS,
    MOST_EXCEPTIONS,
    MOST_OCCURRENCES,
    MOST_PEERS,
    MOST_RAISED,
    MOST_SHAPES,
    MOST_TEMPLATES,
    PEER_LINES,
    SLOW_SECONDS,
)
from incident_lib.technologies.logs.probes.learned import SERVER_ERROR, Seen, Shape

K = TypeVar("K", str, tuple[str, str])
_CLIENT_ERRORS = 4  # the family of their statuses
_EDGE = 1e-6  # so near to the next class, a logarithm of an array may round to it
_latency_keys = cast("Callable[[Numbers, Numbers], Numbers]", latency_key)  # its arithmetic takes both


class Batch(msgspec.Struct, kw_only=True, eq=False):
    """Units of one shape, in the order of their times; without any time, as they stand."""

    shape: Shape
    seconds: Numbers | None  # None: no time is known
    at: Floats | None  # next to exact: enough for the order
    statuses: Numbers
    durations: Floats
    exact: Callable[[int], float]  # the time of one of them, by its index
    read: Callable[[int], Seen | None]

    def __len__(self) -> int:
        return len(self.statuses)


def count_batch(digest: Digest, batch: Batch, *, over_time: bool) -> None:
    """Count the units of a batch."""
    facts, count = batch.shape.facts, len(batch)
    digest.lines += facts.lines * count
    digest.timed_lines += facts.timed_lines * count
    digest.known_lines += facts.known_lines * count
    digest.read_lines += facts.read_lines * count
    digest.traced_lines += facts.traced_lines * count
    digest.errors += facts.errors * count
    digest.formats[facts.format] = digest.formats.get(facts.format, 0) + count
    if facts.level:
        digest.levels[facts.level] = digest.levels.get(facts.level, 0) + count
    if batch.seconds is not None:
        slots = _slots_of(digest.slots, batch.seconds // digest.slot_seconds)
        for slot, number, first in slots:
            slot.count += number * facts.lines
            if facts.errors:
                slot.errors += number * facts.errors
                slot.first_error_at = _earlier(slot.first_error_at, batch, first)
        first_at, last_at = batch.exact(0), batch.exact(count - 1)
        digest.first_at = first_at if digest.first_at is None else min(first_at, digest.first_at)
        digest.last_at = last_at if digest.last_at is None else max(last_at, digest.last_at)
    if facts.endpoint is not None:
        _count_requests(digest, batch, facts.endpoint, over_time=over_time)
    _Tallies(digest, batch).count()
    for name, host in facts.peers:
        key = (name, host)
        if key in digest.peers or len(digest.peers) < MOST_PEERS:
            room = PEER_LINES - (digest.classes[name].count - count)
            digest.peers[key] = digest.peers.get(key, 0) + min(max(room, 0), count)
    for key in facts.databases:
        if key in digest.databases or len(digest.databases) < MOST_DATABASES:
            digest.databases[key] = digest.databases.get(key, 0) + count


class _Tallies:
    """Counts a batch in the tallies of its template, classes and exceptions."""

    def __init__(self, digest: Digest, batch: Batch) -> None:
        self._digest, self._batch = digest, batch
        self._examples: tuple[str, ...] = ()

    def count(self) -> None:
        """Count all units in each tally that they have a part in."""
        digest, facts = self._digest, self._batch.shape.facts
        if facts.template is not None:
            level = facts.template[0]
            key = _kept(digest.templates, facts.template, MOST_TEMPLATES, (level, OTHER))
            if facts.template_class and key[1] != OTHER:
                digest.template_classes.setdefault(key, facts.template_class)
            self._add(digest.templates[key], 0)
        if facts.unread:
            self._add(digest.unread[_kept(digest.unread, facts.unread, MOST_SHAPES, OTHER)], 1)
        place = 2
        for name in facts.classes:
            self._add(digest.classes.setdefault(name, Tally()), place)
            self._occurred("class", name, "")
            place += 1
        for exception in facts.exceptions:
            key = _kept(digest.exceptions, exception, MOST_EXCEPTIONS, (OTHER, ""))
            self._add(digest.exceptions[key], place)
            self._occurred("exception", *key)
            if facts.template is not None:
                self._raised(key, facts.template[1])
            place += 1

    def _occurred(self, kind: str, name: str, frame: str) -> None:
        """Count when the units were written, as `occurred` does for each."""
        seconds, moments = self._batch.seconds, self._digest.occurred
        if seconds is None:
            return
        for slot, count in _numbers(seconds // self._digest.slot_seconds):
            key = (kind, name, frame, slot)
            if key in moments or len(moments) < MOST_OCCURRENCES:
                moments[key] = moments.get(key, 0) + count

    def _raised(self, exception: tuple[str, str], template: str) -> None:
        """Count under which message the exception was logged when, as `raised` does for each."""
        seconds, moments = self._batch.seconds, self._digest.raised
        if seconds is None:
            return
        for second, count in _numbers(seconds):
            key = (*exception, template, second)
            if key in moments or len(moments) < MOST_RAISED:
                moments[key] = moments.get(key, 0) + count

    def _add(self, tally: Tally, place: int) -> None:
        """Count all units, as `Tally.add` does each."""
        batch, known = self._batch, tally.count
        tally.count += len(batch)
        if batch.at is None:
            if not known:
                tally.example = self._example(place)
            return
        earliest, latest = batch.exact(0), batch.exact(len(batch) - 1)
        if tally.last_at is None or latest > tally.last_at:
            tally.last_at = latest
        if tally.first_at is None or earliest <= tally.first_at:
            example = self._example(place)
            if tally.first_at is None or earliest < tally.first_at or example < tally.example:
                tally.first_at, tally.example = earliest, example

    def _example(self, place: int) -> str:
        """Return the example of the first unit, of several at that time the first by name."""
        batch = self._batch
        if not self._examples:
            firsts = 1 if batch.at is None else int(np.searchsorted(batch.at, batch.at[0], side="right"))
            found = [seen.examples for index in range(firsts) if (seen := batch.read(index)) is not None]
            self._examples = tuple(min(examples) for examples in zip(*found, strict=True))
        return self._examples[place] if self._examples else ""


def _count_requests(digest: Digest, batch: Batch, key: tuple[str, str], *, over_time: bool) -> None:
    shape, count = batch.shape, len(batch)
    requests = digest.requests.setdefault(shape.facts.format, Requests())
    requests.count += count
    if key not in requests.endpoints and len(requests.endpoints) >= MOST_ENDPOINTS:
        key = ("*", OTHER)
    endpoint = requests.endpoints.setdefault(key, EndpointCount())
    _count_statuses(endpoint.statuses, batch.statuses // 100)
    _count_statuses(requests.failures, batch.statuses[batch.statuses >= SERVER_ERROR])
    keys = None if batch.seconds is None else batch.seconds // digest.slot_seconds
    if keys is not None:
        _count_failures(requests, endpoint, batch, keys)
    if shape.scale is None:
        return
    requests.timed += count
    took = shape.scale(batch.durations)
    classes = _classes_of(took)
    for grade, number in _numbers(classes):
        endpoint.durations[grade] = endpoint.durations.get(grade, 0) + number
    if keys is None:
        return
    for slot, number, first in _slots_of(requests.slots, keys, took >= SLOW_SECONDS):
        slot.slow += number
        slot.first_slow_at = _earlier(slot.first_slow_at, batch, first)
    if over_time:
        for latency, number in _numbers(_latency_keys(keys, classes)):
            endpoint.over_time[latency] = endpoint.over_time.get(latency, 0) + number


def _count_statuses(counts: dict[int, int], statuses: Numbers) -> None:
    for status, number in _numbers(statuses):
        counts[status] = counts.get(status, 0) + number


def _count_failures(requests: Requests, endpoint: EndpointCount, batch: Batch, keys: Numbers) -> None:
    """Count requests over time, and those that failed."""
    for slot, number, _ in _slots_of(requests.slots, keys):
        slot.count += number
    for slot, number, _ in _slots_of(requests.slots, keys, batch.statuses // 100 == _CLIENT_ERRORS):
        slot.client_errors += number
    stretches = keys // LATENCY_SLOTS
    for stretch, number in _numbers(stretches):
        endpoint.tried[stretch] = endpoint.tried.get(stretch, 0) + number
    is_bad = batch.statuses >= SERVER_ERROR
    for slot, number, first in _slots_of(requests.slots, keys, is_bad):
        slot.errors += number
        slot.first_error_at = _earlier(slot.first_error_at, batch, first)
    if is_bad.any():
        endpoint.first_error_at = _earlier(endpoint.first_error_at, batch, int(np.argmax(is_bad)))
        last_at = batch.exact(len(batch) - 1 - int(np.argmax(is_bad[::-1])))
        if endpoint.last_error_at is None or last_at > endpoint.last_error_at:
            endpoint.last_error_at = last_at
        for stretch, number in _numbers(stretches[is_bad]):
            endpoint.failed[stretch] = endpoint.failed.get(stretch, 0) + number


def _classes_of(took: Floats) -> Numbers:
    """Return the classes of durations, as `duration_class` does."""
    places = np.log(np.maximum(took, 1e-7)) / CLASS_STEP
    classes = np.floor(places).astype(np.int64)
    for index in np.flatnonzero(np.abs(places - np.rint(places)) < _EDGE).tolist():
        classes[index] = duration_class(float(took[index]))
    return classes


def _slots_of(
    slots: dict[int, Slot], keys: Numbers, chosen: Flags | None = None
) -> list[tuple[Slot, int, int]]:
    """Return the slots that the keys name, how often, and the index of the first that does."""
    indices = None
    if chosen is not None:
        indices = np.flatnonzero(chosen)
        if not len(indices):
            return []
        keys = keys[indices]
    names, firsts, counts = np.unique(keys, return_index=True, return_counts=True)
    if indices is not None:
        firsts = indices[firsts]
    found = []
    for name, first, number in zip(names.tolist(), firsts.tolist(), counts.tolist(), strict=True):
        slot = slots.get(name)
        if slot is None:
            slot = slots[name] = Slot()
        found.append((slot, number, first))
    return found


def _earlier(known: float | None, batch: Batch, index: int) -> float:
    """Return the earlier of a time and that of a unit."""
    if known is not None and batch.at is not None and known + 1 < batch.at[index]:
        return known
    at = batch.exact(index)
    return at if known is None else min(at, known)


def _numbers(values: Numbers) -> list[tuple[int, int]]:
    names, counts = np.unique(values, return_counts=True)
    return list(zip(names.tolist(), counts.tolist(), strict=True))


def _kept(table: dict[K, Tally], key: K, most: int, other: K) -> K:
    """Return the key of a tally, which is made, that of all others where the table is full."""
    if key in table:
        return key
    key = key if len(table) < most else other
    table.setdefault(key, Tally())
    return key

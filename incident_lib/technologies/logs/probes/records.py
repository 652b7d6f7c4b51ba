"""Digest -> the records of evidence, the most important first where there are many."""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import chain, pairwise
from typing import Any, TypeVar

import msgspec

from incident_lib.model.rows import Row
from incident_lib.technologies.logs.probes.clusters import MOST, clusters
from incident_lib.technologies.logs.probes.digest import (
    LATENCY_SLOTS,
    OTHER,
    Digest,
    EndpointCount,
    Requests,
    Slot,
    Tally,
    coarsen,
    latency_of_key,
    merge_tallies,
    seconds_of_class,
)
from incident_lib.technologies.logs.probes.line import BAD_LEVELS
from incident_lib.technologies.logs.rows import (
    LatencyStep,
    LogBucket,
    LogEndpoint,
    LogErrorClass,
    LogEvent,
    LogException,
    LogLatency,
    LogSummary,
    LogTemplate,
    LogUnread,
)

K = TypeVar("K", str, tuple[str, str])
_TEMPLATES, _ENDPOINTS, _EXCEPTIONS = 100, 100, 50  # records kept
_UNREAD = 20  # shapes
_DATABASES = 20  # of a class
_PEERS = 8  # hosts that the errors of a class are about
_FINE_SPAN, _MIDDLE_SPAN = 300, 2_400  # seconds of log up to which buckets are 1 s and 10 s long


def rows(digest: Digest) -> tuple[Row, ...]:
    """Return the records: one LogSummary, then buckets, endpoints, latencies, classes and so on."""
    fine = chosen_requests(digest)
    over_time = latencies(fine, digest.slot_seconds)
    endpoints = _endpoints(fine, digest.slot_seconds * LATENCY_SLOTS)
    moments = _moments(digest)
    digest = coarsen(digest, bucket_seconds(digest))
    requests, templates = chosen_requests(digest), _clustered(digest)
    return (
        _summary(digest, requests, len(templates)),
        *_buckets(digest, requests),
        *endpoints,
        *over_time,
        *_classes(digest, moments),
        *_exceptions(digest, moments),
        *_events(digest, moments),
        *_templates(templates),
        *_unread(digest),
    )


def bucket_seconds(digest: Digest) -> int:
    """Return how long the buckets are: short for a short log, so that an onset is known to the second.

    >>> bucket_seconds(Digest(first_at=0.0, last_at=900.0))
    10
    """
    span = (digest.last_at or 0.0) - (digest.first_at or 0.0)
    wanted = 1 if span <= _FINE_SPAN else 10 if span <= _MIDDLE_SPAN else 60
    return max(wanted, digest.slot_seconds)


def chosen_requests(digest: Digest) -> Requests:
    """Return the requests of the format that reports most; of about as many, those with durations.

    An application's line and the server's access line report the same request, which is counted once: by
    those that say when it came, where only some do.
    """
    found = list(digest.requests.values())
    most = max((of.count for of in found), default=0)
    # Those without a time may be older than the window, and so be more.
    dated = [of for of in found if of.slots and of.count >= 0.5 * most]
    most = max((of.count for of in dated), default=most)
    equal = [of for of in dated or found if of.count >= 0.9 * most]
    return max(equal, key=lambda of: (of.timed, of.count), default=Requests())


def moment(seconds: float | None) -> datetime | None:
    """Return the time as people read it, None for one that no calendar holds."""
    try:
        return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def percentile(durations: dict[int, int], share: float) -> float | None:
    """Return the duration that `share` of the requests stay under, None without durations.

    >>> percentile({0: 95, 100: 5}, 0.5), percentile({}, 0.5)
    (1.0247, None)
    """
    wanted = share * sum(durations.values())
    passed = 0
    for number in sorted(durations):
        passed += durations[number]
        if passed >= wanted:
            return round(seconds_of_class(number), 4)
    return None


def _summary(digest: Digest, requests: Requests, templates: int) -> LogSummary:
    return LogSummary(
        lines_count=digest.lines,
        first_at=moment(digest.first_at),
        last_at=moment(digest.last_at),
        has_times=digest.timed_lines > 0,
        bucket_seconds=digest.slot_seconds,
        levels=dict(digest.levels),
        formats=dict(digest.formats),
        errors_count=digest.errors,
        requests_count=requests.count,
        server_errors_count=_answered(requests, 5),
        client_errors_count=_answered(requests, 4),
        cut_lines_count=digest.cut_lines,
        templates_count=templates,
        other_lines_count=sum(tally.count for (_, text), tally in digest.templates.items() if text == OTHER),
        uncompared_templates_count=max(len(digest.templates) - MOST, 0),
        timed_lines_count=digest.timed_lines,
        known_lines_count=digest.known_lines,
        read_lines_count=digest.read_lines,
        traced_lines_count=digest.traced_lines,
        not_text_lines_count=digest.not_text_lines,
        failures={str(status): count for status, count in sorted(requests.failures.items())},
        services=dict(digest.services),
        service_errors=dict(digest.service_errors),
    )


def _answered(requests: Requests, family: int) -> int:
    return sum(endpoint.statuses.get(family, 0) for endpoint in requests.endpoints.values())


def _buckets(digest: Digest, requests: Requests) -> list[LogBucket]:
    found = []
    for key in sorted(set(chain(digest.slots, requests.slots))):
        at = moment(float(key * digest.slot_seconds))
        lines = digest.slots.get(key, Slot())
        served = requests.slots.get(key, Slot())
        if at is None:
            continue
        found.append(
            LogBucket(
                at=at,
                lines_count=lines.count,
                errors_count=lines.errors,
                requests_count=served.count,
                server_errors_count=served.errors,
                client_errors_count=served.client_errors,
                slow_requests_count=served.slow,
                first_error_at=moment(served.first_error_at if requests.count else lines.first_error_at),
                first_slow_at=moment(served.first_slow_at),
            )
        )
    return found


def _endpoints(requests: Requests, stretch_seconds: int) -> list[LogEndpoint]:
    found = (_endpoint(key, of, stretch_seconds) for key, of in requests.endpoints.items())
    worst_first = sorted(found, key=lambda row: (-row.server_errors_count, -row.requests_count, row.path))
    return worst_first[:_ENDPOINTS]


def _endpoint(key: tuple[str, str], of: EndpointCount, stretch_seconds: int) -> LogEndpoint:
    total = sum(of.statuses.values())
    errors = of.statuses.get(5, 0)
    first, last = min(of.failed, default=None), max(of.failed, default=None)
    within = since = 0
    if first is not None and last is not None:
        within = sum(count for stretch, count in of.tried.items() if first <= stretch <= last)
        since = sum(count for stretch, count in of.tried.items() if stretch > last)
    return LogEndpoint(
        method=key[0],
        path=key[1],
        requests_count=total,
        statuses={f"{family}xx": count for family, count in sorted(of.statuses.items())},
        server_errors_count=errors,
        server_errors_ratio=round(errors / total, 4) if total else 0.0,
        duration_p50_seconds=percentile(of.durations, 0.5),
        duration_p95_seconds=percentile(of.durations, 0.95),
        first_server_error_at=moment(of.first_error_at),
        last_server_error_at=moment(of.last_error_at),
        failing_ratio=round(sum(of.failed.values()) / within, 4) if within else None,
        served_since_count=since if of.failed else None,
        **_returns(of.failed, stretch_seconds),
        **_slowness(of, stretch_seconds),
    )


def _slowness(of: EndpointCount, stretch_seconds: int) -> dict[str, Any]:
    """Return what a record keeps of the time in which requests took over a second, and of those since."""
    timed: dict[int, int] = {}
    slow: dict[int, int] = {}
    for key, count in of.over_time.items():
        slot, seconds = latency_of_key(key)
        stretch = slot // LATENCY_SLOTS
        timed[stretch] = timed.get(stretch, 0) + count
        if seconds >= _SLOW_GRADE:
            slow[stretch] = slow.get(stretch, 0) + count
    if not slow:
        return {}
    first, last = min(slow), max(slow)
    within = sum(count for stretch, count in timed.items() if first <= stretch <= last)
    return {
        "last_slow_at": moment(float((last + 1) * stretch_seconds)),
        "slow_ratio": round(sum(slow.values()) / within, 4),
        "quick_since_count": sum(count for stretch, count in timed.items() if stretch > last),
    }


_Returns = dict[tuple[str, str, str], dict[str, Any]]  # by kind, name and frame
_SLOW_GRADE = 0.9  # seconds: the middle of the grade that holds a second
_QUIET_SECONDS = 10  # after so long without it, what comes again has returned


def _moments(digest: Digest) -> _Returns:
    """Return what a record keeps of how often something came back, by its kind, name and frame."""
    slots: dict[tuple[str, str, str], set[int]] = {}
    for kind, name, frame, slot in digest.occurred:
        slots.setdefault((kind, name, frame), set()).add(slot)
    return {key: _returns(found, digest.slot_seconds) for key, found in slots.items()}


def _returns(slots: Iterable[int], width: int) -> dict[str, Any]:
    """Return how often something came again after a quiet time, and how long that was, usually.

    >>> _returns([0, 1, 2, 40, 41, 80], 1), _returns([3, 4], 60)
    ({'returns_count': 2, 'return_gap_seconds': 39.0}, {'returns_count': 0, 'return_gap_seconds': None})
    """
    gaps = sorted((after - before) * width for before, after in pairwise(sorted(slots)) if after > before + 1)
    quiet = [gap for gap in gaps if gap > _QUIET_SECONDS]
    usual = float(quiet[len(quiet) // 2]) if quiet else None
    return {"returns_count": len(quiet), "return_gap_seconds": usual}


def _classes(digest: Digest, moments: _Returns) -> list[LogErrorClass]:
    peers: dict[str, tuple[str, ...]] = {}  # by class, the most frequent first
    for (name, peer), _ in sorted(digest.peers.items(), key=lambda item: (-item[1], item[0])):
        peers[name] = (*peers.get(name, ()), peer)[:_PEERS]
    databases: dict[str, dict[str, int]] = {}
    for (name, database), count in sorted(digest.databases.items(), key=lambda item: (-item[1], item[0])):
        if len(databases.setdefault(name, {})) < _DATABASES:
            databases[name][database] = count
    lasted: dict[str, dict[int, int]] = {}
    for (name, number), count in digest.class_durations.items():
        lasted.setdefault(name, {})[number] = count
    return [
        LogErrorClass(
            error_class=name,
            **_fields(tally),
            **moments.get(("class", name, ""), {}),
            peers=peers.get(name, ()),
            databases=databases.get(name, {}),
            duration_p50_seconds=percentile(lasted.get(name, {}), 0.5),
            duration_max_seconds=percentile(lasted.get(name, {}), 1.0),
        )
        for name, tally in _by_count(digest.classes)
    ]


def _exceptions(digest: Digest, moments: _Returns) -> list[LogException]:
    deaths: dict[tuple[str, str], dict[int, int]] = {}
    for (type_, frame, second), count in digest.deaths.items():
        deaths.setdefault((type_, frame), {})[second] = count
    loggings = _loggings(digest)
    return [
        LogException(
            type=key[0],
            frame=key[1],
            **_fields(tally) | _once_each(tally.count, loggings.get(key, {})),
            **_deaths(deaths.get(key, {})),
            **moments.get(("exception", *key), {}),
        )
        for key, tally in _by_count(digest.exceptions)[:_EXCEPTIONS]
    ]


_Loggings = dict[tuple[str, str], dict[str, dict[int, int]]]


def _loggings(digest: Digest) -> _Loggings:
    """Return how often each exception was logged in each second, by the message above it."""
    found: _Loggings = {}
    for (type_, frame, template, second), count in digest.raised.items():
        found.setdefault((type_, frame), {}).setdefault(template, {})[second] = count
    return found


def _once_each(count: int, loggings: dict[str, dict[int, int]]) -> dict[str, int]:
    """Return how often an exception was raised, where several loggers wrote it each time.

    They write it as often, in the same seconds or the next: it is passed on from one to the other.

    >>> _once_each(4, {"charge failed": {7: 1, 9: 1}, "unhandled": {7: 1, 10: 1}})
    {'count': 2, 'loggers_count': 2}
    >>> _once_each(4, {"charge failed": {7: 1, 9: 1}, "refund failed": {30: 2}})
    {}
    """
    if len(loggings) < 2 or sum(sum(slots.values()) for slots in loggings.values()) != count:
        return {}
    first, *others = loggings.values()
    if not all(_at_the_same_times(first, other) for other in others):
        return {}
    return {"count": sum(first.values()), "loggers_count": len(loggings)}


def _at_the_same_times(left: dict[int, int], right: dict[int, int]) -> bool:
    if sum(left.values()) != sum(right.values()):
        return False
    moments, others = (
        [slot for slot, count in sorted(slots.items()) for _ in range(count)] for slots in (left, right)
    )
    return all(abs(slot - other) <= 1 for slot, other in zip(moments, others, strict=True))


def _deaths(counts: dict[int, int]) -> dict[str, Any]:
    """Return what a record keeps of the seconds in which processes ended: how many, how regularly."""
    gaps = sorted(after - before for before, after in pairwise(sorted(counts)))
    return {
        "deaths_count": sum(counts.values()),
        "death_gap_p50_seconds": gaps[len(gaps) // 2] if gaps else None,
        "death_gap_max_seconds": gaps[-1] if gaps else None,
    }


def _events(digest: Digest, moments: _Returns) -> list[LogEvent]:
    stretches = Counter(event for event, _ in digest.boots)
    return [
        LogEvent(
            event=name,
            **_fields(tally),
            stretches_count=stretches[name],
            **moments.get(("event", name, ""), {}),
        )
        for name, tally in _by_count(digest.events)
    ]


class _Group(msgspec.Struct):
    """The templates of one statement."""

    tally: Tally
    error_class: str


def _clustered(digest: Digest) -> dict[tuple[str, str], _Group]:
    """Return the templates by level and text, those of one statement together."""
    found: dict[tuple[str, str], _Group] = {}
    cluster_of = clusters(digest.templates)
    for (level, text), tally in digest.templates.items():
        key = (level, cluster_of.get((level, text), text))
        error_class = digest.template_classes.get((level, text), "")
        group = found.get(key)
        if group is None:
            found[key] = _Group(tally, error_class)
        else:
            group.tally = merge_tallies(group.tally, tally)
            group.error_class = min(filter(None, (group.error_class, error_class)), default="")
    return found


def _unread(digest: Digest) -> list[LogUnread]:
    """Return the shapes of the lines that were not read, the most frequent first."""
    found: dict[str, Tally] = {}
    cluster_of = clusters(("", shape) for shape in digest.unread)
    for shape, tally in digest.unread.items():
        key = cluster_of.get(("", shape), shape)
        found[key] = merge_tallies(found[key], tally) if key in found else tally
    return [LogUnread(shape=shape, **_fields(tally)) for shape, tally in _by_count(found)[:_UNREAD]]


def _templates(clustered: dict[tuple[str, str], _Group]) -> list[LogTemplate]:
    ordered = sorted(
        clustered.items(),
        key=lambda item: (item[0][0] not in BAD_LEVELS, -item[1].tally.count, item[0]),
    )
    return [
        LogTemplate(template=template, level=level, error_class=group.error_class, **_fields(group.tally))
        for (level, template), group in ordered[:_TEMPLATES]
    ]


def _fields(tally: Tally) -> dict[str, Any]:
    """Return what a record keeps of a tally."""
    return {
        "count": tally.count,
        "first_at": moment(tally.first_at),
        "last_at": moment(tally.last_at),
        "example": tally.example,
    }


def _by_count(table: dict[K, Tally]) -> list[tuple[K, Tally]]:
    return sorted(table.items(), key=lambda item: (-item[1].count, item[0]))


# How long requests took over time, for the endpoints where that varied enough to matter.

_ENDPOINTS = 30  # records kept: those with the most requests that took long
_LONG_SECONDS = 0.05  # no user notices less
_LEAST_COUNT = 3  # of requests that took long, and of some that took a third of that
_SPREAD = 3


def latencies(requests: Requests, slot_seconds: int) -> list[LogLatency]:
    """Return the records of the endpoints some of whose requests took long, and others much shorter.

    Shape: steps of five slots, in order. An endpoint that did not change has no record: its
    percentiles are enough.
    """
    varied = [
        (long, key, of)
        for key, of in requests.endpoints.items()
        if key[1] != OTHER and (long := _long_count(of))
    ]
    varied.sort(key=lambda entry: (-entry[0], entry[1]))
    return [_record(*key, of, slot_seconds) for _, key, of in varied[:_ENDPOINTS]]


def _long_count(of: EndpointCount) -> int:
    """Return how many requests took long, 0 where there are few, or no others that were much shorter."""
    graded = [(latency_of_key(key)[1], count) for key, count in of.over_time.items()]
    long = sum(count for seconds, count in graded if seconds >= _LONG_SECONDS)
    if long < _LEAST_COUNT:
        return 0
    longest = max(seconds for seconds, _ in graded)
    short = sum(count for seconds, count in graded if seconds * _SPREAD <= longest)
    return long if short >= _LEAST_COUNT else 0


def _record(method: str, path: str, of: EndpointCount, slot_seconds: int) -> LogLatency:
    steps: dict[int, dict[int, int]] = {}
    for key, count in sorted(of.over_time.items()):
        slot, seconds = latency_of_key(key)
        durations = steps.setdefault(slot, {})
        microseconds = round(seconds * 1e6)
        durations[microseconds] = durations.get(microseconds, 0) + count
    return LogLatency(
        method=method,
        path=path,
        step_seconds=slot_seconds * LATENCY_SLOTS,
        steps=tuple(
            LatencyStep(at=datetime.fromtimestamp(slot * slot_seconds, UTC), microseconds=durations)
            for slot, durations in steps.items()
        ),
    )

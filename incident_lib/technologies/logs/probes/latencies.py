"""Digest -> how long requests took over time, for the endpoints where that varied enough to matter."""

from datetime import UTC, datetime

from incident_lib.technologies.logs.probes.digest import (
    LATENCY_SLOTS,
    OTHER,
    EndpointCount,
    Requests,
    latency_of_key,
)
from incident_lib.technologies.logs.rows import LatencyStep, LogLatency

_ENDPOINTS = 30  # records kept: those with the most requests that took long
_LONG_SECONDS = 0.05  # nobody waits for less
_LEAST_COUNT = 3  # of requests that took long, and of some that took a third of that
_SPREAD = 3


def latencies(requests: Requests, slot_seconds: int) -> list[LogLatency]:
    """Return the records of the endpoints some of whose requests took long, and others much shorter.

    Shape: steps of five slots, in order. An endpoint that is as it always was has no record, since its
    percentiles say all.
    """
    varied = [
        (long, key, of)
        for key, of in requests.endpoints.items()
        if key[1] != OTHER and (long := _long_count(of))
    ]
    varied.sort(key=lambda one: (-one[0], one[1]))
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

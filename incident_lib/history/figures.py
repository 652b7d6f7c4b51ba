"""Figures over incidents: how many of what, and how long things took. Pure."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from incident_lib.model import Incident
from incident_lib.model.history import Figures, Measure

NO_SNAPSHOT = "(no snapshot)"
NO_HYPOTHESIS = "(none)"
NO_SERVICE = "(not given)"
_LEAST_P90 = 5  # fewer than that have no tenth


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """One incident with its first hypothesis and its lengths of time by name, None where unknown."""

    incident: Incident
    hypothesis: str
    seconds: Mapping[str, float | None]


def figures(measured: Sequence[Measured], definitions: Mapping[str, str]) -> Figures:
    """Return the figures. `definitions`: name of each length of time, and what it counts from and to."""
    incidents = [item.incident for item in measured]
    return Figures(
        incidents_count=len(measured),
        by_severity=dict(sorted(Counter(incident.severity.value for incident in incidents).items())),
        by_status=_counted(incident.status.value for incident in incidents),
        by_service=_counted(name for incident in incidents for name in incident.services or (NO_SERVICE,)),
        by_hypothesis=_counted(item.hypothesis for item in measured),
        by_month=dict(sorted(Counter(f"{incident.started_at:%Y-%m}" for incident in incidents).items())),
        measures=tuple(
            measure(name, definition, [item.seconds.get(name) for item in measured])
            for name, definition in definitions.items()
        ),
    )


def measure(name: str, definition: str, seconds: Sequence[float | None]) -> Measure:
    """Return median and 90th percentile of what is known, and how many are not.

    >>> found = measure("x", "", [60.0, None, 120.0])
    >>> found.count, found.missing_count, found.median_seconds, found.p90_seconds
    (2, 1, 90.0, None)
    """
    known = sorted(length for length in seconds if length is not None)
    middle = len(known) // 2
    median = None
    if known:
        median = known[middle] if len(known) % 2 else (known[middle - 1] + known[middle]) / 2
    return Measure(
        name=name,
        definition=definition,
        count=len(known),
        missing_count=len(seconds) - len(known),
        median_seconds=median,
        p90_seconds=known[math.ceil(0.9 * len(known)) - 1] if len(known) >= _LEAST_P90 else None,
    )


def _counted(names: Iterable[str]) -> dict[str, int]:
    """Return how often each name occurs, the most frequent first.

    >>> _counted(["b", "a", "b"])
    {'b': 2, 'a': 1}
    """
    return dict(sorted(Counter(names).items(), key=lambda entry: (-entry[1], entry[0])))

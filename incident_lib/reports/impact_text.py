"""The impact in words: what was counted, how, and what cannot be in it."""

from datetime import datetime

from incident_lib import clock
from incident_lib.reports.postmortem_impact import Impact, ServiceImpact
from incident_lib.units import format_duration, format_share

_NEVER_SEEN = (
    "Not in them: requests that never reached a log (refused, reset, given up by users), wrong answers "
    "with a 2xx, and users who stayed away."
)


def describe_impact(impact: Impact) -> str:
    """Return the impact in one sentence: what was counted, and that it is the least there was."""
    failing: list[ServiceImpact] = [service for service in impact.services if service.failed_count]
    if not impact.services:
        return "How many requests failed is unknown: no snapshot holds an access log of that time."
    if not failing:
        return "No request in the logs that were read was answered with 5xx."
    worst = failing[0]
    ratio = f" ({format_share(worst.failed_ratio)})" if worst.failed_ratio is not None else ""
    return (
        f"At least {worst.failed_count:,} of {worst.requests_count:,} requests{ratio} that {worst.service}"
        " logged were answered with 5xx."
    )


def describe_method(impact: Impact) -> str:
    """Return how the requests were counted. Needs: at least one service."""
    until = (
        clock.format_time(impact.end)
        if impact.end
        else "the end of the newest snapshot, since it is not resolved"
    )
    return (
        "Requests were counted in the access lines of each service's log, from "
        f"{clock.format_time(impact.start)} to {until}, in stretches of "
        f"{impact.services[0].slot_seconds} s; where snapshots overlap, each counts once. Services that call "
        "each other log the same request each, so the rows must not be added up."
    )


def describe_bounds(impact: Impact) -> str:
    """Return whether the counts are all there was, and what is never in them."""
    if impact.is_whole:
        return f"The snapshots hold all of the incident. {_NEVER_SEEN}"
    why = f"no snapshot covers {describe_gaps(impact.gaps)}" if impact.gaps else "it is not resolved"
    return f"The counts are the least there was: {why}. {_NEVER_SEEN}"


def describe_gaps(gaps: tuple[tuple[datetime, datetime], ...]) -> str:
    """Return the stretches for people.

    >>> from datetime import UTC, timedelta
    >>> at = datetime(2026, 1, 15, 14, 0, tzinfo=UTC)
    >>> describe_gaps(((at, at + timedelta(minutes=5)),))
    '2026-01-15 14:00:00 to 14:05:00 (5m 0s)'
    """
    return ", ".join(
        f"{since:%Y-%m-%d %H:%M:%S} to {until:%H:%M:%S} ({format_duration((until - since).total_seconds())})"
        for since, until in gaps
    )

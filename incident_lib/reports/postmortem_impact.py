"""What an incident cost, counted from the logs of its snapshots: with the method, and what it cannot see."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import msgspec

from incident_lib import clock
from incident_lib.model import Evidence
from incident_lib.reports.timeline import SnapshotFacts
from incident_lib.technologies.logs.rows import LogBucket, LogEndpoint, LogSummary
from incident_lib.units import format_duration, format_share

_ENDPOINTS = 10


class EndpointImpact(msgspec.Struct, frozen=True, kw_only=True):
    """Requests to one path, in the snapshot that saw most of them fail."""

    name: str  # "GET /api/v1/orders"
    requests_count: int
    failed_count: int


class ServiceImpact(msgspec.Struct, frozen=True, kw_only=True):
    """What the log of one service says of the incident. The log of another may hold the same requests."""

    service: str
    requests_count: int
    failed_count: int  # answered with 5xx
    refused_count: int  # answered with 4xx
    first_failure_at: datetime | None
    last_failure_at: datetime | None  # the end of the stretch that it was in
    slot_seconds: int  # requests were counted in stretches of that length
    has_times: bool  # else the counts are of whole windows
    snapshots: tuple[str, ...]
    endpoints: tuple[EndpointImpact, ...] = ()
    cut: str = ""  # what was not read, "" when everything was
    read_ratio: float | None = None  # of the lines that were fetched; None where it was not measured

    @property
    def failed_ratio(self) -> float | None:
        """The share of failed requests, None without requests."""
        return self.failed_count / self.requests_count if self.requests_count else None


class Impact(msgspec.Struct, frozen=True, kw_only=True):
    """The impact as far as logs show."""

    services: tuple[ServiceImpact, ...]
    start: datetime
    end: datetime | None
    covered_seconds: float
    gaps: tuple[tuple[datetime, datetime], ...]  # of the incident, that no snapshot covers

    @property
    def is_whole(self) -> bool:
        """Whether the windows of the snapshots hold all of the incident."""
        return self.end is not None and not self.gaps


def measure(snapshots: tuple[SnapshotFacts, ...], start: datetime, end: datetime | None) -> Impact:
    """Return what the logs say of the time from `start` to `end`; windows that overlap count once."""
    names = dict.fromkeys(service for service, *_ in _summaries(snapshots))
    services = [_service(name, snapshots, start, end) for name in names]
    last = end or max((snapshot.window.end for snapshot in snapshots), default=start)
    gaps = tuple(_gaps(snapshots, start, max(start, last)))
    missed = sum((until - since).total_seconds() for since, until in gaps)
    return Impact(
        services=tuple(
            sorted((item for item in services if item.requests_count), key=lambda item: -item.failed_count)
        ),
        start=start,
        end=end,
        covered_seconds=max(0.0, (last - start).total_seconds() - missed),
        gaps=gaps,
    )


def _summaries(
    snapshots: tuple[SnapshotFacts, ...],
) -> Iterator[tuple[str, SnapshotFacts, Evidence, LogSummary]]:
    for snapshot in snapshots:
        for evidence in snapshot.evidence:
            for row in evidence.of(LogSummary):
                yield evidence.target, snapshot, evidence, row


def _service(
    name: str, snapshots: tuple[SnapshotFacts, ...], start: datetime, end: datetime | None
) -> ServiceImpact:
    seen = [found for found in _summaries(snapshots) if found[0] == name]
    timed = [found for found in seen if found[3].has_times]
    slot = max((row.bucket_seconds for *_, row in timed), default=60)
    slots = _slots(timed, start, end, slot)
    # Without times nothing can be clipped: the one window with most failures stands for all.
    whole = max((row for *_, row in seen), key=lambda row: (row.server_errors_count, row.requests_count))
    failing = [(at, counts) for at, counts in sorted(slots.items()) if counts[1]]
    cuts = dict.fromkeys(filter(None, (_cut(evidence, row) for _, _, evidence, row in seen)))
    return ServiceImpact(
        service=name,
        requests_count=sum(counts[0] for counts in slots.values()) if timed else whole.requests_count,
        failed_count=sum(counts[1] for counts in slots.values()) if timed else whole.server_errors_count,
        refused_count=sum(counts[2] for counts in slots.values()) if timed else whole.client_errors_count,
        first_failure_at=failing[0][0] if failing else None,
        last_failure_at=failing[-1][0] + timedelta(seconds=slot) if failing else None,
        slot_seconds=slot,
        has_times=bool(timed),
        snapshots=tuple(dict.fromkeys(snapshot.id for _, snapshot, *_ in seen)),
        endpoints=_endpoints([evidence for _, _, evidence, _ in seen]),
        cut="; ".join(cuts),
        read_ratio=_read_ratio([row for *_, row in seen]),
    )


def _read_ratio(rows: list[LogSummary]) -> float | None:
    """Return the share of the lines of all snapshots that were read, None where none measured it."""
    measured = [row for row in rows if row.read_lines_count is not None]
    lines = sum(row.lines_count for row in measured)
    return sum(row.read_lines_count or 0 for row in measured) / lines if lines else None


def _slots(
    seen: list[tuple[str, SnapshotFacts, Evidence, LogSummary]],
    start: datetime,
    end: datetime | None,
    slot: int,
) -> dict[datetime, tuple[int, int, int]]:
    """Return requests, 5xx and 4xx by stretch of the incident, all stretches `slot` seconds long.

    Where windows overlap, each stretch is taken from the snapshot that saw most requests in it: a window
    may begin in the middle of one.
    """
    best: dict[datetime, tuple[int, int, int]] = {}
    first = _floor(start, slot)
    for _, _, evidence, _ in seen:
        mine: dict[datetime, tuple[int, int, int]] = {}
        for row in evidence.of(LogBucket):
            at = _floor(row.at, slot)
            if at >= first and (end is None or at <= end):
                old = mine.get(at, (0, 0, 0))
                new = (row.requests_count, row.server_errors_count, row.client_errors_count)
                mine[at] = (old[0] + new[0], old[1] + new[1], old[2] + new[2])
        for at, counts in mine.items():
            best[at] = max(best.get(at, (0, 0, 0)), counts)
    return best


def _floor(at: datetime, slot: int) -> datetime:
    """Return the beginning of the stretch that `at` is in.

    >>> _floor(datetime(2026, 1, 15, 14, 31, 47, tzinfo=UTC), 10).second
    40
    """
    return datetime.fromtimestamp(int(at.timestamp()) // slot * slot, UTC)


def _endpoints(evidence: list[Evidence]) -> tuple[EndpointImpact, ...]:
    rows = [item.of(LogEndpoint) for item in evidence]
    worst = max(rows, key=lambda found: sum(row.server_errors_count for row in found), default=())
    return tuple(
        EndpointImpact(
            name=f"{row.method} {row.path}",
            requests_count=row.requests_count,
            failed_count=row.server_errors_count,
        )
        for row in sorted(worst, key=lambda row: -row.server_errors_count)[:_ENDPOINTS]
        if row.server_errors_count
    )


def _cut(evidence: Evidence, row: LogSummary) -> str:
    cuts = []
    if cut := evidence.truncated:
        cuts.append(f"{cut.kept} {cut.unit} kept" + (f" of {cut.total}" if cut.total is not None else ""))
    if evidence.problem:
        cuts.append(evidence.problem.message)
    if row.cut_lines_count:
        cuts.append(f"{row.cut_lines_count} lines longer than the cap")
    return ", ".join(cuts)


def _gaps(
    snapshots: tuple[SnapshotFacts, ...], start: datetime, end: datetime
) -> Iterator[tuple[datetime, datetime]]:
    """Yield the stretches of the incident that no window holds."""
    at = start
    for since, until in sorted((snapshot.window.start, snapshot.window.end) for snapshot in snapshots):
        if since > at and since < end:
            yield at, since
        at = max(at, min(until, end))
        if since >= end:
            break
    if at < end:
        yield at, end


_NEVER_SEEN = (
    "Not included: requests that never reached a log (refused, reset, abandoned by users), wrong answers "
    "with a 2xx status, and users who stayed away."
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
        else "the end of the newest snapshot, because it is not resolved"
    )
    shares = ", ".join(
        f"{format_share(service.read_ratio)} of {service.service}"
        for service in impact.services
        if service.read_ratio is not None
    )
    read = f" Share of lines that could be read: {shares}; the others may hold requests." if shares else ""
    return (
        "Requests were counted in the access lines of each service's log, from "
        f"{clock.format_time(impact.start)} to {until}, in intervals of {impact.services[0].slot_seconds} "
        f"s; where snapshots overlap, each request counts once. Services that call each other each log the "
        f"same request, so the rows must not be added up."
        f"{read}"
    )


def describe_bounds(impact: Impact) -> str:
    """Return whether the counts are all there was, and what is never in them."""
    if impact.is_whole:
        return f"The snapshots cover the whole incident. {_NEVER_SEEN}"
    why = f"no snapshot covers {describe_gaps(impact.gaps)}" if impact.gaps else "it is not resolved"
    return f"The counts are a lower bound: {why}. {_NEVER_SEEN}"


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

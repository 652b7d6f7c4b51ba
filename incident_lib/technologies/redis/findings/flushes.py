"""Whether a cache was emptied: by a command, by a client that is still connected, or by an unknown one.

Counters since the start of a server say nothing of when, so they are only compared with an earlier snapshot.
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from incident_lib.clock import format_time
from incident_lib.findings.base import Context, finding
from incident_lib.findings.comparison import Interval
from incident_lib.findings.thresholds import Thresholds
from incident_lib.model import Evidence, Finding, FindingSeverity
from incident_lib.technologies.redis.rows import RedisClientGroup, RedisMemory, RedisSlowCommand
from incident_lib.units import format_duration, format_number, format_share

FLUSHES = ("flushall", "flushdb")


def flushed_slowly(evidence: Evidence, commands: Sequence[RedisSlowCommand]) -> Iterator[Finding]:
    """Yield that the slow log holds a flush: it had so much to throw away that it took long."""
    flushes = [command for command in commands if command.command.lower() in FLUSHES]
    if not flushes:
        return
    last = max(flushes, key=lambda command: command.started_at)
    yield finding(
        evidence,
        "flushed",
        FindingSeverity.INFO,
        f"{last.command.upper()} deleted its keys at {format_time(last.started_at)}",
        f"from {last.client or last.address or 'an unknown client'}; other services now have to rebuild its "
        f"data",
        since=last.started_at,
        command=last.command.lower(),
        client=last.client or last.address,
        call_count=len(flushes),
    )


def flushed_by_client(evidence: Evidence, context: Context) -> Iterator[Finding]:
    """Yield that a client that is still connected did nothing after a flush inside the window."""
    groups = [
        row for row in evidence.of(RedisClientGroup) if row.command.partition("|")[0].lower() in FLUSHES
    ]
    idle = [(group.idle_min_seconds, group) for group in groups if group.idle_min_seconds is not None]
    if not idle:
        return
    seconds, group = min(idle, key=lambda pair: pair[0])
    at = evidence.collected_at - timedelta(seconds=seconds)
    if context.window.holds(at):
        yield finding(
            evidence,
            "flushed",
            FindingSeverity.INFO,
            f"{group.command.upper()} was the last command of a client, at {format_time(at)}",
            f"{group.name or 'without a name'}, user {group.user or 'unknown'}, from {group.address}",
            since=at,
            command=group.command.lower(),
            client=group.name or group.address,
        )


def flushed_now(evidence: Evidence, row: RedisMemory) -> Iterator[Finding]:
    """Yield a flush between the two samples of one collection."""
    if row.flushed_count:
        yield finding(
            evidence,
            "flushed",
            FindingSeverity.INFO,
            "its keys were just deleted: FLUSHALL or FLUSHDB ran between two samples",
            f"{format_number(row.flushed_count)} of them in {format_duration(row.seconds)}; "
            f"{row.key_count:,} keys are left",
            since=evidence.collected_at,
            call_count=row.flushed_count,
            key_count=row.key_count,
        )


def flushes_since(interval: Interval, context: Context) -> Iterator[Finding]:
    """Yield that a server was flushed, or lost nearly all keys, since an earlier snapshot of the process."""
    pairs = zip(interval.now.of(RedisMemory), interval.before.of(RedisMemory), strict=False)
    for row, known in pairs:
        if row.run_id and row.run_id == known.run_id:
            yield from _between(interval, row, known, context.thresholds)


def _between(
    interval: Interval, row: RedisMemory, known: RedisMemory, thresholds: Thresholds
) -> Iterator[Finding]:
    evidence, earlier = interval.now, interval.before.collected_at
    since = interval.on_timeline(earlier)
    when = f"since the snapshot of {format_time(earlier)}"
    keys = f"{known.key_count:,} keys then, {row.key_count:,} now"
    flushes = _risen(known.flush_total_count, row.flush_total_count)
    if flushes and not row.flushed_count:
        title = f"its keys were deleted {when}: {flushes} FLUSHALL or FLUSHDB"
        yield finding(evidence, "flushed", FindingSeverity.INFO, title, keys, since=since, call_count=flushes)
    left = row.key_count / known.key_count if known.key_count else 1.0
    many = known.key_count >= thresholds["redis.keys_lost.least_count"]
    if many and left <= thresholds["redis.keys_lost.most_left_ratio"]:
        gone = known.key_count - row.key_count
        yield finding(
            evidence,
            "keys_lost",
            FindingSeverity.INFO,
            f"it lost {format_share(1 - left)} of its keys {when}",
            f"{keys}; {_reason(row, known, flushes, gone)}",
            since=since,
            before_count=known.key_count,
            key_count=row.key_count,
            left_ratio=round(left, 4),
        )


def _reason(row: RedisMemory, known: RedisMemory, flushes: int | None, gone: int) -> str:
    if flushes:
        return f"{flushes} FLUSHALL or FLUSHDB ran meanwhile"
    expired = _risen(known.expired_total_count, row.expired_total_count)
    if expired is not None and expired >= gone / 2:
        return f"{expired:,} expired meanwhile: keys that are written together expire together"
    evicted = _risen(known.evicted_total_count, row.evicted_total_count)
    if evicted is not None and evicted >= gone / 2:
        return f"{evicted:,} were evicted meanwhile"
    return "a client deleted them"


def _risen(before: int | None, now: int | None) -> int | None:
    """Return by how much a counter rose, None where it was reset or is not known.

    >>> _risen(2, 5), _risen(5, 2), _risen(None, 2)
    (3, None, None)
    """
    return None if before is None or now is None or now < before else now - before

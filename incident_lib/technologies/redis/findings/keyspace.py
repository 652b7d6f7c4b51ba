"""What is in it, and what is big?"""

from collections.abc import Iterator

from incident_lib.findings.base import Context, finding, ok
from incident_lib.model import Evidence, Finding, FindingSeverity, ProposedAction
from incident_lib.technologies.redis.families import is_cache, is_queue, is_session
from incident_lib.technologies.redis.rows import (
    RedisDatabase,
    RedisKey,
    RedisKeyGroup,
    RedisKeySample,
    RedisStreamGroup,
)
from incident_lib.units import (
    format_bytes,
    format_count,
    format_duration,
    format_number,
    format_share,
    format_times,
)

_QUEUES = frozenset({"list", "stream"})  # what is mostly read at its ends
_JOBS = frozenset({"hash", "list", "stream", "zset"})  # of libraries that keep each job in a key


def analyze_keyspace(evidence: Evidence, context: Context) -> Iterator[Finding]:
    """Yield a queue that fills the server or may be evicted, caches that may go, big keys, else OK.

    What a sample did not see is not judged.
    """
    databases = evidence.of(RedisDatabase)
    big = [
        *_queue(evidence, context),
        *_evictable(evidence, context),
        *_big(evidence, context),
        *_pending(evidence, context),
    ]
    yield from big
    yield from _sessions(evidence, context)
    yield from _caches(evidence, context)
    if not any(each.severity.is_bad for each in big):
        yield _ok(evidence, databases)


def _ok(evidence: Evidence, databases: tuple[RedisDatabase, ...]) -> Finding:
    keys = sum(row.key_count for row in databases)
    expiring = sum(row.expiring_count for row in databases)
    forever = f", {format_share(1 - expiring / keys)} of them without an expiry" if keys else ""
    return ok(
        evidence,
        f"{keys:,} keys{forever}",
        _sample(evidence),
        key_count=keys,
        without_expiry_ratio=1 - expiring / keys if keys else None,
    )


def _sample(evidence: Evidence) -> str:
    sample = next(iter(evidence.of(RedisKeySample)), None)
    if sample is None or not sample.key_count:
        return ""
    text = f"{sample.sampled_count:,} of {sample.key_count:,} keys of database {sample.database} were sampled"
    if groups := evidence.of(RedisKeyGroup):
        share = groups[0].memory_bytes / max(sample.memory_bytes, 1)
        text += f"; {groups[0].pattern} takes {format_share(share)} of their memory"
    return text


def _queue(evidence: Evidence, context: Context) -> Iterator[Finding]:
    """Yield the queue that takes most of a server that is full, or nearly: work that is not taken out."""
    sample = next(iter(evidence.of(RedisKeySample)), None)
    if sample is None or not sample.maxmemory_bytes:
        return
    full = context.thresholds.severity("redis.memory", sample.used_ratio, "ratio")
    scale = max(sample.key_count / sample.sampled_count, 1.0) if sample.sampled_count else 1.0
    keys = [
        (float(row.memory_bytes), row.memory_bytes, row.pattern, row.kind)
        for row in evidence.of(RedisKey)
        if not row.has_expiry and (row.kind in _QUEUES or (is_queue(row.pattern) and row.kind in _JOBS))
    ]
    groups = [
        (row.memory_bytes * scale, row.memory_bytes, row.pattern, row.kind or "?")
        for row in evidence.of(RedisKeyGroup)
        if is_queue(row.pattern) and row.kind in _JOBS
    ]
    # The keys of a group were sampled, and stand for more.
    whole, size, pattern, kind = max((*keys, *groups), default=(0.0, 0, "", ""))
    share = whole / sample.maxmemory_bytes
    if full is None or context.thresholds.severity("redis.queue", share, "ratio") is None:
        return
    if groups_of := _worked_off(evidence, pattern, context):
        yield _kept(evidence, groups_of, full, pattern=pattern, memory_bytes=size, share_ratio=share)
        return
    evicts = (sample.policy or "noeviction").startswith("allkeys")
    yield finding(
        evidence,
        "queue",
        FindingSeverity.WARNING if evicts else full,
        f"{pattern} takes {format_share(min(share, 1.0))} of maxmemory: a {kind}, probably a queue whose "
        f"work is not consumed{' fast enough' if sample.taken_count else ''}",
        f"{_flow(sample)}. Queued work is not a cache: deleting it loses it"
        + (f", and policy {sample.policy} may evict it" if evicts else "")
        + f"; {_sample(evidence)}",
        pattern=pattern,
        kind=kind,
        memory_bytes=size,
        share_ratio=share,
        put_count=sample.put_count,
        taken_count=sample.taken_count,
    )


def _worked_off(evidence: Evidence, pattern: str, context: Context) -> tuple[RedisStreamGroup, ...]:
    """Return the groups of a stream where they have finished nearly all of it; else, or if unknown, none."""
    groups = tuple(row for row in evidence.of(RedisStreamGroup) if row.pattern == pattern)
    most = context.thresholds["redis.stream_kept.most_ratio"]
    done = all(
        row.lag_count is not None and row.lag_count + row.pending_count <= most * row.entry_count
        for row in groups
    )
    return groups if done else ()


def _kept(
    evidence: Evidence,
    groups: tuple[RedisStreamGroup, ...],
    severity: FindingSeverity,
    *,
    pattern: str,
    memory_bytes: int,
    share_ratio: float,
) -> Finding:
    """Return that a stream keeps what was done: to acknowledge an entry does not remove it."""
    left = max(row.pending_count + (row.lag_count or 0) for row in groups)
    names = ", ".join(row.group for row in groups[:3])
    return finding(
        evidence,
        "stream_kept",
        severity,
        f"{pattern} takes {format_share(min(share_ratio, 1.0))} of maxmemory: a stream that keeps what its "
        "consumers have finished",
        f"{format_count(groups[0].entry_count, 'entry', 'entries')}, of which {names} have "
        f"{format_number(left)} left to do: acknowledging an entry does not remove it, and nothing trims the "
        f"stream. {_sample(evidence)}",
        pattern=pattern,
        kind="stream",
        memory_bytes=memory_bytes,
        share_ratio=share_ratio,
        entry_count=groups[0].entry_count,
        left_count=left,
    )


def _pending(evidence: Evidence, context: Context) -> Iterator[Finding]:
    """Yield the group of a stream with most entries that were handed out long ago and not acknowledged."""
    least = context.thresholds["redis.pending.least_count"]
    stuck = [
        row
        for row in evidence.of(RedisStreamGroup)
        if row.pending_count >= least
        and context.thresholds.severity("redis.pending", row.oldest_seconds, "seconds")
    ]
    if not stuck:
        return
    worst = max(stuck, key=lambda row: row.pending_count)
    age = format_duration(worst.oldest_seconds or 0.0)
    times = worst.oldest_deliveries_count or 1
    yield finding(
        evidence,
        "pending",
        FindingSeverity.WARNING,
        f"{format_number(worst.pending_count)} entries of {worst.pattern} were delivered to consumers and "
        f"not acknowledged, the oldest {age} ago",
        f"group {worst.group} with {format_count(worst.consumer_count, 'consumer')}; the oldest is at "
        f"{worst.oldest_consumer}, delivered {format_times(times)}. Nothing delivers it again by itself: "
        "if that consumer is gone, another one has to claim it",
        pattern=worst.pattern,
        group=worst.group,
        consumer=worst.oldest_consumer,
        pending_count=worst.pending_count,
        oldest_seconds=worst.oldest_seconds,
        lag_count=worst.lag_count,
    )


def _evictable(evidence: Evidence, context: Context) -> Iterator[Finding]:
    """Yield queues, by their names, in a server that is full and throws any key out."""
    sample = next(iter(evidence.of(RedisKeySample)), None)
    if sample is None or not (sample.policy or "").startswith("allkeys") or not sample.maxmemory_bytes:
        return
    if context.thresholds.severity("redis.memory", sample.used_ratio, "ratio") is None:
        return
    names = {row.pattern for row in evidence.of(RedisKey)}
    queues = sorted(filter(is_queue, names | {row.pattern for row in evidence.of(RedisKeyGroup)}))
    if queues:
        named = ", ".join(queues[:3])
        yield finding(
            evidence,
            "queue_evictable",
            FindingSeverity.WARNING,
            f"{named} hold queued work, judging by their names, and the policy {sample.policy} evicts any "
            f"key",
            f"the memory is full, so work may be lost at any time without an error; {_sample(evidence)}",
            pattern=named,
            policy=sample.policy,
        )


def _sessions(evidence: Evidence, context: Context) -> Iterator[Finding]:
    """Yield sessions, by their names, in a server that is full and evicts: a cache may be meant to."""
    sample = next(iter(evidence.of(RedisKeySample)), None)
    if sample is None or (sample.policy or "noeviction") == "noeviction" or not sample.maxmemory_bytes:
        return
    if context.thresholds.severity("redis.memory", sample.used_ratio, "ratio") is None:
        return
    sessions = sorted(filter(is_session, {row.pattern for row in evidence.of(RedisKeyGroup)}))
    if sessions:
        named = ", ".join(sessions[:3])
        yield finding(
            evidence,
            "session_evictable",
            FindingSeverity.INFO,
            f"{named} are sessions, judging by their names, and the policy {sample.policy} may evict them",
            f"the memory is full; users whose session is evicted are logged out, without an error; "
            f"{_sample(evidence)}",
            pattern=named,
            policy=sample.policy,
        )


def _flow(sample: RedisKeySample) -> str:
    if sample.put_count is None or sample.taken_count is None:
        return "whether anything is consumed is unknown"
    seconds = format_duration(sample.flow_seconds)
    waiting = f", {sample.blocked_count} clients wait for something" if sample.blocked_count else ""
    return (
        f"in {seconds} {sample.put_count} calls added to queues, {sample.taken_count} removed from "
        f"them{waiting}"
    )


def _caches(evidence: Evidence, context: Context) -> Iterator[Finding]:
    """Yield the largest group that is a cache by name and by expiry, where room is needed."""
    sample = next(iter(evidence.of(RedisKeySample)), None)
    if sample is None or (sample.policy or "").startswith("allkeys"):
        return
    limits = context.thresholds
    if limits.severity("redis.memory", sample.used_ratio, "ratio") is None:
        return
    if limits.severity("redis.buffers", sample.buffer_ratio, "ratio") is not None:
        return
    caches = [
        row
        for row in evidence.of(RedisKeyGroup)
        if is_cache(row.pattern) and row.checked_count and row.expiring_count == row.checked_count
    ]
    largest = max(caches, key=lambda row: row.memory_bytes, default=None)
    if largest is None:
        return
    share = largest.memory_bytes / max(sample.memory_bytes, 1)
    if limits.severity("redis.cache_keys", share, "ratio") is None:
        return
    yield finding(
        evidence,
        "caches",
        FindingSeverity.INFO,
        f"{largest.pattern} is a cache by name and expiry, and takes {format_share(share)} of the sampled "
        "memory",
        f"{largest.sampled_count:,} such keys were seen, {largest.checked_count} were checked, and all of "
        f"those have an expiry",
        actions=(
            ProposedAction(
                action="redis.delete_keys",
                target=evidence.target,
                text="delete this cache by its pattern, in batches",
                arguments={"pattern": largest.pattern},
            ),
        ),
        pattern=largest.pattern,
        share_ratio=share,
    )


def _big(evidence: Evidence, context: Context) -> Iterator[Finding]:
    """Yield the biggest key of those that are judged worst: a long queue hides no big hash."""
    limit = context.thresholds["redis.big_key.warning_bytes"]
    big = [row for row in evidence.of(RedisKey) if row.memory_bytes >= limit]
    for severity in (FindingSeverity.WARNING, FindingSeverity.INFO):
        judged = [row for row in big if _severity(row, context) is severity]
        if judged:
            biggest = max(judged, key=lambda row: row.memory_bytes)
            yield finding(
                evidence,
                "big_key",
                severity,
                f"a {biggest.kind} of {format_bytes(biggest.memory_bytes)} under {biggest.pattern}",
                f"{len(big)} of the ten biggest sampled keys are over {format_bytes(limit)}; "
                f"{_sample(evidence)}",
                pattern=biggest.pattern,
                kind=biggest.kind,
                memory_bytes=biggest.memory_bytes,
                big_count=len(big),
            )
            return


def _severity(row: RedisKey, context: Context) -> FindingSeverity:
    # A queue is as quick at its ends as a short one.
    rule = "redis.big_queue" if row.kind in _QUEUES or is_queue(row.pattern) else "redis.big_key"
    return context.thresholds.severity(rule, row.memory_bytes, "bytes") or FindingSeverity.INFO

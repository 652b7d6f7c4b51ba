"""Is it full, and what does it evict?"""

from collections.abc import Iterator
from datetime import timedelta

from incident_lib.findings.base import Context, finding, ok
from incident_lib.model import Evidence, Finding, FindingSeverity
from incident_lib.technologies.redis.findings.flushes import flushed_now
from incident_lib.technologies.redis.rows import RedisMemory
from incident_lib.units import format_bytes, format_duration, format_number, format_share


def analyze_memory(evidence: Evidence, context: Context) -> Iterator[Finding]:
    """Yield what is wrong with memory, else OK."""
    for row in evidence.of(RedisMemory):
        found = [
            *_fill(evidence, row, context),
            *_evictions(evidence, row, context),
            *_hits(evidence, row, context),
            *_started_cold(evidence, row, context),
            *_fragmentation(evidence, row, context),
            *_peak(evidence, row, context),
            *_buffers(evidence, row, context),
        ]
        yield from found
        yield from flushed_now(evidence, row)
        if not any(finding.severity.is_bad for finding in found):
            yield _ok(evidence, row, context)


def _ok(evidence: Evidence, row: RedisMemory, context: Context) -> Finding:
    if row.used_bytes is None:
        return finding(
            evidence, "unknown", FindingSeverity.UNKNOWN, "not assessed: INFO has no memory section"
        )
    limit = (
        f" of {format_bytes(row.limit_bytes)} ({row.limit_source})"
        if row.limit_bytes
        else ", the limit is not known"
    )
    return ok(
        evidence,
        f"{format_bytes(row.used_bytes)} used{limit}, policy {row.policy}",
        _numbers(row),
        used_bytes=row.used_bytes,
        limit_bytes=row.limit_bytes,
        used_ratio=row.used_ratio,
        hit_ratio=_hit_ratio(row, context),
    )


def _hit_ratio(row: RedisMemory, context: Context) -> float | None:
    """Return the share of lookups that found their key, None where too few say so."""
    return _share(row.hit_count, row.miss_count, context)


def _share(hits: int | None, misses: int | None, context: Context) -> float | None:
    if hits is None or misses is None:
        return None
    lookups = hits + misses
    return hits / lookups if lookups >= context.thresholds["redis.hit_ratio.least_count"] else None


def _numbers(row: RedisMemory) -> str:
    lookups = (row.hit_count or 0) + (row.miss_count or 0)
    hits = f", {format_share((row.hit_count or 0) / lookups)} of {lookups:,} lookups hit" if lookups else ""
    peak = f"peak {format_bytes(row.peak_bytes)}, " if row.peak_bytes is not None else ""
    return f"{peak}{row.evicted_count or 0:,} keys evicted in {format_duration(row.seconds)}{hits}"


def can_evict(row: RedisMemory) -> bool:
    """Return whether the policy finds something to throw out: volatile ones need keys with an expiry."""
    policy = row.policy or "noeviction"
    return policy.startswith("allkeys") or (policy.startswith("volatile") and row.expiring_key_count > 0)


def are_buffers_to_blame(row: RedisMemory, context: Context) -> bool:
    """Return whether buffers of clients, and not keys, take what maxmemory leaves."""
    if not row.maxmemory_bytes or row.client_buffer_bytes is None:
        return False
    share = row.client_buffer_bytes / row.maxmemory_bytes
    return context.thresholds.severity("redis.buffers", share, "ratio") is not None


def _fill(evidence: Evidence, row: RedisMemory, context: Context) -> Iterator[Finding]:
    """Yield a limit that is near. A cache that may evict anything is meant to be full up to maxmemory."""
    policy = row.policy or "an unknown policy"
    if row.limit_source == "maxmemory" and policy.startswith("allkeys"):
        return
    severity = context.thresholds.severity("redis.memory", row.used_ratio, "ratio")
    if severity is None or row.used_ratio is None or row.limit_bytes is None:
        return
    critical = severity is FindingSeverity.CRITICAL and not (
        row.limit_source == "maxmemory" and can_evict(row)
    )
    held = row.counted_bytes if row.limit_source == "maxmemory" else row.resident_bytes
    name, what = _variant(row, policy, context)
    buffers = (
        f", {format_bytes(row.client_buffer_bytes)} in client buffers" if name == "full_of_buffers" else ""
    )
    yield finding(
        evidence,
        name if critical else "high",
        FindingSeverity.CRITICAL if critical else FindingSeverity.WARNING,
        f"memory is {format_share(row.used_ratio)} full: {what}"
        if critical
        else f"memory is {format_share(row.used_ratio)} full",
        f"{format_bytes(held)} of {format_bytes(row.limit_bytes)} ({row.limit_source}), policy {policy}, "
        f"{row.key_count:,} keys, {row.expiring_key_count:,} with an expiry{buffers}",
        used_ratio=row.used_ratio,
        limit_bytes=row.limit_bytes,
        limit_source=row.limit_source,
        policy=row.policy,
        held=format_bytes(row.client_buffer_bytes) if name == "full_of_buffers" else None,
    )


def _variant(row: RedisMemory, policy: str, context: Context) -> tuple[str, str]:
    """Return the name of what a full memory is, and what follows from it."""
    if row.limit_source != "maxmemory":
        return "full_outside", f"the {row.limit_source} kills the server when no memory is left"
    if are_buffers_to_blame(row, context):
        return "full_of_buffers", "writes are refused; client buffers take the memory, not keys"
    if policy.startswith("volatile") and row.key_count:
        return (
            "full_no_expiry",
            f"writes are refused: {policy} evicts only keys with an expiry, and no key has one",
        )
    return "full", f"writes are refused: policy {policy} frees no memory"


def _evictions(evidence: Evidence, row: RedisMemory, context: Context) -> Iterator[Finding]:
    if row.eviction_behind_seconds and can_evict(row):
        yield _behind(evidence, row, row.eviction_behind_seconds)
    if not row.evicted_count or not row.seconds:
        return
    per_second = row.evicted_count / row.seconds
    share = per_second / (row.key_count + row.evicted_count)
    cache = (row.policy or "").startswith("allkeys")
    by_buffers = are_buffers_to_blame(row, context)
    heavy = by_buffers or context.thresholds.severity("redis.evictions", share, "ratio") is not None
    yield finding(
        evidence,
        "evictions_by_buffers" if by_buffers else "evictions" if heavy or not cache else "evicting",
        FindingSeverity.WARNING if heavy or not cache else FindingSeverity.INFO,
        f"{per_second:.0f} keys a second are evicted, {format_share(share)} of all",
        f"policy {row.policy}, {row.key_count:,} keys, maxmemory {format_bytes(row.maxmemory_bytes)}"
        + (f", {format_bytes(row.client_buffer_bytes)} of it in client buffers" if by_buffers else ""),
        held=format_bytes(row.client_buffer_bytes) if by_buffers else None,
        per_second=per_second,
        share_ratio=share,
        policy=row.policy,
    )


def _behind(evidence: Evidence, row: RedisMemory, seconds: float) -> Finding:
    why = "writes arrive faster than keys are evicted"
    if not row.key_count and row.client_buffer_bytes is not None:
        why = f"no keys are left to evict: client buffers take {format_bytes(row.client_buffer_bytes)}"
    return finding(
        evidence,
        "eviction_behind",
        FindingSeverity.WARNING,
        f"over maxmemory for {format_duration(seconds)}: keys are not evicted fast enough",
        f"policy {row.policy}; {why}",
        behind_seconds=seconds,
    )


def _hits(evidence: Evidence, row: RedisMemory, context: Context) -> Iterator[Finding]:
    """Yield a low hit ratio: bad where a cache evicts what is needed, else only reported.

    A cold cache has it too, and so has one that is used to check whether something is new.
    """
    limits, ratio = context.thresholds, _hit_ratio(row, context)
    hits, misses = row.hit_count or 0, row.miss_count or 0
    if ratio is None or limits.severity("redis.hit_ratio", ratio, "ratio", above=False) is None:
        return
    share = (row.evicted_count or 0) / max(misses, 1)
    evicts = share >= limits["redis.hit_ratio.evicted_ratio"] and (row.policy or "").startswith("allkeys")
    evicts = evicts and not are_buffers_to_blame(row, context)
    yield finding(
        evidence,
        "hit_ratio",
        FindingSeverity.WARNING if evicts else FindingSeverity.INFO,
        f"only {format_share(ratio)} of lookups find their key"
        + (" while keys are evicted" if evicts else ""),
        f"{hits:,} hits and {misses:,} misses in {format_duration(row.seconds)}",
        hit_ratio=ratio,
        lookup_count=hits + misses,
    )


def _started_cold(evidence: Evidence, row: RedisMemory, context: Context) -> Iterator[Finding]:
    """Yield that a server which was started inside the window has missed most lookups since.

    Where its users wait for what they miss, too few ask in a second for a sample of that to show it. Totals
    of a server that is older say nothing of now, and a sample that finds most says that it is warm again.
    """
    limits, ratio = context.thresholds, _share(row.hit_total_count, row.miss_total_count, context)
    if ratio is None or limits.severity("redis.hit_ratio", ratio, "ratio", above=False) is None:
        return
    started_at = evidence.collected_at - timedelta(seconds=row.uptime_seconds or 0)
    sampled = _hit_ratio(row, context)
    is_warm = (
        sampled is not None and limits.severity("redis.hit_ratio", sampled, "ratio", above=False) is None
    )
    if row.uptime_seconds is None or is_warm or not context.window.holds(started_at):
        return
    hits, misses = row.hit_total_count or 0, row.miss_total_count or 0
    yield finding(
        evidence,
        "started_cold",
        FindingSeverity.INFO,
        f"{format_share(1 - ratio)} of the lookups since its start missed",
        f"{hits:,} hits and {misses:,} misses in {format_duration(row.uptime_seconds)}",
        since=started_at,
        hit_ratio=ratio,
        lookup_count=hits + misses,
    )


def _is_small(row: RedisMemory, context: Context) -> bool:
    return (row.used_bytes or 0) < context.thresholds["redis.small.least_bytes"]


def _fragmentation(evidence: Evidence, row: RedisMemory, context: Context) -> Iterator[Finding]:
    ratio, wasted, limits = row.fragmentation_ratio, row.fragmentation_bytes, context.thresholds
    if ratio is None or wasted is None or _is_small(row, context):
        return
    if (
        limits.severity("redis.fragmentation", ratio, "ratio")
        and wasted > limits["redis.fragmentation.least_bytes"]
    ):
        yield finding(
            evidence,
            "fragmentation",
            FindingSeverity.WARNING,
            f"memory is fragmented: the process holds {format_number(ratio)} times what it uses",
            f"{format_bytes(wasted)} are held but unused; a restart or activedefrag frees them",
            fragmentation_ratio=ratio,
            fragmentation_bytes=wasted,
        )


def _peak(evidence: Evidence, row: RedisMemory, context: Context) -> Iterator[Finding]:
    if not row.used_bytes or row.peak_bytes is None or _is_small(row, context):
        return
    ratio = row.peak_bytes / row.used_bytes
    if severity := context.thresholds.severity("redis.peak", ratio, "ratio"):
        yield finding(
            evidence,
            "peak",
            severity,
            f"memory was once {format_number(ratio)} times as high",
            f"peak {format_bytes(row.peak_bytes)}, now {format_bytes(row.used_bytes)}",
            peak_ratio=ratio,
        )


def _buffers(evidence: Evidence, row: RedisMemory, context: Context) -> Iterator[Finding]:
    if not row.client_count or row.client_buffer_bytes is None or _is_small(row, context):
        return
    each = row.client_buffer_bytes / row.client_count
    if severity := context.thresholds.severity("redis.client_buffers", each, "bytes"):
        yield finding(
            evidence,
            "client_buffers",
            severity,
            f"client buffers take {format_bytes(row.client_buffer_bytes)} in all",
            f"of {format_number(row.client_count)} clients, which request a lot or read slowly; it may be a "
            f"single client",
            bytes_per_client=each,
        )

"""Who is connected, and is there room for more?"""

from collections import Counter
from collections.abc import Iterator

from incident_lib.findings.base import Context, finding, ok
from incident_lib.model import Evidence, Finding, FindingSeverity
from incident_lib.technologies.redis.findings.buffers import analyze_buffers
from incident_lib.technologies.redis.findings.flushes import flushed_by_client
from incident_lib.technologies.redis.rows import RedisClient, RedisClientGroup, RedisClients
from incident_lib.units import format_bytes, format_count, format_duration, format_number, format_share


def analyze_clients(evidence: Evidence, context: Context) -> Iterator[Finding]:
    """Yield refused clients, a limit that is near, who holds most connections or most memory, else OK."""
    yield from flushed_by_client(evidence, context)
    for row in evidence.of(RedisClients):
        bad = [
            *_rejected(evidence, row),
            *_high(evidence, row, context),
            *_paused(evidence, row),
            *_unread(evidence, row),
            *analyze_buffers(evidence, context),
        ]
        yield from bad
        yield from _blocked(evidence, row, context)
        yield from _one_address(evidence, row, context)
        yield from _idle_limit(evidence, row)
        if not any(each.severity.is_bad for each in bad):
            yield _ok(evidence, row)


def _ok(evidence: Evidence, row: RedisClients) -> Finding:
    if row.connected_count is None:
        return finding(
            evidence, "unknown", FindingSeverity.UNKNOWN, "not assessed: INFO has no clients section"
        )
    limit = f" of {format_number(row.limit_count)}" if row.limit_count else ", the limit is not known"
    return ok(
        evidence,
        f"{format_number(row.connected_count)} clients{limit}",
        _judged(evidence, row),
        connected_count=row.connected_count,
        limit_count=row.limit_count,
    )


def _judged(evidence: Evidence, row: RedisClients) -> str:
    """Return of how many clients the buffers were judged, and what the largest of them holds."""
    if row.listed_count is None:
        return ""
    if row.connected_count is not None and row.listed_count < row.connected_count / 2:
        return "the buffers of each client were not read"
    held = max((client.output_bytes + client.query_bytes for client in evidence.of(RedisClient)), default=0)
    largest = f"{format_bytes(held)} in the largest" if held else "none of 1 MB or more"
    closed = row.limit_closed_total_count
    ended = f"; {closed:,} disconnected at their limit at some time" if closed else ""
    return f"buffers of {format_number(row.listed_count)} clients: {largest}{ended}"


def _rejected(evidence: Evidence, row: RedisClients) -> Iterator[Finding]:
    if row.rejected_count:
        yield finding(
            evidence,
            "rejected",
            FindingSeverity.WARNING,
            "clients are rejected because there are too many",
            f"{format_number(row.rejected_count)} in {format_duration(row.seconds)}, limit "
            f"{format_number(row.limit_count)}",
            rejected_count=row.rejected_count,
        )


def _paused(evidence: Evidence, row: RedisClients) -> Iterator[Finding]:
    if row.paused_by and not row.paused_count:
        yield finding(
            evidence,
            "paused",
            FindingSeverity.WARNING,
            "client commands are paused, but none are waiting yet",
            f"by {row.paused_by}: until its timeout, or CLIENT UNPAUSE",
            client_count=0,
            paused_by=row.paused_by,
        )
    if row.paused_count:
        waits = "waits" if row.paused_count == 1 else "wait"
        yield finding(
            evidence,
            "paused",
            FindingSeverity.CRITICAL,
            f"clients are paused: {format_count(row.paused_count, 'client')} {waits} in commands that never "
            "wait",
            f"most in {(row.paused_command or '?').upper()}. CLIENT PAUSE, which failovers use, holds them "
            f"until its timeout, or CLIENT UNPAUSE",
            client_count=row.paused_count,
            command=(row.paused_command or "").upper() or None,
            paused_by=row.paused_by,
        )


def _unread(evidence: Evidence, row: RedisClients) -> Iterator[Finding]:
    if row.unread_count:
        sent = "have sent" if row.unread_count > 1 else "has sent"
        yield finding(
            evidence,
            "unread",
            FindingSeverity.WARNING,
            f"{format_count(row.unread_count, 'client')} {sent} something that is not a Redis command, and "
            f"will get no answer",
            f"from {row.unread_address}: for example TLS (rediss://) to a port without it, or another "
            f"protocol. They wait until their own timeout",
            client_count=row.unread_count,
            address=row.unread_address,
        )


def _idle_limit(evidence: Evidence, row: RedisClients) -> Iterator[Finding]:
    if row.idle_limit_seconds:
        limit = format_duration(row.idle_limit_seconds)
        yield finding(
            evidence,
            "idle_limit",
            FindingSeverity.INFO,
            f"clients that idle for over {limit} are disconnected",
            "by its setting `timeout`: a pool that keeps idle connections longer hands out closed ones",
            limit=limit,
            limit_seconds=row.idle_limit_seconds,
        )


def _high(evidence: Evidence, row: RedisClients, context: Context) -> Iterator[Finding]:
    if row.connected_count is None or not row.limit_count:
        return
    ratio = row.connected_count / row.limit_count
    if severity := context.thresholds.severity("redis.clients", ratio, "ratio"):
        yield finding(
            evidence,
            "high",
            severity,
            f"{format_share(ratio)} of the connections are in use",
            f"{format_number(row.connected_count)} of {format_number(row.limit_count)}",
            used_ratio=ratio,
            connected_count=row.connected_count,
            limit_count=row.limit_count,
        )


def _blocked(evidence: Evidence, row: RedisClients, context: Context) -> Iterator[Finding]:
    connected, blocked = row.connected_count or 0, row.blocked_count or 0
    if connected < context.thresholds["redis.groups.least_count"]:
        return
    if severity := context.thresholds.severity("redis.blocked", blocked / connected, "ratio"):
        yield finding(
            evidence,
            "blocked",
            severity,
            f"{blocked} of {connected} clients wait in a blocking command",
            "queue workers do that; other clients should not",
            blocked_count=blocked,
        )


def _one_address(evidence: Evidence, row: RedisClients, context: Context) -> Iterator[Finding]:
    by_address: Counter[str] = Counter()
    names: dict[str, str] = {}
    for group in evidence.of(RedisClientGroup):
        by_address[group.address] += group.client_count
        names.setdefault(group.address, group.name or group.library)
    total = row.connected_count or 0
    if total < context.thresholds["redis.groups.least_count"] or len(by_address) == 0:
        return
    address, count = by_address.most_common(1)[0]
    if severity := context.thresholds.severity("redis.one_address", count / total, "ratio"):
        yield finding(
            evidence,
            "one_address",
            severity,
            f"{address} holds {count} of {total:,} connections",
            f"mostly {names[address]}" if names[address] else "its clients have no name",
            address=address,
            client_count=count,
            share_ratio=count / total,
        )

"""Whether another server took over: an event that explains lost writes, refused ones and cold caches."""

from collections.abc import Iterable, Iterator

from incident_lib.clock import format_time
from incident_lib.findings.base import Context, finding
from incident_lib.model import Evidence, Finding, FindingSeverity
from incident_lib.technologies.redis.rows import RedisReplication

_PROBE = "redis.replication"
_ROLES = {"master": "a primary", "slave": "a replica"}
# A primary tells its replicas every ten seconds that it is there, in 14 bytes: so many come at the least.
_LEAST_BYTES_PER_SECOND = 1.4


def failover(evidence: Evidence, row: RedisReplication, context: Context) -> Iterator[Finding]:
    """Yield a failover that this snapshot shows by itself: one that goes on, or one inside the window."""
    if row.role_before and row.role and row.role != row.role_before:
        yield _event(evidence, f"it became {_named(row.role)} just now", row)
    elif row.failover_state not in {None, "no-failover"}:
        yield _event(evidence, f"a failover goes on ({row.failover_state})", row)
    elif _took_over_inside(row, (context.window.end - context.window.start).total_seconds()):
        yield _event(evidence, "it took over as primary inside the window", row)


def _took_over_inside(row: RedisReplication, window_seconds: float) -> bool:
    """Return whether it followed another primary inside the window, as far as that is certain.

    Since it took over it has written at least what tells its replicas that it lives. A server that was
    started inside the window may have read the other history from its file.
    """
    if not row.previous_replication_id or row.role != "master" or not row.replica_count:
        return False
    if row.offset_bytes is None or row.previous_offset_bytes is None or row.uptime_seconds is None:
        return False
    since_seconds = (row.offset_bytes - row.previous_offset_bytes) / _LEAST_BYTES_PER_SECOND
    return since_seconds <= window_seconds < row.uptime_seconds


def failovers_since(now: Iterable[Evidence], before: Iterable[Evidence]) -> Iterator[Finding]:
    """Yield each server whose role or whose data's history is another one than in an earlier snapshot."""
    old = {one.target: one for one in before if one.probe == _PROBE}
    for evidence in now:
        earlier = old.get(evidence.target)
        if evidence.probe != _PROBE or earlier is None:
            continue
        for row, known in zip(evidence.of(RedisReplication), earlier.of(RedisReplication), strict=False):
            if text := _changed(known, row):
                text += f" since the snapshot of {format_time(earlier.collected_at)}"
                yield _event(evidence, text, row)


def _changed(before: RedisReplication, now: RedisReplication) -> str:
    if before.role and now.role and before.role != now.role:
        return f"it became {_named(now.role)}, and was {_named(before.role)},"
    if before.replication_id and now.replication_id and before.replication_id != now.replication_id:
        # A primary that was started without its old data begins a new history too; that is no failover.
        if now.previous_replication_id == before.replication_id:
            return "it took over as primary"
        if now.role == "slave" and before.primary != now.primary:
            return f"it follows {now.primary}, and followed {before.primary},"
        if now.role == "slave":
            return f"it follows another history of {now.primary}, which began anew"
    return ""


def _named(role: str) -> str:
    return _ROLES.get(role, role)


def _event(evidence: Evidence, title: str, row: RedisReplication) -> Finding:
    return finding(
        evidence,
        "failover",
        FindingSeverity.INFO,
        title,
        "writes that had not reached it are gone; clients that know the primary by its address do not follow",
        since=evidence.collected_at,
        role=row.role,
        primary=row.primary,
        replication_id=row.replication_id,
        previous_replication_id=row.previous_replication_id,
    )

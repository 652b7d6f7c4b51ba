"""Does replication work, and did another server take over?

A failover explains lost writes, refused ones and cold caches.
"""

from collections.abc import Iterator

from incident_lib.clock import format_time
from incident_lib.findings.base import Context, finding, ok
from incident_lib.findings.comparison import Interval
from incident_lib.model import Evidence, Finding, FindingSeverity
from incident_lib.technologies.redis.rows import (
    RedisCluster,
    RedisReplica,
    RedisReplication,
    RedisWatched,
)
from incident_lib.units import format_bytes, format_count, format_duration, format_number

_ROLES = {"master": "a primary", "slave": "a replica"}
# A primary informs its replicas every ten seconds that it is there, in 14 bytes: so many come at the least.
_LEAST_BYTES_PER_SECOND = 1.4
_STARTED_SECONDS = 60  # since a start, in which a replica finds its primary and begins to copy


def analyze_replication(evidence: Evidence, context: Context) -> Iterator[Finding]:
    """Yield a lost link, replicas that lag, a cluster that does not serve, else OK."""
    bad: list[Finding] = []
    for row in evidence.of(RedisReplication):
        moved = tuple(failover(evidence, row, context))
        bad += (*_link(evidence, row), *moved, *(() if moved else resync(evidence, row, context)))
    for replica in evidence.of(RedisReplica):
        bad += _replica(evidence, replica, context)
    for cluster in evidence.of(RedisCluster):
        bad += _cluster(evidence, cluster)
    for watched in evidence.of(RedisWatched):
        bad += _watched(evidence, watched)
    yield from bad
    if not any(finding.severity.is_bad for finding in bad):
        yield _ok(evidence)


def _ok(evidence: Evidence) -> Finding:
    if watched := evidence.of(RedisWatched):
        names = ", ".join(f"{primary.name} at {primary.address}" for primary in watched)
        title = f"a Sentinel that reaches its primaries: {names}"
        return ok(evidence, title, role="sentinel")
    row = next(iter(evidence.of(RedisReplication)), None)
    if row is None or row.role is None:
        return finding(
            evidence, "unknown", FindingSeverity.UNKNOWN, "not assessed: INFO has no replication section"
        )
    link = "a link to" if row.link_up else "no link yet to"
    title = f"a replica with {link} {row.primary}" if row.role == "slave" else "a primary"
    if row.role != "slave":
        title += f" with {row.replica_count} replicas" if row.replica_count else " without replicas"
    cluster = next(iter(evidence.of(RedisCluster)), None)
    title += ", in a cluster that serves" if cluster else ""
    nodes = cluster.node_count if cluster else None
    beyond = f"one of {nodes} nodes; the others were not checked" if nodes else ""
    return ok(evidence, title, beyond, role=row.role, node_count=nodes)


def _link(evidence: Evidence, row: RedisReplication) -> Iterator[Finding]:
    since = row.link_down_seconds
    if row.link_up is False and _is_first_copy(row):
        yield finding(
            evidence,
            "first_copy",
            FindingSeverity.INFO,
            f"it copies its primary {row.primary} for the first time, and has no link until the copy is "
            f"complete",
            "until then its data is incomplete: do not send reads to it",
            primary=row.primary,
        )
    elif row.link_up is False:
        yield finding(
            evidence,
            "link_down",
            FindingSeverity.CRITICAL,
            f"the link to its primary {row.primary} is down",
            (f"for {format_duration(since)}; " if since is not None and since >= 0 else "it was never up; ")
            + ("it is receiving a full copy now" if row.syncing else "its data is getting stale")
            + ("; it refuses reads meanwhile" if row.serves_stale_data is False else ""),
            primary=row.primary,
            down_seconds=since,
        )
    if row.full_sync_count:
        yield finding(
            evidence,
            "full_sync",
            FindingSeverity.INFO,
            f"{format_number(row.full_sync_count)} full copies to replicas were just started",
            "each one forks and sends everything; a new replica needs one, and so does a replica that was "
            "disconnected for too long",
            full_sync_count=row.full_sync_count,
        )


def _is_first_copy(row: RedisReplication) -> bool:
    """Return whether it never had the link and gets its first copy, or was started only just now."""
    if row.link_down_seconds is not None and row.link_down_seconds >= 0:
        return False
    return bool(row.syncing) or (row.uptime_seconds or _STARTED_SECONDS) < _STARTED_SECONDS


def resync(evidence: Evidence, row: RedisReplication, context: Context) -> Iterator[Finding]:
    """Yield full copies that repeat, where the totals are of the window: the server was started in it."""
    window = (context.window.end - context.window.start).total_seconds()
    if row.role == "master" and row.uptime_seconds is not None and row.uptime_seconds <= window:
        counts = (row.full_sync_total_count, row.partial_refused_total_count, row.limit_closed_total_count)
        yield from _repeated(evidence, row, counts, row.uptime_seconds, context)


def _repeated(
    evidence: Evidence,
    row: RedisReplication,
    counts: tuple[int | None, int | None, int | None],
    seconds: float,
    context: Context,
) -> Iterator[Finding]:
    """Yield that replicas need full copies again and again, by what makes them need it.

    One for each replica is how it begins, and how it goes on after a failover.
    """
    full, refused, closed = (count or 0 for count in counts)
    again = full - (row.replica_count or 0)
    if context.thresholds.severity("redis.resync", again, "count") is None:
        return
    name, why = "resync", "the reason is unknown: see its log and those of the replicas"
    if closed:
        name = "resync_limit"
        why = (
            f"{closed:,} clients were disconnected meanwhile, because more was waiting for them than "
            f"client-output-buffer-limit allows"
        )
    elif refused and _holds_all(row):
        why = (
            f"the backlog of {format_bytes(row.backlog_bytes)} still holds everything written, so it is not "
            f"too small: the copies do not finish, and the replica's log shows why"
        )
    elif refused:
        name = "resync_backlog"
        why = (
            f"{refused:,} times a replica tried to continue where it had stopped, but the backlog of "
            f"{format_bytes(row.backlog_bytes)} did not reach back that far"
        )
    yield finding(
        evidence,
        name,
        FindingSeverity.WARNING,
        f"{full:,} full copies to {format_count(row.replica_count or 0, 'replica')} in "
        f"{format_duration(seconds)}",
        f"{why}. Each copy forks and sends everything, and meanwhile the replica serves stale data or none",
        full_count=full,
        refused_count=refused,
        closed_count=closed,
        replica_count=row.replica_count,
        backlog=format_bytes(row.backlog_bytes),
    )


def _holds_all(row: RedisReplication) -> bool:
    """Return whether nothing was given up of the backlog, so that it reaches back as far as it can."""
    if row.backlog_bytes is None or row.backlog_used_bytes is None:
        return False
    return row.backlog_used_bytes < row.backlog_bytes


def _replica(evidence: Evidence, row: RedisReplica, context: Context) -> Iterator[Finding]:
    late = context.thresholds.severity("redis.replica_lag", row.lag_seconds, "seconds")
    if row.state == "online" and not late:
        return
    lag = row.lag_seconds
    yield finding(
        evidence,
        "replica_lag" if late else "replica_syncing",
        FindingSeverity.WARNING if late else FindingSeverity.INFO,
        f"replica {row.address} last reported {format_duration(lag)} ago"
        if late and lag is not None
        else f"replica {row.address} is in state {row.state}",
        f"it is {format_bytes(row.behind_bytes)} behind",
        address=row.address,
        lag_seconds=lag,
        behind_bytes=row.behind_bytes,
    )


def _cluster(evidence: Evidence, row: RedisCluster) -> Iterator[Finding]:
    if row.state != "ok" or row.slots_failing_count:
        yield finding(
            evidence,
            "cluster_down",
            FindingSeverity.CRITICAL,
            f"the cluster is in state {row.state}",
            f"{row.slots_ok_count} of {row.slots_assigned_count} slots are served, "
            f"{row.slots_failing_count} fail; {row.node_count} nodes are known",
            state=row.state,
            slots_failing_count=row.slots_failing_count,
        )


def _watched(evidence: Evidence, row: RedisWatched) -> Iterator[Finding]:
    """Yield a primary that a Sentinel cannot reach: alone it may be wrong, together they act."""
    if row.status == "ok":
        return
    agreed = row.status == "odown"
    yield finding(
        evidence,
        "primary_down",
        FindingSeverity.CRITICAL if agreed else FindingSeverity.WARNING,
        f"the Sentinels agree that primary {row.name} at {row.address} is down"
        if agreed
        else f"this Sentinel cannot reach primary {row.name} at {row.address} (status {row.status})",
        f"{row.replica_count} replicas that could take over and {row.sentinel_count} Sentinels are known",
        primary=row.name,
        address=row.address,
        status=row.status,
    )


def failover(evidence: Evidence, row: RedisReplication, context: Context) -> Iterator[Finding]:
    """Yield a failover that this snapshot shows by itself: one that goes on, or one inside the window."""
    if row.role_before and row.role and row.role != row.role_before:
        yield _event(evidence, f"it has just become {_named(row.role)}", row)
    elif row.failover_state not in {None, "no-failover"}:
        yield _event(evidence, f"a failover is in progress ({row.failover_state})", row)
    elif _took_over_inside(row, (context.window.end - context.window.start).total_seconds()):
        yield _event(evidence, "it took over as primary inside the window", row)


def _took_over_inside(row: RedisReplication, window_seconds: float) -> bool:
    """Return whether it followed another primary inside the window, as far as that is certain.

    Since it took over it has written at least what informs its replicas that it lives. A server that was
    started inside the window may have read the other history from its file.
    """
    if not row.previous_replication_id or row.role != "master" or not row.replica_count:
        return False
    if row.offset_bytes is None or row.previous_offset_bytes is None or row.uptime_seconds is None:
        return False
    since_seconds = (row.offset_bytes - row.previous_offset_bytes) / _LEAST_BYTES_PER_SECOND
    return since_seconds <= window_seconds < row.uptime_seconds


def failovers_since(interval: Interval, context: Context) -> Iterator[Finding]:
    """Yield each server whose role or whose data's history is another one than in an earlier snapshot.

    Where it is the same, full copies that came since are counted.
    """
    if not interval.same_incident:
        return  # since a baseline there may have been any number of them
    pairs = zip(interval.now.of(RedisReplication), interval.before.of(RedisReplication), strict=False)
    for row, known in pairs:
        if text := _changed(known, row):
            text += f" since the snapshot of {format_time(interval.before.collected_at)}"
            yield _event(interval.now, text, row)
        elif row.role == "master" and (row.uptime_seconds or 0) > (known.uptime_seconds or 0):
            counts = (
                _risen(known.full_sync_total_count, row.full_sync_total_count),
                _risen(known.partial_refused_total_count, row.partial_refused_total_count),
                _risen(known.limit_closed_total_count, row.limit_closed_total_count),
            )
            seconds = (interval.now.collected_at - interval.before.collected_at).total_seconds()
            yield from _repeated(interval.now, row, counts, seconds, context)


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
            return f"it follows a new replication history of {now.primary}"
    return ""


def _risen(before: int | None, now: int | None) -> int | None:
    return None if before is None or now is None or now < before else now - before


def _named(role: str) -> str:
    return _ROLES.get(role, role)


def _event(evidence: Evidence, title: str, row: RedisReplication) -> Finding:
    return finding(
        evidence,
        "failover",
        FindingSeverity.INFO,
        title,
        "writes that had not reached it are lost; clients that use the primary's address do not follow",
        since=evidence.collected_at,
        role=row.role,
        primary=row.primary,
        replication_id=row.replication_id,
        previous_replication_id=row.previous_replication_id,
    )

"""How busy the server is: what its sessions wait for, and why it writes checkpoints."""

from collections.abc import Iterator

from incident_lib.findings.base import Context, finding
from incident_lib.model import Evidence, Finding
from incident_lib.technologies.postgres.rows import PostgresCheckpoints, PostgresCounters, PostgresWait
from incident_lib.units import format_bytes, format_duration, format_share

# What others judge (Lock), what is the client's doing (Client, Timeout), and what is no wait at all (CPU).
_NOT_THE_SERVERS = frozenset({"Lock", "Client", "Timeout", "CPU", "Extension"})


def judge_load(evidence: Evidence, context: Context) -> Iterator[Finding]:
    """Yield many sessions at work at once, and what most of them wait for."""
    waits = evidence.of(PostgresWait)
    if not waits:
        return
    active = sum(row.mean_session_count for row in waits)
    if severity := context.thresholds.severity("postgres.counters.load", active, "count"):
        listed = ", ".join(f"{format_share(row.share_ratio)} {_name(row)}" for row in waits[:4])
        yield finding(
            evidence,
            "load",
            severity,
            f"{active:.0f} sessions work at the same time, on average",
            f"in {waits[0].sample_count} looks: {listed}",
            active=active,
            wait=_name(waits[0]),
        )
    yield from _wait(evidence, waits[0], active, context)


def _name(row: PostgresWait) -> str:
    return "running" if row.wait_type == "CPU" else f"{row.wait_type}:{row.wait_event}"


def _wait(evidence: Evidence, row: PostgresWait, active: float, context: Context) -> Iterator[Finding]:
    limits = context.thresholds
    severity = limits.severity("postgres.counters.waits", row.share_ratio, "ratio")
    if severity is None or active < limits["postgres.counters.waits.least_count"] or row.wait_type == "CPU":
        return
    many = limits.severity("postgres.counters.waits", row.mean_session_count, "count")
    if many and row.wait_type not in _NOT_THE_SERVERS:
        severity = many
    yield finding(
        evidence,
        "waits",
        severity,
        f"{format_share(row.share_ratio)} of the working sessions wait for {_name(row)}",
        f"{row.mean_session_count:.1f} of {active:.1f} sessions at a time, in {row.sample_count} looks",
        wait_type=row.wait_type,
        wait_event=row.wait_event,
        share=row.share_ratio,
        sessions=row.mean_session_count,
    )


def judge_cache(evidence: Evidence, context: Context) -> Iterator[Finding]:
    """Yield a low share of blocks that were found in the server's own memory."""
    rows = evidence.of(PostgresCounters)
    hits, reads = sum(row.block_hit_count for row in rows), sum(row.block_read_count for row in rows)
    if hits + reads < context.thresholds["postgres.counters.cache.least_count"]:
        return
    ratio = hits / (hits + reads)
    if severity := context.thresholds.severity("postgres.counters.cache", ratio, "ratio", above=False):
        title = f"{format_share(ratio)} of the blocks were found in the database's own cache"
        detail = f"{reads:,} of {hits + reads:,} came from the system or its disk"
        yield finding(evidence, "cache", severity, title, detail, hit_ratio=ratio, reads=reads)


def judge_checkpoints(evidence: Evidence, context: Context) -> Iterator[Finding]:
    """Yield checkpoints that come because the WAL is full, and WAL that soon makes them come so.

    Totals are judged only where they were counted since inside the window.
    """
    for row in evidence.of(PostgresCheckpoints):
        yield from _requested(evidence, row, context)
        yield from _wal(evidence, row, context)


def _requested(evidence: Evidence, row: PostgresCheckpoints, context: Context) -> Iterator[Finding]:
    timed, requested = row.timed_count, row.requested_count
    since = row.counted_since_at
    if since is not None and context.window.holds(since):
        timed, requested = row.total_timed_count, row.total_requested_count
    severity = context.thresholds.severity("postgres.counters.checkpoints", requested, "count")
    if severity and requested > timed and wal_explains(row, requested, row.wal_position_bytes):
        yield finding(
            evidence,
            "checkpoints",
            severity,
            f"{requested} checkpoints were requested and {timed} came in time",
            f"max_wal_size is {format_bytes(row.max_wal_bytes)}: raise it if nobody asked for them by hand",
            requested=requested,
            timed=timed,
        )


def wal_explains(row: PostgresCheckpoints, requested: int, written_bytes: int | None) -> bool:
    """Return whether so much WAL may have asked for so many checkpoints; True where nobody knows how much.

    Backups, CREATE DATABASE and people ask for some too, on a server that writes next to nothing.
    """
    if written_bytes is None:
        return True
    return written_bytes >= requested * row.max_wal_bytes / (1 + row.completion_target_ratio) / 2


def _wal(evidence: Evidence, row: PostgresCheckpoints, context: Context) -> Iterator[Finding]:
    if not row.wal_bytes or row.interval_seconds <= 0:
        return
    rate = row.wal_bytes / row.interval_seconds
    # A checkpoint begins early enough to end before max_wal_size is reached.
    seconds = row.max_wal_bytes / (1 + row.completion_target_ratio) / rate
    severity = context.thresholds.severity("postgres.counters.wal", seconds, "seconds", above=False)
    if severity and seconds < row.checkpoint_timeout_seconds:
        yield finding(
            evidence,
            "wal",
            severity,
            f"{format_bytes(rate)} of WAL a second: at this pace a checkpoint every "
            f"{format_duration(seconds)}",
            f"checkpoint_timeout is {format_duration(row.checkpoint_timeout_seconds)}, max_wal_size "
            f"{format_bytes(row.max_wal_bytes)}; after each checkpoint every page is written to the "
            "WAL whole",
            bytes_per_second=rate,
            checkpoint_seconds=seconds,
        )

"""How long the server waits for its disk, and what misses its small caches."""

from collections.abc import Iterator

from incident_lib.findings.base import Context, finding
from incident_lib.model import Evidence, Finding
from incident_lib.technologies.postgres.rows import PostgresCounters, PostgresIo, PostgresSlru
from incident_lib.units import format_bytes, format_duration, format_share

_LISTED = 5


def judge_io(evidence: Evidence, context: Context) -> Iterator[Finding]:
    """Yield slow reads, sessions that must write out pages themselves, and a small cache that is missed."""
    yield from _slow_reads(evidence, context)
    yield from _own_writes(evidence, context)
    yield from _small_caches(evidence, context)


def _slow_reads(evidence: Evidence, context: Context) -> Iterator[Finding]:
    """Yield a long mean time of a read. It is told where track_io_timing is on."""
    rows = [row for row in evidence.of(PostgresCounters) if row.block_read_seconds is not None]
    reads = sum(row.block_read_count for row in rows)
    if reads < context.thresholds["postgres.counters.reads.least_count"]:
        return
    mean = sum(row.block_read_seconds or 0 for row in rows) / reads
    if severity := context.thresholds.severity("postgres.counters.reads", mean, "seconds"):
        yield finding(
            evidence,
            "reads",
            severity,
            f"A block takes {format_duration(mean)} to be read from disk, on average",
            "\n".join([f"{reads:,} blocks while watched", *_lines(evidence)]),
            mean_seconds=mean,
            reads=reads,
        )


def _lines(evidence: Evidence) -> list[str]:
    """Return who read and wrote most, from 16 on."""
    rows = sorted(evidence.of(PostgresIo), key=lambda row: -((row.read_bytes or 0) + (row.write_bytes or 0)))
    return [
        f"{row.backend_type}, {row.object}, {row.context}: {format_bytes(row.read_bytes or 0)} read, "
        f"{format_bytes(row.write_bytes or 0)} written"
        for row in rows[:_LISTED]
        if row.read_bytes or row.write_bytes
    ]


def _own_writes(evidence: Evidence, context: Context) -> Iterator[Finding]:
    """Yield that client sessions write out pages to make room, which the server's own writers should do."""
    rows = [
        row
        for row in evidence.of(PostgresIo)
        if row.backend_type == "client backend" and row.object == "relation" and row.context == "normal"
    ]
    for row in rows:
        rate = (row.write_count or 0) / max(row.interval_seconds, 0.001)
        if severity := context.thresholds.severity("postgres.counters.own_writes", rate, "per_second"):
            yield finding(
                evidence,
                "own_writes",
                severity,
                f"Sessions write out {rate:,.0f} pages a second themselves, to find room in the cache",
                "\n".join(["shared_buffers is small for this load, or the disk is slow", *_lines(evidence)]),
                pages_per_second=rate,
            )


def _small_caches(evidence: Evidence, context: Context) -> Iterator[Finding]:
    """Yield a cache of transactions or multixacts that is read from disk all the time."""
    worst = max(evidence.of(PostgresSlru), key=lambda row: row.read_count, default=None)
    if worst is None:
        return
    rate = worst.read_count / max(worst.interval_seconds, 0.001)
    if severity := context.thresholds.severity("postgres.counters.slru", rate, "per_second"):
        looks = worst.read_count + worst.hit_count
        yield finding(
            evidence,
            "slru",
            severity,
            f"The server's cache {worst.name} misses {rate:,.0f} times a second",
            f"{format_share(worst.read_count / looks)} of {looks:,} looks. Long transactions with many "
            "savepoints, or "
            "many sessions that lock the same rows, do that",
            cache=worst.name,
            misses_per_second=rate,
        )

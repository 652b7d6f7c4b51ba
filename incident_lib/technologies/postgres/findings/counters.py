"""What happened between two readings: failures, load, reads and writes, checkpoints, what was scanned."""

from collections.abc import Iterator

from incident_lib.findings.base import Context, finding
from incident_lib.model import Evidence, Finding
from incident_lib.technologies.postgres.findings.base import conclude, lacks_privilege, one_line
from incident_lib.technologies.postgres.rows import (
    PostgresCheckpoints,
    PostgresCounters,
    PostgresIo,
    PostgresRunningStatement,
    PostgresSlru,
    PostgresTableScan,
    PostgresWait,
)
from incident_lib.units import format_bytes, format_count, format_duration, format_share

# What others judge (Lock), what is the client's doing (Client, Timeout), and what is no wait at all (CPU).
_NOT_THE_SERVERS = frozenset({"Lock", "Client", "Timeout", "CPU", "Extension"})
_LISTED = 5


def analyze_counters(evidence: Evidence, context: Context) -> Iterator[Finding]:
    """Yield what went wrong while the server was watched, in each database and altogether."""
    rows = evidence.of(PostgresCounters)
    found = [
        finding for row in rows for judge in _OF_EACH_DATABASE for finding in judge(evidence, row, context)
    ]
    found += [finding for judge in _OF_ALL for finding in judge(evidence, context)]
    commits = sum(row.commit_count / max(row.interval_seconds, 0.001) for row in rows)
    rollbacks = sum(row.rollback_count for row in rows)
    title = (
        f"{commits:.0f} commits a second, {format_count(rollbacks, 'rollback')}, no deadlock during the "
        f"measurement"
    )
    blind = lacks_privilege(evidence)
    yield from conclude(evidence, found, title, blind=blind, commits_per_second=commits, rollbacks=rollbacks)


def _deadlocks(evidence: Evidence, row: PostgresCounters, context: Context) -> Iterator[Finding]:
    number = row.deadlock_count
    if severity := context.thresholds.severity("postgres.counters.deadlocks", number, "count"):
        seconds = format_duration(row.interval_seconds)
        title = f"{format_count(number, 'deadlock')} in {row.database} within {seconds}"
        detail = (
            "the server's log shows both statements of each; lock rows in the same order everywhere to "
            "prevent them"
        )
        yield finding(evidence, "deadlocks", severity, title, detail, database=row.database, deadlocks=number)


def _rollbacks(evidence: Evidence, row: PostgresCounters, context: Context) -> Iterator[Finding]:
    all_of_them = row.commit_count + row.rollback_count
    if all_of_them < context.thresholds["postgres.counters.rollbacks.least_count"]:
        return
    ratio = row.rollback_count / all_of_them
    if severity := context.thresholds.severity("postgres.counters.rollbacks", ratio, "ratio"):
        yield finding(
            evidence,
            "rollbacks",
            severity,
            f"{format_share(ratio)} of the transactions in {row.database} are rolled back",
            f"{row.rollback_count} of {all_of_them} within {format_duration(row.interval_seconds)}; "
            "the application's log says why",
            database=row.database,
            ratio=ratio,
            rollbacks=row.rollback_count,
        )


def _temporary(evidence: Evidence, row: PostgresCounters, context: Context) -> Iterator[Finding]:
    rate = row.temporary_bytes * 60 / max(row.interval_seconds, 0.001)
    if severity := context.thresholds.severity("postgres.counters.temp", rate, "bytes_per_minute"):
        yield finding(
            evidence,
            "temp",
            severity,
            f"Queries in {row.database} write {format_bytes(rate)} of temporary files a minute",
            f"{format_count(row.temporary_file_count, 'file')} within "
            f"{format_duration(row.interval_seconds)}; "
            "look for sorts and hashes larger than work_mem",
            database=row.database,
            bytes_per_minute=rate,
        )


def _killed(evidence: Evidence, row: PostgresCounters, context: Context) -> Iterator[Finding]:
    number = (row.killed_count or 0) + (row.fatal_count or 0)
    if severity := context.thresholds.severity("postgres.counters.killed", number, "count"):
        yield finding(
            evidence,
            "killed",
            severity,
            f"{format_count(number, 'session')} of {row.database} ended by error within "
            f"{format_duration(row.interval_seconds)}",
            f"{row.killed_count} terminated by a person or program, {row.fatal_count} by a fatal error",
            database=row.database,
            killed=row.killed_count,
            fatal=row.fatal_count,
        )


def _churn(evidence: Evidence, row: PostgresCounters, context: Context) -> Iterator[Finding]:
    """Yield many new sessions a second (from 14 on): each costs a process and a login."""
    rate = (row.session_count or 0) / max(row.interval_seconds, 0.001)
    if severity := context.thresholds.severity("postgres.counters.churn", rate, "per_second"):
        title = f"{rate:.0f} new sessions a second in {row.database}"
        detail = "a client opens a connection for each request, or keeps reconnecting: give it a pool"
        yield finding(evidence, "churn", severity, title, detail, database=row.database, per_second=rate)


def _conflicts(evidence: Evidence, row: PostgresCounters, context: Context) -> Iterator[Finding]:
    number = row.conflict_count
    if severity := context.thresholds.severity("postgres.counters.conflicts", number, "count"):
        title = f"{format_count(number, 'query', 'queries')} in {row.database} cancelled by replication"
        detail = (
            "the standby replays changes to rows that those queries still read: see "
            "max_standby_streaming_delay"
        )
        yield finding(evidence, "conflicts", severity, title, detail, database=row.database, conflicts=number)


def _checksums(evidence: Evidence, row: PostgresCounters, context: Context) -> Iterator[Finding]:
    number = row.checksum_failure_count
    if severity := context.thresholds.severity("postgres.counters.checksums", number, "count"):
        yield finding(
            evidence,
            "checksums",
            severity,
            f"Damaged data in {row.database}: {format_count(number or 0, 'checksum failure')}",
            "stop writes, copy the files, check disk and memory, restore from a backup",
            since=row.checksum_failed_at,
            database=row.database,
            failures=number,
        )


def judge_load(evidence: Evidence, context: Context) -> Iterator[Finding]:
    """Yield many sessions at work at once, and what most of them wait for."""
    waits = evidence.of(PostgresWait)
    if not waits:
        return
    active = sum(row.mean_session_count for row in waits)
    if severity := context.thresholds.severity("postgres.counters.load", active, "count"):
        listed = ", ".join(f"{format_share(row.share_ratio)} {_wait_name(row)}" for row in waits[:4])
        yield finding(
            evidence,
            "load",
            severity,
            f"{active:.0f} sessions are active at the same time, on average",
            f"in {waits[0].sample_count} samples: {listed}",
            active=active,
            wait=_wait_name(waits[0]),
        )
    yield from _wait(evidence, waits[0], active, context)


def _wait_name(row: PostgresWait) -> str:
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
        f"{format_share(row.share_ratio)} of the active sessions wait for {_wait_name(row)}",
        f"{row.mean_session_count:.1f} of {active:.1f} sessions at a time, in {row.sample_count} samples",
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
        title = f"{format_share(ratio)} of the blocks were found in shared_buffers"
        detail = f"{reads:,} of {hits + reads:,} came from the operating system or the disk"
        yield finding(evidence, "cache", severity, title, detail, hit_ratio=ratio, reads=reads)


def judge_checkpoints(evidence: Evidence, context: Context) -> Iterator[Finding]:
    """Yield checkpoints that come because the WAL is full, and WAL that soon makes them come so.

    Totals are judged only where they were counted since inside the window.
    """
    for row in evidence.of(PostgresCheckpoints):
        yield from _requested(evidence, row, context)
        yield from _wal(evidence, row, context)


def _requested(evidence: Evidence, row: PostgresCheckpoints, context: Context) -> Iterator[Finding]:
    timed, requested, written = row.timed_count, row.requested_count, row.wal_position_bytes
    since = row.counted_since_at
    if since is not None and context.window.holds(since):
        timed, requested = row.total_timed_count, row.total_requested_count
        written = written if row.counted_wal_bytes is None else row.counted_wal_bytes
        if written is None and row.wal_bytes is None:  # a standby, which requests one as it stops or starts
            return
    severity = context.thresholds.severity("postgres.counters.checkpoints", requested, "count")
    if severity and requested > timed and wal_explains(row, requested, written):
        yield finding(
            evidence,
            "checkpoints",
            severity,
            f"{requested} checkpoints were requested, {timed} came on schedule",
            f"max_wal_size is {format_bytes(row.max_wal_bytes)}: raise it if nobody requested them by hand",
            requested=requested,
            timed=timed,
        )


def wal_explains(row: PostgresCheckpoints, requested: int, written_bytes: int | None) -> bool:
    """Return whether so much WAL may have caused so many checkpoints; True where it is unknown how much.

    Backups, CREATE DATABASE and people request some too, on a server that writes next to nothing.
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
            f"{format_bytes(rate)} of WAL a second: at this rate a checkpoint every "
            f"{format_duration(seconds)}",
            f"checkpoint_timeout is {format_duration(row.checkpoint_timeout_seconds)}, max_wal_size "
            f"{format_bytes(row.max_wal_bytes)}; after each checkpoint every page is written to the "
            "WAL whole",
            bytes_per_second=rate,
            checkpoint_seconds=seconds,
        )


def judge_io(evidence: Evidence, context: Context) -> Iterator[Finding]:
    """Yield slow reads, sessions that must write out pages themselves, and a small cache that is missed."""
    yield from _slow_reads(evidence, context)
    yield from _own_writes(evidence, context)
    yield from _small_caches(evidence, context)


def _slow_reads(evidence: Evidence, context: Context) -> Iterator[Finding]:
    """Yield a long mean time of a read. It is known where track_io_timing is on."""
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
            f"Reading a block from disk takes {format_duration(mean)} on average",
            "\n".join([f"{reads:,} blocks during the measurement", *_io_lines(evidence)]),
            mean_seconds=mean,
            reads=reads,
        )


def _io_lines(evidence: Evidence) -> list[str]:
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
                f"Sessions write {rate:,.0f} pages a second themselves, to make room in the cache",
                "\n".join(
                    ["shared_buffers is small for this load, or the disk is slow", *_io_lines(evidence)]
                ),
                pages_per_second=rate,
            )


def _small_caches(evidence: Evidence, context: Context) -> Iterator[Finding]:
    """Yield a cache of transactions or multixacts that is read from disk all the time."""
    worst = max(evidence.of(PostgresSlru), key=lambda row: row.read_count, default=None)
    if worst is None:
        return
    rate = worst.read_count / max(worst.interval_seconds, 0.001)
    if severity := context.thresholds.severity("postgres.counters.slru", rate, "per_second"):
        lookups = worst.read_count + worst.hit_count
        yield finding(
            evidence,
            "slru",
            severity,
            f"The server's cache {worst.name} misses {rate:,.0f} times a second",
            f"{format_share(worst.read_count / lookups)} of {lookups:,} lookups. Typical causes are long "
            f"transactions with many savepoints, or many sessions that lock the same rows",
            cache=worst.name,
            misses_per_second=rate,
        )


def judge_scans(evidence: Evidence, context: Context) -> Iterator[Finding]:
    """Yield INFO where sequential scans of large tables read many rows a second.

    Reports do that too, so it says nothing by itself: together with slow requests it is a cause.
    """
    heavy = evidence.of(PostgresTableScan)
    if not heavy:
        return
    worst = heavy[0]
    rate = _per_second(worst)
    if severity := context.thresholds.severity("postgres.counters.scans", rate, "rows_per_second"):
        yield finding(
            evidence,
            "scans",
            severity,
            f"{worst.schema}.{worst.table} is scanned sequentially "
            f"{format_count(worst.sequential_scan_count, 'time')} in "
            f"{format_duration(worst.interval_seconds)}",
            "\n".join(map(_scan_line, heavy[:_LISTED])),
            table=f"{worst.schema}.{worst.table}",
            scans=worst.sequential_scan_count,
            rows_per_second=rate,
        )


def _per_second(row: PostgresTableScan) -> float:
    return row.sequential_row_count / max(row.interval_seconds, 0.001)


def judge_statement(evidence: Evidence, context: Context) -> Iterator[Finding]:
    """Yield INFO where one statement makes most of what runs, and that is much."""
    rows = evidence.of(PostgresRunningStatement)
    if not rows or not _is_much(rows[0], context):
        return
    worst = rows[0]
    if severity := context.thresholds.severity("postgres.counters.statement", worst.share_ratio, "ratio"):
        yield finding(
            evidence,
            "statement",
            severity,
            f"{format_share(worst.share_ratio)} of the running work is one statement: "
            f"{one_line(worst.query, 80)}",
            f"{worst.mean_session_count:.1f} sessions at a time, in {worst.sample_count} samples"
            + (f", one for {format_duration(worst.longest_seconds)}" if worst.longest_seconds else "")
            + "\n"
            f"{one_line(worst.query, 600)}",
            query=one_line(worst.query, 500),
            share=worst.share_ratio,
            sessions=worst.mean_session_count,
        )


def _is_much(row: PostgresRunningStatement, context: Context) -> bool:
    """Return whether it keeps the server busy, or runs for so long that its caller waits for it."""
    rule = "postgres.counters.statement.least"
    if row.mean_session_count >= context.thresholds[f"{rule}_count"]:
        return True
    return row.session_count > 1 and (row.longest_seconds or 0.0) >= context.thresholds[f"{rule}_seconds"]


def _scan_line(row: PostgresTableScan) -> str:
    return (
        f"{row.schema}.{row.table} ({format_bytes(row.size_bytes)}): {_per_second(row):,.0f} rows a second, "
        f"{row.indexed_row_count:,} rows read through an index meanwhile"
    )


_OF_EACH_DATABASE = (_checksums, _deadlocks, _rollbacks, _temporary, _killed, _churn, _conflicts)
_OF_ALL = (judge_load, judge_statement, judge_scans, judge_cache, judge_io, judge_checkpoints)

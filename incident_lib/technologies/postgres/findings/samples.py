"""What happened between two readings: deadlocks, rollbacks, temporary files, and the heaviest statement."""

from collections.abc import Iterator

from incident_lib.findings.base import Context, finding
from incident_lib.model import Evidence, Finding, FindingSeverity
from incident_lib.technologies.postgres.findings.io import judge_io
from incident_lib.technologies.postgres.findings.load import judge_cache, judge_checkpoints, judge_load
from incident_lib.technologies.postgres.findings.scans import judge_scans, judge_statement
from incident_lib.technologies.postgres.findings.words import conclude, lacks_privilege, one_line
from incident_lib.technologies.postgres.rows import PostgresCounters, PostgresEvictions, PostgresStatement
from incident_lib.units import format_bytes, format_count, format_duration, format_share


def analyze_counters(evidence: Evidence, context: Context) -> Iterator[Finding]:
    """Yield what went wrong while the server was watched, in each database and altogether."""
    rows = evidence.of(PostgresCounters)
    found = [one for row in rows for judge in _RULES for one in judge(evidence, row, context)]
    found += [one for judge in _OF_ALL for one in judge(evidence, context)]
    commits = sum(row.commit_count / max(row.interval_seconds, 0.001) for row in rows)
    rollbacks = sum(row.rollback_count for row in rows)
    title = (
        f"{commits:.0f} commits a second, {format_count(rollbacks, 'rollback')}, no deadlock while watched"
    )
    blind = lacks_privilege(evidence)
    yield from conclude(evidence, found, title, blind=blind, commits_per_second=commits, rollbacks=rollbacks)


def _deadlocks(evidence: Evidence, row: PostgresCounters, context: Context) -> Iterator[Finding]:
    number = row.deadlock_count
    if severity := context.thresholds.severity("postgres.counters.deadlocks", number, "count"):
        seconds = format_duration(row.interval_seconds)
        title = f"{format_count(number, 'deadlock')} in {row.database} within {seconds}"
        detail = "the server's log shows both statements of each; lock rows in the same order everywhere"
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
            f"{row.killed_count} terminated by somebody, {row.fatal_count} by a fatal error",
            database=row.database,
            killed=row.killed_count,
            fatal=row.fatal_count,
        )


def _churn(evidence: Evidence, row: PostgresCounters, context: Context) -> Iterator[Finding]:
    """Yield many new sessions a second (from 14 on): each costs a process and a login."""
    rate = (row.session_count or 0) / max(row.interval_seconds, 0.001)
    if severity := context.thresholds.severity("postgres.counters.churn", rate, "per_second"):
        title = f"{rate:.0f} new sessions a second in {row.database}"
        detail = "a client connects anew for each request, or connects again and again: give it a pool"
        yield finding(evidence, "churn", severity, title, detail, database=row.database, per_second=rate)


def _conflicts(evidence: Evidence, row: PostgresCounters, context: Context) -> Iterator[Finding]:
    number = row.conflict_count
    if severity := context.thresholds.severity("postgres.counters.conflicts", number, "count"):
        title = f"{format_count(number, 'query', 'queries')} in {row.database} cancelled by replication"
        detail = "the standby replays what those queries still read: max_standby_streaming_delay"
        yield finding(evidence, "conflicts", severity, title, detail, database=row.database, conflicts=number)


def _checksums(evidence: Evidence, row: PostgresCounters, context: Context) -> Iterator[Finding]:
    number = row.checksum_failure_count
    if severity := context.thresholds.severity("postgres.counters.checksums", number, "count"):
        yield finding(
            evidence,
            "checksums",
            severity,
            f"Damaged data in {row.database}: {format_count(number or 0, 'checksum failure')}",
            "stop writing, keep a copy of the files, look at disk and memory, restore from a backup",
            since=row.checksum_failed_at,
            database=row.database,
            failures=number,
        )


_SLOW_SECONDS = 0.5  # of one call: somebody waits for it, however rare it is
_RULES = (_checksums, _deadlocks, _rollbacks, _temporary, _killed, _churn, _conflicts)
_OF_ALL = (judge_load, judge_statement, judge_scans, judge_cache, judge_io, judge_checkpoints)


def analyze_statements(evidence: Evidence, context: Context) -> Iterator[Finding]:
    """Yield the statement that takes most of the server's time, if it is much."""
    rows = evidence.of(PostgresStatement)
    found = list(_dominant(evidence, rows[0], context)) if rows else []
    found += [one for row in evidence.of(PostgresEvictions) for one in _evicted(evidence, row, context)]
    title = "No statement finished while watched"
    if rows:
        title = (
            f"{format_count(len(rows), 'kind')} of statement ran; the heaviest took "
            f"{format_share(rows[0].share_ratio)}"
        )
    yield from conclude(evidence, found, title, blind=lacks_privilege(evidence), statements=len(rows))


def _evicted(evidence: Evidence, row: PostgresEvictions, context: Context) -> Iterator[Finding]:
    """Yield that statements were forgotten while watched, so that shares are too high or too low."""
    number = row.evicted_count
    if severity := context.thresholds.severity("postgres.statements.evicted", number, "count"):
        title = f"pg_stat_statements threw statements out {format_count(number, 'time')} while watched"
        detail = (
            f"it has room for {row.entry_limit:,} and holds {row.entry_count:,}, so shares are not exact: "
            "raise pg_stat_statements.max, or find what sends statements without parameters"
        )
        yield finding(evidence, "evicted", severity, title, detail, evicted=number, limit=row.entry_limit)


def _dominant(evidence: Evidence, row: PostgresStatement, context: Context) -> Iterator[Finding]:
    busy = row.total_seconds / max(row.interval_seconds, 0.001)
    severity = context.thresholds.severity("postgres.statements.dominant", row.share_ratio, "ratio")
    if severity is None or row.query is None:
        return
    name = "dominant"
    if busy < context.thresholds["postgres.statements.dominant.least_ratio"]:
        severity = FindingSeverity.INFO
        # Most of nearly nothing, and quick each time, makes nobody slow: that is no clue to a cause.
        name = "dominant" if (row.mean_seconds or 0) >= _SLOW_SECONDS else "heaviest"
    yield finding(
        evidence,
        name,
        severity,
        f"One statement takes {format_share(row.share_ratio)} of the database's time: "
        f"{one_line(row.query, 80)}",
        f"{format_count(row.call_count, 'call')} of {format_duration(row.mean_seconds)} each within "
        f"{format_duration(row.interval_seconds)}, as {row.role} in {row.database}\n"
        f"{one_line(row.query, 600)}",
        query=one_line(row.query, 500),
        role=row.role,
        database=row.database,
        share=row.share_ratio,
        calls=row.call_count,
        mean_seconds=row.mean_seconds,
        busy_ratio=busy,
    )

"""What keeps the server busy, without an extension: one statement, large tables read from end to end."""

from collections.abc import Iterator

from incident_lib.findings.base import Context, finding
from incident_lib.model import Evidence, Finding
from incident_lib.technologies.postgres.findings.words import one_line
from incident_lib.technologies.postgres.rows import PostgresRunningStatement, PostgresTableScan
from incident_lib.units import format_bytes, format_count, format_duration, format_share

_LISTED = 5


def judge_scans(evidence: Evidence, context: Context) -> Iterator[Finding]:
    """Yield INFO where sequential scans of large tables read many rows a second.

    Reports do that too, so it says nothing by itself: slow users beside it make it a cause.
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
            f"{worst.schema}.{worst.table} is read from end to end "
            f"{format_count(worst.sequential_scan_count, 'time')} in "
            f"{format_duration(worst.interval_seconds)}",
            "\n".join(map(_line, heavy[:_LISTED])),
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
            f"{format_share(worst.share_ratio)} of what runs is one statement: {one_line(worst.query, 80)}",
            f"{worst.mean_session_count:.1f} sessions at a time, in {worst.sample_count} looks"
            + (f", one for {format_duration(worst.longest_seconds)}" if worst.longest_seconds else "")
            + "\n"
            f"{one_line(worst.query, 600)}",
            query=one_line(worst.query, 500),
            share=worst.share_ratio,
            sessions=worst.mean_session_count,
        )


def _is_much(row: PostgresRunningStatement, context: Context) -> bool:
    """Return whether it keeps the server busy, or runs for so long that whoever asked waits for it."""
    rule = "postgres.counters.statement.least"
    if row.mean_session_count >= context.thresholds[f"{rule}_count"]:
        return True
    return row.session_count > 1 and (row.longest_seconds or 0.0) >= context.thresholds[f"{rule}_seconds"]


def _line(row: PostgresTableScan) -> str:
    return (
        f"{row.schema}.{row.table} ({format_bytes(row.size_bytes)}): {_per_second(row):,.0f} rows a second, "
        f"{row.indexed_row_count:,} rows found through an index meanwhile"
    )

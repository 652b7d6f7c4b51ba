"""Which statement takes most of the server's time?"""

from collections.abc import Iterator

from incident_lib.findings.base import Context, finding
from incident_lib.model import Evidence, Finding, FindingSeverity
from incident_lib.technologies.postgres.findings.base import conclude, lacks_privilege, one_line
from incident_lib.technologies.postgres.rows import (
    PostgresEvictions,
    PostgresStatement,
)
from incident_lib.units import format_count, format_duration, format_share

_SLOW_SECONDS = 0.5  # of one call: its caller waits for it, however rare it is


def analyze_statements(evidence: Evidence, context: Context) -> Iterator[Finding]:
    """Yield the statement that takes most of the server's time, if it is much."""
    rows = evidence.of(PostgresStatement)
    found = list(_dominant(evidence, rows[0], context)) if rows else []
    found += [
        finding for row in evidence.of(PostgresEvictions) for finding in _evicted(evidence, row, context)
    ]
    title = "No statement finished during the measurement"
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
        title = f"pg_stat_statements evicted statements {format_count(number, 'time')} while watched"
        detail = (
            f"it has room for {row.entry_limit:,} and holds {row.entry_count:,}, so shares are approximate: "
            f"raise pg_stat_statements.max, or find what sends statements without parameters"
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
        # Most of nearly nothing, and quick each time, slows no caller: that is no clue to a cause.
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

"""Do dead rows pile up?"""

from collections.abc import Iterator
from datetime import datetime

from incident_lib.findings.base import Context, finding
from incident_lib.model import Evidence, Finding, FindingSeverity
from incident_lib.technologies.postgres.findings.base import conclude
from incident_lib.technologies.postgres.rows import PostgresTable, PostgresVacuum
from incident_lib.units import format_count, format_duration, format_share

_LISTED = 5


def analyze_tables(evidence: Evidence, context: Context) -> Iterator[Finding]:
    """Yield tables past their own vacuum threshold: those not vacuumed for long, those that never will be."""
    rows = evidence.of(PostgresTable)
    past = [
        row
        for row in rows
        if row.vacuum_threshold_rows is not None and row.dead_row_count > row.vacuum_threshold_rows
    ]
    hours = context.thresholds["postgres.tables.vacuum.warning_hours"]
    overdue = [
        row
        for row in past
        if row.autovacuum_is_on and _hours(row.last_vacuum_at, evidence.collected_at) >= hours
    ]
    never = [row for row in past if not row.autovacuum_is_on]
    found: list[Finding] = []
    if overdue:
        title = f"Autovacuum is behind: {_names(overdue)} not vacuumed for {hours:.0f} hours"
        found.append(_dead_rows(evidence, "dead_rows", title, overdue))
    if never:
        title = f"Autovacuum is off for {_names(never)}, and dead rows pile up"
        found.append(_dead_rows(evidence, "autovacuum_off", title, never))
    found += [*_vacuums(evidence), *_without_statistics(evidence, context)]
    title = f"{format_count(len(rows), 'table')} checked, none overdue for a vacuum"
    yield from conclude(evidence, found, title, tables=len(rows))


def _vacuums(evidence: Evidence) -> list[Finding]:
    """Return what VACUUM is doing, one finding for all that run."""
    rows = evidence.of(PostgresVacuum)
    if not rows:
        return []
    title = f"{format_count(len(rows), 'VACUUM')} running, the oldest {_progress(rows[0])}"
    worst = rows[0]
    return [
        finding(
            evidence,
            "vacuuming",
            FindingSeverity.INFO,
            title,
            "\n".join(_vacuum(row) for row in rows[:_LISTED]),
            since=worst.started_at,
            table=worst.table,
            pid=worst.pid,
            phase=worst.phase,
            run_seconds=worst.run_seconds,
            count=len(rows),
        )
    ]


def _progress(row: PostgresVacuum) -> str:
    of = f"of {row.table}" if row.table else f"in {row.database or 'another database'}"
    done = "" if row.scanned_ratio is None else f" ({format_share(row.scanned_ratio)} scanned)"
    since = "" if row.run_seconds is None else f" for {format_duration(row.run_seconds)}"
    return f"{of}: {row.phase or 'phase unknown'}{done}{since}"


def _vacuum(row: PostgresVacuum) -> str:
    parts = [f"pid {row.pid} {_progress(row)}"]
    if row.is_for_wraparound:
        parts.append("anti-wraparound: it does not yield to other sessions")
    if (row.index_pass_count or 0) > 1:
        parts.append(f"pass {row.index_pass_count} over the indexes (maintenance_work_mem is too small)")
    if row.index_count:
        parts.append(
            f"{row.index_done_count or 0} of {format_count(row.index_count, 'index', 'indexes')} done"
        )
    if row.wait_event:
        parts.append(f"waits for {row.wait_type}:{row.wait_event}")
    return ", ".join(parts)


def _hours(since: datetime | None, now: datetime) -> float:
    """Return the hours since the last vacuum; a table that never had one may be new, so it counts as none."""
    return 0.0 if since is None else (now - since).total_seconds() / 3600


def _without_statistics(evidence: Evidence, context: Context) -> Iterator[Finding]:
    """Yield large tables that were never analyzed, as after a restore: plans for them are guesses."""
    least = context.thresholds["postgres.tables.no_statistics.info_rows"]
    rows = [
        row
        for row in evidence.of(PostgresTable)
        if row.last_analyze_at is None and row.live_row_count >= least
    ]
    if rows:
        rows.sort(key=lambda row: -row.live_row_count)
        never = "was" if len(rows) == 1 else "were"
        off = " Autovacuum is off for it." if not rows[0].autovacuum_is_on else ""
        yield finding(
            evidence,
            "no_statistics",
            FindingSeverity.INFO,
            f"{_names(rows)} {never} never analyzed: their plans rest on guesses",
            "typical after a restore, a bulk load or an upgrade, or their counters were reset since then."
            f"{off} Run ANALYZE to give them statistics",
            table=f"{rows[0].schema}.{rows[0].table}",
            tables=len(rows),
        )


def _names(rows: list[PostgresTable]) -> str:
    names = ", ".join(f"{row.schema}.{row.table}" for row in rows[:2])
    return names if len(rows) <= 2 else f"{names} and {len(rows) - 2} more"


def _dead_rows(evidence: Evidence, name: str, title: str, rows: list[PostgresTable]) -> Finding:
    lines = [
        f"{row.schema}.{row.table}: {row.dead_row_count:,} dead and {row.live_row_count:,} live rows, "
        f"its threshold is {row.vacuum_threshold_rows or 0:,.0f}"
        for row in rows[:_LISTED]
    ]
    worst = rows[0]
    return finding(
        evidence,
        name,
        FindingSeverity.WARNING,
        title,
        "\n".join(lines),
        since=worst.last_vacuum_at,
        table=f"{worst.schema}.{worst.table}",
        dead_rows=worst.dead_row_count,
        tables=len(rows),
    )

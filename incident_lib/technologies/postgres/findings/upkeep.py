"""What should go on by itself: archiving, cleanup, whole indexes; and who holds cleanup back."""

from collections.abc import Iterator

from incident_lib.findings.base import Context, finding
from incident_lib.model import Evidence, Finding, FindingSeverity
from incident_lib.technologies.postgres.findings.base import conclude, end_session, lacks_privilege
from incident_lib.technologies.postgres.roots import KINDS, Session, kind_of
from incident_lib.technologies.postgres.rows import (
    PostgresArchiver,
    PostgresCollation,
    PostgresHorizonHolder,
    PostgresInvalidIndex,
    PostgresWalFolder,
)
from incident_lib.units import format_bytes, format_count, format_duration

_ADVICE = {
    "session": "end its transaction",
    "prepared transaction": "its coordinator must COMMIT PREPARED or ROLLBACK PREPARED it",
    "replication slot": "bring its consumer back, or drop the slot",
    "standby": "find the long query there: hot_standby_feedback carries its snapshot to this server",
}
_LISTED = 5


def analyze_archiver(evidence: Evidence, context: Context) -> Iterator[Finding]:
    """Yield that archiving fails now (the last attempt was a failure), and WAL that piles up."""
    for row in evidence.of(PostgresArchiver):
        failing = row.failed_at is not None and (row.archived_at is None or row.failed_at > row.archived_at)
        found = list(_failing(evidence, row)) if row.archiving_is_on and failing else []
        found += [
            finding
            for folder in evidence.of(PostgresWalFolder)
            for finding in _folder(evidence, folder, context)
        ]
        title = "Archiving is off"
        if row.archiving_is_on:
            title = f"The last archived file is {row.archived_file or 'none yet'}"
        archiving = "on" if row.archiving_is_on else "off"
        yield from conclude(evidence, found, title, blind=lacks_privilege(evidence), archiving=archiving)


def _folder(evidence: Evidence, row: PostgresWalFolder, context: Context) -> Iterator[Finding]:
    wanted = max(row.max_bytes, row.kept_bytes)
    limits = context.thresholds
    if severity := limits.severity("postgres.archiver.wal", row.size_bytes / max(wanted, 1), "ratio"):
        title = (
            f"The write-ahead log takes {format_bytes(row.size_bytes)}, but {format_bytes(wanted)} were "
            f"planned"
        )
        detail = "possible causes: a slot, late archiving, or a burst of writes; never delete WAL by hand"
        yield finding(
            evidence, "wal", severity, title, detail, size_bytes=row.size_bytes, files=row.file_count
        )
    if severity := limits.severity("postgres.archiver.waiting", row.waiting_count, "count"):
        title = f"{row.waiting_count:,} files of the write-ahead log wait to be archived"
        yield finding(evidence, "waiting", severity, title, files=row.waiting_count)


def _failing(evidence: Evidence, row: PostgresArchiver) -> Iterator[Finding]:
    behind = "nothing has been archived yet"
    if row.archived_at:
        ago = format_duration((evidence.collected_at - row.archived_at).total_seconds())
        behind = f"the last success was {ago} ago"
    yield finding(
        evidence,
        "failing",
        FindingSeverity.CRITICAL,
        f"The write-ahead log cannot be archived; {behind}",
        f"stuck at {row.failed_file}. It piles up on the disk of the database until archive_command works",
        since=row.archived_at,
        file=row.failed_file,
        failures=row.failure_count,
    )


def analyze_indexes(evidence: Evidence, _context: Context) -> Iterator[Finding]:
    """Yield indexes that a failed build left behind, and those still being built."""
    rows = evidence.of(PostgresInvalidIndex)
    building = [row for row in rows if row.is_being_built]
    left = [row for row in rows if not row.is_being_built]
    blind = lacks_privilege(evidence)
    found = list(_collations(evidence))
    if left and not blind:
        names = ", ".join(f"{row.schema}.{row.index}" for row in left)
        title = f"{format_count(len(left), 'index', 'indexes')} left invalid by a failed build: {names}"
        detail = "no query uses it, and every write pays for it: DROP INDEX CONCURRENTLY, then rebuild it"
        found.append(
            finding(evidence, "invalid", FindingSeverity.WARNING, title, detail, count=len(left), names=names)
        )
    if building:
        names = ", ".join(f"{row.schema}.{row.index}" for row in building)
        title = f"{format_count(len(building), 'index', 'indexes')} being built: {names}"
        found.append(finding(evidence, "building", FindingSeverity.INFO, title, names=names))
    yield from conclude(evidence, found, "No index is invalid", blind=blind, invalid=len(left))


def _collations(evidence: Evidence) -> Iterator[Finding]:
    """Yield that indexes of text are sorted by an older version of a collation than the system has now."""
    rows = sorted(evidence.of(PostgresCollation), key=lambda row: -row.index_count)
    indexes = sum(row.index_count for row in rows)
    if not rows:
        return
    worst = rows[0]
    yield finding(
        evidence,
        "collation",
        FindingSeverity.WARNING if indexes else FindingSeverity.INFO,
        f"The collation {worst.name} has version {worst.actual_version or 'unknown'}, and "
        f"{format_count(indexes, 'index', 'indexes')} may be sorted by {worst.recorded_version}",
        "the text order may have changed: lookups may miss rows, and unique keys may be duplicated. First "
        "check for damage with amcheck (bt_index_check); then REINDEX what uses it, then ALTER DATABASE or "
        "COLLATION ... REFRESH VERSION",
        collation=worst.name,
        recorded=worst.recorded_version,
        actual=worst.actual_version,
        count=indexes,
    )


def analyze_horizon(evidence: Evidence, context: Context) -> Iterator[Finding]:
    """Yield who holds cleanup back the furthest, if it is far or has been for long."""
    rows = evidence.of(PostgresHorizonHolder)
    late = [row for row in rows if _severity(row, context)]
    found = [_held(evidence, late, context)] if late else []
    oldest = f", the oldest by {rows[0].age_transactions:,} transactions" if rows else ""
    title = f"{format_count(len(rows), 'holder')} of old rows{oldest}"
    yield from conclude(evidence, found, title, blind=lacks_privilege(evidence), holders=len(rows))


def _severity(row: PostgresHorizonHolder, context: Context) -> bool:
    limits = context.thresholds
    return bool(
        limits.severity("postgres.horizon", row.age_transactions, "count")
        # Without a transaction since then there is nothing to remove.
        or (limits.severity("postgres.horizon", row.held_seconds, "seconds") and row.age_transactions)
    )


def _held(evidence: Evidence, late: list[PostgresHorizonHolder], context: Context) -> Finding:
    worst = late[0]
    severities = [
        context.thresholds.severity("postgres.horizon", worst.age_transactions, "count"),
        context.thresholds.severity("postgres.horizon", worst.held_seconds, "seconds"),
    ]
    since = f" for {format_duration(worst.held_seconds)}" if worst.held_seconds is not None else ""
    return finding(
        evidence,
        "held",
        min((severity for severity in severities if severity), key=lambda severity: severity.rank),
        f"The {worst.kind} {worst.name} holds back dead rows of {worst.age_transactions:,} "
        f"transactions{since}",
        "\n".join(_holder_line(row) for row in late[:_LISTED]),
        since=worst.since_at,
        actions=end_session(evidence, worst.pid or 0, kind_of(facts)) if (facts := _facts(worst)) else (),
        kind=worst.kind,
        holder=worst.name,
        pid=worst.pid,
        age_transactions=worst.age_transactions,
        held_seconds=worst.held_seconds,
        holders=len(late),
    )


def _facts(row: PostgresHorizonHolder) -> Session | None:
    """Return what decides what may be done about a session, None where it is none."""
    if row.pid is None or row.backend_type is None:  # no session, or stored before it was read
        return None
    return Session(
        pid=row.pid,
        backend_type=row.backend_type,
        state=row.state,
        wait_type=row.wait_type,
        wait_event=row.wait_event,
        application=row.application,
        query=row.query,
    )


def _holder_line(row: PostgresHorizonHolder) -> str:
    where = f" in {row.database}" if row.database else ""
    advice = _ADVICE["standby"] if row.is_physical else _ADVICE[row.kind]
    if facts := _facts(row):
        advice = KINDS[kind_of(facts)].advice.format(pid=row.pid, waiter="unknown")
    return f"{row.kind} {row.name}{where}: {row.age_transactions:,} transactions; {advice}"

"""Changes of the schema: events, and first suspects when trouble begins soon after."""

from collections.abc import Iterator

from incident_lib.findings.base import Context, finding, ok, unknown
from incident_lib.findings.comparison import Interval
from incident_lib.model import Evidence, Finding, FindingSeverity
from incident_lib.technologies.postgres.rows import (
    PostgresRelation,
    PostgresSchema,
    PostgresSchemaStatement,
)
from incident_lib.units import format_count, format_duration

_LONGEST = 120  # characters of a statement in a title
_MOST = 5


def analyze_schema(evidence: Evidence, context: Context) -> Iterator[Finding]:
    """Yield an INFO for a change that runs and for those inside the window, as far as their time is known."""
    schema = next(iter(evidence.of(PostgresSchema)), None)
    if schema is None:
        yield unknown(evidence)
        return
    found = [*_running(evidence), *_changed(evidence, context)]
    yield from found
    if not found:
        seen = (
            f"{format_count(schema.table_count, 'table')}, "
            f"{format_count(schema.index_count, 'index', 'indexes')}"
        )
        how = "" if schema.tells_times else "; log_statement = ddl or track_commit_timestamp would show all"
        title = f"no schema change was observed: {seen}"
        detail = f"compared: sessions' last statements, times of commits, an earlier snapshot{how}"
        yield ok(evidence, title, detail, table_count=schema.table_count)


def _running(evidence: Evidence) -> Iterator[Finding]:
    running = [row for row in evidence.of(PostgresSchemaStatement) if row.ended_at is None]
    for row in running[:1]:
        since = min(row.started_at for row in running)
        seconds = max(0.0, (evidence.collected_at - since).total_seconds())
        yield finding(
            evidence,
            "running",
            FindingSeverity.INFO,
            f"the schema has been changing for {format_duration(seconds)}: {_short(row.query)}",
            _who(running),
            since=since,
            statement=_short(row.query),
            count=len(running),
        )


def _changed(evidence: Evidence, context: Context) -> Iterator[Finding]:
    """Yield one finding for all changes in the window: what sessions ran, and what was written when."""
    ran = [
        row
        for row in evidence.of(PostgresSchemaStatement)
        if row.ended_at is not None and context.window.holds(row.started_at)
    ]
    written = [row for row in evidence.of(PostgresRelation) if context.window.holds(row.committed_at)]
    moments = [row.started_at for row in ran] + [row.committed_at for row in written if row.committed_at]
    if not moments:
        return
    oldest = min(ran, key=lambda row: row.started_at, default=None)
    what = _short(oldest.query) if oldest else _relations(written)
    lines = [line for line in (_who(ran), f"written: {_relations(written)}" if written else "") if line]
    yield finding(
        evidence,
        "changed",
        FindingSeverity.INFO,
        f"the schema was changed: {what}",
        "\n".join(lines),
        since=min(moments),
        statement=what,
        count=len(ran) + len(written),
    )


def _short(query: str) -> str:
    text = " ".join(query.split())
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _relations(rows: list[PostgresRelation]) -> str:
    names = [f"{row.kind} {row.schema}.{row.name}" for row in rows[:_MOST]]
    more = f" and {len(rows) - _MOST} more" if len(rows) > _MOST else ""
    return f"{', '.join(names)}{more}"


def _who(rows: list[PostgresSchemaStatement]) -> str:
    return "\n".join(
        f"{row.started_at:%H:%M:%S} UTC by {row.role or 'an unknown role'}"
        f" ({row.application or 'no application name'}, pid {row.pid}): {_short(row.query)}"
        for row in sorted(rows, key=lambda row: row.started_at)[:_MOST]
    )


def analyze_schema_change(interval: Interval, context: Context) -> Iterator[Finding]:
    """Yield what transactions since the earlier snapshot wrote, and what is gone; TRUNCATE is none."""
    old, new = (next(iter(each.of(PostgresSchema)), None) for each in (interval.before, interval.now))
    if old is None or new is None or old.database != new.database:
        return
    if new.next_transaction < old.next_transaction:
        return  # another server, or one that was restored
    known = {row.oid for row in interval.before.of(PostgresRelation)}
    made: list[PostgresRelation] = []
    altered: list[PostgresRelation] = []
    for row in interval.now.of(PostgresRelation):
        if (row.columns_transaction or 0) < old.next_transaction or context.window.holds(row.committed_at):
            continue  # before that snapshot, or reported with its own time already
        (altered if row.oid in known or _was_there(row, old) else made).append(row)
    gone = [
        f"{before_count - count} {what}"
        for what, before_count, count in (
            ("tables", old.table_count, new.table_count),
            ("indexes", old.index_count, new.index_count),
        )
        if count < before_count
    ]
    parts = [f"{word} {_relations(rows)}" for word, rows in (("new", made), ("altered", altered)) if rows]
    words = "; ".join([*parts, f"fewer: {', '.join(gone)}"] if gone else parts)
    if words:
        yield finding(
            interval.now,
            "changed",
            FindingSeverity.INFO,
            f"the schema was changed {interval.between}: {words}",
            "found by comparison with an earlier collection, so the exact time is unknown",
            since=interval.on_timeline(interval.before.collected_at),
            statement=words,
            count=len(made) + len(altered) + len(gone),
        )


def _was_there(row: PostgresRelation, old: PostgresSchema) -> bool:
    """Return whether a relation is older than the snapshot: its own entry was then written before it."""
    return row.entry_transaction < old.next_transaction

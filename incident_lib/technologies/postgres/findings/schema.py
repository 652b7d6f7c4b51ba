"""Changes of the schema: events, and first suspects when trouble begins soon after."""

from collections.abc import Iterator

from incident_lib.findings.base import Context, finding, ok, unknown
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
        title = f"no change of the schema was seen: {seen}"
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
            f"the schema is being changed since {format_duration(seconds)}: {_short(row.query)}",
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

"""What changed since an earlier look at the same targets: schema and certificates. Pure.

Between two looks nobody saw the moment: the finding says between which two times it lies.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

import msgspec

from incident_lib.clock import format_time
from incident_lib.findings.base import Context, finding
from incident_lib.model import Evidence, Finding, FindingSeverity
from incident_lib.technologies.network.rows import TlsAnswer
from incident_lib.technologies.postgres.rows import PostgresRelation, PostgresSchema

_MOST = 5


class _Looks(msgspec.Struct, frozen=True, kw_only=True):
    """Two looks at one target through one probe."""

    before: Evidence
    now: Evidence
    same_incident: bool

    @property
    def between(self) -> str:
        """The two times in words."""
        return f"between {format_time(self.before.collected_at)} and {format_time(self.now.collected_at)}"

    def placed(self, moment: datetime) -> datetime | None:
        """Return `moment` for the timeline; a change since a baseline has no place on it."""
        return moment if self.same_incident else None


def changes_since(
    before: Iterable[Evidence], now: Sequence[Evidence], context: Context, *, same_incident: bool
) -> Iterator[Finding]:
    """Yield what changed between two looks, the earlier one a snapshot of this incident or a baseline.

    Only what changed within an incident has a place on its timeline: after the earlier of the two looks.
    """
    old = {one.ref: one for one in before if one.has_rows}
    for one in now:
        earlier = old.get(one.ref)
        if earlier is None or not one.has_rows or earlier.collected_at >= one.collected_at:
            continue
        compare = {"postgres.schema": _schema, "network.tls": _certificate}.get(one.probe)
        if compare:
            yield from compare(_Looks(before=earlier, now=one, same_incident=same_incident), context)


def _schema(looks: _Looks, context: Context) -> Iterator[Finding]:
    """Yield what transactions after the earlier look wrote, and what is gone; TRUNCATE is no such change."""
    old, new = (next(iter(one.of(PostgresSchema)), None) for one in (looks.before, looks.now))
    if old is None or new is None or old.database != new.database:
        return
    if new.next_transaction < old.next_transaction:
        return  # another server, or one that was restored
    known = {row.oid for row in looks.before.of(PostgresRelation)}
    made: list[PostgresRelation] = []
    altered: list[PostgresRelation] = []
    for row in looks.now.of(PostgresRelation):
        if (row.columns_transaction or 0) < old.next_transaction or context.window.holds(row.committed_at):
            continue  # before that look, or told with its own time already
        (altered if row.oid in known or _was_there(row, old) else made).append(row)
    gone = [
        f"{before_count - count} {what}"
        for what, before_count, count in (
            ("tables", old.table_count, new.table_count),
            ("indexes", old.index_count, new.index_count),
        )
        if count < before_count
    ]
    told = [_list("new", made), _list("altered", altered), f"fewer: {', '.join(gone)}" if gone else ""]
    words = "; ".join(part for part in told if part)
    if words:
        yield finding(
            looks.now,
            "changed",
            FindingSeverity.INFO,
            f"the schema was changed {looks.between}: {words}",
            "seen by comparison with an earlier look, which knows no moment",
            since=looks.placed(looks.before.collected_at),
            statement=words,
            count=len(made) + len(altered) + len(gone),
        )


def _was_there(row: PostgresRelation, old: PostgresSchema) -> bool:
    """Return whether a relation is older than the look: its own entry was then written before it."""
    return row.entry_transaction < old.next_transaction


def _list(word: str, rows: list[PostgresRelation]) -> str:
    names = ", ".join(f"{row.kind} {row.schema}.{row.name}" for row in rows[:_MOST])
    more = f" and {len(rows) - _MOST} more" if len(rows) > _MOST else ""
    return f"{word} {names}{more}" if rows else ""


def _certificate(looks: _Looks, context: Context) -> Iterator[Finding]:
    """Yield that another certificate is served now; one issued in the window is told already."""
    old, new = (next(iter(one.of(TlsAnswer)), None) for one in (looks.before, looks.now))
    if old is None or new is None or not old.certificates or not new.certificates or old.name != new.name:
        return
    first, last = old.certificates[0], new.certificates[0]
    if first.sha256 == last.sha256 or context.window.holds(last.not_before_at):
        return
    earlier = looks.before.collected_at
    since = last.not_before_at if earlier <= last.not_before_at <= looks.now.collected_at else earlier
    yield finding(
        looks.now,
        "renewed",
        FindingSeverity.INFO,
        f"another certificate is served since a time {looks.between}",
        f"{last.subject}, issued by {last.issuer}, valid from {format_time(last.not_before_at)};"
        f" before it one valid until {format_time(first.not_after_at)}",
        since=looks.placed(since),
        host=new.name,
        not_before=last.not_before_at.isoformat(),
    )

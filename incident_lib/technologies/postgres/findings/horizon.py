"""Who keeps dead rows from being removed?"""

from collections.abc import Iterator

from incident_lib.findings.base import Context, finding
from incident_lib.model import Evidence, Finding, ProposedAction
from incident_lib.technologies.postgres.findings.words import conclude, end_session, lacks_privilege
from incident_lib.technologies.postgres.rows import PostgresHorizonHolder
from incident_lib.units import format_count, format_duration

_ADVICE = {
    "session": "end its transaction",
    "prepared transaction": "its coordinator must COMMIT PREPARED or ROLLBACK PREPARED it",
    "replication slot": "bring its consumer back, or drop the slot",
    "standby": "look for a long query there: hot_standby_feedback passes its view on to here",
}
_LISTED = 5


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
        min((one for one in severities if one), key=lambda one: one.rank),
        f"The {worst.kind} {worst.name} keeps dead rows of {worst.age_transactions:,} transactions{since}",
        "\n".join(_line(row) for row in late[:_LISTED]),
        since=worst.since_at,
        actions=_actions(evidence, worst),
        kind=worst.kind,
        holder=worst.name,
        pid=worst.pid,
        age_transactions=worst.age_transactions,
        held_seconds=worst.held_seconds,
        holders=len(late),
    )


def _line(row: PostgresHorizonHolder) -> str:
    where = f" in {row.database}" if row.database else ""
    return f"{row.kind} {row.name}{where}: {row.age_transactions:,} transactions; {_ADVICE[row.kind]}"


def _actions(evidence: Evidence, row: PostgresHorizonHolder) -> tuple[ProposedAction, ...]:
    if row.kind != "session" or row.pid is None:
        return ()
    return end_session(evidence, row.pid, running=False)

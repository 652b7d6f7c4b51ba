"""Which queries and transactions run for long, and which sit idle with their locks held?"""

from collections.abc import Iterator

from incident_lib.findings.base import Context, finding
from incident_lib.model import Evidence, Finding, FindingSeverity
from incident_lib.technologies.postgres.findings.base import (
    advised,
    conclude,
    end_session,
    facts,
    lacks_privilege,
    one_line,
    root_of,
    where,
    who,
)
from incident_lib.technologies.postgres.roots import Root, is_backup, takes_long_by_nature
from incident_lib.technologies.postgres.rows import PostgresActiveSession
from incident_lib.units import format_count, format_duration

_LISTED = 5
Sessions = list[PostgresActiveSession]


def analyze_transactions(evidence: Evidence, context: Context) -> Iterator[Finding]:
    """Yield idle transactions, long queries and long transactions."""
    # A commit that waits for a standby is judged with replication: the session is not what takes long.
    sessions = tuple(
        session for session in evidence.of(PostgresActiveSession) if root_of(session) is not Root.STANDBY
    )
    blocking, idle = _idle(sessions, context)
    by_nature = [session for session in sessions if _is_upkeep(session, context)]
    queries = [
        session
        for session in sessions
        if _is_long(session.query_seconds, context)
        and session.wait_type != "Lock"
        and session not in by_nature
        and not is_backup(facts(session))
    ]
    aborted = [session for session in sessions if _is_aborted(session) and not session.blocking_count]
    rest = {session.pid for session in (*blocking, *idle, *queries, *by_nature, *aborted)}
    transactions = [
        session
        for session in sessions
        if session.pid not in rest
        and not is_backup(facts(session))
        and _is_long(session.transaction_seconds, context)
    ]
    found = [
        *_idle_blocking(evidence, blocking),
        *_idle_only(evidence, idle),
        *_long_queries(evidence, queries, context),
        *_long_transactions(evidence, transactions, context),
        *_upkeep(evidence, by_nature),
        *_aborted(evidence, aborted, context),
    ]
    title = "No long query, no long transaction, no session idle in a transaction"
    if by_nature:
        title = "No long query of an application, no long transaction, no session idle in a transaction"
    yield from conclude(evidence, found, title, blind=lacks_privilege(evidence), sessions=len(sessions))


def _idle(sessions: tuple[PostgresActiveSession, ...], context: Context) -> tuple[Sessions, Sessions]:
    """Return those idle in a transaction: first those that others wait for, then those idle for long."""
    limit = context.thresholds["postgres.transactions.idle_blocking.critical_seconds"]
    blocking: Sessions = []
    idle: Sessions = []
    for session in sessions:
        if not (session.state or "").startswith("idle in transaction") or session.state_seconds is None:
            continue
        if session.blocking_count and session.state_seconds >= limit and not session.is_new_head:
            blocking.append(session)
        elif _is_aborted(session) or is_backup(facts(session)):
            continue
        elif context.thresholds.severity("postgres.transactions.idle", session.state_seconds, "seconds"):
            idle.append(session)
    return blocking, idle


def _is_aborted(session: PostgresActiveSession) -> bool:
    """Return whether its transaction failed already: it holds no locks, but for those before a savepoint."""
    return session.state == "idle in transaction (aborted)"


def _is_upkeep(session: PostgresActiveSession, context: Context) -> bool:
    """Return whether it is a backup, an export or upkeep that takes long, and that no session waits for."""
    lasted = max(session.query_seconds or 0.0, session.transaction_seconds or 0.0)
    working = session.state == "active" or is_backup(facts(session))
    return (
        working
        and not session.blocking_count
        and session.wait_type != "Lock"
        and takes_long_by_nature(facts(session))
        and _is_long(lasted, context)
    )


def _is_long(seconds: float | None, context: Context) -> bool:
    return context.thresholds.severity("postgres.transactions.long", seconds, "seconds") is not None


def _idle_blocking(evidence: Evidence, sessions: Sessions) -> Iterator[Finding]:
    if not sessions:
        return
    worst = max(sessions, key=lambda session: session.blocking_count)
    waiting = sum(session.blocking_count for session in sessions)
    yield finding(
        evidence,
        "idle_blocking",
        FindingSeverity.CRITICAL,
        f"{who(worst)} is idle and makes {format_count(waiting, 'session')} wait",
        _list(sessions),
        since=worst.state_changed_at,
        actions=end_session(evidence, worst.pid, root_of(worst)),
        blocking=waiting,
        **_data(worst, sessions),
    )


def _idle_only(evidence: Evidence, sessions: Sessions) -> Iterator[Finding]:
    if not sessions:
        return
    worst = max(sessions, key=lambda session: session.state_seconds or 0)
    more = f"{len(sessions)} sessions are idle in a transaction, the longest: " if len(sessions) > 1 else ""
    yield finding(
        evidence,
        "idle",
        FindingSeverity.WARNING,
        f"{more}{who(worst)}",
        f"They keep their locks and hold back cleanup. {_list(sessions)}",
        since=worst.state_changed_at,
        actions=end_session(evidence, worst.pid, root_of(worst)),
        **_data(worst, sessions),
    )


def _long_queries(evidence: Evidence, sessions: Sessions, context: Context) -> Iterator[Finding]:
    if not sessions:
        return
    worst = max(sessions, key=lambda session: session.query_seconds or 0)
    severity = context.thresholds.severity("postgres.transactions.long", worst.query_seconds, "seconds")
    more = f"{len(sessions)} queries have been running for long, the longest: " if len(sessions) > 1 else ""
    yield finding(
        evidence,
        "long_query",
        severity or FindingSeverity.INFO,
        f"{more}{who(worst)}",
        _list(sessions),
        since=worst.query_started_at,
        actions=end_session(evidence, worst.pid, root_of(worst)),
        **_data(worst, sessions),
    )


def _long_transactions(evidence: Evidence, sessions: Sessions, context: Context) -> Iterator[Finding]:
    if not sessions:
        return
    worst = max(sessions, key=lambda session: session.transaction_seconds or 0)
    seconds = worst.transaction_seconds or 0
    severity = context.thresholds.severity("postgres.transactions.long", seconds, "seconds")
    more = (
        f"{len(sessions)} transactions have been open for long, the longest"
        if len(sessions) > 1
        else "A transaction"
    )
    verb = "for" if len(sessions) > 1 else "has been open for"
    yield finding(
        evidence,
        "long_transaction",
        severity or FindingSeverity.INFO,
        f"{more} {verb} {format_duration(seconds)}: {who(worst)}",
        _list(sessions),
        since=worst.transaction_started_at,
        actions=end_session(evidence, worst.pid, root_of(worst)),
        **_data(worst, sessions),
    )


def _upkeep(evidence: Evidence, sessions: Sessions) -> Iterator[Finding]:
    if not sessions:
        return
    worst = max(sessions, key=lambda session: session.transaction_seconds or 0)
    more = f"{len(sessions)} sessions do work" if len(sessions) > 1 else who(worst)
    verb = "that takes" if len(sessions) > 1 else "does what takes"
    yield finding(
        evidence,
        "upkeep",
        FindingSeverity.INFO,
        f"{more} {verb} long by nature, and no session waits for it",
        f"a backup, an export or maintenance; leave it alone unless the disk is "
        f"overloaded\n{_list(sessions)}",
        since=worst.transaction_started_at,
        actions=(),
        **_data(worst, sessions),
    )


def _aborted(evidence: Evidence, sessions: Sessions, context: Context) -> Iterator[Finding]:
    limits = context.thresholds
    old = [
        session
        for session in sessions
        if limits.severity("postgres.transactions.idle", session.state_seconds, "seconds")
    ]
    if not old:
        return
    worst = max(old, key=lambda session: session.state_seconds or 0)
    yield finding(
        evidence,
        "aborted",
        FindingSeverity.INFO,
        f"{format_count(len(old), 'failed transaction')} not rolled back by the client: {who(worst)}",
        f"It holds no blocking locks and no dead rows, but takes up a connection. {_list(old)}",
        since=worst.state_changed_at,
        actions=(),
        **_data(worst, old),
    )


def _list(sessions: Sessions) -> str:
    lines = [f"{who(session)}, {where(session)}: {one_line(session.query)}" for session in sessions[:_LISTED]]
    if len(sessions) > _LISTED:
        lines.append(f"and {len(sessions) - _LISTED} more")
    return "\n".join(lines)


def _data(worst: PostgresActiveSession, sessions: Sessions) -> dict[str, str | float | None]:
    return {
        "count": len(sessions),
        "pid": worst.pid,
        "application": worst.application,
        "role": worst.role,
        "database": worst.database,
        "client": worst.client_address,
        "state": worst.state,
        "state_seconds": worst.state_seconds,
        "query_seconds": worst.query_seconds,
        "transaction_seconds": worst.transaction_seconds,
        "query": one_line(worst.query, 500),
        **advised(worst, root_of(worst)),
    }

"""Do clients wait in PgBouncer, although the server may have connections left?"""

from collections.abc import Iterator

from incident_lib.errors import ProblemKind
from incident_lib.findings.base import Context, finding, reason_of
from incident_lib.model import Evidence, Finding, FindingSeverity
from incident_lib.technologies.postgres.findings.base import conclude
from incident_lib.technologies.postgres.rows import PostgresPool, PostgresPooler
from incident_lib.units import format_count, format_duration

# The console refuses our name, or does not know the database: that says nothing about the pools.
_OURS = frozenset({ProblemKind.DENIED, ProblemKind.NOT_FOUND, ProblemKind.NAME_NOT_RESOLVED, ProblemKind.TLS})
_LISTED = 5


def analyze_pooler_failure(evidence: Evidence, _context: Context) -> Iterator[Finding]:
    """Yield that the pooler does not answer: CRITICAL, or UNKNOWN where it only refuses us."""
    problem = evidence.problem
    kind = problem.kind if problem else ProblemKind.PROTOCOL
    reason, advice = reason_of(evidence), problem.advice if problem else ""
    if kind.is_ours or kind in _OURS:
        title = f"not assessed: {reason}"
        yield finding(evidence, str(kind), FindingSeverity.UNKNOWN, title, advice, kind=str(kind))
        return
    detail = ". ".join(part for part in (reason, advice) if part)
    title = "The pooler in front of the database does not let clients in"
    yield finding(evidence, str(kind), FindingSeverity.CRITICAL, title, detail, kind=str(kind))


def analyze_pooler(evidence: Evidence, context: Context) -> Iterator[Finding]:
    """Yield pools in which clients wait, and a pooler that is about to refuse clients."""
    pools = evidence.of(PostgresPool)
    found = [*_paused(evidence, pools), *_waiting(evidence, pools, context)]
    for row in evidence.of(PostgresPooler):
        found += _clients(evidence, row, context)
    clients = sum(pool.client_active_count for pool in pools)
    title = f"{format_count(len(pools), 'pool')}, {format_count(clients, 'active client')}, no client waiting"
    yield from conclude(evidence, found, title, pools=len(pools), clients=clients)


def _waiting(evidence: Evidence, pools: tuple[PostgresPool, ...], context: Context) -> list[Finding]:
    """Return where clients wait. Those that waited in one of two samples only were served in between."""
    waiting = sorted(
        (pool for pool in pools if pool.client_waiting_count and not pool.is_paused),
        key=lambda pool: -pool.client_waiting_count,
    )
    if not waiting:
        return []
    lasting = [pool for pool in waiting if _lasts(pool, context)]
    shown = lasting or waiting
    worst, clients = shown[0], sum(pool.client_waiting_count for pool in shown)
    longest = max(pool.longest_wait_seconds for pool in shown)
    severity = context.thresholds.severity("postgres.pooler.waiting", clients, "count")
    if context.thresholds.severity("postgres.pooler.wait", longest, "seconds") is FindingSeverity.CRITICAL:
        severity = FindingSeverity.CRITICAL
    layer, why, remedy = _why(worst)
    title = (
        f"{format_count(clients, 'client')} {'waits' if clients == 1 else 'wait'} in PgBouncer for "
        "a connection"
    )
    return [
        finding(
            evidence,
            "waiting" if lasting else "queue",
            (severity or FindingSeverity.INFO) if lasting else FindingSeverity.INFO,
            f"{title} of the pool {worst.name}, the longest for {format_duration(longest)}",
            "\n".join([*(_line(pool) for pool in shown[:_LISTED]), why]),
            layer=layer,
            remedy=remedy,
            pool=worst.name,
            waiting=clients,
            longest_wait_seconds=longest,
            servers=_servers(worst),
            limit=worst.size_limit_count,
        )
    ]


def _lasts(pool: PostgresPool, context: Context) -> bool:
    limits = context.thresholds
    return bool(
        pool.client_waiting_before_count
        or limits.severity("postgres.pooler.wait", pool.longest_wait_seconds, "seconds")
    )


def _servers(pool: PostgresPool) -> int:
    return pool.server_active_count + pool.server_idle_count + pool.server_used_count


def _line(pool: PostgresPool) -> str:
    limit = "" if pool.size_limit_count is None else f" of {pool.size_limit_count}"
    return (
        f"{pool.name} ({pool.mode or 'mode unknown'}): {pool.client_waiting_count} waiting, "
        f"{pool.client_active_count} served by {_servers(pool)}{limit} connections"
    )


def _why(pool: PostgresPool) -> tuple[str, str, str]:
    """Return which limit is reached, what that means, and what to do about it."""
    taken, most = pool.database_connection_count, pool.database_limit_count
    if pool.size_limit_count is not None and _servers(pool) >= pool.size_limit_count:
        layer = f"pool_size of {pool.database}"
        why = (
            "All of its connections are in use: first check for long transactions on the server; "
            "otherwise the "
        )
        why += "pool is too small"
        remedy = f"Find the transactions that keep the connections of {pool.name} (long, idle, "
        remedy += "or waiting for a lock); raise pool_size only if the server has room."
    elif most and taken is not None and taken >= most:
        layer = f"max_db_connections of {pool.database}"
        why = (
            f"The pools of {pool.database} together have used all {most} connections of max_db_connections; "
        )
        why += "this pool has not reached its own size"
        remedy = f"Find which pool of {pool.database} holds most (SHOW POOLS); raise max_db_connections and "
        remedy += "RELOAD if the server has room."
    elif pool.user_limit_count and (pool.user_connection_count or 0) >= pool.user_limit_count:
        role = pool.server_role or pool.role
        layer = f"max_user_connections of {role}"
        why = (
            f"The pools of the role {role} together have used all {pool.user_limit_count} connections of "
            "max_user_connections; this pool has not reached its own size"
        )
        remedy = (
            f"Find which pool of {role} holds most (SHOW POOLS); raise max_user_connections of PgBouncer and "
            "RELOAD if the server has room."
        )
    else:
        layer = pool.server_address or "the server"
        why = f"It gets no more connections from {layer}: is it full or unreachable?"
        remedy = (
            f"Find out why {layer} gives PgBouncer no more connections: its own limit, that of the role or "
            f"of "
        )
        remedy += "the database, or a failing login (see the PgBouncer log)."
    return layer, why, remedy


def _paused(evidence: Evidence, pools: tuple[PostgresPool, ...]) -> list[Finding]:
    """Return the databases that were paused or disabled: their clients wait or are refused."""
    found = []
    for database in sorted({pool.database for pool in pools if pool.is_paused or pool.is_disabled}):
        alike = [pool for pool in pools if pool.database == database]
        waiting = sum(pool.client_waiting_count for pool in alike)
        is_paused = any(pool.is_paused for pool in alike)
        does = "is paused" if is_paused else "is disabled"
        command = "RESUME" if is_paused else "ENABLE"
        found.append(
            finding(
                evidence,
                "paused",
                FindingSeverity.CRITICAL if waiting else FindingSeverity.WARNING,
                f"The database {database} {does} in PgBouncer: {format_count(waiting, 'client')} waiting",
                f"{'PAUSE' if is_paused else 'DISABLE'} was sent to its console, as is done for a failover "
                f"or an upgrade; when that is over, run {command} {database}",
                database=database,
                waiting=waiting,
            )
        )
    return found


def _clients(evidence: Evidence, row: PostgresPooler, context: Context) -> Iterator[Finding]:
    if not row.client_limit:
        return
    ratio = row.client_count / row.client_limit
    if severity := context.thresholds.severity("postgres.pooler.clients", ratio, "ratio"):
        yield finding(
            evidence,
            "clients",
            severity,
            f"PgBouncer has {row.client_count} of at most {row.client_limit} clients",
            "beyond max_client_conn it refuses new clients",
            clients=row.client_count,
            limit=row.client_limit,
            ratio=ratio,
        )

"""What keeps all connections of a pool of PgBouncer: idle transactions, locks or long statements. Pure."""

from collections.abc import Sequence
from itertools import chain

import msgspec

from incident_lib.correlation.situation import Situation
from incident_lib.findings.catalogue import Flag
from incident_lib.model import Finding
from incident_lib.technologies.postgres.rows import PostgresActiveSession, PostgresPool
from incident_lib.units import format_duration, some_of

_LEAST_SHARE = 0.5  # of the pool's connections: fewer leave room for the others
_WORDS = {
    "idle": "are left idle in a transaction",
    "lock": "wait for a lock",
    "long": "run long statements",
}
_NAMED = 5
Sessions = Sequence[PostgresActiveSession]


def judge_held_pools(findings: list[Finding], situation: Situation) -> list[Finding]:
    """Return the findings; of a pool in which clients wait it is named what holds most of its connections.

    The sessions of a pool are those of its role in its database on the server. Those that merely work leave
    the finding as it is: then the pool is what is too small.
    """
    found = []
    for finding in findings:
        held = None
        if situation.catalogue.has(finding, Flag.POOL_WAITS):
            rows = [each for each in situation.evidence if each.target == finding.target]
            pools = chain.from_iterable(each.of(PostgresPool) for each in rows)
            pool = next((each for each in pools if each.name == finding.data.get("pool")), None)
            sessions = list(chain.from_iterable(each.of(PostgresActiveSession) for each in rows))
            held = _held(finding, pool, sessions, situation) if pool else None
        found.append(held or finding)
    return found


def _held(finding: Finding, pool: PostgresPool, sessions: Sessions, situation: Situation) -> Finding | None:
    """Return the finding with what holds the connections of the pool, None where nothing unusual does."""
    own = [
        session
        for session in sessions
        if session.database == (pool.server_database or pool.database)
        and session.role == (pool.server_role or pool.role)
    ]
    by_manner = {name: [each for each in own if _manner(each, situation) == name] for name in _WORDS}
    count = sum(map(len, by_manner.values()))
    servers = pool.server_active_count + pool.server_idle_count + pool.server_used_count
    if not count or count < _LEAST_SHARE * servers:
        return None
    manner = max(by_manner, key=lambda name: len(by_manner[name]))
    holding = sorted(by_manner[manner], key=_lasted, reverse=True)
    worst = holding[0]
    pids = some_of([str(session.pid) for session in holding], _NAMED)
    title = f"{len(holding)} of its {servers} connections {_WORDS[manner]}"
    return msgspec.structs.replace(
        finding,
        id=f"{finding.id.rpartition('.')[0]}.held_{manner}",
        title=f"{finding.title}; {title}",
        detail=f"{finding.detail}\n{title}, the longest for {format_duration(_lasted(worst))}: pid {pids} "
        f"({worst.application or 'without a name'})",
        data=finding.data
        | {
            "count": len(holding),
            "pid": worst.pid,
            "pids": pids,
            "application": worst.application or worst.role,
            "state_seconds": worst.state_seconds,
        },
    )


def _manner(session: PostgresActiveSession, situation: Situation) -> str:
    limits = situation.thresholds
    if session.wait_type == "Lock":
        return "lock"
    if (session.state or "").startswith("idle in transaction"):
        return "idle" if (session.state_seconds or 0) >= limits["postgres.pooler.held.least_seconds"] else ""
    is_long = limits.severity("postgres.transactions.long", session.query_seconds, "seconds")
    return "long" if is_long else ""


def _lasted(session: PostgresActiveSession) -> float:
    if session.state == "active":
        return session.query_seconds or 0.0
    return session.state_seconds or 0.0

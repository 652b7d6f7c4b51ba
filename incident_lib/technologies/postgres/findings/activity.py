"""How many connections are left, and who holds them?"""

from collections import Counter
from collections.abc import Iterator

from incident_lib.findings.base import Context, finding
from incident_lib.model import Evidence, Finding
from incident_lib.technologies.postgres.findings.base import conclude, lacks_privilege
from incident_lib.technologies.postgres.rows import (
    PostgresCapacity,
    PostgresRoleLimit,
    PostgresSessionGroup,
)
from incident_lib.units import format_count, format_share


def analyze_saturation(evidence: Evidence, context: Context) -> Iterator[Finding]:
    """Yield how full the server is, in connections and in locks."""
    for row in evidence.of(PostgresCapacity):
        found = [*_connections(evidence, row, context), *_lock_table(evidence, row, context)]
        title = f"{row.connection_count} of {row.usable_count} usable connections are in use"
        yield from conclude(evidence, found, title, connections=row.connection_count, limit=row.usable_count)
        yield from _role_limits(evidence, context)


def _connections(evidence: Evidence, row: PostgresCapacity, context: Context) -> Iterator[Finding]:
    ratio = row.connection_count / max(row.usable_count, 1)
    if severity := context.thresholds.severity("postgres.saturation", ratio, "ratio"):
        yield finding(
            evidence,
            "high",
            severity,
            f"{row.connection_count} of {row.usable_count} usable connections are in use "
            f"({format_share(ratio)})",
            f"max_connections is {row.max_connections}, of which {row.reserved_count} are reserved. "
            "postgres.activity shows what holds them; restart that application or shrink its pools",
            connections=row.connection_count,
            limit=row.usable_count,
            max_connections=row.max_connections,
            ratio=ratio,
        )


def _role_limits(evidence: Evidence, context: Context) -> Iterator[Finding]:
    """Yield the role that is nearest to its own limit: the server refuses it, and has room for others.

    A pool may be as large as the limit on purpose, so being full is a warning and being near it is none.
    """
    worst = max(
        evidence.of(PostgresRoleLimit),
        key=lambda row: row.connection_count / max(row.limit_count, 1),
        default=None,
    )
    if worst is None or not worst.connection_count:
        return
    ratio = worst.connection_count / max(worst.limit_count, 1)
    if severity := context.thresholds.severity("postgres.saturation.role_limit", ratio, "ratio"):
        fill = "has all" if ratio >= 1 else "has nearly all"
        yield finding(
            evidence,
            "role_limit",
            severity,
            f"The role {worst.role} {fill} of its own connections: {worst.connection_count} of "
            f"{worst.limit_count}",
            f'ALTER ROLE "{worst.role}" CONNECTION LIMIT raises it, at once and without a restart; '
            "max_connections is a separate limit",
            role=worst.role,
            connections=worst.connection_count,
            limit=worst.limit_count,
            ratio=ratio,
            layer=f"the role {worst.role}",
            fill=fill,
        )


def _lock_table(evidence: Evidence, row: PostgresCapacity, context: Context) -> Iterator[Finding]:
    ratio = row.lock_count / max(row.lock_slot_count, 1)
    if severity := context.thresholds.severity("postgres.saturation.lock_table", ratio, "ratio"):
        yield finding(
            evidence,
            "lock_table",
            severity,
            f"The lock table is {format_share(ratio)} full: {row.lock_count} locks",
            f"room for {row.lock_slot_count}; when it is full, transactions fail with 'out of shared memory'",
            locks=row.lock_count,
            limit=row.lock_slot_count,
            ratio=ratio,
        )


def analyze_activity(evidence: Evidence, context: Context) -> Iterator[Finding]:
    """Yield the application that holds half of the usable connections or more."""
    groups = evidence.of(PostgresSessionGroup)
    held: Counter[str] = Counter()
    states: Counter[str] = Counter()
    for group in groups:
        held[_name(group)] += group.session_count
        states[group.state or "unknown"] += group.session_count
    found: list[Finding] = []
    for name, sessions in held.most_common(1):
        found += _group(evidence, name, sessions, context)
    found += _young(evidence, context)
    listed = ", ".join(f"{number} {state}" for state, number in states.most_common())
    title = (
        f"{format_count(sum(states.values()), 'client session')}: {listed}"
        if states
        else "No client is connected"
    )
    blind = lacks_privilege(evidence)
    yield from conclude(evidence, found, title, blind=blind, sessions=sum(states.values()))


def _young(evidence: Evidence, context: Context) -> Iterator[Finding]:
    """Yield that most sessions are seconds old: clients connect anew all the time, or have just come back."""
    groups = [group for group in evidence.of(PostgresSessionGroup) if group.young_count is not None]
    sessions = sum(group.session_count for group in groups)
    young = sum(group.young_count or 0 for group in groups)
    limits = context.thresholds
    if young < limits["postgres.activity.young.least_count"]:
        return
    if severity := limits.severity("postgres.activity.young", young / max(sessions, 1), "ratio"):
        title = f"{young} of {sessions} client sessions began within the last ten seconds"
        detail = "clients reconnect constantly, or all of them have just come back"
        yield finding(evidence, "young", severity, title, detail, young=young, sessions=sessions)


def _name(group: PostgresSessionGroup) -> str:
    return group.application or group.role or "?"


def _group(evidence: Evidence, name: str, sessions: int, context: Context) -> Iterator[Finding]:
    members = [group for group in evidence.of(PostgresSessionGroup) if _name(group) == name]
    limit = members[0].limit_count
    ratio = sessions / max(limit, 1)
    severity = context.thresholds.severity("postgres.activity.group", ratio, "ratio")
    if severity is None:
        return
    clients: Counter[str | None] = Counter()
    states: Counter[str] = Counter()
    for group in members:
        clients[group.client_address] += group.session_count
        states[group.state or "unknown"] += group.session_count
    client, from_client = clients.most_common(1)[0]
    listed = ", ".join(f"{number} {state}" for state, number in states.most_common())
    yield finding(
        evidence,
        "group",
        severity,
        f"{name} holds {sessions} of {limit} usable connections",
        f"{listed}; {from_client} of them from {client or 'the local socket or an unknown address'}",
        application=name,
        role=members[0].role,
        client=client,
        client_count=len(clients),
        count=sessions,
        limit=limit,
        idle=states["idle"],
        idle_in_transaction=states["idle in transaction"],
    )

"""Is it accepting connections, and which role does the workbench use?"""

import re
from collections.abc import Iterator

from incident_lib.errors import ProblemKind
from incident_lib.findings.base import Context, finding, ok, reason_of
from incident_lib.model import Evidence, Finding, FindingSeverity
from incident_lib.technologies.postgres.rows import PostgresConnection
from incident_lib.units import format_count, format_duration

_TITLES = {
    ProblemKind.REFUSED: "The database refuses connections: nothing listens",
    ProblemKind.TIMED_OUT: "The database does not answer",
    ProblemKind.DENIED: "The database refuses the workbench's login",
    ProblemKind.FULL: "The database has no free connections left",
    ProblemKind.STARTING: "The database is starting up or shutting down",
    ProblemKind.NOT_FOUND: "The database does not exist",
    ProblemKind.NAME_NOT_RESOLVED: "The name of the database server does not resolve",
    ProblemKind.NOT_CALLED: "The name of the database server resolves to a link-local or metadata address",
    ProblemKind.UNREACHABLE: "The database server cannot be reached from here",
    ProblemKind.TLS: "No TLS connection to the database server",
    ProblemKind.PROTOCOL: "The program that answers does not speak PostgreSQL",
    ProblemKind.RESET: "The database server closed the connection",
    ProblemKind.BUSY: "The database server runs but lets no client in: logins hang",
}
_OWN_LIMIT = re.compile(r'too many connections for (role|database) "([^"]*)"')
_INCONSISTENT = "the database system is not yet accepting connections"
_NO_HOT_STANDBY = "the database system is not accepting connections"  # as every server says it from 14 on
_SAID_WELL = {ProblemKind.PROTOCOL, ProblemKind.WRONG_PEER}  # the reason names what answers
_REFUSALS = {
    "timed_out": "hangs",
    "busy": "lets no client in: one of its catalogs is locked",
    "not_found": "does not exist",
    "full": "is at its own connection limit",
}


def analyze_failure(evidence: Evidence, _context: Context) -> Iterator[Finding]:
    """Yield why there is no connection: CRITICAL, or UNKNOWN where the inability is ours."""
    problem = evidence.problem
    kind = problem.kind if problem else ProblemKind.PROTOCOL
    reason, advice = reason_of(evidence), problem.advice if problem else ""
    if kind.is_ours:
        title = f"not assessed: {reason}"
        yield finding(evidence, str(kind), FindingSeverity.UNKNOWN, title, advice, kind=str(kind))
        return
    detail = ". ".join(part for part in (reason, advice) if part)
    if waiting := int(problem.numbers.get("waiting_logins", 0)) if problem else 0:
        yield _waiting_logins(evidence, waiting, detail)
        return
    if layer := _own_limit(kind, reason):
        yield _limited(evidence, layer, detail)
        return
    if kind == ProblemKind.STARTING and _INCONSISTENT in reason:
        title = "The server replays WAL and has not reached a consistent state, so it takes no connections"
        detail = (
            f"{reason}. It does so for moments when a standby starts; it stays so where the WAL never comes "
            "that its copy needs. Its log names what it waits for"
        )
        yield finding(evidence, "inconsistent", FindingSeverity.CRITICAL, title, detail, kind=str(kind))
        return
    if kind == ProblemKind.STARTING and _NO_HOT_STANDBY in reason:
        yield _no_hot_standby(evidence, reason)
        return
    title = reason if kind in _SAID_WELL else _TITLES.get(kind, "The database cannot be used")
    yield finding(evidence, str(kind), FindingSeverity.CRITICAL, title, detail, kind=str(kind))


def _own_limit(kind: ProblemKind | str, message: str) -> str:
    """Return whose own limit of connections a refusal names, "" where it is that of the server.

    >>> _own_limit("full", 'too many connections for role "app"'), _own_limit("full", "too many clients")
    ('the role app', '')
    """
    found = _OWN_LIMIT.search(message) if kind == ProblemKind.FULL else None
    return f"the {found[1]} {found[2]}" if found else ""


def _limited(evidence: Evidence, layer: str, detail: str) -> Finding:
    """Return that a limit below the server's refuses us. Our role's limit says nothing of other roles."""
    of_role = layer.startswith("the role ")
    return finding(
        evidence,
        "role_limit" if of_role else "database_limit",
        FindingSeverity.WARNING if of_role else FindingSeverity.CRITICAL,
        f"{layer[:1].upper()}{layer[1:]} has used all of its own connections; the server may have room",
        f"{detail}. Its CONNECTION LIMIT is reached, not max_connections",
        kind="full",
        layer=layer,
        fill="has all",
    )


def _no_hot_standby(evidence: Evidence, reason: str) -> Finding:
    """Return that it replays and lets no session in. For one that only waits for a failover that is right."""
    return finding(
        evidence,
        "no_hot_standby",
        FindingSeverity.WARNING,
        "It takes no connections while it replays: hot_standby is off there",
        f"{reason}. A standby never will, however long its clients wait; it is right for one that is only "
        "kept for a failover. A restore takes them once it has ended",
        kind=str(ProblemKind.STARTING),
    )


def _waiting_logins(evidence: Evidence, waiting: int, detail: str) -> Finding:
    verb = "waits" if waiting == 1 else "wait"
    return finding(
        evidence,
        "login_waits",
        FindingSeverity.CRITICAL,
        f"{format_count(waiting, 'login')} {verb} for a lock inside the database server, so no new client "
        "gets in",
        detail,
        kind="busy",
        waiters=waiting,
        root_pid="not known from here",
    )


def analyze_connection(evidence: Evidence, context: Context) -> Iterator[Finding]:
    """Yield what refused us before another database let us in, and what is wrong with our role."""
    for row in evidence.of(PostgresConnection):
        found = [*_refused(evidence, row), *_role(evidence, row), *_clock(evidence, row, context)]
        found += _other_way(evidence, row)
        latency = format_duration(row.latency_seconds)
        role = "standby" if row.in_recovery else "primary"
        if row.refused_kind is None:
            title = f"PostgreSQL {row.version} ({role}) answers in {latency}"
            yield ok(
                evidence,
                title,
                f"database {row.database}, as role {row.role}",
                version=row.version,
                latency_seconds=row.latency_seconds,
            )
        yield from found


def _refused(evidence: Evidence, row: PostgresConnection) -> Iterator[Finding]:
    if row.refused_kind is None:
        return
    reason = _REFUSALS.get(row.refused_kind, "lets no client in")
    advice = evidence.problem.advice if evidence.problem else ""
    if layer := _own_limit(row.refused_kind, row.refused_message or ""):
        yield _limited(evidence, layer, f"{row.refused_message}. Seen through the database {row.database}")
        return
    yield finding(
        evidence,
        row.refused_kind,
        FindingSeverity.CRITICAL,
        f"The database {row.refused_database} {reason}, while its server answers",
        f"{row.refused_message}. Seen through the database {row.database}. {advice}",
        kind=row.refused_kind,
        database=row.refused_database,
        seen_through=row.database,
    )


def _role(evidence: Evidence, row: PostgresConnection) -> Iterator[Finding]:
    advice = "Create a separate role: CREATE ROLE workbench LOGIN PASSWORD '...' IN ROLE pg_monitor"
    if row.role_is_superuser:
        # What a container offers is what there is; a configured superuser is the team's choice.
        severity = FindingSeverity.WARNING if row.way == "configured" else FindingSeverity.INFO
        title = f"The workbench connects as the superuser {row.role}, which can change anything"
    elif row.role_owns_tables or row.role_other_session_count:
        severity = FindingSeverity.INFO
        title = f"The workbench connects as {row.role}, which the application also uses"
    elif not row.role_sees_everything:
        severity = FindingSeverity.UNKNOWN
        title = f"The workbench's role {row.role} cannot see what other roles do"
    else:
        return
    if not row.role_sees_everything:
        advice = f'To see everything: GRANT pg_monitor TO "{row.role}"'
    yield finding(evidence, "role", severity, title, advice, role=row.role)


def _clock(evidence: Evidence, row: PostgresConnection, context: Context) -> Iterator[Finding]:
    difference = row.clock_difference_seconds
    away = None if difference is None else abs(difference)
    severity = context.thresholds.severity("postgres.connection.clock", away, "seconds")
    if severity and difference is not None:
        direction = "ahead of" if difference > 0 else "behind"
        title = f"The server's clock is {format_duration(abs(difference))} {direction} this machine's"
        yield finding(evidence, "clock", severity, title, difference_seconds=difference)


def _other_way(evidence: Evidence, row: PostgresConnection) -> Iterator[Finding]:
    if row.attempts:
        title = "The database was reached inside its container, not at its address"
        if row.way != "exec":
            title = "The database was reached on the second attempt"
        yield finding(evidence, "way", FindingSeverity.INFO, title, "; ".join(row.attempts), way=row.way)

"""Who blocks whom?"""

import msgspec

from incident_lib.errors import ProblemKind, TargetError
from incident_lib.model import Problem, Window
from incident_lib.probes.base import Fetched, Probe
from incident_lib.technologies.postgres.connect import PostgresSession
from incident_lib.technologies.postgres.probes.reading import privilege_problem, read, statement
from incident_lib.technologies.postgres.rows import PostgresLockSession


def fetch_locks(session: PostgresSession, _window: Window) -> Fetched:
    """Return everybody who waits for a lock or is waited for: a PostgresLockSession each.

    Source: sql/locks.sql, and sql/lock_relations.sql when a session waits. Needs: pg_monitor.
    """
    rows, truncated = read(session, "locks", PostgresLockSession)
    problem = privilege_problem(session)
    if not any(row.lock_relation for row in rows):
        return Fetched(rows=rows, truncated=truncated, problem=problem)
    try:
        names = {row["relation"]: row["name"] for row in session.rows(statement("lock_relations"))}
    except TargetError as error:
        if error.kind is not ProblemKind.BUSY:
            raise
        names = {}
        problem = Problem(
            kind=error.kind,
            message="the catalog of tables is locked itself, so locked tables are shown by number",
            advice=error.advice,
        )
    named = tuple(
        msgspec.structs.replace(row, relation=names.get(row.lock_relation)) if row.lock_relation else row
        for row in rows
    )
    source = "\n\n".join((statement("locks"), statement("lock_relations")))
    return Fetched(rows=named, source=source, truncated=truncated, problem=problem)


LOCKS = Probe(
    name="postgres.locks",
    fetch=fetch_locks,
    question="Who blocks whom?",
    source=statement("locks"),
    needs="pg_monitor",
    cost="pg_blocking_pids once for each session that waits",
)

"""Who is connected, doing what, and how full is it?"""

from msgspec.structs import replace

from incident_lib.model import Window
from incident_lib.probes.base import Fetched, Probe
from incident_lib.technologies.postgres.connect import PostgresSession
from incident_lib.technologies.postgres.probes.locks import HEADS
from incident_lib.technologies.postgres.probes.reading import privilege_problem, probe_of, read, statement
from incident_lib.technologies.postgres.rows import (
    PostgresActiveSession,
    PostgresCapacity,
    PostgresRoleLimit,
    PostgresSessionGroup,
)


def fetch_saturation(session: PostgresSession, _window: Window) -> Fetched:
    """Return what is taken: one PostgresCapacity, then a PostgresRoleLimit for each role that has one.

    Source: sql/saturation.sql, sql/role_limits.sql. Needs: nothing.
    """
    capacity, _ = read(session, "saturation", PostgresCapacity)
    roles, _ = read(session, "role_limits", PostgresRoleLimit)
    source = "\n\n".join(statement(name) for name in ("saturation", "role_limits"))
    return Fetched(rows=(*capacity, *roles), source=source)


SATURATION = Probe(
    name="postgres.saturation",
    fetch=fetch_saturation,
    question="How many connections are left, and has a role reached its own limit?",
    source=statement("saturation"),
    in_watch={},
)
ACTIVITY = probe_of(
    "activity", PostgresSessionGroup, "Who holds the connections, and in which state?", needs="pg_monitor"
)


def fetch_transactions(session: PostgresSession, _window: Window) -> Fetched:
    """Return client sessions in a transaction or statement: a PostgresActiveSession each.

    What the probe of locks saw just before shows which session has come to the head of a queue since.
    Needs: pg_monitor.
    """
    rows, truncated = read(session, "transactions", PostgresActiveSession)
    heads = session.kept.get(HEADS)
    if isinstance(heads, frozenset) and heads:
        rows = tuple(
            replace(row, is_new_head=(row.pid, row.transaction_started_at) not in heads)
            if row.blocking_count
            else row
            for row in rows
        )
    return Fetched(rows=rows, truncated=truncated, problem=privilege_problem(session))


TRANSACTIONS = Probe(
    name="postgres.transactions",
    fetch=fetch_transactions,
    question="Which queries and transactions have been running for long, and which are idle?",
    source=statement("transactions"),
    needs="pg_monitor",
)

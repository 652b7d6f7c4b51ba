"""Who is connected, doing what, and how full is it?"""

from incident_lib.model import Window
from incident_lib.probes.base import Fetched, Probe
from incident_lib.technologies.postgres.connect import PostgresSession
from incident_lib.technologies.postgres.probes.reading import privilege_problem, read, statement
from incident_lib.technologies.postgres.rows import (
    PostgresActiveSession,
    PostgresCapacity,
    PostgresSessionGroup,
)


def fetch_saturation(session: PostgresSession, _window: Window) -> Fetched:
    """Return connections and locks against their limits: one PostgresCapacity. Source: sql/saturation.sql."""
    rows, _ = read(session, "saturation", PostgresCapacity)
    return Fetched(rows=rows)


def fetch_activity(session: PostgresSession, _window: Window) -> Fetched:
    """Return client sessions in groups: a PostgresSessionGroup each. Needs: pg_monitor."""
    rows, truncated = read(session, "activity", PostgresSessionGroup)
    return Fetched(rows=rows, truncated=truncated, problem=privilege_problem(session))


def fetch_transactions(session: PostgresSession, _window: Window) -> Fetched:
    """Return the sessions that are not idle, the oldest transaction first: a PostgresActiveSession each.

    Source: sql/transactions.sql. Needs: pg_monitor.
    """
    rows, truncated = read(session, "transactions", PostgresActiveSession)
    return Fetched(rows=rows, truncated=truncated, problem=privilege_problem(session))


SATURATION = Probe(
    name="postgres.saturation",
    fetch=fetch_saturation,
    question="How many connections are left?",
    source=statement("saturation"),
)
ACTIVITY = Probe(
    name="postgres.activity",
    fetch=fetch_activity,
    question="Who holds the connections, and in which state?",
    source=statement("activity"),
    needs="pg_monitor",
)
TRANSACTIONS = Probe(
    name="postgres.transactions",
    fetch=fetch_transactions,
    question="Which queries and transactions run for long, and which sit idle?",
    source=statement("transactions"),
    needs="pg_monitor",
)

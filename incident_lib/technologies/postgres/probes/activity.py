"""Who is connected, doing what, and how full is it?"""

from incident_lib.model import Window
from incident_lib.probes.base import Fetched, Probe
from incident_lib.technologies.postgres.connect import PostgresSession
from incident_lib.technologies.postgres.probes.reading import probe_of, read, statement
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
    question="How many connections are left, and has a role come to its own limit?",
    source=statement("saturation"),
    in_watch={},
)
ACTIVITY = probe_of(
    "activity", PostgresSessionGroup, "Who holds the connections, and in which state?", needs="pg_monitor"
)
TRANSACTIONS = probe_of(
    "transactions",
    PostgresActiveSession,
    "Which queries and transactions run for long, and which sit idle?",
    needs="pg_monitor",
)

"""What should go on by itself: archiving, and indexes that are whole."""

from incident_lib.connections.postgres import PostgresSession
from incident_lib.model import Window
from incident_lib.model.postgres import PostgresArchiver, PostgresInvalidIndex
from incident_lib.probes.base import Fetched, Probe
from incident_lib.probes.postgres.reading import privilege_problem, read, statement


def fetch_archiver(session: PostgresSession, _window: Window) -> Fetched:
    """Return how archiving goes: one PostgresArchiver. Source: sql/archiver.sql."""
    rows, _ = read(session, "archiver", PostgresArchiver)
    return Fetched(rows=rows)


def fetch_indexes(session: PostgresSession, _window: Window) -> Fetched:
    """Return indexes that are not valid: a PostgresInvalidIndex each. Needs: pg_monitor, to know builds."""
    rows, truncated = read(session, "invalid_indexes", PostgresInvalidIndex)
    # Without the privilege a build that goes on cannot be told from one that failed.
    return Fetched(rows=rows, truncated=truncated, problem=privilege_problem(session) if rows else None)


ARCHIVER = Probe(
    name="postgres.archiver",
    fetch=fetch_archiver,
    question="Is the write-ahead log archived?",
    source=statement("archiver"),
    tier=1,
)
INDEXES = Probe(
    name="postgres.indexes",
    fetch=fetch_indexes,
    question="Is an index left half-built?",
    source=statement("invalid_indexes"),
    needs="pg_monitor",
    cost="one scan of pg_index",
    tier=1,
)

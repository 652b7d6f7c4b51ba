"""Do dead rows pile up, and which tables are scanned from end to end?"""

from incident_lib.connections.postgres import PostgresSession
from incident_lib.model import Window
from incident_lib.model.postgres import PostgresTable
from incident_lib.probes.base import Fetched, Probe
from incident_lib.probes.postgres.reading import read, statement


def fetch_tables(session: PostgresSession, _window: Window) -> Fetched:
    """Return the tables with most dead rows, most pages, most rows read in sequence: a PostgresTable each.

    Source: sql/tables.sql. Cost: one scan of pg_class; no table is opened.
    """
    rows, truncated = read(session, "tables", PostgresTable)
    return Fetched(rows=rows, truncated=truncated)


TABLES = Probe(
    name="postgres.tables",
    fetch=fetch_tables,
    question="Is autovacuum behind, and what is scanned in sequence?",
    source=statement("tables"),
    cost="one scan of pg_class",
    tier=1,
)

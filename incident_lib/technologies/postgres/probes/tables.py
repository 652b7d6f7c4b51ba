"""Do dead rows pile up, and which tables are scanned from end to end?"""

from incident_lib.model import Window
from incident_lib.probes.base import Fetched, Probe
from incident_lib.technologies.postgres.connect import PostgresSession
from incident_lib.technologies.postgres.probes.reading import read, statement
from incident_lib.technologies.postgres.rows import PostgresTable, PostgresVacuum


def fetch_tables(session: PostgresSession, _window: Window) -> Fetched:
    """Return the tables with most dead rows, most pages, most rows read in sequence: a PostgresTable each.

    Then each VACUUM that runs, a PostgresVacuum. Source: sql/tables.sql, sql/vacuums.sql. Cost: one scan of
    pg_class; no table is opened.
    """
    rows, truncated = read(session, "tables", PostgresTable)
    vacuums, _ = read(session, "vacuums", PostgresVacuum)
    source = "\n\n".join((statement("tables"), statement("vacuums")))
    return Fetched(rows=(*rows, *vacuums), source=source, truncated=truncated)


TABLES = Probe(
    name="postgres.tables",
    fetch=fetch_tables,
    question="Is autovacuum behind, what is VACUUM doing, and which tables are scanned sequentially?",
    source=statement("tables"),
    cost="one scan of pg_class",
    tier=1,
)

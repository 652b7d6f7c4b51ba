"""What should go on by itself: archiving, cleanup, whole indexes."""

from incident_lib.model import Window
from incident_lib.probes.base import Fetched, Probe
from incident_lib.technologies.postgres.connect import PostgresSession
from incident_lib.technologies.postgres.probes.reading import privilege_problem, probe_of, read, statement
from incident_lib.technologies.postgres.rows import (
    PostgresArchiver,
    PostgresCollation,
    PostgresHorizonHolder,
    PostgresInvalidIndex,
    PostgresWalFolder,
)

_RECORDS_DATABASE = 150_000  # from this version on the collation of a database has a version


def fetch_archiver(session: PostgresSession, _window: Window) -> Fetched:
    """Return how archiving goes: one PostgresArchiver, and with pg_monitor one PostgresWalFolder.

    Source: sql/archiver.sql, sql/wal_folder.sql.
    """
    rows, _ = read(session, "archiver", PostgresArchiver)
    problem = privilege_problem(session)
    folder = () if problem else read(session, "wal_folder", PostgresWalFolder)[0]
    source = "\n\n".join((statement("archiver"), *(() if problem else (statement("wal_folder"),))))
    return Fetched(rows=(*rows, *folder), source=source, problem=problem)


def fetch_indexes(session: PostgresSession, _window: Window) -> Fetched:
    """Return indexes that are not valid: a PostgresInvalidIndex each; then a PostgresCollation each.

    Source: sql/invalid_indexes.sql, sql/collations.sql, from 15 on sql/database_collation.sql. Needs:
    pg_monitor, to know builds.
    """
    rows, truncated = read(session, "invalid_indexes", PostgresInvalidIndex)
    names = ["collations"]
    if session.facts and session.facts["version_number"] >= _RECORDS_DATABASE:
        names.append("database_collation")
    collations = [row for name in names for row in read(session, name, PostgresCollation)[0]]
    # Without the privilege a build that goes on cannot be distinguished from one that failed.
    return Fetched(
        rows=(*rows, *collations),
        source="\n\n".join(statement(name) for name in ("invalid_indexes", *names)),
        truncated=truncated,
        problem=privilege_problem(session) if rows else None,
    )


ARCHIVER = Probe(
    name="postgres.archiver",
    fetch=fetch_archiver,
    question="Is the write-ahead log archived, and does it pile up?",
    source=statement("archiver"),
    needs="pg_monitor",
    cost="lists two folders of the server",
    tier=1,
)
INDEXES = Probe(
    name="postgres.indexes",
    fetch=fetch_indexes,
    question="Is an index left half-built, or sorted by another version of its collation?",
    source=statement("invalid_indexes"),
    needs="pg_monitor",
    cost="three scans of pg_index",
    tier=1,
)
HORIZON = probe_of(
    "horizon",
    PostgresHorizonHolder,
    "What prevents dead rows from being removed?",
    needs="pg_monitor",
    tier=1,
)

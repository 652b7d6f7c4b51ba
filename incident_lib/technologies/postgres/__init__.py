"""PostgreSQL, and PgBouncer in front of it."""

from incident_lib.config import Kind
from incident_lib.model.rows import rows_of
from incident_lib.technologies import Access, Discovery, Technology
from incident_lib.technologies.postgres import (
    actions,
    catalogue,
    findings,
    health,
    probes,
    readings,
    rows,
    runbook,
    thresholds,
)
from incident_lib.technologies.postgres.findings.schema import analyze_schema_change

_ROLE = """\
CREATE ROLE incident_workbench LOGIN CONNECTION LIMIT 5;  -- then: \\password incident_workbench
GRANT pg_monitor TO incident_workbench;
GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO incident_workbench;  -- how much of each is used
-- From 16 on, with reserved_connections = 2 in postgresql.conf, it gets in even when all others are taken:
-- GRANT pg_use_reserved_connections TO incident_workbench;
ALTER ROLE incident_workbench SET default_transaction_read_only = on;
CREATE EXTENSION IF NOT EXISTS pg_stat_statements;  -- in each database, for the statements that take the time
"""

TECHNOLOGY = Technology(
    name="postgres",
    kind=Kind(
        name="postgres",
        default_port=5432,
        schemes=("postgres", "postgresql"),
        variables=("POSTGRES", "PGHOST", "DATABASE", "DB_"),
        has_sql=True,
    ),
    discovery=Discovery(
        images=("postgres", "postgis", "timescaledb", "pgvector"),
        port=5432,
        hint='dsn = "env:DATABASE_URL"  # a separate role is better: `incident init` printed the SQL',
        access=Access(
            key="postgres_sql",
            title="For PostgreSQL, a role that sees everything and changes nothing",
            text=_ROLE,
        ),
    ),
    programs=("postgres",),
    rows=rows_of(rows),
    probes=probes.PROBES,
    lanes=probes.lanes,
    analyzers=findings.ANALYZERS,
    on_failure=findings.ON_FAILURE,
    readings=readings.READINGS,
    novelties=readings.NOVELTIES,
    changes={"postgres.schema": analyze_schema_change},
    first_probes=runbook.FIRST,
    by_hand=runbook.by_hand,
    health=health.checks,
    findings=catalogue.FINDINGS,
    thresholds=thresholds.LIMITS,
    answers="postgres.connection",
    actions=(actions.CANCEL, actions.TERMINATE),
    restart_risks=(
        "every connection is lost, and every running transaction is rolled back",
        "a server in crash recovery starts it over: read its log first",
    ),
    notebook="20_database",
)

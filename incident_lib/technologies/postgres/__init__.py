"""PostgreSQL, and PgBouncer in front of it."""

from typing import get_args

from incident_lib.technologies import Technology
from incident_lib.technologies.postgres import actions, findings, probes
from incident_lib.technologies.postgres.rows import PostgresRow

TECHNOLOGY = Technology(
    name="postgres",
    kinds=("postgres",),
    default_port=5432,
    schemes=("postgres", "postgresql"),
    programs=("postgres",),
    rows=get_args(PostgresRow),
    probes=probes.PROBES,
    lanes=probes.lanes,
    analyzers=findings.ANALYZERS,
    on_failure=findings.ON_FAILURE,
    answers="postgres.connection",
    actions=(actions.CANCEL, actions.TERMINATE),
    notebook="20_database",
)

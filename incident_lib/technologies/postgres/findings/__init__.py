"""What the rows of the postgres probes mean."""

from incident_lib.findings.base import Analyzer
from incident_lib.technologies.postgres.findings.activity import analyze_activity, analyze_saturation
from incident_lib.technologies.postgres.findings.connection import analyze_connection, analyze_failure
from incident_lib.technologies.postgres.findings.counters import analyze_counters
from incident_lib.technologies.postgres.findings.disk import analyze_disk
from incident_lib.technologies.postgres.findings.locks import analyze_locks
from incident_lib.technologies.postgres.findings.pooler import analyze_pooler, analyze_pooler_failure
from incident_lib.technologies.postgres.findings.schema import analyze_schema
from incident_lib.technologies.postgres.findings.sequences import analyze_sequences
from incident_lib.technologies.postgres.findings.server import (
    analyze_databases,
    analyze_replication,
    analyze_server,
    analyze_settings,
)
from incident_lib.technologies.postgres.findings.statements import analyze_statements
from incident_lib.technologies.postgres.findings.tables import analyze_tables
from incident_lib.technologies.postgres.findings.transactions import analyze_transactions
from incident_lib.technologies.postgres.findings.upkeep import (
    analyze_archiver,
    analyze_horizon,
    analyze_indexes,
)

ANALYZERS: dict[str, Analyzer] = {
    "postgres.connection": analyze_connection,
    "postgres.saturation": analyze_saturation,
    "postgres.activity": analyze_activity,
    "postgres.transactions": analyze_transactions,
    "postgres.locks": analyze_locks,
    "postgres.server": analyze_server,
    "postgres.counters": analyze_counters,
    "postgres.replication": analyze_replication,
    "postgres.settings": analyze_settings,
    "postgres.databases": analyze_databases,
    "postgres.disk": analyze_disk,
    "postgres.archiver": analyze_archiver,
    "postgres.indexes": analyze_indexes,
    "postgres.horizon": analyze_horizon,
    "postgres.sequences": analyze_sequences,
    "postgres.tables": analyze_tables,
    "postgres.schema": analyze_schema,
    "postgres.statements": analyze_statements,
    "postgres.pooler": analyze_pooler,
}
ON_FAILURE: dict[str, Analyzer] = {
    "postgres.connection": analyze_failure,
    "postgres.pooler": analyze_pooler_failure,
}

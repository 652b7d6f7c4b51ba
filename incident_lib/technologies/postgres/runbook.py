"""What a person types to see what a PostgreSQL probe sees."""

from shlex import quote

from incident_lib.config import Dependency, Service
from incident_lib.model.runbook import Command, shell_reference

FIRST = ("postgres.connection", "postgres.saturation", "postgres.locks")
# In double quotes of a shell, so without any of " $ ` \\ !
_SQL = {
    "postgres.connection": "SELECT version(), pg_postmaster_start_time(), pg_is_in_recovery()",
    "postgres.server": "SELECT pg_postmaster_start_time(), pg_conf_load_time(), pg_is_in_recovery()",
    "postgres.saturation": (
        "SELECT count(*), current_setting('max_connections') AS most FROM pg_stat_activity"
        " WHERE backend_type = 'client backend'"
    ),
    "postgres.activity": (
        "SELECT application_name, usename, state, count(*) FROM pg_stat_activity"
        " GROUP BY 1, 2, 3 ORDER BY 4 DESC"
    ),
    "postgres.transactions": (
        "SELECT pid, application_name, state, now() - xact_start AS open_for, wait_event,"
        " left(query, 80) AS query FROM pg_stat_activity"
        " WHERE xact_start IS NOT NULL ORDER BY xact_start LIMIT 20"
    ),
    "postgres.locks": (
        "SELECT pid, pg_blocking_pids(pid) AS blocked_by, application_name, state,"
        " now() - xact_start AS open_for, left(query, 80) AS query FROM pg_stat_activity"
        " WHERE cardinality(pg_blocking_pids(pid)) > 0 ORDER BY xact_start"
    ),
    "postgres.statements": (
        "SELECT calls, round(total_exec_time) AS ms, left(query, 80) AS query FROM pg_stat_statements"
        " ORDER BY total_exec_time DESC LIMIT 10"
    ),
    "postgres.tables": (
        "SELECT relname, seq_scan, seq_tup_read, n_live_tup, n_dead_tup FROM pg_stat_user_tables"
        " ORDER BY seq_tup_read DESC LIMIT 10"
    ),
    "postgres.counters": (
        "SELECT datname, xact_rollback, deadlocks, temp_files, temp_bytes FROM pg_stat_database"
    ),
    "postgres.replication": (
        "SELECT slot_name, active, wal_status, restart_lsn FROM pg_replication_slots ORDER BY active"
    ),
    "postgres.archiver": (
        "SELECT last_archived_wal, last_archived_time, last_failed_time FROM pg_stat_archiver"
    ),
    "postgres.horizon": (
        "SELECT pid, application_name, age(backend_xmin), now() - xact_start AS age FROM pg_stat_activity"
        " WHERE backend_xmin IS NOT NULL ORDER BY 3 DESC LIMIT 10"
    ),
    "postgres.databases": "SELECT datname, pg_size_pretty(pg_database_size(oid)) FROM pg_database",
}


def by_hand(probe: str, target: Service | Dependency) -> tuple[Command, ...]:
    """Return the commands that show by hand what a probe sees."""
    if probe not in _SQL or not isinstance(target, Service) or target.kind != "postgres":
        return ()
    if target.dsn:
        way = f"psql {shell_reference(target.dsn)}"
    elif target.container:
        way = f"docker exec {quote(target.container)} psql -U postgres"
    else:
        return ()
    return (Command(text=f'{way} -X -c "{_SQL[probe]}"', shows=probe.partition(".")[2]),)

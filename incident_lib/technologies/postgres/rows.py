"""Records of the postgres probes. Times are the server's own; None is what it did not tell us."""

from datetime import datetime

from incident_lib.model.rows import Row
from incident_lib.technologies.postgres.rows_load import PostgresLoadRow
from incident_lib.technologies.postgres.rows_schema import PostgresSchemaRow
from incident_lib.technologies.postgres.rows_upkeep import PostgresUpkeepRow


class PostgresConnection(Row, frozen=True, kw_only=True):
    """How the server was reached, what it says of itself, and what our role may see."""

    version: str
    version_number: int  # 160004
    database: str
    in_recovery: bool
    role: str
    role_is_superuser: bool
    role_sees_everything: bool  # pg_monitor, or superuser
    role_owns_tables: bool
    role_other_session_count: int  # sessions of the same role that are not ours
    server_time_at: datetime
    clock_difference_seconds: float | None  # the server's clock less ours
    latency_seconds: float
    way: str = ""  # "configured", "discovered", "exec"
    attempts: tuple[str, ...] = ()  # ways that failed before
    through_pooler: bool = False
    refused_database: str | None = None  # the configured database, when another one let us in
    refused_kind: str | None = None  # value of a ProblemKind
    refused_message: str | None = None


class PostgresCapacity(Row, frozen=True, kw_only=True):
    """Connections and locks against what the server has room for."""

    connection_count: int  # without ours
    max_connections: int
    reserved_count: int  # for superusers, and from 16 for pg_use_reserved_connections
    usable_count: int
    lock_count: int
    lock_slot_count: int


class PostgresSessionGroup(Row, frozen=True, kw_only=True):
    """Client sessions that have application, role, database, client and state in common."""

    application: str | None
    role: str | None
    database: str | None
    client_address: str | None  # None is the local socket, or not told
    state: str | None
    session_count: int
    oldest_state_change_at: datetime | None
    newest_start_at: datetime | None
    limit_count: int  # usable connections of the server, for comparison
    young_count: int | None = None  # that began less than ten seconds ago


class PostgresActiveSession(Row, frozen=True, kw_only=True):
    """A client session inside a transaction or a statement."""

    pid: int
    application: str | None
    role: str | None
    database: str | None
    client_address: str | None
    state: str | None
    backend_started_at: datetime | None
    transaction_started_at: datetime | None
    query_started_at: datetime | None
    state_changed_at: datetime | None
    transaction_seconds: float | None
    query_seconds: float | None  # of a running statement
    state_seconds: float | None
    wait_type: str | None
    wait_event: str | None
    snapshot_age_transactions: int | None  # how far it holds the cleanup horizon back
    blocking_count: int  # sessions that wait for it directly
    query: str | None


class PostgresLockSession(Row, frozen=True, kw_only=True):
    """A session that waits for a lock, or that another one waits for. pid 0 is a prepared transaction."""

    pid: int
    blocked_by: tuple[int, ...] = ()  # empty: it waits for nobody
    application: str | None
    role: str | None
    database: str | None
    client_address: str | None
    state: str | None
    kind: str | None  # "client backend", "autovacuum worker", ...
    transaction_started_at: datetime | None
    query_started_at: datetime | None
    state_changed_at: datetime | None
    transaction_seconds: float | None
    query_seconds: float | None
    state_seconds: float | None
    query: str | None
    lock_type: str | None  # what it waits for: "relation", "transactionid", "tuple", "advisory", "virtualxid"
    lock_mode: str | None
    lock_database: int | None
    lock_relation: int | None  # oid
    lock_object: str | None  # the keys of an advisory lock, the number of a transaction
    relation: str | None = None  # its name, as far as it is in our database
    wait_started_at: datetime | None
    wait_seconds: float | None
    wait_is_estimate: bool = False  # before 14: counted from the start of the statement


class PostgresCounters(Row, frozen=True, kw_only=True):
    """What happened in one database between two readings."""

    database: str
    interval_seconds: float
    commit_count: int
    rollback_count: int
    deadlock_count: int
    conflict_count: int
    temporary_bytes: int
    temporary_file_count: int
    block_read_count: int
    block_hit_count: int
    session_count: int | None  # from 14, as the next three
    abandoned_count: int | None
    fatal_count: int | None
    killed_count: int | None
    checksum_failure_count: int | None  # all there ever were
    checksum_failed_at: datetime | None
    block_read_seconds: float | None = None  # None: track_io_timing is off
    block_write_seconds: float | None = None


class PostgresServer(Row, frozen=True, kw_only=True):
    """The server's life: start, configuration, role, and how far it is from wraparound."""

    started_at: datetime
    configuration_loaded_at: datetime
    in_recovery: bool
    autovacuum_is_on: bool
    transaction_age: int  # of the oldest database
    transaction_age_database: str | None
    multixact_age: int
    prepared_transaction_count: int
    oldest_prepared_seconds: float | None
    oldest_prepared_at: datetime | None
    oldest_prepared_name: str | None
    autovacuum_worker_count: int | None = None  # None: our role does not see them
    autovacuum_worker_limit: int | None = None
    notify_queue_ratio: float | None = None  # how full the queue of NOTIFY is


class PostgresStandby(Row, frozen=True, kw_only=True):
    """A standby that streams from this server, this server as a standby, or a subscription of it."""

    direction: str  # "downstream", "upstream", "subscription"
    name: str | None
    client_address: str | None
    state: str | None
    synchronous: str | None
    lag_bytes: int | None
    lag_seconds: float | None  # None or 0 when there is nothing to replay
    is_logical: bool = False  # what streams from here is a subscriber
    silent_seconds: float | None = None  # since a subscription heard of its publisher


class PostgresSlot(Row, frozen=True, kw_only=True):
    """A replication slot and what it holds back."""

    name: str
    kind: str | None
    database: str | None
    active: bool
    wal_status: str | None
    retained_bytes: int | None
    inactive_since: datetime | None
    snapshot_age_transactions: int | None


class PostgresDatabase(Row, frozen=True, kw_only=True):
    """One database: size, age, limit."""

    database: str
    size_bytes: int | None  # None where our role may not connect
    transaction_age: int
    connection_count: int | None
    connection_limit: int | None
    allows_connections: bool


class PostgresTable(Row, frozen=True, kw_only=True):
    """One table of our database: dead rows, vacuum, scans, size from the planner's page count."""

    schema: str
    table: str
    live_row_count: int
    dead_row_count: int
    vacuum_threshold_rows: float | None  # what autovacuum waits for, the table's own settings counted
    autovacuum_is_on: bool
    last_vacuum_at: datetime | None  # by hand or by autovacuum
    last_analyze_at: datetime | None
    sequential_scan_count: int
    sequential_row_count: int
    index_scan_count: int | None
    size_bytes: int  # relpages
    estimated_row_count: float | None
    transaction_age: int


class PostgresStatement(Row, frozen=True, kw_only=True):
    """What one normalised statement did between two readings of pg_stat_statements."""

    statement_id: str
    role: str | None
    database: str | None
    interval_seconds: float
    call_count: int
    total_seconds: float
    mean_seconds: float
    share_ratio: float  # of the time of all statements in the interval
    row_count: int
    block_read_count: int
    temporary_block_count: int
    query: str | None


class PostgresSetting(Row, frozen=True, kw_only=True):
    """One server setting, with where its value comes from."""

    name: str
    value: str | None
    unit: str | None
    source: str | None
    is_default: bool
    pending_restart: bool


PostgresRow = (
    PostgresConnection
    | PostgresCapacity
    | PostgresSessionGroup
    | PostgresActiveSession
    | PostgresLockSession
    | PostgresCounters
    | PostgresServer
    | PostgresStandby
    | PostgresSlot
    | PostgresDatabase
    | PostgresTable
    | PostgresStatement
    | PostgresSetting
    | PostgresUpkeepRow
    | PostgresSchemaRow
    | PostgresLoadRow
)

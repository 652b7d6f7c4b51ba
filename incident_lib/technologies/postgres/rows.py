"""Records of the postgres probes. Times are the server's own; None is what it did not return."""

from datetime import datetime

from incident_lib.model.rows import Row


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


class PostgresRoleLimit(Row, frozen=True, kw_only=True):
    """The sessions of a role that has a limit of its own."""

    role: str
    connection_count: int  # without ours
    limit_count: int


class PostgresSessionGroup(Row, frozen=True, kw_only=True):
    """Client sessions that have application, role, database, client and state in common."""

    application: str | None
    role: str | None
    database: str | None
    client_address: str | None  # None is the local socket, or unknown
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
    is_new_head: bool | None = None  # others waited a moment ago already, and not for its transaction


class PostgresLockSession(Row, frozen=True, kw_only=True):
    """A session that waits for a lock, or that another one waits for.

    A prepared transaction has no process: its pid is below 0, and 0 where it is not known which one it is.
    """

    pid: int
    blocked_by: tuple[int, ...] = ()  # empty: it waits for no other
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
    wait_type: str | None = None  # its own wait, also of one that waits for no lock
    wait_event: str | None = None
    prepared_name: str | None = None  # of a prepared transaction, whose pid is below 0: it has no process
    lasts: bool | None = None  # a moment later it was the same: the same transaction, or still waiting


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
    unsent_bytes: int | None = None  # of a standby that streams from here: what has not left yet,
    unwritten_bytes: int | None = None  # is on its way or not on its disk,
    unreplayed_bytes: int | None = None  # is there and not replayed
    is_paused: bool | None = None  # of this standby: replay was paused by hand
    delay_seconds: float | None = None  # recovery_min_apply_delay: it is meant to be so far behind
    has_upstream: bool | None = None  # primary_conninfo is set; False: it lives on an archive
    newest_seconds: float | None = None  # the age of the newest transaction that it has replayed
    passes_feedback: bool | None = None  # hot_standby_feedback
    patience_seconds: float | None = None  # max_standby_streaming_delay; None: replay waits for ever
    failed_copies: tuple[str, ...] = ()  # of a subscription: tables whose first copy began and does not run
    upstream_port: int | None = None  # of the server that this standby streams from; `name` is its host


class PostgresCommitWait(Row, frozen=True, kw_only=True):
    """What synchronous replication promises, who can keep it, and whose commits wait for that."""

    standby_names: str  # synchronous_standby_names
    synchronous_commit: str  # the setting of the server, which a session may change for itself
    standbys: tuple[str, ...] = ()  # those that stream and count as synchronous
    others: tuple[str, ...] = ()  # those that are connected and do not count
    waiting_pids: tuple[int, ...] = ()
    still_waiting_pids: tuple[int, ...] | None = None  # a moment later, in the same commit; None: not read
    longest_seconds: float | None = None  # the statement of the one that waits longest
    oldest_started_at: datetime | None = None
    applications: tuple[str, ...] = ()


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
    active_pid: int | None = None
    consumer: str | None = None  # what its connection calls itself
    unconfirmed_bytes: int | None = None  # of a logical one
    left_bytes: int | None = None  # that may still be written before it loses its log
    limit_bytes: int | None = None  # max_slot_wal_keep_size; None: no limit
    max_wal_bytes: int | None = None  # max_wal_size
    invalidation_reason: str | None = None
    interval_seconds: float | None = None  # between two readings; None: it was read once
    moved_bytes: int | None = None  # what it keeps from begins so much later, as the next two in the interval
    confirmed_moved_bytes: int | None = None
    grown_bytes: int | None = None  # what it keeps is so much more


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
    """What one normalized statement did between two readings of pg_stat_statements."""

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


class PostgresOwnSetting(Row, frozen=True, kw_only=True):
    """A limit that a role, a database or a role in a database has of its own; None means any of them."""

    role: str | None
    database: str | None
    name: str
    value: str


class PostgresIo(Row, frozen=True, kw_only=True):
    """Reads and writes of one kind of process between two readings (16 on). None is what it never does."""

    backend_type: str
    object: str  # "relation", "temp relation", "wal"
    context: str  # "normal", "vacuum", "bulkread", ...
    interval_seconds: float
    read_count: int | None
    read_bytes: int | None
    read_seconds: float | None  # 0 where track_io_timing is off
    write_count: int | None
    write_bytes: int | None
    write_seconds: float | None
    extend_count: int | None
    hit_count: int | None
    eviction_count: int | None
    sync_count: int | None
    sync_seconds: float | None


class PostgresSlru(Row, frozen=True, kw_only=True):
    """One of the small caches for transactions, multixacts, notifications, between two readings."""

    name: str
    interval_seconds: float
    hit_count: int
    read_count: int
    write_count: int
    new_count: int  # pages begun


class PostgresEvictions(Row, frozen=True, kw_only=True):
    """Statements that pg_stat_statements forgot for want of room."""

    evicted_count: int  # between two readings
    total_evicted_count: int
    counted_since_at: datetime | None
    entry_count: int
    entry_limit: int


class PostgresPool(Row, frozen=True, kw_only=True):
    """One pool of PgBouncer: the clients of one role in one database, and the sessions they share."""

    database: str
    role: str
    mode: str | None
    client_active_count: int
    client_waiting_count: int
    client_waiting_before_count: int  # a second earlier
    longest_wait_seconds: float
    server_active_count: int
    server_idle_count: int
    server_used_count: int
    server_login_count: int  # connecting right now
    size_limit_count: int | None  # pool_size of the database
    server_address: str | None
    database_limit_count: int | None = None  # max_db_connections; None: no limit
    database_connection_count: int | None = None  # of all pools of the database
    is_paused: bool | None = None  # by PAUSE, until RESUME
    is_disabled: bool | None = None  # by DISABLE, until ENABLE
    server_database: str | None = None  # what it is called at the server
    server_role: str | None = None  # that all its clients become there; None: each its own
    user_limit_count: int | None = None  # max_user_connections; None: no limit
    user_connection_count: int | None = None  # of all pools of the role that it becomes at the server

    @property
    def name(self) -> str:
        """Its name: that of the database and the role that its clients give."""
        return f"{self.database}/{self.role}"


class PostgresPooler(Row, frozen=True, kw_only=True):
    """PgBouncer itself: its clients against the most it takes."""

    version: str | None
    client_count: int
    client_limit: int | None  # max_client_conn
    server_count: int


class PostgresSchema(Row, frozen=True, kw_only=True):
    """The schema of one database in a few numbers, to be compared with those of another snapshot."""

    database: str
    next_transaction: int  # what is written from now on has this number or a later one
    tells_times: bool  # track_commit_timestamp is on
    table_count: int
    index_count: int
    view_count: int
    column_count: int | None


class PostgresRelation(Row, frozen=True, kw_only=True):
    """A table, index or view whose entry in the catalog is among those written last."""

    oid: int
    schema: str
    name: str
    kind: str  # table, index, view, materialized view, sequence, foreign table
    entry_transaction: int  # that wrote its entry: also TRUNCATE, REINDEX and VACUUM FULL do
    columns_transaction: int | None  # that wrote a column's entry
    committed_at: datetime | None  # of the later of the two; only with track_commit_timestamp


class PostgresSchemaStatement(Row, frozen=True, kw_only=True):
    """A change of the schema that a session runs, or that was the last thing it ran."""

    pid: int
    role: str | None
    application: str | None
    state: str | None
    started_at: datetime
    ended_at: datetime | None  # None while it runs
    query: str


class PostgresWait(Row, frozen=True, kw_only=True):
    """What active sessions waited for in a number of samples, a fraction of a second apart."""

    wait_type: str  # "CPU" when it ran and waited for nothing
    wait_event: str
    session_count: int  # seen in all samples together
    sample_count: int  # samples
    mean_session_count: float  # a sample
    share_ratio: float  # of all active sessions in all samples


class PostgresRunningStatement(Row, frozen=True, kw_only=True):
    """A statement, its values left out, that sessions ran, and did not wait for locks in."""

    query: str
    session_count: int  # seen in all samples together
    sample_count: int  # samples
    mean_session_count: float  # a sample: how many processors and disks it keeps busy
    share_ratio: float  # of all that ran
    longest_seconds: float | None = None  # that one call was seen to run


class PostgresTableScan(Row, frozen=True, kw_only=True):
    """How a large table of our database was read between two readings."""

    schema: str
    table: str
    size_bytes: int
    estimated_row_count: float | None
    interval_seconds: float
    sequential_scan_count: int  # begun
    sequential_row_count: int  # read by them, kept or not
    indexed_row_count: int  # fetched through an index


class PostgresCheckpoints(Row, frozen=True, kw_only=True):
    """Checkpoints and the write-ahead log between two readings, with the totals since the last reset."""

    interval_seconds: float
    timed_count: int
    requested_count: int  # because the WAL was full, or on request
    wal_bytes: int | None  # None on a standby
    total_timed_count: int
    total_requested_count: int
    counted_since_at: datetime | None  # None: since the server was made
    max_wal_bytes: int
    checkpoint_timeout_seconds: float
    completion_target_ratio: float
    wal_position_bytes: int | None = None  # all there ever was, so that snapshots can be compared
    counted_wal_bytes: int | None = None  # written since its counter was reset, by pg_stat_wal; from 14


class PostgresSequence(Row, frozen=True, kw_only=True):
    """A sequence and how far it can go: its own limit, or that of the type of the column it fills."""

    schema: str
    name: str
    table: str | None
    column: str | None
    column_type: str | None
    start_value: int
    increment: int
    is_cycling: bool
    limit_value: int
    may_read: bool  # False: our role may not see where it stands
    last_value: int | None  # None: never used, or unknown
    is_left_alone: bool = False  # it was locked, so it was not read


class PostgresNarrowColumn(Row, frozen=True, kw_only=True):
    """A column with less room than the key whose numbers it holds."""

    schema: str
    table: str
    column: str
    column_type: str
    limit_value: int
    key_table: str
    key_column: str
    last_value: int  # of the sequence that fills the key
    is_declared: bool  # by a foreign key; False: its name says so


class PostgresHorizonHolder(Row, frozen=True, kw_only=True):
    """A holder whose old view of the data keeps dead rows from being removed."""

    kind: str  # "session", "prepared transaction", "replication slot", "standby"
    name: str
    pid: int | None
    database: str | None
    age_transactions: int
    since_at: datetime | None
    held_seconds: float | None
    backend_type: str | None = None  # of a session, as the next five
    state: str | None = None
    wait_type: str | None = None
    wait_event: str | None = None
    application: str | None = None
    query: str | None = None
    is_physical: bool | None = None  # of a slot: a standby uses it, and may pass its view on


class PostgresArchiver(Row, frozen=True, kw_only=True):
    """How archiving of the write-ahead log goes."""

    archiving_is_on: bool
    archived_at: datetime | None
    archived_file: str | None
    failed_at: datetime | None
    failed_file: str | None
    failure_count: int  # all there ever were


class PostgresWalFolder(Row, frozen=True, kw_only=True):
    """What the write-ahead log takes on disk, and what of it waits to be archived."""

    file_count: int
    size_bytes: int
    waiting_count: int  # files
    max_bytes: int  # max_wal_size, which is a wish and no limit
    kept_bytes: int  # wal_keep_size


class PostgresInvalidIndex(Row, frozen=True, kw_only=True):
    """An index of our database that no query uses, because its build failed or still runs."""

    schema: str
    index: str
    table: str
    is_being_built: bool


class PostgresCollation(Row, frozen=True, kw_only=True):
    """A collation that sorts by another version of its library than indexes were built with."""

    name: str
    recorded_version: str
    actual_version: str | None
    index_count: int  # of our database, that use it
    is_of_database: bool


class PostgresVacuum(Row, frozen=True, kw_only=True):
    """A VACUUM that runs, and how far it is."""

    pid: int
    database: str | None
    table: str | None  # None: in another database
    phase: str | None
    is_automatic: bool | None
    is_for_wraparound: bool | None
    started_at: datetime | None
    run_seconds: float | None
    wait_type: str | None
    wait_event: str | None
    size_bytes: int | None
    scanned_ratio: float | None
    vacuumed_ratio: float | None
    index_pass_count: int | None  # more than one: its memory holds too few dead rows
    dead_row_count: int | None
    memory_ratio: float | None
    index_count: int | None = None  # from 17, as the next one
    index_done_count: int | None = None


TABLESPACE = "tablespace "  # before its name


class PostgresDisk(Row, frozen=True, kw_only=True):
    """A file system that the server writes to, seen from where it runs."""

    path: str
    total_bytes: int
    free_bytes: int  # for the server, which is not root
    vantage: str
    what: str = "data"  # "wal" and "tablespace NAME" where on another one, "shm": what parallel workers share
    file_total_count: int | None = None  # inodes; None: not known, or the file system has no limit
    file_free_count: int | None = None

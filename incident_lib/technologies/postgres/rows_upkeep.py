"""Records of what a PostgreSQL server does by itself: waits, checkpoints, archiving, cleanup, sequences."""

from datetime import datetime

from incident_lib.model.rows import Row


class PostgresWait(Row, frozen=True, kw_only=True):
    """What active sessions waited for in a number of looks, a fraction of a second apart."""

    wait_type: str  # "CPU" when it ran and waited for nothing
    wait_event: str
    session_count: int  # seen in all looks together
    sample_count: int  # looks
    mean_session_count: float  # a look
    share_ratio: float  # of all active sessions in all looks


class PostgresRunningStatement(Row, frozen=True, kw_only=True):
    """A statement, its values left out, that sessions ran, and did not wait for locks in."""

    query: str
    session_count: int  # seen in all looks together
    sample_count: int  # looks
    mean_session_count: float  # a look: how many processors and disks it keeps busy
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
    requested_count: int  # because the WAL was full, or somebody asked
    wal_bytes: int | None  # None on a standby
    total_timed_count: int
    total_requested_count: int
    counted_since_at: datetime | None  # None: since the server was made
    max_wal_bytes: int
    checkpoint_timeout_seconds: float
    completion_target_ratio: float
    wal_position_bytes: int | None = None  # all there ever was, so that snapshots can be compared


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
    last_value: int | None  # None: never used, or not told
    is_left_alone: bool = False  # somebody had locked it, so it was not read


class PostgresHorizonHolder(Row, frozen=True, kw_only=True):
    """Somebody whose old view of the data keeps dead rows from being removed."""

    kind: str  # "session", "prepared transaction", "replication slot", "standby"
    name: str
    pid: int | None
    database: str | None
    age_transactions: int
    since_at: datetime | None
    held_seconds: float | None


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


class PostgresDisk(Row, frozen=True, kw_only=True):
    """The file system that holds the data directory, seen from where the server runs."""

    path: str
    total_bytes: int
    free_bytes: int  # for the server, which is not root
    vantage: str


PostgresUpkeepRow = (
    PostgresWait
    | PostgresRunningStatement
    | PostgresTableScan
    | PostgresCheckpoints
    | PostgresSequence
    | PostgresHorizonHolder
    | PostgresArchiver
    | PostgresWalFolder
    | PostgresInvalidIndex
    | PostgresVacuum
    | PostgresDisk
)

"""Records of what a PostgreSQL server reads and writes between two readings, and of its pooler."""

from datetime import datetime

from incident_lib.model.rows import Row


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


class PostgresPooler(Row, frozen=True, kw_only=True):
    """PgBouncer itself: its clients against the most it takes."""

    version: str | None
    client_count: int
    client_limit: int | None  # max_client_conn
    server_count: int


PostgresLoadRow = PostgresIo | PostgresSlru | PostgresEvictions | PostgresPool | PostgresPooler

"""How errors of PostgreSQL and Redis read, in their own words and in those of their client libraries."""

# (words that must stand in the text, pattern that must match too, or "")
Sign = tuple[str, str]

SIGNS: tuple[tuple[str, tuple[Sign, ...]], ...] = (
    (
        "pool_timeout",
        (
            ("QueuePool limit of size", ""),
            ("psycopg_pool.PoolTimeout", ""),
            ("couldn't get a connection after", ""),
            ("TooManyRequests", r"psycopg_pool\.(?:errors\.)?TooManyRequests"),
            ("asyncpg/pool.py", r"in _?acquire[\s\S]*?TimeoutError"),
            ("connection pool exhausted", r"psycopg2?\.pool\.PoolError"),
            ("MaxConnectionsError", r"redis\.exceptions\.MaxConnectionsError"),
        ),
    ),
    ("http_pool_timeout", (("httpx.PoolTimeout", ""), ("httpcore.PoolTimeout", ""))),
    (
        "db_too_many_clients",
        (
            ("sorry, too many clients already", ""),
            ("remaining connection slots are reserved", ""),
            ("too many connections for ", r"too many connections for (?:role|database) "),
            ("no more connections allowed (max_client_conn)", ""),
        ),
    ),
    (
        "db_refused",
        (
            (
                "connection to server ",
                r"connection to server (?:at|on) [\s\S]{1,300}?(?:Connection refused|No such file)",
            ),
            ("could not connect to server: Connection refused", ""),
            ("Connect call failed", r"Connect call failed \('[^']*', 5432\b"),
            ("asyncpg", r"asyncpg[\s\S]*ConnectionRefusedError"),
        ),
    ),
    (
        "db_connect_timeout",
        (
            ("connection timeout expired", ""),
            ("timeout expired", r"connection to server at .{1,200}timeout expired"),
        ),
    ),
    (
        "db_terminated",
        (
            ("terminating connection due to administrator command", ""),
            ("terminating connection due to unexpected postmaster exit", ""),
            ("terminating connection because of crash of another server process", ""),
            ("server closed the connection unexpectedly", ""),
            ("SSL connection has been closed unexpectedly", ""),
            ("connection was closed in the middle of operation", ""),
            ("consuming input failed", r"consuming input failed: .*(?:closed|reset|terminat)"),
        ),
    ),
    (
        "db_not_ready",
        (
            (
                "the database system is ",
                r"the database system is (?:starting up|shutting down|in recovery mode|not accepting)",
            ),
        ),
    ),
    (
        "db_auth",
        (
            ("password authentication failed for user", ""),
            ("no pg_hba.conf entry for host", ""),
            ("pg_hba.conf rejects connection for host", ""),
            ("Peer authentication failed for user", ""),
            ("InvalidPasswordError", r"asyncpg\.exceptions\.InvalidPasswordError"),
        ),
    ),
    (
        "db_permission",
        (
            (
                "permission denied for ",
                r"permission denied for (?:table|schema|relation|sequence|database|function|view) ",
            ),
        ),
    ),
    ("db_statement_timeout", (("canceling statement due to statement timeout", ""),)),
    ("db_lock_timeout", (("canceling statement due to lock timeout", ""),)),
    ("db_idle_timeout", (("terminating connection due to idle-in-transaction timeout", ""),)),
    ("db_deadlock", (("deadlock detected", ""),)),
    ("db_serialization", (("could not serialize access due to", ""),)),
    (
        "db_read_only",
        (("in a read-only transaction", r"cannot execute \w+(?: \w+)? in a read-only transaction"),),
    ),
    ("db_lock_wait", (("still waiting for ", r"process \d+ still waiting for \w+ on "),)),
    (
        "db_out_of_memory",
        (
            ("Failed on request of size", ""),
            ("out of shared memory", ""),
            ("could not fork new process for connection", ""),
        ),
    ),
    ("db_process_killed", (("was terminated by signal 9", r"\(PID \d+\) was terminated by signal 9"),)),
    (
        "db_process_crashed",
        (("was terminated by signal ", r"\(PID \d+\) was terminated by signal (?!9\b)\d+"),),
    ),
    ("db_checkpoints", (("checkpoints are occurring too frequently", ""),)),
    ("db_sequence", (("nextval: reached m", r"nextval: reached (?:maximum|minimum) value of sequence"),)),
    (
        "db_wraparound",
        (
            ("must be vacuumed within ", r"database .{1,80} must be vacuumed within \d+ transactions"),
            ("to avoid wraparound data loss", r"not accepting commands .{0,80}to avoid wraparound data loss"),
        ),
    ),
    (
        "db_archive_failed",
        (
            ("archive command failed", ""),
            ("archiving write-ahead log file", r"archiving write-ahead log file .* failed"),
        ),
    ),
    (
        "redis_refused",
        (
            (
                "connecting to ",
                r"(?:Error|Errno) (?:111|61|Multiple exceptions)\b[\s\S]{0,400}?connecting to \S{1,200}[:.]",
            ),
            ("Connect call failed", r"Connect call failed \('[^']*', 6379\b"),
            (
                "redis",
                r"redis\.exceptions\.ConnectionError: .{0,200}(?:refused|closed by server|reset by peer)",
            ),
        ),
    ),
    (
        "redis_timeout",
        (
            ("redis.exceptions.TimeoutError", ""),
            ("Timeout reading from ", r"Timeout reading from (?:socket|\S+:\d+)"),
            ("Timeout connecting to server", ""),
        ),
    ),
    (
        "redis_oom",
        (
            ("command not allowed when used memory > 'maxmemory'", ""),
            ("redis.exceptions.OutOfMemoryError", ""),
        ),
    ),
    (
        "redis_misconf",
        (("MISCONF ", r"MISCONF \w+ is configured to save"), ("Errors writing to the AOF file", "")),
    ),
    (
        "redis_readonly",
        (
            ("You can't write against a read only replica", ""),
            ("You can't write against a read only slave", ""),
            ("redis.exceptions.ReadOnlyError", ""),
        ),
    ),
    (
        "redis_auth",
        (
            ("NOAUTH", r"NOAUTH .*Authentication required"),
            ("WRONGPASS", r"WRONGPASS invalid username-password"),
            ("invalid username-password pair", ""),
            (
                "redis.exceptions.Auth",
                r"redis\.exceptions\.Auth(?:entication|orization|enticationWrongNumberOfArgs)\w*Error",
            ),
            ("NOPERM", r"NOPERM .*permissions"),
            ("redis.exceptions.NoPermissionError", ""),
        ),
    ),
    ("redis_loading", (("is loading the dataset in memory", ""), ("redis.exceptions.BusyLoadingError", ""))),
    ("redis_busy", (("is busy running a script", ""),)),
    ("redis_clients", (("max number of clients reached", ""), ("redis.exceptions.MaxClientsError", ""))),
    (
        "redis_save_failed",
        (
            ("Background saving error", ""),
            ("Can't save in background: fork", ""),
            ("Failed opening the temp RDB file", ""),
        ),
    ),
)

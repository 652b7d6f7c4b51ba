"""The numbers that findings of this technology are judged by. `[thresholds]` overrides each."""

from incident_lib.findings.thresholds import limit

LIMITS = {
    "postgres.connection.clock.warning_seconds": limit(5, "own", "times in logs can no longer be compared"),
    "postgres.saturation.info_ratio": limit(0.8, "mixin", "the next deploy or spike may use the rest"),
    "postgres.saturation.warning_ratio": limit(0.9, "CP", "few connections are left"),
    "postgres.saturation.critical_ratio": limit(0.95, "CP", "new clients are about to be refused"),
    "postgres.saturation.lock_table.warning_ratio": limit(
        0.2, "APA", "'out of shared memory' ends transactions"
    ),
    "postgres.saturation.role_limit.info_ratio": limit(0.8, "own", "the role's own CONNECTION LIMIT is near"),
    "postgres.saturation.role_limit.warning_ratio": limit(1.0, "own", "the server refuses the role"),
    "postgres.activity.group.info_ratio": limit(0.5, "own", "one client that takes half can take all"),
    "postgres.activity.young.info_ratio": limit(0.5, "own", "most clients have just connected"),
    "postgres.activity.young.least_count": limit(20, "own", "a small number of new sessions is normal"),
    "postgres.transactions.idle.warning_seconds": limit(60, "own", "it keeps its locks and its snapshot"),
    "postgres.transactions.idle_blocking.critical_seconds": limit(
        0.5, "own", "a session waits for an idle session; shorter pauses are ordinary"
    ),
    "postgres.transactions.long.info_seconds": limit(30, "own", "longer than requests wait"),
    "postgres.transactions.long.warning_seconds": limit(60, "own", "longer than most timeouts"),
    "postgres.transactions.long.critical_seconds": limit(120, "own", "users have given up long before"),
    "postgres.horizon.warning_count": limit(1_000_000, "own", "dead rows cannot be removed"),
    "postgres.horizon.warning_seconds": limit(3600, "own", "an hour of dead rows cannot be removed"),
    "postgres.archiver.wal.warning_ratio": limit(
        2, "own", "of max_wal_size, which the server tries to keep to"
    ),
    "postgres.archiver.waiting.info_count": limit(10, "own", "archiving is a little late"),
    "postgres.archiver.waiting.warning_count": limit(100, "own", "1.6 GB that no backup has yet"),
    "postgres.sequences.warning_ratio": limit(0.85, "CP", "time to make room while inserts still work"),
    "postgres.sequences.critical_ratio": limit(0.95, "CP", "inserts are about to fail"),
    "postgres.locks.wait.warning_seconds": limit(10, "own", "longer than users wait"),
    "postgres.locks.wait_for_idle.warning_seconds": limit(
        5, "own", "what does nothing will not let go by itself"
    ),
    "postgres.locks.waiters.warning_count": limit(2, "own", "a queue has formed, when it lasts for a second"),
    "postgres.locks.waiters.critical_count": limit(5, "own", "the queue takes the pool's connections"),
    "postgres.locks.queue.warning_seconds": limit(1, "own", "shorter queues are ordinary work"),
    "postgres.counters.deadlocks.warning_count": limit(1, "own", "transactions lock in different orders"),
    "postgres.counters.rollbacks.warning_ratio": limit(0.1, "mixin", "one transaction of ten fails"),
    "postgres.counters.rollbacks.least_count": limit(10, "own", "a share of fewer is meaningless"),
    "postgres.counters.temp.warning_bytes_per_minute": limit(1e9, "own", "sorts and hashes fill the disk"),
    "postgres.counters.killed.warning_count": limit(1, "own", "sessions end abnormally"),
    "postgres.counters.conflicts.warning_count": limit(1, "own", "the standby cancels queries to replay"),
    "postgres.counters.checksums.critical_count": limit(1, "CP", "data on disk is damaged"),
    "postgres.counters.load.info_count": limit(
        8, "own", "more sessions at work than most servers have cores"
    ),
    "postgres.counters.load.warning_count": limit(32, "own", "they mostly wait for each other"),
    "postgres.counters.statement.info_ratio": limit(
        1 / 3, "own", "one statement accounts for a third of what runs"
    ),
    "postgres.counters.statement.least_count": limit(0.5, "own", "sessions at a time; less is no load"),
    "postgres.counters.statement.least_seconds": limit(0.5, "own", "of one call: a user waits for it"),
    "postgres.counters.scans.info_rows_per_second": limit(
        1e4, "own", "of large tables, scanned sequentially"
    ),
    "postgres.counters.waits.info_ratio": limit(0.5, "own", "one wait accounts for most of the time"),
    "postgres.counters.waits.warning_count": limit(8, "own", "sessions at a time that wait for the server"),
    "postgres.counters.waits.least_count": limit(1, "own", "a share of less than one session is meaningless"),
    "postgres.counters.cache.info_ratio": limit(
        0.9, "own", "blocks found in its memory; a cold cache has less"
    ),
    "postgres.counters.cache.least_count": limit(1000, "own", "a share of fewer blocks is meaningless"),
    "postgres.counters.checkpoints.warning_count": limit(3, "mixin", "requested, and more than came in time"),
    "postgres.counters.churn.info_per_second": limit(
        20, "own", "each new session costs a process and a login"
    ),
    "postgres.counters.reads.info_seconds": limit(0.01, "own", "the mean of a disk under load"),
    "postgres.counters.reads.warning_seconds": limit(0.05, "own", "the disk is the bottleneck"),
    "postgres.counters.reads.least_count": limit(100, "own", "a mean of fewer is meaningless"),
    "postgres.counters.own_writes.info_per_second": limit(1000, "own", "8 MB a second that sessions write"),
    "postgres.counters.slru.info_per_second": limit(500, "own", "sessions queue for these caches"),
    "postgres.counters.wal.warning_seconds": limit(
        30, "checkpoint_warning", "the server's own limit by default"
    ),
    "postgres.server.notify_queue.warning_ratio": limit(0.5, "own", "the server itself warns from here on"),
    "postgres.server.wraparound.info_count": limit(400e6, "CP", "freezing is late; 200 million is ordinary"),
    "postgres.server.wraparound.warning_count": limit(1.3e9, "CP", "the server stops near 2 billion"),
    "postgres.server.wraparound.critical_count": limit(1.4e9, "CP", "the server stops near 2 billion"),
    "postgres.server.prepared.warning_seconds": limit(1, "CP", "a coordinator should finish it at once"),
    "postgres.server.prepared.critical_seconds": limit(
        30, "CP", "it keeps its locks until its coordinator finishes it"
    ),
    "postgres.databases.limit.warning_ratio": limit(
        0.8, "own", "the database's own CONNECTION LIMIT is near"
    ),
    "postgres.databases.limit.critical_ratio": limit(1.0, "own", "the database refuses clients"),
    "postgres.replication.lag.warning_seconds": limit(5, "APA", "reads from the standby are stale"),
    "postgres.replication.commits.warning_seconds": limit(1, "own", "a commit waits for a connected standby"),
    "postgres.replication.commits.critical_seconds": limit(10, "own", "longer than users wait"),
    "postgres.replication.silent.warning_seconds": limit(
        90, "own", "three times what a publisher may be silent"
    ),
    "postgres.disk.warning_free_ratio": limit(0.1, "APA", "WAL and temporary files need room to work"),
    "postgres.disk.shm.info_bytes": limit(
        128 << 20, "own", "containers have 64 MB by default; parallel joins take more"
    ),
    "postgres.disk.files.warning_free_ratio": limit(
        0.05, "own", "running out of inodes is reported as a full disk"
    ),
    "postgres.disk.critical_free_ratio": limit(0.02, "own", "writes are about to fail"),
    "postgres.pooler.waiting.warning_count": limit(
        1, "own", "in two readings: its pool has no connection left"
    ),
    "postgres.pooler.wait.warning_seconds": limit(1, "own", "longer than a busy pool needs"),
    "postgres.pooler.wait.critical_seconds": limit(10, "own", "longer than users wait"),
    "postgres.pooler.held.least_seconds": limit(
        1, "own", "idle in a transaction; a shorter pause lies between two statements"
    ),
    "postgres.pooler.clients.warning_ratio": limit(0.8, "own", "of max_client_conn"),
    "postgres.pooler.clients.critical_ratio": limit(0.95, "own", "new clients are about to be refused"),
    "postgres.replication.slot.warning_bytes": limit(
        1 << 30, "own", "WAL that is not consumed fills the disk"
    ),
    "postgres.tables.vacuum.warning_hours": limit(
        10, "mixin", "dead rows are past the table's own threshold"
    ),
    "postgres.tables.no_statistics.info_rows": limit(
        10_000, "own", "a wrong plan for fewer rows is rarely noticed"
    ),
    "postgres.statements.dominant.warning_ratio": limit(
        1 / 3, "own", "one statement takes a third of the time"
    ),
    "postgres.statements.evicted.info_count": limit(1, "own", "its table is too small for what is sent"),
    "postgres.statements.dominant.least_ratio": limit(0.5, "own", "seconds a second; less is no load"),
}

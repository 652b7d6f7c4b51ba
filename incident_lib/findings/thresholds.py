"""Every number that something is judged by: unit, source and reason. `[thresholds]` overrides each.

Sources: APA = awesome-prometheus-alerts, mixin = postgres_mixin, CP = check_postgres, own = ours, to be
tuned.
"""

from types import MappingProxyType

import msgspec

from incident_lib.model import FindingSeverity


class Threshold(msgspec.Struct, frozen=True, kw_only=True):
    """One limit: the key ends in severity and unit, `postgres.saturation.warning_ratio`."""

    value: float
    source: str
    reason: str


def _t(value: float, source: str, reason: str) -> Threshold:
    return Threshold(value=value, source=source, reason=reason)


DEFAULTS: dict[str, Threshold] = {
    # --- postgres ---
    "postgres.connection.clock.warning_seconds": _t(5, "own", "times in logs can no longer be compared"),
    "postgres.saturation.info_ratio": _t(0.8, "mixin", "the next deploy or spike may take the rest"),
    "postgres.saturation.warning_ratio": _t(0.9, "CP", "few connections are left"),
    "postgres.saturation.critical_ratio": _t(0.95, "CP", "new clients are about to be refused"),
    "postgres.saturation.lock_table.warning_ratio": _t(
        0.2, "APA", "'out of shared memory' ends transactions"
    ),
    "postgres.activity.group.info_ratio": _t(0.5, "own", "one client that takes half can take all"),
    "postgres.activity.young.info_ratio": _t(0.5, "own", "most of them have just connected"),
    "postgres.activity.young.least_count": _t(20, "own", "a small pool may well be new"),
    "postgres.transactions.idle.warning_seconds": _t(60, "own", "it keeps its locks and its snapshot"),
    "postgres.transactions.idle_blocking.critical_seconds": _t(
        0.5, "own", "somebody waits for a session that does nothing; shorter pauses are ordinary"
    ),
    "postgres.transactions.long.info_seconds": _t(30, "own", "longer than requests wait"),
    "postgres.transactions.long.warning_seconds": _t(60, "own", "longer than most time-outs"),
    "postgres.transactions.long.critical_seconds": _t(120, "own", "users gave up long ago"),
    "postgres.horizon.warning_count": _t(1_000_000, "own", "dead rows cannot be removed"),
    "postgres.horizon.warning_seconds": _t(3600, "own", "dead rows of an hour cannot be removed"),
    "postgres.archiver.wal.warning_ratio": _t(2, "own", "of max_wal_size, which the server tries to keep to"),
    "postgres.archiver.waiting.info_count": _t(10, "own", "archiving is a little late"),
    "postgres.archiver.waiting.warning_count": _t(100, "own", "1.6 GB that no backup has yet"),
    "postgres.sequences.warning_ratio": _t(0.85, "CP", "time to make room while inserts still work"),
    "postgres.sequences.critical_ratio": _t(0.95, "CP", "inserts are about to fail"),
    "postgres.locks.wait.warning_seconds": _t(10, "own", "longer than users wait"),
    "postgres.locks.waiters.warning_count": _t(2, "own", "a queue has formed, when it lasts for a second"),
    "postgres.locks.waiters.critical_count": _t(5, "own", "the queue takes the pool's connections"),
    "postgres.locks.queue.warning_seconds": _t(1, "own", "shorter queues are ordinary work"),
    "postgres.counters.deadlocks.warning_count": _t(1, "own", "transactions lock in different orders"),
    "postgres.counters.rollbacks.warning_ratio": _t(0.1, "mixin", "one transaction of ten fails"),
    "postgres.counters.rollbacks.least_count": _t(10, "own", "a share of fewer says nothing"),
    "postgres.counters.temp.warning_bytes_per_minute": _t(1e9, "own", "sorts and hashes fill the disk"),
    "postgres.counters.killed.warning_count": _t(1, "own", "sessions end against their will"),
    "postgres.counters.conflicts.warning_count": _t(1, "own", "the standby cancels queries to replay"),
    "postgres.counters.checksums.critical_count": _t(1, "CP", "data on disk is damaged"),
    "postgres.counters.load.info_count": _t(8, "own", "more sessions at work than most servers have cores"),
    "postgres.counters.load.warning_count": _t(32, "own", "they mostly wait for each other"),
    "postgres.counters.statement.info_ratio": _t(1 / 3, "own", "one statement makes a third of what runs"),
    "postgres.counters.statement.least_count": _t(0.5, "own", "sessions at a time; less is no load"),
    "postgres.counters.statement.least_seconds": _t(0.5, "own", "of one call: somebody waits for it"),
    "postgres.counters.scans.info_rows_per_second": _t(1e4, "own", "of large tables, read from end to end"),
    "postgres.counters.waits.info_ratio": _t(0.5, "own", "one wait makes most of the time"),
    "postgres.counters.waits.warning_count": _t(8, "own", "sessions at a time that wait for the server"),
    "postgres.counters.waits.least_count": _t(1, "own", "a share of less than one session says nothing"),
    "postgres.counters.cache.info_ratio": _t(0.9, "own", "blocks found in its memory; a cold cache has less"),
    "postgres.counters.cache.least_count": _t(1000, "own", "a share of fewer blocks says nothing"),
    "postgres.counters.checkpoints.warning_count": _t(3, "mixin", "requested, and more than came in time"),
    "postgres.counters.churn.info_per_second": _t(20, "own", "each new session costs a process and a login"),
    "postgres.counters.reads.info_seconds": _t(0.01, "own", "the mean of a disk under load"),
    "postgres.counters.reads.warning_seconds": _t(0.05, "own", "the disk is the bottleneck"),
    "postgres.counters.reads.least_count": _t(100, "own", "a mean of fewer says nothing"),
    "postgres.counters.own_writes.info_per_second": _t(1000, "own", "8 MB a second that sessions write"),
    "postgres.counters.slru.info_per_second": _t(500, "own", "sessions stand in line for these caches"),
    "postgres.counters.wal.warning_seconds": _t(
        30, "checkpoint_warning", "the server's own limit by default"
    ),
    "postgres.server.notify_queue.warning_ratio": _t(0.5, "own", "the server itself warns from here on"),
    "postgres.server.wraparound.info_count": _t(400e6, "CP", "freezing is late; 200 million is ordinary"),
    "postgres.server.wraparound.warning_count": _t(1.3e9, "CP", "the server stops near 2 billion"),
    "postgres.server.wraparound.critical_count": _t(1.4e9, "CP", "the server stops near 2 billion"),
    "postgres.server.prepared.warning_seconds": _t(1, "CP", "a coordinator should decide at once"),
    "postgres.server.prepared.critical_seconds": _t(30, "CP", "it keeps its locks until somebody decides"),
    "postgres.databases.limit.warning_ratio": _t(0.8, "own", "the database's own CONNECTION LIMIT is near"),
    "postgres.databases.limit.critical_ratio": _t(1.0, "own", "the database refuses clients"),
    "postgres.replication.lag.warning_seconds": _t(5, "APA", "reads from the standby are stale"),
    "postgres.replication.silent.warning_seconds": _t(90, "own", "thrice what a publisher may be silent"),
    "postgres.disk.warning_free_ratio": _t(0.1, "APA", "WAL and temporary files need room to work"),
    "postgres.disk.critical_free_ratio": _t(0.02, "own", "writes are about to fail"),
    "postgres.pooler.waiting.warning_count": _t(1, "own", "in two looks: its pool has no connection left"),
    "postgres.pooler.wait.warning_seconds": _t(1, "own", "longer than a busy pool needs"),
    "postgres.pooler.wait.critical_seconds": _t(10, "own", "longer than users wait"),
    "postgres.pooler.clients.warning_ratio": _t(0.8, "own", "of max_client_conn"),
    "postgres.pooler.clients.critical_ratio": _t(0.95, "own", "new clients are about to be refused"),
    "postgres.replication.slot.warning_bytes": _t(1 << 30, "own", "WAL that nobody fetches fills the disk"),
    "postgres.tables.vacuum.warning_hours": _t(10, "mixin", "dead rows are past the table's own threshold"),
    "postgres.statements.dominant.warning_ratio": _t(1 / 3, "own", "one statement takes a third of the time"),
    "postgres.statements.evicted.info_count": _t(1, "own", "its room is too small for what is sent"),
    "postgres.statements.dominant.least_ratio": _t(0.5, "own", "seconds a second; less is no load"),
    # --- redis ---
    "redis.latency.warning_seconds": _t(0.01, "own", "p95 of pings, less the TCP round trip and our delay"),
    "redis.latency.starved_ratio": _t(0.8, "own", "of the time somebody here had to wait to run"),
    "redis.latency.least_ratio": _t(0.1, "own", "of the time in long calls; one alone may have been held up"),
    "redis.memory.warning_ratio": _t(0.9, "APA", "time to make room before it is full"),
    "redis.memory.critical_ratio": _t(0.95, "own", "nothing may be evicted, so writes are refused next"),
    "redis.evictions.warning_ratio": _t(
        0.01, "own", "share of the keys thrown out in a second: the cache is too small"
    ),
    "redis.hit_ratio.warning_ratio": _t(0.5, "own", "most lookups miss, and the database does the work"),
    "redis.hit_ratio.evicted_ratio": _t(0.03, "own", "evictions a miss; fewer cannot be why lookups miss"),
    "redis.hit_ratio.least_count": _t(100, "own", "fewer lookups in a sample say nothing"),
    "redis.keys_lost.least_count": _t(50, "own", "keys before it; fewer come and go"),
    "redis.keys_lost.most_left_ratio": _t(0.2, "own", "of the keys of an earlier look"),
    "redis.fragmentation.warning_ratio": _t(
        1.4, "MEMORY DOCTOR", "the system holds that much more than is used"
    ),
    "redis.fragmentation.least_bytes": _t(10 * 1024 * 1024, "MEMORY DOCTOR", "less is not worth a thought"),
    "redis.peak.info_ratio": _t(
        1.5, "MEMORY DOCTOR", "memory was used once that the system may not get back"
    ),
    "redis.client_buffers.warning_bytes": _t(
        200 * 1024, "MEMORY DOCTOR", "a client: they read slower than they ask"
    ),
    "redis.small.least_bytes": _t(
        64 * 1024 * 1024, "own", "of smaller ones the program itself is a good part"
    ),
    "redis.clients.warning_ratio": _t(0.9, "APA", "the next wave of clients is refused"),
    "redis.one_address.info_ratio": _t(0.5, "own", "one address holds most of the clients"),
    "redis.blocked.info_ratio": _t(0.5, "own", "most clients wait for something, as workers on a queue do"),
    "redis.groups.least_count": _t(10, "own", "shares of fewer clients mean nothing"),
    "redis.slowlog.share_ratio": _t(0.5, "own", "one command makes most of the slow time"),
    "redis.slowlog.warning_seconds": _t(0.25, "own", "of slow time in the window; less is chance"),
    "redis.moved.least_count": _t(10, "own", "redirections in a second; new clients learn the slots by some"),
    "redis.stall.least_ratio": _t(100, "own", "times as long as a call of that command takes on average"),
    "redis.stall.least_count": _t(3, "own", "quick commands held up: others were, too"),
    "redis.busy.warning_ratio": _t(0.5, "own", "share of a second that its one thread works"),
    "redis.dominant.share_ratio": _t(0.5, "own", "one command makes most of the work"),
    "redis.big_key.warning_bytes": _t(1_000_000, "own", "reading or deleting it holds up everybody"),
    "redis.replica_lag.warning_seconds": _t(10, "own", "replicas report every second"),
    "redis.clock.warning_seconds": _t(5, "own", "times in logs of the two machines do not match"),
    # --- docker ---
    "container.restarts.critical_count": _t(3, "own", "it does not stay up"),
    "container.cpu.warning_ratio": _t(0.8, "APA", "of the processors it may use; work begins to queue"),
    "container.throttled.warning_ratio": _t(0.25, "APA", "of the scheduler's periods it had to wait"),
    "container.memory.warning_ratio": _t(0.8, "APA", "of its limit; a spike ends it"),
    "container.memory.critical_ratio": _t(0.9, "own", "of its limit; the kernel is about to end it"),
    "container.growth.warning_seconds": _t(900, "own", "at this pace the limit is reached within 15 minutes"),
    "container.growth.least_ratio": _t(
        0.01, "own", "of the limit in the samples; less is ordinary breathing"
    ),
    "container.growth.warm_up_seconds": _t(20, "own", "a program just started fills its memory"),
    "container.pids.warning_ratio": _t(0.8, "own", "of its limit; then it can start nothing more"),
    "container.dropped.warning_count": _t(1, "own", "packets are being lost in the samples"),
    "container.zombies.warning_count": _t(20, "own", "ended processes that nobody collects fill the table"),
    # --- process ---
    "process.memory.warning_ratio": _t(0.8, "APA", "of the configured limit"),
    "process.memory.critical_ratio": _t(0.9, "own", "of the configured limit"),
    "process.growth.warning_seconds": _t(900, "own", "at this pace the limit is reached within 15 minutes"),
    "process.growth.least_ratio": _t(0.01, "own", "of the limit in the samples; less is ordinary breathing"),
    "process.growth.warm_up_seconds": _t(20, "own", "a program just started fills its memory"),
    "process.open_files.warning_ratio": _t(0.8, "APA", "of its limit"),
    "process.open_files.critical_ratio": _t(0.95, "own", "of its limit; the next connection fails"),
    "process.cpu.info_cores": _t(0.9, "own", "one thread of Python can use no more than one processor"),
    # --- host ---
    "host.disk.warning_free_ratio": _t(0.1, "APA", "logs and databases need room to work"),
    "host.disk.critical_free_ratio": _t(0.02, "own", "writes are about to fail"),
    "host.inodes.warning_free_ratio": _t(0.1, "APA", "no new file can be made without a free entry"),
    "host.inodes.critical_free_ratio": _t(0.01, "own", "new files are about to fail"),
    "host.memory.warning_available_ratio": _t(0.1, "APA", "the kernel will soon end processes"),
    "host.memory.critical_available_ratio": _t(0.03, "own", "the kernel is about to end processes"),
    "host.memory.pressure.warning_ratio": _t(0.2, "own", "tasks wait for memory a fifth of the time"),
    "host.load.warning_per_cpu": _t(4, "own", "four tasks for each processor; short peaks are ordinary"),
    "host.io_wait.warning_ratio": _t(0.5, "own", "in one second; APA says 0.1 over five minutes"),
    "host.io_pressure.warning_ratio": _t(0.5, "own", "of a minute somebody waited for a disk"),
    "host.cpu.info_ratio": _t(0.95, "own", "in one second; work uses what it can get, so no fault by itself"),
    "host.cpu.taker.least_ratio": _t(0.4, "own", "of all processors, with one program that is no service"),
    "host.cpu.waiting.least_ratio": _t(0.5, "own", "of the time in which a service could run"),
    "host.cpu.waiting.least_count": _t(0.3, "own", "of its processes at a time; short waits are ordinary"),
    "host.steal.warning_ratio": _t(0.25, "own", "in one second; APA says 0.1 over five minutes"),
    # --- logs ---
    "logs.errors.warning_ratio": _t(0.01, "own", "one request in a hundred fails: people notice"),
    "logs.errors.critical_ratio": _t(0.05, "own", "one in twenty: somebody is paged"),
    "logs.errors.least_count": _t(3, "own", "one failed request of ten is no rate"),
    "logs.error_lines.warning_ratio": _t(0.1, "own", "of the lines of a service that logs no requests"),
    "logs.error_lines.least_count": _t(10, "own", "a few errors are everyday life"),
    "logs.onset.least_strength": _t(8, "own", "log-likelihood ratio: chance does this once in 10,000 logs"),
    "logs.onset.least_before_count": _t(5, "own", "requests before it, or nothing can be compared"),
    "logs.endpoint.least_share_ratio": _t(0.8, "own", "of all failures: they are in one endpoint"),
    "logs.endpoint.most_other_ratio": _t(0.2, "own", "of its rate: the others do not fail with it"),
    "logs.slow.warning_seconds": _t(1, "APA", "95 of 100 requests should be faster"),
    "logs.slow.least_count": _t(5, "own", "fewer requests have no percentile"),
    "logs.slow_onset.least_ratio": _t(0.05, "own", "of the requests take over a second since then"),
    "logs.latency.least_seconds": _t(0.1, "own", "what takes less is not felt, however much it rose"),
    "logs.latency.warning_factor": _t(5, "own", "of the time before: caches, load and chance do less"),
    "logs.latency.least_ratio": _t(0.15, "own", "of the requests take so long since then"),
    "logs.latency.most_before_ratio": _t(0.1, "own", "of the requests took so long before: it is new"),
    "logs.latency.least_before_count": _t(10, "own", "requests before it, or nothing can be compared"),
    "logs.latency.least_count": _t(5, "own", "slow requests since then"),
    "logs.latency.least_strength": _t(9, "own", "log-likelihood ratio; many endpoints are looked at"),
    "logs.latency.least_span_seconds": _t(20, "own", "a pause of a few seconds is over by itself"),
    "logs.latency.after_start.least_span_seconds": _t(60, "own", "the first requests of a process are slow"),
    "logs.latency.load_factor": _t(2, "own", "of the requests of any time before: the load explains it"),
    "logs.class.warning_count": _t(3, "own", "of those errors that happen now and then everywhere"),
    "logs.errors.served_since": _t(30, "own", "requests without a failure: what failed for a moment is over"),
    "logs.class.moment_seconds": _t(5, "own", "names and connections fail while a container is replaced"),
    "logs.exception.warning_count": _t(3, "own", "the same traceback again and again"),
    "logs.template.least_count": _t(3, "own", "error lines of one kind"),
    # --- http ---
    "http.clock.warning_seconds": _t(5, "own", "beyond what the header's second and the way leave open"),
    "http.slow.warning_seconds": _t(1.0, "APA", "users notice, and callers begin to time out"),
    "http.slow.busy_machine.least_seconds": _t(3.0, "own", "less may be our own wait for a processor"),
    # --- baseline: an ordinary change is less than `least`, or than `info_factor` times ---
    "baseline.latency.least_seconds": _t(0.05, "own", "less is the machine's own mood"),
    "baseline.latency.info_factor": _t(1.5, "own", "half as long again"),
    "baseline.latency.warning_factor": _t(2, "own", "twice the normal is when somebody is paged"),
    "baseline.latency.warning_seconds": _t(0.25, "own", "the rise that people feel"),
    "baseline.errors.least_ratio": _t(0.01, "own", "one request in a hundred"),
    "baseline.errors.info_factor": _t(1.5, "own", "half as many again"),
    "baseline.errors.warning_factor": _t(2, "own", "twice as many"),
    "baseline.errors.warning_ratio": _t(0.02, "own", "the rise, in requests"),
    "baseline.connections.least_ratio": _t(0.05, "own", "of what there is room for"),
    "baseline.connections.info_factor": _t(1.5, "own", "half as many again"),
    "baseline.connections.warning_factor": _t(2, "own", "twice as many"),
    "baseline.connections.warning_ratio": _t(0.25, "own", "a quarter of the room went since then"),
    "baseline.memory.least_bytes": _t(32 * 1024 * 1024, "own", "caches and arenas breathe that much"),
    "baseline.memory.info_factor": _t(1.5, "own", "half as much again"),
    "baseline.memory.warning_factor": _t(2, "own", "twice as much"),
    "baseline.memory.warning_bytes": _t(128 * 1024 * 1024, "own", "a rise that limits do not allow for"),
    "baseline.host_memory.least_bytes": _t(1 << 30, "own", "other programs come and go"),
    "baseline.host_memory.info_factor": _t(1.5, "own", "half as much again"),
    "baseline.host_memory.warning_factor": _t(1e9, "own", "never: the machine's own limits judge it"),
    "baseline.host_memory.warning_bytes": _t(1 << 30, "own", "see the factor"),
    "baseline.files.least_ratio": _t(0.1, "own", "of the files it may open"),
    "baseline.files.info_factor": _t(1.5, "own", "half as many again"),
    "baseline.files.warning_factor": _t(2, "own", "twice as many"),
    "baseline.files.warning_ratio": _t(0.25, "own", "a quarter of the room went since then"),
    "baseline.disk.least_ratio": _t(0.05, "own", "of the file system"),
    "baseline.disk.info_factor": _t(1, "own", "shares of the same disk need no factor"),
    "baseline.disk.warning_factor": _t(1, "own", "shares of the same disk need no factor"),
    "baseline.disk.warning_ratio": _t(0.2, "own", "a fifth of the file system filled since then"),
    "baseline.number.info_factor": _t(2, "own", "of a team's own probe: whether it is bad, its limits say"),
    "baseline.new.warning_count": _t(3, "own", "an error that was never seen before, again and again"),
    "baseline.scans.least_bytes": _t(8 * 1024 * 1024, "own", "a thousand pages; smaller tables are scanned"),
    "baseline.scans.warning_count": _t(10, "own", "scans since then; a few are somebody's report"),
    "baseline.scans.least_share_ratio": _t(0.1, "own", "of all looks at the table, up from less than half"),
    # --- trend ---
    "trend.least_count": _t(5, "own", "samples; fewer have no trend"),
    "trend.least_agreement_ratio": _t(0.6, "own", "Kendall's tau: noise of twenty samples reaches 0.35"),
    "trend.memory.least_ratio": _t(0.02, "own", "growth over the watch, of the limit"),
    "trend.connections.least_ratio": _t(0.05, "own", "growth over the watch, of the limit"),
    "trend.disk.least_ratio": _t(0.002, "own", "growth over the watch, of the file system"),
    "trend.latency.least_seconds": _t(0.1, "own", "less growth nobody feels"),
    "trend.latency.warning_factor": _t(2, "own", "the end of the line is twice its beginning"),
    "trend.limit.info_seconds": _t(86_400, "own", "a day: time to plan"),
    "trend.limit.warning_seconds": _t(14_400, "own", "four hours: it ends in this shift"),
    "trend.limit.most_watches_ratio": _t(60, "own", "times as long as it was watched: further is INFO"),
    "trend.limit.critical_seconds": _t(900, "own", "a quarter of an hour: act before you look on"),
    # --- network ---
    "network.names.warning_seconds": _t(1.0, "own", "every new connection waits that long"),
    "network.tls.warning_days": _t(20, "APA", "time to renew it in working hours"),
    "network.tls.critical_days": _t(3, "APA", "a weekend is enough for it to run out"),
}


class Thresholds(msgspec.Struct, frozen=True):
    """The defaults with what the team overrides.

    >>> Thresholds({"postgres.saturation.warning_ratio": 0.5})["postgres.saturation.warning_ratio"]
    0.5
    """

    overrides: dict[str, float] = {}

    def __getitem__(self, key: str) -> float:
        """Return the limit of that name."""
        return self.overrides[key] if key in self.overrides else KNOWN[key].value

    def severity(
        self, rule: str, value: float | None, unit: str, *, above: bool = True
    ) -> FindingSeverity | None:
        """Return the worst severity whose limit `value` passes, None if it passes none or is unknown.

        Looks at `RULE.critical_UNIT`, `RULE.warning_UNIT` and `RULE.info_UNIT`, as far as they exist.
        """
        if value is None:
            return None
        for severity in (FindingSeverity.CRITICAL, FindingSeverity.WARNING, FindingSeverity.INFO):
            key = f"{rule}.{severity.lower()}_{unit}"
            if key in KNOWN and (value >= self[key] if above else value <= self[key]):
                return severity
        return None


KNOWN = MappingProxyType(DEFAULTS)

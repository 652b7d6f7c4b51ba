"""The numbers that findings of this technology are judged by. `[thresholds]` overrides each."""

from incident_lib.findings.thresholds import limit

LIMITS = {
    "redis.latency.warning_seconds": limit(
        0.01, "own", "p95 of pings, minus the TCP round trip and the workbench's own delay"
    ),
    "redis.latency.starved_ratio": limit(0.8, "own", "of the time processes here had to wait to run"),
    "redis.latency.least_ratio": limit(
        0.1, "own", "of the time in long calls; a single call may have been delayed"
    ),
    "redis.latency.waiting.least_ratio": limit(
        0.2, "own", "of the time spent in pings; one or two short delays are less"
    ),
    "redis.memory.warning_ratio": limit(0.9, "APA", "time to make room before it is full"),
    "redis.memory.critical_ratio": limit(0.95, "own", "nothing may be evicted, so writes are refused next"),
    "redis.evictions.warning_ratio": limit(
        0.01, "own", "share of the keys evicted in a second: the cache is too small"
    ),
    "redis.hit_ratio.warning_ratio": limit(0.5, "own", "most lookups miss, and the database does the work"),
    "redis.hit_ratio.evicted_ratio": limit(
        0.03, "own", "evictions per miss; fewer cannot explain the misses"
    ),
    "redis.hit_ratio.least_count": limit(100, "own", "fewer lookups in a sample are meaningless"),
    "redis.keys_lost.least_count": limit(50, "own", "keys before it; smaller numbers vary"),
    "redis.keys_lost.most_left_ratio": limit(0.2, "own", "of the keys at an earlier collection"),
    "redis.fragmentation.warning_ratio": limit(
        1.4, "MEMORY DOCTOR", "the process holds that much more than it uses"
    ),
    "redis.fragmentation.least_bytes": limit(10 * 1024 * 1024, "MEMORY DOCTOR", "less does not matter"),
    "redis.peak.info_ratio": limit(1.5, "MEMORY DOCTOR", "memory was used that the system may not get back"),
    "redis.client_buffers.warning_bytes": limit(
        200 * 1024, "MEMORY DOCTOR", "a client: they read slower than they request"
    ),
    "redis.client_held.warning_bytes": limit(
        10 * 1024 * 1024, "own", "in the buffers of one client, which does not shrink"
    ),
    "redis.client_held.warning_ratio": limit(0.1, "own", "of maxmemory, in the buffers of one client"),
    "redis.client_held.critical_ratio": limit(0.5, "own", "keys are evicted or refused for one client"),
    "redis.buffers.warning_ratio": limit(
        0.25, "own", "of maxmemory in buffers of all clients: deleting keys does not help for long"
    ),
    "redis.replica_buffer.warning_ratio": limit(
        0.5, "own", "of client-output-buffer-limit, at which the server ends the replica's link"
    ),
    "redis.replica_buffer.warning_bytes": limit(
        256 * 1024 * 1024, "redis.conf", "the default limit, where it is switched off"
    ),
    "redis.monitor.warning_seconds": limit(600, "own", "debugging is over by then, and it was left running"),
    "redis.small.least_bytes": limit(
        64 * 1024 * 1024, "own", "for smaller ones, the program itself is a large part"
    ),
    "redis.clients.warning_ratio": limit(0.9, "APA", "the next wave of clients is refused"),
    "redis.one_address.info_ratio": limit(0.5, "own", "one address holds most of the clients"),
    "redis.blocked.info_ratio": limit(
        0.5, "own", "most clients wait for something, as workers on a queue do"
    ),
    "redis.groups.least_count": limit(10, "own", "shares of fewer clients mean nothing"),
    "redis.slowlog.share_ratio": limit(0.5, "own", "one command accounts for most of the slow time"),
    "redis.slowlog.warning_seconds": limit(0.25, "own", "of slow time in the window; less is chance"),
    "redis.moved.least_count": limit(
        10, "own", "redirections in a second; new clients learn the slots from a few"
    ),
    "redis.stall.least_ratio": limit(100, "own", "times as long as a call of that command takes on average"),
    "redis.stall.least_count": limit(3, "own", "quick commands were delayed, so others were too"),
    "redis.busy.warning_ratio": limit(0.5, "own", "share of a second that its one thread works"),
    "redis.dominant.share_ratio": limit(0.5, "own", "one command accounts for most of the work"),
    "redis.big_key.warning_bytes": limit(1_000_000, "own", "reading or deleting it blocks all clients"),
    "redis.big_queue.warning_bytes": limit(
        100 * 1024 * 1024, "own", "a list or stream is used at its ends; one this large is work that piled up"
    ),
    "redis.queue.warning_ratio": limit(0.5, "own", "of maxmemory, in one queue, on a full server"),
    "redis.stream_kept.most_ratio": limit(
        0.1, "own", "of a stream's entries still to be worked off: the others are kept for nothing"
    ),
    "redis.pending.warning_seconds": limit(
        900, "own", "since an entry was handed out: most jobs end sooner, and what took it may be gone"
    ),
    "redis.pending.least_count": limit(
        10, "own", "entries that were never acknowledged; a few are long jobs"
    ),
    "redis.cache_keys.warning_ratio": limit(0.1, "own", "of the sampled memory; less frees too little"),
    "redis.resync.warning_count": limit(
        2, "own", "full copies beyond one for each replica: links that break, or replicas that fall behind"
    ),
    "redis.replica_lag.warning_seconds": limit(10, "own", "replicas report every second"),
    "redis.clock.warning_seconds": limit(5, "own", "log times of the two machines do not match"),
}

"""The numbers that findings of this technology are judged by. `[thresholds]` overrides each."""

from incident_lib.findings.thresholds import limit

LIMITS = {
    "redis.latency.warning_seconds": limit(
        0.01, "own", "p95 of pings, less the TCP round trip and our delay"
    ),
    "redis.latency.starved_ratio": limit(0.8, "own", "of the time processes here had to wait to run"),
    "redis.latency.least_ratio": limit(
        0.1, "own", "of the time in long calls; one alone may have been held up"
    ),
    "redis.latency.waiting.least_ratio": limit(
        0.2, "own", "of the time spent in pings; one or two short delays are less"
    ),
    "redis.memory.warning_ratio": limit(0.9, "APA", "time to make room before it is full"),
    "redis.memory.critical_ratio": limit(0.95, "own", "nothing may be evicted, so writes are refused next"),
    "redis.evictions.warning_ratio": limit(
        0.01, "own", "share of the keys thrown out in a second: the cache is too small"
    ),
    "redis.hit_ratio.warning_ratio": limit(0.5, "own", "most lookups miss, and the database does the work"),
    "redis.hit_ratio.evicted_ratio": limit(0.03, "own", "evictions a miss; fewer cannot be why lookups miss"),
    "redis.hit_ratio.least_count": limit(100, "own", "fewer lookups in a sample say nothing"),
    "redis.keys_lost.least_count": limit(50, "own", "keys before it; fewer come and go"),
    "redis.keys_lost.most_left_ratio": limit(0.2, "own", "of the keys of an earlier look"),
    "redis.fragmentation.warning_ratio": limit(
        1.4, "MEMORY DOCTOR", "the system holds that much more than is used"
    ),
    "redis.fragmentation.least_bytes": limit(
        10 * 1024 * 1024, "MEMORY DOCTOR", "less is not worth a thought"
    ),
    "redis.peak.info_ratio": limit(
        1.5, "MEMORY DOCTOR", "memory was used once that the system may not get back"
    ),
    "redis.client_buffers.warning_bytes": limit(
        200 * 1024, "MEMORY DOCTOR", "a client: they read slower than they ask"
    ),
    "redis.client_held.warning_bytes": limit(
        10 * 1024 * 1024, "own", "in the buffers of one client, which does not shrink"
    ),
    "redis.client_held.warning_ratio": limit(0.1, "own", "of maxmemory, in the buffers of one client"),
    "redis.client_held.critical_ratio": limit(0.5, "own", "keys are thrown out or refused for one client"),
    "redis.buffers.warning_ratio": limit(
        0.25, "own", "of maxmemory in buffers of all clients: deleting keys does not help for long"
    ),
    "redis.replica_buffer.warning_ratio": limit(
        0.5, "own", "of client-output-buffer-limit, at which the server ends the replica's link"
    ),
    "redis.replica_buffer.warning_bytes": limit(
        256 * 1024 * 1024, "redis.conf", "the limit that is shipped, where it is switched off"
    ),
    "redis.monitor.warning_seconds": limit(600, "own", "who debugs is done by then, and left it running"),
    "redis.small.least_bytes": limit(
        64 * 1024 * 1024, "own", "of smaller ones the program itself is a good part"
    ),
    "redis.clients.warning_ratio": limit(0.9, "APA", "the next wave of clients is refused"),
    "redis.one_address.info_ratio": limit(0.5, "own", "one address holds most of the clients"),
    "redis.blocked.info_ratio": limit(
        0.5, "own", "most clients wait for something, as workers on a queue do"
    ),
    "redis.groups.least_count": limit(10, "own", "shares of fewer clients mean nothing"),
    "redis.slowlog.share_ratio": limit(0.5, "own", "one command makes most of the slow time"),
    "redis.slowlog.warning_seconds": limit(0.25, "own", "of slow time in the window; less is chance"),
    "redis.moved.least_count": limit(
        10, "own", "redirections in a second; new clients learn the slots by some"
    ),
    "redis.stall.least_ratio": limit(100, "own", "times as long as a call of that command takes on average"),
    "redis.stall.least_count": limit(3, "own", "quick commands held up: others were, too"),
    "redis.busy.warning_ratio": limit(0.5, "own", "share of a second that its one thread works"),
    "redis.dominant.share_ratio": limit(0.5, "own", "one command makes most of the work"),
    "redis.big_key.warning_bytes": limit(1_000_000, "own", "reading or deleting it holds up everybody"),
    "redis.big_queue.warning_bytes": limit(
        100 * 1024 * 1024, "own", "a list or stream is used at its ends; such a one is work that piled up"
    ),
    "redis.queue.warning_ratio": limit(0.5, "own", "of maxmemory, in one queue, of a server that is full"),
    "redis.cache_keys.warning_ratio": limit(0.1, "own", "of the sampled memory; less makes no room"),
    "redis.resync.warning_count": limit(
        2, "own", "full copies beyond one for each replica: links that break, or replicas that fall behind"
    ),
    "redis.replica_lag.warning_seconds": limit(10, "own", "replicas report every second"),
    "redis.clock.warning_seconds": limit(5, "own", "times in logs of the two machines do not match"),
}

"""Records of the redis probes.

Counters are differences of two samples, `seconds` apart, without our own commands.
"""

from collections.abc import Iterable
from datetime import datetime

from incident_lib.model.rows import Row


class RedisServer(Row, frozen=True, kw_only=True):
    """The server behind a connection."""

    software: str | None  # "redis", "valkey"
    version: str | None
    mode: str | None  # standalone, cluster, sentinel
    role: str | None  # master, slave
    run_id: str | None
    started_at: datetime | None
    uptime_seconds: int | None
    clock_difference_seconds: float | None  # the server's clock less ours
    ways: tuple[str, ...] = ()  # how it was reached, with what was tried before


class RedisLatency(Row, frozen=True, kw_only=True):
    """Pings, against the TCP handshake, which the system answers even when the server does not."""

    sample_count: int
    connect_seconds: float
    own_delay_seconds: float  # the most that our own pauses between pings were late: this machine's share
    median_seconds: float
    p95_seconds: float
    max_seconds: float
    refusal: str | None = None  # the error that PING got: "MASTERDOWN"
    # p95 of what is left of each ping without our own wait for a processor during it
    served_p95_seconds: float | None = None
    # What the server counted itself meanwhile; no business of this machine can make that up.
    busy_ratio: float | None = None  # of the time, in which it ran commands
    longest_command: str | None = None  # the one whose calls took longest each
    longest_seconds: float | None = None  # a call of it
    longest_ratio: float | None = None  # of the time, in all its calls
    starved_ratio: float | None = None  # of the time, in which a task here waited for a processor
    is_here: bool | None = None  # the server shares this machine's processors
    waiting_ratio: float | None = None  # of the time, in which a ping was under way


class RedisMemory(Row, frozen=True, kw_only=True):
    """Memory, its limit, and what is thrown out to stay below it."""

    seconds: float
    used_bytes: int | None
    counted_bytes: int | None  # used, less what does not count against maxmemory
    resident_bytes: int | None
    peak_bytes: int | None
    maxmemory_bytes: int | None  # None: no limit
    policy: str | None
    limit_bytes: int | None  # maxmemory, else of the container, else of the machine
    limit_source: str | None  # maxmemory, container, machine
    used_ratio: float | None  # of limit_bytes
    fragmentation_ratio: float | None
    fragmentation_bytes: int | None
    client_count: int | None
    client_buffer_bytes: int | None
    key_count: int
    expiring_key_count: int
    evicted_count: int | None
    expired_count: int | None
    hit_count: int | None
    miss_count: int | None
    eviction_behind_seconds: float | None  # memory has been over the limit for so long
    run_id: str | None = None  # of the process: counters of another one cannot be compared
    flushed_count: int | None = None  # FLUSHALL and FLUSHDB between the samples
    flush_total_count: int | None = None  # totals since the start or the last reset
    expired_total_count: int | None = None
    evicted_total_count: int | None = None
    hit_total_count: int | None = None
    miss_total_count: int | None = None
    uptime_seconds: int | None = None


class RedisClients(Row, frozen=True, kw_only=True):
    """How many clients there are, without us."""

    seconds: float
    connected_count: int | None
    limit_count: int | None
    blocked_count: int | None
    rejected_count: int | None
    new_count: int | None
    # Memory that one client's buffers may be compared with, and the limits at which the server ends a client.
    maxmemory_bytes: int | None = None
    output_limits: str | None = None  # client-output-buffer-limit, as it is set
    limit_closed_count: int | None = None  # clients ended at such a limit, between the samples
    limit_closed_total_count: int | None = None  # since the start or the last reset
    # The largest buffers of late; judged only where there are too many clients to list them.
    recent_output_bytes: int | None = None
    recent_input_bytes: int | None = None
    listed_count: int | None = None  # clients whose own buffers were read; None: an older snapshot
    paused_count: int | None = None  # that wait in a command which never waits: CLIENT PAUSE holds them
    paused_command: str | None = None  # which most of them wait in
    unread_count: int | None = (
        None  # that have sent something, a second ago or more, which is no whole command
    )
    unread_address: str | None = None  # where most of them come from
    idle_limit_seconds: float | None = None  # after which it disconnects clients, `timeout`; None: never
    paused_by: str | None = None  # what pauses clients and which commands, where the server reports it


class RedisClient(Row, frozen=True, kw_only=True):
    """One client that holds much, or that others should know of: the sum of a group hides it."""

    client_id: int | None
    address: str
    name: str
    user: str
    library: str
    command: str  # the last one
    flags: str  # letters: `connect.client_flags` has what each means
    age_seconds: int | None
    idle_seconds: int | None
    subscription_count: int
    queued_count: int | None  # commands behind MULTI; None: no transaction is open
    output_bytes: int  # waits to be read by the client
    query_bytes: int  # was received, and waits to be run
    queued_bytes: int  # of the commands behind MULTI
    memory_bytes: int | None  # all of it
    later_output_bytes: int | None = None  # a moment later; None: gone, or not read again
    later_query_bytes: int | None = None


class RedisClientGroup(Row, frozen=True, kw_only=True):
    """Clients that are alike."""

    address: str
    name: str
    user: str
    library: str
    command: str  # the last one
    client_count: int
    idle_min_seconds: int | None
    idle_max_seconds: int | None
    output_buffer_bytes: int
    memory_bytes: int | None


class RedisPersistence(Row, frozen=True, kw_only=True):
    """What is written to disk, and whether that works."""

    save: str | None  # the save points; "" is none
    stop_writes_on_failure: bool | None
    dump_ok: bool | None
    dump_running: bool | None
    dump_at: datetime | None
    dump_seconds: int | None
    unsaved_change_count: int | None
    aof_enabled: bool | None
    aof_write_ok: bool | None
    aof_rewrite_ok: bool | None
    fork_seconds: float | None
    role: str | None


class RedisSetting(Row, frozen=True, kw_only=True):
    """One setting; none of them is secret."""

    name: str
    value: str


class RedisErrorClass(Row, frozen=True, kw_only=True):
    """Error replies of one class. The total covers an unknown time: since the start or the last reset."""

    name: str
    total_count: int
    risen_count: int | None
    seconds: float


class RedisStanding(Row, frozen=True, kw_only=True):
    """What decides who may read and write here: its part in replication, and how many replicas it wants."""

    role: str | None
    primary: str | None  # whom it follows
    link_up: bool | None
    link_down_seconds: int | None
    replica_count: int | None
    good_replica_count: int | None  # those that are not too far behind; None: it wants none
    least_replica_count: int | None  # min-replicas-to-write


class RedisSlowCommand(Row, frozen=True, kw_only=True):
    """An entry of the slow log, without its arguments."""

    entry_id: int
    started_at: datetime
    duration_seconds: float
    command: str
    argument_count: int
    key_pattern: str  # "user:*"
    address: str
    client: str
    mean_seconds: float | None = None  # of all calls of this command since the start or the last reset


class RedisSlowLog(Row, frozen=True, kw_only=True):
    """What the slow log keeps, so that an empty one is not mistaken for a fast server."""

    limit_seconds: float | None  # None: unknown; below 0: off
    entry_count: int | None
    oldest_at: datetime | None  # of the entries that were read


class RedisLatencyEvent(Row, frozen=True, kw_only=True):
    """The last event of one kind that LATENCY LATEST keeps."""

    name: str
    at: datetime
    latest_seconds: float
    max_seconds: float


class RedisCommand(Row, frozen=True, kw_only=True):
    """Calls of one command between two samples."""

    name: str
    seconds: float
    call_count: int
    busy_seconds: float
    failed_count: int | None
    rejected_count: int | None
    p99_seconds: float | None  # since the start or the last reset


_CALLING = frozenset({"eval", "evalsha", "eval_ro", "evalsha_ro", "fcall", "fcall_ro", "exec"})


def busy_seconds(commands: Iterable[RedisCommand]) -> float:
    """Return how long commands ran, at the least.

    What a script or a transaction calls is counted twice, under its own name and within the caller's time,
    and how much of it that is, is unknown.
    """
    inside = outside = 0.0
    for command in commands:
        if command.name in _CALLING:
            inside += command.busy_seconds
        else:
            outside += command.busy_seconds
    return max(inside, outside)


class RedisDenial(Row, frozen=True, kw_only=True):
    """An entry of the ACL log."""

    reason: str  # auth, command, key, channel
    what: str  # the command, or the pattern of the key or channel
    user: str
    address: str
    denied_count: int
    last_at: datetime


class RedisDatabase(Row, frozen=True, kw_only=True):
    """The keys of one database."""

    database: int
    key_count: int
    expiring_count: int
    average_ttl_seconds: float | None


class RedisKeySample(Row, frozen=True, kw_only=True):
    """What the sampled keys say."""

    database: int
    sampled_count: int
    key_count: int
    seconds: float
    memory_bytes: int
    big_count: int  # over a megabyte
    # How full the server is meanwhile, and what moves in queues: lists, streams and sorted sets.
    used_ratio: float | None = None  # of maxmemory
    maxmemory_bytes: int | None = None
    buffer_ratio: float | None = None  # of maxmemory, in client buffers
    policy: str | None = None
    put_count: int | None = None  # calls that add to a queue, between the samples of INFO
    taken_count: int | None = None  # calls that take from one
    blocked_count: int | None = None  # clients that wait for something
    flow_seconds: float | None = None


class RedisKey(Row, frozen=True, kw_only=True):
    """One of the biggest sampled keys, by the pattern of its name."""

    pattern: str
    kind: str
    memory_bytes: int
    has_expiry: bool | None = None


class RedisKeyGroup(Row, frozen=True, kw_only=True):
    """Sampled keys whose names are alike."""

    pattern: str
    sampled_count: int
    memory_bytes: int
    kind: str | None = None  # of most of those that were checked
    checked_count: int | None = None
    expiring_count: int | None = None  # of those that were checked


class RedisStreamGroup(Row, frozen=True, kw_only=True):
    """A group of consumers that reads a stream."""

    pattern: str  # of the stream's name
    group: str
    entry_count: int  # in the stream, read or not
    consumer_count: int
    pending_count: int  # handed to a consumer, and not acknowledged
    lag_count: int | None = None  # not handed out yet; before Redis 7, and after XDEL, this is not known
    # Of the ten pending entries that were added first.
    oldest_seconds: float | None = None  # since one was last handed out
    oldest_consumer: str | None = None
    oldest_deliveries_count: int | None = None


class RedisReplication(Row, frozen=True, kw_only=True):
    """The server's part in replication."""

    role: str | None
    primary: str | None
    link_up: bool | None
    link_down_seconds: int | None
    last_io_seconds: int | None
    syncing: bool | None
    offset_bytes: int | None
    replica_count: int | None
    backlog_bytes: int | None
    full_sync_count: int | None
    role_before: str | None = None  # a second earlier
    replication_id: str | None = None  # of the data's history: another one after a failover
    previous_replication_id: str | None = None  # of the primary it followed before it became one
    previous_offset_bytes: int | None = None  # where that history ended
    failover_state: str | None = None  # of FAILOVER: no-failover, waiting-for-sync, failover-in-progress
    serves_stale_data: bool | None = None  # a replica without its link
    uptime_seconds: int | None = None
    # Totals since the start or the last reset.
    full_sync_total_count: int | None = None
    partial_sync_total_count: int | None = None
    partial_refused_total_count: int | None = None  # the backlog did not reach back far enough
    limit_closed_total_count: int | None = None  # clients ended at the limit of their output buffer
    backlog_used_bytes: int | None = None  # less than the backlog's size: nothing of it was given up yet


class RedisReplica(Row, frozen=True, kw_only=True):
    """A replica as its primary sees it."""

    address: str
    state: str
    lag_seconds: int | None
    behind_bytes: int | None


class RedisCluster(Row, frozen=True, kw_only=True):
    """The cluster as this node sees it."""

    state: str | None
    slots_assigned_count: int | None
    slots_ok_count: int | None
    slots_failing_count: int | None
    node_count: int | None


class RedisWatched(Row, frozen=True, kw_only=True):
    """A primary as a Sentinel sees it."""

    name: str
    address: str
    status: str  # ok, sdown (this Sentinel alone thinks that it is down), odown (enough of them agree)
    replica_count: int | None
    sentinel_count: int | None

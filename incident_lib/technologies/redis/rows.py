"""Records of the redis probes.

Counters are differences of two samples, `seconds` apart, without our own commands.
"""

from datetime import datetime

from incident_lib.model.rows import Row
from incident_lib.technologies.redis.rows_commands import (
    RedisCommand,
    RedisDenial,
    RedisErrorClass,
    RedisLatencyEvent,
    RedisSlowCommand,
    RedisSlowLog,
)
from incident_lib.technologies.redis.rows_keys import RedisDatabase, RedisKey, RedisKeyGroup, RedisKeySample
from incident_lib.technologies.redis.rows_roles import (
    RedisCluster,
    RedisReplica,
    RedisReplication,
    RedisWatched,
)


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
    starved_ratio: float | None = None  # of the time, in which somebody here waited for a processor
    is_here: bool | None = None  # the server shares this machine's processors


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


class RedisClients(Row, frozen=True, kw_only=True):
    """How many clients there are, without us."""

    seconds: float
    connected_count: int | None
    limit_count: int | None
    blocked_count: int | None
    rejected_count: int | None
    new_count: int | None


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


RedisRow = (
    RedisServer
    | RedisLatency
    | RedisErrorClass
    | RedisMemory
    | RedisClients
    | RedisClientGroup
    | RedisSlowCommand
    | RedisSlowLog
    | RedisLatencyEvent
    | RedisCommand
    | RedisPersistence
    | RedisReplication
    | RedisReplica
    | RedisCluster
    | RedisWatched
    | RedisDatabase
    | RedisKeySample
    | RedisKey
    | RedisKeyGroup
    | RedisSetting
    | RedisDenial
)

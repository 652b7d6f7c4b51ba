"""Records of a Redis server's part among others: replication, cluster, Sentinel."""

from incident_lib.model.rows import Row


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

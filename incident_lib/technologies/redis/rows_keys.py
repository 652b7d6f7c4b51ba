"""Records of what is in Redis: keys by database, and a sample of the biggest one."""

from incident_lib.model.rows import Row


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


class RedisKey(Row, frozen=True, kw_only=True):
    """One of the biggest sampled keys, by the pattern of its name."""

    pattern: str
    kind: str
    memory_bytes: int


class RedisKeyGroup(Row, frozen=True, kw_only=True):
    """Sampled keys whose names are alike."""

    pattern: str
    sampled_count: int
    memory_bytes: int

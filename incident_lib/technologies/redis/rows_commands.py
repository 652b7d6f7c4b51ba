"""Records of what Redis is asked for: commands, their time, refusals.

Counters are differences of two samples, `seconds` apart, without our own commands.
"""

from collections.abc import Iterable
from datetime import datetime

from incident_lib.model.rows import Row


class RedisErrorClass(Row, frozen=True, kw_only=True):
    """Error replies of one class. The total covers an unknown time: since the start or the last reset."""

    name: str
    total_count: int
    risen_count: int | None
    seconds: float


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
    """What the slow log keeps, so that an empty one is not taken for a fast server."""

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
    and nobody tells how much of it that is.
    """
    inside = outside = 0.0
    for one in commands:
        if one.name in _CALLING:
            inside += one.busy_seconds
        else:
            outside += one.busy_seconds
    return max(inside, outside)


class RedisDenial(Row, frozen=True, kw_only=True):
    """An entry of the ACL log."""

    reason: str  # auth, command, key, channel
    what: str  # the command, or the pattern of the key or channel
    user: str
    address: str
    denied_count: int
    last_at: datetime

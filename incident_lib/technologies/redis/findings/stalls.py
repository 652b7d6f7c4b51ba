"""Which entries of a slow log are no slow commands: the server was kept from running in the middle of them.

The log counts time as it passes. A server without a processor, with its memory swapped out or copying pages
after a fork takes long for whatever it happens to do.
"""

from collections.abc import Sequence

from incident_lib.findings.thresholds import Thresholds
from incident_lib.technologies.redis.rows import RedisSlowCommand

# What takes the same short time whatever is stored, if it has few arguments.
_QUICK = """
APPEND AUTH BLPOP BRPOP BRPOPLPUSH BLMOVE DECR DECRBY DISCARD ECHO EXISTS EXPIRE EXPIREAT GET GETBIT
GETDEL GETEX GETRANGE GETSET HDEL HELLO HEXISTS HGET HINCRBY HINCRBYFLOAT HLEN HMGET HMSET HSET
HSETNX INCR INCRBY INCRBYFLOAT LLEN LMOVE LPOP LPUSH LPUSHX MGET MSET MULTI PERSIST PEXPIRE
PEXPIREAT PFADD PING PSETEX PTTL PUBLISH RPOP RPOPLPUSH RPUSH RPUSHX SADD SCARD SELECT SET SETBIT
SETEX SETNX SISMEMBER SPOP SREM STRLEN TOUCH TTL TYPE UNLINK XACK XADD XLEN ZADD ZCARD ZINCRBY ZRANK
ZREM ZSCORE
"""
_CONSTANT = frozenset(_QUICK.split())
_FEW = 20  # arguments


def stalled(commands: Sequence[RedisSlowCommand], thresholds: Thresholds) -> tuple[RedisSlowCommand, ...]:
    """Return those that were held up: quick ones, and where there are several, others that took no longer."""
    times = thresholds["redis.stall.least_ratio"]
    odd = [one for one in commands if one.mean_seconds and one.duration_seconds >= times * one.mean_seconds]
    quick = [one for one in odd if one.command in _CONSTANT and one.argument_count <= _FEW]
    if len(quick) < thresholds["redis.stall.least_count"]:
        return tuple(quick)
    longest = max(one.duration_seconds for one in quick)
    return tuple(one for one in odd if one in quick or one.duration_seconds <= longest)

"""Which commands were slow, and which was the server only kept from running?

The log counts time as it passes. A server without a processor, with its memory swapped out or copying pages
after a fork takes long for whatever it happens to do.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import timedelta

from incident_lib.findings.base import Context, finding, ok
from incident_lib.findings.recovery import quiet
from incident_lib.findings.thresholds import Thresholds
from incident_lib.model import Evidence, Finding, FindingSeverity
from incident_lib.technologies.redis.findings.flushes import flushed_slowly
from incident_lib.technologies.redis.rows import RedisSlowCommand, RedisSlowLog
from incident_lib.units import format_duration, format_share

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
_INSTEAD = {
    "DEL": "UNLINK frees what it deletes in the background, as DEL does with lazyfree-lazy-user-del yes",
    "KEYS": "SCAN does the same in small steps",
    "SMEMBERS": "SSCAN reads the members in small steps",
    "HGETALL": "HSCAN reads the fields in small steps",
}


def stalled(commands: Sequence[RedisSlowCommand], thresholds: Thresholds) -> tuple[RedisSlowCommand, ...]:
    """Return those that were held up: quick ones, and where there are several, others that took no longer."""
    times = thresholds["redis.stall.least_ratio"]
    odd = [
        command
        for command in commands
        if command.mean_seconds and command.duration_seconds >= times * command.mean_seconds
    ]
    quick = [command for command in odd if command.command in _CONSTANT and command.argument_count <= _FEW]
    if len(quick) < thresholds["redis.stall.least_count"]:
        return tuple(quick)
    longest = max(command.duration_seconds for command in quick)
    return tuple(command for command in odd if command in quick or command.duration_seconds <= longest)


def analyze_slowlog(evidence: Evidence, context: Context) -> Iterator[Finding]:
    """Yield the command that makes most of the slow time inside the window, and stalls, else OK."""
    log = next(iter(evidence.of(RedisSlowLog)), None)
    commands = evidence.of(RedisSlowCommand)
    stalls = stalled(commands, context.thresholds)
    yield from flushed_slowly(evidence, commands)
    if slow := tuple(command for command in commands if command not in stalls):
        yield _slow(evidence, slow, context)
    if stalls:
        yield _stalled(evidence, stalls)
    if commands:
        return
    if log is None or log.limit_seconds is None or log.limit_seconds >= 0:
        yield _ok(evidence, log)


def _ok(evidence: Evidence, log: RedisSlowLog | None) -> Finding:
    limit = log.limit_seconds if log else None
    over = "its limit, which is unknown" if limit is None else format_duration(limit)
    title = f"no command took over {over} inside the window"
    return ok(evidence, title, limit_seconds=limit)


def _stalled(evidence: Evidence, stalls: tuple[RedisSlowCommand, ...]) -> Finding:
    slowest = max(stalls, key=lambda command: command.duration_seconds)
    calls = "one quick command was" if len(stalls) == 1 else f"{len(stalls)} quick commands were"
    return finding(
        evidence,
        "stalled",
        FindingSeverity.INFO,
        f"{calls} held up, {format_duration(slowest.duration_seconds)} at most",
        f"{slowest.command} takes {format_duration(slowest.mean_seconds or 0)} on average, so the process "
        f"could not run, or a value is very large. Check its machine for CPU load, swapping, and forks for "
        f"dumps.",
        since=min(command.started_at for command in stalls),
        call_count=len(stalls),
        max_seconds=slowest.duration_seconds,
        total_seconds=_seconds(stalls),
    )


def _slow(evidence: Evidence, commands: tuple[RedisSlowCommand, ...], context: Context) -> Finding:
    by_kind: dict[tuple[str, str], list[RedisSlowCommand]] = defaultdict(list)
    for slow in commands:
        by_kind[(slow.command, slow.key_pattern)].append(slow)
    (command, pattern), worst = max(by_kind.items(), key=lambda item: _seconds(item[1]))
    total, most = _seconds(commands), _seconds(worst)
    limits = context.thresholds
    dominant = total > 0 and most / total > limits["redis.slowlog.share_ratio"]
    severity = limits.severity("redis.slowlog", most, "seconds") if dominant else None
    slowest = max(worst, key=lambda slow: slow.duration_seconds)
    shown = f"{command} {pattern}".strip()
    calls = "one slow call" if len(worst) == 1 else f"{len(worst)} slow calls"
    found = finding(
        evidence,
        "slow",
        severity or FindingSeverity.INFO,
        f"{shown} blocked all clients for {format_duration(most)} in {calls}",
        f"{format_share(most / total)} of the slow time of {len(commands)} commands; the slowest took "
        f"{format_duration(slowest.duration_seconds)} with {slowest.argument_count} arguments, "
        f"from {slowest.client or slowest.address or 'an unknown client'}{_instead(command)}",
        since=min(slow.started_at for slow in worst),
        command=command,
        key_pattern=pattern,
        call_count=len(worst),
        total_seconds=most,
        max_seconds=slowest.duration_seconds,
        share_ratio=most / total,
        client=slowest.client or slowest.address,
    )
    ends = [slow.started_at + timedelta(seconds=slow.duration_seconds) for slow in worst]
    return quiet(found, ends, context)


def _instead(command: str) -> str:
    """Return what does the same without holding everybody up.

    >>> _instead("KEYS"), _instead("GET")
    ('. SCAN does the same in small steps', '')
    """
    instead = _INSTEAD.get(command)
    return f". {instead}" if instead else ""


def _seconds(commands: tuple[RedisSlowCommand, ...] | list[RedisSlowCommand]) -> float:
    return sum(command.duration_seconds for command in commands)

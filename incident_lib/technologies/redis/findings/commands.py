"""What is it busy with?"""

from collections.abc import Iterator

from incident_lib.findings.base import Context, finding, ok
from incident_lib.model import Evidence, Finding, FindingSeverity
from incident_lib.technologies.redis.rows import RedisCommand, RedisLatencyEvent, RedisSetting, busy_seconds
from incident_lib.units import format_duration, format_share


def analyze_commands(evidence: Evidence, context: Context) -> Iterator[Finding]:
    """Yield a busy thread with the command that makes it so, latency events, else OK."""
    commands = evidence.of(RedisCommand)
    busy = list(_busy(evidence, commands, context))
    yield from busy
    yield from (_event(evidence, event) for event in evidence.of(RedisLatencyEvent))
    if not busy:
        yield _ok(evidence, commands)


def _ok(evidence: Evidence, commands: tuple[RedisCommand, ...]) -> Finding:
    calls = sum(command.call_count for command in commands)
    seconds = commands[0].seconds if commands else None
    per_second = calls / seconds if seconds else 0.0
    off = any(row.value == "0" for row in evidence.of(RedisSetting))
    return ok(
        evidence,
        f"{per_second:.0f} commands a second, which use {format_share(_ratio(commands))} of its time",
        "latency monitoring is off (latency-monitor-threshold 0): stalls from disk and forks are not visible"
        if off
        else "",
        per_second=per_second,
        busy_ratio=_ratio(commands),
    )


def _ratio(commands: tuple[RedisCommand, ...]) -> float:
    return busy_seconds(commands) / commands[0].seconds if commands else 0.0


def _busy(evidence: Evidence, commands: tuple[RedisCommand, ...], context: Context) -> Iterator[Finding]:
    ratio = _ratio(commands)
    severity = context.thresholds.severity("redis.busy", ratio, "ratio")
    if severity is None:
        return
    most = max(commands, key=lambda command: command.busy_seconds)
    share = most.busy_seconds / busy_seconds(commands)
    dominant = share > context.thresholds["redis.dominant.share_ratio"]
    yield finding(
        evidence,
        "dominant" if dominant else "busy",
        severity,
        f"the command thread is busy {format_share(ratio)} of the time, {format_share(share)} of it "
        f"with {most.name.upper()}",
        f"{most.call_count:,} calls in {format_duration(most.seconds)}, "
        f"{format_duration(most.busy_seconds / most.call_count)} each",
        command=most.name,
        busy_ratio=ratio,
        share_ratio=share,
        call_count=most.call_count,
    )


def _event(evidence: Evidence, event: RedisLatencyEvent) -> Finding:
    return finding(
        evidence,
        f"event.{event.name}",
        FindingSeverity.INFO,
        f"latency event {event.name}: {format_duration(event.latest_seconds)}",
        f"the worst since the last reset: {format_duration(event.max_seconds)}",
        since=event.at,
        latest_seconds=event.latest_seconds,
        max_seconds=event.max_seconds,
    )

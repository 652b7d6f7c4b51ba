"""What it is busy with."""

from datetime import UTC, datetime
from typing import Any

from incident_lib.model import Problem, Truncation, Window
from incident_lib.probes.base import Fetched, Probe
from incident_lib.technologies.redis.connect import (
    Info,
    RedisSession,
    ReplyError,
    from_reply,
    own_count,
    text_of,
)
from incident_lib.technologies.redis.rows import RedisCommand, RedisLatencyEvent, RedisSetting

COMMAND_LIMIT = 30
_LATENCY_SETTING = "latency-monitor-threshold"


def fetch_commands(session: RedisSession, window: Window) -> Fetched:
    """Return the calls of each command in a second, and the last latency events inside the window.

    Source: INFO, twice; LATENCY LATEST. Shape: the busiest commands first; ours are subtracted.
    Needs: +info +latency|latest, and +config|get to say that latency monitoring is off.
    """
    first, second = session.later()
    commands = commands_between(first, second)
    kept = commands[:COMMAND_LIMIT]
    events, problem = _events(session, window)
    total = len(commands)
    cut = Truncation(kept=len(kept), total=total, unit="commands") if len(kept) < total else None
    return Fetched(rows=(*kept, *events), problem=problem, truncated=cut)


def commands_between(first: Info, second: Info) -> list[RedisCommand]:
    """Return the calls of each command between two samples without ours, the busiest first."""
    before = dict(first.group("cmdstat_"))
    p99 = {name: parts.get("p99") for name, parts in second.group("latency_percentiles_usec_")}
    rows = []
    for name, parts in second.group("cmdstat_"):
        ours = own_count(second.sent, name) - own_count(first.sent, name)
        calls = _risen(before.get(name, {}), parts, "calls") or 0
        if calls <= ours:
            continue
        micros = _risen(before.get(name, {}), parts, "usec") or 0
        share = (calls - ours) / calls  # of the time, ours is taken to be average
        slow = p99.get(name)
        rows.append(
            RedisCommand(
                name=name,
                seconds=second.read_at - first.read_at,
                call_count=calls - ours,
                busy_seconds=micros * share / 1_000_000,
                failed_count=_risen(before.get(name, {}), parts, "failed_calls"),
                rejected_count=_risen(before.get(name, {}), parts, "rejected_calls"),
                p99_seconds=None if slow is None else float(slow) / 1_000_000,
            )
        )
    return sorted(rows, key=lambda row: -row.busy_seconds)


def _risen(before: dict[str, str], after: dict[str, str], field: str) -> int | None:
    """Return by how much a part of a counter rose, None where it is not there or was reset."""
    if field not in after:
        return None
    risen = int(after[field]) - int(before.get(field, 0))
    return None if risen < 0 else risen


def _events(
    session: RedisSession, window: Window
) -> tuple[tuple[RedisLatencyEvent | RedisSetting, ...], Problem | None]:
    """Return the events, or the setting that says that there can be none."""
    reply = session.exchange([("LATENCY", "LATEST")])[0]
    if isinstance(reply, ReplyError):
        return (), Problem.from_error(from_reply(reply))
    if not reply and session.setting(_LATENCY_SETTING) == "0":
        return (RedisSetting(name=_LATENCY_SETTING, value="0"),), None
    events = (_event(session, entry) for entry in reply)
    return tuple(event for event in events if event.at >= window.start), None


def _event(session: RedisSession, entry: list[Any]) -> RedisLatencyEvent:
    return RedisLatencyEvent(
        name=text_of(entry[0]),
        at=session.here(datetime.fromtimestamp(entry[1], UTC)),
        latest_seconds=entry[2] / 1000,
        max_seconds=entry[3] / 1000,
    )


PROBE = Probe(
    name="redis.commands",
    fetch=fetch_commands,
    question="What is it busy with?",
    source="INFO all, twice, a second apart (commandstats, latencystats); LATENCY LATEST",
    needs="+info +latency|latest +config|get",
)

"""Is it there, what is it, and how soon does it answer: a busy machine of ours is no slow server."""

import time
from datetime import timedelta
from pathlib import Path
from statistics import median
from typing import Any

import msgspec

from incident_lib import clock
from incident_lib.model import Problem, Window
from incident_lib.probes.base import Fetched, Probe
from incident_lib.technologies.redis.connect import RedisSession, ReplyError, from_reply, mode_of
from incident_lib.technologies.redis.probes.commands import commands_between
from incident_lib.technologies.redis.rows import RedisLatency, RedisServer, busy_seconds

PING_COUNT = 20
_PAUSE_SECONDS = 0.045  # the pings fill the second between the two samples of INFO
_ENOUGH = 10  # of them on a machine where each takes long
_BUDGET_SECONDS = 1.0
_SCHEDSTAT = Path("/proc/thread-self/schedstat")
_PRESSURE = Path("/proc/pressure/cpu")
_INTERFACES = Path("/sys/class/net")
_NANOSECONDS, _MICROSECONDS = 1_000_000_000, 1_000_000


def fetch_connection(session: RedisSession, _window: Window) -> Fetched:
    """Return who answers, how fast, and what the server did meanwhile.

    Source: INFO, 20 pings 45 ms apart (fewer when they are slow), INFO. Needs: +info +ping.
    """
    latency, problem = _ping(session)
    if problem is None and session.info_problem:
        problem = Problem.from_error(session.info_problem)
    rows = (_server(session), latency) if latency else (_server(session),)
    source = "INFO all" + (f"; PING, {latency.sample_count} times; INFO all" if latency else "")
    return Fetched(rows=rows, source=source, problem=problem)


def _server(session: RedisSession) -> RedisServer:
    info = None if session.info_problem else session.info()
    if info is None:
        return RedisServer(
            software=None,
            version=None,
            mode=None,
            role=None,
            run_id=None,
            started_at=None,
            uptime_seconds=None,
            clock_difference_seconds=None,
            ways=session.notes,
        )
    uptime = info.count("uptime_in_seconds")
    valkey = info.text("valkey_version")
    return RedisServer(
        software="valkey" if valkey else "redis",
        version=valkey or info.text("redis_version"),
        mode=mode_of(info),
        role=info.text("role"),
        run_id=info.text("run_id"),
        started_at=None if uptime is None else session.first_at - timedelta(seconds=uptime),
        uptime_seconds=uptime,
        clock_difference_seconds=session.clock_difference.total_seconds(),
        ways=session.notes,
    )


class _Pings(msgspec.Struct, kw_only=True):
    """What the pings took, as they come in."""

    seconds: list[float] = []
    served: list[float] = []  # without our own wait for a processor in that very ping
    late: list[float] = []
    refusal: ReplyError | None = None


def _ping(session: RedisSession) -> tuple[RedisLatency | None, Problem | None]:
    """Return the latencies of pings; None through redis-cli, where starting the process outweighs them."""
    if session.transport.connect_seconds is None:
        return None, None
    starved, started = starved_seconds(), clock.monotonic()
    pings = _send_pings(session)
    elapsed = clock.monotonic() - started
    starved_ratio = _starved_ratio(starved, elapsed)
    if pings.refusal and pings.refusal.code == "NOPERM":  # says nothing about the server
        return None, Problem.from_error(from_reply(pings.refusal))
    return RedisLatency(
        sample_count=len(pings.seconds),
        connect_seconds=session.transport.connect_seconds,
        own_delay_seconds=max(pings.late, default=0.0),
        median_seconds=median(pings.seconds),
        p95_seconds=percentile(pings.seconds, 0.95),
        max_seconds=max(pings.seconds),
        refusal=pings.refusal.code if pings.refusal else None,
        served_p95_seconds=percentile(pings.served, 0.95),
        starved_ratio=starved_ratio,
        waiting_ratio=min(sum(pings.served) / elapsed, 1.0),
        is_here=is_here(*session.transport.ends),
        **_meanwhile(session),
    ), None


def _starved_ratio(before: float | None, seconds: float) -> float | None:
    after = starved_seconds()
    return None if before is None or after is None else min((after - before) / seconds, 1.0)


def _send_pings(session: RedisSession) -> _Pings:
    pings = _Pings()
    deadline = clock.monotonic() + _BUDGET_SECONDS
    longest = deadline + _BUDGET_SECONDS / 2
    while len(pings.seconds) < PING_COUNT and clock.monotonic() < longest:
        if clock.monotonic() > deadline and len(pings.seconds) >= _ENOUGH:
            break
        waited, started = waited_seconds(), clock.monotonic()
        reply = session.exchange([("PING",)])[0]
        seconds = clock.monotonic() - started
        pings.seconds.append(seconds)
        pings.served.append(max(seconds - (waited_seconds() - waited), 0.0))
        if isinstance(reply, ReplyError):
            pings.refusal = reply
            break
        pings.late.append(_pause())
    return pings


def _meanwhile(session: RedisSession) -> dict[str, Any]:
    """Return what the server itself counted during the pings, {} where INFO is not allowed."""
    if session.info_problem:
        return {}
    first, second = session.later()
    commands = commands_between(first, second)
    seconds = second.read_at - first.read_at
    found: dict[str, Any] = {"busy_ratio": busy_seconds(commands) / seconds}
    if commands:
        longest = max(commands, key=lambda command: command.busy_seconds / command.call_count)
        found["longest_command"] = longest.name
        found["longest_seconds"] = longest.busy_seconds / longest.call_count
        found["longest_ratio"] = longest.busy_seconds / seconds
    return found


def _pause() -> float:
    """Return how much longer than requested we slept: a busy machine or process here is no slow server."""
    started = clock.monotonic()
    time.sleep(_PAUSE_SECONDS)
    return max(clock.monotonic() - started - _PAUSE_SECONDS, 0.0)


def percentile(values: list[float], share: float) -> float:
    """Return the smallest value that at least `share` of `values` do not exceed.

    >>> percentile([1.0, 2.0, 3.0, 40.0], 0.75)
    3.0
    """
    ordered = sorted(values)
    return ordered[max(-int(-share * len(ordered) // 1), 1) - 1]


def waited_seconds() -> float:
    """Return how long this thread was ready to run and did not, since it began; 0 where it is unknown.

    Source: /proc/thread-self/schedstat, its second number. A difference of two is exact.
    """
    try:
        return int(_SCHEDSTAT.read_bytes().split()[1]) / _NANOSECONDS
    except (OSError, ValueError, IndexError):
        return 0.0


def starved_seconds() -> float | None:
    """Return how long any task on this machine waited for a processor, since it started; None if unknown.

    Source: /proc/pressure/cpu, `some total`.
    """
    try:
        return int(_PRESSURE.read_text().partition("total=")[2].split()[0]) / _MICROSECONDS
    except (OSError, ValueError, IndexError):
        return None


def is_here(local: str, peer: str) -> bool:
    """Return whether `peer` is on this machine: our own address, or behind a bridge, as containers are.

    >>> is_here("127.0.0.1", "127.0.0.1"), is_here("", ""), is_here("192.0.2.7", "192.0.2.9")
    (True, True, False)
    """
    if local == peer:
        return True
    import psutil

    for name, addresses in psutil.net_if_addrs().items():
        if any(address.address == local for address in addresses):
            return (_INTERFACES / name / "bridge").exists()
    return False


PROBE = Probe(
    name="redis.connection",
    fetch=fetch_connection,
    question="Does it answer, and how fast?",
    source="INFO all, twice, a second apart; PING",
    needs="+info +ping",
    cost="20 pings",
)

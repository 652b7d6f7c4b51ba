"""Is it there, what is it, and how soon does it answer."""

import time
from datetime import timedelta
from statistics import median

from incident_lib import clock
from incident_lib.connections.redis import RedisSession, ReplyError
from incident_lib.model import Problem, Window
from incident_lib.model.redis import RedisLatency, RedisServer
from incident_lib.probes.base import Fetched, Probe

PING_COUNT = 20
_PAUSE_SECONDS = 0.02
_BUDGET_SECONDS = 1.5


def fetch_connection(session: RedisSession, _window: Window) -> Fetched:
    """Return who answers, and how fast.

    Source: INFO, 20 pings 20 ms apart (fewer when they are slow). Needs: +info +ping.
    """
    latency = _ping(session)
    rows = (_server(session), latency) if latency else (_server(session),)
    source = "INFO all" + (f"; PING, {latency.sample_count} times" if latency else "")
    return Fetched(rows=rows, source=source, problem=_problem(session))


def _problem(session: RedisSession) -> Problem | None:
    error = session.info_problem
    return Problem.from_error(error) if error else None


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
        mode=info.text("server_mode") or info.text("redis_mode"),
        role=info.text("role"),
        run_id=info.text("run_id"),
        started_at=None if uptime is None else session.first_at - timedelta(seconds=uptime),
        uptime_seconds=uptime,
        clock_difference_seconds=session.clock_difference.total_seconds(),
        ways=session.notes,
    )


def _ping(session: RedisSession) -> RedisLatency | None:
    """Return the latencies of pings; None through redis-cli, where starting the process outweighs them."""
    connect_seconds = session.transport.connect_seconds
    if connect_seconds is None:
        return None
    seconds: list[float] = []
    late: list[float] = [0.0]
    refusal = None
    deadline = clock.monotonic() + _BUDGET_SECONDS
    while len(seconds) < PING_COUNT and clock.monotonic() < deadline:
        started = clock.monotonic()
        reply = session.exchange([("PING",)])[0]
        seconds.append(clock.monotonic() - started)
        if isinstance(reply, ReplyError):
            refusal = reply.code
            break
        late.append(_pause())
    return RedisLatency(
        sample_count=len(seconds),
        connect_seconds=connect_seconds,
        own_delay_seconds=max(late),
        median_seconds=median(seconds),
        p95_seconds=percentile(seconds, 0.95),
        max_seconds=max(seconds),
        refusal=refusal,
    )


def _pause() -> float:
    """Return how much longer than asked for we slept: a busy machine or process here is no slow server."""
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


PROBE = Probe(
    name="redis.connection",
    fetch=fetch_connection,
    question="Does it answer, and how fast?",
    source="INFO all; PING",
    needs="+info +ping",
    cost="20 pings",
)

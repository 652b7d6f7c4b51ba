"""Does it answer, and how fast?"""

from collections.abc import Iterator

from incident_lib.clock import format_duration, format_time
from incident_lib.findings.base import Context, finding
from incident_lib.model import Evidence, Finding, FindingSeverity, ProblemKind
from incident_lib.model.redis import RedisLatency, RedisServer

_TITLES = {
    ProblemKind.REFUSED: "connections are refused",
    ProblemKind.TIMED_OUT: "no answer in time",
    ProblemKind.UNREACHABLE: "cannot be reached",
    ProblemKind.RESET: "ends connections",
    ProblemKind.NAME_NOT_RESOLVED: "the name does not resolve",
    ProblemKind.TLS: "no secure connection",
    ProblemKind.DENIED: "refuses our login",
    ProblemKind.FULL: "no room for another client",
    ProblemKind.STARTING: "still loading its data",
    ProblemKind.BUSY: "busy with one script, refuses everything else",
    ProblemKind.NOT_FOUND: "not there",
}


def analyze_failure(evidence: Evidence, _context: Context) -> Iterator[Finding]:
    """Yield why nobody could connect: CRITICAL, or UNKNOWN where the inability is ours."""
    problem = evidence.problem
    if problem is None:
        return
    ours = problem.kind.is_ours
    title = "not assessed: " + problem.message if ours else _TITLES.get(problem.kind, problem.message)
    yield finding(
        evidence,
        problem.kind.value,
        FindingSeverity.UNKNOWN if ours else FindingSeverity.CRITICAL,
        title,
        f"{problem.message.rstrip('.')}. {problem.advice}".rstrip(". "),
        reason=problem.message,
    )


def analyze_connection(evidence: Evidence, context: Context) -> Iterator[Finding]:
    """Yield a slow event loop, a start inside the window, a clock that is off, else OK."""
    server = next(iter(evidence.of(RedisServer)), None)
    latency = next(iter(evidence.of(RedisLatency)), None)
    if server is not None:
        yield from _restarted(evidence, server, context)
        yield from _clock(evidence, server, context)
    bad = list(_latency(evidence, latency, context)) if latency else []
    yield from bad
    if not bad:
        yield _ok(evidence, server, latency)


def _ok(evidence: Evidence, server: RedisServer | None, latency: RedisLatency | None) -> Finding:
    name = f"{server.software} {server.version}" if server and server.version else "the server"
    median = latency.median_seconds if latency else None
    speed = f" in {_short(median)}" if median is not None else ""
    ways = "; ".join(server.ways) if server else ""
    return finding(
        evidence,
        "ok",
        FindingSeverity.OK,
        f"{name} answers{speed}",
        ways,
        version=server.version if server else None,
        role=server.role if server else None,
        uptime_seconds=server.uptime_seconds if server else None,
        median_seconds=median,
    )


def _latency(evidence: Evidence, latency: RedisLatency, context: Context) -> Iterator[Finding]:
    if latency.refusal:
        name = "master_down" if latency.refusal == "MASTERDOWN" else latency.refusal.lower()
        yield finding(
            evidence,
            name,
            FindingSeverity.CRITICAL,
            f"answers PING with {latency.refusal}",
            "a replica without its primary that may not serve stale data" if name == "master_down" else "",
        )
        return
    wait = max(latency.p95_seconds - latency.connect_seconds - latency.own_delay_seconds, 0.0)
    severity = context.thresholds.severity("redis.latency", wait, "seconds")
    # Where we ourselves are held up for as long, the machine is busy and the server may be innocent.
    busy = latency.own_delay_seconds >= wait / 2
    if severity:
        yield finding(
            evidence,
            "latency",
            FindingSeverity.INFO if busy else severity,
            f"a ping takes {_short(latency.p95_seconds)}, and this machine is too busy to say why"
            if busy
            else f"the event loop is slow: a ping takes {_short(latency.p95_seconds)}",
            f"p95 of {latency.sample_count} pings, the slowest {_short(latency.max_seconds)}; the network's "
            f"share is {_short(latency.connect_seconds)}, ours {_short(latency.own_delay_seconds)}. "
            "See the slow log and its machine's CPU.",
            p95_seconds=latency.p95_seconds,
            max_seconds=latency.max_seconds,
            connect_seconds=latency.connect_seconds,
            own_delay_seconds=latency.own_delay_seconds,
        )


def _restarted(evidence: Evidence, server: RedisServer, context: Context) -> Iterator[Finding]:
    if server.started_at and context.window.holds(server.started_at):
        uptime = format_duration(server.uptime_seconds or 0)
        yield finding(
            evidence,
            "restarted",
            FindingSeverity.INFO,
            "the server was started",
            f"at {format_time(server.started_at)}, {uptime} ago; its memory began empty or as it is on disk",
            since=server.started_at,
            uptime_seconds=server.uptime_seconds,
            run_id=server.run_id,
        )


def _clock(evidence: Evidence, server: RedisServer, context: Context) -> Iterator[Finding]:
    difference = server.clock_difference_seconds
    if difference is not None and context.thresholds.severity("redis.clock", abs(difference), "seconds"):
        yield finding(
            evidence,
            "clock",
            FindingSeverity.WARNING,
            f"the clock differs from ours by {format_duration(abs(difference))}",
            "times of its log and slow log are that far off",
            difference_seconds=difference,
        )


def _short(seconds: float) -> str:
    """Return a small time with what matters of it.

    >>> _short(0.00034), _short(0.25)
    ('0.34 ms', '250 ms')
    """
    return f"{seconds * 1000:.2f} ms" if seconds < 0.01 else format_duration(seconds)

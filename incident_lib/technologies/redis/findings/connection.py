"""Does it answer, and how fast?"""

from collections.abc import Iterator, Mapping

import msgspec

from incident_lib.clock import format_time
from incident_lib.findings.base import Context, finding, ok
from incident_lib.model import Evidence, Finding, FindingSeverity, ProblemKind
from incident_lib.model.silent_process import Doing
from incident_lib.technologies.redis.rows import RedisLatency, RedisServer
from incident_lib.units import format_duration, format_share

_FEW_PINGS = 20
_TITLES = {
    ProblemKind.REFUSED: "the server refuses connections",
    ProblemKind.TIMED_OUT: "the server does not answer in time",
    ProblemKind.UNREACHABLE: "the server cannot be reached",
    ProblemKind.RESET: "the server closes connections",
    ProblemKind.NAME_NOT_RESOLVED: "the name does not resolve",
    ProblemKind.NOT_CALLED: "the name resolves to a link-local or metadata address",
    ProblemKind.TLS: "the server cannot be reached over TLS",
    ProblemKind.DENIED: "the server refuses the workbench's login",
    ProblemKind.FULL: "the server accepts no more clients",
    ProblemKind.STARTING: "the server is still loading its data",
    ProblemKind.BUSY: "the server is busy with a script and refuses everything else",
    ProblemKind.NOT_FOUND: "the server is not there",
    ProblemKind.PROTOCOL: "what answers is not a supported Redis",
}


def analyze_failure(evidence: Evidence, _context: Context) -> Iterator[Finding]:
    """Yield why no connection could be made: CRITICAL, or UNKNOWN where the inability is ours."""
    problem = evidence.problem
    if problem is None:
        return
    ours = problem.kind.is_ours
    title = "not assessed: " + problem.message if ours else _TITLES.get(problem.kind, problem.message)
    found = finding(
        evidence,
        problem.kind.value,
        FindingSeverity.UNKNOWN if ours else FindingSeverity.CRITICAL,
        title,
        f"{problem.message.rstrip('.')}. {problem.advice}".rstrip(". "),
        reason=problem.message,
    )
    yield msgspec.structs.replace(found, data=found.data | problem.numbers)
    yield from _process(evidence, problem.numbers)


def _process(evidence: Evidence, numbers: Mapping[str, float]) -> Iterator[Finding]:
    """Yield what the process of a server that does not answer spends its time with, where that was seen."""
    doing = next((each for each in Doing if f"is_{each}" in numbers), None)
    if doing is None:
        return
    pid, ratio = int(numbers["server_pid"]), numbers["busy_ratio"]
    title, detail = _DOING[doing]
    yield finding(
        evidence,
        doing.value,
        FindingSeverity.CRITICAL,
        title.format(pid=pid, ratio=format_share(ratio)),
        detail.format(pid=pid),
        server_pid=pid,
        busy_ratio=ratio,
    )


_DOING = {
    Doing.HALTED: (
        "its process {pid} was stopped by a signal or a debugger",
        "kill -CONT {pid} resumes it",
    ),
    Doing.WORKING: (
        "its process {pid} is busy and does not answer meanwhile ({ratio} of a CPU)",
        "it runs one command or script at a time; during a script it answers BUSY after a few seconds",
    ),
    Doing.STUCK: (
        "its process {pid} waits for a disk, or for memory that was swapped out, and does not answer",
        "grep VmSwap /proc/{pid}/status shows what was swapped out",
    ),
    Doing.IDLE: (
        "its process {pid} is idle but does not answer",
        "probably CLIENT PAUSE, which holds all commands until its timeout; real work would use CPU",
    ),
}


def analyze_connection(evidence: Evidence, context: Context) -> Iterator[Finding]:
    """Yield a slow event loop, a start inside the window, a clock that is off, else OK.

    A server that this machine is too busy to time answers all the same: its OK then names no speed.
    """
    server = next(iter(evidence.of(RedisServer)), None)
    latency = next(iter(evidence.of(RedisLatency)), None)
    if server is not None:
        yield from _restarted(evidence, server, context)
        yield from _clock(evidence, server, context)
    slow = list(_latency(evidence, latency, context)) if latency else []
    yield from slow
    if not any(found.severity.is_bad for found in slow):
        yield _ok(evidence, server, None if slow else latency)


def _ok(evidence: Evidence, server: RedisServer | None, latency: RedisLatency | None) -> Finding:
    name = f"{server.software} {server.version}" if server and server.version else "the server"
    median = latency.median_seconds if latency else None
    speed = f" in {format_duration(median)}" if median is not None else ""
    ways = "; ".join(server.ways) if server else ""
    return ok(
        evidence,
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
            f"the server answers PING with {latency.refusal}",
            "a replica without its primary that may not serve stale data" if name == "master_down" else "",
        )
        return
    held = _held(latency, context)
    wait = _wait(latency, held=held is not None)
    severity = context.thresholds.severity("redis.latency", wait, "seconds")
    doubt = "" if held else _doubt(latency, wait, context)
    if severity:
        yield finding(
            evidence,
            "latency",
            FindingSeverity.INFO if doubt else severity,
            doubt or f"the event loop is slow: a ping takes {format_duration(latency.p95_seconds)}",
            f"p95 of {latency.sample_count} pings, the slowest {format_duration(latency.max_seconds)}; "
            f"the network's share is {format_duration(latency.connect_seconds)}, the workbench's "
            f"{format_duration(latency.own_delay_seconds)}. "
            + (held or "Check the slow log and the CPU of its machine."),
            p95_seconds=latency.p95_seconds,
            max_seconds=latency.max_seconds,
            connect_seconds=latency.connect_seconds,
            own_delay_seconds=latency.own_delay_seconds,
            busy_ratio=latency.busy_ratio,
            longest_command=latency.longest_command,
            longest_seconds=latency.longest_seconds,
        )


def _doubt(latency: RedisLatency, wait: float, context: Context) -> str:
    """Return why the pings say little of a server that counted nothing itself, "" where they do."""
    if _is_busy_here(latency, wait, context):
        return (
            f"a ping takes {format_duration(latency.p95_seconds)}, but this machine is too busy to tell why"
        )
    if latency.median_seconds < wait / 2 and _are_few(latency, context):
        slowest = format_duration(latency.max_seconds)
        return f"few pings took long, the slowest {slowest}, and none of the server's counters explains why"
    return ""


def _are_few(latency: RedisLatency, context: Context) -> bool:
    """Return whether the slow pings were one or two short ones, held up by whatever it was."""
    if latency.sample_count < _FEW_PINGS:  # of so few the 95th percentile is the slowest
        return True
    least = context.thresholds["redis.latency.waiting.least_ratio"]
    return latency.waiting_ratio is not None and latency.waiting_ratio < least


def _is_busy_here(latency: RedisLatency, wait: float, context: Context) -> bool:
    """Return whether this machine explains the wait: we were held up for as long, or all on it queue."""
    if latency.own_delay_seconds >= wait / 2:
        return True
    most = context.thresholds["redis.latency.starved_ratio"]
    return bool(latency.is_here) and (latency.starved_ratio or 0.0) >= most


def _wait(latency: RedisLatency, *, held: bool) -> float:
    """Return how long a ping waited for the server.

    Our own delays are taken off: what the kernel reports of that very ping, and at most as much as our pauses
    were late, unless the server itself says that it was held up.
    """
    served = latency.served_p95_seconds
    seconds = latency.p95_seconds if served is None else served
    return max(seconds - latency.connect_seconds - (0 if held else latency.own_delay_seconds), 0.0)


def _held(latency: RedisLatency, context: Context) -> str | None:
    """Return what the server says that it did meanwhile, None where that would hold no client up."""
    ratio, longest = latency.busy_ratio or 0.0, latency.longest_seconds or 0.0
    limits = context.thresholds
    long = limits.severity("redis.latency", longest, "seconds") is not None
    often = (latency.longest_ratio or 0.0) >= limits["redis.latency.least_ratio"]
    if not (long and often) and limits.severity("redis.busy", ratio, "ratio") is None:
        return None
    name = (latency.longest_command or "").upper()
    return (
        f"By its own counters, it ran commands {format_share(ratio)} of the time, a {name} took "
        f"{format_duration(longest)}."
    )


def _restarted(evidence: Evidence, server: RedisServer, context: Context) -> Iterator[Finding]:
    if server.started_at and context.window.holds(server.started_at):
        uptime = format_duration(server.uptime_seconds or 0)
        yield finding(
            evidence,
            "restarted",
            FindingSeverity.INFO,
            "the server was started",
            f"at {format_time(server.started_at)}, {uptime} ago; its memory started empty or as saved on "
            f"disk",
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
            f"the clock differs from this machine's by {format_duration(abs(difference))}",
            "times in its log and slow log are off by that much",
            difference_seconds=difference,
        )

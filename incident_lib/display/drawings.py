"""Answers as drawings: rates, latencies, connections, locks, memory, dependencies."""

from collections import Counter
from collections.abc import Iterable, Sequence
from html import escape

from incident_lib.correlation.views import HERE, View, views_of
from incident_lib.display.answers import worst_of
from incident_lib.display.block import Block
from incident_lib.display.grid import plain
from incident_lib.display.tables import problem
from incident_lib.investigation.case import Case
from incident_lib.plots.bars import Bar, plot_bars
from incident_lib.plots.graph import Way, plot_topology
from incident_lib.plots.locks import plot_locks
from incident_lib.plots.rates import plot_rates
from incident_lib.plots.values import show
from incident_lib.reports import blocks
from incident_lib.technologies.docker.rows import ContainerUsage
from incident_lib.technologies.host.rows import HostMemory
from incident_lib.technologies.http.rows import HttpAnswer
from incident_lib.technologies.logs.coverage import describe_read
from incident_lib.technologies.logs.rows import LogBucket, LogEndpoint, LogSummary
from incident_lib.technologies.logs.series import failures
from incident_lib.technologies.postgres.rows import (
    PostgresCapacity,
    PostgresLockSession,
    PostgresSessionGroup,
)
from incident_lib.technologies.process.rows import ProcessState
from incident_lib.technologies.redis.rows import RedisMemory
from incident_lib.units import format_bytes, format_share

_LEVELS = (("CRITICAL", "bad"), ("ERROR", "bad"), ("WARNING", "s2"), ("INFO", "s1"), ("DEBUG", "rest"))
_SESSION_COLOURS = {"active": "s1", "idle": "rest", "idle in transaction": "bad"}
_PHASES = (
    ("name_seconds", "s4", "name"),
    ("connect_seconds", "s3", "connect"),
    ("tls_seconds", "s5", "TLS"),
    ("first_byte_seconds", "s2", "first byte"),
    ("body_seconds", "s1", "body"),
)


def errors(case: Case) -> Block:
    """Return requests and errors of each service over time, with the onset and every change marked."""
    plots = [
        plot_rates(failures(evidence), case.window, onset=case.onset, changes=case.changes)
        for evidence in case.of("logs.lines")
        if evidence.of(LogBucket)
    ]
    return _with_coverage(
        case, _drawn(case, "logs.lines", plots, "No log line with a time falls into the window.")
    )


def levels(case: Case) -> Block:
    """Return how many lines of each level the log of each service has."""
    bars = [
        Bar(label=target, parts=tuple((css, row.levels.get(level, 0), level) for level, css in _LEVELS))
        for target, row in case.rows(LogSummary)
    ]
    keys = (("bad", "ERROR, CRITICAL"), ("s2", "WARNING"), ("s1", "INFO"), ("rest", "DEBUG"))
    plots = [plot_bars("Log lines by level", bars, keys=keys)] if bars else []
    return _with_coverage(case, _drawn(case, "logs.lines", plots, "No log was read."))


def endpoints(case: Case) -> Block:
    """Return which endpoints the requests and the errors are in, those with most errors first."""
    found = sorted(
        (row for _, row in case.rows(LogEndpoint)),
        key=lambda row: (-row.server_errors_count, -row.requests_count),
    )
    bars = [
        Bar(
            label=f"{row.method} {row.path}",
            parts=(
                ("bad", row.server_errors_count, "5xx"),
                ("s1", row.requests_count - row.server_errors_count, "other"),
            ),
            note=(
                f"{row.server_errors_count:,} of {row.requests_count:,} · "
                f"{format_share(row.server_errors_ratio)}"
            ),
        )
        for row in found
    ]
    keys = (("bad", "answered with 5xx"), ("s1", "others"))
    plots = [plot_bars("Requests by endpoint", bars, keys=keys)] if bars else []
    return _drawn(case, "logs.lines", plots, "The logs contain no request.")


def latency(case: Case) -> Block:
    """Return how long requests took according to the logs: the median and the 95th percentile."""
    found = [row for _, row in case.rows(LogEndpoint) if row.duration_p95_seconds is not None]
    bars = [
        Bar(
            label=f"{row.method} {row.path}",
            parts=(
                ("s1", row.duration_p50_seconds or 0.0, "p50"),
                ("s2", (row.duration_p95_seconds or 0.0) - (row.duration_p50_seconds or 0.0), "up to p95"),
            ),
            note=" · ".join(
                show("_seconds", seconds) for seconds in (row.duration_p50_seconds, row.duration_p95_seconds)
            ),
        )
        for row in sorted(found, key=lambda row: -(row.duration_p95_seconds or 0.0))
    ]
    keys = (("s1", "half of the requests"), ("s2", "95 of 100"))
    plots = (
        [plot_bars("Latency by endpoint, from the logs", bars, unit="_seconds", keys=keys)] if bars else []
    )
    return _drawn(case, "logs.lines", plots, "The logs contain no durations; see the health checks below.")


def phases(case: Case) -> Block:
    """Return where the time of each health check goes: name, connect, TLS, first byte, body."""
    bars = [
        Bar(
            label=f"{target} {row.path}",
            parts=tuple((css, getattr(row, field) or 0.0, name) for field, css, name in _PHASES),
            note=_answer(row),
        )
        for target, row in case.rows(HttpAnswer)
    ]
    keys = tuple((css, name) for _, css, name in _PHASES)
    plots = [plot_bars("Health checks by phase", bars, unit="_seconds", keys=keys)] if bars else []
    return _drawn(case, "http.health", plots, "No health check is configured.")


def connections(case: Case) -> Block:
    """Return the connections of each database by state, against what the server has room for."""
    plots = []
    for evidence in case.of("postgres.activity"):
        states: Counter[str] = Counter()
        for group in evidence.of(PostgresSessionGroup):
            states[group.state or "unknown"] += group.session_count
        if not states:
            continue
        room = [row for target, row in case.rows(PostgresCapacity) if target == evidence.target]
        limit = float(room[0].usable_count) if room else None
        used = sum(states.values())
        total = Bar(
            label="all",
            parts=(("rest", used, "all"),),
            limit=limit,
            note=f"{used} of {limit:.0f}" if limit else f"{used}, limit unknown",
        )
        bars = [
            total,
            *(
                Bar(label=state, parts=((_SESSION_COLOURS.get(state, "s2"), number, state),))
                for state, number in states.most_common()
            ),
        ]
        plots.append(plot_bars(f"{evidence.target}: client connections by state", bars))
    return _drawn(case, "postgres.activity", plots, "No PostgreSQL server is configured.")


def locks(case: Case) -> Block:
    """Return who blocks whom: the sessions that wait for none, and those that wait behind each of them."""
    plots = [
        f"<h4>{escape(evidence.target)}</h4>{plot_locks(evidence.of(PostgresLockSession))}"
        for evidence in case.of("postgres.locks")
        if evidence.of(PostgresLockSession)
    ]
    return _drawn(case, "postgres.locks", plots, "No session waits for a lock.", kind="ok")


def memory(case: Case) -> Block:
    """Return memory in use against the limit, of containers, processes, Redis and the machine."""
    in_use = sorted(_memory(case), key=lambda used: -(used[1] / used[2] if used[2] else 0.0))
    bars = [
        Bar(
            label=label,
            parts=(("s1", used / limit if limit else 0.0, "used"),),
            limit=1.0 if limit else None,
            note=f"{format_bytes(used)} of {format_bytes(limit)}"
            if limit
            else f"{format_bytes(used)}, no limit",
        )
        for label, used, limit in in_use
    ]
    plots = [plot_bars("Memory in use, as a share of the limit", bars, unit="_ratio")] if bars else []
    return _drawn(case, "", plots, "No memory was measured.")


def dependencies(case: Case) -> Block:
    """Return what needs what, and how each dependency is seen from here and from inside the containers."""
    views = views_of(case.evidence, case.topology)
    ways: dict[tuple[str, str], list[Way]] = {}
    for view in views:
        letter = "h" if view.vantage.startswith(HERE) else "i"
        ways.setdefault((view.service, view.dependency), []).append(Way(letter, view.severity, view.text))
    drawn = plot_topology(case.topology, worst_of(case), ways)
    return Block((drawn or blocks.note("Nothing is configured.")) + _views(views), "map")


def _views(views: Sequence[View]) -> str:
    heads = ("service", "needs", "seen from", "name", "port", "TLS", "answer")
    rows = [
        (view.service, view.dependency, view.vantage, view.name, view.port, view.tls, view.protocol)
        for view in views
    ]
    shown = [tuple("" if value is None else value for value in row) for row in rows]
    return plain(heads, shown) if shown else ""


def _drawn(case: Case, probe: str, plots: list[str], none: str, *, kind: str = "info") -> Block:
    """Return the plots below what could not be collected; a note only where all was and there is none."""
    problems = [problem(evidence) for evidence in case.of(probe) if evidence.problem]
    empty = not plots and not problems
    return Block(
        "".join([*problems, *plots]) + (blocks.note(none, kind=kind) if empty else ""),
        none if empty else probe,
    )


def _with_coverage(case: Case, drawn: Block) -> Block:
    """Return the drawing above how much of each log was read: of other lines nothing is drawn."""
    read = "; ".join(f"{target}: {describe_read(row)}" for target, row in case.rows(LogSummary))
    return Block(f'{drawn.html}<p class="iw-why">{escape(read)}.</p>', drawn.summary) if read else drawn


def _memory(case: Case) -> Iterable[tuple[str, int, int | None]]:
    for target, usage in case.rows(ContainerUsage):
        if usage.memory_bytes is not None:
            yield f"{target}, container", usage.memory_bytes, usage.memory_limit_bytes
    for target, process in case.rows(ProcessState):
        if process.resident_bytes is not None:
            yield f"{target}, processes", process.resident_bytes, process.memory_limit_bytes
    for target, redis in case.rows(RedisMemory):
        if redis.used_bytes is not None:
            yield f"{target}, Redis", redis.used_bytes, redis.limit_bytes
    for target, host in case.rows(HostMemory):
        yield f"{target}, machine", host.total_bytes - host.available_bytes, host.total_bytes


def _answer(row: HttpAnswer) -> str:
    answer = str(row.status) if row.status is not None else (row.error_kind or "no answer")
    return f"{answer} · {show('_seconds', row.total_seconds)}"

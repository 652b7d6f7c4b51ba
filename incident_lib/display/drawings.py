"""Answers as drawings: rates, latencies, connections, locks, memory, dependencies."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from html import escape
from typing import Any

from incident_lib.correlation.views import HERE, View, views_of
from incident_lib.display.answers import worst_of
from incident_lib.display.block import Block
from incident_lib.display.grid import plain
from incident_lib.display.tables import problem
from incident_lib.investigation.case import Case
from incident_lib.plots.bars import Bar, plot_bars
from incident_lib.plots.graph import Way, plot_topology
from incident_lib.plots.heat import plot_heat
from incident_lib.plots.locks import plot_locks
from incident_lib.plots.rates import failed, plot_rates
from incident_lib.plots.values import show
from incident_lib.reports import blocks
from incident_lib.technologies.docker.rows import ContainerUsage
from incident_lib.technologies.host.rows import HostMemory
from incident_lib.technologies.http.rows import HttpAnswer
from incident_lib.technologies.logs.coverage import describe_read
from incident_lib.technologies.logs.rows import LogBucket, LogEndpoint, LogSummary
from incident_lib.technologies.logs.series import failures, slowness
from incident_lib.technologies.postgres.rows import (
    PostgresCapacity,
    PostgresLockSession,
    PostgresSessionGroup,
)
from incident_lib.technologies.process.rows import ProcessState
from incident_lib.technologies.redis.rows import RedisMemory
from incident_lib.units import format_bytes, format_count, format_share

Plot = Callable[..., Any]  # takes `ax`; returns axes, or a sentence

_ALONE = 3  # services of which each has a chart; with more, a map is first
_MOST_CHARTS = 6  # below it
_LEVELS = (("CRITICAL", "bad"), ("ERROR", "bad"), ("WARNING", "s2"), ("INFO", "s1"), ("DEBUG", "rest"))
_SESSION_COLOURS = {"active": "s1", "idle": "rest", "idle in transaction": "bad"}
_PHASES = (
    ("name_seconds", "s4", "name"),
    ("connect_seconds", "s3", "connect"),
    ("tls_seconds", "s5", "TLS"),
    ("first_byte_seconds", "s2", "first byte"),
    ("body_seconds", "s1", "body"),
)


def errors(case: Case, target: str = "", *, ax: Any = None) -> Any:
    """Return requests and errors of each service over time, with the onset and every change marked.

    With more than three services, a map of all is first, and those that failed most follow. With `ax`, the
    first is drawn there, and `ax` is returned; else a block. A sentence where there is nothing to draw.
    """
    found = [
        failures(each) for each in case.of("logs.lines") if _is(each.target, target) and each.of(LogBucket)
    ]
    marked: dict[str, Any] = {"window": case.window, "onset": case.onset, "changes": case.changes}
    plots: list[Plot] = [partial(plot_rates, series, **marked) for series in found]
    if len(found) > _ALONE:
        failing = sorted(filter(failed, found), key=failed, reverse=True)[:_MOST_CHARTS]
        plots = [partial(plot_heat, found, **marked)]
        plots += [partial(plot_rates, series, **marked) for series in failing]
    drawn = _drawn(case, "logs.lines", plots, "No log line with a time is in the window.", ax=ax)
    return _with_coverage(case, drawn)


def levels(case: Case, target: str = "", *, ax: Any = None) -> Any:
    """Return how many lines of each level the log of each service has; on `ax`, where one is given."""
    found = [(of, row.levels) for of, row in case.rows(LogSummary) if _is(of, target)]
    bars = [
        Bar(
            label=of,
            parts=tuple((colour, counts.get(level, 0), level) for level, colour in _LEVELS),
            note=_levels(counts),
        )
        for of, counts in found
    ]
    keys = (("bad", "ERROR, CRITICAL"), ("s2", "WARNING"), ("s1", "INFO"), ("rest", "DEBUG"))
    bad = {of: counts.get("CRITICAL", 0) + counts.get("ERROR", 0) for of, counts in found}
    worst = max(bad, key=lambda of: bad[of], default="")
    conclusion = (
        f"Most errors: {worst} with {bad[worst]:,}." if worst and bad[worst] else "No error was logged."
    )
    plots = _bars("Log lines by level", bars, keys=keys, conclusion=conclusion)
    return _with_coverage(case, _drawn(case, "logs.lines", plots, "No log was read.", ax=ax))


def endpoints(case: Case, target: str = "", *, ax: Any = None) -> Any:
    """Return which endpoints the requests and the errors are in, those with most errors first; on `ax`."""
    found = sorted(
        (row for of, row in case.rows(LogEndpoint) if _is(of, target)),
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
    failing = sum(row.server_errors_count > 0 for row in found)
    conclusion = f"None of {format_count(len(found), 'endpoint')} answered with 5xx."
    if failing:
        conclusion = (
            f"{failing} of {format_count(len(found), 'endpoint')} answered with 5xx, most {bars[0].label}."
        )
    keys = (("bad", "answered with 5xx"), ("s1", "others"))
    plots = _bars("Requests by endpoint", bars, keys=keys, conclusion=conclusion)
    return _drawn(case, "logs.lines", plots, "The logs contain no request.", ax=ax)


def latency(case: Case, target: str = "", *, ax: Any = None) -> Any:
    """Return how long requests took according to the logs: the median and the 95th percentile; on `ax`.

    Where requests took over a second, when they did follows.
    """
    rows = [row for of, row in case.rows(LogEndpoint) if _is(of, target)]
    found = sorted(
        (row for row in rows if row.duration_p95_seconds is not None),
        key=lambda row: -(row.duration_p95_seconds or 0.0),
    )
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
        for row in found
    ]
    slowest = bars[0] if bars else None
    conclusion = f"Slowest: {slowest.label}, p50 and p95 within {slowest.note}." if slowest else ""
    keys = (("s1", "p50"), ("s2", "p95"))
    plots = _bars("Latency by endpoint, from the logs", bars, "_seconds", keys=keys, conclusion=conclusion)
    slow = [slowness(each) for each in case.of("logs.lines") if _is(each.target, target)]
    plots += [
        partial(plot_rates, series, window=case.window, onset=case.onset, changes=case.changes)
        for series in sorted(filter(failed, slow), key=failed, reverse=True)[:_MOST_CHARTS]
    ]
    none = "The logs contain no durations; see the health checks below."
    return _drawn(case, "logs.lines", plots, none, ax=ax)


def phases(case: Case, target: str = "", *, ax: Any = None) -> Any:
    """Return where the time of each health check goes: name, connect, TLS, first byte, body; on `ax`."""
    found = [(of, row) for of, row in case.rows(HttpAnswer) if _is(of, target)]
    bars = [
        Bar(
            label=f"{of} {row.path}",
            parts=tuple((colour, getattr(row, field) or 0.0, name) for field, colour, name in _PHASES),
            note=_answer(row),
        )
        for of, row in found
    ]
    keys = tuple((colour, name) for _, colour, name in _PHASES)
    longest = max(bars, key=lambda bar: bar.length, default=None)
    conclusion = f"Longest: {longest.label}, {longest.note}." if longest else ""
    plots = _bars("Health checks by phase", bars, "_seconds", keys=keys, conclusion=conclusion)
    return _drawn(case, "http.health", plots, "No health check is configured.", ax=ax)


def connections(case: Case, target: str = "", *, ax: Any = None) -> Any:
    """Return the connections of each database by state, against what the server has room for; on `ax`."""
    plots: list[Plot] = []
    for evidence in case.of("postgres.activity"):
        states: Counter[str] = Counter()
        for group in evidence.of(PostgresSessionGroup):
            states[group.state or "unknown"] += group.session_count
        if not states or not _is(evidence.target, target):
            continue
        room = [row for of, row in case.rows(PostgresCapacity) if of == evidence.target]
        limit = float(room[0].usable_count) if room else None
        used = sum(states.values())
        note = f"{used} of {limit:.0f}" if limit else f"{used}, limit unknown"
        bars = [
            Bar(label="all", parts=(("rest", used, "all"),), limit=limit, note=note),
            *(
                Bar(label=state, parts=((_SESSION_COLOURS.get(state, "s2"), count, state),))
                for state, count in states.most_common()
            ),
        ]
        share = f", {format_share(used / limit)}" if limit else ""
        state, count = states.most_common(1)[0]
        conclusion = f"{note} connections in use{share}; most are {state}: {count}."
        plots += _bars(f"{evidence.target}: client connections by state", bars, conclusion=conclusion)
    return _drawn(case, "postgres.activity", plots, "No PostgreSQL server is configured.", ax=ax)


def locks(case: Case) -> Block:
    """Return who blocks whom: the sessions that wait for none, and those that wait behind each of them."""
    trees = [
        f"<h4>{escape(evidence.target)}</h4>{plot_locks(evidence.of(PostgresLockSession))}"
        for evidence in case.of("postgres.locks")
        if evidence.of(PostgresLockSession)
    ]
    problems = [problem(evidence) for evidence in case.of("postgres.locks") if evidence.problem]
    none = "No session waits for a lock."
    if not trees and not problems:
        return Block(blocks.note(none, kind="ok"), none)
    return Block("".join([*problems, *trees]), "postgres.locks")


def memory(case: Case, target: str = "", *, ax: Any = None) -> Any:
    """Return memory in use against the limit, of containers, processes, Redis and the machine; on `ax`."""
    in_use = sorted(
        ((label, used, limit) for of, label, used, limit in _memory(case) if _is(of, target)),
        key=lambda used: -(used[1] / used[2] if used[2] else 0.0),
    )
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
    fullest = [(bar.label, bar.length) for bar in bars if bar.limit]
    conclusion = "None of these has a limit."
    if fullest:
        conclusion = f"Closest to its limit: {fullest[0][0]}, {format_share(fullest[0][1])}."
    plots = _bars("Memory in use, as a share of the limit", bars, "_ratio", conclusion=conclusion)
    return _drawn(case, "", plots, "No memory was measured.", ax=ax)


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
    return plain("Reachability of each dependency", heads, shown) if shown else ""


def _bars(
    title: str, bars: Sequence[Bar], unit: str = "", *, keys: Sequence[tuple[str, str]] = (), conclusion: str
) -> list[Plot]:
    """Return the one chart of bars, none where there is no bar."""
    return [partial(plot_bars, title, bars, unit=unit, keys=keys, conclusion=conclusion)] if bars else []


def _drawn(case: Case, probe: str, plots: Sequence[Plot], none: str, *, ax: Any) -> Any:
    """Return the charts below what could not be collected; a note only where all was and there is none.

    With `ax`, only the first is drawn, there, and the axes are returned, or the sentence that stands in.
    """
    if ax is not None:
        return plots[0](ax=ax) if plots else none
    collected = case.of(probe) if probe else ()
    problems = [problem(evidence) for evidence in collected if evidence.problem]
    made = [plot() for plot in plots]
    empty = not made and not problems
    html = "".join([*problems, *map(chart_html, made)])
    axes = [each for each in made if not isinstance(each, str)]
    return Block(html + (blocks.note(none) if empty else ""), none if empty else probe, axes)


def chart_html(made: Any) -> str:
    """Return what a function of `plots` returned as HTML: a chart, or the sentence for it."""
    if isinstance(made, str):
        return blocks.note(made)
    from incident_lib.plots.chart import to_html

    return to_html(made)


def _is(name: str, target: str) -> bool:
    return target in {"", name}


def _with_coverage(case: Case, drawn: Any) -> Any:
    """Return the drawing above how much of each log was read: of other lines nothing is drawn."""
    if not isinstance(drawn, Block):
        return drawn
    read = "; ".join(f"{target}: {describe_read(row)}" for target, row in case.rows(LogSummary))
    html = f'{drawn.html}<p class="iw-why">{escape(read)}.</p>'
    return Block(html, drawn.summary, drawn.axes) if read else drawn


def _levels(counts: Mapping[str, int]) -> str:
    """Return how many lines, and how many of them are errors."""
    bad = counts.get("CRITICAL", 0) + counts.get("ERROR", 0)
    return f"{bad:,} of {sum(counts.get(level, 0) for level, _ in _LEVELS):,} are errors"


def _memory(case: Case) -> Iterable[tuple[str, str, int, int | None]]:
    for target, usage in case.rows(ContainerUsage):
        if usage.memory_bytes is not None:
            yield target, f"{target}, container", usage.memory_bytes, usage.memory_limit_bytes
    for target, process in case.rows(ProcessState):
        if process.resident_bytes is not None:
            yield target, f"{target}, processes", process.resident_bytes, process.memory_limit_bytes
    for target, redis in case.rows(RedisMemory):
        if redis.used_bytes is not None:
            yield target, f"{target}, Redis", redis.used_bytes, redis.limit_bytes
    for target, host in case.rows(HostMemory):
        yield target, f"{target}, machine", host.total_bytes - host.available_bytes, host.total_bytes


def _answer(row: HttpAnswer) -> str:
    answer = str(row.status) if row.status is not None else (row.error_kind or "no answer")
    return f"{answer} · {show('_seconds', row.total_seconds)}"

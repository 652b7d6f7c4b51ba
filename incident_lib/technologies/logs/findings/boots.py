"""Whether a server or its workers start again and again, and without as many ends on purpose."""

from incident_lib.findings.base import finding
from incident_lib.model import Finding, FindingSeverity
from incident_lib.technologies.logs.findings.recovery import judged, spell_of, state_of
from incident_lib.technologies.logs.findings.view import View, span, when
from incident_lib.technologies.logs.findings.wording import reports_failure
from incident_lib.technologies.logs.probes.events import is_start, server_events
from incident_lib.technologies.logs.rows import LogErrorClass, LogEvent, LogException, LogTemplate
from incident_lib.units import format_duration, format_times

_MOST_OTHERS_RATIO = 0.1  # of the tracebacks: entries in a log that holds nothing else
_GOES_ON_SECONDS = 60.0  # without a start, where starts come more often
_OF_WORKERS_RATIO = 0.8  # of the starts: the master's are the others
_REPLACED = frozenset({"worker_timeout", "worker_killed"})  # workers whose end has a name and a cause
_BAD = frozenset({"ERROR", "CRITICAL"})


def loop_of(view: View, events: dict[str, LogEvent]) -> Finding | None:
    """Return `server.boot_loop` for what starts most often, None where nothing does too often."""
    rows = [row for row in events.values() if is_start(row.event) and _is_loop(row, events, view)]
    if not rows:
        return _deaths(view)
    row = max(rows, key=lambda row: (row.count, row.event == "start"))
    seconds = _interval(row)
    last_at = view.summary.last_at or row.last_at
    quiet = (last_at - row.last_at).total_seconds() if last_at and row.last_at else 0.0
    goes_on = quiet <= max(_GOES_ON_SECONDS, 5 * seconds)
    who = "workers" if _is_of_workers(row) else "the server"
    ended = "" if goes_on else f", and not since {when(row.last_at)} UTC"
    found = finding(
        view.evidence,
        "server.boot_loop",
        FindingSeverity.CRITICAL if goes_on else FindingSeverity.INFO,
        f"{who} started {format_times(row.count)}, {describe_rate(seconds)}{ended}",
        f"{span(row.first_at, row.last_at)}; {row.example}\n{_check(view, row)}",
        since=row.first_at,
        event=row.event,
        boots_count=row.count,
        interval_seconds=round(seconds, 3),
        rate=describe_rate(seconds),
        check=_check(view, row),
        last_at=row.last_at.isoformat() if row.last_at else None,
    )
    return found if goes_on else judged(view, found, state_of(view, spell_of(row)))


def _deaths(view: View) -> Finding | None:
    """Return `server.boot_loop` for a log of nothing but a traceback that ends its process, again and again.

    A program that catches it, prints it just so and tries again looks the same, and needs the same.
    """
    raised = view.evidence.of(LogException)
    if len(raised) != 1 or view.summary.requests_count:
        return None
    (row,) = raised
    others = sum(view.summary.formats.values()) - row.deaths_count
    gap, most = row.death_gap_p50_seconds, row.death_gap_max_seconds
    is_steady = gap is not None and most is not None and most <= 2 * gap + 1
    if not is_steady or gap is None or gap > view.limit("boots.most_traceback_seconds") or not row.last_at:
        return None
    if (
        row.deaths_count < 2 * view.limit("boots.least_count")
        or others > _MOST_OTHERS_RATIO * row.deaths_count
    ):
        return None
    seconds = _interval(row)
    goes_on = (view.context.window.end - row.last_at).total_seconds() <= max(_GOES_ON_SECONDS, 5 * seconds)
    place = f" in {row.frame}" if row.frame else ""
    ended = "" if goes_on else f", and not since {when(row.last_at)} UTC"
    check = f"Why does it end with {row.type}{place} each time: {row.example}".rstrip(": ")
    found = finding(
        view.evidence,
        "server.boot_loop",
        FindingSeverity.CRITICAL if goes_on else FindingSeverity.INFO,
        f"it ended with {row.type}{place} {format_times(row.deaths_count)}, {describe_rate(seconds)}, and "
        f"logged nothing else{ended}",
        f"{span(row.first_at, row.last_at)}; {row.example}\n{check}",
        since=row.first_at,
        event="traceback",
        boots_count=row.deaths_count,
        interval_seconds=round(seconds, 3),
        rate=describe_rate(seconds),
        check=check,
        last_at=row.last_at.isoformat(),
    )
    return found if goes_on else judged(view, found, state_of(view, spell_of(row)))


def describe_rate(seconds: float) -> str:
    """Return how often something happens, in words.

    >>> describe_rate(1.0), describe_rate(0.1), describe_rate(7.0)
    ('once a second', '10 times a second', 'every 7 s')
    """
    if seconds < 0.7:
        return f"{round(1 / max(seconds, 0.001))} times a second"
    return "once a second" if seconds < 1.5 else f"every {format_duration(seconds)}"


def _is_of_workers(row: LogEvent) -> bool:
    return row.event.startswith("worker")


def _is_loop(row: LogEvent, events: dict[str, LogEvent], view: View) -> bool:
    """Return whether a start came too often. Several workers of a server start within a few seconds."""
    least = view.limit("boots.least_count") * max(len(view.summary.services), 1)
    most = view.limit("boots.most_seconds")
    if _is_of_workers(row):
        least, most = 2 * least, view.limit("boots.most_worker_seconds")
    if row.stretches_count < max(least, 2) or row.first_at is None or row.last_at is None:
        return False
    between = (row.last_at - row.first_at).total_seconds() / (row.stretches_count - 1)
    return between <= most and _unexplained(row, events) >= max(least, row.count / 2)


def _unexplained(row: LogEvent, events: dict[str, LogEvent]) -> float:
    """Return how many starts follow no end that was meant, or that has a cause of its own.

    A supervisor of several programs starts them all day: there, ends that failed have to be seen.
    """
    known = server_events()
    if row.event == "boot":
        failed = [
            each.count for name, each in events.items() if name in known and known[name].severity.is_bad
        ]
        return min(row.count, max(failed, default=0))
    if not _is_of_workers(row) and not _are_of_workers(row, events):
        return row.count
    ends = [each for name, each in events.items() if name in _REPLACED or _is_on_purpose(name)]
    return row.count - sum(each.count for each in ends)


def _are_of_workers(row: LogEvent, events: dict[str, LogEvent]) -> bool:
    """Return whether the starts are those of workers that came up, as those of uvicorn under gunicorn are."""
    others = (events.get(name) for name in ("worker_start", "ready"))
    return all(other is not None and other.count >= _OF_WORKERS_RATIO * row.count for other in others)


def _is_on_purpose(event: str) -> bool:
    known = server_events().get(event)
    return known is not None and known.by_supervisor


def _interval(row: LogEvent | LogException) -> float:
    if row.first_at is None or row.last_at is None:
        return 0.0
    return (row.last_at - row.first_at).total_seconds() / max(row.count - 1, 1)


def _check(view: View, row: LogEvent) -> str:
    """Return what to see next: the error that comes as often as the starts, or memory where there is none."""
    for raised in view.evidence.of(LogException):
        if 2 * raised.count >= row.count:
            place = f" in {raised.frame}" if raised.frame else ""
            return f"Why does it end with {raised.type}{place} each time: {raised.example}".rstrip(": ")
    for line in view.evidence.of(LogTemplate):
        if line.level in _BAD and 2 * line.count >= row.count:
            return f"Why does it log this each time: {line.example}"
    for error in view.evidence.of(LogErrorClass):
        if 2 * error.count >= row.count:
            return f"Why does it log this each time: {error.example}"
    for line in view.evidence.of(LogTemplate):
        if 2 * line.count >= row.count and reports_failure(line):
            return f"Why does it log this each time: {line.example}"
    return (
        "It exits without logging anything: compare its memory with its limit, check the kernel log (dmesg) "
        "for the OOM killer, and check its exit status."
    )

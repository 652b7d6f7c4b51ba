"""What the other lines of a log mean: error classes, tracebacks, error lines, starts and crashes."""

import re
from collections.abc import Iterator
from datetime import timedelta

from msgspec.structs import replace

from incident_lib.expressions import expression
from incident_lib.findings.base import finding
from incident_lib.findings.catalogue import Flag
from incident_lib.model import Finding, FindingSeverity, Holds
from incident_lib.technologies.logs.addresses import addresses_of
from incident_lib.technologies.logs.classes import LogClass, log_classes
from incident_lib.technologies.logs.findings import boots
from incident_lib.technologies.logs.findings.recovery import (
    comes_and_goes,
    error_lines_state,
    errors_state,
    judged,
    spell_of,
    state_of,
    state_of_lines,
)
from incident_lib.technologies.logs.findings.view import SERVERS, View, is_of_server, span, when
from incident_lib.technologies.logs.probes.events import event_of, server_events
from incident_lib.technologies.logs.rows import (
    LogBucket,
    LogEndpoint,
    LogErrorClass,
    LogEvent,
    LogException,
    LogGrowth,
    LogTemplate,
)
from incident_lib.units import format_duration, format_share, format_times

_BAD = frozenset({"ERROR", "CRITICAL"})
_QUIET = timedelta(seconds=5)
_CLOSE = timedelta(minutes=1)  # a failure that short before a stop is its reason
_RETRIED = re.compile(r"\b[Rr]etrying\b")  # what failed is done again
_BEGINNING = 0.1  # of the time of a log
_CLIENT_LEFT = expression(  # of Tomcat, Spring, Jetty, Node's body-parser, Kestrel
    r"\bClientAbortException:|\bAsyncRequestNotUsableException:|jetty\.io\.EofException:|: request aborted$"
    r"|\bBadHttpRequestException: (?:Unexpected end of request content|Reading the request body timed out)"
)
_UNNAMED = "unknown"  # a traceback that does not say what was raised
_NAME = expression(
    r"((?:[A-Za-z_]\w{0,60}(?:\.|::)){0,8}[A-Z]\w{0,80}(?:Error|Exception|Invalid|NotFound|Timeout))"
    r": ([^\n]+)"
)
_TOGETHER = timedelta(seconds=1)  # lines of one event are written within
_OTHER = "(other)"  # the lines beyond what could be kept apart: no line in itself
_PROXIES = frozenset(
    {"nginx", "haproxy", "traefik", "caddy", "envoy", "apache", "elb", "cloudfront", "squid"}
)
_OF_GATEWAYS = frozenset({"502", "504", *map(str, range(520, 528))})  # what is behind them gave no answer
_FIELDS = frozenset({"json", "logfmt"})  # proxies write these too, where they name a failing peer


def judge_classes(view: View) -> Iterator[Finding]:
    """Yield `class.<id>` for each class of error in the log."""
    rows = view.evidence.of(LogErrorClass)
    counts = {row.error_class: row.count for row in rows}
    watched = next(iter(view.evidence.of(LogGrowth)), None)
    for row in rows:
        known = (log_classes().get(row.error_class) or _unknown_class(row)).narrowed(row.example)
        least = int(view.limit("class.warning_count")) if known.is_everyday else 1
        few = row.count < least
        over = known.is_momentary and _was_a_moment(row, view)
        explained = any(counts.get(name, 0) >= row.count for name in known.explained_by)
        meant = explained or _in_a_restart(row, view) or _was_ended(row, known, view)
        of_client = known.is_of_client and is_of_server(view)
        passes = known.is_passing and not _fails_as_often(row, view)
        helped = bool(_RETRIED.search(row.example)) and _serves_all(view) and _served_since(row, view)
        # Of lines without times those are of now that came while the log was watched.
        current = watched.error_classes.get(row.error_class, 0) if watched else 0
        is_placed = view.summary.has_times or current > 0
        passing = few or over or meant or of_client or passes or helped or not is_placed
        found = finding(
            view.evidence,
            f"class.{row.error_class}",
            FindingSeverity.INFO if passing else FindingSeverity.WARNING,
            f"{known.title}{_about(row.peers)}: logged {format_times(row.count)}{_lasted(row)}",
            f"{_placed(row, watched)}{_in_spells(view, row)}; {row.example}\nNext: {known.advice}",
            since=row.first_at,
            error_class=row.error_class,
            count=row.count,
            least_count=least,
            last_at=row.last_at.isoformat() if row.last_at else None,
            returns_count=row.returns_count if comes_and_goes(view, spell_of(row)) else None,
            address=row.peers[0] if row.peers else None,
            peers=" ".join(row.peers) or None,
            addresses=" ".join(addresses_of(row.example)) or None,
            reason=known.reason_in(row.example),
            duration_p50_seconds=row.duration_p50_seconds,
            duration_max_seconds=row.duration_max_seconds,
            problem=f"{known.title}{_about(row.peers)}",
            advice=f"{known.advice[:1].upper()}{known.advice[1:]}." if known.advice else None,
        )
        is_current = current > 0 and not view.summary.has_times
        lasts = known.is_lasting or is_current
        yield found if lasts else judged(view, found, state_of(view, spell_of(row)))


def _in_spells(view: View, row: LogErrorClass) -> str:
    words = comes_and_goes(view, spell_of(row))
    return f"; {words}" if words else ""


def _placed(row: LogErrorClass, watched: LogGrowth | None) -> str:
    """Return when it was logged; of lines without times, how many of them are of now."""
    current = watched.error_classes.get(row.error_class, 0) if watched else 0
    if watched is None or not current or row.last_at:
        return span(row.first_at, row.last_at)
    return (
        f"the lines have no times; {current:,} of them came in the {format_duration(watched.seconds)} during "
        "which the log was watched"
    )


def _was_ended(row: LogErrorClass, known: LogClass, view: View) -> bool:
    """Return whether the newest line says that it is over."""
    ends = (event.last_at for event in view.evidence.of(LogEvent) if event.event in known.ended_by)
    return row.last_at is not None and any(at is not None and at >= row.last_at for at in ends)


def _serves_all(view: View) -> bool:
    """Return whether the log has requests, and none of them failed."""
    summary = view.summary
    return summary.requests_count >= view.limit("errors.least_count") and not summary.server_errors_count


def _served_since(row: LogErrorClass, view: View) -> bool:
    """Return whether requests were served after an error came first: what is retried may hold up all."""
    served = (bucket.at for bucket in view.evidence.of(LogBucket) if bucket.requests_count)
    return row.first_at is None or any(at > row.first_at for at in served)


def _unknown_class(row: LogErrorClass) -> LogClass:
    """Return what little is known of a class that an older or newer version stored."""
    title = row.error_class.replace("_", " ")
    return LogClass(id=row.error_class, title=title, advice="", example=row.example, match=())


def _fails_as_often(row: LogErrorClass, view: View) -> bool:
    """Return whether requests fail, or many lines are errors, and most of them may be so for this error."""
    summary, failed = view.summary, view.summary.server_errors_count
    if not summary.requests_count and not is_of_server(view):
        many = summary.errors_count >= view.limit("error_lines.least_count")
        share = summary.errors_count / max(summary.lines_count, 1)
        return (
            many
            and share >= view.limit("error_lines.warning_ratio")
            and 2 * row.count >= summary.errors_count
        )
    refused = row.count >= view.limit("error_lines.warning_ratio") * summary.requests_count
    if refused and summary.client_errors_count >= row.count:  # a limit meant for a few ends many
        return True
    return failed >= view.limit("errors.least_count") and 2 * row.count >= failed


def _was_a_moment(row: LogErrorClass, view: View) -> bool:
    """Return whether it was only for seconds, and long ago as the log goes on."""
    if row.first_at is None or row.last_at is None or view.summary.last_at is None:
        return False
    lasted, since = row.last_at - row.first_at, view.summary.last_at - row.last_at
    return lasted < timedelta(seconds=view.limit("class.moment_seconds")) and since > 3 * max(lasted, _QUIET)


def _in_a_restart(row: LogErrorClass, view: View) -> bool:
    """Return whether it was only for a moment, when the server was stopped, and it is ready since."""
    events = {event.event: event for event in view.evidence.of(LogEvent)}
    stop, ready = events.get("stop"), events.get("ready")
    if row.first_at is None or row.last_at is None or not (stop and stop.last_at and ready and ready.last_at):
        return False
    is_short = row.last_at - row.first_at < timedelta(seconds=view.limit("class.moment_seconds"))
    return is_short and abs(stop.last_at - row.last_at) <= 2 * _QUIET and ready.last_at >= row.last_at


def _about(peers: tuple[str, ...]) -> str:
    """Return which host the errors are about, "" where none is named.

    >>> _about(("pay.example:443",)), _about(("a", "b", "c")), _about(())
    (' (pay.example:443)', ' (a and 2 others)', '')
    """
    others = len(peers) - 1
    more = f" and {others} other{'s' if others > 1 else ''}" if others > 0 else ""
    return f" ({peers[0][:80]}{more})" if peers else ""


def _lasted(row: LogErrorClass) -> str:
    """Return how long it lasted, "" where its lines do not say."""
    typical, longest = row.duration_p50_seconds, row.duration_max_seconds
    if typical is None or longest is None:
        return ""
    if row.count == 1:
        return f", for {format_duration(longest)}"
    return f", for {format_duration(typical)} typically and {format_duration(longest)} at worst"


def judge_exceptions(view: View) -> Iterator[Finding]:
    """Yield `exception`: the most frequent traceback, with the others in the detail."""
    rows = tuple(_with_name(row, view) for row in view.evidence.of(LogException))
    if not rows:
        return
    states = {(row.type, row.frame): state_of(view, spell_of(row)) for row in rows}
    watched = next(iter(view.evidence.of(LogGrowth)), None)
    current = watched.exceptions if watched and not view.summary.has_times else {}

    def order(row: LogException) -> tuple[bool, bool, bool]:
        """Return what sorts an exception: those of now come first, those for a client that left last."""
        # Of lines without times those are of now that came while the log was watched.
        is_old = bool(current) and f"{row.type} {row.frame}" not in current
        return states[row.type, row.frame].holds is Holds.PAST, is_old, _left(row, view)

    rows = tuple(sorted(rows, key=order))
    first = rows[0]
    is_current = f"{first.type} {first.frame}" in current
    is_placed = view.summary.has_times or is_current
    often = first.count >= view.limit("exception.warning_count") and not _left(first, view)
    often = often or bool(first.deaths_count)
    place = f" in {first.frame}" if first.frame else ""
    name = {"error": "an error", _UNNAMED: "an exception"}.get(first.type, first.type)
    kinds = f"; {len(rows)} kinds of tracebacks in all" if len(rows) > 1 else ""
    found = finding(
        view.evidence,
        "exception",
        FindingSeverity.WARNING if often and is_placed else FindingSeverity.INFO,
        f"{name} was raised {format_times(first.count)}{place}{_ended(first)}{kinds}",
        "\n".join(
            f"{row.type} {format_times(row.count)}{f' in {row.frame}' if row.frame else ''}, "
            f"{span(row.first_at, row.last_at)}: {row.example}{_logged(row)}"
            for row in rows[:5]
        ),
        since=first.first_at,
        type=first.type,
        frame=first.frame,
        count=first.count,
        kinds_count=len(rows),
        message=first.example,
    )
    yield found if is_current else judged(view, found, states[first.type, first.frame])


def _left(row: LogException, view: View) -> bool:
    """Return whether an exception says that a client closed its connection, as some always do."""
    summary = view.summary
    few = row.count < view.limit("error_lines.warning_ratio") * (
        summary.requests_count or summary.lines_count
    )
    return few and _CLIENT_LEFT.search(f"{row.type}: {row.example}") is not None


def _with_name(row: LogException, view: View) -> LogException:
    """Return a traceback with its name, where another line that came with it begins with that."""
    if row.type != _UNNAMED or row.first_at is None:
        return row
    for other in view.evidence.of(LogTemplate):
        is_near = other.first_at and abs(other.first_at - row.first_at) <= _TOGETHER
        if other.count == row.count and is_near and (match := _NAME.match(other.example)):
            return replace(row, type=match[1], example=match[2].split("\n", 1)[0])
    return row


def _logged(row: LogException) -> str:
    """Return that several loggers wrote each of them, "" where a single one did."""
    return "" if row.loggers_count < 2 else f" (each logged by {row.loggers_count} loggers, counted once)"


def _ended(row: LogException) -> str:
    """Return how often the exception ended the program, "" where none did."""
    times = "" if row.deaths_count == row.count else f" {format_times(row.deaths_count)}"
    return f" and ended the program{times}" if row.deaths_count else ""


def judge_template(view: View) -> Iterator[Finding]:
    """Yield `template`: the most frequent error lines that began with the onset, or at all."""
    rows = [
        row
        for row in view.evidence.of(LogTemplate)
        if _is_error_line(row) and row.count >= view.limit("template.least_count")
    ]
    onset = view.errors.at if view.errors else None
    fresh = [row for row in rows if onset and row.first_at and (onset - row.first_at).total_seconds() < 2]
    rows = fresh or rows
    if not rows:
        return
    new = f", new since {when(onset)} UTC" if fresh else ""
    found = finding(
        view.evidence,
        "template",
        FindingSeverity.INFO,
        f"most frequent error line ({format_times(rows[0].count)}{new}): {rows[0].template[:120]}",
        "\n".join(
            f"{format_times(row.count)}, {span(row.first_at, row.last_at)}: {row.example}" for row in rows[:5]
        ),
        since=rows[0].first_at,
        template=rows[0].template,
        count=rows[0].count,
        new=int(bool(fresh)),
    )
    yield judged(view, found, state_of_lines(view, rows[0]))


def _is_error_line(row: LogTemplate) -> bool:
    """Return whether lines report an error in words: what a supervisor does on purpose is none."""
    known = server_events().get(event_of(row.example))
    on_purpose = known is not None and known.by_supervisor
    return row.level in _BAD and row.template != _OTHER and bool(row.template.strip()) and not on_purpose


def _goes_with_success(row: LogTemplate, ratio: float, view: View) -> bool:
    """Return whether a rare error was there from the beginning of the log, and no request fails for it."""
    summary = view.summary
    if not _serves_all(view) or row.first_at is None or summary.first_at is None or summary.last_at is None:
        return False
    before = (row.first_at - summary.first_at) / max(summary.last_at - summary.first_at, _QUIET)
    return before <= _BEGINNING and ratio < view.limit("error_lines.warning_ratio")


def judge_unknown(view: View) -> Iterator[Finding]:
    """Yield `unknown_error`: the most frequent error line that no class, event or exception explains.

    A few of them count where they are new: where there was none in the longer part of the log before.
    """
    summary, raised = view.summary, sum(row.count for row in view.evidence.of(LogException))
    entries = max(sum(summary.levels.values()), summary.requests_count + summary.errors_count, 1)
    rows = [
        row
        for row in view.evidence.of(LogTemplate)
        if (_is_frequent(row, entries, view) or _is_new(row, view))
        and row.count > raised
        and not row.error_class
        and _is_error_line(row)
        and not event_of(row.example)
    ]
    if not rows:
        return
    states = {(row.level, row.template): state_of_lines(view, row) for row in rows}
    first = max(rows, key=lambda row: (states[row.level, row.template].holds is not Holds.PAST, row.count))
    ratio = min(first.count / entries, 1.0)
    steady = _goes_with_success(first, ratio, view)
    of_client = is_of_server(view) and first.level != "CRITICAL"  # the statement fails, and not the server
    # In the log of a server, what clients send comes at the same time and has nothing to do with it.
    is_known = not is_of_server(view) and any(
        _came_together(first, row) for row in view.evidence.of(LogErrorClass)
    )
    new = "" if _is_frequent(first, entries, view) else f", none before {when(first.first_at)} UTC"
    found = finding(
        view.evidence,
        "unknown_error",
        FindingSeverity.INFO
        if of_client or steady or is_known or not summary.has_times
        else FindingSeverity.WARNING,
        f"an unknown error was logged {format_times(first.count)} ({format_share(ratio)} of "
        f"the entries{new}): {first.template[:160]}",
        "\n".join(
            f"{format_times(row.count)}, {span(row.first_at, row.last_at)}: {row.example}" for row in rows[:5]
        ),
        since=first.first_at,
        template=first.template[:160],
        count=first.count,
        error_ratio=round(ratio, 4),
    )
    yield judged(view, found, states[first.level, first.template])


def _came_together(row: LogTemplate, known: LogErrorClass) -> bool:
    """Return whether lines came with those of a known error, which programs report in several lines."""
    if not (row.first_at and row.last_at and known.first_at and known.last_at) or known.count < row.count:
        return False
    first, last = abs(row.first_at - known.first_at), abs(row.last_at - known.last_at)
    return first <= _TOGETHER and last <= _TOGETHER


def _is_frequent(row: LogTemplate, entries: int, view: View) -> bool:
    ratio = row.count / entries
    return row.count >= view.limit("template.warning_count") and ratio >= view.limit("template.warning_ratio")


def _is_new(row: LogTemplate, view: View) -> bool:
    """Return whether lines began with the first errors of a log, in its later half."""
    summary, onset = view.summary, view.errors
    if onset is None or onset.before_ratio or summary.requests_count or row.first_at is None:
        return False
    if summary.first_at is None or summary.last_at is None:
        return False
    is_late = row.first_at - summary.first_at > summary.last_at - row.first_at
    ends = (event.last_at for event in view.evidence.of(LogEvent) if event.event == "stop")
    in_a_stop = any(at and row.last_at and abs(at - row.last_at) <= 2 * _QUIET for at in ends)
    return row.count >= view.limit("template.least_count") and is_late and not in_a_stop


def judge_front(view: View) -> Iterator[Finding]:
    """Yield `front` where requests fail in the log of a proxy: it has no exceptions, and others behind it."""
    summary = view.summary
    of_peer = any(Flag.PEER_FAILS in known.flags for known in _known_classes(view))
    requests = sum(summary.formats.get(name, 0) for name in (_PROXIES | _FIELDS if of_peer else _PROXIES))
    failed = summary.server_errors_count >= view.limit("errors.least_count")
    unanswered = sum(count for status, count in summary.failures.items() if status in _OF_GATEWAYS)
    of_proxy = 2 * requests >= summary.requests_count or 2 * unanswered > summary.server_errors_count
    if not failed or not of_proxy or view.evidence.of(LogException):
        return
    worst = max(view.evidence.of(LogEndpoint), key=lambda row: row.server_errors_count, default=None)
    found = finding(
        view.evidence,
        "front",
        FindingSeverity.INFO,
        "requests fail in the log of a proxy, or of a program that logs no exceptions: check what is behind "
        "it",
        endpoint=f"{worst.method} {worst.path}".strip() if worst else None,
    )
    yield judged(view, found, errors_state(view))


def _known_classes(view: View) -> Iterator[LogClass]:
    known = log_classes()
    return (known[row.error_class] for row in view.evidence.of(LogErrorClass) if row.error_class in known)


def judge_cut(view: View) -> Iterator[Finding]:
    """Yield `templates_cut` where more kinds of lines were written than are kept apart or compared."""
    others, uncompared = view.summary.other_lines_count, view.summary.uncompared_templates_count
    if others or uncompared:
        yield finding(
            view.evidence,
            "templates_cut",
            FindingSeverity.INFO,
            f"{others:,} lines are of more kinds than can be kept apart, and are counted as (other)",
            f"{uncompared:,} templates were not compared with the others; read a shorter stretch of time",
            other_lines_count=others,
            uncompared_templates_count=uncompared,
        )


def judge_error_lines(view: View) -> Iterator[Finding]:
    """Yield `error_lines` for a service whose log holds no requests."""
    summary = view.summary
    if summary.requests_count or summary.errors_count == 0:
        return
    on_purpose = sum(
        row.count
        for row in view.evidence.of(LogTemplate)
        if row.level in _BAD and (known := server_events().get(event_of(row.example))) and known.by_supervisor
    )
    errors = max(summary.errors_count - on_purpose, 0)
    ratio = errors / summary.lines_count
    many = errors >= view.limit("error_lines.least_count")
    bad = (
        many
        and summary.has_times
        and not is_of_server(view)
        and ratio >= view.limit("error_lines.warning_ratio")
    )
    found = finding(
        view.evidence,
        "error_lines",
        FindingSeverity.WARNING if bad else FindingSeverity.INFO,
        f"{errors:,} of {summary.lines_count:,} lines are errors ({format_share(ratio)})",
        span(summary.first_at, summary.last_at),
        since=view.errors.at if view.errors else None,
        error_ratio=round(ratio, 4),
        errors_count=errors,
    )
    yield judged(view, found, error_lines_state(view))


def judge_events(view: View) -> Iterator[Finding]:
    """Yield `server.<event>` for the starts, stops and crashes that the server reports."""
    events = {row.event: row for row in view.evidence.of(LogEvent)}
    loop = boots.loop_of(view, events)
    if loop:
        yield loop
    yield from _not_ready(view, events)
    yield from _stopped(view, events)
    for row in events.values():
        known = server_events().get(row.event)
        found = finding(
            view.evidence,
            f"server.{row.event}",
            _event_severity(row, events, is_looping=bool(loop and loop.severity.is_bad)),
            f"{known.title if known else row.event}{_repeated(row)}",
            f"{span(row.first_at, row.last_at)}; {row.example}",
            since=row.first_at,
            event=row.event,
            count=row.count,
            last_at=row.last_at.isoformat() if row.last_at else None,
        )
        is_failure = known is not None and known.severity.is_bad
        yield judged(view, found, state_of(view, spell_of(row))) if is_failure else found


def _not_ready(view: View, events: dict[str, LogEvent]) -> Iterator[Finding]:
    """Yield `server.not_ready` where the newest start of a data store is not followed by its being ready."""
    start, ready = events.get("start"), events.get("ready")
    started, was_ready = start and start.last_at, ready and ready.last_at
    if not started or not SERVERS & view.summary.formats.keys() or (was_ready and was_ready >= started):
        return
    yield finding(
        view.evidence,
        "server.not_ready",
        FindingSeverity.INFO,  # a log level may hide the line
        f"the server started at {when(started)} UTC but has not reported ready since",
        f"its last line: {span(view.summary.last_at, view.summary.last_at)}",
        since=started,
    )


def _stopped(view: View, events: dict[str, LogEvent]) -> Iterator[Finding]:
    """Yield `stopped` where the log ends with a clean shutdown, after which nothing was started."""
    stop, last = events.get("stop"), view.summary.last_at
    if stop is None or stop.last_at is None or last is None or last - stop.last_at > _QUIET:
        return
    later = [
        row
        for name, row in events.items()
        if (known := server_events().get(name))
        and row.last_at
        and (known.severity.is_bad or known.is_boot or name in {"start", "ready"})
        and (row.last_at > stop.last_at or (known.severity.is_bad and stop.last_at - row.last_at < _CLOSE))
    ]
    if not later:
        yield finding(
            view.evidence,
            "stopped",
            FindingSeverity.INFO,
            f"the log ends with a clean shutdown at {when(stop.last_at)} UTC",
            stop.example,
            since=stop.last_at,
        )


def _event_severity(row: LogEvent, events: dict[str, LogEvent], *, is_looping: bool) -> FindingSeverity:
    known = server_events().get(row.event)
    if row.last_at is None or known is None:
        return FindingSeverity.INFO  # it may have been weeks ago
    if any(events[name].count >= row.count for name in known.explained_by if name in events):
        return FindingSeverity.INFO  # by its master, as it did not answer
    ready = events.get("ready")
    if is_looping:
        return known.severity
    if row.event == "startup_failed" and ready and ready.last_at and ready.last_at > row.last_at:
        return FindingSeverity.WARNING
    return known.severity


def _repeated(row: LogEvent) -> str:
    if row.last_at is None:
        return f", {format_times(row.count)}, at an unknown time"
    return (
        f" at {when(row.last_at)} UTC"
        if row.count == 1
        else f" {format_times(row.count)}, last at {when(row.last_at)} UTC"
    )

"""Whether a log could be read, up to now, and how it ends: all other conclusions rest on that. Pure."""

import re
from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import pairwise

from msgspec.structs import replace

from incident_lib.findings.base import finding, ok
from incident_lib.model import Evidence, Finding, FindingSeverity, Window
from incident_lib.technologies.logs.addresses import addresses_of
from incident_lib.technologies.logs.classes import LogClass, classes_of, log_classes
from incident_lib.technologies.logs.coverage import describe_read, describe_unread, read_ratio
from incident_lib.technologies.logs.findings.view import View, span, when
from incident_lib.technologies.logs.probes.events import event_of
from incident_lib.technologies.logs.probes.formats import parse
from incident_lib.technologies.logs.probes.line import GENERIC
from incident_lib.technologies.logs.rows import LogBucket, LogGrowth, LogSummary, LogTail, LogUnread
from incident_lib.units import format_count, format_duration, format_share, format_times

_SHAPES = 3  # that are quoted
_QUOTED = 200  # characters
_LAST = 5  # lines that are quoted
_SLACK = timedelta(minutes=1)
_CLOCK = re.compile(r"\W{0,2}[0-2]?\d:[0-5]\d:[0-5]\d")
_IDLE = "the service is idle, hangs, or now logs elsewhere"
_ADVICE = "Next: read those lines yourself; the numbers here do not include them"


def judge_empty(evidence: Evidence, window: Window) -> Finding:
    """Return what it means that no line is of this stretch of time."""
    if evidence.truncated is not None or evidence.problem is not None:
        return finding(
            evidence,
            "unknown",
            FindingSeverity.UNKNOWN,
            "no line of this window was read: the log is longer than could be read in time",
            "read a shorter window, with --since",
        )
    newest = next((row.newest_at for row in evidence.of(LogSummary)), None)
    if newest and newest < window.start:
        seconds = (window.end - newest).total_seconds()
        return finding(
            evidence,
            "empty",
            FindingSeverity.INFO,
            f"nothing was logged in this window: the newest line is {format_duration(seconds)} old",
            _IDLE,
            since=newest,
            age_seconds=seconds,
        )
    written = next((row.modified_at for row in evidence.of(LogSummary)), None)
    if written and written > window.start + _SLACK and any(row.lines for row in evidence.of(LogTail)):
        return finding(
            evidence,
            "unknown",
            FindingSeverity.UNKNOWN,
            f"the log was written at {when(written)} UTC, but none of its lines are from this window",
            "their times are in another zone or from another clock, or are in an unexpected place",
        )
    age = (
        f"; it was last written {format_duration((window.end - written).total_seconds())} ago"
        if written
        else ""
    )
    return finding(
        evidence,
        "empty",
        FindingSeverity.INFO,
        "nothing was logged in this window",
        f"a quiet service, or one that logs elsewhere{age}",
    )


def judge_coverage(view: View) -> Iterator[Finding]:
    """Yield `no_times` for lines without times, `coverage` where too few lines could be read."""
    summary, ratio = view.summary, read_ratio(view.summary)
    many = summary.lines_count >= view.limit("coverage.least_count")
    severity = FindingSeverity.UNKNOWN if many else FindingSeverity.INFO
    if 2 * summary.not_text_lines_count > summary.lines_count:
        found = finding(
            view.evidence,
            "coverage",
            FindingSeverity.UNKNOWN,
            f"{summary.not_text_lines_count:,} of {summary.lines_count:,} lines are not text",
            "a compressed file, another encoding, or not a log; name the file that the service writes",
        )
        yield replace(found, data=_measured(summary))
    elif not summary.has_times:
        yield _no_times(view, severity)
    elif ratio is not None and ratio < view.limit("coverage.least_ratio"):
        lines = summary.lines_count - (summary.traced_lines_count if summary.timed_lines_count else 0)
        least = view.limit("coverage.least_ratio") * lines
        timed, known = summary.timed_lines_count or 0, summary.known_lines_count or 0
        share = f"{format_share(ratio)} of {summary.lines_count:,} lines"
        title = f"{share} could be read: {describe_unread(summary)}"
        advice = _ADVICE
        if timed < least <= known:
            share = format_share(timed / lines)
            title = (
                f"{share} of {lines:,} lines have a time: the others are counted with the line before them"
            )
            advice = "Next: make every logger of the service write the time first"
        found = finding(view.evidence, "coverage", severity, f"only {title}", f"{_shapes(view)}{advice}")
        yield replace(found, data=_measured(summary))


def _no_times(view: View, severity: FindingSeverity) -> Finding:
    summary = view.summary
    unknown = summary.lines_count - (summary.known_lines_count or 0)
    strange = summary.known_lines_count is not None and (
        unknown > (1 - view.limit("coverage.least_ratio")) * summary.lines_count
    )
    which = "all" if unknown == summary.lines_count else f"{unknown:,}"
    more = f", and {which} of them are in an unknown format" if strange else ""
    bounds = f"the file was last written at {when(summary.modified_at)} UTC; " if summary.modified_at else ""
    for row in view.evidence.of(LogGrowth):
        bounds += (
            f"{format_count(row.lines_count, 'line')} came in the {format_duration(row.seconds)} during "
            f"which it was watched; "
        )
    found = finding(
        view.evidence,
        "no_times",
        severity,
        f"the lines have {_missing(view)}: {summary.lines_count:,} were counted; when they were written is "
        f"unknown{more}",
        f"{bounds}no rates or onsets\n{_shapes(view) if strange else ''}"
        "Next: make the logger write the time first; the container engine knows it, a plain file does not",
    )
    return replace(found, data=_measured(summary))


def _missing(view: View) -> str:
    """Return what the times of the lines lack."""
    rows = view.evidence.of(LogUnread)
    most = max(rows, key=lambda row: row.count, default=None)
    return "a time of day, but no date" if most and _CLOCK.match(most.example) else "no times"


def _shapes(view: View) -> str:
    """Return the most frequent shapes of what was not read, a line each."""
    rows = sorted(view.evidence.of(LogUnread), key=lambda row: -row.count)[:_SHAPES]
    return "".join(f"{format_times(row.count)}: {row.example[:_QUOTED]}\n" for row in rows)


def _measured(summary: LogSummary) -> dict[str, str | int | float | None]:
    return {
        "lines_count": summary.lines_count,
        "read_lines_count": summary.read_lines_count,
        "timed_lines_count": summary.timed_lines_count,
        "known_lines_count": summary.known_lines_count,
        "not_text_lines_count": summary.not_text_lines_count,
        "cut_lines_count": summary.cut_lines_count,
        "read_ratio": read_ratio(summary),
    }


def judge_stale(view: View) -> Iterator[Finding]:
    """Yield `stale` where the newest line is much older than the gaps between the lines before it."""
    last, now = view.summary.last_at, view.context.window.end
    if last is None or not view.summary.has_times:
        return
    age, least = (now - last).total_seconds(), view.limit("stale.least_seconds")
    if age < least:
        return
    written = view.summary.modified_at
    if written and (written - last).total_seconds() >= least and written <= now + _SLACK:
        yield finding(
            view.evidence,
            "stale",
            FindingSeverity.UNKNOWN,
            f"the log was written at {when(written)} UTC, but its newest line with a time is from "
            f"{when(last)} UTC",
            "the newest lines have no time, or a time from another zone or clock",
            since=last,
            age_seconds=age,
        )
        return
    gap = _longest_gap(view)
    if gap is None or age < view.limit("stale.gap_factor") * gap:
        return
    yield finding(
        view.evidence,
        "stale",
        FindingSeverity.INFO,
        f"the newest line is {format_duration(age)} old, while no gap between lines was over "
        f"{format_duration(gap)} before",
        _IDLE,
        since=last,
        age_seconds=age,
        gap_seconds=gap,
    )


def _longest_gap(view: View) -> float | None:
    """Return the longest time without any line up to the newest, None for a log that is sparse by nature."""
    summary = view.summary
    moments = [bucket.at for bucket in view.evidence.of(LogBucket) if bucket.lines_count]
    if summary.lines_count < view.limit("stale.least_count") or len(moments) < 2:
        return None
    if (moments[-1] - moments[0]).total_seconds() < view.limit("stale.least_seconds"):
        return None  # a start, after which it has nothing to report
    gaps = ((after - before).total_seconds() for before, after in pairwise(moments))
    return max(*gaps, float(summary.bucket_seconds))


def judge_service(view: View) -> Iterator[Finding]:
    """Yield `service` where a single one of several services in a log writes nearly all of its errors."""
    services, errors = view.summary.services, view.summary.service_errors
    total, worst = sum(errors.values()), max(errors, key=lambda name: errors[name], default="")
    if len(services) < 2 or total < view.limit("errors.least_count"):
        return
    share = errors[worst] / total
    if share < view.limit("service.least_share_ratio"):
        return
    others = len(services) - 1
    yield finding(
        view.evidence,
        "service",
        FindingSeverity.INFO,
        f"{'all' if share == 1 else format_share(share)} of the {total:,} errors in this log are from "
        f"{worst}",
        f"{format_count(others, 'other service')} of this log: "
        f"{', '.join(sorted(name for name in services if name != worst)[:10])}",
        service=worst,
        share_of_errors=round(share, 4),
        errors_count=total,
        services_count=len(services),
    )


def judge_last(evidence: Evidence) -> Iterator[Finding]:
    """Yield `last` where a log ends in an error: of a server that is down, that is most of what is known."""
    for row in evidence.of(LogTail):
        if row.error:
            yield finding(
                evidence,
                "last",
                FindingSeverity.INFO,
                f"the log ends with an error: {row.error[:_QUOTED]}",
                "\n".join(row.lines[-_LAST:]),
                since=row.error_at,
                error=row.error,
                error_class=min(classes_of(row.error), default=None),
                addresses=" ".join(addresses_of(row.error)) or None,
            )


def judge_start(evidence: Evidence) -> Iterator[Finding]:
    """Yield `cannot_start.<class>` where the newest lines say why the server did not start.

    What it reports before it is ready counts, and only the newest start: one that is ready was well then.
    """
    for row in evidence.of(LogTail):
        found = _reasons(row.lines)
        others = {name: known for name, known in found.items() if not found.keys() & {*known.explained_by}}
        if reason := next(iter(others.values()), None):
            yield finding(
                evidence,
                f"cannot_start.{reason.id}",
                FindingSeverity.WARNING,
                f"the last start failed: {reason.title}",
                "\n".join(row.lines[-_LAST:]) + f"\nNext: {reason.advice}; another start fails the same way",
                since=row.error_at,
                error_class=reason.id,
                advice=reason.advice,
            )


def _reasons(lines: Sequence[str]) -> dict[str, LogClass]:
    """Return the classes of the newest lines that keep a server from starting, the last one first."""
    found: dict[str, LogClass] = {}
    newest: dict[str, LogClass] = {}  # of the last lines
    unlogged: dict[str, LogClass] = {}  # of those which it wrote before it had a log, as of a wrong setting
    for number, line in enumerate(reversed(lines), 1):
        event = event_of(line)
        if event == "ready":  # what it logged while it served kept it from no start
            return unlogged
        if event == "stop":
            return found
        for name in classes_of(line):
            if (known := log_classes().get(name)) and known.no_start:
                found.setdefault(name, known)
                if number <= _LAST:
                    newest.setdefault(name, known)
                if number <= _LAST and parse(line).format in GENERIC:
                    unlogged.setdefault(name, known)
        if event == "start":
            return found
    return newest


def judge_well(view: View, *, recovered: bool = False) -> Finding:
    """Return that nothing is unusual in what was read, or no more, and how much that is."""
    summary = view.summary
    parts = [describe_read(summary)]
    if summary.requests_count:
        ratio = summary.server_errors_count / summary.requests_count
        parts.append(f"{summary.requests_count:,} requests, {format_share(ratio)} failed")
    errors = format_count(summary.errors_count, "error line")
    parts.append(errors)
    cut = view.evidence.truncated
    older = "\nolder lines of this window were not read" if cut and cut.total is None else ""
    well = f"nothing unusual in the log{f' but {errors}' if summary.errors_count else ''}"
    return ok(
        view.evidence,
        f"{'what failed is over' if recovered else well}: {', '.join(parts)}",
        f"{span(summary.first_at, summary.last_at)}{older}",
        lines_count=summary.lines_count,
        requests_count=summary.requests_count,
        read_ratio=read_ratio(summary),
    )

"""`incident logs PATH...`: what any log files hold, judged like the log of a service."""

import argparse
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.text import Text

from incident_lib import clock, config
from incident_lib.cli import DONE, INTERRUPTED, PARTIAL, USAGE
from incident_lib.cli.arguments import print_json
from incident_lib.cli.console import STYLES, console_for, plain
from incident_lib.cli.progress import ReadingProgress
from incident_lib.errors import ProblemKind, TargetError, UsageError
from incident_lib.findings.base import Context
from incident_lib.investigation.analyze import analyze_one
from incident_lib.investigation.setup import redactor_for, thresholds_for
from incident_lib.model import Evidence, Finding, Problem, Window
from incident_lib.redact.marks import Marks
from incident_lib.reports.groups import headline
from incident_lib.technologies.logs.classes import log_classes
from incident_lib.technologies.logs.export import figures
from incident_lib.technologies.logs.findings import analyze_age
from incident_lib.technologies.logs.fleet import summarize_on
from incident_lib.technologies.logs.redaction import Redaction
from incident_lib.technologies.logs.rows import (
    LogEndpoint,
    LogErrorClass,
    LogException,
    LogSummary,
    LogTemplate,
    LogUnread,
)
from incident_lib.technologies.logs.sources import STDIN, Found, Source, find
from incident_lib.technologies.logs.summary import (
    Part,
    Scope,
    Summary,
    evidence_of,
    merge_parts,
    slot_seconds,
    summarize,
)
from incident_lib.units import format_bytes, format_count, format_duration, format_share, format_times

NOTHING_READ = 1
_SHOWN, _FILES, _QUOTED = 5, 12, 140
_WRONG_CALL = frozenset({ProblemKind.NOT_FOUND, ProblemKind.UNSUPPORTED})


def summarize_files(arguments: argparse.Namespace, since: datetime | None) -> int:
    """Return 0; 1 nothing readable, 2 no such file or no regular one, 3 read in part, 130 interrupted."""
    settings = config.load(getattr(arguments, "config", None))
    redactor, thresholds = redactor_for(settings, Marks()), thresholds_for(settings)
    start = since.timestamp() if since else None
    found = find(arguments.paths, since=start, with_rotated=not arguments.no_rotated)
    extra = settings.document.redact
    scope = Scope(
        slot_seconds=slot_seconds(start if start is not None else found.first_at, found.last_at),
        redaction=Redaction(tuple(settings.secrets()), tuple(extra.patterns), tuple(extra.keys)),
    )
    if start is not None:
        scope = msgspec.structs.replace(scope, start=start)
    sizes = [source.stretch_bytes for source in found.sources]
    total = sum(size for size in sizes if size is not None) if None not in sizes else None
    interruption: list[bool] = []
    with ReadingProgress(total, no_color=arguments.no_color) as progress:
        if arguments.cluster:
            try:
                summary, is_interrupted = _on_cluster(arguments.cluster, found.sources, scope, progress)
            except TargetError as error:
                _print_problems({"": Problem.from_error(error)}, redactor.text)
                return NOTHING_READ
            interruption += [True] * is_interrupted
        else:
            parts = summarize(found.sources, scope, processes=arguments.jobs, advance=progress.advance)
            summary = merge_parts(_until_interrupted(parts, interruption))
    evidence = evidence_of(summary, _target(summary), found.newest_at)
    last = summary.digest.last_at
    end = datetime.fromtimestamp(last, UTC) if last is not None and last < scope.end else clock.now()
    window = Window(since or end - timedelta(days=1), end)
    context = Context(window=window, thresholds=thresholds)
    findings = list(analyze_one(evidence, context))
    if summary.complete and not interruption:  # of what was only partly read, the newest line is not known
        now = msgspec.structs.replace(context, window=Window(window.start, max(clock.now(), window.end)))
        findings += analyze_age(evidence, now)
    problems = found.problems | {file.address: file.problem for file in summary.files if file.problem}
    code = INTERRUPTED if interruption else _exit_code(summary, problems)
    report = _Report(
        found, summary, evidence, sorted(findings, key=lambda each: each.severity.rank), problems
    )
    _print_problems(problems, redactor.text)
    if arguments.json:
        print_json(redactor.value(report.document(since)) | {"exit_code": code})
    elif code not in {NOTHING_READ, USAGE} or summary.digest.not_text_lines:
        report.print_on(console_for(no_color=arguments.no_color))
    if interruption:
        sys.stderr.write("interrupted: results of what was read so far\n")
    return code


def _on_cluster(
    address: str, sources: list[Source], scope: Scope, progress: ReadingProgress
) -> tuple[Summary, bool]:
    """Return the summary and whether it was interrupted. Errors: UsageError, TargetError."""
    if any(source.address == STDIN for source in sources):
        raise UsageError("--cluster: its workers cannot read this standard input; give files or objects")
    return summarize_on(address, sources, scope, advance=progress.advance)


def _until_interrupted(parts: Iterator[Part], interruption: list[bool]) -> Iterator[Part]:
    """Yield the parts up to Ctrl-C, which is noted."""
    try:
        for part in parts:
            interruption += [True] * part.interrupted
            yield part
    except KeyboardInterrupt:
        interruption.append(True)


def _exit_code(summary: Summary, problems: dict[str, Problem]) -> int:
    read = [file for file in summary.files if file.problem is None]
    unreadable = [file for file in read if file.not_text_lines and not file.lines]
    if len(unreadable) == len(read):
        if unreadable or any(problem.kind not in _WRONG_CALL for problem in problems.values()):
            return NOTHING_READ
        return USAGE if problems else DONE
    return DONE if summary.complete and not problems and not unreadable else PARTIAL


def _print_problems(problems: dict[str, Problem], hide: Any) -> None:
    for problem in problems.values():
        advice = f" ({problem.advice})" if problem.advice else ""
        sys.stderr.write(plain(hide(f"incident: {problem.message}{advice}")) + "\n")


def _target(summary: Summary) -> str:
    if len(summary.files) == 1:
        address = summary.files[0].address
        return "standard input" if address == "-" else Path(address).name
    return "logs"


class _Report(msgspec.Struct):
    """What was read and found, for people and as a document."""

    found: Found
    summary: Summary
    evidence: Evidence
    findings: list[Finding]
    problems: dict[str, Problem]

    def document(self, since: datetime | None) -> dict[str, Any]:
        """Return everything as one document in builtin types."""
        row = self.evidence.of(LogSummary)[0]
        files = [
            {
                "path": file.address,
                "compression": file.compression,
                "read_bytes": file.read_bytes,
                "text_bytes": file.text_bytes,
                "lines_count": file.lines,
                "not_text_lines_count": file.not_text_lines,
                "first_at": _moment(file.first_at),
                "last_at": _moment(file.last_at),
                "complete": file.complete and file.problem is None,
                "notes": file.notes,
                "problem": file.problem.message if file.problem else None,
            }
            for file in self.summary.files
        ]
        refused = [
            {"path": address, "problem": problem.message, "advice": problem.advice, "complete": False}
            for address, problem in self.found.problems.items()
        ]
        return {
            "since": since.isoformat() if since else "all",
            "files": [*files, *refused],
            "notes": self.found.notes,
            "total_log_lines": row.lines_count,
            "error_lines": row.errors_count,
            "bucket_seconds": row.bucket_seconds,
            "coverage": {
                "lines_count": row.lines_count,
                "timed_lines_count": row.timed_lines_count,
                "known_lines_count": row.known_lines_count,
                "read_lines_count": row.read_lines_count,
                "not_text_lines_count": row.not_text_lines_count,
                "cut_lines_count": row.cut_lines_count,
                "unread": msgspec.to_builtins(self.evidence.of(LogUnread)),
            },
            "findings": msgspec.to_builtins(self.findings),
            **figures(self.evidence.rows),
        }

    def print_on(self, console: Console) -> None:
        """Print it for people, the verdict last."""
        for text in (*self._what_was_read(), *self._what_it_holds()):
            console.print(Text(plain(text)), soft_wrap=True)
        console.print(Text("\nVerdict", style="bold"))
        for finding in self.findings:
            line = Text(f"{finding.severity.value:<9}", style=STYLES[finding.severity])
            console.print(line.append(headline(plain(finding.title)), "default"), soft_wrap=True)
            if finding.detail and finding.severity.is_bad:
                for detail in finding.detail.rstrip().split("\n")[:_SHOWN]:
                    console.print(Text(f"         {plain(detail)}", style="dim"), soft_wrap=True)

    def _what_was_read(self) -> Iterator[str]:
        row, files = self.evidence.of(LogSummary)[0], self.summary.files
        size = format_bytes(sum(file.text_bytes for file in files))
        lines = format_count(row.lines_count, "line")
        span = "without any times"
        if row.first_at and row.last_at:
            length = format_duration((row.last_at - row.first_at).total_seconds())
            span = f"from {clock.format_time(row.first_at)} to {clock.format_time(row.last_at)} ({length})"
        yield f"Read {format_count(len(files), 'file')}: {lines}, {size}, {span}"
        for file in files[:_FILES] if len(files) > 1 else ():
            yield f"  {file.address}: {format_count(file.lines, 'line')}, {format_bytes(file.text_bytes)}"
        if len(files) > _FILES:
            yield f"  and {len(files) - _FILES:,} more"
        for file in files:
            yield from (f"  {file.address}: {note}" for note in file.notes)
        yield from (f"  {note}" for note in self.found.notes[:_FILES])
        if row.lines_count:
            counts = ((row.timed_lines_count, "with a time"), (row.known_lines_count, "in a known format"))
            shares = [
                f"{format_share(count / row.lines_count)} {what}"
                for count, what in counts
                if count is not None
            ]
            yield f"Parsed: {', '.join(shares)}"
        if row.not_text_lines_count:
            yield f"Not text: {format_count(row.not_text_lines_count, 'line')}"
        unread = sorted(self.evidence.of(LogUnread), key=lambda each: -each.count)
        yield from (
            f"  not read, {format_times(each.count)}: {each.example[:_QUOTED]}" for each in unread[:3]
        )

    def _what_it_holds(self) -> Iterator[str]:
        row = self.evidence.of(LogSummary)[0]
        if row.levels:
            yield f"Levels: {', '.join(f'{level} {count:,}' for level, count in row.levels.items())}"
        if row.services:
            most = sorted(row.services.items(), key=lambda item: (-item[1], item[0]))
            yield f"Services: {', '.join(f'{name} {count:,}' for name, count in most[:_SHOWN])}"
        if row.requests_count:
            failed = format_share(row.server_errors_count / row.requests_count)
            yield ""
            yield f"Requests: {row.requests_count:,}, {failed} failed"
            endpoints = self.evidence.of(LogEndpoint)
            worst = sorted(endpoints, key=lambda each: (-each.server_errors_count, -each.requests_count))
            for endpoint in worst[:_SHOWN]:
                took = endpoint.duration_p95_seconds
                slow = f", p95 {format_duration(took)}" if took is not None else ""
                failed = format_share(endpoint.server_errors_ratio)
                where = f"{endpoint.method} {endpoint.path}".strip()
                yield f"  {where}: {endpoint.requests_count:,}, {failed} failed{slow}"
        classes = sorted(self.evidence.of(LogErrorClass), key=lambda each: -each.count)[:_SHOWN]
        titles = {name: found.title for name, found in log_classes().items()}
        yield from _listed(
            "Errors",
            (
                f"  {row.count:>7,}  {titles.get(row.error_class, row.error_class)}: {row.example[:_QUOTED]}"
                for row in classes
            ),
        )
        yield from _listed(
            "Exceptions",
            (
                f"  {each.count:>7,}  {each.type} in {each.frame}: {each.example[:_QUOTED]}"
                for each in sorted(self.evidence.of(LogException), key=lambda each: -each.count)[:_SHOWN]
            ),
        )
        yield from _listed(
            "Most frequent lines",
            (
                f"  {each.count:>7,}  {f'{each.level} ' if each.level else ''}{each.template[:_QUOTED]}"
                for each in sorted(self.evidence.of(LogTemplate), key=lambda each: -each.count)[:_SHOWN]
            ),
        )


def _listed(title: str, lines: Iterable[str]) -> Iterator[str]:
    """Yield the lines under their title, nothing without any."""
    found = list(lines)
    if found:
        yield ""
        yield title
        yield from found


def _moment(seconds: float | None) -> str | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat()

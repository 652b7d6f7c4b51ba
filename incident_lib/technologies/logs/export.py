"""One service's log as files: raw, errors, filtered, summary. Everything written went through redaction."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import msgspec

from incident_lib import clock
from incident_lib.config import Settings
from incident_lib.connections.places.container import DockerEngine
from incident_lib.errors import ProblemKind, TargetError, UsageError
from incident_lib.incident.files import make_folder, open_file
from incident_lib.model import Window
from incident_lib.model.rows import Row
from incident_lib.redact import Redactor
from incident_lib.technologies.logs.probes import ContainerReader, FileReader, LogReader, Scan, rows, times
from incident_lib.technologies.logs.probes.container import ContainerLog, late_text, open_stamped
from incident_lib.technologies.logs.probes.digest import OTHER, Digest, coarsen
from incident_lib.technologies.logs.probes.formats import parse
from incident_lib.technologies.logs.probes.journal import journal_reader
from incident_lib.technologies.logs.probes.mask import mask
from incident_lib.technologies.logs.probes.stamped import open_answer
from incident_lib.technologies.logs.rows import LogBucket, LogSummary
from incident_lib.technologies.logs.sources.engine import engine_sources
from incident_lib.technologies.logs.summary import (
    Openings,
    Part,
    Scope,
    merge_parts,
    summarize,
    summarize_blocks,
)

CONTAINER_PREFIX = "app"
_ERROR = re.compile(r"ERROR|CRITICAL|FATAL|Exception|Traceback", re.IGNORECASE)
_PATTERNS = 10
_DIFFERENT = 5_000  # error patterns that are kept apart
_FILE_BYTES = 256 * 1024 * 1024  # of a log file's lines that are copied
_SECONDS = 600.0
_LONGEST_NAME = 80
_EVER = (float("-inf"), float("inf"))


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """What is fetched and where it goes."""

    service: str
    reader: LogReader
    since_text: str
    since: datetime
    at: datetime
    tail: int | None  # None: all
    pattern: str
    folder: Path
    summary_only: bool
    redactor: Redactor

    def file(self, kind: str, suffix: str = "log") -> Path:
        """Return the path of one of the files: `backend-raw-20260115T143105Z.log`."""
        return (
            self.folder
            / f"{safe_name(self.redactor.text(self.service))}-{kind}-{clock.format_stamp(self.at)}.{suffix}"
        )


class _Count(msgspec.Struct):
    lines: int = 0
    errors: int = 0
    matches: int = 0
    patterns: Counter[str] = msgspec.field(default_factory=Counter)
    digest: Digest = msgspec.field(default_factory=Digest)
    cut: str = ""  # what is missing


def reader_of(settings: Settings, service: str, container_prefix: str | None = None) -> LogReader:
    """Return where the log is: the configured container, else file, else unit, else PREFIX-SERVICE.

    A prefix that is given names the container, whatever is configured.
    """
    configured = settings.services if settings.path else ()
    entry = next((entry for entry in configured if entry.name == service), None)
    if entry and container_prefix is None and entry.container:
        return ContainerReader(entry.container, seconds=_SECONDS)
    if entry and container_prefix is None and entry.log:
        return FileReader(settings.file(entry.log), seconds=_SECONDS, excerpt_bytes=_FILE_BYTES)
    if entry and container_prefix is None and entry.journal:
        return journal_reader(settings, entry, seconds=_SECONDS)
    prefix = CONTAINER_PREFIX if container_prefix is None else container_prefix
    return ContainerReader(f"{prefix}-{service}", seconds=_SECONDS)


def export(job: Job) -> dict[str, Any]:
    """Write the files and return the summary; its status is "error" where the log could not be read.

    Errors: UsageError where the folder cannot be written.
    """
    try:
        return _save(job, _collected(job))
    except TargetError as error:
        files = {**dict.fromkeys(_files(job)), "summary": str(job.file("summary", "json"))}
        failure = {
            "error": error.message,
            "advice": error.advice,
            "available_containers": _containers(error),
            "files": files,
        }
        return _save(job, _empty(job) | failure)


def _collected(job: Job) -> dict[str, Any]:
    with ExitStack() as stack:
        log = stack.enter_context(closing(job.reader.open()))
        state = log.state()
        window = Window(job.since, max(job.at, job.since))
        if isinstance(log, ContainerLog) and job.summary_only and job.tail is None and not job.pattern:
            _made(job.folder)
            path = log.file()
            count = counted_by_answer(log, window) if path is None else counted_by_file(log, path, window)
        else:
            lines = log.lines(window, job.tail)
            count = _write(job, lines.batches, stack)
            count.cut = lines.cut
    patterns = count.patterns.most_common(_PATTERNS)
    return {
        **_empty(job),
        **state,
        "status": "collected",
        "total_log_lines": count.lines,
        "error_lines": count.errors,
        "filter_matches": count.matches,
        "cut": count.cut,
        "files": _files(job),
        "top_error_patterns": [{"pattern": pattern, "count": number} for pattern, number in patterns],
        **figures(rows(coarsen(count.digest, 60))),
    }


def _containers(error: TargetError) -> list[str]:
    """Return the names of the containers there are, none where no engine answers."""
    if error.kind is ProblemKind.NO_ENGINE:
        return []
    try:
        with closing(DockerEngine().open()) as engine:
            return list(engine.names())
    except TargetError:
        return []


def safe_name(service: str) -> str:
    """Return the service's name as part of a file name.

    >>> safe_name("../my service"), safe_name("/")
    ('my-service', 'service')
    """
    return re.sub(r"[^A-Za-z0-9._-]+", "-", service).strip("-.")[:_LONGEST_NAME] or "service"


def compile_filter(pattern: str) -> re.Pattern[str]:
    """Return the filter in any case: a regular expression, or the text itself where it is none.

    >>> bool(compile_filter("time(").search("TIME(out)"))
    True
    """
    try:
        return re.compile(pattern, re.IGNORECASE)
    except re.error:
        return re.compile(re.escape(pattern), re.IGNORECASE)


def _empty(job: Job) -> dict[str, Any]:
    return {
        "service": job.service,
        **job.reader.names,
        "timestamp": clock.format_stamp(job.at),
        "since": job.since_text,
        "since_time": job.since.isoformat(),
        "status": "error",
        "container_status": None,
        "container_restarts": None,
        "container_started_at": None,
        "total_log_lines": 0,
        "error_lines": 0,
        "filter_pattern": job.pattern,
        "filter_matches": 0,
        "cut": "",
        "files": {},
        "top_error_patterns": [],
    }


def _files(job: Job) -> dict[str, str | None]:
    kept = not job.summary_only
    return {
        "raw_log": str(job.file("raw")) if kept else None,
        "error_log": str(job.file("errors")) if kept else None,
        "filtered_log": str(job.file("filtered")) if kept and job.pattern else None,
        "summary": str(job.file("summary", "json")),
    }


def counted_by_answer(log: ContainerLog, window: Window) -> _Count:
    """Return the counts of a log, of which no line is written: the summary is redacted in the end."""
    found = log.blocks(window)

    def read() -> Iterator[bytes]:
        """Return the blocks of another answer."""
        nonlocal found
        found = log.blocks(window)
        return found.blocks

    counted = summarize_blocks(read, Openings(open_stamped, open_answer), _SCOPE)
    return _counted(counted.lines, counted.marks, counted.digest, found.cut)


def counted_by_file(log: ContainerLog, path: Path, window: Window) -> _Count:
    """Return the same from the engine's own files, on all processors where they are long."""
    scope = msgspec.structs.replace(_SCOPE, deadline=clock.monotonic() + log.seconds)
    with engine_sources(path, window.start.timestamp()) as sources:
        order = {source.address: number for number, source in enumerate(sources)}
        parts = list(summarize(sources, scope))
    if any(part.interrupted for part in parts):
        raise KeyboardInterrupt
    parts.sort(key=lambda part: (order[part.source.address], part.source.start))
    late = next((number for number, part in enumerate(parts) if part.is_late), None)
    parts = parts if late is None else parts[: late + 1]  # what was read behind it has a gap before it
    lines = sum(part.lines for part in parts)
    marks = sum((part.marks for part in parts), Counter[str]())
    if late is not None:
        cut = late_text(lines, log.seconds)
    else:
        cut = next((_missing(part) for part in parts if not part.complete or part.problem), "")
    return _counted(lines, marks, merge_parts(parts).digest, cut)


def _missing(part: Part) -> str:
    return part.problem.message if part.problem else "; ".join(part.notes)


def _counted(lines: int, marks: Counter[str], digest: Digest, cut: str) -> _Count:
    patterns = Counter({pattern: number for pattern, number in marks.items() if pattern != OTHER})
    return _Count(lines, marks.total(), 0, patterns, digest, cut)


def pattern_of(line: str) -> str:
    """Return what an error line is counted under, "" for another line."""
    return (mask(parse(line).message or line) or line) if _ERROR.search(line) else ""


_SCOPE = Scope(start=_EVER[0], end=_EVER[1], is_redacted=False, mark=pattern_of)


def _made(folder: Path) -> None:
    try:
        make_folder(folder)
    except OSError as error:
        raise UsageError(f"--output-dir {folder}: cannot be written: {error.strerror}") from error


def _write(job: Job, batches: Iterator[list[str]], stack: ExitStack) -> _Count:
    """Write raw, error and filtered lines while counting them; a summary alone is redacted in the end."""
    names = () if job.summary_only else ("raw", "errors", *(("filtered",) if job.pattern else ()))
    try:
        make_folder(job.folder)
        files: dict[str, IO[str]] = {
            name: stack.enter_context(open_file(job.file(name), "w")) for name in names
        }
    except OSError as error:
        raise UsageError(f"--output-dir {job.folder}: cannot be written: {error.strerror}") from error
    wanted = compile_filter(job.pattern) if job.pattern else None
    count, scan = _Count(), Scan(*_EVER, slot_seconds=60)
    for batch in batches if job.summary_only else _redacted(batches, job.redactor):
        for line in batch:
            _take(line, scan, count, wanted, files)
    count.digest = scan.finish()
    return count


def _redacted(batches: Iterator[list[str]], redactor: Redactor) -> Iterator[list[str]]:
    chunks = ("".join(f"{line}\n" for line in batch).encode() for batch in batches if batch)
    for chunk in redactor.lines(chunks):
        yield chunk.decode().removesuffix("\n").split("\n")


def _take(
    line: str,
    scan: Scan,
    count: _Count,
    wanted: re.Pattern[str] | None,
    files: dict[str, IO[str]],
) -> None:
    count.lines += 1
    stamp, plain = _split(line)
    found = times.from_iso(stamp) if stamp else None
    scan.feed(plain, found[0] if found else None)
    if "raw" in files:
        files["raw"].write(f"{line}\n")
    if _ERROR.search(plain):
        count.errors += 1
        pattern = mask(parse(plain).message or plain)
        if pattern in count.patterns or len(count.patterns) < _DIFFERENT:
            count.patterns[pattern] += 1
        if "errors" in files:
            files["errors"].write(f"{line}\n")
    if wanted is not None and wanted.search(line):
        count.matches += 1
        if "filtered" in files:
            files["filtered"].write(f"{line}\n")


def _split(line: str) -> tuple[str, str]:
    """Return the engine's time, which has nine digits behind the second, and the rest."""
    if line[19:20] == "." and line[29:31] == "Z ":
        return line[:30], line[31:]
    return "", line


def figures(records: Iterable[Row]) -> dict[str, Any]:
    """Return levels, endpoints, templates and rates by minute, in builtin types."""
    found = msgspec.to_builtins(list(records))
    by_kind: dict[str, list[dict[str, Any]]] = {}
    for row in found:
        by_kind.setdefault(row.pop("row"), []).append(row)
    summary = by_kind.get(LogSummary.__name__, [{}])[0]
    keep = ("first_at", "last_at", "levels", "formats", "services", "requests_count", "server_errors_count")
    return {
        **{name: summary.get(name) for name in keep},
        "by_minute": by_kind.get(LogBucket.__name__, []),
        "endpoints": by_kind.get("LogEndpoint", []),
        "error_classes": by_kind.get("LogErrorClass", []),
        "exceptions": by_kind.get("LogException", []),
        "events": by_kind.get("LogEvent", []),
        "templates": by_kind.get("LogTemplate", []),
    }


def _save(job: Job, summary: dict[str, Any]) -> dict[str, Any]:
    """Write the summary, redacted, and return what was written."""
    safe: dict[str, Any] = job.redactor.value(summary)
    safe["redacted"] = dict(job.redactor.hidden)
    path = job.file("summary", "json")
    try:
        make_folder(path.parent)
        with open_file(path, "w") as file:
            file.write(json.dumps(safe, indent=2, ensure_ascii=False) + "\n")
    except OSError as error:
        raise UsageError(f"--output-dir {job.folder}: cannot be written: {error.strerror}") from error
    return safe

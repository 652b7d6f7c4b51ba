"""A log in a plain file: only the part that the window needs is read, the newest first, within bounds."""

import time
from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from incident_lib import clock
from incident_lib.config import Limits
from incident_lib.connections.places.base import Content, Place
from incident_lib.connections.places.machine import ThisMachine
from incident_lib.errors import ProblemKind, TargetError
from incident_lib.model import Problem, Window
from incident_lib.technologies.logs.probes.clocks import MOST_BYTES, NO_DATES, dated, dated_line, newest_clock
from incident_lib.technologies.logs.probes.digest import Digest, merge
from incident_lib.technologies.logs.probes.line import clean_lines, encoding_of
from incident_lib.technologies.logs.probes.moments import first_time, last_time, seek, zone_shift
from incident_lib.technologies.logs.probes.reader import (
    ALL,
    EXCERPT_BYTES,
    Lines,
    Reading,
    newest_of,
    slot_seconds,
)
from incident_lib.technologies.logs.probes.scan import Scan
from incident_lib.technologies.logs.probes.times import DateOrder, order_of
from incident_lib.technologies.logs.sources.forms import LARGEST_DOCUMENT, exported, form_of, taken_apart
from incident_lib.technologies.logs.sources.source import EXPORT, PLAIN, Progress
from incident_lib.units import format_bytes, format_duration, format_share

FIRST_BYTES, BLOCK_BYTES = 256 * 1024, 4 * 1024 * 1024  # of the first block, and of any
_LEAST_BLOCK_BYTES, _BLOCK_SECONDS = 128 * 1024, 1.0  # a block is about as much as is counted in a second
_PEEK_BYTES = 64 * 1024
_LATELY_SECONDS, _WATCHED_SECONDS = 60.0, 1.0
_FOLLOWING = 3_000  # lines behind a block in which its last record may go on
_ROTATED = 9  # file.1 to file.9
_PROBLEMS = {  # message and advice
    ProblemKind.NOT_FOUND: ("the log {}: there is no such file", "correct `log` of this service"),
    ProblemKind.PRIVILEGE: ("no right to read the log {}", "run as a user who may read it"),
    ProblemKind.UNSUPPORTED: (
        "the log {} is no plain file",
        "name a file in `log`, or the container in `container`",
    ),
}


class _Part(msgspec.Struct, frozen=True):
    """A stretch of a file."""

    path: Path
    start: int
    end: int


class _Block(msgspec.Struct, frozen=True):
    """Lines, and some that stand before them."""

    before: bytes
    data: bytes


class FileReader(msgspec.Struct, frozen=True):
    """A log in a plain file, with its rotated predecessors."""

    path: Path
    limits: Limits = Limits()
    seconds: float = 10.0
    excerpt_bytes: int = EXCERPT_BYTES
    place: Place = ThisMachine()

    @property
    def names(self) -> dict[str, str | None]:
        """What the log is called."""
        return {"container": None, "log_file": str(self.path)}

    def open(self) -> "FileLog":
        """Return a session. Errors: TargetError where the file cannot be read."""
        self.part(self.path, 0, 0)
        return FileLog(self)

    def part(self, path: Path, start: int, size: int) -> Content:
        """Return at most `size` bytes of the log or a predecessor; a negative `start` counts from its end."""
        try:
            return self.place.read(str(path), start=start, most_bytes=size)
        except TargetError as error:
            if error.kind not in _PROBLEMS:
                raise
            message, advice = _PROBLEMS[error.kind]
            raise TargetError(error.kind, message.format(path), advice) from error


class FileLog:
    """A session with a log file. `read` holds memory for one block and the newest lines."""

    def __init__(self, reader: FileReader) -> None:
        self.vantage = reader.place.vantage
        self.notes: tuple[str, ...] = ()
        self._reader, self._path, self._limits = reader, reader.path, reader.limits
        self._encoding = "utf-8"
        self._clock: float | None = None  # the last time of a log whose times have no date
        self._aborted = False
        self._block_bytes = FIRST_BYTES

    def abort(self) -> None:
        """Stop at the next block."""
        self._aborted = True

    def close(self) -> None:
        """Do nothing: files are open only while they are read."""

    def read(self, window: Window) -> Reading:
        """Return what the file and its rotated predecessors hold in the window, and how the file ends.

        A file without times is watched for a second where it was written lately. Errors: TargetError
        NOT_FOUND, PRIVILEGE, UNSUPPORTED for what is no file.
        """
        reading, timed = self.count(window)
        begun = clock.monotonic()
        end = self._reader.part(self._path, -_PEEK_BYTES, _PEEK_BYTES)
        reading.modified_at = end.modified_at
        if not reading.digest.lines:
            reading.before = tuple(line for line, _ in clean_lines(end.data, self._encoding) if line)
        elif not timed and (clock.now() - end.modified_at).total_seconds() < _LATELY_SECONDS:
            self._watch(reading, begun, end.size_bytes)
        return reading

    def _watch(self, reading: Reading, begun: float, size: int) -> None:
        """Count what is appended within a second, however long the reading took: it is of now."""
        time.sleep(max(begun + _WATCHED_SECONDS - clock.monotonic(), 0.0))
        scan = Scan(float("-inf"), float("inf"))
        data = self._reader.part(self._path, size, BLOCK_BYTES).data
        for line, cut in clean_lines(data, self._encoding):
            scan.feed(line, cut=cut)
        reading.appended, reading.watched_seconds = scan.finish(), round(clock.monotonic() - begun, 1)

    def count(self, window: Window) -> tuple[Reading, bool]:
        """Return what the file holds in the window, and whether its lines have times. Errors: as `read`."""
        begun = clock.monotonic()
        start, end = window.start.timestamp(), window.end.timestamp()
        width = slot_seconds(window.length.total_seconds())
        head = self._reader.part(self._path, 0, _PEEK_BYTES)
        self._encoding = encoding_of(head.data)
        if self._encoding != "utf-8":
            return self._count_encoded(Scan(start, end, width))
        form = form_of(head.data)
        if form != PLAIN and head.size_bytes <= min(self._limits.log_bytes, LARGEST_DOCUMENT):
            return self._count_converted(Scan(start, end, width), form)
        self._clock = self._newest_clock()
        order, shift = self._dating()
        parts, timed, complete = self._parts(window.start, start - shift, order)
        reading = Reading(digest=Digest(slot_seconds=width), newest=[], source="", complete=complete)
        wanted = None if timed else self._limits.log_lines
        behind: list[str] = []  # of the block that was counted before, the newer: a record may go on there
        read_bytes = 0
        for block in self._blocks(parts):
            seconds = clock.monotonic() - begun
            if self._aborted or seconds > self._reader.seconds or block is None:
                reading.complete = False
                if block is not None:
                    reading.problem = _late(read_bytes, parts, seconds)
                break
            scan = Scan(start, end, width, shift=shift, order=order)
            scan.prime((self._dated(line), None) for line, _ in clean_lines(block.before))
            lines = list(clean_lines(block.data))
            read_bytes += len(block.data)
            if not self._take(lines, scan, behind=behind, reading=reading, wanted=wanted):
                reading.complete = False
                break
            behind = [line for line, _ in lines[:_FOLLOWING]]
            self._pace(len(block.data), clock.monotonic() - begun - seconds)
        reading.source = self._source(_newest_parts(parts, read_bytes), shift, timed=timed)
        return reading, timed

    def _pace(self, size: int, seconds: float) -> None:
        """Choose how much is read next: of a log that takes long, no more than ends near the deadline."""
        wanted = int(size * _BLOCK_SECONDS / max(seconds, 1e-6))
        self._block_bytes = max(min(wanted, BLOCK_BYTES), min(_LEAST_BLOCK_BYTES, BLOCK_BYTES))

    def _count_encoded(self, scan: Scan) -> tuple[Reading, bool]:
        """Return what a file of two bytes a character holds: its newest bytes, in a single block."""
        size = self._reader.part(self._path, 0, 0).size_bytes
        begin = max(size - self._limits.log_bytes, 0) // 2 * 2
        block = self._reader.part(self._path, begin, size - begin).data
        source = f"read {self._path}: bytes {begin} to {size}, {self._encoding}"
        return self._counted(clean_lines(block, self._encoding), scan, source, complete=begin == 0)

    def _count_converted(self, scan: Scan, form: str) -> tuple[Reading, bool]:
        """Return what a file holds that has no record a line: the journal's export, a document of JSON."""
        data = self._reader.part(self._path, 0, LARGEST_DOCUMENT).data
        progress = Progress()
        blocks = exported([data], progress) if form == EXPORT else taken_apart([data])
        lines = (line for block in blocks for line in clean_lines(block))
        return self._counted(lines, scan, f"read {self._path}: all of it, one {form}", complete=True)

    def _counted(
        self, lines: Iterable[tuple[str, bool]], scan: Scan, source: str, *, complete: bool
    ) -> tuple[Reading, bool]:
        kept = [line for line, cut in lines if line and scan.feed(line, cut=cut)]
        reading = Reading(
            digest=scan.finish(),
            newest=newest_of(kept, self._limits.log_lines, limit_bytes=self._reader.excerpt_bytes),
            source=source,
            complete=complete,
        )
        return reading, reading.digest.timed_lines > 0

    def lines(self, window: Window, newest: int | None) -> Lines:
        """Return the newest lines of the window in one batch; those beyond `excerpt_bytes` are cut.

        Errors: TargetError, as `read`.
        """
        limits = Limits(log_lines=newest or ALL, log_bytes=ALL)
        reading = FileLog(msgspec.structs.replace(self._reader, limits=limits)).count(window)[0]
        kept, total = len(reading.newest), reading.digest.lines
        cut = ""
        if kept < total or not reading.complete:
            of = f" of {total:,}" if kept < total else ""
            cut = f"only the newest {kept:,}{of} lines were fetched; see --tail"
        return Lines(iter([reading.newest]), cut)

    def state(self) -> dict[str, Any]:
        """Return nothing: a file does not know the state of what writes it."""
        return {}

    def _take(
        self,
        found: list[tuple[str, bool]],
        scan: Scan,
        *,
        behind: list[str],
        reading: Reading,
        wanted: int | None,
    ) -> bool:
        """Count lines older than those before them; return whether older blocks are wanted."""
        more = True
        if wanted is not None:
            room = wanted - reading.digest.lines
            more, found = len(found) <= room, found[-room:] if room else []
        kept = [line for line, cut in found if line and scan.feed(self._dated(line), cut=cut)]
        reading.digest = merge(scan.finish(map(self._dated, behind)), reading.digest)
        room = self._limits.log_lines - len(reading.newest)
        size = sum(map(len, reading.newest))
        reading.newest = newest_of(kept, room, limit_bytes=self._reader.excerpt_bytes - size) + reading.newest
        return more

    def _bytes(self, path: Path, start: int, size: int) -> bytes:
        return self._reader.part(path, start, size).data

    def _parts(
        self, window_start: datetime, start: float, order: DateOrder
    ) -> tuple[list[_Part], bool, bool]:
        """Return what to read, newest first, whether lines have times, and whether that is all of it."""
        parts: list[_Part] = []
        room, timed = self._limits.log_bytes, False
        for path in self._paths():
            head = self._reader.part(path, 0, _PEEK_BYTES)
            size = head.size_bytes
            if head.modified_at < window_start:
                break
            first = first_time(self._with_dates(head.data).split(b"\n"), order)
            timed = timed or first is not None
            begin = 0
            if first is not None and first < start:
                begin = seek(partial(self._bytes, path), size, start, order=order)
            parts.append(_Part(path, max(begin, size - room), size))
            if size - begin > room:
                return parts, timed, False
            room -= size - begin
            if first is None or first < start:
                break
        return parts, timed, True

    def _paths(self) -> Iterator[Path]:
        """Yield the log and the predecessors that there are: backend.log, backend.log.1, backend.log.2."""
        yield self._path
        for number in range(1, _ROTATED + 1):
            older = self._path.with_name(f"{self._path.name}.{number}")
            try:
                self._reader.part(older, 0, 0)
            except TargetError as error:
                if error.kind in {ProblemKind.NOT_FOUND, ProblemKind.UNSUPPORTED}:
                    return
                raise
            yield older

    def _blocks(self, parts: list[_Part]) -> Iterator["_Block | None"]:
        """Yield the lines of the parts in blocks of about `_block_bytes`, the newest first.

        None for a block that is no longer there, as after a rotation in the meantime.
        """
        for part in parts:
            end = part.end
            while end > part.start:
                begin = max(end - self._block_bytes, part.start)
                context = min(begin, _PEEK_BYTES)
                data = self._bytes(part.path, begin - context, end - begin + context)
                if len(data) < end - begin + context:
                    yield None
                    return
                line_end = data.find(b"\n", context - 1) if context else -1
                skip = line_end + 1 if 0 <= line_end < len(data) - 1 else context
                yield _Block(data[:skip], data[skip:])
                end = begin + skip - context if begin > part.start else begin

    def _newest_clock(self) -> float | None:
        """Return the last moment of a log whose times have no date, in its zone; None for any other log."""
        tail = self._reader.part(self._path, -_PEEK_BYTES, _PEEK_BYTES)
        if last_time(tail.data.split(b"\n")) is not None or tail.size_bytes > MOST_BYTES:
            return None
        whole = tail if len(tail.data) == tail.size_bytes else self._reader.part(self._path, 0, MOST_BYTES)
        if first_time(whole.data[:_PEEK_BYTES].split(b"\n")) is not None:
            return None
        return newest_clock(whole.data, whole.modified_at.timestamp())

    def _with_dates(self, data: bytes) -> bytes:
        return data if self._clock is None else dated(data, self._clock)

    def _dated(self, line: str) -> str:
        return line if self._clock is None else dated_line(line, self._clock)

    def _dating(self) -> tuple[DateOrder, float]:
        """Return the order of the log's numeric dates, and what to add to its times without a zone."""
        head, tail = (self._reader.part(self._path, start, _PEEK_BYTES) for start in (0, -_PEEK_BYTES))
        modified_at = tail.modified_at.timestamp()
        order = order_of((line for part in (head, tail) for line, _ in clean_lines(part.data)), modified_at)
        return order, zone_shift(self._with_dates(tail.data), modified_at, order)

    def _source(self, parts: list[_Part], shift: float, *, timed: bool) -> str:
        read = ", ".join(f"{part.path.name} bytes {part.start} to {part.end}" for part in parts)
        notes = "" if timed or not parts else "; its lines have no time, so only the newest were read"
        if self._clock is not None:
            notes += f"; {NO_DATES}"
        if shift:
            notes += f"; its times have no zone and are taken as {-shift / 3600:+g} h from UTC"
        return f"read {self._path}: {read or 'nothing was written in the window'}{notes}"


def _late(read_bytes: int, parts: list[_Part], seconds: float) -> Problem:
    total = sum(part.end - part.start for part in parts)
    share = format_share(read_bytes / total) if total else "nothing"
    return Problem(
        kind=ProblemKind.TIMED_OUT,
        message=f"only the newest {share} of this stretch of time ({format_bytes(read_bytes)} of "
        f"{format_bytes(total)}) could be read in {format_duration(seconds)}: the oldest lines are missing",
        advice="read a shorter window, with --since",
    )


def _newest_parts(parts: list[_Part], size: int) -> list[_Part]:
    """Return what the newest bytes of the parts are.

    >>> _newest_parts([_Part(Path("a"), 0, 10), _Part(Path("a.1"), 0, 10), _Part(Path("a.2"), 0, 9)], 14)[1]
    _Part(path=PosixPath('a.1'), start=6, end=10)
    """
    found: list[_Part] = []
    for part in parts:
        found.append(_Part(part.path, max(part.start, part.end - size), part.end))
        size -= part.end - found[-1].start
        if size <= 0:
            break
    return found

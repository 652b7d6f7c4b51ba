"""What was typed -> the sources that it names, in the order they were written, none of them twice."""

import glob
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

import msgspec

from incident_lib.errors import ProblemKind, TargetError
from incident_lib.model import Problem
from incident_lib.technologies.logs.probes.clocks import MOST_BYTES, NO_DATES, dated, newest_clock
from incident_lib.technologies.logs.probes.line import clean_lines
from incident_lib.technologies.logs.probes.moments import PEEK_BYTES, first_time, last_time, seek, zone_shift
from incident_lib.technologies.logs.probes.times import order_of
from incident_lib.technologies.logs.sources.blocks import blocks, encoding_of
from incident_lib.technologies.logs.sources.compression import compression_of
from incident_lib.technologies.logs.sources.forms import LARGEST_DOCUMENT, form_of
from incident_lib.technologies.logs.sources.opening import read_at, status_of
from incident_lib.technologies.logs.sources.remote import list_remote
from incident_lib.technologies.logs.sources.rotation import predecessors, rotated
from incident_lib.technologies.logs.sources.source import DOCUMENT, EXPORT, PLAIN, STDIN, Progress, Source

_LEAST_SAME = 256  # bytes at the beginning that two files of a set have in common


class Found(msgspec.Struct, kw_only=True):
    """The sources, what could not be opened and why, and what was left out on purpose."""

    sources: list[Source] = []
    problems: dict[str, Problem] = {}
    notes: list[str] = []
    first_at: float | None = None  # as far as the beginnings of the files say
    last_at: float | None = None  # as far as their ends, or times of change, say
    newest_at: float | None = None  # of the newest line, where an end shows it; also of what is left out


class _Candidate(msgspec.Struct, kw_only=True):
    """A file that was found, with its beginning."""

    source: Source
    head: bytes = b""  # decompressed, a record a line
    tail: bytes = b""  # of a document

    @property
    def first_at(self) -> float | None:
        """The first time in it, None where its beginning has none."""
        return first_time(self.head.split(b"\n"))


def find(paths: Iterable[str], *, since: float | None = None, with_rotated: bool = True) -> Found:
    """Return the sources that paths, patterns, addresses and `-` name.

    A log is found with its rotated files, the oldest first, unless `with_rotated` is off. With `since`, files
    that were written last before it are left out, and plain ones are read from there on.
    Cost: a few small reads a file. Never raises for what cannot be read: that is in `problems`.
    """
    found = Found(sources=[], problems={}, notes=[])
    groups: dict[str, list[_Candidate]] = defaultdict(list)
    seen: set[object] = set()
    for given in paths:
        for address, size, problem in _named(given, with_rotated=with_rotated):
            if problem is not None:
                found.problems[address] = problem
                continue
            try:
                candidate = _candidate(address, size)
            except TargetError as error:
                found.problems[address] = Problem.from_error(error)
                continue
            source = candidate.source
            identity: object = source.inode or source.address
            if identity not in seen:
                seen.add(identity)
                groups[_group(source.address)].append(candidate)
    for group in groups.values():
        _finish(group, since, found)
    return found


def _named(given: str, *, with_rotated: bool) -> Iterator[tuple[str, int | None, Problem | None]]:
    """Yield each address that an argument names, with its size where that is known, or why there is none."""
    if given == STDIN:
        yield given, None, None
        return
    if "://" in given and not given.startswith("file://"):
        try:
            listed = list_remote(given)
        except TargetError as error:
            yield given, None, Problem.from_error(error)
            return
        if not listed:
            yield (
                given,
                None,
                Problem(kind=ProblemKind.NOT_FOUND, message=f"{given}: no object fits this pattern"),
            )
        yield from ((address, size, None) for address, size in listed)
        return
    path = Path(given.removeprefix("file://")).expanduser()
    matches: list[Path] = []
    is_pattern = not _exists(path) and any(mark in given for mark in "*?[")
    if is_pattern:
        matches = [Path(name) for name in sorted(glob.glob(str(path), recursive=True))]  # noqa: PTH207 - Path cannot begin at a root
        matches = [match for match in matches if _is_file(match)]  # what else fits was not meant
    else:
        matches = predecessors(path) if with_rotated and (_is_file(path) or not _exists(path)) else []
        matches = [match for match in matches if _is_file(match)]
        if _exists(path) or not matches:
            matches.append(path)
    if not matches:
        yield given, None, Problem(kind=ProblemKind.NOT_FOUND, message=f"{given}: no file fits this pattern")
    yield from ((str(match), None, None) for match in matches)


def _is_file(path: Path) -> bool:
    """Return whether it is a file, or in a folder that we may not enter: opening it will say so."""
    try:
        return path.is_file()
    except OSError:
        return True


def _exists(path: Path) -> bool:
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return False
    except OSError:
        return True  # it may be there, and opening it will say why it cannot be read
    return True


def _candidate(address: str, size: int | None) -> _Candidate:
    """Return a file with its beginning. Errors: TargetError."""
    if address == STDIN:
        if sys.stdin is None or sys.stdin.closed:
            raise TargetError(ProblemKind.NOT_FOUND, "standard input is closed")
        return _Candidate(source=Source(address=address))
    if "://" in address:
        source = Source(address=address, size_bytes=size, end=size)
    else:
        about = status_of(Path(address))
        size = about.st_size or None  # files of /proc have no size
        source = Source(
            address=address, size_bytes=size, end=size, inode=about.st_ino, modified_at=about.st_mtime
        )
    stored = read_at(source, 0, PEEK_BYTES)
    compression, encoding = compression_of(stored), encoding_of(stored)[0]
    if stored[257:262] == b"ustar":
        raise TargetError(
            ProblemKind.UNSUPPORTED, f"{address} is an archive of tar", "unpack it, and name its files"
        )
    if stored.startswith(b"PK\x03\x04"):
        raise TargetError(
            ProblemKind.UNSUPPORTED, f"{address} is a zip archive", "unpack it, and name its files"
        )
    source = msgspec.structs.replace(source, compression=compression, encoding=encoding)
    head = stored
    if compression or encoding != "utf-8":
        head = next(
            blocks(msgspec.structs.replace(source, end=PEEK_BYTES, size_bytes=None), Progress()), b""
        )[:PEEK_BYTES]
    if compression:
        source = msgspec.structs.replace(source, end=None)
    form, tail = form_of(head), b""
    if form == EXPORT or (form == DOCUMENT and (size or 0) <= LARGEST_DOCUMENT):
        source = msgspec.structs.replace(source, form=form)
        head, tail = _ends(source)
    return _Candidate(source=source, head=head.replace(b"\0", b""), tail=tail)


def _ends(source: Source) -> tuple[bytes, bytes]:
    """Return the beginning of a source with a record a line, and the end where it is a document."""
    found = blocks(source, Progress())
    head = tail = next(found, b"")
    if source.form == DOCUMENT:
        for block in found:
            tail = block
    return head[:PEEK_BYTES], tail[-PEEK_BYTES:] if source.form == DOCUMENT else b""


def _group(address: str) -> str:
    """Return the address of the log that a file belongs to."""
    folder, slash, name = address.rpartition("/")
    return f"{folder}{slash}{rotated(name).base}"


def _finish(group: list[_Candidate], since: float | None, found: Found) -> None:
    """Add the files of one log in order, with what they say about its times together."""
    group.sort(key=lambda each: rotated(each.source.address.rpartition("/")[2]).age)
    group = _without_copies(group, found)
    live = group[-1].source
    tail = _tail(live) if live.can_split else group[-1].tail
    if len(group) == 1 and (clock := _clock_of(live, group[0].head, tail)) is not None:
        live = msgspec.structs.replace(live, newest_clock=clock)
        tail = dated(tail, clock)
        found.notes.append(f"{live.address}: {NO_DATES}")
        group = [_Candidate(source=live, head=dated(group[0].head, clock))]
    lines = list(chain.from_iterable(_sample(each.head) for each in group))
    order = order_of([*lines, *_sample(tail)], live.modified_at)
    shift = zone_shift(tail, live.modified_at, order) if tail and live.modified_at else 0.0
    last_at = last_time(tail.split(b"\n"), order) if tail else None
    if last_at is not None:
        found.newest_at = max(last_at + shift, found.newest_at or last_at + shift)
    for each in group:
        source = msgspec.structs.replace(each.source, shift=shift, order=order)
        modified_at, first_at = source.modified_at, each.first_at
        if since is not None and modified_at is not None and modified_at < since:
            found.notes.append(f"{source.address}: last written before that time, not read")
            continue
        if since is not None and first_at is not None and first_at + shift < since and source.can_split:
            source = _from(source, since - shift)
        found.sources.append(source)
        if first_at is not None:
            found.first_at = min(first_at + shift, found.first_at or first_at + shift)
        is_live = source.address == live.address
        newest = last_at + shift if last_at is not None and is_live else modified_at
        if newest is not None:
            found.last_at = max(newest, found.last_at or newest)


def _clock_of(source: Source, head: bytes, tail: bytes) -> float | None:
    """Return the last moment of a log whose times have no date, in its zone; None for any other log."""
    size, modified_at = source.size_bytes or 0, source.modified_at
    if not source.can_split or source.form != PLAIN or modified_at is None or not 0 < size <= MOST_BYTES:
        return None
    if first_time(head.split(b"\n")) is not None or last_time(tail.split(b"\n")) is not None:
        return None
    try:
        return newest_clock(read_at(source, 0, size), modified_at)
    except TargetError:
        return None


def _sample(data: bytes) -> list[str]:
    return [line for line, _ in clean_lines(data)][:2_000]


def _tail(source: Source) -> bytes:
    """Return the end of a plain file, b"" where it cannot be read: its reading will say why."""
    size = source.end or 0
    try:
        return read_at(source, max(size - PEEK_BYTES, 0), min(PEEK_BYTES, size))
    except TargetError:
        return b""


def _from(source: Source, since: float) -> Source:
    """Return the source from a line on that is a little before that time."""
    try:
        place = seek(lambda start, size: read_at(source, start, size), source.end or 0, since)
        if place:
            place += read_at(source, place, PEEK_BYTES).find(b"\n") + 1
    except TargetError:
        return source
    return msgspec.structs.replace(source, start=place)


def _without_copies(group: list[_Candidate], found: Found) -> list[_Candidate]:
    """Return the files of a log without those that hold the same: a rotated one that is being compressed."""
    kept: list[_Candidate] = []
    for each in group:
        twin = next((other for other in kept if _is_same(each.head, other.head)), None)
        if twin is None:
            kept.append(each)
            continue
        better, worse = (
            (each, twin) if twin.source.compression and not each.source.compression else (twin, each)
        )
        kept[kept.index(twin)] = better
        found.notes.append(
            f"{worse.source.address}: holds the same as {better.source.address}, not read twice"
        )
    return kept


def _is_same(first: bytes, second: bytes) -> bool:
    """Return whether two files begin alike, as far as both were read, with lines that have times."""
    length = min(len(first), len(second))
    return (
        length >= _LEAST_SAME
        and first[:length] == second[:length]
        and first_time(first.split(b"\n")) is not None
    )

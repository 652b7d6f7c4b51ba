"""Sources -> what they hold, as values that merge: the same on one file here and over many machines.

`summarize_part` counts a stretch and can run in any process: its argument and its result are picklable, and
redaction happens in it, so that nothing secret leaves where the lines are read.
"""

import fcntl
import multiprocessing
import os
import signal
import sys
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from itertools import chain, islice
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.context import ForkContext, SpawnContext
from typing import Any, cast

import msgspec

from incident_lib import clock
from incident_lib.errors import TargetError
from incident_lib.model import Evidence, EvidenceStatus, Problem
from incident_lib.redact import Redactor
from incident_lib.signals import ENDING
from incident_lib.technologies.logs.probes.digest import OTHER, Digest, Tally, merge, merge_tallies
from incident_lib.technologies.logs.probes.ending import tail
from incident_lib.technologies.logs.probes.line import Mark, Opening, clean_lines
from incident_lib.technologies.logs.probes.records import moment, rows
from incident_lib.technologies.logs.probes.scan import Scan
from incident_lib.technologies.logs.probes.shapes import Shapes
from incident_lib.technologies.logs.probes.stamped import OpeningAll, Stamped
from incident_lib.technologies.logs.redaction import Redaction, redacted
from incident_lib.technologies.logs.sources.source import Progress, Source
from incident_lib.technologies.logs.sources.split import split
from incident_lib.technologies.logs.sources.stretch import CONTEXT_BYTES, Stretch

MANY_BYTES = 50 * 1024 * 1024  # from here on all processors are used
_LEAST_PART, _MOST_PART = 4 * 1024 * 1024, 256 * 1024 * 1024  # few, as each learns shapes of lines anew
_POLL_SECONDS = 0.2
_FEW_BLOCKS = 4  # are counted before another process would have begun
_PIPE_BYTES = 1024 * 1024
_WIDTHS, _WIDEST = ((1_800, 1), (3 * 86_400, 60), (30 * 86_400, 600)), 3_600  # seconds: span, slot
_NAMED = 20  # files that evidence names
_TEMPLATES = 20_000  # that are kept apart in a merged digest
_TAIL = 400  # newest lines that are kept

Advance = Callable[[int], None]  # called with the number of stored bytes that were read since the last call


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """What is counted, and how."""

    start: float = -62_135_596_800.0  # seconds since 1970: the beginning of the calendar
    end: float = 253_402_300_799.0
    slot_seconds: int = 60
    redaction: Redaction = Redaction()
    is_redacted: bool = True  # False: whoever takes the digest redacts it, on this machine
    mark: Mark | None = None  # what a line is counted under besides: a function of a module
    deadline: float = float("inf")  # of this machine's monotonic clock: then no other block is read


class Part(msgspec.Struct, kw_only=True):
    """What a stretch of a log holds. Nothing secret is in it, unless its scope said so."""

    source: Source
    digest: Digest
    read_bytes: int = 0  # as stored
    text_bytes: int = 0
    notes: tuple[str, ...] = ()
    complete: bool = True
    problem: Problem | None = None  # why nothing could be read
    interrupted: bool = False
    is_late: bool = False  # the deadline came before its end
    newest: tuple[str, ...] = ()
    lines: int = 0  # in any window
    marks: Counter[str] = msgspec.field(default_factory=Counter)


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """What blocks of lines hold together."""

    digest: Digest
    lines: int
    marks: Counter[str]


class FileRead(msgspec.Struct, kw_only=True):
    """How much of a file was read, and what was noticed."""

    address: str
    read_bytes: int = 0
    text_bytes: int = 0
    lines: int = 0
    first_at: float | None = None
    last_at: float | None = None
    compression: str = ""
    modified_at: float | None = None
    not_text_lines: int = 0
    notes: list[str] = []
    complete: bool = True
    problem: Problem | None = None


class Summary(msgspec.Struct, kw_only=True):
    """What all the parts hold together."""

    digest: Digest
    files: list[FileRead]
    newest: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether everything was read."""
        return all(file.complete and file.problem is None for file in self.files)


def summarize_part(source: Source, scope: Scope, advance: Advance = lambda _count: None) -> Part:
    """Return what a stretch holds. Never raises for what is wrong with the log: that is in the result.

    Lines that belong together across the ends of a stretch are counted where they begin.
    """
    progress, seen = Progress(), 0
    stretch = Stretch(source, progress)
    scan = Scan(scope.start, scope.end, scope.slot_seconds, shift=source.shift, order=source.order)
    shapes = Shapes(scan, stretch.opening, scope.mark or _unmarked)
    before: list[str] = []
    last = b""
    problem: Problem | None = None
    interrupted = is_late = False
    try:
        primed = stretch.before()
        before = [text for text, _ in primed]
        scan.prime(primed)
        for block in stretch.blocks():
            if last and clock.monotonic() > scope.deadline:
                is_late = True
                progress.note("was not read to its end in time", complete=False)
                break
            shapes.feed_block(block)
            text = block.text if isinstance(block, Stamped) else block
            last = text[-CONTEXT_BYTES:]
            advance(progress.read_bytes - seen)
            seen = progress.read_bytes
        digest = shapes.finish(() if is_late else stretch.behind())
    except TargetError as error:
        if progress.read_bytes:
            progress.note(f"could not be read any further: {error.message}", complete=False)
        else:
            problem = Problem.from_error(error)
        digest = shapes.finish()
    except KeyboardInterrupt:
        interrupted = True
        progress.note("was not read to its end: interrupted", complete=False)
        digest = shapes.finish()
    digest.not_text_lines += progress.not_text_lines
    redactor = scope.redaction.redactor() if scope.is_redacted else None
    return Part(
        source=source,
        digest=redacted(digest, redactor) if redactor is not None else digest,
        read_bytes=progress.read_bytes,
        text_bytes=progress.text_bytes,
        notes=tuple(progress.notes),
        complete=progress.complete,
        problem=problem,
        interrupted=interrupted,
        is_late=is_late,
        newest=_newest(before, last, redactor) if redactor is not None else (),
        lines=shapes.lines,
        marks=shapes.marks,
    )


def _unmarked(_text: str) -> str:
    return ""


def summarize(
    sources: Iterable[Source], scope: Scope, *, processes: int = 0, advance: Advance = lambda _count: None
) -> Iterator[Part]:
    """Yield the parts as they are counted; `merge_parts` makes one summary of them.

    `processes` 0 takes as many as there are processors, where there is enough to read. A KeyboardInterrupt
    ends it early: what was counted up to there was yielded, or is yielded with `interrupted`.
    """
    sources = list(sources)
    stretches = [source.stretch_bytes for source in sources]
    known = sum(stretch or 0 for stretch in stretches)
    workers = processes or (_processors() if known >= MANY_BYTES else 1)
    if workers == 1:
        parts: Iterable[Source] = sources
    else:
        rounds = known // (workers * _MOST_PART) + 1
        size = max(known // (rounds * workers) + 1, _LEAST_PART)
        parts = [part for source in sources for part in _parts_of(source, size)]
    if workers == 1 or len(list(parts)) == 1:
        for part in parts:
            counted = summarize_part(part, scope, advance)
            yield counted
            if counted.interrupted:
                return
        return
    yield from _side_by_side(list(parts), scope, min(workers, len(list(parts))), advance)


class Openings(msgspec.Struct, frozen=True):
    """How lines are opened: each, or all of a block where that is possible."""

    line: Opening
    block: OpeningAll


def summarize_blocks(read: Callable[[], Iterator[bytes]], openings: Openings, scope: Scope) -> Counted:
    """Return what blocks hold that come one after the other: another process counts while this one reads.

    Where it dies, `read` is called again, and its blocks are counted here. Nothing is redacted.
    """
    blocks = read()
    first = list(islice(blocks, _FEW_BLOCKS))
    if len(first) == _FEW_BLOCKS and _processors() > 1:
        try:
            return _counted_apart(chain(first, blocks), openings, scope)
        except (EOFError, OSError):
            first, blocks = [], read()
    return _counted(chain(first, blocks), openings, scope)


def merge_parts(parts: Iterable[Part]) -> Summary:
    """Return what the parts hold together, by file. Order does not matter, but for which lines are newest."""
    digest: Digest | None = None
    files: dict[str, FileRead] = {}
    newest: tuple[float, tuple[str, ...]] = (float("-inf"), ())
    for part in parts:
        digest = part.digest if digest is None else _capped(merge(digest, part.digest))
        source = part.source
        file = files.setdefault(
            source.address,
            FileRead(
                address=source.address,
                compression=source.compression,
                modified_at=source.modified_at,
                notes=[],
            ),
        )
        file.read_bytes += part.read_bytes
        file.text_bytes += part.text_bytes
        file.lines += part.digest.lines
        file.not_text_lines += part.digest.not_text_lines
        file.first_at = min(
            (at for at in (file.first_at, part.digest.first_at) if at is not None), default=None
        )
        file.last_at = max((at for at in (file.last_at, part.digest.last_at) if at is not None), default=None)
        file.notes.extend(note for note in part.notes if note not in file.notes)
        file.complete = file.complete and part.complete
        file.problem = file.problem or part.problem
        age = part.digest.last_at or source.modified_at or 0.0
        if part.newest and age >= newest[0]:
            newest = (age, part.newest)
    return Summary(digest=digest or Digest(), files=list(files.values()), newest=newest[1])


def evidence_of(summary: Summary, target: str, newest_at: float | None = None) -> Evidence:
    """Return the summary as the probe of a service's log gives it, for the same analyzers.

    `newest_at` is when the newest line of the files was written, where that is known.
    """
    records = list(rows(summary.digest))
    written = [file.modified_at for file in summary.files if file.modified_at is not None]
    records[0] = msgspec.structs.replace(
        records[0],
        modified_at=moment(max(written, default=None)),
        newest_at=None if summary.digest.lines else moment(newest_at),
    )
    if summary.newest:
        records.append(tail(summary.newest))
    return Evidence(
        probe="logs.lines",
        target=target,
        status=EvidenceStatus.COLLECTED,
        collected_at=clock.now(),
        duration_seconds=0.0,
        source=", ".join(file.address for file in summary.files[:_NAMED]),
        rows=tuple(records),
    )


def slot_seconds(first_at: float | None, last_at: float | None) -> int:
    """Return how finely a log of that span is counted, so that a digest stays small.

    >>> slot_seconds(0.0, 900.0), slot_seconds(0.0, 86_400.0), slot_seconds(None, None)
    (1, 60, 60)
    """
    if first_at is None or last_at is None:
        return 60
    span = last_at - first_at
    return next((width for longest, width in _WIDTHS if span <= longest), _WIDEST)


def _processors() -> int:
    count = getattr(os, "process_cpu_count", os.cpu_count)()
    return int(count or 1)


def _parts_of(source: Source, size: int) -> list[Source]:
    try:
        return split(source, size)
    except TargetError:
        return [source]  # to read it will fail again, and be reported


def _newest(before: list[str], block: bytes, redactor: Redactor) -> tuple[str, ...]:
    """Return the last lines up to a block's end, redacted together, as a secret may stand on several."""
    lines = [*before, *(line for line, _ in clean_lines(block) if line)][-2 * _TAIL :]
    return tuple(redactor.text("\n".join(lines)).split("\n")[-_TAIL:]) if lines else ()


def _capped(digest: Digest) -> Digest:
    """Return the digest with the rarest templates counted together, where there are too many to keep."""
    if len(digest.templates) <= _TEMPLATES:
        return digest
    ranked = sorted(digest.templates.items(), key=lambda entry: (-entry[1].count, entry[0]))
    kept = dict(ranked[: _TEMPLATES // 2])
    for (level, _), tally in ranked[_TEMPLATES // 2 :]:
        key = (level, OTHER)
        kept[key] = merge_tallies(kept.get(key, Tally()), tally) if key in kept else tally
    classes = {key: name for key, name in digest.template_classes.items() if key in kept}
    return msgspec.structs.replace(digest, templates=kept, template_classes=classes)


_SAFE_PATH = "PYTHONSAFEPATH"


class _Shared(msgspec.Struct, frozen=True):
    """What this process and those that count for it have together, without a lock that one may die with."""

    read_bytes: Any  # about: two may add to it at a time
    is_over: Any


_SHARED: list[_Shared] = []  # in a process that counts for another one


def _side_by_side(parts: list[Source], scope: Scope, workers: int, advance: Advance) -> Iterator[Part]:
    """Yield the parts as processes have counted them; what a process that died left is counted here."""
    context = _context()
    shared = _Shared(context.RawValue("q"), context.RawValue("b"))
    left = list(parts)
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_begin_apart, initargs=(shared,))
    running: dict[Future[Part], Source] = {}
    waiting = deque(parts)
    seen = 0
    try:
        while waiting or running:
            while waiting and len(running) < 2 * workers:  # so that an interruption has little to wait for
                with _deaf_to_interrupts(context):
                    running[pool.submit(_summarize_apart, waiting[0], scope)] = waiting[0]
                waiting.popleft()
            done, _ = wait(running, timeout=_POLL_SECONDS, return_when=FIRST_COMPLETED)
            read = shared.read_bytes.value
            advance(read - seen)
            seen = read
            for future in done:
                source = running.pop(future)
                counted = future.result()
                left.remove(source)
                yield counted
    except (BrokenProcessPool, OSError):
        pool.shutdown(wait=False, cancel_futures=True)
        for source in left:
            yield summarize_part(source, scope, advance)
    except KeyboardInterrupt:
        shared.is_over.value = True
        with suppress(BrokenProcessPool):
            yield from (future.result() for future in running if not future.cancel())
        pool.shutdown(cancel_futures=True)  # at the end of the program, its thread could print an error
        raise
    except BaseException:
        for child in multiprocessing.active_children():  # what they count is not wanted any more
            child.terminate()
        raise
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _summarize_apart(source: Source, scope: Scope) -> Part:
    """Return what a stretch holds, up to where the other process has it interrupted."""
    (shared,) = _SHARED

    def advance(count: int) -> None:
        """Report what was read. Errors: KeyboardInterrupt."""
        shared.read_bytes.value += count
        if shared.is_over.value:
            raise KeyboardInterrupt

    return summarize_part(source, scope, advance)


def _counted(blocks: Iterable[bytes], openings: Openings, scope: Scope) -> Counted:
    shapes = Shapes(Scan(scope.start, scope.end, scope.slot_seconds), openings.line, scope.mark or _unmarked)
    for block in blocks:
        shapes.feed_block(openings.block(block) or block)
    return Counted(digest=shapes.finish(), lines=shapes.lines, marks=shapes.marks)


def _counted_apart(blocks: Iterable[bytes], openings: Openings, scope: Scope) -> Counted:
    """Return what another process counted. Errors: EOFError and OSError, where it cannot or has died."""
    context = _context()
    receiving, sending = context.Pipe(duplex=False)
    answering, answered = context.Pipe(duplex=False)
    with receiving, sending, answering, answered:
        with suppress(AttributeError, OSError):  # so that a block can wait there
            fcntl.fcntl(sending.fileno(), fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        ends = (receiving, answered, sending, answering)
        child = context.Process(target=_count_sent, args=(ends, openings, scope), daemon=True)
        with _deaf_to_interrupts(context):
            child.start()
        try:
            receiving.close()
            answered.close()
            for block in blocks:
                sending.send_bytes(block)
            sending.send_bytes(b"")
            return cast(Counted, answering.recv())
        finally:
            child.terminate()
            child.join()


def _count_sent(ends: tuple[Connection, ...], openings: Openings, scope: Scope) -> None:
    """Count the blocks that come, up to an empty one, and send what they hold."""
    _begin_apart()
    receiving, answered, *others = ends
    for other in others:  # so that it is noticed here when the process that sends them ends
        other.close()
    with suppress(EOFError):
        answered.send(_counted(iter(receiving.recv_bytes, b""), openings, scope))


def _context() -> ForkContext | SpawnContext:
    """Return how processes are started: as copies of this one, which import nothing, where that is safe.

    A copy has none of the other threads, and what these have locked stays locked in it. Those of numpy's
    libraries are no threads of Python: they are ended before a copy is made.
    """
    if sys.platform == "linux" and threading.active_count() == 1:
        return multiprocessing.get_context("fork")
    return multiprocessing.get_context("spawn")


@contextmanager
def _deaf_to_interrupts(context: ForkContext | SpawnContext) -> Iterator[None]:
    """Let processes that are started in it never get Ctrl-C, nor learn that the terminal was closed.

    One would be interrupted before it can ignore that, print where, and may leave a lock behind.
    """
    with safe_path():
        if context.get_start_method() == "spawn":
            resource_tracker.ensure_running()  # its start would undo this
        before = signal.pthread_sigmask(signal.SIG_BLOCK, set(ENDING) - {signal.SIGTERM})
        try:
            yield
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def safe_path() -> Iterator[None]:
    """Let each Python that is started in it import nothing from the folder it was started in."""
    before = os.environ.get(_SAFE_PATH)
    os.environ[_SAFE_PATH] = "1"
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(_SAFE_PATH, None)
        else:
            os.environ[_SAFE_PATH] = before


def _begin_apart(shared: _Shared | None = None) -> None:
    """Leave Ctrl-C and a closed terminal to the process that started this one, and end when it has died."""
    for number in ENDING:
        signal.signal(number, signal.SIG_DFL if number == signal.SIGTERM else signal.SIG_IGN)
    _SHARED[:] = [shared] if shared is not None else []
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)

"""The one way to read and decode what was stored or received. Nothing in it is believed.

A file is a regular one inside its folder, and bounded in size, depth, numbers and times. A field that breaks
a bound, or is not of its type, is left out where the record can do without; a record that cannot is refused
with the file named, and what is read next to it goes on.
"""

import logging
import os
import re
import stat
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from io import BufferedReader
from pathlib import Path
from typing import Any, TypeVar, cast

import msgspec
import re2
import zstandard

from incident_lib.errors import FolderError, ProblemKind
from incident_lib.model import Evidence
from incident_lib.model.evidence import EvidenceStatus, Problem, Truncation, decode_evidence
from incident_lib.model.rows import decode_row
from incident_lib.units import format_bytes, format_count

MOST_BYTES = 10 << 20
MOST_EVIDENCE_BYTES = 64 << 20  # a log of a busy day is summed up in 200,000 rows
MOST_LOG_BYTES = 256 << 20  # of a stored log, unpacked
MOST_LINE_BYTES = 1 << 20
DEEPEST = 100
LARGEST = 1 << 53
LARGEST_MEASURED = 1 << 64  # of what is evidence: a sequence of a database ends at 2^63
# A year less than the calendar has at either end, so that what is added to a moment never leaves it.
EARLIEST = datetime(2, 1, 1, tzinfo=UTC)
LATEST = datetime(9998, 12, 31, tzinfo=UTC)

T = TypeVar("T")
_LOG = logging.getLogger(__name__)
_LARGE_BLOCK = 4 << 20
_GONE = object()
_WINDOW = 8 << 20
_MOST_DROPPED = 100  # fields of one file; with more wrong it is no such record at all
_FAILURES = (msgspec.MsgspecError, RecursionError, ValueError, OverflowError, TypeError, AttributeError)
_BRACKETS = bytes.maketrans(b"{}", b"[]")
_NO_MARKS = bytes(set(range(256)) - set(b'"[]{}'))
# In all that is read, so by RE2: numbers that may lie outside; times at an end, or without a zone.
_LARGE_TEXT = rb"(?:^|[^.\d])\d{16}|[eE]\+?\d"
_LARGE = re2.compile(_LARGE_TEXT)
_AS_ZEROS = bytes.maketrans(b"123456789", b"0" * 9)
_MARKS_OF_LARGE = (b"0" * 16, b"e0", b"E0", b"e+0", b"E+0")
_ODD_TIME_TEXT = rb'"(?:(?:0001|9999)-\d\d-|\d{4}-\d\d-\d\d[T ][\d:.,]+")'
_ODD_TIME = re2.compile(_ODD_TIME_TEXT)
_MAY_BE_ODD = re2.compile(rb"%b|%b" % (_LARGE_TEXT, _ODD_TIME_TEXT))  # also where only a string looks so
_PLACE = re.compile(r" - at (`key` in )?`\$(.*)`$")
_LACKING = re.compile(r"Object missing required field `(\w+)`")
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+|\.\.\.)\]")
_BLOCK = 1 << 16


def read_file(path: Path | str, *, most_bytes: int = MOST_BYTES) -> bytes:
    """Return the content of a regular file, which is no link.

    Errors: FileNotFoundError where there is none, FolderError that names it for all else.
    """
    try:
        handle = _descriptor(path)
        try:
            data = os.read(handle, _BLOCK)  # most are smaller: room for the largest is not made for each
            if len(data) == _BLOCK:
                data = b"".join(_rest(handle, data, most_bytes + 1))
        finally:
            os.close(handle)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise FolderError(f"cannot read {path}: {error.strerror}") from error
    if len(data) > most_bytes:
        raise FolderError(f"{path} is larger than {format_bytes(most_bytes)}, so it is not read")
    return data


def opened(path: Path) -> BufferedReader:
    """Return a regular file, open for reading; links are not followed, and pipes not waited for.

    Errors: OSError, FolderError where it is no regular file.
    """
    return os.fdopen(_descriptor(path), "rb")


def _descriptor(path: Path | str) -> int:
    """Return what a regular file is read by, for the caller to close. Errors: OSError, FolderError."""
    mode = os.lstat(path).st_mode
    if stat.S_ISLNK(mode):
        raise FolderError(f"{path} is a link, and links are not followed")
    if not stat.S_ISREG(mode):
        raise FolderError(f"{path} is not a regular file, so it is not read")
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0))
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise FolderError(f"{path} is not a regular file, so it is not read")
    except BaseException:
        os.close(handle)
        raise
    return handle


def _rest(handle: int, piece: bytes, most_bytes: int) -> Iterator[bytes]:
    """Yield a piece and what follows it, until there are so many bytes."""
    while piece:
        yield piece
        most_bytes -= len(piece)
        piece = os.read(handle, min(_LARGE_BLOCK, most_bytes)) if most_bytes > 0 else b""


def inside(folder: Path, name: str) -> Path | None:
    """Return the regular file of that relative name in `folder`; None where it leads out, or is none.

    >>> inside(Path("/etc"), "../etc/passwd"), inside(Path("/dev"), "zero")
    (None, None)
    """
    parts = name.split("/")
    if "\x00" in name or any(part in {"", ".", ".."} for part in parts):
        return None
    path = folder
    try:
        for part in parts:
            path /= part
            mode = path.lstat().st_mode
            if stat.S_ISLNK(mode):
                return None
    except (OSError, ValueError):
        return None
    return path if stat.S_ISREG(mode) else None


def load(
    path: Path | str,
    kind: type[T],
    *,
    most_bytes: int = MOST_BYTES,
    instead: Mapping[str, str] | None = None,
    whole: bool = False,
) -> T:
    """Return the record in a file, as `decode` does. Errors: FileNotFoundError, FolderError."""
    return decode(read_file(path, most_bytes=most_bytes), kind, str(path), instead=instead, whole=whole)


def load_measured(path: Path, kind: type[T]) -> T:
    """Return a record of a snapshot, which may be larger, as may its numbers.

    Errors: FileNotFoundError, FolderError.
    """
    data = read_file(path, most_bytes=MOST_EVIDENCE_BYTES)
    return decode(data, kind, str(path), largest=LARGEST_MEASURED)


def decode(
    data: bytes,
    kind: type[T],
    name: str,
    *,
    instead: Mapping[str, str] | None = None,
    whole: bool = False,
    largest: int = LARGEST,
) -> T:
    """Return the record in `data`; fields that make no sense are left out and reported under `name`.

    `instead` has values for fields that the record cannot do without. What others are checked against is
    taken `whole` or not at all. Errors: FolderError that names what was decoded.
    """
    try:
        if not _is_odd(data):
            return cast(T, _decoder(cast(Any, kind)).decode(data))
    except _FAILURES as error:
        if isinstance(error, msgspec.DecodeError) and not isinstance(error, msgspec.ValidationError):
            raise _refused(name, error) from error
    try:
        found = _document(data)
        dropped = _bounded(found, largest)
        record = _convert(found, kind, dropped, instead or {})
    except _FAILURES as error:
        raise _refused(name, error) from error
    if dropped and whole:
        raise FolderError(f"{name} cannot be read: {dropped[0]}")
    report_dropped(name, dropped)
    return record


def document(data: bytes, name: str = "a line") -> Any:
    """Return what `data` holds, without numbers that are too large. Errors: FolderError."""
    try:
        found = _document(data)
        _bounded(found, LARGEST)
    except _FAILURES as error:
        raise _refused(name, error) from error
    return found


def load_evidence(path: Path) -> Evidence:
    """Return the evidence in a file; rows that make no sense are left out, and it says so.

    Errors: FileNotFoundError, FolderError that names the file.
    """
    data = read_file(path, most_bytes=MOST_EVIDENCE_BYTES)
    try:
        if not _is_odd(data):
            return decode_evidence(data)
    except _FAILURES as error:
        if isinstance(error, msgspec.DecodeError) and not isinstance(error, msgspec.ValidationError):
            raise _refused(str(path), error) from error
    try:
        found = _document(data)
        dropped = _bounded(found, LARGEST_MEASURED)
        stored = found.pop("rows", []) if isinstance(found, dict) else []
        evidence = _convert(found, Evidence, dropped, {})
        rows, wrong = [], 0
        for row in stored if isinstance(stored, list) else []:
            try:
                rows.append(_timely(row, dropped))
            except _FAILURES:
                wrong += 1
    except _FAILURES as error:
        raise _refused(str(path), error) from error
    report_dropped(str(path), (*dropped, *([format_count(wrong, "row")] if wrong else [])))
    evidence = msgspec.structs.replace(evidence, rows=tuple(rows))
    return _cut(evidence, len(rows), wrong) if wrong else evidence


def log_lines(path: Path) -> Iterator[str]:
    """Yield the lines of a packed log, unpacked piece by piece; one without end, or too many, are cut.

    Errors: FolderError.
    """
    unpacked, rest = 0, b""
    for block in unpacked_blocks(path):
        unpacked += len(block)
        lines = (rest + block).splitlines(keepends=True)
        rest = lines.pop() if lines and not lines[-1].endswith((b"\n", b"\r")) else b""
        yield from (line.decode("utf-8", "replace") for line in lines)
        if len(rest) > MOST_LINE_BYTES:
            yield f"{rest[:MOST_LINE_BYTES].decode('utf-8', 'replace')}\n"
            rest = b""
        if unpacked > MOST_LOG_BYTES:
            yield f"[the rest is left out: more than {format_bytes(MOST_LOG_BYTES)}]\n"
            return
    if rest:
        yield rest.decode("utf-8", "replace")


def unpacked_blocks(path: Path) -> Iterator[bytes]:
    """Yield what a zstd file unpacks to, in blocks: memory is bounded, whatever it expands to.

    Errors: FolderError.
    """
    try:
        with (
            opened(path) as raw,
            zstandard.ZstdDecompressor(max_window_size=_WINDOW).stream_reader(
                raw, read_across_frames=True
            ) as file,
        ):
            while block := file.read(_BLOCK):
                yield block
    except (OSError, zstandard.ZstdError) as error:
        raise FolderError(f"cannot read {path}: {error}") from error


@cache
def report(text: str) -> None:
    """Say once, on standard error, what was left out."""
    _LOG.warning("%s", text)


def report_dropped(name: str, dropped: tuple[str, ...] | list[str]) -> None:
    """Say once which fields of a file were left out; nothing where none were."""
    if dropped:
        more = f" and {len(dropped) - 3} more" if len(dropped) > 3 else ""
        report(f"{name}: left out because it is invalid: {', '.join(dropped[:3])}{more}")


def _refused(name: str, error: BaseException) -> FolderError:
    reason = "it is nested too deep" if isinstance(error, RecursionError) else str(error)
    return FolderError(f"{name} cannot be read: {reason}")


@cache
def _decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind)


def _is_odd(data: bytes) -> bool:
    """Return whether numbers or times need a closer look. Errors: RecursionError as `_check`."""
    plain = _check(data)
    if len(data) > _LARGE_BLOCK and not _MAY_BE_ODD.search(data):
        return False
    bare = b"".join((plain or _without_escapes(data)).split(b'"')[::2])
    as_zeros = bare.translate(_AS_ZEROS)  # where none of these is, no number is large: most files are small
    may_be_large = any(mark in as_zeros for mark in _MARKS_OF_LARGE)
    return bool((may_be_large and _LARGE.search(bare)) or _ODD_TIME.search(data))


def _check(data: bytes) -> bytes:
    """Return `data` without escapes, b"" where that was not needed.

    Errors: RecursionError where it is nested too deep.
    """
    if data.count(b"[") + data.count(b"{") <= DEEPEST:
        return b""
    # Of the strings all but their ends, and brackets, is left out first: of many rows that is nearly all.
    # What is cut out of two quotes in a row leaves in a string what was in one.
    plain = _without_escapes(data)
    marks = plain.translate(None, _NO_MARKS).replace(b'""', b"")
    brackets = b"".join(marks.split(b'"')[::2]).translate(_BRACKETS)
    for _ in range(DEEPEST):
        shorter = brackets.replace(b"[]", b"")
        if shorter == brackets:  # all were closed; or never are, which decoding refuses
            return plain
        brackets = shorter
    if brackets:
        raise RecursionError
    return plain


def _without_escapes(data: bytes) -> bytes:
    """Return `data` without what is no end of a string although it is a quote."""
    return data.replace(b"\\\\", b"").replace(b'\\"', b"") if b"\\" in data else data


def _document(data: bytes) -> Any:
    _check(data)
    return msgspec.json.decode(data)


def _convert(document: Any, kind: type[T], dropped: list[str], instead: Mapping[str, str]) -> T:
    """Return the record, without the fields that cannot be. Errors: msgspec.ValidationError."""
    for _ in range(_MOST_DROPPED):
        try:
            record = msgspec.convert(document, kind, str_keys=True)
        except msgspec.ValidationError as error:
            if (lacking := _LACKING.fullmatch(str(error))) and lacking[1] in instead:
                document[lacking[1]] = instead[lacking[1]]
                continue
            found = _PLACE.search(str(error))
            if found is None or not _drop(document, found[2]):
                raise
            dropped.append(f"{found[2].lstrip('.')} ({str(error)[: found.start()]})")
            continue
        odd = dict(_odd_times(record, ""))
        if not odd:
            return record
        for place, moment in odd.items():
            if moment.tzinfo is None and EARLIEST <= moment.replace(tzinfo=UTC) <= LATEST:
                _replace(document, place, f"{moment.isoformat()}Z")
            elif _drop(document, place):
                dropped.append(f"{place.lstrip('.')} (a time outside of the years 2 to 9998)")
    raise msgspec.ValidationError("too much of it is invalid")


def _timely(row: Any, dropped: list[str]) -> Any:
    """Return the row of a document. Errors: msgspec.ValidationError."""
    decoded = decode_row(row)
    for place, moment in _odd_times(decoded, ""):
        if moment.tzinfo is None:
            _replace(row, place, f"{moment.isoformat()}Z")
        elif _drop(row, place):
            dropped.append(place.lstrip("."))
    decoded = decode_row(row)
    if any(True for _ in _odd_times(decoded, "")):
        raise msgspec.ValidationError("an invalid time")
    return decoded


def _odd_times(value: Any, place: str) -> Iterator[tuple[str, datetime]]:
    """Yield the times of a record that are outside of the calendar or have no zone, each with its place."""
    if isinstance(value, datetime):
        if value.tzinfo is None or not EARLIEST <= value <= LATEST:
            yield place, value
    elif isinstance(value, msgspec.Struct):
        for name, stored in zip(value.__struct_fields__, value.__struct_encode_fields__, strict=True):
            yield from _odd_times(getattr(value, name), f"{place}.{stored}")
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _odd_times(item, f"{place}[{index}]")
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _odd_times(item, f"{place}.{key}")


def _bounded(document: Any, largest: int) -> list[str]:
    """Take numbers that are too large out of a document, and return where they were."""
    dropped: list[str] = []
    waiting: list[tuple[Any, str]] = [(document, "")] if isinstance(document, dict | list) else []
    while waiting:
        value, place = waiting.pop()
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in list(items):
            there = f"{place}.{key}" if isinstance(value, dict) else f"{place}[{key}]"
            if isinstance(item, dict | list):
                waiting.append((item, there))
            elif isinstance(item, int | float) and not isinstance(item, bool) and abs(item) > largest:
                dropped.append(f"{there.lstrip('.')} (a number beyond 2^{largest.bit_length() - 1})")
                value[key] = None if isinstance(value, list) else _GONE
        if isinstance(value, dict):
            for key in [key for key, item in value.items() if item is _GONE]:
                del value[key]
    return dropped


def _steps(place: str) -> list[str | int] | None:
    steps: list[str | int] = []
    for name, index in _STEP.findall(place):
        if index == "...":
            return steps  # a value of a mapping, whose key is not said: the mapping goes
        steps.append(name or int(index))
    return steps


def _holder(document: Any, place: str) -> tuple[Any, str | int] | None:
    steps = _steps(place)
    if not steps:
        return None
    for step in steps[:-1]:
        try:
            document = document[step]
        except (KeyError, IndexError, TypeError):
            return None
    return document, steps[-1]


def _drop(document: Any, place: str) -> bool:
    """Take a field or an item out of a document, and return whether it was there."""
    found = _holder(document, place)
    if found is None:
        return False
    try:
        del found[0][found[1]]
    except (KeyError, IndexError, TypeError):
        return False
    return True


def _replace(document: Any, place: str, value: str) -> None:
    if found := _holder(document, place):
        found[0][found[1]] = value


def _cut(evidence: Evidence, kept: int, wrong: int) -> Evidence:
    """Return the evidence that says how many of its rows were left out."""
    problem = evidence.problem or Problem(
        kind=ProblemKind.PROTOCOL,
        message=f"{format_count(wrong, 'stored row')} of {kept + wrong} are invalid and left out",
    )
    status = EvidenceStatus.PARTIAL if evidence.status is EvidenceStatus.COLLECTED else evidence.status
    truncated = evidence.truncated or Truncation(kept=kept, total=kept + wrong)
    return msgspec.structs.replace(evidence, problem=problem, status=status, truncated=truncated)

"""A source -> its bytes as they are stored. Files that change while they are read are noted, not followed."""

import os
import stat
import sys
from collections.abc import Iterator
from contextlib import suppress
from io import BufferedReader
from pathlib import Path
from typing import cast

from incident_lib.errors import ProblemKind, TargetError
from incident_lib.technologies.logs.sources.remote import remote_chunks
from incident_lib.technologies.logs.sources.source import STDIN, Progress, Source

CHUNK_BYTES = 1024 * 1024
_KINDS = (
    (stat.S_ISDIR, "a folder", "name the files in it, as in {}/*"),
    (stat.S_ISFIFO, "a pipe", "redirect it to standard input, and name it as -"),
    (stat.S_ISCHR, "a device", "name a file"),
    (stat.S_ISBLK, "a device", "name a file"),
    (stat.S_ISSOCK, "a socket", "name a file"),
)


def status_of(path: Path) -> os.stat_result:
    """Return the status of a regular file.

    Errors: TargetError NOT_FOUND, PRIVILEGE, and UNSUPPORTED for what is no regular file.
    """
    try:
        about = path.stat()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise TargetError(ProblemKind.NOT_FOUND, f"{path}: there is no such file") from error
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error
    check_regular(path, about)
    return about


def check_regular(path: Path, about: os.stat_result) -> None:
    """Raise TargetError UNSUPPORTED for what is no regular file: to read it could wait for ever."""
    if stat.S_ISREG(about.st_mode):
        return
    for is_kind, name, advice in _KINDS:
        if is_kind(about.st_mode):
            raise TargetError(
                ProblemKind.UNSUPPORTED, f"{path} is {name}, no regular file", advice.format(path)
            )
    raise TargetError(ProblemKind.UNSUPPORTED, f"{path} is no regular file")


def stored_chunks(source: Source, progress: Progress) -> Iterator[bytes]:
    """Yield the bytes of the stretch. Errors: TargetError, where it cannot be opened or read at all."""
    if source.address == STDIN:
        yield from _of_input(progress)
    elif source.is_remote:
        for chunk in remote_chunks(source.address, source.start, source.end, CHUNK_BYTES):
            progress.read_bytes += len(chunk)
            yield chunk
    else:
        yield from _of_file(source, progress)


def read_at(source: Source, start: int, size: int) -> bytes:
    """Return at most `size` bytes from `start` on. Errors: TargetError."""
    if source.is_remote:
        return b"".join(remote_chunks(source.address, start, start + size, size))
    descriptor = _open(source)
    try:
        return os.pread(descriptor, size, start)
    except OSError as error:
        raise _unreadable(Path(source.address), error) from error
    finally:
        os.close(descriptor)


def _of_input(progress: Progress) -> Iterator[bytes]:
    stream = cast(BufferedReader, sys.stdin.buffer)
    while chunk := stream.read1(CHUNK_BYTES):
        progress.read_bytes += len(chunk)
        yield chunk


def _open(source: Source) -> int:
    """Return the open file: also after a rotation, which has given it another name."""
    path = Path(source.address)
    try:
        # Not blocking, because to open a pipe that nothing writes to would wait for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except FileNotFoundError as error:
        renamed = _renamed(source)
        if renamed is not None:
            return renamed
        raise TargetError(ProblemKind.NOT_FOUND, f"{path}: there is no such file any more") from error
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error
    try:
        about = os.fstat(descriptor)
        check_regular(path, about)
        if source.inode and about.st_ino != source.inode:
            renamed = _renamed(source)
            os.close(descriptor)
            if renamed is None:
                raise TargetError(
                    ProblemKind.NOT_FOUND,
                    f"{path} was replaced by another file before it was read",
                    "start again",
                )
            return renamed
    except TargetError:
        with suppress(OSError):
            os.close(descriptor)
        raise
    return descriptor


def _renamed(source: Source) -> int | None:
    """Return the file that was found under this name and has another now, open; None if it is gone."""
    path = Path(source.address)
    if not source.inode:
        return None
    with suppress(OSError), os.scandir(path.parent) as entries:
        for entry in entries:
            if entry.name.startswith(path.name) and entry.inode() == source.inode:
                return os.open(entry.path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    return None


def _of_file(source: Source, progress: Progress) -> Iterator[bytes]:
    descriptor = _open(source)
    try:
        place, end = source.start, source.end
        while end is None or place < end:
            size = CHUNK_BYTES if end is None else min(CHUNK_BYTES, end - place)
            try:
                chunk = os.pread(descriptor, size, place)
            except OSError as error:
                if place == source.start:
                    raise _unreadable(Path(source.address), error) from error
                progress.note(f"could not be read any further: {error.strerror}", complete=False)
                return
            if not chunk:
                break
            place += len(chunk)
            progress.read_bytes += len(chunk)
            yield chunk
        _note_changes(descriptor, source, place, progress)
    finally:
        os.close(descriptor)


def _note_changes(descriptor: int, source: Source, place: int, progress: Progress) -> None:
    """Note what happened to the file since it was found. Once is enough: at the end of its last part."""
    if source.size_bytes is None or source.end != source.size_bytes:
        if source.end is not None and place < source.end:
            progress.note("it was cut while it was read", complete=False)
        return
    size = os.fstat(descriptor).st_size
    if size > source.size_bytes:
        progress.note(
            f"it grew by {size - source.size_bytes:,} bytes while it was read; those are not counted",
            complete=True,
        )
    elif place < source.size_bytes or size < source.size_bytes:
        progress.note(
            f"it was cut from {source.size_bytes:,} to {size:,} bytes while it was read", complete=False
        )
    with suppress(OSError):
        if source.inode and Path(source.address).stat().st_ino != source.inode:
            progress.note("it was rotated while it was read; this is what stood in it before", complete=True)


def _unreadable(path: Path, error: Exception) -> TargetError:
    if isinstance(error, PermissionError):
        return TargetError(
            ProblemKind.PRIVILEGE, f"{path}: no right to read it", "run as a user who may read it"
        )
    reason = getattr(error, "strerror", None) or str(error)
    return TargetError(ProblemKind.PRIVILEGE, f"{path}: cannot be read: {reason}")

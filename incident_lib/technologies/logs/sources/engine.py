"""The files in which an engine keeps a container's log -> sources, from a moment on."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path

import msgspec

from incident_lib.technologies.logs.probes.engine_file import DISORDER_SECONDS, open_document
from incident_lib.technologies.logs.probes.moments import PEEK_BYTES, seek
from incident_lib.technologies.logs.sources.blocks import blocks
from incident_lib.technologies.logs.sources.compression import compression_of
from incident_lib.technologies.logs.sources.opening import read_at
from incident_lib.technologies.logs.sources.source import JSON_FILE, Progress, Source

_HEAD_BYTES = 16


@contextmanager
def engine_sources(path: Path, since: float) -> Iterator[list[Source]]:
    """Yield the file and its rotated ones as the sources of one log, the oldest first, from the moment on.

    What is rotated or removed meanwhile is read all the same: every file stays open. What is written
    meanwhile is not. Errors: OSError; TargetError.
    """
    with ExitStack() as stack:
        found: list[Source] = []
        for source in _opened(path, stack):
            place = _place_of(source, since - DISORDER_SECONDS)
            if place is None:
                break
            start = 0 if source.compression else place
            found.insert(0, msgspec.structs.replace(source, start=start, begin=place, since=since))
            if place:
                break
        yield [
            msgspec.structs.replace(source, older=tuple(found[:index]), newer=tuple(found[index + 1 :]))
            for index, source in enumerate(found)
        ]


def _opened(path: Path, stack: ExitStack) -> Iterator[Source]:
    """Yield the files that are not empty: the one that is written first, as the others only move on."""
    inodes = set()
    for number in count():
        name = path.with_name(f"{path.name}.{number}") if number else path
        names = (name, name.with_name(f"{name.name}.gz"))
        file = next((file for file in names if os.access(file, os.R_OK)), None)
        if file is None:
            return
        try:
            descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return  # it was the oldest, and was removed
        stack.callback(os.close, descriptor)
        about = os.fstat(descriptor)
        if about.st_ino in inodes or not about.st_size:
            continue
        inodes.add(about.st_ino)
        compression = compression_of(os.pread(descriptor, _HEAD_BYTES, 0))
        by_descriptor = Path(f"/proc/{os.getpid()}/fd/{descriptor}")  # also when it has no name any more
        yield Source(
            address=str(by_descriptor if by_descriptor.exists() else file),
            size_bytes=about.st_size,
            end=None if compression else about.st_size,
            compression=compression,
            inode=about.st_ino,
            modified_at=about.st_mtime,
            form=JSON_FILE,
        )


def _place_of(source: Source, since: float) -> int | None:
    """Return where in the text the first line of the moment or later begins, None where there is none."""
    if _at(next(blocks(source, Progress()), b"").partition(b"\n")[0]) >= since:
        return 0
    place = 0
    if source.can_split:
        place = seek(lambda start, size: read_at(source, start, size), source.end or 0, since)
        if place:
            place += read_at(source, place, PEEK_BYTES).find(b"\n") + 1
    for block in blocks(msgspec.structs.replace(source, start=place), Progress()):
        lines = block.split(b"\n")
        if _at(lines[-2] if len(lines) > 1 else lines[0]) < since:
            place += len(block)
            continue
        for line in lines:
            if _at(line) >= since:
                return place
            place += len(line) + 1
    return None


def _at(line: bytes) -> float:
    opened = open_document(line)
    return float("-inf") if opened is None or opened[1] is None else opened[1]

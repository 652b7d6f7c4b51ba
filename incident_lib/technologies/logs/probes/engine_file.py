"""The file in which an engine keeps a container's log (its driver json-file), where this machine has it.

It is read in place of the engine's answer, which takes the engine several times as long. The lines are the
same; in the file each is a JSON document with the text, the stream and the time.
"""

import gzip
import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

import msgspec

from incident_lib.technologies.logs.probes import times
from incident_lib.technologies.logs.probes.line import clean
from incident_lib.technologies.logs.probes.shapes import Opened

BLOCK_BYTES = 4 * 1024 * 1024
_LONGEST = 1024 * 1024  # of a line in pieces; the rest of it is dropped
_ROTATED = 100
_WHOLE = b'\\n","stream":"'  # of a document whose text ends with its line


class _Document(msgspec.Struct):
    log: str = ""
    stream: str = ""
    time: str = ""


_decode = msgspec.json.Decoder(_Document).decode


def log_files(inspected: dict[str, Any]) -> list[Path]:
    """Return the files that hold the log, the oldest first; none where they cannot be read here.

    The name holds the container's whole id, so that a file of that name is this container's.
    """
    path = Path(str(inspected.get("LogPath") or ""))
    driver = inspected.get("HostConfig", {}).get("LogConfig", {}).get("Type")
    if driver != "json-file" or not inspected.get("Id") or str(inspected["Id"]) not in path.name:
        return []
    found: list[Path] = []
    for name in (path.name, *(f"{path.name}.{number}" for number in range(1, _ROTATED))):
        names = (path.with_name(name), path.with_name(f"{name}.gz"))
        file = next((file for file in names if os.access(file, os.R_OK)), None)
        if file is None:
            break
        found.append(file)
    return found[::-1]


def documents(files: list[Path], since: float) -> Iterator[bytes]:
    """Yield blocks of whole lines of the files, each a document, from the moment on.

    What is rotated meanwhile is read all the same: every file is open before the first is read.
    """
    with ExitStack() as stack:
        opened: dict[int, IO[bytes] | gzip.GzipFile] = {}
        for file in reversed(files):  # the one that is written first, as the others only move on
            stored = stack.enter_context(file.open("rb"))
            inode = os.fstat(stored.fileno()).st_ino
            opened.setdefault(inode, gzip.GzipFile(fileobj=stored) if file.suffix == ".gz" else stored)
        pieces: dict[str, _Document] = {}
        is_past = False
        for stream in reversed(opened.values()):
            for block in _whole_lines(stream):
                whole = _joined(block, pieces)
                if not is_past:
                    whole = _since(whole, since)
                    is_past = bool(whole)
                if whole:
                    yield whole


def open_document(line: bytes) -> Opened | None:
    r"""Return the line that a document holds, and the engine's time.

    >>> open_document(b'{"log":"ready\\n","stream":"stdout","time":"2026-01-15T14:31:05.25Z"}')
    ('ready', 1768487465.25, False)
    """
    try:
        document = _decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    found = times.from_iso(document.time)
    text, cut = clean(document.log.removesuffix("\n"))
    return text, found[0] if found else None, cut


def _whole_lines(stream: IO[bytes] | gzip.GzipFile) -> Iterator[bytes]:
    """Yield blocks that end where a line does. A last line without an end is still being written."""
    rest = b""
    while block := stream.read(BLOCK_BYTES):
        end = block.rfind(b"\n") + 1
        if end:
            yield rest + block[:end]
            rest = block[end:]
        else:
            rest += block


def _joined(block: bytes, pieces: dict[str, _Document]) -> bytes:
    """Return the block with lines in pieces as one document; unfinished ones stay in `pieces`, by stream."""
    if not pieces and block.count(_WHOLE) == block.count(b"\n"):
        return block
    lines = []
    for line in block.split(b"\n")[:-1]:
        try:
            document = _decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue
        begun = pieces.pop(document.stream, None)
        if begun is not None:
            is_end = document.log.endswith("\n")
            begun.log = begun.log[:_LONGEST] + (document.log if len(begun.log) < _LONGEST else "\n" * is_end)
            document = begun
        if document.log.endswith("\n"):
            lines.append(line if begun is None else msgspec.json.encode(document))
        else:
            pieces[document.stream] = document
    return b"".join(line + b"\n" for line in lines)


def _since(block: bytes, since: float) -> bytes:
    """Return the lines of the block that are not older, none where its last is."""
    lines = block.split(b"\n")[:-1]
    if not lines or _at(lines[-1]) < since:
        return b""
    first = 0
    while first < len(lines) and _at(lines[first]) < since:
        first += 1
    return b"".join(line + b"\n" for line in lines[first:])


def _at(line: bytes) -> float:
    opened = open_document(line)
    return float("-inf") if opened is None or opened[1] is None else opened[1]

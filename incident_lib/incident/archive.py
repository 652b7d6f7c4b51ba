"""A ZIP file from elsewhere: refused as a bomb or as damaged before any of it is unpacked.

The directory at its end is walked here first, in constant memory, because the library reads it whole and
believes the numbers in it. What is accepted afterwards is read no further than was announced.
"""

import os
import stat
import struct
import zipfile
from collections.abc import Iterable
from io import BufferedReader
from pathlib import Path

from incident_lib.errors import FolderError
from incident_lib.incident import decode
from incident_lib.incident.bundle import unsafe
from incident_lib.units import format_bytes

MOST_FILES = 50_000
MOST_BYTES = 8 << 30
_MOST_RATIO = 200  # JSON that repeats itself packs to a fiftieth
_FREE_BYTES = 64 << 20  # to which it may unpack in any case
_MOST_DIRECTORY_BYTES = 16 << 20
_LONGEST_NAME = 4096
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
_END = struct.Struct("<4s4H2LH")
_END64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR = struct.Struct("<4sLQL")
_ENTRY = struct.Struct("<4s6H3L5H2L")
_LOCAL_BYTES = 30


def opened(path: Path, *, most_bytes: int = MOST_BYTES) -> zipfile.ZipFile:
    """Return a ZIP file whose directory is bounded and whose entries lie apart. Errors: FolderError."""
    try:
        with decode.opened(path) as file:
            _check_directory(file)
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, struct.error) as error:
        raise FolderError(f"{path} is not a complete bundle: {error}") from error
    try:
        _check_sizes(archive, path.stat().st_size, most_bytes)
    except BaseException:
        archive.close()
        raise
    return archive


def files(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """Return the files by name, all of which are safe to write. Errors: FolderError."""
    entries: dict[str, zipfile.ZipInfo] = {}
    folded: set[str] = set()
    for info in archive.infolist():
        if info.is_dir():
            continue
        if reason := _refused(info):
            raise FolderError(f"{info.filename!r} is in the archive: {reason}")
        if info.filename.casefold() in folded:
            raise FolderError(f"{info.filename!r} is in the archive twice")
        folded.add(info.filename.casefold())
        entries[info.filename] = info
    return entries


def _check_directory(file: BufferedReader) -> None:
    """Return if the directory stands at the end, is bounded, and lists a bounded number of files."""
    size = os.fstat(file.fileno()).st_size
    end = size - _END.size
    signature, _, _, _, _, length, offset, _ = _END.unpack(_at(file, end, _END.size))
    if signature != b"PK\x05\x06":
        raise ValueError("there is no directory at its end")
    locator = _at(file, end - _LOCATOR.size, _LOCATOR.size) if end >= _LOCATOR.size else b""
    if locator.startswith(b"PK\x06\x07"):
        end = end - _LOCATOR.size - _END64.size
        found = _END64.unpack(_at(file, end, _END64.size))
        if found[0] != b"PK\x06\x06":
            raise ValueError("its directory is damaged")
        length, offset = found[8], found[9]
    if length > _MOST_DIRECTORY_BYTES:
        raise FolderError(
            f"its directory is larger than {format_bytes(_MOST_DIRECTORY_BYTES)}: it holds more files, or "
            f"longer names, than allowed; at most {MOST_FILES:,} files"
        )
    if offset + length != end:
        raise ValueError("its directory is not at its declared place")
    _count(_at(file, offset, length))


def _at(file: BufferedReader, offset: int, length: int) -> bytes:
    if offset < 0:
        raise ValueError("it is too short")
    file.seek(offset)
    return file.read(length)


def _count(directory: bytes) -> None:
    place = number = 0
    while place < len(directory):
        fields = _ENTRY.unpack_from(directory, place)
        number += 1
        if fields[0] != b"PK\x01\x02":
            raise ValueError("its directory is damaged")
        name, extra, comment = fields[10], fields[11], fields[12]
        if name > _LONGEST_NAME:
            raise FolderError("a file name in it is too long")
        if number > MOST_FILES:
            raise FolderError(f"it holds more than {MOST_FILES:,} files")
        place += _ENTRY.size + name + extra + comment


def _check_sizes(archive: zipfile.ZipFile, packed: int, most_bytes: int) -> None:
    entries = archive.infolist()
    total = sum(info.file_size for info in entries)
    if total > most_bytes:
        raise FolderError(f"it would unpack to {format_bytes(total)}; at most {format_bytes(most_bytes)}")
    if total > max(_FREE_BYTES, _MOST_RATIO * packed):
        raise FolderError(
            f"it would unpack from {format_bytes(packed)} to {format_bytes(total)}, which no real bundle does"
        )
    before = 0
    for info in sorted(entries, key=lambda info: info.header_offset):
        if info.header_offset < before:
            raise FolderError(f"{info.filename!r} overlaps another file of the archive")
        before = info.header_offset + _LOCAL_BYTES + info.compress_size
    if before > archive.start_dir:
        raise FolderError("its last file overlaps its directory")


def _refused(info: zipfile.ZipInfo) -> str:
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in {0, stat.S_IFREG}:
        return "it is a link or not a regular file"
    if info.flag_bits & 1 or info.compress_type not in _METHODS:
        return "it is encrypted or packed in an unsupported way"
    if "/" not in info.filename:
        return "a bundle holds one folder"
    return unsafe(info.orig_filename)


def total_bytes(entries: Iterable[zipfile.ZipInfo]) -> int:
    """Return to how much the entries would unpack."""
    return sum(info.file_size for info in entries)

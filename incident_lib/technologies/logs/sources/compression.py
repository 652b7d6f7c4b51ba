"""Compressed bytes -> the bytes themselves, in constant memory. What is cut or damaged counts up to there."""

import bz2
import lzma
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import zstandard

from incident_lib.errors import TargetError
from incident_lib.technologies.logs.sources.source import Progress

_MOST = 1024 * 1024  # bytes that come out at a time
_SLICE = 2_048  # bytes that go into zstd at a time, as it does not bound what comes out
_FAILURES = (zlib.error, lzma.LZMAError, zstandard.ZstdError, OSError, EOFError, ValueError)
_MAGIC = (
    (b"\x1f\x8b\x08", "gz"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"\x28\xb5\x2f\xfd", "zst"),
)


def compression_of(head: bytes) -> str:
    r"""Return how the bytes are compressed, "" for not at all. The name of a file says nothing about it.

    >>> compression_of(b"\x1f\x8b\x08\x00"), compression_of(b"BZh91AY&SY"), compression_of(b"ready")
    ('gz', 'bz2', '')
    """
    for magic, name in _MAGIC:
        if head.startswith(magic):
            return name
    if head[:3] == b"BZh" and head[3:4].isdigit() and head[4:10] in (b"1AY&SY", b"\x17rE8P\x90"):
        return "bz2"
    if head[1:4] == b"\x2a\x4d\x18" and head[:1] and head[0] & 0xF0 == 0x50:  # a frame to skip comes first
        return "zst"
    return ""


def decompressed(chunks: Iterator[bytes], compression: str, progress: Progress) -> Iterator[bytes]:
    """Yield what the chunks hold, one member or frame after the other; a cut is noted in `progress`."""
    new, step = _MACHINES[compression]
    members: list[Any] = [new()]
    try:
        for chunk in chunks:
            yield from _fed(chunk, members, new, step)
    except TargetError:
        raise
    except _FAILURES as error:
        if len(members) > 1 and _is_fresh(error):
            what = f"what follows its {compression} data is something else, and was not read"
        else:
            what = f"its {compression} data is damaged, and was read up to there"
        progress.note(what, complete=False)
        return
    if not members[-1].eof:
        progress.note(f"its {compression} data is cut off, and was read up to there", complete=False)


def _fed(
    data: bytes, members: list[Any], new: Callable[[], Any], step: Callable[[Any, bytes], Iterator[bytes]]
) -> Iterator[bytes]:
    """Yield what a chunk holds; where a member ends, the next begins, and is added to `members`."""
    while data:
        if members[-1].eof:
            data = data.lstrip(b"\0")  # tapes and block devices pad with them
            if not data:
                return
            members.append(new())
        for out in step(members[-1], data):
            if out:
                yield out
        data = members[-1].unused_data if members[-1].eof else b""


def _is_fresh(error: Exception) -> bool:
    text = str(error).lower()
    return "header" in text or "format" in text or "invalid data stream" in text or "descriptor" in text


def _inflate(machine: Any, data: bytes) -> Iterator[bytes]:
    while data and not machine.eof:
        yield machine.decompress(data, _MOST)
        data = machine.unconsumed_tail


def _bounded(machine: Any, data: bytes) -> Iterator[bytes]:
    yield machine.decompress(data, _MOST)
    while not machine.eof and not machine.needs_input:
        yield machine.decompress(b"", _MOST)


class _Zstd:
    """A frame of zstd, fed in small slices."""

    def __init__(self) -> None:
        self._machine = zstandard.ZstdDecompressor(max_window_size=2**31).decompressobj()
        self._behind = b""

    @property
    def eof(self) -> bool:
        """Whether the frame has ended."""
        return bool(self._machine.eof)

    @property
    def unused_data(self) -> bytes:
        """What stands behind the frame."""
        return bytes(self._machine.unused_data) + self._behind

    def decompress(self, data: bytes) -> Iterator[bytes]:
        """Yield what the next bytes of the frame hold."""
        for start in range(0, len(data), _SLICE):
            yield self._machine.decompress(data[start : start + _SLICE])
            if self.eof:
                self._behind = data[start + _SLICE :]
                return


def _unframe(machine: Any, data: bytes) -> Iterator[bytes]:
    yield from machine.decompress(data)


_MACHINES: dict[str, tuple[Callable[[], Any], Callable[[Any, bytes], Iterator[bytes]]]] = {
    "gz": (lambda: zlib.decompressobj(wbits=31), _inflate),
    "bz2": (bz2.BZ2Decompressor, _bounded),
    "xz": (lzma.LZMADecompressor, _bounded),
    "zst": (_Zstd, _unframe),
}

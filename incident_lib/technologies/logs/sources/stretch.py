"""A stretch of a log with what stands around it: the lines that its first and last records may belong to."""

from collections.abc import Iterator

from incident_lib.errors import TargetError
from incident_lib.technologies.logs.probes.engine_file import Pieces, Since, open_document
from incident_lib.technologies.logs.probes.line import Opening, open_plain
from incident_lib.technologies.logs.probes.stamped import Stamped, open_documents
from incident_lib.technologies.logs.sources.blocks import blocks
from incident_lib.technologies.logs.sources.opening import read_at
from incident_lib.technologies.logs.sources.source import JSON_FILE, Progress, Source

CONTEXT_BYTES = 64 * 1024  # before a stretch, and at a time behind it
_MOST_CONTEXT_BYTES = 16 * 1024 * 1024  # that are read for the beginning of a line in pieces


class Stretch:
    """Reads in this order: the lines before it, its own blocks, the lines behind it."""

    def __init__(self, source: Source, progress: Progress) -> None:
        self._source, self._progress = source, progress
        self._pieces = Pieces() if source.form == JSON_FILE else None
        self.opening: Opening = open_document if source.form == JSON_FILE else open_plain

    def before(self) -> list[tuple[str, float | None]]:
        """Return the lines before the stretch, each with the engine's time if any. Errors: TargetError.

        A line in pieces that ends in the stretch is none of them: it is read again with its end.
        """
        size = CONTEXT_BYTES
        data = _text_before(self._source, size)
        while self._pieces is not None:
            self._pieces = Pieces()
            whole = self._pieces.joined(data)
            if self._pieces.are_whole or size >= _MOST_CONTEXT_BYTES:
                data = whole
                break
            size *= 4
            longer = _text_before(self._source, size)
            if len(longer) <= len(data):  # there is no more
                data = whole
                break
            data = longer
        since = float("-inf") if self._source.since is None else self._source.since
        return [
            line for line in self._opened(_end(data, CONTEXT_BYTES)) if line[1] is None or line[1] >= since
        ]

    def blocks(self) -> Iterator[bytes | Stamped]:
        """Yield blocks of lines, as `opening` takes them, or stamped. Errors: TargetError, also later."""
        source, pieces = self._source, self._pieces
        if pieces is None:
            yield from blocks(source, self._progress)
            return
        since = None if source.since is None else Since(source.since)
        for block in blocks(source, self._progress):
            if lines := _stamped(block, pieces, since):
                yield lines
        is_last = not source.newer and (source.end is None or source.end == source.size_bytes)
        if is_last and (rest := pieces.rest()):
            yield rest

    def behind(self) -> Iterator[str]:
        """Yield the lines behind the stretch."""
        for data in _text_behind(self._source):
            whole = data if self._pieces is None else self._pieces.joined(data)
            yield from (text for text, _ in self._opened(whole))

    def _opened(self, data: bytes) -> Iterator[tuple[str, float | None]]:
        for line in data.split(b"\n"):
            opened = self.opening(line) if line else None
            if opened is not None:
                yield opened[:2]


def _stamped(block: bytes, pieces: Pieces, since: Since | None) -> bytes | Stamped:
    """Return the lines of an engine's documents, or documents of whole lines where that cannot be."""
    if not pieces.has_begun and (since is None or since.is_settled) and (lines := open_documents(block)):
        return lines
    whole = pieces.joined(block)
    if since is not None:
        whole = since.kept(whole)
    return (open_documents(whole) if whole else None) or whole


def _end(data: bytes, size: int) -> bytes:
    """Return the last whole lines of the data, about so many bytes."""
    return data[-size:].partition(b"\n")[2] if len(data) > size else data


def _text_before(source: Source, size: int) -> bytes:
    """Return whole lines before a stretch, about so many bytes, also from older files."""
    start = max(source.start - size, source.begin)
    data = read_at(source, start, source.start - start) if start < source.start else b""
    if start > source.begin:
        return data.partition(b"\n")[2]
    for older in reversed(source.older):
        if len(data) >= size:
            break
        data = _last_text(older, size - len(data)) + data
    return data


def _last_text(source: Source, size: int) -> bytes:
    """Return the last whole lines of a file, about so many bytes; none where it cannot be read."""
    data = b""
    try:
        if source.can_split and source.end is not None:
            start = max(source.end - size, source.begin)
            data = read_at(source, start, source.end - start)
            data = data.partition(b"\n")[2] if start > source.begin else data
        else:
            for block in blocks(source, Progress()):
                data = data[-size:] + block
            data = _end(data, size)
    except TargetError:
        return b""
    return data if data.endswith(b"\n") or not data else data + b"\n"


def _text_behind(source: Source) -> Iterator[bytes]:
    """Yield whole lines behind a stretch, a few at a time, also from newer files, as far as can be read."""
    try:
        if source.end is not None and source.size_bytes is not None:
            yield from _text_from(source, source.end, source.size_bytes)
        for newer in source.newer:
            if newer.can_split and newer.end is not None:
                yield from _text_from(newer, newer.start, newer.end)
            else:
                yield from blocks(newer, Progress())
    except TargetError:
        return


def _text_from(source: Source, place: int, end: int) -> Iterator[bytes]:
    rest = b""
    while place < end:
        data = read_at(source, place, min(CONTEXT_BYTES, end - place))
        if not data:
            return
        place += len(data)
        rest += data
        cut = rest.rfind(b"\n") + 1
        if not cut and len(rest) < 2 * CONTEXT_BYTES and place < end:
            continue
        cut = cut or len(rest)
        yield rest[:cut]
        rest = rest[cut:]

"""A source -> blocks of whole lines in UTF-8, in constant memory, whatever its bytes are."""

import codecs
from collections.abc import Iterable, Iterator
from itertools import chain

from incident_lib.technologies.logs.probes.clocks import dated
from incident_lib.technologies.logs.sources.compression import compression_of, decompressed
from incident_lib.technologies.logs.sources.forms import exported, form_of, taken_apart
from incident_lib.technologies.logs.sources.opening import stored_chunks
from incident_lib.technologies.logs.sources.source import DOCUMENT, EXPORT, STDIN, Progress, Source

LONGEST_LINE = 1024 * 1024  # bytes; what is behind them is left out
_SAMPLE = 64 * 1024
_NOT_TEXT = bytes([*range(1, 8), *range(14, 27), *range(28, 32), 127])  # not tab, line ends, colours
_MOST_NOT_TEXT = 0.02  # of the bytes: in text there are next to none, in anything else about a tenth
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def blocks(source: Source, progress: Progress) -> Iterator[bytes]:
    """Yield blocks of whole lines of about a megabyte; only the last may lack its line end.

    NULs are left out, UTF-16 is decoded, blocks that are not text are counted in `progress` and left out.
    Errors: TargetError, where nothing can be read.
    """
    chunks = stored_chunks(source, progress)
    compression, form = source.compression, source.form
    if source.address == STDIN:
        chunks, head = _with_head(chunks)
        compression = compression_of(head)
    if compression:
        chunks = decompressed(chunks, compression, progress)
    if source.address == STDIN:
        chunks, head = _with_head(chunks)
        form = form_of(_text_of(head))
    if form == EXPORT:  # before NULs are left out, as sizes hold them
        chunks = exported(chunks, progress)
    chunks = _utf8(chunks, source)
    if form == DOCUMENT:
        chunks = taken_apart(chunks)
    if compression and source.begin:
        chunks = _without(chunks, source.begin)
    for block in _whole_lines(chunks):
        progress.text_bytes += len(block)
        if is_text(block[:_SAMPLE]):
            yield block if source.newest_clock is None else dated(block, source.newest_clock)
        else:
            progress.not_text_lines += max(block.count(b"\n"), 1)


def encoding_of(head: bytes) -> tuple[str, int]:
    r"""Return the encoding that a mark at the beginning names, and how many bytes the mark has.

    >>> encoding_of(b"\xff\xfea\x00"), encoding_of(b"ready")
    (('utf-16-le', 2), ('utf-8', 0))
    """
    return next(((name, len(mark)) for mark, name in _MARKS if head.startswith(mark)), ("utf-8", 0))


def is_text(sample: bytes) -> bool:
    r"""Return whether these bytes are lines of text, in whatever encoding.

    >>> is_text(b"ready\n"), is_text(bytes(range(256)) * 4)
    (True, False)
    """
    strange = len(sample) - len(sample.translate(None, _NOT_TEXT))
    return strange <= _MOST_NOT_TEXT * len(sample) or strange < 3


def _text_of(head: bytes) -> bytes:
    """Return the beginning of a text in UTF-8, whatever its encoding.

    >>> _text_of("ready".encode("utf-16")), _text_of(b"ready")
    (b'ready', b'ready')
    """
    encoding, mark = encoding_of(head)
    return head[mark:] if encoding == "utf-8" else head[mark:].decode(encoding, "replace").encode()


def _with_head(chunks: Iterator[bytes]) -> tuple[Iterator[bytes], bytes]:
    """Return all the chunks, and what they begin with."""
    head = b""
    for chunk in chunks:
        head += chunk
        if len(head) >= 16:
            break
    return chain((head,), chunks), head


def _utf8(chunks: Iterable[bytes], source: Source) -> Iterator[bytes]:
    """Yield the text in UTF-8, without the mark at its beginning and without NULs."""
    decoder: codecs.IncrementalDecoder | None = None
    is_first = source.start == 0
    pending = b""
    for given in chunks:
        chunk = given
        if is_first:
            pending += chunk
            if len(pending) < 4:
                continue
            chunk, pending, is_first = pending, b"", False
            encoding, mark = encoding_of(chunk)
            chunk = chunk[mark:]
            if encoding != "utf-8":
                decoder = codecs.getincrementaldecoder(encoding)("replace")
        if decoder is not None:
            chunk = decoder.decode(chunk).encode("utf-8", "replace")
        yield chunk.translate(None, b"\0") if b"\0" in chunk else chunk
    if pending:
        encoding, mark = encoding_of(pending)
        yield pending[mark:].decode(encoding, "replace").encode().replace(b"\0", b"")


def _without(chunks: Iterator[bytes], count: int) -> Iterator[bytes]:
    """Yield the chunks without so many bytes at their beginning."""
    for chunk in chunks:
        yield chunk[count:]
        count = max(count - len(chunk), 0)


def _whole_lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the chunks, cut at line ends. Of a line without end only its beginning is kept."""
    rest = b""
    skipping = False
    for given in chunks:
        chunk = given
        if skipping:
            end = chunk.find(b"\n")
            if end < 0:
                continue
            chunk, skipping = chunk[end + 1 :], False
        cut = chunk.rfind(b"\n") + 1
        if cut:
            yield rest + chunk[:cut] if rest else chunk[:cut]
            rest = chunk[cut:]
        else:
            rest += chunk
        if len(rest) > LONGEST_LINE:
            yield rest[:LONGEST_LINE] + b"\n"
            rest, skipping = b"", True
    if rest:
        yield rest

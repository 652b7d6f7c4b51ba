"""Text that holds no record a line (the journal's fields, whole documents of JSON) -> lines, each a record.

What is cut or damaged counts up to there. A document that cannot be read as one stays as it is written.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

import msgspec

from incident_lib.technologies.logs.probes.envelope import unwrap
from incident_lib.technologies.logs.probes.formats import parse
from incident_lib.technologies.logs.sources.source import DOCUMENT, EXPORT, PLAIN, Progress

LARGEST_DOCUMENT = 64 * 1024 * 1024  # bytes: one is held in memory, and a larger one is read by its lines
_LONGEST_FIELD = 64 * 1024 * 1024
_BLOCK_BYTES = 1024 * 1024

_FIELD = re.compile(rb"\s*[A-Z_][A-Z0-9_]{0,63}=")
_OF_ENTRY = re.compile(rb"(?m)^(?:__REALTIME_TIMESTAMP=\d{10,19}$|MESSAGE(?:=|$))")
_OF_JOURNAL = re.compile(rb"(?m)^(?:__REALTIME_TIMESTAMP|__CURSOR|_HOSTNAME|_PID|_BOOT_ID)=")
# What `journalctl -o verbose` writes above the fields of an entry: its time, and its cursor, with that too.
_ENTRY = re.compile(
    rb"[A-Z][a-z]{2} \d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,6})? [^\s\[]{1,40} "
    rb"\[s=[0-9a-f]{1,40};(?:[a-z]=[0-9a-f]{1,40};){1,5}?t=([0-9a-f]{10,16});x=[0-9a-f]{1,20}\]\s*$"
)
_ENTRY_FIELD = re.compile(rb" {4}([A-Z_][A-Z0-9_]{0,63})=(.*)", re.DOTALL)
_OPENING = re.compile(rb"\s*(?:\[\s*\{|\{\s*\"[\w.@ -]{1,60}\"\s*:)")


def form_of(head: bytes) -> str:
    r"""Return how the text that begins so holds its records: EXPORT, DOCUMENT, or PLAIN for one a line.

    >>> form_of(b"__CURSOR=s=1\n__REALTIME_TIMESTAMP=1768487465000000\nMESSAGE=up\n\n")
    'export'
    >>> form_of(b'{\n "events": [\n'), form_of(b'{"level": "info"}\n{"level": "info"}\n')
    ('document', '')
    """
    if head[:1].isupper() and _ENTRY.match(head.split(b"\n", 1)[0]):
        return EXPORT
    if _FIELD.match(head) and _OF_ENTRY.search(head) and _OF_JOURNAL.search(head):
        return EXPORT
    if _OPENING.match(head) is None:
        return PLAIN
    first, *others = head.strip().split(b"\n", 2)
    if not others:
        return DOCUMENT
    return PLAIN if _is_whole(first) or _is_whole(others[0]) else DOCUMENT


def _is_whole(line: bytes) -> bool:
    """Return whether a line is a document by itself."""
    try:
        _decode(line)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return False
    return True


_decode = msgspec.json.Decoder().decode


# The export format of journald: NAME=value lines, or NAME, a size of eight bytes and as many bytes of any
# kind; an empty line ends the record.


def exported(chunks: Iterable[bytes], progress: Progress) -> Iterator[bytes]:
    """Yield the records of the journal's export as lines of the JSON that `journalctl -o json` writes."""
    lines = _lines(chunks)
    first = next(lines, b"")
    whole = chain([first], lines)
    return _blocks(from_verbose(whole) if _ENTRY.match(first) else from_export(whole, progress))


def from_verbose(lines: Iterable[bytes]) -> Iterator[bytes]:
    r"""Yield the entries that `journalctl -o verbose` prints, each as a line of the JSON that `unwrap` reads.

    >>> head = b"Thu 2026-01-15 14:31:05.000000 UTC [s=8f;i=1;b=ab;m=1;t=6486e13241c40;x=1]\n"
    >>> list(from_verbose([head, b"    PRIORITY=3\n", b"    MESSAGE=a\n", b"            b\n"]))
    [b'{"__REALTIME_TIMESTAMP":"1768487465000000","PRIORITY":"3","MESSAGE":"a\\nb"}\n']
    """
    record: dict[str, str] = {}
    name = ""
    for line in lines:
        text = line.rstrip(b"\r\n")
        if entry := _ENTRY.match(text):
            if record:
                yield msgspec.json.encode(record) + b"\n"
            record, name = {"__REALTIME_TIMESTAMP": str(int(entry[1], 16))}, ""
        elif field := _ENTRY_FIELD.match(text):
            name = field[1].decode()
            record[name] = field[2].decode("utf-8", "replace")
        elif name:  # of several lines: those behind the first stand below its value
            record[name] += f"\n{text[len(name) + 5 :].decode('utf-8', 'replace')}"
    if record:
        yield msgspec.json.encode(record) + b"\n"


def from_export(lines: Iterable[bytes], progress: Progress) -> Iterator[bytes]:
    r"""Yield the records of journald's export format, each as a line of the JSON that `unwrap` reads.

    Shape: the lines come with their ends, as a binary file yields them. A record that is cut or damaged is
    left out, which is noted.

    >>> lines = [b"MESSAGE\n", b"\x03\0\0\0\0\0\0\0a\n", b"b\n", b"PRIORITY=4\n", b"\n"]
    >>> list(from_export(lines, Progress()))
    [b'{"MESSAGE":"a\\nb","PRIORITY":"4"}\n']
    """
    record: dict[str, str] = {}
    damaged, is_damaged = 0, False
    source = iter(lines)
    for line in source:
        if not line.strip():
            if record and not is_damaged:
                yield msgspec.json.encode(record) + b"\n"
            damaged += is_damaged
            record, is_damaged = {}, False
            continue
        name, has_value, value = line.rstrip(b"\n").partition(b"=")
        if not has_value:
            counted = _counted(source)
            if counted is None:
                is_damaged = True
                continue
            value = counted
        record[name.decode("utf-8", "replace")] = value.decode("utf-8", "replace")
    if record and not is_damaged:
        yield msgspec.json.encode(record) + b"\n"
    if damaged + is_damaged:
        progress.note(f"{damaged + is_damaged:,} entries of the journal's export are damaged", complete=False)


def _counted(source: Iterator[bytes]) -> bytes | None:
    """Return a value behind its size, None where the size or the end of the value is not there."""
    data = b""
    size = _LONGEST_FIELD
    pieces: list[bytes] = []
    length = 0
    while length < size + 9:
        if (more := next(source, None)) is None:
            return None
        pieces.append(more)
        length += len(more)
        if len(data) < 8 <= length:
            data = b"".join(pieces)
            size = int.from_bytes(data[:8], "little")
            if size > _LONGEST_FIELD:
                return None
    return b"".join(pieces)[8 : 8 + size] if length == size + 9 else None


def _lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the lines of the chunks with their ends; of one that never ends, pieces."""
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            yield line + b"\n"
        if len(rest) > _LONGEST_FIELD:
            yield rest
            rest = b""
    if rest:
        yield rest


def _blocks(records: Iterable[bytes]) -> Iterator[bytes]:
    """Yield lines in blocks of about a megabyte."""
    block = bytearray()
    for record in records:
        block += record
        if len(block) >= _BLOCK_BYTES:
            yield bytes(block)
            block.clear()
    if block:
        yield bytes(block)


# Documents that hold a whole log: arrays of records, and the answers of services that keep logs.


class _Answer(msgspec.Struct):
    """What an answer may hold of a log; UNSET where it does not."""

    events: list[msgspec.Raw] | msgspec.UnsetType = msgspec.UNSET  # CloudWatch
    entries: list[msgspec.Raw] | msgspec.UnsetType = msgspec.UNSET  # Google's Cloud Logging
    hits: "_Hits | msgspec.UnsetType" = msgspec.UNSET  # Elasticsearch
    data: "_Found | msgspec.UnsetType" = msgspec.UNSET  # Loki


class _Hit(msgspec.Struct):
    source: msgspec.Raw = msgspec.field(name="_source")


class _Hits(msgspec.Struct):
    hits: list[_Hit]


class _Stream(msgspec.Struct):
    stream: dict[str, str]
    values: list[list[Any]]  # of two: nanoseconds since 1970, and the line; newer ones have a third


class _Found(msgspec.Struct):
    result: list[_Stream]


class _Event(msgspec.Struct):
    timestamp: int
    message: str
    logStreamName: str = ""  # noqa: N815 - as it stands in the document


_decode_array = msgspec.json.Decoder(list[msgspec.Raw]).decode
_decode_answer = msgspec.json.Decoder(_Answer).decode
_decode_event = msgspec.json.Decoder(_Event).decode
_encode = msgspec.json.Encoder().encode


def taken_apart(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the records of a document that holds a log, each on a line, the oldest first.

    Any other text comes as it is. Cost: memory for the document, up to a limit.
    """
    source = iter(chunks)
    pieces: list[bytes] = []
    size = 0
    for chunk in source:
        pieces.append(chunk)
        size += len(chunk)
        if size > LARGEST_DOCUMENT:
            break
    if size <= LARGEST_DOCUMENT and (records := _records(b"".join(pieces))):
        pieces.clear()
        return _blocks(records)
    return chain(pieces, source)


def _records(document: bytes) -> list[bytes] | None:
    """Return the records of a log in a document, None where it holds none, or is none."""
    try:
        if document.lstrip()[:1] == b"[":
            return _ordered([_line(each) for each in _decode_array(document)])
        answer = _decode_answer(document)
        if answer.events is not msgspec.UNSET:
            return _ordered([_line_of_event(each) for each in answer.events])
        if answer.entries is not msgspec.UNSET:
            return _ordered([_line(each) for each in answer.entries])
        if answer.hits is not msgspec.UNSET:
            return _ordered([_line(hit.source) for hit in answer.hits.hits])
        if answer.data is not msgspec.UNSET:
            return _of_loki(answer.data)
    except (msgspec.DecodeError, RecursionError, ValueError, OverflowError):
        pass
    return _indented(document)


_END_OF_INDENTED = re.compile(rb"(?m)^\},?[ \t]*\r?$")


def _indented(text: bytes) -> list[bytes] | None:
    r"""Return the documents of a text that holds one behind the other over several lines, None for another.

    What stands between them, and a last one that is cut, stays as it is.

    >>> _indented(b'{\n  "msg": "up"\n}\nready\n{\n  "msg": "down"\n}\n{\n  "msg"')
    [b'{"msg":"up"}\n', b'ready\n', b'{"msg":"down"}\n', b'{\n  "msg"\n']
    """
    found: list[bytes] = []
    start = documents = 0
    for match in _END_OF_INDENTED.finditer(text):
        part = text[start : match.end()].strip().removesuffix(b",")
        start = match.end()
        between, opening, rest = (b"\n" + part).partition(b"\n{")
        try:
            line = _line(msgspec.Raw(b"{" + rest)) if opening and _is_whole(b"{" + rest) else part + b"\n"
        except (msgspec.DecodeError, RecursionError):
            line = part + b"\n"
        if between.strip() and line != part + b"\n":
            found.append(between.strip() + b"\n")
        documents += line != part + b"\n"
        found.append(line)
    if rest := text[start:].strip():
        found.append(rest + b"\n")
    return found if documents > 1 else None


def _line(record: msgspec.Raw) -> bytes:
    return msgspec.json.format(record, indent=-1) + b"\n"


def _line_of_event(record: msgspec.Raw) -> bytes:
    try:
        event = _decode_event(record)
    except msgspec.ValidationError:
        return _line(record)
    known = {"timestamp": event.timestamp, "logStream": event.logStreamName, "@message": event.message}
    return _encode(known) + b"\n"


def _of_loki(found: _Found) -> list[bytes]:
    values = [
        (int(value[0]), str(value[1]), stream.stream)
        for stream in found.result
        for value in (stream.values[::-1] if _is_newest_first(stream) else stream.values)
    ]
    values.sort(key=lambda value: value[0])
    return [
        _encode({"timestamp": str(at), "labels": labels, "line": line}) + b"\n" for at, line, labels in values
    ]


def _is_newest_first(stream: _Stream) -> bool:
    return len(stream.values) > 1 and int(stream.values[0][0]) > int(stream.values[-1][0])


def _ordered(records: list[bytes]) -> list[bytes]:
    """Return the records with the oldest first: services answer either way."""
    ends = [_time_of(record) for record in (records[:1] + records[-1:])]
    if len(ends) == 2 and ends[0] is not None and ends[1] is not None and ends[0] > ends[1]:
        records.reverse()
    return records


def _time_of(record: bytes) -> float | None:
    text = record.decode("utf-8", "replace").rstrip("\n")
    envelope = unwrap(text)
    if envelope is not None and envelope.at is not None:
        return envelope.at
    return parse(text if envelope is None else envelope.text).at

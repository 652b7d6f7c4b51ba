"""Stored lines -> what each of them holds: time, level, message, request. A traceback stays with its line."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from incident_lib.technologies.logs.probes.envelope import unwrap
from incident_lib.technologies.logs.probes.formats import parse
from incident_lib.technologies.logs.probes.multiline import Record, Stream
from incident_lib.technologies.logs.probes.times import order_of

_QUARTER_SECONDS = 900  # zones differ by quarters of an hour


def read_records(lines: Iterable[str], newest_at: datetime | None = None) -> tuple[Record, ...]:
    """Return the records of a log excerpt, in order; a record's `at` is seconds since 1970, in UTC.

    `newest_at` is when the newest line was written, as it was measured: it says by how much times without
    a zone differ from UTC.

    >>> first, second = read_records(["2026-01-15 14:31:05 ERROR app: no route", "  to db", "INFO: ready"])
    >>> first.line.level, first.line.message, first.details, second.line.message
    ('ERROR', 'app: no route', '  to db', 'ready')
    """
    texts = [line.rstrip("\n") for line in lines]
    order = order_of(texts, newest_at.timestamp() if newest_at else None)
    records: list[Record] = []
    streams: dict[tuple[str, str], Stream] = {}
    for text in texts:
        envelope = unwrap(text)
        key = (envelope.service, envelope.stream) if envelope else ("", "")
        stream = streams.setdefault(key, Stream())
        content = envelope.text if envelope else text
        if stream.owner_of_frame(content) is not None:
            continue
        line = parse(content, order)
        if stream.owner(line, content) is not None:
            continue
        if envelope is not None:
            line.level = line.level or envelope.level
            if line.at is None:
                line.at, line.zoned = envelope.at, envelope.zoned
        service = envelope.service if envelope else ""
        is_timed = line.at is not None
        record = Record(
            line=line, text=content, at=line.at, is_inside=True, is_timed=is_timed, service=service
        )
        stream.begin(record)
        records.append(record)
    _shift(records, newest_at)
    return tuple(records)


def _shift(records: list[Record], newest_at: datetime | None) -> None:
    timed = [record for record in records if record.at is not None]
    if newest_at is None or not timed or timed[-1].line.zoned:
        return
    ahead = newest_at.timestamp() - max(_moments(timed))
    shift = round(ahead / _QUARTER_SECONDS) * _QUARTER_SECONDS
    for record in timed:
        if not record.line.zoned and record.at is not None:
            record.at += shift


def _moments(records: list[Record]) -> Iterator[float]:
    return (record.at for record in records if record.at is not None and not record.line.zoned)

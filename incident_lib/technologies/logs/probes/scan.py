"""Lines -> Digest, in a single pass: envelopes off, lines joined to records, records read and counted.

The stages, each a module: line (bytes to lines), envelope, formats (with times and fields), multiline
(lines that belong together), facts, digest. Here they are put together.
"""

from collections.abc import Iterable
from typing import TypeVar

from incident_lib.technologies.logs.probes.digest import Digest
from incident_lib.technologies.logs.probes.envelope import Envelope, unwrap
from incident_lib.technologies.logs.probes.facts import Facts, is_known
from incident_lib.technologies.logs.probes.formats import parse
from incident_lib.technologies.logs.probes.line import LONGEST, Line
from incident_lib.technologies.logs.probes.multiline import Record, Stream
from incident_lib.technologies.logs.probes.times import UNDECIDED, DateOrder

S = TypeVar("S", bound="Scan")
_STREAMS = 1_000  # writers that are kept apart
_FOLLOWING = 3_000  # lines behind the part that is counted, in which its last records may go on


class Scan:
    """Counts lines into `digest`. Call `finish` in the end.

    `shift` is added to times of lines that name no zone; `order` is that of numeric dates.

    A log may be counted in parts, and the digests merged: a record counts in the part where it begins. For
    that, `prime` a scan with some lines that stand before its part, and `finish` with those that follow it.
    """

    def __init__(
        self,
        start: float,
        end: float,
        slot_seconds: int = 1,
        *,
        shift: float = 0.0,
        order: DateOrder = UNDECIDED,
    ) -> None:
        self.digest = Digest(slot_seconds=slot_seconds)
        self._start, self._end, self._shift, self.order = start, end, shift, order
        self.over_time = start > float("-inf")
        self._facts = Facts(self.digest, over_time=self.over_time)
        self._bare = Stream()
        self._streams: dict[tuple[str, str], Stream] = {}
        self._counting = True

    def fresh(self, kind: type[S]) -> S:
        """Return a scan that reads the same and has seen nothing; it leaves no line out."""
        return kind(float("-inf"), float("inf"), 1, shift=self._shift, order=self.order)

    @property
    def is_tracing(self) -> bool:
        """Whether the next line may belong to an open traceback, or be the rest of a line."""
        return any(stream.is_tracing for stream in self._all())

    @property
    def is_unfinished(self) -> bool:
        """Whether the next line may belong to what is open even where it begins as lines of the log do."""
        return any(stream.is_unfinished for stream in self._all())

    @property
    def at(self) -> float | None:
        """The time of the newest line without an envelope: that of the next one, if it names none."""
        return self._bare.at

    @at.setter
    def at(self, moment: float | None) -> None:
        """Set the time of the next line that names none."""
        self._bare.at = moment

    @property
    def is_bounded(self) -> bool:
        """Whether there are times outside of the window."""
        return self.over_time or self._end < float("inf")

    @property
    def window(self) -> tuple[float, float]:
        """The earliest and the latest time that counts."""
        return self._start, self._end

    def moment_of(self, line: Line) -> float | None:
        """Return the time that a line names, None for a line without."""
        return None if line.at is None else line.at if line.zoned else line.at + self._shift

    def prime(self, lines: Iterable[tuple[str, float | None]]) -> None:
        """Take the lines before the part, each with the engine's time if any, without counting them."""
        self._counting = False
        for text, at in lines:
            self.feed(text, at)
        self._counting = True

    def feed(self, text: str, at: float | None = None, *, cut: bool = False) -> bool:
        """Count a line, without its end; `at` is the engine's time. Return whether it is in the window."""
        envelope = unwrap(text)
        if envelope is None:
            return self._feed(self._bare, text, at, cut=cut)
        stream = self._stream(envelope)
        if envelope.is_partial:
            stream.partial = (stream.partial + envelope.text)[:LONGEST]
            return self._start <= (at or envelope.at or self._start) <= self._end
        if stream.partial:
            envelope.text, stream.partial = stream.partial + envelope.text, ""
        if at is None and envelope.at is not None:
            at = envelope.at if envelope.zoned else envelope.at + self._shift
        first, *others = envelope.text.split("\n")  # a document may hold a traceback
        is_inside = self._feed(stream, first, at, cut=cut, envelope=envelope)
        for other in others:
            self._feed(stream, other, at, cut=False, envelope=envelope)
        return is_inside

    def finish(self, following: Iterable[str] = ()) -> Digest:
        """Return the digest, with what is still open counted; the lines that follow may belong to that."""
        self._counting = False
        for number, text in enumerate(following):
            if number >= _FOLLOWING or not any(stream.is_open for stream in self._all()):
                break
            self.feed(text)
        for stream in self._all():
            self._close(stream.end())
        return self.digest

    def _all(self) -> list[Stream]:
        return [self._bare, *self._streams.values()]

    def _stream(self, envelope: Envelope) -> Stream:
        key = (envelope.service, envelope.stream)
        stream = self._streams.get(key)
        if stream is None:
            if len(self._streams) >= _STREAMS:
                key = ("", "")
            stream = self._streams.setdefault(key, Stream())
        return stream

    def _feed(
        self, stream: Stream, text: str, at: float | None, *, cut: bool, envelope: Envelope | None = None
    ) -> bool:
        record = stream.owner_of_frame(text)
        if record is not None:
            return self._count_detail(record)
        line = parse(text, self.order)
        moment = self.moment_of(line) if at is None else at
        is_entry = envelope is not None and bool(envelope.level)
        record = stream.owner(line, text, at, is_entry=is_entry)
        if record is not None:
            return self._count_detail(record)
        if envelope is not None:
            line.level = line.level or envelope.level
            if envelope.service == "kernel" and line.level == "INFO":
                line.level = ""  # "INFO: task ... blocked": it writes that before what is wrong, too
            if line.format == "plain" and envelope.format:
                line.format = envelope.format
        if moment is not None:
            stream.at = moment
        place = stream.at
        record = Record(
            line=line,
            text=text,
            at=place,
            is_inside=place is None or self._start <= place <= self._end,
            is_timed=moment is not None or (bool(line.level) and stream.is_headed),
            is_counted=self._counting,
            service=envelope.service if envelope is not None else "",
        )
        self._close(stream.begin(record))
        if self._counting and record.is_inside:
            self._count_line(record)
            self.digest.cut_lines += cut
            if line.level:
                self.digest.levels[line.level] = self.digest.levels.get(line.level, 0) + 1
            self.digest.formats[line.format] = self.digest.formats.get(line.format, 0) + 1
        return record.is_inside

    def _count_detail(self, record: Record) -> bool:
        if self._counting and record.is_inside:
            self._count_line(record)
        return record.is_inside

    def _count_line(self, record: Record) -> None:
        self._facts.count_line(record.at, timed=record.is_timed, known=is_known(record.line))
        if record.service:
            services = self.digest.services
            if record.service in services or len(services) < _STREAMS:
                services[record.service] = services.get(record.service, 0) + 1

    def _close(self, records: list[Record]) -> None:
        for record in records:
            if record.is_inside and record.is_counted:
                self._facts.count(record)

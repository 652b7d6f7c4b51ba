"""Blocks of lines -> Digest, without reading each: most differ from a known line in their digits only.

A line with its digits as zeros is its skeleton; skeletons that differ in how many digits stand together, or
in hexadecimal ids, are of one shape. A shape is learned from a line by reading it again with other digits:
which of them are its time, status and duration, and whether others matter. From then on a line costs a
look-up and a few slices. What could be an error, an event, a continuation or the opening of a traceback has
no shape: it goes to the scan, with the line before it, so that the answer is the same.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable
from functools import cache
from itertools import pairwise
from typing import Any, TypeVar

import msgspec

from incident_lib.technologies.logs.classes import log_classes
from incident_lib.technologies.logs.probes import times
from incident_lib.technologies.logs.probes.digest import (
    OTHER,
    Digest,
    EndpointCount,
    Requests,
    Slot,
    Tally,
    duration_class,
    latency_key,
)
from incident_lib.technologies.logs.probes.envelope import unwrap
from incident_lib.technologies.logs.probes.events import server_events
from incident_lib.technologies.logs.probes.facts import (
    MOST_ENDPOINTS,
    MOST_SHAPES,
    MOST_TEMPLATES,
    SLOW_SECONDS,
    Facts,
    is_known,
)
from incident_lib.technologies.logs.probes.formats import parse
from incident_lib.technologies.logs.probes.line import clean
from incident_lib.technologies.logs.probes.multiline import Record
from incident_lib.technologies.logs.probes.scan import Scan

K = TypeVar("K", str, tuple[str, str])
Opened = tuple[str, float | None, bool]  # the clean text, the engine's time, whether the text was cut
Opening = Callable[[bytes], Opened | None]  # None for a line that does not count
Mark = Callable[[str], str]  # of a clean line: what it is counted under besides, "" for most

_ZEROS = bytes.maketrans(b"123456789", b"000000000")
_HEX = bytes.maketrans(b"abcdef", b"0" * 6)  # of a line whose digits are zeros
_TOKEN = re.compile(rb"(?<![\w-])(?:[0a-f]{8}-(?:[0a-f]{4}-){3}[0a-f]{12}|[0a-f]{8,64})(?![\w-])|0+")
_NO_RUN = re.compile(rb"[a-f-]")
_LONGEST = 2_000  # bytes of a line that may have a shape
_MOST_TOKENS = 60
_MARKS = 5_000  # that are kept apart
_SHAPES, _SKELETONS = 2_000, 60_000  # that are kept; those beyond are read line by line
_FREE_READS, _LINES_A_READ = 3_000, 10
_OTHER_IDS = (b"7f3a09", b"e01b5c", b"0e9d24")
_NEXT_DIGITS = bytes.maketrans(b"0123456789", b"1234567890")
_DIGIT, _COUNTED = re.compile(r"[0-9]"), re.compile(r"\{\d+(?:,\d*)?\}")
_HALF_DAY = re.compile(rb"[AaPp]\.?[Mm]\b")
_SCALES: tuple[Callable[[bytes], float], ...] = (
    float,
    lambda text: float(text) / 1e3,
    lambda text: float(text) * 1e-3,
    lambda text: float(text) / 1e6,
    lambda text: float(text) * 1e-6,
    lambda text: float(text) / 1e9,
    lambda text: float(text) * 1e-9,
)
_FREE, _TIME, _FRACTION, _STATUS, _DURATION, _FIXED = range(6)
_Span = tuple[int, int]
_NO_SPAN = (0, 0)
_BAD_STATUS = 500


class _Form(msgspec.Struct, eq=False):
    """How times are written: the seconds since 1970 of those that were seen."""

    seconds: dict[bytes, int]
    is_plain: bool  # year first, in UTC: the digits alone say when


class _Facts(msgspec.Struct, frozen=True):
    """What an ordinary line reports: neither an error nor an event, nor a part of anything."""

    format: str
    level: str
    template: str
    endpoint: tuple[str, str] | None
    is_timed: bool
    unread: str  # what a line without a time is counted under
    mark: str


class _Seen(msgspec.Struct):
    """An ordinary line, and what may vary in lines of its shape."""

    facts: _Facts
    example: str
    text: str
    at: float | None
    status: int
    duration: float | None


class _Shape(msgspec.Struct, kw_only=True, eq=False):
    """What lines that differ in digits have in common, and which of these hold what."""

    facts: _Facts
    roles: tuple[int, ...]
    status: int
    scale: Callable[[bytes], float] | None
    forms: dict[bytes, _Form]


class _Plan(msgspec.Struct, eq=False):
    """Where the lines of a skeleton hold what."""

    shape: _Shape | None = None  # None: read line by line
    form: _Form | None = None  # None: it has no time
    second: _Span = _NO_SPAN
    fraction: _Span = _NO_SPAN
    status: _Span = _NO_SPAN
    duration: _Span = _NO_SPAN
    fixed: tuple[tuple[int, int, bytes], ...] = ()
    around_ids: tuple[tuple[int, int, bytes], ...] = ()
    ids: tuple[_Span, ...] = ()


_SLOW = _Plan()


class _Batch(msgspec.Struct, eq=False):
    """Lines of a block that are of a shape, their times written alike."""

    shape: _Shape
    form: _Form
    lines: list[bytes]
    timers: list[bytes]  # the line that says when, for each
    seconds: list[bytes]
    fractions: list[bytes]
    statuses: list[bytes]
    durations: list[bytes]


class Shapes:
    """Counts blocks of lines into the digest of a scan. Lines are given as `opening` takes them."""

    def __init__(self, scan: Scan, opening: Opening, mark: Mark = lambda _text: "") -> None:
        self.scan = scan
        self.marks: Counter[str] = Counter()
        self.lines = self.slow_lines = 0
        self._opening, self._mark = opening, mark
        self._facts = Facts(scan.digest, over_time=scan.over_time)
        self._plans: dict[bytes, _Plan] = {}
        self._by_hex: dict[bytes, _Plan] = {}
        self._shapes: dict[bytes, _Shape | None] = {}
        self._forms: dict[bytes, _Form] = {}
        self._seen_once: set[bytes] = set()
        self._read_count = 0  # lines that were read to learn from

    def feed_block(self, block: bytes) -> None:
        """Count the lines of a block, which ends where a line ends."""
        lines = block.split(b"\n")
        skeletons = block.translate(_ZEROS).split(b"\n")
        if not lines[-1]:
            del lines[-1], skeletons[-1]
        known = list(map(self._plans.get, skeletons))
        plans = [
            self._resolved(line, skeleton) if plan is None else plan
            for line, skeleton, plan in zip(lines, skeletons, known, strict=True)
        ]
        self._check(lines, skeletons, plans)
        if self.scan.is_bounded and not self._all_inside(lines, plans):
            plans = [_SLOW] * len(lines)
        self._feed_in_order(lines, plans)
        for batch in self._batches(lines, plans):
            self._count(batch)

    def _check(self, lines: list[bytes], skeletons: list[bytes], plans: list[_Plan]) -> None:
        """Mark as slow the lines that differ from those of their plan in what may not differ."""
        for plan, indices in _grouped(plans):
            wrong: set[int] = set()
            for start, end, text in plan.fixed:
                if {lines[index][start:end] for index in indices} != {text}:
                    wrong.update(index for index in indices if lines[index][start:end] != text)
            for start, end, text in plan.around_ids:
                if {skeletons[index][start:end] for index in indices} != {text}:
                    wrong.update(index for index in indices if skeletons[index][start:end] != text)
            for start, end in plan.ids:
                wrong.update(index for index in indices if skeletons[index].find(b"0", start, end) < 0)
            for index in wrong:
                plans[index] = _SLOW

    def finish(self, following: Iterable[str] = ()) -> Digest:
        """Return the digest, as `Scan.finish`."""
        return self.scan.finish(following)

    # Line by line.

    def _feed_in_order(self, lines: list[bytes], plans: list[_Plan]) -> None:
        """Feed the slow lines to the scan, each with the line before it, and mark what was fed as slow."""
        count, fed, scan = len(lines), 0, self.scan
        slow = [index for index, plan in enumerate(plans) if plan.shape is None]
        if scan.is_tracing or (count and plans[0].form is None):
            slow.insert(0, 0)
        slow.append(count)  # what follows the block may belong to its last line
        for index in slow:
            if index < fed:
                continue
            first = index
            while first > fed:
                first -= 1
                if plans[first].form is not None:
                    break
            stop = index + 1
            while first < count and (first < stop or scan.is_tracing or plans[first].form is None):
                self._feed(lines[first])
                plans[first] = _SLOW
                first += 1
            fed = first

    def _feed(self, line: bytes) -> None:
        opened = self._opening(line)
        if opened is None:
            return
        text, at, cut = opened
        self.lines += 1
        self.slow_lines += 1
        self.scan.feed(text, at, cut=cut)
        if mark := self._mark(text):
            self._count_mark(mark, 1)

    def _count_mark(self, mark: str, count: int) -> None:
        self.marks[mark if mark in self.marks or len(self.marks) < _MARKS else OTHER] += count

    # Skeletons.

    def _resolved(self, line: bytes, skeleton: bytes) -> _Plan:
        """Return the plan of a skeleton that has none of its own."""
        by_hex = skeleton.translate(_HEX)
        plan = self._by_hex.get(by_hex) or self._plans.get(skeleton)  # it may have come in this block
        if plan is None:
            plan = self._planned(line, skeleton) if len(line) <= _LONGEST else _SLOW
            if plan is None:
                return _SLOW
            if len(self._plans) + len(self._by_hex) < _SKELETONS:
                if plan.ids:
                    self._by_hex[by_hex] = plan
                else:
                    self._plans[skeleton] = plan
        return plan

    def _planned(self, line: bytes, skeleton: bytes) -> _Plan | None:
        """Return the plan of a new skeleton, after comparing what it gives with what the line reports.

        None where it is too early to say: a shape is learned when it comes again, and as the lines allow,
        for in some logs next to no line has the shape of another.
        """
        tokens = [match.span() for match in _TOKEN.finditer(skeleton)]
        if len(tokens) > _MOST_TOKENS:
            return _SLOW
        parts, end = [], 0
        ids = tuple(span for span in tokens if _NO_RUN.search(skeleton, *span))
        for span in tokens:
            parts += [skeleton[end : span[0]], b"\x01%d\x02" % (span[1] - span[0]) if span in ids else b"0"]
            end = span[1]
        key = b"".join([*parts, skeleton[end:]])
        if key not in self._shapes:
            if len(self._shapes) >= _SHAPES:
                return _SLOW
            if key not in self._seen_once or self._read_count > _FREE_READS + self.lines // _LINES_A_READ:
                if len(self._seen_once) >= _SHAPES * 10:
                    self._seen_once.clear()
                self._seen_once.add(key)
                return None
            self._seen_once.discard(key)
            self._shapes[key] = self._learned(line, tokens, ids)
        shape = self._shapes[key]
        seen = self._read(line) if shape is not None else None
        if shape is None or seen is None or seen.facts != shape.facts:
            return _SLOW
        plan = self._plan_of(shape, line, skeleton, tokens, seen.at)
        plan.ids = ids
        if not ids:
            return plan if self._gives(plan, line, seen) else _SLOW
        edges = [0, *(edge for span in ids for edge in span), len(skeleton)]
        plan.around_ids = tuple(
            (a, b, skeleton[a:b]) for a, b in zip(edges[::2], edges[1::2], strict=True) if b > a
        )
        return plan if self._gives(plan, line, seen) else _SLOW

    def _plan_of(
        self, shape: _Shape, line: bytes, skeleton: bytes, tokens: list[_Span], at: float | None
    ) -> _Plan:
        spans: dict[int, _Span] = {}
        for role, span in zip(shape.roles, tokens, strict=True):
            spans[role] = (spans.get(role, span)[0], span[1])
        fixed = tuple(
            (a, b, line[a:b]) for role, (a, b) in zip(shape.roles, tokens, strict=True) if role == _FIXED
        )
        plan = _Plan(
            shape=shape,
            second=spans.get(_TIME, _NO_SPAN),
            fraction=spans.get(_FRACTION, _NO_SPAN),
            status=spans.get(_STATUS, _NO_SPAN),
            duration=spans.get(_DURATION, _NO_SPAN),
            fixed=fixed,
        )
        if at is not None:
            plan.form = self._form(shape, line, skeleton, plan, at)
        return plan

    def _form(self, shape: _Shape, line: bytes, skeleton: bytes, plan: _Plan, at: float) -> _Form:
        """Return how this skeleton writes times, shared with others where the digits alone say when."""
        a, b = plan.second
        written = skeleton[a : plan.fraction[1] or b]
        if line[a : a + 4].isdigit() and not _HALF_DAY.search(skeleton):
            naive = times.whole_second(line[a:b].decode("ascii", "replace"))
            if naive >= 0 and naive == at // 1:
                return self._forms.setdefault(written, _Form({}, is_plain=True))
        return shape.forms.setdefault(written, _Form({}, is_plain=False))

    def _gives(self, plan: _Plan, line: bytes, seen: _Seen) -> bool:
        """Return whether the plan reads from the line what the scan does."""
        shape = plan.shape
        if shape is None:
            return False
        if plan.form is not None:
            second = self._second(plan.form, line[slice(*plan.second)], line)
            if seen.at is None or second != seen.at // 1:
                return False
        status = line[slice(*plan.status)]
        if seen.status != (int(status) if status else shape.status):
            return False
        duration = line[slice(*plan.duration)]
        read = shape.scale(duration) if shape.scale and duration else None
        return seen.duration == read

    # Learning.

    def _read(self, line: bytes) -> _Seen | None:
        """Return what an ordinary line reports, None for any other."""
        self._read_count += 1
        opened = self._opening(line)
        if opened is None or opened[2] or unwrap(opened[0]) is not None:
            return None
        text, at, _ = opened
        scan = self.scan.fresh()
        scan.feed(text, at)
        if scan.is_tracing:
            return None
        digest = scan.finish()
        read = parse(text, scan.order)
        is_bare = read.is_detail or not (
            read.format != "plain" or read.level or read.status or read.at is not None
        )
        odd = (digest.classes, digest.exceptions, digest.events, digest.services, digest.not_text_lines)
        in_line = (read.exception, read.reported_by)  # of a request that other lines report, too
        is_known = digest.known_lines == 1 and (not digest.unread or not digest.timed_lines)
        if is_bare or digest.lines != 1 or digest.errors or any(odd + in_line) or not is_known:
            return None
        (template, tally) = next(iter(digest.templates.items()), (("", ""), Tally()))
        unread = next(iter(digest.unread.values()), Tally())
        requests = next(iter(digest.requests.values()), Requests())
        facts = _Facts(
            format=read.format,
            level=read.level,
            template=template[1],
            endpoint=next(iter(requests.endpoints), None),
            is_timed=bool(digest.timed_lines),
            unread=next(iter(digest.unread), ""),
            mark=self._mark(text),
        )
        return _Seen(facts, tally.example, unread.example, digest.first_at, read.status, read.duration)

    def _learned(self, line: bytes, tokens: list[_Span], ids: tuple[_Span, ...]) -> _Shape | None:
        """Return the shape of a line, None where it has none: what its digits hold, by changing them."""
        base = self._read(line)
        if base is None or _digits_decide(line.translate(_ZEROS)):
            return None
        roles = []
        for span in tokens:
            if span in ids:
                if any(_role(base, self._read(other)) != _FREE for other in _with_other_ids(line, span)):
                    return None
                roles.append(_FREE)
            else:
                found = {_role(base, self._read(other)) for other in _with_other_digits(line, span)}
                roles.append(next((role for role in _BY_WEIGHT if role in found), _FREE))
        took = [span for role, span in zip(roles, tokens, strict=True) if role == _DURATION]
        scale = self._scale(line, took) if took else None
        if not _is_readable(roles, base) or (base.duration is not None) != (scale is not None):
            return None
        return _Shape(facts=base.facts, roles=tuple(roles), status=base.status, scale=scale, forms={})

    def _scale(self, line: bytes, spans: list[_Span]) -> Callable[[bytes], float] | None:
        """Return how the digits of a duration give its seconds."""
        area = slice(spans[0][0], spans[-1][1])
        known = [(line[area], self._read(line))]
        for span in spans:
            known += [(other[area], self._read(other)) for other in _with_other_digits(line, span)]
        for scale in _SCALES:
            try:
                if all(seen is not None and seen.duration == scale(text) for text, seen in known):
                    return scale
            except ValueError:
                return None
        return None

    # Counting.

    def _all_inside(self, lines: list[bytes], plans: list[_Plan]) -> bool:
        """Return whether every line with a shape is in the window, well away from its ends."""
        for plan, indices in _grouped(plans):
            if plan.form is not None:
                start, end = plan.second
                for text, index in {lines[index][start:end]: index for index in indices}.items():
                    second = self._second(plan.form, text, lines[index])
                    if second is None or not self.scan.is_well_inside(second):
                        return False
        return True

    def _second(self, form: _Form, text: bytes, line: bytes) -> int | None:
        """Return the second since 1970 that a time names, None where that is none."""
        second = form.seconds.get(text)
        if second is None:
            if form.is_plain:
                at: float | None = times.whole_second(text.decode("ascii", "replace"))
            else:
                at = self._moment(line)
            if at is None or at < 0:
                return None
            second = int(at)
            if len(form.seconds) > _SKELETONS:
                form.seconds.clear()
            form.seconds[text] = second
        return second

    def _moment(self, line: bytes) -> float | None:
        opened = self._opening(line)
        if opened is None:
            return None
        text, at, _ = opened
        return self.scan.moment_of(parse(text, self.scan.order)) if at is None else at

    def _batches(self, lines: list[bytes], plans: list[_Plan]) -> Iterable[_Batch]:
        batches: dict[tuple[int, int], _Batch] = {}
        for plan, indices in _grouped(plans):
            if plan.form is not None:
                found = [lines[index] for index in indices]
                self._take(batches, plan, plan, found, found)
        for timing, plan, found, timers in self._untimed(lines, plans):
            self._take(batches, timing, plan, found, timers)
        return batches.values()

    @staticmethod
    def _untimed(
        lines: list[bytes], plans: list[_Plan]
    ) -> Iterable[tuple[_Plan, _Plan, list[bytes], list[bytes]]]:
        """Return the lines without a time, with the lines before them that have one, by their plans."""
        if not any(plan.form is None and plan.shape is not None for plan in set(plans)):
            return ()
        found: dict[tuple[int, int], tuple[_Plan, _Plan, list[bytes], list[bytes]]] = {}
        timing, timer = _SLOW, b""
        for line, plan in zip(lines, plans, strict=True):
            if plan.form is not None:
                timing, timer = plan, line
            elif plan.shape is not None:
                key = (id(plan), id(timing))
                group = found.get(key)
                if group is None:
                    group = found[key] = (timing, plan, [], [])
                group[2].append(line)
                group[3].append(timer)
        return found.values()

    @staticmethod
    def _take(
        batches: dict[tuple[int, int], _Batch],
        timing: _Plan,
        plan: _Plan,
        lines: list[bytes],
        timers: list[bytes],
    ) -> None:
        shape, form = plan.shape, timing.form
        if shape is None or form is None:
            return
        batch = batches.get((id(shape), id(form)))
        if batch is None:
            batch = batches[id(shape), id(form)] = _Batch(shape, form, [], [], [], [], [], [])
        batch.lines += lines
        batch.timers += timers
        start, end = timing.second
        batch.seconds += [line[start:end] for line in timers]
        start, end = timing.fraction
        batch.fractions += [line[start:end] for line in timers] if end else [b""] * len(timers)
        start, end = plan.status
        if end:
            batch.statuses += [line[start:end] for line in lines]
        start, end = plan.duration
        if end:
            batch.durations += [line[start:end] for line in lines]

    def _count(self, batch: _Batch) -> None:
        """Count the lines of a batch."""
        by_second = Counter(batch.seconds)
        seconds = self._seconds(batch, by_second)
        alone = self._to_count_alone(batch, seconds)
        if alone:
            self._part_with(batch, alone)
            by_second = Counter(batch.seconds)
        if not batch.lines:
            return
        self._count_lines(batch.shape.facts, len(batch.lines))
        digest, facts = self.scan.digest, batch.shape.facts
        slots: dict[int, int] = {}
        for text, number in by_second.items():
            key = seconds[text] // digest.slot_seconds
            slots[key] = slots.get(key, 0) + number
        _add_to_slots(digest.slots, slots)
        latest = self._latest(batch, max(by_second, key=seconds.__getitem__))
        first_ones = self._first_ones(batch, min(by_second, key=seconds.__getitem__))
        earliest = self._moment(batch.timers[first_ones[0]]) or 0.0
        digest.first_at = earliest if digest.first_at is None else min(earliest, digest.first_at)
        digest.last_at = latest if digest.last_at is None else max(latest, digest.last_at)
        if facts.endpoint is not None:
            self._count_requests(batch, seconds, slots, facts.endpoint)
        else:
            named = (facts.level, facts.template)
            tally = _kept(digest.templates, named, MOST_TEMPLATES, (facts.level, OTHER))
            self._add(tally, batch, first_ones, (earliest, latest), _example_of)
        if facts.unread:
            tally = _kept(digest.unread, facts.unread, MOST_SHAPES, OTHER)
            self._add(tally, batch, first_ones, (earliest, latest), _text_of)

    def _part_with(self, batch: _Batch, alone: set[int]) -> None:
        """Count some lines of a batch each for itself, and leave the others in it."""
        for index in sorted(alone):
            self._count_alone(batch, index)
        kept = [index for index in range(len(batch.lines)) if index not in alone]
        for name in ("lines", "timers", "seconds", "fractions", "statuses", "durations"):
            values = getattr(batch, name)
            if values:
                setattr(batch, name, [values[index] for index in kept])

    def _count_lines(self, facts: _Facts, count: int) -> None:
        digest = self.scan.digest
        self.lines += count
        digest.lines += count
        digest.known_lines += count
        digest.formats[facts.format] = digest.formats.get(facts.format, 0) + count
        if facts.level:
            digest.levels[facts.level] = digest.levels.get(facts.level, 0) + count
        if facts.is_timed:
            digest.timed_lines += count
            digest.read_lines += count
        if facts.mark:
            self._count_mark(facts.mark, count)

    def _seconds(self, batch: _Batch, texts: Iterable[bytes]) -> dict[bytes, int]:
        known, found = batch.form.seconds, {}
        for text in texts:
            second = known.get(text)
            if second is None:
                second = self._second(batch.form, text, batch.timers[batch.seconds.index(text)])
            if second is not None:
                found[text] = second
        return found

    def _to_count_alone(self, batch: _Batch, seconds: dict[bytes, int]) -> set[int]:
        """Return which lines are read after all: requests that failed or were slow, times that are none."""
        found: set[int] = set()
        shape = batch.shape
        if shape.facts.endpoint is not None:
            bad = {text for text in set(batch.statuses) if not 100 <= int(text) < _BAD_STATUS}
            if bad:
                found.update(index for index, text in enumerate(batch.statuses) if text in bad)
            if shape.scale is not None:
                slow = {text for text in set(batch.durations) if shape.scale(text) >= SLOW_SECONDS}
                if slow:
                    found.update(index for index, text in enumerate(batch.durations) if text in slow)
        if len(seconds) < len(set(batch.seconds)):
            found.update(index for index, text in enumerate(batch.seconds) if text not in seconds)
        return found

    def _count_alone(self, batch: _Batch, index: int) -> None:
        opened = self._opening(batch.lines[index])
        if opened is None:
            return
        self.lines += 1
        text, at, _ = opened
        line = parse(text, self.scan.order)
        timed = self._moment(batch.timers[index])
        record = Record(
            line=line, text=text, at=timed, is_inside=True, is_timed=at is not None or line.at is not None
        )
        digest = self.scan.digest
        self._facts.count_line(timed, timed=record.is_timed, known=is_known(line))
        if line.level:
            digest.levels[line.level] = digest.levels.get(line.level, 0) + 1
        digest.formats[line.format] = digest.formats.get(line.format, 0) + 1
        self._facts.count(record)
        if mark := self._mark(text):
            self._count_mark(mark, 1)

    def _latest(self, batch: _Batch, second: bytes) -> float:
        indices = [index for index, text in enumerate(batch.seconds) if text == second]
        last = max(indices, key=batch.fractions.__getitem__)
        return self._moment(batch.timers[last]) or 0.0

    @staticmethod
    def _first_ones(batch: _Batch, second: bytes) -> list[int]:
        """Return the lines of the earliest moment."""
        indices = [index for index, text in enumerate(batch.seconds) if text == second]
        least = min(batch.fractions[index] for index in indices)
        return [index for index in indices if batch.fractions[index] == least]

    def _add(
        self,
        tally: Tally,
        batch: _Batch,
        first_ones: list[int],
        span: tuple[float, float],
        example_of: Callable[["_Seen"], str],
    ) -> None:
        """Count the lines of a batch in a tally, as `Tally.add` does."""
        tally.count += len(batch.lines)
        earliest, latest = span
        if tally.last_at is None or latest > tally.last_at:
            tally.last_at = latest
        if tally.first_at is None or earliest <= tally.first_at:
            seen = [self._read(batch.lines[index]) for index in first_ones]
            example = min((example_of(line) for line in seen if line is not None), default="")
            if tally.first_at is None or earliest < tally.first_at or example < tally.example:
                tally.first_at, tally.example = earliest, example

    def _count_requests(
        self, batch: _Batch, seconds: dict[bytes, int], slots: dict[int, int], key: tuple[str, str]
    ) -> None:
        shape, count = batch.shape, len(batch.lines)
        requests = self.scan.digest.requests.setdefault(shape.facts.format, Requests())
        requests.count += count
        endpoint = requests.endpoints.get(key)
        if endpoint is None:
            if len(requests.endpoints) >= MOST_ENDPOINTS:
                key = ("*", OTHER)
            endpoint = requests.endpoints.setdefault(key, EndpointCount())
        for text, number in (Counter(batch.statuses) or {b"%d" % shape.status: count}).items():
            family = int(text) // 100
            endpoint.statuses[family] = endpoint.statuses.get(family, 0) + number
        _add_to_slots(requests.slots, slots)
        width = self.scan.digest.slot_seconds
        refused = [
            text for text, status in zip(batch.seconds, batch.statuses, strict=False) if status[:1] == b"4"
        ]
        for text, number in Counter(refused).items():
            requests.slots[seconds[text] // width].client_errors += number
        if not batch.statuses and shape.status // 100 == 4:
            for slot, number in slots.items():
                requests.slots[slot].client_errors += number
        if shape.scale is not None:
            requests.timed += count
            self._count_durations(batch, seconds, endpoint, shape.scale)

    def _count_durations(
        self,
        batch: _Batch,
        seconds: dict[bytes, int],
        endpoint: EndpointCount,
        scale: Callable[[bytes], float],
    ) -> None:
        number_of = {text: duration_class(scale(text)) for text in set(batch.durations)}
        for text, number in Counter(batch.durations).items():
            grade = number_of[text]
            endpoint.durations[grade] = endpoint.durations.get(grade, 0) + number
        if self.scan.over_time:
            over_time, width = endpoint.over_time, self.scan.digest.slot_seconds
            pairs = Counter(zip(batch.seconds, batch.durations, strict=True))
            for (text, duration), number in pairs.items():
                slot_key = latency_key(seconds[text] // width, number_of[duration])
                over_time[slot_key] = over_time.get(slot_key, 0) + number


def _example_of(seen: _Seen) -> str:
    return seen.example


def _text_of(seen: _Seen) -> str:
    return seen.text


def _kept(table: dict[K, Tally], key: K, most: int, other: K) -> Tally:
    """Return the tally of a key, that of all others where the table is full."""
    tally = table.get(key)
    if tally is None:
        tally = table.setdefault(key if len(table) < most else other, Tally())
    return tally


_BY_WEIGHT = (_TIME, _FRACTION, _STATUS, _FIXED, _DURATION, _FREE)


def _is_readable(roles: list[int], base: _Seen) -> bool:
    """Return whether slices can read what the digits hold; a zone behind a fraction becomes fixed."""
    timed = [index for index, role in enumerate(roles) if role == _TIME]
    fractions = [index for index, role in enumerate(roles) if role == _FRACTION]
    took = [index for index, role in enumerate(roles) if role == _DURATION]
    for index in timed:
        if fractions and index > fractions[0]:
            roles[index] = _FIXED
    before = [index for index in timed if roles[index] == _TIME]
    return (
        (bool(before) or not base.facts.is_timed)
        and len(fractions) <= 1
        and (not fractions or (bool(before) and fractions[0] == before[-1] + 1))
        and roles.count(_STATUS) <= 1
        and all(second - first == 1 for first, second in pairwise(took))
    )


def _role(base: _Seen, other: _Seen | None) -> int:
    """Return what digits hold whose change made `other` of `base`."""
    if other is None or other.facts != base.facts:
        return _FIXED
    changed = (other.at != base.at, other.status != base.status, other.duration != base.duration)
    if sum(changed) > 1:
        return _FIXED
    if changed[0]:
        return _FRACTION if (other.at or 0) // 1 == (base.at or 0) // 1 else _TIME
    return _STATUS if changed[1] else _DURATION if changed[2] else _FREE


def _with_other_digits(line: bytes, span: _Span) -> Iterable[bytes]:
    start, end = span
    run, size = line[start:end], end - start
    for digits in (run.translate(_NEXT_DIGITS), b"1" * size, (b"10" * size)[:size]):
        if digits != run:
            yield line[:start] + digits + line[end:]


def _with_other_ids(line: bytes, span: _Span) -> Iterable[bytes]:
    start, end = span
    for digits in _OTHER_IDS:
        filled = iter(digits * (end - start))
        other = bytes(45 if old == 45 else next(filled) for old in line[start:end])  # hyphens stay
        yield line[:start] + other + line[end:]


def _grouped(plans: list[_Plan]) -> Iterable[tuple[_Plan, list[int]]]:
    """Return the indices of the lines of each plan, but for those that are read line by line."""
    groups = {id(plan): (plan, list[int]()) for plan in set(plans)}
    adders = {key: indices.append for key, (_, indices) in groups.items()}
    for index, key in enumerate(map(id, plans)):
        adders[key](index)
    groups.pop(id(_SLOW), None)
    return groups.values()


def _add_to_slots(slots: dict[int, Slot], counts: dict[int, int]) -> None:
    for key, number in counts.items():
        slot = slots.get(key)
        if slot is None:
            slot = slots[key] = Slot()
        slot.count += number


def _digits_decide(skeleton: bytes) -> bool:
    """Return whether the line might be an error or event of another class with other digits."""
    return bool(_words_with_digits().Match(skeleton.decode("utf-8", "replace")))


@cache
def _words_with_digits() -> Any:
    """Return the words of classes and events whose digits matter, as zeros, in one automaton."""
    import re2

    words = re2.Set.SearchSet()
    found = set()
    rows = (row.match for table in (log_classes(), server_events()) for row in table.values())
    for entries in rows:
        for entry in entries:
            text, patterns = (
                (entry, "") if isinstance(entry, str) else (entry.words, entry.pattern + entry.but)
            )
            if _DIGIT.search(text) or _DIGIT.search(_COUNTED.sub("", patterns)):
                found.add(text.encode().translate(_ZEROS).decode())
    for each in found:
        words.Add(re2.escape(each))
    words.Compile()
    return words


def open_plain(line: bytes) -> Opened | None:
    """Return a line of a file.

    >>> open_plain(b"ready"), open_plain(b"")
    (('ready', None, False), None)
    """
    text, cut = clean(line.decode("utf-8", "replace"))
    return (text, None, cut) if text else None

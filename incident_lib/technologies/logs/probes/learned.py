"""What the digits of a line hold, learned by reading the line again with other digits.

A unit is a line, or the lines of a record, such as an error and its traceback. With its digits as zeros it is
a skeleton; skeletons that differ in how many digits stand together, or in hexadecimal ids, are of one shape.
A shape says what all its units report alike, and which of their digits are the time, the status and the
duration; a plan says where these stand in the units of a skeleton.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable
from functools import cache
from itertools import pairwise
from typing import Any

import msgspec

from incident_lib.technologies.logs.classes import log_classes
from incident_lib.technologies.logs.probes import times, traces
from incident_lib.technologies.logs.probes.digest import Requests, Tally
from incident_lib.technologies.logs.probes.envelope import unwrap
from incident_lib.technologies.logs.probes.events import server_events
from incident_lib.technologies.logs.probes.formats import parse
from incident_lib.technologies.logs.probes.line import Mark, Opened, Opening, clean
from incident_lib.technologies.logs.probes.multiline import Record
from incident_lib.technologies.logs.probes.scan import Scan

ZEROS = bytes.maketrans(b"123456789", b"000000000")
HEX = bytes.maketrans(b"abcdef", b"0" * 6)  # of a skeleton
SERVER_ERROR = 500  # a status from here on
_TOKEN = re.compile(rb"(?<![\w-])(?:[0a-f]{8}-(?:[0a-f]{4}-){3}[0a-f]{12}|[0a-f]{8,64})(?![\w-])|0+")
_NO_WORDS = b"0abcdef-"  # of a skeleton: what digits, ids and lengths of numbers change
_NO_RUN = re.compile(rb"[a-f-]")
_DECIMAL = re.compile(rb"0+(?:\.0+)?")
_STATUSES = (b"200", b"502", b"503", b"504", b"521", b"525")  # each of these may say more than the others
_LONGEST = 2_000  # bytes of a line that may have a shape
_LONGEST_RECORD, MOST_LINES = 8_000, 100  # of a record that may
_MOST_TOKENS = 60
MOST_DIGITS = 18  # of a number
_EXACT_DIGITS = 15  # of a fraction or a duration: a float holds them
_SHAPES, _PLANS = 2_000, 60_000  # that are kept, their numbers in two bytes; units of others are read
_OTHERS = 1_000  # plans of a skeleton
_FREE_READS, _LINES_A_READ = 3_000, 10
_MOMENTS = 60_000  # that are remembered, of a way to write times
_OTHER_IDS = (b"7f3a09", b"e01b5c", b"0e9d24")
_NEXT_DIGITS = bytes.maketrans(b"0123456789", b"1234567890")
_DIGIT, _COUNTED = re.compile(r"[0-9]"), re.compile(r"\{\d+(?:,\d*)?\}")
_HALF_DAY = re.compile(rb"[AaPp]\.?[Mm]\b")
# What turns the digits of a duration into seconds. The same for a number and for an array of them.
_SCALES: tuple[Callable[[Any], Any], ...] = (
    lambda number: number,
    lambda number: number / 1e3,
    lambda number: number * 1e-3,
    lambda number: number / 1e6,
    lambda number: number * 1e-6,
    lambda number: number / 1e9,
    lambda number: number * 1e-9,
)
_FREE, _TIME, _FRACTION, _STATUS, _DURATION, _FIXED = range(6)
_BY_WEIGHT = (_TIME, _FRACTION, _STATUS, _FIXED, _DURATION, _FREE)
Span = tuple[int, int]
NO_SPAN = (0, 0)


class Unit(msgspec.Struct, frozen=True):
    """A line or a record, its skeleton, and where the digits and the ids in it stand."""

    text: bytes
    skeleton: bytes
    tokens: tuple[Span, ...]
    ids: tuple[Span, ...]


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What a unit reports, but for when, with which status, and how long it took."""

    format: str
    level: str
    lines: int
    opened_lines: int  # that the source gave; it leaves out empty ones
    timed_lines: int
    known_lines: int
    read_lines: int
    traced_lines: int
    errors: int
    template: tuple[str, str] | None
    template_class: str
    endpoint: tuple[str, str] | None
    unread: str  # what lines without a time are counted under
    classes: tuple[str, ...]
    exceptions: tuple[tuple[str, str], ...]
    peers: tuple[tuple[str, str], ...]
    databases: tuple[tuple[str, str], ...]
    marks: tuple[tuple[str, int], ...]


class Seen(msgspec.Struct):
    """A unit that was read. Its examples are those of its template, its unread lines, classes, exceptions."""

    facts: Facts
    examples: tuple[str, ...]
    at: float | None
    status: int
    duration: float | None


class Form(msgspec.Struct, eq=False):
    """How times are written: the seconds since 1970 of those that were seen, by their digits as a number."""

    seconds: dict[int, int]
    read: Callable[[str], float] | None  # of the text of a time alone, -1 for none; None: that takes the line


class Shape(msgspec.Struct, kw_only=True, eq=False):
    """What units that differ in digits have in common, and which of these hold what."""

    number: int
    facts: Facts
    roles: tuple[int, ...]
    fixed_text: bytes  # the digits that decide
    status: int
    scale: Callable[[Any], Any] | None
    forms: dict[bytes, Form]
    most_status: int = 599  # beyond it a unit reports something else


class Plan(msgspec.Struct, eq=False):
    """Where the units of a skeleton hold what: the columns of the digits, and of what may not differ."""

    shape: Shape | None = None  # None: to be read
    form: Form | None = None  # None: it has no time
    second: Span = NO_SPAN
    fraction: Span = NO_SPAN
    status: Span = NO_SPAN
    duration: Span = NO_SPAN
    fixed: tuple[int, ...] = ()
    fixed_digits: bytes = b""
    around_ids: bytes = b""  # the skeleton, with NUL for what is in the ids
    ids: tuple[Span, ...] = ()
    others: dict[bytes, int] = {}  # the plans of this skeleton with other fixed digits


SLOW = Plan()


class _Reading(Scan):
    """A scan of a single record, which is kept."""

    record: Record | None = None

    def _close(self, records: list[Record]) -> None:
        super()._close(records)
        if records:
            self.record = records[-1]


class Learner:
    """Plans by number, and how a new one is made. The number of `SLOW` is 0.

    Without an opening the lines are stamped: their times are known, and those in them do not count.
    """

    def __init__(self, scan: Scan, opening: Opening | None, mark: Mark) -> None:
        self.plans: list[Plan] = [SLOW]
        self.shapes: list[Shape] = []
        self.read_count = 0  # lines that were read to learn from
        self._is_stamped, self._opening = opening is None, opening or _stamped_at_once
        self._scan, self._mark = scan, mark
        self._by_key: dict[bytes, Shape | None] = {}
        self._forms: dict[bytes, Form] = {}
        self._seen_once: set[bytes] = set()
        self._words_seen: set[bytes] = set()

    def planned(self, text: bytes, skeleton: bytes, so_far: int) -> int | None:
        """Return the number of the plan of a new skeleton, after comparing what it gives with the unit.

        None where it is too early to say: a shape is learned when it comes again, and as the number of lines
        so far allows, for in some logs next to no line has the shape of another.
        """
        is_record = b"\n" in text
        if len(text) > (_LONGEST_RECORD if is_record else _LONGEST) or text.count(b"\n") > MOST_LINES:
            return 0
        words = skeleton.translate(None, _NO_WORDS)
        if words not in self._words_seen:  # the cheapest test, as in some logs it is the last for most lines
            if len(self._words_seen) >= _SHAPES * 10:
                self._words_seen.clear()
            self._words_seen.add(words)
            return None
        tokens = tuple(match.span() for match in _TOKEN.finditer(skeleton))
        if len(tokens) > _MOST_TOKENS or len(self.plans) >= _PLANS:
            return 0
        parts, end = [], 0
        ids = tuple(span for span in tokens if _NO_RUN.search(skeleton, *span))
        for span in tokens:
            parts += [skeleton[end : span[0]], b"\x01%d\x02" % (span[1] - span[0]) if span in ids else b"0"]
            end = span[1]
        key = b"".join([*parts, skeleton[end:]])
        unit = Unit(text, skeleton, tokens, ids)
        shape = self._shape(key, unit, so_far)
        if isinstance(shape, Shape):
            return self._fitted(shape, unit)
        return 0 if shape is None or len(self._by_key) >= _SHAPES else None

    def planned_anew(self, plan: Plan, text: bytes, skeleton: bytes, so_far: int) -> int | None:
        """Return the number of the plan of a unit that differs from `plan` in digits that decide."""
        fixed = bytes(text[column] for column in plan.fixed)
        number = plan.others.get(fixed)
        if number is None:
            if len(plan.others) >= _OTHERS:
                return None
            number = self.planned(text, skeleton, so_far)
            if number is None:
                return None
            plan.others[fixed] = number
        other = self.plans[number]
        return number if bytes(text[column] for column in other.fixed) == other.fixed_digits else None

    def _shape(self, key: bytes, unit: Unit, so_far: int) -> Shape | bool | None:
        """Return the shape of a unit, None where it has none, False where it is too early to say.

        Units that differ in digits that decide what they report have shapes of their own.
        """
        for is_anew in (False, True):
            if key not in self._by_key:
                if not self._may_learn(key, so_far):
                    return False
                self._by_key[key] = self._learned(unit)
            shape = self._by_key[key]
            if shape is None or is_anew:
                return shape
            fixed = _fixed_text(shape.roles, unit)
            if fixed == shape.fixed_text:
                return shape
            key = b"%s\x03%s" % (key, fixed)
        return None

    def _may_learn(self, key: bytes, so_far: int) -> bool:
        if len(self._by_key) >= _SHAPES:
            return False
        if key in self._seen_once and self.read_count <= _FREE_READS + so_far // _LINES_A_READ:
            self._seen_once.discard(key)
            return True
        if len(self._seen_once) >= _SHAPES * 10:
            self._seen_once.clear()
        self._seen_once.add(key)
        return False

    # Plans.

    def _fitted(self, shape: Shape, unit: Unit) -> int:
        text, skeleton, ids = unit.text, unit.skeleton, unit.ids
        seen = self.read(text)
        if seen is None or seen.facts != shape.facts or seen.status > shape.most_status:
            return 0
        spans: dict[int, Span] = {}
        for role, span in zip(shape.roles, unit.tokens, strict=True):
            spans[role] = (spans.get(role, span)[0], span[1])
        fixed = tuple(
            column
            for role, span in zip(shape.roles, unit.tokens, strict=True)
            if role == _FIXED
            for column in range(*span)
        )
        plan = Plan(
            shape=shape,
            second=spans.get(_TIME, NO_SPAN),
            fraction=spans.get(_FRACTION, NO_SPAN),
            status=spans.get(_STATUS, NO_SPAN),
            duration=spans.get(_DURATION, NO_SPAN),
            fixed=fixed,
            fixed_digits=bytes(text[column] for column in fixed),
            ids=ids,
        )
        if seen.at is not None and shape.facts.timed_lines and not self._is_stamped:
            plan.form = self._form(plan, shape, unit, seen.at)
        if ids:
            around = bytearray(skeleton)
            for first, end in ids:
                around[first:end] = bytes(end - first)
            plan.around_ids = bytes(around)
        if not self._gives(plan, unit, seen):
            return 0
        self.plans.append(plan)
        return len(self.plans) - 1

    def _form(self, plan: Plan, shape: Shape, unit: Unit, at: float) -> Form:
        """Return how this skeleton writes times, shared with others where the digits alone say when."""
        a, b = plan.second
        written = unit.skeleton[a : plan.fraction[1] or b]
        text = unit.text[a:b].decode("ascii", "replace")
        if not _HALF_DAY.search(unit.skeleton):
            for read in (_year_first, _year_first_in_zone, _day_first):
                moment = read(text)
                if moment >= 0 and moment == at // 1:
                    return self._forms.setdefault(written, Form({}, read))
        return shape.forms.setdefault(written, Form({}, None))

    def _gives(self, plan: Plan, unit: Unit, seen: Seen) -> bool:
        """Return whether the plan gives for the unit what was read."""
        text, skeleton, shape = unit.text, unit.skeleton, plan.shape
        if shape is None or not _is_short(plan, skeleton):
            return False
        if plan.form is not None:
            digits = number_in(text[slice(*plan.second)])
            if seen.at is None or self.second(plan.form, digits, plan.second, text) != seen.at // 1:
                return False
        status = text[slice(*plan.status)]
        if seen.status != (int(status) if status else shape.status):
            return False
        duration = text[slice(*plan.duration)]
        if not duration:
            return seen.duration is None
        return (
            shape.scale is not None
            and _DECIMAL.fullmatch(skeleton, *plan.duration) is not None
            and seen.duration == shape.scale(float(duration))
        )

    # Reading.

    def read(self, unit: bytes) -> Seen | None:
        """Return what a unit reports, None for one that is no single record, or reports an event."""
        lines = unit.split(b"\n")
        self.read_count += len(lines)
        scan = self._scan.fresh(_Reading)
        marks: Counter[str] = Counter()
        opened_lines = 0
        for number, line in enumerate(lines):
            opened = self._opening(line)
            if opened is None:
                continue
            text, at, is_cut = opened
            if is_cut or unwrap(text) is not None or (not number and traces.may_go_on(text)):
                return None
            scan.feed(text, at)
            opened_lines += 1
            if mark := self._mark(text):
                marks[mark] += 1
        if scan.is_unfinished:
            return None
        digest = scan.finish()
        record = scan.record
        odd = (digest.not_text_lines, digest.events, digest.services, digest.class_durations, digest.deaths)
        if record is None or sum(digest.formats.values()) != 1 or any(odd):
            return None
        first = record.line
        is_bare = first.is_detail or not (
            first.format != "plain" or first.level or first.status or first.at is not None
        )
        if is_bare or (first.status and record.exception) or first.reported_by:
            return None
        requests = next(iter(digest.requests.values()), Requests())
        template, tally = next(iter(digest.templates.items()), (None, Tally()))
        unread, unread_tally = next(iter(digest.unread.items()), ("", Tally()))
        facts = Facts(
            format=first.format,
            level=first.level,
            lines=digest.lines,
            opened_lines=opened_lines,
            timed_lines=digest.timed_lines,
            known_lines=digest.known_lines,
            read_lines=digest.read_lines,
            traced_lines=digest.traced_lines,
            errors=digest.errors,
            template=template,
            template_class=digest.template_classes.get(template, "") if template else "",
            endpoint=next(iter(requests.endpoints), None),
            unread=unread,
            classes=tuple(digest.classes),
            exceptions=tuple(digest.exceptions),
            peers=tuple(digest.peers),
            databases=tuple(digest.databases),
            marks=tuple(sorted(marks.items())),
        )
        tallies = (tally, unread_tally, *digest.classes.values(), *digest.exceptions.values())
        examples = tuple(each.example for each in tallies)
        return Seen(facts, examples, digest.first_at, first.status, first.duration)

    def moment(self, unit: bytes) -> float | None:
        """Return the time of a unit's first line, None where it names none."""
        opened = self._opening(unit.partition(b"\n")[0])
        if opened is None:
            return None
        text, at, _ = opened
        return self._scan.moment_of(parse(text, self._scan.order)) if at is None else at

    def second(self, form: Form, digits: int, span: Span, unit: bytes) -> int:
        """Return the second since 1970 that a time names, of which the digits are given, -1 for none."""
        second = form.seconds.get(digits)
        if second is None:
            text = unit[slice(*span)]
            at = form.read(text.decode("ascii", "replace")) if form.read else self.moment(unit)
            second = -1 if at is None or at < 0 else int(at)
            if len(form.seconds) > _MOMENTS:
                form.seconds.clear()
            form.seconds[digits] = second
        return second

    # Shapes.

    def _learned(self, unit: Unit) -> Shape | None:
        """Return the shape of a unit, None where it has none: what its digits hold, by changing them."""
        text, tokens = unit.text, unit.tokens
        base = self.read(text)
        if base is None or _digits_decide(unit.skeleton):
            return None
        roles = []
        for span in tokens:
            if span in unit.ids:
                if any(_role(base, self.read(other)) != _FREE for other in _with_other_ids(text, span)):
                    return None
                roles.append(_FREE)
            else:
                found = {_role(base, self.read(other)) for other in _with_other_digits(text, span)}
                roles.append(next((role for role in _BY_WEIGHT if role in found), _FREE))
        took = [span for role, span in zip(roles, tokens, strict=True) if role == _DURATION]
        scale = self._scale(text, took) if took else None
        is_timed = bool(base.facts.timed_lines) and not self._is_stamped
        if not _is_readable(roles, is_timed=is_timed) or (base.duration is not None) != (scale is not None):
            return None
        shape = Shape(
            number=len(self.shapes),
            facts=base.facts,
            roles=tuple(roles),
            fixed_text=_fixed_text(tuple(roles), unit),
            status=base.status,
            scale=scale,
            forms={},
        )
        served = [span for role, span in zip(roles, tokens, strict=True) if role == _STATUS]
        if served and not self._fails_alike(text, served[0], base):
            if base.status >= SERVER_ERROR:
                return None
            shape.most_status = SERVER_ERROR - 1
        self.shapes.append(shape)
        return shape

    def _fails_alike(self, unit: bytes, span: Span, base: Seen) -> bool:
        """Return whether a request reports the same facts, failed or not."""
        others = (self.read(unit[: span[0]] + status + unit[span[1] :]) for status in _STATUSES)
        return all(other is not None and other.facts == base.facts for other in others)

    def _scale(self, unit: bytes, spans: list[Span]) -> Callable[[Any], Any] | None:
        """Return how the digits of a duration give its seconds."""
        area = slice(spans[0][0], spans[-1][1])
        known = [(unit[area], self.read(unit))]
        for span in spans:
            known += [(other[area], self.read(other)) for other in _with_other_digits(unit, span)]
        for scale in _SCALES:
            try:
                if all(seen is not None and seen.duration == scale(float(text)) for text, seen in known):
                    return scale
            except ValueError:
                return None
        return None


def _stamped_at_once(line: bytes) -> Opened:
    """Return a line as one of many of the same moment: no pause between them ends a message."""
    text, cut = clean(line.decode("utf-8", "replace"))
    return text, 1.0, cut


def _year_first(text: str) -> float:
    """Return the moment that is all of the text, without a zone, -1 for another text.

    A zone would be the same for most of a log, and another one after clocks were changed.

    >>> _year_first("2026-01-15 14:31:05"), _year_first("2026-01-15 14:31:05 +0000")
    (1768487465.0, -1.0)
    """
    digits = _DIGIT.findall(text)
    return times.whole_second(text) if len(digits) == 14 and text[:4].isdigit() else -1.0


def _year_first_in_zone(text: str) -> float:
    """Return the moment that is all of the text, -1 for another text.

    >>> _year_first_in_zone("2026-01-15 14:31:05 +0100"), _year_first_in_zone("15/Jan/2026:14:31:05")
    (1768483865.0, -1.0)
    """
    found = times.from_iso(text)
    return found[0] if found and found[1] == len(text) else -1.0


def _day_first(text: str) -> float:
    """Return the moment that is all of the text, as web servers and Redis write it, -1 for another text.

    >>> _day_first("15/Jan/2026:14:31:05 +0100"), _day_first("2026-01-15 14:31:05")
    (1768483865.0, -1.0)
    """
    found = times.from_day_first(text)
    return found[0] if found and found[1] == len(text) else -1.0


def number_in(text: bytes) -> int:
    """Return the digits of a text as a number.

    >>> number_in(b"2026-01-15 14:31:05")
    20260115143105
    """
    return int(re.sub(rb"\D", b"", text) or b"0")


def _fixed_text(roles: tuple[int, ...], unit: Unit) -> bytes:
    spans = (span for role, span in zip(roles, unit.tokens, strict=True) if role == _FIXED)
    return b",".join(unit.text[slice(*span)] for span in spans)


def _is_short(plan: Plan, skeleton: bytes) -> bool:
    """Return whether numbers can hold the digits of each field."""
    exact = max(skeleton.count(b"0", *span) for span in (plan.fraction, plan.duration, plan.status))
    return exact <= _EXACT_DIGITS and skeleton.count(b"0", *plan.second) <= MOST_DIGITS


def _is_readable(roles: list[int], *, is_timed: bool) -> bool:
    """Return whether columns can be read as the roles say; a zone behind a fraction becomes fixed."""
    timed = [index for index, role in enumerate(roles) if role == _TIME]
    fractions = [index for index, role in enumerate(roles) if role == _FRACTION]
    took = [index for index, role in enumerate(roles) if role == _DURATION]
    for index in timed:
        if fractions and index > fractions[0]:
            roles[index] = _FIXED
    before = [index for index in timed if roles[index] == _TIME]
    return (
        (bool(before) or not is_timed)
        and len(fractions) <= 1
        and (not fractions or (bool(before) and fractions[0] == before[-1] + 1))
        and roles.count(_STATUS) <= 1
        and all(second - first == 1 for first, second in pairwise(took))
    )


def _role(base: Seen, other: Seen | None) -> int:
    """Return what digits hold whose change made `other` of `base`."""
    if other is None or other.facts != base.facts:
        return _FIXED
    changed = (other.at != base.at, other.status != base.status, other.duration != base.duration)
    if sum(changed) > 1:
        return _FIXED
    if changed[0]:
        return _FRACTION if (other.at or 0) // 1 == (base.at or 0) // 1 else _TIME
    return _STATUS if changed[1] else _DURATION if changed[2] else _FREE


def _with_other_digits(unit: bytes, span: Span) -> Iterable[bytes]:
    start, end = span
    run, size = unit[start:end], end - start
    following = run.translate(_NEXT_DIGITS)
    if size > 1 and run[:1] == b"9":  # not a zero in front: that is no number in JSON
        following = b"8" + following[1:]
    for digits in (following, b"1" * size, (b"10" * size)[:size]):
        if digits != run:
            yield unit[:start] + digits + unit[end:]


def _with_other_ids(unit: bytes, span: Span) -> Iterable[bytes]:
    start, end = span
    for digits in _OTHER_IDS:
        filled = iter(digits * (end - start))
        other = bytes(45 if old == 45 else next(filled) for old in unit[start:end])  # hyphens stay
        yield unit[:start] + other + unit[end:]


def _digits_decide(skeleton: bytes) -> bool:
    """Return whether the unit might be an error or event of another class with other digits."""
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
                found.add(text.encode().translate(ZEROS).decode())
    for each in found:
        words.Add(re2.escape(each))
    words.Compile()
    return words

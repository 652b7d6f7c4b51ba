"""Blocks of lines -> Digest, without reading each: most differ from a known line in their digits only.

What a line, or an error with its traceback, reports is learned from its first ones (`learned`); from then on
it costs a look-up, and a row in columns of numbers (`columns`, `counting`). What reports an event or has no
shape yet goes to the scan, with the line before it, so that the answer is the same. Lines that an engine has
kept come with their times (`stamped`), which count in place of those in the lines.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import repeat

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from incident_lib.technologies.logs.probes.columns import (
    DIGITS,
    LETTERS,
    Bytes,
    Columns,
    Flags,
    Floats,
    Numbers,
    PlanTable,
    read_columns,
    stamped_columns,
    zeroed,
)
from incident_lib.technologies.logs.probes.counting import Batch, count_batch
from incident_lib.technologies.logs.probes.digest import OTHER, Digest
from incident_lib.technologies.logs.probes.learned import (
    HEX,
    MOST_LINES,
    Form,
    Learner,
    Plan,
    Seen,
    Shape,
)
from incident_lib.technologies.logs.probes.line import Mark, Opened, Opening, clean
from incident_lib.technologies.logs.probes.multiline import PAUSE
from incident_lib.technologies.logs.probes.scan import Scan
from incident_lib.technologies.logs.probes.stamped import Stamped

_BLOCK_BYTES = 4 * 1024 * 1024
_MARKS = 5_000  # that are kept apart
_SKELETONS = 60_000  # that are remembered


class Shapes:
    """Counts blocks of lines into the digest of a scan. Lines are given as `opening` takes them, or stamped.

    Blocks are kept until there are `block_bytes` of them: each that is counted has costs of its own.
    """

    def __init__(
        self,
        scan: Scan,
        opening: Opening,
        mark: Mark = lambda _text: "",
        *,
        block_bytes: int = _BLOCK_BYTES,
    ) -> None:
        self.scan = scan
        self.marks: Counter[str] = Counter()
        self.lines = self.slow_lines = 0
        self._opening, self._mark = opening, mark
        self._plans = _Plans(Learner(scan, opening, mark))
        self._stamped_plans = _Plans(Learner(scan, None, mark))
        self._block_bytes, self._kept_bytes = block_bytes, 0
        self._kept: list[bytes] = []
        self._kept_at: list[Floats] = []  # of each of these, where they are stamped

    def feed_block(self, block: bytes | Stamped) -> None:
        """Count the lines of a block, which ends where a line ends, now or with the next ones."""
        if isinstance(block, Stamped):
            if len(self._kept_at) < len(self._kept):
                self._count_kept()
            self._kept_at.append(block.at)
            text = block.text
        else:
            if self._kept_at:
                self._count_kept()
            text = block
        self._kept.append(text)
        self._kept_bytes += len(text)
        if self._kept_bytes >= self._block_bytes:
            self._count_kept()

    def finish(self, following: Iterable[str] = ()) -> Digest:
        """Return the digest, as `Scan.finish`."""
        self._count_kept()
        return self.scan.finish(following)

    def _count_kept(self) -> None:
        block = b"".join(self._kept)
        at = np.concatenate(self._kept_at) if self._kept_at else None
        self._kept, self._kept_at, self._kept_bytes = [], [], 0
        if block:
            plans = self._plans if at is None else self._stamped_plans
            units = _Units(plans, _Lines(block, at), self.lines, self.scan.at)
            self._feed_in_order(units)
            for number, indices in units.ordinary():
                self._count(units, plans.learner.shapes[number], indices)

    def _feed_in_order(self, units: "_Units") -> None:
        """Feed the units without a plan to the scan, each with the one before it, and so the last one.

        What is open may go on in the next unit, also in that of the next block.
        """
        scan, fed = self.scan, 0
        for index in units.without_plan(scan):
            if index < fed:
                continue
            place = max(index - 1, fed)
            if place > fed and not units.columns.is_timed[place]:
                scan.at = units.time_before(place, fed - 1)
            while place <= index or (place < len(units) and scan.is_unfinished):
                self._feed(units, place)
                units.is_fed[place] = True
                units.fed_at[place] = np.nan if scan.at is None else scan.at
                place += 1
            fed = place

    def _feed(self, units: "_Units", place: int) -> None:
        for text, at, cut in units.opened(place, self._opening):
            self.lines += 1
            self.slow_lines += 1
            self.scan.feed(text, at, cut=cut)
            if mark := self._mark(text):
                self._count_mark(mark, 1)

    def _count_mark(self, mark: str, count: int) -> None:
        self.marks[mark if mark in self.marks or len(self.marks) < _MARKS else OTHER] += count

    def _count(self, units: "_Units", shape: Shape, indices: Numbers) -> None:
        self.lines += shape.facts.opened_lines * len(indices)
        for mark, times in shape.facts.marks:
            self._count_mark(mark, times * len(indices))
        at = units.at[indices]
        start, end = self.scan.window
        is_dated = ~np.isnan(at)
        undated, dated = indices[~is_dated], indices[is_dated & (at >= start) & (at <= end)]
        for chosen in (undated, _by_time(dated, units.at[dated])):
            if not len(chosen):
                continue
            has_time = chosen is not undated
            batch = Batch(
                shape=shape,
                seconds=units.seconds[chosen] if has_time else None,
                at=units.at[chosen] if has_time else None,
                statuses=units.columns.statuses[chosen],
                durations=units.columns.durations[chosen],
                exact=partial(units.exact, chosen),
                read=partial(units.read, chosen),
            )
            count_batch(self.scan.digest, batch, over_time=self.scan.over_time)


def _by_time(indices: Numbers, at: Floats) -> Numbers:
    """Return the indices in the order of their times: in most logs they have it."""
    return indices if (at[1:] >= at[:-1]).all() else indices[np.argsort(at, kind="stable")]


class _Plans:
    """Finds the plans of units by their skeletons."""

    def __init__(self, learner: Learner) -> None:
        self.learner, self.table = learner, PlanTable()
        self._by_skeleton: dict[bytes, int] = {}
        self._by_hex: dict[bytes, int] = {}  # those whose ids differ

    def numbers(self, block: "_Lines", so_far: int) -> Numbers:
        """Return the number of each line's plan, 0 for one that has none."""
        skeletons = block.skeletons
        found = _numbers(self._by_skeleton, skeletons)
        unknown = np.flatnonzero(found < 0)
        if len(unknown):
            joined = b"\n".join([skeletons[index] for index in unknown.tolist()])
            keys = zeroed(np.frombuffer(joined, dtype=np.uint8), LETTERS).split(b"\n")
            by_hex = _numbers(self._by_hex, keys)
            for place in np.flatnonzero(by_hex < 0).tolist():
                index = int(unknown[place])
                by_hex[place] = self._new(block, (index, index + 1), keys[place], so_far)
            found[unknown] = by_hex
        return found

    def number_of_record(self, block: "_Lines", lines: tuple[int, int], so_far: int) -> int:
        """Return the number of the plan of lines that belong together."""
        skeleton = b"\n".join(block.skeletons[slice(*lines)])
        number = self._by_skeleton.get(skeleton, -1)
        if number >= 0:
            return number
        key = skeleton.translate(HEX)
        number = self._by_hex.get(key, -1)
        return number if number >= 0 else self._new(block, lines, key, so_far)

    def _new(self, block: "_Lines", lines: tuple[int, int], key: bytes, so_far: int) -> int:
        skeleton = block.skeletons[lines[0]] if lines[1] - lines[0] == 1 else block.skeleton(lines)
        number = self._by_hex.get(key, self._by_skeleton.get(skeleton, -1))  # it may have come in this block
        if number >= 0:
            return number
        planned = self.learner.planned(block.text(lines), skeleton, so_far)
        if planned is None:
            return 0
        plan = self._taken(planned, skeleton)
        if len(self._by_skeleton) + len(self._by_hex) < _SKELETONS:
            table, name = (self._by_hex, key) if plan.ids else (self._by_skeleton, skeleton)
            table[name] = planned
        return planned

    def _taken(self, number: int, skeleton: bytes) -> Plan:
        plan = self.learner.plans[number]
        self.table.set(number, plan, skeleton)
        return plan

    def check(self, units: "_Units", plans: Numbers, so_far: int) -> None:
        """Give other plans, or none, to units that differ in what may not differ."""
        order = np.argsort(plans.astype(np.uint16), kind="stable")  # two bytes are sorted by counting
        for indices in np.split(order, np.flatnonzero(np.diff(plans[order])) + 1):
            plan = self.learner.plans[plans[indices[0]]]
            if plan.ids:
                is_like = _have_ids(units, indices, plan)
                plans[indices[~is_like]] = 0
            else:
                is_like = np.ones(len(indices), dtype=np.bool_)
            if plan.fixed:
                kept = indices[is_like]
                is_like = _are_like(units.bytes, units.starts[kept], plan.fixed, plan.fixed_digits)
                for index in kept[~is_like].tolist():
                    plans[index] = self._other(plan, units.text(index), units.skeleton(index), so_far)

    def _other(self, plan: Plan, unit: bytes, skeleton: bytes, so_far: int) -> int:
        number = self.learner.planned_anew(plan, unit, skeleton, so_far)
        if number:
            self._taken(number, skeleton)
        return number or 0


def _numbers(table: dict[bytes, int], keys: list[bytes]) -> Numbers:
    """Return what the table has for the keys, -1 for those it does not have."""
    return np.fromiter(map(table.get, keys, repeat(-1)), dtype=np.int64, count=len(keys))


def _have_ids(units: "_Units", indices: Numbers, plan: Plan) -> Flags:
    """Return which units have the ids of a plan: no letters alone, and the same words around them."""
    rows = sliding_window_view(units.skeleton_bytes, len(plan.around_ids))[units.starts[indices]]
    around = np.frombuffer(plan.around_ids, dtype=np.uint8)
    is_like: Flags = ((rows == around) | (around == 0)).all(axis=1)
    for span in plan.ids:
        is_like &= (rows[:, slice(*span)] == ord("0")).any(axis=1)
    return is_like


def _are_like(block: Bytes, starts: Numbers, columns: tuple[int, ...], text: bytes) -> Flags:
    places = starts[:, None] + np.array(columns, dtype=np.int64)
    return np.asarray((block[places] == np.frombuffer(text, dtype=np.uint8)).all(axis=1))


class _Lines:
    """The lines of a block, and when an engine says that each was written, if it does."""

    def __init__(self, block: bytes, at: Floats | None) -> None:
        self.at = at
        raw: Bytes = np.frombuffer(block, dtype=np.uint8)
        self.block, self.skeleton_block = block, zeroed(raw, DIGITS)
        self.skeletons = self.skeleton_block.split(b"\n")
        if not self.skeletons[-1]:
            del self.skeletons[-1]
        self.bytes: Bytes = raw
        ends = np.flatnonzero(self.bytes == ord("\n")).astype(np.int64)
        self.ends: Numbers = np.append(ends, len(block)) if len(ends) < len(self.skeletons) else ends
        self.starts: Numbers = np.append(0, self.ends[:-1] + 1)

    def text(self, lines: tuple[int, int]) -> bytes:
        """Return some lines."""
        return self.block[self.starts[lines[0]] : self.ends[lines[1] - 1]]

    def skeleton(self, lines: tuple[int, int]) -> bytes:
        """Return the skeleton of some lines."""
        return self.skeleton_block[self.starts[lines[0]] : self.ends[lines[1] - 1]]

    def may_be_joined(self, lines: tuple[int, int]) -> bool:
        """Return whether the lines were written without a pause that ends a message."""
        return self.at is None or bool((self.at[slice(*lines)] - self.at[lines[0]] <= PAUSE).all())


class _Units:
    """The units of a block, and when each was written."""

    def __init__(self, plans: _Plans, lines: _Lines, so_far: int, begin_at: float | None) -> None:
        numbers = plans.numbers(lines, so_far)
        is_begin = self._join(plans, lines, numbers, so_far)
        self.bytes, self._block, self._skeleton_block = lines.bytes, lines.block, lines.skeleton_block
        self.skeleton_bytes: Bytes = np.frombuffer(lines.skeleton_block, dtype=np.uint8)
        begins = np.flatnonzero(is_begin)
        self.starts: Numbers = lines.starts[begins]
        self.ends: Numbers = lines.ends[np.append(begins[1:], len(numbers)) - 1]
        numbers = numbers[begins]
        plans.check(self, numbers, so_far)
        self._learner, self._begin_at = plans.learner, begin_at
        self._line_at, self._first_lines = lines.at, begins
        self.columns: Columns
        if lines.at is None:
            self.columns = read_columns(plans.table, self.bytes, self.starts, numbers, self._resolved)
        else:
            self.columns = stamped_columns(plans.table, self.bytes, self.starts, numbers, lines.at[begins])
        self.is_fed: Flags = np.zeros(len(numbers), dtype=np.bool_)
        self.fed_at: Floats = np.full(len(numbers), np.nan)
        indices = np.arange(len(numbers))
        self._timed_before: Numbers = np.maximum.accumulate(np.where(self.columns.is_timed, indices, -1))
        self._sources: Numbers = self._timed_before
        self.at: Floats = self.fed_at
        self.seconds: Numbers = self._sources

    def __len__(self) -> int:
        return len(self.starts)

    def text(self, index: int) -> bytes:
        """Return the lines of a unit."""
        return self._block[self.starts[index] : self.ends[index]]

    def opened(self, index: int, opening: Opening) -> Iterator[Opened]:
        """Yield the lines of a unit that count, as the scan takes them."""
        lines = self.text(index).split(b"\n")
        if self._line_at is None:
            yield from filter(None, map(opening, lines))
            return
        for number, line in enumerate(lines, int(self._first_lines[index])):
            text, cut = clean(line.decode("utf-8", "replace"))
            yield text, float(self._line_at[number]), cut

    def skeleton(self, index: int) -> bytes:
        """Return the lines of a unit, their digits as zeros."""
        return self._skeleton_block[self.starts[index] : self.ends[index]]

    @staticmethod
    def _join(plans: _Plans, lines: _Lines, numbers: Numbers, so_far: int) -> Flags:
        """Join lines without a plan to that before them where the whole has one; return which begin units."""
        is_begin: Flags = np.ones(len(numbers), dtype=np.bool_)
        edges = np.diff(np.concatenate([[1], numbers > 0, [1]]).astype(np.int8))
        for first, end in zip(np.flatnonzero(edges < 0), np.flatnonzero(edges > 0), strict=True):
            record = (int(first) - 1, int(end))
            if first and end - first < MOST_LINES and lines.may_be_joined(record):
                number = plans.number_of_record(lines, record, so_far)
                if number:
                    numbers[first - 1] = number
                    is_begin[first:end] = False
        return is_begin

    def _resolved(self, form: Form, digits: int, plan: int, index: int) -> int:
        return self._learner.second(form, digits, self._learner.plans[plan].second, self.text(index))

    def without_plan(self, scan: Scan) -> Iterator[int]:
        """Return the units to be read, in order: also those at the ends of the window, and the last one."""
        columns, (start, end) = self.columns, scan.window
        is_slow = columns.shapes < 0
        if scan.is_bounded:
            at = columns.seconds
            is_slow |= columns.is_timed & (at <= start) & (start < at + 1)
            is_slow |= columns.is_timed & (at <= end) & (end < at + 1)
        is_slow[0] |= scan.is_unfinished
        is_slow[-1] = True
        yield from np.flatnonzero(is_slow).tolist()

    def time_before(self, index: int, last_fed: int) -> float | None:
        """Return the time of what stands before a unit that has none; `last_fed` is -1 where none was fed."""
        timed = int(self._timed_before[index])
        if timed > last_fed:
            return self._learner.moment(self.text(timed))
        if last_fed < 0:
            return self._begin_at
        at = float(self.fed_at[last_fed])
        return None if np.isnan(at) else at

    def ordinary(self) -> Iterator[tuple[int, Numbers]]:
        """Return the units that were not fed, by their shapes, after working out when each was written."""
        columns, indices = self.columns, np.arange(len(self))
        is_source = columns.is_timed | self.is_fed
        self._sources = np.maximum.accumulate(np.where(is_source, indices, -1))
        own = np.where(self.is_fed, self.fed_at, columns.at)
        begin_at = np.nan if self._begin_at is None else self._begin_at
        self.at = np.where(self._sources < 0, begin_at, own[self._sources])
        from_fed = (self._sources < 0) | self.is_fed[self._sources]
        with np.errstate(invalid="ignore"):
            floors = np.floor(self.at).astype(np.int64)
        self.seconds = np.where(from_fed, floors, columns.seconds[self._sources])
        kept = np.flatnonzero(~self.is_fed)
        order = kept[np.argsort(columns.shapes[kept].astype(np.int16), kind="stable")]
        if len(order):
            for group in np.split(order, np.flatnonzero(np.diff(columns.shapes[order])) + 1):
                yield int(columns.shapes[group[0]]), group

    def read(self, chosen: Numbers, place: int) -> Seen | None:
        """Return what one of some units reports."""
        return self._learner.read(self.text(int(chosen[place])))

    def exact(self, chosen: Numbers, place: int) -> float:
        """Return the time of one of some units."""
        index = int(chosen[place])
        source = int(self._sources[index])
        if source < 0 or self.is_fed[source] or self._line_at is not None:
            return float(self.at[index])
        at = self._learner.moment(self.text(source))
        return float(self.at[index]) if at is None else at

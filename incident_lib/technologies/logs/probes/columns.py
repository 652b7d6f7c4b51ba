"""Fields of many units at once, as columns of numbers, by where their plans say that the digits stand."""

from collections.abc import Callable
from typing import TypeVar

import msgspec
import numpy as np
import numpy.typing as npt

from incident_lib.technologies.logs.probes.learned import MOST_DIGITS, Form, Plan, Span

N = TypeVar("N", bound=np.generic)
Numbers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Bytes = npt.NDArray[np.uint8]
DIGITS, LETTERS = b"0123456789", b"abcdef"  # the letters of hexadecimal numbers
_ZERO = 48
_ROWS = 256  # to begin with


def zeroed(raw: Bytes, characters: bytes) -> bytes:
    """Return the text with zeros in place of characters that follow each other in ASCII.

    >>> zeroed(np.frombuffer(b"/09: cafe", dtype=np.uint8), DIGITS)
    b'/00: cafe'
    """
    first = np.uint8(characters[0])
    above = raw - first  # a large number for what stands before them
    return (raw - (above + (first - np.uint8(_ZERO))) * (above < len(characters))).tobytes()


class Field:
    """Where the digits of a field stand, by plan."""

    def __init__(self) -> None:
        self._columns = np.zeros((_ROWS, MOST_DIGITS), dtype=np.int64)
        self._weights = np.zeros((_ROWS, MOST_DIGITS), dtype=np.int64)
        self._counts = np.zeros(_ROWS, dtype=np.int64)

    def set(self, number: int, skeleton: bytes, span: Span) -> None:
        """Take the place of the field in the units of a plan; an empty one reads as 0."""
        if number >= len(self._counts):
            self._columns, self._weights = _longer(self._columns), _longer(self._weights)
            self._counts = _longer(self._counts)
        columns = [column for column in range(*span) if skeleton[column] == _ZERO]
        count = self._counts[number] = len(columns)
        self._columns[number, :count] = columns
        self._weights[number, :count] = [10**power for power in reversed(range(count))]

    def read(self, block: Bytes, starts: Numbers, plans: Numbers) -> Numbers:
        """Return the number that the digits of each unit are."""
        found = np.zeros(len(plans), dtype=np.int64)
        counts = self._counts[plans]
        with_field = np.flatnonzero(counts)
        if len(with_field):
            plans = plans[with_field]
            width = int(counts.max())
            places = self._columns[plans, :width] + starts[with_field, None]
            digits = block[places].astype(np.int64) - _ZERO
            found[with_field] = np.einsum("ij,ij->i", digits, self._weights[plans, :width])
        return found


class Row(msgspec.Struct, frozen=True):
    """What all units of a plan have in common, as numbers."""

    shape: int = -1  # -1: they are read
    form: int = -1  # -1: they have no time
    least_status: int = 0
    most_status: int = 0
    status: int = 0  # of all, 0 where it differs
    lines: int = 1
    fraction_scale: float = 1.0
    duration_scale: float = 1.0


class PlanTable:
    """The plans as columns, by number."""

    def __init__(self) -> None:
        self.forms: list[Form] = []
        self.second, self.fraction, self.status, self.duration = Field(), Field(), Field(), Field()
        self.columns = {
            name: np.full(_ROWS, default) for name, default in msgspec.structs.asdict(Row()).items()
        }
        self._form_numbers: dict[int, int] = {}

    def set(self, number: int, plan: Plan, skeleton: bytes) -> None:
        """Take a plan, and a unit's skeleton."""
        shape, form = plan.shape, plan.form
        if shape is None:
            return
        if form is not None and id(form) not in self._form_numbers:
            self._form_numbers[id(form)] = len(self.forms)
            self.forms.append(form)
        is_read = plan.status[1] > 0
        row = Row(
            shape=shape.number,
            form=-1 if form is None else self._form_numbers[id(form)],
            least_status=100 if is_read else 0,
            most_status=shape.most_status,
            status=0 if is_read else shape.status,
            lines=shape.facts.lines,
            fraction_scale=10.0 ** skeleton.count(b"0", *plan.fraction),
            duration_scale=10.0 ** len(skeleton[slice(*plan.duration)].partition(b".")[2]),
        )
        for name, value in msgspec.structs.asdict(row).items():
            if number >= len(self.columns[name]):
                self.columns[name] = _longer(self.columns[name])
            self.columns[name][number] = value
        for field, span in (
            (self.second, plan.second),
            (self.fraction, plan.fraction),
            (self.status, plan.status),
            (self.duration, plan.duration),
        ):
            field.set(number, skeleton, span)


class Columns(msgspec.Struct, kw_only=True):
    """The units of a block."""

    shapes: Numbers  # -1 for a unit that is to be read: the other columns say nothing about it
    is_timed: Flags  # by itself
    seconds: Numbers  # of its time; -1 for one that no calendar holds
    at: Floats
    statuses: Numbers
    durations: Floats  # the digits with their decimals, in the unit of the log


Resolve = Callable[[Form, int, int, int], int]  # form, digits, number of a plan, index of a unit -> seconds


def read_columns(
    table: PlanTable, block: Bytes, starts: Numbers, plans: Numbers, resolve: Resolve
) -> Columns:
    """Return the columns of the units that start there, which have these plans."""
    columns = table.columns
    forms = columns["form"][plans]
    is_timed = forms >= 0
    seconds = np.full(len(plans), -1, dtype=np.int64)
    timed = np.flatnonzero(is_timed)
    digits = table.second.read(block, starts[timed], plans[timed])
    for number in np.unique(forms[timed]):
        of_form = np.flatnonzero(forms[timed] == number)
        keys, firsts, inverse = np.unique(digits[of_form], return_index=True, return_inverse=True)
        form = table.forms[number]
        known = form.seconds
        found = [known.get(key, -2) for key in keys.tolist()]
        for index, second in enumerate(found):
            if second == -2:
                unit = int(timed[of_form[firsts[index]]])
                found[index] = resolve(form, int(keys[index]), int(plans[unit]), unit)
        seconds[timed[of_form]] = np.array(found, dtype=np.int64)[inverse]
    fractions = table.fraction.read(block, starts, plans) / columns["fraction_scale"][plans]
    statuses = _statuses(table, block, starts, plans)
    is_wrong = (is_timed & (seconds < 0)) | (statuses < 0)
    return Columns(
        shapes=np.where(is_wrong, -1, columns["shape"][plans]),
        is_timed=is_timed & ~is_wrong,
        seconds=seconds,
        at=seconds + fractions,
        statuses=statuses,
        durations=_durations(table, block, starts, plans),
    )


def stamped_columns(table: PlanTable, block: Bytes, starts: Numbers, plans: Numbers, at: Floats) -> Columns:
    """Return the same columns of units whose times are known."""
    statuses = _statuses(table, block, starts, plans)
    return Columns(
        shapes=np.where(statuses < 0, -1, table.columns["shape"][plans]),
        is_timed=np.ones(len(plans), dtype=np.bool_),
        seconds=np.floor(at).astype(np.int64),
        at=at,
        statuses=statuses,
        durations=_durations(table, block, starts, plans),
    )


def _statuses(table: PlanTable, block: Bytes, starts: Numbers, plans: Numbers) -> Numbers:
    """Return the statuses, 0 for a unit without any, -1 for one that no unit of the plan has."""
    columns = table.columns
    statuses = table.status.read(block, starts, plans) + columns["status"][plans]
    is_wrong = (statuses > columns["most_status"][plans]) | (statuses < columns["least_status"][plans])
    return np.where(is_wrong, -1, statuses)


def _durations(table: PlanTable, block: Bytes, starts: Numbers, plans: Numbers) -> Floats:
    return np.asarray(
        table.duration.read(block, starts, plans) / table.columns["duration_scale"][plans], dtype=np.float64
    )


def _longer(array: npt.NDArray[N]) -> npt.NDArray[N]:
    return np.concatenate([array, np.zeros_like(array)])

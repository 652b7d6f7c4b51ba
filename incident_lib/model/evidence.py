"""Evidence: what one probe saw of one target at one moment, or why it could not see."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar

import msgspec

from incident_lib.errors import ProblemKind, TargetError
from incident_lib.model import drawing, shown
from incident_lib.model.rows import Row, decode_row, decode_rows, tag_of
from incident_lib.units import format_count

R = TypeVar("R", bound=Row)

_STALL_SECONDS, _STALL_RATIO = 0.3, 0.4


class EvidenceStatus(StrEnum):
    """How much a probe saw."""

    COLLECTED = "collected"
    PARTIAL = "partial"  # rows are there, and `problem` says what is missing
    FAILED = "failed"
    SKIPPED = "skipped"


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """Why something could not be seen, and what to do about it."""

    kind: ProblemKind
    message: str
    advice: str = ""
    numbers: dict[str, float] = {}  # what the message says in numbers, by name with unit
    answered: bool = False  # the target itself gave up in time and said so: that is no silence

    @classmethod
    def from_error(cls, error: TargetError) -> "Problem":
        """Return the problem that `error` carries."""
        return cls(
            kind=error.kind,
            message=error.message,
            advice=error.advice,
            numbers=error.numbers,
            answered=error.answered,
        )


class Truncation(msgspec.Struct, frozen=True, kw_only=True):
    """A cap that was reached. `total` is None when the rest was not counted."""

    kept: int
    total: int | None = None
    unit: str = "rows"


class Attachment(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes next to the rows, such as log text: the folder drains `chunks` through redaction into `path`."""

    name: str  # a plain file name: "backend.log"
    chunks: Iterable[bytes] = ()
    path: str = ""  # relative to the snapshot, once stored
    size_bytes: int | None = None


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """What one probe collected from one target at one time, or why it could not."""

    probe: str  # "postgres.locks"; the same string names file, analyzer and notebook heading
    target: str  # name from the configuration, never a DSN
    status: EvidenceStatus
    collected_at: datetime  # aware, UTC
    duration_seconds: float
    source: str  # the statement, command or URL that was run, and from where it was seen
    rows: tuple[Row, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    problem: Problem | None = None
    truncated: Truncation | None = None
    stalled_seconds: float = 0.0  # of the duration, in which the workbench itself did not run

    def __repr__(self) -> str:
        why = f": {self.problem.message}" if self.problem else ""
        count = format_count(len(self.rows), "record")
        return shown.line("Evidence", f"{self.ref} {self.status}, {count}{why}")

    def _repr_html_(self) -> str:
        """Return what a cell shows."""
        values = {
            "status": self.status,
            "records": format_count(len(self.rows), "record"),
            "kinds": tuple(dict.fromkeys(tag_of(type(row)) for row in self.rows)),
            "collected": self.collected_at,
            "problem": self.problem.message if self.problem else "",
            "what to do": self.problem.advice if self.problem else "",
            "source": self.source,
        }
        return shown.facts(self.ref, values)

    def plot(
        self, *, ax: Any = None, onset: datetime | None = None, changes: Sequence[drawing.Change] = ()
    ) -> Any:
        """Return matplotlib axes with its numbers drawn; a sentence if it has none.

        `ax` draws into axes of yours. `onset` and `changes` are marked: `case.onset`, `case.changes`.
        """
        return drawing.draw(self, onset=onset, changes=changes, ax=ax)

    @property
    def is_late_by_us(self) -> bool:
        """Whether the workbench was suspended for so long that the wait says nothing about the target."""
        return self.stalled_seconds >= max(_STALL_SECONDS, _STALL_RATIO * self.duration_seconds)

    @property
    def ref(self) -> str:
        """The name that findings point at: `db/postgres.locks`."""
        return f"{self.target}/{self.probe}"

    @property
    def has_rows(self) -> bool:
        """Whether there are rows to analyze: collected completely or in part."""
        return self.status in {EvidenceStatus.COLLECTED, EvidenceStatus.PARTIAL}

    def of(self, row_type: type[R]) -> tuple[R, ...]:
        """Return the rows of one type, in order."""
        return tuple(row for row in self.rows if isinstance(row, row_type))


class _Stored(Evidence, frozen=True, kw_only=True):
    """Evidence whose records are not decoded yet: their types are known only when all technologies are."""

    rows: msgspec.Raw = msgspec.Raw(b"[]")  # type: ignore[assignment]  # decoded by its tag later


def decode_evidence(data: bytes) -> Evidence:
    """Return the evidence in a JSON document. Errors: msgspec.MsgspecError."""
    stored = msgspec.json.decode(data, type=_Stored)
    fields = {name: getattr(stored, name) for name in stored.__struct_fields__}
    return Evidence(**fields | {"rows": decode_rows(stored.rows)})


def convert_evidence(stored: dict[str, Any]) -> Evidence:
    """Return the evidence in builtin types. Errors: msgspec.ValidationError."""
    rows = tuple(decode_row(row) for row in stored.get("rows", ()))
    return msgspec.structs.replace(msgspec.convert(stored | {"rows": ()}, Evidence), rows=rows)

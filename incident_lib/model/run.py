"""The record of one run: what became of every notebook and every cell."""

from datetime import datetime
from enum import StrEnum

import msgspec


class ExecutionStatus(StrEnum):
    """What became of a cell or a notebook."""

    COMPLETED = "completed"
    FAILED = "failed"  # it raised, or could not start
    TIMED_OUT = "timed_out"
    KERNEL_DIED = "kernel_died"
    INTERRUPTED = "interrupted"
    NOT_RUN = "not_run"


class RunStatus(StrEnum):
    """What became of a run."""

    RUNNING = "running"  # only in the first index; a run that ends has another status
    DONE = "done"
    PARTIAL = "partial"  # every page is there, and says which notebook did not complete
    INTERRUPTED = "interrupted"


class CellRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One code cell."""

    index: int  # among all cells of the executed notebook
    id: str
    status: ExecutionStatus = ExecutionStatus.NOT_RUN
    seconds: float | None = None  # None: never started
    error: str = ""


class NotebookRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One notebook: `error` says in one line why it did not complete."""

    name: str
    status: ExecutionStatus = ExecutionStatus.NOT_RUN
    seconds: float | None = None
    error: str = ""
    html: str = ""  # relative to the run
    cells: tuple[CellRecord, ...] = ()
    kernel_said: str = ""  # what its kernel wrote beside the cells, such as warnings of a library


class RunRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One execution of notebooks: the content of run.json."""

    schema: int = 1
    id: str
    started_at: datetime
    ended_at: datetime | None = None
    snapshot: str
    status: RunStatus = RunStatus.INTERRUPTED
    notebooks: tuple[NotebookRecord, ...] = ()

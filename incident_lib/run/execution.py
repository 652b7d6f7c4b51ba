"""One notebook through one kernel, with an honest record of every cell."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from incident_lib import clock
from incident_lib.model.run import CellRecord, ExecutionStatus, NotebookRecord
from incident_lib.redact import Redactor
from incident_lib.run import kernels, outputs
from incident_lib.run.kernels import Kernel, KernelError
from incident_lib.run.lean import prepare

OUTPUT_CHARACTERS = 4_000_000  # of one cell; the rest is dropped, and a note says so


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be run, and until when."""

    name: str
    notebook: Any  # changed in place: outputs, execution counts
    deadline: float  # of clock.monotonic()
    redactor: Redactor
    kernel_name: str = ""
    directory: Path | None = None
    begin: Callable[[int], None] = lambda _index: None  # called with each cell before it starts
    ended: Callable[[], None] = lambda: None  # called when the last one has ended, before its kernel has


async def execute(job: Job) -> NotebookRecord:
    """Return the record of running `job`; its notebook then holds the outputs, redacted.

    A cell that fails, hangs or takes its kernel with it ends this notebook and nothing else. An
    interruption (cancelling) is recorded too and does not get out, because the record must be written.
    """
    started = clock.monotonic()
    cells = {cell.index: cell for cell in _clean(job.notebook)}
    status, error, written = await _through_kernel(job, cells)
    outputs.redact(job.notebook, job.redactor)
    record = NotebookRecord(
        name=job.name,
        status=status,
        seconds=round(clock.monotonic() - started, 3),
        error=job.redactor.text(error),
        cells=tuple(cells.values()),
        kernel_said=job.redactor.text(written),
    )
    annotate(job.notebook, record)
    return record


def refused(name: str, notebook: Any, error: str) -> NotebookRecord:
    """Return the record of a notebook that was not started because of `error`."""
    cells = tuple(_clean(notebook))
    record = NotebookRecord(name=name, status=ExecutionStatus.FAILED, error=error, cells=cells)
    annotate(notebook, record)
    return record


def annotate(notebook: Any, record: NotebookRecord) -> None:
    """Write the record into the notebook's metadata, for those who have only the file."""
    notebook.metadata["incident"] = {"status": record.status.value, "error": record.error}
    for cell in record.cells:
        notebook.cells[cell.index].metadata["incident"] = {
            "status": cell.status.value,
            "seconds": cell.seconds,
        }


def _clean(notebook: Any) -> list[CellRecord]:
    """Forget earlier outputs and return a record, NOT_RUN, of each code cell."""
    records = []
    for index, cell in enumerate(notebook.cells):
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
            records.append(CellRecord(index=index, id=cell.get("id", "")))
    return records


async def _through_kernel(job: Job, cells: dict[int, CellRecord]) -> tuple[ExecutionStatus, str, str]:
    """Return how it ended, why, and what the kernel wrote outside its cells."""
    kernel: Kernel | None = None
    ended: tuple[ExecutionStatus, str] | None = None
    name = job.kernel_name or job.notebook.metadata.get("kernelspec", {}).get("name", kernels.NATIVE)
    try:
        async with (
            asyncio.timeout(max(0.0, job.deadline - clock.monotonic())) as limit,
            kernels.started(name, directory=job.directory) as kernel,
        ):
            limit.reschedule(None)  # from here the deadline is kept cell by cell
            ended = await _run_cells(job, kernel, cells)
            job.ended()
    except KernelError as error:
        ended = ExecutionStatus.FAILED, str(error)
    except TimeoutError:
        ended = ExecutionStatus.TIMED_OUT, "the deadline of the run passed before its kernel was ready"
    except asyncio.CancelledError:
        _forgive()  # what ended is not undone by an interruption while its kernel is stopped
        ended = ended or (ExecutionStatus.INTERRUPTED, "interrupted before its kernel was ready")
    return *ended, kernel.output.text if kernel else ""


async def _run_cells(job: Job, kernel: Kernel, cells: dict[int, CellRecord]) -> tuple[ExecutionStatus, str]:
    client = _client(job.notebook, kernel)
    for index in list(cells):
        job.begin(index)
        started = clock.monotonic()
        status, error = await _run_cell(job, client, kernel, index)
        cells[index] = msgspec.structs.replace(
            cells[index],
            status=status,
            seconds=round(clock.monotonic() - started, 3),
            error=job.redactor.text(error),
        )
        if status is not ExecutionStatus.COMPLETED:
            return status, f"cell {position(job.notebook, index)}: {error}"
    return ExecutionStatus.COMPLETED, ""


async def _run_cell(job: Job, client: Any, kernel: Kernel, index: int) -> tuple[ExecutionStatus, str]:
    from nbclient.exceptions import CellExecutionError, DeadKernelError

    cell = job.notebook.cells[index]
    task = asyncio.ensure_future(client.async_execute_cell(cell, index))
    try:
        finished, _ = await asyncio.wait({task}, timeout=max(0.0, job.deadline - clock.monotonic()))
        if not finished:
            return ExecutionStatus.TIMED_OUT, "still running when the deadline of the run passed"
        await task
    except CellExecutionError as error:
        return ExecutionStatus.FAILED, f"{error.ename}: {error.evalue}"
    except DeadKernelError:
        return ExecutionStatus.KERNEL_DIED, await kernel.death() or "the kernel died"
    except asyncio.CancelledError:
        _forgive()
        return ExecutionStatus.INTERRUPTED, "interrupted while it ran"
    finally:
        if not task.done():
            kernel.kill()
            task.cancel()
            with suppress(DeadKernelError, asyncio.CancelledError):
                await task
    return ExecutionStatus.COMPLETED, ""


def position(notebook: Any, index: int) -> int:
    """Return the number of a cell as a reader counts: the code cells from 1."""
    return sum(cell.cell_type == "code" for cell in notebook.cells[: index + 1])


def _forgive() -> None:
    """Treat the cancellation of this task as handled: what follows is writing the record."""
    if task := asyncio.current_task():
        task.uncancel()


def _client(notebook: Any, kernel: Kernel) -> Any:
    """Return nbclient's client for the kernel, with a bound on what one cell may write."""
    prepare()
    from nbclient import NotebookClient

    class Bounded(NotebookClient):  # type: ignore[misc]  # nbclient has no types
        def output(self, outs: Any, msg: Any, display_id: Any, cell_index: int) -> Any:
            """Return the output as nbclient makes it, as long as the cell has not written too much."""
            self.written[cell_index] = self.written.get(cell_index, 0) + len(str(msg["content"]))
            if self.written[cell_index] <= OUTPUT_CHARACTERS:
                return super().output(outs, msg, display_id, cell_index)
            if cell_index not in self.cut:
                self.cut.add(cell_index)
                text = f"\n[the cell wrote more than {OUTPUT_CHARACTERS} characters; the rest is not kept]\n"
                note = {**msg, "msg_type": "stream", "content": {"name": "stderr", "text": text}}
                note["header"] = {**msg["header"], "msg_type": "stream"}
                return super().output(outs, note, None, cell_index)
            return None

    client = Bounded(notebook, km=kernel.manager, coalesce_streams=True)
    client.written, client.cut = {}, set()
    client.kc = kernel.client
    return client

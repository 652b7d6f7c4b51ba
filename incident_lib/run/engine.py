"""The papermill engine `incident`: `papermill --engine incident 20_database.ipynb out.ipynb -p incident ID`.

papermill's engine reports `completed` for cells that never ran when a kernel dies or a cell hangs, and only
warns about parameters that the notebook does not have. This engine refuses those, and reports what happened.

papermill loads this module by its entry point while papermill itself is being imported, so nothing here may
import papermill at the top; an engine is whatever has these three methods.
"""

from pathlib import Path
from typing import Any

from incident_lib import clock, config
from incident_lib.errors import WorkbenchError
from incident_lib.incident.files import write_atomic
from incident_lib.model.run import ExecutionStatus, NotebookRecord
from incident_lib.run import execution, parameters
from incident_lib.run.lean import prepare
from incident_lib.run.loop import drive

DEADLINE_SECONDS = 300.0
_PAPERMILL = {ExecutionStatus.COMPLETED: "completed", ExecutionStatus.NOT_RUN: "pending"}


class NotebookFailedError(WorkbenchError):
    """A notebook that did not complete, for callers that want an exception."""


class IncidentEngine:
    """Runs a notebook for papermill, with the workbench's record and refusals."""

    @classmethod
    def execute_notebook(cls, nb: Any, kernel_name: str, output_path: Any = None, **options: Any) -> Any:
        """Return `nb` executed. Errors: NotebookFailedError, after the output has been written."""
        name = Path(str(options.get("input_path") or "the notebook")).stem
        record = run_one(nb, name, kernel_name, float(options.get("execution_timeout") or 0))
        mark_for_papermill(nb, record)
        if output_path:
            save(nb, Path(output_path))
        failed_cell = any(cell.status is ExecutionStatus.FAILED for cell in record.cells)
        if record.status is not ExecutionStatus.COMPLETED and not failed_cell:
            raise NotebookFailedError(record.error)  # a cell that raised is reported by papermill itself
        return nb

    @classmethod
    def nb_kernel_name(cls, nb: Any, name: str | None = None) -> Any:
        """Return the kernel that the notebook names."""
        from papermill.utils import nb_kernel_name

        return nb_kernel_name(nb, name)

    @classmethod
    def nb_language(cls, nb: Any, language: str | None = None) -> Any:
        """Return the notebook's language."""
        from papermill.utils import nb_language

        return nb_language(nb, language)


def register() -> None:
    """Make papermill know the engine where the package is not installed with its entry points."""
    from papermill.engines import papermill_engines

    papermill_engines.register("incident", IncidentEngine)


def run_one(nb: Any, name: str, kernel_name: str = "", seconds: float = 0) -> NotebookRecord:
    """Return the record of running one notebook whose parameters papermill has already put in."""
    from incident_lib.investigation.setup import redactor_for

    passed = nb.metadata.get("papermill", {}).get("parameters", {})
    try:
        parameters.check(name, parameters.declared(nb), passed)
        settings = config.load(str(passed.get("config", "")) or None)
    except WorkbenchError as error:
        return execution.refused(name, nb, str(error))
    job = execution.Job(
        name=name,
        notebook=nb,
        deadline=clock.monotonic() + (seconds or DEADLINE_SECONDS),
        redactor=redactor_for(settings),
        kernel_name=kernel_name,
        directory=settings.root,
    )
    return drive(execution.execute(job))


def mark_for_papermill(nb: Any, record: NotebookRecord) -> None:
    """Write each cell's status where papermill's tools expect it."""
    by_index = {cell.index: cell for cell in record.cells}
    for index, cell in enumerate(nb.cells):
        seen = by_index.get(index)
        status = _PAPERMILL.get(seen.status, "failed") if seen else "completed"
        cell.metadata["papermill"] = {
            "status": status,
            "exception": status == "failed",
            "duration": seen.seconds if seen else None,
        }
    about = nb.metadata.setdefault("papermill", {})
    about["exception"] = record.status is not ExecutionStatus.COMPLETED or None
    about["duration"] = record.seconds


def save(nb: Any, path: Path) -> None:
    """Write a notebook, whole or not at all."""
    prepare()
    import nbformat

    write_atomic(path, nbformat.writes(nb).encode())

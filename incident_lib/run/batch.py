"""Many notebooks at once: each gets its output, its page and its line in run.json, whatever happens."""

import asyncio
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self

import msgspec

from incident_lib import clock, signals
from incident_lib.errors import UsageError
from incident_lib.incident.documents import hide_notebook
from incident_lib.incident.files import write_atomic
from incident_lib.investigation.case import Case
from incident_lib.investigation.setup import redactor_for
from incident_lib.model.run import ExecutionStatus, NotebookRecord, RunRecord, RunStatus
from incident_lib.remediation.proposals import command_of, proposed_actions
from incident_lib.reports import page
from incident_lib.reports.index_page import IndexFacts, render_index
from incident_lib.reports.page import Frame
from incident_lib.resources import resource
from incident_lib.run import execution, export, kernels, parameters
from incident_lib.run.engine import save
from incident_lib.run.lean import prepare
from incident_lib.run.loop import drive
from incident_lib.technologies.logs.rows import LogBucket

JOBS = os.cpu_count() or 2

Progress = Callable[[NotebookRecord], None]


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be run on one case."""

    case: Case
    directory: Path  # of the run: notebooks/, html/, run.json
    notebooks: tuple[str, ...]  # names of shipped notebooks, or paths
    parameters: dict[str, str]
    jobs: int = JOBS
    deadline_seconds: float = 300.0
    progress: Progress = lambda _record: None
    kept: tuple[Path, ...] = ()  # notebooks that a person executed in the lab: rendered as they stand


_warming: list[threading.Thread] = []  # none, or what imports meanwhile


def begin_warm_up() -> None:
    """Import what running and rendering notebooks need, in a thread, while this one waits for servers."""
    if not _warming:
        _warming.append(threading.Thread(target=_warm_up, daemon=True, name="warm-up"))
        _warming[0].start()


def _warm_up() -> None:
    with suppress(Exception):  # it is met, and reported, where it is needed
        prepare()
        kernels.warm_up()
        export.warm_up()
        page.warm_up("index.html.j2")


def run_notebooks(batch: Batch) -> RunRecord:
    """Return the record of the run; its folder then holds every notebook, every page, the index and run.json.

    Interrupted (`signals.ENDING`) it ends the kernels, writes all of that too and returns INTERRUPTED.
    Without notebooks that is the index and run.json, and no Jupyter is imported. Sealing is the caller's.
    Errors: UsageError for a notebook that does not exist, FolderError.
    """
    if not (batch.notebooks or batch.kept):
        return _Run(batch, {}).finish(interrupted=False)
    kernels.begin(whole=False)
    for thread in _warming:  # two threads in the circular imports of jupyter_client would see half of it
        thread.join()
    prepare()
    sources = {_stem(name): find_notebook(name) for name in batch.notebooks}
    return drive(_Run(batch, sources).go())


def find_notebook(name: str) -> Path:
    """Return the file of a notebook: a shipped notebook by name, or a path. Errors: UsageError."""
    shipped = resource("notebooks", f"{_stem(name)}.ipynb")
    for path in (Path(name), shipped):
        if path.suffix == ".ipynb" and path.is_file():
            return path
    known = ", ".join(sorted(path.stem for path in resource("notebooks").glob("*.ipynb")))
    raise UsageError(f"no notebook {name!r}; there are: {known}")


class _Slot:
    """One of the places of kernels that work; it can be left before what it was taken for has ended."""

    def __init__(self, slots: asyncio.Semaphore) -> None:
        self._slots = slots
        self._is_taken = False

    async def __aenter__(self) -> Self:
        await self._slots.acquire()
        self._is_taken = True
        return self

    async def __aexit__(self, *_raised: object) -> None:
        self.leave()

    def leave(self) -> None:
        """Leave it to the next."""
        if self._is_taken:
            self._is_taken = False
            self._slots.release()


class _Run:
    """One run while it goes on."""

    def __init__(self, batch: Batch, sources: dict[str, Path]) -> None:
        self.batch = batch
        self.sources = sources
        self.redactor = redactor_for(batch.case.settings)
        self.span = clock.Span()
        self.deadline = clock.monotonic() + batch.deadline_seconds
        self.records = {name: NotebookRecord(name=name) for name in sources}
        self.worst = _worst_service(batch.case)
        self.chart = ""  # of the worst service, as a notebook drew it
        incident = batch.case.incident
        if incident is None:
            raise UsageError("a run needs an incident; declare one first")
        self.frame = Frame(
            incident=incident,
            snapshot=batch.case.snapshot,
            collected_at=batch.case.collected_at,
            made_at=self.span.began_at,
            notebooks=(*sources, *(f"{path.stem}_in_the_lab" for path in batch.kept)),
            proposed=batch.case.commands,
        )

    async def go(self) -> RunRecord:
        """Run everything and return the record."""
        slots = asyncio.Semaphore(max(1, self.batch.jobs))
        interrupted = False
        with _terminated():
            kernels.warm_up()  # first, and alone
            self.warming = asyncio.ensure_future(asyncio.to_thread(export.warm_up))
            work = [*(self._run(name, slots) for name in self.sources), self._begin_index()]
            work += [self._keep(path) for path in self.batch.kept]
            tasks = [asyncio.ensure_future(part) for part in work]
            try:
                await asyncio.gather(*tasks)
            except asyncio.CancelledError:
                interrupted = True
                if current := asyncio.current_task():
                    current.uncancel()
            except BaseException:  # a full disk: the other kernels are ended before that is reported
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                raise
            return self.finish(interrupted=interrupted)

    async def _begin_index(self) -> None:
        """Write the index with what is known already, while the first kernels start."""
        self._write_index(self._record(RunStatus.RUNNING))

    async def _run(self, name: str, slots: asyncio.Semaphore) -> None:
        """Run one notebook and write its output. An interruption is recorded and ends here."""
        notebook, record = self._load(name)
        if record.status is not ExecutionStatus.FAILED:
            try:
                async with _Slot(slots) as slot:
                    record = await execution.execute(
                        execution.Job(
                            name=name,
                            notebook=notebook,
                            deadline=self.deadline,
                            redactor=self.redactor,
                            directory=self.batch.case.settings.root,
                            ended=slot.leave,  # the next kernel starts while this one ends, and is rendered
                        )
                    )
            except asyncio.CancelledError:
                if task := asyncio.current_task():
                    task.uncancel()
                record = _never_run(record, notebook, "the run was interrupted before its turn")
        await self._ready_to_render()
        self.records[name] = self._write(notebook, record)
        self.batch.progress(self.records[name])

    async def _keep(self, path: Path) -> None:
        """Write a notebook of a person with the outputs that it has, redacted; it is not executed."""
        name = f"{path.stem}_in_the_lab"
        notebook, record = self._read(name, path)
        if record.status is not ExecutionStatus.FAILED:
            record = msgspec.structs.replace(record, status=ExecutionStatus.COMPLETED)
        hidden = hide_notebook(msgspec.to_builtins(dict(notebook)), self.redactor)
        await self._ready_to_render()
        self.records[name] = self._write(_as_notebook(hidden), record)

    async def _ready_to_render(self) -> None:
        """Wait until pages can be rendered; an interruption meanwhile is for what comes after."""
        while not self.warming.done():
            with suppress(asyncio.CancelledError):
                await asyncio.wait({self.warming})
        self.warming.result()

    def _read(self, name: str, path: Path) -> tuple[Any, NotebookRecord]:
        import nbformat

        try:
            return nbformat.read(path, as_version=4), NotebookRecord(name=name)
        except (OSError, ValueError, nbformat.ValidationError) as error:
            empty = nbformat.v4.new_notebook()
            return empty, execution.refused(name, empty, f"the file is not a notebook: {error}")

    def _load(self, name: str) -> tuple[Any, NotebookRecord]:
        notebook, record = self._read(name, self.sources[name])
        if record.status is ExecutionStatus.FAILED:
            return notebook, record
        try:
            parameters.check(name, parameters.declared(notebook), self.batch.parameters)
        except UsageError as error:
            return notebook, execution.refused(name, notebook, str(error))
        return parameters.inject(notebook, self.batch.parameters), NotebookRecord(name=name)

    def _write(self, notebook: Any, record: NotebookRecord) -> NotebookRecord:
        """Write a notebook and its page, and return the record with the page's place."""
        record = msgspec.structs.replace(record, html=f"html/{record.name}.html")
        save(notebook, self.batch.directory / "notebooks" / f"{record.name}.ipynb")
        if self.worst and not self.chart:
            self.chart = export.chart_in(notebook, f"{self.worst}: ")
        page = export.render_page(notebook, record, self.frame, self.batch.case.analysis)
        write_atomic(self.batch.directory / record.html, page.encode())
        return record

    def finish(self, *, interrupted: bool) -> RunRecord:
        """Return the record of the run, once it and the index are written."""
        complete = all(record.status is ExecutionStatus.COMPLETED for record in self.records.values())
        done = RunStatus.DONE if complete else RunStatus.PARTIAL
        record = self._record(RunStatus.INTERRUPTED if interrupted else done)
        self._write_index(record)
        data = msgspec.json.format(msgspec.json.encode(record), indent=1)
        write_atomic(self.batch.directory / "run.json", data)
        return record

    def _record(self, status: RunStatus) -> RunRecord:
        return RunRecord(
            id=self.batch.directory.name,
            started_at=self.span.began_at,
            ended_at=None if status is RunStatus.RUNNING else self.span.end(),
            snapshot=self.batch.case.snapshot,
            status=status,
            notebooks=tuple(self.records.values()),
        )

    def _write_index(self, record: RunRecord) -> None:
        index = render_index(index_facts(self.batch.case, self.frame, record, self.chart))
        write_atomic(self.batch.directory / "html" / "index.html", index.encode())


def index_facts(case: Case, frame: Frame, record: RunRecord, chart: str = "") -> IndexFacts:
    """Return what the index shows of `case` and of the run."""
    return IndexFacts(
        frame=frame,
        analysis=case.analysis,
        run=record,
        window=case.window,
        evidence=case.evidence,
        events=case.events,
        changes=case.changes,
        onset=case.onset,
        topology=case.topology,
        command=_next_command(case),
        chart=chart,
        attached=case.attached,
    )


def _next_command(case: Case) -> tuple[str, str]:
    """Return what a reader would type next: the likeliest change as a plan, else another look."""
    for action in proposed_actions(case.analysis, case.settings)[:1]:
        return f"{action.text}; this prints the plan and changes nothing:", command_of(action, case.commands)
    if case.folder and case.folder.is_foreign:
        return "", ""
    return "To check again:", case.commands.line("run")


def _worst_service(case: Case) -> str:
    """Return the service of which the log holds most errors, "" without any."""
    logs = [each for each in case.of("logs.lines") if each.of(LogBucket)]
    worst = max(logs, key=lambda each: sum(row.errors_count for row in each.of(LogBucket)), default=None)
    return worst.target if worst else ""


def _never_run(record: NotebookRecord, notebook: Any, reason: str) -> NotebookRecord:
    refused = execution.refused(record.name, notebook, reason)
    kept = msgspec.structs.replace(refused, status=ExecutionStatus.NOT_RUN)
    execution.annotate(notebook, kept)
    return kept


def _as_notebook(document: dict[str, Any]) -> Any:
    from nbformat import from_dict

    return from_dict(document)


def _stem(name: str) -> str:
    return Path(name).name.removesuffix(".ipynb")


@contextmanager
def _terminated() -> Iterator[None]:
    """Treat each signal that ends a command as an interruption; the second ends the kernels and exits.

    Only where signals can be handled, which is not in a thread of JupyterLab. A signal that is ignored stays
    ignored: nohup.
    """
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    before = {number: signal.getsignal(number) for number in signals.ENDING}

    def stop() -> None:
        """Cancel the run; when it is requested again, end."""
        signals.leave_lost_terminal()
        if stopped:
            kernels.kill_all()
            signals.exit_now()
        if task:
            stopped.append(task.cancel())

    stopped: list[bool] = []
    with suppress(NotImplementedError, RuntimeError, ValueError):
        for number, handler in before.items():
            if handler is not signal.SIG_IGN:
                loop.add_signal_handler(number, stop)
    try:
        yield
    finally:
        with suppress(NotImplementedError, RuntimeError, ValueError):
            for number, handler in before.items():
                if loop.remove_signal_handler(number):
                    signal.signal(number, handler)

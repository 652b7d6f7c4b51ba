"""`incident run`: collect or replay, judge, run the notebooks, render the pages."""

import argparse
from pathlib import Path

import msgspec
from rich.console import Console

from incident_lib import clock
from incident_lib.cli import DONE, INTERRUPTED, PARTIAL, terminal
from incident_lib.cli.arguments import print_json
from incident_lib.cli.console import console_for, plain, print_command, print_notice
from incident_lib.cli.stream import write_json
from incident_lib.clock import parse_duration
from incident_lib.config import Settings
from incident_lib.errors import FolderError, UsageError
from incident_lib.incident import folder as folders
from incident_lib.incident.binding import check_configuration
from incident_lib.incident.events import Draft
from incident_lib.incident.folder import IncidentFolder
from incident_lib.investigation.case import Case, open_case
from incident_lib.investigation.review import is_ready
from incident_lib.investigation.setup import load_settings, redactor_for, signer_for
from incident_lib.investigation.since import SINCE, since_for
from incident_lib.investigation.snapshot import window_since
from incident_lib.investigation.trend import most_risen, watch_trend
from incident_lib.model import EventKind, notebooks
from incident_lib.model.notebooks import InBatch
from incident_lib.model.run import ExecutionStatus, NotebookRecord, RunRecord, RunStatus
from incident_lib.model.sample import Sample
from incident_lib.run import kernels
from incident_lib.run.batch import Batch, begin_warm_up, run_notebooks
from incident_lib.run.installed import EXECUTE, require
from incident_lib.run.lab import changed_in_lab
from incident_lib.run.own import find_own, team_notebooks, unknown_notebook
from incident_lib.run.pdf import chromium, print_page
from incident_lib.units import format_count, format_duration


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What the flags of `run` say."""

    notebooks: tuple[str, ...] = ()  # none named: those that fit the incident
    since: str = SINCE
    snapshot: str = "new"
    jobs: int = 2
    timeout: float = 300.0
    verbose: bool = False
    pdf: bool = False
    index_alone: bool = False  # no notebook is run


def run(arguments: argparse.Namespace) -> int:
    """Return 0, or 3 when a notebook did not complete or the deadline passed."""
    if arguments.jobs < 1 or not arguments.timeout > 0:
        raise UsageError("--jobs and --timeout must be more than 0")
    if arguments.no_notebooks and arguments.notebook:
        raise UsageError("--notebook and --no-notebooks cannot be combined")
    if not arguments.no_notebooks:
        require(EXECUTE, "incident run", instead="`incident run --no-notebooks` writes only the index page")
    if arguments.since is not None:
        window_since(arguments.since)
    if arguments.pdf:
        chromium()
    settings = load_settings(arguments.config or "", arguments.incident)
    named = tuple(dict.fromkeys(_notebook(settings, name) for name in arguments.notebook))
    folder = folders.find(settings.incidents, arguments.incident, redactor_for(settings))
    if arguments.watch or arguments.snapshot == "new":
        folder.require_own()
    console = console_for(no_color=arguments.no_color, to_stderr=arguments.json)
    if arguments.snapshot == "new":
        print_notice(console, check_configuration(settings, folder, "run", rebind=arguments.rebind))
    if arguments.watch:
        _watch(settings, folder, console, arguments)
    since, why = since_for(folder, arguments.since)
    if why and arguments.snapshot == "new":
        console.print(f"Reading {why}", style="dim")
    options = Options(
        notebooks=named,
        since=since,
        snapshot=arguments.snapshot,
        jobs=arguments.jobs,
        timeout=arguments.timeout,
        verbose=arguments.verbose,
        pdf=arguments.pdf,
        index_alone=arguments.no_notebooks,
    )
    return run_incident(settings, folder, console, options, as_json=arguments.json)


def _watch(
    settings: Settings, folder: IncidentFolder, console: Console, arguments: argparse.Namespace
) -> None:
    """Take samples into the incident; what there is when it is interrupted, or the disk full, is kept."""
    every = parse_duration(arguments.watch).total_seconds()
    length = parse_duration(arguments.how_long).total_seconds()
    if not 1 <= every <= length:
        raise UsageError("--watch must be at least 1s and at most --for")
    if arguments.snapshot != "new":
        raise UsageError(
            "--watch probes the targets now, --snapshot replays a stored one: use only one of them"
        )

    first: list[Sample] = []

    def on_sample(sample: Sample) -> None:
        """Print what one sample of the watch holds, and what rises most."""
        first.append(sample)
        unseen = f"; {format_count(len(sample.unseen), 'probe')} returned nothing" if sample.unseen else ""
        risen = f"; {plain(rise)}" if (rise := most_risen(first[0], sample)) else ""
        numbers = format_count(len(sample.readings), "reading")
        console.print(f"  {sample.at:%H:%M:%S} {numbers}{risen}{unseen}", style="dim", markup=False)

    console.print(f"Sampling every {arguments.watch} for {arguments.how_long}", style="dim")
    try:
        watch_trend(settings, folder, every_seconds=every, for_seconds=length, on_sample=on_sample)
    except FolderError as error:
        console.print(f"No more samples: {plain(str(error))}", style="yellow", markup=False)
    except KeyboardInterrupt:
        console.print("\nThe samples so far are kept. To analyze them now:", style="dim")
        print_command(console, settings.commands(folder.path).line("triage"))
        raise


def _notebook(settings: Settings, name: str) -> str:
    found = notebooks.find(name)
    if found is None:
        if path := find_own(settings, name):
            return str(path)
        raise unknown_notebook(settings, name)
    if found.batch is InBatch.NEVER:
        raise UsageError(
            f"{found.name} never runs in a batch: a person reads and approves each plan in JupyterLab",
            command=("lab",),
        )
    return found.name


def _notebooks(settings: Settings, folder: IncidentFolder, options: Options) -> tuple[str, ...]:
    """Return what a run executes: what was named, else what fits and the team's own."""
    if options.index_alone:
        return ()
    return options.notebooks or (*fitting(folder), *map(str, team_notebooks(settings)))


def fitting(folder: IncidentFolder) -> tuple[str, ...]:
    """Return the notebooks of ours that a run without --notebook executes; those of the team follow."""
    return notebooks.names(InBatch.ALWAYS, *((InBatch.REVIEW,) if is_ready(folder) else ()))


def run_incident(
    settings: Settings,
    folder: IncidentFolder,
    console: Console,
    options: Options,
    *,
    as_json: bool = False,
) -> int:
    """Return the exit code of a whole run, everything being printed on `console` as it comes."""
    started = clock.monotonic()
    if not options.index_alone:
        kernels.begin()  # they are ready by the time there is something to show
    case, unkept = _case(settings, folder, console, options)
    terminal.print_analysis(console, case, verbose=options.verbose)
    if unkept:
        return _end_unkept(case, folder, console, unkept, as_json=as_json)
    if not options.index_alone:
        console.print("\nRunning the notebooks ...", style="dim")
    left = max(1.0, options.timeout - (clock.monotonic() - started))
    try:
        record, path = _run_notebooks(case, folder, console, options, seconds=left)
    except FolderError as error:
        return _end_unkept(case, folder, console, str(error), as_json=as_json)
    terminal.print_short(console, case)
    unprinted = options.pdf and not _print_pdf(console, folder, path)
    code = _print_end(console, record, folder, path, as_json=as_json)
    return PARTIAL if unprinted and code == DONE else code


def _print_pdf(console: Console, folder: IncidentFolder, directory: Path) -> bool:
    """Return whether the index of a run was printed as PDF, which is an attachment: it is not sealed."""
    pdf = folder.path / "attachments" / f"run-{directory.name}.pdf"
    try:
        print_page(directory / "html" / "index.html", pdf)
    except FolderError as error:
        print_notice(console, str(error))
        return False
    console.print(f"\nPDF: {pdf.resolve().as_uri()}", soft_wrap=True)
    return True


def _end_unkept(case: Case, folder: IncidentFolder, console: Console, why: str, *, as_json: bool) -> int:
    """Return 3: people have their findings, and hear why there are no pages."""
    terminal.print_unkept(console, why)
    console.print("This run has no pages. Once there is disk space:")
    snapshot = ("--snapshot", case.snapshot) if case.folder else ()
    print_command(console, case.settings.commands(folder.path).line("run", *snapshot))
    if as_json:
        print_json(case.analysis)
    return PARTIAL


def _case(settings: Settings, folder: IncidentFolder, console: Console, options: Options) -> tuple[Case, str]:
    """Return the case to work on, new or stored, and why a new snapshot could not be kept."""
    if options.snapshot != "new":
        case = open_case(settings, folder, options.snapshot)
        console.print(f"Replaying snapshot {case.snapshot} of {folder.id}", style="dim")
        terminal.print_findings(console, case.analysis)
        return case, ""
    console.print(f"Checking {settings.path or 'the default stack'} for {folder.id}", style="dim")
    deadline = min(options.timeout, settings.limits.collect_seconds)
    return terminal.collect(
        settings,
        options.since,
        folder,
        console,
        deadline_seconds=deadline,
        meanwhile=None if options.index_alone else begin_warm_up,
    )


def _run_notebooks(
    case: Case, folder: IncidentFolder, console: Console, options: Options, *, seconds: float
) -> tuple[RunRecord, Path]:
    """Return the record and the folder of the run, which is sealed whatever happened in it."""

    def show(notebook: NotebookRecord) -> None:
        """Print what became of a notebook."""
        well = notebook.status is ExecutionStatus.COMPLETED
        why = "" if well else f" {notebook.status.value.replace('_', ' ')}: {plain(notebook.error)}"
        took = format_duration(notebook.seconds) if notebook.seconds is not None else "not run"
        console.print(f"  {notebook.name:16} {took}{why}", style="" if well else "yellow", markup=False)

    signer = signer_for(case.settings)
    directory = folder.new_run()
    batch = Batch(
        case=case,
        directory=directory,
        notebooks=_notebooks(case.settings, folder, options),
        parameters={
            "incident": str(folder.path),
            "snapshot": case.snapshot,
            "since": options.since,
            "config": str(case.settings.path or ""),
        },
        jobs=options.jobs,
        deadline_seconds=seconds,
        progress=show,
        kept=_kept(folder, options),
    )
    record = run_notebooks(batch)
    folder.seal_run(directory, signer=signer)
    folder.record(
        Draft(kind=EventKind.RUN, text=f"Run {directory.name}: {record.status.value}", source="run")
    )
    return record, directory


def _kept(folder: IncidentFolder, options: Options) -> tuple[Path, ...]:
    """Return the notebooks that people changed in the lab, which a whole run keeps as pages."""
    is_whole = not (options.notebooks or options.index_alone or folder.is_foreign)
    return changed_in_lab(folder.path) if is_whole else ()


def _print_end(
    console: Console, record: RunRecord, folder: IncidentFolder, directory: Path, *, as_json: bool
) -> int:
    codes = {RunStatus.DONE: DONE, RunStatus.PARTIAL: PARTIAL, RunStatus.INTERRUPTED: INTERRUPTED}
    console.print()
    if record.status is RunStatus.PARTIAL:
        console.print("Not everything completed; the pages show what is missing.", style="yellow")
    for name, page in (("Home", folder.path), ("Start here", directory / "html")):
        console.print(f"{name + ':':12}{(page / 'index.html').resolve().as_uri()}", soft_wrap=True)
    if as_json:
        write_json((directory / "run.json").read_bytes())
    return codes[record.status]

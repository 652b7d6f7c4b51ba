"""`incident show`, `list` and `verify`: what the folder says, without probing any target."""

import argparse
import sys
from pathlib import Path
from typing import Any

import msgspec
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from incident_lib import clock, config
from incident_lib.cli import terminal
from incident_lib.cli.arguments import open_folder, print_json
from incident_lib.cli.terminal import Row, plain, print_rows
from incident_lib.config import Settings
from incident_lib.config.tables import Sign
from incident_lib.errors import FolderError
from incident_lib.incident import folder as folders
from incident_lib.incident.folder import IncidentFolder
from incident_lib.incident.manifest import Signed, signatures
from incident_lib.incident.unbundle import is_bundle, verify_bundle
from incident_lib.incident.verification import HALF_REDACTED
from incident_lib.investigation.case import open_case
from incident_lib.investigation.setup import redactor_for, trusted_keys
from incident_lib.model import Incident
from incident_lib.remediation.journal import UNKNOWN, title_of, unfinished
from incident_lib.reports.postmortem import file_name
from incident_lib.reports.postmortem_status import completeness, describe_due
from incident_lib.units import format_count, format_duration


def show(arguments: argparse.Namespace) -> int:
    """Return 0. Prints the state, and what the newest snapshot says."""
    settings, folder = open_folder(arguments)
    case = open_case(settings, folder) if folder.sealed_snapshots else None
    if arguments.json:
        return print_json(
            {
                "incident": folder.incident,
                "next_update_at": folder.incident.next_update_at,
                "analysis": case.analysis if case else None,
                "events": folder.events,
            }
        )
    console = terminal.console_for(no_color=arguments.no_color)
    _print_state(console, folder)
    for begun in unfinished(folder):
        terminal.print_notice(console, f"{title_of(begun)}: {UNKNOWN}")
    if unsealed := len(folder.snapshots) - len(folder.sealed_snapshots):
        console.print(f"Snapshots interrupted or still being taken, so not shown: {unsealed}", style="dim")
    if arguments.timeline:
        _print_timeline(console, folder)
    elif case is None:
        console.print("\nNo snapshot yet. Next:", style="dim")
        terminal.print_command(console, settings.commands(folder.path).line("run"))
    else:
        terminal.print_findings(console, case.analysis)
        terminal.print_analysis(console, case, verbose=arguments.verbose)
    return 0


def verify(arguments: argparse.Namespace) -> int:
    """Return 0 when everything is as it was sealed, 1 when not."""
    seals: list[Signed] = []
    if is_bundle(arguments.incident):
        settings = config.load(arguments.config)
        name = arguments.incident
        found = verify_bundle(Path(name), look=lambda incident: seals.extend(signatures(incident)))
    else:
        settings, folder = open_folder(arguments)
        name, found = folder.id, folder.verify()
        seals += signatures(folder.path)
    signed = [_Signed.of(seal, trusted_keys(settings)) for seal in seals]
    required = settings.document.sign.require
    # Where signatures are demanded, an unsigned journal of a redaction excuses nothing.
    bad = [each for each in found if each.is_bad or (required and each.what == HALF_REDACTED)]
    intact = not bad and not (required and any(not seal.name for seal in signed))
    if arguments.json:
        print_json({"incident": name, "intact": intact, "differences": found, "signatures": signed})
        return 0 if intact else 1
    for difference in found:
        print(f"{difference.what:24} {difference.path}")
    if required or settings.document.sign != Sign() or any(seal.public for seal in signed):
        for seal in signed:
            print(f"{seal.text:24} {seal.path}")
    print(f"{name}: {_conclusion(len(bad), signed, required=required)}")
    return 0 if intact else 1


class _Signed(msgspec.Struct, frozen=True, kw_only=True):
    """Whose signature a sealed folder bears."""

    path: str
    public: str
    name: str  # "" where it is not signed, or no configured key made it
    text: str

    @classmethod
    def of(cls, seal: Signed, trusted: dict[str, str]) -> "_Signed":
        """Return a signature with the name of who made it."""
        name = trusted.get(seal.public, "") if seal.fits else ""
        if not seal.public:
            text = "not signed"
        elif not seal.fits:
            text = "signature does not fit"
        else:
            text = f"signed by {name}" if name else f"signed by a key without a name here, {seal.public}:"
        return cls(path=seal.path, public=seal.public, name=name, text=text)


def _conclusion(bad: int, signed: list[_Signed], *, required: bool) -> str:
    text = f"{bad} not as they were" if bad else "everything is as it was sealed"
    unknown = sum(not seal.name for seal in signed)
    if required and unknown:
        seals = format_count(len(signed), "seal")
        text += f"; {unknown} of {seals} not signed by a trusted key, which [sign] requires"
    return text


def list_all(arguments: argparse.Namespace) -> int:
    """Return 0. Prints every incident, the newest first."""
    settings = config.load(arguments.config)
    known, damaged = [], []
    for folder in reversed(folders.all_folders(settings.incidents, redactor_for(settings))):
        try:
            known.append(_entry(settings, folder))
        except FolderError as error:
            damaged.append(str(error))
    if arguments.json:
        return print_json({"incidents": known, "damaged": damaged})
    for entry in known:
        runs = "1 run " if entry["runs"] == 1 else f"{entry['runs']} runs"
        print("  ".join((*_columns(entry["incident"]), runs, entry["incident"].id)))
        if entry["postmortem"]:
            print(f"{'':6}{entry['postmortem']}")
    for text in damaged:
        sys.stderr.write(f"damaged: {text}\n")
    if not known and not damaged:
        print(f"No incident under {settings.incidents} yet.")
    return 0


def _entry(settings: Settings, folder: IncidentFolder) -> dict[str, Any]:
    """Return what `list` says of an incident. Errors: FolderError."""
    incident, text = folder.incident, ""
    if incident.resolved_at:
        path = folder.path / file_name(incident)
        try:
            missing = completeness(path.read_text(encoding="utf-8")).missing
            text = f"post-mortem: {len(missing)} sections to write" if missing else "post-mortem complete"
        except FileNotFoundError:
            text = f"due: {describe_due(incident)}; {settings.commands(folder.path).line('postmortem')}"
        except (OSError, UnicodeDecodeError) as error:
            raise FolderError(f"{path} cannot be read: {error}") from error
    return {"incident": incident, "runs": len(folder.runs), "postmortem": text}


def _columns(incident: Incident) -> tuple[str, ...]:
    started = f"{incident.started_at:%Y-%m-%d %H:%M}"
    return incident.severity.value, f"{incident.status.value:13}", started


def _print_state(console: Console, folder: IncidentFolder) -> None:
    state, now = folder.incident, clock.now()
    console.print(Text(f"{state.severity.value} {plain(state.title)}", style="bold"))
    lasted = ((state.resolved_at or now) - state.started_at).total_seconds()
    parts = [state.status.value, f"started {clock.format_time(state.started_at)}"]
    parts += [f"{'lasted' if state.resolved_at else 'for'} {format_duration(max(0.0, lasted))}"]
    parts += [f"commander {plain(state.commander)}" if state.commander else "no commander yet"]
    console.print(Text(" · ".join(parts)))
    if state.next_update_at:
        late = (now - state.next_update_at).total_seconds()
        due = f"next update due {clock.format_time(state.next_update_at)}"
        console.print(
            Text(f"{due}: {format_duration(late)} late", style="bold red") if late > 0 else Text(due)
        )


def _print_timeline(console: Console, folder: IncidentFolder) -> None:
    rows: list[Row] = [
        [
            (f"{event.occurred_at:%Y-%m-%d %H:%M:%S}", ""),
            (event.kind.value, ""),
            (plain(event.text), ""),
            (plain(event.source), "dim"),
        ]
        for event in sorted(folder.events, key=lambda event: event.occurred_at)
    ]
    kind, source = (max(cell_len(row[column][0]) for row in rows) for column in (1, 3))
    widths = [19, kind, 0, min(source, 24)]
    widths[2] = max(20, console.width - sum(widths) - len(widths))
    console.print()
    print_rows(console, rows, widths)

"""`incident list` and `verify`: what the folder says, without probing any target."""

import argparse
import sys
from pathlib import Path
from typing import Any

import msgspec

from incident_lib import config
from incident_lib.cli.arguments import open_folder, print_json
from incident_lib.config import Settings
from incident_lib.config.tables import Sign
from incident_lib.errors import FolderError
from incident_lib.incident import folder as folders
from incident_lib.incident.folder import IncidentFolder
from incident_lib.incident.manifest import Signed, signatures
from incident_lib.incident.unbundle import is_bundle, verify_bundle
from incident_lib.incident.verification import HALF_REDACTED
from incident_lib.investigation.setup import redactor_for, trusted_keys
from incident_lib.model import Incident
from incident_lib.reports.postmortem import file_name
from incident_lib.reports.postmortem_status import completeness, describe_due
from incident_lib.units import format_count


def verify(arguments: argparse.Namespace) -> int:
    """Return 0 when nothing has changed since it was sealed, 1 when not."""
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
            text = "signature does not match"
        else:
            text = f"signed by {name}" if name else f"signed by an unknown key, {seal.public}:"
        return cls(path=seal.path, public=seal.public, name=name, text=text)


def _conclusion(bad: int, signed: list[_Signed], *, required: bool) -> str:
    text = f"{bad} changed" if bad else "nothing has changed since it was sealed"
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

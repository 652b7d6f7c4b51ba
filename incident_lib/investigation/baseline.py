"""Baselines on disk: snapshots of a healthy day, kept in `baselines/NAME/` next to the incidents."""

import re
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from incident_lib import clock
from incident_lib.config import Settings
from incident_lib.incident import manifest
from incident_lib.incident.files import file_name
from incident_lib.investigation.stored import load_evidence
from incident_lib.model import Evidence

NAME = "normal"  # of a baseline without a given name
_STAMP = re.compile(r"\d{8}T\d{6}Z")
_STAMP_LENGTH = 16


class Baseline(msgspec.Struct, frozen=True, kw_only=True):
    """A snapshot that was stored as normal."""

    name: str
    id: str  # of the snapshot
    collected_at: datetime
    path: Path
    intact: bool  # as it was sealed

    @property
    def label(self) -> str:
        """Its name in a comparison."""
        return f"baseline {self.name}"


def baselines_folder(settings: Settings) -> Path:
    """Return where baselines are stored: next to the incidents, since they belong to none of them."""
    return settings.incidents.parent / "baselines"


def all_baselines(settings: Settings) -> tuple[Baseline, ...]:
    """Return every baseline, the oldest first, without interrupted snapshots. Errors: FolderError."""
    return tuple(read_baseline(path) for path in _paths(settings))


def newest_baseline(settings: Settings, name: str = "", *, before: datetime | None = None) -> Baseline | None:
    """Return the newest unchanged baseline (of that name, of that time), None if there is none."""
    wanted = file_name(name) if name else ""
    for path in reversed(_paths(settings)):
        if wanted not in {"", path.parent.name} or (before and path.name > clock.format_stamp(before)):
            continue
        if (found := read_baseline(path)).intact:
            return found
    return None


def baseline_evidence(settings: Settings, *, before: datetime | None = None) -> tuple[Evidence, ...]:
    """Return the evidence of the newest baseline of that time, empty without one: for `compare_findings`."""
    newest = newest_baseline(settings, before=before)
    return load_evidence(newest.path) if newest else ()


def read_baseline(path: Path) -> Baseline:
    """Return the baseline at `path`. Cost: hashes every file in it. Errors: FolderError."""
    intact = not manifest.differences(path)
    at = datetime.strptime(path.name[:_STAMP_LENGTH], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    return Baseline(name=path.parent.name, id=path.name, collected_at=at, path=path, intact=intact)


def _paths(settings: Settings) -> list[Path]:
    """Return the folders of sealed baselines, the oldest first, by the time in their names."""
    found = [path.parent for path in baselines_folder(settings).glob(f"[!.]*/*/{manifest.NAME}")]
    known = (path for path in found if _STAMP.match(path.name))
    return sorted(known, key=lambda path: (path.name, (path / manifest.NAME).stat().st_mtime_ns))

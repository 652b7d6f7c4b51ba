"""Baselines on disk: snapshots of a healthy day, kept in `baselines/NAME/` beside the incidents."""

from datetime import datetime
from pathlib import Path

import msgspec

from incident_lib.config import Settings
from incident_lib.incident import manifest
from incident_lib.incident.files import file_name
from incident_lib.incident.snapshot import load_about, load_evidence
from incident_lib.model import Evidence

NAME = "normal"  # of a baseline that nobody named


class Baseline(msgspec.Struct, frozen=True, kw_only=True):
    """One snapshot that was kept as normal."""

    name: str
    id: str  # of the snapshot
    collected_at: datetime
    path: Path
    intact: bool  # as it was sealed

    @property
    def label(self) -> str:
        """What a comparison calls it."""
        return f"baseline {self.name}"


def baselines_folder(settings: Settings) -> Path:
    """Return where baselines are kept: beside the incidents, as they belong to none of them."""
    return settings.incidents.parent / "baselines"


def all_baselines(settings: Settings) -> tuple[Baseline, ...]:
    """Return every baseline, the oldest first; one that was interrupted is none. Errors: FolderError."""
    found = [
        read_baseline(path.parent)
        for path in baselines_folder(settings).glob(f"[!.]*/*/{manifest.NAME}")
        if (path.parent / "snapshot.json").exists()
    ]
    return tuple(sorted(found, key=lambda one: (one.collected_at, one.id)))


def newest_baseline(settings: Settings, name: str = "") -> Baseline | None:
    """Return the newest baseline (of that name) that is as it was sealed, None without one."""
    wanted = file_name(name) if name else ""
    known = [one for one in all_baselines(settings) if one.intact and wanted in {"", one.name}]
    return known[-1] if known else None


def baseline_evidence(settings: Settings) -> tuple[Evidence, ...]:
    """Return the evidence of the newest baseline, empty without one: what `compare_findings` takes."""
    newest = newest_baseline(settings)
    return load_evidence(newest.path) if newest else ()


def read_baseline(path: Path) -> Baseline:
    """Return what is kept at `path`. Errors: FolderError."""
    intact = not manifest.differences(path)
    about = load_about(path)
    return Baseline(
        name=path.parent.name, id=path.name, collected_at=about.collected_at, path=path, intact=intact
    )

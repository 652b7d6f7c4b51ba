"""Any snapshot by its name: an incident, an id, a path, a baseline."""

from pathlib import Path

from incident_lib.config import Settings
from incident_lib.errors import UsageError
from incident_lib.incident import folder as folders
from incident_lib.investigation.baseline import all_baselines, newest_baseline
from incident_lib.investigation.case import Case, load_case
from incident_lib.investigation.setup import redactor_for

BASELINE = "baseline"
LATEST = "latest"


def find_snapshot(settings: Settings, name: str) -> tuple[Case, str]:
    """Return the case that `name` refers to, and its label.

    `baseline` is the newest one, `baseline:NAME` the newest of that name; a path or id of a snapshot is that
    snapshot; an incident is its newest snapshot, `INCIDENT/ID` one of its snapshots; `latest` or empty is the
    newest one. Errors: UsageError naming what exists, FolderError.
    """
    if name == BASELINE or name.startswith(f"{BASELINE}:"):
        return _baseline(settings, name.partition(":")[2])
    name = "" if name == LATEST else name
    path = Path(name)
    if name and (path / "snapshot.json").is_file():
        path = path.resolve()
        owner = path.parent.parent if path.parent.name == "snapshots" else path.parent
        return load_case(settings, path), f"{owner.name} {path.name}"
    places = _places(settings, name)
    if len(places) > 1:
        found = ", ".join(str(place) for place, _ in places)
        raise UsageError(f"{name!r} names {len(places)} snapshots; give the path of one: {found}")
    if places:
        place, label = places[0]
        return load_case(settings, place), label
    return _incident(settings, name)


def _baseline(settings: Settings, name: str) -> tuple[Case, str]:
    found = newest_baseline(settings, name)
    if found is not None:
        return load_case(settings, found.path), found.label
    known = sorted({baseline.name for baseline in all_baselines(settings) if baseline.intact})
    if known:
        raise UsageError(f"no baseline {name!r}; there are: {', '.join(known)}")
    raise UsageError("no baseline yet; take one on a healthy day", command=("baseline",))


def _places(settings: Settings, name: str) -> list[tuple[Path, str]]:
    """Return the snapshots of that id, each with its label."""
    places = [(baseline.path, baseline.label) for baseline in all_baselines(settings) if baseline.id == name]
    for folder in folders.all_folders(settings.incidents, redactor_for(settings)):
        places += [(path, f"{folder.id} {path.name}") for path in folder.snapshots if path.name == name]
    return places


def _incident(settings: Settings, name: str) -> tuple[Case, str]:
    incident, _, snapshot = name.partition("/") if not Path(name).is_dir() else (name, "", "")
    folder = folders.find(settings.incidents, incident, redactor_for(settings))
    path = folder.snapshot(snapshot or "latest")
    return load_case(settings, path, folder), f"{folder.id} {path.name}"

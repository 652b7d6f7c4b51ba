"""Notebooks of people: those of a team next to workbench.toml, and those a person changed in a lab."""

import re
from pathlib import Path

from incident_lib.config import Settings, nearest
from incident_lib.errors import UsageError
from incident_lib.incident.events import EventLog
from incident_lib.incident.files import write_atomic
from incident_lib.incident.foreign import is_foreign
from incident_lib.model import notebooks
from incident_lib.resources import resource, text_of

FOLDER = "notebooks"
_NAME = re.compile(r"[a-z0-9][a-z0-9_]{0,60}")


def team_notebooks(settings: Settings) -> tuple[Path, ...]:
    """Return the team's notebooks, sorted by name; none without a workbench.toml next to them.

    A folder inside an incident that came from elsewhere holds none of ours. Errors: UsageError for one that
    has the name of a notebook that ships.
    """
    if settings.path is None:
        return ()
    folder = settings.path.resolve().parent / FOLDER
    if folder == resource("notebooks").resolve():  # a checkout of the workbench: those ship
        return ()
    found = tuple(sorted(folder.glob("*.ipynb")))
    for path in found:
        require_ours(path)
        if path.stem in notebooks.BY_NAME:
            raise UsageError(
                f"{path} has the name of a built-in notebook; rename it, for example 90_{path.stem}"
            )
    return found


def find_own(settings: Settings, name: str) -> Path | None:
    """Return the team's notebook of that name, or the file of that path; None where there is none.

    Errors: UsageError for a file of an incident that came from elsewhere.
    """
    stem = name.removesuffix(".ipynb")
    for path in team_notebooks(settings):
        if stem in {path.stem, path.stem.lstrip("0123456789_")}:
            return path
    path = Path(name)
    if path.suffix == ".ipynb" and path.is_file():
        require_ours(path)
        return path.resolve()
    return None


def require_ours(path: Path) -> None:
    """Raise UsageError where a notebook lies in an incident that came from elsewhere: it is data."""
    for above in path.resolve().parents:
        if (above / "events").is_dir() and is_foreign(above, EventLog(above / "events").read()):
            raise UsageError(
                f"{path} belongs to {above.name}, which came from elsewhere: it is never executed"
            )


def new_notebook(settings: Settings, name: str) -> Path:
    """Return the file of a new notebook of the team, made from the template.

    Errors: UsageError for a name that cannot be, or is taken, and without a workbench.toml.
    """
    if settings.path is None:
        raise UsageError(
            "a team's notebooks are stored next to workbench.toml, and there is none; create one first",
            command=("init",),
        )
    stem = name.removesuffix(".ipynb")
    if not _NAME.fullmatch(stem):
        raise UsageError(f"{name!r} is not a valid notebook name; use a-z, 0-9 and _, for example 90_queues")
    if notebooks.find(stem):
        raise UsageError(
            f"{stem!r} is the name of a built-in notebook; choose another, for example "
            f"90_{stem.lstrip('0123456789_')}"
        )
    path = settings.path.resolve().parent / FOLDER / f"{stem}.ipynb"
    if path.exists():
        raise UsageError(f"{path} already exists; edit it, or choose another name")
    text = text_of(resource("templates", "notebooks", "own.ipynb"))
    write_atomic(path, text.replace("# TITLE", f"# {notebooks.display_name(stem)}", 1).encode())
    return path


def unknown_notebook(settings: Settings, name: str) -> UsageError:
    """Return why no notebook of that name can be run, with the nearest."""
    known = [*notebooks.names(notebooks.InBatch.ALWAYS, notebooks.InBatch.REVIEW)]
    known += [path.stem for path in team_notebooks(settings)]
    listed = f"there are: {', '.join(known)}"
    return UsageError(f"no notebook {name!r} runs in a batch{nearest(name, known)}; {listed}")

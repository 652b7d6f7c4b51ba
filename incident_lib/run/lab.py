"""The notebooks in an incident's folder, their parameters set, for a person to run and to change."""

import hashlib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from incident_lib.errors import FolderError
from incident_lib.incident.files import write_atomic
from incident_lib.resources import resource
from incident_lib.run.engine import save
from incident_lib.run.lean import prepare
from incident_lib.run.parameters import TAG

LANDING = "00_start_here.ipynb"
_WRITTEN = ".written.json"  # what we put there: name -> digest of its sources


def prepare_lab(
    incident: Path, parameters: Mapping[str, str], team: Iterable[Path] = ()
) -> tuple[Path, tuple[str, ...]]:
    """Return the folder `lab` of an incident with every notebook in it, and which a person had changed.

    They are the landing notebook, those that ship, and those of the `team`. A notebook whose sources are not
    what we wrote belongs to whoever changed it and is left alone; running it changes outputs only.
    Errors: FolderError.
    """
    directory = incident / "lab"
    written, kept = _written(directory), []
    shipped = sorted(resource("notebooks").glob("*.ipynb"))
    for source in (resource("templates", "notebooks", LANDING), *shipped, *team):
        target = directory / source.name
        if target.exists() and _digest(_read(target)) != written.get(source.name):
            kept.append(source.stem)
            continue
        notebook = preset(_read(source), parameters)
        if not target.exists() or _digest(notebook) != written.get(source.name):
            save(notebook, target)
        written[source.name] = _digest(notebook)
    write_atomic(directory / _WRITTEN, msgspec.json.encode(written))
    return directory, tuple(kept)


def changed_in_lab(incident: Path) -> tuple[Path, ...]:
    """Return the notebooks in `lab` that hold cells of a person: changed, or added; broken ones, too."""
    directory = incident / "lab"
    written = _written(directory)
    found = (path for path in sorted(directory.glob("*.ipynb")) if not path.is_symlink())
    return tuple(path for path in found if _digest_or_none(path) != written.get(path.name, ""))


def preset(notebook: Any, parameters: Mapping[str, str]) -> Any:
    """Return `notebook` with new defaults in its parameters cell; types and help stay."""
    for cell in notebook.cells:
        if TAG in cell.metadata.get("tags", ()):
            for name, value in parameters.items():
                found = re.search(
                    rf"^{re.escape(name)}: str = (\"[^\"]*\"|'[^']*')", cell.source, re.MULTILINE
                )
                if found:
                    quoted = msgspec.json.encode(value).decode()
                    cell.source = cell.source[: found.start(1)] + quoted + cell.source[found.end(1) :]
    return notebook


def _read(path: Path) -> Any:
    prepare()
    import nbformat

    try:
        return nbformat.read(path, as_version=4)
    except (OSError, ValueError, nbformat.ValidationError) as error:
        raise FolderError(f"{path} is not a notebook: {error}; move it away and try again") from error


def _digest(notebook: Any) -> str:
    sources = [[cell.cell_type, cell.source] for cell in notebook.cells]
    return hashlib.sha256(msgspec.json.encode(sources)).hexdigest()


def _digest_or_none(path: Path) -> str | None:
    try:
        return _digest(_read(path))
    except FolderError:
        return None


def _written(directory: Path) -> dict[str, str]:
    try:
        return msgspec.json.decode((directory / _WRITTEN).read_bytes(), type=dict[str, str])
    except (OSError, msgspec.MsgspecError):
        return {}

"""Where the notebooks and templates are: next to the package in a checkout, inside it when installed."""

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from incident_lib.errors import ConfigError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

_HERE = Path(__file__).resolve().parent


CORE = "incident-workbench-core"  # the distribution without packages for notebooks
_DISTRIBUTIONS = ("incident-workbench", CORE)


def distribution() -> tuple[str, str]:
    """Return the name and version of the distribution that is installed; the version is "" where none is."""
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415 - dear, and seldom needed

    for name in _DISTRIBUTIONS:
        with suppress(PackageNotFoundError):
            return name, version(name)
    return _DISTRIBUTIONS[0], ""


def entry_points(group: str) -> list["EntryPoint"]:
    """Return what installed packages name in a group, by name.

    Cost: where none names it, as nearly everywhere, one look at each folder of modules; else all is parsed.
    """
    if not _may_name(group):
        return []
    from importlib import metadata  # noqa: PLC0415 - dear, and seldom needed

    return sorted(metadata.entry_points(group=group), key=lambda point: point.name)


def _may_name(group: str) -> bool:
    """Return whether a package may name a group: not where no file of entry points holds its name."""
    if sum(hasattr(finder, "find_distributions") for finder in sys.meta_path) != 1:
        return True  # somebody finds packages elsewhere, too
    for place in sys.path:
        folder = place or "."
        try:
            names = os.listdir(folder)  # noqa: PTH208 - hundreds of names
        except FileNotFoundError:
            continue
        except OSError:  # an archive
            return True
        if folder.lower().endswith(".egg"):
            return True
        for name in names:
            if not name.lower().endswith((".dist-info", ".egg-info")):
                continue
            try:
                with open(f"{folder}/{name}/entry_points.txt", "rb") as file:  # noqa: PTH123 - of hundreds
                    text = file.read()
            except (FileNotFoundError, NotADirectoryError):
                continue
            if group.encode() in text:
                return True
    return False


def resource(*parts: str) -> Path:
    """Return the path of something that ships: `resource("notebooks", "00_triage.ipynb")`."""
    installed = _HERE / "_resources"
    return (installed if installed.is_dir() else _HERE.parent).joinpath(*parts)


def text_of(path: Path) -> str:
    """Return the text of a file that ships, or that a team or a package brings. Errors: ConfigError."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {getattr(error, 'strerror', error)}") from error

"""Where the notebooks and templates are: next to the package in a checkout, inside it when installed."""

from contextlib import suppress
from pathlib import Path

from incident_lib.errors import ConfigError

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

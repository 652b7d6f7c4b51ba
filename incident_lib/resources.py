"""Where the notebooks and templates are: next to the package in a checkout, inside it when installed."""

from pathlib import Path

from incident_lib.errors import ConfigError

_HERE = Path(__file__).resolve().parent


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

"""Where the notebooks and templates are: beside the package in a checkout, inside it when installed."""

from pathlib import Path

_HERE = Path(__file__).resolve().parent


def resource(*parts: str) -> Path:
    """Return the path of something that ships: `resource("notebooks", "00_triage.ipynb")`."""
    installed = _HERE / "_resources"
    return (installed if installed.is_dir() else _HERE.parent).joinpath(*parts)

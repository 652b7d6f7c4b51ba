"""Files that people may have edited."""

from pathlib import Path

from incident_lib.errors import UsageError


def read_text(path: Path) -> str:
    """Return what stands in a file, "" without it. Errors: UsageError where it is no text."""
    try:
        return path.read_bytes().decode() if path.exists() else ""
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8; save it as UTF-8, then try again") from error
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from error

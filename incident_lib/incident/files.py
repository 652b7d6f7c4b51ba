"""Files that are there whole or not at all, and names that are safe."""

import errno
import os
import re
import tempfile
import unicodedata
from pathlib import Path

from incident_lib.errors import FolderError

_REASONS = {
    errno.ENOSPC: "the disk is full; free some space, or point [workbench] incidents elsewhere",
    errno.EDQUOT: "the disk quota is used up",
    errno.EROFS: "the file system is read-only; point [workbench] incidents elsewhere",
    errno.EACCES: "no right to write there; point [workbench] incidents elsewhere",
    errno.EPERM: "no right to write there; point [workbench] incidents elsewhere",
}


def write_atomic(path: Path, data: bytes) -> None:
    """Write `data` under a temporary name, sync it, and rename it to `path`. Errors: FolderError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name[:40]}.", suffix=".part", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).chmod(0o644)
            Path(temporary).replace(path)
        finally:
            Path(temporary).unlink(missing_ok=True)  # only there where it was not renamed
    except OSError as error:
        raise folder_error(path, error) from error


def make_directory(parent: Path, name: str) -> Path:
    """Return a new directory: `name`, else `name-2`, `name-3`, ... Errors: FolderError."""
    try:
        parent.mkdir(parents=True, exist_ok=True)
        for number in range(1, 1000):
            path = parent / (name if number == 1 else f"{name}-{number}")
            try:
                path.mkdir()
            except FileExistsError:
                continue
            return path
    except OSError as error:
        raise folder_error(parent / name, error) from error
    raise FolderError(f"{parent}: a thousand folders are called {name}")


def folder_error(path: Path, error: OSError) -> FolderError:
    """Return the error that says what to do about `error`."""
    reason = _REASONS.get(error.errno or 0, error.strerror or str(error))
    return FolderError(f"cannot write {path}: {reason}")


def slug(title: str, *, longest: int = 50) -> str:
    """Return `title` as words of small letters joined by hyphens, safe as a file name anywhere.

    >>> slug("Checkout: 503s / since 14:31 | 💥"), slug("データ"), slug("../..")
    ('checkout-503s-since-14-31', 'incident', 'incident')
    """
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode()
    words = re.findall(r"[a-z0-9]+", plain.lower())
    return "-".join(words)[:longest].strip("-") or "incident"


def file_name(name: str) -> str:
    """Return a target's or probe's name as one safe path component.

    >>> file_name("postgres.locks"), file_name("../etc/passwd")
    ('postgres.locks', 'etc-passwd')
    """
    return re.sub(r"[^\w.@-]+", "-", name).strip(".-")[:120] or "unnamed"

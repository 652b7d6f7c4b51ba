"""A stored file, redacted where it stands: whole or not at all, by its own structure."""

from pathlib import Path

import zstandard

from incident_lib.errors import FolderError
from incident_lib.incident import documents
from incident_lib.incident.files import (
    folder_error,
    open_file,
    sync_file,
    sync_folder,
    temporary_file,
    write_atomic,
)
from incident_lib.redact import Redactor

_BLOCK = 1 << 20


def rewrite(path: Path, redactor: Redactor) -> None:
    """Put the redacted text of a file in its place. Errors: RedactionError, FolderError."""
    if path.suffix == ".zst":
        _rewrite_log(path, redactor)
        return
    try:
        data = path.read_bytes()
    except OSError as error:
        raise FolderError(f"cannot read {path}: {error.strerror}") from error
    try:
        hidden = documents.hide(data, path.name, redactor)
    except UnicodeDecodeError:
        hidden = redactor.text(data.decode("latin-1")).encode("latin-1", "replace")
    write_atomic(path, hidden)


def _rewrite_log(path: Path, redactor: Redactor) -> None:
    try:
        temporary = temporary_file(path.parent, f".{path.name[:40]}.", ".part")
        try:
            with open_file(temporary) as raw, zstandard.open(path, "rb") as before:
                with zstandard.ZstdCompressor().stream_writer(raw, closefd=False) as after:
                    for chunk in redactor.lines(iter(lambda: before.read(_BLOCK), b"")):
                        after.write(chunk)
                sync_file(raw)
            temporary.replace(path)
            sync_folder(path.parent)
        finally:
            temporary.unlink(missing_ok=True)
    except zstandard.ZstdError as error:
        raise FolderError(f"cannot read {path}: {error}") from error
    except OSError as error:
        raise folder_error(path, error) from error

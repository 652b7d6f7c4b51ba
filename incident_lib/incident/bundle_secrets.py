"""What the redactor of today would hide in a file that was written with the redactor of then."""

import hashlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec
import zstandard

from incident_lib.errors import FolderError
from incident_lib.redact import Redactor

_STRUCTURED = {".json", ".ipynb"}
_BLOCK = 1 << 20


def kinds_in(path: Path, redactor: Redactor) -> tuple[str, ...] | None:
    """Return the kinds of secrets that would be hidden, () for none, None where the file is no text.

    Errors: FolderError, RedactionError.
    """
    before = Counter(redactor.hidden)
    if path.suffix == ".zst":
        changes = _log_changes(path, redactor)
    else:
        data = _read(path)
        try:
            data.decode()
        except UnicodeDecodeError:
            return None
        changes = _hidden(data, path.suffix, redactor) != data
    found = Counter(redactor.hidden) - before
    return (tuple(sorted(found)) or ("other",)) if changes else ()


def hidden(path: Path, redactor: Redactor) -> bytes:
    """Return the file with its secrets hidden. Errors: FolderError, RedactionError."""
    return _hidden(_read(path), path.suffix, redactor)


def _hidden(data: bytes, suffix: str, redactor: Redactor) -> bytes:
    """Return `data` itself when nothing in it is secret."""
    if suffix in _STRUCTURED:
        try:
            document = msgspec.json.decode(data)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return redactor.text(data.decode()).encode()  # broken, and still not to be shown
        value = redactor.value(document)
        return data if value == document else msgspec.json.format(msgspec.json.encode(value), indent=1)
    return redactor.text(data.decode()).encode()


def _log_changes(path: Path, redactor: Redactor) -> bool:
    before, after = hashlib.sha256(), hashlib.sha256()

    def blocks() -> Iterator[bytes]:
        """Yield the text of the file in blocks, and add each to its hash."""
        with zstandard.open(path, "rb") as file:
            while block := file.read(_BLOCK):
                before.update(block)
                yield block

    try:
        for block in redactor.lines(blocks()):
            after.update(block)
    except (OSError, zstandard.ZstdError) as error:
        raise FolderError(f"cannot read {path}: {error}") from error
    return before.digest() != after.digest()


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise FolderError(f"cannot read {path}: {error.strerror}") from error

"""Sealing: SHA-256 over every file of a folder, and the check that nothing changed since."""

import hashlib
from pathlib import Path

import msgspec

from incident_lib import clock
from incident_lib.errors import FolderError
from incident_lib.incident.files import write_atomic

NAME = "manifest.json"
UNSEALED = "not sealed: it was interrupted, or is being written"


class Sealed(msgspec.Struct, frozen=True):
    """One file of a manifest."""

    sha256: str
    bytes: int


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """The content of manifest.json."""

    schema: int = 1
    sealed_at: str
    files: dict[str, Sealed]


class Difference(msgspec.Struct, frozen=True, order=True):
    """Something that is not as it was sealed."""

    path: str
    what: str  # changed, missing, added, not sealed, edited
    is_bad: bool = True


def seal(folder: Path) -> None:
    """Write the manifest of `folder`. After this nothing in it may change. Errors: FolderError."""
    manifest = Manifest(sealed_at=clock.format_time(clock.now()), files=_digest_all(folder))
    write_atomic(folder / NAME, msgspec.json.format(msgspec.json.encode(manifest), indent=1))


def differences(folder: Path) -> list[Difference]:
    """Return what changed in `folder` since it was sealed, paths relative to `folder`."""
    try:
        manifest = msgspec.json.decode((folder / NAME).read_bytes(), type=Manifest)
    except FileNotFoundError:
        return [Difference(NAME, UNSEALED)]
    except (msgspec.MsgspecError, OSError, UnicodeDecodeError) as error:
        return [Difference(NAME, f"changed: it cannot be read ({error})")]
    now = _digest_all(folder)
    found = [Difference(path, "added") for path in now.keys() - manifest.files.keys()]
    for path, sealed in manifest.files.items():
        if path not in now:
            found.append(Difference(path, "missing"))
        elif now[path] != sealed:
            found.append(Difference(path, "changed"))
    return sorted(found)


def sha256(data: bytes) -> str:
    """Return the SHA-256 of `data` in hexadecimal.

    >>> sha256(b"")[:12]
    'e3b0c44298fc'
    """
    return hashlib.sha256(data).hexdigest()


def _digest_all(folder: Path) -> dict[str, Sealed]:
    return {
        path.relative_to(folder).as_posix(): _digest(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path != folder / NAME and not path.name.endswith(".part")
    }


def _digest(path: Path) -> Sealed:
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        return Sealed(digest, path.stat().st_size)
    except OSError as error:
        raise FolderError(f"cannot read {path}: {error.strerror}") from error

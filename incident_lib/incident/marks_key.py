"""The key of the marks: one small file next to the incidents, for one team, never for git or a bundle."""

import os
import re
import secrets
import stat
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from incident_lib.incident.files import (
    PRIVATE_FILE,
    SHARED_FILE,
    is_shared,
    make_folder,
    sync_file,
    sync_folder,
)
from incident_lib.incident.for_git import ignore
from incident_lib.redact.marks import Marks

NAME = ".marks-key"
_IGNORED = f"/{NAME}*"
_BYTES = 32
_TEXT = re.compile(rb"[0-9a-f]{64}\s*")
_TRIES, _PAUSE_SECONDS = 10, 0.02
_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_WITHOUT = "secrets are marked [secret], and equal secrets cannot be recognized"


class FolderMarks(Marks):
    """The marks of a folder of incidents, whose key is read or made when it is needed.

    What is wrong with the key is reported to `report`, and then there are no digits. It travels to other
    processes as the key alone.
    """

    def __init__(self, incidents: Path, report: Callable[[str], None], *, begin: bool = False) -> None:
        super().__init__()
        self._incidents = incidents
        self._report = report
        self._begin = begin

    def __reduce__(self) -> tuple[type[Marks], tuple[bytes | None]]:
        """Return what makes it anew in another process."""
        return Marks, (self.new_key(),)

    @property
    def key(self) -> bytes | None:
        """The key that issued the marks there are."""
        return self._key or self._kept(load_key)

    def new_key(self) -> bytes | None:
        """Return the key to issue a mark with; it is made where the folder has none."""
        if self._key:
            return self._key
        if self._begin:
            with suppress(OSError):  # whoever writes the incident says why
                make_folder(self._incidents)
        return self._kept(make_key)

    def _kept(self, get: Callable[[Path], tuple[bytes | None, str]]) -> bytes | None:
        self._key, problem = get(self._incidents)
        if problem:
            self._report(problem)
        return self._key


def load_key(incidents: Path) -> tuple[bytes | None, str]:
    """Return the key of a folder of incidents, None where there is none, and what is wrong with it.

    A file that is no key is left for people to look at: it may be what is left of theirs.
    """
    path = incidents / NAME
    try:
        text = _read(path)
        for _ in range(_TRIES):  # made this moment, where it could not be made whole at once
            if text != b"":
                break
            time.sleep(_PAUSE_SECONDS)
            text = _read(path)
    except FileNotFoundError:
        return None, ""
    except OSError as error:
        return None, f"the key of the marks, {path}, cannot be read ({error.strerror}): {_WITHOUT}"
    if text and _TEXT.fullmatch(text):
        return bytes.fromhex(text.decode().strip()), ""
    return None, f"{path} is not a key of 64 hexadecimal digits: {_WITHOUT}; remove it for a new one"


def _read(path: Path) -> bytes | None:
    """Return the beginning of the file, None for what is no file. Errors: OSError."""
    handle = os.open(path, _FLAGS)
    try:
        return os.read(handle, 2 * _BYTES + 8) if stat.S_ISREG(os.fstat(handle).st_mode) else None
    finally:
        os.close(handle)


def make_key(incidents: Path) -> tuple[bytes | None, str]:
    """Return the key of a folder of incidents, which is made by whoever comes first.

    Where it cannot be made or kept from git there is none, without a word: nothing can be written there.
    """
    key, problem = load_key(incidents)
    if key or problem or not incidents.is_dir():
        return key, problem
    with suppress(OSError):
        ignore(incidents, (_IGNORED,))
        _create(incidents / NAME, secrets.token_bytes(_BYTES))
        sync_folder(incidents)
    return load_key(incidents)


def _create(path: Path, key: bytes) -> None:
    """Make the file whole or not at all, unless it is there."""
    handle, temporary = tempfile.mkstemp(prefix=f"{path.name}.", suffix=".part", dir=path.parent)  # 0600
    try:
        with os.fdopen(handle, "wb") as file:
            os.fchmod(handle, _mode(path.parent))
            file.write(key.hex().encode() + b"\n")
            sync_file(file)
        try:
            os.link(temporary, path)
        except FileExistsError:
            return
        except OSError:  # a file system without hard links: others may see it empty for a moment
            _write_first(path, key)
    finally:
        Path(temporary).unlink(missing_ok=True)


def _write_first(path: Path, key: bytes) -> None:
    with suppress(FileExistsError):
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, PRIVATE_FILE)
        with os.fdopen(handle, "wb", buffering=0) as file:
            os.fchmod(handle, _mode(path.parent))
            file.write(key.hex().encode() + b"\n")


def _mode(folder: Path) -> int:
    """Return the mode of a file in a folder: a team that shares the folder shares the key."""
    return SHARED_FILE if is_shared(folder) else PRIVATE_FILE

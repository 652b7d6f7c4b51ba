"""Files that are there whole or not at all, which only we and our team can read; names that are safe.

What is written may hold secrets of production, so its mode never depends on the umask: for us alone, or in
a folder that a team shares for its group too.
"""

import errno
import grp
import itertools
import logging
import os
import re
import stat
import tempfile
import unicodedata
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from incident_lib.errors import ConfigError, FolderError
from incident_lib.incident.leftovers import hold

_LOG = logging.getLogger(__name__)

PRIVATE_FOLDER, PRIVATE_FILE = 0o700, 0o600
SHARED_FOLDER, SHARED_FILE = 0o2770, 0o660

_ELSEWHERE = "choose another place, for incidents with [workbench] incidents"
_REASONS = {
    errno.ENOSPC: f"the disk is full; free some space, or {_ELSEWHERE}",
    errno.EDQUOT: "the disk quota is used up",
    errno.EROFS: f"the file system is read-only; {_ELSEWHERE}",
    errno.EACCES: f"no permission to write there; {_ELSEWHERE}",
    errno.EPERM: f"no permission to write there; {_ELSEWHERE}",
}
_NO_SYNC = {errno.EINVAL, errno.ENOTSUP, errno.EACCES}  # file systems whose folders are not synced


def write_atomic(path: Path, data: bytes) -> None:
    """Write `data` under a temporary name, sync it, rename it to `path`, and sync that. Errors: FolderError.

    Where it fails, `path` is as it was. What is under its name and only may not survive a power loss is
    there: that is a warning.
    """
    try:
        make_folder(path.parent)
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name[:40]}.", suffix=".part", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                hold(handle)
                _set_mode(handle, _file_mode(path.parent))
                file.write(data)
                sync_file(file)
                Path(temporary).replace(path)  # while the lock is held: what the dead left is swept
        except BaseException:
            with suppress(OSError):
                Path(temporary).unlink()
            raise
    except OSError as error:
        raise folder_error(path, error) from error
    sync_folder(path.parent)


def sync_file(file: IO[Any]) -> None:
    """Make sure that what was written to an open file survives a power loss. Errors: OSError."""
    file.flush()
    os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Make sure that the names in a folder survive a power loss; say so where that cannot be made sure of."""
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        if error.errno not in _NO_SYNC:
            reason = error.strerror or str(error)
            _LOG.warning("%s was written; a power loss could still undo that: %s", folder, reason)


def open_file(path: Path, mode: str = "wb", *, errors: str | None = None) -> IO[Any]:
    """Return a file opened to be written in pieces, which only we and our team can read.

    What is there already and was readable by others is not any more. Errors: OSError.
    """

    def opened(name: str, flags: int) -> int:
        """Return the handle of the file, once its mode is right."""
        handle = os.open(name, flags | os.O_CLOEXEC, PRIVATE_FILE)
        try:
            _set_mode(handle, _file_mode(path.parent))
        except OSError:
            os.close(handle)
            raise
        return handle

    return open(path, mode, encoding=None if "b" in mode else "utf-8", errors=errors, opener=opened)


def temporary_file(folder: Path, prefix: str, suffix: str) -> Path:
    """Return a new file of ours in a folder, to be opened by its name whatever the umask. Errors: OSError."""
    handle, name = tempfile.mkstemp(prefix=prefix, suffix=suffix, dir=folder)
    try:
        os.fchmod(handle, PRIVATE_FILE)
    finally:
        os.close(handle)
    return Path(name)


def make_folder(path: Path) -> None:
    """Make a folder, and those above it, which only we and our team can enter. Errors: OSError.

    A folder that is there stays as it is.
    """
    missing = list(itertools.takewhile(lambda folder: not folder.is_dir(), (path, *path.parents)))
    for folder in reversed(missing):
        with suppress(FileExistsError):  # another process made it meanwhile; a file is found by what follows
            _make(folder)


def make_directory(parent: Path, name: str) -> Path:
    """Return a new directory: `name`, else `name-2`, `name-3`, ... Errors: FolderError."""
    try:
        make_folder(parent)
        for number in range(1, 1000):
            path = parent / (name if number == 1 else f"{name}-{number}")
            try:
                _make(path)
            except FileExistsError:
                continue
            return path
    except OSError as error:
        raise folder_error(parent / name, error) from error
    raise FolderError(f"{parent}: a thousand folders are named {name}")


def adopt(folder: Path) -> Path:
    """Return a temporary folder that was made in a folder of ours, open to the team where that is shared."""
    if is_shared(folder.parent):
        folder.chmod(SHARED_FOLDER)
    return folder


def is_shared(folder: Path) -> bool:
    """Return whether a team shares all that is made in a folder.

    The folder itself says so: it belongs to its group, hands the group on, and shuts out all others.
    """
    return stat.S_IMODE(folder.stat().st_mode) == SHARED_FOLDER


def share(folder: Path, group: str) -> None:
    """Let a group of this machine share a folder, and all that is made in it from now on.

    Errors: ConfigError where there is no such group or we are not in it, FolderError.
    """
    number = _group_number(group)
    try:
        missing = list(itertools.takewhile(lambda path: not path.is_dir(), (folder, *folder.parents)))
        for path in reversed(missing):
            path.mkdir(PRIVATE_FOLDER, exist_ok=True)
            _hand_to(path, number)
            sync_folder(path.parent)
        if not missing:
            _hand_to(folder, number)
    except PermissionError as error:
        raise FolderError(
            f"{folder} belongs to another user, who has to share it: "
            f"chgrp {group} {folder} && chmod 2770 {folder}"
        ) from error
    except OSError as error:
        raise folder_error(folder, error) from error


def protect(folder: Path) -> bool:
    """Return whether a folder was open to others, or closed to the team, and is no more, with all in it.

    So are folders that an earlier version made, or that came out of git. Links are not followed, and what
    belongs to another user stays as it is.
    """
    with suppress(OSError):
        wanted = SHARED_FOLDER if is_shared(folder.parent) else PRIVATE_FOLDER
        mode = stat.S_IMODE(folder.stat().st_mode)
        if mode == wanted or (wanted == PRIVATE_FOLDER and (mode == SHARED_FOLDER or not mode & 0o077)):
            return False
        group = folder.parent.stat().st_gid if wanted == SHARED_FOLDER else -1
        _protect(folder, wanted, group)
        for top, directories, names in os.walk(folder):
            for name in (*directories, *names):
                with suppress(OSError):
                    _protect(Path(top) / name, wanted, group)
        return True
    return False


def _make(folder: Path) -> None:
    wanted = SHARED_FOLDER if is_shared(folder.parent) else PRIVATE_FOLDER
    folder.mkdir(PRIVATE_FOLDER)
    if stat.S_IMODE(folder.stat().st_mode) != wanted:
        folder.chmod(wanted)
    sync_folder(folder.parent)  # what is synced in it is worth nothing without its name


def _file_mode(folder: Path) -> int:
    return SHARED_FILE if is_shared(folder) else PRIVATE_FILE


def _set_mode(handle: int, mode: int) -> None:
    """Set the mode of a regular file; a pipe or a terminal, which a person may name, stays as it is."""
    now = os.fstat(handle).st_mode
    if stat.S_ISREG(now) and stat.S_IMODE(now) != mode:
        os.fchmod(handle, mode)


def _protect(path: Path, folder_mode: int, group: int) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        mode = os.fstat(handle).st_mode
        if group >= 0:
            os.fchown(handle, -1, group)
        if stat.S_ISDIR(mode):
            os.fchmod(handle, folder_mode)
        elif stat.S_ISREG(mode):
            os.fchmod(handle, folder_mode & 0o660)
    finally:
        os.close(handle)


def _hand_to(folder: Path, group: int) -> None:
    """Hand a folder to a group, with the files in it. Folders in it follow when they are written."""
    status = folder.stat()
    if status.st_gid == group and stat.S_IMODE(status.st_mode) == SHARED_FOLDER:
        return
    if status.st_gid != group:
        os.chown(folder, -1, group)
    folder.chmod(SHARED_FOLDER)
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_file(follow_symlinks=False):
                with suppress(OSError):  # of another user
                    _protect(Path(entry.path), SHARED_FOLDER, group)


def _group_number(group: str) -> int:
    try:
        number = grp.getgrnam(group).gr_gid
    except (KeyError, ValueError) as error:
        raise ConfigError(f"this machine has no group {group!r}") from error
    if os.geteuid() and number not in {os.getegid(), *os.getgroups()}:
        raise ConfigError(f"you are not in the group {group!r}; if you were added, log in again")
    return number


def folder_error(path: Path, error: OSError) -> FolderError:
    """Return the error that says what to do about `error`."""
    reason = _REASONS.get(error.errno or 0, error.strerror or str(error))
    return FolderError(f"cannot write {path}: {reason}")


def evidence_file(snapshot: Path, ref: str) -> Path:
    """Return where a snapshot keeps the evidence that a finding names.

    >>> evidence_file(Path("s"), "db/postgres.locks"), evidence_file(Path("s"), "../../x/a b")
    (PosixPath('s/evidence/db/postgres.locks.json'), PosixPath('s/evidence/x/a-b.json'))
    """
    target, _, probe = ref.rpartition("/")
    return snapshot / "evidence" / file_name(target) / f"{file_name(probe)}.json"


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

"""What processes that were killed leave behind: files being written, and temporary folders. Swept later.

Whoever writes holds a lock on what it writes, which the system gives back however the process ends. What
no process holds any more, and has been there for a while, belongs to none that lives.
"""

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_SETTLED_SECONDS = 60.0  # younger ones may belong to a process that has not come to its lock yet
_SUFFIX = ".part"


def hold(handle: int) -> None:
    """Show that an open file or folder is in use, for as long as it is open; where there are locks."""
    with suppress(OSError):
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


def is_held(path: Path) -> bool:
    """Return whether a process of this machine holds the file. Errors: OSError where it cannot be opened."""
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


@contextmanager
def private_folder(prefix: str, parent: Path | None = None) -> Iterator[Path]:
    """Yield a new temporary folder of ours alone, and remove it; those that the dead left are removed first.

    Errors: OSError.
    """
    place = parent or Path(tempfile.gettempdir())
    sweep_folders(place, prefix)
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=place))
    handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    hold(handle)
    try:
        yield folder
    finally:
        os.close(handle)
        shutil.rmtree(folder, ignore_errors=True)


def is_young(modified: float) -> bool:
    """Return whether what was changed then may belong to a process that has not come to its lock yet.

    What is dated ahead of the clock, which was set back since, is not.
    """
    return abs(time.time() - modified) < _SETTLED_SECONDS


def sweep_files(folder: Path) -> None:
    """Remove the files of a folder that were being written by processes that are dead now."""
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(".") and entry.name.endswith(_SUFFIX):
                with suppress(OSError):
                    _sweep(entry, os.O_WRONLY)


def sweep_folders(place: Path, prefix: str) -> None:
    """Remove the temporary folders of processes of ours that are dead now."""
    with suppress(OSError), os.scandir(place) as entries:
        for entry in entries:
            if entry.name.startswith(prefix):
                with suppress(OSError):
                    _sweep(entry, os.O_RDONLY | os.O_DIRECTORY)


def _sweep(entry: os.DirEntry[str], flags: int) -> None:
    status = entry.stat(follow_symlinks=False)
    if status.st_uid != os.geteuid() or is_young(status.st_mtime):
        return
    handle = os.open(entry.path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if flags & os.O_DIRECTORY:
            shutil.rmtree(entry.path, ignore_errors=True)
        else:
            Path(entry.path).unlink(missing_ok=True)
    finally:
        os.close(handle)

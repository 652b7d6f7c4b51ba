"""Files that people may edit at any time, even while they are being written: none of their saves is lost."""

import contextlib
import ctypes
import errno
import fcntl
import glob
import logging
import os
import re
import signal
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from incident_lib import clock
from incident_lib.errors import UsageError
from incident_lib.incident.files import folder_error, open_file, sync_file, sync_folder, temporary_file
from incident_lib.incident.leftovers import is_young
from incident_lib.incident.manifest import sha256

_LOG = logging.getLogger(__name__)
_CONFLICT = re.compile(r"^(?:<{7} |>{7} )", re.MULTILINE)
_SETTLE_SECONDS = 2.0  # for an editor that is writing right now
_PAUSE_SECONDS = 0.01
_TRIES = 50
_KEPT = ".kept"  # what is exchanged with a file; never cleaned up, since it may be what a person saved
_EXCHANGE = 2  # RENAME_EXCHANGE
_HERE = -100  # AT_FDCWD


class Renewed(msgspec.Struct, frozen=True):
    """The previous text of a file, and its current text."""

    before: str
    text: str


def read_text(path: Path) -> str:
    """Return the text of a file, "" if it does not exist. Errors: UsageError if it is not text."""
    try:
        data = _settled(path) if path.exists() else b""
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from error
    return _text(path, data)


def conflict(text: str) -> int:
    r"""Return the line of the first unresolved merge conflict marker, 0 if there is none.

    >>> conflict("# Impact\n<<<<<<< HEAD\nours\n"), conflict("all well")
    (2, 0)
    """
    found = _CONFLICT.search(text)
    return text.count("\n", 0, found.start()) + 1 if found else 0


def renew(path: Path, change: Callable[[str], str]) -> Renewed:
    """Write what `change` makes of a file's text into it, and return both; write nothing if it is the same.

    A person who saves in the meantime loses nothing: what was replaced is compared with what `change` was
    given, and if it differs, that is changed instead. Errors: UsageError if a person left conflict markers,
    or saved something that is not text; FolderError.
    """
    base = there = _recovered(path)
    new = _changed(path, base, change)
    for _ in range(_TRIES):
        if new == there:
            return Renewed(base.decode(), new.decode())
        replaced, is_placed = _put(path, there, new)
        if replaced == there:
            return Renewed(base.decode(), new.decode())
        there = new if is_placed else replaced
        base = replaced
        try:
            new = _changed(path, base, change)
        except UsageError:
            _put(path, there, replaced)
            raise
    raise UsageError(f"{path} keeps being saved by another program; try again later")


def _changed(path: Path, base: bytes, change: Callable[[str], str]) -> bytes:
    text = _text(path, base)
    if line := conflict(text):
        raise UsageError(
            f"{path}, line {line}: it contains merge conflict markers, so it is left alone; resolve them"
        )
    return change(text).encode()


def _text(path: Path, data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8; save it as UTF-8, then try again") from error


def _put(path: Path, expected: bytes, new: bytes) -> tuple[bytes, bool]:
    """Return the content of the file that `new` replaced, or that the file has changed since."""
    start = f".{path.name[:40]}.{_short(expected)}-{_short(new)}."
    try:
        other = temporary_file(path.parent, start, _KEPT)
        with open_file(other) as file:
            file.write(new)
            sync_file(file)
        found, is_placed = _exchanged(path, other, expected)
        sync_folder(path.parent)
        other.unlink(missing_ok=True)
    except OSError as error:
        with contextlib.suppress(OSError, NameError):
            if other.read_bytes() == new:
                other.unlink()
        raise folder_error(path, error) from error
    return found, is_placed


def _exchanged(path: Path, other: Path, expected: bytes) -> tuple[bytes, bool]:
    if not path.exists():
        try:
            os.link(other, path)
        except FileExistsError:  # created just now
            return _settled(path), False
        except OSError:  # a file system without hard links
            other.replace(path)
        return b"", True
    if _exchange(other, path):
        return _settled(other), True
    found = _settled(path)
    if found != expected:
        return found, False
    other.replace(path)
    return found, True


def _recovered(path: Path) -> bytes:
    """Return what people saved last, even if a process that was replacing it was killed."""
    saved = _settled(path) if path.exists() else b""
    for other in sorted(path.parent.glob(f".{glob.escape(path.name[:40])}.*{_KEPT}")):
        base, _, new = other.name.split(".")[-3].partition("-")
        with contextlib.suppress(OSError):
            if is_young(other.stat().st_mtime):
                continue  # its process may still be running
            found = _short(other.read_bytes())
            if found not in {base, new, _short(saved)}:
                if _short(saved) != new:  # and saved again since
                    kept = path.with_name(f"{path.stem}-saved-{found}{path.suffix}")
                    other.replace(kept)
                    _LOG.warning("%s was being saved when a process was killed; that copy is %s", path, kept)
                    continue
                other.replace(path)
                saved = _settled(path)
            else:
                other.unlink()
    return saved


def _short(data: bytes) -> str:
    return sha256(data)[:12]


def _settled(path: Path) -> bytes:
    """Return the content of a file once no process is writing to it, or after a timeout. Errors: OSError."""
    until = clock.monotonic() + _SETTLE_SECONDS
    with path.open("rb") as file:
        while not _is_settled(file.fileno()) and clock.monotonic() < until:
            time.sleep(_PAUSE_SECONDS)
        data = file.read()
        with contextlib.suppress(OSError):
            fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    return data


def _is_settled(handle: int) -> bool:
    """Return whether no process is writing: only then the system grants a lease, which delays writers."""
    try:
        fcntl.fcntl(handle, fcntl.F_SETSIG, signal.SIGURG)  # sent for a writer; ignored, unlike SIGIO
        fcntl.fcntl(handle, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except BlockingIOError:
        return False
    except (OSError, AttributeError):  # no leases here, or another user's file
        return True
    return True


def _exchange(one: Path, other: Path) -> bool:
    """Exchange two files atomically; return False if this system cannot. Errors: OSError."""
    rename = _renameat2()
    if rename is None:
        return False
    if rename(_HERE, os.fsencode(one), _HERE, os.fsencode(other), _EXCHANGE) == 0:
        return True
    number = ctypes.get_errno()
    if number in {errno.ENOSYS, errno.EINVAL, errno.ENOTSUP}:
        return False
    raise OSError(number, os.strerror(number), str(other))


@cache
def _renameat2() -> Any:
    with contextlib.suppress(OSError, AttributeError):
        rename = ctypes.CDLL(None, use_errno=True).renameat2
        rename.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint]
        return rename
    return None

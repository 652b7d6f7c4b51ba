"""Is there room where the server writes: inside its container, or on this machine?"""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from incident_lib.connections.places.container import Container
from incident_lib.connections.places.machine import ThisMachine
from incident_lib.errors import ProblemKind, TargetError
from incident_lib.model import Window
from incident_lib.probes.base import Fetched, Probe
from incident_lib.technologies.postgres.connect import PostgresSession
from incident_lib.technologies.postgres.probes.reading import PRIVILEGE, privilege_problem, statement
from incident_lib.technologies.postgres.rows import TABLESPACE, PostgresDisk

_SECONDS = 3.0
_MOST_TABLESPACES = 50
_SHM = "/dev/shm"  # noqa: S108 - its size is read, nothing is written there
Space = tuple[int, int, str]  # in all, free, where it is mounted


def fetch_disk(session: PostgresSession, _window: Window) -> Fetched:
    """Return the room of the file systems that the server writes to: a PostgresDisk each, the data first.

    The log of writes and tablespaces count where they are on another one, /dev/shm where parallel workers
    share memory there.
    Source: sql/data_folder.sql, then df in its container or here. Needs: pg_monitor. Errors:
    TargetError PRIVILEGE, UNSUPPORTED.
    """
    (facts,) = session.rows(statement("data_folder"))
    data, pid = facts["path"], facts["pid"]
    if data is None:
        problem = privilege_problem(session) or PRIVILEGE
        raise TargetError(ProblemKind.PRIVILEGE, problem.message, problem.advice)
    place: Container | ThisMachine = Container(session.container) if session.container else ThisMachine()
    if not session.container and not _is_here(pid):
        raise TargetError(
            ProblemKind.UNSUPPORTED,
            "the server's disk cannot be seen from here",
            "set its container in workbench.toml, or check the disk of its machine",
        )
    root = "" if session.container else _root_of(pid)
    paths = {"data": data, "wal": f"{data}/pg_wal"} | ({"shm": _SHM} if facts["uses_shm"] else {})
    known = dict(zip(paths, _spaces(place, [root + path for path in paths.values()]), strict=True))
    spaces = dict(sorted((facts["tablespaces"] or {}).items())[:_MOST_TABLESPACES])
    if spaces:
        _, *rest = _spaces(place, [root + data, *(root + path for path in spaces.values())])
        known |= {TABLESPACE + name: space for name, space in zip(spaces, rest, strict=True)}
        paths |= {TABLESPACE + name: path for name, path in spaces.items()}
    rows = disks(known, paths, vantage=place.vantage, files=_files(place, root + data))
    listed = " ".join(paths.values())
    sent = f"df -Pk {listed}; df -Pi {data}, {place.vantage}"
    return Fetched(rows=rows, source=f"{statement('data_folder')}\n-- {sent}")


def disks(
    known: Mapping[str, Space | None],
    paths: Mapping[str, str],
    *,
    vantage: str,
    files: tuple[int, int] | None,
) -> tuple[PostgresDisk, ...]:
    """Return a record for each file system that was seen: one for what is on the same as the data.

    >>> paths = {"data": "/data", "wal": "/data/pg_wal"}
    >>> known = {"data": (100, 20, "/data"), "wal": (100, 19, "/data")}
    >>> [row.what for row in disks(known, paths, vantage="this machine", files=None)]
    ['data']
    """
    seen: dict[object, tuple[str, Space]] = {}
    for what, space in known.items():
        if space:  # what is free may change between two lines of one `df`
            seen.setdefault(what if what == "shm" else (space[0], space[2]), (what, space))
    return tuple(
        PostgresDisk(
            path=paths[what],
            total_bytes=space[0] * 1024,
            free_bytes=space[1] * 1024,
            vantage=vantage,
            what=what,
            file_total_count=files[0] if files and what == "data" else None,
            file_free_count=files[1] if files and what == "data" else None,
        )
        for what, space in seen.values()
    )


def _spaces(place: Container | ThisMachine, paths: list[str]) -> list[Space | None]:
    """Return the room of each path; None for one but the first that cannot be seen.

    Source: `df -Pk PATH...`. Errors: TargetError UNSUPPORTED where the first cannot be seen.
    """
    output = place.run(("df", "-Pk", *paths), seconds=_SECONDS)
    found = parse_df(output.stdout.decode("utf-8", "replace"))
    if len(found) == len(paths):
        return list(found)
    if len(paths) > 1:  # which of them was left out is not certain
        return [*_spaces(place, paths[:1]), *([None] * (len(paths) - 1))]
    reason = output.stderr.decode("utf-8", "replace").strip() or "an unreadable answer"
    raise TargetError(ProblemKind.UNSUPPORTED, f"df {place.vantage}: {reason}")


def _files(place: Container | ThisMachine, path: str) -> tuple[int, int] | None:
    """Return how many files its file system has room for and how many more; None where it does not say."""
    with suppress(TargetError):
        output = place.run(("df", "-Pi", path), seconds=_SECONDS)
        found = parse_df(output.stdout.decode("utf-8", "replace"))
        if len(found) == 1 and found[0][0]:
            return found[0][:2]
    return None


def _is_here(pid: int) -> bool:
    """Return whether the process at the other end of our connection is one of this machine's."""
    try:
        return ThisMachine().read(f"/proc/{pid}/cmdline").data.startswith(b"postgres: ")
    except TargetError:
        return False


def _root_of(pid: int) -> str:
    """Return where the mounts of a process begin: it may have others than we have, as in a container."""
    root = f"/proc/{pid}/root"
    with suppress(OSError):
        if Path(root, "dev").is_dir():
            return root
    return ""


def parse_df(text: str) -> tuple[Space, ...]:
    r"""Return what `df -P` printed of each path: in all, free, where it is mounted; lines of no use left out.

    >>> parse_df("Filesystem 1024-blocks Used Available Capacity Mounted on\n/dev/sda1 100 80 20 80% /data\n")
    ((100, 20, '/data'),)
    """
    rows = [line.split(maxsplit=5) for line in text.strip().splitlines()[1:]]
    return tuple(
        (int(row[1]), int(row[3]), row[5])
        for row in rows
        if len(row) == 6 and all(number.isdigit() for number in row[1:4])
    )


DISK = Probe(
    name="postgres.disk",
    fetch=fetch_disk,
    question="Is there room where the server writes?",
    source=statement("data_folder"),
    needs="pg_monitor; for a container, access to the Docker socket",
    cost="df, twice",
    tier=1,
)

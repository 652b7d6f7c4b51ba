"""Is there room where the server keeps its data?"""

from incident_lib.errors import ProblemKind, TargetError
from incident_lib.model import Window
from incident_lib.probes.base import Fetched, Probe
from incident_lib.technologies.postgres.connect import PostgresSession
from incident_lib.technologies.postgres.connect.disk import read_space
from incident_lib.technologies.postgres.probes.reading import PRIVILEGE, privilege_problem, statement
from incident_lib.technologies.postgres.rows import PostgresDisk


def fetch_disk(session: PostgresSession, _window: Window) -> Fetched:
    """Return the room of the file system that holds the data directory: one PostgresDisk.

    Source: sql/data_folder.sql, then df in the container or statvfs here. Needs: pg_monitor. Errors:
    TargetError PRIVILEGE, UNSUPPORTED.
    """
    (facts,) = session.rows(statement("data_folder"))
    if facts["path"] is None:
        problem = privilege_problem(session) or PRIVILEGE
        raise TargetError(ProblemKind.PRIVILEGE, problem.message, problem.advice)
    total, free, vantage = read_space(session, facts["path"], facts["pid"])
    row = PostgresDisk(path=facts["path"], total_bytes=total, free_bytes=free, vantage=vantage)
    return Fetched(rows=(row,), source=f"{statement('data_folder')}\n-- df -Pk {facts['path']}, {vantage}")


DISK = Probe(
    name="postgres.disk",
    fetch=fetch_disk,
    question="Is there room where the data is kept?",
    source=statement("data_folder"),
    needs="pg_monitor; for a container the right to use the Docker socket",
    cost="df, once",
    tier=1,
)

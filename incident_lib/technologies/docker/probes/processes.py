"""The processes of one container, seen from outside."""

from incident_lib.connections.docker import Engine
from incident_lib.connections.places.container import OpenContainer
from incident_lib.errors import ProblemKind, TargetError
from incident_lib.model import Truncation, Window
from incident_lib.model.rows import Measurement
from incident_lib.probes.base import Fetched
from incident_lib.redact.excerpt import excerpt
from incident_lib.technologies.docker.rows import ContainerProcess

_COLUMNS = "-eo pid,ppid,stat,rss,etime,args"
_KEPT = 200
_COMMAND_LIMIT = 300


def fetch_processes(engine: Engine, _window: Window, *, container: str = "") -> Fetched:
    """Return ContainerProcess rows, and the version of Python as a Measurement's label where it runs any.

    Source: GET /containers/NAME/top, which needs nothing in the image. Errors: TargetError.
    """
    try:
        listed = engine.processes(container, _COLUMNS)
    except TargetError as error:
        if error.kind is ProblemKind.REFUSED:
            message = f"{container} is not running, so it has no processes"
            raise TargetError(ProblemKind.SKIPPED, message) from error
        raise
    every = [_process(entry) for entry in listed]
    source = f"GET /containers/{container}/top?ps_args={_COLUMNS}"
    version: tuple[Measurement, ...] = ()
    if any("python" in process.command.split(" ")[0] for process in every):
        version = _python_version(engine, container)
        source += "; exec python3 --version"
    return Fetched(
        rows=(*every[:_KEPT], *version),
        source=source,
        truncated=Truncation(kept=_KEPT, total=len(every)) if len(every) > _KEPT else None,
    )


def _process(entry: list[str]) -> ContainerProcess:
    pid, parent, state, resident, age, command = entry
    return ContainerProcess(
        pid=int(pid),
        parent_pid=int(parent),
        state=state,
        resident_bytes=int(resident) * 1024,
        age=age,
        command=excerpt(command, _COMMAND_LIMIT),
    )


def _python_version(engine: Engine, container: str) -> tuple[Measurement, ...]:
    """Return the version, or nothing: it is not worth a failure."""
    try:
        answer = OpenContainer(engine, container).run(("python3", "--version"), seconds=2)
    except TargetError:
        return ()
    number = answer.stdout.decode("utf-8", "replace").strip().removeprefix("Python ")
    return (Measurement(name="python", value=None, labels={"version": number}),) if number else ()

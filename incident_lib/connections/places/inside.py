"""A look from inside a container: one short process in it, and only where it has the memory for that."""

from collections.abc import Mapping
from typing import Any

from incident_lib.connections.docker import Engine, ExecResult, translated
from incident_lib.errors import ProblemKind, TargetError
from incident_lib.units import format_bytes

_PYTHON_BYTES = 64 * 1024 * 1024  # with the authorities of a whole store in memory, and room to spare
_SHELL_BYTES = 12 * 1024 * 1024
_NOTHING_THERE = "its image has neither python3 nor a shell, so nothing can be asked inside it"
_ADVICE = (
    "from a second container on its network: docker run --rm --network container:{} IMAGE getent hosts NAME"
)


def look(
    engine: Engine,
    container: str,
    *,
    python: tuple[str, ...],
    shell: tuple[str, ...],
    room_bytes: int | None,
    seconds: float,
) -> tuple[str, ExecResult]:
    """Return "python" or "shell", and what it answered: the first of the two that the image can run.

    Arguments go as a list, never through a shell's text. Cost: one process in the container.
    Errors: TargetError UNSUPPORTED where the image has neither, or where memory is nearly used up.
    """
    ways = [("python", python, _PYTHON_BYTES), ("shell", shell, _SHELL_BYTES)]
    open_to_us = [way for way in ways if room_bytes is None or room_bytes >= way[2]]
    if not open_to_us:
        raise _no_room(container, room_bytes or 0)
    for name, command, _ in open_to_us:
        try:
            return name, engine.exec_read(container, command, seconds=seconds)
        except TargetError as error:
            if error.kind is not ProblemKind.UNSUPPORTED:
                raise
    raise TargetError(ProblemKind.UNSUPPORTED, f"{container}: {_NOTHING_THERE}", _ADVICE.format(container))


def _no_room(container: str, room_bytes: int) -> TargetError:
    return TargetError(
        ProblemKind.UNSUPPORTED,
        f"{container} has {format_bytes(room_bytes)} left of its memory limit: a process of ours could "
        "end it",
        "look again when it has room, or from a second container on its network",
    )


def room_bytes(engine: Engine, container: str, details: Mapping[str, Any]) -> int | None:
    """Return how much memory is left below a container's limit, None where it has none or nobody says.

    Source: GET /containers/NAME/stats. The file cache counts as free: the kernel drops it first.
    """
    limit = (details.get("HostConfig") or {}).get("Memory") or 0
    if not limit:
        return None
    with translated(f"the statistics of {container}"):
        sample = engine.client.api.stats(container, stream=False, one_shot=True)
    memory = sample.get("memory_stats") or {}
    if (usage := memory.get("usage")) is None:
        return None
    parts = memory.get("stats") or {}
    used = usage - parts.get("total_inactive_file", parts.get("inactive_file", 0))
    return int(max(0, limit - used))

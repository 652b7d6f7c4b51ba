"""A reading command of the team, in the container of the service."""

from incident_lib.config import OwnProbe
from incident_lib.connections.docker import Engine
from incident_lib.connections.places.base import Output
from incident_lib.connections.places.container import OpenContainer
from incident_lib.errors import ProblemKind, TargetError
from incident_lib.model import Truncation, Window
from incident_lib.model.rows import Measurement
from incident_lib.probes.base import Fetched
from incident_lib.redact.excerpt import excerpt
from incident_lib.technologies.custom.probes.numbers import first_number

_SECONDS = 4.0
_START_CHARACTERS = 200


def fetch_command(session: Engine, _window: Window, *, custom: OwnProbe, container: str) -> Fetched:
    """Return the exit code of a command, or the first number that it prints: one Measurement.

    Source: `docker exec CONTAINER COMMAND`, without a shell. Cost: one process in the container.
    Errors: TargetError where it cannot be run, does not end in time or prints no number.
    """
    source = f"docker exec {container} {' '.join(custom.command)}"
    result = OpenContainer(session, container).run(custom.command, seconds=_SECONDS)
    value = _value(custom, result)
    cut = Truncation(kept=len(result.stdout), unit="bytes of output") if result.truncated else None
    row = Measurement(name=custom.name, value=value, unit=custom.unit)
    return Fetched(rows=(row,), source=source, truncated=cut)


def _value(custom: OwnProbe, result: Output) -> float | None:
    if custom.read == "exit_code":
        return float(result.exit_code) if result.exit_code >= 0 else None  # -1: not known
    errors = excerpt(result.stderr.decode("utf-8", "replace").strip(), _START_CHARACTERS)
    # `grep -c` and `pgrep -c` count nothing and end with 1; a failure prints a reason besides.
    if result.exit_code > 1 or (result.exit_code == 1 and errors):
        raise TargetError(
            ProblemKind.UNSUPPORTED, f"{custom.command[0]} ended with exit code {result.exit_code}", errors
        )
    return first_number(result.stdout.decode("utf-8", "replace"), custom.command[0])

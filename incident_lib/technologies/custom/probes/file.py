"""A file of the team, on this machine."""

from pathlib import Path

from incident_lib import clock
from incident_lib.config import OwnProbe
from incident_lib.connections.places.base import Content
from incident_lib.connections.places.machine import ThisMachine
from incident_lib.connections.session import NoSession
from incident_lib.errors import ProblemKind, TargetError
from incident_lib.model import Window
from incident_lib.model.rows import Measurement
from incident_lib.probes.base import Fetched
from incident_lib.technologies.custom.probes.numbers import first_number

_READ_BYTES = 4096
_UNITS = {"age": "seconds", "size": "bytes"}
_ADVICE = {
    ProblemKind.NOT_FOUND: "was it ever written? Check what writes it",
    ProblemKind.PRIVILEGE: "correct its permissions",
    ProblemKind.UNSUPPORTED: "name a file",
}


def fetch_file(_session: NoSession, _window: Window, *, custom: OwnProbe, path: Path) -> Fetched:
    """Return the number in a file, its age in seconds or its size in bytes: one Measurement.

    Cost: one read of 4 KiB at most. Errors: TargetError where it is not there, not ours to read, no
    ordinary file, or holds no number.
    """
    try:
        content = ThisMachine().read(str(path), most_bytes=_READ_BYTES)
    except TargetError as error:
        raise TargetError(error.kind, error.message, _ADVICE.get(error.kind, "")) from error
    row = Measurement(
        name=custom.name,
        value=_measure(content, custom.measure, str(path)),
        unit=custom.unit or _UNITS.get(custom.measure, ""),
    )
    return Fetched(rows=(row,), source=f"{custom.measure} of {path}")


def _measure(content: Content, measure: str, path: str) -> float:
    if measure == "age":
        return (clock.now() - content.modified_at).total_seconds()
    if measure == "size":
        return float(content.size_bytes)
    return first_number(content.data.decode("utf-8", "replace"), path)

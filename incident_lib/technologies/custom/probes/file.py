"""A file of the team's own, on this machine."""

import os
import stat
from pathlib import Path

from incident_lib import clock
from incident_lib.config import OwnProbe
from incident_lib.connections.session import NoSession
from incident_lib.errors import ProblemKind, TargetError
from incident_lib.model import Window
from incident_lib.model.rows import Measurement
from incident_lib.probes.base import Fetched
from incident_lib.technologies.custom.probes.numbers import first_number

_READ_BYTES = 4096


def fetch_file(_session: NoSession, _window: Window, *, own: OwnProbe, path: Path) -> Fetched:
    """Return the number in a file, its age in seconds or its size in bytes: one Measurement.

    Cost: one read of 4 KiB at most. Errors: TargetError where it is not there, not ours to read, no
    ordinary file, or holds no number.
    """
    try:
        value = _measure(path, own.measure)
    except FileNotFoundError as error:
        raise TargetError(
            ProblemKind.NOT_FOUND, f"{path} is not there", "was it ever written? Look at what writes it"
        ) from error
    except OSError as error:
        raise TargetError(
            ProblemKind.PRIVILEGE, f"cannot read {path}: {error.strerror}", "correct its rights"
        ) from error
    unit = own.unit or {"age": "seconds", "size": "bytes"}.get(own.measure, "")
    return Fetched(
        rows=(Measurement(name=own.name, value=value, unit=unit),), source=f"{own.measure} of {path}"
    )


def _measure(path: Path, measure: str) -> float:
    # Not blocking, because to open a pipe that nobody writes to would wait for ever.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
    try:
        about = os.fstat(descriptor)
        if not stat.S_ISREG(about.st_mode):
            raise TargetError(ProblemKind.UNSUPPORTED, f"{path} is no ordinary file", "name a file")
        if measure == "age":
            return clock.now().timestamp() - about.st_mtime
        if measure == "size":
            return float(about.st_size)
        text = os.read(descriptor, _READ_BYTES).decode("utf-8", "replace")
    finally:
        os.close(descriptor)
    return first_number(text, str(path))

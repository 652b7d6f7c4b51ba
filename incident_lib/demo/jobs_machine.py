"""What other programs do to the shop's machine: take its processors. For `clients`."""

import os
import time
import zlib
from pathlib import Path

from incident_lib.demo.jobs_database import BOUND_SECONDS, say

_FOR_EACH_PROCESSOR = 16
_COPIES = 200


def back_up(path: str) -> None:
    """Compress as many files at once as were requested without a thought for the machine."""
    begun, first = time.monotonic(), os.getpid()
    data = Path(path).read_bytes() * _COPIES
    count = _FOR_EACH_PROCESSOR * (os.cpu_count() or 1)
    for _ in range(count - 1):
        if os.fork() == 0:
            os.setsid()  # as jobs of a scheduler: some systems share the processors out among sessions
            break
    if os.getpid() == first:
        say(f"{count} files at once")
    while time.monotonic() - begun < BOUND_SECONDS and first in {os.getpid(), os.getppid()}:
        zlib.compress(data, 9)


JOBS = {"back-up": back_up}

"""A fault of the machine that the shop runs on: another program takes its processors."""

import os
import time

from incident_lib.demo.faults.base import Fault
from incident_lib.demo.stack import DemoStack

_QUIET_LOAD = 4.0  # for each processor
_PATIENCE_SECONDS = 45.0


def _end_backup(stack: DemoStack) -> None:
    """End it, and wait until the machine's load is ordinary again: what comes next is judged by it, too."""
    stack.end_client("back-up")
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while os.getloadavg()[0] > _QUIET_LOAD * (os.cpu_count() or 1) and time.monotonic() < deadline:
        time.sleep(1.0)


FAULTS = (
    Fault(
        name="host-cpu-saturated",
        title="A backup compresses dozens of files at once, and the services wait for a processor",
        target="host",
        settle_seconds=15.0,
        break_stack=lambda stack: stack.start_client("back-up", str(stack.config), until="files at once"),
        mend_stack=_end_backup,
    ),
)

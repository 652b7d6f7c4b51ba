"""Faults of the backend: its pool, its process, its version, its memory."""

import signal
from functools import partial

from incident_lib.demo.deploy import FIRST_VERSION, NEXT_VERSION
from incident_lib.demo.faults.base import Fault
from incident_lib.demo.stack import DemoStack


def _crash(stack: DemoStack) -> None:
    stack.running.processes.end("backend", first=signal.SIGKILL)


_fault = partial(Fault, target="backend")

FAULTS = (
    _fault(
        name="pool-exhausted",
        title="A new feature keeps the backend's database connections and never gives them back",
        hypothesis="app-pool-exhausted",
        settle_seconds=8.0,
        break_stack=lambda stack: stack.switch_on("loyalty-points"),
        mend_stack=DemoStack.switch_off_and_restart,
        in_suite=True,
    ),
    _fault(
        name="backend-crash",
        title="The backend's process is killed",
        hypothesis="service-down",
        settle_seconds=2.0,
        break_stack=_crash,
        mend_stack=DemoStack.restart_backend,
        in_suite=True,
    ),
    _fault(
        name="bad-deploy",
        title="A new version of the backend cannot read orders made before it",
        settle_seconds=5.0,
        break_stack=lambda stack: stack.deploy(NEXT_VERSION),
        mend_stack=lambda stack: stack.deploy(FIRST_VERSION),
        in_suite=True,
    ),
    _fault(
        name="memory-growth",
        title="A new feature keeps every printed receipt in the backend's memory",
        hypothesis="memory-leak",
        settle_seconds=15.0,
        break_stack=lambda stack: stack.switch_on("receipt-archive"),
        mend_stack=DemoStack.switch_off_and_restart,
        in_suite=True,
    ),
)

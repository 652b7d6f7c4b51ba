"""Faults of the backend: its pool, its process, its version, its memory."""

import signal

from incident_lib.demo.deploy import FIRST_VERSION, NEXT_VERSION
from incident_lib.demo.faults.base import Fault
from incident_lib.demo.stack import DemoStack


def _leak_connections(stack: DemoStack) -> None:
    stack.running.layout.write_features(**{"loyalty-points": True})


def _leak_memory(stack: DemoStack) -> None:
    stack.running.layout.write_features(**{"receipt-archive": True})


def _switch_off_and_restart(stack: DemoStack) -> None:
    stack.running.layout.write_features()
    stack.restart_backend()


def _crash(stack: DemoStack) -> None:
    stack.running.processes.end("backend", first=signal.SIGKILL)


FAULTS = (
    Fault(
        name="pool-exhausted",
        title="A new feature keeps the backend's database connections and never gives them back",
        hypothesis="app-pool-exhausted",
        target="backend",
        settle_seconds=8.0,
        break_stack=_leak_connections,
        mend_stack=_switch_off_and_restart,
        in_suite=True,
    ),
    Fault(
        name="backend-crash",
        title="The backend's process is killed",
        hypothesis="service-down",
        target="backend",
        settle_seconds=2.0,
        break_stack=_crash,
        mend_stack=DemoStack.restart_backend,
        in_suite=True,
    ),
    Fault(
        name="bad-deploy",
        title="A new version of the backend cannot read orders made before it",
        hypothesis="bad-deploy",
        target="backend",
        settle_seconds=5.0,
        break_stack=lambda stack: stack.deploy(NEXT_VERSION),
        mend_stack=lambda stack: stack.deploy(FIRST_VERSION),
        in_suite=True,
    ),
    Fault(
        name="memory-growth",
        title="A new feature keeps every printed receipt in the backend's memory",
        hypothesis="memory-leak",
        target="backend",
        settle_seconds=15.0,
        break_stack=_leak_memory,
        mend_stack=_switch_off_and_restart,
        in_suite=True,
    ),
)

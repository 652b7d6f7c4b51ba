"""Faults of the backend and the web pages: its pool, version, features, memory, files, processes."""

import signal
from functools import partial

import psutil

from incident_lib.demo.deploy import FIRST_VERSION, NEXT_VERSION
from incident_lib.demo.faults.base import Fault
from incident_lib.demo.services import start_frontend
from incident_lib.demo.stack import DemoStack
from incident_lib.errors import WorkbenchError

_OPEN_FILES = 96
_MANY_OPEN_FILES = 1024


def _backend(stack: DemoStack) -> psutil.Process:
    process = stack.running.processes.find("backend")
    if process is None:
        raise WorkbenchError("the backend does not run")
    return process


def _leak_files(stack: DemoStack) -> None:
    _backend(stack).rlimit(psutil.RLIMIT_NOFILE, (_OPEN_FILES, _OPEN_FILES))
    stack.switch_on("receipt-printer")


def _leak_files_slowly(stack: DemoStack) -> None:
    """Leak as many, of far more: nothing fails, and only time shows it."""
    _backend(stack).rlimit(psutil.RLIMIT_NOFILE, (_MANY_OPEN_FILES, _MANY_OPEN_FILES))
    stack.switch_on("receipt-printer")


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
        break_stack=lambda stack: stack.running.processes.end("backend", first=signal.SIGKILL),
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
    _fault(
        name="endpoint-error",
        title="A new feature breaks the report; nothing was deployed",
        settle_seconds=8.0,
        break_stack=lambda stack: stack.switch_on("regional-report"),
        mend_stack=DemoStack.switch_off,
    ),
    _fault(
        name="backend-halted",
        title="The backend's process is stopped: it accepts connections and does not answer",
        hypothesis="event-loop-blocked",
        settle_seconds=6.0,
        break_stack=lambda stack: _backend(stack).send_signal(signal.SIGSTOP),
        mend_stack=lambda stack: _backend(stack).send_signal(signal.SIGCONT),
    ),
    _fault(
        name="open-files",
        title="A new feature opens a file for each order and closes none",
        settle_seconds=15.0,
        break_stack=_leak_files,
        mend_stack=DemoStack.switch_off_and_restart,
    ),
    _fault(
        name="gradual-degradation",
        title="A new feature opens a file for each order and closes none; there is room for minutes yet",
        settle_seconds=4.0,
        watch_seconds=24.0,
        break_stack=_leak_files_slowly,
        mend_stack=DemoStack.switch_off_and_restart,
    ),
    _fault(
        name="memory-high",
        title="A new feature reads all prices into memory, and little is left",
        settle_seconds=8.0,
        break_stack=lambda stack: stack.switch_on("price-chart"),
        mend_stack=DemoStack.switch_off_and_restart,
    ),
    Fault(
        name="frontend-crash",
        title="The frontend's process is killed",
        hypothesis="service-down",
        target="frontend",
        settle_seconds=3.0,
        break_stack=lambda stack: stack.running.processes.end("frontend", first=signal.SIGKILL),
        mend_stack=lambda stack: start_frontend(
            stack.running.processes, stack.ports["frontend"], stack.backend_url
        ),
    ),
)

"""Faults of the shop's own processes: a bug behind a flag, halted, out of files, out of memory, gone."""

import signal

import psutil

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


def _break_report(stack: DemoStack) -> None:
    stack.running.layout.write_features(**{"regional-report": True})


def _switch_off(stack: DemoStack) -> None:
    stack.running.layout.write_features()


def _switch_off_and_restart(stack: DemoStack) -> None:
    _switch_off(stack)
    stack.restart_backend()


def _leak_files(stack: DemoStack) -> None:
    _backend(stack).rlimit(psutil.RLIMIT_NOFILE, (_OPEN_FILES, _OPEN_FILES))
    stack.running.layout.write_features(**{"receipt-printer": True})


def _leak_files_slowly(stack: DemoStack) -> None:
    """Leak as many, of far more: nothing fails, and only time shows it."""
    _backend(stack).rlimit(psutil.RLIMIT_NOFILE, (_MANY_OPEN_FILES, _MANY_OPEN_FILES))
    stack.running.layout.write_features(**{"receipt-printer": True})


def _fill_memory(stack: DemoStack) -> None:
    stack.running.layout.write_features(**{"price-chart": True})


def _start_frontend(stack: DemoStack) -> None:
    start_frontend(stack.running.processes, stack.running.frontend_port, stack.backend_url)


FAULTS = (
    Fault(
        name="endpoint-error",
        title="A new feature breaks the report; nothing was deployed",
        hypothesis="endpoint-error",
        target="backend",
        settle_seconds=8.0,
        break_stack=_break_report,
        mend_stack=_switch_off,
    ),
    Fault(
        name="backend-halted",
        title="The backend's process is stopped: it accepts connections and does not answer",
        hypothesis="event-loop-blocked",
        target="backend",
        settle_seconds=6.0,
        break_stack=lambda stack: _backend(stack).send_signal(signal.SIGSTOP),
        mend_stack=lambda stack: _backend(stack).send_signal(signal.SIGCONT),
    ),
    Fault(
        name="open-files",
        title="A new feature opens a file for each order and closes none",
        hypothesis="open-files",
        target="backend",
        settle_seconds=15.0,
        break_stack=_leak_files,
        mend_stack=_switch_off_and_restart,
    ),
    Fault(
        name="gradual-degradation",
        title="A new feature opens a file for each order and closes none; there is room for minutes yet",
        hypothesis="gradual-degradation",
        target="backend",
        settle_seconds=4.0,
        watch_seconds=24.0,
        break_stack=_leak_files_slowly,
        mend_stack=_switch_off_and_restart,
    ),
    Fault(
        name="memory-high",
        title="A new feature reads all prices into memory, and little is left",
        hypothesis="memory-high",
        target="backend",
        settle_seconds=8.0,
        break_stack=_fill_memory,
        mend_stack=_switch_off_and_restart,
    ),
    Fault(
        name="frontend-crash",
        title="The frontend's process is killed",
        hypothesis="service-down",
        target="frontend",
        settle_seconds=3.0,
        break_stack=lambda stack: stack.running.processes.end("frontend", first=signal.SIGKILL),
        mend_stack=_start_frontend,
    ),
)

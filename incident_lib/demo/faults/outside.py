"""Faults of the outside payments provider: slow, with an expired certificate, gone."""

from functools import partial

from incident_lib.demo.base import Stack
from incident_lib.demo.certificates import EXPIRED, GOOD
from incident_lib.demo.faults.base import Fault
from incident_lib.demo.services import start_payments
from incident_lib.demo.stack import DemoStack

_SLOW_SECONDS = 4.0  # more than the backend waits, less than a patient person does


def slow_down(stack: Stack) -> None:
    """Let the provider take longer for each answer than the backend waits."""
    stack.layout.delay.write_text(f"{_SLOW_SECONDS}", encoding="ascii")


def speed_up(stack: Stack) -> None:
    """Let it answer as fast as it can again."""
    stack.layout.delay.unlink(missing_ok=True)


def _expire(stack: DemoStack) -> None:
    _stop(stack)
    start_payments(stack.running.processes, stack.ports["payments"], EXPIRED)


def _renew(stack: DemoStack) -> None:
    _stop(stack)
    start_payments(stack.running.processes, stack.ports["payments"], GOOD)


def _stop(stack: DemoStack) -> None:
    stack.running.processes.end("payments")


_fault = partial(Fault, target="payments")

FAULTS = (
    _fault(
        name="slow-dependency",
        title="The payments provider takes four seconds for an answer",
        hypothesis="dependency-slow",
        settle_seconds=8.0,
        break_stack=slow_down,
        mend_stack=speed_up,
        in_suite=True,
    ),
    _fault(
        name="tls-expired",
        title="The payments provider's certificate expired an hour ago",
        settle_seconds=4.0,
        break_stack=_expire,
        mend_stack=_renew,
        in_suite=True,
    ),
    _fault(
        name="dependency-down",
        title="The payments provider refuses connections",
        hypothesis="port-refused",
        settle_seconds=4.0,
        break_stack=_stop,
        mend_stack=_renew,
    ),
)

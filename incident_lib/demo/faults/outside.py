"""Faults of the outside payments provider: slow, with an expired certificate, gone."""

from incident_lib.demo.certificates import EXPIRED, GOOD
from incident_lib.demo.faults.base import Fault
from incident_lib.demo.services import start_payments
from incident_lib.demo.stack import DemoStack

_SLOW_SECONDS = 4.0  # more than the backend waits, less than a patient person does


def _slow_down(stack: DemoStack) -> None:
    stack.running.layout.delay.write_text(f"{_SLOW_SECONDS}", encoding="ascii")


def _speed_up(stack: DemoStack) -> None:
    stack.running.layout.delay.unlink(missing_ok=True)


def _expire(stack: DemoStack) -> None:
    _stop(stack)
    start_payments(stack.running.processes, stack.running.payments_port, EXPIRED)


def _renew(stack: DemoStack) -> None:
    _stop(stack)
    start_payments(stack.running.processes, stack.running.payments_port, GOOD)


def _stop(stack: DemoStack) -> None:
    stack.running.processes.end("payments")


FAULTS = (
    Fault(
        name="slow-dependency",
        title="The payments provider takes four seconds for an answer",
        hypothesis="dependency-slow",
        target="payments",
        settle_seconds=8.0,
        break_stack=_slow_down,
        mend_stack=_speed_up,
        in_suite=True,
    ),
    Fault(
        name="tls-expired",
        title="The payments provider's certificate expired an hour ago",
        hypothesis="tls-expired",
        target="payments",
        settle_seconds=4.0,
        break_stack=_expire,
        mend_stack=_renew,
        in_suite=True,
    ),
    Fault(
        name="dependency-down",
        title="The payments provider refuses connections",
        hypothesis="port-refused",
        target="payments",
        settle_seconds=4.0,
        break_stack=_stop,
        mend_stack=_renew,
    ),
)

"""Faults of the outside payments provider: slow, gone, moved, untrusted, unreachable."""

import json
from collections.abc import Callable
from functools import partial

from incident_lib.demo.base import Stack
from incident_lib.demo.certificates import EXPIRED, GOOD, INCOMPLETE, SELF_SIGNED, WRONG_NAME
from incident_lib.demo.deploy import FIRST_VERSION
from incident_lib.demo.faults.base import Fault
from incident_lib.demo.processes import python_module
from incident_lib.demo.services import start_payments
from incident_lib.demo.stack import DemoStack

_SLOW_SECONDS = 4.0  # more than the backend waits, less than a patient person does
_NEW_ADDRESS = "https://eu.payments.invalid"  # a domain that never resolves, by its definition
_NEXT_PATCH = "1.4.3"


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


def _with_certificate(name: str) -> Callable[[DemoStack], None]:
    def change(stack: DemoStack) -> None:
        """Start the provider again with that certificate."""
        stack.running.processes.end("payments")
        start_payments(stack.running.processes, stack.ports["payments"], name)

    return change


def _move_to_a_name(stack: DemoStack) -> None:
    """Deploy with the provider's new address, as its owner announced it: a name that was not entered."""
    stack.running.layout.replace_in_config(stack.payments_url, _NEW_ADDRESS)
    _deploy_with(stack, _NEW_ADDRESS)


def _move_back(stack: DemoStack) -> None:
    stack.running.layout.replace_in_config(_NEW_ADDRESS, stack.payments_url)
    _deploy_with(stack, stack.payments_url)


def _deploy_with(stack: DemoStack, address: str) -> None:
    layout = stack.running.layout
    environment = json.loads(layout.backend_environment.read_text(encoding="utf-8"))
    layout.write_secret("backend.json", json.dumps({**environment, "PAYMENTS_URL": address}))
    stack.deploy(_NEXT_PATCH if address == _NEW_ADDRESS else FIRST_VERSION)


def _give_its_port_away(stack: DemoStack) -> None:
    """Start another program on the provider's port, one that speaks plain HTTP."""
    stack.running.processes.end("payments")
    command = python_module(
        "frontend", "--port", str(stack.ports["payments"]), "--backend", stack.backend_url
    )
    stack.running.processes.spawn("payments", command)


def _swallow(stack: DemoStack) -> None:
    stack.running.processes.end("payments")
    stack.start_client("swallow", str(stack.ports["payments"]), until="full")


def _listen_again(stack: DemoStack) -> None:
    stack.end_client("swallow")
    _with_certificate(GOOD)(stack)


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
    _fault(
        name="dependency-errors",
        title="The payments provider answers everything with an error of its own",
        hypothesis="dependency-down",
        settle_seconds=4.0,
        break_stack=lambda stack: stack.running.layout.failing.touch(),
        mend_stack=lambda stack: stack.running.layout.failing.unlink(missing_ok=True),
    ),
    _fault(
        name="dns-failure",
        title="The payments provider moved to a name that does not resolve; a deploy followed it there",
        settle_seconds=5.0,
        break_stack=_move_to_a_name,
        mend_stack=_move_back,
    ),
    _fault(
        name="tls-wrong-name",
        title="The payments provider's certificate is for another name",
        settle_seconds=4.0,
        break_stack=_with_certificate(WRONG_NAME),
        mend_stack=_with_certificate(GOOD),
    ),
    _fault(
        name="tls-chain",
        title="The payments provider does not send its intermediate certificate",
        settle_seconds=4.0,
        break_stack=_with_certificate(INCOMPLETE),
        mend_stack=_with_certificate(GOOD),
    ),
    _fault(
        name="tls-self-signed",
        title="The payments provider's certificate is signed by itself only",
        hypothesis="tls-chain",
        settle_seconds=4.0,
        break_stack=_with_certificate(SELF_SIGNED),
        mend_stack=_with_certificate(GOOD),
    ),
    _fault(
        name="wrong-port",
        title="The payments provider's port was given to another program, which speaks plain HTTP",
        settle_seconds=4.0,
        break_stack=_give_its_port_away,
        mend_stack=_with_certificate(GOOD),
    ),
    _fault(
        name="port-filtered",
        title="Connections to the payments provider are swallowed",
        settle_seconds=8.0,
        break_stack=_swallow,
        mend_stack=_listen_again,
    ),
)

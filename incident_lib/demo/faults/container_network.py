"""Faults of the stack on Docker: what lies between its containers - names, networks, ports, packets."""

from incident_lib.demo import packets
from incident_lib.demo.container_roles import PORTS
from incident_lib.demo.containers import ContainerStack
from incident_lib.demo.faults.container_base import cache_fault, db_fault, payments_fault

_OTHER_PORT = 9443


def _rename_database(stack: ContainerStack) -> None:
    """Attach the database again, without the name that the application knows it by."""
    stack.containers.cut_off("db")
    stack.containers.attach("db", "database-new")


def _reattach(role: str, stack: ContainerStack) -> None:
    stack.containers.cut_off(role)
    stack.containers.attach(role, role)


def _filter_payments(stack: ContainerStack) -> None:
    packets.drop(stack.containers.get("backend"), PORTS["payments"])


def _stop_filtering(stack: ContainerStack) -> None:
    packets.let_through(stack.containers.get("backend"), PORTS["payments"])


NETWORK_FAULTS = (
    db_fault(
        name="dns-failure",
        title="The database was attached again without the name that the backend knows it by",
        settle_seconds=8.0,
        break_stack=_rename_database,
        mend_stack=lambda stack: _reattach("db", stack),
        in_suite=True,
    ),
    cache_fault(
        name="network-split",
        title="The cache's container was taken out of the backend's network",
        hypothesis="dns-failure",
        settle_seconds=6.0,
        break_stack=lambda stack: stack.containers.cut_off("redis"),
        mend_stack=lambda stack: stack.containers.attach("redis", "redis"),
    ),
    payments_fault(
        name="port-refused",
        title="The payments provider listens on another port",
        settle_seconds=5.0,
        break_stack=lambda stack: stack.run("payments", stack.roles.payments(port=_OTHER_PORT)),
        mend_stack=lambda stack: stack.run("payments", stack.roles.payments()),
    ),
    payments_fault(
        name="port-filtered",
        title="A rule in the backend's network drops what it sends to the payments provider",
        settle_seconds=8.0,
        break_stack=_filter_payments,
        mend_stack=_stop_filtering,
        in_suite=True,
        why_not=packets.why_no_filter,
    ),
)

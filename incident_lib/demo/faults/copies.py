"""Faults of what stands next to the database: its standby, the disk under some of its tables."""

from functools import partial

from incident_lib.demo import tablespace
from incident_lib.demo.faults.base import Fault
from incident_lib.demo.stack import DemoStack
from incident_lib.demo.standby import Standby, why_no_standby


def _pause_the_standby(stack: DemoStack) -> None:
    standby = Standby(stack.running.postgres)
    standby.start()
    standby.pause()


_fault = partial(Fault, target="db")

FAULTS = (
    _fault(
        name="replication-lag",
        title="A standby receives what the database writes, and its replay was paused for a report",
        settle_seconds=10.0,
        break_stack=_pause_the_standby,
        mend_stack=lambda stack: Standby(stack.running.postgres).stop(),
        why_not=why_no_standby,
    ),
    _fault(
        name="db-disk-full",
        title="The small disk that the orders were moved to is full of an audit log",
        settle_seconds=12.0,
        break_stack=lambda stack: tablespace.fill(stack.running.postgres),
        mend_stack=lambda stack: tablespace.empty(stack.running.postgres),
        why_not=tablespace.why_no_disk,
    ),
)
